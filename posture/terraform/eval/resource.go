package eval

import (
	"maps"
	"slices"
	"strings"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// A resource is a declared resource or data source of one module instance.
type resource struct {
	mod    *module
	name   string // "aws_sqs_queue.q", "data.aws_region.here"
	block  block
	set    instanceSet
	scopes map[string]*scope // by instance key
	maybes map[string]bool
}

func (d *resource) address() string { return d.mod.prefix() + d.name }

// resource is what type.name stands for: an Instance, or a List or Map of them.
func (m *module) resource(r *run, name string, pos Pos) *Value {
	b, ok := m.decl.resources[name]
	if !ok {
		return unknown(pos, Ref{Address: m.prefix() + name})
	}
	return m.once(r, name, pos, func() *Value {
		d := &resource{mod: m, name: name, block: b, set: r.instances(m, b), scopes: map[string]*scope{}, maybes: map[string]bool{}}
		m.defs[name] = d
		return d.set.gather(b.pos, func(i instance) *Value {
			d.scopes[i.key], d.maybes[i.key] = i.scope, i.maybe
			return &Value{Kind: Instance, Pos: b.pos, Refs: []Ref{{Address: d.address() + i.key}}, def: d, key: i.key, size: 1}
		})
	})
}

// documents are the attributes that are read for what they say, not as a name.
func document(attr string) bool {
	switch attr {
	case "policy", "json", "minified_json", "assume_role_policy", "rendered", "content", "template", "value", "environment", "body", "container_definitions":
		return true
	}
	return false
}

// attribute is inst.name: what the configuration sets it to, as a link to it; what
// only the provider knows is a link alone.
func (d *resource) attribute(r *run, inst *Value, name string, pos Pos) *Value {
	ref := Ref{Address: inst.Refs[0].Address, Attr: name}
	scope := d.scopes[inst.key]
	v := d.mod.once(r, d.name+inst.key+"."+name, pos, func() *Value {
		switch {
		case strings.HasPrefix(d.name, "data."):
			if v := r.dataSource(d, scope, name); v != nil {
				return v
			}
		}
		if a, ok := d.block.body.attr(name); ok {
			return r.expr(a.expr, scope)
		}
		if nested := r.nested(d.block.body, scope, name); len(nested) > 0 {
			for i, n := range nested {
				linked := *n
				linked.Refs = []Ref{ref}
				nested[i] = &linked
			}
			return list(pos, nested)
		}
		return unknown(pos, ref)
	})
	if inner, ok := v.Link(); document(name) || ok && !strings.Contains(inner.Address, "var.") && inner != ref {
		return v // what it stands for itself is the better link
	}
	switch v.Kind {
	case String:
		if s, ok := v.Text(); ok {
			return stringOf(v.Pos, []Part{{Text: s, Known: true, Ref: &ref}}).through(v.Vars...)
		}
		return unknown(pos, ref).through(v.Vars...)
	case Unknown:
		return unknown(pos, ref).through(v.Vars...)
	default:
		return v
	}
}

// collect evaluates every resource of a module and of those it calls.
func (r *run) collect(m *module, maybe bool) {
	if r.ctx.Err() != nil {
		return
	}
	for _, name := range m.decl.order {
		m.resource(r, name, m.decl.resources[name].pos)
		d := m.defs[name]
		if d == nil {
			continue
		}
		for _, i := range d.set.all {
			r.emit(d, i, maybe)
		}
	}
	for _, name := range m.decl.callOrder {
		v := m.child(r, name, m.decl.calls[name].pos)
		all := items(v)
		if v.Kind == Instance {
			all = []*Value{v}
		}
		for _, c := range all {
			if c.mod != nil {
				r.collect(c.mod, maybe || c.mod.maybe)
			}
		}
	}
}

func (r *run) emit(d *resource, i instance, maybe bool) {
	if r.resources++; r.resources > maxResources {
		r.spent = true
		return
	}
	mode, rest := "managed", d.name
	if s, ok := strings.CutPrefix(d.name, "data."); ok {
		mode, rest = "data", s
	}
	typ, name, _ := strings.Cut(rest, ".")
	out := &Resource{Address: d.address() + i.key, Base: d.address(), Mode: mode, Type: typ, Name: name, Module: d.mod.address,
		Pos: d.block.pos, Maybe: maybe || i.maybe, Open: d.set.open}
	out.Body = r.bodyValue(d.block.body, i.scope, d.block.pos)
	r.out.Resources = append(r.out.Resources, out)
}

// machinery are attributes that only steer Terraform: what they hang on, such as the
// hash of a zip that is not built yet, is of no concern.
func machinery(attr string) bool {
	switch attr {
	case "source_code_hash", "source_hash", "etag", "depends_on", "triggers", "provider":
		return true
	}
	return false
}

// bodyValue is a body as a Map: its attributes, and its blocks as Lists of Maps,
// with dynamic blocks expanded.
func (r *run) bodyValue(b *body, s *scope, pos Pos) *Value {
	var fields []Field
	for _, name := range sortedKeys(b.attrs) {
		if machinery(name) {
			continue
		}
		a := b.attrs[name]
		fields = append(fields, Field{name, a.pos, r.expr(a.expr, s)})
	}
	var kinds []string
	for _, c := range b.blocks {
		kind := c.kind
		if kind == "dynamic" && len(c.labels) > 0 {
			kind = c.labels[0]
		}
		kinds = appendNew(kinds, kind)
	}
	for _, kind := range kinds {
		if nested := r.nested(b, s, kind); len(nested) > 0 {
			fields = append(fields, Field{kind, nested[0].Pos, list(nested[0].Pos, nested)})
		}
	}
	return mapOf(pos, fields)
}

// nested are the blocks of a kind, those that dynamic makes among them.
func (r *run) nested(b *body, s *scope, kind string) []*Value {
	var out []*Value
	for _, c := range b.blocks {
		switch {
		case !r.step():
			return out
		case c.kind == kind:
			out = append(out, r.bodyValue(c.body, s, c.pos))
		case c.kind == "dynamic" && len(c.labels) > 0 && c.labels[0] == kind:
			out = append(out, r.dynamic(c, s)...)
		}
	}
	return out
}

// dynamic expands a dynamic block. Blocks that may not be there are kept: their
// absence would hide what they say.
func (r *run) dynamic(c block, s *scope) []*Value {
	a, ok := c.body.attr("for_each")
	if !ok {
		return nil
	}
	name := c.labels[0]
	if it, ok := c.body.attr("iterator"); ok {
		if k := typeName(it.expr); k != "" {
			name = k
		}
	}
	var content *block
	for i := range c.body.blocks {
		if c.body.blocks[i].kind == "content" {
			content = &c.body.blocks[i]
		}
	}
	if content == nil {
		return nil
	}
	var out []*Value
	alts := r.expr(a.expr, s).Alternatives()
	for _, alt := range alts {
		all, ok := entries(alt)
		if !ok {
			all = []Field{{"?", a.pos, unknown(a.pos, alt.Refs...)}}
		}
		for i, f := range all {
			if i >= maxInstances {
				break
			}
			key := text(f.KeyPos, f.Key)
			if f.Key == "?" {
				key = unknown(a.pos)
			}
			if r.used += 8; !r.step() {
				return out
			}
			inner := s.bind(map[string]*Value{name: mapOf(a.pos, []Field{{"key", a.pos, key}, {"value", a.pos, f.Value}})})
			made := *r.bodyValue(content.body, inner, content.pos)
			made.Maybe = !ok || len(alts) > 1
			out = append(out, &made)
		}
	}
	return out
}
