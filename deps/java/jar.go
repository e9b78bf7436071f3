// Package java finds the Maven packages of jars, wars and exploded class trees,
// and reads gradle.lockfile and pom.xml.
//
// A jar that states its coordinates (META-INF/maven/*/*/pom.properties) is
// taken at its word, once for each statement, so shaded jars list all they
// hold. For other jars the artifact and version come from the file name and
// manifest, and candidate groups from the manifest and the packages of the
// classes: an advisory names group and artifact, and a wrong group hides it.
// It reads no code inside classes.
package java

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha1" //nolint:gosec // names a file as registries do; nothing is trusted for it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// Limits of what is kept for one jar and read of one of its files, in bytes.
const (
	maxDirs = 4096
	maxFile = 4 << 20
)

// Jars lists the packages of jars from their entries. One value serves one scan.
type Jars struct {
	mu   sync.Mutex
	jars map[string]*jar // by container, directory of META-INF and layer
}

// A jar is what was seen of one archive, or of one exploded tree.
type jar struct {
	name     string // "lib/spring-core-5.3.0.jar" → "spring-core-5.3.0.jar"; "" for a tree
	path     string // of the archive, or ""
	layer    string
	manifest map[string]string
	manPath  string
	manSum   [sha256.Size]byte
	hashes   []fnvet.Hash
	poms     []pom
	dirs     map[string]int // classes by directory
}

// A pom is one statement of coordinates.
type pom struct {
	path, layer              string
	group, artifact, version string
	licenses                 []string
	supplier                 *fnvet.Party
	links                    []fnvet.Link
	full                     bool // pom.properties; false for a pom.xml
}

// NewJars returns a detector for one scan.
func NewJars() *Jars { return &Jars{jars: make(map[string]*jar)} }

// Want takes the jar itself (for its hashes), manifests, Maven coordinates and
// the names of classes.
func (j *Jars) Want(f *fnvet.File) bool {
	if f.Link != "" {
		return false
	}
	if strings.HasSuffix(f.Name, ".class") {
		return strings.Contains(f.Path, "!/")
	}
	switch path.Base(f.Name) {
	case "MANIFEST.MF":
		return path.Base(path.Dir(f.Name)) == "META-INF"
	case "pom.properties":
		return true
	case "pom.xml":
		_, _, ok := mavenDir(f.Name)
		return ok
	}
	return f.Archive && len(f.Data) > 4 && string(f.Data[:2]) == "PK" && jarLike(f.Name)
}

// jarLike leaves out zip archives known to be something else.
func jarLike(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".zip", ".whl", ".egg", ".nupkg", ".docx", ".xlsx", ".pptx", ".apk":
		return false
	}
	return true
}

// mavenDir splits "x/META-INF/maven/group/artifact/pom.properties".
func mavenDir(name string) (group, artifact string, ok bool) {
	parts := strings.Split(name, "/")
	n := len(parts)
	if n < 5 || parts[n-4] != "maven" || parts[n-5] != "META-INF" {
		return "", "", false
	}
	return parts[n-3], parts[n-2], true
}

// Detect notes one file; the packages come with Finish.
func (j *Jars) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	base := path.Base(f.Name)
	switch {
	case strings.HasSuffix(base, ".class"):
		j.class(f)
	case base == "MANIFEST.MF":
		if f.Size > maxFile {
			return limit(f), nil
		}
		m, sum := parseManifest(f.Data), sha256.Sum256(f.Data)
		j.with(f, path.Dir(path.Dir(f.Name)), func(r *jar) {
			if r.manifest == nil || bytes.Compare(sum[:], r.manSum[:]) > 0 { // of several entries of one name always the same
				r.manifest, r.manPath, r.manSum = m, f.Path, sum
			}
		})
	case base == "pom.properties" || base == "pom.xml":
		return j.pom(f)
	default:
		hashes := digests(f.Data)
		j.archive(f, hashes)
	}
	return fnvet.Facts{}, nil
}

func limit(f *fnvet.File) fnvet.Facts {
	return fnvet.Facts{Gaps: []fnvet.Gap{{Path: f.Path, Reason: fnvet.GapLimit, Detail: "not read for packages: over 4 MiB"}}}
}

// with changes the record of the jar whose root in f's container is root.
func (j *Jars) with(f *fnvet.File, root string, change func(*jar)) {
	if root == "." {
		root = ""
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.at(f.Container + "\x00" + root + "\x00" + f.Layer)
	if r.layer == "" {
		r.layer = f.Layer
	}
	if root == "" && r.name == "" {
		r.path = f.Container
		outer := f.Container
		if outer == "" {
			outer, _, _ = strings.Cut(f.Path, "!/")
		}
		if outer != f.Path {
			r.name = path.Base(outer)
		}
	}
	change(r)
}

func (j *Jars) at(key string) *jar {
	r := j.jars[key]
	if r == nil {
		r = &jar{dirs: make(map[string]int)}
		j.jars[strings.Clone(key)] = r
	}
	return r
}

// archive notes the jar itself, whose entries come with its path as container.
func (j *Jars) archive(f *fnvet.File, hashes []fnvet.Hash) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.at(f.Path + "\x00\x00" + f.Layer)
	r.name, r.path, r.layer, r.hashes = path.Base(f.Name), f.Path, f.Layer, hashes
}

func (j *Jars) class(f *fnvet.File) {
	dir := classDir(f.Name)
	if dir == "" {
		return
	}
	j.with(f, "", func(r *jar) {
		if _, ok := r.dirs[dir]; ok || len(r.dirs) < maxDirs {
			r.dirs[strings.Clone(dir)]++
		}
	})
}

// classDir is the directory of a class as its package says it; classes of a
// web application or boot jar are the application's own and give "".
func classDir(name string) string {
	if strings.HasPrefix(name, "WEB-INF/") || strings.HasPrefix(name, "BOOT-INF/") {
		return ""
	}
	if rest, ok := strings.CutPrefix(name, "META-INF/versions/"); ok {
		_, name, _ = strings.Cut(rest, "/")
	}
	dir := path.Dir(name)
	if dir == "." || strings.HasPrefix(dir, "META-INF") {
		return ""
	}
	return dir
}

func digests(data []byte) []fnvet.Hash {
	one, two, three := sha1.Sum(data), sha256.Sum256(data), sha512.Sum512(data) //nolint:gosec // see the import
	return []fnvet.Hash{
		{Alg: "SHA-1", Value: hex.EncodeToString(one[:])},
		{Alg: "SHA-256", Value: hex.EncodeToString(two[:])},
		{Alg: "SHA-512", Value: hex.EncodeToString(three[:])},
	}
}

var errNoCoordinates = errors.New("no groupId, artifactId and version")

// pom notes pom.properties or pom.xml under META-INF/maven/group/artifact.
func (j *Jars) pom(f *fnvet.File) (fnvet.Facts, error) {
	if f.Size > maxFile {
		return limit(f), nil
	}
	p := pom{path: f.Path, layer: f.Layer}
	p.group, p.artifact, _ = mavenDir(f.Name)
	var err error
	if path.Base(f.Name) == "pom.properties" {
		props := parseProperties(f.Data)
		p.full, p.version = true, props["version"]
		if props["groupId"] != "" && props["artifactId"] != "" {
			p.group, p.artifact = props["groupId"], props["artifactId"]
		}
	} else {
		var project project
		project, err = parseProject(f.Data)
		p.version = project.resolve(firstOf(project.Version, project.Parent.Version))
		p.licenses, p.supplier, p.links = project.licenses(), project.supplier(), project.links()
	}
	if !resolved(p.group, p.artifact, p.version) {
		if p.full && strings.Contains("/"+f.Name, "/META-INF/maven/") {
			return fnvet.Facts{}, errNoCoordinates
		}
		return fnvet.Facts{}, err
	}
	p.group, p.artifact, p.version = strings.Clone(p.group), strings.Clone(p.artifact), strings.Clone(p.version)
	root := path.Dir(f.Name)
	if i := strings.Index("/"+f.Name, "/META-INF/"); i >= 0 {
		root = strings.TrimSuffix(f.Name[:i], "/")
	}
	j.with(f, root, func(r *jar) { r.poms = append(r.poms, p) })
	return fnvet.Facts{}, err
}

// resolved says whether coordinates are there and hold no open ${property}.
func resolved(parts ...string) bool {
	for _, p := range parts {
		if p == "" || strings.ContainsAny(p, "${} :") {
			return false
		}
	}
	return true
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// Finish returns the packages of all jars.
func (j *Jars) Finish(_ context.Context, removed func(path, layer string) bool) (fnvet.Facts, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	keys := make([]string, 0, len(j.jars))
	for k := range j.jars {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var facts fnvet.Facts
	for _, k := range keys {
		r := j.jars[k]
		if r.path != "" && removed(r.path, r.layer) {
			continue
		}
		facts.Packages = append(facts.Packages, r.packages(removed)...)
	}
	return facts, nil
}

// packages lists what a jar states, and what it is if it does not state that.
func (r *jar) packages(removed func(path, layer string) bool) []fnvet.Package {
	slices.SortFunc(r.poms, func(a, b pom) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.group, b.group), cmp.Compare(a.artifact, b.artifact), cmp.Compare(a.version, b.version))
	})
	licenses := entry.Licenses(strings.Split(r.manifest["bundle-license"], ",")...)
	id := r.identify()
	var out []fnvet.Package
	seen := make(map[string]int)
	owned := false
	for _, p := range r.poms {
		if removed(p.path, p.layer) {
			continue
		}
		name := p.group + ":" + p.artifact
		if i, ok := seen[name+"@"+p.version]; ok {
			out[i].Licenses = entry.Sorted(append(out[i].Licenses, p.licenses...))
			if out[i].Supplier == nil {
				out[i].Supplier = p.supplier
			}
			out[i].Links = entry.Links(append(out[i].Links, p.links...))
			continue
		}
		pkg, ok := entry.Package(entry.Maven, name, p.version, fnvet.Installed)
		if !ok {
			continue
		}
		pkg.Licenses, pkg.Supplier, pkg.Links = p.licenses, p.supplier, p.links
		own := p.artifact == id.artifact || r.named(p)
		at := p.path
		if r.path != "" && (own || len(r.poms) == 1) {
			at = r.path
		}
		if own && !owned {
			owned = true
			pkg.Hashes, pkg.Licenses = r.hashes, append(pkg.Licenses, licenses...)
			r.vendor(&pkg)
		}
		pkg.Locations = []fnvet.Location{{Path: at, Layer: p.layer, Kind: fnvet.Installed}}
		seen[name+"@"+p.version] = len(out)
		out = append(out, pkg)
	}
	if owned || !id.known(len(r.poms)) {
		return out
	}
	if pkg, ok := r.guess(id); ok && !removed(r.manPath, r.layer) {
		pkg.Licenses, pkg.Hashes = licenses, r.hashes
		r.vendor(&pkg)
		out = append(out, pkg)
	}
	return out
}

// vendor adds what the manifest says of who made the jar, where no pom does:
// Bundle-Vendor (OSGi), Implementation-Vendor, Bundle-DocURL.
func (r *jar) vendor(pkg *fnvet.Package) {
	if pkg.Supplier == nil {
		pkg.Supplier = entry.Named(firstOf(r.manifest["bundle-vendor"], r.manifest["implementation-vendor"]), "", r.manifest["bundle-docurl"], true)
	}
	if len(pkg.Links) == 0 {
		pkg.Links = entry.Link(nil, fnvet.LinkWebsite, entry.Address(r.manifest["bundle-docurl"]))
	}
}

// named says whether a jar's file name is that of a pom's artifact.
func (r *jar) named(p pom) bool {
	stem := strings.TrimSuffix(r.name, path.Ext(r.name))
	return stem == p.artifact || strings.HasPrefix(stem, p.artifact+"-"+p.version)
}

// guess makes the package of a jar that states no coordinates.
func (r *jar) guess(id identity) (fnvet.Package, bool) {
	name := id.artifact
	if len(id.groups) > 0 {
		name = id.groups[0] + ":" + id.artifact
	}
	pkg, ok := entry.Package(entry.Maven, name, id.version, fnvet.Installed)
	if !ok {
		return pkg, false
	}
	pkg.Groups = id.groups
	at := r.path
	if at == "" {
		at = r.manPath
	}
	if at == "" {
		return pkg, false
	}
	pkg.Locations = []fnvet.Location{{Path: at, Layer: r.layer, Kind: fnvet.Installed}}
	return pkg, true
}
