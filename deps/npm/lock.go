package npm

import (
	"errors"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

var errNoLock = errors.New("not a lockfile: no packages and no lockfileVersion")

// ParseLock reads package-lock.json and npm-shrinkwrap.json of lockfile
// versions 1 to 3. On an error it returns what it could read.
// https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json
func ParseLock(data []byte) ([]fnvet.Package, error) {
	root, err := tree.JSON(data)
	var l lock
	switch {
	case root.Get("packages").Kind == tree.Object:
		l.readPackages(root.Get("packages"))
	case root.Get("dependencies").Kind == tree.Object:
		l.add("", tree.Value{}, "", "")
		l.readNested(root.Get("dependencies"), "")
	case err == nil && (root.Get("lockfileVersion").Kind == tree.Absent || root.Get("lockfileVersion").Text() != "1"):
		err = errNoLock // only the first version may state nothing
	}
	return l.packages(), err
}

// A lock is the entries of a lockfile by the directory they install to.
type lock struct {
	at      map[string]int // index in entries by directory
	entries []lockEntry
}

type lockEntry struct {
	dir   string
	value tree.Value
	link  string
	pkg   fnvet.Package
	ok    bool // pkg is a package, not the project or a link
}

func (l *lock) add(dir string, v tree.Value, name, version string) {
	if l.at == nil {
		l.at = make(map[string]int)
	}
	e := lockEntry{dir: dir, value: v}
	if v.Get("link").True() {
		e.link = path.Clean(v.Get("resolved").Text())
	} else if versioned(version) {
		e.pkg, e.ok = entry.Package(entry.NPM, name, version, fnvet.Locked)
		e.pkg.Licenses = licenses(v)
		e.pkg.Hashes = entry.Integrity(v.Get("integrity").Text())
		e.pkg.Links = entry.Link(nil, fnvet.LinkDistribution, entry.Address(v.Get("resolved").Text()))
		e.pkg.Required = required(v)
	}
	l.at[dir] = len(l.entries)
	l.entries = append(l.entries, e)
}

// required says whether an entry is installed everywhere: not only for
// development, as a peer or an option, or on some platforms.
func required(v tree.Value) bool {
	for _, flag := range []string{"dev", "devOptional", "optional", "peer", "inBundle", "extraneous"} {
		if v.Get(flag).True() {
			return false
		}
	}
	for _, platform := range []string{"os", "cpu", "libc"} {
		if v.Get(platform).Kind == tree.Array {
			return false
		}
	}
	return true
}

// readPackages reads versions 2 and 3: one flat object keyed by directory.
func (l *lock) readPackages(packages tree.Value) {
	for _, m := range packages.Members() {
		dir := strings.Trim(m.Key, "/")
		name := packageName(dir)
		if alias := m.Get("name").Text(); alias != "" && name != "" {
			name = alias
		}
		version := m.Get("version").Text()
		if name == "" { // the project itself or one of its workspaces
			version = ""
		}
		l.add(dir, m.Value, name, version)
	}
}

// readNested reads version 1: dependencies nested as they install.
func (l *lock) readNested(dependencies tree.Value, dir string) {
	for _, m := range dependencies.Members() {
		name, version := m.Key, m.Get("version").Text()
		if alias, ok := strings.CutPrefix(version, "npm:"); ok {
			if i := strings.LastIndexByte(alias, '@'); i > 0 {
				name, version = alias[:i], alias[i+1:]
			}
		}
		at := path.Join(dir, "node_modules", m.Key)
		l.add(at, m.Value, name, version)
		l.readNested(m.Get("dependencies"), at)
	}
}

// packages returns the entries that are packages, with their graph.
func (l *lock) packages() []fnvet.Package {
	direct := make(map[int]bool)
	for i := range l.entries {
		e := &l.entries[i]
		if !e.ok && e.link == "" {
			for _, to := range l.edges(e, "dependencies", "devDependencies", "optionalDependencies", "peerDependencies") {
				direct[to] = true
			}
		}
	}
	var out []fnvet.Package
	for i := range l.entries {
		e := &l.entries[i]
		if !e.ok {
			continue
		}
		e.pkg.Direct = direct[i]
		for _, to := range l.edges(e, dependencyFields[:]...) {
			e.pkg.DependsOn = append(e.pkg.DependsOn, l.entries[to].pkg.PURL)
		}
		e.pkg.DependsOn = entry.Sorted(e.pkg.DependsOn)
		out = append(out, e.pkg)
	}
	return out
}

// edges resolves the names in the fields of an entry to packages of the lock.
func (l *lock) edges(e *lockEntry, fields ...string) []int {
	names := wants(e.value, fields...)
	if requires := e.value.Get("requires"); requires.Kind == tree.Object { // version 1
		names = wants(e.value, "requires")
	}
	has := func(dir string) bool { _, ok := l.at[dir]; return ok }
	var out []int
	for _, name := range names {
		if dir, ok := resolve(has, e.dir, name); ok && l.entries[l.at[dir]].ok {
			out = append(out, l.at[dir])
		}
	}
	return out
}
