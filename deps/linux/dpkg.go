// Package linux reads the text databases of distributions: dpkg's status, apk's
// installed file and os-release.
package linux

import (
	"bytes"
	"path"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// WantDpkg says whether a file is dpkg's database: var/lib/dpkg/status, or one
// of the files of var/lib/dpkg/status.d that distroless images have instead.
func WantDpkg(name string) bool {
	dir, base := path.Split("/" + name)
	switch {
	case strings.HasSuffix(dir, "/var/lib/dpkg/"):
		return base == "status"
	case strings.HasSuffix(dir, "/var/lib/dpkg/status.d/"):
		return !strings.HasSuffix(base, ".md5sums") && !strings.HasSuffix(base, ".list")
	}
	return false
}

// ParseDpkg reads stanzas of installed packages. Version keeps its epoch;
// Source is the source package where it differs. DependsOn resolves virtual
// packages; a package not in this file is named without a version. https://manpages.debian.org/deb-control
func ParseDpkg(data []byte) ([]fnvet.Package, error) {
	var pkgs []fnvet.Package
	var needs []string
	at := make(map[string]string) // purl by name, also of what is provided
	for s := range stanzas(data) {
		status := strings.Fields(s["Status"])
		if len(status) == 3 && status[2] != "installed" {
			continue
		}
		pkg, ok := entry.Package(entry.Deb, s["Package"], s["Version"], fnvet.Installed)
		if !ok {
			continue
		}
		pkg.PURL = entry.Linux("deb", pkg.Name, pkg.Version, s["Architecture"], "")
		pkg.Source = dpkgSource(s["Source"], pkg)
		pkg.Supplier = entry.Party(s["Maintainer"], false)
		pkg.Size = bytesOf(s["Installed-Size"], 1024)
		pkg.Links = entry.Link(nil, fnvet.LinkWebsite, entry.Address(s["Homepage"]))
		for _, virtual := range names(s["Provides"], ",") {
			if _, taken := at[virtual]; !taken {
				at[virtual] = pkg.PURL
			}
		}
		at[pkg.Name] = pkg.PURL
		pkgs = append(pkgs, pkg)
		needs = append(needs, s["Depends"]+","+s["Pre-Depends"])
	}
	for i := range pkgs {
		for alternatives := range strings.SplitSeq(needs[i], ",") {
			for _, name := range names(alternatives, "|") {
				purl, ok := at[name]
				if !ok { // with status.d every package has a file of its own
					purl = entry.Linux("deb", name, "", "", "")
				}
				if purl != pkgs[i].PURL {
					pkgs[i].DependsOn = append(pkgs[i].DependsOn, purl)
				}
			}
		}
		pkgs[i].DependsOn = entry.Sorted(pkgs[i].DependsOn)
	}
	return pkgs, nil
}

// bytesOf reads a size that is stated in units of so many bytes; 0 where it is none.
func bytesOf(text string, unit int64) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return 0
	}
	return n * unit
}

// dpkgSource reads "Source: glibc" or "Source: glibc (2.36-9)".
func dpkgSource(text string, pkg fnvet.Package) *fnvet.SourcePackage {
	name, rest, _ := strings.Cut(text, " ")
	version := strings.Trim(rest, "() ")
	if version == "" {
		version = pkg.Version
	}
	if name == "" || name == pkg.Name && version == pkg.Version || len(name)+len(version) > entry.MaxField {
		return nil
	}
	return &fnvet.SourcePackage{Name: strings.Clone(name), Version: strings.Clone(version)}
}

// names lists the package names of a dependency field, without versions,
// architectures and restrictions.
func names(field, separator string) []string {
	var out []string
	for one := range strings.SplitSeq(field, separator) {
		one = strings.TrimSpace(one)
		if i := strings.IndexAny(one, " (:[<=>~"); i >= 0 {
			one = one[:i]
		}
		if one != "" {
			out = append(out, one)
		}
	}
	return out
}

// stanzas yields paragraphs of "Key: value" lines as maps. Folded lines are
// joined by spaces.
func stanzas(data []byte) func(yield func(map[string]string) bool) {
	return func(yield func(map[string]string) bool) {
		current := make(map[string]string)
		last := ""
		for len(data) > 0 {
			raw, rest, _ := bytes.Cut(data, []byte("\n"))
			data = rest
			line := string(bytes.TrimRight(raw, "\r"))
			switch {
			case strings.TrimSpace(line) == "":
				if len(current) > 0 && !yield(current) {
					return
				}
				current, last = make(map[string]string), ""
			case line[0] == ' ' || line[0] == '\t':
				if last != "" {
					current[last] += " " + strings.TrimSpace(line)
				}
			default:
				key, value, ok := strings.Cut(line, ":")
				if last = ""; ok && wanted(key) {
					current[key], last = strings.TrimSpace(value), key
				}
			}
		}
		if len(current) > 0 {
			yield(current)
		}
	}
}

// wanted names the fields that are kept, so that long descriptions cost nothing.
func wanted(key string) bool {
	switch key {
	case "Package", "Status", "Version", "Architecture", "Source", "Depends", "Pre-Depends", "Provides", "Maintainer", "Homepage", "Installed-Size":
		return true
	}
	return false
}
