package engine

import (
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// typed calls a method whose class the code states: one of the program's (Y is a
// list of classes), or one outside (Y is its name).
func (r *run) typed(x *ir.Expr, fr *frame) *Value {
	recv := r.eval(x.X.X, fr)
	a := r.args(x.Args, fr)
	s := site{pos: x.Pos, expr: x, fr: fr, recv: recv}
	if x.Y.Op == ir.Global {
		if r.now.Lang == ir.Go {
			return r.goTyped(x.Y.Name, x.X.Name, recv, a, s)
		}
		return r.typedOutside(x.Y.Name, x.X.Name, recv, a, s)
	}
	return r.virtual(x, recv, a, s)
}

// virtual calls a method of the program: of the objects the receiver may be, or,
// where they are not known, of the classes that its type allows.
func (r *run) virtual(x *ir.Expr, recv *Value, a args, s site) *Value {
	var out *Value
	found := false
	add := func(v *Value) { out, found = join2Values(out, v, found), true }
	call := func(m, self *Value) {
		if v := bind(m, self); len(v.fns) > 0 {
			r.fork(func() { add(r.invokeAt(v.fns[0], self, a, s)); r.dead = r.dead && len(x.Y.Args) < 2 })
		}
	}
	name := x.X.Name
	if recv != nil {
		for _, o := range recv.objs {
			if o.cls == nil {
				continue
			}
			if m, _ := o.cls.find(name, 0); m != nil {
				call(m, &Value{objs: []*object{o}})
			}
		}
		for _, f := range recv.fns {
			if f.cls == nil && f.fn != nil && f.fn.Name == name[:max(strings.IndexByte(name, '('), 0)] { // a lambda
				add(r.invokeAt(f, nil, a, s))
			}
		}
	}
	if found {
		return out
	}
	for _, c := range x.Y.Args {
		v := r.eval(c, s.fr)
		if v == nil {
			continue
		}
		for _, f := range v.fns {
			if f.cls == nil {
				continue
			}
			if m, _ := f.cls.find(name, 0); m != nil {
				self := recv
				if recv == nil || len(recv.objs) == 0 && len(recv.taints) == 0 {
					o := r.newObject(false)
					o.cls = f.cls
					self = &Value{objs: []*object{o}}
				}
				call(m, self)
			}
		}
	}
	if !found {
		return r.through(a, recv)
	}
	return out
}

// typedOutside calls a method of a class outside of the program.
func (r *run) typedOutside(class, name string, recv *Value, a args, s site) *Value {
	full := class + "." + name
	k := r.about(full)
	r.sinks(full, a, s)
	if k.Entry != nil {
		r.registerCall(k.Entry, a, s)
	}
	r.throwing(k.Guard, s)
	if k.Clean {
		r.callbacks(a, nil)
		return plainValue
	}
	if k.Escape != nil {
		return r.escaped(k.Escape, a, s)
	}
	if k.Schema != nil {
		return r.validated(k.Schema, a, s)
	}
	if k.Fetch != nil {
		if v := r.fetched(k.Fetch, a, s); v != nil {
			return v
		}
	}
	if r.now.Lang == ir.Java {
		if v, ok := r.javaMethod(class, name, recv, a, s); ok {
			return v
		}
	}
	if k.Passes {
		a.pos = append([]*Value{recv}, a.pos...)
		return r.passedOn(a, s)
	}
	ts := recv.deep()
	result := tainted(ts)
	r.callbacks(a, result)
	out := &Value{}
	if result != nil {
		out.taints = r.moved(result, s.pos, "through "+name+"()").taints
	}
	if recv != nil {
		out.objs, out.fns = recv.objs, recv.fns
	}
	if strings.HasSuffix(class, "Builder") || strings.HasPrefix(name, "with") {
		for _, v := range a.all() {
			out.taints = union(out.taints, v.deep(), maxTaints, (*Taint).same)
		}
	}
	if len(full) < maxName {
		out.ext = []string{full + "()"}
	}
	return out
}

// throwing notes what a call makes sure of because it fails for other texts.
func (r *run) throwing(g *rules.Call, s site) {
	if g == nil || g.When != "throws" || s.expr == nil {
		return
	}
	i := g.Selector().Index
	if i < 0 || i >= len(s.expr.Args) {
		return
	}
	safe := g.Classes()
	if safe == 0 {
		safe = rules.All
	}
	place := bare(s.expr.Args[i])
	if v := r.quiet(place, s.fr); v != nil && !v.trusted() {
		w := masked(v, safe)
		w.guard = true
		r.assignPlace(place, w, s.fr)
	}
}
