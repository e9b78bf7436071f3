package engine

import (
	"slices"
	"strconv"

	"github.com/fnvet/fnvet/inject/ir"
)

func (r *run) setField(o *Value, name string, v *Value) {
	if o == nil {
		return
	}
	if name == "__proto__" {
		r.setPrototype(o, v)
		return
	}
	var obj *object
	switch {
	case len(o.objs) == 1 && len(o.fns) == 0:
		obj = o.objs[0]
	case len(o.objs) == 0 && len(o.fns) == 1:
		obj = o.fns[0].own()
	default:
		r.mixField(o, name, v)
		return
	}
	if obj.src != nil {
		name = sourceKey(name)
	}
	c := obj.field(name)
	if c == nil {
		c = obj.put(name, nullValue)
	}
	delete(obj.getters, name)
	r.set(c, v)
}

// mixField writes to a field of what may be several objects.
func (r *run) mixField(o *Value, name string, v *Value) {
	if o == nil {
		return
	}
	objs := o.objs
	for _, f := range o.fns {
		objs = append(slices.Clip(objs), f.own())
	}
	for _, obj := range objs {
		c := obj.field(name)
		if c == nil {
			c = obj.put(name, nullValue)
		}
		r.set(c, join(c.v, v))
	}
}

// addElem puts a value under a key that is not known.
func (r *run) addElem(o *Value, v *Value) {
	if o == nil {
		return
	}
	for _, obj := range o.objs {
		if obj.elem == nil {
			obj.elem = &cell{v: nullValue, born: obj.born, heap: true}
		}
		r.set(obj.elem, join(obj.elem.v, v))
	}
}

// sourceKey is the name of a field of a source: elements have one name.
func sourceKey(name string) string {
	if name == "" || name[0] > '9' { // most names: an error costs more than the question
		return name
	}
	if _, err := strconv.Atoi(name); err == nil {
		return "[]"
	}
	return name
}

// field reads a field by name.
func (r *run) field(v *Value, name string, pos int32) *Value {
	if v == nil {
		return nil
	}
	v = r.shaped(v)
	if slices.Contains(v.ext, pathObject) && (name == "name" || name == "stem" || name == "suffix") {
		return masked(tainted(v.taints), r.only("injection/path"))
	}
	var out *Value
	found := false
	add := func(w *Value) {
		if !found {
			out, found = w, true
		} else {
			out = join(out, w)
		}
	}
	for _, o := range v.objs {
		if w, ok := r.objectField(o, name, v, pos); ok {
			add(w)
		}
	}
	for _, f := range v.fns {
		if f.props != nil {
			if w, ok := r.objectField(f.props, name, v, pos); ok {
				add(w)
			}
		}
		if f.cls != nil {
			if c := f.cls.statics.field(name); c != nil {
				add(c.v)
			} else if name == "prototype" {
				add(&Value{objs: []*object{r.prototype(f)}})
			}
		} else if name == "prototype" && r.now != nil && r.now.Lang == ir.JS && (f.props == nil || f.props.field(name) == nil) {
			add(&Value{objs: []*object{r.prototype(f)}})
		}
	}
	for _, e := range v.ext {
		switch {
		case name == "default" || name == "__esModule":
			add(external(e))
		case len(e)+len(name) < maxName:
			add(r.named(e+"."+name, pos))
		}
	}
	if len(v.taints) > 0 {
		if name == "length" || name == "size" {
			return plainValue
		}
		var ts []*Taint
		for _, t := range v.taints {
			if u := r.part(t, name, pos); u != nil {
				ts = append(ts, u)
			}
		}
		add(tainted(ts))
	}
	return out
}

// part is the taint of a field of what is tainted; nil where it is harmless.
func (r *run) part(t *Taint, name string, pos int32) *Taint {
	if len(t.Path) >= maxPath {
		return t
	}
	u := *t
	u.Path = append(slices.Clip(t.Path), sourceKey(name))
	grade := r.grade(t.Root, u.Path)
	if grade != nil && grade.Safe {
		return nil
	}
	u.Text = t.Text || grade != nil && grade.Text && !t.Parsed
	if pos > 0 {
		prev := t.Step
		if prev != nil && prev.note == "" {
			prev = prev.Prev
		}
		u.Step = prev.reading(r.now, pos, u.Path)
	}
	return &u
}

func (r *run) objectField(o *object, name string, self *Value, pos int32) (*Value, bool) {
	if o.src != nil {
		name = sourceKey(name)
	}
	if g := o.getters[name]; g != nil {
		return r.invoke(g, &Value{objs: []*object{o}}, args{}), true
	}
	if c := o.field(name); c != nil {
		return c.v, true
	}
	for p, n := o.proto, 0; p != nil && n < maxProtos; p, n = p.proto, n+1 {
		if g := p.getters[name]; g != nil {
			return r.invoke(g, self, args{}), true
		}
		if c := p.field(name); c != nil {
			return c.v, true
		}
	}
	if name == "length" && (o.list || o.src != nil) {
		return plainValue, true
	}
	if o.src != nil {
		return r.sourceField(o, name, pos), true
	}
	if o.cls != nil {
		if m, getter := o.cls.find(name, 0); m != nil {
			if !getter {
				return bind(m, self), true
			}
			var out *Value
			for _, f := range m.fns {
				out = join(out, r.invoke(f, self, args{}))
			}
			return out, true
		}
		if names := o.cls.foreign(0); len(names) > 0 {
			var out *Value
			for _, n := range names {
				out = join(out, r.named(n+"()."+name, pos))
			}
			return out, true
		}
	}
	if o.elem != nil && o.elem.v != nil {
		return o.elem.v, true
	}
	return nil, false
}

// bind gives functions their receiver.
func bind(m, self *Value) *Value {
	if len(m.fns) == 0 {
		return m
	}
	out := &Value{}
	*out = *m
	out.fns = nil
	for _, f := range m.fns {
		if f.this != nil || f.cls != nil || f.fn.Static {
			out.fns = append(out.fns, f)
			continue
		}
		g := *f
		g.this = self
		out.fns = append(out.fns, &g)
	}
	return out
}

// sourceField makes the field of a source when it is first read.
func (r *run) sourceField(o *object, name string, pos int32) *Value {
	t := r.part(o.src, name, pos)
	if t == nil {
		return nil
	}
	r.born++
	v := &Value{objs: []*object{{src: t, born: o.born}}}
	o.put(name, v)
	return v
}

func (r *run) index(v, key *Value, pos int32) *Value {
	if names := key.texts(); len(names) > 0 {
		var out *Value
		for i, n := range names {
			w := r.field(v, n, pos)
			if i == 0 {
				out = w
			} else {
				out = join(out, w)
			}
		}
		return out
	}
	out := r.elem(v, pos)
	if out != nil && out.plain && r.now.Lang == ir.Go {
		return plainValue // the key may not be there
	}
	return out
}

// elem is any element of a container.
func (r *run) elem(v *Value, pos int32) *Value {
	if v == nil {
		return nil
	}
	var out *Value
	found := false
	add := func(w *Value) {
		if !found {
			out, found = w, true
		} else {
			out = join(out, w)
		}
	}
	for _, o := range v.objs {
		if o.src != nil {
			w, _ := r.objectField(o, "[]", v, pos)
			add(w)
			continue
		}
		for _, name := range o.order {
			if g := o.getters[name]; g != nil {
				add(r.invoke(g, v, args{}))
				continue
			}
			add(o.field(name).v)
		}
		if o.elem != nil {
			add(o.elem.v)
		}
	}
	for _, e := range v.ext {
		if len(e) < maxName {
			add(external(e + ".[]"))
		}
	}
	var ts []*Taint
	for _, t := range v.taints {
		if u := r.part(t, "[]", pos); u != nil {
			ts = append(ts, u)
		}
	}
	if len(ts) > 0 {
		add(tainted(ts))
	}
	return out
}

// key is any key of a container.
func (r *run) key(v *Value, pos int32) *Value {
	if v == nil {
		return nil
	}
	var out *Value
	for i, o := range v.objs {
		var w *Value
		switch {
		case o.src != nil:
			w = tainted([]*Taint{o.src.with(r.now, pos, "a key of it")})
		case o.list:
			w = plainValue
		case len(o.order) > 0 && len(o.order) <= maxStrings && o.elem == nil:
			w = &Value{exact: true, strs: slices.Clone(o.order)}
		}
		if i == 0 {
			out = w
		} else {
			out = join(out, w)
		}
	}
	if len(v.taints) > 0 {
		out = join(out, tainted(v.taints))
	}
	return out
}

func (r *run) newObject(list bool) *object {
	r.born++
	return &object{born: r.born, list: list}
}

func (r *run) object(x *ir.Expr, fr *frame) *Value {
	o := r.newObject(false)
	for _, a := range x.Args {
		if a.Op == ir.Spread {
			r.spreadInto(o, r.eval(a.X, fr), a.Pos)
			continue
		}
		names := []string{a.Name}
		if a.X != nil {
			names = r.eval(a.X, fr).texts()
		}
		if a.Y.Op == ir.Getter {
			if g := r.eval(a.Y.X, fr); g != nil && len(g.fns) > 0 && len(names) == 1 {
				o.setGetter(names[0], g.fns[0])
			}
			continue
		}
		v := r.eval(a.Y, fr)
		if len(names) == 0 {
			r.addElem(&Value{objs: []*object{o}}, v)
		}
		for _, n := range names {
			delete(o.getters, n)
			o.put(n, v)
		}
	}
	return &Value{objs: []*object{o}}
}

func (o *object) setGetter(name string, g *closure) {
	if o.getters == nil {
		o.getters = map[string]*closure{}
	}
	if o.field(name) == nil {
		o.put(name, nil)
	}
	o.getters[name] = g
}

// spreadInto copies the fields of a value into a new object.
func (r *run) spreadInto(o *object, v *Value, pos int32) {
	if v == nil {
		return
	}
	for _, from := range v.objs {
		r.steps -= len(from.order) / 8 // it is work too
		for _, name := range from.order {
			o.put(name, from.field(name).v)
		}
		for name, g := range from.getters {
			o.setGetter(name, g)
		}
		if from.elem != nil {
			r.addElem(&Value{objs: []*object{o}}, from.elem.v)
		}
		r.overlay(o, from.src, pos)
	}
	if len(v.taints) > 0 {
		r.overlay(o, v.taints[0].with(r.now, pos, "copied into an object"), pos)
	}
}

// overlay lays the fields of a source over those that an object has.
func (r *run) overlay(o *object, src *Taint, pos int32) {
	if src == nil || o.src != nil {
		return
	}
	for _, name := range o.order {
		if t := r.part(src, name, pos); t != nil {
			o.put(name, join(o.field(name).v, tainted([]*Taint{t})))
		}
	}
	o.src = src
}

func (r *run) list(x *ir.Expr, fr *frame) *Value {
	o := r.newObject(true)
	o.tuple = x.Name == "tuple"
	exact := true
	for _, a := range x.Args {
		if a.Op == ir.Spread {
			r.appendTo(o, r.elem(r.eval(a.X, fr), a.Pos))
			exact = false
			continue
		}
		v := r.eval(a, fr)
		if exact {
			o.put(strconv.Itoa(o.next), v)
			o.next++
		} else {
			r.appendTo(o, v)
		}
	}
	return &Value{objs: []*object{o}}
}

func (r *run) appendTo(o *object, v *Value) { r.addElem(&Value{objs: []*object{o}}, v) }

func (r *run) remainder(x *ir.Expr, fr *frame) *Value {
	v := r.eval(x.X, fr)
	if v == nil {
		return nil
	}
	o := r.newObject(x.Op == ir.Tail)
	out := &Value{objs: []*object{o}}
	skip, _ := strconv.Atoi(x.Name)
	for _, from := range v.objs {
		for _, name := range from.order {
			c := from.field(name)
			if x.Op == ir.Tail {
				if n, err := strconv.Atoi(name); err == nil && n >= skip {
					o.put(strconv.Itoa(n-skip), c.v)
				}
				continue
			}
			if !slices.ContainsFunc(x.Args, func(a *ir.Expr) bool { return a.Name == name }) {
				o.put(name, c.v)
			}
		}
		if from.elem != nil {
			r.appendTo(o, from.elem.v)
		}
		if from.src != nil {
			o.src = from.src
		}
	}
	if len(v.taints) > 0 {
		o.src = v.taints[0]
	}
	return out
}
