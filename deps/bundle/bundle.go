// Package bundle finds the packages in code that was bundled or built into one
// file: the output of esbuild, webpack, rollup, ncc, parcel, browserify and
// swc, and binaries that were stripped, packed or built as native images.
//
// What names a package, strongest first: paths in a source map, paths and names
// of modules that the bundler kept, embedded package.json files, licence
// comments and lists, texts that only one package has. Each package carries
// that evidence and a confidence. A version is only stated when something
// states it; otherwise the package is listed without one. A bundle whose
// packages do not all show is a gap. docs/bundles.md says what each tool
// leaves and how much is found.
//
// It runs nothing, parses no JavaScript and knows no advisories. Files of
// installed packages are not looked at.
package bundle

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/golang"
)

// maxScript is the size in bytes above which a script is reported as a gap, and
// maxLock that above which a lockfile is not read for versions.
const (
	pythonPackage = "__init__.py"

	maxScript = 256 << 20
	maxLock   = 64 << 20
)

// A Detector lists the packages of bundled JavaScript and of native images, and
// says which binaries hide theirs. One value serves one scan.
type Detector struct {
	known func() map[uint64]knownText
	mu    sync.Mutex
	files map[at]*trace
	// python are the directories of Python packages: a script in one is an asset
	// that a library serves to browsers, not the function's bundle.
	python map[string]bool
}

// at is where a file is.
type at struct{ path, layer string }

// A trace is what one file showed: a script, its map or its licences.
type trace struct {
	at
	kind   traceKind
	signs  signs
	size   int64
	inv    inventory
	url    string // of the source map a script names
	mapErr error
	locked map[string]string // of a lockfile: the version of each name that has just one
}

type traceKind int

const (
	scriptFile traceKind = iota
	mapFile
	licenseTexts
	lock
)

// New returns a detector for one scan.
func New() *Detector {
	return &Detector{
		known:  sync.OnceValue(func() map[uint64]knownText { return readKnown(knownTable) }),
		files:  make(map[at]*trace),
		python: make(map[string]bool),
	}
}

// Want takes scripts outside installed packages whose first or last bytes show
// a bundler's work, the source maps and lists of licences beside scripts, and
// executables.
func (d *Detector) Want(f *fnvet.File) bool {
	if script(f) {
		return look(f.Data) != none
	}
	if f.Link == "" && path.Base(f.Name) == pythonPackage {
		return true
	}
	if f.Link != "" || f.Size == 0 {
		return false
	}
	if golang.Executable(f.Data) {
		return f.Size <= maxBinary // larger ones are the Go detector's gap
	}
	if _, ok := mapOf(f.Name); ok || lockParser(f.Name) != nil {
		return true
	}
	_, ok := licensesOf(f.Name)
	return ok
}

// Detect reads one file; the packages come with Finish. Its error says what of
// a bundle or source map could not be read.
func (d *Detector) Detect(ctx context.Context, f *fnvet.File) (fnvet.Facts, error) {
	if err := ctx.Err(); err != nil {
		return fnvet.Facts{}, err
	}
	if path.Base(f.Name) == pythonPackage {
		d.mu.Lock()
		d.python[strings.Clone(path.Dir(f.Path))] = true
		d.mu.Unlock()
		return fnvet.Facts{}, nil
	}
	if golang.Executable(f.Data) {
		return readBinary(f)
	}
	t := &trace{at: at{strings.Clone(f.Path), strings.Clone(f.Layer)}, size: f.Size}
	var err error
	switch {
	case f.Size > maxScript:
		return fnvet.Facts{Gaps: []fnvet.Gap{{
			Path: f.Path, Reason: fnvet.GapLimit, Detail: fmt.Sprintf("not read for bundled packages: %d bytes is more than %d", f.Size, maxScript),
		}}}, nil
	case lockParser(f.Name) != nil:
		t.lock(f)
	case path.Ext(f.Name) == ".map":
		t.kind = mapFile
		t.mapErr = t.inv.byMap(f.Data)
		err = t.mapErr
	case path.Ext(f.Name) == ".txt":
		t.kind = licenseTexts
		t.inv.byLicenseFile(f.Data)
	default:
		t.signs = look(f.Data)
		err = t.script(f.Data, d.known())
		t.inv.complete = t.inv.complete || t.inv.isLibrary(path.Base(f.Name))
	}
	if t.kind == mapFile && err != nil && len(t.inv.items) == 0 {
		err = nil // not a source map, or an empty one; the script beside it tells
	}
	d.mu.Lock()
	d.files[t.at] = t
	d.mu.Unlock()
	if err != nil {
		return fnvet.Facts{Gaps: []fnvet.Gap{{Path: f.Path, Reason: fnvet.GapUnparsable, Detail: err.Error()}}}, nil
	}
	return fnvet.Facts{}, nil
}

// lock keeps what a lockfile says. One that does not parse is the gap of the
// detector that lists its packages.
func (t *trace) lock(f *fnvet.File) {
	t.kind = lock
	t.locked = make(map[string]string)
	if f.Size > maxLock {
		return
	}
	pkgs, _ := lockParser(f.Name)(f.Data)
	for _, p := range pkgs {
		if old, ok := t.locked[p.Name]; ok && old != p.Version {
			p.Version = ""
		}
		t.locked[p.Name] = p.Version
	}
}

// script reads the code of a script, and the source map inside it.
func (t *trace) script(code []byte, known map[uint64]knownText) error {
	data, url, err := inlineMap(code)
	t.url = strings.Clone(url)
	if data != nil && err == nil {
		if i := lastMapComment(code); i >= 0 {
			code = code[:i]
		}
		err = t.inv.byMap(data)
	}
	if len(code) <= maxScript {
		t.inv.byCode(code, t.signs == certain, known)
	}
	return err
}

// Finish joins scripts with what stands beside them. A script removed by a
// later layer has no packages.
func (d *Detector) Finish(ctx context.Context, removed func(path, layer string) bool) (fnvet.Facts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var facts fnvet.Facts
	list := make([]*trace, 0, len(d.files))
	for _, t := range d.files {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *trace) int {
		if c := strings.Compare(a.path, b.path); c != 0 {
			return c
		}
		return strings.Compare(a.layer, b.layer)
	})
	list = slices.DeleteFunc(list, func(t *trace) bool { return removed(t.path, t.layer) })
	d.attach(list)
	pin(list)
	for _, t := range list {
		if err := ctx.Err(); err != nil {
			return facts, err
		}
		if t.kind == licenseTexts {
			continue
		}
		facts.Packages = append(facts.Packages, t.inv.packages(t.path, t.layer)...)
		if !d.asset(t.path) {
			facts.Gaps = append(facts.Gaps, t.gaps()...)
		}
	}
	return facts, nil
}

// asset reports whether a script lies in a Python package.
func (d *Detector) asset(name string) bool {
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if d.python[dir] {
			return true
		}
	}
	return false
}

// attach moves what maps and licences show to the script they belong to.
func (d *Detector) attach(list []*trace) {
	inDir := make(map[at][]*trace)
	for _, t := range list {
		if t.kind == scriptFile {
			dir := at{path.Dir(t.path), t.layer}
			inDir[dir] = append(inDir[dir], t)
		}
	}
	for _, t := range list {
		for _, js := range d.owners(t, inDir) {
			js.inv.merge(&t.inv)
			if js.mapErr == nil {
				js.mapErr = t.mapErr
			}
			if t.kind == mapFile {
				js.signs = max(js.signs, weak)
			}
		}
	}
	for _, t := range list {
		if t.kind == mapFile && len(d.owners(t, inDir)) > 0 {
			t.inv = inventory{}
		}
	}
}

// pin gives packages without a version the one that the nearest lockfile
// states, in the script's directory or one around it, within its archive.
func pin(list []*trace) {
	locks := make(map[string]map[string]string)
	for _, t := range list {
		if t.kind == lock && locks[path.Dir(t.path)] == nil {
			locks[path.Dir(t.path)] = t.locked
		}
	}
	if len(locks) == 0 {
		return
	}
	for _, t := range list {
		if t.kind != scriptFile {
			continue
		}
		for dir := path.Dir(t.path); ; dir = path.Dir(dir) {
			if locked := locks[dir]; locked != nil {
				t.inv.pin(locked)
				break
			}
			if dir == "." || dir == "/" || strings.HasSuffix(dir, "!") {
				break
			}
		}
	}
}

// owners returns the scripts that a map or a list of licences belongs to.
func (d *Detector) owners(t *trace, inDir map[at][]*trace) []*trace {
	var out []*trace
	beside := inDir[at{path.Dir(t.path), t.layer}]
	switch t.kind {
	case mapFile:
		name := strings.TrimSuffix(t.path, ".map")
		for _, js := range beside {
			if js.path == name || js.url != "" && path.Base(js.url) == path.Base(t.path) {
				out = append(out, js)
			}
		}
	case licenseTexts:
		name, exact := strings.CutSuffix(t.path, ".LICENSE.txt")
		var bundles []*trace
		for _, js := range beside {
			if js.path == name {
				return []*trace{js}
			}
			if js.signs == certain {
				bundles = append(bundles, js)
			}
		}
		if !exact && len(bundles) == 1 {
			out = bundles
		}
	case scriptFile, lock:
	}
	return out
}

// gaps says what of a script's packages is not known.
func (t *trace) gaps() []fnvet.Gap {
	if t.kind != scriptFile {
		return nil
	}
	detail := ""
	n := len(t.inv.items)
	switch {
	case t.inv.over:
		return []fnvet.Gap{{Path: t.path, Reason: fnvet.GapLimit, Detail: fmt.Sprintf("more than %d packages in one bundle", maxItems)}}
	case t.inv.complete:
		return nil
	case n > 0:
		detail = fmt.Sprintf("bundle only partly inventoried: %d packages show, but not every module says which one it is of", n)
	case t.signs == certain || t.size >= minSquashed && t.url == "":
		detail = "bundle not inventoried: no source map, path of a module or licence names a package"
	case t.size >= minSquashed:
		detail = "bundle not inventoried: its source map is not in the artifact"
	default:
		return nil
	}
	return []fnvet.Gap{{Path: t.path, Reason: fnvet.GapNotInventoried, Detail: detail}}
}
