package sbom

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapeUnseen rewrites JSON so that runes which could deceive a reader of the
// raw text (controls, bidi and zero-width marks) are \u escapes. They can only be
// inside strings, so it stays the same value.
func escapeUnseen(json []byte) []byte {
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
		r, n := utf8.DecodeRune(json[i:])
		switch {
		case r < 0x7f, visible(r):
			out = append(out, json[i:i+n]...)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
		i += n
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// visible tells the runes that print as themselves.
func visible(r rune) bool { return unicode.IsPrint(r) }

// escapeUnseenXML does the same for XML, as character references.
func escapeUnseenXML(doc []byte) []byte {
	out := make([]byte, 0, len(doc)+64)
	for len(doc) > 0 {
		r, n := utf8.DecodeRune(doc)
		if r < 0x7f || visible(r) {
			out = append(out, doc[:n]...)
		} else {
			out = fmt.Appendf(out, "&#x%x;", r)
		}
		doc = doc[n:]
	}
	return out
}

// oneLine makes text safe for the lines of tag-value documents: what is not
// plainly visible is written as an escape of Go's string syntax, and no value can
// open the format's block of text.
func oneLine(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case visible(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[n:]
	}
	return strings.ReplaceAll(b.String(), "<text>", `\u003ctext>`)
}
