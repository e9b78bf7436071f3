// Package inject finds event injection: data of a function's event that reaches a
// dangerous call. It keeps the function's own code while the files pass, and after
// the last one follows the data from each entry point (package engine, over what
// packages js and python lower). It runs nothing, analyses no third-party code,
// and knows the cloud only by what the template says of triggers and roles.
package inject

import (
	"context"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/engine"
	"github.com/fnvet/fnvet/inject/rules"
)

// Limits of what is kept and done. Steps, not time, bound the work, so that a
// report is the same on every machine.
const (
	maxFile   = 8 << 20    // of one source file
	maxSource = 256 << 20  // of all of them, uncompressed
	maxRead   = 8 << 20    // of those that are followed, for one file system: the program takes 30 times as much
	maxTotal  = 10_000_000 // steps for one file system
)

// Options are what a caller knows of the function. The zero value is usable.
type Options struct {
	// Handler is the function's handler as Lambda writes it ("src/index.handler");
	// "" means that of templates and the artifact's configuration, else what
	// conventions say.
	Handler string
	// Rules are a user's tables, in the form of rules/default.yaml; may be nil.
	Rules []byte
	// Steps bounds the work for one entry point; 0: engine.DefaultSteps.
	Steps int
}

// A Detector gathers a function's code over one scan and follows its events at
// the end. It implements fnvet.Detector and fnvet.Finisher.
type Detector struct {
	options Options
	rules   *rules.Set

	mu        sync.Mutex
	sources   []source
	held      int
	over      []fnvet.Gap
	foreign   map[string]bool // folders and files that installers brought
	artifact  fnvet.Artifact
	functions []fnvet.Function
	bindings  map[string]string // folder of a function.json: type of its trigger
	configs   map[string][]tsconfig
	modules   map[string]map[string]string // of Go: see golang.NewIndex
}

// A source is one kept file.
type source struct {
	path, layer string
	container   string
	depth       int
	name        string // in the file system the function sees
	small       string // its text, where that is short
	packed      []byte // s2 of another's
	size        int
}

// maxSmall is up to how many bytes a file is kept as it is.
const maxSmall = 1 << 10

// read gives the text of a file.
func (s *source) read() (string, error) {
	if s.size <= maxSmall {
		return s.small, nil
	}
	data, err := s2.Decode(nil, s.packed)
	return string(data), err
}

// New returns a detector for one scan. The error is about Options.Rules. The
// built-in tables are read when there is code to look at, not before.
func New(o Options) (*Detector, error) {
	d := &Detector{options: o, foreign: map[string]bool{}, bindings: map[string]string{}, configs: map[string][]tsconfig{},
		modules: map[string]map[string]string{}}
	if len(o.Rules) > 0 {
		return d, d.ready()
	}
	return d, nil
}

func (d *Detector) ready() error {
	if d.rules != nil {
		return nil
	}
	var err error
	d.rules, err = rules.Load(d.options.Rules)
	return err
}

// Rules lists what the built-in tables can report.
func Rules() ([]fnvet.Rule, error) {
	classes, err := rules.Classification()
	if err != nil {
		return nil, err
	}
	return rules.Rules(classes), nil
}

// sourceFile says whether a name is that of code that is read.
func sourceFile(name string) bool {
	switch path.Ext(name) {
	case ".js", ".mjs", ".cjs", ".jsx", ".py", ".class", ".go":
		return true
	case ".ts", ".mts", ".cts", ".tsx":
		return !strings.HasSuffix(strings.TrimSuffix(name, path.Ext(name)), ".d")
	}
	return false
}

// ownClass says whether a class may be the function's own by its place: not one of
// a library in lib/, of another release of Java, or of a module's description.
func ownClass(f *fnvet.File) bool {
	return f.Depth <= 1 && !strings.Contains("/"+f.Container, "/lib/") && !strings.Contains(f.Container, "BOOT-INF/lib") &&
		!strings.HasPrefix(f.Name, "META-INF/") && path.Base(f.Name) != "module-info.class" && !isFramework(f.Name)
}

// thirdParty says whether a file is by its place code that an installer brought,
// a system's, or no part of what runs.
func thirdParty(name string) bool {
	for part := range strings.SplitSeq(path.Dir(name), "/") {
		switch part {
		case "node_modules", "vendor", "testdata", "site-packages", "dist-packages", "bower_components", ".git", "__pycache__", ".yarn", ".pnpm",
			"__tests__", "__mocks__", ".aws-sam", "cdk.out", ".serverless", ".venv", "venv":
			return true
		}
		if strings.HasSuffix(part, ".dist-info") || strings.HasSuffix(part, ".egg-info") {
			return true
		}
	}
	for _, dir := range []string{"usr/lib/", "usr/share/", "usr/local/lib/", "usr/include/", "lib/python", "var/lang/", "var/runtime/", "proc/", "etc/",
		"root/.", "usr/local/share/", "var/lib/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	base := path.Base(name)
	return strings.HasSuffix(base, ".min.js") || strings.Contains(base, ".test.") || strings.Contains(base, ".spec.") ||
		strings.HasSuffix(base, "_test.py") || strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, "test_") || base == "conftest.py" || base == "setup.py"
}

// listing says whether a file lists what an installer brought.
func listing(name string) bool {
	dir := path.Dir(name)
	switch path.Base(name) {
	case "RECORD":
		return strings.HasSuffix(dir, ".dist-info")
	case "top_level.txt":
		return strings.HasSuffix(dir, ".dist-info") || strings.HasSuffix(dir, ".egg-info")
	}
	return false
}

// Want takes the function's own sources and the lists of installed packages.
func (d *Detector) Want(f *fnvet.File) bool {
	if f.Archive || f.Link != "" || f.Size == 0 {
		return false
	}
	if path.Ext(f.Name) == ".class" && !ownClass(f) {
		return false
	}
	return sourceFile(f.Name) && !thirdParty(f.Name) || listing(f.Name) || path.Base(f.Name) == "function.json" ||
		(isTSConfig(f.Name) || path.Base(f.Name) == "go.mod") && !thirdParty(f.Name)
}

// Detect keeps one file. It finds nothing yet.
func (d *Detector) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	switch {
	case listing(f.Name):
		d.installed(f)
		return fnvet.Facts{}, nil
	case path.Base(f.Name) == "function.json":
		d.binding(f)
		return fnvet.Facts{}, nil
	case path.Base(f.Name) == "go.mod":
		d.module(f)
		return fnvet.Facts{}, nil
	case isTSConfig(f.Name):
		d.configured(f)
		return fnvet.Facts{}, nil
	case f.Size > maxFile:
		return fnvet.Facts{Gaps: []fnvet.Gap{{Path: strings.Clone(f.Path), Reason: fnvet.GapLimit,
			Detail: "it is larger than what event data is followed through (8 MiB)"}}}, nil
	}
	s := source{path: strings.Clone(f.Path), layer: strings.Clone(f.Layer), container: strings.Clone(f.Container), depth: f.Depth,
		name: strings.Clone(f.Name), size: len(f.Data)}
	if s.size <= maxSmall {
		s.small = string(f.Data)
	} else {
		s.packed = s2.Encode(nil, f.Data)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held+s.size > maxSource {
		if len(d.over) == 0 {
			d.over = append(d.over, fnvet.Gap{Path: s.path, Reason: fnvet.GapLimit, Detail: "there is too much code to follow event data through; this file and later ones were left out"})
		}
		return fnvet.Facts{}, nil
	}
	d.held += s.size
	d.sources = append(d.sources, s)
	return fnvet.Facts{}, nil
}

// installed notes the folders and modules that a package brought.
func (d *Detector) installed(f *fnvet.File) {
	const maxLines = 50_000
	root := path.Dir(path.Dir(f.Name))
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for line := range strings.SplitSeq(string(f.Data), "\n") {
		if n++; n > maxLines || len(d.foreign) > maxLines {
			return
		}
		name, _, _ := strings.Cut(strings.TrimSpace(line), ",")
		name = strings.Trim(name, `"`)
		first, _, isDir := strings.Cut(name, "/")
		if first == "" || first == ".." || first == "." || strings.HasSuffix(first, ".dist-info") {
			continue
		}
		d.foreign[f.Container+"\x00"+path.Join(root, first)] = true
		if !isDir && path.Base(f.Name) == "top_level.txt" {
			d.foreign[f.Container+"\x00"+path.Join(root, first+".py")] = true
		}
	}
}

func (d *Detector) brought(s *source) bool {
	for at := s.name; at != "." && at != "/" && at != ""; at = path.Dir(at) {
		if d.foreign[s.container+"\x00"+at] {
			return true
		}
	}
	return false
}

// Situate tells what the artifact is, before Finish.
func (d *Detector) Situate(a fnvet.Artifact, _ []fnvet.Setting, _ bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.artifact = a
}

// Inform tells which functions templates state, before Finish.
func (d *Detector) Inform(functions []fnvet.Function) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.functions = functions
}

// Finish follows the events through the code of each file system.
func (d *Detector) Finish(ctx context.Context, removed func(path, layer string) bool) (fnvet.Facts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	facts := fnvet.Facts{Gaps: d.over}
	systems := map[string][]*source{}
	var order []string
	for i := range d.sources {
		s := &d.sources[i]
		if removed(s.path, s.layer) || d.brought(s) {
			continue
		}
		if d.artifact.Type != "image" && s.layer != "" && s.depth == 0 {
			s.container, s.name = "", path.Join("opt", s.name) // a Lambda layer
		}
		jar := d.artifact.Type == "image" && s.depth == 1 && path.Ext(s.name) == ".class"
		if s.depth > 0 && d.artifact.Type != "directory" && !jar {
			continue // an archive in a package: nothing says that it runs
		}
		if s.depth == 0 {
			s.container = ""
		}
		if _, ok := systems[s.container]; !ok {
			order = append(order, s.container)
		}
		systems[s.container] = append(systems[s.container], s)
	}
	d.sources = nil
	slices.Sort(order)
	for _, list := range d.configs { // tsconfig.json before tsconfig.build.json, in no order of arrival
		slices.SortFunc(list, func(a, b tsconfig) int { return strings.Compare(a.name, b.name) })
	}
	if len(order) == 0 {
		return facts, nil
	}
	if err := d.ready(); err != nil {
		return facts, err
	}
	for _, at := range order {
		p := newProgram(d, at, systems[at])
		if err := p.run(ctx); err != nil {
			return facts, err
		}
		facts.Findings = append(facts.Findings, p.findings()...)
		facts.Gaps = append(facts.Gaps, p.gaps...)
	}
	return facts, nil
}

// stepsFor bounds the work for one entry point.
func (d *Detector) stepsFor() int {
	if d.options.Steps > 0 {
		return d.options.Steps
	}
	return engine.DefaultSteps
}
