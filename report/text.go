package report

import (
	"fmt"
	"strings"

	"github.com/clipperhouse/displaywidth"

	"github.com/fnvet/fnvet/internal/escape"
)

// clean is escape.Text, by the name that reads well in a table.
func clean(s string) string { return escape.Text(s) }

// maxBrief bounds one text of the artifact in the table, in bytes: names and paths
// may be of any length. Both ends of a longer one are kept.
const maxBrief = 1000

// brief is clean, bounded.
func brief(s string) string {
	if len(s) <= maxBrief {
		return clean(s) // escapes at most quadruple it
	}
	head, tail := strings.ToValidUTF8(s[:maxBrief*3/4], ""), strings.ToValidUTF8(s[len(s)-maxBrief/4:], "")
	return clean(head) + "…" + clean(tail)
}

// width is the number of terminal columns that cleaned text takes.
func width(s string) int { return displaywidth.String(s) }

// Width is the number of terminal columns of text without control characters.
func Width(s string) int { return width(s) }

// Cut shortens such text to n columns, ending in "…" where something was left out.
func Cut(s string, n int) string { return cut(s, n) }

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
