package eval

import (
	"context"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// declared is what the files of one directory declare, before any evaluation.
type declared struct {
	dir       string
	files     []string
	vars      map[string]*inputDecl
	varOrder  []string
	locals    map[string]attribute
	outputs   map[string]attribute
	resources map[string]block // "aws_sqs_queue.q", "data.aws_region.here"
	order     []string         // of resources
	calls     map[string]block
	callOrder []string
}

type inputDecl struct {
	info *Var
	typ  string
	def  hclsyntax.Expression // nil: none
	// nullable is false when null stands for the default.
	nullable bool
}

func (d *declared) file() string {
	if len(d.files) > 0 {
		return d.files[0]
	}
	return d.dir
}

// declarations parses a directory, once.
func (r *run) declarations(dir string) (*declared, error) {
	if d := r.bodies[dir]; d != nil {
		return d, nil
	}
	files, err := configFiles(r.fsys, dir)
	if err != nil {
		return nil, err
	}
	d := &declared{dir: dir, vars: map[string]*inputDecl{}, locals: map[string]attribute{}, outputs: map[string]attribute{},
		resources: map[string]block{}, calls: map[string]block{}}
	r.bodies[dir] = d
	for _, name := range files {
		b, err := r.parse(name)
		if err != nil {
			r.notParsed(name, path.Base(name), err)
		}
		if b == nil {
			continue
		}
		d.files = append(d.files, name)
		r.out.Files = append(r.out.Files, name)
		for _, c := range b.blocks {
			r.declare(d, c)
		}
	}
	return d, nil
}

func (r *run) declare(d *declared, b block) {
	label := func(i int) string {
		if i < len(b.labels) {
			return b.labels[i]
		}
		return ""
	}
	switch b.kind {
	case "variable":
		r.declareVar(d, label(0), b)
	case "locals":
		maps.Copy(d.locals, b.body.attrs)
	case "output":
		if a, ok := b.body.attr("value"); ok {
			d.outputs[label(0)] = a
		}
	case "module":
		d.callOrder = appendNew(d.callOrder, label(0))
		d.calls[label(0)] = overlay(d.calls[label(0)], b)
	case "resource", "data", "ephemeral":
		if len(b.labels) != 2 {
			return
		}
		key := label(0) + "." + label(1)
		if b.kind != "resource" {
			key = "data." + key
		}
		d.order = appendNew(d.order, key)
		d.resources[key] = overlay(d.resources[key], b)
	}
}

func appendNew(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}

// overlay is a block with another of the same name laid over it, as override files do.
func overlay(old, b block) block {
	if old.body == nil {
		return b
	}
	merged := &body{attrs: map[string]attribute{}}
	maps.Copy(merged.attrs, old.body.attrs)
	maps.Copy(merged.attrs, b.body.attrs)
	for _, c := range old.body.blocks {
		if !slices.ContainsFunc(b.body.blocks, func(n block) bool { return n.kind == c.kind }) {
			merged.blocks = append(merged.blocks, c)
		}
	}
	merged.blocks = append(merged.blocks, b.body.blocks...)
	old.body = merged
	return old
}

func (r *run) declareVar(d *declared, name string, b block) {
	x := d.vars[name]
	if x == nil {
		x = &inputDecl{info: &Var{Name: name, Pos: b.pos}, nullable: true}
		d.vars[name] = x
		d.varOrder = append(d.varOrder, name)
	}
	sealed := &scope{sealed: true, names: map[string]*Value{}}
	if a, ok := b.body.attr("default"); ok {
		x.def = a.expr
		x.info.HasDefault = true
	}
	if a, ok := b.body.attr("type"); ok {
		x.typ = typeName(a.expr)
	}
	if a, ok := b.body.attr("sensitive"); ok {
		t, _ := r.expr(a.expr, sealed).Text()
		x.info.Sensitive = t == "true"
	}
	if a, ok := b.body.attr("nullable"); ok {
		t, _ := r.expr(a.expr, sealed).Text()
		x.nullable = t != "false"
	}
}

// typeName is the outermost word of a type constraint.
func typeName(e hclsyntax.Expression) string {
	if k := hcl.ExprAsKeyword(e); k != "" {
		return k
	}
	if c, ok := e.(*hclsyntax.FunctionCallExpr); ok {
		return c.Name
	}
	if t, ok := e.(*hclsyntax.TemplateExpr); ok && len(t.Parts) == 1 { // "string", as before 0.12
		if l, ok := t.Parts[0].(*hclsyntax.LiteralValueExpr); ok {
			s, _ := fromCty(l.Val, Pos{}).Text()
			return s
		}
	}
	return ""
}

// Roots lists the directories among dirs (names in fsys that hold configuration)
// that no other of them calls as a module, so that each is evaluated on its own.
func Roots(ctx context.Context, fsys fs.FS, dirs []string) []string {
	r := newRun(ctx, fsys)
	called := map[string]bool{}
	for _, dir := range dirs {
		d, err := r.declarations(path.Clean(dir))
		if err != nil {
			continue
		}
		for _, s := range r.localSources(d) {
			called[s] = s != d.dir
		}
	}
	var out []string
	for _, dir := range dirs {
		if !called[path.Clean(dir)] {
			out = append(out, dir)
		}
	}
	if len(out) == 0 {
		return dirs // they call each other in a ring
	}
	return out
}

// localSources are the directories of the local modules that a directory calls.
func (r *run) localSources(d *declared) []string {
	var out []string
	for _, name := range d.callOrder {
		if a, ok := d.calls[name].body.attr("source"); ok {
			s, _ := r.expr(a.expr, &scope{sealed: true, names: map[string]*Value{}}).Text()
			if local(s) {
				out = append(out, path.Join(d.dir, s))
			}
		}
	}
	return out
}

// local reports that a module's source is a directory beside the caller's.
func local(source string) bool {
	return strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../") || source == "." || source == ".."
}
