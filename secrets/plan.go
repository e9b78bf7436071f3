package secrets

import (
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A plan says how to look for a rule's matches without reading the whole text:
// by paths of which every match takes one. A rule without paths is searched for
// in the whole text, once a keyword occurs in it.
type plan struct {
	routes []*route
	whole  *program // for rules without routes: any match at all
	tree   *syntax.Regexp
	sought sync.Once
	// anywhere looks for any match of a rule that has routes.
	anywhere *program
	// reach is how far a match can extend from any of its bytes, or -1.
	reach int
	// streak is what every match of a rule without routes has, or nil.
	streak *streak
	// leads is true when in every route the part before the cut is a bounded
	// run of bytes of lead, or nothing: then a match starts where the run of such
	// bytes before the cut does, at most leadMost bytes back.
	leads    bool
	lead     *[256]bool
	leadMost int
}

// A route is one way through a rule's expression, cut at a word that each match
// on this way contains, and that contains a keyword: before, word, after.
type route struct {
	words  []string // what the cut may be, lower case, each with a keyword in it
	before []piece  // from the cut backwards
	after  []piece
	heads  []*syntax.Regexp // what before measures, in order
	probe  *program         // the cut and what follows it
}

// A piece is a part of an expression, measured: how many bytes it matches at
// most (-1: no bound) and which bytes those can be. All bytes of UTF-8
// sequences count as one.
type piece struct {
	most  int
	bytes *[256]bool // set where most is -1
}

const (
	maxWords  = 64 // alternatives an exact word may have
	maxRoutes = 16 // alternatives a rule is split into
)

// newPlan analyses a rule's expression. keywords are lower case.
func newPlan(text string, keywords []string) (*plan, error) {
	re, err := parse(text)
	if err != nil {
		return nil, err
	}
	p := &plan{tree: re, reach: measure(re).most}
	a := analysis{keywords: keywords}
	if a.split(flatten(nil, re)) {
		p.routes = a.routes
		p.leads = a.oneLead(p)
		return p, nil
	}
	p.whole = compile(re)
	p.streak = longestStreak(flatten(nil, re))
	return p, nil
}

func parse(text string) (*syntax.Regexp, error) { return syntax.Parse(text, syntax.Perl) }

// compile makes the program that looks for any match.
func compile(tree *syntax.Regexp) *program {
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil { // never: of what syntax.Parse has returned
		prog = &syntax.Prog{Inst: []syntax.Inst{{Op: syntax.InstMatch}}}
	}
	return newProgram(prog, true)
}

// oneLead reports whether all routes begin with optional bytes of one class and
// nothing else, and notes which and how many.
func (a *analysis) oneLead(p *plan) bool {
	for _, r := range a.routes {
		most := 0
		for _, head := range r.heads {
			if exactEmpty(head) {
				continue
			}
			if head.Op != syntax.OpRepeat || head.Min != 0 || head.Max < 0 || head.Sub[0].Op != syntax.OpCharClass {
				return false
			}
			var set [256]bool
			collect(head.Sub[0], &set)
			clear(set[utf8.RuneSelf:])
			if p.lead == nil {
				p.lead = &set
			} else if *p.lead != set {
				return false
			}
			most += head.Max
		}
		p.leadMost = max(p.leadMost, most)
	}
	return true
}

// exactEmpty reports whether re is an assertion.
func exactEmpty(re *syntax.Regexp) bool {
	words := exact(re)
	return len(words) == 1 && words[0] == ""
}

// flatten lists the parts of a concatenation, with groups dissolved.
func flatten(list []*syntax.Regexp, re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			list = flatten(list, sub)
		}
		return list
	case syntax.OpEmptyMatch:
		return list
	case syntax.OpRepeat: // its first round may hold the keyword's end
		if sub := re.Sub[0]; re.Min > 0 && sub.Op == syntax.OpConcat {
			rest := *re
			rest.Min, rest.Max = re.Min-1, max(re.Max-1, -1)
			return append(flatten(list, sub), &rest)
		}
	default: // one part
	}
	return append(list, re)
}

// An analysis splits an expression into routes.
type analysis struct {
	keywords []string
	routes   []*route
}

// split adds the routes through the parts, or returns false when some match
// might not contain a keyword.
func (a *analysis) split(parts []*syntax.Regexp) bool {
	if len(a.routes) >= maxRoutes {
		return false
	}
	if from, words := a.cut(parts); words != nil {
		r := &route{words: words, heads: parts[:from]}
		for i := from - 1; i >= 0; i-- {
			r.before = append(r.before, measure(parts[i]))
		}
		for _, part := range parts[from:] {
			r.after = append(r.after, measure(part))
		}
		rest := &syntax.Regexp{Op: syntax.OpConcat, Sub: parts[from:]}
		prog, err := syntax.Compile(rest.Simplify())
		if err != nil {
			return false
		}
		r.probe = newProgram(prog, false)
		a.routes = append(a.routes, r)
		return true
	}
	for i, part := range parts {
		if part.Op != syntax.OpAlternate {
			continue
		}
		n := len(a.routes)
		if a.branch(parts, i) {
			return true
		}
		a.routes = a.routes[:n]
	}
	return false
}

// branch splits at the alternation parts[i].
func (a *analysis) branch(parts []*syntax.Regexp, i int) bool {
	for _, sub := range parts[i].Sub {
		path := slices.Concat(parts[:i], flatten(nil, sub), parts[i+1:])
		if !a.split(path) {
			return false
		}
	}
	return true
}

// cut finds the first run of parts that match only finitely many words, each of
// which contains a keyword, and where it starts.
func (a *analysis) cut(parts []*syntax.Regexp) (from int, words []string) {
	for from = range parts {
		words := []string{""}
		for _, part := range parts[from:] {
			words = product(words, exact(part))
			if words == nil {
				break
			}
			if a.hold(words) {
				return from, words
			}
		}
	}
	return 0, nil
}

// hold reports whether every word contains a keyword.
func (a *analysis) hold(words []string) bool {
	for _, w := range words {
		if !slices.ContainsFunc(a.keywords, func(k string) bool { return strings.Contains(w, k) }) {
			return false
		}
	}
	return true
}

// product joins each of a with each of b; nil when there are too many.
func product(a, b []string) []string {
	if len(a)*len(b) > maxWords || len(b) == 0 {
		return nil
	}
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			if w := x + y; !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

// exact lists what re can match, lower case, or nil when that is too much or
// not ASCII. An empty-width assertion matches the empty word.
func exact(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}
	case syntax.OpLiteral:
		return exactLiteral(re.Rune)
	case syntax.OpCharClass:
		return exactClass(re.Rune)
	case syntax.OpCapture:
		return exact(re.Sub[0])
	case syntax.OpConcat:
		words := []string{""}
		for _, sub := range re.Sub {
			if words = product(words, exact(sub)); words == nil {
				return nil
			}
		}
		return words
	case syntax.OpAlternate:
		return exactUnion(re.Sub)
	case syntax.OpQuest:
		if words := exact(re.Sub[0]); words != nil && len(words) < maxWords && !slices.Contains(words, "") {
			return append([]string{""}, words...)
		}
	case syntax.OpRepeat:
		return exactRepeat(re)
	default: // unbounded, or any character
	}
	return nil
}

func exactLiteral(runes []rune) []string {
	for _, r := range runes {
		if r >= utf8.RuneSelf {
			return nil
		}
	}
	return []string{strings.ToLower(string(runes))}
}

func exactClass(ranges []rune) []string {
	var out []string
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if len(out) >= maxWords {
				return nil
			}
			if r >= utf8.RuneSelf {
				if foldsToASCII(r) {
					continue // the long s and the Kelvin sign that (?i) brings in
				}
				return nil
			}
			if w := strings.ToLower(string(r)); !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

// foldsToASCII reports whether r is one of the two runes outside ASCII that are
// equal to an ASCII letter without regard to case: ſ and the Kelvin sign. No
// credential is written with them; exact leaves them out.
func foldsToASCII(r rune) bool {
	return r == '\u017f' || r == '\u212a'
}

func exactUnion(subs []*syntax.Regexp) []string {
	var out []string
	for _, sub := range subs {
		words := exact(sub)
		if words == nil || len(out)+len(words) > maxWords {
			return nil
		}
		for _, w := range words {
			if !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

func exactRepeat(re *syntax.Regexp) []string {
	words := exact(re.Sub[0])
	if re.Min != re.Max || words == nil || re.Max > maxWords {
		return nil
	}
	out := []string{""}
	for range re.Max {
		if out = product(out, words); out == nil {
			return nil
		}
	}
	return out
}

// measure says how long a match of re can be.
func measure(re *syntax.Regexp) piece {
	if n := longest(re); n >= 0 {
		return piece{most: n}
	}
	p := piece{most: -1, bytes: new([256]bool)}
	collect(re, p.bytes)
	return p
}

// longest is the largest number of bytes re can match, or -1.
func longest(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		n := 0
		for _, r := range re.Rune {
			n += widest(r, re.Flags&syntax.FoldCase != 0)
		}
		return n
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return 0
		}
		return utf8.RuneLen(re.Rune[len(re.Rune)-1])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return utf8.UTFMax
	case syntax.OpCapture, syntax.OpQuest:
		return longest(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus:
		return unlessEmpty(longest(re.Sub[0]), -1)
	case syntax.OpRepeat:
		return unlessEmpty(longest(re.Sub[0]), re.Max)
	case syntax.OpConcat, syntax.OpAlternate:
		return longestOf(re)
	default: // an assertion
		return 0
	}
}

// unlessEmpty multiplies a length by a count; -1 is no bound.
func unlessEmpty(n, count int) int {
	switch {
	case n == 0:
		return 0
	case n < 0 || count < 0:
		return -1
	}
	return n * count
}

func longestOf(re *syntax.Regexp) int {
	total := 0
	for _, sub := range re.Sub {
		n := longest(sub)
		switch {
		case n < 0:
			return -1
		case re.Op == syntax.OpConcat:
			total += n
		default:
			total = max(total, n)
		}
	}
	return total
}

// widest is the length in UTF-8 of r or of the longest rune it folds to.
func widest(r rune, fold bool) int {
	n := utf8.RuneLen(r)
	if fold {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			n = max(n, utf8.RuneLen(f))
		}
	}
	return n
}

// collect marks every byte that re can consume.
func collect(re *syntax.Regexp, set *[256]bool) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			mark(set, r, r)
			if re.Flags&syntax.FoldCase != 0 {
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					mark(set, f, f)
				}
			}
		}
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			mark(set, re.Rune[i], re.Rune[i+1])
		}
	case syntax.OpAnyChar:
		mark(set, 0, unicode.MaxRune)
	case syntax.OpAnyCharNotNL:
		mark(set, 0, '\n'-1)
		mark(set, '\n'+1, unicode.MaxRune)
	default: // an assertion, or only its parts consume
	}
	for _, sub := range re.Sub {
		collect(sub, set)
	}
}

func mark(set *[256]bool, lo, hi rune) {
	for r := lo; r <= hi && r < utf8.RuneSelf; r++ {
		set[r] = true
	}
	if hi >= utf8.RuneSelf {
		for b := utf8.RuneSelf; b < 256; b++ {
			set[b] = true
		}
	}
}
