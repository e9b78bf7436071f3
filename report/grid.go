package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// styles are the ANSI SGR codes of the words the table colours.
var styles = map[string]string{
	"FAIL": "1;31", "PASS": "1;32", "INCOMPLETE": "1;33", "bold": "1", "head": "1;4",
	"critical": "1;31", "high": "31", "medium": "33", "low": "36",
}

var logCommand = lazyregexp.New(`##([A-Za-z]*)\[`)

// paint colours s, where colour is allowed. It is applied after padding.
func (t *table) paint(style, s string) string {
	code, ok := styles[style]
	if !t.color || !ok {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// line prints one line. Build services take "::name::" at the start of a line and
// "##name[" anywhere in it as commands to themselves; a name in an artifact
// must not be able to give any.
func (t *table) line(s string) {
	s = logCommand().ReplaceAllString(strings.TrimRight(s, " "), `#\x23$1[`)
	if text := strings.TrimLeft(s, " "); strings.HasPrefix(text, "::") {
		s = s[:len(s)-len(text)] + `\x3a` + text[1:]
	}
	t.b.WriteString(s)
	t.b.WriteByte('\n')
}

// wrapped prints text over as many lines as it needs, all but the first two columns deeper.
func (t *table) wrapped(indent, text string) {
	for i, l := range wrap(text, t.width-len(indent)-2) {
		if i > 0 {
			l = "  " + l
		}
		t.line(indent + l)
	}
}

// rows prints cleaned cells in aligned columns. The first column is a severity,
// the last is cut to what is left of the width; where that is too little, it and
// the columns that do not fit go below. Empty columns take no space.
func (t *table) rows(indent string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	last := len(rows[0]) - 1
	widths := make([]int, last)
	for _, r := range rows {
		for i := range last {
			widths[i] = max(widths[i], width(r[i]))
		}
	}
	widths[0] = max(widths[0], len("critical"))
	all := len(indent)
	for _, w := range widths {
		if w > 0 {
			all += w + 2
		}
	}
	for _, r := range rows {
		if t.width-all < 30 {
			t.tall(indent, widths, r)
			continue
		}
		var line strings.Builder
		line.WriteString(indent)
		for i := range last {
			if widths[i] > 0 {
				line.WriteString(t.cell(i, r[i], widths[i]))
			}
		}
		t.line(line.String() + cut(r[last], t.width-all))
	}
}

// tall prints a row over several lines: what fits in the first, the rest below.
func (t *table) tall(indent string, widths []int, r []string) {
	line, used, n := indent, len(indent), 0
	for n < len(widths) && (n == 0 || used+width(r[n]) <= t.width) {
		if widths[n] > 0 {
			line += t.cell(n, r[n], widths[n])
			used += widths[n] + 2
		}
		n++
	}
	t.line(strings.TrimRight(line, " "))
	var rest []string
	for _, c := range r[n:] {
		if c != "" {
			rest = append(rest, c)
		}
	}
	indent += "  "
	most := 2
	if t.width < narrow {
		most = 3
	}
	lines := wrap(strings.Join(rest, "  "), t.width-len(indent))
	for i, l := range lines[:min(most, len(lines))] {
		if i == most-1 && len(lines) > most {
			l += " …"
		}
		t.line(indent + cut(l, t.width-len(indent)))
	}
}

// cell is one column of a row; the first is painted as the severity it is.
func (t *table) cell(i int, text string, w int) string {
	padded := pad(text, w)
	if i == 0 {
		padded = t.paint(text, padded)
	}
	return padded + "  "
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}

func sortedStrings(s []string) []string { return slices.Sorted(slices.Values(s)) }
