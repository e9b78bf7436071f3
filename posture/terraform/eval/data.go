package eval

import "slices"

// dataSource is an attribute of a data source that the configuration alone tells,
// or nil.
func (r *run) dataSource(d *resource, s *scope, attr string) *Value {
	switch d.block.labels[0] {
	case "aws_iam_policy_document":
		if attr == "json" || attr == "minified_json" {
			return encoded(r.policyDocument(d, s), d.block.pos)
		}
	case "template_file":
		if attr == "rendered" {
			tmpl, vars := null(d.block.pos), null(d.block.pos)
			if a, ok := d.block.body.attr("template"); ok {
				tmpl = r.expr(a.expr, s)
			}
			if a, ok := d.block.body.attr("vars"); ok {
				vars = r.expr(a.expr, s)
			}
			return r.rendered(tmpl, vars, d.block.pos)
		}
	}
	return nil
}

// policyDocument renders aws_iam_policy_document as the provider does: the sources
// first, then its statements, then what overrides; statements of one sid replace
// each other.
func (r *run) policyDocument(d *resource, s *scope) *Value {
	b := d.block.body
	pos := d.block.pos
	var out []*Value
	add := func(st *Value) {
		sid, ok := textOf(st.Get("Sid"))
		if i := slices.IndexFunc(out, func(o *Value) bool { t, _ := textOf(o.Get("Sid")); return ok && sid != "" && t == sid }); i >= 0 {
			out[i] = st
			return
		}
		out = append(out, st)
	}
	for _, v := range r.sources(b, s, "source_json", "source_policy_documents") {
		add(v)
	}
	own := r.nested(b, s, "statement")
	if a, ok := b.attr("statement"); ok { // the JSON syntax
		own = append(own, r.expr(a.expr, s).Blocks()...)
	}
	for _, st := range own {
		add(StatementBlock(st))
	}
	for _, v := range r.sources(b, s, "override_json", "override_policy_documents") {
		add(v)
	}
	fields := []Field{{"Version", pos, text(pos, "2012-10-17")}, {"Statement", pos, list(pos, out)}}
	return mapOf(pos, fields)
}

func textOf(v *Value) (string, bool) {
	if v == nil {
		return "", false
	}
	return v.Text()
}

// sources are the statements of other documents.
func (r *run) sources(b *body, s *scope, names ...string) []*Value {
	var out []*Value
	for _, name := range names {
		a, ok := b.attr(name)
		if !ok {
			continue
		}
		v := r.expr(a.expr, s)
		docs := []*Value{v}
		if v.Kind == List {
			docs = v.Items
		}
		for _, doc := range docs {
			for _, alt := range doc.Alternatives() {
				out = append(out, Statements(alt)...)
			}
		}
	}
	return out
}

// Statements are those of a policy document: text, or what it decodes to. What is
// not known is one Unknown.
func Statements(doc *Value) []*Value {
	if doc == nil || doc.Kind == Null {
		return nil
	}
	if t, ok := doc.Text(); ok && t == "" {
		return nil
	}
	if doc.Kind == String {
		d := Decode(doc)
		if d == nil {
			return []*Value{unknown(doc.Pos, refsOf(doc)...)}
		}
		doc = d
	}
	switch st := doc.Get("Statement"); {
	case doc.Kind != Map:
		return []*Value{unknown(doc.Pos, refsOf(doc)...)}
	case st == nil:
		return nil
	case st.Kind == Choice:
		var out []*Value
		for _, alt := range st.Items {
			out = append(out, items(alt)...)
		}
		return out
	case st.Kind == List:
		return st.Items
	default:
		return []*Value{st}
	}
}

// StatementBlock is a statement in the words of aws_iam_policy_document (sid, effect,
// actions, …) in the form of the JSON.
func StatementBlock(b *Value) *Value {
	var out []Field
	for _, f := range b.Fields {
		switch f.Key {
		case "sid":
			out = append(out, Field{"Sid", f.KeyPos, f.Value})
		case "effect":
			out = append(out, Field{"Effect", f.KeyPos, f.Value})
		case "actions":
			out = append(out, Field{"Action", f.KeyPos, f.Value})
		case "not_actions":
			out = append(out, Field{"NotAction", f.KeyPos, f.Value})
		case "resources":
			out = append(out, Field{"Resource", f.KeyPos, f.Value})
		case "not_resources":
			out = append(out, Field{"NotResource", f.KeyPos, f.Value})
		case "principals":
			out = append(out, Field{"Principal", f.KeyPos, principals(f.Value)})
		case "not_principals":
			out = append(out, Field{"NotPrincipal", f.KeyPos, principals(f.Value)})
		case "condition", "conditions":
			out = append(out, Field{"Condition", f.KeyPos, conditions(f.Value)})
		}
	}
	if b.Get("effect") == nil || b.Get("effect").Kind == Null {
		out = append(out, Field{"Effect", b.Pos, text(b.Pos, "Allow")})
	}
	st := mapOf(b.Pos, out)
	st.Maybe = b.Maybe
	return st
}

// principals are the blocks {type, identifiers} as {type: [identifiers]}.
func principals(blocks *Value) *Value {
	var out []Field
	for _, b := range blocks.Blocks() {
		kind, _ := textOf(b.Get("type"))
		ids := b.Get("identifiers")
		if ids == nil {
			ids = unknown(b.Pos)
		}
		out = append(out, Field{kind, b.Pos, ids})
	}
	return mapOf(blocks.Pos, out)
}

// conditions are the blocks {test, variable, values} as {test: {variable: values}}.
func conditions(blocks *Value) *Value {
	var out []Field
	for _, b := range blocks.Blocks() {
		test, _ := textOf(b.Get("test"))
		variable := unknown(b.Pos)
		if v := b.Get("variable"); v != nil {
			variable = v
		}
		values := b.Get("values")
		if values == nil {
			values = unknown(b.Pos)
		}
		inner := Field{variable.Template(), b.Pos, values}
		if i := slices.IndexFunc(out, func(f Field) bool { return f.Key == test }); i >= 0 {
			out[i].Value = mapOf(b.Pos, append(slices.Clip(out[i].Value.Fields), inner))
			continue
		}
		out = append(out, Field{test, b.Pos, mapOf(b.Pos, []Field{inner})})
	}
	return mapOf(blocks.Pos, out)
}
