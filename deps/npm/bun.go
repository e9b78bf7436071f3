package npm

import (
	"errors"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

// ParseBun reads bun.lock, the text lockfile of bun 1.2 and later. On an error
// it returns what it could read. https://bun.sh/docs/install/lockfile
func ParseBun(data []byte) ([]fnvet.Package, error) {
	root, err := tree.RelaxedJSON(data)
	if err == nil && root.Get("lockfileVersion").Kind == tree.Absent {
		return nil, errors.New("not a lockfile: no lockfileVersion")
	}
	at := make(map[string]int) // index in pkgs by key
	var pkgs []fnvet.Package
	var keys []string
	var infos []tree.Value
	for _, m := range root.Get("packages").Members() {
		parts := m.Elements()
		if len(parts) == 0 {
			continue
		}
		name := nameOf(parts[0].Text())
		version := strings.TrimPrefix(parts[0].Text()[len(name):], "@")
		pkg, ok := entry.Package(entry.NPM, name, version, fnvet.Locked)
		if !ok || !versioned(version) {
			continue
		}
		var info tree.Value
		for _, part := range parts[1:] {
			if part.Kind == tree.Object && info.Kind == tree.Absent {
				info = part.Value
			}
		}
		pkg.Hashes = entry.Integrity(parts[len(parts)-1].Text())
		at[m.Key] = len(pkgs)
		pkgs, keys, infos = append(pkgs, pkg), append(keys, m.Key), append(infos, info)
	}
	for i := range pkgs {
		for _, name := range wants(infos[i], dependencyFields[:]...) {
			if to, ok := bunFind(at, keys[i], name); ok {
				pkgs[i].DependsOn = append(pkgs[i].DependsOn, pkgs[to].PURL)
			}
		}
		pkgs[i].DependsOn = entry.Sorted(pkgs[i].DependsOn)
	}
	for _, w := range root.Get("workspaces").Members() {
		for _, name := range wants(w.Value, "dependencies", "devDependencies", "optionalDependencies", "peerDependencies") {
			if to, ok := bunFind(at, w.Get("name").Text(), name); ok {
				pkgs[to].Direct = true
			}
		}
	}
	return pkgs, err
}

// bunFind resolves a name from the package at key: "a/b/name", "a/name", "name".
func bunFind(at map[string]int, key, name string) (int, bool) {
	for {
		k := name
		if key != "" {
			k = key + "/" + name
		}
		if i, ok := at[k]; ok {
			return i, true
		}
		if key == "" {
			return 0, false
		}
		cut := max(0, strings.LastIndexByte(key, '/'))
		key = key[:cut]
	}
}
