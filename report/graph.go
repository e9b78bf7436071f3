package report

import (
	"slices"

	"github.com/fnvet/fnvet"
)

// A graph tells which packages brought a package in.
type graph struct {
	parent map[string]string // package URL to the one it was first reached from
	name   map[string]string
}

// newGraph walks the dependency graph breadth first from the packages that are
// direct, or that no other needs, so that chains are shortest.
func newGraph(packages []fnvet.Package) *graph {
	g := &graph{parent: map[string]string{}, name: map[string]string{}}
	deps := map[string][]string{}
	needed := map[string]bool{}
	for i := range packages {
		p := &packages[i]
		if p.PURL == "" {
			continue
		}
		g.name[p.PURL] = p.Name + " " + p.Version
		deps[p.PURL] = p.DependsOn
		for _, d := range p.DependsOn {
			needed[d] = needed[d] || d != p.PURL
		}
	}
	var queue []string
	seen := map[string]bool{}
	for i := range packages {
		p := &packages[i]
		if p.PURL != "" && (p.Direct || !needed[p.PURL]) && !seen[p.PURL] {
			seen[p.PURL] = true
			queue = append(queue, p.PURL)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, d := range deps[at] {
			if _, listed := g.name[d]; listed && !seen[d] {
				seen[d] = true
				g.parent[d] = at
				queue = append(queue, d)
			}
		}
	}
	return g
}

// chain names the packages from a direct one down to the one that needs purl;
// nil when none does.
func (g *graph) chain(purl string) []string {
	var out []string
	for at, ok := g.parent[purl]; ok; at, ok = g.parent[at] {
		out = append(out, g.name[at])
	}
	slices.Reverse(out)
	return out
}
