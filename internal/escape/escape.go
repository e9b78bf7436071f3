// Package escape makes text that comes from an artifact safe to show: what does
// not print as itself is written as an escape, so that no name drives a
// terminal, hides or turns around what a reader sees. It does not quote for a
// format; HTML, Markdown and the like are their writers' work.
package escape

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text makes text of an artifact safe to print on one line of a terminal, log
// or document: every rune that is not plainly visible (control characters, ANSI
// escapes, line breaks, bidi and zero-width marks, bytes that are not UTF-8)
// becomes an escape of Go's string syntax.
func Text(s string) string {
	i := 0
	for i < len(s) && s[i] >= ' ' && s[i] < 0x7f {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case Visible(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[n:]
	}
	return b.String()
}

// Visible tells the runes that print as themselves. unicode.IsPrint leaves out
// categories C and Z but for the ASCII space; the fillers are letters that
// print nothing.
func Visible(r rune) bool {
	switch r {
	case 0x115f, 0x1160, 0x3164, 0xffa0, 0x2800, 0x034f:
		return false
	}
	return unicode.IsPrint(r)
}

// JSON rewrites JSON so that runes which could deceive a reader of the
// raw text are \u escapes. They can only be inside strings, so it stays the same value.
func JSON(json []byte) []byte {
	i := 0
	for i < len(json) && json[i] < 0x7f {
		i++
	}
	if i == len(json) {
		return json
	}
	out := make([]byte, i, len(json)+64)
	copy(out, json)
	for i < len(json) {
		_, n := utf8.DecodeRune(json[i:])
		out = appendRune(out, json[i:i+n])
		i += n
	}
	return out
}

// appendRune appends one rune of JSON, which is seen then.
func appendRune(out, encoded []byte) []byte {
	r, _ := utf8.DecodeRune(encoded)
	switch {
	case r < 0x7f, Visible(r):
		return append(out, encoded...)
	case r < 0x10000:
		return fmt.Appendf(out, `\u%04x`, r)
	default:
		r -= 0x10000
		return fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
	}
}

// AppendIndented appends compact JSON, as encoding/json writes it, in lines
// indented by two spaces a level, and does what JSON does. It reads each byte once,
// where json.Indent parses anew what was just written.
func AppendIndented(out, compact []byte) []byte {
	depth := 0
	for i := 0; i < len(compact); {
		c := compact[i]
		i++
		switch c {
		case '"':
			end := closing(compact, i)
			out = appendString(append(out, c), compact[i:end])
			i = end
		case '{', '[':
			out = append(out, c)
			if i < len(compact) && (compact[i] == '}' || compact[i] == ']') {
				out = append(out, compact[i])
				i++
				continue
			}
			depth++
			out = appendLine(out, depth)
		case '}', ']':
			depth--
			out = append(appendLine(out, depth), c)
		case ',':
			out = appendLine(append(out, c), depth)
		case ':':
			out = append(out, ':', ' ')
		default:
			out = append(out, c)
		}
	}
	return out
}

// closing is the place after the quote that ends a string, given that of its first byte.
func closing(json []byte, at int) int {
	for at < len(json) {
		switch json[at] {
		case '"':
			return at + 1
		case '\\':
			at++
		}
		at++
	}
	return len(json)
}

func appendString(out, s []byte) []byte {
	from := 0
	for i := 0; i < len(s); {
		if s[i] < 0x7f {
			i++
			continue
		}
		_, n := utf8.DecodeRune(s[i:])
		out = appendRune(append(out, s[from:i]...), s[i:i+n])
		i += n
		from = i
	}
	return append(out, s[from:]...)
}

func appendLine(out []byte, depth int) []byte {
	out = append(out, '\n')
	for range depth {
		out = append(out, ' ', ' ')
	}
	return out
}

// XML does for XML what JSON does for JSON, with character references.
func XML(doc []byte) []byte {
	out := make([]byte, 0, len(doc)+64)
	for len(doc) > 0 {
		r, n := utf8.DecodeRune(doc)
		if r < 0x7f || Visible(r) {
			out = append(out, doc[:n]...)
		} else {
			out = fmt.Appendf(out, "&#x%x;", r)
		}
		doc = doc[n:]
	}
	return out
}
