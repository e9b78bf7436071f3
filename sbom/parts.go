package sbom

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// A part is something inside the artifact that is no package: a layer, or an
// archive that was opened as well.
type part struct {
	ref, name, version string
	layer              bool
	path               string // of an archive
	hashes             []fnvet.Hash
	contains           []string // references of packages and parts directly in it, sorted
}

// parted finds the parts, and which package or part lies in which of them.
func (inv *inventory) parted() {
	inv.file = make([]*fnvet.Archive, len(inv.Packages))
	owner := inv.archiveOwners()
	for i := range inv.Artifact.Layers {
		l := &inv.Artifact.Layers[i]
		p := part{ref: "layer:" + l.Digest, name: cmp.Or(l.Name, l.Digest), version: l.Digest, layer: true}
		if sum, ok := strings.CutPrefix(l.Digest, "sha256:"); ok {
			p.hashes = []fnvet.Hash{{Alg: "SHA-256", Value: sum}}
		}
		if !slices.ContainsFunc(inv.parts, func(q part) bool { return q.ref == p.ref }) {
			inv.parts = append(inv.parts, p)
		}
	}
	at := map[string]string{} // reference by archive and layer
	for i := range inv.Artifact.Archives {
		a := &inv.Artifact.Archives[i]
		if own := owner[a.Path+"\x00"+a.Layer]; own >= 0 && inv.file[own] == nil {
			inv.file[own], at[a.Path+"\x00"+a.Layer] = a, inv.refs[own]
			continue
		}
		if a.Path == inv.Artifact.Name || a.Path == path.Base(inv.Artifact.Name) {
			continue // the artifact itself
		}
		p := part{ref: "archive:" + a.Path + "@" + a.Layer, name: path.Base(a.Path), path: a.Path, hashes: a.Hashes}
		for _, h := range a.Hashes {
			if h.Alg == "SHA-256" {
				p.version = "sha256:" + h.Value
			}
		}
		at[a.Path+"\x00"+a.Layer] = p.ref
		inv.parts = append(inv.parts, p)
	}
	inv.contain(at)
}

// archiveOwners tells which package an archive is, by path and layer: the one
// that is located at it, or whose metadata a wheel has at its root. It is -1 where none is or several are.
func (inv *inventory) archiveOwners() map[string]int {
	owner := make(map[string]int, len(inv.Artifact.Archives))
	for i := range inv.Artifact.Archives {
		owner[inv.Artifact.Archives[i].Path+"\x00"+inv.Artifact.Archives[i].Layer] = -1
	}
	claim := func(key string, i int) {
		switch at, is := owner[key]; {
		case !is:
		case at == -1:
			owner[key] = i
		case at != i:
			owner[key] = -2
		}
	}
	for i := range inv.Packages {
		for _, l := range inv.Packages[i].Locations {
			claim(l.Path+"\x00"+l.Layer, i)
			if wheel, inside, ok := cutLast(l.Path, "!/"); ok && strings.HasSuffix(wheel, ".whl") && strings.HasSuffix(inside, ".dist-info/METADATA") && strings.Count(inside, "/") == 1 {
				claim(wheel+"\x00"+l.Layer, i)
			}
		}
	}
	return owner
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// contain puts packages and archives into the archive or layer that holds them;
// parts in no other are the artifact's own. at is the reference of each archive.
func (inv *inventory) contain(at map[string]string) {
	layers := map[string]string{}
	index := map[string]int{}
	for i := range inv.parts {
		index[inv.parts[i].ref] = i
		if inv.parts[i].layer {
			layers[inv.parts[i].version] = inv.parts[i].ref
		}
	}
	home := func(self, where, layer string) string {
		for {
			var ok bool
			if where, _, ok = cutLast(where, "!/"); !ok {
				return layers[layer]
			}
			if ref := at[where+"\x00"+layer]; ref != "" && ref != self {
				return ref
			}
		}
	}
	put := func(ref, into string) bool {
		i, ok := index[into]
		if ok && !slices.Contains(inv.parts[i].contains, ref) {
			inv.parts[i].contains = append(inv.parts[i].contains, ref)
		}
		return ok
	}
	for i := range inv.Packages {
		for _, l := range inv.Packages[i].Locations {
			put(inv.refs[i], home(inv.refs[i], l.Path, l.Layer))
		}
	}
	for i := range inv.parts {
		p := &inv.parts[i]
		layer := ""
		if !p.layer {
			_, layer, _ = cutLast(p.ref, "@")
		}
		if p.layer || !put(p.ref, home(p.ref, p.path, layer)) {
			inv.own = append(inv.own, p.ref)
		}
	}
	for i := range inv.parts {
		slices.Sort(inv.parts[i].contains)
	}
	slices.Sort(inv.own)
}

// A form is how a component is there: BSI TR-03183-2 v2.1, sections 5.2.2 and
// 8.1. An empty answer is not known, or means nothing for the component.
type form struct {
	filename                        string
	executable, archive, structured string // in the words of BSI's taxonomy for CycloneDX
}

// What BSI's taxonomy lets the flags be.
const (
	isExecutable, isArchive, noArchive   = "executable", "archive", "no archive"
	isStructured, isUnstructured         = "structured", "unstructured"
	bsiFilename, bsiExecutable           = "bsi:component:filename", "bsi:component:executable"
	bsiArchive, bsiStructured            = "bsi:component:archive", "bsi:component:structured"
	unknownProperty                      = "fnvet:unknown"
	organizationProperty                 = "fnvet:supplier-is-organization"
	declaredProperty, recognisedProperty = "fnvet:licence", "fnvet:licence-text"
)

func (f form) properties() [][2]string {
	var out [][2]string
	for _, p := range [][2]string{{bsiFilename, f.filename}, {bsiExecutable, f.executable}, {bsiArchive, f.archive}, {bsiStructured, f.structured}} {
		if p[1] != "" {
			out = append(out, p)
		}
	}
	return out
}

// rootForm is the form of the artifact: a package of a function is run by the
// platform as it is.
func (inv *inventory) rootForm() form {
	switch inv.Artifact.Type {
	case "zip", "jar", "tar", "7z", "rar", "image":
		return form{inv.name(), isExecutable, isArchive, isStructured}
	case "directory":
		return form{inv.name(), isExecutable, noArchive, isStructured}
	}
	return form{filename: inv.name()}
}

// form says how a package is there. What only a lockfile or a manifest names is not
// there at all; the files of a distribution's package lie all over the file
// system, and nothing says which of them are executable.
func (inv *inventory) form(i int) form {
	p := &inv.Packages[i]
	if inv.file[i] != nil {
		return form{path.Base(inv.file[i].Path), isExecutable, isArchive, isStructured}
	}
	if k := p.Kind; k != fnvet.Installed && k != fnvet.Bundled || strings.HasPrefix(p.PURL, "pkg:deb/") ||
		strings.HasPrefix(p.PURL, "pkg:apk/") || strings.HasPrefix(p.PURL, "pkg:rpm/") {
		return form{}
	}
	j := slices.IndexFunc(p.Locations, func(l fnvet.Location) bool { return l.Kind == p.Kind })
	if j < 0 {
		return form{}
	}
	at := p.Locations[j].Path
	dir, base := path.Split(at)
	switch {
	case base == "package.json": // a folder that Node loads as a package
		return form{path.Base(dir), isExecutable, noArchive, isStructured}
	case base == "METADATA" || base == "PKG-INFO" || strings.HasSuffix(base, ".egg-info") || strings.HasSuffix(base, ".gemspec") || base == "installed.json":
		return form{"", isExecutable, noArchive, isStructured}
	case base == "pom.properties" || base == "pom.xml" || base == "MANIFEST.MF": // shaded into a jar
		jar, _, _ := cutLast(at, "!/")
		if jar == at {
			return form{"", isExecutable, noArchive, isStructured}
		}
		return form{path.Base(jar), isExecutable, isArchive, isStructured}
	case strings.HasSuffix(base, ".json"):
		return form{"", isExecutable, noArchive, isStructured}
	}
	return form{base, isExecutable, noArchive, isUnstructured} // a binary or a bundle
}

// unknown lists the elements that BSI TR-03183-2, NTIA or CISA ask for and that
// nothing in the artifact states of a package.
func (inv *inventory) unknown(i int) []string {
	p := &inv.Packages[i]
	f := inv.form(i)
	var out []string
	for _, e := range []struct {
		name  string
		known bool
	}{
		{"supplier", p.Supplier != nil},
		{"version", p.Version != ""},
		{"purl", p.PURL != ""},
		{"licence", len(p.Licenses) > 0 || len(p.Concluded) > 0},
		{"hash", len(inv.hashes(i)) > 0},
		{"filename", f.filename != ""},
		{"executable", f.executable != ""},
		{"archive", f.archive != ""},
		{"structured", f.structured != ""},
		{"source", slices.ContainsFunc(p.Links, func(l fnvet.Link) bool { return l.Kind == fnvet.LinkVCS })},
		{"distribution", slices.ContainsFunc(p.Links, func(l fnvet.Link) bool { return l.Kind == fnvet.LinkDistribution })},
		{"dependencies", p.DependsOn != nil && len(inv.lost[i]) == 0},
	} {
		if !e.known {
			out = append(out, e.name)
		}
	}
	return out
}

// hashes are those of a package that every format can state: as lockfiles give
// them, or of the archive that the package is.
func (inv *inventory) hashes(i int) []fnvet.Hash {
	var out []fnvet.Hash
	add := func(list []fnvet.Hash) {
		for _, h := range list {
			h.Value = strings.ToLower(h.Value)
			if digestLength(h.Alg) == len(h.Value) && isHex(h.Value) && !slices.Contains(out, h) {
				out = append(out, h)
			}
		}
	}
	add(inv.Packages[i].Hashes)
	if inv.file[i] != nil {
		add(inv.file[i].Hashes)
	}
	return out
}

// rootHashes are of the artifact's bytes.
func (inv *inventory) rootHashes() []fnvet.Hash {
	if len(inv.Artifact.Hashes) > 0 {
		return inv.Artifact.Hashes
	}
	if sum, ok := strings.CutPrefix(inv.Artifact.Digest, "sha256:"); ok && isHex(sum) && len(sum) == digestLength("SHA-256") {
		return []fnvet.Hash{{Alg: "SHA-256", Value: sum}}
	}
	return nil
}

// link is the first of a kind, or "".
func link(p *fnvet.Package, kind string) string {
	for _, l := range p.Links {
		if l.Kind == kind {
			return l.URL
		}
	}
	return ""
}
