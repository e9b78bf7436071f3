package secrets

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"
)

// margin is how many bytes beyond the longest possible match a window shows, so
// that assertions at the match's ends see what really stands there.
const margin = 8

// A lure is what an occurrence of a keyword may mean: a route of a rule. The cut
// of the route would start back bytes before the keyword's end.
type lure struct {
	rule  *rule
	route int // -1: the rule has no routes and is searched for as a whole
	word  string
	back  int
	probe int // index of the route's program among the worker's dfas; narrow's is next to it
}

// lures returns what the keyword with that index may mean, worked out when it is
// first met: the plans of all rules cost more than a small scan.
func (s *Scanner) lures(keyword int) []lure {
	k := &s.hooks[keyword]
	k.once.Do(func() {
		for _, r := range s.set.heads[keyword] {
			k.lures = s.addLures(k.lures, r, s.set.keywords[keyword])
		}
	})
	return k.lures
}

func (s *Scanner) addLures(list []lure, r *rule, keyword string) []lure {
	p := s.plan(r)
	if p == nil {
		return list
	}
	if p.whole != nil {
		return append(list, lure{rule: r, route: -1, probe: r.firstProbe})
	}
	for i, route := range p.routes {
		for _, word := range route.words {
			if anchorOf(word, r.keywords) != keyword {
				continue
			}
			at := strings.Index(word, keyword)
			list = append(list, lure{rule: r, route: i, word: word, back: at + len(keyword), probe: r.firstProbe + 2*i})
		}
	}
	return list
}

// anchorOf picks the one keyword by which a cut's word is noticed.
func anchorOf(word string, keywords []string) string {
	best := ""
	for _, k := range keywords {
		if len(k) > len(best) && strings.Contains(word, k) {
			best = k
		}
	}
	return best
}

// plan returns the rule's plan, or nil when its expression does not parse, and
// numbers its programs.
func (s *Scanner) plan(r *rule) *plan {
	r.planned.Do(func() {
		p, err := newPlan(r.regexText, r.keywords)
		if err != nil {
			return
		}
		r.plan = p
		if text := r.narrowed(); text != "" {
			p.narrow(text, r.keywords)
		}
		n := max(2*len(p.routes), 1)
		r.firstProbe = int(s.probes.Add(int32(n))) - n //nolint:gosec // at most maxRoutes
	})
	return r.plan
}

// A cut is an occurrence of a route's word that its probe did not rule out. One
// that is not live matches only what the rule's allowlist drops.
type cut struct {
	at, route int
	live      bool
}

// A match is a match of a rule in the text, with its groups as regexp gives
// them, relative to start.
type match struct {
	start  int
	groups []int
}

// mark runs the automaton over the text and fills the worker's cuts: for each
// rule whose keywords occur, where its matches may be.
func (w *worker) mark(data []byte) {
	w.order = w.order[:0]
	for _, r := range w.s.set.always {
		if w.s.plan(r) != nil {
			w.note(r)
		}
	}
	w.turned, w.typed, w.lists = w.turned[:0], w.typed[:0], false
	w.s.auto.each(data, func(keyword, end int) bool {
		if keyword >= len(w.s.hooks) {
			w.meet(keyword-len(w.s.hooks), end)
			return true
		}
		for _, l := range w.s.lures(keyword) {
			if w.skip[l.rule.index] >= 0 {
				w.lured(&l, data, end)
			}
		}
		return true
	})
	slices.Sort(w.order)
}

// marks are words that the automaton looks for beside the keywords.
func marks() []string {
	return append([]string{ignoreMark, gitleaksMark, "reverse", "[::-1]", "join", "new string("}, typeMarks()...)
}

// typeMarks are the types of strings, as declarations put them between a name and
// its value: the colon that follows the name is no assignment.
func typeMarks() []string {
	return []string{": string", ": str", ":string", ": &str", ": &'static str"}
}

// meet notes one of marks.
func (w *worker) meet(mark, end int) {
	switch mark {
	case 0, 1:
		w.marked = true
	case 2, 3:
		if len(w.turned) < maxTurned {
			w.turned = append(w.turned, end)
		}
	case 4, 5:
		w.lists = true
	default:
		if len(w.typed) < maxTurned {
			w.typed = append(w.typed, end)
		}
	}
}

// maxTurned is how many places of one text that turn strings round, and how many
// typed declarations, are looked at.
const maxTurned = 1000

// note puts a rule on the list of those to search for, once.
func (w *worker) note(r *rule) {
	if !w.hit[r.index] {
		w.hit[r.index] = true
		w.order = append(w.order, r.index)
	}
}

// lured follows one occurrence of a keyword, which ends at end.
func (w *worker) lured(l *lure, data []byte, end int) {
	if l.route < 0 {
		w.note(l.rule)
		return
	}
	start := end - l.back
	if start < 0 || len(l.word) > len(data)-start {
		return
	}
	if len(l.word) != l.back && !equalFold(data[start:start+len(l.word)], l.word) {
		return
	}
	route := l.rule.plan.routes[l.route]
	if _, ok := w.probe(l.probe, route.probe).find(data, start, maxProbe); !ok {
		return
	}
	if !w.applies(l.rule) {
		return
	}
	live := true
	if route.narrow != nil {
		_, live = w.probe(l.probe+1, route.narrow).find(data, start, maxProbe)
	}
	cuts := w.cuts[l.rule.index]
	if len(cuts) >= maxMatches {
		w.capped = true
		return
	}
	w.note(l.rule)
	w.cuts[l.rule.index] = append(cuts, cut{start, l.route, live})
}

// equalFold compares without regard to ASCII case; word is lower case.
func equalFold(data []byte, word string) bool {
	for i := range len(word) {
		c := data[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// probe returns the worker's dfa for a program.
func (w *worker) probe(i int, p *program) *dfa {
	for len(w.dfas) <= i {
		w.dfas = append(w.dfas, nil)
	}
	if w.dfas[i] == nil {
		w.dfas[i] = newDFA(p)
	}
	return w.dfas[i]
}

// search finds the rule's matches in the text, in order and without overlap.
func (w *worker) search(r *rule, t *text) {
	p := r.plan
	cuts := w.cuts[r.index]
	w.cuts[r.index] = cuts[:0]
	w.hit[r.index] = false
	switch {
	case p.whole != nil:
		w.searchWindows(r, t, w.wholeWindows(r, t.data))
	case p.leads:
		w.searchCuts(r, t, cuts)
	default:
		var spans []span
		for _, c := range cuts {
			left := w.extend(t.data, c.at, p.routes[c.route].before, -1)
			right := w.extend(t.data, c.at, p.routes[c.route].after, 1)
			spans = append(spans, span{max(left-margin, 0), min(right+margin, len(t.data))})
		}
		w.searchWindows(r, t, mergeSpans(spans))
	}
}

// extend returns how far pieces can reach from offset at in direction step.
func (w *worker) extend(data []byte, at int, pieces []piece, step int) int {
	for _, p := range pieces {
		if p.most >= 0 {
			at = min(max(at+step*p.most, 0), len(data))
			continue
		}
		at = w.runEnd(data, at, p.bytes, step)
	}
	return at
}

// maxRun is the longest part of a match that has no bound of its own, in bytes:
// longer than any key or token, and a fraction of what gitleaks reads at once.
const maxRun = 32 << 10

// runEnd returns where the run of bytes of a set that starts at at ends. It
// remembers the last run of each set, so that many questions about one long run
// are answered in linear time.
func (w *worker) runEnd(data []byte, at int, set *[256]bool, step int) int {
	last, known := w.runs[set]
	end := at
	for end-at < maxRun && at-end < maxRun {
		if known && end >= last.start && end <= last.end {
			if step > 0 {
				end = min(last.end, at+maxRun)
			} else {
				end = max(last.start, at-maxRun)
			}
			break
		}
		if step > 0 && (end == len(data) || !set[data[end]]) || step < 0 && (end == 0 || !set[data[end-1]]) {
			break
		}
		end += step
	}
	w.runs[set] = span{min(at, end), max(at, end)}
	return end
}

// searchCuts finds matches that start at a cut or in the run of bytes that leads
// to it: at the leftmost byte of that run that the rule allows, but not inside
// the match before. That is where a search of the whole text would find them.
func (w *worker) searchCuts(r *rule, t *text, cuts []cut) {
	re, err := r.anchored.get(`\A(?:` + r.regexText + `)`)
	if err != nil {
		return
	}
	p := r.plan
	slices.SortStableFunc(cuts, func(a, b cut) int { return cmp.Compare(a.at, b.at) })
	if p.narrowed {
		cuts = w.liveClusters(p, t.data, cuts)
	}
	done := 0
	for _, c := range cuts {
		if c.at < done {
			continue
		}
		start := p.start(t.data, c, done)
		right := min(w.extend(t.data, c.at, p.routes[c.route].after, 1)+margin, len(t.data))
		if !w.spend(right - start) {
			return
		}
		groups := re.FindSubmatchIndex(t.data[start:right])
		if groups == nil || start+groups[1] == right && right < len(t.data) {
			continue // nothing, or cut off by maxRun
		}
		w.consider(r, t, match{start, groups})
		done = max(start+groups[1], start+1)
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

// liveClusters drops the runs of cuts whose matches could touch one another and of
// which none is live. A cut that is not live stays when a live one is near: its
// match would hide what is inside it.
func (w *worker) liveClusters(p *plan, data []byte, cuts []cut) []cut {
	keep := cuts[:0]
	for i := 0; i < len(cuts); {
		live, right, j := false, 0, i
		for ; j < len(cuts); j++ {
			if j > i && p.start(data, cuts[j], 0) >= right {
				break
			}
			live = live || cuts[j].live
			right = max(right, w.extend(data, cuts[j].at, p.routes[cuts[j].route].after, 1)+margin)
		}
		if live {
			keep = append(keep, cuts[i:j]...)
		}
		i = j
	}
	return keep
}

// The bytes of a text that regexps read again are bounded, so that no text takes
// longer than in proportion to its length: spareReads, and a part of the text's
// length.
const (
	spareReads = 8 << 20
	readShare  = 4
)

// spend takes n bytes from what regexps may still read, or caps the search.
func (w *worker) spend(n int) bool {
	w.reads -= n
	if w.reads < 0 {
		w.capped = true
	}
	return w.reads >= 0
}

// searchWindows runs the rule's regexp on each of the windows of the text.
func (w *worker) searchWindows(r *rule, t *text, windows []span) {
	re, err := r.regex.get(r.regexText)
	if err != nil {
		return
	}
	for _, s := range windows {
		if !w.spend(s.end - s.start) {
			return
		}
		for _, groups := range re.FindAllSubmatchIndex(t.data[s.start:s.end], maxMatches) {
			start := s.start + groups[0]
			if s.start+groups[1] == s.end && s.end < len(t.data) {
				continue // cut off by maxRun
			}
			for i := len(groups) - 1; i >= 0; i-- {
				if groups[i] >= 0 {
					groups[i] -= groups[0]
				}
			}
			w.consider(r, t, match{start, groups})
		}
	}
}

// wholeWindows finds where in the text a rule without routes may match.
func (w *worker) wholeWindows(r *rule, data []byte) []span {
	if !w.applies(r) {
		return nil
	}
	d := w.probe(r.firstProbe, r.plan.whole)
	var out []span
	for from := 0; from <= len(data); {
		end, ok := d.find(data, from, math.MaxInt)
		if !ok {
			break
		}
		reach := r.plan.reach
		if reach < 0 {
			return []span{{0, len(data)}}
		}
		out = append(out, span{max(end-reach-margin, 0), min(end+reach+margin, len(data))})
		if len(out) >= maxMatches {
			w.capped = true
			break
		}
		from = max(end, from+1)
	}
	return mergeSpans(out)
}

// trimNewlines moves the ends of data[start:end] past newlines.
func trimNewlines(data []byte, start, end int) (int, int) {
	start += len(data[start:end]) - len(bytes.TrimLeft(data[start:end], "\n"))
	end = start + len(bytes.TrimRight(data[start:end], "\n"))
	return start, end
}
