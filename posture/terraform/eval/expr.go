package eval

import (
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A scope is where an expression stands: its module, and the names that count,
// each, for expressions, dynamic blocks and templates bind around it.
type scope struct {
	mod   *module
	names map[string]*Value
	anon  map[*hclsyntax.AnonSymbolExpr]*Value
	outer *scope
	// sealed scopes see their own names alone, as the inside of templatefile does.
	sealed bool
}

func (s *scope) bind(names map[string]*Value) *scope {
	return &scope{mod: s.mod, names: names, outer: s}
}

func (s *scope) name(n string) *Value {
	for ; s != nil; s = s.outer {
		if v, ok := s.names[n]; ok {
			return v
		}
		if s.sealed {
			return unknown(Pos{})
		}
	}
	return nil
}

func (s *scope) symbol(e *hclsyntax.AnonSymbolExpr) *Value {
	for ; s != nil; s = s.outer {
		if v, ok := s.anon[e]; ok {
			return v
		}
	}
	return nil
}

// expr evaluates one expression. It never fails: what cannot be told is Unknown,
// and when the budget of the run is spent everything is.
func (r *run) expr(e hclsyntax.Expression, s *scope) *Value {
	pos := r.pos(start(e))
	if !r.step() || r.depth > maxDepth {
		return unknown(pos)
	}
	r.depth++
	defer func() { r.depth-- }()
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return fromCty(e.Val, pos)
	case *hclsyntax.TemplateExpr:
		return r.template(e, s)
	case *hclsyntax.TemplateWrapExpr:
		return r.expr(e.Wrapped, s)
	case *hclsyntax.TemplateJoinExpr:
		return joinText(pos, text(pos, ""), r.expr(e.Tuple, s))
	case *hclsyntax.ParenthesesExpr:
		return r.expr(e.Expression, s)
	case *hclsyntax.ScopeTraversalExpr:
		return r.traversal(e.Traversal, s, pos)
	case *hclsyntax.RelativeTraversalExpr:
		return r.steps(r.expr(e.Source, s), e.Traversal, pos)
	case *hclsyntax.FunctionCallExpr:
		return r.call(e, s)
	case *hclsyntax.ConditionalExpr:
		return r.conditional(e, s)
	case *hclsyntax.TupleConsExpr:
		items := make([]*Value, len(e.Exprs))
		for i, x := range e.Exprs {
			items[i] = r.expr(x, s)
		}
		return list(pos, items)
	case *hclsyntax.ObjectConsExpr:
		return r.object(e, s)
	default:
		return r.lessCommon(e, s, pos)
	}
}

// start is where an expression begins; for a heredoc, where its text does.
func start(e hclsyntax.Expression) hcl.Range {
	if t, ok := e.(*hclsyntax.TemplateExpr); ok {
		if len(t.Parts) == 0 || t.StartRange().Start.Line == t.SrcRange.Start.Line {
			return t.SrcRange
		}
	}
	return e.StartRange()
}

func (r *run) lessCommon(e hclsyntax.Expression, s *scope, pos Pos) *Value {
	switch e := e.(type) {
	case *hclsyntax.ObjectConsKeyExpr:
		if k := hcl.ExprAsKeyword(e.Wrapped); k != "" && !e.ForceNonLiteral {
			return text(pos, k)
		}
		return r.expr(e.Wrapped, s)
	case *hclsyntax.IndexExpr:
		return r.index(r.expr(e.Collection, s), r.expr(e.Key, s), pos)
	case *hclsyntax.SplatExpr:
		return r.splat(e, s)
	case *hclsyntax.AnonSymbolExpr:
		if v := s.symbol(e); v != nil {
			return v
		}
		return unknown(pos)
	case *hclsyntax.ForExpr:
		return r.forExpr(e, s)
	case *hclsyntax.BinaryOpExpr:
		return r.binary(e, s)
	case *hclsyntax.UnaryOpExpr:
		v := r.expr(e.Val, s)
		return r.each([]*Value{v}, pos, func(a []*Value) *Value { return library(e.Op.Impl, a, pos) })
	default:
		return unknown(pos)
	}
}

// each calls f for every way to choose among alternatives in args, if there are
// few, and returns the choice of what comes out.
func (r *run) each(args []*Value, pos Pos, f func([]*Value) *Value) *Value {
	ways := 1
	at := -1
	for i, a := range args {
		if a.Kind == Choice {
			ways *= len(a.Items)
			at = i
		}
		if ways > maxChoice {
			return unknown(pos, refsOf(args...)...)
		}
	}
	if at < 0 {
		return f(args)
	}
	var out []*Value
	for _, alt := range args[at].Items {
		fixed := slices.Clone(args)
		fixed[at] = alt
		out = append(out, r.each(fixed, pos, f))
	}
	return choice(pos, out...)
}

func (r *run) template(e *hclsyntax.TemplateExpr, s *scope) *Value {
	pos := r.pos(start(e))
	args := make([]*Value, len(e.Parts))
	for i, p := range e.Parts {
		args[i] = r.expr(p, s)
	}
	return r.each(args, pos, func(a []*Value) *Value { return joinText(pos, text(pos, ""), list(pos, a)) })
}

// joinText is join(sep, items) over strings that may hold links.
func joinText(pos Pos, sep, items *Value) *Value {
	between, ok := sep.parts()
	if items.Kind != List || !ok {
		return unknown(pos, refsOf(sep, items)...)
	}
	var parts []Part
	length := 0
	for i, item := range items.Items {
		p, ok := item.parts()
		if !ok {
			p = []Part{{}}
		}
		if i > 0 {
			parts = append(parts, between...)
		}
		parts = append(parts, p...)
		if length += item.size; length > maxSize {
			return unknown(pos)
		}
	}
	return stringOf(pos, parts).through(varsOf(sep, items)...)
}

func (r *run) conditional(e *hclsyntax.ConditionalExpr, s *scope) *Value {
	cond := r.expr(e.Condition, s)
	if t, ok := cond.Text(); ok && (t == "true" || t == "false") {
		if t == "true" {
			return r.expr(e.TrueResult, s)
		}
		return r.expr(e.FalseResult, s)
	}
	return choice(r.pos(e.StartRange()), r.expr(e.TrueResult, s), r.expr(e.FalseResult, s))
}

func (r *run) object(e *hclsyntax.ObjectConsExpr, s *scope) *Value {
	var fields []Field
	pos := r.pos(e.StartRange())
	for _, item := range e.Items {
		key := r.expr(item.KeyExpr, s)
		if key.Kind == Unknown || key.Kind == Choice {
			return unknown(pos, refsOf(key)...)
		}
		fields = append(fields, Field{key.Template(), key.Pos, r.expr(item.ValueExpr, s)})
	}
	return mapOf(pos, fields)
}

// index is collection[key].
func (r *run) index(c, key *Value, pos Pos) *Value {
	return r.each([]*Value{c, key}, pos, func(a []*Value) *Value {
		c, key := a[0], a[1]
		k, known := key.Text()
		switch {
		case c.Kind == Map && known:
			if v := c.Get(k); v != nil {
				return v
			}
		case c.Kind == List && known:
			if i, err := strconv.Atoi(k); err == nil && i >= 0 && i < len(c.Items) {
				return c.Items[i]
			}
		case !known && len(items(c)) == 1 && items(c)[0].Kind == Instance:
			return items(c)[0]
		}
		// A key that is not known reaches any of them: keep the common link.
		if !known {
			if ref, ok := common(items(c)); ok {
				return unknown(pos, ref)
			}
		}
		return unknown(pos, refsOf(c)...)
	})
}

// common is the address that all instances share, without their keys.
func common(values []*Value) (Ref, bool) {
	if len(values) == 0 || values[0].Kind != Instance || values[0].def == nil {
		return Ref{}, false
	}
	return Ref{Address: values[0].def.address()}, true
}

// items are the elements of a list or map, in order.
func items(v *Value) []*Value {
	if v.Kind == Map {
		out := make([]*Value, len(v.Fields))
		for i, f := range v.Fields {
			out[i] = f.Value
		}
		return out
	}
	if v.Kind == List {
		return v.Items
	}
	return nil
}

func (r *run) splat(e *hclsyntax.SplatExpr, s *scope) *Value {
	pos := r.pos(e.StartRange())
	return r.each([]*Value{r.expr(e.Source, s)}, pos, func(a []*Value) *Value {
		src := a[0]
		switch src.Kind {
		case Null:
			return list(pos, nil)
		case Unknown:
			return unknown(pos, src.Refs...)
		case List:
		default:
			src = list(pos, []*Value{src})
		}
		out := make([]*Value, len(src.Items))
		for i, item := range src.Items {
			inner := &scope{mod: s.mod, outer: s, anon: map[*hclsyntax.AnonSymbolExpr]*Value{e.Item: item}}
			out[i] = r.expr(e.Each, inner)
		}
		return list(pos, out)
	})
}

// entries are the key and value of every element of a collection.
func entries(c *Value) ([]Field, bool) {
	switch c.Kind {
	case Map:
		return c.Fields, true
	case List:
		out := make([]Field, len(c.Items))
		for i, v := range c.Items {
			out[i] = Field{strconv.Itoa(i), v.Pos, v}
		}
		return out, true
	default:
		return nil, false
	}
}

func (r *run) forExpr(e *hclsyntax.ForExpr, s *scope) *Value {
	pos := r.pos(e.StartRange())
	return r.each([]*Value{r.expr(e.CollExpr, s)}, pos, func(a []*Value) *Value { return r.forOver(e, s, a[0], pos) })
}

func (r *run) forOver(e *hclsyntax.ForExpr, s *scope, coll *Value, pos Pos) *Value {
	all, ok := entries(coll)
	if !ok {
		return unknown(pos, refsOf(coll)...)
	}
	var out []*Value
	var fields []Field
	for _, f := range all {
		if r.used += 4; !r.step() {
			break
		}
		key := text(f.KeyPos, f.Key)
		if coll.Kind == List {
			n, _ := strconv.Atoi(f.Key)
			key = number(f.KeyPos, float64(n))
		}
		inner := s.bind(map[string]*Value{e.ValVar: f.Value, e.KeyVar: key})
		if e.CondExpr != nil {
			// An element whose condition is not known may be there: it is kept.
			if t, known := r.expr(e.CondExpr, inner).Text(); known && t == "false" {
				continue
			}
		}
		v := r.expr(e.ValExpr, inner)
		if e.KeyExpr == nil {
			out = append(out, v)
			continue
		}
		k := r.expr(e.KeyExpr, inner)
		if k.Kind == Unknown || k.Kind == Choice {
			return unknown(pos, refsOf(coll)...)
		}
		fields = addField(fields, Field{k.Template(), k.Pos, v}, e.Group)
	}
	if e.KeyExpr == nil {
		return list(pos, out)
	}
	return mapOf(pos, fields)
}

func addField(fields []Field, f Field, group bool) []Field {
	i := slices.IndexFunc(fields, func(o Field) bool { return o.Key == f.Key })
	switch {
	case !group && i < 0:
		return append(fields, f)
	case !group:
		fields[i] = f
	case i < 0:
		f.Value = list(f.Value.Pos, []*Value{f.Value})
		return append(fields, f)
	default:
		old := fields[i].Value
		fields[i].Value = list(old.Pos, append(slices.Clip(old.Items), f.Value))
	}
	return fields
}

func (r *run) binary(e *hclsyntax.BinaryOpExpr, s *scope) *Value {
	pos := r.pos(e.StartRange())
	args := []*Value{r.expr(e.LHS, s), r.expr(e.RHS, s)}
	return r.each(args, pos, func(a []*Value) *Value {
		switch e.Op {
		case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
			return logical(e.Op == hclsyntax.OpLogicalOr, a[0], a[1], pos)
		case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
			return equal(e.Op == hclsyntax.OpEqual, a[0], a[1], pos)
		}
		return library(e.Op.Impl, a, pos)
	})
}

// logical is and/or in three values.
func logical(or bool, a, b *Value, pos Pos) *Value {
	stop := strconv.FormatBool(or)
	x, ok := a.Text()
	y, ok2 := b.Text()
	switch {
	case ok && x == stop, ok2 && y == stop:
		return boolean(pos, or)
	case ok && ok2:
		return boolean(pos, !or)
	}
	return unknown(pos, refsOf(a, b)...)
}

func equal(want bool, a, b *Value, pos Pos) *Value {
	switch {
	case a.whole() && b.whole():
		return boolean(pos, same(a, b) == want)
	case a.Kind == Null || b.Kind == Null:
		// A link to something declared, or a collection, is not null.
		other := a
		if a.Kind == Null {
			other = b
		}
		if other.Kind != Unknown && other.Kind != Choice {
			return boolean(pos, !want)
		}
	case a.Kind == List && b.Kind == List && (len(a.Items) == 0) != (len(b.Items) == 0):
		return boolean(pos, !want)
	}
	return unknown(pos, refsOf(a, b)...)
}

// same compares two wholly known values.
func same(a, b *Value) bool {
	switch {
	case a.Kind == List && b.Kind == List:
		return slices.EqualFunc(a.Items, b.Items, same)
	case a.Kind == Map && b.Kind == Map:
		return len(a.Fields) == len(b.Fields) && !slices.ContainsFunc(a.Fields, func(f Field) bool {
			o := b.Get(f.Key)
			return o == nil || !same(f.Value, o)
		})
	default:
		return sameScalar(a, b)
	}
}
