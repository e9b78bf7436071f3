package eval

import (
	"io/fs"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// files does the functions that read files, inside the root alone.
func (r *run) files(name string, a []*Value, s *scope, pos Pos) *Value {
	if len(a) == 0 {
		return nil
	}
	switch name {
	case "file", "templatefile", "fileexists":
	case "templatestring":
		if len(a) == 2 {
			return r.rendered(a[0], a[1], pos)
		}
		return nil
	default:
		return nil
	}
	want, ok := a[0].Text()
	if !ok {
		return unknown(pos, refsOf(a[0])...)
	}
	file, ok := r.inside(want, s)
	if !ok {
		r.issue(pos, name+"("+want+")", "the file is outside the directory", true)
		return unknown(pos)
	}
	if name == "fileexists" {
		info, err := fs.Stat(r.fsys, file)
		return boolean(pos, err == nil && info.Mode().IsRegular())
	}
	data, err := r.read(file)
	if err != nil || len(data) > maxText {
		r.issue(pos, name+"("+want+")", "the file is not there or too large", false)
		return unknown(pos)
	}
	content := text(Pos{File: file, Line: 1, Column: 1}, string(data))
	if name == "file" {
		return content
	}
	if len(a) < 2 {
		return unknown(pos)
	}
	return r.rendered(content, a[1], pos)
}

// inside resolves a name as Terraform does: relative to the directory that it runs
// in, which is the root module's. path.module has been put in already.
func (r *run) inside(name string, s *scope) (string, bool) {
	if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "~") || strings.ContainsAny(name, "\\\x00") {
		return "", false
	}
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return "", false
	}
	if _, err := fs.Stat(r.fsys, name); err == nil || s.mod == nil {
		return name, true
	}
	if in := path.Join(s.mod.decl.dir, name); fs.ValidPath(in) {
		return in, true
	}
	return name, true
}

// rendered is a template with nothing but the given names in it.
func (r *run) rendered(tmpl, vars *Value, pos Pos) *Value {
	src, ok := tmpl.Text()
	if !ok {
		return unknown(pos, refsOf(tmpl)...)
	}
	at := hcl.Range{Filename: tmpl.Pos.File, Start: hcl.InitialPos, End: hcl.InitialPos}
	if r.depth > maxDepth/2 {
		return unknown(pos)
	}
	e, err := parseTemplate(src, at)
	if err != nil {
		r.issue(pos, "template", err.Error(), false)
		return unknown(pos)
	}
	names := map[string]*Value{}
	if vars.Kind == Map {
		for _, f := range vars.Fields {
			names[f.Key] = f.Value
		}
	}
	if _, known := r.lines[tmpl.Pos.File]; !known && tmpl.Pos.Line <= 1 {
		r.keep(tmpl.Pos.File, []byte(src))
	}
	// The values keep their places; the text around them is the template's.
	v := r.expr(unwrap(e), &scope{sealed: true, names: names})
	if tmpl.Pos.Line > 1 {
		v = v.at(tmpl.Pos)
	}
	return v
}

// unwrap makes a template that is one interpolation a template still, so that what
// comes out is text.
func unwrap(e hclsyntax.Expression) hclsyntax.Expression {
	if w, ok := e.(*hclsyntax.TemplateWrapExpr); ok {
		return &hclsyntax.TemplateExpr{Parts: []hclsyntax.Expression{w.Wrapped}, SrcRange: w.SrcRange}
	}
	return e
}
