package linux

import (
	"bytes"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// WantApk says whether a file is apk's database.
func WantApk(name string) bool {
	return strings.HasSuffix("/"+name, "/lib/apk/db/installed")
}

// ParseApk reads the installed file: blocks of "X:value" lines. Source is the
// origin, whose name advisories use. https://wiki.alpinelinux.org/wiki/Apk_spec
func ParseApk(data []byte) ([]fnvet.Package, error) {
	var pkgs []fnvet.Package
	var needs []string
	at := make(map[string]string) // purl by name, also of what is provided
	for s := range blocks(data) {
		pkg, ok := entry.Package(entry.Apk, s['P'], s['V'], fnvet.Installed)
		if !ok {
			continue
		}
		pkg.PURL = entry.Linux("apk", pkg.Name, pkg.Version, s['A'], "")
		pkg.Licenses = entry.Licenses(s['L'])
		pkg.Supplier = entry.Party(s['m'], false)
		pkg.Size = bytesOf(s['I'], 1)
		pkg.Links = entry.Link(nil, fnvet.LinkWebsite, entry.Address(s['U']))
		if origin := s['o']; origin != "" && origin != pkg.Name && len(origin) <= entry.MaxField {
			pkg.Source = &fnvet.SourcePackage{Name: strings.Clone(origin), Version: pkg.Version}
		}
		for provided := range strings.FieldsSeq(s['p']) {
			if name := apkName(provided); at[name] == "" {
				at[name] = pkg.PURL
			}
		}
		at[pkg.Name] = pkg.PURL
		pkgs, needs = append(pkgs, pkg), append(needs, s['D'])
	}
	for i := range pkgs {
		for need := range strings.FieldsSeq(needs[i]) {
			if purl, ok := at[apkName(need)]; ok && purl != pkgs[i].PURL && need[0] != '!' {
				pkgs[i].DependsOn = append(pkgs[i].DependsOn, purl)
			}
		}
		pkgs[i].DependsOn = entry.Sorted(pkgs[i].DependsOn)
	}
	return pkgs, nil
}

// apkName cuts the version off "so:libc.musl-x86_64.so.1=1" or "busybox>=1.2".
func apkName(text string) string {
	if i := strings.IndexAny(text, "=<>~"); i >= 0 {
		text = text[:i]
	}
	return text
}

// blocks yields the blocks of the installed file by the letter of each line;
// lines of files (F, R, Z, a, M) are left out.
func blocks(data []byte) func(yield func(map[byte]string) bool) {
	return func(yield func(map[byte]string) bool) {
		current := make(map[byte]string)
		for len(data) > 0 {
			line, rest, _ := bytes.Cut(data, []byte("\n"))
			data = rest
			line = bytes.TrimRight(line, "\r")
			if len(line) == 0 {
				if len(current) > 0 && !yield(current) {
					return
				}
				current = make(map[byte]string)
			} else if len(line) > 2 && line[1] == ':' && strings.IndexByte("PVALoDpmUI", line[0]) >= 0 {
				current[line[0]] = string(line[2:])
			}
		}
		if len(current) > 0 {
			yield(current)
		}
	}
}
