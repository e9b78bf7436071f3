package java

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// An identity is what a jar is by its file name, manifest and classes.
type identity struct {
	artifact, version string
	groups            []string // likeliest first
	fromName          bool     // the file name has the version
	code              bool     // it holds classes, or its manifest says what it is
}

// known says whether an identity is worth a package: artifact and version, and
// code. A jar that states the coordinates of others (poms of them) must also be
// named like an artifact with its version, or it is the program itself.
func (id identity) known(poms int) bool {
	if id.artifact == "" || id.version == "" || !id.code {
		return false
	}
	return poms == 0 || id.fromName
}

func (r *jar) identify() identity {
	ext := strings.ToLower(path.Ext(r.name))
	if ext == ".war" || ext == ".ear" || r.name == "" {
		return identity{}
	}
	stem := r.name
	if ext == ".jar" || ext == ".hpi" || ext == ".jpi" || ext == ".zip" {
		stem = r.name[:len(r.name)-len(ext)]
	}
	m := r.manifest
	id := identity{code: len(r.dirs) > 0 || symbolicName(m) != "" || m["implementation-title"] != ""}
	stated := firstOf(m["implementation-version"], m["plugin-version"], m["bundle-version"], m["specification-version"])
	stated, _, _ = strings.Cut(stated, " ")
	id.artifact, id.version = splitName(stem, stated)
	id.fromName = id.version != ""
	group := ""
	if g, rest, ok := strings.Cut(m["implementation-title"], "#"); ok { // "org.elasticsearch#server;8.14.3"
		group = g
		if a, _, _ := strings.Cut(rest, ";"); !id.fromName {
			id.artifact = a
		}
	} else if !id.fromName {
		id.artifact = statedArtifact(m, stem)
	}
	if !id.fromName && resolved(stated) {
		id.version = stated
	}
	if !resolved(id.artifact) {
		return identity{}
	}
	id.groups = groups(m, group, id.artifact, commonPackage(r.dirs))
	return id
}

// statedArtifact names the artifact of a jar whose file name has no version.
func statedArtifact(m map[string]string, stem string) string {
	symbolic := symbolicName(m)
	for _, t := range []string{m["implementation-title"], symbolic, m["short-name"]} {
		if t == stem || strings.HasSuffix(t, "."+stem) {
			return stem
		}
	}
	if t := m["implementation-title"]; resolved(t) {
		return t
	}
	if t := m["short-name"]; resolved(t) {
		return t
	}
	if i := strings.LastIndexByte(symbolic, '.'); i >= 0 {
		return symbolic[i+1:]
	}
	return stem
}

func symbolicName(m map[string]string) string {
	name, _, _ := strings.Cut(m["bundle-symbolicname"], ";")
	return strings.TrimSpace(name)
}

// A version as it stands in file names, with what may follow its numbers, and
// classifiers that may follow the version.
var (
	versionText = lazyregexp.New(`^\d+\w*(?:\.\w+)*(?:-(?:jre|android|snapshot|release|final|ga|alpha|beta|rc|cr|m|b|pre|incubating|jdk|java|redhat|patch|build|sp|v|\d)[\w.]*)*`)
	classifier  = lazyregexp.New(`^-(?:all|shaded|uber|bundle|jar-with-dependencies|with-dependencies|nodep|no_aop|linux|osx|windows|natives?|x86|aarch|hadoop\d|tests?|plain|exec|runtime|standalone|full|min|classes|embedded)[\w.-]*$`)
)

// splitName splits a file name without its extension: "log4j-1.2-api-2.14.1"
// is log4j-1.2-api at 2.14.1. stated is the version the manifest has, or "".
func splitName(stem, stated string) (artifact, version string) {
	if stated != "" && len(stem) > len(stated)+1 && strings.HasSuffix(stem, "-"+stated) {
		return stem[:len(stem)-len(stated)-1], stated
	}
	for i := 1; i+1 < len(stem); i++ {
		if stem[i] != '-' || stem[i+1] < '0' || stem[i+1] > '9' {
			continue
		}
		rest := stem[i+1:]
		v := rest[:len(versionText().FindString(strings.ToLower(rest)))]
		tail := rest[len(v):]
		if v != "" && (tail == "" || classifier().MatchString(strings.ToLower(tail))) {
			return stem[:i], v
		}
	}
	return stem, ""
}

// groups lists candidate group ids, likeliest first: what is known of the
// artifact, what the manifest states, what its names and the packages of the
// classes suggest. A vendor as wide as org.apache comes last.
func groups(m map[string]string, stated, artifact, common string) []string {
	var out []string
	add := func(g string) {
		g = strings.ToLower(strings.Trim(g, ". "))
		if resolved(g) && len(g) <= entry.MaxField && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	add(knownGroup(artifact))
	vendor := m["implementation-vendor-id"]
	wide := strings.Count(vendor, ".") < 2
	for _, g := range []string{stated, m["group-id"], vendor} {
		if domain(g) && (g != vendor || !wide) {
			add(g)
		}
	}
	bare := strings.TrimSuffix(strings.TrimSuffix(artifact, "-api"), "-impl")
	for _, name := range []string{symbolicName(m), m["automatic-module-name"], bare, common} {
		if domain(name) {
			add(parent(name, artifact))
			add(name)
		}
	}
	if domain(vendor) {
		add(vendor)
	}
	for p := common; domain(common) && strings.Count(p, ".") > 1; {
		p = p[:strings.LastIndexByte(p, '.')]
		add(p)
	}
	if len(out) > 0 {
		add(artifact) // commons-io:commons-io and other old ones
	}
	return out
}

// parent cuts the part of a dotted name that stands for the artifact:
// org.apache.commons.lang3 of commons-lang3 is org.apache.commons,
// com.fasterxml.jackson.core.jackson-databind is com.fasterxml.jackson.core.
func parent(name, artifact string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || strings.Count(name, ".") < 2 {
		return name
	}
	last, lower := strings.ToLower(name[i+1:]), strings.ToLower(artifact)
	tokens := strings.FieldsFunc(lower, func(r rune) bool { return r == '-' || r == '.' || r == '_' })
	if last == lower || slices.Contains(tokens, last) || strings.Contains(strings.ReplaceAll(lower, "-", ""), last) {
		return name[:i]
	}
	return name
}

// domain says whether a name looks like a reversed domain: "org.x", "com.x.y".
func domain(name string) bool {
	first, rest, ok := strings.Cut(name, ".")
	if !ok || rest == "" || !resolved(name) || strings.ContainsAny(name, "/\\;,") || slices.Contains(strings.Split(name, "."), "") {
		return false
	}
	switch first {
	case "javax", "jakarta", "info", "name", "software", "cloud", "tech":
		return true
	}
	return len(first) == 2 || len(first) == 3
}

// commonPackage is the longest package that holds at least four fifths of the
// classes, with dots, or "".
func commonPackage(dirs map[string]int) string {
	total := 0
	under := make(map[string]int)
	for dir, n := range dirs {
		total += n
		for p := dir; p != "." && p != "" && p != "/"; p = path.Dir(p) {
			under[p] += n
		}
	}
	best := ""
	for p, n := range under {
		longer := strings.Count(p, "/") > strings.Count(best, "/")
		if n*5 >= total*4 && (best == "" || longer) {
			best = p
		}
	}
	return strings.ReplaceAll(best, "/", ".")
}

// parseManifest reads the main section of MANIFEST.MF, with lower-case keys.
func parseManifest(data []byte) map[string]string {
	out := make(map[string]string)
	last := ""
	for len(data) > 0 {
		raw, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line := string(bytes.TrimRight(raw, "\r"))
		switch {
		case line == "":
			if len(out) > 0 {
				return out
			}
		case line[0] == ' ':
			if last != "" && len(out[last]) < maxFile {
				out[last] += line[1:]
			}
		default:
			key, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(key)
			out[last] = strings.TrimPrefix(value, " ")
		}
	}
	return out
}

// parseProperties reads the simple key=value lines of pom.properties.
func parseProperties(data []byte) map[string]string {
	out := make(map[string]string)
	for len(data) > 0 {
		raw, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line := strings.TrimSpace(string(raw))
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		if i := strings.IndexAny(line, "=:"); i > 0 {
			out[strings.TrimSpace(line[:i])] = strings.TrimSpace(line[i+1:])
		}
	}
	return out
}
