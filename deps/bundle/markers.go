package bundle

import (
	"bytes"
	"slices"
	"strings"
)

// A marker is where a bundler says which module the code after it is of.
type marker struct {
	pos     int
	path    string // "" when the bundler gave it a number
	mention bool   // names a module whose code is elsewhere
	keyed   bool   // a key that code written by hand may have too
	line    bool   // a line with nothing but a path, as esbuild and a few authors write
}

// maxMarkers bounds the modules of one bundle.
const maxMarkers = 500_000

// markers lists the modules of a bundle in the order of their code: comments
// of esbuild, webpack, ncc and rspack, and the keys of tables of modules.
func markers(code []byte) []marker {
	out := lineMarkers(code, keyMarkers(code, nil))
	slices.SortFunc(out, func(a, b marker) int {
		if a.pos != b.pos {
			return a.pos - b.pos
		}
		return strings.Compare(a.path, b.path)
	})
	return out
}

// lineMarkers reads the comments that stand on lines of their own.
func lineMarkers(code []byte, out []marker) []marker {
	for i := 0; i < len(code) && len(out) < maxMarkers; {
		end := bytes.IndexByte(code[i:], '\n')
		if end < 0 {
			end = len(code) - i
		}
		line := code[i : i+end]
		if len(line) > 4 && len(line) < 1024 {
			line = bytes.TrimSpace(line)
			if m, ok := lineMarker(line); ok {
				m.pos = i
				out = append(out, m)
			}
		}
		i += end + 1
	}
	return out
}

func lineMarker(line []byte) (marker, bool) {
	switch {
	case bytes.HasPrefix(line, []byte("/***/ ")) && bytes.HasSuffix(line, []byte(":")):
		key := string(line[len("/***/ ") : len(line)-1])
		if name := strings.Trim(key, `"'`); name != key {
			return marker{path: name}, true
		}
		return marker{}, true
	case bytes.HasPrefix(line, []byte("// EXTERNAL MODULE: ")):
		return marker{path: string(line[len("// EXTERNAL MODULE: "):]), mention: true}, true
	case bytes.HasPrefix(line, []byte("// CONCATENATED MODULE: ")):
		return marker{path: string(line[len("// CONCATENATED MODULE: "):])}, true
	case bytes.HasPrefix(line, []byte(";// CONCATENATED MODULE: ")):
		return marker{path: string(line[len(";// CONCATENATED MODULE: "):])}, true
	case bytes.HasPrefix(line, []byte(";// ")):
		return pathLine(line[len(";// "):])
	case bytes.HasPrefix(line, []byte("// ")):
		return pathLine(line[len("// "):])
	case bytes.HasPrefix(line, []byte("//# sourceURL=webpack:")):
		return pathLine(line[len("//# sourceURL="):])
	}
	return marker{}, false
}

// pathLine takes a line that is nothing but the path of a code file.
func pathLine(text []byte) (marker, bool) {
	path := string(text)
	if strings.ContainsAny(path, " \t,;=<>'\"`") || strings.HasPrefix(path, "http") || !hasCodeExt(strings.TrimSuffix(path, "?")) {
		return marker{}, false
	}
	return marker{path: path, line: true}, true
}

// keyMarkers reads quoted paths that are keys of a table of modules:
// `"./node_modules/x/y.js":` and `"node_modules/x/y.js"(`.
func keyMarkers(code []byte, out []marker) []marker {
	for _, mark := range []string{modules, `"./`} {
		for i := 0; len(out) < maxMarkers; {
			j := bytes.Index(code[i:], []byte(mark))
			if j < 0 {
				break
			}
			i += j
			start, end := quoted(code, i+1)
			if start >= 0 && (mark == modules || !bytes.Contains(code[start:end], []byte(modules))) {
				next := bytes.TrimLeft(code[end+1:min(len(code), end+8)], " \n")
				path := string(code[start:end])
				if len(next) > 0 && (next[0] == ':' || next[0] == '(') && hasCodeExt(path) {
					out = append(out, marker{pos: start, path: path, keyed: mark != modules})
				}
			}
			i += len(mark)
		}
	}
	return out
}

// quoted returns the bounds of the quoted string around position i, or -1.
// Paths hold neither quotes, blanks nor the end of a line.
func quoted(code []byte, i int) (start, end int) {
	start = i
	for start > 0 && i-start < 512 && !bytes.ContainsRune([]byte("\"'` \n(){}"), rune(code[start-1])) {
		start--
	}
	if start == 0 || code[start-1] != '"' && code[start-1] != '\'' {
		return -1, -1
	}
	quote := code[start-1]
	for end = i; end < len(code) && end-i < 1024; end++ {
		switch code[end] {
		case quote:
			return start, end
		case '\n', ' ':
			return -1, -1
		}
	}
	return -1, -1
}

// maxRegion bounds the code that is looked at for the version of one module, in bytes.
const maxRegion = 4 << 20

// byMarkers adds the packages whose modules have markers, and says whether
// every module has one: none has only a number, and the paths are not just
// those of a few files, which code may name for its own reasons.
func (v *inventory) byMarkers(code []byte) (all bool) {
	list := markers(code)
	paths, own, numbers := 0, 0, 0
	for i, m := range list {
		p, ok := placeOf(m.path)
		switch {
		case m.path == "":
			numbers++
		case m.mention:
		case ok || !m.keyed && !m.line:
			paths++
		case m.line:
			own++
		}
		if !ok {
			continue
		}
		it := v.add(p, modulePath, "", noEvidence)
		if m.mention {
			continue
		}
		end := len(code)
		if i+1 < len(list) {
			end = list[i+1].pos
		}
		region := code[m.pos:min(end, m.pos+maxRegion)]
		readModule(region, p, m.path, it)
	}
	return numbers == 0 && (paths > 0 || own > 0 && len(code) < minSquashed)
}

// readModule looks in the code of one module of a package for its version.
func readModule(code []byte, p place, path string, it *item) {
	if strings.HasSuffix(path, "package.json") {
		for _, found := range manifests(code) {
			if found.name == p.name {
				it.version(found.version, packageJSON)
				it.licenses = append(it.licenses, found.license...)
			}
		}
		return
	}
	constants(code, p.name, it.version)
}

// byNames adds the packages that the tables of browserify and parcel name:
// after each module stands what it requires, {"./a":2,"lodash":5}, also in
// minified bundles. It says whether they name everything: parcel hashes what
// modules written as ECMAScript import.
func (v *inventory) byNames(code []byte) (all bool) {
	tables, hashed := 0, false
	for i := 0; ; {
		j := bytes.Index(code[i:], []byte("},{"))
		if j < 0 {
			return tables > 0 && !hashed
		}
		i += j + len("},{")
		names, n, ok := requireTable(code[i:])
		if !ok {
			continue
		}
		i += n
		tables++
		for _, name := range names {
			if hashedName(name) {
				hashed = true
				continue
			}
			v.add(place{name: name}, moduleName, "", noEvidence)
		}
	}
}

// hashedName says whether a name is one of parcel's hashes: 16 hex digits, less
// zeros before them.
func hashedName(s string) bool {
	return len(s) >= 10 && len(s) <= 16 && strings.Trim(s, "0123456789abcdef") == ""
}

// requireTable reads `"./a":2,lodash:5}]` up to its end and returns the
// packages that have a number or a name in the bundle.
func requireTable(code []byte) (names []string, n int, ok bool) {
	for n < len(code) {
		key, m := tableWord(code[n:])
		if m == 0 {
			break
		}
		n += m
		n += blanks(code[n:])
		if n >= len(code) || code[n] != ':' {
			return nil, 0, false
		}
		n++
		n += blanks(code[n:])
		value, m := tableWord(code[n:])
		if m == 0 {
			return nil, 0, false
		}
		n += m
		name := leadingName(key)
		if value != "undefined" && value != "void" && value != key && name != "" && !strings.HasPrefix(key, "node:") && !strings.HasPrefix(key, "@parcel/transformer") {
			names = append(names, strings.Clone(name))
		}
		n += blanks(code[n:])
		if n < len(code) && code[n] == ',' {
			n++
			n += blanks(code[n:])
		}
	}
	if n+1 >= len(code) || code[n] != '}' || code[n+1] != ']' || !tableGoesOn(code[n+2:]) {
		return nil, 0, false
	}
	// browserify's mark of a module whose code it writes once is no package.
	names = slices.DeleteFunc(names, func(name string) bool { return name == "dup" })
	return names, n, true
}

// tableGoesOn says whether the next module of a table follows, or its end:
// `,12:[function`, `,"aB3dE":[function` or `},{},[1`.
func tableGoesOn(code []byte) bool {
	code = code[:min(len(code), 600)]
	if bytes.HasPrefix(code, []byte("},{},[")) {
		return true
	}
	if len(code) == 0 || code[0] != ',' {
		return false
	}
	n := 1 + blanks(code[1:])
	_, m := tableWord(code[n:])
	rest := code[n+m:]
	return m > 0 && (bytes.HasPrefix(rest, []byte(":[function")) || bytes.HasPrefix(rest, []byte(":[(")) || bytes.HasPrefix(rest, []byte(":[\n")))
}

func blanks(code []byte) int {
	n := 0
	for n < len(code) && n < 64 && (code[n] == ' ' || code[n] == '\n' || code[n] == '\t') {
		n++
	}
	return n
}

// tableWord reads a key or value: a string, a number or an identifier.
func tableWord(code []byte) (string, int) {
	if len(code) == 0 {
		return "", 0
	}
	if q := code[0]; q == '"' || q == '\'' {
		end := bytes.IndexByte(code[1:min(len(code), 512)], q)
		if end <= 0 {
			return "", 0
		}
		return string(code[1 : 1+end]), end + 2
	}
	n := 0
	for n < len(code) && n < 256 && (word(code[n]) || code[n] == '_' || code[n] == '$') {
		n++
	}
	if bytes.HasPrefix(code[n:], []byte(" 0")) && string(code[:n]) == "void" {
		return "void", n + 2
	}
	return string(code[:n]), n
}
