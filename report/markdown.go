package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/fnvet/fnvet"
)

// A report stays below the 65536 characters that GitHub takes in a comment; GitLab
// takes more. Rows end earlier than what stands around them.
const (
	markdownLimit = 60_000
	markdownEnd   = 65_000
)

// markdownMark is how a bot finds its own comment again.
const markdownMark = "<!-- fnvet report -->"

// A markdown is a report for a pull request or job summary being written. Once
// it is full, rows are counted instead of written.
type markdown struct {
	b       *bytes.Buffer
	inside  string
	dropped int
	over    bool // a line was left out
}

// writeMarkdown writes GitHub and GitLab flavoured Markdown, verdict first.
// Everything from an artifact stands in code spans, where neither markup nor HTML nor
// mentions mean anything.
func writeMarkdown(b *bytes.Buffer, reports []*fnvet.Report, o Options) error {
	b.WriteString(markdownMark + "\n")
	for _, r := range reports {
		m := &markdown{b: b, inside: inside(r)}
		m.report(summarise(r, o))
		if m.over {
			b.WriteString("\n… and more that does not fit here: see the JSON or HTML report.\n")
			break
		}
	}
	return nil
}

// code writes s as a code span that is safe in a table cell too.
func code(s string) string {
	// "\|" is a pipe in a cell; after a backslash readers disagree on what it is.
	s = strings.ReplaceAll(strings.TrimSpace(brief(s)), `\|`, `\\x7c`)
	s = strings.ReplaceAll(s, "|", `\|`)
	if s == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// prose writes s as text: punctuation that could be markup is escaped, and words that
// could become links or mentions stand as code.
func prose(s string) string {
	var words []string
	for word := range strings.FieldsSeq(brief(s)) {
		switch {
		case strings.ContainsAny(word, "@`") || strings.Contains(word, "://") || strings.Contains(strings.ToLower(word), "www.") || issueLike(word):
			words = append(words, code(word))
		default:
			words = append(words, escapeMarkdown(word))
		}
	}
	return strings.Join(words, " ")
}

// issueLike tells words that code hosts link: #12, !12, GH-12, ~label, $1, %1.
func issueLike(word string) bool {
	return strings.ContainsAny(word, "#!~$%&") || strings.HasPrefix(strings.ToUpper(word), "GH-")
}

// escapeMarkdown escapes what is markup in a word, or at the start of a line.
func escapeMarkdown(s string) string {
	var b strings.Builder
	digits := true
	for i, r := range s {
		list := i == 0 && strings.ContainsRune("-+=", r) || digits && i > 0 && strings.ContainsRune(".)", r)
		if list || strings.ContainsRune("\\*_{}[]<>|^", r) {
			b.WriteByte('\\')
		}
		digits = digits && '0' <= r && r <= '9'
		b.WriteRune(r)
	}
	return b.String()
}

// line writes a line unless it does not fit.
func (m *markdown) line(s string) {
	if m.over = m.over || m.b.Len()+len(s) >= markdownEnd; !m.over {
		m.b.WriteString(s + "\n")
	}
}

// row writes a table row unless the report is full.
func (m *markdown) row(cells ...string) {
	text := "| " + strings.Join(cells, " | ") + " |"
	if m.b.Len()+len(text) > markdownLimit {
		m.dropped++
		return
	}
	m.line(text)
}

func (m *markdown) head(names ...string) {
	m.line("")
	m.row(names...)
	m.row(strings.Split(strings.Repeat("---,", len(names)-1)+"---", ",")...)
}

// full says how many rows were left out of the table just written.
func (m *markdown) full() {
	if m.dropped > 0 {
		m.line("")
		m.line(fmt.Sprintf("… and %d more rows, which do not fit here: see the JSON or HTML report.", m.dropped))
		m.dropped = 0
	}
}

func (m *markdown) report(s *summary) {
	m.line("")
	m.line("### " + s.status + ": " + code(s.Artifact.Name))
	m.line("")
	m.line(prose(s.headline) + ".")
	for _, r := range s.reasons() {
		m.line("")
		m.line(prose(r))
	}
	m.vulnerable(s)
	for _, kind := range fnvet.Kinds {
		m.places(kind, s.paths[kind])
	}
	m.rest(s)
	m.gaps(s.Gaps)
	m.line("")
	m.line("<sub>" + prose(scanned(s.Report)) + ".</sub>")
	m.line("")
	m.line("Next:")
	m.line("")
	for _, c := range s.next() {
		m.line("    " + clean(c))
	}
}

func (m *markdown) vulnerable(s *summary) {
	if len(s.packages) == 0 {
		return
	}
	m.line("")
	m.line("#### Packages")
	m.head("Package", "Do", "Severity", "Advisory", "Where")
	for _, g := range s.packages {
		for i, f := range g.findings {
			name, do, where := "", "", ""
			if i == 0 {
				name = code(g.Name + " " + g.Version)
				do = markdownAction(g)
				where = m.where(g.paths)
			}
			note := prose(f.Title)
			if k := marks(f); k != "" {
				note = "**" + k + "** " + note
			}
			m.row(name, do, string(f.Severity), strings.TrimSpace(code(f.ID)+" "+code(cve(f)))+"<br>"+note, where)
		}
	}
	m.full()
}

func markdownAction(g packageGroup) string {
	switch {
	case g.malware:
		return "**remove: malware**"
	case g.fixable == 0:
		return "no fixed version known"
	case g.fix == "":
		return "no single version is known to fix all"
	case len(g.unfixed) > 0:
		return fmt.Sprintf("upgrade to %s%s (fixes %d of %d)", code(g.fix), step(g), g.fixable, len(g.findings))
	}
	return "upgrade to " + code(g.fix) + step(g)
}

func (m *markdown) path(p string) string {
	if rest := strings.TrimPrefix(p, m.inside); rest != "" {
		p = rest
	}
	return code(p)
}

func (m *markdown) where(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	text := m.path(paths[0])
	if n := len(paths) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func (m *markdown) places(kind fnvet.Kind, groups []pathGroup) {
	if len(groups) == 0 {
		return
	}
	m.line("")
	m.line("#### " + kindHeading(kind))
	m.head("Where", "Severity", "What", "Fix")
	for _, g := range groups {
		for _, f := range g.findings {
			where := m.path(f.Path)
			if f.Line > 0 {
				where += fmt.Sprintf(" line %d", f.Line)
			}
			what := code(f.ID) + "<br>" + prose(f.Title)
			if f.Resource != "" {
				what = code(f.Resource) + ": " + what
			}
			if e := code(excerpt(f)); e != "" {
				what += "<br>" + e
			}
			for _, step := range f.Flow {
				what += fmt.Sprintf("<br>%s line %d: %s", m.path(step.Path), step.Line, code(step.Note))
			}
			m.row(where, string(f.Severity), what, prose(f.Remediation))
		}
	}
	m.full()
}

// rest folds away what does not block.
func (m *markdown) rest(s *summary) {
	for _, bill := range bills(s.Report) {
		m.line("")
		m.line("Worst-case bill: " + prose(bill))
	}
	for _, part := range []struct {
		title    string
		findings []*fnvet.Finding
	}{{"Not blocking", s.rest}, {"Suppressed", s.hidden}} {
		if len(part.findings) == 0 {
			continue
		}
		m.line("")
		m.line(fmt.Sprintf("<details><summary>%s: %s (%s)</summary>", part.title, count(len(part.findings), "finding"), bySeverity(part.findings)))
		m.head("Severity", "What", "Where")
		for _, f := range part.findings {
			what := code(f.ID) + " " + prose(f.Title)
			if f.Package != nil {
				what = code(f.Package.Name+" "+f.Package.Version) + " " + what
			}
			if f.Suppressed != nil {
				what += "<br>" + prose(f.Suppressed.By+": "+f.Suppressed.Reason)
			}
			if f.Resource != "" {
				what = code(f.Resource) + " " + what
			}
			where := m.path(f.Path)
			if f.Line > 0 {
				where += fmt.Sprintf(" line %d", f.Line)
			}
			m.row(string(f.Severity), what, where)
		}
		m.full()
		m.line("")
		m.line("</details>")
	}
}

func (m *markdown) gaps(gaps []fnvet.Gap) {
	if len(gaps) == 0 {
		return
	}
	m.line("")
	m.line("#### Not looked at")
	m.head("Why", "Where", "Detail")
	for _, g := range gaps {
		m.row(prose(g.Reason), m.path(g.Path), prose(g.Detail))
	}
	m.full()
}
