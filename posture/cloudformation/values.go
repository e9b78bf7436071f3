package cloudformation

import (
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// get follows keys down through all alternatives of a structure.
func (r result) get(keys ...string) result {
	for _, key := range keys {
		r = r.step(key, false)
	}
	return r
}

// env is get that leaves references to parameters as they are.
func (r result) env(key string) result { return r.step(key, true) }

func (r result) step(key string, keep bool) result {
	out := result{open: r.open, maybe: r.maybe, why: r.why}
	for _, v := range r.vals {
		m := v.node.Member(key)
		switch {
		case m != nil:
			next := v.in.expand(m.Value, 0, keep)
			if out.pos.File == "" {
				out.pos = next.pos
			}
			out.also(next)
		case v.node.Is(doc.Map):
			out.maybe = true
		default:
			out.open, out.why = true, "it is stated where it could not be resolved"
		}
	}
	return out
}

// first is get of the first key that is stated.
func (r result) first(keys ...string) result {
	for _, k := range keys[:len(keys)-1] {
		if x := r.get(k); !x.absent() {
			return x
		}
	}
	return r.get(keys[len(keys)-1])
}

// An element is one item of a list, or an entry of a map with its key.
type element struct {
	value
	key   string
	pos   model.Pos
	maybe bool // there only under a condition
}

func (e element) result() result { return result{pos: e.pos, vals: []value{e.value}} }

func (e element) get(keys ...string) result { return e.result().get(keys...) }

// elements are the items of a list; what is no list is its own item. open is true
// when there may be others.
func (r result) elements() (items []element, open bool) {
	open = r.open
	maybe := r.maybe || len(r.vals) > 1
	for _, v := range r.vals {
		if !v.node.Is(doc.List) {
			items = append(items, element{value: v, pos: v.pos(r.pos), maybe: maybe})
			continue
		}
		for _, n := range v.node.Items {
			x := v.in.eval(n)
			open = open || x.open
			for _, y := range x.vals {
				if y.node.Is(doc.List) { // a branch that gives several
					more, also := result{pos: x.pos, vals: []value{y}}.elements()
					items, open = append(items, more...), open || also
					continue
				}
				items = append(items, element{value: y, pos: y.pos(x.pos), maybe: maybe || x.maybe || len(x.vals) > 1})
			}
		}
	}
	return items, open
}

// entries are the members of a map, each alternative of a value an element.
func (r result) entries() (entries []element, open bool) {
	open = r.open
	for _, v := range r.vals {
		if !v.node.Is(doc.Map) {
			open = open || v.node == nil
			continue
		}
		for _, m := range v.node.All() {
			x := v.in.eval(m.Value)
			if len(x.vals) == 0 && x.maybe { // null, or not there
				continue
			}
			for _, y := range x.vals {
				pos := y.pos(x.pos)
				if y.node != nil { // a structure is where its key is
					pos = model.Pos{File: v.node.File, Line: m.Line, Column: m.Column}
				}
				entries = append(entries, element{value: y, key: m.Key, pos: pos, maybe: r.maybe || x.maybe || len(x.vals) > 1})
			}
		}
	}
	return entries, open
}

func (v value) pos(or model.Pos) model.Pos {
	if v.node != nil {
		return model.Pos{File: v.node.File, Line: v.node.Line, Column: v.node.Column}
	}
	return model.At(v.text.Pos, or)
}

// convert makes a Value of a result, of what parse takes.
func convert[T any](r result, parse func(model.Text) (T, bool)) model.Value[T] {
	out := model.Value[T]{Pos: r.pos, Open: r.open, Maybe: r.maybe && len(r.vals) > 0, Why: r.why}
	for _, v := range r.vals {
		x, ok := parse(v.text)
		switch {
		case v.node != nil:
			out.Open, out.Why = true, "it is no plain value"
		case !ok:
			out.Open, out.Why = true, unknownText(v.text)
		default:
			out.Alts = append(out.Alts, x)
		}
	}
	return out
}

// unknownText says why a text is not known.
func unknownText(x model.Text) string {
	refs := x.Refs()
	switch {
	case len(refs) == 0:
		return "it is not of the type that is wanted"
	case refs[0].Kind == model.RefParameter:
		return "parameter " + refs[0].ID + " has no default"
	case refs[0].Kind == model.RefImport:
		return "it is exported by another stack"
	}
	return "it is known on deployment only"
}

func (r result) str() model.Value[string] { return convert(r, model.Text.Literal) }

func (r result) int() model.Value[int] {
	return convert(r, func(x model.Text) (int, bool) {
		s, ok := x.Literal()
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return int(f), ok && err == nil && f >= -1e9 && f <= 1e9
	})
}

func (r result) float() model.Value[float64] {
	return convert(r, func(x model.Text) (float64, bool) {
		s, ok := x.Literal()
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return f, ok && err == nil
	})
}

func (r result) bool() model.Value[bool] {
	return convert(r, func(x model.Text) (bool, bool) {
		s, ok := x.Literal()
		switch strings.ToLower(s) {
		case "true", "yes", "on":
			return true, ok
		case "false", "no", "off":
			return false, ok
		}
		return false, false
	})
}

func (r result) textValue() model.Value[model.Text] {
	return convert(r, func(x model.Text) (model.Text, bool) { return x, true })
}

// list is a list of texts; one text is a list of one.
func (r result) list() model.List[model.Text] {
	out := model.List[model.Text]{Pos: r.pos, Open: r.open, Maybe: r.maybe && len(r.vals) > 0, Why: r.why}
	items, open := r.elements()
	out.Open = out.Open || open
	for _, e := range items {
		if e.node != nil {
			out.Open, out.Why = true, "it is no plain value"
			continue
		}
		if len(e.text.Parts) == 0 {
			continue // an empty text names nothing
		}
		text := e.text
		text.Pos = e.pos
		out.Items = append(out.Items, text)
	}
	return out
}

// mapped changes every alternative of a value.
func mapped[T any](v model.Value[T], change func(T) T) model.Value[T] {
	alts := make([]T, len(v.Alts))
	for i := range v.Alts {
		alts[i] = change(v.Alts[i])
	}
	v.Alts = alts
	if len(alts) == 0 {
		v.Alts = nil
	}
	return v
}

// one is the only value of a text, or "".
func one(v model.Value[string]) string {
	s, _ := v.Known()
	return s
}
