package terraform

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// A prop is a property on the way into the model: the values that it may have.
type prop struct {
	b     *builder
	pos   eval.Pos // of the name of the property
	alts  []*eval.Value
	open  bool
	maybe bool // not stated under some condition
	why   string
}

// prop spreads a value over its alternatives. Null, and the empty string that
// modules give for it, is not stated.
func (b *builder) prop(v *eval.Value, pos eval.Pos) prop {
	p := prop{b: b, pos: pos}
	if v == nil {
		return p
	}
	for _, a := range v.Alternatives() {
		if a.Kind == eval.Null {
			p.maybe = true
			continue
		}
		p.alts = append(p.alts, a)
	}
	return p
}

func (p prop) absent() bool { return len(p.alts) == 0 && !p.open }

// get follows names down: attributes of maps, and of the first of nested blocks.
func (p prop) get(names ...string) prop {
	for _, name := range names {
		p = p.step(name)
	}
	return p
}

func (p prop) step(name string) prop {
	out := prop{b: p.b, pos: p.pos, open: p.open, maybe: p.maybe, why: p.why}
	for _, a := range p.alts {
		if a.Kind == eval.List && len(a.Items) > 0 {
			a = a.Items[0]
		}
		out.maybe = out.maybe || a.Maybe
		switch a.Kind {
		case eval.Map:
			out.field(a, name)
		case eval.List, eval.Null:
			out.maybe = true
		case eval.Choice:
			for _, x := range a.Items {
				out.field(x, name)
			}
		default:
			out.open, out.why = true, whyOf(a)
		}
	}
	return out
}

func (p *prop) field(m *eval.Value, name string) {
	for _, f := range m.Fields {
		switch f.Key {
		case name:
			x := p.b.prop(f.Value, f.KeyPos)
			p.alts, p.open, p.maybe, p.pos = append(p.alts, x.alts...), p.open || x.open, p.maybe || x.maybe, f.KeyPos
			if len(x.alts) == 0 {
				p.maybe = true
			}
			return
		case "": // merged from what is not known
			p.open, p.why = true, whyOf(f.Value)
		}
	}
	if m.Kind == eval.Map && !p.open {
		p.maybe = true
	}
	if m.Kind != eval.Map && m.Kind != eval.Null {
		p.open, p.why = true, whyOf(m)
	}
}

// first is get of the first name that is stated.
func (p prop) first(names ...string) prop {
	for _, n := range names {
		if x := p.get(n); !x.absent() {
			return x
		}
	}
	return p.get(names[len(names)-1])
}

// blocks are the nested blocks, or the items of a list, each as a prop.
func (p prop) blocks() []prop {
	var out []prop
	for _, a := range p.alts {
		for _, x := range a.Blocks() {
			one := p.b.prop(x, x.Pos)
			one.maybe = one.maybe || len(p.alts) > 1 || x.Maybe
			out = append(out, one)
		}
	}
	return out
}

func whyOf(v *eval.Value) string {
	if refs := v.Links(); len(refs) > 0 {
		return refs[0].String() + " is known only when it is applied"
	}
	return "it could not be resolved"
}

// place is where a scalar is: its own place in the line of the property, or the
// property's, when its literal is elsewhere.
func (p prop) place(v *eval.Value) model.Pos {
	if v != nil && v.Pos.File == p.pos.File && v.Pos.Line >= p.pos.Line && v.Pos.Line <= p.pos.Line+1 {
		return p.b.pos(v.Pos)
	}
	return p.b.pos(p.pos)
}

func (p prop) at() model.Pos {
	if len(p.alts) > 0 {
		return p.place(p.alts[0])
	}
	return p.b.pos(p.pos)
}

func convert[T any](p prop, parse func(*eval.Value) (T, bool)) model.Value[T] {
	if p.absent() {
		return model.Value[T]{}
	}
	out := model.Value[T]{Pos: p.at(), Open: p.open, Maybe: p.maybe, Why: p.why}
	for _, a := range p.alts {
		if x, ok := parse(a); ok {
			out.Alts = append(out.Alts, x)
		} else if s, known := a.Text(); known && s == "" {
			out.Maybe = true
		} else {
			out.Open, out.Why = true, whyOf(a)
		}
	}
	if len(out.Alts) == 0 && !out.Open {
		return model.Value[T]{}
	}
	return out
}

func (p prop) str() model.Value[string] {
	return convert(p, func(v *eval.Value) (string, bool) {
		s, ok := v.Text()
		return s, ok && s != ""
	})
}

func (p prop) int() model.Value[int] {
	return convert(p, func(v *eval.Value) (int, bool) {
		f, ok := float(v)
		return int(f), ok && math.Abs(f) < 1<<40
	})
}

func (p prop) float() model.Value[float64] { return convert(p, float) }

func float(v *eval.Value) (float64, bool) {
	s, ok := v.Text()
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

func (p prop) bool() model.Value[bool] {
	return convert(p, func(v *eval.Value) (bool, bool) {
		s, _ := v.Text()
		return s == "true", s == "true" || s == "false"
	})
}

// text keeps links. Variables with a value are that value.
func (p prop) text() model.Value[model.Text] {
	return convert(p, func(v *eval.Value) (model.Text, bool) { return p.textOf(v, false) })
}

func (p prop) textOf(v *eval.Value, variables bool) (model.Text, bool) {
	if s, known := v.Text(); known && s == "" && !variables {
		return model.Text{}, false
	}
	return p.b.text(v, p.place(v), variables)
}

// list is a list of texts; a single text is a list of one.
func (p prop) list() model.List[model.Text] {
	if p.absent() {
		return model.List[model.Text]{}
	}
	out := model.List[model.Text]{Pos: p.at(), Open: p.open, Maybe: p.maybe, Why: p.why}
	for _, a := range p.alts {
		if a.Kind != eval.List {
			addText(&out, p.b, a)
			continue
		}
		for _, i := range a.Items {
			for _, x := range i.Alternatives() {
				addText(&out, p.b, x)
			}
		}
	}
	return out
}

// text is a scalar as the model has it; false for what has no text and no link.
func (b *builder) text(v *eval.Value, pos model.Pos, variables bool) (model.Text, bool) {
	t := model.Text{Pos: pos}
	if ref, ok := v.Link(); ok && v.Kind != eval.String {
		return t.Append(b.part(ref)), true
	}
	if v.Kind == eval.Number || v.Kind == eval.Bool {
		s, _ := v.Text()
		return model.Lit(pos, s), true
	}
	if v.Kind != eval.String {
		return t, false
	}
	for _, p := range v.Parts {
		switch {
		case p.Ref == nil && p.Known:
			t = t.Append(model.Part{Literal: p.Text})
		case p.Ref == nil:
			t = t.Append(model.Part{Ref: &model.Ref{Kind: model.RefOther, ID: "?"}})
		case p.Known && !b.keeps(*p.Ref, variables):
			t = t.Append(model.Part{Literal: p.Text})
		default:
			t = t.Append(b.part(*p.Ref))
		}
	}
	return t, true
}

// keeps reports whether a link whose text is known stays a link: those to resources
// do, those to variables where it matters what feeds a value.
func (b *builder) keeps(ref eval.Ref, variables bool) bool {
	if strings.HasPrefix(ref.Address, "var.") {
		return variables
	}
	return b.byAddress[ref.Address] != nil && b.byAddress[ref.Address].Mode == "managed"
}

func addText(l *model.List[model.Text], b *builder, v *eval.Value) {
	if v.Kind == eval.Null {
		return
	}
	t, ok := b.text(v, b.pos(v.Pos), false)
	if !ok {
		l.Open, l.Why = true, whyOf(v)
		return
	}
	l.Items = append(l.Items, t)
}

// mapped is a value in other words.
func mapped[T, U any](v model.Value[T], f func(T) U) model.Value[U] {
	out := model.Value[U]{Pos: v.Pos, Open: v.Open, Maybe: v.Maybe, Why: v.Why}
	for _, a := range v.Alts {
		out.Alts = append(out.Alts, f(a))
	}
	return out
}

// one is the only known value, or "".
func one(v model.Value[string]) string {
	s, _ := v.Known()
	return s
}

func has(l model.List[model.Text], s string) bool {
	return slices.ContainsFunc(l.Items, func(t model.Text) bool { return t.Is(s) })
}
