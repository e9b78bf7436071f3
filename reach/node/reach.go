package node

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// A Program is how a function starts.
type Program struct {
	// Entries are the files that run, by name, extensions optional.
	Entries []string
	// Guessed says that the entries follow conventions: any other file of the
	// program that exports something may be the real one.
	Guessed bool
	// Dir is the working directory; entries are relative to the root.
	Dir string
	// Preloads are specifiers that NODE_OPTIONS loads first.
	Preloads []string
	// Paths are the directories of NODE_PATH.
	Paths []string
	// Conditions are those that NODE_OPTIONS adds.
	Conditions []string
	// Also are directories whose scripts may run besides, as a runtime's do.
	Also []string
	// Free says that the start could not be understood: nothing is ruled out.
	Free bool
}

// An Answer is whether the program can load a package (File is the index of its
// package.json) or one of its own scripts (File is the index of that).
type Answer struct {
	File  int
	Reach fnvet.Reach
	// Via is the chain of files that import each other, from the entry, and the
	// name of the package at the end; set for ReachYes only.
	Via []string
}

// How far a file is reached.
const (
	never uint8 = iota
	maybe
	sure
)

// walk is the state of one search.
type walk struct {
	*resolver
	state   []uint8
	parent  []int32 // the importing file, -1 for entries
	owners  []string
	members map[string][]int // files by package directory
	first   map[string]int   // the file through which a package is loaded for sure
	through map[string]int   // the importer, where only the package is sure
	byHash  map[uint32][]string
	names   map[string][]string // package directories by package name
	open    bool                // something loads by a name it is given
	lists   bool                // and reads the program's package.json
	all     bool                // anything may be loaded
	evals   bool
	coded   []int // reached files with Code
	queue   []int
	seen    []int // every reached file, in order
	marked  map[string]bool
}

// Reach answers for every package below node_modules and every own script of a
// file system. ok is false when no entry is there: then nothing is known.
func Reach(ctx context.Context, files []File, p Program) (answers []Answer, ok bool, err error) {
	w := newWalk(files, p)
	entries := w.entries(p)
	if len(entries) == 0 {
		return nil, false, nil
	}
	for _, e := range entries {
		w.enter(e, sure, -1)
	}
	for _, spec := range p.Preloads {
		w.preload(p.Dir, spec)
	}
	if err := w.certain(ctx); err != nil {
		return nil, false, err
	}
	w.all = w.all || p.Free
	for _, dir := range p.Also {
		for i := range files {
			if f := &files[i]; f.kind == script && strings.HasPrefix(f.Name, dir+"/") && w.owners[i] == "" {
				w.enter(i, maybe, -1)
			}
		}
	}
	if p.Guessed {
		w.candidates()
	}
	if err := w.possible(ctx); err != nil {
		return nil, false, err
	}
	return w.answers(), true, nil
}

func newWalk(files []File, p Program) *walk {
	w := &walk{
		resolver: newResolver(files),
		state:    make([]uint8, len(files)), parent: make([]int32, len(files)), owners: make([]string, len(files)),
		members: make(map[string][]int), first: make(map[string]int), through: make(map[string]int),
		byHash: make(map[uint32][]string), names: make(map[string][]string), marked: make(map[string]bool),
	}
	w.nodePath, w.extra = p.Paths, make(map[string]bool)
	for _, c := range p.Conditions {
		w.extra[c] = true
	}
	for i := range files {
		dir := packageDir(files[i].Name)
		w.owners[i] = dir
		if w.members[dir] == nil && dir != "" {
			name := dir[strings.LastIndex("/"+dir, "/node_modules/")+len("node_modules/"):]
			if w.names[name] == nil {
				w.byHash[hash(name)] = append(w.byHash[hash(name)], name)
			}
			w.names[name] = append(w.names[name], dir)
		}
		if files[i].Link == "" {
			w.members[dir] = append(w.members[dir], i)
		} else if dir == files[i].Name {
			name := path.Base(dir)
			if parent := path.Base(path.Dir(dir)); strings.HasPrefix(parent, "@") {
				name = parent + "/" + name
			}
			if w.names[name] == nil {
				w.byHash[hash(name)] = append(w.byHash[hash(name)], name)
				w.names[name] = []string{}
			}
		}
	}
	return w
}

// entries finds the files that run.
func (w *walk) entries(p Program) []int {
	var found []int
	for _, e := range p.Entries {
		for _, ext := range []string{"", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"} {
			if i, ok := w.file(e + ext); ok {
				found = append(found, i)
			}
		}
		if i, ok := w.asDir(e); ok && len(found) == 0 {
			found = append(found, i)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (w *walk) preload(dir, spec string) {
	hits := append(w.find(dir, spec, false), w.find(dir, spec, true)...)
	for _, h := range hits {
		w.enter(h.file, sure, -1)
	}
}

// candidates are own files that may be the handler after all.
func (w *walk) candidates() {
	for _, i := range w.members[""] {
		f := &w.files[i]
		if f.shown && f.kind == script && !development(f.Name) {
			w.enter(i, maybe, -1)
		}
	}
}

// development says whether a file is by its name for tests or for building.
func development(name string) bool {
	base := path.Base(name)
	for _, mark := range []string{".test.", ".spec.", ".config.", ".stories."} {
		if strings.Contains(base, mark) {
			return true
		}
	}
	for part := range strings.SplitSeq(path.Dir(name), "/") {
		switch part {
		case "test", "tests", "__tests__", "__mocks__", "spec", "scripts", ".github", "coverage":
			return true
		}
	}
	return base == "gulpfile.js" || base == "Gruntfile.js"
}

// enter reaches a file.
func (w *walk) enter(i int, how uint8, parent int32) {
	if w.state[i] >= how {
		return
	}
	if w.state[i] == never {
		w.seen = append(w.seen, i)
	}
	w.state[i], w.parent[i] = how, parent
	w.queue = append(w.queue, i)
	if dir := w.owners[i]; how == sure {
		if _, ok := w.first[dir]; !ok {
			w.first[dir] = i
		}
	}
}

// certain follows what is imported by constants, breadth first. What it leaves
// open is in later.
func (w *walk) certain(ctx context.Context) error {
	var later []int
	for n := 0; len(w.queue) > 0; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		i := w.queue[0]
		w.queue = w.queue[1:]
		for _, ref := range w.files[i].Source.Refs {
			if w.tired() {
				return nil
			}
			hits := w.resolve(i, ref)
			for _, h := range hits {
				if h.sure {
					w.enter(h.file, sure, int32(i)) // #nosec G115 -- an index of a slice in memory
				} else {
					later = append(later, h.file)
				}
			}
			w.alternatives(i, ref, hits)
		}
	}
	for _, i := range later {
		w.enter(i, maybe, -1)
	}
	return nil
}

// alternatives: whichever file is taken, the package is loaded.
func (w *walk) alternatives(from int, ref Ref, hits []hit) {
	if ref.Kind == Either || len(hits) < 2 {
		return
	}
	dir := w.owners[hits[0].file]
	for _, h := range hits {
		if w.owners[h.file] != dir {
			return
		}
	}
	if _, ok := w.through[dir]; !ok {
		w.through[dir] = from
	}
}

// answers sums up, in the order of names.
func (w *walk) answers() []Answer {
	var out []Answer
	best := make(map[string]uint8)
	for i, s := range w.state {
		if s > best[w.owners[i]] {
			best[w.owners[i]] = s
		}
	}
	for i := range w.files {
		f, dir := &w.files[i], w.owners[i]
		switch {
		case f.Link != "":
		case dir != "" && f.Name == dir+"/package.json":
			how := best[dir]
			if _, ok := w.through[dir]; ok {
				how = sure
			}
			out = append(out, w.answer(i, how, func() []string { return w.via(dir) }))
		case dir == "" && f.kind == script:
			out = append(out, w.answer(i, w.state[i], func() []string { return w.chain(i) }))
		}
	}
	slices.SortFunc(out, func(a, b Answer) int { return cmp.Compare(w.files[a.File].Name, w.files[b.File].Name) })
	return out
}

func (w *walk) answer(i int, how uint8, via func() []string) Answer {
	switch {
	case how == sure:
		return Answer{i, fnvet.ReachYes, via()}
	case how == maybe || w.all:
		return Answer{i, fnvet.ReachUnknown, nil}
	}
	return Answer{i, fnvet.ReachNo, nil}
}

// via is the chain to a package: the importing files and its name.
func (w *walk) via(dir string) []string {
	name := dir[strings.LastIndex("/"+dir, "/node_modules/")+len("node_modules/"):]
	at, ok := w.first[dir]
	if !ok {
		return append(w.chain(w.through[dir]), name)
	}
	if w.parent[at] < 0 {
		return []string{w.files[at].Name, name}
	}
	return append(w.chain(int(w.parent[at])), name)
}

// maxChain bounds a chain; what is left out of its middle is "…".
const maxChain = 16

// chain is the files from the entry to one; of a run in one package the last.
func (w *walk) chain(i int) []string {
	var back []string
	for last := "\x00"; ; {
		if dir := w.owners[i]; dir == "" || dir != last {
			back = append(back, w.files[i].Name)
			last = dir
		}
		if w.parent[i] < 0 || len(back) > 10_000 {
			break
		}
		i = int(w.parent[i])
	}
	slices.Reverse(back)
	if len(back) > maxChain {
		back = slices.Concat(back[:maxChain/2], []string{"…"}, back[len(back)-maxChain/2:])
	}
	return back
}
