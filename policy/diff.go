package policy

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// DiffSchema names the shape of Difference in JSON.
const DiffSchema = "fnvet/diff/1"

// A Difference is what changed from one report to another. Its JSON form is
// that of "fnvet diff --format json".
type Difference struct {
	Schema   string       `json:"schema"`
	Old      Compared     `json:"old"`
	New      Compared     `json:"new"`
	Findings FindingsDiff `json:"findings"`
	Packages PackagesDiff `json:"packages"`
	// Gaps are those of the new report that the old one does not have.
	Gaps    []fnvet.Gap   `json:"new_gaps"`
	Verdict fnvet.Verdict `json:"verdict"`
}

// Compared names one of the two reports.
type Compared struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
	Code   int    `json:"code"` // of its verdict
}

// FindingsDiff parts findings, suppressed ones included, in the order of reports.
type FindingsDiff struct {
	New       []fnvet.Finding `json:"new"`
	Fixed     []fnvet.Finding `json:"fixed"`
	Unchanged []fnvet.Finding `json:"unchanged"`
	// Blocking are those of the new report that block and did not in the old one:
	// new ones, and unchanged ones whose severity or ignore is another.
	Blocking []fnvet.Finding `json:"newly_blocking"`
}

// PackagesDiff parts packages by ecosystem and name.
type PackagesDiff struct {
	Added     []PackageChange `json:"added"`
	Removed   []PackageChange `json:"removed"`
	Changed   []PackageChange `json:"changed"`
	Unchanged int             `json:"unchanged"`
}

// A PackageChange is the versions of one package before and after.
type PackageChange struct {
	Ecosystem string   `json:"ecosystem"`
	Name      string   `json:"name"`
	From      []string `json:"from"`
	To        []string `json:"to"`
}

// Diff compares two judged reports. Findings are the same when their
// fingerprints are, or when they are of the same advisory in another version of
// the same package. The verdict fails (1) when something newly blocks, and is
// incomplete (3) when the new report could not look where the old one could.
func Diff(old, latest *fnvet.Report) *Difference {
	d := &Difference{
		Schema:   DiffSchema,
		Old:      Compared{old.Artifact.Name, old.Artifact.Digest, old.Verdict.Code},
		New:      Compared{latest.Artifact.Name, latest.Artifact.Digest, latest.Verdict.Code},
		Packages: diffPackages(old.Packages, latest.Packages),
		Gaps:     []fnvet.Gap{},
	}
	d.findings(old, latest)
	had := map[fnvet.Gap]bool{}
	for _, g := range old.Gaps {
		had[inner(old, g)] = true
	}
	for _, g := range latest.Gaps {
		if !had[inner(latest, g)] {
			d.Gaps = append(d.Gaps, g)
		}
	}
	d.judge()
	return d
}

// inner is a gap without the artifact's name and without its details, which
// may hold counts and ages.
func inner(r *fnvet.Report, g fnvet.Gap) fnvet.Gap {
	return fnvet.Gap{Path: strings.TrimPrefix(g.Path, r.Artifact.Name), Reason: g.Reason}
}

func (d *Difference) judge() {
	by := map[fnvet.Severity]int{}
	for i := range d.Findings.Blocking {
		by[d.Findings.Blocking[i].Severity]++
	}
	v := fnvet.Verdict{Code: CodePass, Blocking: len(d.Findings.Blocking), Reasons: []string{}}
	if v.Blocking > 0 {
		v.Code = CodeFail
		v.Reasons = append(v.Reasons, "new: "+blockingReason(v.Blocking, by))
	}
	if len(d.Gaps) > 0 {
		v.Reasons = append(v.Reasons, gapsReason(len(d.Gaps))+" that could be before")
		if v.Code == CodePass {
			v.Code = CodeIncomplete
		}
	}
	v.Pass = v.Code == CodePass
	d.Verdict = v
}

// findings pairs each finding of the new report with one of the old: first by
// fingerprint, then by advisory and package.
func (d *Difference) findings(old, latest *fnvet.Report) {
	pair := make([]int, len(latest.Findings)) // index in old, or -1
	for i := range pair {
		pair[i] = -1
	}
	taken := make([]bool, len(old.Findings))
	for _, key := range []func(*fnvet.Finding) string{byFingerprint, byAdvisory} {
		free := map[string][]int{}
		for i := range old.Findings {
			if k := key(&old.Findings[i]); k != "" && !taken[i] {
				free[k] = append(free[k], i)
			}
		}
		for i := range latest.Findings {
			k := key(&latest.Findings[i])
			if same := free[k]; pair[i] < 0 && len(same) > 0 {
				pair[i], free[k] = same[0], same[1:]
				taken[same[0]] = true
			}
		}
	}
	f := FindingsDiff{New: []fnvet.Finding{}, Fixed: []fnvet.Finding{}, Unchanged: []fnvet.Finding{}, Blocking: []fnvet.Finding{}}
	for i := range latest.Findings {
		one := latest.Findings[i]
		if pair[i] < 0 {
			f.New = append(f.New, one)
		} else {
			f.Unchanged = append(f.Unchanged, one)
		}
		if one.Blocks && (pair[i] < 0 || !old.Findings[pair[i]].Blocks) {
			f.Blocking = append(f.Blocking, one)
		}
	}
	for i := range old.Findings {
		if !taken[i] {
			f.Fixed = append(f.Fixed, old.Findings[i])
		}
	}
	d.Findings = f
}

func byFingerprint(f *fnvet.Finding) string { return f.Fingerprint }

func byAdvisory(f *fnvet.Finding) string {
	if f.Package == nil {
		return ""
	}
	return string(f.Kind) + "\x00" + f.ID + "\x00" + f.Package.Ecosystem + "\x00" + f.Package.Name
}

func diffPackages(old, latest []fnvet.Package) PackagesDiff {
	type key struct{ ecosystem, name string }
	versions := func(pkgs []fnvet.Package) map[key][]string {
		m := map[key][]string{}
		for i := range pkgs {
			k := key{pkgs[i].Ecosystem, pkgs[i].Name}
			m[k] = append(m[k], pkgs[i].Version)
		}
		for k := range m {
			slices.Sort(m[k])
			m[k] = slices.Compact(m[k])
		}
		return m
	}
	before, after := versions(old), versions(latest)
	all := maps.Clone(before)
	maps.Copy(all, after)
	d := PackagesDiff{Added: []PackageChange{}, Removed: []PackageChange{}, Changed: []PackageChange{}}
	for _, k := range slices.SortedFunc(maps.Keys(all), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.ecosystem, b.ecosystem), cmp.Compare(a.name, b.name))
	}) {
		from, to := before[k], after[k]
		c := PackageChange{k.ecosystem, k.name, append([]string{}, from...), append([]string{}, to...)}
		switch {
		case len(from) == 0:
			d.Added = append(d.Added, c)
		case len(to) == 0:
			d.Removed = append(d.Removed, c)
		case slices.Equal(from, to):
			d.Unchanged++
		default:
			d.Changed = append(d.Changed, c)
		}
	}
	return d
}
