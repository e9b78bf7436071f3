package bundle

import (
	"bytes"
	"strings"
)

// A manifest is what an embedded package.json says.
type manifest struct {
	name, version string
	license       []string
}

// Limits of embedded manifests, in bytes and levels.
const (
	maxManifest      = 256 << 10
	maxString        = 64 << 10
	maxManifestDepth = 32
)

// manifests lists the package.json objects in code: written as JSON, as a
// literal of JavaScript with bare keys, or as JSON in a string. The name comes
// first, as npm writes it. An object counts only when, besides name and version,
// it has another key of package.json; a private one is a project's own.
func manifests(code []byte) []manifest {
	var out []manifest
	budget := 16*len(code) + maxManifest
	for i := 0; budget > 0; {
		j := bytes.Index(code[i:], []byte("name"))
		if j < 0 {
			break
		}
		i += j
		open := objectStart(code, i)
		i += len("name")
		if open < 0 {
			continue
		}
		r := literal{code: code[open:min(len(code), open+maxManifest)]}
		if m, ok := r.manifest(); ok {
			out = append(out, m)
			i = max(i, open+r.pos)
		}
		budget -= r.pos + r.work
	}
	return out
}

// objectStart returns the position of the brace before the first key at i, or -1.
func objectStart(code []byte, i int) int {
	for n := 0; i > 0 && n < 32; n++ {
		i--
		switch code[i] {
		case '{':
			return i
		case '"', '\'', ' ', '\n', '\r', '\t', '\\':
		case 'n', 'r', 't': // of an escaped end of line
			if i == 0 || code[i-1] != '\\' {
				return -1
			}
		default:
			return -1
		}
	}
	return -1
}

// A literal reads an object of JavaScript or JSON.
type literal struct {
	code []byte
	pos  int
	work int // bytes looked at by text
}

// manifest reads the object at the start, as far as it needs.
func (r *literal) manifest() (manifest, bool) {
	m := manifest{}
	known, private := 0, false
	r.pos = 1
	for {
		r.space()
		key, ok := r.word()
		if !ok || !r.take(':') {
			break
		}
		r.space()
		text, isText := r.peekText()
		switch key {
		case "name":
			m.name = text
		case "version":
			m.version = text
		case "license":
			if isText {
				m.license = []string{text}
			}
			known++
		case "private":
			private = bytes.HasPrefix(r.code[r.pos:], []byte("true")) || bytes.HasPrefix(r.code[r.pos:], []byte("!0"))
		case "main", "scripts", "dependencies", "devDependencies", "repository", "description", "author", "keywords", "homepage", "bugs", "engines", "files", "types", "exports", "module", "sideEffects":
			known++
		}
		if !r.value(0) || !r.take(',') {
			break
		}
	}
	m.version = exactVersion(m.version)
	ok := npmName(m.name) && m.version != "" && known > 0 && !private
	m.name, m.version = strings.Clone(m.name), strings.Clone(m.version)
	return m, ok
}

func (r *literal) space() {
	for r.pos < len(r.code) {
		switch c := r.code[r.pos]; {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			r.pos++
		case c == '\\' && r.pos+1 < len(r.code) && (r.code[r.pos+1] == 'n' || r.code[r.pos+1] == 't' || r.code[r.pos+1] == 'r'):
			r.pos += 2
		default:
			return
		}
	}
}

func (r *literal) take(c byte) bool {
	r.space()
	if r.pos >= len(r.code) || r.code[r.pos] != c {
		return false
	}
	r.pos++
	return true
}

// word reads a key, quoted or not.
func (r *literal) word() (string, bool) {
	if text, ok := r.text(); ok {
		return text, true
	}
	start := r.pos
	for r.pos < len(r.code) && (word(r.code[r.pos]) || r.code[r.pos] == '_' || r.code[r.pos] == '$') {
		r.pos++
	}
	return string(r.code[start:r.pos]), r.pos > start
}

// text reads a string; one inside a string has a backslash before each quote.
func (r *literal) text() (string, bool) {
	start := r.pos
	for start < len(r.code) && r.code[start] == '\\' && start-r.pos < 3 {
		start++
	}
	slashes := start - r.pos
	if start >= len(r.code) || r.code[start] != '"' && r.code[start] != '\'' && r.code[start] != '`' {
		return "", false
	}
	quote := r.code[start]
	near := r.code[:min(len(r.code), start+maxString)]
	for i := start + 1; i < len(near); i++ {
		j := bytes.IndexByte(near[i:], quote)
		if j < 0 {
			break
		}
		i += j
		back := i
		for back > start+1 && r.code[back-1] == '\\' {
			back--
		}
		if n := i - back; n == slashes || slashes == 0 && n%2 == 0 {
			r.work += i - start
			r.pos = i + 1
			return string(r.code[start+1 : back]), true
		}
	}
	r.work += len(near) - start
	return "", false
}

// peekText reads a string without stepping over it.
func (r *literal) peekText() (string, bool) {
	at := r.pos
	text, ok := r.text()
	r.pos = at
	return text, ok
}

// value steps over a value.
func (r *literal) value(depth int) bool {
	r.space()
	if r.pos >= len(r.code) || depth > maxManifestDepth {
		return false
	}
	if _, ok := r.text(); ok {
		return true
	}
	switch r.code[r.pos] {
	case '{', '[':
		return r.list(depth, r.code[r.pos] == '{')
	}
	start := r.pos
	for r.pos < len(r.code) && (word(r.code[r.pos]) || bytes.IndexByte([]byte("!-+._$"), r.code[r.pos]) >= 0) {
		r.pos++
	}
	return r.pos > start
}

func (r *literal) list(depth int, keyed bool) bool {
	end := byte(']')
	if keyed {
		end = '}'
	}
	r.pos++
	for {
		if r.take(end) {
			return true
		}
		r.space()
		if keyed {
			if _, ok := r.word(); !ok || !r.take(':') {
				return false
			}
		}
		if !r.value(depth + 1) {
			return false
		}
		if !r.take(',') {
			return r.take(end)
		}
	}
}
