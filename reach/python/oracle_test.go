package python

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
)

// trace imports a module in dir with -X importtime and calls its handler. It
// returns the files of dir that python loaded. The test is skipped where there is
// no python.
func trace(t *testing.T, dir, module string) []string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here to compare with")
	}
	out := filepath.Join(t.TempDir(), "out")
	script := fmt.Sprintf(`
import sys, atexit, importlib
sys.dont_write_bytecode = True
seen = set()
def note():
    for m in list(sys.modules.values()):
        seen.add(getattr(m, '__file__', None) or '')
    with open(%q, 'w') as f:
        f.write('\n'.join(sorted(seen)))
sys.path.insert(0, %q)
try:
    m = importlib.import_module(%q)
    getattr(m, 'handler', lambda e, c: None)({}, None)
finally:
    note()
`, out, dir, module)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "-S", "-X", "importtime", "-c", script)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("python: %v: %s", err, text[max(0, len(text)-300):]) // what it loaded until then counts
	}
	data, _ := os.ReadFile(out)
	var files []string
	for f := range strings.FieldsSeq(string(data)) {
		if rel, err := filepath.Rel(dir, f); err == nil && !strings.HasPrefix(rel, "..") {
			files = append(files, filepath.ToSlash(rel))
		}
	}
	// importtime also has what was taken out of sys.modules again.
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "import time:") {
			continue
		}
		name := strings.TrimSpace(line[strings.LastIndexByte(line, '|')+1:])
		at := strings.ReplaceAll(name, ".", "/")
		for _, f := range []string{at + ".py", at + "/__init__.py"} {
			if _, err := os.Stat(filepath.Join(dir, f)); err == nil {
				files = append(files, f)
			}
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
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
		if !Wants(rel) || e.Type()&fs.ModeSymlink != 0 {
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

// dists adds the information of distributions: "a", or "a=x,y" with its modules.
func dists(files map[string]string, specs ...string) map[string]string {
	for _, spec := range specs {
		name, mods, _ := strings.Cut(spec, "=")
		if mods == "" {
			mods = name
		}
		at := name + "-1.0.dist-info/"
		var record []string
		for m := range strings.SplitSeq(mods, ",") {
			found := false
			for f := range files {
				if f == m+".py" || strings.HasPrefix(f, m+"/") {
					record, found = append(record, f+",,"), true
				}
			}
			if !found {
				files[m+".py"] = ""
				record = append(record, m+".py,,")
			}
		}
		if _, ok := files[at+"METADATA"]; !ok {
			files[at+"METADATA"] = "Name: " + name + "\n"
		}
		files[at+"RECORD"] = strings.Join(record, "\n")
	}
	return files
}

var programs = []struct {
	why   string
	files map[string]string
	yes   string // distributions that must be yes
	no    string // distributions that must be no
}{
	{"imports of all kinds", dists(map[string]string{
		"app.py":        "import a, b.sub as x\nfrom c import (d,\n  e) # , z\nif 0: import f\ntry:\n    import g\nexcept ImportError: pass\ndef handler(e, c):\n    import h; from i.j import k\n\"import z\"",
		"b/__init__.py": "", "b/sub.py": "import l", "i/__init__.py": "import m", "i/j.py": "k=1", "c.py": "d=e=1",
	}, "a", "b", "c", "f", "g", "h", "i", "l", "m", "z"), "a b c f g h i l m", "z"},
	{"relative imports", dists(map[string]string{
		"app.py": "import p.q.r\ndef handler(e, c): pass", "p/__init__.py": "", "p/q/__init__.py": "", "p/q/r.py": "from . import s\nfrom .. import t\nfrom ..u.v import w",
		"p/q/s.py": "import a", "p/t.py": "import b", "p/u/__init__.py": "", "p/u/v.py": "w=1\nimport c", "p/n.py": "import z",
	}, "a", "b", "c", "p", "z"), "a b c p", "z"},
	{"a namespace package of two distributions", dists(map[string]string{
		"app.py": "from ns.one import x", "ns/one/__init__.py": "x=1", "ns/two/__init__.py": "import z",
	}, "one=ns/one", "two=ns/two", "z"), "one", "two z"},
	{"constants of importlib", dists(map[string]string{
		"app.py": "import importlib\ndef handler(e, c):\n    importlib.import_module('a.b')\n    __import__('c')", "a/__init__.py": "", "a/b.py": "",
	}, "a", "c", "z"), "a c", "z"},
	{"a name in a string", dists(map[string]string{
		"app.py": "import load\ndef handler(e, c): load.load('plug.in:x')", "load.py": "import importlib\ndef load(n): return importlib.import_module(n.split(':')[0])",
		"plug/__init__.py": "", "plug/in_.py": "", "plug/in.py": "x=1",
	}, "load", "plug", "z"), "load", "z"},
	{"a name in configuration", dists(map[string]string{
		"app.py": "import load\ndef handler(e, c): load.load()", "load.py": "import importlib, json\ndef load(): return importlib.import_module(json.load(open('settings.json'))['driver'])",
		"settings.json": `{"driver": "plug"}`,
	}, "load", "plug", "z"), "load", "z"},
	{"entry points", dists(map[string]string{
		"app.py": "import load\ndef handler(e, c): load.load()", "load.py": "import os\ndef load():\n    from importlib.metadata import entry_points, distributions\n    for d in distributions(path=['.']):\n        for e in d.entry_points: e.load()",
		"plug-1.0.dist-info/entry_points.txt": "[load.plugins]\nx = plug\n",
	}, "load", "plug", "z"), "load", "z"},
	{"evaluated text", dists(map[string]string{
		"app.py": "import a", "a.py": "n = 'b'\nexec('import ' + n)",
	}, "a", "b", "z"), "a", "z"},
	{"own code that loads anything", dists(map[string]string{
		"app.py": "import importlib\ndef handler(e, c): importlib.import_module(chr(122))",
	}, "z"), "", ""},
	{"a requirement loaded by a computed name", dists(map[string]string{
		"app.py": "import a", "a.py": "__import__('b' + 'c')", "a-1.0.dist-info/METADATA": "Name: a\nRequires-Dist: BC (>=1)\n\nRequires-Dist: z\n",
	}, "a", "bc", "z"), "a", "z"},
	{"star with __all__", dists(map[string]string{
		"app.py": "from a import *", "a/__init__.py": "__all__ = ['s']", "a/s.py": "import b",
	}, "a", "b", "z"), "a", "z"},
	{"six moves nothing", dists(map[string]string{
		"app.py": "import a.b.c", "a/__init__.py": "", "a/b/__init__.py": "from a.d import e", "a/b/c.py": "", "a/d.py": "from x.y import e", "x/__init__.py": "", "x/y.py": "e = 1",
	}, "a", "x", "z"), "a x", "z"},
	{"strings over lines and prefixes", dists(map[string]string{
		"app.py": "x = r'\\''\ny = '''\nimport z\n'''\nz_ = f\"{y!r:>{10}}\"\nw = b'\\\\'\nimport a \\\n  , b\nfrom c import \\\n  d", "c.py": "d=1",
	}, "a", "b", "c", "z"), "a b c", "z"},
}

func TestAgainstPython(t *testing.T) {
	for _, tt := range programs {
		t.Run(tt.why, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range tt.files {
				name = filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			files := load(t, dir)
			got, owner := reach(t, files, "app")
			for _, want := range []struct {
				names string
				reach fnvet.Reach
			}{{tt.yes, fnvet.ReachYes}, {tt.no, fnvet.ReachNo}} {
				for name := range strings.FieldsSeq(want.names) {
					if got[name] != want.reach {
						t.Errorf("%s is %s, want %s", name, got[name], want.reach)
					}
				}
			}
			loaded := trace(t, dir, "app")
			if len(loaded) == 0 {
				t.Fatal("python loaded nothing")
			}
			compare(t, got, owner, loaded)
		})
	}
}

// reach answers by distribution, and says to which each module belongs.
func reach(t *testing.T, files []File, module string) (map[string]fnvet.Reach, map[string][]string) {
	t.Helper()
	p := Program{Modules: []string{module}, Roots: []string{""}}
	answers, ok, err := Reach(t.Context(), files, p)
	if err != nil || !ok {
		t.Fatalf("no entry %s (%v)", module, err)
	}
	w := newWalk(files, p)
	got := make(map[string]fnvet.Reach)
	owner := make(map[string][]string)
	for _, j := range w.dists {
		for _, i := range j.members {
			owner[files[i].Name] = append(owner[files[i].Name], j.name)
		}
		for _, a := range answers {
			if a.File == j.manifest {
				got[j.name] = a.Reach
			}
		}
	}
	return got, owner
}

func compare(t *testing.T, got map[string]fnvet.Reach, owner map[string][]string, loaded []string) {
	t.Helper()
	for _, f := range loaded {
		for _, d := range owner[f] {
			if got[d] == fnvet.ReachNo {
				t.Errorf("python loads %s of %s, of which it was said that it cannot be loaded", f, d)
			}
		}
	}
}

// TestAgainstPythonCorpus imports every top-level name of real trees made by
// pip install -t. Name them in FNVET_REACH_PYTHON, as in PATH.
func TestAgainstPythonCorpus(t *testing.T) {
	list := os.Getenv("FNVET_REACH_PYTHON")
	if list == "" {
		t.Skip("FNVET_REACH_PYTHON names no trees")
	}
	for _, dir := range filepath.SplitList(list) {
		files := load(t, dir)
		files = slices.DeleteFunc(files, func(f File) bool { return f.Name == "app.py" })
		w := newWalk(files, Program{Roots: []string{""}})
		var names []string
		for name, i := range w.at {
			if mod, ok := strings.CutSuffix(name, ".py"); ok && len(w.owners[i]) > 0 {
				mod = strings.TrimSuffix(mod, "/__init__")
				if strings.Count(mod, "/") < 2 && !strings.Contains(mod, "-") && !strings.HasSuffix(mod, "__main__") {
					names = append(names, strings.ReplaceAll(mod, "/", "."))
				}
			}
		}
		slices.Sort(names)
		if len(names) == 0 {
			t.Fatalf("no modules in %s", dir)
		}
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				got, owner := reach(t, files, name)
				count := map[fnvet.Reach]int{}
				for _, r := range got {
					count[r]++
				}
				t.Logf("%v", count)
				compare(t, got, owner, trace(t, dir, name))
			})
		}
	}
}

// BenchmarkScan reads the modules of FNVET_REACH_PYTHON.
func BenchmarkScan(b *testing.B) {
	var all [][]byte
	var size int64
	for _, dir := range filepath.SplitList(os.Getenv("FNVET_REACH_PYTHON")) {
		err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(p, ".py") {
				return err
			}
			data, err := os.ReadFile(p)
			all, size = append(all, data), size+int64(len(data))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if len(all) == 0 {
		b.Skip("FNVET_REACH_PYTHON names no trees")
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, data := range all {
			Scan(data)
		}
	}
}
