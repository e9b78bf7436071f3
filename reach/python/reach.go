package python

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// A Program is how a function starts.
type Program struct {
	// Modules are the dotted names that run first.
	Modules []string
	// Scripts are files that run first.
	Scripts []string
	// Guessed says that the start follows conventions: any other module of the
	// program may be the handler.
	Guessed bool
	// Roots are the directories of sys.path, first come first.
	Roots []string
	// Free says that the start could not be understood: nothing is ruled out.
	Free bool
}

// An Answer is whether the program can load a distribution; File is the index
// of its METADATA or PKG-INFO.
type Answer struct {
	File  int
	Reach fnvet.Reach
	// Via is the chain of files that import each other, from the entry, and the
	// name of the distribution at the end; set for ReachYes only.
	Via []string
}

const (
	never uint8 = iota
	maybe
	sure
)

type walk struct {
	files  []File
	at     map[string]int   // modules by name
	dirs   map[string]bool  // directories with modules below them
	base   map[string][]int // modules by directory
	stems  map[string][]int // extensions by name up to the first dot
	roots  []string
	extra  []string // further places that may be on sys.path
	dists  []*joined
	owners [][]*joined // of each file
	byName map[string][]*joined
	byHash map[uint32][]string // names of top-level modules
	state  []uint8
	parent []int32
	queue  []int
	seen   []int
	open   bool
	plug   bool
	all    bool
	evals  bool
	coded  []int
	data   bool // there are pickles
	named  map[string]bool
	spent  int // look-ups done; past maxSteps nothing is ruled out any more
}

// maxSteps bounds the look-ups for one file system.
const maxSteps = 40_000_000

// tired says that the search takes too long: nothing is ruled out then.
func (w *walk) tired() bool {
	if w.spent > maxSteps {
		w.all = true
	}
	return w.all
}

// Reach answers for every distribution of a file system. ok is false when no
// entry is there: then nothing is known.
func Reach(ctx context.Context, files []File, p Program) (answers []Answer, ok bool, err error) {
	w := newWalk(files, p)
	for _, s := range p.Scripts {
		if i, ok := w.at[s]; ok {
			w.enter(i, sure, -1)
		}
	}
	for _, m := range p.Modules {
		w.load(m, sure, -1)
	}
	if len(w.queue) == 0 {
		return nil, false, nil
	}
	w.startup()
	if err := w.run(ctx, sure); err != nil {
		return nil, false, err
	}
	w.all = w.all || p.Free
	if p.Guessed {
		w.candidates()
	}
	w.queue = slices.Clone(w.seen)
	if err := w.run(ctx, maybe); err != nil {
		return nil, false, err
	}
	return w.answers(), true, nil
}

func newWalk(files []File, p Program) *walk {
	w := &walk{
		files: files, at: make(map[string]int), dirs: make(map[string]bool), base: make(map[string][]int), stems: make(map[string][]int), roots: slices.Clone(p.Roots),
		owners: make([][]*joined, len(files)), byName: make(map[string][]*joined), byHash: make(map[uint32][]string),
		state: make([]uint8, len(files)), parent: make([]int32, len(files)), named: make(map[string]bool),
	}
	for i := range files {
		f := &files[i]
		switch f.kind {
		case module, opaque:
			w.at[f.Name] = i
			dir := path.Dir(f.Name)
			w.base[dir] = append(w.base[dir], i)
			if stem, ext, _ := strings.Cut(path.Base(f.Name), "."); f.kind == opaque && ext != "pyc" {
				w.stems[path.Join(dir, stem)] = append(w.stems[path.Join(dir, stem)], i)
			}
			for ; dir != "." && !w.dirs[dir]; dir = path.Dir(dir) {
				w.dirs[dir] = true
			}
		case pickled:
			w.data = true
		case otherFile, config, start:
		}
	}
	w.join()
	w.places()
	return w
}

// beside are the module files of one name: a.py, a.so, a.cpython-311-x86_64-linux-gnu.so.
func (w *walk) beside(at string) []int {
	var out []int
	for _, ext := range []string{".py", ".pyc"} {
		if i, ok := w.at[at+ext]; ok {
			out = append(out, i)
		}
	}
	return append(out, w.stems[at]...)
}

// places finds the directories that may be on sys.path besides the roots: those
// with distributions in them.
func (w *walk) places() {
	known := make(map[string]bool)
	for i, r := range w.roots {
		if r == "" {
			w.roots[i] = "."
		}
		known[w.roots[i]] = true
	}
	for _, j := range w.dists {
		if root := path.Dir(j.dir); !known[root] {
			known[root] = true
			w.extra = append(w.extra, root)
		}
	}
	slices.Sort(w.extra)
	tops := make(map[string]bool)
	for _, root := range slices.Concat(w.roots, w.extra) {
		if w.tired() {
			break
		}
		w.spent += len(w.at)
		for name := range w.at {
			rest := name
			if root != "." {
				var ok bool
				if rest, ok = strings.CutPrefix(name, root+"/"); !ok {
					continue
				}
			}
			top, _, _ := strings.Cut(rest, "/")
			top, _, _ = strings.Cut(top, ".")
			tops[top] = true
		}
	}
	for t := range tops {
		w.byHash[hash(t)] = append(w.byHash[hash(t)], t)
	}
}

func (w *walk) enter(i int, how uint8, parent int32) {
	if w.state[i] >= how {
		return
	}
	if w.state[i] == never {
		w.seen = append(w.seen, i)
	}
	w.state[i], w.parent[i] = how, parent
	w.queue = append(w.queue, i)
}

// startup is what the interpreter runs first: .pth lines, sitecustomize.
func (w *walk) startup() {
	for i := range w.files {
		f := &w.files[i]
		if f.kind == start || path.Base(f.Name) == "sitecustomize.py" || path.Base(f.Name) == "usercustomize.py" {
			w.enter(i, maybe, -1)
		}
	}
}

// candidates are own modules that may be the handler after all.
func (w *walk) candidates() {
	for i := range w.files {
		f := &w.files[i]
		if f.kind == module && f.shown && len(w.owners[i]) == 0 && !development(f.Name) {
			w.enter(i, maybe, -1)
		}
	}
}

// development says whether a module is by its name for tests or for building.
func development(name string) bool {
	base := path.Base(name)
	if strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || base == "setup.py" || base == "conftest.py" {
		return true
	}
	for part := range strings.SplitSeq(path.Dir(name), "/") {
		if part == "test" || part == "tests" || part == "scripts" {
			return true
		}
	}
	return false
}

// run follows imports. With sure only constants count; with maybe everything else.
func (w *walk) run(ctx context.Context, how uint8) error {
	for n := 0; len(w.queue) > 0 && (how == sure || !w.all); n++ {
		if n%128 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		i := w.queue[0]
		w.queue = w.queue[1:]
		if w.state[i] == how {
			for _, ref := range w.files[i].Source.Refs {
				if w.tired() {
					return nil
				}
				w.ref(i, ref, how)
			}
		}
		if how == maybe {
			w.effects(i)
		}
	}
	return nil
}

// ref follows one import statement of a file.
func (w *walk) ref(from int, ref Ref, how uint8) {
	parent := int32(from) // #nosec G115 -- an index of a slice in memory
	load := func(name string) { w.load(name, how, parent) }
	if ref.Level > 0 {
		dir := path.Dir(w.files[from].Name)
		for range ref.Level - 1 {
			dir = path.Dir(dir)
		}
		load = func(name string) { w.under(dir, name, how, parent) }
		if ref.Module == "" {
			w.parts(dir, how, parent)
		}
	}
	if ref.Module != "" {
		load(ref.Module)
	}
	for name := range strings.SplitSeq(ref.Names, ",") {
		full := strings.Trim(ref.Module+"."+name, ".")
		switch name {
		case "":
		case "*":
			w.star(from, ref)
		default:
			load(full)
		}
	}
}

// star: "from a import *" imports the submodules that __all__ lists.
func (w *walk) star(from int, ref Ref) {
	name := strings.ReplaceAll(ref.Module, ".", "/")
	var dirs []string
	if ref.Level > 0 {
		dir := path.Dir(w.files[from].Name)
		for range ref.Level - 1 {
			dir = path.Dir(dir)
		}
		dirs = append(dirs, path.Join(dir, name))
	} else {
		for _, root := range slices.Concat(w.roots, w.extra) {
			dirs = append(dirs, path.Join(root, name))
		}
	}
	for _, d := range dirs {
		w.spent += len(w.base[d])
		for _, i := range w.base[d] {
			w.enter(i, maybe, -1)
		}
	}
}

// load follows an absolute name over sys.path. Where several places have it the
// first is taken for sure and the others may be.
func (w *walk) load(name string, how uint8, parent int32) {
	for _, root := range w.roots {
		if w.under(root, name, how, parent) {
			how = min(how, maybe)
		}
	}
	for _, root := range w.extra {
		w.under(root, name, maybe, -1)
	}
}

// under follows a dotted name from a directory and reports whether its first
// part is there: each package on the way runs its __init__.
func (w *walk) under(dir, name string, how uint8, parent int32) bool {
	found := false
	for part, rest := "", name; rest != ""; {
		part, rest, _ = strings.Cut(rest, ".")
		dir = path.Join(dir, part)
		w.spent += 8
		here := w.beside(dir)
		here = append(here, w.beside(path.Join(dir, "__init__"))...)
		for _, i := range here {
			w.enter(i, how, parent)
		}
		if len(here) == 0 && !w.dirs[dir] {
			return found
		}
		found = true
	}
	return found
}

func (w *walk) parts(dir string, how uint8, parent int32) {
	for _, i := range w.beside(path.Join(dir, "__init__")) {
		w.enter(i, how, parent)
	}
}

// effects is what a reached module may load beyond its constants.
func (w *walk) effects(i int) {
	f := &w.files[i]
	s := &f.Source
	if s.Flags&Dynamic != 0 || f.kind == opaque {
		w.dynamic(i)
	}
	if s.Flags&Pickle != 0 && w.data {
		w.all = true
	}
	if s.Flags&Plugins != 0 && !w.plug {
		w.plug = true
		for _, j := range w.dists {
			if j.plugins {
				w.mark(j)
			}
		}
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

// dynamic is a module that loads what no constant names. Own code may load
// anything; a distribution itself, what it requires, and what any reached
// module or configuration of the program names.
func (w *walk) dynamic(i int) {
	if len(w.owners[i]) == 0 {
		w.all = true
		return
	}
	for _, j := range w.owners[i] {
		w.mark(j)
		for _, name := range j.needs {
			for _, n := range w.byName[name] {
				w.mark(n)
			}
		}
	}
	if w.open {
		return
	}
	w.open = true
	for _, s := range slices.Clone(w.seen) {
		w.given(s)
	}
	for c := range w.files {
		if w.files[c].kind == config {
			w.given(c)
		}
	}
}

// mark reaches every module of a distribution.
func (w *walk) mark(j *joined) {
	if j.marked {
		return
	}
	j.marked = true
	for _, i := range j.members {
		w.enter(i, maybe, -1)
	}
}

// given is what a module may make others load: the packages that it names.
func (w *walk) given(i int) {
	s := &w.files[i].Source
	for _, h := range s.Names {
		for _, top := range w.byHash[h] {
			w.top(top)
		}
	}
	if s.Flags&Crowded != 0 {
		w.all = true
	}
}

// top reaches a top-level name with all that belongs to it.
func (w *walk) top(name string) {
	if w.named[name] {
		return
	}
	w.named[name] = true
	for _, root := range slices.Concat(w.roots, w.extra) {
		at := path.Join(root, name)
		files := slices.Concat(w.beside(at), w.beside(path.Join(at, "__init__")))
		if len(files) == 0 && w.dirs[at] && !w.tired() { // a namespace: any part of it
			w.spent += len(w.at)
			for other, i := range w.at {
				if strings.HasPrefix(other, at+"/") {
					files = append(files, i)
				}
			}
		}
		for _, i := range files {
			w.enter(i, maybe, -1)
			for _, j := range w.owners[i] {
				w.mark(j)
			}
		}
	}
}
