package sbom

import (
	"strings"

	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
)

// What is tried as a licence expression is bounded: bytes, and brackets in brackets.
const (
	maxExpression = 1024
	maxBrackets   = 32
)

// licences tells SPDX ids and expressions from other licence texts, by the
// list in go-spdx. It lives for one document.
type licences struct {
	ids        map[string]string // lower case to as listed
	exceptions map[string]string
}

func newLicences() *licences {
	l := &licences{ids: map[string]string{}, exceptions: map[string]string{}}
	for _, id := range spdxlicenses.GetLicenses() {
		l.ids[strings.ToLower(id)] = id
	}
	for _, id := range spdxlicenses.GetDeprecated() {
		l.ids[strings.ToLower(id)] = id
	}
	for _, id := range spdxlicenses.GetExceptions() {
		l.exceptions[strings.ToLower(id)] = id
	}
	return l
}

// id returns the listed spelling of a licence of the SPDX list, or "".
func (l *licences) id(s string) string { return l.ids[strings.ToLower(strings.TrimSpace(s))] }

// expression returns s with the listed spelling of its ids when it is a licence
// expression of listed licences by annex D of SPDX 2.3, else "". (The parser of
// go-spdx panics on expressions that end early.)
func (l *licences) expression(s string) string {
	if len(s) > maxExpression {
		return ""
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "(", " ( "), ")", " ) ")
	p := &expressionParser{l: l, in: strings.Fields(s)}
	if !p.or(0) || len(p.in) > 0 {
		return ""
	}
	out := strings.Join(p.out, " ")
	return strings.ReplaceAll(strings.ReplaceAll(out, "( ", "("), " )", ")")
}

type expressionParser struct {
	l       *licences
	in, out []string // words left, words taken
}

// take moves the next word to the output when it is word in any case.
func (p *expressionParser) take(word string) bool {
	if len(p.in) == 0 || !strings.EqualFold(p.in[0], word) {
		return false
	}
	p.put(word)
	return true
}

func (p *expressionParser) put(word string) { p.in, p.out = p.in[1:], append(p.out, word) }

func (p *expressionParser) or(depth int) bool {
	for p.and(depth) {
		if !p.take("OR") {
			return true
		}
	}
	return false
}

func (p *expressionParser) and(depth int) bool {
	for p.with(depth) {
		if !p.take("AND") {
			return true
		}
	}
	return false
}

func (p *expressionParser) with(depth int) bool {
	if p.take("(") {
		return depth < maxBrackets && p.or(depth+1) && p.take(")")
	}
	if len(p.in) == 0 {
		return false
	}
	id, plus := strings.CutSuffix(p.in[0], "+")
	full := p.l.id(p.in[0]) // "GPL-2.0+" is itself listed
	if full == "" {
		if full = p.l.id(id); full != "" && plus {
			full += "+"
		}
	}
	if full == "" {
		return false
	}
	p.put(full)
	if !p.take("WITH") {
		return true
	}
	if len(p.in) == 0 || p.l.exceptions[strings.ToLower(p.in[0])] == "" {
		return false
	}
	p.put(p.l.exceptions[strings.ToLower(p.in[0])])
	return true
}
