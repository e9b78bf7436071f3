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

// line returns the line or lines the match is on.
func (c *candidate) line() []byte {
	from := max(0, c.start-maxLine)
	if i := bytes.LastIndexByte(c.data[from:c.start], '\n'); i >= 0 {
		from += i + 1
	}
	to := min(len(c.data), c.end+maxLine)
	if i := bytes.IndexByte(c.data[c.end:to], '\n'); i >= 0 {
		to = c.end + i
	}
	return c.data[from:to]
}

// cut finds the secret inside the match data[start:end]: the rule's group, else
// the first group that matched something, else the whole match. Like gitleaks
// it matches the found text again on its own, without what surrounds it.
func (c *candidate) cut(start, end int) bool {
	for start < end && c.data[start] == '\n' {
		start++
	}
	for start < end && c.data[end-1] == '\n' {
		end--
	}
	c.start, c.end, c.secretStart, c.secretEnd = start, end, start, end
	re, err := c.rule.regex.get(c.rule.regexText)
	if err != nil {
		return false
	}
	if re.NumSubexp() == 0 {
		return true
	}
	groups := re.FindSubmatchIndex(c.data[start:end])
	if g := c.rule.group; g > 0 {
		if 2*g+1 < len(groups) && groups[2*g] >= 0 {
			c.secretStart, c.secretEnd = start+groups[2*g], start+groups[2*g+1]
			return true
		}
		return len(groups) == 0
	}
	for i := 2; i+1 < len(groups); i += 2 {
		if groups[i] >= 0 && groups[i] < groups[i+1] {
			c.secretStart, c.secretEnd = start+groups[i], start+groups[i+1]
			break
		}
	}
	return true
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
	for _, n := range counts {
		if n > 0 {
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
