package python

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

// scope holds the names of a function, or of the file.
type scope struct {
	vars    ir.Names
	parent  *scope
	fn      *ir.Func
	outside map[string]bool // declared global
}

type lowerer struct {
	make  *ir.Nodes
	file  *ir.File
	scope *scope
	top   *scope
	// stars are the modules of which everything is imported.
	stars []string
}

// Lower turns a tree into the language of the engine. src is the source of the tree.
func Lower(tree *Tree, src, name, path string) *ir.File {
	return new(Parser).Lower(tree, src, name, path)
}

// Lower is as the function; files that one Parser lowers share blocks of memory.
func (from *Parser) Lower(tree *Tree, src, name, path string) *ir.File {
	f := &ir.File{Path: path, Name: name, Lang: ir.Python, Lines: ir.LineStarts(src)}
	for _, t := range tree.Faults {
		f.Faults = append(f.Faults, ir.Fault{Pos: t.Pos, Text: t.Text, Limit: t.Limit})
	}
	main := &ir.Func{File: f}
	f.Main = main
	f.Exports = main.NewVar("")
	l := &lowerer{make: &from.lowered, file: f, scope: &scope{fn: main}}
	l.top = l.scope
	var names []string
	l.collect(tree.Body, &names)
	for _, n := range names {
		l.declare(n)
	}
	main.Body = l.body(tree.Body)
	exports := &ir.Expr{Op: ir.Object}
	for _, n := range names {
		exports.Args = append(exports.Args, &ir.Expr{Op: ir.Pair, Name: n, Y: l.make.Read(l.scope.vars.Get(n), 0)})
	}
	main.Body = append(main.Body, l.make.Do(l.make.Assign(l.make.Read(f.Exports, 0), exports)))
	return f
}

func unknown(pos int32) *ir.Expr { return &ir.Expr{Op: ir.Unknown, Pos: pos} }

func (l *lowerer) declare(name string) *ir.Var {
	if v := l.scope.vars.Get(name); v != nil {
		return v
	}
	v := l.scope.fn.NewVar(name)
	l.scope.vars.Put(v)
	return v
}

func (l *lowerer) lookup(name string) *ir.Var {
	if l.scope.outside[name] {
		return l.top.vars.Get(name)
	}
	for s := l.scope; s != nil; s = s.parent {
		if v := s.vars.Get(name); v != nil {
			return v
		}
	}
	return nil
}

// collect lists the names that a body assigns, without functions inside it.
func (l *lowerer) collect(body []*Node, into *[]string) {
	for _, n := range body {
		switch n.Kind {
		case Assign:
			for _, t := range n.List {
				targetNames(t, into)
			}
			walrus(n.B, into, 0)
		case AugAssign, AnnAssign:
			targetNames(n.A, into)
			walrus(n.B, into, 0)
		case For:
			targetNames(n.A, into)
		case Def, Class:
			*into = append(*into, n.Str)
			continue
		case Import:
			for _, a := range n.List {
				name := a.Names[0]
				if a.Mark == "whole" {
					name, _, _ = strings.Cut(name, ".")
				}
				*into = append(*into, name)
			}
		case ImportFrom:
			for _, a := range n.List {
				if a.Str != "*" {
					*into = append(*into, a.Names[0])
				}
			}
		case With:
			for _, w := range n.List {
				targetNames(w.B, into)
			}
		case Try:
			for _, e := range n.List {
				if e.Str != "" {
					*into = append(*into, e.Str)
				}
				l.collect(e.Body, into)
			}
		case Match:
			for _, c := range n.List {
				captures(c.A, into)
				l.collect(c.Body, into)
			}
		}
		walrus(n.A, into, 0)
		l.collect(n.Body, into)
		l.collect(n.Else, into)
		l.collect(n.Finally, into)
	}
}

func targetNames(n *Node, into *[]string) {
	if n == nil {
		return
	}
	switch n.Kind {
	case Name:
		*into = append(*into, n.Str)
	case Star:
		targetNames(n.A, into)
	case List:
		for _, item := range n.List {
			targetNames(item, into)
		}
	default:
	}
}

// walrus finds the names that := gives inside an expression.
func walrus(n *Node, into *[]string, depth int) {
	if n == nil || depth > 60 || n.Kind == Lambda || n.Kind == Def || n.Kind == Class {
		return
	}
	if n.Kind == Walrus {
		targetNames(n.A, into)
	}
	walrus(n.A, into, depth+1)
	walrus(n.B, into, depth+1)
	walrus(n.C, into, depth+1)
	for _, item := range n.List {
		walrus(item, into, depth+1)
	}
}

func captures(n *Node, into *[]string) {
	if n == nil {
		return
	}
	if n.Kind == Capture && n.Str != "_" {
		*into = append(*into, n.Str)
	}
	captures(n.A, into)
	captures(n.B, into)
	for _, item := range n.List {
		captures(item, into)
	}
}

func (l *lowerer) body(list []*Node) []*ir.Stmt {
	var out []*ir.Stmt
	for _, n := range list {
		out = append(out, l.stmt(n)...)
	}
	return out
}

func (l *lowerer) stmt(n *Node) []*ir.Stmt {
	switch n.Kind {
	case ExprStmt:
		return []*ir.Stmt{l.make.Do(l.expr(n.A))}
	case Assign, AugAssign, AnnAssign:
		return l.assignment(n)
	case Return:
		return []*ir.Stmt{{Op: ir.Return, Pos: n.Pos, X: l.maybe(n.A)}}
	case Raise:
		return []*ir.Stmt{{Op: ir.Throw, Pos: n.Pos, X: l.maybe(n.A)}}
	case Assert:
		return []*ir.Stmt{{Op: ir.If, Pos: n.Pos, X: &ir.Expr{Op: ir.Not, X: l.expr(n.A), Pos: n.Pos}, Body: []*ir.Stmt{{Op: ir.Throw, Pos: n.Pos}}}}
	case Break:
		return []*ir.Stmt{{Op: ir.Break, Pos: n.Pos}}
	case Continue:
		return []*ir.Stmt{{Op: ir.Continue, Pos: n.Pos}}
	case Delete:
		var out []*ir.Stmt
		for _, item := range n.List {
			if x := l.expr(item); x.Op == ir.Field || x.Op == ir.Index || x.Op == ir.Read {
				out = append(out, l.make.Do(l.make.Assign(x, &ir.Expr{Op: ir.Null, Pos: n.Pos})))
			}
		}
		return out
	case Global:
		l.global(n)
		return nil
	case Import, ImportFrom:
		return l.imports(n)
	case Def:
		return []*ir.Stmt{l.make.Do(l.make.Assign(l.target(n.Str, n.Pos), l.function(n, false)))}
	case Class:
		return []*ir.Stmt{l.make.Do(l.make.Assign(l.target(n.Str, n.Pos), l.class(n)))}
	}
	return l.compound(n)
}

func (l *lowerer) global(n *Node) {
	if n.Str != "global" {
		for _, name := range n.Names {
			l.scope.vars.Drop(name)
		}
		return
	}
	if l.scope.outside == nil {
		l.scope.outside = map[string]bool{}
	}
	for _, name := range n.Names {
		l.scope.outside[name] = true
		if l.top.vars.Get(name) == nil {
			l.top.vars.Put(l.top.fn.NewVar(name))
		}
	}
}

func (l *lowerer) target(name string, pos int32) *ir.Expr {
	v := l.lookup(name)
	if v == nil {
		v = l.declare(name)
	}
	return l.make.Read(v, pos)
}

func (l *lowerer) maybe(n *Node) *ir.Expr {
	if n == nil {
		return nil
	}
	return l.expr(n)
}

func (l *lowerer) assignment(n *Node) []*ir.Stmt {
	var out []*ir.Stmt
	emit := func(list []*ir.Expr) {
		for _, x := range list {
			out = append(out, l.make.Do(x))
		}
	}
	switch n.Kind {
	case AugAssign:
		target := l.expr(n.A)
		op := ir.Arith
		if n.Str == "+=" || n.Str == "%=" || n.Str == "|=" || n.Str == "/=" {
			op = ir.Concat
		}
		emit([]*ir.Expr{l.make.Assign(target, &ir.Expr{Op: op, Pos: n.Pos, Args: []*ir.Expr{target, l.expr(n.B)}})})
	case AnnAssign:
		if n.B != nil {
			emit(l.bind(nil, n.A, l.expr(n.B)))
		}
	default:
		if n.B == nil {
			return nil
		}
		value := l.expr(n.B)
		if value.Op == ir.Closure && value.Fn.Name == "" && n.List[0].Kind == Name {
			value.Fn.Name = n.List[0].Str
		}
		if len(n.List) > 1 {
			v := l.make.Read(l.scope.fn.NewVar(""), n.Pos)
			emit([]*ir.Expr{l.make.Assign(v, value)})
			value = v
		}
		for _, t := range n.List {
			emit(l.bind(nil, t, value))
		}
	}
	return out
}

// bind assigns a value to a target, which may be a row of targets.
func (l *lowerer) bind(out []*ir.Expr, target *Node, value *ir.Expr) []*ir.Expr {
	if target == nil {
		return append(out, value)
	}
	switch target.Kind {
	case List:
		if value.Op != ir.Read {
			v := l.make.Read(l.scope.fn.NewVar(""), target.Pos)
			out = append(out, l.make.Assign(v, value))
			value = v
		}
		for i, item := range target.List {
			if item.Kind == Star {
				out = l.bind(out, item.A, &ir.Expr{Op: ir.Tail, Name: number(i), Pos: item.Pos, X: value})
				continue
			}
			out = l.bind(out, item, l.make.Field(value, number(i), item.Pos))
		}
		return out
	case Name:
		return append(out, l.make.Assign(l.target(target.Str, target.Pos), value))
	case Attribute, Subscript:
		return append(out, l.make.Assign(l.expr(target), value))
	default:
		return append(out, value)
	}
}

func number(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return number(n/10) + string(rune('0'+n%10))
}

func (l *lowerer) imports(n *Node) []*ir.Stmt {
	var out []*ir.Stmt
	for _, a := range n.List {
		if n.Kind == ImportFrom {
			if a.Str == "*" {
				l.stars = append(l.stars, n.Str)
				out = append(out, l.make.Do(l.make.Named(ir.Import, n.Str, n.Pos)))
				continue
			}
			value := &ir.Expr{Op: ir.Import, Name: n.Str, Pos: a.Pos, Args: []*ir.Expr{{Op: ir.Const, Name: a.Str}}}
			out = append(out, l.make.Do(l.make.Assign(l.target(a.Names[0], a.Pos), value)))
			continue
		}
		whole := l.make.Named(ir.Import, a.Str, a.Pos)
		if a.Mark != "whole" || !strings.Contains(a.Str, ".") {
			out = append(out, l.make.Do(l.make.Assign(l.target(a.Names[0], a.Pos), whole)))
			continue
		}
		parts := strings.Split(a.Str, ".")
		at := l.target(parts[0], a.Pos)
		out = append(out, l.make.Do(l.make.Assign(at, l.make.Named(ir.Import, parts[0], a.Pos))))
		for i := 1; i < len(parts); i++ {
			next := l.make.Field(at, parts[i], a.Pos)
			out = append(out, l.make.Do(l.make.Assign(next, &ir.Expr{Op: ir.Import, Name: strings.Join(parts[:i+1], "."), Pos: a.Pos})))
			at = next
		}
	}
	return out
}

func (l *lowerer) compound(n *Node) []*ir.Stmt {
	switch n.Kind {
	case If:
		return []*ir.Stmt{ifElse(n.Pos, l.expr(n.A), l.body(n.Body), l.body(n.Else))}
	case While:
		s := &ir.Stmt{Op: ir.Loop, Pos: n.Pos, X: l.expr(n.A), Body: l.body(n.Body)}
		return append([]*ir.Stmt{s}, l.body(n.Else)...)
	case For:
		return append(l.forStmt(n.A, n.B, func() []*ir.Stmt { return l.body(n.Body) }, n.Pos), l.body(n.Else)...)
	case With:
		var out []*ir.Stmt
		for _, w := range n.List {
			for _, x := range l.bind(nil, w.B, l.expr(w.A)) {
				out = append(out, l.make.Do(x))
			}
		}
		return append(out, l.body(n.Body)...)
	case Try:
		return []*ir.Stmt{l.try(n)}
	case Match:
		return l.match(n)
	default:
		return nil
	}
}

func (l *lowerer) forStmt(target, over *Node, body func() []*ir.Stmt, pos int32) []*ir.Stmt {
	v := l.make.Read(l.scope.fn.NewVar(""), over.Pos)
	s := &ir.Stmt{Op: ir.Loop, Pos: pos}
	for _, x := range l.bind(nil, target, &ir.Expr{Op: ir.Elem, X: v, Pos: over.Pos}) {
		s.Body = append(s.Body, l.make.Do(x))
	}
	first := l.make.Do(l.make.Assign(v, l.expr(over)))
	s.Body = append(s.Body, body()...)
	return []*ir.Stmt{first, s}
}

func ifElse(pos int32, cond *ir.Expr, body, other []*ir.Stmt) *ir.Stmt {
	s := &ir.Stmt{Op: ir.If, Pos: pos, X: cond, Body: body}
	if len(other) > 0 {
		s.Add().Else = other
	}
	return s
}

func (l *lowerer) try(n *Node) *ir.Stmt {
	s := &ir.Stmt{Op: ir.Try, Pos: n.Pos, Body: append(l.body(n.Body), l.body(n.Else)...)}
	rest := s.Add()
	rest.Finally = l.body(n.Finally)
	if len(n.List) == 0 {
		return s
	}
	thrown := l.scope.fn.NewVar("")
	s.X = l.make.Read(thrown, n.Pos)
	for i, e := range slices.Backward(n.List) {

		var body []*ir.Stmt
		if e.Str != "" {
			body = append(body, l.make.Do(l.make.Assign(l.target(e.Str, e.Pos), l.make.Read(thrown, e.Pos))))
		}
		body = append(body, l.body(e.Body)...)
		if i == len(n.List)-1 {
			rest.Catch = body
			continue
		}
		rest.Catch = []*ir.Stmt{ifElse(e.Pos, unknown(e.Pos), body, rest.Catch)}
	}
	return s
}
