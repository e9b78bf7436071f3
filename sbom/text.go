package sbom

import (
	"fmt"
	"maps"
	"slices"
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
