package scan

import (
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// licensed gives packages the licences of the texts that lie with them. What a
// distribution's copyright file states is declared; what a text was recognised
// as is concluded. A text that lies with several packages is none's.
func (h *Harvest) licensed(pkgs []fnvet.Package) {
	type place struct{ dir, layer string }
	at := make(map[place][]string)
	stated := make(map[string][]string) // by package of a distribution
	gone := make(map[place]bool, len(h.Gone))
	for _, g := range h.Gone {
		gone[place{g.Path, g.Layer}] = true
	}
	for i := range h.Parts {
		if gone[place{h.Parts[i].Path, h.Parts[i].Layer}] {
			continue
		}
		for _, t := range h.Parts[i].Facts.Texts {
			if t.Package != "" {
				stated[t.Package] = append(stated[t.Package], t.Licenses...)
				continue
			}
			key := place{t.Dir, t.Layer}
			at[key] = append(at[key], t.Licenses...)
			if len(t.Licenses) == 0 {
				at[key] = append(at[key], "") // one that is not known: nothing can be concluded
			}
		}
	}
	if len(at)+len(stated) == 0 {
		return
	}
	for i := range pkgs {
		p := &pkgs[i]
		if strings.HasPrefix(p.PURL, "pkg:deb/") && len(p.Licenses) == 0 {
			p.Licenses = append([]string{}, stated[p.Name]...)
		}
		var found []string
		for _, l := range p.Locations {
			if l.Kind != fnvet.Installed {
				continue
			}
			for _, dir := range []string{l.Path, path.Dir(l.Path)} {
				found = append(found, at[place{dir, l.Layer}]...)
			}
		}
		slices.Sort(found)
		if found = slices.Compact(found); !slices.Contains(found, "") {
			p.Concluded = found
		}
	}
}
