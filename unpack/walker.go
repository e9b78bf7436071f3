package unpack

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fnvet/fnvet"
)

// A walker is the state of one Walk. Everything it collects is sorted before
// anyone sees it, so that scheduling does not show.
type walker struct {
	ctx      context.Context //nolint:containedctx // lives exactly as long as one Walk
	visitor  func(ctx context.Context, file *fnvet.File)
	progress func(done, ahead int64) // never nil
	limits   Limits
	platform string
	// platformSet is true when the user chose the platform.
	platformSet bool
	helpers     chan struct{} // a place for each goroutine besides the first
	mem         *memory
	inflate     inflaters
	inputs      inputs
	root        *meter
	entries     atomic.Int64
	files       atomic.Int64
	bytes       atomic.Int64
	artifact    fnvet.Artifact
	removed     func(path, layer string) (by string, removed bool)
	verified    sync.Map // layerID of the image layers whose bytes are what the config states

	mu       sync.Mutex
	gaps     bounded[fnvet.Gap]
	findings bounded[fnvet.Finding]
	settings []fnvet.Setting
	// absolutes holds a tally for each archive and layer.
	absolutes map[[2]string]*tally
}

// A scope is the archive, layer or directory whose entries are being offered.
type scope struct {
	prefix    string // before an entry's name: "fn.zip!/"
	container string
	depth     int
	layer     string
	windows   bool // a backslash separates path segments
	image     bool // the entries are an image's file system
	tree      *tree
	meter     *meter
	names     *names // of a Lambda layer
	diffID    string // of an image layer
}

// path is what reports call the entry with that name.
func (sc *scope) path(name string) string { return sc.prefix + name }

// where is what reports call the archive itself.
func (sc *scope) where(w *walker) string {
	if sc.container != "" {
		return sc.container
	}
	return w.artifact.Name
}

func newWalker(ctx context.Context, opts Options, visit func(context.Context, *fnvet.File)) *walker {
	w := &walker{
		ctx:      ctx,
		visitor:  visit,
		progress: opts.Progress,
		limits:   opts.Limits.withDefaults(),
		platform: orDefault(opts.Platform, "linux/amd64"),

		platformSet: opts.Platform != "",
		helpers:     make(chan struct{}, runtime.GOMAXPROCS(0)-1),
		mem:         newMemory(inFlight(runtime.GOMAXPROCS(0))),
		removed:     func(string, string) (string, bool) { return "", false },
		gaps:        bounded[fnvet.Gap]{compare: compareGaps},
		findings:    bounded[fnvet.Finding]{compare: compareFindings},
	}
	if w.progress == nil {
		w.progress = func(int64, int64) {}
	}
	w.entries.Store(int64(w.limits.Entries))
	w.root = &meter{allow: w.limits.TotalBytes, detail: "unpacks to more than the total limit of " + bytesText(w.limits.TotalBytes)}
	w.artifact.Layers = []fnvet.Layer{}
	return w
}

func isDeadline(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded)
}

func (w *walker) stopped() bool { return w.ctx.Err() != nil }

// result sorts what was collected.
func (w *walker) result() *Result {
	if isDeadline(w.ctx) {
		w.gap(w.artifact.Name, fnvet.GapLimit, "the time limit was reached before everything was read")
	}
	w.noteAbsolute()
	return &Result{
		Artifact: w.artifact,
		Settings: w.settings,
		Findings: w.findings.sorted(),
		Gaps:     w.gaps.sorted(),
		Files:    int(w.files.Load()),
		Bytes:    w.bytes.Load(),
		Removed:  w.removed,
		Verified: func(layer, diffID string) bool { _, is := w.verified.Load(layerID{layer, diffID}); return is },
	}
}

// parallel calls do(0) to do(n-1), in the calling goroutine and as many others
// as there are cores to spare, and returns when all have. It stops early when
// the walk does.
func (w *walker) parallel(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	var run func()
	run = func() {
		for !w.stopped() {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if i+1 < n {
				select {
				case w.helpers <- struct{}{}:
					wg.Go(func() { defer func() { <-w.helpers }(); run() })
				default:
				}
			}
			do(i)
		}
	}
	run()
	wg.Wait()
}

// A crew runs the work that a sequential reader hands out.
type crew struct {
	w  *walker
	wg sync.WaitGroup
}

// do runs work in another goroutine if a core is to spare, else here and now.
func (c *crew) do(work func()) {
	select {
	case c.w.helpers <- struct{}{}:
		c.wg.Go(func() { defer func() { <-c.w.helpers }(); work() })
	default:
		work()
	}
}

// An entry is a file on its way from an archive to the visitor.
type entry struct {
	name string // as the archive states it
	mode fs.FileMode
	link string
	data []byte
}

// offer shows one entry to the visitor and opens it if it is an archive itself.
func (w *walker) offer(sc *scope, e entry) {
	if w.stopped() {
		return
	}
	name := w.clean(sc, e.name)
	if sc.names != nil {
		sc.names.add(name)
	}
	file := &fnvet.File{
		Path: sc.path(name), Name: name, Container: sc.container, Depth: sc.depth,
		Size: int64(len(e.data)), Mode: e.mode, Link: e.link, Layer: sc.layer, DiffID: sc.diffID, Data: e.data,
	}
	if e.mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 && !sc.image {
		w.finding(setuidFile, sc, file.Path, e.mode.String())
	}
	kind, start := notArchive, 0
	if e.mode.IsRegular() {
		if kind = sniff(memorySource(e.data)); kind == notArchive {
			kind, start = embedded(e.data)
		}
	}
	if kind == notArchive && e.mode.IsRegular() && falseName(name, e.data) {
		w.gap(file.Path, fnvet.GapUnreadable, "named like an archive, but its bytes are not one")
	}
	deep := kind != notArchive && sc.depth >= w.limits.Depth
	file.Archive = kind != notArchive && !deep
	w.show(file)
	switch {
	case deep:
		w.gap(file.Path, fnvet.GapLimit, "nested deeper than the depth limit of "+itoa(w.limits.Depth))
	case file.Archive:
		child := &scope{
			prefix: file.Path + "!/", container: file.Path, depth: sc.depth + 1, layer: sc.layer, diffID: sc.diffID,
			meter: w.newMeter(file.Path, file.Size, sc.meter),
		}
		w.archive(child, memorySource(e.data[start:]), kind)
	}
}

// show counts the file and calls the visitor.
func (w *walker) show(file *fnvet.File) {
	w.files.Add(1)
	w.bytes.Add(file.Size)
	w.visitor(w.ctx, file)
}

// archive walks the entries of src, which is of that kind.
func (w *walker) archive(sc *scope, src source, kind format) {
	switch kind {
	case zipFormat:
		w.zip(sc, src)
	case tarFormat:
		w.tar(sc, &chargedReader{w: w, sc: sc, r: src.reader()}, src.again)
	case sevenZipFormat:
		w.sevenZip(sc, src)
	case rarFormat:
		w.rar(sc, src)
	case notArchive:
	default:
		w.compressed(sc, src, kind)
	}
}

func (w *walker) gap(path, reason, detail string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gaps.add(fnvet.Gap{Path: strings.Clone(path), Reason: reason, Detail: strings.Clone(detail)})
}

func (w *walker) setting(s fnvet.Setting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.settings) >= maxSettings {
		w.gaps.add(fnvet.Gap{Path: s.Path, Reason: fnvet.GapLimit, Detail: "more than " + itoa(maxSettings) + " settings"})
		return
	}
	if len(s.Value) > maxSetting {
		s.Value = s.Value[:maxSetting]
		w.gaps.add(fnvet.Gap{Path: s.Path, Reason: fnvet.GapLimit, Detail: "a value is over " + bytesText(maxSetting)})
	}
	w.settings = append(w.settings, s)
}

// bounded keeps the first maxGaps values in sort order, each once.
type bounded[T any] struct {
	compare func(a, b T) int
	values  []T
	dropped bool
}

func (b *bounded[T]) add(v T) {
	b.values = append(b.values, v)
	if len(b.values) >= 2*maxGaps {
		b.prune()
	}
}

func (b *bounded[T]) prune() {
	slices.SortFunc(b.values, b.compare)
	b.values = slices.CompactFunc(b.values, func(x, y T) bool { return b.compare(x, y) == 0 })
	if len(b.values) > maxGaps {
		clear(b.values[maxGaps:])
		b.values = b.values[:maxGaps]
		b.dropped = true
	}
}

func (b *bounded[T]) sorted() []T {
	b.prune()
	return b.values
}

func compareGaps(a, b fnvet.Gap) int {
	return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Reason, b.Reason), strings.Compare(a.Detail, b.Detail))
}

func compareFindings(a, b fnvet.Finding) int {
	return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.ID, b.ID),
		strings.Compare(a.Evidence, b.Evidence), strings.Compare(a.Layer, b.Layer))
}
