package secrets

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
)

const idPrefix = "secret/"

// A rule is one credential format. Its regular expressions are compiled when
// they are first needed: compiling all of them costs more than a small scan.
type rule struct {
	id          string
	index       int // in the rule set, for the worker's tables
	title       string
	description string
	reference   string // address of the format's documentation, or ""
	checked     string // what the format was compared with: "provider", "peer" or ""
	severity    fnvet.Severity
	// generic rules guess by the name something is assigned to; assigned rules
	// want a provider's name beside a value without a format of its own; the
	// others know the credential by its format.
	generic, assigned bool

	regexText  string
	pathText   string
	group      int
	entropy    float64
	keywords   []string // lower case
	allow      []*allowlist
	skipReport bool
	required   []configRequired
	needed     bool // by a rule that requires it

	regex, path lazyRegexp
	anchored    lazyRegexp // regex, at the start of the text only
	planned     sync.Once
	plan        *plan
	firstProbe  int // number of the plan's first program
}

// A lazyRegexp is compiled by the first call of get.
type lazyRegexp struct {
	once sync.Once
	re   *regexp.Regexp
	err  error
}

func (l *lazyRegexp) get(text string) (*regexp.Regexp, error) {
	l.once.Do(func() { l.re, l.err = regexp.Compile(text) })
	return l.re, l.err
}

// matchesPath reports whether the rule applies to a file of that name.
func (r *rule) matchesPath(name string) bool {
	if r.pathText == "" {
		return true
	}
	re, err := r.path.get(r.pathText)
	return err == nil && re.MatchString(name)
}

// describe derives what people read from the rule's id and regular expression.
func (r *rule) describe() {
	r.generic = strings.Contains(strings.ToLower(r.id), "generic")
	r.assigned = literalRule(r.id) || r.id == "url-password" || r.id == "jdbc-password" || r.id == "connection-string-password" || strings.Contains(r.regexText, `(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)`)
	r.title = titleOf(r.id)
	r.severity = severityOf(r)
}

func (r *rule) help() string {
	text := fmt.Sprintf("%s Whoever can read the package can use it: %s", r.description, remediation(r))
	if r.reference != "" {
		text += " Documented at " + r.reference + "."
	}
	return text
}

// An allowlist names what is not a secret although it looks like one.
type allowlist struct {
	and       bool // all kinds of checks must agree; else any one does
	paths     []*lazyText
	regexes   []*lazyText
	target    string // "", match or line
	stopWords []string
	commits   bool

	once sync.Once
	stop *automaton
}

// A lazyText is a regular expression and its text.
type lazyText struct {
	lazyRegexp
	text string
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
	for _, t := range c.Paths {
		a.paths = append(a.paths, &lazyText{text: t})
	}
	for _, t := range c.Regexes {
		a.regexes = append(a.regexes, &lazyText{text: t})
	}
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

// anyOf reports whether one of the expressions matches. Expressions that do not
// compile match nothing; New has refused those of the user.
func anyOf(list []*lazyText, in []byte) bool {
	for _, l := range list {
		if re, err := l.get(l.text); err == nil && re.Match(in) {
			return true
		}
	}
	return false
}

// allowsPath reports whether the whole file is allowed. An allowlist of commits
// never is: an artifact has none.
func (a *allowlist) allowsPath(names ...string) bool {
	if a.and && (len(a.regexes) > 0 || len(a.stopWords) > 0 || a.commits) {
		return false // those are checked on each candidate
	}
	return a.pathMatches(names)
}

func (a *allowlist) pathMatches(names []string) bool {
	for _, n := range names {
		if anyOf(a.paths, []byte(n)) {
			return true
		}
	}
	return false
}

// allows reports whether a candidate is allowed: c.secret, c.match or the line
// around it by the regular expressions, c.secret by the stop words.
func (a *allowlist) allows(c *candidate, names []string) bool {
	if a.and {
		return !a.commits &&
			(len(a.paths) == 0 || a.pathMatches(names)) &&
			(len(a.regexes) == 0 || a.regexAllows(c)) &&
			(len(a.stopWords) == 0 || a.stops(c.secret()))
	}
	return a.stops(c.secret()) || a.regexAllows(c)
}

func (a *allowlist) regexAllows(c *candidate) bool {
	if len(a.regexes) == 0 {
		return false
	}
	target := c.secret()
	switch a.target {
	case "match":
		target = c.match()
	case "line":
		target = c.line()
	}
	return len(target) > 0 && anyOf(a.regexes, target)
}

func (a *allowlist) stops(secret []byte) bool {
	if len(a.stopWords) == 0 {
		return false
	}
	a.once.Do(func() { a.stop = newAutomaton(a.stopWords) })
	return a.stop.any(secret)
}
