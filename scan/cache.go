package scan

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

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
// An entry is sealed with Key. One that is damaged, was made by another
// installation or does not belong to its name is as good as none. Entries hold
// redacted findings and names of packages, no secrets. Any of them may be deleted
// at any time.
type Cache struct {
	Dir string
	// Key is the installation's: without it, entries can be neither made nor read.
	Key []byte
	// Version names all that the steps' answers depend on besides the file: the
	// build of the program, the rules, and options that change what is found.
	Version string
}

const (
	// maxEntry bounds an entry, in bytes; a layer with more findings is not kept.
	maxEntry = 64 << 20
	// inLayer stands for the digest of the layer in an entry: the same diff_id may
	// be packed in different ways.
	inLayer = "\x00layer"
)

// A LayerKey is an image layer in which every file was searched anew.
type LayerKey struct{ Digest, DiffID string }

// entry is the parts of one layer.
type entry struct{ Parts []Part }

// cachedSteps are the rows of the table whose parts are kept.
func cachedSteps(steps []Step) []bool {
	kept := make([]bool, len(steps))
	for i, s := range steps {
		_, joins := s.Detector.(fnvet.Finisher)
		kept[i] = !joins
	}
	return kept
}

// id is what an entry is sealed with and found by.
func (c *Cache) id(diffID string, steps []Step, limits unpack.Limits) []byte {
	var b bytes.Buffer
	b.WriteString("fnvet layer 1\x00" + c.Version + "\x00" + diffID)
	for i, kept := range cachedSteps(steps) {
		if kept {
			b.WriteString("\x00" + steps[i].Name)
		} else {
			b.WriteString("\x00")
		}
	}
	fmt.Fprintf(&b, "\x00%+v", limits)
	return b.Bytes()
}

func (c *Cache) mac(parts ...[]byte) []byte {
	m := hmac.New(sha256.New, c.Key)
	for _, p := range parts {
		sum := sha256.Sum256(p)
		m.Write(sum[:])
	}
	return m.Sum(nil)
}

func (c *Cache) path(id []byte) string {
	return filepath.Join(c.Dir, "layer-"+hex.EncodeToString(c.mac([]byte("name"), id)))
}

// load returns the entry with that id.
func (c *Cache) load(id []byte) (entry, bool) {
	f, err := os.Open(c.path(id)) // #nosec G304 -- in the directory the user chose, by a name of ours
	if err != nil {
		return entry{}, false
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxEntry+sha256.Size+1))
	if err != nil || len(raw) < sha256.Size || len(raw) > maxEntry+sha256.Size {
		return entry{}, false
	}
	seal, body := raw[:sha256.Size], raw[sha256.Size:]
	if !hmac.Equal(seal, c.mac([]byte("entry"), id, body)) {
		return entry{}, false
	}
	var e entry
	if err := gob.NewDecoder(bytes.NewReader(body)).Decode(&e); err != nil {
		return entry{}, false
	}
	return e, true
}

// store writes an entry; it is there whole or not at all.
func (c *Cache) store(id []byte, e entry) error {
	var body bytes.Buffer
	if err := gob.NewEncoder(&body).Encode(e); err != nil {
		return err
	}
	if body.Len() > maxEntry {
		return nil
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(c.Dir, "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(c.mac([]byte("entry"), id, body.Bytes()), body.Bytes()...))
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), c.path(id))
}

// Store keeps what the walk of h found in layers that were not in the cache. It
// is for the process that may write, with the Config of the walk.
func (c *Cache) Store(h *Harvest, config Config) error {
	steps := config.active()
	kept := cachedSteps(steps)
	var failed error
	for _, layer := range h.Fresh {
		var e entry
		for _, p := range h.Parts {
			if p.Layer == layer.Digest && p.Path != "" && p.Step >= 0 && p.Step < len(kept) && kept[p.Step] {
				e.Parts = append(e.Parts, p.relabelled(layer.Digest, inLayer))
			}
		}
		slices.SortFunc(e.Parts, compareParts)
		failed = errors.Join(failed, c.store(c.id(layer.DiffID, steps, config.Unpack.Limits), e))
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
func (s *shelf) offer(f *fnvet.File) bool {
	if s == nil || f.DiffID == "" {
		return false
	}
	l := s.layer(LayerKey{f.Layer, f.DiffID})
	l.once.Do(func() { s.fill(l, f.DiffID, f.Layer) })
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

func (s *shelf) fill(l *shelved, diffID, digest string) {
	e, ok := s.cache.load(s.cache.id(diffID, s.steps, s.limits))
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

// settle ends the walk: it returns the parts of layers that came from the cache
// and are what they claim to be, those that are not, and those to keep. Where a
// limit was reached, files were left out, so nothing is kept.
func (s *shelf) settle(verified func(layer, diffID string) bool, gaps []fnvet.Gap) (parts []Part, untrue map[LayerKey]bool, fresh []LayerKey) {
	if s == nil {
		return nil, nil, nil
	}
	whole := !slices.ContainsFunc(gaps, func(g fnvet.Gap) bool { return g.Reason == fnvet.GapLimit || g.Reason == fnvet.GapFailed })
	untrue = map[LayerKey]bool{}
	for key, l := range s.layers {
		switch is := verified(key.Digest, key.DiffID); {
		case l.hit && is:
			parts = append(parts, l.pending...)
		case l.hit:
			untrue[key] = true
		case is && whole && !l.spoilt:
			fresh = append(fresh, key)
		}
	}
	slices.SortFunc(parts, compareParts)
	slices.SortFunc(fresh, func(a, b LayerKey) int { return strings.Compare(a.DiffID+a.Digest, b.DiffID+b.Digest) })
	return parts, untrue, fresh
}

// settle emits what the cache had for the layers that are what they claim to be,
// and searches the others in another walk. It returns the layers to keep.
func (c *collector) settle(ctx context.Context, target string, opts unpack.Options, res *unpack.Result) ([]LayerKey, error) {
	parts, untrue, fresh := c.shelf.settle(res.Verified, res.Gaps)
	for _, p := range parts {
		c.add(p)
	}
	if len(untrue) == 0 {
		return fresh, nil
	}
	again, err := unpack.Walk(ctx, target, opts, func(ctx context.Context, f *fnvet.File) {
		if !untrue[LayerKey{f.Layer, f.DiffID}] {
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
		return nil, err
	}
	res.Gaps = append(res.Gaps, again.Gaps...) // the time may have run out; doubles go later
	return fresh, nil
}
