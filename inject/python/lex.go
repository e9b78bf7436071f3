package python

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
	tNumber
	tString
	tOp
	tNewline
	tIndent
	tDedent
	tBad
)

type token struct {
	kind     tokenKind
	pos, end int32
	text     string
}

// lexer gives the tokens of one file, or of one expression inside a text.
type lexer struct {
	src    string
	pos    int
	stop   int // end of what is read
	nested int // open brackets: lines do not end there
	levels []int
	queue  int // indents (positive) or dedents (negative) still to give
	fresh  bool
	inline bool // no lines at all
	ended  bool
}

// next is the token at or after the position.
func (l *lexer) next() token {
	if l.queue != 0 {
		return l.level()
	}
	if l.fresh && l.nested == 0 && !l.inline {
		l.fresh = false
		l.indentation()
		if l.queue != 0 {
			return l.level()
		}
	}
	l.blanks()
	if l.pos >= l.stop {
		return l.finish()
	}
	start := l.pos
	c := l.src[l.pos]
	if c == '\n' {
		l.pos++
		l.fresh = true
		return token{tNewline, int32(start), int32(l.pos), "\n"}
	}
	kind := l.lexeme(c)
	return token{kind, int32(start), int32(l.pos), l.src[start:l.pos]}
}

// finish ends the last line and all blocks.
func (l *lexer) finish() token {
	at := int32(l.stop)
	if !l.inline && !l.ended {
		l.ended = true
		l.nested = 0
		l.queue = -len(l.levels)
		return token{tNewline, at, at, ""}
	}
	return token{tEOF, at, at, ""}
}

func (l *lexer) level() token {
	at := int32(l.pos)
	if l.queue > 0 {
		l.queue--
		return token{tIndent, at, at, ""}
	}
	l.queue++
	if n := len(l.levels); n > 0 {
		l.levels = l.levels[:n-1]
	}
	return token{tDedent, at, at, ""}
}

// indentation measures the line that begins and queues what changed.
func (l *lexer) indentation() {
	for {
		width := 0
		i := l.pos
		for i < l.stop {
			switch l.src[i] {
			case ' ':
				width++
			case '\t':
				width += 8 - width%8
			case '\f':
				width = 0
			default:
				goto measured
			}
			i++
		}
	measured:
		if i >= l.stop {
			l.pos = i
			return
		}
		switch l.src[i] {
		case '\r', '\n', '#':
			end := strings.IndexByte(l.src[i:l.stop], '\n')
			if end < 0 {
				l.pos = l.stop
				return
			}
			l.pos = i + end + 1
			continue
		}
		l.pos = i
		at := 0
		if n := len(l.levels); n > 0 {
			at = l.levels[n-1]
		}
		switch {
		case width > at:
			if len(l.levels) < maxDepth {
				l.levels = append(l.levels, width)
				l.queue = 1
			}
		case width < at:
			n := 0
			for k := len(l.levels) - 1; k >= 0 && l.levels[k] > width; k-- {
				n++
			}
			l.queue = -n
		}
		return
	}
}

// blanks passes over spaces, comments, continued lines, and line ends in brackets.
func (l *lexer) blanks() {
	for l.pos < l.stop {
		switch c := l.src[l.pos]; {
		case c == ' ' || c == '\t' || c == '\f' || c == '\r':
			l.pos++
		case c == '\n' && (l.nested > 0 || l.inline):
			l.pos++
		case c == '#':
			end := strings.IndexByte(l.src[l.pos:l.stop], '\n')
			if end < 0 {
				l.pos = l.stop
				return
			}
			l.pos += end
		case c == '\\' && l.pos+1 < l.stop && l.src[l.pos+1] == '\n':
			l.pos += 2
		case c == '\\' && l.pos+2 < l.stop && l.src[l.pos+1] == '\r' && l.src[l.pos+2] == '\n':
			l.pos += 3
		case strings.HasPrefix(l.src[l.pos:l.stop], "\uFEFF"):
			l.pos += 3
		default:
			return
		}
	}
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

func (l *lexer) lexeme(c byte) tokenKind {
	switch {
	case nameByte(c):
		start := l.pos
		for l.pos < l.stop && (nameByte(l.src[l.pos]) || l.src[l.pos] >= '0' && l.src[l.pos] <= '9') {
			if l.src[l.pos] >= utf8.RuneSelf {
				r, n := utf8.DecodeRuneInString(l.src[l.pos:l.stop])
				if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
					if l.pos == start {
						l.pos += n
						return tBad
					}
					return tName
				}
				l.pos += n
				continue
			}
			l.pos++
		}
		if l.pos < l.stop && (l.src[l.pos] == '"' || l.src[l.pos] == '\'') && stringPrefix(l.src[start:l.pos]) {
			l.string(strings.ToLower(l.src[start:l.pos]))
			return tString
		}
		return tName
	case c == '"' || c == '\'':
		l.string("")
		return tString
	case c >= '0' && c <= '9', c == '.' && l.pos+1 < l.stop && l.src[l.pos+1] >= '0' && l.src[l.pos+1] <= '9':
		l.number()
		return tNumber
	}
	l.pos += operator(l.src[l.pos:l.stop])
	switch c {
	case '(', '[', '{':
		l.nested++
	case ')', ']', '}':
		l.nested = max(l.nested-1, 0)
	}
	return tOp
}

func stringPrefix(s string) bool {
	switch strings.ToLower(s) {
	case "r", "b", "u", "f", "t", "rb", "br", "rf", "fr", "rt", "tr":
		return true
	}
	return false
}

func (l *lexer) number() {
	for l.pos < l.stop {
		c := l.src[l.pos]
		if (c < '0' || c > '9') && c != '.' && c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return
		}
		hex := l.src[l.pos] | 0x20
		l.pos++
		if hex == 'e' && l.pos < l.stop && (l.src[l.pos] == '+' || l.src[l.pos] == '-') && !strings.HasPrefix(l.src[max(0, l.pos-2):], "0x") {
			if prev := l.pos - 2; prev >= 0 && l.src[prev] >= '0' && l.src[prev] <= '9' {
				l.pos++
			}
		}
	}
}

// quote is the quotation mark at the position: one or three.
func (l *lexer) quote() string {
	q := l.src[l.pos : l.pos+1]
	if strings.HasPrefix(l.src[l.pos:l.stop], strings.Repeat(q, 3)) {
		return strings.Repeat(q, 3)
	}
	return q
}

// string passes over a literal whose quotation mark is at the position.
func (l *lexer) string(prefix string) {
	q := l.quote()
	l.pos += len(q)
	format := strings.ContainsAny(prefix, "ft")
	depth := 0
	for l.pos < l.stop {
		c := l.src[l.pos]
		switch {
		case c == '\\' && depth == 0:
			l.pos += escape(l.src[l.pos:l.stop])
			continue
		case c == '\n' && len(q) == 1 && depth == 0:
			return
		case depth == 0 && strings.HasPrefix(l.src[l.pos:l.stop], q):
			l.pos += len(q)
			return
		case format && c == '{':
			if depth == 0 && l.pos+1 < l.stop && l.src[l.pos+1] == '{' {
				l.pos += 2
				continue
			}
			depth++
		case format && c == '}' && depth > 0:
			depth--
		case depth > 0 && (c == '"' || c == '\''):
			if strings.HasPrefix(l.src[l.pos:l.stop], q) && !l.reopens(q) {
				l.pos += len(q) // before 3.12 the quotation mark ends the text
				return
			}
			l.inner()
			continue
		}
		l.pos++
	}
	l.pos = min(l.pos, l.stop)
}

// escape is the length of the escape that s starts with.
func escape(s string) int {
	if strings.HasPrefix(s, `\N{`) {
		if end := strings.IndexByte(s, '}'); end > 0 && end < 100 {
			return end + 1
		}
	}
	return 2
}

// reopens says whether a quotation mark inside a replacement field begins a text
// of its own (Python 3.12) rather than ending the one around it.
func (l *lexer) reopens(q string) bool {
	rest := l.src[l.pos+len(q) : l.stop]
	end := strings.IndexByte(rest, '\n')
	if end >= 0 && len(q) == 1 {
		rest = rest[:end]
	}
	other := strings.Index(rest, q)
	return other >= 0 && strings.IndexByte(rest[other:], '}') >= 0
}

// inner passes over a text inside a replacement field.
func (l *lexer) inner() {
	q := l.quote()
	l.pos += len(q)
	for l.pos < l.stop && !strings.HasPrefix(l.src[l.pos:l.stop], q) {
		if l.src[l.pos] == '\n' && len(q) == 1 {
			return
		}
		if l.src[l.pos] == '\\' {
			l.pos++
		}
		l.pos++
	}
	l.pos = min(l.pos+len(q), l.stop)
}

// operator is the length of the one that s starts with; 1 for what is none.
func operator(s string) int {
	if s[0] < utf8.RuneSelf && (len(s) == 1 || strings.IndexByte("=>*/<.", s[1]) < 0) {
		return 1 // most are
	}
	for _, op := range [...]string{"**=", "//=", ">>=", "<<=", "...", "!=", "->", ":=", "**", "//", "<<", ">>", "<=", ">=", "==", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@="} {
		if strings.HasPrefix(s, op) {
			return len(op)
		}
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// unescape gives the value of the inside of a literal.
func unescape(s string, raw bool) string {
	if raw || strings.IndexByte(s, '\\') < 0 {
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
		case '\n':
		case '\\', '\'', '"':
			b.WriteByte(c)
		case 'x', 'u', 'U':
			n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			if i+n < len(s) {
				if v, err := strconv.ParseUint(s[i+1:i+1+n], 16, 32); err == nil {
					b.WriteRune(rune(v))
					i += n
					continue
				}
			}
			b.WriteByte(c)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}
