package secrets

import (
	"context"
	"errors"
	"slices"

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

	buf      []byte // decoded text
	hit      []bool // per rule: a keyword occurred
	order    []int  // the rules hit, by index
	skip     []int8 // per rule: whether its paths rule the file out; 0 unknown
	drafts   []candidate
	findings []fnvet.Finding
	capped   bool
}

func newWorker(s *Scanner) *worker {
	return &worker{
		s:    s,
		hit:  make([]bool, len(s.set.rules)),
		skip: make([]int8, len(s.set.rules)),
	}
}

func (w *worker) reset(ctx context.Context, f *fnvet.File) {
	w.ctx, w.file = ctx, f
	w.names = append(w.names[:0], f.Name)
	if f.Path != f.Name {
		w.names = append(w.names, f.Path)
	}
	w.place = classify(f)
	w.findings, w.capped = nil, false
	clear(w.skip)
}

// wipe forgets everything about the last file.
func (w *worker) wipe() {
	clear(w.buf[:cap(w.buf)])
	clear(w.drafts)
	w.ctx, w.file, w.findings = nil, nil, nil
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
		if r.skipReport || !w.pathApplies(r) {
			w.skip[r.index] = -1
		}
	}
	return w.skip[r.index] > 0
}

func (w *worker) pathApplies(r *rule) bool {
	for _, list := range [][]*allowlist{w.s.set.allow, r.allow} {
		for _, a := range list {
			if a.allowsPath(w.names...) {
				return false
			}
		}
	}
	return slices.ContainsFunc(w.names, r.matchesPath)
}

// scan searches one text of the file and appends what it finds.
func (w *worker) scan(t text) error {
	w.mark(t.data)
	w.drafts = w.drafts[:0]
	for _, i := range w.order {
		r := w.s.set.rules[i]
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if w.applies(r) {
			w.search(r, &t)
		}
	}
	w.settle(&t)
	if w.capped {
		return errEnough
	}
	return nil
}

// mark fills w.order with the rules of which a keyword occurs in data.
func (w *worker) mark(data []byte) {
	w.order = w.order[:0]
	for _, r := range w.s.set.always {
		w.order = append(w.order, r.index)
	}
	w.s.auto.each(data, func(word, _ int) bool {
		for _, r := range w.s.set.heads[word] {
			if !w.hit[r.index] {
				w.hit[r.index] = true
				w.order = append(w.order, r.index)
			}
		}
		return true
	})
	for _, i := range w.order {
		w.hit[i] = false
	}
	slices.Sort(w.order)
}

// search appends the rule's candidates in t that pass its filters.
func (w *worker) search(r *rule, t *text) {
	re, err := r.regex.get(r.regexText)
	if err != nil {
		return
	}
	for _, m := range re.FindAllIndex(t.data, maxMatches) {
		w.consider(r, t, m[0], m[1])
	}
}

// consider applies gitleaks' filters to one match, data[start:end].
func (w *worker) consider(r *rule, t *text, start, end int) {
	if len(w.drafts) >= maxMatches {
		w.capped = true
		return
	}
	c := candidate{rule: r, data: t.data}
	if !c.cut(start, end) {
		return
	}
	secret := c.secret()
	if r.entropy != 0 && entropy(secret) <= r.entropy {
		return
	}
	if w.s.known.any(secret) || w.allowed(&c) {
		return
	}
	w.drafts = append(w.drafts, c)
}

func (w *worker) allowed(c *candidate) bool {
	for _, list := range [][]*allowlist{w.s.set.allow, c.rule.allow} {
		for _, a := range list {
			if a.allows(c, w.names) {
				return true
			}
		}
	}
	return false
}
