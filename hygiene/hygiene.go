// Package hygiene finds what does not belong in a function package: environment
// files, repositories, keys, tests, caches, tools; native libraries that the
// function cannot load; a handler that is not there; and sizes that AWS Lambda
// refuses. It looks at names, sizes and the first bytes. It does not look for
// secrets in the files: a key or an environment file is reported for being there.
package hygiene

import (
	"context"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
)

// Options are what a caller knows of the function. The zero value is usable.
type Options struct {
	// Architecture is the processor the function runs on, as Lambda ("x86_64",
	// "arm64") or an image config ("amd64") writes it; "" means that of the
	// artifact's configuration, if it states one.
	Architecture string
	// Handler is the function's handler as Lambda writes it ("src/index.handler");
	// "" means that of the artifact's configuration, if it states one.
	Handler string
}

// A Detector gathers over one scan. It implements fnvet.Detector and
// fnvet.Finisher, and takes the artifact in Situate.
type Detector struct {
	options Options

	mu       sync.Mutex
	artifact fnvet.Artifact
	whole    bool // the walk saw every file
	unpacked int64
	tops     map[string]int64 // archives beside everything else, of which one may be the artifact
	places   map[placeKey]*place
	natives  map[string]*nativeGroup // by group
	system   platforms               // of the image's own libraries
	code     map[uint64]struct{}     // hashes of names a handler may have
	cut      bool                    // a map was full
	azure    bool                    // the package is for Azure Functions

	functions []fnvet.Function // that templates state, certainly of the artifact
	folders   map[string]int64 // sizes of files by folder
}

// Bounds of what is kept.
const (
	maxPlaces  = 20_000
	maxNatives = 20_000
	maxCode    = 500_000
	maxNamed   = 5 // places that the evidence names
)

// A placeKey is a rule and the folder or file that breaks it.
type placeKey struct {
	rule, path, layer string
	dependency        bool
}

// A place is how many files there are, and one of them to tell whether the folder
// is still there in the end.
type place struct {
	files  int
	sample string // the first in sort order
}

// New returns a detector for one scan.
func New(o Options) *Detector {
	return &Detector{options: o, tops: map[string]int64{}, places: map[placeKey]*place{},
		natives: map[string]*nativeGroup{}, code: map[uint64]struct{}{}, folders: map[string]int64{}}
}

// Situate tells what the artifact is and whether the walk saw every file of it,
// before Finish.
func (d *Detector) Situate(a fnvet.Artifact, _ []fnvet.Setting, whole bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.artifact, d.whole = a, whole
}

// Want takes every file: the sizes count.
func (d *Detector) Want(*fnvet.File) bool { return true }

// Detect looks at one file. What it finds by the file alone it returns; the rest
// is for Finish.
func (d *Detector) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	d.count(f)
	if systemFile(f) {
		d.systemNative(f)
		return fnvet.Facts{}, nil
	}
	var facts fnvet.Facts
	dependency := inDependency(f)
	if rule, severity, evidence := sensitive(f, dependency); rule != "" {
		facts.Findings = append(facts.Findings, finding(rule, severity, f.Path, f.Layer, evidence))
	}
	if rule, folder := junk(f, dependency); rule != "" {
		d.note(placeKey{rule: rule, path: folder, layer: f.Layer, dependency: dependency}, f.Path)
	}
	if tool := developmentTool(f.Name); tool != "" && f.Depth == 0 {
		d.note(placeKey{rule: devTooling, path: strings.TrimSuffix(f.Path, f.Name) + tool, layer: f.Layer}, f.Path)
	}
	d.native(f)
	d.handlerFile(f)
	return facts, nil
}

// count adds to the size that Lambda would count: files of the package itself and
// of its layers, not what is in archives in it.
func (d *Detector) count(f *fnvet.File) {
	if f.Depth > 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unpacked += f.Size
	d.folder(f)
	if f.Archive && f.Path == f.Name && !strings.Contains(f.Name, "/") && len(d.tops) < maxPlaces {
		d.tops[strings.Clone(f.Path)] = f.Size
	}
	if f.Name == "host.json" {
		d.azure = true
	}
}

// note counts a file at a place.
func (d *Detector) note(key placeKey, sample string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.places[key]
	if p == nil {
		if len(d.places) >= maxPlaces {
			d.cut = true
			return
		}
		key.path, key.layer = strings.Clone(key.path), strings.Clone(key.layer)
		p = &place{sample: strings.Clone(sample)}
		d.places[key] = p
	}
	p.files++
	if sample < p.sample {
		p.sample = strings.Clone(sample)
	}
}

// Finish reports what takes all files to know.
func (d *Detector) Finish(_ context.Context, removed func(path, layer string) bool) (fnvet.Facts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var facts fnvet.Facts
	for _, rule := range []string{versionControl, testFiles, cacheFiles, editorFiles, devTooling} {
		facts.Findings = append(facts.Findings, d.summary(rule, removed)...)
	}
	facts.Findings = append(facts.Findings, d.platformFindings(removed)...)
	facts.Findings = append(facts.Findings, d.handlerFindings()...)
	facts.Findings = append(facts.Findings, d.statedHandlers()...)
	facts.Findings = append(facts.Findings, d.sizeFindings()...)
	if d.cut {
		facts.Gaps = append(facts.Gaps, fnvet.Gap{Path: d.artifact.Name, Reason: fnvet.GapLimit, Detail: "too many files for the hygiene rules to remember"})
	}
	return facts, nil
}

// summary makes the findings of one rule: for repositories one each, else one for
// the package's own files and one for those of its dependencies.
func (d *Detector) summary(rule string, removed func(path, layer string) bool) []fnvet.Finding {
	var own, foreign []placeKey
	for key, p := range d.places {
		switch {
		case key.rule != rule || removed(p.sample, key.layer):
		case key.dependency:
			foreign = append(foreign, key)
		default:
			own = append(own, key)
		}
	}
	var found []fnvet.Finding
	if rule == versionControl {
		for _, key := range sortKeys(append(own, foreign...)) {
			severity := fnvet.Severity("")
			if key.dependency {
				severity = fnvet.Low
			}
			found = append(found, finding(rule, severity, key.path, key.layer, filesText(d.places[key].files)))
		}
		return found
	}
	for _, keys := range [][]placeKey{own, foreign} {
		if len(keys) > 0 {
			found = append(found, d.together(rule, sortKeys(keys)))
		}
	}
	return found
}

// together is one finding for all places, at the first of them.
func (d *Detector) together(rule string, keys []placeKey) fnvet.Finding {
	files := 0
	var names []string
	for i, key := range keys {
		files += d.places[key].files
		if i < maxNamed {
			names = append(names, strings.TrimPrefix(key.path, d.artifact.Name+"!/"))
		}
	}
	text := filesText(files)
	if rule == devTooling {
		text = counted(len(keys), "package")
		for i := range names {
			names[i] = path.Base(names[i])
		}
	}
	text += ": " + strings.Join(names, ", ")
	if len(keys) > maxNamed {
		text += " and " + counted(len(keys)-maxNamed, "other place")
	}
	f := finding(rule, "", keys[0].path, keys[0].layer, text)
	if keys[0].dependency {
		f.Severity = fnvet.Info
	}
	return f
}

func sortKeys(keys []placeKey) []placeKey {
	slices.SortFunc(keys, func(a, b placeKey) int {
		return strings.Compare(a.path+"\x00"+a.layer, b.path+"\x00"+b.layer)
	})
	return keys
}
