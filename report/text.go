package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// clean makes text of an artifact safe to print on one line of a terminal, log
// or document: every rune that is not plainly visible (control characters, ANSI
// escapes, line breaks, bidi and zero-width marks, bytes that are not UTF-8)
// becomes an escape of Go's string syntax.
func clean(s string) string {
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
		case visible(r):
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

// visible tells the runes that print as themselves. unicode.IsPrint leaves out
// categories C and Z but for the ASCII space; the fillers are letters that
// print nothing.
func visible(r rune) bool {
	switch r {
	case 0x115f, 0x1160, 0x3164, 0xffa0, 0x2800, 0x034f:
		return false
	}
	return unicode.IsPrint(r)
}

// escapeUnseen rewrites JSON so that runes which could deceive a reader of the
// raw text are \u escapes. They can only be inside strings, so it stays the same value.
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

// width is the number of terminal columns that cleaned text takes.
func width(s string) int { return displaywidth.String(s) }

// pad fills s with spaces to n columns.
func pad(s string, n int) string {
	if w := width(s); w < n {
		return s + strings.Repeat(" ", n-w)
	}
	return s
}

// cut shortens s to n columns, ending in "…" where something was left out.
func cut(s string, n int) string {
	if n < 2 || width(s) <= n {
		return s
	}
	return displaywidth.TruncateString(s, n, "…")
}

// wrap breaks s at spaces into lines of at most n columns; longer words stay whole.
func wrap(s string, n int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) <= n:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// count says "1 gap" and "3 gaps".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	switch {
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	case !strings.HasSuffix(noun, "s"):
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// size says bytes as people read them, in powers of ten.
func size(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, u := float64(n)/1000, 0
	for f >= 999.95 && u < len(units)-1 {
		f, u = f/1000, u+1
	}
	return fmt.Sprintf("%.1f %cB", f, units[u])
}

// short shortens a digest to what people compare by eye.
func short(digest string) string {
	digest = clean(strings.TrimPrefix(digest, "sha256:"))
	return digest[:min(12, len(digest))]
}
