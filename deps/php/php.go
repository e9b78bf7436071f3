// Package php reads Composer's lockfile and its record of installed packages.
package php

import (
	"errors"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

// WantInstalled says whether a file is Composer's record of installed packages.
func WantInstalled(name string) bool {
	return path.Base(name) == "installed.json" && path.Base(path.Dir(name)) == "composer"
}

// ParseLock reads composer.lock.
func ParseLock(data []byte) ([]fnvet.Package, error) {
	root, err := tree.JSON(data)
	if err == nil && root.Get("packages").Kind != tree.Array {
		return nil, errors.New("not a lockfile: no packages")
	}
	needed := map[string]bool{}
	for _, p := range root.Get("packages").Elements() {
		needed[strings.ToLower(p.Get("name").Text())] = true
	}
	list := append(root.Get("packages").Elements(), root.Get("packages-dev").Elements()...)
	pkgs := packages(list, fnvet.Locked)
	for i := range pkgs {
		pkgs[i].Required = needed[pkgs[i].Name]
	}
	return pkgs, err
}

// ParseInstalled reads vendor/composer/installed.json of Composer 1 and 2.
func ParseInstalled(data []byte) ([]fnvet.Package, error) {
	root, err := tree.JSON(data)
	list := root.Elements() // Composer 1
	if root.Kind == tree.Object {
		list = root.Get("packages").Elements()
	}
	if err == nil && root.Kind != tree.Array && root.Get("packages").Kind != tree.Array {
		err = errors.New("no packages")
	}
	return packages(list, fnvet.Installed), err
}

func packages(list []tree.Member, kind fnvet.PackageKind) []fnvet.Package {
	at := make(map[string]int)
	var pkgs []fnvet.Package
	var needs []tree.Value
	for _, p := range list {
		name := strings.ToLower(p.Get("name").Text())
		pkg, ok := entry.Package(entry.Packagist, name, p.Get("version").Text(), kind)
		if !ok {
			continue
		}
		var texts []string
		for _, l := range p.Get("license").Elements() {
			texts = append(texts, l.Text())
		}
		pkg.Licenses = entry.Licenses(append(texts, p.Get("license").Text())...)
		if h, ok := entry.HexHash("sha1", p.Get("dist").Get("shasum").Text()); ok {
			pkg.Hashes = []fnvet.Hash{h}
		}
		for _, who := range p.Get("authors").Elements() {
			pkg.Supplier = entry.Named(who.Get("name").Text(), who.Get("email").Text(), who.Get("homepage").Text(), false)
			break
		}
		pkg.Links = entry.Link(nil, fnvet.LinkVCS, entry.Repository(p.Get("source").Get("url").Text()))
		pkg.Links = entry.Link(pkg.Links, fnvet.LinkWebsite, entry.Address(p.Get("homepage").Text()))
		pkg.Links = entry.Links(entry.Link(pkg.Links, fnvet.LinkDistribution, entry.Address(p.Get("dist").Get("url").Text())))
		at[name] = len(pkgs)
		pkgs, needs = append(pkgs, pkg), append(needs, p.Get("require"))
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
