package node

import (
	"context"
	"path"
	"slices"
	"strings"
)

// possible follows everything else until nothing is added.
func (w *walk) possible(ctx context.Context) error {
	w.queue = slices.Clone(w.seen)
	for n := 0; len(w.queue) > 0 && !w.all; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		i := w.queue[0]
		w.queue = w.queue[1:]
		if w.state[i] == maybe {
			for _, ref := range w.files[i].Source.Refs {
				if w.tired() {
					return nil
				}
				for _, h := range w.resolve(i, ref) {
					w.enter(h.file, maybe, -1)
				}
			}
		}
		w.effects(i)
	}
	return nil
}

// tired says that the search takes too long: nothing is ruled out then.
func (w *walk) tired() bool {
	if w.spent > maxSteps {
		w.all = true
	}
	return w.all
}

// effects is what a reached file may load beyond its constants.
func (w *walk) effects(i int) {
	s := &w.files[i].Source
	for _, p := range s.Prefixes {
		w.prefixed(i, p)
	}
	if s.Flags&Dynamic != 0 {
		w.dynamic(i)
	}
	if w.files[i].kind == addon {
		w.needs(w.owners[i])
	}
	if s.Flags&Code != 0 {
		w.coded = append(w.coded, i)
		if w.evals {
			w.dynamic(i)
		}
	}
	if s.Flags&Eval != 0 && !w.evals {
		w.evals = true
		for _, c := range w.coded {
			w.dynamic(c)
		}
	}
	if w.open {
		w.given(i)
	}
}

// prefixed is a computed specifier with a constant start.
func (w *walk) prefixed(i int, prefix string) {
	dir := w.owners[i]
	switch {
	case strings.HasPrefix(prefix, "./"), strings.HasPrefix(prefix, "../"):
		at := path.Join(path.Dir(w.files[i].Name), prefix[:strings.LastIndexByte(prefix, '/')+1])
		inside := at == dir || dir == "" && !strings.HasPrefix(at, "..") || strings.HasPrefix(at, dir+"/")
		if !inside || packageDir(at) != dir {
			w.dynamic(i)
			return
		}
		w.mark(dir)
	case prefix[0] == '/' || prefix[0] == '.' || strings.Contains(prefix, ":"):
		w.dynamic(i)
	default:
		w.stem(prefix)
	}
}

// stem marks every package whose name, or a path in which, starts like that.
func (w *walk) stem(prefix string) {
	if w.tired() {
		return
	}
	w.spent += len(w.names)
	for name, dirs := range w.names {
		if strings.HasPrefix(name, prefix) || strings.HasPrefix(prefix, name+"/") {
			for _, d := range dirs {
				w.mark(d)
			}
			w.linked(name)
		}
	}
}

// linked marks what links of that name point to.
func (w *walk) linked(name string) {
	if len(w.links) == 0 || w.tired() {
		return
	}
	w.spent += len(w.links)
	for from := range w.links {
		if strings.HasSuffix("/"+from, "/node_modules/"+name) {
			if real, ok := w.dir(from); ok {
				w.mark(packageDir(real))
			}
		}
	}
}

// dynamic is a file that loads what no constant names. Own code may load
// anything; a package itself, what it depends on, and what any reached file or
// configuration of the program names.
func (w *walk) dynamic(i int) {
	dir := w.owners[i]
	if dir == "" {
		w.all = true
		return
	}
	w.mark(dir)
	w.needs(dir)
	if w.open {
		return
	}
	w.open = true
	for _, s := range slices.Clone(w.seen) {
		w.given(s)
	}
	for _, m := range w.members[""] {
		if f := &w.files[m]; w.state[m] == never && (f.kind == jsonFile || f.kind == config) && f.pkg == nil {
			w.given(m)
		}
	}
}

// listed marks what the program depends on, once a package that may load names
// it was given also reads package.json.
func (w *walk) listed() {
	if w.lists {
		return
	}
	w.lists = true
	for _, m := range w.members[""] {
		if pkg := w.files[m].pkg; pkg != nil {
			for _, name := range slices.Concat(pkg.needs, pkg.dev) {
				w.nearest(path.Dir(w.files[m].Name), name)
			}
		}
	}
}

// needs marks the dependencies of a package.
func (w *walk) needs(dir string) {
	m := w.manifest(dir)
	if m == nil {
		return
	}
	for _, name := range m.needs {
		w.nearest(dir, name)
	}
}

// nearest marks the package of a name that a directory would find.
func (w *walk) nearest(dir, name string) {
	if dir == "." {
		dir = ""
	}
	for {
		if real, ok := w.dir(path.Join(dir, "node_modules", name)); ok {
			w.mark(packageDir(real))
			return
		}
		if dir == "" {
			break
		}
		if dir = path.Dir(dir); dir == "." {
			dir = ""
		}
	}
	for _, p := range w.nodePath {
		if real, ok := w.dir(path.Join(p, name)); ok {
			w.mark(packageDir(real))
		}
	}
}

// given is what a file may make others load: the packages and paths it names.
func (w *walk) given(i int) {
	s, dir := &w.files[i].Source, path.Dir(w.files[i].Name)
	for _, h := range s.Names {
		if w.tired() {
			return
		}
		if h == hash("package.json") {
			w.listed()
		}
		for _, name := range w.byHash[h] {
			w.nearest(dir, name)
			w.nearest("", name)
		}
	}
	for _, stem := range s.Stems {
		w.stem(stem)
	}
	for _, p := range s.Paths {
		if w.tired() {
			return
		}
		for _, from := range []string{dir, w.owners[i], ""} {
			for _, h := range w.relative(path.Join(from, p), p, false) {
				w.enter(h.file, maybe, -1)
			}
		}
	}
	if s.Flags&Here != 0 {
		w.mark(w.owners[i])
	}
	if s.Flags&Crowded != 0 {
		w.all = true
	}
}

// mark reaches every file of a package, or of the program itself.
func (w *walk) mark(dir string) {
	if w.marked[dir] {
		return
	}
	w.marked[dir] = true
	for _, i := range w.members[dir] {
		if f := &w.files[i]; dir != "" || f.kind != typed && !development(f.Name) {
			w.enter(i, maybe, -1)
		}
	}
}
