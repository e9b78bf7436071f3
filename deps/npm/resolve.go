// Package npm reads what npm, pnpm, yarn and bun leave behind: lockfiles and
// installed node_modules trees.
//
// It knows how Node resolves a package name from a directory, so that the
// dependency graph it states is the one that runs. It does not read code.
package npm

import (
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

// resolve finds the directory that Node would load name from in a module at
// dir: node_modules/name in dir and in every directory above it. has says
// whether a package is at a directory.
func resolve(has func(dir string) bool, dir, name string) (string, bool) {
	for {
		if path.Base(dir) != "node_modules" {
			if at := path.Join(dir, "node_modules", name); has(at) {
				return at, true
			}
		}
		if dir == "" || dir == "." || dir == "/" {
			return "", false
		}
		dir = path.Dir(dir)
		if dir == "." || dir == "/" {
			dir = ""
		}
	}
}

// packageName returns the name a directory under node_modules stands for, or ""
// when it is not the root of an installed package.
func packageName(dir string) string {
	const mark = "node_modules/"
	i := strings.LastIndex("/"+dir, "/"+mark)
	if i < 0 {
		return ""
	}
	name := dir[i+len(mark):]
	first, rest, scoped := strings.Cut(name, "/")
	if strings.HasPrefix(name, "@") {
		if !scoped || rest == "" || strings.Contains(rest, "/") {
			return ""
		}
		return name
	}
	if scoped || strings.HasPrefix(first, ".") {
		return ""
	}
	return name
}

// dependencyFields are the members of a package.json or lockfile entry that
// name what it needs at run time.
var dependencyFields = [...]string{"dependencies", "optionalDependencies", "peerDependencies"}

// maxNeeds bounds the dependencies believed of one package.
const maxNeeds = 20_000

// wants lists the names in the given members of a manifest, sorted.
func wants(v tree.Value, fields ...string) []string {
	var names []string
	for _, field := range fields {
		for _, m := range v.Get(field).Members() {
			if m.Key != "" && len(m.Key) <= entry.MaxField && len(names) < maxNeeds {
				names = append(names, m.Key)
			}
		}
	}
	return entry.Sorted(names)
}

// licenses reads "license" (text or {type}) and the old "licenses" (a list of either).
func licenses(v tree.Value) []string {
	one := func(v tree.Value) string {
		if v.Kind == tree.Object {
			return v.Get("type").Text()
		}
		return v.Text()
	}
	texts := []string{one(v.Get("license"))}
	for _, e := range v.Get("licenses").Elements() {
		texts = append(texts, one(e.Value))
	}
	return entry.Licenses(texts...)
}

// supplier reads "author", else the first of "maintainers" or "contributors": text or {name, email, url}.
func supplier(v tree.Value) *fnvet.Party {
	people := []tree.Value{v.Get("author")}
	for _, field := range []string{"maintainers", "contributors"} {
		for _, e := range v.Get(field).Elements() {
			people = append(people, e.Value)
			break
		}
	}
	for _, who := range people {
		p := entry.Party(who.Text(), false)
		if who.Kind == tree.Object {
			p = entry.Named(who.Get("name").Text(), who.Get("email").Text(), who.Get("url").Text(), false)
			if p != nil && p.Email == "" && p.URL == "" {
				p = entry.Party(p.Name, false) // the text form in the object's name
			}
		}
		if p != nil {
			return p
		}
	}
	return nil
}

// links reads "repository" (text or {url}), "homepage" and "bugs".
func links(v tree.Value) []fnvet.Link {
	text := func(field string) string {
		if one := v.Get(field); one.Kind != tree.Object {
			return one.Text()
		}
		return v.Get(field).Get("url").Text()
	}
	list := entry.Link(nil, fnvet.LinkVCS, entry.Repository(text("repository")))
	list = entry.Link(list, fnvet.LinkWebsite, entry.Address(text("homepage")))
	list = entry.Link(list, fnvet.LinkIssues, entry.Address(text("bugs")))
	return entry.Links(list)
}

// versioned says whether a lockfile's version is one, not a URL or path.
func versioned(version string) bool {
	return version != "" && version[0] >= '0' && version[0] <= '9' && !strings.ContainsAny(version, ":/")
}
