package engine

import (
	"slices"
	"sort"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

// construct makes an object of a class.
func (r *run) construct(c *closure, a args, s site) *Value {
	o := r.newObject(false)
	o.cls = c.cls
	for _, super := range c.cls.supers {
		if super != nil && len(super.fns) == 1 && super.fns[0].cls == nil { // a function from before there were classes
			o.proto = r.prototype(super.fns[0])
		}
	}
	self := &Value{objs: []*object{o}}
	r.initialise(c.cls, self, a, s, 0)
	return self
}

// initialise runs field initialisers and constructors, the superclass's first.
func (r *run) initialise(c *class, self *Value, a args, s site, depth int) {
	if depth > 16 {
		return
	}
	own, hasOwn := c.members[c.def.Constructor]
	if !hasOwn || c.def.Constructor == "constructor" {
		for _, sup := range c.supers {
			if sup == nil || hasOwn {
				continue
			}
			for _, f := range sup.fns {
				if f.cls != nil {
					r.initialise(f.cls, self, a, s, depth+1)
				}
			}
			for _, e := range sup.ext {
				r.outside(e, nil, a, s)
			}
		}
	}
	if c.def.Init != nil {
		r.invoke(&closure{fn: c.def.Init, env: c.env}, self, args{})
	}
	if hasOwn {
		for _, f := range own.fns {
			for i := range a.pos {
				a.pos[i] = r.passed(a.pos[i], f.fn, i, c.def.Name, s.pos)
			}
			r.invoke(f, self, a)
		}
	}
	if !hasOwn && c.def.Constructor == "__init__" {
		r.model(c, self, a)
	}
}

// model fills the fields of dataclasses and of models that check them.
func (r *run) model(c *class, self *Value, a args) {
	checked := false
	for _, name := range c.foreign(0) {
		checked = checked || strings.HasSuffix(name, "BaseModel") || strings.HasSuffix(name, "Schema")
	}
	for _, k := range a.kw {
		v := k.v
		if checked {
			v = schemed(v)
		}
		r.setField(self, k.name, v)
	}
	if t := firstTaint(a.kwSpread); t != nil {
		u := *t
		u.Schema = u.Schema || checked
		self.objs[0].src = &u
	}
}

func firstTaint(v *Value) *Taint {
	if ts := v.all(); len(ts) > 0 {
		return ts[0]
	}
	return nil
}

func (r *run) class(x *ir.Expr, fr *frame) *Value {
	if m := r.foreign(x.Pos); m != "" {
		return external(m + "." + strings.TrimRight(x.Cls.Name, "0123456789"))
	}
	c := &class{def: x.Cls, env: fr, members: map[string]*Value{}, getters: map[string]bool{}, statics: r.newObject(false)}
	for _, s := range x.Cls.Supers {
		c.supers = append(c.supers, r.eval(s, fr))
	}
	for _, m := range x.Cls.Members {
		v := r.eval(m.Value, fr)
		if m.Static {
			c.statics.put(m.Name, v)
			continue
		}
		if v == nil {
			continue
		}
		c.members[m.Name] = v
		if m.Getter {
			c.getters[m.Name] = true
		}
	}
	return &Value{fns: []*closure{{cls: c, env: fr}}}
}

func (r *run) superCall(x *ir.Expr, a args, fr *frame) *Value {
	self := r.eval(x.X.X, fr)
	if self == nil {
		return nil
	}
	for _, o := range self.objs {
		if o.cls == nil {
			continue
		}
		for _, s := range r.supersOf(o.cls, fr) {
			if s == nil {
				continue
			}
			for _, f := range s.fns {
				if f.cls != nil {
					r.initialise(f.cls, self, a, site{pos: x.Pos, fr: fr}, 1)
				}
			}
			for _, e := range s.ext {
				r.outside(e, nil, a, site{pos: x.Pos, fr: fr})
			}
		}
	}
	return self
}

// supersOf are the superclasses of the class whose method is running.
func (r *run) supersOf(c *class, fr *frame) []*Value {
	fn := fr.fn
	for k := c; k != nil; {
		for _, m := range k.members {
			for _, f := range m.fns {
				if f.fn == fn {
					return k.supers
				}
			}
		}
		var next *class
		for _, s := range k.supers {
			if s == nil {
				continue
			}
			for _, f := range s.fns {
				if f.cls != nil && f.cls != k {
					next = f.cls
				}
			}
		}
		k = next
	}
	return c.supers
}

// super reads a method of the superclass.
func (r *run) super(x *ir.Expr, fr *frame) *Value {
	if x.Name == "" {
		return nil
	}
	self := r.eval(x.X, fr)
	if self == nil {
		return nil
	}
	var out *Value
	for _, o := range self.objs {
		if o.cls == nil {
			continue
		}
		for _, s := range r.supersOf(o.cls, fr) {
			if s == nil {
				continue
			}
			for _, f := range s.fns {
				if f.cls == nil {
					continue
				}
				if m, _ := f.cls.find(x.Name, 0); m != nil {
					out = join(out, bind(m, self))
				}
			}
			out = join(out, external(join2(s.ext, "()."+x.Name)...))
		}
	}
	return out
}

// foreign is the package that bundled code at a position came from, or "".
func (r *run) foreign(pos int32) string {
	f := r.now.Foreign
	i := sort.Search(len(f), func(i int) bool { return f[i].Start > pos })
	if i > 0 && (f[i-1].End == 0 || pos < f[i-1].End) {
		return f[i-1].Module
	}
	return ""
}

func (r *run) closure(x *ir.Expr, fr *frame) *Value {
	if m := r.foreign(x.Pos); m != "" {
		name := strings.TrimRight(x.Fn.Name, "0123456789")
		if strings.HasPrefix(x.Fn.Name, "node_modules/") {
			name = "$module"
		}
		return external(m + "." + name)
	}
	v := &Value{fns: []*closure{{fn: x.Fn, env: fr}}}
	for _, decorator := range slices.Backward(x.Fn.Decorators) {
		v = r.decorated(v, r.eval(decorator, fr), x.Fn, x.Pos)
	}
	return v
}

// decorated is a function after a decorator.
func (r *run) decorated(v, d *Value, fn *ir.Func, pos int32) *Value {
	if d == nil {
		return v
	}
	for _, e := range d.ext {
		if entry := r.about(e).Entry; entry != nil {
			r.register(v, entry.Params, entry.Others, fn.Name, pos)
		}
	}
	if len(d.fns) == 0 {
		return v
	}
	out := r.apply(d, nil, args{pos: []*Value{v}}, site{pos: pos})
	if out == nil || len(out.fns) == 0 {
		return v
	}
	return out
}

// register notes an entry point.
func (r *run) register(v *Value, params []string, others, name string, pos int32) {
	if v == nil || len(v.fns) == 0 {
		return
	}
	key := registration{v.fns[0].fn, len(v.fns)}
	if r.registered[key] {
		return
	}
	if len(r.entries) >= maxEntries {
		r.overflow("functions are registered for events")
		return
	}
	r.registered[key] = true
	if name == "" {
		name = v.fns[0].fn.Name
	}
	r.entries = append(r.entries, Entry{File: r.now, Name: name, Params: params, Others: others, fn: v, pos: pos})
}

const maxEntries = 2000

// A registration tells entry points apart.
type registration struct {
	fn *ir.Func
	n  int // how many functions it may be
}

// imported is a module, or one name of it where Args has that.
func (r *run) imported(x *ir.Expr) *Value {
	name := strings.TrimPrefix(x.Name, "node:")
	f := r.load(r.now, x.Name)
	if len(x.Args) == 0 {
		if f != nil {
			return r.require(f)
		}
		return r.named(name, x.Pos)
	}
	attr := x.Args[0].Name
	if f != nil {
		if v := r.field(r.require(f), attr, 0); v != nil {
			return v
		}
	}
	full := name + "." + attr
	if strings.HasSuffix(name, ".") {
		full = name + attr
	}
	if sub := r.load(r.now, full); sub != nil {
		return r.require(sub)
	}
	if f != nil {
		return nil
	}
	return r.named(full, x.Pos)
}
