package scan

import (
	"slices"

	"github.com/fnvet/fnvet"
)

// A situated step wants to know how the artifact starts before it finishes:
// configuration and settings, and whether the walk saw every file.
type situated interface {
	Situate(a fnvet.Artifact, settings []fnvet.Setting, whole bool)
}

// A chain is the answer for one place.
type chain struct {
	reach fnvet.Reach
	via   []string
}

// reachable sets what is known of reachability on packages and returns, by
// package URL, how a reachable one is imported. A package is unreachable only if
// each of its installed and bundled places is.
func (h *Harvest) reachable(pkgs []fnvet.Package) map[string][]string {
	type at struct{ ecosystem, path, layer string }
	facts := make(map[at]chain)
	for i := range h.Parts {
		for _, f := range h.Parts[i].Facts.Reach {
			facts[at{f.Ecosystem, f.Path, f.Layer}] = chain{f.Reach, f.Via}
		}
	}
	via := make(map[string][]string)
	if len(facts) == 0 {
		return via
	}
	for i := range pkgs {
		p := &pkgs[i]
		var places []chain
		for _, l := range p.Locations {
			if l.Kind == fnvet.Installed || l.Kind == fnvet.Bundled {
				places = append(places, facts[at{p.Ecosystem, l.Path, l.Layer}])
			}
		}
		answer := sum(places)
		p.Reachable = answer.reach
		if answer.reach == fnvet.ReachYes {
			via[p.PURL] = answer.via
		}
	}
	return via
}

func sum(places []chain) chain {
	if i := slices.IndexFunc(places, func(c chain) bool { return c.reach == fnvet.ReachYes }); i >= 0 {
		return places[i]
	}
	if len(places) == 0 || slices.ContainsFunc(places, func(c chain) bool { return c.reach != fnvet.ReachNo }) {
		return chain{reach: fnvet.ReachUnknown}
	}
	return chain{reach: fnvet.ReachNo}
}

// follow gives the findings of packages their answer and chain.
func follow(findings []fnvet.Finding, pkgs []fnvet.Package, via map[string][]string) {
	known := make(map[string]fnvet.Reach, len(pkgs))
	for _, p := range pkgs {
		known[p.PURL] = p.Reachable
	}
	for i := range findings {
		f := &findings[i]
		if f.Package == nil {
			continue
		}
		if r, ok := known[f.Package.PURL]; ok {
			f.Reachable = r
			f.ReachableVia = slices.Clone(via[f.Package.PURL])
		}
	}
}
