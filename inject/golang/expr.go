package golang

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

func (l *lowerer) exprs(list []ast.Expr) []*ir.Expr {
	out := make([]*ir.Expr, 0, len(list))
	for _, x := range list {
		out = append(out, l.expr(x))
	}
	return out
}

func (l *lowerer) expr(x ast.Expr) *ir.Expr {
	l.depth++
	defer func() { l.depth-- }()
	if x == nil {
		return &ir.Expr{Op: ir.Null}
	}
	pos := l.src.pos(x.Pos())
	if l.deep(pos) {
		return &ir.Expr{Op: ir.Unknown, Pos: pos}
	}
	switch x := x.(type) {
	case *ast.Ident:
		return l.ident(x, pos)
	case *ast.BasicLit:
		if x.Kind == token.STRING {
			s, err := strconv.Unquote(x.Value)
			if err != nil {
				s = x.Value
			}
			return &ir.Expr{Op: ir.Const, Name: s, Pos: pos}
		}
		return &ir.Expr{Op: ir.Num, Name: x.Value, Pos: pos}
	case *ast.ParenExpr:
		return l.expr(x.X)
	case *ast.StarExpr:
		return l.expr(x.X)
	case *ast.UnaryExpr:
		return l.unary(x, pos)
	case *ast.BinaryExpr:
		return l.binary(x, pos)
	case *ast.SelectorExpr:
		return l.selector(x, pos)
	case *ast.IndexExpr:
		return &ir.Expr{Op: ir.Index, X: l.expr(x.X), Y: l.expr(x.Index), Pos: pos}
	case *ast.IndexListExpr:
		return l.expr(x.X)
	case *ast.SliceExpr:
		return l.expr(x.X)
	case *ast.TypeAssertExpr:
		return l.expr(x.X)
	case *ast.CallExpr:
		return l.call(x)
	case *ast.CompositeLit:
		return l.literal(x, pos)
	case *ast.FuncLit:
		return l.function("", nil, x.Type, x.Body)
	}
	return &ir.Expr{Op: ir.Unknown, Pos: pos}
}

func (l *lowerer) ident(x *ast.Ident, pos int32) *ir.Expr {
	if v := l.lookup(x.Name); v != nil {
		return &ir.Expr{Op: ir.Read, Var: v, Pos: pos}
	}
	if d := l.index.pkgs[l.dir].decls[x.Name]; d != nil {
		return l.global(d, x.Name, pos)
	}
	switch x.Name {
	case "true", "false":
		return &ir.Expr{Op: ir.Bool, Name: x.Name, Pos: pos}
	case "nil", "_":
		return &ir.Expr{Op: ir.Null, Pos: pos}
	case "iota":
		return &ir.Expr{Op: ir.Arith, Pos: pos}
	}
	return &ir.Expr{Op: ir.Global, Name: x.Name, Pos: pos}
}

func (l *lowerer) unary(x *ast.UnaryExpr, pos int32) *ir.Expr {
	switch x.Op { //nolint:exhaustive // others are numbers
	case token.NOT:
		return &ir.Expr{Op: ir.Not, X: l.expr(x.X), Pos: pos}
	case token.AND:
		return l.expr(x.X)
	case token.ARROW:
		return &ir.Expr{Op: ir.Elem, X: l.expr(x.X), Pos: pos}
	}
	return &ir.Expr{Op: ir.Arith, Args: []*ir.Expr{l.expr(x.X)}, Pos: pos}
}

func (l *lowerer) binary(x *ast.BinaryExpr, pos int32) *ir.Expr {
	// A long row of + is one text, not a tree as deep as it is long.
	if x.Op == token.ADD {
		var parts []ast.Expr
		var at ast.Expr = x
		for {
			b, ok := at.(*ast.BinaryExpr)
			if !ok || b.Op != token.ADD {
				parts = append(parts, at)
				break
			}
			parts = append(parts, b.Y)
			at = b.X
		}
		c := &ir.Expr{Op: ir.Concat, Pos: pos}
		for _, part := range slices.Backward(parts) {
			c.Args = append(c.Args, l.expr(part))
		}
		return c
	}
	a, b := l.expr(x.X), l.expr(x.Y)
	switch x.Op { //nolint:exhaustive // others are numbers
	case token.LAND:
		return &ir.Expr{Op: ir.And, Args: []*ir.Expr{a, b}, Pos: pos}
	case token.LOR:
		return &ir.Expr{Op: ir.Or, Args: []*ir.Expr{a, b}, Pos: pos}
	case token.EQL, token.NEQ, token.LSS, token.GTR, token.LEQ, token.GEQ:
		return &ir.Expr{Op: ir.Compare, Name: x.Op.String(), X: a, Y: b, Pos: pos}
	}
	return &ir.Expr{Op: ir.Arith, Args: []*ir.Expr{a, b}, Pos: pos}
}

func (l *lowerer) selector(x *ast.SelectorExpr, pos int32) *ir.Expr {
	if id, ok := x.X.(*ast.Ident); ok && l.isPackage(id) {
		p := l.src.imports[id.Name]
		if dir, own := l.index.own(p); own {
			if d := l.index.pkgs[dir].decls[x.Sel.Name]; d != nil {
				return l.global(d, x.Sel.Name, pos)
			}
		}
		return &ir.Expr{Op: ir.Global, Name: p.path + "." + x.Sel.Name, Pos: pos}
	}
	name := x.Sel.Name
	if name == "URLDecodedKey" {
		name = "Key"
	}
	return &ir.Expr{Op: ir.Field, X: l.expr(x.X), Name: name, Pos: pos}
}

// literal lowers T{…}, []T{…} and map[K]V{…}.
func (l *lowerer) literal(x *ast.CompositeLit, pos int32) *ir.Expr {
	list := true
	events := false
	var own *ir.Expr
	switch t := x.Type.(type) {
	case *ast.ArrayType:
	case *ast.MapType:
		list = false
	default:
		if t != nil || len(x.Elts) > 0 && isPair(x.Elts[0]) {
			list = false
		}
		n := l.typeOf(x.Type)
		events = strings.HasSuffix(strings.TrimRight(n.outside, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), "aws-lambda-go/events.")
		if n.name != "" {
			own = l.classOf(n, pos)
		}
	}
	if list {
		out := &ir.Expr{Op: ir.List, Pos: pos}
		for _, e := range x.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				e = kv.Value
			}
			out.Args = append(out.Args, l.expr(e))
		}
		return out
	}
	_, isMap := x.Type.(*ast.MapType)
	o := &ir.Expr{Op: ir.Object, Pos: pos}
	for i, e := range x.Elts {
		p := &ir.Expr{Op: ir.Pair, Pos: pos, Name: itoa(i)}
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			key, named := kv.Key.(*ast.Ident)
			switch {
			case named && !isMap && events:
				p.Name = lowerFirst(key.Name)
			case named && !isMap:
				p.Name = key.Name
			default:
				p.X = l.expr(kv.Key)
			}
			e = kv.Value
		}
		p.Y = l.expr(e)
		o.Args = append(o.Args, p)
	}
	if own == nil {
		return o
	}
	// An object with methods: made, then filled.
	v := &ir.Expr{Op: ir.Read, Var: l.fn.NewVar(""), Pos: pos}
	seq := &ir.Expr{Op: ir.Seq, Pos: pos, Args: []*ir.Expr{{Op: ir.Assign, Pos: pos, X: v, Y: &ir.Expr{Op: ir.Call, Flags: ir.New, X: own, Pos: pos}}}}
	for _, p := range o.Args {
		if p.X == nil {
			seq.Args = append(seq.Args, &ir.Expr{Op: ir.Assign, Pos: pos, X: &ir.Expr{Op: ir.Field, X: v, Name: p.Name, Pos: pos}, Y: p.Y})
		}
	}
	seq.Args = append(seq.Args, v)
	return seq
}

func isPair(x ast.Expr) bool { _, ok := x.(*ast.KeyValueExpr); return ok }

// call lowers calls, conversions and the functions that are built in.
func (l *lowerer) call(x *ast.CallExpr) *ir.Expr {
	pos := l.src.pos(x.Pos())
	switch f := x.Fun.(type) {
	case *ast.ArrayType, *ast.MapType, *ast.StarExpr, *ast.InterfaceType, *ast.FuncType, *ast.ChanType:
		if len(x.Args) == 1 {
			return l.expr(x.Args[0])
		}
	case *ast.ParenExpr:
		if _, ok := f.X.(*ast.StarExpr); ok && len(x.Args) == 1 {
			return l.expr(x.Args[0])
		}
	case *ast.Ident:
		if l.lookup(f.Name) == nil {
			if b := l.builtin(f.Name, x, pos); b != nil {
				return b
			}
		}
	}
	if t := l.typeOf(x.Fun); t.name != "" && len(x.Args) == 1 && l.index.pkgs[t.dir] != nil && l.index.pkgs[t.dir].decls[t.name] != nil && l.index.pkgs[t.dir].decls[t.name].typ != nil {
		return l.expr(x.Args[0])
	}
	c := &ir.Expr{Op: ir.Call, Pos: pos, Args: l.exprs(x.Args)}
	if x.Ellipsis.IsValid() && len(c.Args) > 0 {
		n := len(c.Args) - 1
		c.Args[n] = &ir.Expr{Op: ir.Spread, X: c.Args[n], Pos: c.Args[n].Pos}
	}
	sel, ok := x.Fun.(*ast.SelectorExpr)
	if !ok {
		c.X = l.expr(x.Fun)
		return c
	}
	if id, isID := sel.X.(*ast.Ident); isID && l.isPackage(id) {
		c.X = l.selector(sel, pos)
		return c
	}
	c.X = &ir.Expr{Op: ir.Field, X: l.expr(sel.X), Name: sel.Sel.Name, Pos: pos}
	switch t := l.static(sel.X, 0); {
	case t.outside != "":
		c.Y = &ir.Expr{Op: ir.Global, Name: t.outside, Pos: pos}
	case t.name != "" && l.index.pkgs[t.dir] != nil && l.index.pkgs[t.dir].methods[t.name][sel.Sel.Name] != nil:
		c.Y = &ir.Expr{Op: ir.List, Args: []*ir.Expr{l.classOf(t, pos)}}
	}
	return c
}

func (l *lowerer) builtin(name string, x *ast.CallExpr, pos int32) *ir.Expr {
	switch name {
	case "string", "any", "error":
		if len(x.Args) == 1 {
			return l.expr(x.Args[0])
		}
	case "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "byte", "rune", "bool",
		"len", "cap", "copy", "min", "max", "close", "delete", "clear", "print", "println", "recover":
		return &ir.Expr{Op: ir.Arith, Args: l.exprs(x.Args), Pos: pos}
	case "make", "new":
		if len(x.Args) > 0 {
			return l.zero(x.Args[0], pos)
		}
	case "append":
		if len(x.Args) == 0 {
			return nil
		}
		out := &ir.Expr{Op: ir.List, Pos: pos, Args: []*ir.Expr{{Op: ir.Spread, X: l.expr(x.Args[0]), Pos: pos}}}
		for i, a := range x.Args[1:] {
			e := l.expr(a)
			if x.Ellipsis.IsValid() && i == len(x.Args)-2 {
				e = &ir.Expr{Op: ir.Spread, X: e, Pos: pos}
			}
			out.Args = append(out.Args, e)
		}
		return out
	}
	return nil
}
