package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/semantic"

	"github.com/fnvet/fnvet"
)

// A packageGroup is one package version and its advisory findings.
type packageGroup struct {
	*fnvet.PackageRef
	findings []*fnvet.Finding // one an advisory, worst first
	total    int              // findings, counting every place
	paths    []string         // where it is, strongest evidence first
	direct   bool
	malware  bool
	fix      string   // the one version that fixes all of fixable, or ""
	unfixed  []string // ids of advisories that no known version fixes
	fixable  int      // findings for which some fixed version is known
}

// groupPackages gathers advisory findings by package, malware first, then worst first.
func groupPackages(findings []*fnvet.Finding, packages []fnvet.Package) []packageGroup {
	at := map[[3]string]int{}
	var groups []packageGroup
	for _, f := range findings {
		if !ofPackage(f) {
			continue
		}
		key := [3]string{f.Package.Ecosystem, f.Package.Name, f.Package.Version}
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key] = i
			groups = append(groups, packageGroup{PackageRef: f.Package})
		}
		groups[i].add(f)
	}
	for i := range packages {
		p := &packages[i]
		if j, ok := at[[3]string{p.Ecosystem, p.Name, p.Version}]; ok {
			g := &groups[j]
			g.direct = g.direct || p.Direct
			g.paths = append(byEvidence(p.Locations), g.paths...)
		}
	}
	for i := range groups {
		groups[i].finish()
	}
	slices.SortStableFunc(groups, comparePackages)
	return groups
}

// byEvidence lists paths, those of the strongest kind first, then by name.
func byEvidence(locations []fnvet.Location) []string {
	kinds := []fnvet.PackageKind{fnvet.Installed, fnvet.Bundled, fnvet.Locked, fnvet.Declared}
	sorted := slices.SortedStableFunc(slices.Values(locations), func(a, b fnvet.Location) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Path, b.Path))
	})
	var paths []string
	for _, l := range sorted {
		paths = append(paths, l.Path)
	}
	return paths
}

func comparePackages(a, b packageGroup) int {
	rank := func(g packageGroup) int {
		if g.malware {
			return 9
		}
		return worst(g.findings)
	}
	return cmp.Or(cmp.Compare(rank(b), rank(a)), cmp.Compare(len(b.findings), len(a.findings)),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Ecosystem, b.Ecosystem))
}

// add takes a finding; the same advisory at a second place only adds the place.
func (g *packageGroup) add(f *fnvet.Finding) {
	g.total++
	g.malware = g.malware || f.Kind == fnvet.Malware
	if f.Path != "" {
		g.paths = append(g.paths, f.Path)
	}
	if !slices.ContainsFunc(g.findings, func(x *fnvet.Finding) bool { return x.ID == f.ID }) {
		g.findings = append(g.findings, f)
	}
}

func (g *packageGroup) finish() {
	seen := map[string]bool{}
	g.paths = slices.DeleteFunc(g.paths, func(p string) bool {
		was := seen[p]
		seen[p] = true
		return was
	})
	slices.SortStableFunc(g.findings, func(a, b *fnvet.Finding) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.ID, b.ID))
	})
	var lists [][]string
	for _, f := range g.findings {
		if f.Package == nil || len(f.Package.Fixed) == 0 {
			g.unfixed = append(g.unfixed, f.ID)
			continue
		}
		lists = append(lists, f.Package.Fixed)
	}
	g.fixable = len(lists)
	if !g.malware {
		g.fix = oneFix(g.Ecosystem, g.Version, lists)
	}
}

// via is the import chain that reaches the package, where one is known.
func (g *packageGroup) via() []string {
	for _, f := range g.findings {
		if len(f.ReachableVia) > 0 {
			return f.ReachableVia
		}
	}
	return nil
}

// oneFix finds the smallest version, above the present one, that fixes
// every finding. Each list holds the versions in which one flaw was fixed, one a
// release line. It is "" when versions cannot be compared or no listed version
// is known to be enough.
func oneFix(ecosystem, present string, lists [][]string) string {
	if len(lists) == 0 {
		return ""
	}
	var candidates []string
	for _, l := range lists {
		candidates = append(candidates, l...)
	}
	ok := true
	order := func(a, b string) int {
		n, err := compareVersions(ecosystem, a, b)
		ok = ok && err == nil
		return n
	}
	slices.SortFunc(candidates, func(a, b string) int { return cmp.Or(order(a, b), cmp.Compare(a, b)) })
	for _, v := range candidates {
		if order(v, present) <= 0 {
			continue
		}
		fixesAll := !slices.ContainsFunc(lists, func(fixed []string) bool { return !fixes(fixed, v, order) })
		if ok && fixesAll {
			return v
		}
	}
	return ""
}

// fixes tells whether version v surely has a fix that was released as fixed
// (ascending, one version a release line). It has when it is at or above the last,
// or on the same release line as the newest fix below it: [1.2.6 2.0.3] says that
// 1.9.0 is fixed and 2.0.1 is not.
func fixes(fixed []string, v string, order func(a, b string) int) bool {
	below, above := "", ""
	for _, f := range fixed {
		if order(f, v) <= 0 {
			below = f
		} else {
			above = f
			break
		}
	}
	switch {
	case below == "":
		return false
	case above == "", order(below, v) == 0:
		return true
	}
	return sameLine(below, above, v)
}

// sameLine tells whether v has the components of below up to and with the first
// in which below and above differ.
func sameLine(below, above, v string) bool {
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(".-+:~_", r) })
	}
	b, a, x := split(below), split(above), split(v)
	for i := range b {
		if i >= len(x) || b[i] != x[i] {
			return false
		}
		if i >= len(a) || a[i] != b[i] {
			return true
		}
	}
	return false
}

// compareVersions orders two versions by the rules of an OSV ecosystem.
func compareVersions(ecosystem, a, b string) (int, error) {
	v, err := semantic.Parse(a, ecosystem)
	if err != nil {
		return 0, err
	}
	return v.CompareStr(b)
}
