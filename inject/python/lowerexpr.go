package python

import (
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

func (l *lowerer) list(nodes []*Node) []*ir.Expr {
	out := make([]*ir.Expr, len(nodes))
	for i, n := range nodes {
		out[i] = l.expr(n)
	}
	return out
}

// builtin are names that are no variables of a module that was imported whole.
func builtin(s string) bool {
	switch s {
	case "print", "len", "str", "int", "float", "bool", "list", "dict", "set", "tuple", "open", "eval", "exec", "compile", "range",
		"enumerate", "zip", "map", "filter", "sorted", "reversed", "isinstance", "getattr", "setattr", "hasattr", "super", "Exception",
		"ValueError", "KeyError", "TypeError", "bytes", "bytearray", "repr", "format", "min", "max", "sum", "any", "all", "abs", "round",
		"iter", "next", "type", "object", "__import__", "__name__", "__file__", "vars", "globals", "locals", "input", "id", "hash":
		return true
	}
	return false
}

func (l *lowerer) name(n *Node) *ir.Expr {
	if v := l.lookup(n.Str); v != nil {
		return l.make.Read(v, n.Pos)
	}
	if len(l.stars) > 0 && !builtin(n.Str) {
		last := l.stars[len(l.stars)-1]
		return &ir.Expr{Op: ir.Import, Name: last, Pos: n.Pos, Args: []*ir.Expr{{Op: ir.Const, Name: n.Str}}}
	}
	return l.make.Named(ir.Global, n.Str, n.Pos)
}

func (l *lowerer) expr(n *Node) *ir.Expr {
	switch n.Kind {
	case Name:
		return l.name(n)
	case String:
		return l.make.Named(ir.Const, n.Str, n.Pos)
	case FString:
		return &ir.Expr{Op: ir.Concat, Flags: ir.Formatted, Pos: n.Pos, Args: l.list(n.List)}
	case Number:
		return l.make.Named(ir.Num, n.Str, n.Pos)
	case Literal:
		switch n.Str {
		case "True":
			return l.make.Named(ir.Bool, "true", n.Pos)
		case "False":
			return l.make.Named(ir.Bool, "false", n.Pos)
		}
		return &ir.Expr{Op: ir.Null, Pos: n.Pos}
	case List:
		return &ir.Expr{Op: ir.List, Pos: n.Pos, Args: l.list(n.List)}
	case Dict:
		return l.dict(n)
	case Star:
		x := &ir.Expr{Op: ir.Spread, Pos: n.Pos, X: l.expr(n.A)}
		if n.Str == "**" {
			x.Flags = ir.KwSpread
		}
		return x
	case Keyword:
		return &ir.Expr{Op: ir.Pair, Name: n.Str, Pos: n.Pos, Y: l.expr(n.A)}
	case Attribute:
		return l.attribute(n)
	case Subscript:
		return l.subscript(n)
	case Call:
		return &ir.Expr{Op: ir.Call, Pos: n.Pos, X: l.expr(n.A), Args: l.list(n.List)}
	case Await:
		return &ir.Expr{Op: ir.Await, Pos: n.Pos, X: l.expr(n.A)}
	case Yield:
		x := l.maybe(n.A)
		if n.Str == "from" {
			x = &ir.Expr{Op: ir.Elem, Pos: n.Pos, X: x}
		}
		return &ir.Expr{Op: ir.Yield, Pos: n.Pos, X: x}
	}
	return l.operator(n)
}

func (l *lowerer) operator(n *Node) *ir.Expr {
	switch n.Kind {
	case Unary:
		x := l.expr(n.A)
		if n.Str == "not" {
			return &ir.Expr{Op: ir.Not, Pos: n.Pos, X: x}
		}
		return &ir.Expr{Op: ir.Arith, Pos: n.Pos, Args: []*ir.Expr{x}}
	case Binary:
		return l.binary(n)
	case Compare:
		return &ir.Expr{Op: ir.Compare, Name: n.Str, Pos: n.Pos, X: l.expr(n.A), Y: l.expr(n.B)}
	case Choose:
		// A if B else C
		return &ir.Expr{Op: ir.Choose, Pos: n.Pos, X: l.expr(n.B), Y: l.expr(n.A), Z: l.expr(n.C)}
	case Lambda:
		return l.function(n, false)
	case Comp:
		return l.comprehension(n)
	case Walrus:
		list := l.bind(nil, n.A, l.expr(n.B))
		if len(list) == 1 {
			return list[0]
		}
		return &ir.Expr{Op: ir.Seq, Pos: n.Pos, Args: list}
	case Slice:
		return &ir.Expr{Op: ir.Null, Pos: n.Pos}
	default:
		return unknown(n.Pos)
	}
}

func (l *lowerer) dict(n *Node) *ir.Expr {
	o := &ir.Expr{Op: ir.Object, Pos: n.Pos}
	for _, item := range n.List {
		if item.Kind != Pair {
			o.Args = append(o.Args, &ir.Expr{Op: ir.Spread, Pos: item.Pos, X: l.expr(item.A)})
			continue
		}
		pair := &ir.Expr{Op: ir.Pair, Pos: item.Pos, Y: l.expr(item.B)}
		if item.A.Kind == String || item.A.Kind == Number {
			pair.Name = item.A.Str
		} else {
			pair.X = l.expr(item.A)
		}
		o.Args = append(o.Args, pair)
	}
	return o
}

func (l *lowerer) attribute(n *Node) *ir.Expr {
	if n.A.Kind == Call && n.A.A.Kind == Name && n.A.A.Str == "super" {
		for s := l.scope; s != nil; s = s.parent {
			if s.fn.Method && len(s.fn.Params) > 0 {
				return &ir.Expr{Op: ir.Super, Name: n.Str, Pos: n.Pos, X: l.make.Read(s.fn.Params[0].Var, n.Pos)}
			}
		}
	}
	return l.make.Field(l.expr(n.A), n.Str, n.Pos)
}

func (l *lowerer) subscript(n *Node) *ir.Expr {
	x := l.expr(n.A)
	if n.B == nil {
		return x
	}
	switch n.B.Kind {
	case String, Number:
		return l.make.Field(x, n.B.Str, n.Pos)
	case Slice: // a part of the same
		return &ir.Expr{Op: ir.Call, Pos: n.Pos, X: l.make.Field(x, "slice", n.Pos)}
	case Unary:
		if n.B.A.Kind == Number { // from the end
			return &ir.Expr{Op: ir.Elem, Pos: n.Pos, X: x}
		}
	default:
	}
	return &ir.Expr{Op: ir.Index, Pos: n.Pos, X: x, Y: l.expr(n.B)}
}

func (l *lowerer) binary(n *Node) *ir.Expr {
	if n.Str == "%" {
		return l.format(n)
	}
	out := &ir.Expr{Pos: n.Pos, Args: l.list(n.List)}
	switch n.Str {
	case "and":
		out.Op = ir.And
	case "or":
		out.Op = ir.Or
	case "+", "|":
		out.Op = ir.Concat
	case "/": // of numbers, or of paths
		out.Op = ir.Concat
		var args []*ir.Expr
		for i, a := range out.Args {
			if i > 0 {
				args = append(args, l.make.Named(ir.Const, "/", a.Pos))
			}
			args = append(args, a)
		}
		out.Args = args
	default:
		out.Op = ir.Arith
	}
	return out
}

// format lowers "text %s" % values.
func (l *lowerer) format(n *Node) *ir.Expr {
	out := &ir.Expr{Op: ir.Concat, Pos: n.Pos}
	left := n.List[0]
	if left.Kind == String {
		out.Flags = ir.Formatted
		head, _, _ := strings.Cut(left.Str, "%")
		out.Args = append(out.Args, l.make.Named(ir.Const, head, left.Pos))
	} else {
		out.Args = append(out.Args, l.expr(left))
	}
	for _, right := range n.List[1:] {
		if right.Kind == List {
			out.Args = append(out.Args, l.list(right.List)...)
		} else {
			out.Args = append(out.Args, l.expr(right))
		}
	}
	return out
}

// comprehension lowers to a call of a function of its own that yields.
func (l *lowerer) comprehension(n *Node) *ir.Expr {
	fn := &ir.Func{Name: "", File: l.file, Outer: l.scope.fn, Pos: n.Pos}
	l.scope = &scope{parent: l.scope, fn: fn}
	fn.Body = l.compFor(n, 0)
	l.scope = l.scope.parent
	return &ir.Expr{Op: ir.Call, Pos: n.Pos, X: &ir.Expr{Op: ir.Closure, Pos: n.Pos, Fn: fn}}
}

func (l *lowerer) compFor(n *Node, i int) []*ir.Stmt {
	if i == len(n.List) {
		value := n.A
		var out []*ir.Stmt
		if value.Kind == Pair {
			out = append(out, l.make.Do(l.expr(value.A)))
			value = value.B
		}
		y := &ir.Expr{Op: ir.Yield, Pos: value.Pos, X: l.expr(value)}
		return append(out, l.make.Do(y))
	}
	f := n.List[i]
	var names []string
	targetNames(f.A, &names)
	over := l.expr(f.B)
	for _, name := range names {
		l.declare(name)
	}
	v := l.make.Read(l.scope.fn.NewVar(""), f.Pos)
	s := &ir.Stmt{Op: ir.Loop, Pos: f.Pos}
	for _, x := range l.bind(nil, f.A, &ir.Expr{Op: ir.Elem, X: v, Pos: f.Pos}) {
		s.Body = append(s.Body, l.make.Do(x))
	}
	body := &s.Body
	for _, c := range f.List {
		cond := &ir.Stmt{Op: ir.If, Pos: c.Pos, X: l.expr(c)}
		*body = append(*body, cond)
		body = &cond.Body
	}
	*body = append(*body, l.compFor(n, i+1)...)
	return []*ir.Stmt{l.make.Do(l.make.Assign(v, over)), s}
}

func (l *lowerer) function(n *Node, method bool) *ir.Expr {
	fn := &ir.Func{Name: n.Str, File: l.file, Outer: l.scope.fn, Pos: n.Pos, Method: method}
	for _, d := range n.Decorators {
		switch {
		case d.Kind == Name && d.Str == "staticmethod":
			fn.Static = true
		case d.Kind == Name && d.Str == "classmethod":
			fn.OfClass = true
		case d.Kind == Name && (d.Str == "property" || d.Str == "cached_property"):
		default:
			fn.Decorators = append(fn.Decorators, l.expr(d))
		}
	}
	defaults := make([]*ir.Expr, len(n.List))
	for i, p := range n.List {
		defaults[i] = l.maybe(p.A)
	}
	l.scope = &scope{parent: l.scope, fn: fn}
	for i, p := range n.List {
		param := ir.Param{Var: l.declare(p.Str), Default: defaults[i], Rest: p.Mark == "*", KwRest: p.Mark == "**", KwOnly: p.Mark == "kw"}
		if p.B != nil && p.B.Kind == Name {
			param.Type = p.B.Str
		}
		fn.Params = append(fn.Params, param)
	}
	if n.Kind == Lambda {
		fn.Body = []*ir.Stmt{{Op: ir.Return, Pos: n.A.Pos, X: l.expr(n.A)}}
	} else {
		l.functionBody(n)
		fn.Body = l.body(n.Body)
	}
	l.scope = l.scope.parent
	return &ir.Expr{Op: ir.Closure, Pos: n.Pos, Fn: fn}
}

// functionBody declares the names of a function's body.
func (l *lowerer) functionBody(n *Node) {
	away := map[string]bool{}
	declaredElsewhere(n.Body, away, 0)
	var names []string
	l.collect(n.Body, &names)
	for _, name := range names {
		if !away[name] {
			l.declare(name)
		}
	}
}

// declaredElsewhere finds global and nonlocal names.
func declaredElsewhere(body []*Node, into map[string]bool, depth int) {
	if depth > maxDepth {
		return
	}
	for _, n := range body {
		if n.Kind == Def || n.Kind == Class {
			continue
		}
		if n.Kind == Global {
			for _, name := range n.Names {
				into[name] = true
			}
		}
		declaredElsewhere(n.Body, into, depth+1)
		declaredElsewhere(n.Else, into, depth+1)
		declaredElsewhere(n.Finally, into, depth+1)
	}
}

func (l *lowerer) class(n *Node) *ir.Expr {
	c := &ir.ClassDef{Name: n.Str, Pos: n.Pos, Constructor: "__init__"}
	for _, b := range n.List {
		if b.Kind != Keyword && b.Kind != Star {
			c.Supers = append(c.Supers, l.expr(b))
		}
	}
	for _, m := range n.Body {
		switch m.Kind {
		case Def:
			getter := false
			for _, d := range m.Decorators {
				getter = getter || d.Kind == Name && (d.Str == "property" || d.Str == "cached_property")
			}
			c.Members = append(c.Members, ir.ClassMember{Name: m.Str, Value: l.function(m, true), Getter: getter})
		case Assign:
			for _, t := range m.List {
				if t.Kind == Name && m.B != nil {
					c.Members = append(c.Members, l.classValue(t.Str, m.B)...)
				}
			}
		case AnnAssign:
			if m.A.Kind == Name && m.B != nil {
				c.Members = append(c.Members, l.classValue(m.A.Str, m.B)...)
			}
		case Class:
			c.Members = append(c.Members, ir.ClassMember{Name: m.Str, Value: l.class(m), Static: true})
		default:
		}
	}
	return &ir.Expr{Op: ir.Class, Pos: n.Pos, Cls: c}
}

// classValue is a value of the class, which its objects see too.
func (l *lowerer) classValue(name string, value *Node) []ir.ClassMember {
	x := l.expr(value)
	return []ir.ClassMember{{Name: name, Value: x, Static: true}, {Name: name, Value: x}}
}
