package inject

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/engine"
	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/js"
	"github.com/fnvet/fnvet/inject/python"
)

// program is the code of one file system.
type program struct {
	d         *Detector
	container string
	byName    map[string]*source
	names     []string
	files     map[string]*ir.File // lowered
	where     map[*ir.File]*source
	machine   *engine.Machine
	entered   map[string]bool // by file and export
	fnOf      map[*ir.File]*fnvet.Function
	owners    []*fnvet.Function // of the machine's hits, nil where none is known
	buses     map[string]bool   // by file and export: see busOnly
	gaps      []fnvet.Gap
	lost      []*fnvet.Function // whose handlers are not there
	left      int               // steps
	read      int               // bytes of source that were lowered
	full      bool              // and that was all there may be
	js        js.Parser
	python    python.Parser
	pythons   map[string]bool // names of its files and their folders
	javaCode  javaCode
	goCode    goCode
	last      *source // whose text is kept
	lastText  string
}

func newProgram(d *Detector, container string, sources []*source) *program {
	p := &program{d: d, container: container, byName: map[string]*source{}, files: map[string]*ir.File{}, where: map[*ir.File]*source{},
		entered: map[string]bool{}, fnOf: map[*ir.File]*fnvet.Function{}, left: maxTotal}
	slices.SortFunc(sources, func(a, b *source) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.layer, b.layer))
	})
	for _, s := range sources {
		if p.byName[s.name] == nil {
			p.names = append(p.names, s.name)
		}
		p.byName[s.name] = s
	}
	return p
}

// file lowers a file when it is first needed.
func (p *program) file(name string) *ir.File {
	if f, ok := p.files[name]; ok {
		return f
	}
	s := p.byName[name]
	if s == nil || path.Ext(name) == ".class" || path.Ext(name) == ".go" {
		return nil
	}
	if p.read += s.size; p.read > maxRead {
		p.tooMuch(s)
		return nil
	}
	f := p.lower(p.text(s), name, s.path)
	p.files[name], p.where[f] = f, s
	return f
}

// tooMuch tells, once, that there is more code than is followed.
func (p *program) tooMuch(s *source) {
	if !p.full {
		p.full = true
		p.gaps = append(p.gaps, fnvet.Gap{Path: s.path, Reason: fnvet.GapLimit,
			Detail: fmt.Sprintf("event data is followed through %d MiB of code; this file and what comes after it were left out", maxRead>>20)})
	}
}

func (p *program) lower(src, name, at string) *ir.File {
	if strings.HasSuffix(name, ".py") {
		return p.python.Lower(p.python.Parse(src), src, name, at)
	}
	return p.js.Lower(p.js.Parse(src, js.Dialect(name)), src, name, at)
}

// load finds the file that a module name means; nil for what is not the
// function's own.
func (p *program) load(from *ir.File, module string) *ir.File {
	switch from.Lang {
	case ir.Python:
		return p.pythonModule(from, module)
	case ir.Java:
		return p.javaFile(module)
	case ir.Go:
		return p.goFile(strings.TrimPrefix(module, "file:"))
	case ir.JS:
	}
	if !strings.HasPrefix(module, ".") {
		if f := p.mapped(from, module); f != nil {
			return f
		}
	}
	var base string
	switch {
	case strings.HasPrefix(module, "./"), strings.HasPrefix(module, "../"), module == ".", module == "..":
		base = path.Join(path.Dir(from.Name), module)
	case strings.HasPrefix(module, "/"):
		base = strings.TrimPrefix(path.Clean(module), "/")
	case strings.HasPrefix(module, "@/"), strings.HasPrefix(module, "~/"):
		if f := p.script(path.Join("src", module[2:])); f != nil {
			return f
		}
		base = path.Clean(module[2:])
	case strings.HasPrefix(module, "src/"), strings.HasPrefix(module, "#"):
		base = strings.TrimPrefix(module, "#")
	default:
		return nil
	}
	return p.script(base)
}

// script finds a script by its name with or without extension.
func (p *program) script(base string) *ir.File {
	stem := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(base, ".js"), ".mjs"), ".cjs")
	for _, name := range []string{base, base + ".js", base + ".mjs", base + ".cjs", base + ".ts", base + ".tsx", base + ".jsx", base + ".mts",
		stem + ".ts", stem + ".tsx", stem + ".mts", stem + ".cts",
		base + "/index.js", base + "/index.mjs", base + "/index.cjs", base + "/index.ts", base + "/index.tsx"} {
		if sourceFile(name) {
			if f := p.file(name); f != nil {
				return f
			}
		}
	}
	return nil
}

func (p *program) pythonModule(from *ir.File, module string) *ir.File {
	rest := strings.TrimLeft(module, ".")
	dots := len(module) - len(rest)
	at := strings.ReplaceAll(rest, ".", "/")
	if rest != "" && !p.hasPython(path.Base(at)) {
		return nil
	}
	var roots []string
	if dots > 0 {
		dir := path.Dir(from.Name)
		for range dots - 1 {
			dir = path.Dir(dir)
		}
		roots = []string{dir}
	} else {
		for dir := path.Dir(from.Name); ; dir = path.Dir(dir) {
			roots = append(roots, dir)
			if dir == "." || dir == "/" {
				break
			}
		}
		roots = append(roots, "opt/python")
	}
	for _, root := range roots {
		for _, name := range []string{path.Join(root, at+".py"), path.Join(root, at, "__init__.py")} {
			if f := p.file(name); f != nil && f != from {
				return f
			}
		}
	}
	return nil
}

// hasPython says whether some file or package of Python has a name.
func (p *program) hasPython(name string) bool {
	if p.pythons == nil {
		p.pythons = map[string]bool{}
		for _, file := range p.names {
			if stem, ok := strings.CutSuffix(file, ".py"); ok {
				p.pythons[path.Base(stem)] = true
				p.pythons[path.Base(path.Dir(stem))] = true
			}
		}
	}
	return p.pythons[name]
}

// run enters every entry point that is known.
func (p *program) run(ctx context.Context) error {
	p.machine = engine.New(ctx, p.d.rules, p.load, p.d.stepsFor())
	if _, err := p.java(ctx); err != nil {
		return err
	}
	if err := p.golang(ctx); err != nil {
		return err
	}
	stated, err := p.stated(ctx)
	if err != nil {
		return err
	}
	if !stated {
		if err := p.conventions(ctx); err != nil {
			return err
		}
	}
	if err := p.registered(ctx); err != nil {
		return err
	}
	p.faults()
	return nil
}

// work runs one part under the limits; a limit becomes a gap.
func (p *program) work(ctx context.Context, f *ir.File, what string, part func() error) error {
	if p.left <= 0 {
		p.gap(f, "the code of this package takes too long to follow; "+what+" was not looked at")
		return nil
	}
	err := p.safely(f, what, part)
	p.left -= p.machine.Used()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, engine.ErrSteps):
		p.gap(f, "following "+what+" was ended by its limit of steps; what came later is not known")
		return nil
	}
	return err
}

// safely runs one part; a mistake of ours in it costs that part and a gap, not
// what the others find.
func (p *program) safely(f *ir.File, what string, part func() error) (err error) {
	defer func() {
		if mistake := recover(); mistake != nil {
			p.gaps = append(p.gaps, fnvet.Gap{Path: f.Path, Reason: fnvet.GapFailed, Detail: fmt.Sprintf("following %s crashed (%T)", what, mistake)})
		}
	}()
	return part()
}

func (p *program) gap(f *ir.File, detail string) {
	for _, g := range p.gaps {
		if g.Path == f.Path && g.Reason == fnvet.GapLimit {
			return
		}
	}
	p.gaps = append(p.gaps, fnvet.Gap{Path: f.Path, Reason: fnvet.GapLimit, Detail: detail})
}

// faults tells what was not understood of the files that were followed.
func (p *program) faults() {
	for _, f := range p.machine.Files() {
		if len(f.Faults) == 0 {
			continue
		}
		worst := f.Faults[0]
		reason := fnvet.GapUnparsable
		for _, x := range f.Faults {
			if x.Limit {
				worst, reason = x, fnvet.GapLimit
			}
		}
		line, _ := f.Position(worst.Pos)
		p.gaps = append(p.gaps, fnvet.Gap{Path: f.Path, Reason: reason,
			Detail: fmt.Sprintf("event data is not followed through all of it: line %d: %s", line, plainFault(worst.Text))})
	}
	if o := p.machine.Full(); o.File != nil {
		p.gap(o.File, "more "+o.What+" in this package than are followed; here and later ones were left out")
	}
	for _, f := range p.machine.Lost() {
		p.gap(f, "a function of it is called too often with event data; later calls were taken to be like those before")
	}
}

// plainFault puts the marks that a parser wants in quotes: "wants ," is read as cut off.
func plainFault(text string) string {
	if mark, ok := strings.CutPrefix(text, "wants "); ok && mark != "" && !unicode.IsLetter(rune(mark[0])) {
		return "wants " + strconv.Quote(mark)
	}
	return text
}
