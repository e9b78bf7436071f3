package secrets

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Expressions are regular expressions any of which may match. They are asked all
// at once by a dfa; regexp is needed for texts that are not ASCII, or long.
type expressions struct {
	list    []*lazyText
	once    sync.Once
	program *program // nil: they do not compile together
	index   int      // of the program among the worker's dfas
}

// A lazyText is a regular expression and its text.
type lazyText struct {
	lazyRegexp
	text string
}

// newExpressions returns nil for none.
func newExpressions(texts []string) *expressions {
	if len(texts) == 0 {
		return nil
	}
	e := &expressions{}
	for _, t := range texts {
		e.list = append(e.list, &lazyText{text: t})
	}
	return e
}

// match reports whether one of the expressions matches. Those that do not compile
// match nothing; New has refused those of the user.
func (e *expressions) match(w *worker, in []byte) bool {
	if e == nil {
		return false
	}
	e.once.Do(func() { e.join(w.s) })
	if e.program != nil {
		_, ok := w.probe(e.index, e.program).find(in, 0, math.MaxInt)
		if !ok || len(in) <= maxFresh && isASCII(in) {
			return ok
		}
	}
	return slices.ContainsFunc(e.list, func(l *lazyText) bool {
		re, err := l.get(l.text)
		return err == nil && re.Match(in)
	})
}

// join compiles the expressions to one program.
func (e *expressions) join(s *Scanner) {
	var texts []string
	for _, l := range e.list {
		texts = append(texts, "(?:"+l.text+")")
	}
	tree, err := parse(strings.Join(texts, "|"))
	if err != nil {
		return
	}
	e.program, e.index = compile(tree), int(s.probes.Add(1))-1
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// An allowlist names what is not a secret although it looks like one.
type allowlist struct {
	and       bool // all kinds of checks must agree; else any one does
	paths     *expressions
	regexes   *expressions
	target    string // "", match or line
	stopWords []string
	commits   bool

	asked atomic.Int32
	once  sync.Once
	stop  *automaton
}

func newAllowlist(c *configAllowlist) (*allowlist, error) {
	a := &allowlist{target: c.RegexTarget, commits: len(c.Commits) > 0}
	switch strings.ToUpper(c.Condition) {
	case "", "OR", "||":
	case "AND", "&&":
		a.and = true
	default:
		return nil, fmt.Errorf("unknown condition %q", c.Condition)
	}
	switch c.RegexTarget {
	case "", "match", "line":
	case "secret":
		a.target = ""
	default:
		return nil, fmt.Errorf("unknown regexTarget %q", c.RegexTarget)
	}
	a.paths, a.regexes = newExpressions(c.Paths), newExpressions(c.Regexes)
	if len(c.Paths)+len(c.Regexes)+len(c.StopWords)+len(c.Commits) == 0 {
		return nil, errors.New("an allowlist that checks nothing")
	}
	total := 0
	for _, w := range c.StopWords {
		if w != "" {
			a.stopWords = append(a.stopWords, strings.ToLower(w))
			total += len(w)
		}
	}
	if total > maxKeywords {
		return nil, fmt.Errorf("the stop words have %d bytes, more than %d", total, maxKeywords)
	}
	return a, nil
}

// allowsPath reports whether the whole file is allowed. An allowlist of commits
// never is: an artifact has none.
func (a *allowlist) allowsPath(w *worker) bool {
	if a.and && (a.regexes != nil || len(a.stopWords) > 0 || a.commits) {
		return false // those are checked on each candidate
	}
	return w.named(a.paths)
}

// allows reports whether a candidate is allowed: c.secret, c.match or the line
// around it by the regular expressions, c.secret by the stop words.
func (a *allowlist) allows(w *worker, c *candidate) bool {
	if a.and {
		return !a.commits &&
			(a.paths == nil || w.named(a.paths)) &&
			(a.regexes == nil || a.regexAllows(w, c)) &&
			(len(a.stopWords) == 0 || a.stops(c.secret()))
	}
	return a.stops(c.secret()) || a.regexAllows(w, c)
}

func (a *allowlist) regexAllows(w *worker, c *candidate) bool {
	if a.regexes == nil {
		return false
	}
	target := c.secret()
	switch a.target {
	case "match":
		target = c.match()
	case "line":
		at := c.line()
		if w.clear(a, c.data, at) {
			return false
		}
		target = c.data[at.start:at.end]
	}
	return len(target) > 0 && a.regexes.match(w, target)
}

// lookAhead is how many times its length is read beyond a line's part.
const lookAhead = 8

// clear reports whether none of the allowlist's expressions matches in a part of a
// line. It reads on, so that many questions about one long line are answered in
// linear time.
func (w *worker) clear(a *allowlist, data []byte, s span) bool {
	e := a.regexes
	e.once.Do(func() { e.join(w.s) })
	if e.program == nil {
		return false
	}
	if known := w.clearOf[a]; known.start <= s.start && s.end <= known.end {
		return true
	}
	until := min(len(data), s.end+lookAhead*(s.end-s.start))
	if i := bytes.IndexByte(data[s.end:until], '\n'); i >= 0 {
		until = s.end + i
	}
	end, ok := w.probe(e.index, e.program).find(data[s.start:until], 0, math.MaxInt)
	if end += s.start; !ok {
		w.clearOf[a] = span{s.start, until}
	} else {
		w.clearOf[a] = span{s.start, end - 1}
	}
	return !ok || s.end < end
}

func (a *allowlist) stops(secret []byte) bool {
	if len(a.stopWords) == 0 {
		return false
	}
	if a.asked.Add(1) <= fewSecrets && len(secret) < longSecret {
		lower := lowerASCII(secret)
		return slices.ContainsFunc(a.stopWords, func(word string) bool { return strings.Contains(lower, word) })
	}
	a.once.Do(func() { a.stop = newAutomaton(a.stopWords) })
	return a.stop.any(secret)
}

// lowerASCII folds the case of ASCII letters only, as an automaton does.
func lowerASCII(b []byte) string {
	lower := bytes.Clone(b)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}

// The automaton of gitleaks' 1,500 stop words takes as long to build as looking for
// each of them in fewSecrets short candidates, and many runs have no more.
const (
	fewSecrets = 32
	longSecret = 256 // bytes
)
