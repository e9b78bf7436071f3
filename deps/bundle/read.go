package bundle

import (
	"bytes"
	"strings"
)

func lastMapComment(code []byte) int { return bytes.LastIndex(code, []byte("# sourceMappingURL=")) }

// byMap adds the packages of a source map's sources, with versions from the
// package.json files and the code among them.
func (v *inventory) byMap(data []byte) error {
	sources, err := readMap(data)
	var buf []byte
	stray := false
	for _, s := range sources {
		p, ok := placeOf(s.path)
		if !ok {
			stray = stray || climbs(s.path)
			continue
		}
		it := v.add(p, sourceMap, "", noEvidence)
		if len(s.content) == 0 || len(s.content) > maxContent {
			continue
		}
		file := strings.TrimPrefix(strings.TrimPrefix(s.path, p.root), "/")
		if file != "package.json" && strings.HasSuffix(file, "/package.json") {
			continue // "type": "module" and the like, for a folder
		}
		buf = unescape(buf[:0], s.content)
		readModule(buf, p, s.path, it)
	}
	if len(sources) > 0 && err == nil && !stray {
		v.complete = true
	}
	return err
}

// climbs says whether a source lies outside the project, by webpack's count: a
// loader has taken it from the map of a package, where paths are relative to
// that package's own sources and no longer name it.
func climbs(path string) bool {
	rest, ok := strings.CutPrefix(path, "webpack://")
	if !ok {
		return false
	}
	_, rest, _ = strings.Cut(rest, "/")
	return strings.HasPrefix(rest, "../")
}

// byCode adds what the code of a script shows. A script that has no bundler's
// loader is only asked for the paths of modules and what comments say of itself.
func (v *inventory) byCode(code []byte, bundled bool, known map[uint64]knownText) {
	all := v.byMarkers(code)
	if bundled && v.byNames(code) {
		all = true
	}
	v.complete = v.complete || all
	if !bundled && len(v.items) == 0 && len(code) < minSquashed {
		return
	}
	for _, m := range manifests(code) {
		it := v.add(place{name: m.name}, packageJSON, m.version, packageJSON)
		it.licenses = append(it.licenses, m.license...)
	}
	comments(code, v.named)
	v.byKnown(code, known)
}

// named notes a package that a comment names, unless it is a module of Node or
// a path has named its directory without the comment's help.
func (v *inventory) named(name, version string, by evidence) {
	if builtin(name) && version == "" {
		return
	}
	v.add(place{name: name}, by, version, by)
}

// byLicenseFile reads webpack's index.js.LICENSE.txt, which holds the comments
// taken out of the code, and ncc's licenses.txt: name, licence, text, blank line.
func (v *inventory) byLicenseFile(data []byte) {
	if bytes.HasPrefix(bytes.TrimLeft(data, " \r\n\t"), []byte("/*")) || bytes.HasPrefix(data, []byte("//")) {
		comments(data, v.named)
		return
	}
	blank := true
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		name := string(bytes.TrimRight(line, "\r"))
		if blank && len(name) < 215 && npmName(name) {
			next, _, _ := bytes.Cut(data, []byte("\n"))
			if l := strings.TrimSpace(string(next[:min(len(next), 100)])); licenseID(l) {
				it := v.add(place{name: name}, licenseFile, "", noEvidence)
				it.licenses = append(it.licenses, l)
				v.complete = true // the plugin lists the package of every module
			}
		}
		blank = strings.TrimSpace(name) == ""
	}
}

// licenseID says whether a line is an SPDX expression or what packages write
// in its place, and not the text of a licence.
func licenseID(s string) bool {
	if s == "" || len(s) > 60 || len(strings.Fields(s)) > 5 {
		return false
	}
	for _, id := range []string{"MIT", "ISC", "BSD", "Apache", "0BSD", "Unlicense", "CC0", "CC-BY", "MPL", "BlueOak", "Python", "WTFPL", "Zlib", "GPL", "LGPL", "AGPL", "Artistic", "AFL", "EPL", "Public Domain", "SEE LICENSE", "UNLICENSED", "Custom"} {
		if strings.Contains(s, id) {
			return true
		}
	}
	return false
}
