package usage

import (
	"slices"
	"strings"
	"sync"
)

// A token is a word, a string literal or one byte of punctuation.
type token struct {
	text string
	str  bool // a literal: text is what is between the quotes
	line int
}

// A language says how comments and strings are written.
type language struct {
	hash   bool // "#" begins a comment
	slash  bool // "//" and "/* */" do, "/" may begin a regular expression
	triple bool // """ and '''
	ticks  bool // `template ${expression}`
}

var (
	javascript = language{slash: true, ticks: true}
	python     = language{hash: true, triple: true}
)

// maxTokens bounds the tokens of one file.
const maxTokens = 1 << 20

// buffers are token lists to use again: a file of a megabyte fills 15.
var buffers = sync.Pool{New: func() any { return new([]token) }}

// withTokens splits source text and gives it to a reader, without the ends of
// lines; the list is gone afterwards. It never fails: what it does not understand
// becomes punctuation. whole is false when there are more than maxTokens.
func withTokens(src string, l language, reader func(t []token, whole bool)) {
	list := buffers.Get().(*[]token)
	z := tokenizer{src: src, l: l, line: 1, out: (*list)[:0]}
	for z.i < len(src) && len(z.out) < maxTokens {
		z.next()
	}
	reader(significant(z.out), z.i >= len(src))
	clear(z.out) // they hold the source
	*list = z.out
	buffers.Put(list)
}

type tokenizer struct {
	src  string
	l    language
	i    int
	line int
	out  []token
}

func (z *tokenizer) next() {
	c := z.src[z.i]
	rest := z.src[z.i:]
	switch {
	case c == '\n':
		z.line++
		z.i++
		z.out = append(z.out, token{text: "\n", line: z.line - 1})
	case c == ' ' || c == '\t' || c == '\r':
		z.i++
	case c == '#' && z.l.hash || z.l.slash && strings.HasPrefix(rest, "//"):
		z.skip(strings.IndexByte(rest, '\n'))
	case z.l.slash && strings.HasPrefix(rest, "/*"):
		end := strings.Index(rest[2:], "*/")
		if end >= 0 {
			end += 4
		}
		z.skip(end)
	case z.l.triple && (strings.HasPrefix(rest, `"""`) || strings.HasPrefix(rest, "'''")):
		end := strings.Index(rest[3:], rest[:3])
		if end >= 0 {
			end += 6
		}
		z.skip(end)
	case c == '"' || c == '\'':
		z.quoted(c)
	case c == '`' && z.l.ticks:
		z.template()
	case c == '/' && z.l.slash && z.regexp():
	case word(c):
		j := z.i
		for j < len(z.src) && word(z.src[j]) {
			j++
		}
		z.out = append(z.out, token{text: z.src[z.i:j], line: z.line})
		z.i = j
	default:
		z.out = append(z.out, token{text: z.src[z.i : z.i+1], line: z.line})
		z.i++
	}
}

// skip passes over n bytes, to the end when n is negative.
func (z *tokenizer) skip(n int) {
	if n < 0 {
		n = len(z.src) - z.i
	}
	z.line += strings.Count(z.src[z.i:z.i+n], "\n")
	z.i += n
}

func word(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (z *tokenizer) quoted(q byte) {
	start, line := z.i+1, z.line
	j := start
	for j < len(z.src) && z.src[j] != q && z.src[j] != '\n' {
		if z.src[j] == '\\' {
			j++
		}
		j++
	}
	j = min(j, len(z.src))
	z.out = append(z.out, token{text: z.src[start:j], str: true, line: line})
	z.skip(min(j+1, len(z.src)) - z.i)
}

// template takes a template literal as a string when it has no expressions; the
// code of expressions is not looked at.
func (z *tokenizer) template() {
	start, line, depth := z.i+1, z.line, 0
	j := start
	plain := true
	for j < len(z.src) {
		switch c := z.src[j]; {
		case c == '\\':
			j++
		case depth == 0 && c == '`':
			z.out = append(z.out, token{text: z.src[start:j], str: plain, line: line})
			z.skip(j + 1 - z.i)
			return
		case c == '$' && j+1 < len(z.src) && z.src[j+1] == '{':
			depth, plain = depth+1, false
			j++
		case c == '{' && depth > 0:
			depth++
		case c == '}' && depth > 0:
			depth--
		}
		j++
	}
	z.skip(-1)
}

// regexp passes over a regular expression where one may stand.
func (z *tokenizer) regexp() bool {
	for _, t := range slices.Backward(z.out) {
		if t.text == "\n" {
			continue
		}
		if t.str || t.text == ")" || t.text == "]" || t.text == "}" || word(t.text[0]) && t.text != "return" && t.text != "typeof" && t.text != "case" {
			return false
		}
		break
	}
	class := false
	for j := z.i + 1; j < len(z.src) && z.src[j] != '\n'; j++ {
		switch c := z.src[j]; {
		case c == '\\':
			j++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			z.i = j + 1
			return true
		}
	}
	return false
}
