package js

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tEOF tokenKind = iota
	tName
	tPrivate
	tNumber
	tString
	tTemplate // a backquote; the parser reads on
	tPunct
	tBad
)

// token is the token under the eye of the parser. text is a part of the source.
type token struct {
	kind     tokenKind
	newline  bool // before it
	pos, end int32
	text     string
}

// next reads the token after the present one.
func (p *parser) next() {
	p.last = p.tok.end
	p.scan(int(p.tok.end))
}

// scan reads the token at or after i, as if no regular expression could start there.
func (p *parser) scan(i int) {
	p.steps--
	if p.steps < 0 {
		p.limit("too much of it is ambiguous")
	}
	newline := false
	src := p.src
	for i < len(src) {
		c := src[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f':
			i++
			continue
		case c == '\n':
			newline = true
			i++
			continue
		case c == '/' && i+1 < len(src) && src[i+1] == '/':
			i = lineEnd(src, i+2)
			continue
		case c == '/' && i+1 < len(src) && src[i+1] == '*':
			end := strings.Index(src[i+2:], "*/")
			if end < 0 {
				i = len(src)
				continue
			}
			newline = newline || strings.IndexByte(src[i:i+2+end], '\n') >= 0
			i += end + 4
			continue
		case c == '<' && strings.HasPrefix(src[i:], "<!--"):
			i = lineEnd(src, i+4)
			continue
		case c == '-' && newline && strings.HasPrefix(src[i:], "-->"):
			i = lineEnd(src, i+3)
			continue
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(src[i:])
			if r == 0xFEFF || unicode.IsSpace(r) || r == 0x2028 || r == 0x2029 {
				newline = newline || r == 0x2028 || r == 0x2029
				i += n
				continue
			}
		}
		break
	}
	p.tok = token{newline: newline, pos: int32(i)}
	if i >= len(src) {
		p.tok.end = int32(len(src))
		p.tok.pos = p.tok.end
		return
	}
	kind, end := p.lexeme(i)
	p.tok.kind, p.tok.end, p.tok.text = kind, int32(end), src[i:end]
}

func lineEnd(src string, i int) int {
	if n := strings.IndexByte(src[min(i, len(src)):], '\n'); n >= 0 {
		return i + n
	}
	return len(src)
}

// lexeme says what starts at i and where it ends.
func (p *parser) lexeme(i int) (tokenKind, int) {
	src := p.src
	c := src[i]
	switch {
	case nameStart(c):
		return tName, nameEnd(src, i)
	case c == '#':
		if i == 0 && strings.HasPrefix(src, "#!") {
			return tBad, lineEnd(src, 0)
		}
		return tPrivate, nameEnd(src, i+1)
	case c >= '0' && c <= '9', c == '.' && i+1 < len(src) && src[i+1] >= '0' && src[i+1] <= '9':
		return tNumber, numberEnd(src, i)
	case c == '"' || c == '\'':
		return tString, stringEnd(src, i)
	case c == '`':
		return tTemplate, i + 1
	}
	if n := punctuator(src[i:]); n > 0 {
		return tPunct, i + n
	}
	_, n := utf8.DecodeRuneInString(src[i:])
	return tBad, i + n
}

func nameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c == '\\' || c >= utf8.RuneSelf
}

func nameEnd(src string, i int) int {
	for i < len(src) {
		c := src[i]
		switch {
		case nameStart(c) && c < utf8.RuneSelf && c != '\\', c >= '0' && c <= '9':
			i++
		case c == '\\':
			i++
			if i < len(src) && src[i] == 'u' {
				i++
				if i < len(src) && src[i] == '{' {
					for i < len(src) && src[i] != '}' && src[i] != '\n' {
						i++
					}
					i = min(i+1, len(src))
				}
			}
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(src[i:])
			if unicode.IsSpace(r) || r == 0xFEFF {
				return i
			}
			i += n
		default:
			return i
		}
	}
	return i
}

func numberEnd(src string, i int) int {
	hex := i+1 < len(src) && src[i] == '0' && (src[i+1]|0x20 == 'x' || src[i+1]|0x20 == 'b' || src[i+1]|0x20 == 'o')
	for i < len(src) {
		c := src[i]
		switch {
		case c >= '0' && c <= '9' || c == '.' || c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			i++
			if !hex && c|0x20 == 'e' && i < len(src) && (src[i] == '+' || src[i] == '-') {
				i++
			}
		default:
			return i
		}
	}
	return i
}

// stringEnd ends at the closing quote or before the end of the line.
func stringEnd(src string, i int) int {
	quote := src[i]
	for i++; i < len(src); i++ {
		switch src[i] {
		case quote:
			return i + 1
		case '\\':
			if i+2 < len(src) && src[i+1] == '\r' && src[i+2] == '\n' {
				i++
			}
			i++
		case '\n':
			return i
		}
	}
	return len(src)
}

// punctuator is the length of the longest one at the start of s, or 0. A "?."
// before a digit is a "?".
func punctuator(s string) int {
	at := func(i int) byte {
		if i < len(s) {
			return s[i]
		}
		return 0
	}
	c, d, e := s[0], at(1), at(2)
	switch c {
	case '{', '}', '(', ')', '[', ']', ';', ',', '~', ':', '@':
		return 1
	case '.':
		if d == '.' && e == '.' {
			return 3
		}
		return 1
	case '?':
		switch {
		case d == '?' && e == '=':
			return 3
		case d == '?':
			return 2
		case d == '.' && (e < '0' || e > '9'):
			return 2
		}
		return 1
	case '=':
		switch {
		case d == '=' && e == '=':
			return 3
		case d == '=' || d == '>':
			return 2
		}
		return 1
	case '!':
		switch {
		case d == '=' && e == '=':
			return 3
		case d == '=':
			return 2
		}
		return 1
	case '*', '<', '&', '|':
		n := 1
		if d == c {
			n = 2
		}
		if at(n) == '=' {
			n++
		}
		return n
	case '>':
		n := 1
		for n < 3 && at(n) == '>' {
			n++
		}
		if at(n) == '=' {
			n++
		}
		return n
	case '+', '-':
		if d == c || d == '=' {
			return 2
		}
		return 1
	case '%', '^', '/':
		if d == '=' {
			return 2
		}
		return 1
	}
	return 0
}

// regexp reads the regular expression that the present token starts.
func (p *parser) regexp() *Node {
	start := int(p.tok.pos)
	inClass := false
	i := start + 1
scan:
	for ; ; i++ {
		if i >= len(p.src) || p.src[i] == '\n' {
			p.fail("a regular expression does not end")
		}
		switch c := p.src[i]; {
		case c == '\\':
			i++
		case c == '[':
			inClass = true
		case c == ']':
			inClass = false
		case c == '/' && !inClass:
			break scan
		}
	}
	i = nameEnd(p.src, i+1)
	p.tok.end = int32(i)
	n := p.node(Regexp, start)
	n.Str = p.src[start:i]
	p.next()
	n.End = p.last
	return n
}

// template reads what follows a backquote, which is the present token.
func (p *parser) template() *Node {
	n := p.node(Template, int(p.tok.pos))
	i := int(p.tok.end)
	for {
		start := i
		for i < len(p.src) && p.src[i] != '`' && (p.src[i] != '$' || i+1 >= len(p.src) || p.src[i+1] != '{') {
			if p.src[i] == '\\' {
				i++
			}
			i++
		}
		i = min(i, len(p.src))
		part := p.node(String, start)
		part.Str, part.End = unescape(p.src[start:i]), int32(i)
		n.List = append(n.List, part)
		if i >= len(p.src) {
			p.tok.end = int32(i)
			p.fail("a template does not end")
		}
		if p.src[i] == '`' {
			p.tok.end = int32(i + 1)
			p.next()
			n.End = p.last
			return n
		}
		p.scan(i + 2)
		n.List = append(n.List, p.expression())
		if !p.is("}") {
			p.fail("a template wants }")
		}
		i = int(p.tok.end)
	}
}

// unescape gives the value of the inside of a string literal.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case '0', 'b', 'f', 'v':
			b.WriteByte(' ')
		case '\n':
		case 'x':
			i += codePoint(&b, s[i+1:], 2)
		case 'u':
			if rest := s[i+1:]; strings.HasPrefix(rest, "{") {
				end := strings.IndexByte(rest, '}')
				if end > 1 && end < 8 {
					codePoint(&b, rest[1:end], end-1)
					i += end + 1
				}
			} else {
				i += codePoint(&b, rest, 4)
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// codePoint writes the character that n hexadecimal digits name and returns how
// many bytes it used.
func codePoint(b *strings.Builder, s string, n int) int {
	if len(s) < n {
		return 0
	}
	v, err := strconv.ParseUint(s[:n], 16, 32)
	if err != nil {
		return 0
	}
	b.WriteRune(rune(v))
	return n
}
