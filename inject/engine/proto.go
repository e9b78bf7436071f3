package engine

// maxProtos bounds a chain of prototypes.
const maxProtos = 16

// prototype is the object in which instances of a function or class look for what
// they lack. It is made when it is first asked for.
func (r *run) prototype(f *closure) *object {
	if f.cls != nil {
		if f.cls.proto == nil {
			f.cls.proto = r.newObject(false)
			for _, m := range f.cls.def.Members {
				if v := f.cls.members[m.Name]; v != nil && !m.Static && !m.Getter {
					f.cls.proto.put(m.Name, v)
				}
			}
		}
		return f.cls.proto
	}
	props := f.own()
	c := props.field("prototype")
	if c == nil {
		c = props.put("prototype", &Value{objs: []*object{r.newObject(false)}})
	}
	if c.v == nil || len(c.v.objs) == 0 {
		return nil
	}
	for _, o := range c.v.objs { // of b === null ? Object.create(b) : new __(), the second
		if o.proto != nil {
			return o
		}
	}
	return c.v.objs[0]
}

// setPrototype gives objects, and what functions have as objects, a prototype.
func (r *run) setPrototype(v, proto *Value) {
	p := r.protoOf(proto)
	if v == nil || p == nil {
		return
	}
	r.epoch++
	for _, o := range v.objs {
		if o != p {
			o.proto = p
		}
	}
	for _, f := range v.fns {
		if o := f.own(); o != p {
			o.proto = p
		}
	}
}

// protoOf is the object that a value is as a prototype.
func (r *run) protoOf(v *Value) *object {
	switch {
	case v == nil:
	case len(v.objs) > 0:
		return v.objs[0]
	case len(v.fns) > 0:
		return v.fns[0].own()
	}
	return nil
}

// inherits lets the instances of one function have what those of another have.
func (r *run) inherits(sub, super *Value) {
	if sub == nil || super == nil {
		return
	}
	for _, f := range sub.fns {
		for _, g := range super.fns {
			if p, q := r.prototype(f), r.prototype(g); p != nil && q != nil && p != q {
				p.proto = q
				r.epoch++
			}
		}
	}
	r.setPrototype(sub, super)
}
