// Package reach says which packages a function can load, starting from its
// entry point: yes, no or unknown. While the files pass it keeps only what each
// imports; after the last one it joins that into graphs (packages node,
// python and java) and answers for every package by the place the inventory states.
//
// A no is a promise: whatever the package cannot follow (computed names,
// evaluated text, started programs, an entry it cannot find, files that could
// not be read) makes answers unknown. It runs nothing.
package reach

import (
	"context"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/reach/java"
	"github.com/fnvet/fnvet/reach/node"
	"github.com/fnvet/fnvet/reach/python"
)

// Options are what a caller knows of the start of the function.
type Options struct {
	// Handler is the function's handler as Lambda writes it ("src/index.handler");
	// "" means that of the artifact's configuration, else what conventions say.
	Handler string
}

// A Detector gathers imports over one scan and answers at its end.
type Detector struct {
	options Options

	mu        sync.Mutex
	files     []file
	functions []fnvet.Function
	words     map[string]string // interned
	scripts   map[string]bool   // places of shell scripts that only run their arguments
	artifact  fnvet.Artifact
	env       map[string]string
	placed    bool // Situate was called
	whole     bool // and said that every file was seen
}

// A file is one file with what it imports.
type file struct {
	path, layer string
	container   string
	depth       int
	name        string // in the file system the function sees
	js          *node.File
	py          *python.File
	jvm         *java.File
}

// New returns a detector for one scan.
func New(o Options) *Detector {
	return &Detector{options: o, words: make(map[string]string), scripts: make(map[string]bool), env: make(map[string]string)}
}

// Want takes what may be code or link to it, by name.
func (d *Detector) Want(f *fnvet.File) bool {
	if f.Archive {
		return false
	}
	return f.Link != "" || node.Wants(f.Name) || python.Wants(f.Name) || java.Wants(f.Name, f.Container, f.Size) || strings.HasSuffix(f.Name, ".sh")
}

// Detect notes what one file imports. It never fails and finds nothing yet.
func (d *Detector) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	got := file{path: f.Path, layer: f.Layer, container: f.Container, depth: f.Depth, name: f.Name}
	through := false
	switch {
	case f.Link != "":
		got.js = &node.File{Name: f.Name, Link: f.Link}
	case strings.HasSuffix(f.Name, ".sh"):
		through = passesOn(f.Data)
	default:
		if node.Wants(f.Name) {
			js := node.Read(f.Name, f.Data)
			got.js = &js
		}
		if python.Wants(f.Name) {
			py := python.Read(f.Name, f.Data)
			got.py = &py
		}
		if java.Wants(f.Name, f.Container, f.Size) {
			jvm := java.Read(f.Name, f.Data)
			jvm.Container = f.Container
			got.jvm = &jvm
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if through {
		d.scripts[f.Name] = true
	}
	if got.js != nil {
		d.intern(&got.js.Source)
	}
	if got.py != nil {
		for i := range got.py.Source.Refs {
			r := &got.py.Source.Refs[i]
			r.Module, r.Names = d.same(r.Module), d.same(r.Names)
		}
	}
	if got.js != nil || got.py != nil || got.jvm != nil {
		d.files = append(d.files, got)
	}
	return fnvet.Facts{}, nil
}

// intern lets equal specifiers of different files share their memory.
func (d *Detector) intern(s *node.Source) {
	for i := range s.Refs {
		s.Refs[i].Spec = d.same(s.Refs[i].Spec)
	}
	for _, list := range [][]string{s.Paths, s.Stems, s.Prefixes} {
		for i := range list {
			list[i] = d.same(list[i])
		}
	}
}

func (d *Detector) same(s string) string {
	if old, ok := d.words[s]; ok {
		return old
	}
	d.words[s] = s
	return s
}

// Inform tells which functions templates state, before Finish.
func (d *Detector) Inform(functions []fnvet.Function) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.functions = slices.Clone(functions)
}

// Situate tells how the artifact starts, before Finish: its configuration and
// settings as the walk found them. whole is false when files were not seen, so
// that nothing can be ruled out.
func (d *Detector) Situate(a fnvet.Artifact, settings []fnvet.Setting, whole bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.artifact, d.whole, d.placed = a, whole, true
	for _, s := range settings {
		switch s.Name {
		case "NODE_OPTIONS", "NODE_PATH", "PYTHONPATH", "AWS_LAMBDA_EXEC_WRAPPER", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS":
			if s.Source != "metadata" {
				d.env[s.Name] = strings.Clone(s.Value)
			}
		}
	}
}

// Finish joins the graphs and answers for the packages at their places.
func (d *Detector) Finish(ctx context.Context, removed func(path, layer string) bool) (fnvet.Facts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var facts fnvet.Facts
	d.files = slices.DeleteFunc(d.files, func(f file) bool { return removed(f.path, f.layer) })
	if sdk := d.sdk(); len(sdk) > 0 {
		facts.Host = &fnvet.Host{SDK: sdk}
	}
	systems := make(map[string][]file)
	var order []string
	for _, f := range d.files {
		if d.artifact.Type != "image" && f.layer != "" && f.depth == 0 {
			f.container, f.name = "", path.Join("opt", f.name) // a Lambda layer
			f.rename()
		}
		if f.depth > 0 && d.artifact.Type != "directory" {
			continue // an archive in a package: nothing says that it runs
		}
		if f.depth == 0 {
			f.container = ""
		}
		if _, ok := systems[f.container]; !ok {
			order = append(order, f.container)
		}
		systems[f.container] = append(systems[f.container], f)
	}
	slices.Sort(order)
	for _, at := range order {
		found, err := d.system(ctx, at, systems[at])
		if err != nil {
			return fnvet.Facts{}, err
		}
		facts.Reach = append(facts.Reach, found...)
	}
	found, err := d.java(ctx, len(facts.Reach) > 0)
	if err != nil {
		return fnvet.Facts{}, err
	}
	facts.Reach = append(facts.Reach, found...)
	d.files, d.words = nil, nil
	return facts, nil
}

// system answers for one file system.
func (d *Detector) system(ctx context.Context, container string, files []file) ([]fnvet.ReachFact, error) {
	slices.SortFunc(files, func(a, b file) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.layer+"\x00"+a.path, b.layer+"\x00"+b.path)
	})
	js, err := d.node(ctx, container, files)
	if err != nil {
		return nil, err
	}
	py, err := d.python(ctx, container, files)
	if err != nil {
		return nil, err
	}
	// Two runtimes in one package, and nothing says which is started: one may
	// start the other.
	sure := d.placed && d.whole && (js == nil || py == nil)
	return slices.DeleteFunc(append(js, py...), func(f fnvet.ReachFact) bool {
		return f.Reach == fnvet.ReachUnknown || f.Reach == fnvet.ReachNo && !sure
	}), nil
}

func (f *file) rename() {
	if f.js != nil {
		f.js.Name = f.name
	}
	if f.py != nil {
		f.py.Name = f.name
	}
}

// node answers for npm packages; nil when nothing says how Node.js starts.
func (d *Detector) node(ctx context.Context, container string, files []file) ([]fnvet.ReachFact, error) {
	var list []node.File
	var from []*file
	for i := range files {
		if f := &files[i]; f.js != nil {
			list, from = append(list, *f.js), append(from, f)
		}
	}
	program, ok := d.nodeProgram(container, list)
	if !ok {
		return nil, nil
	}
	answers, ok, err := node.Reach(ctx, list, program)
	if err != nil || !ok {
		return nil, err
	}
	facts := make([]fnvet.ReachFact, len(answers))
	for i, a := range answers {
		facts[i] = fnvet.ReachFact{Ecosystem: "npm", Path: from[a.File].path, Layer: from[a.File].layer, Reach: a.Reach, Via: a.Via}
	}
	return facts, nil
}

// python answers for distributions; nil when nothing says how Python starts.
func (d *Detector) python(ctx context.Context, container string, files []file) ([]fnvet.ReachFact, error) {
	var list []python.File
	var from []*file
	for i := range files {
		if f := &files[i]; f.py != nil {
			list, from = append(list, *f.py), append(from, f)
		}
	}
	program, ok := d.pythonProgram(container, list)
	if !ok {
		return nil, nil
	}
	program.Free = program.Free || linked(files, list)
	answers, ok, err := python.Reach(ctx, list, program)
	if err != nil || !ok {
		return nil, err
	}
	facts := make([]fnvet.ReachFact, len(answers))
	for i, a := range answers {
		facts[i] = fnvet.ReachFact{Ecosystem: "PyPI", Path: from[a.File].path, Layer: from[a.File].layer, Reach: a.Reach, Via: a.Via}
	}
	return facts, nil
}

// java answers for Maven packages over all archives of the artifact; nil when
// nothing says how the JVM starts. other says that another runtime may start it.
func (d *Detector) java(ctx context.Context, other bool) ([]fnvet.ReachFact, error) {
	var list []java.File
	var from []*file
	layer := make(map[string]string) // of archives
	for i := range d.files {
		if f := &d.files[i]; f.jvm != nil {
			list, from = append(list, *f.jvm), append(from, f)
			layer[f.jvm.Container] = f.layer
		}
	}
	program, ok := d.javaProgram()
	if !ok || len(list) == 0 {
		return nil, nil
	}
	answers, ok, err := java.Reach(ctx, list, program)
	if err != nil || !ok {
		return nil, err
	}
	sure := d.placed && d.whole && !other
	var facts []fnvet.ReachFact
	for _, a := range answers {
		if a.Reach == fnvet.ReachUnknown || a.Reach == fnvet.ReachNo && !sure {
			continue
		}
		f := fnvet.ReachFact{Ecosystem: "Maven", Path: a.Container, Layer: layer[a.Container], Reach: a.Reach, Via: a.Via}
		if a.File >= 0 {
			f.Path, f.Layer = from[a.File].path, from[a.File].layer
		}
		facts = append(facts, f)
	}
	return facts, nil
}

// linked says whether modules go by other names through symbolic links, which
// the graph of Python does not follow. Those of the system's own directories do
// not matter: lib for usr/lib, and the standard library's.
func linked(files []file, modules []python.File) bool {
	for i := range files {
		f := &files[i]
		if f.js == nil || f.js.Link == "" {
			continue
		}
		base := strings.TrimRight(path.Base(f.name), "0123456789")
		library := strings.HasPrefix(f.name, "usr/lib/python") && !strings.Contains(f.name, "-packages/")
		if base == "lib" || base == "libx" || library {
			continue
		}
		if strings.HasSuffix(f.name, ".py") || strings.HasSuffix(f.name, ".so") && strings.Contains(f.name, "-packages/") {
			return true
		}
		target := strings.Trim(path.Join("/", path.Dir(f.name), f.js.Link), "/")
		if strings.HasPrefix(f.js.Link, "/") {
			target = strings.Trim(path.Clean(f.js.Link), "/")
		}
		for j := range modules {
			if strings.HasPrefix(modules[j].Name, target+"/") {
				return true
			}
		}
	}
	return false
}
