package cloudformation

import (
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// join evaluates Fn::Join to texts, one for each combination of alternatives.
func (t *template) join(n, arg *doc.Node, depth int, keep bool) result {
	items := arg.Elements()
	if len(items) != 2 {
		return t.unknown(n, "Fn::Join without its parts")
	}
	between := items[0].Str()
	list := t.expand(items[1], depth, keep)
	r := result{pos: t.pos(n), open: list.open, why: list.why}
	for _, v := range list.vals {
		if !v.node.Is(doc.List) {
			r.open, r.why = true, "Fn::Join of a list that is not known"
			continue
		}
		texts := []model.Text{{Pos: t.pos(n)}}
		for i, item := range v.node.Items {
			if i > 0 {
				texts = appendAll(texts, []model.Text{model.Lit(t.pos(n), between)})
			}
			part := v.in.expand(item, depth, keep)
			texts = appendAll(texts, v.in.parts(item, part))
		}
		for _, text := range texts {
			r.also(result{vals: []value{{in: t, text: text}}})
		}
	}
	return r
}

// parts are the texts of a result, with a reference to nothing where it is open.
func (t *template) parts(n *doc.Node, r result) []model.Text {
	var texts []model.Text
	for _, v := range r.vals {
		switch {
		case v.node == nil:
			texts = append(texts, v.text)
		case v.node.Is(doc.List): // a list joined into a list
			all := []model.Text{{Pos: t.pos(n)}}
			for i, item := range v.node.Items {
				if i > 0 {
					all = appendAll(all, []model.Text{model.Lit(t.pos(n), ",")})
				}
				all = appendAll(all, v.in.parts(item, v.in.eval(item)))
			}
			texts = append(texts, all...)
		}
	}
	if r.open || len(texts) == 0 && !r.maybe {
		texts = append(texts, model.To(t.pos(n), model.RefOther, "unknown", ""))
	}
	if len(texts) == 0 || r.maybe {
		texts = append(texts, model.Text{Pos: t.pos(n)})
	}
	return texts
}

// appendAll is every text of a followed by every one of b, within bounds.
func appendAll(a, b []model.Text) []model.Text {
	var out []model.Text
	for _, x := range a {
		for _, y := range b {
			if len(out) < maxAlternatives {
				out = append(out, x.Append(y.Parts...))
			}
		}
	}
	return out
}

// sub evaluates Fn::Sub.
func (t *template) sub(n, arg *doc.Node, depth int, keep bool) result {
	text, vars := arg, (*doc.Node)(nil)
	if arg.Is(doc.List) && len(arg.Items) > 0 {
		text = arg.Items[0]
		if len(arg.Items) > 1 {
			vars = arg.Items[1]
		}
	}
	whole := []model.Text{model.Lit(t.pos(n), text.Str())}
	if _, ok := text.Scalar(); !ok { // what a framework made of variables of its own
		whole = t.parts(n, t.expand(text, depth, keep))
	}
	r := result{pos: t.pos(n)}
	for _, w := range whole {
		texts := []model.Text{{Pos: t.pos(n)}}
		for _, p := range w.Parts {
			if p.Ref != nil {
				texts = appendAll(texts, []model.Text{{Parts: []model.Part{p}}})
				continue
			}
			texts = appendAll(texts, t.filled(n, p.Literal, vars, depth, keep))
		}
		for _, x := range texts {
			r.also(result{vals: []value{{in: t, text: dynamicText(x)}}})
		}
	}
	return r
}

// filled are the texts that a text with variables comes to.
func (t *template) filled(n *doc.Node, s string, vars *doc.Node, depth int, keep bool) []model.Text {
	texts := []model.Text{{Pos: t.pos(n)}}
	for s != "" {
		before, rest, found := strings.Cut(s, "${")
		texts = appendAll(texts, []model.Text{dynamic(t.pos(n), before)})
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return appendAll(texts, []model.Text{model.Lit(t.pos(n), "${"+rest)})
		}
		s = after
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			texts = appendAll(texts, []model.Text{model.Lit(t.pos(n), "${"+literal+"}")})
			continue
		}
		texts = appendAll(texts, t.parts(n, t.variable(n, strings.TrimSpace(name), vars, depth, keep)))
	}
	return texts
}

func (t *template) variable(n *doc.Node, name string, vars *doc.Node, depth int, keep bool) result {
	if v := vars.Get(name); v != nil {
		return t.expand(v, depth, keep)
	}
	if id, attr, ok := strings.Cut(name, "."); ok {
		return t.attribute(n, id, attr, depth)
	}
	return t.ref(n, name, depth, keep)
}

// oneText is the text of a node that has but one.
func (t *template) oneText(n *doc.Node, depth int) (model.Text, bool) {
	r := t.expand(n, depth+1, false)
	if len(r.vals) == 1 && r.vals[0].node == nil && !r.open {
		return r.vals[0].text, true
	}
	return model.Lit(t.pos(n), "?"), false
}
