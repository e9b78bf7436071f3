package secrets

import (
	"bytes"
	"strings"

	"github.com/fnvet/fnvet"
)

// The comments that suppress a finding on their line, or on the next one when
// they stand on a line of their own.
const (
	ignoreMark   = "fnvet:ignore"   // followed by a rule and a reason
	gitleaksMark = "gitleaks:allow" // every rule
)

// excuse returns what an ignore comment says about a finding of the rule at
// data[start:end], or nil. Comments in other people's code are not obeyed: they
// did not decide what this function may carry.
func (w *worker) excuse(data []byte, start, end int, id string) *fnvet.Suppressed {
	if w.place.thirdParty || !w.marked {
		return nil
	}
	c := candidate{data: data, start: start, end: end}
	if s := excuseOf(c.around(), id); s != nil {
		return s
	}
	from := start - min(start, maxLine)
	if i := bytes.LastIndexByte(data[from:start], '\n'); i > 0 {
		above := data[from : from+i]
		above = bytes.TrimSpace(above[bytes.LastIndexByte(above, '\n')+1:])
		for _, mark := range []string{"//", "#", "--", ";", "<!--", "/*", "*", "%"} {
			if bytes.HasPrefix(above, []byte(mark)) {
				return excuseOf(above, id)
			}
		}
	}
	return nil
}

// excuseOf reads the ignore comment on a line.
func excuseOf(line []byte, id string) *fnvet.Suppressed {
	if bytes.Contains(line, []byte(gitleaksMark)) {
		return &fnvet.Suppressed{By: "inline", Reason: gitleaksMark}
	}
	_, rest, ok := bytes.Cut(line, []byte(ignoreMark))
	if !ok {
		return nil
	}
	rule, reason, _ := strings.Cut(strings.TrimSpace(string(rest)), " ")
	for _, tail := range []string{"*/", "-->"} {
		reason = strings.TrimSuffix(strings.TrimSpace(reason), tail)
	}
	if strings.TrimPrefix(rule, idPrefix) != strings.TrimPrefix(id, idPrefix) {
		return nil
	}
	return &fnvet.Suppressed{By: "inline", Reason: clean([]byte(strings.TrimSpace(reason)))}
}

// excuseAll suppresses the findings that comments in the file excuse. Offsets of
// UTF-16 and binaries do not have lines; those are left.
func (w *worker) excuseAll() {
	data := w.file.Data
	for i := range w.findings {
		if f := &w.findings[i]; f.Line > 0 && f.Secret.End <= len(data) {
			f.Suppressed = w.excuse(data, f.Secret.Start, f.Secret.End, f.ID)
		}
	}
}
