package bundle

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// An evidence is what names a package or states its version. The zero value
// is none; stronger ones come first, for names as for versions.
type evidence int

const (
	noEvidence      evidence = iota
	sourceMap                // a source's path in the map beside or inside the bundle
	modulePath               // the path of a module that the bundler left in the code
	packageJSON              // a package.json, in the code or in the map
	moduleName               // the name a module is required by, in the bundler's table of modules
	licenseFile              // the list of licences that the bundler wrote beside the bundle
	licenseComment           // a comment that bundlers keep for its licence
	versionConstant          // VERSION = "1.2.3" in a module of the package
	knownString              // a text that only this package's code has
	lockFile                 // the lockfile beside the bundle; only for versions
)

// String is what reports call it; see docs/bundles.md.
func (e evidence) String() string {
	return [...]string{
		"", "source-map", "module-path", "package-json", "module-name", "license-file", "license-comment", "version-constant", "known-string", "lockfile",
	}[e]
}

// An item is one package of one bundle: one directory of packages where paths
// are known, else one name.
type item struct {
	name     string
	root     string // from its first node_modules on; "" when only the name is known
	by       evidence
	versions map[string]evidence
	licenses []string
}

// maxItems bounds the packages listed for one bundle, and maxVersions the
// versions kept for one of them.
const (
	maxItems    = 20_000
	maxVersions = 32
)

// An inventory is what one bundle shows.
type inventory struct {
	items    map[string]*item // by root, or "\x00" and name
	complete bool             // every package is named
	over     bool             // maxItems reached
}

// add notes a package. version may be "".
func (v *inventory) add(p place, by evidence, version string, versionBy evidence) *item {
	if v.items == nil {
		v.items = make(map[string]*item)
	}
	root := p.root
	if i := strings.Index(root, modules); i > 0 {
		root = root[i:]
	}
	key := cmp.Or(root, "\x00"+p.name)
	it := v.items[key]
	if it == nil {
		if len(v.items) >= maxItems {
			v.over = true
			return &item{}
		}
		it = &item{name: strings.Clone(p.name), root: strings.Clone(root), by: by}
		v.items[strings.Clone(key)] = it
	}
	it.by = min(it.by, by)
	if p.version != "" {
		it.version(p.version, by)
	}
	if version != "" {
		it.version(version, versionBy)
	}
	return it
}

func (it *item) version(version string, by evidence) {
	if it.versions == nil {
		it.versions = make(map[string]evidence)
	}
	if old, ok := it.versions[version]; ok {
		it.versions[version] = min(old, by)
	} else if len(it.versions) < maxVersions {
		it.versions[strings.Clone(version)] = by
	}
}

// best returns the version that the strongest evidence states; of several such
// package.json files or paths the first in order, of several constants none.
func (it *item) best() (string, evidence) {
	version, by, several := "", noEvidence, false
	for _, v := range sorted(it.versions) {
		switch e := it.versions[v]; {
		case by == noEvidence || e < by:
			version, by, several = v, e, false
		case e == by:
			several = true
		}
	}
	if several && by > packageJSON {
		return "", noEvidence
	}
	return version, by
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// merge takes over what another file about the same bundle shows.
func (v *inventory) merge(from *inventory) {
	for _, key := range sorted(from.items) {
		it := from.items[key]
		into := v.add(place{root: it.root, name: it.name}, it.by, "", noEvidence)
		for _, version := range sorted(it.versions) {
			into.version(version, it.versions[version])
		}
		into.licenses = append(into.licenses, it.licenses...)
	}
	v.complete = v.complete || from.complete
	v.over = v.over || from.over
}

// isLibrary says whether a script is the published file of one library, as its
// first comment and its name agree: jquery-3.6.0.min.js, "jQuery v3.6.0".
func (v *inventory) isLibrary(base string) bool {
	base, _, _ = strings.Cut(strings.ToLower(base), ".min.")
	base = strings.TrimSuffix(base, ".js")
	for _, key := range sorted(v.items) {
		it := v.items[key]
		for version, by := range it.versions {
			if by == licenseComment && (sameName(base, it.name) || base == it.name+"-"+version || base == it.name+"."+version) {
				return true
			}
		}
	}
	return false
}

// pin states the versions of a lockfile for packages that have none.
func (v *inventory) pin(locked map[string]string) {
	for _, it := range v.items {
		if version := exactVersion(locked[it.name]); version != "" && len(it.versions) == 0 {
			it.version(version, lockFile)
		}
	}
}

// fold gives what is known by name alone to the package directories of that
// name. Where there are several directories it stays by itself if it states a
// version that none of them has. Where every package is named, a name that only a comment or a
// text gives is one of them under its title, and is left out.
func (v *inventory) fold() {
	roots := make(map[string][]*item)
	for _, key := range sorted(v.items) {
		if it := v.items[key]; it.root != "" {
			roots[it.name] = append(roots[it.name], it)
		}
	}
	for _, key := range sorted(v.items) {
		it := v.items[key]
		own := roots[it.name]
		if it.root == "" && len(own) == 0 && v.complete && it.by > licenseFile && len(it.versions) == 0 {
			delete(v.items, key)
		}
		if it.root != "" || len(own) == 0 {
			continue
		}
		version, by := it.best()
		for _, o := range own {
			o.licenses = append(o.licenses, it.licenses...)
			if known, _ := o.best(); len(own) == 1 && version != "" || known == version {
				o.version(version, by)
				version = ""
			}
		}
		if version == "" {
			delete(v.items, key)
		}
	}
}

// packages lists each name and version once, and a name without version only
// where a directory, or the name alone, has none. path and layer are of the bundle.
func (v *inventory) packages(path, layer string) []fnvet.Package {
	v.fold()
	type id struct{ name, version string }
	seen := make(map[id]int)
	var out []fnvet.Package
	for _, key := range sorted(v.items) {
		it := v.items[key]
		if it.by == noEvidence {
			continue
		}
		for _, pair := range it.stated() {
			p := describe(it, pair.version, pair.by)
			p.Locations[0].Path, p.Locations[0].Layer = path, layer
			if i, ok := seen[id{it.name, pair.version}]; ok {
				p.Licenses = append(p.Licenses, out[i].Licenses...)
				if out[i].Locations[0].Confidence <= p.Locations[0].Confidence { // "high" < "low" < "medium" will do for equal input
					p.Locations = out[i].Locations
				}
				p.Licenses = entry.Sorted(p.Licenses)
				out[i] = p
				continue
			}
			seen[id{it.name, pair.version}] = len(out)
			out = append(out, p)
		}
	}
	return out
}

type statedVersion struct {
	version string
	by      evidence
}

// stated returns the versions to list for an item: all that package.json files
// of that name state when its directories are not known, else the best one.
func (it *item) stated() []statedVersion {
	var out []statedVersion
	if it.root == "" {
		for _, v := range sorted(it.versions) {
			if it.versions[v] == packageJSON {
				out = append(out, statedVersion{v, packageJSON})
			}
		}
	}
	if len(out) == 0 {
		version, by := it.best()
		out = append(out, statedVersion{version, by})
	}
	return out
}

func describe(it *item, version string, by evidence) fnvet.Package {
	how := it.by.String()
	if version != "" && by != it.by {
		how += "+" + by.String()
	}
	return fnvet.Package{
		PURL: entry.PURL(entry.NPM, it.name, version), Name: it.name, Version: version, Ecosystem: entry.NPM,
		Kind: fnvet.Bundled, Reachable: fnvet.ReachUnknown, Licenses: entry.Licenses(it.licenses...),
		Locations: []fnvet.Location{{Kind: fnvet.Bundled, Evidence: how, Confidence: confidence(it.by, version, by)}},
	}
}

// confidence grades a name and version. Paths and package.json files are what
// the package manager wrote; comments and constants are the authors' word and may be
// stale; a lone name in a comment or a text may have been copied.
func confidence(name evidence, version string, by evidence) fnvet.Confidence {
	switch {
	case name <= moduleName && (version == "" || by <= packageJSON):
		return fnvet.ConfidenceHigh
	case name <= moduleName, name == licenseFile, version != "":
		return fnvet.ConfidenceMedium
	}
	return fnvet.ConfidenceLow
}
