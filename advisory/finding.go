package advisory

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory/version"
)

// maxReportedReferences bounds the references of a finding.
const maxReportedReferences = 5

// findings makes the findings of all hits.
func (m *matcher) findings() ([]fnvet.Finding, error) {
	units := m.byPackage()
	made := make([][]fnvet.Finding, len(units))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0)) // one package may take as long as all others
	for i, hits := range units {
		g.Go(func() (err error) {
			made[i], err = m.findingsOf(hits)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := slices.Concat(made...)
	slices.SortStableFunc(out, func(a, b fnvet.Finding) int {
		return cmp.Or(
			cmp.Compare(a.Package.Ecosystem, b.Package.Ecosystem), cmp.Compare(a.Package.Name, b.Package.Name),
			cmp.Compare(a.Package.Version, b.Package.Version), cmp.Compare(a.Path, b.Path), cmp.Compare(a.ID, b.ID),
		)
	})
	return out, nil
}

// findingsOf makes the findings of one package, or of those of one source package.
func (m *matcher) findingsOf(hits []*hit) ([]fnvet.Finding, error) {
	members := m.members(hits)
	hits = onlyOf(hits, members[0])
	var out []fnvet.Finding
	for _, g := range groups(hits[0].base, hits) {
		out = append(out, m.finding(&g))
	}
	upgrade, err := m.upgrade(hits, out)
	if err != nil {
		return nil, err
	}
	for i := range out {
		f := &out[i]
		f.Package.Upgrade = upgrade
		f.Remediation = m.remediation(f, members)
	}
	return out, nil
}

// byPackage partitions the hits: by package, and for distributions that name
// source packages, by source package and version.
func (m *matcher) byPackage() [][]*hit {
	type unit struct {
		pkg                    int
		ecosystem, name, value string
	}
	at := map[unit]int{}
	var list [][]*hit
	for i := range m.hits {
		h := &m.hits[i]
		if h.rank > m.known[h.pkg] {
			continue // the package is another, likelier one
		}
		u := unit{pkg: h.pkg}
		if namesSources(h.base) {
			u = unit{-1, m.pkgs[h.pkg].Ecosystem, h.name, h.version}
		}
		n, ok := at[u]
		if !ok {
			n = len(list)
			at[u] = n
			list = append(list, nil)
		}
		list[n] = append(list[n], h)
	}
	return list
}

// members returns the packages of the hits; the first stands for all: the one
// with the name of the source package, else the first by name.
func (m *matcher) members(hits []*hit) []int {
	var list []int
	for _, h := range hits {
		list = append(list, h.pkg)
	}
	slices.SortFunc(list, func(a, b int) int {
		p, q := &m.pkgs[a], &m.pkgs[b]
		return cmp.Or(
			btoi(p.Name != hits[0].name)-btoi(q.Name != hits[0].name), cmp.Compare(p.Name, q.Name), cmp.Compare(a, b),
		)
	})
	return slices.Compact(list)
}

func onlyOf(hits []*hit, pkg int) []*hit {
	return slices.DeleteFunc(hits, func(h *hit) bool { return h.pkg != pkg })
}

// finding makes the finding of one group of hits.
func (m *matcher) finding(g *group) fnvet.Finding {
	first := g.hits[0]
	p := &m.pkgs[first.pkg]
	path, layer := place(p)
	f := fnvet.Finding{
		ID: first.record.id, Kind: fnvet.Vulnerability, Path: path, Layer: layer,
		Package:   &fnvet.PackageRef{PURL: p.PURL, Name: p.Name, Version: p.Version, Ecosystem: p.Ecosystem, Fixed: g.fixed()},
		Reachable: p.Reachable, Aliases: g.aliases(), References: g.references(),
	}
	f.Severity, f.CVSS = g.severity()
	f.Status = g.status()
	if g.malware() {
		f.Kind, f.Severity = fnvet.Malware, fnvet.Critical
	}
	f.Title = g.title(p)
	f.Imports = g.imports()
	return f
}

// imports are where in a Go module the flaw is, by the records of the group that
// say so; others know only the module.
func (g *group) imports() []fnvet.Import {
	var out []fnvet.Import
	for _, h := range g.hits {
		for i := range h.record.affected {
			a := &h.record.affected[i]
			if a.name != h.name {
				continue
			}
			for _, imp := range a.imports {
				out = append(out, fnvet.Import{Path: imp.path, Symbols: imp.symbols})
			}
		}
	}
	return out
}

func (g *group) malware() bool {
	return slices.ContainsFunc(g.hits, func(h *hit) bool { return strings.HasPrefix(h.record.id, "MAL-") })
}

// aliases lists all other ids of the flaw, preferred ones first.
func (g *group) aliases() []string {
	list := slices.Clone(g.names)
	for _, h := range g.hits[1:] {
		list = append(list, h.record.id)
	}
	slices.SortFunc(list, comparePreferred)
	list = slices.Compact(list)
	return slices.DeleteFunc(list, func(id string) bool { return id == g.hits[0].record.id })
}

// status is what the records say of themselves: withdrawn only if all do.
func (g *group) status() string {
	all := func(s status) bool {
		return !slices.ContainsFunc(g.hits, func(h *hit) bool { return h.record.status != s })
	}
	switch {
	case all(withdrawn):
		return fnvet.StatusWithdrawn
	case slices.ContainsFunc(g.hits, func(h *hit) bool { return h.record.status == disputed }):
		return fnvet.StatusDisputed
	}
	return ""
}

// title is the first summary there is.
func (g *group) title(p *fnvet.Package) string {
	for _, h := range g.hits {
		if h.record.summary != "" {
			return h.record.summary
		}
	}
	if g.malware() {
		return "malicious code in " + p.Name
	}
	for _, id := range g.names {
		if strings.HasPrefix(id, "CVE-") {
			return id + " in " + p.Name
		}
	}
	return g.hits[0].record.id + " in " + p.Name
}

// references merges those of the records, the preferred record's first.
func (g *group) references() []string {
	var list []string
	for _, h := range g.hits {
		for _, ref := range h.record.refs {
			if len(list) < maxReportedReferences && !slices.Contains(list, ref) {
				list = append(list, ref)
			}
		}
	}
	return list
}

// severity is the worst computed score of the group, else the worst word.
func (g *group) severity() (fnvet.Severity, *fnvet.CVSS) {
	worst, word := (*fnvet.CVSS)(nil), fnvet.SeverityUnknown
	for _, h := range g.hits {
		own := h.record.severity
		if len(h.entry.severity.vectors) > 0 {
			own.vectors = h.entry.severity.vectors
		}
		own.word = cmp.Or(h.entry.severity.word, own.word)
		severity, cvss := own.rate()
		if cvss != nil && (worst == nil || cvss.Score > worst.Score) {
			worst = cvss
		}
		if cvss == nil && severity.Rank() > word.Rank() {
			word = severity
		}
	}
	if worst != nil {
		return severityOf(worst.Score), worst
	}
	return word, nil
}

// fixed lists the versions that the records say fix the flaw and that are newer
// than the installed one, ascending. Versions that another record of the group
// still affects are left out, unless that leaves none.
func (g *group) fixed() []string {
	scheme, ordered := version.For(g.hits[0].base)
	var all []string
	for _, h := range g.hits {
		all = append(all, h.eval.fixes(h.entry.ranges)...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if ordered {
		slices.SortStableFunc(all, scheme.Compare)
	}
	if len(g.hits) == 1 && len(g.hits[0].same) == 1 && len(g.hits[0].entry.ranges) == 1 {
		return all // one range ends where it is fixed
	}
	clean := slices.DeleteFunc(slices.Clone(all), func(v string) bool {
		e := g.hits[0].eval.with(v)
		return slices.ContainsFunc(g.hits, func(h *hit) bool { return h.stillAffects(e) })
	})
	if len(clean) > 0 {
		return clean
	}
	return all
}

// stillAffects says whether the record of a hit affects another version too, by
// any of its entries for the package.
func (h *hit) stillAffects(e *evaluator) bool {
	for i := range h.same {
		if x := &h.same[i]; x.release == h.entry.release && e.affects(&x.affected) {
			return true
		}
	}
	return false
}

// remediation is one line on what to do.
func (m *matcher) remediation(f *fnvet.Finding, members []int) string {
	name := f.Package.Name
	if len(members) > 1 {
		names := make([]string, 0, len(members))
		for _, i := range members {
			names = append(names, m.pkgs[i].Name)
		}
		name = some(slices.Compact(names))
	}
	switch {
	case f.Kind == fnvet.Malware:
		return fmt.Sprintf("remove %s and change every secret it could read", name)
	case len(f.Package.Fixed) == 0:
		return fmt.Sprintf("no fixed version of %s is known", name)
	}
	text := fmt.Sprintf("upgrade %s to %s", name, f.Package.Fixed[0])
	if u := f.Package.Upgrade; u != nil && len(u.Via) > 0 {
		text += ", which comes in through " + some(m.namesOf(u.Via))
	}
	return text
}

// namesOf lists the names of packages by their purls.
func (m *matcher) namesOf(purls []string) []string {
	var names []string
	for i := range m.pkgs {
		if _, ok := slices.BinarySearch(purls, m.pkgs[i].PURL); ok {
			names = append(names, m.pkgs[i].Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Rules describes what Match reports, apart from the ids of the advisories.
func Rules() []fnvet.Rule {
	return []fnvet.Rule{
		{
			ID: "vulnerability", Kind: fnvet.Vulnerability, Severity: fnvet.SeverityUnknown,
			Title: "A package version with a published vulnerability",
			Help: "The installed version lies in a range that an advisory of the OSV database names as affected. " +
				"The finding's id is the advisory's, its severity the CVSS score's, and package.fixed lists the versions that fix it.",
		},
		{
			ID: "malware", Kind: fnvet.Malware, Severity: fnvet.Critical,
			Title: "A package version known to be malicious",
			Help: "The OSSF malicious-packages database names this package version. Remove it, and treat every secret " +
				"that a machine held where it was installed or ran as stolen.",
		},
	}
}
