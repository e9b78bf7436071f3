package secrets

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// A candidate is a match of a rule in a text, and where in it the secret is.
type candidate struct {
	rule                   *rule
	data                   []byte // the text
	start, end             int    // of the match, without newlines at its ends
	secretStart, secretEnd int
}

func (c *candidate) match() []byte  { return c.data[c.start:c.end] }
func (c *candidate) secret() []byte { return c.data[c.secretStart:c.secretEnd] }

// maxLine bounds how much of a line is looked at on each side of a match, in
// bytes, so that a file of one line is not read again for every candidate.
const maxLine = 1024

// line is where the line or lines are that the match is on.
func (c *candidate) line() span {
	from := max(0, c.start-maxLine)
	if i := bytes.LastIndexByte(c.data[from:c.start], '\n'); i >= 0 {
		from += i + 1
	}
	to := min(len(c.data), c.end+maxLine)
	if i := bytes.IndexByte(c.data[c.end:to], '\n'); i >= 0 {
		to = c.end + i
	}
	return span{from, to}
}

// around is the line or lines.
func (c *candidate) around() []byte {
	s := c.line()
	return c.data[s.start:s.end]
}

// cut takes the secret out of a match: the rule's group, else the first group
// that matched something, else the whole match.
func (c *candidate) cut(m match) {
	c.start, c.end = trimNewlines(c.data, m.start, m.start+m.groups[1])
	c.secretStart, c.secretEnd = c.start, c.end
	if g := c.rule.group; g > 0 {
		if 2*g+1 < len(m.groups) && m.groups[2*g] >= 0 {
			c.secretStart, c.secretEnd = m.start+m.groups[2*g], m.start+m.groups[2*g+1]
		}
		return
	}
	for i := 2; i+1 < len(m.groups); i += 2 {
		if m.groups[i] >= 0 && m.groups[i] < m.groups[i+1] {
			c.secretStart, c.secretEnd = m.start+m.groups[i], m.start+m.groups[i+1]
			return
		}
	}
}

// unquote takes the quotes off a secret that a rule takes with them.
func (c *candidate) unquote() {
	if s := c.secret(); len(s) > 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		c.secretStart, c.secretEnd = c.secretStart+1, c.secretEnd-1
	}
}

// entropy is Shannon's, in bits per byte of the text and counted over runes,
// as gitleaks computes it.
func entropy(text []byte) float64 {
	if len(text) == 0 {
		return 0
	}
	var counts [utf8.RuneSelf]int
	var others map[rune]int
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			counts[c]++
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if others == nil {
			others = map[rune]int{}
		}
		others[r]++
		i += n
	}
	inv, sum := 1/float64(len(text)), 0.0
	var terms [16]float64 // of the small counts, which recur
	for _, n := range counts {
		switch {
		case n == 0:
		case n < len(terms):
			if terms[n] == 0 {
				f := float64(n) * inv
				terms[n] = f * math.Log2(f)
			}
			sum -= terms[n]
		default:
			f := float64(n) * inv
			sum -= f * math.Log2(f)
		}
	}
	for _, n := range others {
		f := float64(n) * inv
		sum -= f * math.Log2(f)
	}
	return sum
}
