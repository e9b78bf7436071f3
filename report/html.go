package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the page's three files
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
)

var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/page.js
	pageJS string
)

// A page is one HTML file that loads nothing: its policy allows exactly its own
// style and script, by hash.
type page struct {
	Title, CSP, Version string
	CSS                 template.CSS
	JS                  template.JS
	Kinds               []pageKind
	Targets             []pageTarget
}

type pageKind struct{ ID, Name string }

type pageTarget struct {
	ID, Status, Class, Name, Headline string
	Reasons, Next                     []string
	Tiles                             []pageTile
	Packages                          []pagePackage
	Places                            []pageSection
	Lists                             []pageList
	Gaps                              []fnvet.Gap
	Layers                            []pageLayer
	Sizes                             []pageSize
	All                               []pageRow
	Facts                             [][2]string
}

type pageTile struct {
	Class, Label string
	N            int
}

type pagePackage struct {
	Name, Version, Ecosystem, Fix, Do string
	Findings                          []pageFinding
	Chain, Via, Paths                 []string
}

type pageSection struct {
	Name   string
	Groups []pageGroup
}

type pageGroup struct {
	Path     string
	Findings []pageFinding
}

type pageList struct {
	Name, Count string
	Open        bool
	Findings    []pageFinding
}

type pageFinding struct {
	ID, CVE, URL, Severity, Kind, Title, Subject, Where, Score string
	Fixed, Evidence, Remediation, Help, Layer, Note, Line      string
	Rank                                                       int
	Marks                                                      []string
	Flow                                                       []pageStep
}

type pageStep struct{ Where, Note string }

type pageLayer struct {
	Digest, Size, Command string
	X, W                  string // of 1000
	Shade                 int
}

type pageRow struct{ Name, Version, Ecosystem, Kind, Licence, Where, Hit string }

func sourceHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// writeHTML writes one self-contained page: no remote load, a strict content
// security policy, readable without JavaScript.
func writeHTML(b *bytes.Buffer, reports []*fnvet.Report, o Options) error {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	p := page{
		Title: "fnvet report", CSS: template.CSS(pageCSS), JS: template.JS(pageJS), //nolint:gosec // our own files
		CSP: "default-src 'none'; style-src " + sourceHash(pageCSS) + "; script-src " + sourceHash(pageJS) + "; base-uri 'none'; form-action 'none'",
	}
	seen := map[fnvet.Kind]bool{}
	for i, r := range reports {
		s := summarise(r, o)
		p.Targets = append(p.Targets, toTarget(s, fmt.Sprintf("target-%d", i+1), o.Rules))
		p.Version = clean(r.Scan.Version)
		for j := range r.Findings {
			seen[r.Findings[j].Kind] = true
		}
	}
	if len(p.Targets) == 1 {
		p.Title = p.Targets[0].Status + ": " + p.Targets[0].Name + " – fnvet"
	}
	for _, k := range fnvet.Kinds {
		if seen[k] {
			p.Kinds = append(p.Kinds, pageKind{string(k), kindHeading(k)})
		}
	}
	return t.Execute(b, p)
}

func toTarget(s *summary, id string, rules []fnvet.Rule) pageTarget {
	in := inside(s.Report)
	t := pageTarget{
		ID: id, Status: s.status, Class: strings.ToLower(s.status), Name: clean(cmp.Or(s.Artifact.Name, "artifact")),
		Headline: clean(s.headline), Next: cleaned(s.next()),
	}
	t.Reasons = cleaned(s.reasons())
	t.Tiles = tiles(s)
	paths := newGraph(s.Packages)
	for _, g := range s.packages {
		t.Packages = append(t.Packages, toPagePackage(g, in, paths))
	}
	help := map[string]string{}
	for _, r := range rules {
		help[r.ID] = r.Help
	}
	for _, kind := range fnvet.Kinds {
		section := pageSection{Name: kindHeading(kind)}
		for _, g := range s.paths[kind] {
			group := pageGroup{Path: clean(cmp.Or(strings.TrimPrefix(g.path, in), g.path))}
			for _, f := range g.findings {
				v := toPageFinding(f, in)
				v.Help = clean(help[f.ID])
				group.Findings = append(group.Findings, v)
			}
			section.Groups = append(section.Groups, group)
		}
		if len(section.Groups) > 0 {
			t.Places = append(t.Places, section)
		}
	}
	for _, l := range []pageList{
		{Name: "Does not block", Open: len(s.blocking) == 0, Findings: toPageFindings(s.rest, in), Count: countBySeverity(s.rest)},
		{Name: "Suppressed", Findings: toPageFindings(s.hidden, in), Count: countBySeverity(s.hidden)},
	} {
		if len(l.Findings) > 0 {
			t.Lists = append(t.Lists, l)
		}
	}
	for _, g := range s.Gaps {
		t.Gaps = append(t.Gaps, fnvet.Gap{Reason: clean(g.Reason), Path: clean(cmp.Or(strings.TrimPrefix(g.Path, in), g.Path)), Detail: clean(g.Detail)})
	}
	t.Layers, t.Sizes, t.All, t.Facts = toPageLayers(s.Artifact.Layers), toPageSizes(s), toPageRows(s, in), facts(s.Report)
	return t
}

func cleaned(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = clean(s)
	}
	return out
}

func countBySeverity(findings []*fnvet.Finding) string {
	return fmt.Sprintf("%d (%s)", len(findings), bySeverity(findings))
}

// tiles count what is not suppressed by severity, then packages and gaps.
func tiles(s *summary) []pageTile {
	n := map[fnvet.Severity]int{}
	for _, f := range slices.Concat(s.blocking, s.rest) {
		n[f.Severity]++
	}
	var out []pageTile
	for _, sev := range []fnvet.Severity{fnvet.Critical, fnvet.High, fnvet.Medium, fnvet.Low, fnvet.Info, fnvet.SeverityUnknown} {
		if n[sev] > 0 || sev.Rank() >= fnvet.High.Rank() {
			out = append(out, pageTile{string(sev), string(sev), n[sev]})
		}
	}
	gaps := "gaps"
	if len(s.Gaps) == 1 {
		gaps = "gap"
	}
	return append(out, pageTile{"gaps", gaps, len(s.Gaps)}, pageTile{"packages", "packages", len(s.Packages)})
}

func toPagePackage(g packageGroup, in string, paths *graph) pagePackage {
	p := pagePackage{
		Name: clean(g.Name), Version: clean(g.Version), Ecosystem: clean(g.Ecosystem), Fix: clean(g.fix),
		Via: cleaned(g.via()), Chain: cleaned(paths.chain(g.PURL)),
	}
	switch {
	case g.malware:
		p.Do = "Remove it: malware."
	case g.fixable == 0:
		p.Do = "No fixed version is known."
	case g.fix == "":
		p.Do = "No single version is known to fix all."
	case len(g.unfixed) > 0:
		p.Do = fmt.Sprintf("Fixes %d of %d; for the others no fixed version is known.", g.fixable, len(g.findings))
	}
	if g.major {
		p.Do = strings.TrimSpace("A major step. " + p.Do)
	}
	p.Findings = toPageFindings(g.findings, in)
	for _, path := range g.paths {
		p.Paths = append(p.Paths, clean(cmp.Or(strings.TrimPrefix(path, in), path)))
	}
	return p
}

func toPageFindings(findings []*fnvet.Finding, in string) []pageFinding {
	var out []pageFinding
	for _, f := range findings {
		out = append(out, toPageFinding(f, in))
	}
	return out
}

func toPageFinding(f *fnvet.Finding, in string) pageFinding {
	v := pageFinding{
		ID: clean(f.ID), CVE: clean(cve(f)), Severity: string(f.Severity), Kind: string(f.Kind), Rank: f.Severity.Rank(),
		Title: clean(f.Title), Subject: clean(f.Resource), Where: clean(cmp.Or(strings.TrimPrefix(f.Path, in), f.Path)),
		Evidence: clean(excerpt(f)), Remediation: clean(f.Remediation), Layer: short(f.Layer),
	}
	if m := marks(f); m != "" {
		v.Marks = strings.Split(m, ", ")
	}
	if ofPackage(f) {
		v.URL = "https://osv.dev/vulnerability/" + uri(f.ID)
	}
	if f.Package != nil {
		v.Subject, v.Fixed = clean(f.Package.Name+" "+f.Package.Version), clean(strings.Join(f.Package.Fixed, ", "))
	}
	if f.CVSS != nil {
		v.Score = fmt.Sprintf("%.1f", f.CVSS.Score)
	}
	if f.Line > 0 {
		v.Line = fmt.Sprint(f.Line)
		v.Where += fmt.Sprintf(":%d", f.Line)
	}
	if s := f.Suppressed; s != nil {
		v.Note = clean(s.By + ": " + s.Reason)
		if s.Expires != "" {
			v.Note += clean(", until " + s.Expires)
		}
	}
	for _, step := range f.Flow {
		at := cmp.Or(strings.TrimPrefix(step.Path, in), step.Path)
		v.Flow = append(v.Flow, pageStep{clean(fmt.Sprintf("%s:%d", at, step.Line)), clean(step.Note)})
	}
	return v
}

func toPageLayers(layers []fnvet.Layer) []pageLayer {
	var total, at int64
	for _, l := range layers {
		total += max(l.Size, 0)
	}
	var out []pageLayer
	for i, l := range layers {
		v := pageLayer{Digest: short(l.Digest), Size: size(l.Size), Command: clean(l.Command), Shade: i % 5, X: "0", W: "0"}
		if total > 0 {
			v.X = fmt.Sprintf("%.2f", float64(at)*1000/float64(total))
			v.W = fmt.Sprintf("%.2f", float64(max(l.Size, 0))*1000/float64(total))
		}
		at += max(l.Size, 0)
		out = append(out, v)
	}
	return out
}

// A pageSize is one dependency in the picture of what takes the room.
type pageSize struct {
	Name, Size, Hit string
	W               string // of 1000
}

// sizesShown is how many dependencies the picture names before it sums up the rest.
const sizesShown = 15

// toPageSizes orders packages by size, the vulnerable marked with their worst finding.
func toPageSizes(s *summary) []pageSize {
	hit := worstHits(s)
	var known []*fnvet.Package
	for i := range s.Packages {
		if s.Packages[i].Size > 0 {
			known = append(known, &s.Packages[i])
		}
	}
	slices.SortStableFunc(known, func(a, b *fnvet.Package) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	var out []pageSize
	var rest, restCount int64
	for i, p := range known {
		mark := hit[[3]string{p.Ecosystem, p.Name, p.Version}]
		if i >= sizesShown && mark.Rank() < fnvet.High.Rank() {
			rest, restCount = rest+p.Size, restCount+1
			continue
		}
		out = append(out, pageSize{
			Name: clean(p.Name + " " + p.Version), Size: size(p.Size), Hit: string(mark),
			W: fmt.Sprintf("%.2f", float64(p.Size)*1000/float64(known[0].Size)),
		})
	}
	if restCount > 0 {
		out = append(out, pageSize{
			Name: fmt.Sprintf("%d more", restCount), Size: size(rest), W: fmt.Sprintf("%.2f", min(1000, float64(rest)*1000/float64(known[0].Size))),
		})
	}
	return out
}

// worstHits is the worst severity of each package that has findings.
func worstHits(s *summary) map[[3]string]fnvet.Severity {
	hit := map[[3]string]fnvet.Severity{}
	for _, f := range slices.Concat(s.blocking, s.rest) {
		if f.Package == nil {
			continue
		}
		key := [3]string{f.Package.Ecosystem, f.Package.Name, f.Package.Version}
		if was, ok := hit[key]; !ok || f.Severity.Rank() > was.Rank() {
			hit[key] = f.Severity
		}
	}
	return hit
}

// toPageRows lists every package, marked with its worst finding.
func toPageRows(s *summary, in string) []pageRow {
	hit := worstHits(s)
	var out []pageRow
	for i := range s.Packages {
		p := &s.Packages[i]
		row := pageRow{
			Name: clean(p.Name), Version: clean(p.Version), Ecosystem: clean(p.Ecosystem), Kind: string(p.Kind),
			Licence: clean(strings.Join(p.Licenses, ", ")), Hit: string(hit[[3]string{p.Ecosystem, p.Name, p.Version}]),
		}
		if at := byEvidence(p.Locations); len(at) > 0 {
			row.Where = clean(cmp.Or(strings.TrimPrefix(at[0], in), at[0]))
			if len(at) > 1 {
				row.Where += fmt.Sprintf(" and %d more", len(at)-1)
			}
		}
		out = append(out, row)
	}
	return out
}

// facts are the small print: what was scanned, when, with what.
func facts(r *fnvet.Report) [][2]string {
	db := r.Scan.Database
	started := ""
	if !r.Scan.Started.IsZero() {
		started = r.Scan.Started.UTC().Format(time.RFC3339)
	}
	advisories := "none"
	if db.Advisories > 0 {
		advisories = fmt.Sprintf("%d, newest %s (%s old)", db.Advisories, db.Modified, age(db.AgeHours))
	}
	var out [][2]string
	for _, bill := range bills(r) {
		out = append(out, [2]string{"Worst-case bill", clean(bill)})
	}
	for _, f := range [][2]string{
		{"Type", r.Artifact.Type}, {"Size", size(r.Artifact.Size)}, {"Digest", r.Artifact.Digest}, {"CodeSha256", r.Artifact.CodeSHA256},
		{"Distribution", r.Artifact.Config.Distro}, {"Scanned", started},
		{"Files", fmt.Sprintf("%d, %s", r.Scan.Files, size(r.Scan.Bytes))}, {"Duration", fmt.Sprintf("%.1f s", float64(r.Scan.DurationMS)/1000)},
		{"Advisories", advisories}, {"fnvet", strings.TrimSpace(r.Scan.Version + " " + r.Scan.Rules)},
	} {
		if f[1] != "" {
			out = append(out, [2]string{f[0], clean(f[1])})
		}
	}
	return out
}
