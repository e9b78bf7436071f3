package secrets

import (
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

	regex      lazyRegexp
	anchored   lazyRegexp // regex, at the start of the text only
	path       *expressions
	planned    sync.Once
	plan       *plan
	firstProbe int  // number of the plan's first program
	hand       bool // a genericMatcher knows its expression
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
