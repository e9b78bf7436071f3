package bundle

import (
	"bytes"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/npm"
)

// What is looked at to tell a bundle from code written by hand, in bytes.
const (
	headLen = 4 << 10
	tailLen = 1 << 10
	// minCode is the size below which a file holds no package worth the name.
	minCode = 200
	// minSquashed and minLarge are the sizes from which code that is minified,
	// and code that is not, is taken for a bundle without any other sign of one.
	minSquashed = 32 << 10
	minLarge    = 512 << 10
)

// A signs is how sure it is that a file is a bundle.
type signs int

const (
	none    signs = iota
	weak          // transpiled or minified, or very large: a bundle, if packages show
	certain       // has the loader of a bundler
)

// script says whether a file is a script of the function's own, and not one of an
// installed package or of the base image.
func script(f *fnvet.File) bool {
	if f.Link != "" || f.Size < minCode {
		return false
	}
	switch path.Ext(f.Name) {
	case ".js", ".mjs", ".cjs":
		return !entry.ThirdParty(f.Name) && (f.Layer == "" || !platform(f.Name))
	}
	return false
}

// platform says whether a path in an image belongs to what the base image
// brings: the runtimes of AWS, Node's tools and Yarn, which is one bundle.
func platform(name string) bool {
	for _, dir := range []string{"var/runtime/", "var/lang/", "usr/lib/", "usr/local/lib/", "usr/libexec/", "opt/yarn-v"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// loaders are names and texts of the loaders that bundlers write before or
// after the modules; those of esbuild and rollup that code which was only
// transpiled has too are not among them.
var loaders = [...]string{
	"__webpack_require__", "webpackBootstrap", "__webpack_modules__", "__webpack_exports__", "webpackChunk", "webpackJsonp", "webpack/universalModuleDefinition",
	"__nccwpck_require__", "For license information please see", "__commonJS(", "__commonJS =", "__commonJS=", "__esm =", "__esm=",
	"parcelRequire", "$parcel$", "parcelRegister", `code="MODULE_NOT_FOUND"`, `.code = "MODULE_NOT_FOUND"`, "commonjsGlobal", "getDefaultExportFromCjs",
	"getAugmentedNamespace", "require$$0",
	`,"default")?`, // getDefaultExportFromCjs, minified "__swcpack_require__", "__spack_require__", "__turbopack_", "TURBOPACK", "__rspack_", "__bun_",
	"// node_modules/", "!*** ./",
}

// look finds the signs in the first and last bytes of a file.
func look(data []byte) signs {
	head, tail := data[:min(len(data), headLen)], data[max(0, len(data)-tailLen):]
	for _, text := range loaders {
		if bytes.Contains(head, []byte(text)) || bytes.Contains(tail, []byte(text)) {
			return certain
		}
	}
	switch {
	case esbuildLoader(head), numberedModules(head):
		return certain
	case bytes.Contains(head, []byte("getOwnPropertyNames")) && bytes.Contains(head, []byte("getOwnPropertyDescriptor")):
		return weak
	case len(data) >= minLarge, len(data) >= minSquashed && squashed(head):
		return weak
	case bytes.Contains(tail, []byte("# sourceMappingURL=")), base64Tail(tail):
		return weak
	}
	return none
}

// esbuildLoader knows the minified wrapper of CommonJS modules:
// ()=>(t||e((t={exports:{}}).exports,t),t.exports).
func esbuildLoader(head []byte) bool {
	return bytes.Contains(head, []byte("={exports:{}}).exports,")) && bytes.Contains(head, []byte("Object.defineProperty"))
}

// numberedModules knows webpack's table of modules, minified: {12:(e,t,r)=>{ or {12:function(e,t,r){.
func numberedModules(head []byte) bool {
	for i, c := range head {
		if c != '{' && c != ',' {
			continue
		}
		j := i + 1
		for j < len(head) && head[j] >= '0' && head[j] <= '9' {
			j++
		}
		if j == i+1 || j >= len(head) || head[j] != ':' {
			continue
		}
		rest := head[j+1:]
		if bytes.HasPrefix(rest, []byte("function(")) {
			return true
		}
		n := 0
		for n < len(rest) && n < 40 && (word(rest[n]) || bytes.IndexByte([]byte("(),_$ "), rest[n]) >= 0) {
			n++
		}
		if bytes.HasPrefix(rest[n:], []byte("=>")) {
			return true
		}
	}
	return false
}

// squashed says whether code was minified: hardly any ends of lines.
func squashed(head []byte) bool {
	lines := bytes.Count(head, []byte("\n"))
	return lines*400 < len(head)
}

// base64Tail says whether a file ends as an inline source map does.
func base64Tail(tail []byte) bool {
	tail = bytes.TrimRight(tail, "\r\n =*/")
	if len(tail) < 256 {
		return false
	}
	for _, c := range tail[len(tail)-256:] {
		if !word(c) && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// mapOf returns the name of the script that a source map stands beside.
func mapOf(name string) (string, bool) {
	js, ok := strings.CutSuffix(name, ".map")
	if !ok || entry.ThirdParty(name) {
		return "", false
	}
	switch path.Ext(js) {
	case ".js", ".mjs", ".cjs":
		return js, true
	}
	return "", false
}

// lockParser returns the reader of a project's own lockfile by its name, or nil.
func lockParser(name string) func([]byte) ([]fnvet.Package, error) {
	if entry.ThirdParty(name) {
		return nil
	}
	switch path.Base(name) {
	case "package-lock.json", "npm-shrinkwrap.json":
		return npm.ParseLock
	case "yarn.lock":
		return npm.ParseYarn
	case "pnpm-lock.yaml":
		return npm.ParsePnpm
	case "bun.lock":
		return npm.ParseBun
	}
	return nil
}

// licensesOf returns the script that a list of licences stands beside: exactly
// that of webpack ("index.js.LICENSE.txt"), or any in the directory for ncc's
// and rollup's, where js is "".
func licensesOf(name string) (js string, ok bool) {
	if entry.ThirdParty(name) {
		return "", false
	}
	base := path.Base(name)
	if js, found := strings.CutSuffix(name, ".LICENSE.txt"); found {
		return js, true
	}
	return "", base == "licenses.txt" || base == "LICENSES.txt"
}
