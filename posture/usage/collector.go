package usage

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
)

// A Collector keeps what the files of one artifact say, until For is asked. Want and
// Detect have the shape of a fnvet.Detector's, for the step that holds it, and may be
// called concurrently.
type Collector struct {
	catalog *data.Catalog

	mu      sync.Mutex
	sources []*source
	foreign map[string]bool // top-level names of installed Python packages
}

// New returns a Collector that maps methods to actions by the catalog.
func New(c *data.Catalog) *Collector {
	return &Collector{catalog: c, foreign: map[string]bool{}}
}

// others are folders of code that is not the function's own.
var others = []string{"node_modules", "site-packages", "dist-packages", "bower_components", "vendor", ".venv", "venv", "__pycache__", "tests", "__tests__", "test", "cdk.out", ".aws-sam", ".serverless", ".terraform"}

// Want reports whether a file may be own code, or says what is not.
func (c *Collector) Want(f *fnvet.File) bool {
	if f.Link != "" {
		return false
	}
	base := path.Base(f.Name)
	if base == "RECORD" && strings.Contains(f.Name, ".dist-info/") {
		return true
	}
	for seg := range strings.SplitSeq(path.Dir(f.Name), "/") {
		if slices.Contains(others, seg) || strings.HasSuffix(seg, ".dist-info") {
			return false
		}
	}
	switch path.Ext(base) {
	case ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx":
		return f.Size <= maxCode && !strings.HasSuffix(base, ".d.ts") && !strings.Contains(base, ".test.") && !strings.Contains(base, ".spec.")
	case ".py":
		return f.Size <= maxCode && !strings.HasPrefix(base, "test_")
	case ".class":
		return f.Size <= maxClass && ownClass(f.Name)
	case "":
		return f.Size <= maxELF && isELF(f.Data) && f.Depth == 0 && f.DiffID == ""
	}
	return false
}

// ownClass leaves libraries out by the names of their packages.
func ownClass(name string) bool {
	for _, p := range []string{"software/amazon/", "com/amazonaws/", "org/apache/", "io/netty/", "com/fasterxml/", "org/slf4j/", "org/reactivestreams/", "kotlin/", "scala/", "com/google/", "org/springframework/", "META-INF/", "javax/", "jakarta/"} {
		if strings.HasPrefix(name, p) {
			return false
		}
	}
	return true
}

// Detect reads one file. It reports nothing by itself.
func (c *Collector) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	if path.Base(f.Name) == "RECORD" {
		c.record(f)
		return fnvet.Facts{}, nil
	}
	s, err := read(c.catalog, f)
	if err != nil {
		return fnvet.Facts{}, fmt.Errorf("%s: %w", f.Path, err)
	}
	if s != nil {
		s.settle()
		c.mu.Lock()
		c.sources = append(c.sources, s)
		c.mu.Unlock()
	}
	return fnvet.Facts{}, nil
}

func read(c *data.Catalog, f *fnvet.File) (*source, error) {
	name, where := strings.Clone(f.Name), strings.Clone(f.Path)
	switch path.Ext(f.Name) {
	case ".py":
		return readPython(c, where, name, string(f.Data)), nil
	case ".class":
		return readClass(c, where, name, f.Data)
	case "":
		return readGo(c, where, name, f.Data), nil
	}
	return readJS(c, where, name, string(f.Data)), nil
}

// record notes the folders that an installed Python package brought.
func (c *Collector) record(f *fnvet.File) {
	root := path.Dir(path.Dir(f.Name))
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range strings.SplitSeq(string(f.Data), "\n") {
		file, _, _ := strings.Cut(line, ",")
		if first, _, inside := strings.Cut(file, "/"); len(c.foreign) < 100000 && first != "" && first != ".." && (inside || strings.HasSuffix(first, ".py")) {
			c.foreign[path.Join(root, first)] = true
		}
	}
}

// own reports whether a file belongs to no installed package.
func (c *Collector) own(name string) bool {
	for p := name; p != "." && p != "/"; p = path.Dir(p) {
		if c.foreign[p] {
			return false
		}
	}
	return true
}

// For returns what the code under a folder of the artifact calls; "" is all of it.
// Where the handler's file is known, that is what it brings in; else all. It is nil
// when there is no code that is read.
func (c *Collector) For(root, handler string) *Usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	var mine []*source
	services := map[string]bool{}
	reached := c.reached(root, handler)
	for _, s := range c.sources {
		if reached != nil && !reached[s.name] {
			continue
		}
		if root != "" && root != "." && !strings.HasPrefix(s.name, strings.TrimSuffix(root, "/")+"/") || !c.own(s.name) {
			continue
		}
		mine = append(mine, s)
		for p := range s.services {
			services[p] = true
		}
	}
	if len(mine) == 0 {
		return nil
	}
	slices.SortFunc(mine, func(a, b *source) int { return strings.Compare(a.path, b.path) })
	u := &Usage{Files: len(mine)}
	for _, s := range mine {
		if s.dynamic != "" && !u.Dynamic {
			u.Dynamic, u.Why = true, s.path+": "+s.dynamic
		}
		c.join(u, s, services)
	}
	u.tidy()
	return u
}

// reached are the files that a handler brings in; nil: any of them may be.
func (c *Collector) reached(root, handler string) map[string]bool {
	if handler == "" {
		return nil
	}
	w := &web{root: path.Clean(root), files: map[string]*source{}}
	for _, s := range c.sources {
		w.files[s.name] = s
	}
	return w.from(handler)
}

// join adds the calls of a file: those of known receivers, and those of others whose
// method is one of a service that the code has a client of.
func (c *Collector) join(u *Usage, s *source, services map[string]bool) {
	add := func(service string, x call, maybe bool) {
		sure, depends, _ := actions(c.catalog, service, x.method)
		for _, a := range sure {
			u.Calls = append(u.Calls, Call{Action: a, Path: s.path, Line: x.line, Resource: x.name, Maybe: maybe})
		}
		for _, a := range depends {
			u.Calls = append(u.Calls, Call{Action: a, Path: s.path, Line: x.line, Resource: x.name, Maybe: true})
		}
	}
	for _, x := range s.calls {
		add(x.service, x, x.maybe)
	}
	for _, x := range s.others {
		for service := range services {
			add(service, x, true)
		}
	}
}
