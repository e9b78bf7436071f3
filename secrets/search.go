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
	probe int // index of the route's program among the worker's dfas
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
			list = append(list, lure{rule: r, route: i, word: word, back: at + len(keyword), probe: r.firstProbe + i})
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
		r.hand = r.byHand()
		n := len(p.routes) + 1
		r.firstProbe = int(s.probes.Add(int32(n))) - n //nolint:gosec // at most maxRoutes
	})
	return r.plan
}

// A cut is an occurrence of a route's word that its probe did not rule out. It is
// open when the probe has not read far enough to tell.
type cut struct {
	at    int
	route int16
	open  bool
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
	clear(w.runs)
	clear(w.clearOf)
	w.order = w.order[:0]
	w.probing, w.cutsLeft = spareProbes+probeTimes*len(data), maxCuts
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
	return slices.Concat([]string{ignoreMark, gitleaksMark, "reverse", "[::-1]", "join", "new string("}, typeMarks(), templateWords())
}

// templateWords are what templates must say, one of them each, in lower case.
func templateWords() []string {
	var words []string
	for _, marks := range templateMarks() {
		if w := strings.ToLower(marks[0]); !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
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
	case 6, 7, 8, 9, 10:
		if len(w.typed) < maxTurned {
			w.typed = append(w.typed, end)
		}
	default:
		w.templated = true
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
	open, ok := w.ruledIn(l, data, start)
	if !ok || !w.applies(l.rule) {
		return
	}
	if w.cutsLeft--; w.cutsLeft < 0 {
		w.capped = true
		return
	}
	w.note(l.rule)
	w.cuts[l.rule.index] = append(w.cuts[l.rule.index], cut{start, int16(l.route), open}) //nolint:gosec // at most maxRoutes
}

// ruledIn reports whether a match may go through a cut at start, and whether that
// was left open.
func (w *worker) ruledIn(l *lure, data []byte, start int) (open, ok bool) {
	if l.rule.hand {
		_, r := w.s.generic.rest(data, start+len(l.word))
		return false, r != no
	}
	if w.probing <= 0 {
		return true, true
	}
	end, ok := w.probe(l.probe, l.rule.plan.routes[l.route].probe).find(data, start, maxProbe)
	w.probing -= end - start
	return ok && end-start == maxProbe && end < len(data), ok
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

// maxEntries is how many entries the tables of a worker's dfas have, of four bytes
// each, before all of them start over.
const maxEntries = 8 << 20

// probe returns the worker's dfa for a program.
func (w *worker) probe(i int, p *program) *dfa {
	if w.entries > maxEntries {
		clear(w.dfas)
		w.entries = 0
	}
	for len(w.dfas) <= i {
		w.dfas = append(w.dfas, nil)
	}
	if w.dfas[i] == nil {
		w.dfas[i] = newDFA(p, &w.entries)
	}
	return w.dfas[i]
}

// search finds the rule's matches in the text, in order and without overlap.
func (w *worker) search(r *rule, t *text) {
	p := r.plan
	cuts := w.cuts[r.index]
	w.cuts[r.index] = cuts[:0]
	w.hit[r.index] = false
	slices.SortStableFunc(cuts, func(a, b cut) int { return cmp.Compare(a.at, b.at) })
	switch {
	case p.whole != nil:
		w.searchWindows(r, t, w.wholeWindows(r, t.data))
	case r.hand:
		w.searchByHand(r, t, cuts)
	case p.leads:
		w.searchCuts(r, t, cuts)
	default:
		spans := make([]span, 0, len(cuts))
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
			known = false // what lies beyond it is read
			if step > 0 {
				end = min(last.end, at+maxRun)
			} else {
				end = max(last.start, at-maxRun)
			}
			continue
		}
		if step > 0 && (end == len(data) || !set[data[end]]) || step < 0 && (end == 0 || !set[data[end-1]]) {
			break
		}
		end += step
	}
	if s := (span{min(at, end), max(at, end)}); s.start <= last.end && last.start <= s.end {
		w.runs[set] = span{min(s.start, last.start), max(s.end, last.end)}
	} else {
		w.runs[set] = s
	}
	return end
}

// searchWindows runs the rule's regexp on each of the windows of the text.
func (w *worker) searchWindows(r *rule, t *text, windows []span) {
	re, err := r.regex.get(r.regexText)
	if err != nil {
		return
	}
	for _, s := range windows {
		if s.end-s.start > fewBytes && r.plan.whole == nil && !w.mayMatch(r, t.data, s) {
			continue
		}
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
	d, reach := w.probe(r.firstProbe, r.plan.whole), r.plan.reach
	var out []span
	for _, area := range r.plan.areas(data) {
		for from := area.start; from <= area.end; {
			end, ok := d.find(data[:area.end], from, math.MaxInt)
			if !ok {
				break
			}
			if reach < 0 {
				return []span{{0, len(data)}}
			}
			out = append(out, span{max(end-reach-margin, 0), min(end+reach+margin, len(data))})
			if len(out) >= maxMatches {
				w.capped = true
				return mergeSpans(out)
			}
			from = max(end, from+1)
		}
	}
	return mergeSpans(out)
}

// areas are the parts of a text in which a rule without routes may match.
func (p *plan) areas(data []byte) []span {
	if p.streak == nil || p.reach < 0 {
		return []span{{0, len(data)}}
	}
	var out []span
	for from := 0; ; {
		start, end := p.streak.next(data, from)
		if start < 0 {
			return mergeSpans(out)
		}
		out = append(out, span{max(start-p.reach-margin, 0), min(end+p.reach+margin, len(data))})
		from = end
	}
}

// trimNewlines moves the ends of data[start:end] past newlines.
func trimNewlines(data []byte, start, end int) (int, int) {
	start += len(data[start:end]) - len(bytes.TrimLeft(data[start:end], "\n"))
	end = start + len(bytes.TrimRight(data[start:end], "\n"))
	return start, end
}
