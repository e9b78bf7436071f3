package secrets

import (
	"math"
)

// fewBytes is what regexp reads as fast as it takes to ask whether it should, in bytes.
const fewBytes = 256

// searchCuts finds matches that start at a cut or in the run of bytes that leads
// to it: at the leftmost byte of that run that the rule allows, but not inside
// the match before. That is where a search of the whole text would find them.
func (w *worker) searchCuts(r *rule, t *text, cuts []cut) {
	re, err := r.anchored.get(`\A(?:` + r.regexText + `)`)
	if err != nil {
		return
	}
	p, view := r.plan, outlook{}
	done := 0
	for _, c := range cuts {
		if c.at < done {
			continue
		}
		start := p.start(t.data, c, done)
		right := min(w.extend(t.data, c.at, p.routes[c.route].after, 1)+margin, len(t.data))
		if c.open && !w.open(r, t.data, c, &view, span{start, right}) {
			continue
		}
		if !w.spend(right - start) {
			return
		}
		groups := re.FindSubmatchIndex(t.data[start:right])
		if groups == nil {
			continue
		}
		if start+groups[1] == right && right < len(t.data) { // cut off by maxRun
			done = start + (right-start)/2
			continue
		}
		w.consider(r, t, match{start, groups})
		done = max(start+groups[1], start+1)
	}
}

// searchByHand is searchCuts for the expression that is matched by hand.
func (w *worker) searchByHand(r *rule, t *text, cuts []cut) {
	done := 0
	for _, c := range cuts {
		if c.at < done {
			continue
		}
		start := r.plan.start(t.data, c, done)
		right := min(c.at+maxRun, len(t.data))
		m, ruling := w.s.generic.match(t.data[:right], start)
		switch ruling {
		case no:
			continue
		case maybe:
			re, err := r.anchored.get(`\A(?:` + r.regexText + `)`)
			if err != nil || !w.spend(right-start) {
				return
			}
			groups := re.FindSubmatchIndex(t.data[start:right])
			if groups == nil {
				continue
			}
			m = genericMatch{start + groups[1], start + groups[2], start + groups[3]}
		case yes:
		}
		if m.end == right && right < len(t.data) {
			continue
		}
		w.groups = append(w.groups[:0], 0, m.end-start, m.valueStart-start, m.valueEnd-start)
		w.consider(r, t, match{start, w.groups})
		done = m.end
	}
}

// start is where a match at a cut would start, not before done.
func (p *plan) start(data []byte, c cut, done int) int {
	start := c.at
	if len(p.routes[c.route].before) > 0 && p.lead != nil {
		for start > done && c.at-start < p.leadMost && p.lead[data[start-1]] {
			start--
		}
	}
	return start
}

// An outlook is what is known of the matches that begin at one offset or after it:
// none ends before end; one does there, or none was seen before it.
type outlook struct {
	end   int
	match bool
}

// open reports whether a cut that its probe has left open may match in s. First
// all cuts are asked together, which takes time in proportion to the text, then
// this one.
func (w *worker) open(r *rule, data []byte, c cut, view *outlook, s span) bool {
	if s.start >= view.end || !view.match && s.end > view.end {
		until := min(s.end+s.end-s.start, len(data))
		view.end, view.match = w.seek(r).find(data[:until], s.start, math.MaxInt)
	}
	if s.end < view.end || !view.match {
		return false
	}
	if !w.spend((s.end - c.at) / probeShare) {
		return false
	}
	_, ok := w.probe(r.firstProbe+int(c.route), r.plan.routes[c.route].probe).find(data[:s.end], c.at, math.MaxInt)
	return ok
}

// probeShare is how many bytes a dfa reads while regexp reads one.
const probeShare = 16

// mayMatch reports whether the rule may match in a part of the text.
func (w *worker) mayMatch(r *rule, data []byte, s span) bool {
	_, ok := w.seek(r).find(data[:s.end], s.start, math.MaxInt)
	return ok
}

// seek returns the worker's dfa that looks for a match of the rule anywhere.
func (w *worker) seek(r *rule) *dfa {
	p := r.plan
	p.sought.Do(func() { p.anywhere = compile(p.tree) })
	return w.probe(r.firstProbe+len(p.routes), p.anywhere)
}

// The bytes of a file that regexps read again are bounded, so that no file takes
// longer than in proportion to its length: spareReads, and a part of each text's
// length. What probes read is, too; a cut for which none is left is open.
const (
	spareReads  = 4 << 20
	readShare   = 4
	spareProbes = 64 << 10
	probeTimes  = 4
)

// spend takes n bytes from what regexps may still read, or caps the search.
func (w *worker) spend(n int) bool {
	w.reads -= n
	if w.reads < 0 {
		w.capped = true
	}
	return w.reads >= 0
}
