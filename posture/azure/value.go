package azure

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

type kind uint8

const (
	kUnknown kind = iota
	kNull
	kText // also numbers and booleans, as written
	kList
	kMap
	kChoice // one of items, by a condition that is not known
)

// A val is what an expression comes to. It is shared and never changed. A nil val
// is not stated.
type val struct {
	kind   kind
	pos    model.Pos
	text   model.Text
	items  []*val
	fields []entry
	why    string
	def    *val // the default, of a link to a parameter
}

type entry struct {
	key string
	pos model.Pos
	v   *val
}

func lit(pos model.Pos, s string) *val {
	return &val{kind: kText, pos: pos, text: model.Lit(pos, s)}
}

func link(pos model.Pos, k model.RefKind, id, attr string) *val {
	return &val{kind: kText, pos: pos, text: model.To(pos, k, id, attr)}
}

func unknown(pos model.Pos, why string) *val { return &val{pos: pos, why: why} }

// fromDoc takes over JSON or YAML without expressions.
func fromDoc(n *doc.Node) *val {
	if n == nil {
		return nil
	}
	pos := model.Pos{File: n.File, Line: n.Line, Column: n.Column}
	switch n.Kind {
	case doc.Null:
		return &val{kind: kNull, pos: pos}
	case doc.List:
		out := &val{kind: kList, pos: pos}
		for _, i := range n.Items {
			out.items = append(out.items, fromDoc(i))
		}
		return out
	case doc.Map:
		out := &val{kind: kMap, pos: pos}
		for _, m := range n.All() {
			out.fields = append(out.fields, entry{m.Key, model.Pos{File: n.File, Line: m.Line, Column: m.Column}, fromDoc(m.Value)})
		}
		return out
	default:
		return lit(pos, n.Text)
	}
}

// alts are the values it may be, without null.
func (v *val) alts() (all []*val, maybe bool) {
	if v == nil || v.kind == kNull {
		return nil, false
	}
	if v.kind != kChoice {
		return []*val{v}, false
	}
	for _, i := range v.items {
		if i == nil || i.kind == kNull {
			maybe = true
			continue
		}
		all = append(all, i)
	}
	return all, maybe
}

// get follows keys, whose case does not matter to Azure.
func (v *val) get(keys ...string) *val {
	for _, key := range keys {
		all, maybe := v.settled().alts()
		var out []*val
		for _, a := range all {
			switch a.kind {
			case kMap:
				i := slices.IndexFunc(a.fields, func(e entry) bool { return strings.EqualFold(e.key, key) })
				if i >= 0 {
					out = append(out, a.fields[i].v)
				} else {
					maybe = true
				}
			default:
				out = append(out, unknown(a.pos, a.why))
			}
		}
		v = oneOf(out, maybe)
	}
	return v
}

func oneOf(all []*val, maybe bool) *val {
	switch {
	case len(all) == 0:
		return nil
	case len(all) == 1 && !maybe:
		return all[0]
	}
	v := &val{kind: kChoice, pos: all[0].at(), items: all}
	if maybe {
		v.items = append(slices.Clip(all), &val{kind: kNull})
	}
	return v
}

// first is get of the first key that is stated.
func (v *val) first(keys ...string) *val {
	for _, k := range keys {
		if x := v.get(k); !x.absent() {
			return x
		}
	}
	return nil
}

func (v *val) absent() bool {
	all, _ := v.alts()
	return len(all) == 0
}

func (v *val) at() model.Pos {
	if v == nil {
		return model.Pos{}
	}
	return v.pos
}

// elements are the items of a list; open is true when there may be others.
func (v *val) elements() (out []*val, open bool) {
	all, _ := v.settled().alts()
	for _, a := range all {
		if a.kind == kList {
			out = append(out, a.items...)
		} else {
			open = true
		}
	}
	return out, open
}

func convert[T any](v *val, parse func(model.Text) (T, bool)) model.Value[T] {
	all, maybe := v.alts()
	if len(all) == 0 {
		return model.Value[T]{}
	}
	out := model.Value[T]{Pos: v.pos, Maybe: maybe}
	for _, a := range all {
		if a.kind == kText {
			if x, ok := parse(a.text); ok {
				out.Alts = append(out.Alts, x)
				continue
			}
		}
		out.Open, out.Why = true, "it could not be resolved"
		if a.why != "" {
			out.Why = a.why
		}
	}
	return out
}

func (v *val) textValue() model.Value[model.Text] {
	return convert(v, func(t model.Text) (model.Text, bool) { return t, true })
}

func (v *val) str() model.Value[string] { return convert(v.settled(), model.Text.Literal) }

// settled puts the default of a parameter in the place of a link to it, which is
// what names, numbers and switches want.
func (v *val) settled() *val {
	if v == nil {
		return nil
	}
	if v.kind == kChoice {
		c := *v
		c.items = make([]*val, len(v.items))
		for i, x := range v.items {
			c.items[i] = x.settled()
		}
		return &c
	}
	if v.def == nil {
		return v
	}
	d := v.def.settled()
	if d == nil {
		return nil
	}
	c := *d
	c.pos = v.pos
	return &c
}

func (v *val) int() model.Value[int] {
	return convert(v.settled(), func(t model.Text) (int, bool) {
		s, ok := t.Literal()
		f, err := strconv.ParseFloat(s, 64)
		return int(f), ok && err == nil && f > -1e12 && f < 1e12
	})
}

func (v *val) bool() model.Value[bool] {
	return convert(v.settled(), func(t model.Text) (bool, bool) {
		s, _ := t.Literal()
		s = strings.ToLower(s)
		return s == "true", s == "true" || s == "false"
	})
}

func (v *val) list() model.List[model.Text] {
	if v.absent() {
		return model.List[model.Text]{}
	}
	out := model.List[model.Text]{Pos: v.pos}
	all, maybe := v.alts()
	out.Maybe = maybe
	for _, a := range all {
		items := a.items
		if a.kind == kText {
			items = []*val{a}
		}
		if a.kind == kUnknown {
			out.Open, out.Why = true, "it could not be resolved"
		}
		for _, i := range items {
			each, _ := i.alts()
			for _, x := range each {
				if x.kind != kText {
					out.Open, out.Why = true, "it could not be resolved"
					continue
				}
				out.Items = append(out.Items, x.text)
			}
		}
	}
	return out
}

// one is the known string, or "".
func (v *val) one() string {
	s, _ := v.str().Known()
	return s
}

func mapped[T, U any](v model.Value[T], f func(T) U) model.Value[U] {
	out := model.Value[U]{Pos: v.Pos, Open: v.Open, Maybe: v.Maybe, Why: v.Why}
	for _, a := range v.Alts {
		out.Alts = append(out.Alts, f(a))
	}
	return out
}
