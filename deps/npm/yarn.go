package npm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

// ParseYarn reads yarn.lock of yarn 1 (its own format) and of yarn 2 and later
// ("berry", YAML). On an error it returns what it could read.
func ParseYarn(data []byte) ([]fnvet.Package, error) {
	if bytes.Contains(data[:min(len(data), 4096)], []byte("__metadata:")) {
		docs, err := tree.YAML(data)
		var entries []yarnEntry
		for _, root := range docs {
			entries = append(entries, berryEntries(root)...)
		}
		return yarnPackages(entries, err)
	}
	entries, err := classicEntries(data)
	return yarnPackages(entries, err)
}

// A yarnEntry is one block of a yarn.lock.
type yarnEntry struct {
	patterns []string // "lodash@^4.17.0"; berry: "lodash@npm:^4.17.0"
	name     string
	version  string
	hashes   []fnvet.Hash
	needs    []string // patterns
	local    bool     // a workspace of the project
}

func yarnPackages(entries []yarnEntry, err error) ([]fnvet.Package, error) {
	byPattern := make(map[string]int)
	for i, e := range entries {
		for _, p := range e.patterns {
			byPattern[p] = i
		}
	}
	pkgs := make([]fnvet.Package, len(entries))
	ok := make([]bool, len(entries))
	for i, e := range entries {
		if !e.local && versioned(e.version) {
			pkgs[i], ok[i] = entry.Package(entry.NPM, e.name, e.version, fnvet.Locked)
			pkgs[i].Hashes = e.hashes
		}
	}
	var missing string
	for i, e := range entries {
		for _, need := range e.needs {
			to, found := byPattern[need]
			switch {
			case !found:
				missing = max(missing, need)
			case e.local:
				pkgs[to].Direct = true
			case ok[to]:
				pkgs[i].DependsOn = append(pkgs[i].DependsOn, pkgs[to].PURL)
			}
		}
	}
	if err == nil && len(entries) > 0 {
		err = cutOff(missing, entries[len(entries)-1].patterns)
	}
	out := pkgs[:0]
	for i := range pkgs {
		if ok[i] {
			pkgs[i].DependsOn = entry.Sorted(pkgs[i].DependsOn)
			out = append(out, pkgs[i])
		}
	}
	return out, err
}

// cutOff tells a lockfile whose end is lost: its entries are sorted, and one is
// needed that would come after the last.
func cutOff(missing string, last []string) error {
	if missing == "" || len(last) == 0 || nameOf(missing) <= nameOf(last[0]) {
		return nil
	}
	return fmt.Errorf("cut off: %.100s is needed and would come after the last entry", missing)
}

// nameOf cuts the range off a pattern: "@a/b@^1" is "@a/b".
func nameOf(pattern string) string {
	if i := strings.IndexByte(pattern[min(1, len(pattern)):], '@'); i >= 0 {
		return pattern[:i+1]
	}
	return pattern
}

// realName is the name a pattern resolves to: its alias target if it has one.
func realName(pattern string) string {
	_, target, ok := strings.Cut(pattern, "@npm:")
	if ok && strings.IndexByte(target, '@') > 0 || ok && strings.HasPrefix(target, "@") && strings.LastIndexByte(target, '@') > 0 {
		return nameOf(target)
	}
	return nameOf(pattern)
}

func berryEntries(root tree.Value) []yarnEntry {
	var entries []yarnEntry
	for _, m := range root.Members() {
		if m.Key == "__metadata" {
			continue
		}
		resolution := m.Get("resolution").Text()
		_, source, _ := strings.Cut(resolution[min(1, len(resolution)):], "@")
		e := yarnEntry{
			patterns: strings.Split(m.Key, ", "),
			name:     nameOf(resolution),
			version:  m.Get("version").Scalar(),
			local:    m.Get("linkType").Text() == "soft" || strings.HasPrefix(source, "workspace:"),
		}
		if sum := m.Get("checksum").Text(); sum != "" {
			// "10c0/<hex>": the archive as yarn repacks it, so no hash of the package.
			e.hashes = nil
		}
		for _, field := range dependencyFields[:2] {
			for _, d := range m.Get(field).Members() {
				e.needs = append(e.needs, berryPattern(d.Key, d.Scalar()))
			}
		}
		entries = append(entries, e)
	}
	return entries
}

// berryPattern writes the key an entry of dependencies is listed under.
func berryPattern(name, descriptor string) string {
	if !strings.Contains(descriptor, ":") {
		descriptor = "npm:" + descriptor
	}
	return name + "@" + descriptor
}

// classicEntries reads the yarn 1 format: blocks of a line of patterns and
// lines indented by two, in "dependencies" by four.
func classicEntries(data []byte) ([]yarnEntry, error) {
	var entries []yarnEntry
	inDeps := false
	for n := 1; len(data) > 0; n++ {
		raw, rest, ended := bytes.Cut(data, []byte("\n"))
		data = rest
		line := strings.TrimRight(string(raw), "\r ")
		text := strings.TrimLeft(line, " ")
		if text == "" || text[0] == '#' {
			continue
		}
		if !ended {
			return entries, fmt.Errorf("line %d: cut off", n)
		}
		switch indent := len(line) - len(text); {
		case indent == 0 && strings.HasSuffix(text, ":"):
			e := yarnEntry{patterns: splitPatterns(strings.TrimSuffix(text, ":"))}
			e.name = realName(e.patterns[0])
			entries, inDeps = append(entries, e), false
		case indent == 0 || len(entries) == 0:
			return entries, fmt.Errorf("line %d: not an entry", n)
		case indent == 2:
			key, value := splitPair(text)
			inDeps = text == "dependencies:" || text == "optionalDependencies:"
			entries[len(entries)-1].set(key, value)
		case inDeps:
			name, descriptor := splitPair(text)
			e := &entries[len(entries)-1]
			e.needs = append(e.needs, name+"@"+descriptor)
		}
	}
	if len(entries) > 0 && entries[len(entries)-1].version == "" {
		return entries, errors.New("cut off: the last entry has no version")
	}
	return entries, nil
}

func (e *yarnEntry) set(key, value string) {
	switch key {
	case "version":
		e.version = value
	case "integrity":
		e.hashes = entry.Integrity(value)
	}
}

func splitPatterns(line string) []string {
	var out []string
	for p := range strings.SplitSeq(line, ", ") {
		out = append(out, strings.Trim(p, `"`))
	}
	return out
}

// splitPair splits `"@a/b" "^1.0"`, each side quoted or not.
func splitPair(text string) (key, value string) {
	if strings.HasPrefix(text, `"`) {
		if k, v, ok := strings.Cut(text[1:], `"`); ok {
			return k, strings.Trim(v, ` "`)
		}
	}
	k, v, _ := strings.Cut(text, " ")
	return k, strings.Trim(v, ` "`)
}
