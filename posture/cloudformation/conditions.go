package cloudformation

import (
	"maps"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// dynamic is a literal, with its dynamic references told apart:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
func dynamic(pos model.Pos, s string) model.Text {
	text := model.Text{Pos: pos}
	for {
		before, rest, found := strings.Cut(s, "{{resolve:")
		inside, after, closed := strings.Cut(rest, "}}")
		if !found || !closed {
			return text.Append(model.Part{Literal: s})
		}
		kind := model.RefSetting
		if service, _, _ := strings.Cut(inside, ":"); service == "secretsmanager" || service == "ssm-secure" {
			kind = model.RefDynamic
		}
		text = text.Append(model.Part{Literal: before}, model.Part{Ref: &model.Ref{Kind: kind, ID: inside}})
		s = after
	}
}

// dynamicText finds dynamic references whose name holds variables of Fn::Sub.
func dynamicText(x model.Text) model.Text {
	s := x.String()
	i := strings.Index(s, "{{resolve:")
	if i < 0 || !strings.Contains(s[i:], "}}") || len(x.Parts) == 1 {
		return x
	}
	return dynamic(x.Pos, s)
}

// named evaluates a condition of the template's list.
func (t *template) named(name string, depth int) (known, is bool) {
	if is, ok := t.assumed[name]; ok {
		return true, is
	}
	c := t.conditions.Get(name)
	if c == nil || depth > maxNesting {
		return false, false
	}
	if known, is = t.condition(c, depth+1); !known {
		t.asked[name] = true
	}
	return known, is
}

// assume is the template where a condition holds, or not.
func (t *template) assume(name string, is bool) *template {
	if t.conditions.Get(name) == nil {
		return t
	}
	out := *t
	out.assumed = maps.Clone(t.assumed)
	if out.assumed == nil {
		out.assumed = map[string]bool{}
	}
	out.assumed[name] = is
	return &out
}

// Limits of worlds.
const (
	maxFree       = 4      // conditions that are not known
	maxWorldSteps = 50_000 // of the evaluation of the template as a whole
)

// worlds are the models of all ways in which the conditions of a template may go
// together; none where there is but one way, or too many.
func (t *template) worlds(root *doc.Node, dialect model.Dialect) []*model.Model {
	free := slices.Sorted(maps.Keys(t.asked))
	if len(free) == 0 || len(free) > maxFree || *t.steps > maxWorldSteps {
		return nil
	}
	var out []*model.Model
	for bits := range 1 << len(free) {
		m := &model.Model{Dialect: dialect, Cloud: t.m.Cloud, File: t.m.File}
		in := &template{ctx: t.ctx, src: t.src, name: t.name, m: m, steps: new(int), stacks: new(int), listed: map[string]bool{}, files: t.files, assumed: map[string]bool{}}
		for i, name := range free {
			in.assumed[name] = bits>>i&1 == 1
		}
		if in.open(root); !in.consistent(free) {
			continue
		}
		m.Dialect = t.m.Dialect
		b := newBuilder(m)
		if in.build(b) != nil {
			return nil
		}
		b.link()
		out = append(out, m)
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// consistent reports whether the assumed conditions can go together: none of them
// follows otherwise from the rest, and no parameter has two values.
func (t *template) consistent(free []string) bool {
	values := map[string]string{}
	for _, name := range free {
		without := *t
		without.assumed = maps.Clone(t.assumed)
		delete(without.assumed, name)
		c := t.conditions.Get(name)
		if known, is := without.condition(c, 0); known && is != t.assumed[name] {
			return false
		}
		what, value, ok := t.equation(c)
		if !ok || !t.assumed[name] {
			continue
		}
		if other, twice := values[what]; twice && other != value {
			return false
		}
		values[what] = value
	}
	return true
}

// equation is a condition that compares a parameter with a literal.
func (t *template) equation(c *doc.Node) (parameter, value string, ok bool) {
	name, arg := intrinsic(c)
	if name != "Fn::Equals" || len(arg.Elements()) != 2 {
		return "", "", false
	}
	for i := range 2 {
		if fn, of := intrinsic(arg.Items[i]); fn == "Ref" {
			if s := t.certain(arg.Items[1-i], 0); s != nil {
				return of.Str(), *s, true
			}
		}
	}
	return "", "", false
}

// condition evaluates a condition function; known is false where it depends on
// what is given on deployment.
func (t *template) condition(n *doc.Node, depth int) (known, is bool) {
	if depth > maxNesting || *t.steps > maxSteps {
		return false, false
	}
	*t.steps++
	name, arg := intrinsic(n)
	switch name {
	case "Condition":
		return t.named(arg.Str(), depth+1)
	case "Fn::Not":
		if len(arg.Elements()) == 1 {
			known, is = t.condition(arg.Items[0], depth+1)
			return known, !is
		}
	case "Fn::And", "Fn::Or":
		return t.several(arg.Elements(), name == "Fn::Or", depth+1)
	case "Fn::Equals":
		if len(arg.Elements()) == 2 {
			a, b := t.certain(arg.Items[0], depth), t.certain(arg.Items[1], depth)
			return a != nil && b != nil, a != nil && b != nil && *a == *b
		}
	}
	return false, false
}

// several evaluates Fn::And and Fn::Or, which one certain part may decide.
func (t *template) several(parts []*doc.Node, deciding bool, depth int) (known, is bool) {
	all := true
	for _, p := range parts {
		known, is := t.condition(p, depth)
		if known && is == deciding {
			return true, deciding
		}
		all = all && known
	}
	return all, !deciding
}

func (t *template) certain(n *doc.Node, depth int) *string {
	r := t.expand(n, depth+1, true)
	if len(r.vals) != 1 || r.open || r.maybe || r.vals[0].node != nil {
		return nil
	}
	if s, ok := r.vals[0].text.Literal(); ok {
		return &s
	}
	return nil
}
