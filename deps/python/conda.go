package python

import (
	"errors"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

// WantConda says whether a file is the record of an installed conda package:
// conda-meta/NAME-VERSION-BUILD.json.
func WantConda(name string) bool {
	return strings.HasSuffix(name, ".json") && path.Base(path.Dir(name)) == "conda-meta"
}

// ParseConda reads a conda-meta record. OSV has no conda ecosystem, so the
// package is listed and not matched; its Python packages have a dist-info of their own.
func ParseConda(data []byte) ([]fnvet.Package, error) {
	v, err := tree.JSON(data)
	pkg, ok := entry.Package(entry.Conda, v.Get("name").Text(), v.Get("version").Text(), fnvet.Installed)
	if !ok {
		if err == nil {
			err = errors.New("no name and version")
		}
		return nil, err
	}
	pkg.Licenses = entry.Licenses(v.Get("license").Text())
	for _, d := range v.Get("depends").Elements() {
		name, _, _ := strings.Cut(d.Text(), " ")
		if name != "" {
			pkg.DependsOn = append(pkg.DependsOn, entry.PURL(entry.Conda, name, ""))
		}
	}
	for _, alg := range []string{"sha256"} {
		if h, ok := entry.HexHash(alg, v.Get(alg).Text()); ok {
			pkg.Hashes = append(pkg.Hashes, h)
		}
	}
	return []fnvet.Package{pkg}, err
}
