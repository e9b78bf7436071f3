package engine

import (
	"slices"

	"github.com/fnvet/fnvet/inject/ir"
)

// Reads says whether the body of an entry point reads one of some fields of its
// first parameter: what a handler asks of an event tells it from a function that
// only names a parameter so.
func (e *Entry) Reads(fields []string) bool {
	if e.fn == nil || len(e.fn.fns) == 0 || e.fn.fns[0].fn == nil {
		return false
	}
	fn := e.fn.fns[0].fn
	params := fn.Params
	if fn.Method && len(params) > 0 {
		params = params[1:]
	}
	if len(params) == 0 || params[0].Var == nil {
		return false
	}
	event, found, left := params[0].Var, false, maxLooked
	eachExpr(fn.Body, &left, func(x *ir.Expr) {
		name := x.Name
		if x.Op == ir.Index && x.Y != nil && x.Y.Op == ir.Const {
			name = x.Y.Name
		}
		if x.Op == ir.Call && x.X != nil && x.X.Op == ir.Field && x.X.Name == "get" && len(x.Args) > 0 && x.Args[0].Op == ir.Const {
			x, name = x.X, x.Args[0].Name
		}
		if x.Op == ir.Field || x.Op == ir.Index {
			found = found || x.X.Op == ir.Read && x.X.Var == event && slices.Contains(fields, name)
		}
	})
	return found
}

// maxLooked bounds the expressions that one look at a function visits.
const maxLooked = 20_000

// eachExpr calls f for every expression of statements, not those of functions in
// them, until left is used up.
func eachExpr(list []*ir.Stmt, left *int, f func(*ir.Expr)) {
	for _, s := range list {
		if s == nil || *left <= 0 {
			continue
		}
		eachPart(s.X, left, f)
		eachExpr(s.Body, left, f)
		rest := s.Clauses
		if rest == nil {
			continue
		}
		for _, part := range [][]*ir.Stmt{rest.Else, rest.Post, rest.Catch, rest.Finally} {
			eachExpr(part, left, f)
		}
		for _, c := range rest.Cases {
			eachPart(c.X, left, f)
			eachExpr(c.Body, left, f)
		}
		for _, b := range rest.Blocks {
			eachExpr(b.Body, left, f)
			eachPart(b.If, left, f)
		}
	}
}

func eachPart(x *ir.Expr, left *int, f func(*ir.Expr)) {
	if x == nil || *left <= 0 {
		return
	}
	*left--
	f(x)
	eachPart(x.X, left, f)
	eachPart(x.Y, left, f)
	eachPart(x.Z, left, f)
	for _, a := range x.Args {
		eachPart(a, left, f)
	}
}

// ParamNames are the names of an entry point's parameters, without the receiver.
func (e *Entry) ParamNames() []string {
	if e.fn == nil || len(e.fn.fns) == 0 || e.fn.fns[0].fn == nil {
		return nil
	}
	fn := e.fn.fns[0].fn
	var names []string
	for i, p := range fn.Params {
		if i == 0 && fn.Method {
			continue
		}
		names = append(names, p.Var.Name)
	}
	return names
}

// Functions are what a file that was loaded exports: the whole module as a
// function has no name.
func (m *Machine) Functions(f *ir.File) []Entry {
	var out []Entry
	_ = m.guarded(func(r *run) {
		r.now = f
		v := r.exported(f)
		if v == nil {
			return
		}
		if len(v.fns) > 0 && v.fns[0].fn != nil {
			out = append(out, Entry{File: f, fn: v})
		}
		for _, o := range v.objs {
			for _, name := range o.order {
				if w := o.field(name).v; w != nil && len(w.fns) > 0 && w.fns[0].fn != nil && w.fns[0].fn.File == f {
					out = append(out, Entry{File: f, Name: name, fn: w})
				}
			}
		}
	})
	return out
}

// Method finds a method of the class that a loaded file exports, on a new object
// of it. constructor may be "" or a method that is run first; made means what the
// method gives instead, a function.
func (m *Machine) Method(f *ir.File, constructor, name, title string, made bool) (e Entry, ok bool) {
	err := m.guarded(func(r *run) {
		r.now = f
		v := r.exported(f)
		if v == nil || len(v.fns) == 0 || v.fns[0].cls == nil {
			return
		}
		o := r.newObject(false)
		o.cls = v.fns[0].cls
		self := &Value{objs: []*object{o}}
		if c, _ := o.cls.find(constructor, 0); c != nil {
			for _, fn := range bind(c, self).fns {
				r.invoke(fn, self, args{})
				r.dead = false
			}
		}
		if method, _ := o.cls.find(name, 0); method != nil {
			e, ok = Entry{File: f, Name: title, fn: bind(method, self)}, true
		} else if c := o.cls.statics.field(name); c != nil && c.v != nil {
			e, ok = Entry{File: f, Name: title, fn: c.v}, true
		}
		if ok && made {
			e.fn = r.apply(e.fn, self, args{}, site{})
			r.dead = false
			ok = e.fn != nil && len(e.fn.fns) > 0
		}
	})
	return e, ok && err == nil
}

// ParamTypes are the types of an entry point's parameters as its front end names
// them, "" where it does not.
func (e *Entry) ParamTypes() []string {
	if e.fn == nil || len(e.fn.fns) == 0 || e.fn.fns[0].fn == nil {
		return nil
	}
	var types []string
	for _, p := range e.fn.fns[0].fn.Params {
		types = append(types, p.Type)
	}
	return types
}
