package secrets

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// errEnough ends a search that has reached its limits.
var errEnough = errors.New("enough")

// A worker is the scratch memory of one search. It is reused, so that a scan of
// many small files allocates little.
type worker struct {
	s     *Scanner
	ctx   context.Context //nolint:containedctx // lives for one call of Detect only
	file  *fnvet.File
	names []string // what path expressions are tried on
	place place

	buf      []byte  // decoded text
	used     int     // bytes of buf that held some since the last wipe
	hit      []bool  // per rule: a keyword occurred
	order    []int   // the rules hit, by index
	skip     []int8  // per rule: whether its paths rule the file out; 0 unknown
	cuts     [][]cut // per rule: where its matches may be
	dfas     []*dfa
	entries  int                 // of the tables of dfas
	runs     map[*[256]bool]span // the last run of each set of bytes
	clearOf  map[*allowlist]span // the last part of a line in which each matches nothing
	drafts   []candidate
	findings []fnvet.Finding
	capped   bool
	marked   bool // the file has ignore comments
	// templated is true when the file has one of templateWords.
	templated bool
	turned    []int // where this text turns strings round
	typed     []int // where this text has a string's type behind a colon
	lists     bool  // this text joins lists of strings
	barred    bool  // a rule did not look at the file because of its folder
	reads     int   // bytes that regexps may still read of this file
	probing   int   // bytes that probes may still read of this text
	cutsLeft  int   // cuts that may still be kept of this text
	groups    []int // scratch of searchByHand
	decoded   int   // bytes that may still be decoded of this file
	lines     position
}

func newWorker(s *Scanner) *worker {
	return &worker{
		s:    s,
		hit:  make([]bool, len(s.set.rules)),
		skip: make([]int8, len(s.set.rules)),
		cuts: make([][]cut, len(s.set.rules)),
		runs: map[*[256]bool]span{},

		clearOf: map[*allowlist]span{},
	}
}

func (w *worker) reset(ctx context.Context, f *fnvet.File) {
	w.ctx, w.file = ctx, f
	w.names = append(w.names[:0], f.Name)
	if f.Path != f.Name {
		w.names = append(w.names, f.Path)
	}
	w.place = w.s.classify(f)
	w.findings, w.capped, w.barred = nil, false, false
	w.marked, w.templated = false, false
	w.decoded = spareDecoded + len(f.Data)
	w.reads = spareReads
	w.lines = position{data: f.Data, line: 1}
	clear(w.skip)
}

// wipe forgets everything about the last file.
func (w *worker) wipe() {
	clear(w.buf[:min(w.used, cap(w.buf))])
	w.used = 0
	clear(w.drafts)
	w.ctx, w.file, w.findings = nil, nil, nil
	w.lines = position{}
	w.drafts, w.names = w.drafts[:0], w.names[:0]
	if cap(w.buf) > maxKeep {
		w.buf = nil
	}
}

// maxKeep is the largest decoding buffer a worker keeps between files, in bytes.
const maxKeep = 4 << 20

// applies reports whether the rule's paths and path allowlists let it search
// this file. The answer is kept for the file.
func (w *worker) applies(r *rule) bool {
	if w.skip[r.index] == 0 {
		w.skip[r.index] = 1
		if r.skipReport && !r.needed || !w.pathApplies(r) {
			w.skip[r.index] = -1
		}
	}
	return w.skip[r.index] > 0
}

func (w *worker) pathApplies(r *rule) bool {
	for _, list := range [][]*allowlist{w.s.set.allow, r.allow} {
		for _, a := range list {
			if a.allowsPath(w) {
				w.barred = true
				return false
			}
		}
	}
	if r.path == nil || w.named(r.path) {
		return true
	}
	w.barred = w.barred || strings.Contains(r.pathText, "/")
	return false
}

// named reports whether one of the expressions matches the file's path.
func (w *worker) named(e *expressions) bool {
	return slices.ContainsFunc(w.names, func(n string) bool { return e.match(w, []byte(n)) })
}

// scan searches one text of the file and appends what it finds.
func (w *worker) scan(t text) error {
	w.reads += len(t.data) / readShare
	w.used = max(w.used, len(t.data))
	w.mark(t.data)
	w.drafts = w.drafts[:0]
	for _, i := range w.order {
		r := w.s.set.rules[i]
		w.search(r, &t)
	}
	w.settle(&t)
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if w.capped {
		return errEnough
	}
	return w.hidden(&t)
}

// consider applies gitleaks' filters to one match.
func (w *worker) consider(r *rule, t *text, m match) {
	if len(w.drafts) >= maxMatches {
		w.capped = true
		return
	}
	c := candidate{rule: r, data: t.data}
	c.cut(m)
	secret := c.secret()
	if r.entropy != 0 && entropy(secret) <= r.entropy {
		return
	}
	if w.s.known.any(secret) || masked(secret) || w.allowed(&c) {
		return
	}
	w.drafts = append(w.drafts, c)
}

func (w *worker) allowed(c *candidate) bool {
	for _, list := range [][]*allowlist{w.s.set.allow, c.rule.allow} {
		for _, a := range list {
			if a.allows(w, c) {
				return true
			}
		}
	}
	return false
}

// object searches a git object, which file.Data[start:end] unpacks to.
func (w *worker) object(object []byte, start, end int) error {
	n := max(len(object), 1)
	place := func(at func(int) int) func(int) int {
		return func(i int) int { return start + int(int64(end-start)*int64(min(at(i), n))/int64(n)) }
	}
	var buf []byte
	return eachText("", object, &buf, func(t text) error {
		t.lines, t.depth, t.inside, t.at = false, 1, true, place(t.at)
		return w.scan(t)
	})
}
