package engine

import "github.com/fnvet/fnvet/inject/ir"

// shaped is a package that was inlined in a bundle and is known by what it exports;
// other values as they are. Its code is no part of the program then, and its
// calls have names again.
func (r *run) shaped(v *Value) *Value {
	if v == nil || r.now == nil || r.now.Lang != ir.JS || len(v.ext)+len(v.taints) > 0 || len(v.objs)+len(v.fns) != 1 {
		return v
	}
	var o *object
	switch {
	case len(v.objs) == 1:
		o = v.objs[0]
	case v.fns[0].cls != nil:
		o = v.fns[0].cls.statics
	default:
		o = v.fns[0].props
	}
	if o == nil || o.list || o.src != nil || len(o.order) < 3 {
		return v
	}
	if o.asked != len(o.order) {
		r.step()
		o.asked = len(o.order)
		o.shape = r.rules.Shape(func(name string) bool { return o.fields[name] != nil })
	}
	if o.shape == "" {
		return v
	}
	return external(o.shape)
}
