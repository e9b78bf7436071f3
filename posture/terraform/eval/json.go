package eval

import (
	"math/big"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/fnvet/fnvet/posture/internal/doc"
)

// labelled says how many keys of nested objects stand for the labels of a block in
// the JSON syntax.
var labelled = map[string]int{"resource": 2, "data": 2, "ephemeral": 2, "module": 1, "variable": 1, "output": 1, "locals": 0}

// parseJSON reads the JSON syntax into the same tree as the native one, so that
// there is but one evaluator.
func (r *run) parseJSON(name string, data []byte) (*body, error) {
	root, err := doc.JSON(name, data, true)
	if err != nil {
		return nil, err
	}
	c := jsonFile{r, name}
	out := &body{attrs: map[string]attribute{}}
	for _, m := range root.All() {
		depth, known := labelled[m.Key]
		if !known {
			out.attrs[m.Key] = c.attribute(m) // of a file of variables
			continue
		}
		c.blocks(out, m.Key, nil, m.Value, depth)
	}
	return out, nil
}

type jsonFile struct {
	r    *run
	name string
}

func (c jsonFile) pos(n *doc.Node) Pos { return Pos{c.name, n.Line, n.Column} }

func (c jsonFile) blocks(out *body, kind string, labels []string, n *doc.Node, depth int) {
	if n.Kind == doc.List {
		for _, i := range n.Items {
			c.blocks(out, kind, labels, i, depth)
		}
		return
	}
	if depth == 0 {
		out.blocks = append(out.blocks, block{kind, labels, c.pos(n), c.body(n)})
		return
	}
	for _, m := range n.All() {
		if m.Key != "//" {
			c.blocks(out, kind, append(slices.Clip(labels), m.Key), m.Value, depth-1)
		}
	}
}

// body takes every member as an attribute: nested blocks are then objects and lists
// of objects, which readers of a Body take as they take blocks.
func (c jsonFile) body(n *doc.Node) *body {
	out := &body{attrs: map[string]attribute{}}
	for _, m := range n.All() {
		switch m.Key {
		case "//":
		case "dynamic":
			c.blocks(out, "dynamic", nil, m.Value, 1)
		case "content":
			out.blocks = append(out.blocks, block{"content", nil, c.pos(m.Value), c.body(m.Value)})
		default:
			out.attrs[m.Key] = c.attribute(m)
		}
	}
	return out
}

func (c jsonFile) attribute(m doc.Member) attribute {
	return attribute{m.Key, Pos{c.name, m.Line, m.Column}, c.expr(m.Value)}
}

// expr is a JSON value as an expression of the native syntax.
func (c jsonFile) expr(n *doc.Node) hclsyntax.Expression {
	rng := c.rng(n)
	switch n.Kind {
	case doc.Bool:
		return &hclsyntax.LiteralValueExpr{Val: cty.BoolVal(n.True()), SrcRange: rng}
	case doc.Number:
		f, _, err := big.ParseFloat(n.Text, 10, 64, big.ToNearestEven)
		if err != nil {
			return &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: rng}
		}
		return &hclsyntax.LiteralValueExpr{Val: cty.NumberVal(f), SrcRange: rng}
	case doc.String:
		return c.template(n.Text, rng)
	case doc.List:
		e := &hclsyntax.TupleConsExpr{SrcRange: rng, OpenRange: rng}
		for _, i := range n.Items {
			e.Exprs = append(e.Exprs, c.expr(i))
		}
		return e
	case doc.Map:
		e := &hclsyntax.ObjectConsExpr{SrcRange: rng, OpenRange: rng}
		for _, m := range n.All() {
			at := c.rng(&doc.Node{Line: m.Line, Column: m.Column})
			e.Items = append(e.Items, hclsyntax.ObjectConsItem{KeyExpr: c.template(m.Key, at), ValueExpr: c.expr(m.Value)})
		}
		return e
	default:
		return &hclsyntax.LiteralValueExpr{Val: cty.NullVal(cty.DynamicPseudoType), SrcRange: rng}
	}
}

// rng is the range of a node, by the offset that positions are made from.
func (c jsonFile) rng(n *doc.Node) hcl.Range {
	at := hcl.Pos{Line: n.Line, Column: n.Column}
	if starts := c.r.lines[c.name]; n.Line-1 < len(starts) && n.Line > 0 {
		at.Byte = starts[n.Line-1] + n.Column - 1
	}
	return hcl.Range{Filename: c.name, Start: at, End: at}
}

// template parses the interpolations of a string. All of it stands where the string
// begins, for escapes of JSON move what follows them.
func (c jsonFile) template(s string, rng hcl.Range) hclsyntax.Expression {
	e, err := parseTemplate(s, rng)
	if err != nil {
		return &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: rng}
	}
	return e
}

// parseTemplate parses a template whose every part is placed at rng.
func parseTemplate(s string, rng hcl.Range) (hclsyntax.Expression, error) {
	tokens, _ := hclsyntax.LexTemplate([]byte(s), rng.Filename, rng.Start)
	if err := tooDeep(rng.Filename, tokens); err != nil {
		return nil, err
	}
	e, diags := hclsyntax.ParseTemplate([]byte(s), rng.Filename, rng.Start)
	if e == nil || diags.HasErrors() {
		return nil, diagError(rng.Filename, diags)
	}
	return e, nil
}
