package golang

import (
	"go/ast"
	"go/token"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

func (l *lowerer) block(list []ast.Stmt) []*ir.Stmt {
	var out []*ir.Stmt
	l.inner(func() { out = l.row(list) })
	return out
}

// row lowers statements that follow each other. What stands between a goto and its
// label is a block that the goto breaks out of; where it leads back, what follows
// the label is a loop that it continues.
func (l *lowerer) row(list []ast.Stmt) []*ir.Stmt {
	var out []*ir.Stmt
	for i, s := range list {
		x, ok := s.(*ast.LabeledStmt)
		label := ""
		if ok {
			label = "goto " + x.Label.Name
		}
		pos := l.src.pos(s.Pos())
		if !ok || !l.jumps[label] || l.deep(pos) {
			out = append(out, l.stmt(s)...)
			continue
		}
		l.depth++
		defer func() { l.depth-- }()
		out = []*ir.Stmt{{Op: ir.Block, Label: label, Pos: pos, Body: out}}
		l.passed[label] = true
		rest := append(l.stmt(x), l.row(list[i+1:])...)
		loop := &ir.Stmt{Op: ir.Loop, Label: label, Pos: pos, Body: append(rest, &ir.Stmt{Op: ir.Break, Label: label, Pos: pos})}
		return append(out, loop)
	}
	return out
}

// gotos are the labels that a file jumps to.
func gotos(s *Source) map[string]bool {
	if !strings.Contains(s.text, "goto") {
		return nil
	}
	var out map[string]bool
	ast.Inspect(s.file, func(n ast.Node) bool {
		if b, ok := n.(*ast.BranchStmt); ok && b.Tok == token.GOTO && b.Label != nil {
			if out == nil {
				out = map[string]bool{}
			}
			out["goto "+b.Label.Name] = true
		}
		return true
	})
	return out
}

func (l *lowerer) stmt(s ast.Stmt) []*ir.Stmt {
	l.depth++
	defer func() { l.depth-- }()
	if s == nil {
		return nil
	}
	pos := l.src.pos(s.Pos())
	if l.deep(pos) {
		return nil
	}
	switch s := s.(type) {
	case *ast.ExprStmt:
		x := l.expr(s.X)
		if c, ok := s.X.(*ast.CallExpr); ok && ends(c) {
			return []*ir.Stmt{do(x), {Op: ir.Throw, Pos: pos}}
		}
		return []*ir.Stmt{do(x)}
	case *ast.AssignStmt:
		return l.assign(s, pos)
	case *ast.DeclStmt:
		return l.local(s)
	case *ast.ReturnStmt:
		return []*ir.Stmt{l.ret(s, pos)}
	case *ast.BlockStmt:
		return []*ir.Stmt{{Op: ir.Block, Pos: pos, Body: l.block(s.List)}}
	case *ast.GoStmt:
		return []*ir.Stmt{do(l.call(s.Call))}
	case *ast.DeferStmt:
		return []*ir.Stmt{do(l.call(s.Call))}
	case *ast.SendStmt:
		return []*ir.Stmt{do(&ir.Expr{Op: ir.Assign, Pos: pos, X: &ir.Expr{Op: ir.Index, X: l.expr(s.Chan), Y: &ir.Expr{Op: ir.Unknown, Pos: pos}, Pos: pos}, Y: l.expr(s.Value)})}
	case *ast.LabeledStmt:
		out := l.stmt(s.Stmt)
		if n := len(out); n > 0 && (out[n-1].Op == ir.Loop || out[n-1].Op == ir.Switch) {
			out[n-1].Label = s.Label.Name
		}
		return out
	case *ast.BranchStmt:
		return l.branch(s, pos)
	}
	return l.structured(s, pos)
}

// ends says that a call does not come back.
func ends(c *ast.CallExpr) bool {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name == "panic"
	case *ast.SelectorExpr:
		id, ok := f.X.(*ast.Ident)
		return ok && (id.Name == "os" && f.Sel.Name == "Exit" || id.Name == "log" && (f.Sel.Name == "Fatal" || f.Sel.Name == "Fatalf" || f.Sel.Name == "Panicf"))
	}
	return false
}

func (l *lowerer) branch(s *ast.BranchStmt, pos int32) []*ir.Stmt {
	label := ""
	if s.Label != nil {
		label = s.Label.Name
	}
	switch s.Tok { //nolint:exhaustive // fallthrough is how a switch of the engine goes on
	case token.BREAK:
		return []*ir.Stmt{{Op: ir.Break, Label: label, Pos: pos}}
	case token.CONTINUE:
		return []*ir.Stmt{{Op: ir.Continue, Label: label, Pos: pos}}
	case token.GOTO:
		op := ir.Break
		if l.passed["goto "+label] {
			op = ir.Continue
		}
		return []*ir.Stmt{{Op: op, Label: "goto " + label, Pos: pos}}
	}
	return nil
}

func (l *lowerer) ret(s *ast.ReturnStmt, pos int32) *ir.Stmt {
	out := &ir.Stmt{Op: ir.Return, Pos: pos}
	switch len(s.Results) {
	case 0:
		var list []*ir.Expr
		for _, v := range l.results {
			list = append(list, &ir.Expr{Op: ir.Read, Var: v, Pos: pos})
		}
		if len(list) == 1 {
			out.X = list[0]
		} else if len(list) > 1 {
			out.X = &ir.Expr{Op: ir.List, Name: "tuple", Pos: pos, Args: list}
		}
	case 1:
		out.X = l.expr(s.Results[0])
	default:
		out.X = &ir.Expr{Op: ir.List, Name: "tuple", Pos: pos, Args: l.exprs(s.Results)}
	}
	return out
}

// structured lowers statements that hold others.
func (l *lowerer) structured(s ast.Stmt, pos int32) []*ir.Stmt {
	var out []*ir.Stmt
	l.inner(func() {
		switch s := s.(type) {
		case *ast.IfStmt:
			out = append(out, l.stmt(s.Init)...)
			st := &ir.Stmt{Op: ir.If, Pos: pos, X: l.expr(s.Cond), Body: l.block(s.Body.List)}
			if s.Else != nil {
				st.Add().Else = l.stmt(s.Else)
			}
			out = append(out, st)
		case *ast.ForStmt:
			out = append(out, l.stmt(s.Init)...)
			st := &ir.Stmt{Op: ir.Loop, Pos: pos}
			if s.Cond != nil {
				st.X = l.expr(s.Cond)
			}
			st.Body = l.block(s.Body.List)
			if s.Post != nil {
				st.Add().Post = l.stmt(s.Post)
			}
			out = append(out, st)
		case *ast.RangeStmt:
			out = append(out, l.rangeStmt(s, pos))
		case *ast.SwitchStmt:
			out = append(out, l.stmt(s.Init)...)
			out = append(out, l.switchStmt(s, pos))
		case *ast.TypeSwitchStmt:
			out = append(out, l.stmt(s.Init)...)
			out = append(out, l.stmt(s.Assign)...)
			out = append(out, l.choice(s.Body, pos))
		case *ast.SelectStmt:
			out = append(out, l.choice(s.Body, pos))
		}
	})
	return out
}

func (l *lowerer) rangeStmt(s *ast.RangeStmt, pos int32) *ir.Stmt {
	x := l.expr(s.X)
	st := &ir.Stmt{Op: ir.Loop, Pos: pos}
	t := l.static(s.X, 0)
	put := func(target ast.Expr, op ir.Op, t typ) {
		if target == nil {
			return
		}
		var to *ir.Expr
		if id, ok := target.(*ast.Ident); ok && s.Tok == token.DEFINE {
			to = &ir.Expr{Op: ir.Read, Var: l.declare(id.Name, t), Pos: pos}
		} else {
			to = l.expr(target)
		}
		st.Body = append(st.Body, do(&ir.Expr{Op: ir.Assign, Pos: pos, X: to, Y: &ir.Expr{Op: op, X: x, Pos: pos}}))
	}
	put(s.Key, ir.Key, typ{})
	put(s.Value, ir.Elem, l.from(t.src, t.elem))
	st.Body = append(st.Body, l.block(s.Body.List)...)
	return st
}

func (l *lowerer) switchStmt(s *ast.SwitchStmt, pos int32) *ir.Stmt {
	if s.Tag == nil { // a row of ifs
		return l.conditions(s.Body.List, pos)
	}
	st := &ir.Stmt{Op: ir.Switch, Pos: pos, X: l.expr(s.Tag)}
	cases := &st.Add().Cases
	for _, c := range s.Body.List {
		c, ok := c.(*ast.CaseClause)
		if !ok {
			continue
		}
		body := l.clause(c.Body, pos)
		if c.List == nil {
			*cases = append(*cases, ir.Case{Body: body})
			continue
		}
		for _, x := range c.List {
			*cases = append(*cases, ir.Case{X: l.expr(x), Body: body})
		}
	}
	return st
}

// clause is the body of a case, which does not fall through unless it says so.
func (l *lowerer) clause(list []ast.Stmt, pos int32) []*ir.Stmt {
	if n := len(list); n > 0 {
		if b, ok := list[n-1].(*ast.BranchStmt); ok && b.Tok == token.FALLTHROUGH {
			return l.block(list[:n-1])
		}
	}
	return append(l.block(list), &ir.Stmt{Op: ir.Break, Pos: pos})
}

// conditions lowers a switch without a tag: the cases in order, default last.
func (l *lowerer) conditions(list []ast.Stmt, pos int32) *ir.Stmt {
	out := &ir.Stmt{Op: ir.Switch, Pos: pos, X: &ir.Expr{Op: ir.Unknown, Pos: pos}}
	inner := &ir.Stmt{Op: ir.Block, Pos: pos}
	at := &inner.Body
	var rest []ast.Stmt
	for _, c := range list {
		c, ok := c.(*ast.CaseClause)
		if !ok {
			continue
		}
		if c.List == nil {
			rest = c.Body
			continue
		}
		cond := l.expr(c.List[0])
		if len(c.List) > 1 {
			cond = &ir.Expr{Op: ir.Or, Args: l.exprs(c.List), Pos: pos}
		}
		st := &ir.Stmt{Op: ir.If, Pos: pos, X: cond, Body: l.block(c.Body)}
		*at = append(*at, st)
		at = &st.Add().Else
		if l.depth++; l.depth > maxDepth {
			break
		}
	}
	l.depth -= min(l.depth, len(list))
	*at = append(*at, l.block(rest)...)
	out.Add().Cases = []ir.Case{{Body: []*ir.Stmt{inner}}}
	return out
}

// choice is one of several bodies: a type switch or select.
func (l *lowerer) choice(body *ast.BlockStmt, pos int32) *ir.Stmt {
	st := &ir.Stmt{Op: ir.Switch, Pos: pos, X: &ir.Expr{Op: ir.Unknown, Pos: pos}}
	for _, c := range body.List {
		var list []ast.Stmt
		var comm ast.Stmt
		isDefault := false
		switch c := c.(type) {
		case *ast.CaseClause:
			list, isDefault = c.Body, c.List == nil
		case *ast.CommClause:
			list, comm, isDefault = c.Body, c.Comm, c.Comm == nil
		}
		var b []*ir.Stmt
		l.inner(func() { b = append(l.stmt(comm), l.clause(list, pos)...) })
		cs := ir.Case{Body: b}
		if !isDefault {
			cs.X = &ir.Expr{Op: ir.Unknown, Pos: pos}
		}
		st.Add().Cases = append(st.Add().Cases, cs)
	}
	return st
}

// local lowers var and const inside a function.
func (l *lowerer) local(s *ast.DeclStmt) []*ir.Stmt {
	d, ok := s.Decl.(*ast.GenDecl)
	if !ok {
		return nil
	}
	var out []*ir.Stmt
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		var vals []*ir.Expr
		var types []typ
		for i, n := range v.Names {
			pos := l.src.pos(n.Pos())
			t := typ{}
			if v.Type != nil {
				t = l.typeOf(v.Type)
			} else if i < len(v.Values) {
				t = l.static(v.Values[i], 0)
			}
			types = append(types, t)
			switch {
			case len(v.Values) == len(v.Names):
				vals = append(vals, l.expr(v.Values[i]))
			case len(v.Values) == 1:
				vals = append(vals, &ir.Expr{Op: ir.Part, Name: itoa(i), X: l.expr(v.Values[0]), Pos: pos})
			default:
				vals = append(vals, l.zero(v.Type, pos))
			}
		}
		for i, n := range v.Names {
			pos := l.src.pos(n.Pos())
			out = append(out, do(&ir.Expr{Op: ir.Assign, Flags: ir.Declares, Pos: pos, X: &ir.Expr{Op: ir.Read, Var: l.declare(n.Name, types[i]), Pos: pos}, Y: vals[i]}))
		}
	}
	return out
}

// target is what an assignment writes to; := makes variables that are not there.
func (l *lowerer) target(x ast.Expr, define bool, t typ) *ir.Expr {
	pos := l.src.pos(x.Pos())
	id, ok := x.(*ast.Ident)
	if ok && id.Name == "_" {
		return nil
	}
	if ok && define && l.scope.vars.Get(id.Name) == nil {
		return &ir.Expr{Op: ir.Read, Var: l.declare(id.Name, t), Pos: pos}
	}
	return l.expr(x)
}

func (l *lowerer) assign(s *ast.AssignStmt, pos int32) []*ir.Stmt {
	define := s.Tok == token.DEFINE
	put := func(to, v *ir.Expr) *ir.Stmt {
		if to == nil {
			return do(v)
		}
		return do(&ir.Expr{Op: ir.Assign, Pos: pos, X: to, Y: v})
	}
	if s.Tok != token.ASSIGN && !define && len(s.Lhs) == 1 && len(s.Rhs) == 1 { // += and the like
		v := &ir.Expr{Op: ir.Arith, Args: []*ir.Expr{l.expr(s.Lhs[0]), l.expr(s.Rhs[0])}, Pos: pos}
		if s.Tok == token.ADD_ASSIGN {
			v.Op = ir.Concat
		}
		return []*ir.Stmt{put(l.expr(s.Lhs[0]), v)}
	}
	var out []*ir.Stmt
	if len(s.Lhs) == len(s.Rhs) {
		vals := l.exprs(s.Rhs)
		types := make([]typ, len(s.Rhs))
		for i := range s.Rhs {
			types[i] = l.static(s.Rhs[i], 0)
		}
		if len(vals) > 1 { // all are read before any is written
			for i := range vals {
				tmp := &ir.Expr{Op: ir.Read, Var: l.fn.NewVar(""), Pos: pos}
				out = append(out, put(tmp, vals[i]))
				vals[i] = tmp
			}
		}
		for i := range s.Lhs {
			out = append(out, put(l.target(s.Lhs[i], define, types[i]), vals[i]))
		}
		return out
	}
	if len(s.Rhs) != 1 {
		return nil
	}
	return l.several(s, define, pos, put)
}

// several lowers a, b := f() and v, ok := m[k].
func (l *lowerer) several(s *ast.AssignStmt, define bool, pos int32, put func(to, v *ir.Expr) *ir.Stmt) []*ir.Stmt {
	x := l.expr(s.Rhs[0])
	t := l.static(s.Rhs[0], 0)
	if len(s.Lhs) == 2 && x.Op != ir.Call && x.Op != ir.Seq {
		ok := &ir.Expr{Op: ir.Arith, Pos: pos}
		if x.Op == ir.Index {
			ok = &ir.Expr{Op: ir.Compare, Name: ir.In, X: x.Y, Y: x.X, Pos: pos}
		}
		return []*ir.Stmt{put(l.target(s.Lhs[0], define, t), x), put(l.target(s.Lhs[1], define, typ{}), ok)}
	}
	tmp := &ir.Expr{Op: ir.Read, Var: l.fn.NewVar(""), Pos: pos}
	out := []*ir.Stmt{put(tmp, x)}
	for i, to := range s.Lhs {
		var part *ir.Expr
		if id, ok := to.(*ast.Ident); ok && (id.Name == "err" || id.Name == "ok" || id.Name == "found") && i == len(s.Lhs)-1 {
			part = &ir.Expr{Op: ir.Null, Pos: pos}
		} else {
			part = &ir.Expr{Op: ir.Part, Name: itoa(i), X: tmp, Pos: pos}
		}
		ti := typ{}
		if i == 0 {
			ti = t
		}
		out = append(out, put(l.target(to, define, ti), part))
	}
	return out
}
