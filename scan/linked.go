package scan

import (
	"slices"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/linked"
)

// A place is a file in a layer.
type place struct{ path, layer string }

// linkedIn gives the findings of Go modules their answer: whether a binary is
// linked from what the advisory names. It is no only when the names of every
// binary with the module are known and none has any of it.
func (h *Harvest) linkedIn(findings []fnvet.Finding, pkgs []fnvet.Package) {
	names := make(map[place][]uint64)
	for i := range h.Parts {
		for _, l := range h.Parts[i].Facts.Links {
			names[place{l.Path, l.Layer}] = l.Names
		}
	}
	if len(names) == 0 {
		return
	}
	byPURL := make(map[string]*fnvet.Package)
	for i := range pkgs {
		byPURL[pkgs[i].PURL] = &pkgs[i]
	}
	for i := range findings {
		f := &findings[i]
		if f.Package == nil || f.Package.Ecosystem != "Go" || len(f.Imports) == 0 {
			continue
		}
		if p := byPURL[f.Package.PURL]; p != nil {
			answer := linkedAt(p, f.Imports, names)
			f.Reachable, f.ReachableVia = answer.reach, answer.via
		}
	}
}

func linkedAt(p *fnvet.Package, imports []fnvet.Import, names map[place][]uint64) chain {
	var places []chain
	for _, l := range p.Locations {
		if l.Kind != fnvet.Installed && l.Kind != fnvet.Bundled {
			continue
		}
		places = append(places, linkedFrom(names[place{l.Path, l.Layer}], p.Name, l.Path, imports))
	}
	return sum(places)
}

// linkedFrom answers for one binary.
func linkedFrom(names []uint64, module, path string, imports []fnvet.Import) chain {
	at := module
	if module == "stdlib" || module == "toolchain" {
		at = "runtime"
	}
	if !linked.Has(names, linked.Package(at)) && !linked.Has(names, linked.Below(at)) {
		return chain{reach: fnvet.ReachUnknown} // stripped, or its names were changed
	}
	for _, imp := range imports {
		if len(imp.Symbols) == 0 && linked.Has(names, linked.Package(imp.Path)) {
			return chain{fnvet.ReachYes, []string{path, imp.Path}}
		}
		if i := slices.IndexFunc(imp.Symbols, func(s string) bool { return linked.Has(names, linked.Symbol(imp.Path, s)) }); i >= 0 {
			return chain{fnvet.ReachYes, []string{path, imp.Path + "." + imp.Symbols[i]}}
		}
	}
	return chain{reach: fnvet.ReachNo}
}
