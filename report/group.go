package report

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// A summary is one report sorted for people: what blocks, grouped by what one
// does about it, and the counts of the rest.
type summary struct {
	*fnvet.Report
	status   string // FAIL, INCOMPLETE or PASS
	typed    string // what the user typed for the target, or ""
	headline string // the rest of the first line, not yet cleaned
	packages []packageGroup
	paths    map[fnvet.Kind][]pathGroup
	blocking []*fnvet.Finding
	rest     []*fnvet.Finding // neither block nor are suppressed
	hidden   []*fnvet.Finding // suppressed
}

// A pathGroup is the blocking findings of one kind in one file.
type pathGroup struct {
	path     string
	findings []*fnvet.Finding
}

func summarise(r *fnvet.Report, o Options) *summary {
	s := &summary{Report: r, typed: o.Typed[r], paths: map[fnvet.Kind][]pathGroup{}}
	blocks := o.blocking()
	for i := range r.Findings {
		f := &r.Findings[i]
		switch {
		case f.Suppressed != nil:
			s.hidden = append(s.hidden, f)
		case blocks(f):
			s.blocking = append(s.blocking, f)
		default:
			s.rest = append(s.rest, f)
		}
	}
	s.packages = groupPackages(s.blocking, r.Packages)
	for _, kind := range fnvet.Kinds {
		s.paths[kind] = groupPaths(s.blocking, kind)
	}
	s.status, s.headline = s.verdict()
	return s
}

// verdict puts the one line that people want to know first.
func (s *summary) verdict() (status, headline string) {
	gaps := ""
	if n := len(s.Gaps); n > 0 {
		gaps = "; " + count(n, "place") + " could not be looked at"
	}
	switch {
	case s.Verdict.Code == 3:
		return "INCOMPLETE", "nothing found blocks, but " + count(len(s.Gaps), "place") + " could not be looked at"
	case !s.Verdict.Pass || s.Verdict.Code == 1:
		if n := len(s.blocking); n > 0 {
			verb := "block"
			if n == 1 {
				verb = "blocks"
			}
			return "FAIL", fmt.Sprintf("%s %s (%s)%s", count(n, "finding"), verb, bySeverity(s.blocking), gaps)
		}
		if len(s.Verdict.Reasons) > 0 {
			return "FAIL", s.Verdict.Reasons[0] + gaps
		}
		return "FAIL", "the gate fails" + gaps
	case len(s.rest) > 0:
		return "PASS", fmt.Sprintf("nothing blocks, %s (%s)%s", count(len(s.rest), "finding"), bySeverity(s.rest), gaps)
	}
	return "PASS", "no findings" + gaps
}

// bySeverity says "2 critical, 1 high, 3 of low confidence".
func bySeverity(findings []*fnvet.Finding) string {
	n := map[fnvet.Severity]int{}
	guesses := 0
	for _, f := range findings {
		if f.Secret != nil && f.Secret.Confidence == fnvet.ConfidenceLow {
			guesses++ // what it would be if it were one alarms without need
			continue
		}
		n[f.Severity]++
	}
	keys := slices.SortedFunc(maps.Keys(n), func(a, b fnvet.Severity) int {
		return cmp.Or(cmp.Compare(b.Rank(), a.Rank()), cmp.Compare(a, b))
	})
	var parts []string
	for _, k := range keys {
		parts = append(parts, fmt.Sprintf("%d %s", n[k], k))
	}
	if guesses > 0 {
		parts = append(parts, fmt.Sprintf("%d of low confidence", guesses))
	}
	return strings.Join(parts, ", ")
}

// groupPaths gathers the findings of one kind that are about a place rather
// than a package, worst file first.
func groupPaths(findings []*fnvet.Finding, kind fnvet.Kind) []pathGroup {
	at := map[string]int{}
	var groups []pathGroup
	for _, f := range findings {
		if f.Kind != kind || ofPackage(f) {
			continue
		}
		i, ok := at[f.Path]
		if !ok {
			i = len(groups)
			at[f.Path] = i
			groups = append(groups, pathGroup{path: f.Path})
		}
		groups[i].findings = append(groups[i].findings, f)
	}
	for _, g := range groups {
		slices.SortStableFunc(g.findings, func(a, b *fnvet.Finding) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.ID, b.ID))
		})
	}
	slices.SortStableFunc(groups, func(a, b pathGroup) int {
		return cmp.Or(cmp.Compare(worst(b.findings), worst(a.findings)), cmp.Compare(a.path, b.path))
	})
	return groups
}

// ofPackage tells the findings that are grouped by package.
func ofPackage(f *fnvet.Finding) bool {
	return f.Package != nil && (f.Kind == fnvet.Vulnerability || f.Kind == fnvet.Malware)
}

// excerpt is the evidence, after the name of what holds it where the evidence
// does not tell: two values of an image's environment look alike.
func excerpt(f *fnvet.Finding) string {
	if f.Secret == nil || f.Secret.Name == "" || strings.Contains(f.Evidence, f.Secret.Name) {
		return f.Evidence
	}
	return strings.TrimSuffix(f.Secret.Name+" = "+f.Evidence, " = ")
}

// layer is the one that brought every finding of a group, or "".
func (g *pathGroup) layer() string {
	for _, f := range g.findings {
		if f.Layer != g.findings[0].Layer {
			return ""
		}
	}
	return g.findings[0].Layer
}

// worst is the highest severity rank.
func worst(findings []*fnvet.Finding) int {
	top := 0
	for _, f := range findings {
		top = max(top, f.Severity.Rank())
	}
	return top
}

// inside is what paths in the artifact start with, where reports that name the
// artifact can leave it out: "fn.zip!/".
func inside(r *fnvet.Report) string {
	return path.Base(filepath.ToSlash(r.Artifact.Name)) + "!/"
}

// kindHeading names the section of a kind.
func kindHeading(k fnvet.Kind) string {
	switch k {
	case fnvet.Malware:
		return "Malware"
	case fnvet.Vulnerability:
		return "Vulnerabilities"
	case fnvet.SecretKind:
		return "Secrets"
	case fnvet.ConfigKind:
		return "Configuration"
	case fnvet.Injection:
		return "Event injection"
	case fnvet.License:
		return "Licences"
	case fnvet.Hygiene:
		return "Hygiene"
	}
	return string(k)
}

// kindNoun is what one finding of a kind is called.
func kindNoun(k fnvet.Kind) string {
	switch k {
	case fnvet.Malware:
		return "malicious package"
	case fnvet.Vulnerability:
		return "vulnerability"
	case fnvet.SecretKind:
		return "secret"
	case fnvet.Injection:
		return "injection"
	case fnvet.ConfigKind:
		return "configuration finding"
	case fnvet.License:
		return "licence finding"
	case fnvet.Hygiene:
		return "hygiene finding"
	}
	return string(k) + " finding"
}

// reasons are the policy's words without what the headline has said.
func (s *summary) reasons() []string {
	var out []string
	for _, r := range s.Verdict.Reasons {
		if strings.Contains(s.headline, r) {
			continue
		}
		lead, _, _ := strings.Cut(s.headline, "; ") // without the places that could not be looked at
		if rest, ok := strings.CutPrefix(r, lead); ok && lead != "" {
			r = strings.TrimLeft(rest, ",; ")
		}
		out = append(out, r)
	}
	return out
}
