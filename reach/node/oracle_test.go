package node

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
)

// tracer makes node write every module it loads into $TRACE: CommonJS by its
// extensions, ESM by a load hook, in this process and in those it starts.
const tracer = `
const fs = require('fs'), Module = require('module');
const note = (f) => fs.appendFileSync(process.env.TRACE, f + '\n');
for (const ext of Object.keys(Module._extensions)) {
  const old = Module._extensions[ext];
  Module._extensions[ext] = function (m, f) { note(f); return old.apply(this, arguments); };
}
if (require('worker_threads').isMainThread) Module.register('data:text/javascript,' + encodeURIComponent(` + "`" + `
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
export async function load(url, context, next) {
  if (url.startsWith('file:')) fs.appendFileSync(process.env.TRACE, fileURLToPath(url) + '\\n');
  return next(url, context);
}` + "`" + `));
`

// node runs a script in dir and returns the files it loaded, relative to dir.
// The test is skipped where there is no node.
func trace(t *testing.T, dir, script string) []string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here to compare with")
	}
	tools := t.TempDir()
	hook, out := filepath.Join(tools, "trace.cjs"), filepath.Join(tools, "out")
	write(t, hook, tracer)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "-e", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TRACE="+out, "NODE_OPTIONS=--require="+hook, "NODE_NO_WARNINGS=1")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Logf("node: %v: %.300s", err, text) // what it loaded until then counts
	}
	data, _ := os.ReadFile(out)
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for line := range strings.Lines(string(data)) {
		if rel, err := filepath.Rel(real, strings.TrimSpace(line)); err == nil && !strings.HasPrefix(rel, "..") {
			files = append(files, filepath.ToSlash(rel))
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// load reads a directory into Files.
func load(t *testing.T, dir string) []File {
	t.Helper()
	var files []File
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		rel = filepath.ToSlash(rel)
		if e.Type()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(p)
			if err != nil {
				return err
			}
			files = append(files, File{Name: rel, Link: strings.TrimPrefix(filepath.ToSlash(filepath.Join(filepath.Dir(rel), to)), "\x00")})
			files[len(files)-1].Link = filepath.ToSlash(to)
			return nil
		}
		if !Wants(rel) {
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		files = append(files, Read(rel, data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// pkg writes a package.json.
func pkg(name, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"name":%q,"version":"1.0.0"%s}`, name, more)
}

// with adds files of packages that export their name and nothing else.
func with(files map[string]string, names ...string) map[string]string {
	for _, n := range names {
		at := "node_modules/" + n
		if _, ok := files[at+"/package.json"]; !ok {
			files[at+"/package.json"] = pkg(n, "")
		}
		if _, ok := files[at+"/index.js"]; !ok {
			files[at+"/index.js"] = fmt.Sprintf("module.exports = %q", n)
		}
	}
	return files
}

var nodePrograms = []struct {
	why   string
	files map[string]string
	links map[string]string // name → target
	entry string            // default index.js
	yes   string            // packages that must be yes
	no    string            // packages that must be no
}{
	{why: "constants of all kinds", yes: "a b c d e f", no: "z", files: with(map[string]string{
		"index.js":                "const a = require('a'); exports.handler = async () => { await import('b'); require(`c`); module.require('d'); require('./lib'); }",
		"lib.js":                  "require('d'); require('e/sub/x'); try { require('f') } catch {} // require('z')",
		"node_modules/e/sub/x.js": "", "node_modules/e/sub/y.js": "require('z')",
	}, "a", "b", "c", "d", "e", "f", "z")},
	{why: "nested copies", yes: "node_modules/a/node_modules/b", no: "node_modules/b", files: with(map[string]string{
		"index.js": "require('a')", "node_modules/a/index.js": "require('b')",
		"node_modules/a/node_modules/b/package.json": pkg("b", ""), "node_modules/a/node_modules/b/index.js": "",
	}, "a", "b")},
	{why: "conditions of exports", yes: "a req imp", no: "browser wrong", entry: "index.mjs", files: with(map[string]string{
		"index.mjs":                   "import 'a'; import {createRequire} from 'module'; const require = createRequire(import.meta.url); require('a')",
		"node_modules/a/package.json": pkg("a", `"main":"wrong.js","exports":{".":{"browser":"./b.js","node":{"import":"./i.mjs","require":"./r.cjs"},"default":"./wrong.js"}}`),
		"node_modules/a/b.js":         "require('browser')", "node_modules/a/i.mjs": "import 'imp'", "node_modules/a/r.cjs": "require('req')", "node_modules/a/wrong.js": "require('wrong')",
	}, "req", "imp", "browser", "wrong")},
	{why: "patterns, null and self reference", yes: "a b", no: "z", files: with(map[string]string{
		"index.js":                    "require('a/f/one'); require('a')",
		"node_modules/a/package.json": pkg("a", `"exports":{".":"./m.js","./f/*":"./src/*.js","./f/secret/*":null,"./q/*":"./q/*/z.js"}`),
		"node_modules/a/m.js":         "require('a/f/one')", "node_modules/a/src/one.js": "require('b')", "node_modules/a/src/two.js": "require('z')",
	}, "b", "z")},
	{why: "imports of the package", yes: "a b c", no: "z", files: with(map[string]string{
		"index.js":                    "require('a'); require('#own/x')",
		"package.json":                pkg("fn", `"imports":{"#own/*":"./lib/*.js","#z":"z"}`),
		"lib/x.js":                    "require('c')",
		"node_modules/a/package.json": pkg("a", `"imports":{"#dep":{"require":"b","default":"z"}}`),
		"node_modules/a/index.js":     "require('#dep')",
	}, "b", "c", "z")},
	{why: "main without an extension, a directory, a wrong one", yes: "a b c d", no: "z", files: with(map[string]string{
		"index.js":                    "for (const f of [() => require('a'), () => require('b'), () => require('c/'), () => require('d')]) f()",
		"node_modules/a/package.json": pkg("a", `"main":"lib/main"`), "node_modules/a/lib/main.js": "", "node_modules/a/index.js": "require('z')",
		"node_modules/b/package.json": pkg("b", `"main":"./lib"`), "node_modules/b/lib/index.js": "", "node_modules/b/index.js": "require('z')",
		"node_modules/c/package.json": pkg("c", `"main":"gone.js"`), "node_modules/c/index.json": "{}", "node_modules/c/index.js": "",
		"node_modules/d/package.json": pkg("d", `"main":"x.json"`), "node_modules/d/x.json": "{}", "node_modules/d/index.js": "require('z')",
	}, "z")},
	{why: "esm without exports", yes: "a b", no: "z", entry: "index.js", files: with(map[string]string{
		"package.json":                pkg("fn", `"type":"module"`),
		"index.js":                    "import 'a'; import './lib/x.js?v=1'; export const handler = async () => 1",
		"lib/x.js":                    "import 'b/deep.js'; export {default} from 'b'",
		"node_modules/a/package.json": pkg("a", `"main":"m","module":"m.mjs"`), "node_modules/a/m.js": "", "node_modules/a/m.mjs": "import 'z'",
		"node_modules/b/deep.js": "",
	}, "b", "z")},
	{why: "links as pnpm makes them", yes: "node_modules/.pnpm/a@1.0.0/node_modules/a node_modules/.pnpm/b@2.0.0/node_modules/b", no: "node_modules/.pnpm/b@1.0.0/node_modules/b",
		links: map[string]string{
			"node_modules/a": ".pnpm/a@1.0.0/node_modules/a", "node_modules/b": ".pnpm/b@1.0.0/node_modules/b",
			"node_modules/.pnpm/a@1.0.0/node_modules/b": "../../b@2.0.0/node_modules/b",
		},
		files: map[string]string{
			"index.js": "require('a')",
			"node_modules/.pnpm/a@1.0.0/node_modules/a/package.json": pkg("a", ""), "node_modules/.pnpm/a@1.0.0/node_modules/a/index.js": "require('b')",
			"node_modules/.pnpm/b@1.0.0/node_modules/b/package.json": pkg("b", ""), "node_modules/.pnpm/b@1.0.0/node_modules/b/index.js": "",
			"node_modules/.pnpm/b@2.0.0/node_modules/b/package.json": pkg("b", ""), "node_modules/.pnpm/b@2.0.0/node_modules/b/index.js": "",
		}},
	{why: "an engine named in a string", yes: "views", no: "z", files: with(map[string]string{
		"index.js":                    "const v = require('views'); exports.handler = async () => v.set('pug')",
		"node_modules/views/index.js": "exports.set = (name) => require(name)",
	}, "views", "pug", "z")},
	{why: "an engine named in configuration", yes: "views", no: "z", files: with(map[string]string{
		"index.js":      "const v = require('views'); exports.handler = async () => v.set(JSON.parse(require('fs').readFileSync(__dirname + '/settings.json')).engine)",
		"settings.json": `{"engine": "pug"}`, "node_modules/views/index.js": "exports.set = (name) => require(name)",
	}, "views", "pug", "z")},
	{why: "plugins by the list of dependencies", yes: "load", no: "z", files: with(map[string]string{
		"package.json": pkg("fn", `"dependencies":{"load":"1","plugin":"1"}`),
		"index.js":     "exports.handler = async () => require('load')()",
		"node_modules/load/index.js": `const fs = require('fs'), path = require('path');
			module.exports = () => { for (const n in JSON.parse(fs.readFileSync(path.join(process.cwd(), 'package.json'))).dependencies) require(n) }`,
	}, "load", "plugin", "z")},
	{why: "plugins with a computed name", yes: "load", no: "z", files: with(map[string]string{
		"index.js":                   "exports.handler = async () => require('load')('one')",
		"node_modules/load/index.js": "module.exports = (n) => require('load-plugin-' + n)",
	}, "load", "load-plugin-one", "load-plugin-two", "z")},
	{why: "a helper that loads paths of its caller", yes: "a fresh", no: "z", files: with(map[string]string{
		"index.js":                    "exports.handler = async () => require('a')",
		"node_modules/a/index.js":     "require('fresh')(__dirname, './late')",
		"node_modules/a/late.js":      "require('b')",
		"node_modules/fresh/index.js": "module.exports = (dir, f) => require(require('path').join(dir, f))",
	}, "a", "b", "fresh", "z")},
	{why: "a helper given a name", yes: "a fresh", no: "z", files: with(map[string]string{
		"index.js":                    "exports.handler = async () => require('a')",
		"node_modules/a/index.js":     "require('fresh')(module, 'b')",
		"node_modules/fresh/index.js": "module.exports = (m, n) => m.require(n)",
	}, "a", "b", "fresh", "z")},
	{why: "the caller's own routes", yes: "a", no: "z", files: with(map[string]string{
		"index.js":                   "exports.handler = async () => require('a')",
		"node_modules/a/index.js":    "for (const n of ['x']) require('./routes/' + n)",
		"node_modules/a/routes/x.js": "require('b')",
	}, "a", "b", "z")},
	{why: "own code that loads anything", yes: "", no: "", files: with(map[string]string{
		"index.js": "exports.handler = async () => require(['z'][0])",
	}, "z")},
	{why: "evaluated text", yes: "a", no: "z", files: with(map[string]string{
		"index.js":                "exports.handler = async () => require('a')",
		"node_modules/a/index.js": "new Function('require', 'return ' + `require(${JSON.stringify('b')})`)(require)",
	}, "a", "b", "z")},
	{why: "a process", yes: "a", no: "z", files: with(map[string]string{
		"index.js":                "exports.handler = async () => require('a')",
		"node_modules/a/index.js": "require('child_process').execFileSync(process.execPath, [__dirname + '/child.js'])",
		"node_modules/a/child.js": "require('b')",
	}, "a", "b", "z")},
	{why: "a worker", yes: "a", no: "z", files: with(map[string]string{
		"index.js":                "exports.handler = async () => require('a')()",
		"node_modules/a/index.js": "module.exports = () => new Promise((r) => new (require('worker_threads').Worker)(__dirname + '/w.js').on('exit', r))",
		"node_modules/a/w.js":     "require('b')",
	}, "a", "b", "z")},
	{why: "json beside a script, and a script without an extension", yes: "a b", no: "z", files: with(map[string]string{
		"index.js": "require('./x'); require('a/bin/tool')", "x.json": "{}", "node_modules/a/bin/tool": "#!/usr/bin/env node\nrequire('b')",
	}, "a", "b", "z")},
	{why: "a core module's name", yes: "a buffer", no: "punycode", files: with(map[string]string{
		"index.js": "require('a'); require('punycode')", "node_modules/a/index.js": "require('buffer/')",
	}, "a", "buffer", "punycode")},
}

func TestAgainstNode(t *testing.T) {
	for _, tt := range nodePrograms {
		t.Run(tt.why, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range tt.files {
				write(t, filepath.Join(dir, filepath.FromSlash(name)), content)
			}
			for name, to := range tt.links {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(filepath.FromSlash(to), filepath.Join(dir, filepath.FromSlash(name))); err != nil {
					t.Skip("no symbolic links here")
				}
			}
			entry := tt.entry
			if entry == "" {
				entry = "index.js"
			}
			files := load(t, dir)
			got := reach(t, files, entry)
			for _, want := range []struct {
				names string
				reach fnvet.Reach
			}{{tt.yes, fnvet.ReachYes}, {tt.no, fnvet.ReachNo}} {
				for name := range strings.FieldsSeq(want.names) {
					if !strings.HasPrefix(name, "node_modules/") {
						name = "node_modules/" + name
					}
					if got[name].Reach != want.reach {
						t.Errorf("%s is %s, want %s", name, got[name].Reach, want.reach)
					}
				}
			}
			loaded := trace(t, dir, fmt.Sprintf("import('./%s').then(m => (m.handler || m.default?.handler || (() => 0))({})).catch(e => { console.error(e); process.exitCode = 1 })", entry))
			if len(loaded) == 0 {
				t.Fatal("node loaded nothing")
			}
			compare(t, got, loaded)
		})
	}
}

// reach answers by package directory and, for own scripts, by name.
func reach(t *testing.T, files []File, entry string) map[string]Answer {
	t.Helper()
	answers, ok, err := Reach(t.Context(), files, Program{Entries: []string{entry}})
	if err != nil || !ok {
		t.Fatalf("no entry %s (%v)", entry, err)
	}
	got := make(map[string]Answer, len(answers))
	for _, a := range answers {
		got[strings.TrimSuffix(files[a.File].Name, "/package.json")] = a
	}
	return got
}

// compare holds the answers against what node loaded.
func compare(t *testing.T, got map[string]Answer, loaded []string) {
	t.Helper()
	for _, f := range loaded {
		at := packageDir(f)
		if at == "" {
			at = f
		}
		if a, ok := got[at]; ok && a.Reach == fnvet.ReachNo {
			t.Errorf("node loads %s, of which it was said that it cannot be loaded", f)
		}
	}
}

// TestAgainstNodeCorpus requires and imports every package of real trees. Name
// directories with a node_modules in FNVET_REACH_TREES, as in PATH.
func TestAgainstNodeCorpus(t *testing.T) {
	list := os.Getenv("FNVET_REACH_TREES")
	if list == "" {
		t.Skip("FNVET_REACH_TREES names no trees")
	}
	for _, dir := range filepath.SplitList(list) {
		files := load(t, dir)
		files = slices.DeleteFunc(files, func(f File) bool { return !strings.HasPrefix(f.Name, "node_modules/") && f.Name != "package.json" })
		var names []string
		for _, f := range files {
			if at := packageDir(f.Name); f.Name == at+"/package.json" && strings.Count(at, "node_modules") == 1 {
				names = append(names, strings.TrimPrefix(at, "node_modules/"))
			}
		}
		if len(names) == 0 {
			t.Fatalf("no packages in %s", dir)
		}
		for i, name := range names {
			script := fmt.Sprintf("require(%q)", name)
			if i%2 == 1 {
				script = fmt.Sprintf("import(%q)", name)
			}
			t.Run(name, func(t *testing.T) {
				runtime.Gosched()
				all := append(slices.Clone(files), Read("entry-of-the-test.js", []byte(script)))
				got := reach(t, all, "entry-of-the-test.js")
				count := map[fnvet.Reach]int{}
				for _, a := range got {
					count[a.Reach]++
				}
				t.Logf("%v", count)
				compare(t, got, trace(t, dir, script))
			})
		}
	}
}
