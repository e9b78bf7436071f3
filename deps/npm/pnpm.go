package npm

import (
	"errors"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

// ParsePnpm reads pnpm-lock.yaml of lockfile versions 5 to 9. On an error it
// returns what it could read. https://github.com/pnpm/spec/tree/master/lockfile
func ParsePnpm(data []byte) ([]fnvet.Package, error) {
	root, err := tree.YAML(data)
	if root.Get("lockfileVersion").Scalar() == "" && err == nil {
		return nil, errors.New("not a lockfile: no lockfileVersion")
	}
	p := pnpm{root: root, at: make(map[string]int)}
	p.readPackages()
	p.readGraph()
	p.readDirect()
	if err == nil && len(p.keys) > 0 && p.missing > p.keys[len(p.keys)-1] {
		err = errors.New("cut off: " + p.missing + " is needed and would come after the last entry")
	}
	return p.pkgs, err
}

type pnpm struct {
	root    tree.Value
	keys    []string       // of packages, normal form
	at      map[string]int // index in pkgs by normal key
	pkgs    []fnvet.Package
	missing string // greatest key that is referred to and not listed
}

func (p *pnpm) readPackages() {
	for _, m := range p.root.Get("packages").Members() {
		key := pnpmKey(m.Key)
		name, version := pnpmSplit(key)
		if n := m.Get("name").Text(); n != "" {
			name = n
		}
		if v := m.Get("version").Scalar(); v != "" {
			version = v
		}
		p.keys = append(p.keys, key)
		if _, dup := p.at[key]; dup || !versioned(version) {
			continue
		}
		pkg, ok := entry.Package(entry.NPM, name, version, fnvet.Locked)
		if !ok {
			continue
		}
		pkg.Hashes = entry.Integrity(m.Get("resolution").Get("integrity").Text())
		p.at[key] = len(p.pkgs)
		p.pkgs = append(p.pkgs, pkg)
	}
}

// readGraph reads dependencies from snapshots (version 9) or packages.
func (p *pnpm) readGraph() {
	section := p.root.Get("snapshots")
	if section.Kind != tree.Object {
		section = p.root.Get("packages")
	}
	for _, m := range section.Members() {
		from, ok := p.at[pnpmKey(m.Key)]
		if !ok {
			continue
		}
		for _, field := range dependencyFields[:2] {
			for _, d := range m.Get(field).Members() {
				if to, ok := p.find(d.Key, d.Scalar()); ok {
					p.pkgs[from].DependsOn = append(p.pkgs[from].DependsOn, p.pkgs[to].PURL)
				}
			}
		}
		p.pkgs[from].DependsOn = entry.Sorted(p.pkgs[from].DependsOn)
	}
}

// readDirect marks what the importers (or, with one project, the root) name.
func (p *pnpm) readDirect() {
	importers := []tree.Value{p.root}
	for _, m := range p.root.Get("importers").Members() {
		importers = append(importers, m.Value)
	}
	for _, importer := range importers {
		for _, field := range []string{"dependencies", "devDependencies", "optionalDependencies"} {
			for _, d := range importer.Get(field).Members() {
				version := d.Scalar()
				if d.Kind == tree.Object {
					version = d.Get("version").Scalar()
				}
				if to, ok := p.find(d.Key, version); ok {
					p.pkgs[to].Direct = true
				}
			}
		}
	}
}

// find looks up a dependency: a version, or the key of an aliased package.
func (p *pnpm) find(name, version string) (int, bool) {
	if version == "" || strings.HasPrefix(version, "link:") || strings.HasPrefix(version, "file:") {
		return 0, false
	}
	key := pnpmKey(name + "@" + version)
	if i, ok := p.at[key]; ok {
		return i, true
	}
	if i, ok := p.at[pnpmKey(version)]; ok {
		return i, true
	}
	if versioned(version) {
		p.missing = max(p.missing, key)
	}
	return 0, false
}

// pnpmKey writes the keys of all versions as version 9 does: "@a/b@1.0.0".
// Older ones are "/@a/b/1.0.0_peers" (5) and "/@a/b@1.0.0(peers)" (6).
func pnpmKey(key string) string {
	old := strings.HasPrefix(key, "/")
	key = strings.TrimPrefix(key, "/")
	key, _, _ = strings.Cut(key, "(")
	at := strings.LastIndexByte(key, '@')
	if old && at <= 0 {
		if i := strings.LastIndexByte(key, '/'); i > 0 {
			key = key[:i] + "@" + key[i+1:]
			at = i
		}
	}
	if at > 0 { // "_" starts the peers of version 5 and is in no version
		if i := strings.IndexByte(key[at:], '_'); i >= 0 {
			key = key[:at+i]
		}
	}
	return key
}

func pnpmSplit(key string) (name, version string) {
	if i := strings.LastIndexByte(key, '@'); i > 0 {
		return key[:i], key[i+1:]
	}
	return key, ""
}
