package report

import (
	"cmp"
	"slices"

	"github.com/fnvet/fnvet"
)

// A packageGroup is one package version and its advisory findings.
type packageGroup struct {
	*fnvet.PackageRef
	findings []*fnvet.Finding // one an advisory, worst first
	total    int              // findings, counting every place
	paths    []string         // where it is, strongest evidence first
	direct   bool
	bundled  bool // no manifest beside it says who asked for it
	malware  bool
	major    bool     // the step to fix may break what uses the package
	fix      string   // the one version that fixes all of fixable, or ""
	unfixed  []string // ids of advisories that no known version fixes, or not that one
	fixable  int      // the other findings
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
			g.bundled = g.bundled || p.Kind == fnvet.Bundled
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
	return cmp.Or(cmp.Compare(rank(b), rank(a)), compareExploited(a, b), cmp.Compare(len(b.findings), len(a.findings)),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Ecosystem, b.Ecosystem))
}

// compareExploited puts packages with a flaw that is known to be exploited first.
func compareExploited(a, b packageGroup) int {
	exploited := func(f *fnvet.Finding) bool { return f.KEV }
	return btoi(slices.ContainsFunc(b.findings, exploited)) - btoi(slices.ContainsFunc(a.findings, exploited))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
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
	slices.SortStableFunc(g.findings, compareRisk)
	var upgrade *fnvet.Upgrade
	for _, f := range g.findings {
		if upgrade == nil {
			upgrade = f.Package.Upgrade
		}
	}
	for _, f := range g.findings {
		// An advisory may end at a version without naming one that fixes it.
		if upgrade == nil && len(f.Package.Fixed) == 0 || upgrade != nil && slices.Contains(upgrade.Leaves, f.ID) {
			g.unfixed = append(g.unfixed, f.ID)
		} else {
			g.fixable++
		}
	}
	if upgrade != nil && !g.malware {
		g.fix, g.major = upgrade.Version, upgrade.Major
	}
}

// compareRisk orders findings worst first: by severity, then what is exploited,
// then what is likelier to be.
func compareRisk(a, b *fnvet.Finding) int {
	epss := func(f *fnvet.Finding) float64 {
		if f.EPSS == nil {
			return 0
		}
		return *f.EPSS
	}
	return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), btoi(b.KEV)-btoi(a.KEV),
		cmp.Compare(epss(b), epss(a)), cmp.Compare(a.ID, b.ID))
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
