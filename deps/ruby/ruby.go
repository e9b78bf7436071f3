// Package ruby reads Gemfile.lock and the specifications of installed gems. It
// runs no Ruby: of a gemspec it reads the lines RubyGems itself writes.
package ruby

import (
	"bytes"
	"errors"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// WantSpec says whether a file is the specification of an installed gem:
// specifications/NAME-VERSION.gemspec, also in specifications/default.
func WantSpec(name string) bool {
	if !strings.HasSuffix(name, ".gemspec") {
		return false
	}
	dir := path.Dir(name)
	return path.Base(dir) == "specifications" || path.Base(dir) == "default" && path.Base(path.Dir(dir)) == "specifications"
}

var (
	specField = lazyregexp.New(`(?m)^\s*s\.(name|version|licenses?|authors|email|homepage)\s*=\s*(.+)$`)
	specNeed  = lazyregexp.New(`(?m)^\s*s\.add_(?:runtime_)?dependency\(%q<([^>]+)>`)
	quoted    = lazyregexp.New(`"([^"]*)"`)
)

// ParseSpec reads a specification as RubyGems writes it on install.
func ParseSpec(data []byte) ([]fnvet.Package, error) {
	var name, version, author, address, site string
	var licenses []string
	for _, m := range specField().FindAllSubmatch(data, 64) {
		values := quoted().FindAllSubmatch(m[2], 64)
		if len(values) == 0 {
			continue
		}
		switch first := string(values[0][1]); string(m[1]) {
		case "name":
			name = first
		case "version":
			version = first
		case "authors":
			author = first
		case "email":
			address = first
		case "homepage":
			site = first
		default:
			for _, v := range values {
				licenses = append(licenses, string(v[1]))
			}
		}
	}
	pkg, ok := entry.Package(entry.RubyGems, name, version, fnvet.Installed)
	if !ok {
		return nil, errors.New("no name and version")
	}
	pkg.Licenses = entry.Licenses(licenses...)
	pkg.Supplier = entry.Named(author, address, "", false)
	pkg.Links = entry.Link(nil, fnvet.LinkWebsite, entry.Address(site))
	for _, m := range specNeed().FindAllSubmatch(data, 4096) {
		pkg.DependsOn = append(pkg.DependsOn, entry.PURL(entry.RubyGems, string(m[1]), ""))
	}
	pkg.DependsOn = entry.Sorted(pkg.DependsOn)
	return []fnvet.Package{pkg}, nil
}

// ParseLock reads Gemfile.lock and gems.locked: specs of GEM, GIT and PATH
// sections, and what DEPENDENCIES names as direct. PATH gems are the
// project's own and left out.
func ParseLock(data []byte) ([]fnvet.Package, error) {
	l := gemLock{at: make(map[string]int), direct: make(map[string]bool)}
	for len(data) > 0 {
		raw, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		l.line(strings.TrimRight(string(raw), "\r "))
	}
	for i := range l.pkgs {
		for _, need := range l.needs[i] {
			if to, ok := l.at[need]; ok {
				l.pkgs[i].DependsOn = append(l.pkgs[i].DependsOn, l.pkgs[to].PURL)
			}
		}
		l.pkgs[i].DependsOn = entry.Sorted(l.pkgs[i].DependsOn)
		l.pkgs[i].Direct = l.direct[l.pkgs[i].Name]
	}
	if !l.sawDependencies {
		return l.pkgs, errors.New("cut off: no DEPENDENCIES section")
	}
	return l.pkgs, nil
}

type gemLock struct {
	section         string
	sawDependencies bool
	open            bool // lines of needs belong to the last package
	at              map[string]int
	pkgs            []fnvet.Package
	needs           [][]string
	direct          map[string]bool
}

func (l *gemLock) line(line string) {
	text := strings.TrimLeft(line, " ")
	indent := len(line) - len(text)
	if text == "" {
		return
	}
	name, rest, _ := strings.Cut(text, " ")
	name = strings.TrimSuffix(name, "!")
	switch {
	case indent == 0:
		l.section, l.open = text, false
		l.sawDependencies = l.sawDependencies || text == "DEPENDENCIES"
	case l.section == "DEPENDENCIES" && indent == 2:
		l.direct[name] = true
	case (l.section == "GEM" || l.section == "GIT") && indent == 4:
		l.spec(name, strings.Trim(rest, "()"))
	case indent == 6 && l.open:
		last := len(l.needs) - 1
		l.needs[last] = append(l.needs[last], name)
	}
}

// spec adds "name (1.2.3)" or "name (1.2.3-x86_64-linux)"; a gem built for
// several platforms is one package.
func (l *gemLock) spec(name, version string) {
	version, _, _ = strings.Cut(version, "-")
	l.open = false
	if _, dup := l.at[name]; dup {
		return
	}
	pkg, ok := entry.Package(entry.RubyGems, name, version, fnvet.Locked)
	if !ok {
		return
	}
	l.open = true
	l.at[name] = len(l.pkgs)
	l.pkgs = append(l.pkgs, pkg)
	l.needs = append(l.needs, nil)
}
