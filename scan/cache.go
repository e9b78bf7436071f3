package scan

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
)

// A Cache keeps what the steps found in a layer of an image, so that they need
// not search it again when the layer comes back in another image or another run.
//
// What is kept is the parts of the steps that look at each file by itself, before
// anything is matched, judged or sorted: the advisory database plays no part in
// them, so a new one needs no new search. The steps that join several files
// (fnvet.Finisher) see every file of every image, cached or not, because what
// they make of a layer depends on the others. Layers are read, their digests
// checked and their files merged as ever; the saving is the search itself, which
// is most of the work. So a report is the same with and without a cache.
//
// The key of a layer is its diff_id, with Version. A diff_id is only a claim until
// the layer was read: parts from the cache count when its bytes have turned out to
// have it, and otherwise the layer is read again and searched.
//
// Entries hold redacted findings and names of packages, no secrets. Any of them
// may be deleted at any time.
type Cache struct {
	Keeper Keeper
	// Version names all that the steps' answers depend on besides the file: the
	// build of the program, the rules, and options that change what is found.
	Version string
	// Secrets names what findings of secrets depend on besides: the key of their
	// hashes, the day by which they expire. Layers without any do not.
	Secrets string
	// Day is when the search is. What has expired by one day has so on every later
	// one, but not on one before.
	Day time.Time
}

// A Keeper keeps entries by their ids. Its methods may be called concurrently.
type Keeper interface {
	// Load returns the entry that was kept under an id, as it was, or nil.
	Load(ctx context.Context, id []byte) []byte
	Save(ctx context.Context, id, entry []byte) error
}

const (
	// maxEntry bounds an entry, in bytes; a layer with more findings is not kept.
	maxEntry = 64 << 20
	// inLayer stands for the digest of the layer in an entry: the same diff_id may
	// be packed in different ways.
	inLayer = "\x00layer"
)

// A LayerCount says of how many layers of an image the cache knew what is in them,
// and how many were searched. Layers without a file are in neither.
type LayerCount struct{ Known, Searched int }

// A LayerKey is an image layer in which every file was searched anew.
type LayerKey struct{ Digest, DiffID string }

// entry is the parts of one layer, and the day on which it was searched.
type entry struct {
	Parts []Part
	Day   time.Time
}

// cachedSteps are the rows of the table whose parts are kept.
func cachedSteps(steps []Step) []bool {
	kept := make([]bool, len(steps))
	for i, s := range steps {
		_, joins := s.Detector.(fnvet.Finisher)
		kept[i] = !joins
	}
	return kept
}

// id is what an entry is sealed with and found by; secret for that of a layer in
// which secrets were found.
func (c *Cache) id(diffID string, secret bool, steps []Step, limits unpack.Limits) []byte {
	var b bytes.Buffer
	b.WriteString("fnvet layer 2\x00" + c.Version + "\x00" + diffID)
	for i, kept := range cachedSteps(steps) {
		if kept {
			b.WriteString("\x00" + steps[i].Name)
		} else {
			b.WriteString("\x00")
		}
	}
	fmt.Fprintf(&b, "\x00%+v", limits)
	if secret {
		b.WriteString("\x00secrets " + c.Secrets)
	}
	return b.Bytes()
}

// load returns the entry of a layer.
func (c *Cache) load(ctx context.Context, diffID string, steps []Step, limits unpack.Limits) (entry, bool) {
	for _, secret := range []bool{false, true} {
		e, ok := decodeEntry(c.Keeper.Load(ctx, c.id(diffID, secret, steps, limits)))
		if ok && !e.Day.After(c.Day) {
			return e, true
		}
	}
	return entry{}, false
}

// decodeEntry reads what encode wrote.
func decodeEntry(data []byte) (e entry, ok bool) {
	if data == nil {
		return entry{}, false
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxEntry), zstd.WithDecoderLowmem(true))
	if err != nil {
		return entry{}, false
	}
	defer z.Close()
	text, err := z.DecodeAll(data, nil)
	if err != nil || gob.NewDecoder(bytes.NewReader(text)).Decode(&e) != nil {
		return entry{}, false
	}
	return e, true
}

// encode returns nil for an entry that is too large.
func (e *entry) encode() ([]byte, error) {
	var text bytes.Buffer
	if err := gob.NewEncoder(&text).Encode(e); err != nil {
		return nil, err
	}
	if text.Len() > maxEntry {
		return nil, nil
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	return z.EncodeAll(text.Bytes(), nil), z.Close()
}

// Store keeps what the walk of h found in layers that were not in the cache. It
// is for the process that may write, with the Config of the walk.
func (c *Cache) Store(ctx context.Context, h *Harvest, config Config) error {
	steps := config.active()
	kept := cachedSteps(steps)
	var failed error
	for _, layer := range h.Fresh {
		e, secret := entry{Day: c.Day}, false
		for _, p := range h.Parts {
			if p.Layer == layer.Digest && p.Path != "" && p.Step >= 0 && p.Step < len(kept) && kept[p.Step] {
				e.Parts = append(e.Parts, p.relabelled(layer.Digest, inLayer))
				secret = secret || slices.ContainsFunc(p.Facts.Findings, func(f fnvet.Finding) bool { return f.Secret != nil })
			}
		}
		slices.SortFunc(e.Parts, compareParts)
		data, err := e.encode()
		if err == nil && data != nil {
			err = c.Keeper.Save(ctx, c.id(layer.DiffID, secret, steps, config.Unpack.Limits), data)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// relabelled is a copy of the part with one layer for another.
func (p Part) relabelled(from, to string) Part {
	swap := func(layer string) string {
		if layer == from {
			return to
		}
		return layer
	}
	p.Layer = swap(p.Layer)
	p.Facts.Findings = slices.Clone(p.Facts.Findings)
	for i := range p.Facts.Findings {
		p.Facts.Findings[i].Layer = swap(p.Facts.Findings[i].Layer)
	}
	p.Facts.Packages = slices.Clone(p.Facts.Packages)
	for i := range p.Facts.Packages {
		locations := slices.Clone(p.Facts.Packages[i].Locations)
		for j := range locations {
			locations[j].Layer = swap(locations[j].Layer)
		}
		p.Facts.Packages[i].Locations = locations
	}
	p.Facts.Links = slices.Clone(p.Facts.Links)
	for i := range p.Facts.Links {
		p.Facts.Links[i].Layer = swap(p.Facts.Links[i].Layer)
	}
	return p
}

// A shelf is the cache during one walk.
type shelf struct {
	cache  *Cache
	steps  []Step
	kept   []bool
	limits unpack.Limits

	mu     sync.Mutex
	layers map[LayerKey]*shelved
}

// shelved is one layer during a walk.
type shelved struct {
	once sync.Once
	hit  bool
	by   map[string][]Part // of the entry, by path

	mu      sync.Mutex
	pending []Part          // of the files that were offered
	paths   map[string]bool // offered, where there is no entry
	spoilt  bool            // not to be kept
}

func newShelf(c *Config, steps []Step, target string) *shelf {
	if c.Cache == nil || target == "-" { // standard input cannot be read again
		return nil
	}
	return &shelf{cache: c.Cache, steps: steps, kept: cachedSteps(steps), limits: c.Unpack.Limits, layers: map[LayerKey]*shelved{}}
}

// offer notes a file and reports whether the cache answers for it.
func (s *shelf) offer(ctx context.Context, f *fnvet.File) bool {
	if s == nil || f.DiffID == "" {
		return false
	}
	l := s.layer(LayerKey{f.Layer, f.DiffID})
	l.once.Do(func() { s.fill(ctx, l, f.DiffID, f.Layer) })
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hit {
		l.pending = append(l.pending, l.by[f.Path]...)
		return true
	}
	if l.paths[f.Path] {
		l.spoilt = true // two files of one path: the entry could not tell them apart
	}
	l.paths[strings.Clone(f.Path)] = true
	return false
}

func (s *shelf) layer(key LayerKey) *shelved {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.layers[key]
	if !ok {
		l = &shelved{}
		s.layers[key] = l
	}
	return l
}

func (s *shelf) fill(ctx context.Context, l *shelved, diffID, digest string) {
	e, ok := s.cache.load(ctx, diffID, s.steps, s.limits)
	if !ok {
		l.paths = map[string]bool{}
		return
	}
	l.hit, l.by = true, map[string][]Part{}
	for _, p := range e.Parts {
		p = p.relabelled(inLayer, digest)
		l.by[p.Path] = append(l.by[p.Path], p)
	}
}

// spoil keeps a layer out of the cache: a step failed on one of its files.
func (s *shelf) spoil(f *fnvet.File) {
	if s == nil || f.DiffID == "" {
		return
	}
	l := s.layer(LayerKey{f.Layer, f.DiffID})
	l.mu.Lock()
	l.spoilt = true
	l.mu.Unlock()
}

// settled is what a walk came to: the parts of layers that came from the cache and
// are what they claim to be, the layers that are not, those to keep, and how many of
// both were searched or not.
type settled struct {
	parts  []Part
	untrue map[LayerKey]bool
	fresh  []LayerKey
	count  LayerCount
}

// settle ends the walk. Where a limit was reached, files were left out, so nothing
// is kept.
func (s *shelf) settle(verified func(layer, diffID string) bool, gaps []fnvet.Gap) (end settled) {
	if s == nil {
		return end
	}
	whole := !slices.ContainsFunc(gaps, func(g fnvet.Gap) bool { return g.Reason == fnvet.GapLimit || g.Reason == fnvet.GapFailed })
	end.untrue = map[LayerKey]bool{}
	for key, l := range s.layers {
		is := verified(key.Digest, key.DiffID)
		if l.hit && is {
			end.count.Known++
			end.parts = append(end.parts, l.pending...)
			continue
		}
		end.count.Searched++
		switch {
		case l.hit:
			end.untrue[key] = true
		case is && whole && !l.spoilt:
			end.fresh = append(end.fresh, key)
		}
	}
	slices.SortFunc(end.parts, compareParts)
	slices.SortFunc(end.fresh, func(a, b LayerKey) int { return strings.Compare(a.DiffID+a.Digest, b.DiffID+b.Digest) })
	return end
}

// settle emits what the cache had for the layers that are what they claim to be,
// and searches the others in another walk.
func (c *collector) settle(ctx context.Context, target string, opts unpack.Options, res *unpack.Result, h *Harvest) error {
	end := c.shelf.settle(res.Verified, res.Gaps)
	h.Fresh, h.Layers = end.fresh, end.count
	for _, p := range end.parts {
		c.add(p)
	}
	if len(end.untrue) == 0 {
		return nil
	}
	again, err := unpack.Walk(ctx, target, opts, func(ctx context.Context, f *fnvet.File) {
		if !end.untrue[LayerKey{f.Layer, f.DiffID}] {
			return
		}
		w := c.worker()
		defer c.done(w)
		for i := range c.steps {
			if !c.shelf.kept[i] {
				continue
			}
			if facts, some := c.run(ctx, w, i, f); some {
				c.add(Part{f.Path, f.Layer, i, facts})
			}
		}
	})
	if err != nil {
		return err
	}
	res.Gaps = append(res.Gaps, again.Gaps...) // the time may have run out; doubles go later
	return nil
}
