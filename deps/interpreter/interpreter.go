// Package interpreter finds the interpreters and language runtimes that an image
// carries, in its distribution's packages or not: the versions of Node.js, Python,
// Ruby and PHP stand in the bytes of their binaries and libraries, those of Java
// and Go in the files they are released with. Nothing is run.
//
// They are packages of type generic, since no registry has them; Go's toolchain
// is one of Go's own database.
package interpreter

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// A rule tells one interpreter.
type rule struct {
	name string
	base func() *regexp.Regexp // of the file's name
	text func() *regexp.Regexp // of the version in its bytes, the first group
	hint string                // what every match begins with, to look for it fast; "" for none
	file bool                  // a text file, not a binary
}

// rules are the interpreters and where they state their versions.
var rules = [...]rule{
	{"node", lazyregexp.New(`^node(js)?$`), lazyregexp.New(`/node-v(\d+\.\d+\.\d+)(?:-[a-z]+[\d.]*)?\.tar\.gz`), "/node-v", false},
	{"node", lazyregexp.New(`^node$`), lazyregexp.New(`node\.js/v(\d+\.\d+\.\d+)`), "node.js/v", false},
	{"python", lazyregexp.New(`^(lib)?python[23]\.\d+`), nil, "", false}, // see ofPython
	{"ruby", lazyregexp.New(`^(ruby|libruby(-\d[\d.]*)?\.so[\d.]*)$`), lazyregexp.New(`\x00(?:ruby )?(\d+\.\d+\.\d+)(?:p\d+)? \(\d{4}-\d\d-\d\d `), "", false},
	{"ruby", lazyregexp.New(`^(ruby|libruby(-\d[\d.]*)?\.so[\d.]*)$`), lazyregexp.New(`\x00ruby (\d+\.\d+\.\d+)`), "\x00ruby ", false},
	{"php", lazyregexp.New(`^(php[\d.]*|php-fpm[\d.]*|php-cgi[\d.]*|libphp[\d.]*\.so)$`), lazyregexp.New(`X-Powered-By: PHP/(\d+\.\d+\.\d+)`), "X-Powered-By: PHP/", false},
	{"java", lazyregexp.New(`^release$`), lazyregexp.New(`(?m)^JAVA_VERSION="?(\d+[\w.]*)"?\r?$`), "JAVA_VERSION=", true},
	{"go", lazyregexp.New(`^VERSION$`), lazyregexp.New(`^go(\d+\.\d+[\w.]*)\s`), "go", true},
}

// Limits in bytes of a binary and of a text file.
const (
	maxBinary = 512 << 20
	maxText   = 64 << 10
)

// Want takes what goes by the name of an interpreter and looks like one.
func Want(f *fnvet.File) bool {
	if f.Link != "" || len(f.Data) == 0 {
		return false
	}
	base := path.Base(f.Name)
	for i := range rules {
		r := &rules[i]
		if !r.base().MatchString(base) {
			continue
		}
		if r.file {
			return f.Size <= maxText && bytes.Contains(f.Data, []byte(r.hint)) && (r.name != "go" || path.Base(path.Dir(f.Name)) == "go")
		}
		return f.Size <= maxBinary && executable(f.Data)
	}
	return false
}

func executable(data []byte) bool {
	return len(data) > 64 && (string(data[:4]) == "\x7fELF" || data[0] == 'M' && data[1] == 'Z' || string(data[:4]) == "\xcf\xfa\xed\xfe")
}

// Parse reads the version of one file that Want takes. A launcher that keeps its
// version in a library of its own states none and gives nothing.
func Parse(name string, data []byte) []fnvet.Package {
	base := path.Base(name)
	for i := range rules {
		r := &rules[i]
		if !r.base().MatchString(base) {
			continue
		}
		version := r.version(base, data)
		if version == "" {
			continue
		}
		if pkg, ok := packageOf(r.name, version); ok {
			return []fnvet.Package{pkg}
		}
	}
	return nil
}

func (r *rule) version(base string, data []byte) string {
	if r.text == nil {
		return ofPython(base, data)
	}
	if r.hint != "" {
		i := bytes.Index(data, []byte(r.hint))
		if i < 0 {
			return ""
		}
		data = data[i:]
	}
	m := r.text().FindSubmatch(data)
	if m == nil {
		return ""
	}
	return string(m[1])
}

var pythonName = lazyregexp.New(`python([23]\.\d+)`)

// ofPython finds the whole version of the release that the file's name states:
// "3.12.1" alone between zero bytes.
func ofPython(base string, data []byte) string {
	m := pythonName().FindStringSubmatch(base)
	if m == nil {
		return ""
	}
	start := []byte("\x00" + m[1] + ".")
	for {
		i := bytes.Index(data, start)
		if i < 0 {
			return ""
		}
		data = data[i+1:]
		end := bytes.IndexByte(data[:min(len(data), 32)], 0)
		if v := string(data[:max(end, 0)]); pythonVersion().MatchString(v) {
			return strings.TrimSuffix(v, "+")
		}
	}
}

var pythonVersion = lazyregexp.New(`^\d+\.\d+\.\d+((a|b|rc)\d+)?\+?$`)

func packageOf(name, version string) (fnvet.Package, bool) {
	if name == "go" {
		return entry.Package(entry.Go, "toolchain", version, fnvet.Installed)
	}
	return entry.Package(entry.Generic, name, version, fnvet.Installed)
}
