package js

import (
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

// scope maps names to variables: one per function and per block.
type scope struct {
	vars   ir.Names
	parent *scope
	fn     *ir.Func
	whole  bool // of a function, where var is declared
}

type lowerer struct {
	make  *ir.Nodes
	file  *ir.File
	scope *scope
	// module is the variable with the property exports.
	module *ir.Var
	late   []*ir.Stmt // exports of names that get their value later
}

// Lower turns a tree into the language of the engine. src is the source of the tree.
func Lower(tree *Tree, src, name, path string) *ir.File {
	return new(Parser).Lower(tree, src, name, path)
}

// Lower is as the function; files that one Parser lowers share blocks of memory.
func (from *Parser) Lower(tree *Tree, src, name, path string) *ir.File {
	f := &ir.File{Path: path, Name: name, Lang: ir.JS, Lines: ir.LineStarts(src), Foreign: regions(src)}
	for _, t := range tree.Faults {
		f.Faults = append(f.Faults, ir.Fault{Pos: t.Pos, Text: t.Text, Limit: t.Limit})
	}
	main := &ir.Func{File: f}
	f.Main = main
	l := &lowerer{make: &from.lowered, file: f, scope: &scope{fn: main, whole: true}}
	l.module = main.NewVar("module")
	exports := main.NewVar("exports")
	main.This = exports
	f.Exports = l.module
	l.scope.vars.Put(l.module)
	l.scope.vars.Put(exports)
	main.Body = append(main.Body,
		l.make.Do(l.make.Assign(l.make.Read(exports, 0), &ir.Expr{Op: ir.Object})),
		l.make.Do(l.make.Assign(l.make.Read(l.module, 0), &ir.Expr{Op: ir.Object, Args: []*ir.Expr{{Op: ir.Pair, Name: "exports", Y: l.make.Read(exports, 0)}}})))
	main.Body = append(main.Body, l.body(tree.Body)...)
	main.Body = append(main.Body, l.late...)
	return f
}

func (l *lowerer) push(fn *ir.Func) {
	l.scope = &scope{parent: l.scope, fn: l.scope0(fn), whole: fn != nil}
}

func (l *lowerer) scope0(fn *ir.Func) *ir.Func {
	if fn != nil {
		return fn
	}
	return l.scope.fn
}

func (l *lowerer) pop() { l.scope = l.scope.parent }

func (l *lowerer) lookup(name string) *ir.Var {
	for s := l.scope; s != nil; s = s.parent {
		if v := s.vars.Get(name); v != nil {
			return v
		}
	}
	return nil
}

// declare makes a variable in the block, or for var in the function.
func (l *lowerer) declare(name string, hoisted bool) *ir.Var {
	s := l.scope
	for hoisted && !s.whole {
		s = s.parent
	}
	if v := s.vars.Get(name); v != nil {
		return v
	}
	v := s.fn.NewVar(name)
	s.vars.Put(v)
	return v
}

// body lowers a list of statements in the present scope: names first, then
// function declarations, then the rest.
func (l *lowerer) body(list []*Node) []*ir.Stmt {
	for _, n := range list {
		l.names(n)
	}
	var out []*ir.Stmt
	for _, n := range list {
		d := n
		if n.Kind == ExportDecl || n.Kind == ExportDefault {
			d = n.A
		}
		if d.Kind == Func && d.Flags&Declaration != 0 && d.B != nil && d.Str != "" {
			v := l.declare(d.Str, false)
			out = append(out, l.make.Do(l.make.Assign(l.make.Read(v, d.Pos), l.function(d))))
			switch n.Kind {
			case ExportDecl:
				out = append(out, l.export(d.Str, l.make.Read(v, d.Pos)))
			case ExportDefault:
				out = append(out, l.export("default", l.make.Read(v, d.Pos)))
			}
		}
	}
	for _, n := range list {
		out = append(out, l.stmt(n)...)
	}
	return out
}

// names declares what a statement brings into its block.
func (l *lowerer) names(n *Node) {
	switch n.Kind {
	case VarDecl:
		if n.Str != "var" {
			for _, d := range n.List {
				l.patternNames(d.A, false)
			}
		}
		l.hoist(n)
	case Func, Class:
		if n.Flags&Declaration != 0 && n.Str != "" {
			l.declare(n.Str, false)
		}
	case ExportDecl, ExportDefault:
		l.names(n.A)
	case ImportDecl:
		for _, s := range n.List {
			l.declare(s.A.Str, false)
		}
	default:
		l.hoist(n)
	}
}

// hoist declares the var names below a statement in the function.
func (l *lowerer) hoist(n *Node) {
	if n == nil {
		return
	}
	switch n.Kind {
	case VarDecl:
		if n.Str == "var" {
			for _, d := range n.List {
				l.patternNames(d.A, true)
			}
		}
	case Block:
		for _, s := range n.List {
			l.hoist(s)
		}
	case If:
		l.hoist(n.B)
		l.hoist(n.C)
	case For, ForIn, ForOf, While, DoWhile:
		if n.A != nil && n.A.Kind == VarDecl {
			l.hoist(n.A)
		}
		l.hoist(n.D)
	case Try:
		l.hoist(n.A)
		l.hoist(n.C)
		l.hoist(n.D)
	case Switch, Case:
		for _, s := range n.List {
			l.hoist(s)
		}
	case Labelled, ExportDecl:
		l.hoist(n.A)
	}
}

func (l *lowerer) patternNames(n *Node, hoisted bool) {
	if n == nil {
		return
	}
	switch n.Kind {
	case Ident:
		l.declare(n.Str, hoisted)
	case Assign, Spread:
		l.patternNames(n.A, hoisted)
	case Array, Object:
		for _, item := range n.List {
			if item != nil && item.Kind == Prop {
				item = item.B
			}
			l.patternNames(item, hoisted)
		}
	}
}

// export sets a field of module.exports.
func (l *lowerer) export(name string, value *ir.Expr) *ir.Stmt {
	exports := l.make.Field(l.make.Read(l.module, value.Pos), "exports", value.Pos)
	return l.make.Do(l.make.Assign(l.make.Field(exports, name, value.Pos), value))
}

func (l *lowerer) block(n *Node) []*ir.Stmt {
	if n == nil {
		return nil
	}
	l.push(nil)
	defer l.pop()
	if n.Kind == Block {
		return l.body(n.List)
	}
	return l.body([]*Node{n})
}

func (l *lowerer) stmt(n *Node) []*ir.Stmt {
	switch n.Kind {
	case VarDecl:
		return l.variables(n)
	case ExprStmt:
		return []*ir.Stmt{l.make.Do(l.expr(n.A))}
	case Block:
		return []*ir.Stmt{{Op: ir.Block, Pos: n.Pos, Body: l.block(n)}}
	case If:
		s := &ir.Stmt{Op: ir.If, Pos: n.Pos, X: l.expr(n.A), Body: l.block(n.B)}
		if n.C != nil {
			s.Add().Else = l.block(n.C)
		}
		return []*ir.Stmt{s}
	case For, ForIn, ForOf, While, DoWhile:
		return []*ir.Stmt{l.loop(n, "")}
	case Return:
		return []*ir.Stmt{{Op: ir.Return, Pos: n.Pos, X: l.maybe(n.A)}}
	case Throw:
		return []*ir.Stmt{{Op: ir.Throw, Pos: n.Pos, X: l.maybe(n.A)}}
	case Break:
		return []*ir.Stmt{{Op: ir.Break, Pos: n.Pos, Label: n.Str}}
	case Continue:
		return []*ir.Stmt{{Op: ir.Continue, Pos: n.Pos, Label: n.Str}}
	case Try:
		return []*ir.Stmt{l.try(n)}
	case Switch:
		return []*ir.Stmt{l.switchStmt(n)}
	case Labelled:
		return l.labelled(n)
	case Class:
		if n.Flags&Declaration != 0 && n.Str != "" {
			return []*ir.Stmt{l.make.Do(l.make.Assign(l.make.Read(l.lookup(n.Str), n.Pos), l.class(n)))}
		}
		return []*ir.Stmt{l.make.Do(l.class(n))}
	case ImportDecl, ExportDecl, ExportList, ExportDefault, ExportAll:
		return l.moduleStmt(n)
	}
	return nil
}

func (l *lowerer) maybe(n *Node) *ir.Expr {
	if n == nil {
		return nil
	}
	return l.expr(n)
}

func (l *lowerer) variables(n *Node) []*ir.Stmt {
	var out []*ir.Stmt
	for _, d := range n.List {
		if d.B == nil {
			continue
		}
		for _, x := range l.bind(nil, d.A, l.named(d.B, d.A)) {
			x.Flags |= ir.Declares
			out = append(out, l.make.Do(x))
		}
	}
	return out
}

// named lowers a value; a function without a name gets that of its variable.
func (l *lowerer) named(value, target *Node) *ir.Expr {
	x := l.expr(value)
	if x.Op == ir.Closure && x.Fn.Name == "" && target.Kind == Ident {
		x.Fn.Name = target.Str
	}
	return x
}

func (l *lowerer) loop(n *Node, label string) *ir.Stmt {
	l.push(nil)
	defer l.pop()
	s := &ir.Stmt{Op: ir.Loop, Pos: n.Pos, Label: label}
	if n.A != nil && n.A.Kind == VarDecl {
		l.names(n.A)
	}
	var out []*ir.Stmt
	switch n.Kind {
	case For:
		if n.A != nil {
			if n.A.Kind == VarDecl {
				out = l.variables(n.A)
			} else {
				out = append(out, l.make.Do(l.expr(n.A)))
			}
		}
		s.X = l.maybe(n.B)
		s.Body = l.block(n.D)
		if n.C != nil {
			s.Add().Post = []*ir.Stmt{l.make.Do(l.expr(n.C))}
		}
	case While, DoWhile:
		s.X = l.expr(n.A)
		s.After = n.Kind == DoWhile
		s.Body = l.block(n.D)
	default:
		op := ir.Elem
		if n.Kind == ForIn {
			op = ir.Key
		}
		over := l.scope.fn.NewVar("")
		out = append(out, l.make.Do(l.make.Assign(l.make.Read(over, n.B.Pos), l.expr(n.B))))
		item := &ir.Expr{Op: op, X: l.make.Read(over, n.B.Pos), Pos: n.B.Pos}
		target := n.A
		if target.Kind == VarDecl {
			target = target.List[0].A
		}
		for _, x := range l.bind(nil, target, item) {
			s.Body = append(s.Body, l.make.Do(x))
		}
		s.Body = append(s.Body, l.block(n.D)...)
	}
	if len(out) == 0 {
		return s
	}
	return &ir.Stmt{Op: ir.Block, Pos: n.Pos, Body: append(out, s)}
}

func (l *lowerer) try(n *Node) *ir.Stmt {
	s := &ir.Stmt{Op: ir.Try, Pos: n.Pos, Body: l.block(n.A)}
	if n.C != nil {
		l.push(nil)
		thrown := l.scope.fn.NewVar("")
		s.X = l.make.Read(thrown, n.C.Pos) // the engine assigns what was thrown
		if n.B != nil {
			l.patternNames(n.B, false)
			for _, x := range l.bind(nil, n.B, l.make.Read(thrown, n.B.Pos)) {
				s.Add().Catch = append(s.Add().Catch, l.make.Do(x))
			}
		}
		s.Add().Catch = append(s.Add().Catch, l.block(n.C)...)
		l.pop()
	}
	if n.D != nil {
		s.Add().Finally = l.block(n.D)
	}
	return s
}

func (l *lowerer) switchStmt(n *Node) *ir.Stmt {
	s := &ir.Stmt{Op: ir.Switch, Pos: n.Pos, X: l.expr(n.A)}
	l.push(nil)
	defer l.pop()
	for _, c := range n.List {
		for _, b := range c.List {
			l.names(b)
		}
	}
	for _, c := range n.List {
		s.Add().Cases = append(s.Add().Cases, ir.Case{X: l.maybe(c.A), Body: l.body(c.List)})
	}
	return s
}

func (l *lowerer) labelled(n *Node) []*ir.Stmt {
	switch n.A.kind() {
	case For, ForIn, ForOf, While, DoWhile:
		return []*ir.Stmt{l.loop(n.A, n.Str)}
	case Bad:
		return nil
	}
	return []*ir.Stmt{{Op: ir.Block, Pos: n.Pos, Label: n.Str, Body: l.block(n.A)}}
}

func (n *Node) kind() Kind {
	if n == nil {
		return Bad
	}
	return n.Kind
}

func (l *lowerer) moduleStmt(n *Node) []*ir.Stmt {
	var out []*ir.Stmt
	switch n.Kind {
	case ImportDecl:
		for _, s := range n.List {
			value := l.make.Named(ir.Import, n.Str, n.Pos)
			if s.Str != "*" {
				value = l.make.Field(value, s.Str, s.Pos)
			}
			out = append(out, l.make.Do(l.make.Assign(l.make.Read(l.lookup(s.A.Str), s.Pos), value)))
		}
		if len(n.List) == 0 {
			out = append(out, l.make.Do(l.make.Named(ir.Import, n.Str, n.Pos)))
		}
	case ExportDecl:
		if n.A.Kind == Func {
			return nil // hoisted
		}
		out = l.stmt(n.A)
		for _, name := range declared(n.A) {
			out = append(out, l.export(name, l.make.Read(l.lookup(name), n.Pos)))
		}
	case ExportDefault:
		if n.A.Kind == Func && n.A.Flags&Declaration != 0 && n.A.Str != "" {
			return nil // hoisted
		}
		out = append(out, l.export("default", l.expr(n.A)))
	case ExportList:
		for _, s := range n.List {
			if n.Str != "" {
				out = append(out, l.export(s.Str, l.make.Field(l.make.Named(ir.Import, n.Str, n.Pos), s.A.Str, s.Pos)))
			} else {
				l.late = append(l.late, l.export(s.Str, l.ident(s.A)))
			}
		}
	case ExportAll:
		value := l.make.Named(ir.Import, n.Str, n.Pos)
		if n.A != nil {
			return []*ir.Stmt{l.export(n.A.Str, value)}
		}
		exports := l.make.Field(l.make.Read(l.module, n.Pos), "exports", n.Pos)
		out = append(out, l.make.Do(&ir.Expr{Op: ir.Call, Pos: n.Pos, X: l.make.Field(l.make.Named(ir.Global, "Object", n.Pos), "assign", n.Pos),
			Args: []*ir.Expr{exports, value}}))
	}
	return out
}

// declared lists the names of a declaration.
func declared(n *Node) []string {
	var names []string
	var walk func(n *Node)
	walk = func(n *Node) {
		switch n.kind() {
		case Ident:
			names = append(names, n.Str)
		case Class, Func:
			if n.Str != "" {
				names = append(names, n.Str)
			}
		case Declarator, Assign, Spread:
			walk(n.A)
		case Prop:
			walk(n.B)
		case VarDecl, Array, Object:
			for _, item := range n.List {
				walk(item)
			}
		}
	}
	walk(n)
	return names
}

// regions finds where a bundler says that code came from a package.
func regions(src string) []ir.Region {
	var list []ir.Region
	for i := 0; ; {
		at := strings.Index(src[i:], "\n// ")
		if at < 0 {
			return list
		}
		i += at + 4
		line := src[i:lineEnd(src, i)]
		if strings.ContainsAny(line, " \t") && !strings.HasPrefix(line, "node_modules/") || !strings.Contains(line, "/") && !strings.Contains(line, ".") {
			continue
		}
		module := ""
		if k := strings.LastIndex(line, "node_modules/"); k >= 0 {
			module = packageName(line[k+len("node_modules/"):])
		}
		if n := len(list); n > 0 && list[n-1].End == 0 {
			list[n-1].End = int32(i)
		}
		if module != "" {
			list = append(list, ir.Region{Start: int32(i), Module: module})
		}
	}
}

func packageName(s string) string {
	parts := strings.SplitN(s, "/", 3)
	if strings.HasPrefix(s, "@") && len(parts) > 1 {
		return strings.Clone(parts[0] + "/" + parts[1])
	}
	return strings.Clone(parts[0])
}
