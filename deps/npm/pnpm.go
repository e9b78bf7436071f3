package npm

import (
	"errors"
	"io"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// ParsePnpm reads pnpm-lock.yaml of lockfile versions 5 to 9. On an error it
// returns what it could read. https://github.com/pnpm/spec/tree/master/lockfile
func ParsePnpm(data []byte) ([]fnvet.Package, error) {
	docs, err := tree.YAML(data)
	var out []fnvet.Package
	for _, root := range docs {
		if root.Get("lockfileVersion").Scalar() == "" && err == nil {
			err = errors.New("not a lockfile: no lockfileVersion")
		}
		pkgs, one := pnpmDocument(root, err == nil)
		out, err = append(out, pkgs...), errors.Join(err, one)
	}
	if len(docs) == 0 && err == nil {
		err = io.ErrUnexpectedEOF
	}
	return out, err
}

// pnpmDocument reads one document: pnpm 11 puts its own tools into a first one.
// whole says that nothing was lost while reading it.
func pnpmDocument(root tree.Value, whole bool) ([]fnvet.Package, error) {
	p := pnpm{root: root, at: make(map[string]int)}
	p.readPackages()
	p.readGraph()
	p.readDirect()
	if whole && len(p.keys) > 0 && p.missing > p.keys[len(p.keys)-1] {
		return p.pkgs, errors.New("cut off: " + p.missing + " is needed and would come after the last entry")
	}
	return p.pkgs, nil
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
		} else if strings.ContainsAny(name, ":\\") {
			continue // a directory or URL without a name
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

// pnpmKeys matches the keys of all versions: "@a/b@1.0.0(peers)" (9), with a
// slash before it (6), "/@a/b/1.0.0_peers" (5), and with a registry before that.
var pnpmKeys = lazyregexp.New(`^/?(?:[^/@]+/)??((?:@[^/@]+/)?[^/@]+)[/@](\d[^_(/@]*)(?:[_(/].*)?$`)

// pnpmKey writes a key as version 9 does, without peers. A key without a
// version (a directory, a URL) stays as it is.
func pnpmKey(key string) string {
	if m := pnpmKeys().FindStringSubmatch(key); m != nil {
		return m[1] + "@" + m[2]
	}
	return key
}

func pnpmSplit(key string) (name, version string) {
	if i := strings.LastIndexByte(key, '@'); i > 0 {
		return key[:i], key[i+1:]
	}
	return key, ""
}
