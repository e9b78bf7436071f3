package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

const (
	defaultWidth = 100
	narrow       = 60 // below it indentations are short
)

// gapLimit is how many gaps of one reason the table names before it counts.
const gapLimit = 20

// A table is one terminal report being written.
type table struct {
	b      *bytes.Buffer
	width  int
	fit    bool // a terminal of that width; else lines that are read by programs stay whole
	color  bool
	inside string // what paths in the artifact start with: "fn.zip!/"
}

// path writes a place, without the artifact's name that the first line has said.
func (t *table) path(p string) string {
	if rest := strings.TrimPrefix(p, t.inside); rest != "" {
		p = rest
	}
	return brief(p)
}

// writeTable is the report people read: the verdict first, then what blocks and
// what to do about it, counts for the rest, gaps, and the next command.
func writeTable(b *bytes.Buffer, reports []*fnvet.Report, o Options) error {
	t := &table{b: b, width: o.Width, fit: o.Width > 0, color: o.Color}
	if t.width <= 0 {
		t.width = defaultWidth
	}
	t.width = max(t.width, 40)
	sums := make([]*summary, len(reports))
	for i, r := range reports {
		sums[i] = summarise(r, o)
	}
	if len(sums) > 1 {
		t.overview(sums)
	}
	for i, s := range sums {
		if i > 0 || len(sums) > 1 {
			t.line("")
		}
		t.report(s)
	}
	return nil
}

// overview is the first line when there are several targets.
func (t *table) overview(sums []*summary) {
	n := map[string]int{}
	for _, s := range sums {
		n[s.status]++
	}
	status := "PASS"
	var parts []string
	for _, k := range []string{"PASS", "INCOMPLETE", "FAIL"} {
		if n[k] > 0 {
			status = k
			parts = append([]string{fmt.Sprintf("%d %s", n[k], strings.ToLower(k))}, parts...)
		}
	}
	t.head(status, count(len(sums), "target")+": "+strings.Join(parts, ", "))
}

// head is the first line, which on a terminal goes on in the next if it must.
func (t *table) head(status, text string) {
	lines := []string{text}
	if t.fit {
		lines = wrap(text, t.width-len(status)-2)
	}
	for i, l := range lines {
		if i == 0 {
			t.line(t.paint(status, status) + "  " + l)
		} else {
			t.line(strings.Repeat(" ", len(status)+2) + l)
		}
	}
}

func (t *table) report(s *summary) {
	t.inside = inside(s.Report)
	t.head(s.status, brief(s.Artifact.Name)+": "+clean(s.headline))
	t.reasons(s)
	t.vulnerable(s)
	for _, kind := range fnvet.Kinds {
		t.places(kind, s.paths[kind])
	}
	t.rest(s)
	t.gaps(s.Gaps)
	t.line("")
	t.wrapped("", scanned(s.Report))
	for i, c := range s.next() {
		label := "      "
		if i == 0 {
			label = "Next: "
		}
		t.line(label + clean(c))
	}
}

// reasons prints the policy's words unless the headline has said them.
func (t *table) reasons(s *summary) {
	for _, r := range s.reasons() {
		t.wrapped("  ", clean(r))
	}
}

// vulnerable prints the packages to upgrade, remove or replace.
func (t *table) vulnerable(s *summary) {
	if len(s.packages) == 0 {
		return
	}
	ids := 0
	for _, g := range s.packages {
		ids += len(g.findings)
	}
	t.line("")
	t.line(t.paint("head", fmt.Sprintf("Packages: %s, %s", count(len(s.packages), "package"), countAdvisories(ids))))
	brought := newGraph(s.Packages)
	for _, g := range s.packages {
		t.line("")
		t.line("  " + t.paint("bold", brief(g.Name)+" "+brief(g.Version)) + t.action(g) + "  (" + brief(g.Ecosystem) + ")")
		t.advisories(g)
		t.where(g.paths)
		if chain := brought.chain(g.PURL); len(chain) > 0 {
			t.wrapped("    ", "needed by "+brief(strings.Join(chain, " > ")))
		}
		if via := g.via(); len(via) > 0 {
			t.wrapped("    ", "reached by "+brief(strings.Join(via, " > ")))
		}
	}
}

func countAdvisories(n int) string {
	if n == 1 {
		return "1 advisory"
	}
	return fmt.Sprintf("%d advisories", n)
}

// action says in few words what to do about a package.
func (t *table) action(g packageGroup) string {
	switch {
	case g.malware:
		return t.paint("FAIL", ": malware, remove it")
	case g.fixable == 0:
		return ": no fixed version known"
	case g.fix == "":
		return ": no single version is known to fix all"
	case len(g.unfixed) > 0:
		return " -> " + t.paint("PASS", brief(g.fix)) + step(g) + fmt.Sprintf(" fixes %d of %d", g.fixable, len(g.findings))
	}
	return " -> " + t.paint("PASS", brief(g.fix)) + step(g)
}

// step warns of an upgrade that may break what uses the package.
func step(g packageGroup) string {
	if g.major {
		return " (major)"
	}
	return ""
}

func (t *table) advisories(g packageGroup) {
	var rows [][]string
	for _, f := range g.findings {
		title := strings.TrimSpace(brief(f.Title))
		if m := marks(f); m != "" {
			title = "[" + m + "] " + title
		}
		switch {
		case g.fixable > 0 && slices.Contains(g.unfixed, f.ID):
			title = "(no fix known) " + title
		case g.fix == "" && len(f.Package.Fixed) > 0:
			title = "(fixed in " + brief(strings.Join(f.Package.Fixed, ", ")) + ") " + title
		}
		rows = append(rows, []string{string(f.Severity), brief(f.ID), brief(cve(f)), title})
	}
	t.rows("    ", rows)
}

// cve is the CVE among a finding's aliases, if the id is not one itself.
func cve(f *fnvet.Finding) string {
	if strings.HasPrefix(f.ID, "CVE-") {
		return ""
	}
	for _, a := range f.Aliases {
		if strings.HasPrefix(a, "CVE-") {
			return a
		}
	}
	return ""
}

// marks are what makes one flaw more urgent than another of its severity.
func marks(f *fnvet.Finding) string {
	var m []string
	if f.KEV {
		m = append(m, "exploited")
	}
	if f.EPSS != nil && *f.EPSS >= 0.1 {
		m = append(m, fmt.Sprintf("EPSS %.0f%%", *f.EPSS*100))
	}
	switch f.Reachable {
	case fnvet.ReachYes:
		m = append(m, "reachable")
	case fnvet.ReachNo:
		m = append(m, "not reachable")
	case fnvet.ReachUnknown:
	}
	if f.Status == fnvet.StatusDisputed || f.Status == fnvet.StatusWithdrawn {
		m = append(m, f.Status)
	}
	if f.Removed {
		m = append(m, "deleted by a later layer")
	}
	return strings.Join(m, ", ")
}

// where prints the first place and how many more there are.
func (t *table) where(paths []string) {
	if len(paths) == 0 {
		return
	}
	more := ""
	if n := len(paths) - 1; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	t.line("    in " + t.path(paths[0]) + more)
}

// places prints the findings of one kind, grouped by file.
func (t *table) places(kind fnvet.Kind, groups []pathGroup) {
	if len(groups) == 0 {
		return
	}
	n := 0
	for _, g := range groups {
		n += len(g.findings)
	}
	t.line("")
	t.line(t.paint("head", kindHeading(kind)+": "+count(n, "finding")))
	for _, g := range groups {
		t.line("")
		at := t.path(g.path)
		if layer := g.layer(); layer != "" {
			at += "  (layer " + short(layer) + ")"
		}
		t.line("  " + t.paint("bold", at))
		for i, f := range g.findings {
			t.place(f, i+1 < len(g.findings) && g.findings[i+1].Remediation == f.Remediation)
		}
	}
}

// place prints one finding; its remediation is left to the next one when that says the same.
func (t *table) place(f *fnvet.Finding, sameNext bool) {
	line := ""
	if f.Line > 0 {
		line = fmt.Sprintf("line %d", f.Line)
	}
	title := strings.TrimSpace(brief(f.Title))
	if m := marks(f); m != "" {
		title = "[" + m + "] " + title
	}
	if f.Resource != "" {
		title = brief(f.Resource) + ": " + title
	}
	t.rows("    ", [][]string{{string(f.Severity), brief(f.ID), line, title}})
	deep := t.deep()
	if e := strings.TrimSpace(brief(excerpt(f))); e != "" && f.Kind != fnvet.Injection {
		t.line(deep + cut(e, t.width-len(deep)))
	}
	for i, step := range f.Flow {
		word := "via "
		switch i {
		case 0:
			word = "from"
		case len(f.Flow) - 1:
			word = "to  "
		}
		t.line(fmt.Sprintf("%s%s %s:%d  %s", deep, word, t.path(step.Path), step.Line, brief(step.Note)))
	}
	if f.Remediation != "" && !sameNext {
		t.wrapped(deep, "fix: "+brief(f.Remediation))
	}
}

// deep is the indentation of what is below the row of a finding.
func (t *table) deep() string {
	if t.width < narrow {
		return "      "
	}
	return "              "
}

// rest counts what does not block.
func (t *table) rest(s *summary) {
	var parts []string
	for _, kind := range fnvet.Kinds {
		var of []*fnvet.Finding
		for _, f := range s.rest {
			if f.Kind == kind {
				of = append(of, f)
			}
		}
		if len(of) > 0 {
			parts = append(parts, fmt.Sprintf("%s (%s)", count(len(of), kindNoun(kind)), bySeverity(of)))
		}
	}
	if len(parts) > 0 {
		t.line("")
		t.wrapped("", "Not blocking: "+strings.Join(parts, ", "))
	}
	for i, bill := range bills(s.Report) {
		if i == 0 {
			t.line("")
		}
		t.wrapped("", "Worst-case bill: "+clean(bill))
	}
	by := map[string]int{}
	for _, f := range s.hidden {
		by[f.Suppressed.By]++
	}
	parts = nil
	for _, k := range sortedKeys(by) {
		parts = append(parts, fmt.Sprintf("%d by %s", by[k], brief(k)))
	}
	if len(parts) > 0 {
		t.line("")
		t.wrapped("", "Suppressed: "+strings.Join(parts, ", "))
	}
}

// gaps prints what was not looked at, grouped by reason.
func (t *table) gaps(gaps []fnvet.Gap) {
	if len(gaps) == 0 {
		return
	}
	by := map[string][]fnvet.Gap{}
	for _, g := range gaps {
		by[g.Reason] = append(by[g.Reason], g)
	}
	t.line("")
	t.line(t.paint("head", "Not looked at: "+count(len(gaps), "gap")))
	for _, reason := range sortedKeys(by) {
		list := by[reason]
		slices.SortStableFunc(list, func(a, b fnvet.Gap) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Detail, b.Detail))
		})
		for i, g := range list {
			if i == gapLimit {
				t.line(fmt.Sprintf("  %s: and %d more", brief(reason), len(list)-i))
				break
			}
			text := brief(reason)
			if g.Path != "" {
				text += ": " + t.path(g.Path)
			}
			if g.Detail != "" {
				text += ": " + brief(g.Detail)
			}
			t.wrapped("  ", text)
		}
	}
}

// age is a number of hours as people say it.
func age(hours float64) string {
	if hours < 72 {
		return fmt.Sprintf("%.0f h", hours)
	}
	return fmt.Sprintf("%.0f days", hours/24)
}

// scanned says how much was looked at, against what.
func scanned(r *fnvet.Report) string {
	text := fmt.Sprintf("Scanned %s, %s, %s in %.1f s", count(r.Scan.Files, "file"), size(r.Scan.Bytes),
		count(len(r.Packages), "package"), float64(r.Scan.DurationMS)/1000)
	if db := r.Scan.Database; db.Advisories > 0 {
		text += "; " + countAdvisories(db.Advisories)
		if db.Modified != "" {
			text += ", " + age(db.AgeHours) + " old"
		}
	} else {
		text += "; no advisories"
	}
	return text
}
