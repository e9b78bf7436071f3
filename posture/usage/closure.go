package usage

import (
	"path"
	"strings"
)

// A web is the source files of a program by name, to follow imports in.
type web struct {
	root  string
	files map[string]*source
}

// from returns the files that the handler's file brings in, itself included; nil when
// it cannot be said: the handler is not found, or a module is chosen at run time.
func (w *web) from(handler string) map[string]bool {
	start := w.handlerFile(handler)
	if start == "" {
		return nil
	}
	seen, queue := map[string]bool{start: true}, []string{start}
	for len(queue) > 0 {
		s := w.files[queue[0]]
		queue = queue[1:]
		if s.anywhere {
			return nil
		}
		for _, m := range s.imports {
			for _, name := range w.resolve(s.name, m) {
				if !seen[name] {
					seen[name] = true
					queue = append(queue, name)
				}
			}
		}
	}
	return seen
}

var (
	scripts = []string{".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx"}
	// What an import of a built file is called before it is built.
	unbuilt = map[string][]string{".js": {".ts", ".tsx", ".jsx"}, ".mjs": {".mts"}, ".cjs": {".cts"}}
)

// handlerFile is the file that a handler of Node.js or Python names, or "".
func (w *web) handlerFile(handler string) string {
	i := strings.LastIndexByte(handler, '.')
	if i <= 0 || strings.Contains(handler, "::") {
		return ""
	}
	stem := handler[:i]
	dir, base := path.Split(stem)
	for _, ext := range append(scripts, ".py") {
		for _, s := range []string{stem, dir + strings.ReplaceAll(base, ".", "/")} {
			if name := path.Join(w.root, s+ext); w.files[name] != nil {
				return name
			}
		}
	}
	return ""
}

// resolve returns the files that an import in a file may mean.
func (w *web) resolve(from, module string) []string {
	var out []string
	add := func(name string) bool {
		name = path.Clean(name)
		if w.files[name] != nil {
			out = append(out, name)
			return true
		}
		return false
	}
	if path.Ext(from) == ".py" {
		w.python(from, module, add)
		return out
	}
	bases := []string{path.Join(path.Dir(from), module)}
	if !strings.HasPrefix(module, ".") {
		bases = []string{path.Join(w.root, module), path.Join(w.root, "src", module)}
	}
	for _, b := range bases {
		if add(b) {
			break
		}
		for _, ext := range scripts {
			_ = add(b+ext) || add(path.Join(b, "index"+ext))
		}
		for _, ext := range unbuilt[path.Ext(b)] {
			add(strings.TrimSuffix(b, path.Ext(b)) + ext)
		}
	}
	return out
}

// python adds a module, the packages around it, and the same beside the file.
func (w *web) python(from, module string, add func(string) bool) {
	dirs := []string{w.root, path.Dir(from)}
	if rest := strings.TrimLeft(module, "."); rest != module {
		up := path.Dir(from)
		for range len(module) - len(rest) - 1 {
			up = path.Dir(up)
		}
		dirs, module = []string{up}, rest
	}
	for _, dir := range dirs {
		at := dir
		for part := range strings.SplitSeq(module, ".") {
			at = path.Join(at, part)
			add(at + ".py")
			add(path.Join(at, "__init__.py"))
		}
	}
}
