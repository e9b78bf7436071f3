package js

import (
	"strconv"

	"github.com/fnvet/fnvet/inject/ir"
)

func (l *lowerer) list(nodes []*Node) []*ir.Expr {
	var out []*ir.Expr
	for _, n := range nodes {
		if n == nil {
			out = append(out, &ir.Expr{Op: ir.Null})
			continue
		}
		out = append(out, l.expr(n))
	}
	return out
}

func (l *lowerer) ident(n *Node) *ir.Expr {
	if v := l.lookup(n.Str); v != nil {
		return l.make.Read(v, n.Pos)
	}
	if n.Str == "undefined" {
		return &ir.Expr{Op: ir.Null, Pos: n.Pos}
	}
	return l.make.Named(ir.Global, n.Str, n.Pos)
}

func (l *lowerer) expr(n *Node) *ir.Expr {
	switch n.Kind {
	case Ident:
		return l.ident(n)
	case String:
		return l.make.Named(ir.Const, n.Str, n.Pos)
	case Number:
		return l.make.Named(ir.Num, n.Str, n.Pos)
	case Regexp:
		return l.make.Named(ir.Pattern, n.Str, n.Pos)
	case Literal:
		if n.Str == "null" {
			return &ir.Expr{Op: ir.Null, Pos: n.Pos}
		}
		return l.make.Named(ir.Bool, n.Str, n.Pos)
	case Template:
		return &ir.Expr{Op: ir.Concat, Flags: ir.Formatted, Pos: n.Pos, Args: l.list(n.List)}
	case Tagged:
		return &ir.Expr{Op: ir.Template, Pos: n.Pos, X: l.expr(n.A), Args: l.list(n.B.List)}
	case Array:
		return &ir.Expr{Op: ir.List, Pos: n.Pos, Args: l.list(n.List)}
	case Object:
		return l.object(n)
	case Spread:
		return &ir.Expr{Op: ir.Spread, Pos: n.Pos, X: l.expr(n.A)}
	case Func:
		return l.function(n)
	case Class:
		return l.class(n)
	case This:
		return l.this(n)
	case JSX:
		return l.jsx(n)
	case Call, New, ImportCall:
		return l.call(n)
	case Dot:
		if n.A.Kind == Super {
			return &ir.Expr{Op: ir.Super, Name: n.Str, Pos: n.Pos, X: l.this(n)}
		}
		return l.make.Field(l.expr(n.A), n.Str, n.Pos)
	case Index:
		return l.index(n)
	case Seq:
		return &ir.Expr{Op: ir.Seq, Pos: n.Pos, Args: l.list(n.List)}
	case Await:
		return &ir.Expr{Op: ir.Await, Pos: n.Pos, X: l.expr(n.A)}
	case Yield:
		x := l.maybe(n.A)
		if n.Str == "*" {
			x = &ir.Expr{Op: ir.Elem, Pos: n.Pos, X: x}
		}
		return &ir.Expr{Op: ir.Yield, Pos: n.Pos, X: x}
	case Meta:
		return l.make.Named(ir.Global, "import.meta", n.Pos)
	}
	return l.operator(n)
}

func (l *lowerer) index(n *Node) *ir.Expr {
	switch n.B.Kind {
	case String, Number:
		return l.make.Field(l.expr(n.A), n.B.Str, n.Pos)
	}
	return &ir.Expr{Op: ir.Index, Pos: n.Pos, X: l.expr(n.A), Y: l.expr(n.B)}
}

func (l *lowerer) operator(n *Node) *ir.Expr {
	switch n.Kind {
	case Unary:
		return l.unary(n)
	case Update:
		target := l.expr(n.A)
		return l.make.Assign(target, &ir.Expr{Op: ir.Arith, Pos: n.Pos, Args: []*ir.Expr{target}})
	case Cond:
		return &ir.Expr{Op: ir.Choose, Pos: n.Pos, X: l.expr(n.A), Y: l.expr(n.B), Z: l.expr(n.C)}
	case Binary:
		return l.binary(n)
	case Assign:
		return l.assign(n)
	}
	return &ir.Expr{Op: ir.Unknown, Pos: n.Pos}
}

func (l *lowerer) unary(n *Node) *ir.Expr {
	x := l.expr(n.A)
	switch n.Str {
	case "!":
		if x.Op == ir.Num {
			return l.make.Named(ir.Bool, strconv.FormatBool(x.Name == "0"), n.Pos)
		}
		return &ir.Expr{Op: ir.Not, Pos: n.Pos, X: x}
	case "typeof":
		return &ir.Expr{Op: ir.Type, Pos: n.Pos, X: x}
	case "void":
		return &ir.Expr{Op: ir.Seq, Pos: n.Pos, Args: []*ir.Expr{x, {Op: ir.Null, Pos: n.Pos}}}
	case "delete":
		if x.Op == ir.Field || x.Op == ir.Index {
			return l.make.Assign(x, &ir.Expr{Op: ir.Null, Pos: n.Pos})
		}
	}
	return &ir.Expr{Op: ir.Arith, Pos: n.Pos, Args: []*ir.Expr{x}}
}

func (l *lowerer) binary(n *Node) *ir.Expr {
	args := l.list(n.List)
	out := &ir.Expr{Pos: n.Pos, Args: args}
	switch n.Str {
	case "+":
		out.Op = ir.Concat
	case "&&":
		out.Op = ir.And
	case "||", "??":
		out.Op = ir.Or
	case "==", "===":
		return compare(ir.Equal, args)
	case "!=", "!==":
		return compare(ir.NotEqual, args)
	case "<", ">", "<=", ">=":
		return compare(n.Str, args)
	case "in":
		return compare(ir.In, args)
	case "instanceof":
		return compare(ir.InstanceOf, args)
	default:
		out.Op = ir.Arith
	}
	return out
}

func compare(op string, args []*ir.Expr) *ir.Expr {
	x := args[0]
	for _, y := range args[1:] {
		x = &ir.Expr{Op: ir.Compare, Name: op, Pos: x.Pos, X: x, Y: y}
	}
	return x
}

func (l *lowerer) assign(n *Node) *ir.Expr {
	switch n.Str {
	case "=":
		list := l.bind(nil, n.A, l.named(n.B, n.A))
		if len(list) == 1 {
			return list[0]
		}
		// The value of a pattern's assignment is the value itself.
		return &ir.Expr{Op: ir.Seq, Pos: n.Pos, Args: append(list, list[0].X)}
	case "+=":
		target := l.expr(n.A)
		return l.make.Assign(target, &ir.Expr{Op: ir.Concat, Pos: n.Pos, Args: []*ir.Expr{target, l.expr(n.B)}})
	case "||=", "??=", "&&=":
		target := l.expr(n.A)
		return l.make.Assign(target, &ir.Expr{Op: ir.Or, Pos: n.Pos, Args: []*ir.Expr{target, l.expr(n.B)}})
	}
	target := l.expr(n.A)
	return l.make.Assign(target, &ir.Expr{Op: ir.Arith, Pos: n.Pos, Args: []*ir.Expr{target, l.expr(n.B)}})
}

// bind assigns a value to a target, which may be a pattern.
func (l *lowerer) bind(out []*ir.Expr, target *Node, value *ir.Expr) []*ir.Expr {
	if target == nil {
		return out
	}
	switch target.Kind {
	case Assign:
		value = &ir.Expr{Op: ir.Or, Pos: target.Pos, Args: []*ir.Expr{value, l.expr(target.B)}}
		return l.bind(out, target.A, value)
	case Array, Object:
		whole := value
		if value.Op != ir.Read {
			v := l.scope.fn.NewVar("")
			whole = l.make.Read(v, target.Pos)
			out = append(out, l.make.Assign(whole, value))
		}
		if target.Kind == Array {
			return l.bindArray(out, target, whole)
		}
		return l.bindObject(out, target, whole)
	case Ident, Dot, Index:
		return append(out, l.make.Assign(l.expr(target), value))
	}
	return append(out, value)
}

func (l *lowerer) bindArray(out []*ir.Expr, target *Node, whole *ir.Expr) []*ir.Expr {
	for i, item := range target.List {
		switch {
		case item == nil:
		case item.Kind == Spread:
			out = l.bind(out, item.A, &ir.Expr{Op: ir.Tail, Name: strconv.Itoa(i), Pos: item.Pos, X: whole})
		default:
			out = l.bind(out, item, l.make.Field(whole, strconv.Itoa(i), item.Pos))
		}
	}
	return out
}

func (l *lowerer) bindObject(out []*ir.Expr, target *Node, whole *ir.Expr) []*ir.Expr {
	var taken []*ir.Expr
	for _, item := range target.List {
		switch {
		case item.Kind == Spread:
			out = l.bind(out, item.A, &ir.Expr{Op: ir.Rest, Pos: item.Pos, X: whole, Args: taken})
		case item.Kind != Prop:
		case item.A != nil:
			out = l.bind(out, item.B, &ir.Expr{Op: ir.Index, Pos: item.Pos, X: whole, Y: l.expr(item.A)})
		default:
			taken = append(taken, &ir.Expr{Op: ir.Const, Name: item.Str})
			out = l.bind(out, item.B, l.make.Field(whole, item.Str, item.Pos))
		}
	}
	return out
}

func (l *lowerer) object(n *Node) *ir.Expr {
	o := &ir.Expr{Op: ir.Object, Pos: n.Pos}
	for _, p := range n.List {
		if p.Kind != Prop {
			o.Args = append(o.Args, l.expr(p))
			continue
		}
		pair := &ir.Expr{Op: ir.Pair, Name: p.Str, Pos: p.Pos, Y: l.expr(p.B)}
		if p.A != nil {
			pair.X = l.expr(p.A)
		}
		if pair.Y.Op == ir.Closure && pair.Y.Fn.Name == "" {
			pair.Y.Fn.Name = p.Str
		}
		if p.Flags&Setter != 0 {
			continue
		}
		if p.Flags&Getter != 0 {
			pair.Y = &ir.Expr{Op: ir.Getter, Pos: p.Pos, X: pair.Y}
		}
		o.Args = append(o.Args, pair)
	}
	return o
}

func (l *lowerer) this(n *Node) *ir.Expr {
	for f := l.scope.fn; f != nil; f = f.Outer {
		if f.This != nil {
			return l.make.Read(f.This, n.Pos)
		}
	}
	return &ir.Expr{Op: ir.Unknown, Pos: n.Pos}
}

// interop are helpers of compilers that give the module they are given.
func interop(name string) bool {
	switch name {
	case "__toESM", "__toCommonJS", "__importDefault", "__importStar", "_interopRequireDefault", "_interopRequireWildcard",
		"_interop_require_default", "_interop_require_wildcard", "_interopDefault", "_interopNamespace":
		return true
	}
	return false
}

func (l *lowerer) call(n *Node) *ir.Expr {
	if n.Kind == ImportCall {
		if n.A != nil && n.A.Kind == String {
			return l.make.Named(ir.Import, n.A.Str, n.Pos)
		}
		return &ir.Expr{Op: ir.Call, Pos: n.Pos, X: l.make.Named(ir.Global, "import", n.Pos), Args: l.list(nonNil(n.A))}
	}
	if n.Kind == Call && len(n.List) > 0 {
		name := n.A.Str
		if n.A.Kind == Seq && len(n.A.List) == 2 { // (0, a.b)(…)
			name = n.A.List[1].Str
		}
		if interop(name) {
			return l.expr(n.List[0])
		}
		if n.A.Kind == Ident && (name == "require" || name == "__require") && n.List[0].Kind == String && (l.lookup(name) == nil || name == "__require") {
			return l.make.Named(ir.Import, n.List[0].Str, n.Pos)
		}
	}
	c := &ir.Expr{Op: ir.Call, Pos: n.Pos, Args: l.list(n.List)}
	if n.Kind == New {
		c.Flags |= ir.New
	}
	switch {
	case n.A.Kind == Super:
		c.X = &ir.Expr{Op: ir.Super, Pos: n.Pos, X: l.this(n)}
	case n.A.Kind == Seq && len(n.A.List) == 2 && n.A.List[0].Kind == Number:
		c.X = l.expr(n.A.List[1])
	default:
		c.X = l.expr(n.A)
	}
	return c
}

func nonNil(n *Node) []*Node {
	if n == nil {
		return nil
	}
	return []*Node{n}
}

func (l *lowerer) function(n *Node) *ir.Expr {
	fn := &ir.Func{Name: n.Str, File: l.file, Outer: l.scope.fn, Pos: n.Pos}
	x := &ir.Expr{Op: ir.Closure, Pos: n.Pos, Fn: fn}
	l.push(fn)
	defer l.pop()
	if n.Flags&Arrow == 0 {
		fn.This = fn.NewVar("this")
		fn.Arguments = l.declare("arguments", false)
		if n.Str != "" && n.Flags&Declaration == 0 {
			self := l.declare(n.Str, false)
			fn.Body = append(fn.Body, l.make.Do(l.make.Assign(l.make.Read(self, n.Pos), x)))
		}
	}
	l.params(fn, n.List)
	if n.B == nil {
		return x
	}
	if n.B.Kind == Block {
		fn.Body = append(fn.Body, l.body(n.B.List)...)
	} else {
		fn.Body = append(fn.Body, &ir.Stmt{Op: ir.Return, Pos: n.B.Pos, X: l.expr(n.B)})
	}
	return x
}

func (l *lowerer) params(fn *ir.Func, list []*Node) {
	for _, n := range list {
		l.patternNames(n, false)
	}
	for _, n := range list {
		p := ir.Param{}
		target := n
		if n.Kind == Spread {
			p.Rest, target = true, n.A
		}
		if target.Kind == Assign {
			p.Default, target = l.expr(target.B), target.A
		}
		if target.Kind == Ident {
			p.Var = l.lookup(target.Str)
		} else {
			p.Var = fn.NewVar("")
			for _, x := range l.bind(nil, target, l.make.Read(p.Var, target.Pos)) {
				fn.Body = append(fn.Body, l.make.Do(x))
			}
		}
		if n.Flags&Property != 0 && p.Var.Name != "" && fn.This != nil {
			fn.Body = append(fn.Body, l.make.Do(l.make.Assign(l.make.Field(l.make.Read(fn.This, n.Pos), p.Var.Name, n.Pos), l.make.Read(p.Var, n.Pos))))
		}
		fn.Params = append(fn.Params, p)
	}
}

func (l *lowerer) class(n *Node) *ir.Expr {
	c := &ir.ClassDef{Name: n.Str, Pos: n.Pos, Constructor: "constructor"}
	if n.A != nil {
		c.Supers = []*ir.Expr{l.expr(n.A)}
	}
	l.push(nil)
	defer l.pop()
	x := &ir.Expr{Op: ir.Class, Pos: n.Pos, Cls: c}
	if n.Str != "" && n.Flags&Declaration == 0 {
		self := l.declare(n.Str, false)
		x = l.make.Assign(l.make.Read(self, n.Pos), x)
	}
	init := &ir.Func{Name: n.Str, File: l.file, Outer: l.scope.fn, Pos: n.Pos}
	for _, m := range n.List {
		l.member(c, init, m)
	}
	if len(init.Body) > 0 {
		c.Init = init
	}
	return x
}

func (l *lowerer) member(c *ir.ClassDef, init *ir.Func, m *Node) {
	if m.Flags&(Method|Static) != 0 || m.B == nil {
		if m.B == nil || m.Flags&Setter != 0 {
			return
		}
		value := l.expr(m.B)
		if value.Op == ir.Closure && value.Fn.Name == "" {
			value.Fn.Name = m.Str
		}
		name := m.Str
		if m.A != nil {
			name = "[]"
		}
		getter := m.Flags&Getter != 0
		if m.Flags&Static != 0 && m.B.Kind == Func && m.Str == "" && m.A == nil {
			return // a static block
		}
		c.Members = append(c.Members, ir.ClassMember{Name: name, Value: value, Static: m.Flags&Static != 0, Getter: getter})
		return
	}
	if init.This == nil {
		init.This = init.NewVar("this")
	}
	l.push(init)
	value := l.expr(m.B)
	l.pop()
	if value.Op == ir.Closure && value.Fn.Name == "" {
		value.Fn.Name = m.Str
	}
	if m.A == nil {
		init.Body = append(init.Body, l.make.Do(l.make.Assign(l.make.Field(l.make.Read(init.This, m.Pos), m.Str, m.Pos), value)))
	}
}

// jsx lowers an element to the call that compilers make of it.
func (l *lowerer) jsx(n *Node) *ir.Expr {
	props := &ir.Expr{Op: ir.Object, Pos: n.Pos}
	tag := l.make.Named(ir.Const, n.Str, n.Pos)
	if n.A != nil {
		tag = l.expr(n.A)
	}
	c := &ir.Expr{Op: ir.Call, Pos: n.Pos, Args: []*ir.Expr{tag, props},
		X: l.make.Field(l.make.Named(ir.Global, "React", n.Pos), "createElement", n.Pos)}
	for _, item := range n.List {
		switch item.Kind {
		case Prop:
			props.Args = append(props.Args, &ir.Expr{Op: ir.Pair, Name: item.Str, Pos: item.Pos, Y: l.expr(item.B)})
		case Spread:
			props.Args = append(props.Args, l.expr(item))
		default:
			c.Args = append(c.Args, l.expr(item))
		}
	}
	return c
}
