package node

import (
	"net/url"
	"path"
	"strings"
)

// maxSteps bounds the look-ups for one file system. Real trees of 30,000 files
// take under three million.
const maxSteps = 40_000_000

// maxLinks bounds the symbolic links followed for one path.
const maxLinks = 40

// root is where the file system of a package stands in a running function.
const root = "/var/task"

// builtins are the modules of Node.js that win over packages of the same name
// in every supported release.
var builtins = func() map[string]bool {
	m := make(map[string]bool)
	for w := range strings.FieldsSeq(`assert async_hooks buffer child_process cluster console constants crypto
		dgram diagnostics_channel dns domain events fs http http2 https inspector module net os path perf_hooks process
		punycode querystring readline repl stream string_decoder sys timers tls trace_events tty url util v8 vm wasi
		worker_threads zlib assert/strict dns/promises fs/promises path/posix path/win32 readline/promises
		stream/consumers stream/promises stream/web timers/promises util/types`) {
		m[w] = true
	}
	return m
}()

// A hit is a file that a specifier may stand for.
type hit struct {
	file int
	sure bool // no other file can be meant
}

// resolver finds files as Node does. Its errors are silent: what is not there is
// not loaded.
type resolver struct {
	files    []File
	at       map[string]int // by name
	dirs     map[string]bool
	links    map[string]string
	nodePath []string        // further directories of packages for require
	extra    map[string]bool // conditions the command line adds
	spent    int             // look-ups done; past maxSteps nothing is ruled out any more
}

func newResolver(files []File) *resolver {
	r := &resolver{files: files, at: make(map[string]int, len(files)), dirs: map[string]bool{"": true}, links: make(map[string]string)}
	for i := range files {
		f := &files[i]
		for d := path.Dir(f.Name); d != "." && !r.dirs[d]; d = path.Dir(d) {
			r.dirs[d] = true
		}
		if f.Link != "" {
			r.links[f.Name] = f.Link
			continue
		}
		r.at[f.Name] = i
	}
	return r
}

// real follows the links in a name; ok is false for loops and ways out.
func (r *resolver) real(name string) (string, bool) {
	if name == "." {
		name = ""
	}
	if len(r.links) == 0 {
		return name, !strings.HasPrefix(name, "../")
	}
	done, rest := "", name
	for budget := maxLinks; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, part)
		if next == ".." || strings.HasPrefix(next, "../") {
			return "", false
		}
		if next == "." {
			next = ""
		}
		to, linked := r.links[next]
		if !linked {
			done = next
			continue
		}
		if budget--; budget < 0 {
			return "", false
		}
		if strings.HasPrefix(to, "/") {
			done, rest = "", strings.Trim(to+"/"+rest, "/")
		} else {
			rest = strings.Trim(to+"/"+rest, "/")
		}
	}
	return done, true
}

func (r *resolver) file(name string) (int, bool) {
	r.spent++
	if i, ok := r.at[name]; ok {
		return i, true
	}
	if len(r.links) == 0 {
		return 0, false
	}
	real, ok := r.real(name)
	if !ok {
		return 0, false
	}
	i, ok := r.at[real]
	return i, ok
}

func (r *resolver) dir(name string) (string, bool) {
	r.spent++
	real, ok := r.real(name)
	return real, ok && r.dirs[real]
}

// manifest is the package.json of a directory, or nil.
func (r *resolver) manifest(dir string) *manifest {
	if i, ok := r.file(path.Join(dir, "package.json")); ok {
		return r.files[i].pkg
	}
	return nil
}

// asFile is LOAD_AS_FILE.
func (r *resolver) asFile(name string) (int, bool) {
	for _, ext := range []string{"", ".js", ".json", ".node"} {
		if i, ok := r.file(name + ext); ok {
			return i, true
		}
	}
	return 0, false
}

// asDir is LOAD_AS_DIRECTORY.
func (r *resolver) asDir(name string) (int, bool) {
	dir, ok := r.dir(name)
	if !ok {
		return 0, false
	}
	if m := r.manifest(dir); m != nil && m.main != "" {
		main := path.Join(dir, m.main)
		if i, ok := r.asFile(main); ok {
			return i, true
		}
		if i, ok := r.asFile(path.Join(main, "index")); ok {
			return i, true
		}
	}
	return r.asFile(path.Join(dir, "index"))
}

// resolve returns what a specifier in a file means.
func (r *resolver) resolve(from int, ref Ref) []hit {
	dir := path.Dir(r.files[from].Name)
	if dir == "." {
		dir = ""
	}
	switch ref.Kind {
	case Require, Import:
		return r.find(dir, ref.Spec, ref.Kind == Import)
	case Either:
		return append(unsure(r.find(dir, ref.Spec, false)), unsure(r.find(dir, ref.Spec, true))...)
	}
	return nil
}

func unsure(hits []hit) []hit {
	for i := range hits {
		hits[i].sure = false
	}
	return hits
}

func one(i int, sure bool) []hit { return []hit{{i, sure}} }

// find resolves a specifier from a directory.
func (r *resolver) find(dir, spec string, esm bool) []hit {
	if esm {
		spec = fromURL(spec)
	}
	plainSpec, schemed := strings.CutPrefix(spec, "node:")
	switch {
	case spec == "" || schemed || builtins[plainSpec] || strings.HasPrefix(spec, "data:"):
		return nil
	case spec[0] == '#':
		return r.inside(dir, spec, esm)
	case spec == "." || spec == ".." || strings.HasPrefix(spec, "./") || strings.HasPrefix(spec, "../"):
		return r.relative(path.Join(dir, spec), spec, esm)
	case spec[0] == '/':
		name, inTask := strings.CutPrefix(spec, root+"/")
		if hits := r.relative(strings.Trim(path.Clean(spec), "/"), spec, esm); hits != nil || !inTask {
			return hits
		}
		return r.relative(path.Clean(name), spec, esm)
	}
	return r.bare(dir, spec, esm)
}

// fromURL is the path that an ESM specifier means.
func fromURL(spec string) string {
	spec = strings.TrimPrefix(spec, "file://")
	if i := strings.IndexAny(spec, "?#"); i > 0 {
		spec = spec[:i]
	}
	if strings.Contains(spec, "%") {
		if s, err := url.PathUnescape(spec); err == nil {
			return s
		}
	}
	return spec
}

// relative resolves a path. ESM takes exact names only; what CommonJS would
// find beyond them is unsure, as loaders of programs may do so.
func (r *resolver) relative(name, spec string, esm bool) []hit {
	if strings.HasPrefix(name, "../") || name == ".." {
		return nil
	}
	onlyDir := strings.HasSuffix(spec, "/") || spec == "." || spec == ".." || strings.HasSuffix(spec, "/.") || strings.HasSuffix(spec, "/..")
	if !onlyDir {
		if i, ok := r.file(name); ok {
			return one(i, true)
		}
		if i, ok := r.asFile(name); ok {
			return one(i, !esm)
		}
		if hits := r.typescript(name); hits != nil {
			return hits
		}
	}
	if i, ok := r.asDir(name); ok {
		return one(i, !esm)
	}
	return nil
}

// typescript finds the source that a loader of TypeScript would take.
func (r *resolver) typescript(name string) []hit {
	base, js := strings.CutSuffix(name, ".js")
	for _, ext := range []string{".ts", ".mjs", ".cjs"} {
		if i, ok := r.file(name + ext); ok {
			return one(i, false)
		}
		if i, ok := r.file(base + ext); js && ok {
			return one(i, false)
		}
	}
	return nil
}

// scope is the nearest directory upwards with a package.json, within a package.
func (r *resolver) scope(dir string) (string, *manifest) {
	for {
		if m := r.manifest(dir); m != nil {
			return dir, m
		}
		if dir == "" || path.Base(dir) == "node_modules" {
			return "", nil
		}
		if dir = path.Dir(dir); dir == "." {
			dir = ""
		}
	}
}

// inside resolves "#x" by the imports of the package itself.
func (r *resolver) inside(dir, spec string, esm bool) []hit {
	at, m := r.scope(dir)
	if m == nil || m.imports == nil {
		return nil
	}
	r.spent += len(m.imports.keys)
	target, star := m.imports.lookUp(spec)
	return r.targets(at, target, star, true, esm)
}

// bare resolves a package name, upwards from a directory.
func (r *resolver) bare(dir, spec string, esm bool) []hit {
	name := packagePart(spec)
	sub := "." + spec[len(name):]
	if at, m := r.scope(dir); m != nil && m.exports != nil && m.name == name {
		r.spent += len(m.exports.keys)
		target, star := m.exports.lookUp(sub)
		if hits := r.targets(at, target, star, false, esm); hits != nil {
			return hits
		}
	}
	sure := true
	for up := dir; ; {
		if path.Base(up) != "node_modules" {
			hits, there := r.inPackage(path.Join(up, "node_modules", name), sub, esm)
			if hits != nil {
				if !sure {
					unsure(hits)
				}
				return hits
			}
			if there {
				sure = false // what follows is an error, or not, by the release
			}
		}
		if up == "" {
			break
		}
		if up = path.Dir(up); up == "." {
			up = ""
		}
	}
	for _, place := range r.nodePath {
		if hits, _ := r.inPackage(path.Join(place, name), sub, esm); hits != nil {
			return unsure(hits)
		}
	}
	return nil
}

// inPackage resolves a subpath ("." or "./x") of the package in a directory.
func (r *resolver) inPackage(dir, sub string, esm bool) (hits []hit, there bool) {
	real, ok := r.dir(dir)
	if !ok {
		if sub == "." || !esm {
			if i, ok := r.asFile(path.Join(dir, sub)); ok { // node_modules/x.js
				return one(i, !esm), true
			}
		}
		return nil, false
	}
	if m := r.manifest(real); m != nil && m.exports != nil {
		r.spent += len(m.exports.keys)
		target, star := m.exports.lookUp(sub)
		if hits := r.targets(real, target, star, false, esm); hits != nil {
			return hits, true
		}
		// Node before 12.7 knows no exports, and tools look past them.
		return unsure(r.plain(real, sub, esm)), true
	}
	return r.plain(real, sub, esm), true
}

func (r *resolver) plain(dir, sub string, esm bool) []hit {
	if sub == "." {
		if i, ok := r.asFile(dir); ok { // x.js beside x/
			return one(i, !esm)
		}
		if i, ok := r.asDir(dir); ok {
			return one(i, true)
		}
		return nil
	}
	return r.relative(path.Join(dir, sub), sub, esm)
}

// targets resolves a branch of exports or imports under every set of conditions
// a release may use. Where they differ no target is sure. Only imports may name
// other packages.
func (r *resolver) targets(dir string, b *branch, star string, others, esm bool) []hit {
	kind := "require"
	if esm {
		kind = "import"
	}
	var hits []hit
	seen := make(map[int]bool)
	for _, more := range []string{"", "module-sync"} {
		conditions := map[string]bool{"node": true, kind: true, "node-addons": true}
		for c := range r.extra {
			conditions[c] = true
		}
		if more != "" {
			conditions[more] = true
		}
		target, ok := b.pick(conditions, 0)
		if !ok || target == "" {
			continue
		}
		for _, h := range r.target(dir, substitute(target, star), others, esm) {
			if !seen[h.file] {
				seen[h.file] = true
				hits = append(hits, h)
			}
		}
	}
	if len(hits) > 1 {
		unsure(hits)
	}
	return hits
}

func (r *resolver) target(dir, target string, others, esm bool) []hit {
	if strings.HasPrefix(target, "./") {
		if i, ok := r.file(path.Join(dir, target)); ok {
			return one(i, true)
		}
		return unsure(r.relative(path.Join(dir, target), target, false))
	}
	if !others || strings.HasPrefix(target, "../") || strings.HasPrefix(target, "/") || strings.HasPrefix(target, "#") {
		return nil
	}
	return r.find(dir, target, esm)
}
