// Package java says which jars a function on the JVM can load, class by class:
// what the constant pool of a reached class names, what texts name where
// something reached looks classes up, and what service files provide.
//
// Like its siblings it answers no only when nothing stands against it. Code that
// finds classes by looking through packages (Spring and its like), that makes
// objects of classes which data names, or own code that computes names, makes
// every answer but yes unknown.
package java

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
	// Entries are classes that run first: "com/acme/Handler".
	Entries []string
	// Jar is the archive whose manifest says what runs first, "" for the artifact
	// itself; only with Manifest.
	Jar      string
	Manifest bool
	// Guessed says that the start follows conventions: any other own class may be
	// the handler.
	Guessed bool
	// Free says that the start could not be understood: nothing is ruled out.
	Free bool
}

// An Answer is whether the program can load what is stated at a place: that of
// the file with that index, or of the archive Container when File is -1.
type Answer struct {
	File      int
	Container string
	Reach     fnvet.Reach
	// Via is the chain of classes from the entry and what it ends in; for yes only.
	Via []string
}

const (
	never uint8 = iota
	maybe
	sure
)

// maxSteps bounds the look-ups for one artifact.
const maxSteps = 40_000_000

type walk struct {
	files    []File
	program  Program
	byName   map[uint64][]int    // classes
	byDir    map[uint64][]int    // classes by their package
	provided map[uint64][]uint64 // service → classes
	archives map[string]*archive
	owner    []*unit
	sorted   []int // classes in the order of their names
	state    []uint8
	parent   []int32
	queue    []int
	seen     []int
	open     bool
	all      bool
	spent    int
}

// Reach answers for the archives of an artifact and the coordinates in them. ok
// is false when no entry is there: then nothing is known. All archives count as
// on the class path.
func Reach(ctx context.Context, files []File, p Program) (answers []Answer, ok bool, err error) {
	w := newWalk(files, p)
	entries := w.entries()
	if len(entries) == 0 {
		return nil, false, nil
	}
	w.settle(entries)
	for _, i := range entries {
		w.enter(i, sure, -1)
	}
	if err := w.run(ctx, sure); err != nil {
		return nil, false, err
	}
	w.all = w.all || p.Free
	w.services(0)
	if p.Guessed {
		w.candidates()
	}
	w.queue = slices.Concat(w.seen, w.queue)
	if err := w.run(ctx, maybe); err != nil {
		return nil, false, err
	}
	return w.answers(), true, nil
}

func newWalk(files []File, p Program) *walk {
	w := &walk{
		files: files, program: p, byName: make(map[uint64][]int), byDir: make(map[uint64][]int), provided: make(map[uint64][]uint64),
		archives: make(map[string]*archive), owner: make([]*unit, len(files)), state: make([]uint8, len(files)), parent: make([]int32, len(files)),
	}
	for i := range files {
		f := &files[i]
		switch {
		case f.kind == service:
			w.provide(f)
		case f.kind == classes && f.class != "":
			w.byName[hash(f.class)] = append(w.byName[hash(f.class)], i)
			w.byDir[hash(parent(f.class))] = append(w.byDir[hash(parent(f.class))], i)
			w.archive(f.Container).classes = append(w.archive(f.Container).classes, i)
			w.sorted = append(w.sorted, i)
		}
	}
	slices.SortFunc(w.sorted, func(a, b int) int { return cmp.Or(cmp.Compare(files[a].class, files[b].class), cmp.Compare(a, b)) })
	return w
}

// provide notes the providers that a service file names, by what asks for them:
// the service itself, or for one of the JDK's the part of the JDK it is in; 0 for
// those that the JDK may ask for by itself.
func (w *walk) provide(f *File) {
	key := hash(f.class)
	switch part := partOfJDK(f.class); {
	case strings.HasPrefix(f.class, "javax/annotation/processing/"):
		return // javac's
	case part == "JDK java/lang" || part == "JDK java/nio" || part == "JDK java/net" || part == "JDK java/time" || part == "JDK java/util":
		key = 0
	case part != "":
		key = hash(part)
	}
	w.provided[key] = append(w.provided[key], f.words...)
}

func (w *walk) archive(name string) *archive {
	a := w.archives[name]
	if a == nil {
		a = &archive{name: name}
		w.archives[name] = a
	}
	return a
}

// entries are the classes that run first.
func (w *walk) entries() []int {
	var out []int
	named := func(class string) {
		out = append(out, w.byName[hash(class)]...)
	}
	for _, e := range w.program.Entries {
		named(e)
	}
	if w.program.Manifest {
		for i := range w.files {
			if f := &w.files[i]; f.kind == manifest && f.Container == w.program.Jar && f.Name == "META-INF/MANIFEST.MF" {
				w.all = w.all || f.flags&starts != 0
				named(f.manifest.main)
				named(f.manifest.start)
			}
		}
	}
	if w.program.Guessed {
		for _, i := range w.sorted {
			if f := &w.files[i]; f.entry && !framework(f.class) && !strings.HasPrefix(f.class, "com/amazonaws/") {
				out = append(out, i)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// settle says which code is the function's own and divides the archives.
func (w *walk) settle(entries []int) {
	prefix := ""
	for _, i := range entries {
		w.archive(w.files[i].Container).entry = true
		if prefix == "" {
			prefix = parent(w.files[i].class)
		}
	}
	poms := make(map[string][]*unit)
	for i := range w.files {
		f := &w.files[i]
		if f.kind != coordinates || f.artifact == "" {
			continue
		}
		list := poms[f.Container]
		n := slices.IndexFunc(list, func(u *unit) bool { return u.group == f.group && u.artifact == f.artifact })
		if n < 0 {
			n = len(list)
			list = append(list, &unit{container: f.Container, group: f.group, artifact: f.artifact})
		}
		list[n].pom = append(list[n].pom, i)
		poms[f.Container] = list
	}
	if parts := strings.Split(prefix, "/"); len(parts) > 2 {
		two := parts[0] + "." + parts[1]
		vendor := 0
		for _, list := range poms {
			for _, u := range list {
				vendor += btoi(strings.HasPrefix(u.group+".", two+"."))
			}
		}
		if vendor <= 1 {
			prefix = parts[0] + "/" + parts[1]
		}
	}
	for name, a := range w.archives {
		w.divide(a, poms[name], prefix)
		if a.entry || a.rest.pom != nil || len(a.poms) == 0 {
			for _, i := range a.rest.members {
				w.owner[i] = a.rest
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func framework(class string) bool {
	return slices.ContainsFunc(frameworks[:], func(f string) bool { return strings.HasPrefix(class, f) })
}

func (w *walk) enter(i int, how uint8, from int) {
	if w.state[i] >= how {
		return
	}
	if w.state[i] == never {
		w.seen = append(w.seen, i)
	}
	w.state[i], w.parent[i] = how, int32(from) // #nosec G115 -- an index of a slice in memory
	w.queue = append(w.queue, i)
}

// load reaches a class by name. Which of several files has it is not known: the
// order of the class path is not either.
func (w *walk) load(name uint64, how uint8, from int) {
	w.spent++
	list := w.byName[name]
	if len(list) > 1 {
		how = min(how, maybe)
	}
	for _, i := range list {
		w.enter(i, how, from)
	}
}

func (w *walk) tired() bool {
	if w.spent > maxSteps {
		w.all = true
	}
	return w.all
}

// run follows what reached classes name: with sure only their constants.
func (w *walk) run(ctx context.Context, how uint8) error {
	for n := 0; len(w.queue) > 0 && (how == sure || !w.tired()); n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		i := w.queue[0]
		w.queue = w.queue[1:]
		if w.state[i] == how {
			for _, r := range w.files[i].refs {
				w.load(r, how, i)
			}
		}
		if how == maybe {
			w.effects(i)
		}
		if w.spent > maxSteps {
			w.all = true
			return nil
		}
	}
	return nil
}

// effects is what a reached class may load beyond its constants.
func (w *walk) effects(i int) {
	f := &w.files[i]
	own := w.owner[i] == nil || w.owner[i].own
	if f.flags&(scans|openTyped) != 0 && (own || f.flags&scans != 0) || own && f.flags&(decodes|starts) != 0 || framework(f.class) || f.flags&damaged != 0 {
		w.all = true
		return
	}
	for _, s := range f.soft {
		w.load(s, maybe, i)
	}
	w.services(hash(f.class))
	for _, r := range f.refs {
		w.services(r)
	}
	if f.flags&(reflects|native|decodes|starts) != 0 {
		w.dynamic(i, own)
	}
	if w.open {
		w.given(i)
	}
}

// services reaches the providers of a service; 0 stands for all of the JDK's.
func (w *walk) services(name uint64) {
	list, ok := w.provided[name]
	if !ok {
		return
	}
	for _, p := range list {
		w.load(p, maybe, -1)
	}
	delete(w.provided, name)
}

// dynamic is a class that looks up what no constant names. Own code may load
// anything; a library its own classes, and what any reached class or resource
// names in a text.
func (w *walk) dynamic(i int, own bool) {
	if own {
		w.all = true
		return
	}
	w.mark(w.owner[i])
	if w.open {
		return
	}
	w.open = true
	for _, s := range slices.Clone(w.seen) {
		w.given(s)
	}
	for r := range w.files {
		if k := w.files[r].kind; k == resource || k == manifest {
			w.given(r)
		}
	}
}

func (w *walk) mark(u *unit) {
	if u == nil || u.marked {
		return
	}
	u.marked = true
	for _, i := range u.members {
		w.enter(i, maybe, -1)
	}
}

// given is what a class or resource may make others load: classes and packages
// that it names, what such names may be the start of, and for a class those
// beside it.
func (w *walk) given(i int) {
	f := &w.files[i]
	if f.flags&damaged != 0 {
		w.all = true
		return
	}
	for _, h := range f.words {
		w.load(h, maybe, -1)
		w.enterAll(w.byDir[h])
	}
	for _, s := range f.stems {
		w.starting(s)
	}
	if f.kind == classes {
		w.enterAll(w.byDir[hash(parent(f.class))])
	}
}

func (w *walk) enterAll(list []int) {
	w.spent += len(list)
	for _, i := range list {
		w.enter(i, maybe, -1)
	}
}

// starting reaches every class whose name starts so.
func (w *walk) starting(stem string) {
	at, _ := slices.BinarySearchFunc(w.sorted, stem, func(i int, s string) int { return strings.Compare(w.files[i].class, s) })
	for ; at < len(w.sorted) && strings.HasPrefix(w.files[w.sorted[at]].class, stem); at++ {
		w.spent++
		w.enter(w.sorted[at], maybe, -1)
	}
}

// candidates are own classes that may be the handler after all.
func (w *walk) candidates() {
	for _, a := range w.archives {
		if a.entry {
			w.enterAll(a.rest.members)
		}
	}
}

// answers sums up, in the order of archives.
func (w *walk) answers() []Answer {
	var out []Answer
	names := make([]string, 0, len(w.archives))
	for name := range w.archives {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		a := w.archives[name]
		whole := a.rest.members
		clear := true // nothing reached that may be of another unit
		for _, i := range a.doubt {
			clear = clear && w.state[i] == never
		}
		for _, u := range a.poms {
			whole = slices.Concat(whole, u.members)
			out = append(out, w.answer(u, u.members, clear && len(u.members) > 0)...)
		}
		u := *a.rest
		if len(a.poms) > 0 {
			u.pom = nil
		}
		if answer := w.answer(&u, slices.Concat(whole, a.doubt), true); name != "" {
			out = append(out, Answer{File: -1, Container: name, Reach: answer[len(answer)-1].Reach, Via: answer[len(answer)-1].Via})
		}
		if len(u.pom) > 0 {
			out = append(out, w.answer(&u, whole, true)...)
		}
		if at := w.manifestOf(name); at >= 0 && len(a.poms) == 0 {
			last := w.answer(&u, whole, true)
			last[len(last)-1].File = at
			out = append(out, last[len(last)-1])
		}
	}
	return out
}

func (w *walk) manifestOf(container string) int {
	for i := range w.files {
		if w.files[i].kind == manifest && w.files[i].Container == container && w.files[i].Name == "META-INF/MANIFEST.MF" {
			return i
		}
	}
	return -1
}

// answer is one answer for each of the unit's coordinates, or one with File -1.
func (w *walk) answer(u *unit, members []int, certain bool) []Answer {
	a := Answer{File: -1, Reach: fnvet.ReachNo}
	how, first := never, -1
	for _, i := range members {
		if w.state[i] > how {
			how, first = w.state[i], i
		}
	}
	switch {
	case how == sure:
		a.Reach, a.Via = fnvet.ReachYes, w.via(first, u)
	case how == maybe || w.all || !certain || len(members) == 0:
		a.Reach = fnvet.ReachUnknown
	}
	if len(u.pom) == 0 {
		return []Answer{a}
	}
	var out []Answer
	for _, p := range u.pom {
		a.File = p
		out = append(out, a)
	}
	return out
}

// maxChain bounds a chain; what is left out of its middle is "…".
const maxChain = 16

// via is the chain to a unit: of a run of classes of one archive the last.
func (w *walk) via(i int, to *unit) []string {
	name := to.artifact
	if name == "" {
		name = strings.TrimSuffix(path.Base(to.container), ".jar")
	}
	back := []string{name, dotted(w.files[i].class)}
	last := w.files[i].Container
	for i = int(w.parent[i]); i >= 0 && len(back) < 10_000; i = int(w.parent[i]) {
		if f := &w.files[i]; f.Container != last || w.owner[i] != nil && w.owner[i].own || w.parent[i] < 0 {
			back = append(back, dotted(f.class))
			last = f.Container
		}
	}
	slices.Reverse(back)
	if len(back) > maxChain {
		back = slices.Concat(back[:maxChain/2], []string{"…"}, back[len(back)-maxChain/2:])
	}
	return back
}

func dotted(class string) string { return strings.ReplaceAll(class, "/", ".") }
