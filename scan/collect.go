package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
)

// A Harvest is what one walk over the files gave, before anything is merged,
// matched or sorted. It can be encoded (gob), so that the walk can be another
// process's work.
type Harvest struct {
	Artifact fnvet.Artifact
	Findings []fnvet.Finding // of the artifact as a whole and its settings
	Gaps     []fnvet.Gap
	Parts    []Part
	Gone     []Removal // among the files that Parts name
	Files    int
	Bytes    int64 // uncompressed
	Started  time.Time
	Sandbox  string // how the walk was confined, "" when it was not
	// Sizes are the bytes of the files in folders that may be packages.
	Sizes map[Folder]int64
	// Fresh are the layers that a Cache may keep.
	Fresh  []LayerKey
	Layers LayerCount // with a Cache
}

// A Part is what one step made of one file, or of all at the end (Path "").
type Part struct {
	Path, Layer string
	Step        int // row of the table
	Facts       fnvet.Facts
}

// A Removal is a file that a later layer deletes or replaces.
type Removal struct{ Path, Layer, By string }

// Collect walks a target and gives every file to the steps. The error says the
// scan could not run at all; whatever else went wrong is among the gaps.
func Collect(ctx context.Context, target string, c Config) (*Harvest, error) {
	var parts []Part
	h, err := Stream(ctx, target, c, func(p Part) { parts = append(parts, p) })
	if err != nil {
		return nil, err
	}
	h.Parts = parts
	return h, nil
}

// Stream is Collect for a caller that takes the parts as they come, one at a
// time and in no order. The Harvest it returns has no parts.
func Stream(ctx context.Context, target string, c Config, emit func(Part)) (*Harvest, error) {
	h := &Harvest{Started: time.Now()}
	col := &collector{steps: c.active(), watch: c.Watch, emit: emit}
	col.shelf = newShelf(&c, col.steps, target)
	walkCtx, cancel := ctx, context.CancelFunc(func() {})
	if c.Timeout > 0 {
		walkCtx, cancel = context.WithTimeout(ctx, c.Timeout)
	}
	defer cancel()
	if c.Watch != nil {
		c.Unpack.Progress = c.Watch.Expect
	}
	res, err := unpack.Walk(walkCtx, target, c.Unpack, col.visit)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := col.settle(walkCtx, target, c.Unpack, res, h); err != nil {
		return nil, err
	}
	for _, s := range col.steps {
		if d, ok := s.Detector.(situated); ok {
			d.Situate(res.Artifact, res.Settings, len(res.Gaps) == 0)
		}
	}
	if c.Walked != nil {
		c.Walked()
	}
	col.finish(ctx, res.Removed)
	h.Artifact, h.Gaps, h.Findings = res.Artifact, res.Gaps, res.Findings
	h.Files, h.Bytes, h.Sizes = res.Files, res.Bytes, col.size.by
	if c.Settings != nil && c.wants(fnvet.SecretKind) {
		h.Findings = append(h.Findings, c.Settings.Settings(ctx, res.Settings)...)
	}
	for _, at := range slices.SortedFunc(slices.Values(col.seen), compareRemovals) {
		if by, gone := res.Removed(at.Path, at.Layer); gone {
			h.Gone = append(h.Gone, Removal{at.Path, at.Layer, by})
		}
	}
	h.Gone = slices.Compact(h.Gone)
	return h, nil
}

func compareRemovals(a, b Removal) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer))
}

func compareParts(a, b Part) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Step, b.Step))
}

// join merges the parts in path order into the report and returns the packages
// of the final file system and its distribution.
func (h *Harvest) join(r *fnvet.Report) ([]fnvet.Package, *fnvet.Distro) {
	slices.SortFunc(h.Parts, compareParts)
	type at struct{ path, layer string }
	gone := make(map[at]string, len(h.Gone))
	for _, g := range h.Gone {
		gone[at{g.Path, g.Layer}] = g.By
	}
	var pkgs []fnvet.Package
	var distro *fnvet.Distro
	for i := range h.Parts {
		p := &h.Parts[i]
		r.Gaps = append(r.Gaps, p.Facts.Gaps...)
		for _, f := range p.Facts.Findings {
			f.RemovedBy, f.Removed = gone[at{f.Path, f.Layer}]
			r.Findings = append(r.Findings, f)
		}
		if _, is := gone[at{p.Path, p.Layer}]; is {
			continue
		}
		r.Artifact.Templates = append(r.Artifact.Templates, p.Facts.Templates...)
		if p.Facts.Config != nil {
			fill(&r.Artifact.Config, p.Facts.Config)
		}
		pkgs = append(pkgs, p.Facts.Packages...)
		r.Artifact.Archives = append(r.Artifact.Archives, p.Facts.Archives...)
		if distro == nil {
			distro = p.Facts.Distro
		}
	}
	return pkgs, distro
}

// fill puts what a template states of the artifact where that states nothing itself.
func fill(c, from *fnvet.Config) {
	c.Runtime, c.Handler, c.Role, c.Tracing = cmp.Or(c.Runtime, from.Runtime), cmp.Or(c.Handler, from.Handler), cmp.Or(c.Role, from.Role), cmp.Or(c.Tracing, from.Tracing)
	c.MemoryMB, c.TimeoutS, c.EphemeralMB = cmp.Or(c.MemoryMB, from.MemoryMB), cmp.Or(c.TimeoutS, from.TimeoutS), cmp.Or(c.EphemeralMB, from.EphemeralMB)
	if len(c.Architectures) == 0 {
		c.Architectures = from.Architectures
	}
}

// collector gathers facts from concurrent visits. Only files that yielded
// something leave a trace.
type collector struct {
	steps []Step
	watch Watch
	shelf *shelf // nil without a cache

	mu   sync.Mutex
	emit func(Part)
	size sizes
	seen []Removal // the places of parts and their findings
	idle []int     // numbers of workers at rest
	most int       // numbers given out
}

// worker takes a number for what runs now; done gives it back.
func (c *collector) worker() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.idle); n > 0 {
		w := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return w
	}
	c.most++
	return c.most - 1
}

func (c *collector) done(worker int) {
	c.mu.Lock()
	c.idle = append(c.idle, worker)
	c.mu.Unlock()
}

func (c *collector) add(p Part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, Removal{Path: p.Path, Layer: p.Layer})
	for i := range p.Facts.Findings {
		if f := &p.Facts.Findings[i]; f.Path != p.Path || f.Layer != p.Layer {
			c.seen = append(c.seen, Removal{Path: f.Path, Layer: f.Layer})
		}
	}
	c.emit(p)
}

func (c *collector) visit(ctx context.Context, f *fnvet.File) {
	w := c.worker()
	defer c.done(w)
	c.size.add(f)
	cached := c.shelf.offer(ctx, f)
	for i := range c.steps {
		if cached && c.shelf.kept[i] {
			continue
		}
		if facts, some := c.run(ctx, w, i, f); some {
			c.add(Part{f.Path, f.Layer, i, facts})
		}
	}
	if c.watch != nil {
		c.watch.Count(1, int64(len(f.Data)))
	}
}

// run gives one file to one step and turns an error or a panic into a gap.
func (c *collector) run(ctx context.Context, worker, step int, f *fnvet.File) (facts fnvet.Facts, some bool) {
	s := &c.steps[step]
	defer func() {
		if p := recover(); p != nil {
			facts.Gaps = append(facts.Gaps, crashed(s.Name, f.Path, p))
			some = true
			c.shelf.spoil(f)
		}
	}()
	if !s.Detector.Want(f) {
		return fnvet.Facts{}, false
	}
	if c.watch != nil {
		c.watch.Post(worker, f.Path+" (step "+s.Name+")")
		defer c.watch.Post(worker, "")
	}
	facts, err := s.Detector.Detect(ctx, f)
	if err != nil {
		facts.Gaps = append(facts.Gaps, gapOf(f.Path, err))
		if ctx.Err() != nil {
			c.shelf.spoil(f)
		}
	}
	return facts, !facts.Empty()
}

func gapOf(path string, err error) fnvet.Gap {
	if errors.Is(err, context.DeadlineExceeded) {
		return fnvet.Gap{Path: path, Reason: fnvet.GapLimit, Detail: "the time limit of the scan (--timeout) was reached"}
	}
	return fnvet.Gap{Path: path, Reason: fnvet.GapUnparsable, Detail: err.Error()}
}

func crashed(step, path string, p any) fnvet.Gap {
	at := ""
	// The frame that panicked, without arguments: they may hold file content.
	for line := range strings.SplitSeq(string(debug.Stack()), "\n") {
		if strings.HasPrefix(line, "\t") && !strings.Contains(line, "/runtime/") && !strings.Contains(line, "/scan/collect.go") {
			at, _, _ = strings.Cut(strings.TrimSpace(line), " ")
			at = at[strings.LastIndexByte(at, '/')+1:]
			break
		}
	}
	return fnvet.Gap{Path: path, Reason: fnvet.GapFailed, Detail: fmt.Sprintf("step %s crashed (%T at %s)", step, p, at)}
}

// An informed step wants to know, before it finishes, which functions the steps
// above it in the table found stated.
type informed interface {
	Inform(functions []fnvet.Function)
}

// finish lets the steps that join several files do so, in the order of the table.
func (c *collector) finish(ctx context.Context, removed func(path, layer string) (string, bool)) {
	gone := func(path, layer string) bool { _, is := removed(path, layer); return is }
	w := c.worker()
	var functions []fnvet.Function
	for i, s := range c.steps {
		if d, ok := s.Detector.(informed); ok {
			d.Inform(functions)
		}
		fin, ok := s.Detector.(fnvet.Finisher)
		if !ok {
			continue
		}
		if c.watch != nil {
			c.watch.Post(w, "the end of step "+s.Name)
		}
		facts, err := safeFinish(ctx, s.Name, fin, gone)
		if err != nil {
			facts.Gaps = append(facts.Gaps, gapOf(s.Name, err))
		}
		functions = append(functions, facts.Functions...)
		c.add(Part{Step: i, Facts: facts})
	}
	if c.watch != nil {
		c.watch.Post(w, "")
	}
}

func safeFinish(ctx context.Context, name string, f fnvet.Finisher, gone func(path, layer string) bool) (facts fnvet.Facts, err error) {
	defer func() {
		if p := recover(); p != nil {
			facts.Gaps = append(facts.Gaps, crashed(name, name, p))
		}
	}()
	return f.Finish(ctx, gone)
}
