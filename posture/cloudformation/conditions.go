package cloudformation

import (
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
	c := t.conditions.Get(name)
	if c == nil || depth > maxNesting {
		return false, false
	}
	return t.condition(c, depth+1)
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
