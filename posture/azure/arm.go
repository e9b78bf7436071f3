package azure

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// IsARM tells by its first bytes whether a file is an ARM template.
func IsARM(name string, data []byte) bool {
	if ext := path.Ext(name); ext != ".json" && ext != ".jsonc" {
		return false
	}
	head := data[:min(len(data), 4096)]
	return bytes.Contains(head, []byte("$schema")) && bytes.Contains(bytes.ToLower(head), []byte("deploymenttemplate.json"))
}

// ReadARM reads an ARM template. What was read before a mistake is returned beside
// the error.
func ReadARM(ctx context.Context, src *model.Source) (*model.Model, error) {
	b := newBuilder(ctx, src, model.ARM)
	root, err := doc.JSON(src.Pos(src.Name, 0, 0).File, src.Data, true)
	if err != nil {
		b.m.Partial = true
		return b.m, fmt.Errorf("%s: %w", src.Name, err)
	}
	b.build(armStack(root, src.Name, 0))
	return b.finish()
}

func armStack(root *doc.Node, name string, depth int) *stack {
	s := &stack{name: name, params: map[string]*param{}, vars: map[string]*expr{}, depth: depth}
	for _, m := range root.Get("parameters").All() {
		p := &param{pos: model.Pos{File: m.Value.File, Line: m.Line, Column: m.Column}, typ: m.Value.Get("type").Str(), allowed: armExpr(m.Value.Get("allowedValues"), 0)}
		p.def = armExpr(m.Value.Get("defaultValue"), 0)
		p.secure = strings.HasPrefix(strings.ToLower(p.typ), "secure")
		s.params[m.Key] = p
		s.order = append(s.order, m.Key)
	}
	for _, m := range root.Get("variables").All() {
		s.vars["variable "+m.Key] = armExpr(m.Value, 0)
	}
	resources := root.Get("resources")
	for _, n := range resources.Elements() {
		s.armResource(n, nil, "", 0)
	}
	for _, m := range resources.All() { // languageVersion 2.0 has names for them
		s.armResource(m.Value, nil, m.Key, 0)
	}
	return s
}

// armResource takes a resource and those nested in it.
func (s *stack) armResource(n *doc.Node, parent *declaredResource, id string, depth int) {
	if !n.Is(doc.Map) || depth > 10 || len(s.resources) > maxFiles {
		return
	}
	r := &declaredResource{pos: model.Pos{File: n.File, Line: n.Line, Column: n.Column}, id: id, typ: n.Get("type").Str(), body: armExpr(n, 0), parent: parent,
		condition: armExpr(n.Get("condition"), 0), existing: n.Get("existing").True()}
	if parent != nil && strings.Count(r.typ, "/") == 0 {
		r.typ = parent.typ + "/" + r.typ
	}
	if r.id == "" {
		r.id = r.typ + "/" + n.Get("name").Str()
	}
	if strings.EqualFold(r.typ, "Microsoft.Resources/deployments") {
		s.deployment(n, r)
		return
	}
	s.resources = append(s.resources, r)
	for _, c := range n.Get("resources").Elements() {
		s.armResource(c, r, "", depth+1)
	}
}

// deployment takes a nested template, written in place or in a file beside.
func (s *stack) deployment(n *doc.Node, r *declaredResource) {
	c := &moduleCall{pos: r.pos, id: n.Get("name").Str(), params: paramValues(n.At("properties", "parameters")), condition: r.condition,
		path: n.At("properties", "templateLink", "relativePath").Str()}
	if t := n.At("properties", "template"); t != nil && s.depth < 8 {
		c.inline = armStack(t, s.name, s.depth+1)
		if !strings.EqualFold(n.At("properties", "expressionEvaluationOptions", "scope").Str(), "inner") {
			maps.Copy(c.inline.vars, s.vars) // expressions are those of the outer template
		}
	}
	s.modules = append(s.modules, c)
}

// paramValues is {a: {value: x}} as {a: x}.
func paramValues(n *doc.Node) *expr {
	if n == nil {
		return nil
	}
	e := &expr{kind: eMap, pos: model.Pos{File: n.File, Line: n.Line, Column: n.Column}}
	for _, m := range n.All() {
		pos := model.Pos{File: n.File, Line: m.Line, Column: m.Column}
		v := armExpr(m.Value.Get("value"), 0)
		if ref := m.Value.Get("reference"); ref != nil { // of a key vault
			v = &expr{kind: eCall, pos: pos, text: "getSecret"}
		}
		if v != nil {
			e.keys, e.args = append(e.keys, key{&expr{kind: eText, pos: pos, text: m.Key}, pos}), append(e.args, v)
		}
	}
	return e
}

// armExpr is a value of a template, whose strings in brackets are expressions.
func armExpr(n *doc.Node, depth int) *expr {
	if n == nil {
		return nil
	}
	e := &expr{pos: model.Pos{File: n.File, Line: n.Line, Column: n.Column}, text: n.Text}
	switch n.Kind {
	case doc.Null:
		e.kind = eNull
	case doc.List:
		e.kind = eList
		for _, i := range n.Items {
			e.args = append(e.args, armExpr(i, depth+1))
		}
	case doc.Map:
		e.kind = eMap
		for _, m := range n.All() {
			pos := model.Pos{File: n.File, Line: m.Line, Column: m.Column}
			name := armString(m.Key, pos)
			e.keys, e.args = append(e.keys, key{name, pos}), append(e.args, armExpr(m.Value, depth+1))
		}
	case doc.String:
		return armString(n.Text, e.pos)
	default:
		e.kind = eText
	}
	return e
}

// armString is a string that is an expression in brackets, or itself; [[ is a bracket.
func armString(s string, pos model.Pos) *expr {
	if strings.HasPrefix(s, "[[") {
		return &expr{kind: eText, pos: pos, text: s[1:]}
	}
	if !strings.HasPrefix(s, "[") || !strings.HasSuffix(s, "]") {
		return &expr{kind: eText, pos: pos, text: s}
	}
	p := &armParser{s: s[1 : len(s)-1], pos: pos}
	e := p.expr(0)
	p.space()
	if e == nil || p.at < len(p.s) {
		return &expr{kind: eOther, pos: pos}
	}
	return e
}

type armParser struct {
	s   string
	at  int
	pos model.Pos
}

func (p *armParser) space() {
	for p.at < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.at]) >= 0 {
		p.at++
	}
}

func (p *armParser) take(c byte) bool {
	p.space()
	if p.at < len(p.s) && p.s[p.at] == c {
		p.at++
		return true
	}
	return false
}

// expr reads a string, a number or a call with what follows it; nil on a mistake.
func (p *armParser) expr(depth int) *expr {
	if depth > maxExprDepth {
		return nil
	}
	p.space()
	if p.take('\'') {
		return p.str()
	}
	begin := p.at
	for p.at < len(p.s) && (word(p.s[p.at]) || p.s[p.at] == '-') {
		p.at++
	}
	name := p.s[begin:p.at]
	if name == "" {
		return nil
	}
	e := &expr{kind: eText, pos: p.pos, text: name}
	if p.take('(') {
		e.kind = eCall
		for !p.take(')') {
			a := p.expr(depth + 1)
			if a == nil || p.at >= len(p.s) {
				return nil
			}
			e.args = append(e.args, a)
			p.take(',')
		}
	}
	for range maxExprDepth {
		switch {
		case p.take('.'):
			begin := p.at
			for p.at < len(p.s) && word(p.s[p.at]) {
				p.at++
			}
			e = &expr{kind: eMember, pos: p.pos, text: p.s[begin:p.at], args: []*expr{e}}
		case p.take('['):
			i := p.expr(depth + 1)
			if i == nil || !p.take(']') {
				return nil
			}
			e = &expr{kind: eIndex, pos: p.pos, args: []*expr{e, i}}
		default:
			return e
		}
	}
	return nil
}

// str reads to the closing quote; two of them are one.
func (p *armParser) str() *expr {
	var b strings.Builder
	for p.at < len(p.s) {
		c := p.s[p.at]
		p.at++
		if c == '\'' {
			if p.at >= len(p.s) || p.s[p.at] != '\'' {
				return &expr{kind: eText, pos: p.pos, text: b.String()}
			}
			p.at++
		}
		b.WriteByte(c)
	}
	return nil
}
