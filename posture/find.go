package posture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/serverless"
)

// Bounds of one place in which templates are looked for.
const (
	maxTemplates = 300
	maxListed    = 20_000 // files of a folder given
	maxDepth     = 12
)

// A stack is one model and where it came from.
type stack struct {
	model *model.Model
	name  string // of the template or folder in files
	files *tracked
	tree  *tree // nil for templates outside the artifact
	given *Given
	own   bool // of the artifact's own configuration
}

// A tracked is an fs.FS that remembers which files were read.
type tracked struct {
	fs.FS
	read map[string]bool
}

func (t *tracked) Open(name string) (fs.File, error) {
	f, err := t.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if i, err := f.Stat(); err == nil && i.Mode().IsRegular() {
		t.read[name] = true
	}
	return f, nil
}

// place is somewhere to look for templates.
type place struct {
	files  fs.FS
	names  []string // of the files, sorted
	report func(name string) string
	data   func(name string) []byte
	is     func(name string) int // the row of readers that takes a file, or -1
	asked  bool                  // the user named it: it is to be a template
}

// readTree reads the templates of one container of the artifact.
func (d *Detector) readTree(ctx context.Context, t *tree, removed func(path, layer string) bool) ([]*stack, []fnvet.Gap) {
	t.settle(removed)
	names := sortedKeys(t.files)
	for _, g := range d.options.Given { // what is given with what lies around it is not read again without that
		if g.Self {
			names = slices.DeleteFunc(names, func(n string) bool { return n == g.File })
		}
	}
	p := place{files: t, names: names, report: func(name string) string {
		if k := t.files[name]; k != nil {
			return k.path
		}
		if name == "." {
			return path.Join(".", strings.TrimSuffix(strings.TrimSuffix(t.prefix, "/"), "!"))
		}
		return t.prefix + name
	}, data: func(name string) []byte { return t.files[name].text() }, is: func(name string) int { return t.files[name].reader }}
	stacks, gaps := d.readPlace(ctx, p)
	for _, s := range stacks {
		s.tree = t
	}
	return stacks, gaps
}

// readGiven reads a template outside the artifact, or those of a folder.
func (d *Detector) readGiven(ctx context.Context, g *Given) ([]*stack, []fnvet.Gap) {
	dir := g.Path
	if g.File != "" {
		dir = path.Dir(g.Path)
	}
	p := place{files: g.FS, asked: true, report: func(name string) string { return path.Join(dir, name) }}
	p.data = func(name string) []byte {
		data, err := readBounded(g.FS, name)
		if err != nil {
			return nil
		}
		return data
	}
	p.is = func(name string) int { return recognise(name, p.data(name)) }
	var gaps []fnvet.Gap
	if g.File != "" {
		p.names = []string{g.File}
		if _, err := readBounded(g.FS, g.File); err != nil {
			return nil, []fnvet.Gap{{Path: g.Path, Reason: fnvet.GapUnreadable, Detail: plainError(err)}}
		}
	} else if p.names, gaps = list(g); len(p.names) == 0 {
		return nil, append(gaps, fnvet.Gap{Path: g.Path, Reason: fnvet.GapNothingFound, Detail: "there is no template in the folder"})
	}
	stacks, more := d.readPlace(ctx, p)
	gaps = append(gaps, more...)
	for _, s := range stacks {
		s.given = g
	}
	if len(stacks) == 0 && len(gaps) == 0 && !g.Self {
		gaps = append(gaps, fnvet.Gap{Path: g.Path, Reason: fnvet.GapNothingFound, Detail: "not a template or function setting that fnvet reads"})
	}
	return stacks, gaps
}

// plainError leaves the paths of this machine out of an error.
func plainError(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return err.Error()
}

func readBounded(files fs.FS, name string) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 2*maxText+1))
	if err == nil && len(data) > 2*maxText {
		return nil, fmt.Errorf("more than %d bytes", 2*maxText)
	}
	return data, err
}

// list are the names of a folder given that may be templates.
func list(g *Given) (names []string, gaps []fnvet.Gap) {
	seen := 0
	err := fs.WalkDir(g.FS, ".", func(name string, e fs.DirEntry, err error) error {
		seen++
		switch {
		case err != nil:
			gaps = append(gaps, fnvet.Gap{Path: path.Join(g.Path, name), Reason: fnvet.GapUnreadable, Detail: plainError(err)})
			return nil
		case seen > maxListed:
			gaps = append(gaps, fnvet.Gap{Path: g.Path, Reason: fnvet.GapLimit, Detail: fmt.Sprintf("more than %d files in the folder", maxListed)})
			return fs.SkipAll
		case e.IsDir() && name != "." && (foreign[e.Name()] || strings.Count(name, "/") >= maxDepth):
			return fs.SkipDir
		case !e.IsDir() && (textFiles[strings.ToLower(path.Ext(name))] || path.Base(name) == "function_app.py" || serverless.IsProgram(name)) && !lockfile(path.Base(name)):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		gaps = append(gaps, fnvet.Gap{Path: g.Path, Reason: fnvet.GapUnreadable, Detail: plainError(err)})
	}
	return names, gaps
}

// readPlace recognises the templates of a place and reads them. A template that
// another one includes is part of that.
func (d *Detector) readPlace(ctx context.Context, p place) (stacks []*stack, gaps []fnvet.Gap) {
	folders := map[int]map[string]bool{} // by reader
	type job struct {
		r    *reader
		name string
	}
	var jobs []job
	var programs []string
	for _, name := range p.names {
		if serverless.IsProgram(name) {
			programs = append(programs, name)
			continue
		}
		i := p.is(name)
		switch {
		case i < 0:
		case readers[i].folder:
			if folders[i] == nil {
				folders[i] = map[string]bool{}
			}
			folders[i][path.Dir(name)] = true
		default:
			jobs = append(jobs, job{&readers[i], name})
		}
	}
	for i := range readers {
		roots := sortedKeys(folders[i])
		if readers[i].roots != nil && len(roots) > 1 {
			roots = readers[i].roots(ctx, &model.Source{Name: ".", FS: p.files, Report: p.report}, roots)
		}
		for _, dir := range roots {
			jobs = append(jobs, job{&readers[i], dir})
		}
	}
	for _, name := range programs { // unless what it prints is beside it
		printed := slices.ContainsFunc(jobs, func(j job) bool {
			return j.r.dialect == model.Serverless && path.Dir(j.name) == path.Dir(name)
		})
		if !printed && bytes.Contains(p.data(name), []byte("service")) {
			gaps = append(gaps, program(p, name))
		}
	}
	if len(jobs) > maxTemplates {
		gaps = append(gaps, fnvet.Gap{Path: p.report("."), Reason: fnvet.GapLimit, Detail: fmt.Sprintf("more than %d templates", maxTemplates)})
		jobs = jobs[:maxTemplates]
	}
	for _, j := range jobs {
		if ctx.Err() != nil {
			gaps = append(gaps, fnvet.Gap{Path: p.report(j.name), Reason: fnvet.GapLimit, Detail: "the time limit of the scan (--timeout) was reached"})
			continue
		}
		s, gap := read(ctx, j.r, p, j.name)
		if gap != nil {
			gaps = append(gaps, *gap)
		}
		if s != nil {
			stacks = append(stacks, s)
		}
	}
	return whole(stacks), gaps
}

func recognise(name string, data []byte) int {
	for i := range readers {
		if readers[i].is(name, data) {
			return i
		}
	}
	return -1
}

// program is the gap of a service that is stated by a program.
func program(p place, name string) fnvet.Gap {
	return fnvet.Gap{Path: p.report(name), Reason: fnvet.GapUnsupported,
		Detail: "a service stated by a program, which fnvet does not run: give the output of \"serverless print --format json\" with --template"}
}

// read has one template read. A mistake is a gap, and what was read before it counts.
func read(ctx context.Context, r *reader, p place, name string) (s *stack, gap *fnvet.Gap) {
	defer func() {
		if e := recover(); e != nil {
			s, gap = nil, &fnvet.Gap{Path: p.report(name), Reason: fnvet.GapFailed, Detail: fmt.Sprintf("the reader of %s templates crashed (%T)", r.dialect, e)}
		}
	}()
	files := &tracked{FS: p.files, read: map[string]bool{}}
	src := &model.Source{Name: name, FS: files, Report: p.report}
	if !r.folder {
		src.Data = p.data(name)
	}
	m, err := r.read(ctx, src)
	if err != nil {
		gap = &fnvet.Gap{Path: p.report(name), Reason: fnvet.GapUnparsable, Detail: err.Error()}
	}
	if m == nil {
		return nil, gap
	}
	return &stack{model: m, name: name, files: files}, gap
}

// whole drops templates that others include: fragments of a serverless.yml, nested
// stacks.
func whole(stacks []*stack) []*stack {
	included := func(name string, by *stack) bool {
		return slices.ContainsFunc(stacks, func(s *stack) bool { return s != by && s.files.read[name] && s.name != name })
	}
	return slices.DeleteFunc(slices.Clone(stacks), func(s *stack) bool {
		if !included(s.name, s) {
			return false
		}
		for _, o := range stacks { // two that include each other both stay
			if o != s && o.files.read[s.name] && s.files.read[o.name] {
				return false
			}
		}
		return true
	})
}
