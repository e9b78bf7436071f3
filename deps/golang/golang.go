// Package golang reads the modules that Go binaries state and go.mod files.
package golang

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"runtime/debug"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// Executable says whether bytes start as an ELF, Mach-O or PE file does. Mode
// bits are no help: zip files often lack them.
func Executable(data []byte) bool {
	if len(data) < 64 {
		return false
	}
	switch string(data[:4]) {
	case "\x7fELF", "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe":
		return true
	case "\xca\xfe\xba\xbe": // a fat Mach-O; Java classes start so too, with a version of 45 or more
		return data[4] == 0 && data[5] == 0 && data[6] == 0 && data[7] < 20
	}
	return data[0] == 'M' && data[1] == 'Z'
}

// ErrPacked means a binary compressed by UPX, whose modules cannot be read.
var ErrPacked = errors.New("packed with UPX")

// ParseBinary reads the build information of a Go binary: its modules, with
// replacements, and the standard library at the version that built it. A
// binary that is not Go's gives nothing and no error.
func ParseBinary(data []byte) ([]fnvet.Package, error) {
	info, err := buildinfo.Read(bytes.NewReader(data))
	if err != nil {
		if bytes.Contains(data[:min(len(data), 4096)], []byte("UPX!")) {
			return nil, ErrPacked
		}
		return nil, nil // not a Go binary; nothing is lost
	}
	var out []fnvet.Package
	if v := StdVersion(info.GoVersion); v != "" {
		if pkg, ok := entry.Package(entry.Go, "stdlib", v, fnvet.Installed); ok {
			out = append(out, pkg)
		}
	}
	for _, dep := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if pkg, ok := module(dep); ok {
			out = append(out, pkg)
		}
	}
	return out, nil
}

// source is the repository of a module whose path begins with the host of one, by
// the rules of "go help importpath"; "" for others, whose place only a server knows.
func source(path string) []fnvet.Link {
	parts := strings.SplitN(path, "/", 4)
	if len(parts) < 3 {
		return nil
	}
	switch parts[0] {
	case "github.com", "gitlab.com", "bitbucket.org", "codeberg.org":
		return entry.Link(nil, fnvet.LinkVCS, entry.Address("https://"+strings.Join(parts[:3], "/")))
	}
	return nil
}

// module makes a package of a build's module. A replacement by another module
// counts; one by a directory has no version, so what it replaces is listed.
func module(m *debug.Module) (fnvet.Package, bool) {
	if m == nil {
		return fnvet.Package{}, false
	}
	if m.Replace != nil && semver.IsValid(m.Replace.Version) {
		m = m.Replace
	}
	if !semver.IsValid(m.Version) {
		return fnvet.Package{}, false // "(devel)": the program's own module
	}
	pkg, ok := entry.Package(entry.Go, m.Path, strings.TrimPrefix(m.Version, "v"), fnvet.Installed)
	pkg.Links = source(m.Path)
	return pkg, ok
}

// StdVersion writes a Go release as OSV does: "go1.26.8" is "1.26.8", "go1.21"
// is "1.21.0", "go1.21rc2" is "1.21.0-rc.2". A development version gives "".
// Source: golang.org/x/vuln's conversion of Go tags.
func StdVersion(release string) string {
	v, ok := strings.CutPrefix(release, "go")
	if !ok {
		return ""
	}
	v, _, _ = strings.Cut(v, " ") // "go1.22.3 X:rangefunc"
	v, _, _ = strings.Cut(v, "-") // "go1.22.3-vendor"
	v, _, _ = strings.Cut(v, "+")
	pre := ""
	for _, mark := range []string{"rc", "beta"} {
		if i := strings.Index(v, mark); i >= 0 {
			pre = "-" + mark + "." + v[i+len(mark):]
			v = v[:i]
		}
	}
	for strings.Count(v, ".") < 2 {
		v += ".0"
	}
	if !semver.IsValid("v" + v + pre) {
		return ""
	}
	return v + pre
}

// ParseMod reads go.mod. From go 1.17 on it lists every module of the build at
// the version chosen (Locked); before that only what the project asks for
// (Declared).
func ParseMod(data []byte) ([]fnvet.Package, error) {
	mod, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		var again error
		if mod, again = modfile.ParseLax("go.mod", data, nil); again != nil {
			return nil, err
		}
	}
	if mod.Module == nil && len(mod.Require) == 0 && err == nil {
		err = errors.New("no module line")
	}
	kind := fnvet.Declared
	if mod.Go != nil && semver.Compare("v"+mod.Go.Version, "v1.17") >= 0 {
		kind = fnvet.Locked
	}
	var out []fnvet.Package
	for _, r := range mod.Require {
		path, version := replaced(mod.Replace, r.Mod.Path, r.Mod.Version)
		if !semver.IsValid(version) {
			continue
		}
		if pkg, ok := entry.Package(entry.Go, path, strings.TrimPrefix(version, "v"), kind); ok {
			pkg.Direct, pkg.Links = !r.Indirect, source(path)
			out = append(out, pkg)
		}
	}
	return out, err
}

func replaced(replaces []*modfile.Replace, path, version string) (newPath, newVersion string) {
	for _, r := range replaces {
		if r.Old.Path == path && (r.Old.Version == "" || r.Old.Version == version) && r.New.Version != "" {
			return r.New.Path, r.New.Version
		}
	}
	return path, version
}
