package secrets

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"
)

// The generic rule of gitleaks is met a hundred times as often as any other: a
// word such as "key" or "token", then what assigns a value to it. Its expression
// is matched by hand, a hundred times as fast as regexp and with the same answers.

// genericSum is the start of the SHA-256 of the expression that the matcher does
// what it does by; any other is left to regexp.
const genericSum = "7495022a38032a23"

// byHand reports whether the rule's expression is the one that a genericMatcher matches.
func (r *rule) byHand() bool {
	if !r.generic {
		return false
	}
	sum := sha256.Sum256([]byte(r.regexText))
	return hex.EncodeToString(sum[:8]) == genericSum
}

// What a byte may be in the expression.
const (
	leadByte   = 1 << iota // before and after the word
	blankByte              // also after it
	quoteByte              // then
	padByte                // behind the assignment
	valueByte              // of a value, first form
	base64Byte             // of a value, second form
	alnumByte              // its first
	endByte                // behind a value
)

// gaps are the bytes between a word and what assigns to it.
const gaps = leadByte | blankByte | quoteByte

// Bounds of the expression, in bytes.
const (
	maxLead    = 50
	maxBlank   = 20
	maxQuotes  = 3
	maxPad     = 5
	minValue   = 10
	maxValue   = 150
	minBase64  = 12
	maxPadding = 3
)

// A genericMatcher matches gitleaks' generic rule.
type genericMatcher [256]uint8

func newGeneric() *genericMatcher {
	g := new(genericMatcher)
	set := func(bits uint8, bytes string) {
		for i := range len(bytes) {
			g[bytes[i]] |= bits
		}
	}
	set(leadByte|valueByte|base64Byte|alnumByte, base62)
	set(leadByte|valueByte, "_.-")
	set(blankByte, " \t")
	set(quoteByte|padByte|endByte, " \t\n\f\r'\"")
	set(padByte|valueByte, "=")
	set(padByte|endByte, "`")
	set(base64Byte, "+/")
	set(endByte, ";")
	return g
}

// A genericMatch is where a match ends and its value stands.
type genericMatch struct{ end, valueStart, valueEnd int }

// A ruling is the answer of a matcher.
type ruling int

const (
	no    ruling = iota
	yes          // it matches
	maybe        // a byte outside ASCII bears on it: regexp decides
)

// match matches the expression at data[start:].
func (g *genericMatcher) match(data []byte, start int) (genericMatch, ruling) {
	for p := start; p < len(data) && p-start <= maxLead; p++ {
		if n := genericWord(data[p:]); n > 0 {
			if m, r := g.rest(data, p+n); r != no {
				return m, r
			}
		}
		if g[data[p]]&leadByte == 0 {
			if data[p] >= utf8.RuneSelf {
				return genericMatch{}, maybe
			}
			break
		}
	}
	return genericMatch{}, no
}

// genericWord is the length of the word of the expression that b begins with, or 0.
func genericWord(b []byte) int {
	switch b[0] | 0x20 {
	case 'a':
		switch {
		case begins(b, "access"):
			return len("access")
		case begins(b, "auth"):
			return len("auth")
		case len(b) >= 3 && (b[0] == 'A' && b[1] == 'P' && b[2] == 'I' || b[1] == 'p' && b[2] == 'i'):
			return len("api")
		}
	case 'c':
		switch {
		case begins(b, "credential"):
			return len("credential")
		case begins(b, "creds"):
			return len("creds")
		}
	case 'k':
		return wordLen(b, "key")
	case 'p':
		return max(wordLen(b, "password"), wordLen(b, "passwd"))
	case 's':
		return wordLen(b, "secret")
	case 't':
		return wordLen(b, "token")
	}
	return 0
}

func begins(b []byte, word string) bool { return len(b) >= len(word) && equalFold(b, word) }

func wordLen(b []byte, word string) int {
	if begins(b, word) {
		return len(word)
	}
	return 0
}

// rest matches what follows the word that ends before i.
func (g *genericMatcher) rest(data []byte, i int) (genericMatch, ruling) {
	o := i
	for o < len(data) && o-i < maxBlank+maxQuotes && g[data[o]]&gaps != 0 {
		o++
	}
	if o == len(data) {
		return genericMatch{}, no
	}
	quotes := 0
	for quotes < maxQuotes && o-quotes > i && g[data[o-quotes-1]]&quoteByte != 0 {
		quotes++
	}
	if o-quotes-i > maxBlank {
		return genericMatch{}, no
	}
	for _, c := range data[i : o-quotes] {
		if g[c]&(leadByte|blankByte) == 0 {
			return genericMatch{}, no
		}
	}
	return g.assigned(data, o)
}

// assigned matches what assigns at offset o, and a value. No byte of it can stand
// in the gap before it, so that it begins here or nowhere.
func (g *genericMatcher) assigned(data []byte, o int) (genericMatch, ruling) {
	next := func(k int) byte {
		if o+k < len(data) {
			return data[o+k]
		}
		return 0
	}
	switch c := data[o]; c {
	case '=':
		if m, r := g.value(data, o+1); r != no || next(1) != '>' {
			return m, r
		}
		return g.value(data, o+2)
	case '>', ',':
		return g.value(data, o+1)
	case ':':
		n := 1
		for n < 3 && next(n) == ':' {
			n++
		}
		if next(n) == '=' {
			if m, r := g.value(data, o+n+1); r != no {
				return m, r
			}
		}
		return g.value(data, o+1)
	case '|', '?':
		if want := map[byte]byte{'|': '|', '?': '='}[c]; next(1) == want {
			return g.value(data, o+2)
		}
		return genericMatch{}, no
	default:
		if c >= utf8.RuneSelf {
			return genericMatch{}, maybe
		}
		return genericMatch{}, no
	}
}

// value matches a value behind what assigns it, which ends before k.
func (g *genericMatcher) value(data []byte, k int) (genericMatch, ruling) {
	v := k
	for v < len(data) && v-k < maxPad && g[data[v]]&padByte != 0 {
		v++
	}
	for ; v >= k; v-- {
		if m, r := g.first(data, v); r != no {
			return m, r
		}
		if m, r := g.second(data, v); r != no {
			return m, r
		}
	}
	return genericMatch{}, no
}

// first matches a value of letters, digits and "_.=-". What ends it is none of
// them, so that it ends where their run does.
func (g *genericMatcher) first(data []byte, v int) (genericMatch, ruling) {
	e := v
	for e < len(data) && e-v <= maxValue && g[data[e]]&valueByte != 0 {
		e++
	}
	if e-v > maxValue {
		return genericMatch{}, no
	}
	if e < len(data) && data[e] >= utf8.RuneSelf {
		return genericMatch{}, maybe
	}
	if e-v < minValue {
		return genericMatch{}, no
	}
	return g.ended(data, v, e)
}

// second matches a value in base64.
func (g *genericMatcher) second(data []byte, v int) (genericMatch, ruling) {
	if v >= len(data) || g[data[v]]&alnumByte == 0 {
		return genericMatch{}, no
	}
	e := v
	for e < len(data) && g[data[e]]&base64Byte != 0 {
		e++
	}
	if e < len(data) && data[e] >= utf8.RuneSelf {
		return genericMatch{}, maybe
	}
	if e-v < minBase64 {
		return genericMatch{}, no
	}
	for n := 0; n < maxPadding && e < len(data) && data[e] == '='; n++ {
		e++
	}
	return g.ended(data, v, e)
}

// ended matches what follows the value data[v:e].
func (g *genericMatcher) ended(data []byte, v, e int) (genericMatch, ruling) {
	switch {
	case e == len(data):
		return genericMatch{e, v, e}, yes
	case g[data[e]]&endByte != 0:
		return genericMatch{e + 1, v, e}, yes
	case data[e] == '\\' && e+1 < len(data) && (data[e+1]|0x20 == 'n' || data[e+1]|0x20 == 'r'):
		return genericMatch{e + 2, v, e}, yes
	case data[e] >= utf8.RuneSelf:
		return genericMatch{}, maybe
	}
	return genericMatch{}, no
}
