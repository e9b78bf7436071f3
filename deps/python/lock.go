package python

import (
	"errors"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

// ParsePoetry reads poetry.lock of poetry 1 and 2.
func ParsePoetry(data []byte) ([]fnvet.Package, error) {
	root, err := tree.TOML(data)
	if err == nil && root.Get("metadata").Kind != tree.Object {
		err = errors.New("cut off: no [metadata] at the end")
	}
	var l lock
	for _, p := range root.Get("package").Elements() {
		l.add(p.Value, "")
		for _, d := range p.Get("dependencies").Members() {
			l.need(d.Key, "")
		}
	}
	return l.packages(), err
}

// ParseUv reads uv.lock. What the project itself needs is direct.
func ParseUv(data []byte) ([]fnvet.Package, error) {
	root, err := tree.TOML(data)
	if err == nil && root.Get("version").Kind == tree.Absent {
		err = errors.New("not a lockfile: no version")
	}
	var l lock
	for _, p := range root.Get("package").Elements() {
		own := p.Get("source").Get("virtual").Kind != tree.Absent || p.Get("source").Get("editable").Kind != tree.Absent
		if own {
			l.own(uvNeeds(p.Value, true))
			continue
		}
		l.add(p.Value, "")
		for _, d := range uvNeeds(p.Value, false) {
			l.need(d[0], d[1])
		}
	}
	if err == nil {
		err = l.cutOff()
	}
	return l.packages(), err
}

// uvNeeds lists name and version (or "") of what an entry needs; all means
// with every extra and group.
func uvNeeds(p tree.Value, all bool) [][2]string {
	var out [][2]string
	take := func(list tree.Value) {
		for _, d := range list.Elements() {
			out = append(out, [2]string{d.Get("name").Text(), d.Get("version").Text()})
		}
	}
	take(p.Get("dependencies"))
	if all {
		for _, section := range []string{"optional-dependencies", "dev-dependencies"} {
			for _, group := range p.Get(section).Members() {
				take(group.Value)
			}
		}
	}
	return out
}

// ParsePdm reads pdm.lock.
func ParsePdm(data []byte) ([]fnvet.Package, error) {
	root, err := tree.TOML(data)
	if err == nil && root.Get("metadata").Kind != tree.Object {
		err = errors.New("not a lockfile: no [metadata]")
	}
	var l lock
	for _, p := range root.Get("package").Elements() {
		l.add(p.Value, "")
		for _, d := range p.Get("dependencies").Elements() {
			l.need(requirementName(d.Text()), "")
		}
	}
	if err == nil {
		err = l.cutOff()
	}
	return l.packages(), err
}

// ParsePylock reads pylock.toml (PEP 751).
func ParsePylock(data []byte) ([]fnvet.Package, error) {
	root, err := tree.TOML(data)
	if err == nil && root.Get("lock-version").Kind == tree.Absent {
		err = errors.New("not a lockfile: no lock-version")
	}
	var l lock
	for _, p := range root.Get("packages").Elements() {
		l.add(p.Value, "")
		for _, d := range p.Get("dependencies").Elements() {
			l.need(d.Get("name").Text(), d.Get("version").Text())
		}
	}
	return l.packages(), err
}

// ParsePipfile reads Pipfile.lock. Its sections hold direct and transitive
// packages alike, without a graph.
func ParsePipfile(data []byte) ([]fnvet.Package, error) {
	root, err := tree.JSON(data)
	if err == nil && root.Get("_meta").Kind != tree.Object {
		err = errors.New("not a lockfile: no _meta")
	}
	var l lock
	needed := map[string]bool{}
	for _, section := range root.Members() {
		if section.Key == "_meta" {
			continue
		}
		for _, m := range section.Members() {
			version, pinned := strings.CutPrefix(m.Get("version").Text(), "==")
			if pinned {
				l.add(tree.Value{}, m.Key+" "+version)
				needed[entry.NormalPython(m.Key)] = section.Key == "default" && m.Get("markers").Text() == ""
			}
		}
	}
	pkgs := l.packages()
	for i := range pkgs {
		pkgs[i].Required = needed[pkgs[i].Name]
	}
	return pkgs, err
}

// A lock is entries of a Python lockfile, whose names are unique but for
// entries that differ by marker.
type lock struct {
	pkgs   []fnvet.Package
	at     map[string][]int // by normal name
	needs  [][][2]string    // name and version of each entry's needs
	direct [][2]string
	last   string // name of the last entry, kept or not
}

// add takes an entry by its name and version, or "name version" in pair.
func (l *lock) add(v tree.Value, pair string) {
	name, version := v.Get("name").Text(), v.Get("version").Text()
	if pair != "" {
		name, version, _ = strings.Cut(pair, " ")
	}
	name = entry.NormalPython(name)
	l.last = name
	pkg, ok := entry.Package(entry.PyPI, name, version, fnvet.Locked)
	if l.at == nil {
		l.at = make(map[string][]int)
	}
	l.needs = append(l.needs, nil)
	if ok {
		l.at[name] = append(l.at[name], len(l.pkgs))
	}
	l.pkgs = append(l.pkgs, pkg) // a zero package keeps the indexes in step
}

func (l *lock) need(name, version string) {
	i := len(l.needs) - 1
	l.needs[i] = append(l.needs[i], [2]string{entry.NormalPython(name), version})
}

func (l *lock) own(needs [][2]string) { l.direct = append(l.direct, needs...) }

// find returns the entries a need may mean.
func (l *lock) find(need [2]string) []int {
	var out []int
	for _, i := range l.at[entry.NormalPython(need[0])] {
		if need[1] == "" || l.pkgs[i].Version == need[1] {
			out = append(out, i)
		}
	}
	return out
}

func (l *lock) packages() []fnvet.Package {
	for _, need := range l.direct {
		for _, i := range l.find(need) {
			l.pkgs[i].Direct = true
		}
	}
	var out []fnvet.Package
	for i, pkg := range l.pkgs {
		for _, need := range l.needs[i] {
			for _, to := range l.find(need) {
				pkg.DependsOn = append(pkg.DependsOn, l.pkgs[to].PURL)
			}
		}
		if pkg.Name != "" {
			pkg.DependsOn = entry.Sorted(pkg.DependsOn)
			out = append(out, pkg)
		}
	}
	return out
}

// cutOff tells a lockfile whose end is lost: its entries are sorted by name,
// and one is needed that would come after the last.
func (l *lock) cutOff() error {
	for _, needs := range append(l.needs, l.direct) {
		for _, need := range needs {
			if need[0] > l.last && len(l.at[need[0]]) == 0 && l.last != "" {
				return errors.New("cut off: " + need[0] + " is needed and would come after the last entry")
			}
		}
	}
	return nil
}
