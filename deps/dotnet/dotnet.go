// Package dotnet reads NuGet packages from *.deps.json, packages.lock.json and
// packages.config.
package dotnet

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

// ParseDeps reads the deps.json a build puts beside its assemblies.
// https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md
func ParseDeps(data []byte) ([]fnvet.Package, error) {
	root, err := tree.JSON(data)
	if err == nil && root.Get("libraries").Kind != tree.Object {
		return nil, errors.New("no libraries")
	}
	at := make(map[string]int) // index in pkgs by "Name/1.0.0"
	var pkgs []fnvet.Package
	own := make(map[string]bool)
	for _, m := range root.Get("libraries").Members() {
		switch m.Get("type").Text() {
		case "package", "runtimepack":
		default:
			own[m.Key] = true
			continue
		}
		name, version, _ := strings.Cut(m.Key, "/")
		name = strings.TrimPrefix(name, "runtimepack.")
		pkg, ok := entry.Package(entry.NuGet, name, version, fnvet.Installed)
		if !ok {
			continue
		}
		alg, digest, _ := strings.Cut(m.Get("sha512").Text(), "-")
		if h, ok := entry.Base64Hash(alg, digest); ok {
			pkg.Hashes = []fnvet.Hash{h}
		}
		at[m.Key] = len(pkgs)
		pkgs = append(pkgs, pkg)
	}
	for _, target := range root.Get("targets").Members() {
		for _, m := range target.Members() {
			depsGraph(m, at, pkgs, own[m.Key])
		}
	}
	return pkgs, err
}

func depsGraph(m tree.Member, at map[string]int, pkgs []fnvet.Package, own bool) {
	from, listed := at[m.Key]
	for _, d := range m.Get("dependencies").Members() {
		to, ok := at[d.Key+"/"+d.Text()]
		switch {
		case !ok:
		case own:
			pkgs[to].Direct = true
		case listed:
			pkgs[from].DependsOn = entry.Sorted(append(pkgs[from].DependsOn, pkgs[to].PURL))
		}
	}
}

// ParseLock reads packages.lock.json of versions 1 and 2.
func ParseLock(data []byte) ([]fnvet.Package, error) {
	root, err := tree.JSON(data)
	if err == nil && root.Get("dependencies").Kind != tree.Object {
		return nil, errors.New("no dependencies")
	}
	var out []fnvet.Package
	for _, framework := range root.Get("dependencies").Members() {
		out = append(out, lockFramework(framework.Value)...)
	}
	return out, err
}

func lockFramework(list tree.Value) []fnvet.Package {
	at := make(map[string]int) // by lower-case name
	var pkgs []fnvet.Package
	var needs []tree.Value
	for _, m := range list.Members() {
		pkg, ok := entry.Package(entry.NuGet, m.Key, m.Get("resolved").Text(), fnvet.Locked)
		if !ok || m.Get("type").Text() == "Project" {
			continue
		}
		pkg.Direct = m.Get("type").Text() == "Direct"
		if h, ok := entry.Base64Hash("sha512", m.Get("contentHash").Text()); ok {
			pkg.Hashes = []fnvet.Hash{h}
		}
		at[strings.ToLower(m.Key)] = len(pkgs)
		pkgs, needs = append(pkgs, pkg), append(needs, m.Get("dependencies"))
	}
	for i := range pkgs {
		for _, d := range needs[i].Members() {
			if to, ok := at[strings.ToLower(d.Key)]; ok {
				pkgs[i].DependsOn = append(pkgs[i].DependsOn, pkgs[to].PURL)
			}
		}
		pkgs[i].DependsOn = entry.Sorted(pkgs[i].DependsOn)
	}
	return pkgs
}

// ParseConfig reads packages.config, the list of exact versions of older
// projects.
func ParseConfig(data []byte) ([]fnvet.Package, error) {
	var list struct {
		XMLName  xml.Name `xml:"packages"`
		Packages []struct {
			ID          string `xml:"id,attr"`
			Version     string `xml:"version,attr"`
			Development bool   `xml:"developmentDependency,attr"`
		} `xml:"package"`
	}
	err := xml.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &list)
	var out []fnvet.Package
	for _, p := range list.Packages {
		if p.Development {
			continue
		}
		if pkg, ok := entry.Package(entry.NuGet, p.ID, p.Version, fnvet.Locked); ok {
			out = append(out, pkg)
		}
	}
	return out, err
}
