package deps

import (
	"slices"
	"sort"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// Merge joins the evidence of all detectors: one package for each ecosystem,
// name and version (and, for distributions, architecture), with every location,
// the strongest kind, and the union of the rest. Distribution packages get
// their release, in Ecosystem and package URL; with a nil distro Ecosystem is
// the plain name. DependsOn keeps what is present: package URLs without a
// version stand for the package of that name, the nearest by location if there
// are several. The result is sorted by ecosystem, name, version and package
// URL. pkgs is not changed.
func Merge(pkgs []fnvet.Package, distro *fnvet.Distro) []fnvet.Package {
	renamed := make(map[string]string, len(pkgs)) // package URL as detected → as reported
	at := make(map[string]int, len(pkgs))
	var out []fnvet.Package
	for _, p := range pkgs {
		old := p.PURL
		released(&p, distro)
		renamed[old] = p.PURL
		key := p.Ecosystem + "\x00" + p.Name + "\x00" + p.Version + "\x00" + p.PURL
		i, ok := at[key]
		if !ok {
			at[key] = len(out)
			out = append(out, fresh(p))
			continue
		}
		join(&out[i], p)
	}
	sort.Slice(out, func(i, j int) bool { return before(out[i], out[j]) })
	r := newResolver(out, renamed)
	for i := range out {
		p := &out[i]
		p.Locations = locations(p.Locations)
		for _, l := range p.Locations {
			if rank(l.Kind) < rank(p.Kind) {
				p.Kind = l.Kind
			}
		}
		p.DependsOn = r.resolve(*p)
		p.Licenses = entry.Sorted(p.Licenses)
		p.Hashes = hashes(p.Hashes)
		p.Links = entry.Links(p.Links)
	}
	return out
}

func before(a, b fnvet.Package) bool {
	for _, pair := range [][2]string{{a.Ecosystem, b.Ecosystem}, {a.Name, b.Name}, {a.Version, b.Version}} {
		if pair[0] != pair[1] {
			return pair[0] < pair[1]
		}
	}
	return a.PURL < b.PURL
}

// fresh copies the slices that Merge appends to or sorts.
func fresh(p fnvet.Package) fnvet.Package {
	p.Licenses = append([]string{}, p.Licenses...)
	p.Locations = slices.Clone(p.Locations)
	p.Hashes = slices.Clone(p.Hashes)
	p.DependsOn = slices.Clone(p.DependsOn)
	p.Links = slices.Clone(p.Links)
	p.Groups = slices.Clone(p.Groups)
	if p.Reachable == "" {
		p.Reachable = fnvet.ReachUnknown
	}
	return p
}

func join(into *fnvet.Package, p fnvet.Package) {
	if rank(p.Kind) < rank(into.Kind) {
		into.Kind = p.Kind
	}
	into.Locations = append(into.Locations, p.Locations...)
	into.Licenses = append(into.Licenses, p.Licenses...)
	into.Hashes = append(into.Hashes, p.Hashes...)
	into.DependsOn = append(into.DependsOn, p.DependsOn...)
	into.Direct = into.Direct || p.Direct
	into.Required = into.Required || p.Required
	into.Size = max(into.Size, p.Size)
	into.Links = append(into.Links, p.Links...)
	if into.Supplier == nil {
		into.Supplier = p.Supplier
	}
	if into.Source == nil {
		into.Source = p.Source
	}
	for _, g := range p.Groups {
		if !slices.Contains(into.Groups, g) {
			into.Groups = append(into.Groups, g)
		}
	}
}

// rank orders kinds, strongest evidence first.
func rank(k fnvet.PackageKind) int {
	i := slices.Index([]fnvet.PackageKind{fnvet.Installed, fnvet.Bundled, fnvet.Locked, fnvet.Declared}, k)
	if i < 0 {
		return 4
	}
	return i
}

func locations(list []fnvet.Location) []fnvet.Location {
	slices.SortFunc(list, func(a, b fnvet.Location) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		if c := strings.Compare(a.Layer, b.Layer); c != 0 {
			return c
		}
		return rank(a.Kind) - rank(b.Kind)
	})
	return slices.CompactFunc(list, func(a, b fnvet.Location) bool { return a.Path == b.Path && a.Layer == b.Layer })
}

func hashes(list []fnvet.Hash) []fnvet.Hash {
	slices.SortFunc(list, func(a, b fnvet.Hash) int { return strings.Compare(a.Alg+a.Value, b.Alg+b.Value) })
	return slices.Compact(list)
}

// A resolver turns what DependsOn of detectors names into packages present.
type resolver struct {
	renamed map[string]string
	byName  map[string][]fnvet.Package // by package URL without version
	present map[string]bool
}

func newResolver(pkgs []fnvet.Package, renamed map[string]string) resolver {
	r := resolver{renamed: renamed, byName: make(map[string][]fnvet.Package), present: make(map[string]bool)}
	for _, p := range pkgs {
		r.present[p.PURL] = true
		base := entry.PURL(p.Ecosystem, p.Name, "")
		if base == "" {
			base = unversioned(p.PURL)
		}
		r.byName[base] = append(r.byName[base], p)
	}
	return r
}

// unversioned cuts version, qualifiers and namespace off a distribution's
// package URL: "pkg:deb/debian/x@1?arch=a" is "pkg:deb/x".
func unversioned(purl string) string {
	purl, _, _ = strings.Cut(purl, "?")
	purl, _, _ = strings.Cut(purl, "@")
	parts := strings.Split(purl, "/")
	return parts[0] + "/" + parts[len(parts)-1]
}

func (r resolver) resolve(p fnvet.Package) []string {
	var out []string
	for _, purl := range p.DependsOn {
		if now, ok := r.renamed[purl]; ok {
			purl = now
		}
		if candidates := r.byName[purl]; len(candidates) > 0 {
			purl = nearest(p, candidates).PURL
		}
		if r.present[purl] && purl != p.PURL {
			out = append(out, purl)
		}
	}
	return entry.Sorted(out)
}

// maxCandidates bounds the versions of one name that are compared for nearness.
const maxCandidates = 100

// nearest picks the candidate whose location shares the longest path with p's;
// of equals the first in order of package URL.
func nearest(p fnvet.Package, candidates []fnvet.Package) fnvet.Package {
	best, length := candidates[0], -1
	for _, c := range candidates[:min(len(candidates), maxCandidates)] {
		n := 0
		for _, a := range p.Locations {
			for _, b := range c.Locations {
				n = max(n, shared(a.Path, b.Path))
			}
		}
		if n > length || n == length && c.PURL < best.PURL {
			best, length = c, n
		}
	}
	return best
}

// shared counts the bytes of the directories two paths have in common.
func shared(a, b string) int {
	n := 0
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '/' {
			n = i + 1
		}
	}
	return n
}
