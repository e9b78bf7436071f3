package npm

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

// maxPackageJSON bounds a package.json in bytes; npm refuses metadata near that size.
const maxPackageJSON = 8 << 20

// maxLinks bounds the symbolic links followed for one directory.
const maxLinks = 40

// Installed lists the packages of node_modules trees, at any depth and in any
// container, and joins their graph as Node would resolve it. The package.json
// of a project says which of them are direct, and declares an exact version of
// what is neither installed nor locked beside it. One value serves one scan.
type Installed struct {
	mu       sync.Mutex
	modules  []module
	projects []module
	links    []link
	locks    map[string]bool // place of directories with a lockfile
}

// A module is one package.json.
type module struct {
	path, layer string
	place       string // container and directory
	pkg         fnvet.Package
	needs       []string
	direct      []string    // of a project: the names it asks for
	exact       [][2]string // of a project: names with an exact version
}

type link struct{ path, layer, place, target string }

// NewInstalled returns a detector for one scan.
func NewInstalled() *Installed { return &Installed{locks: make(map[string]bool)} }

// place joins a container and a directory in it, so that resolution never
// leaves the container.
func place(f *fnvet.File, dir string) string {
	if dir == "." {
		dir = ""
	}
	return f.Container + "\x00" + dir
}

// Want takes every package.json, the links of node_modules trees, and
// lockfiles (by name only: they are read by detectors of their own).
func (in *Installed) Want(f *fnvet.File) bool {
	if f.Link != "" {
		return packageName(f.Name) != ""
	}
	switch path.Base(f.Name) {
	case "package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock":
		return true
	}
	return false
}

// Detect notes one file. An error means a package.json that does not parse.
func (in *Installed) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	dir := path.Dir(f.Name)
	if f.Link != "" {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.links = append(in.links, link{f.Path, f.Layer, place(f, f.Name), path.Join(dir, f.Link)})
		return fnvet.Facts{}, nil
	}
	if path.Base(f.Name) != "package.json" {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.locks[place(f, dir)] = true
		return fnvet.Facts{}, nil
	}
	if f.Size > maxPackageJSON {
		return fnvet.Facts{Gaps: []fnvet.Gap{{Path: f.Path, Reason: fnvet.GapLimit, Detail: "package.json over 8 MiB"}}}, nil
	}
	return in.readManifest(f, dir)
}

func (in *Installed) readManifest(f *fnvet.File, dir string) (fnvet.Facts, error) {
	underModules := strings.Contains("/"+dir+"/", "/node_modules/")
	name := packageName(dir)
	if name == "" && (underModules || entry.ThirdParty(f.Name)) {
		return fnvet.Facts{}, nil // inside a package, not its root
	}
	v, err := tree.JSON(f.Data)
	m := module{path: f.Path, layer: f.Layer, place: place(f, dir)}
	if name == "" {
		m.direct = wants(v, "dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
		for _, field := range dependencyFields[:2] {
			for _, d := range v.Get(field).Members() {
				if exactVersion(d.Text()) {
					m.exact = append(m.exact, [2]string{d.Key, strings.TrimLeft(d.Text(), "=v ")})
				}
			}
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		in.projects = append(in.projects, m)
		return fnvet.Facts{}, nil // a project's own manifest is not a lockfile; Node says so itself
	}
	if own := v.Get("name").Text(); own != "" {
		name = own
	}
	var ok bool
	if m.pkg, ok = entry.Package(entry.NPM, name, v.Get("version").Text(), fnvet.Installed); !ok {
		if err == nil {
			err = errNoVersion
		}
		return fnvet.Facts{}, err
	}
	m.pkg.Licenses, m.pkg.Supplier, m.pkg.Links = licenses(v), supplier(v), links(v)
	m.needs = wants(v, dependencyFields[:]...)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.modules = append(in.modules, m)
	return fnvet.Facts{}, err
}

// errNoVersion is of an installed package that cannot be compared with anything.
var errNoVersion = errors.New("an installed package that states no usable name and version")

// exactVersion says whether a dependency's range is one whole version.
func exactVersion(text string) bool {
	text = strings.TrimLeft(text, "=v ")
	core := text
	if i := strings.IndexAny(text, "-+"); i >= 0 {
		core = text[:i]
	}
	parts := strings.Split(core, ".")
	if len(parts) != 3 || strings.ContainsAny(text, " |<>^~*:/") {
		return false
	}
	for _, p := range parts {
		if p == "" || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return true
}

// Finish returns the installed packages with their graph.
func (in *Installed) Finish(ctx context.Context, removed func(path, layer string) bool) (fnvet.Facts, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	t := joined{at: make(map[string]int), links: make(map[string]string)}
	for _, m := range in.modules {
		if !removed(m.path, m.layer) {
			t.modules = append(t.modules, m)
		}
	}
	slices.SortFunc(t.modules, func(a, b module) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.layer, b.layer), cmp.Compare(a.pkg.PURL, b.pkg.PURL))
	})
	slices.SortFunc(in.links, func(a, b link) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.layer, b.layer), cmp.Compare(a.target, b.target))
	})
	for i, m := range t.modules {
		t.at[m.place] = i
	}
	for _, l := range in.links {
		if !removed(l.path, l.layer) {
			t.links[l.place] = l.target
		}
	}
	for i := range t.modules {
		if err := ctx.Err(); err != nil {
			return fnvet.Facts{}, err
		}
		t.graph(&t.modules[i])
	}
	var facts fnvet.Facts
	for _, p := range in.projects {
		if !removed(p.path, p.layer) {
			facts.Packages = append(facts.Packages, t.project(p, in.locks[p.place])...)
		}
	}
	for _, m := range t.modules {
		m.pkg.Locations = []fnvet.Location{{Path: m.path, Layer: m.layer, Kind: fnvet.Installed}}
		facts.Packages = append(facts.Packages, m.pkg)
	}
	return facts, nil
}

// joined is the whole of the installed trees.
type joined struct {
	modules []module
	at      map[string]int    // index in modules by place
	links   map[string]string // directory in the same container by place
}

// find resolves name from a place, following links to directories.
func (t *joined) find(from, name string) (int, bool) {
	container, dir, _ := strings.Cut(from, "\x00")
	found := -1
	has := func(d string) bool {
		for range maxLinks {
			if i, ok := t.at[container+"\x00"+d]; ok {
				found = i
				return true
			}
			target, ok := t.links[container+"\x00"+d]
			if !ok {
				return false
			}
			d = target
		}
		return false
	}
	_, ok := resolve(has, dir, name)
	return found, ok
}

func (t *joined) graph(m *module) {
	for _, name := range m.needs {
		if to, ok := t.find(m.place, name); ok {
			m.pkg.DependsOn = append(m.pkg.DependsOn, t.modules[to].pkg.PURL)
		}
	}
	m.pkg.DependsOn = entry.Sorted(m.pkg.DependsOn)
}

// project marks what a project asks for as direct, and returns the exact
// versions it declares and does not have.
func (t *joined) project(p module, locked bool) []fnvet.Package {
	for _, name := range p.direct {
		if to, ok := t.find(p.place, name); ok {
			t.modules[to].pkg.Direct = true
		}
	}
	var out []fnvet.Package
	for _, e := range p.exact {
		if _, installed := t.find(p.place, e[0]); installed || locked {
			continue
		}
		if pkg, ok := entry.Package(entry.NPM, e[0], e[1], fnvet.Declared); ok {
			pkg.Direct = true
			pkg.Locations = []fnvet.Location{{Path: p.path, Layer: p.layer, Kind: fnvet.Declared}}
			out = append(out, pkg)
		}
	}
	return out
}
