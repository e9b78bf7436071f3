package golang

import (
	"go/ast"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

// maxDepth bounds how deep statements and expressions are nested.
const maxDepth = 1000

// typ is what is known of a type: a name outside of the program
// ("database/sql.DB"), or one of its own.
type typ struct {
	outside string
	dir     string
	name    string
	elem    ast.Expr // of a slice or map
	src     *Source
}

type scope struct {
	vars   ir.Names
	parent *scope
}

type lowerer struct {
	src   *Source
	dir   string
	index *Index
	file  *ir.File
	fn    *ir.Func
	scope *scope
	types map[*ir.Var]typ // of variables, where known
	depth int
	// results are the named results of fn.
	results []*ir.Var
	// jumps are the labels that gotos of the file lead to, passed those of them in
	// fn that were lowered.
	jumps, passed map[string]bool
}

// Lower turns a file into ir. What it exports is an object of everything that it
// declares; methods are "TYPE.NAME". Another file is the module "file:NAME".
func Lower(s *Source, x *Index, at string) *ir.File {
	f := &ir.File{Path: at, Name: s.Name, Lang: ir.Go, Lines: ir.LineStarts(s.text)}
	main := &ir.Func{Name: "init", File: f}
	f.Main, f.Exports = main, main.NewVar("")
	l := &lowerer{src: s, dir: path.Dir(s.Name), index: x, file: f, fn: main, scope: &scope{}, types: map[*ir.Var]typ{},
		jumps: gotos(s)}
	if s.broken != "" {
		f.Faults = append(f.Faults, ir.Fault{Text: s.broken})
	}
	exports := &ir.Expr{Op: ir.Read, Var: f.Exports}
	main.Body = append(main.Body, do(&ir.Expr{Op: ir.Assign, X: exports, Y: &ir.Expr{Op: ir.Object}}))
	export := func(name string, v *ir.Expr) {
		main.Body = append(main.Body, do(&ir.Expr{Op: ir.Assign, Pos: v.Pos, X: &ir.Expr{Op: ir.Field, X: exports, Name: name, Pos: v.Pos}, Y: v}))
	}
	var after []*ir.Stmt
	for _, d := range s.file.Decls {
		d, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := d.Name.Name
		v := l.function(name, d.Recv, d.Type, d.Body)
		if d.Recv != nil && len(d.Recv.List) > 0 {
			name = baseName(d.Recv.List[0].Type) + "." + name
		} else if name == "init" || name == "main" && s.file.Name.Name == "main" {
			after = append(after, do(&ir.Expr{Op: ir.Call, X: v, Pos: v.Pos}))
		}
		export(name, v)
	}
	for _, d := range s.file.Decls {
		if d, ok := d.(*ast.GenDecl); ok {
			l.globals(d, export)
		}
	}
	main.Body = append(main.Body, after...)
	return f
}

func do(x *ir.Expr) *ir.Stmt { return &ir.Stmt{Op: ir.Do, Pos: x.Pos, X: x} }

// globals lowers types and variables of the package.
func (l *lowerer) globals(d *ast.GenDecl, export func(string, *ir.Expr)) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			def := &ir.ClassDef{Name: spec.Name.Name, Pos: l.src.pos(spec.Pos())}
			methods := l.index.pkgs[l.dir].methods[spec.Name.Name]
			names := make([]string, 0, len(methods))
			for name := range methods {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				def.Members = append(def.Members, ir.ClassMember{Name: name, Value: l.global(methods[name], spec.Name.Name+"."+name, def.Pos)})
			}
			if st, ok := spec.Type.(*ast.StructType); ok && st.Fields != nil {
				for _, f := range st.Fields.List {
					if t := l.typeOf(f.Type); len(f.Names) == 0 && t.name != "" {
						def.Supers = append(def.Supers, l.classOf(t, def.Pos))
					}
				}
			}
			export(spec.Name.Name, &ir.Expr{Op: ir.Class, Cls: def, Pos: def.Pos})
		case *ast.ValueSpec:
			for i, n := range spec.Names {
				pos := l.src.pos(n.Pos())
				switch {
				case len(spec.Values) == len(spec.Names):
					export(n.Name, l.expr(spec.Values[i]))
				case len(spec.Values) == 1:
					export(n.Name, &ir.Expr{Op: ir.Part, Name: itoa(i), X: l.expr(spec.Values[0]), Pos: pos})
				default:
					export(n.Name, l.zero(spec.Type, pos))
				}
			}
		}
	}
}

// global reads a name that a package declares.
func (l *lowerer) global(d *decl, name string, pos int32) *ir.Expr {
	var from *ir.Expr
	if d.src == l.src {
		from = &ir.Expr{Op: ir.Read, Var: l.file.Exports, Pos: pos}
	} else {
		from = &ir.Expr{Op: ir.Import, Name: "file:" + d.src.Name, Pos: pos}
	}
	return &ir.Expr{Op: ir.Field, X: from, Name: name, Pos: pos}
}

func (l *lowerer) classOf(t typ, pos int32) *ir.Expr {
	p := l.index.pkgs[t.dir]
	if p == nil || p.decls[t.name] == nil || p.decls[t.name].typ == nil {
		return &ir.Expr{Op: ir.Null, Pos: pos}
	}
	return l.global(p.decls[t.name], t.name, pos)
}

// typeOf names a type that is written down.
func (l *lowerer) typeOf(x ast.Expr) typ {
	for range 20 {
		switch t := x.(type) {
		case *ast.StarExpr:
			x = t.X
		case *ast.ParenExpr:
			x = t.X
		case *ast.IndexExpr:
			x = t.X
		case *ast.Ellipsis:
			return typ{elem: t.Elt, src: l.src}
		case *ast.ArrayType:
			return typ{elem: t.Elt, src: l.src}
		case *ast.MapType:
			return typ{elem: t.Value, src: l.src}
		case *ast.Ident:
			if p := l.index.pkgs[l.dir]; p != nil && p.decls[t.Name] != nil && p.decls[t.Name].typ != nil {
				return typ{dir: l.dir, name: t.Name}
			}
			return typ{}
		case *ast.SelectorExpr:
			id, ok := t.X.(*ast.Ident)
			if !ok {
				return typ{}
			}
			p := l.src.imports[id.Name]
			if p == nil {
				return typ{}
			}
			if dir, own := l.index.own(p); own {
				return typ{dir: dir, name: t.Sel.Name}
			}
			return typ{outside: p.path + "." + t.Sel.Name}
		default:
			return typ{}
		}
	}
	return typ{}
}

// from reads a type as another file means it.
func (l *lowerer) from(s *Source, x ast.Expr) typ {
	if x == nil || s == nil {
		return typ{}
	}
	m := &lowerer{src: s, dir: path.Dir(s.Name), index: l.index}
	return m.typeOf(x)
}

// static is the type of an expression, as far as declarations tell it.
func (l *lowerer) static(x ast.Expr, depth int) typ {
	if depth > 20 {
		return typ{}
	}
	switch x := x.(type) {
	case *ast.Ident:
		for s := l.scope; s != nil; s = s.parent {
			if v := s.vars.Get(x.Name); v != nil {
				return l.types[v]
			}
		}
		if d := l.index.pkgs[l.dir].decls[x.Name]; d != nil {
			return l.declared(d, depth+1)
		}
	case *ast.ParenExpr:
		return l.static(x.X, depth+1)
	case *ast.StarExpr:
		return l.static(x.X, depth+1)
	case *ast.UnaryExpr:
		return l.static(x.X, depth+1)
	case *ast.CompositeLit:
		return l.typeOf(x.Type)
	case *ast.IndexExpr:
		t := l.static(x.X, depth+1)
		return l.from(t.src, t.elem)
	case *ast.TypeAssertExpr:
		return l.typeOf(x.Type)
	case *ast.SelectorExpr:
		if id, ok := x.X.(*ast.Ident); ok && l.isPackage(id) {
			if dir, own := l.index.own(l.src.imports[id.Name]); own {
				if d := l.index.pkgs[dir].decls[x.Sel.Name]; d != nil {
					return l.declared(d, depth+1)
				}
			}
			return typ{}
		}
		return l.fieldType(l.static(x.X, depth+1), x.Sel.Name)
	case *ast.CallExpr:
		if id, ok := x.Fun.(*ast.Ident); ok && id.Name == "new" && len(x.Args) == 1 {
			return l.typeOf(x.Args[0])
		}
		if d := l.callee(x.Fun, depth+1); d != nil && d.fn != nil && d.fn.Type.Results != nil && len(d.fn.Type.Results.List) > 0 {
			return l.from(d.src, d.fn.Type.Results.List[0].Type)
		}
	}
	return typ{}
}

func (l *lowerer) declared(d *decl, depth int) typ {
	if d.vartyp != nil {
		return l.from(d.src, d.vartyp)
	}
	if d.value != nil && d.src == l.src {
		return l.static(d.value, depth+1)
	}
	return typ{}
}

func (l *lowerer) fieldType(t typ, name string) typ {
	p := l.index.pkgs[t.dir]
	if t.name == "" || p == nil || p.decls[t.name] == nil || p.decls[t.name].typ == nil {
		return typ{}
	}
	d := p.decls[t.name]
	st, ok := d.typ.Type.(*ast.StructType)
	if !ok || st.Fields == nil {
		return typ{}
	}
	for _, f := range st.Fields.List {
		for _, n := range f.Names {
			if n.Name == name {
				return l.from(d.src, f.Type)
			}
		}
		if len(f.Names) == 0 && baseName(f.Type) == name {
			return l.from(d.src, f.Type)
		}
	}
	return typ{}
}

// callee is the declaration of a function or method that is called.
func (l *lowerer) callee(x ast.Expr, depth int) *decl {
	switch x := x.(type) {
	case *ast.Ident:
		for s := l.scope; s != nil; s = s.parent {
			if s.vars.Get(x.Name) != nil {
				return nil
			}
		}
		return l.index.pkgs[l.dir].decls[x.Name]
	case *ast.SelectorExpr:
		if id, ok := x.X.(*ast.Ident); ok && l.isPackage(id) {
			if dir, own := l.index.own(l.src.imports[id.Name]); own {
				return l.index.pkgs[dir].decls[x.Sel.Name]
			}
			return nil
		}
		if t := l.static(x.X, depth+1); t.name != "" && l.index.pkgs[t.dir] != nil {
			return l.index.pkgs[t.dir].methods[t.name][x.Sel.Name]
		}
	}
	return nil
}

func (l *lowerer) isPackage(id *ast.Ident) bool {
	for s := l.scope; s != nil; s = s.parent {
		if s.vars.Get(id.Name) != nil {
			return false
		}
	}
	return l.src.imports[id.Name] != nil
}

// declare adds a variable to the scope.
func (l *lowerer) declare(name string, t typ) *ir.Var {
	v := l.fn.NewVar(name)
	if name != "_" && name != "" {
		l.scope.vars.Put(v)
		if t != (typ{}) {
			l.types[v] = t
		}
	}
	return v
}

func (l *lowerer) lookup(name string) *ir.Var {
	for s := l.scope; s != nil; s = s.parent {
		if v := s.vars.Get(name); v != nil {
			return v
		}
	}
	return nil
}

func (l *lowerer) inner(part func()) {
	l.scope = &scope{parent: l.scope}
	part()
	l.scope = l.scope.parent
}

// function lowers a function, method or literal.
func (l *lowerer) function(name string, recv *ast.FieldList, t *ast.FuncType, body *ast.BlockStmt) *ir.Expr {
	pos := l.src.pos(t.Pos())
	fn := &ir.Func{Name: name, File: l.file, Outer: l.fn, Pos: pos}
	was := l.fn
	l.fn = fn
	l.inner(func() {
		if recv != nil && len(recv.List) > 0 {
			n := ""
			if len(recv.List[0].Names) > 0 {
				n = recv.List[0].Names[0].Name
			}
			fn.This = l.declare(n, l.typeOf(recv.List[0].Type))
		}
		l.params(fn, t)
		results, passed := l.results, l.passed
		defer func() { l.results, l.passed = results, passed }()
		l.passed = map[string]bool{}
		fn.Body = l.named(t)
		if body != nil {
			fn.Body = append(fn.Body, l.block(body.List)...)
			if len(l.results) > 0 { // a body may end in a loop or panic; else this is never reached
				fn.Body = append(fn.Body, l.ret(&ast.ReturnStmt{}, pos))
			}
		}
	})
	l.fn = was
	return &ir.Expr{Op: ir.Closure, Fn: fn, Pos: pos}
}

// named declares the named results of a function, which a bare return gives, and
// their zero values.
func (l *lowerer) named(t *ast.FuncType) []*ir.Stmt {
	l.results = nil
	if t.Results == nil {
		return nil
	}
	var out []*ir.Stmt
	for _, f := range t.Results.List {
		for _, n := range f.Names {
			pos := l.src.pos(n.Pos())
			v := l.declare(n.Name, l.typeOf(f.Type))
			l.results = append(l.results, v)
			out = append(out, do(&ir.Expr{Op: ir.Assign, Flags: ir.Declares, Pos: pos, X: &ir.Expr{Op: ir.Read, Var: v, Pos: pos}, Y: l.zero(f.Type, pos)}))
		}
	}
	return out
}

func (l *lowerer) params(fn *ir.Func, t *ast.FuncType) {
	if t.Params == nil {
		return
	}
	for _, f := range t.Params.List {
		names := f.Names
		if len(names) == 0 {
			names = []*ast.Ident{ast.NewIdent("_")}
		}
		ft := l.typeOf(f.Type)
		_, rest := f.Type.(*ast.Ellipsis)
		for _, n := range names {
			p := ir.Param{Var: l.declare(n.Name, ft), Rest: rest, Type: ft.outside}
			fn.Params = append(fn.Params, p)
		}
	}
}

// zero is what a variable of a type holds before it is assigned.
func (l *lowerer) zero(x ast.Expr, pos int32) *ir.Expr {
	if x == nil {
		return &ir.Expr{Op: ir.Null, Pos: pos}
	}
	_, pointer := x.(*ast.StarExpr)
	t := l.typeOf(x)
	switch {
	case t.outside != "" && !pointer:
		return &ir.Expr{Op: ir.Call, Flags: ir.New, Pos: pos, X: &ir.Expr{Op: ir.Global, Name: t.outside, Pos: pos}}
	case t.outside != "":
		return &ir.Expr{Op: ir.Global, Name: t.outside, Pos: pos}
	case t.name != "" && !pointer:
		return &ir.Expr{Op: ir.Call, Flags: ir.New, Pos: pos, X: l.classOf(t, pos)}
	case t.elem != nil:
		if _, isMap := x.(*ast.MapType); isMap {
			return &ir.Expr{Op: ir.Object, Pos: pos}
		}
		return &ir.Expr{Op: ir.List, Pos: pos}
	}
	return &ir.Expr{Op: ir.Null, Pos: pos}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func (l *lowerer) deep(pos int32) bool {
	if l.depth < maxDepth {
		return false
	}
	if len(l.file.Faults) < 20 {
		l.file.Faults = append(l.file.Faults, ir.Fault{Pos: pos, Text: "it is nested too deeply", Limit: true})
	}
	return true
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
