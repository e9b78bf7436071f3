package inject

import (
	"path"
	"strings"

	"github.com/fnvet/fnvet"
)

const (
	ignoreMark = "fnvet:ignore" // followed by a rule and a reason
	// maxIgnoreLine bounds the line on which a comment is looked for: in a minified
	// bundle one line holds the code of many.
	maxIgnoreLine = 2000
)

// excuse is what a comment on the line of a finding, or on a line of its own
// above, says about its rule; nil where none does. Classes have no comments.
func (p *program) excuse(s *source, line int, id string) *fnvet.Suppressed {
	if path.Ext(s.name) == ".class" {
		return nil
	}
	text := p.text(s)
	if line < 1 || !strings.Contains(text, ignoreMark) {
		return nil
	}
	var above string
	for n := 1; n < line; n++ {
		before, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return nil
		}
		above, text = before, rest
	}
	here, _, _ := strings.Cut(text, "\n")
	if e := excuseOf(here, id); e != nil {
		return e
	}
	above = strings.TrimSpace(above)
	for _, mark := range []string{"//", "#", "/*", "*", "{/*"} {
		if strings.HasPrefix(above, mark) {
			return excuseOf(above, id)
		}
	}
	return nil
}

// excuseOf reads the comment on a line.
func excuseOf(line, id string) *fnvet.Suppressed {
	if len(line) > maxIgnoreLine {
		return nil
	}
	before, rest, ok := strings.Cut(line, ignoreMark)
	if !ok || !strings.Contains(before, "//") && !strings.Contains(before, "#") && !strings.Contains(before, "*") {
		return nil
	}
	rule, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
	if strings.TrimPrefix(rule, "injection/") != strings.TrimPrefix(id, "injection/") {
		return nil
	}
	for _, tail := range []string{"}", "*/"} {
		reason = strings.TrimSuffix(strings.TrimSpace(reason), tail)
	}
	return &fnvet.Suppressed{By: "inline", Reason: short(strings.TrimSpace(reason))}
}

// text is the source of a file, the last one asked for kept.
func (p *program) text(s *source) string {
	if p.last == s {
		return p.lastText
	}
	text, err := s.read()
	if err != nil {
		return "" // what was packed here can be read
	}
	p.last, p.lastText = s, text
	return text
}
