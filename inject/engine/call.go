package engine

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

// args are the arguments of one call.
type args struct {
	pos      []*Value
	spread   *Value // elements of unknown number after pos
	kw       []keyword
	kwSpread *Value
}

type keyword struct {
	name string
	v    *Value
}

func (a *args) at(i int) *Value {
	if i < len(a.pos) {
		return a.pos[i]
	}
	return a.spread
}

func (a *args) keyword(name string) (*Value, bool) {
	for _, k := range a.kw {
		if k.name == name {
			return k.v, true
		}
	}
	return nil, false
}

// all are the values of every argument.
func (a *args) all() []*Value {
	out := slices.Clip(a.pos)
	for _, k := range a.kw {
		out = append(out, k.v)
	}
	if a.spread != nil {
		out = append(out, a.spread)
	}
	if a.kwSpread != nil {
		out = append(out, a.kwSpread)
	}
	return out
}

// A site is where a call stands.
type site struct {
	pos  int32
	expr *ir.Expr // nil for calls that the engine makes itself
	fr   *frame
	new  bool
	recv *Value
}

func (r *run) call(x *ir.Expr, fr *frame) *Value {
	if x.Y != nil {
		v := r.typed(x, fr)
		if x.Flags&ir.Plain != 0 {
			return plainValue
		}
		return v
	}
	if x.Flags&ir.Plain != 0 {
		y := *x
		y.Flags &^= ir.Plain
		r.call(&y, fr)
		return plainValue
	}
	s := site{pos: x.Pos, expr: x, fr: fr, new: x.Flags&ir.New != 0}
	var f *Value
	name := ""
	if x.X.Op == ir.Field && !s.new && x.X.Name != "default" {
		s.recv, name = r.eval(x.X.X, fr), x.X.Name
	} else {
		f = r.eval(x.X, fr)
	}
	a := r.args(x.Args, fr)
	if x.X.Op == ir.Super && x.X.Name == "" {
		return r.superCall(x, a, fr)
	}
	if name != "" {
		return r.method(s.recv, name, a, s)
	}
	return r.apply(f, nil, a, s)
}

func (r *run) args(list []*ir.Expr, fr *frame) args {
	var a args
	for _, x := range list {
		switch {
		case x.Op == ir.Pair:
			a.kw = append(a.kw, keyword{x.Name, r.eval(x.Y, fr)})
		case x.Op == ir.Spread && x.Flags&ir.KwSpread != 0:
			v := r.eval(x.X, fr)
			a.kwSpread = join(a.kwSpread, v)
			if v != nil && len(v.objs) == 1 && v.objs[0].src == nil {
				for _, name := range v.objs[0].order {
					a.kw = append(a.kw, keyword{name, v.objs[0].field(name).v})
				}
			}
		case x.Op == ir.Spread:
			r.spreadArgs(&a, r.eval(x.X, fr), x.Pos)
		case a.spread != nil:
			a.spread = join(a.spread, r.eval(x, fr))
		default:
			a.pos = append(a.pos, r.eval(x, fr))
		}
	}
	return a
}

func (r *run) spreadArgs(a *args, v *Value, pos int32) {
	if v != nil && a.spread == nil && len(v.objs) == 1 && v.objs[0].src == nil && v.objs[0].elem == nil && v.objs[0].list {
		for _, name := range v.objs[0].order {
			a.pos = append(a.pos, v.objs[0].field(name).v)
		}
		return
	}
	e := r.elem(v, pos)
	if e == nil {
		e = &Value{}
	}
	a.spread = join(a.spread, e)
}

// method calls a method of a value by name.
func (r *run) method(recv *Value, name string, a args, s site) *Value {
	if recv == nil {
		return r.unknownMethod(recv, name, a, s)
	}
	recv = r.shaped(recv)
	if v, ok := r.functionMethod(recv, name, a, s); ok {
		return v
	}
	if recv.plain && !recv.exact && recv != nullValue && len(recv.taints)+len(recv.objs)+len(recv.ext)+len(recv.fns) == 0 {
		r.callbacks(a, nil)
		return plainValue
	}
	var out *Value
	found := false
	add := func(v *Value) { out, found = join2Values(out, v, found), true }
	var members *Value
	for _, o := range recv.objs {
		if o.src != nil && o.field(name) == nil {
			continue
		}
		if m, ok := r.objectField(o, name, recv, s.pos); ok && m != nil && len(m.fns)+len(m.ext) > 0 {
			members = join(members, m)
		}
	}
	for _, f := range recv.fns {
		if f.cls == nil {
			if c := f.own().field(name); c != nil && c.v != nil && len(c.v.fns)+len(c.v.ext) > 0 {
				members = some(members, c.v)
			}
			continue
		}
		if c := f.cls.statics.field(name); c != nil {
			members = join(members, c.v)
		} else if m, _ := f.cls.find(name, 0); m != nil {
			found = true
			out = some(out, r.unbound(m, recv, a, s))
		}
	}
	if members != nil && len(members.fns)+len(members.ext) > 0 {
		add(r.apply(members, recv, a, s))
	}
	if recv.regexp == "" {
		for _, e := range recv.ext {
			if v, ok := r.containerMethod(&Value{ext: []string{e}}, name, a, s); ok {
				add(v)
				continue
			}
			if len(e)+len(name) < maxName {
				s.recv = recv
				add(r.outside(e+"."+name, recv, a, s))
			}
		}
	}
	if found && len(recv.taints) == 0 && !recv.sourced() {
		return out
	}
	if v, ok := r.containerMethod(recv, name, a, s); ok {
		add(v)
		return out
	}
	add(r.unknownMethod(recv, name, a, s))
	return out
}

// unbound calls a method through its class: Base.method(self, …).
func (r *run) unbound(m, class *Value, a args, s site) *Value {
	var out *Value
	for _, f := range m.fns {
		if f.fn != nil && f.fn.OfClass {
			out = some(out, r.invokeAt(f, class, a, s))
		} else {
			out = some(out, r.invokeAt(f, nil, a, s))
		}
	}
	return out
}

func join2Values(a, b *Value, have bool) *Value {
	if !have {
		return b
	}
	return join(a, b)
}

// functionMethod handles call, apply and bind.
func (r *run) functionMethod(recv *Value, name string, a args, s site) (*Value, bool) {
	if len(recv.fns) == 0 && len(recv.ext) == 0 || r.now.Lang != ir.JS {
		return nil, false
	}
	switch name {
	case "call":
		this := a.at(0)
		if len(a.pos) > 0 {
			a.pos = a.pos[1:]
		}
		if len(recv.ext) > 0 && len(recv.fns) == 0 {
			if v, ok := r.borrowed(recv.ext[0], this, a, s); ok {
				return v, true
			}
		}
		return r.apply(recv, this, a, s), true
	case "apply":
		var b args
		r.spreadArgs(&b, a.at(1), s.pos)
		return r.apply(recv, a.at(0), b, s), true
	case "bind":
		out := &Value{ext: recv.ext}
		for _, f := range recv.fns {
			g := *f
			if len(a.pos) > 0 {
				g.this, g.bound = a.pos[0], append(slices.Clip(f.bound), a.pos[1:]...)
			}
			out.fns = append(out.fns, &g)
		}
		return out, true
	}
	return nil, false
}

// borrowed handles Array.prototype.slice.call(x) and the like.
func (r *run) borrowed(ext string, this *Value, a args, s site) (*Value, bool) {
	for _, p := range []string{"Array.prototype.", "Object.prototype.", "String.prototype."} {
		if strings.HasPrefix(ext, p) {
			return r.method(this, ext[len(p):], a, s), true
		}
	}
	return nil, false
}

// apply calls whatever a value may be.
func (r *run) apply(f, this *Value, a args, s site) *Value {
	if f == nil {
		return r.outside("?", nil, a, s)
	}
	f = r.shaped(f)
	var out *Value
	found := false
	add := func(v *Value) { out, found = join2Values(out, v, found), true }
	if n := len(f.fns); n == 1 && len(f.ext) == 0 {
		return r.invokeAt(f.fns[0], this, a, s)
	}
	for _, fn := range f.fns {
		r.fork(func() { add(r.invokeAt(fn, this, a, s)); r.dead = false })
	}
	for _, e := range f.ext {
		add(r.outside(e, this, a, s))
	}
	if p := f.proc; p != nil {
		add(r.proc(p, a, s))
	}
	if !found {
		return r.outside("?", nil, a, s)
	}
	return out
}

// proc calls what the engine made itself: the functions that settle a promise.
func (r *run) proc(p *partial, a args, s site) *Value {
	if p.name == "resolve" {
		r.addElem(p.recv, a.at(0))
		return nil
	}
	return r.method(p.recv, p.name, a, s)
}
