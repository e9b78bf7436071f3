package engine

import (
	"slices"

	"github.com/fnvet/fnvet/inject/ir"
)

// maxShaped bounds what a value may be for shapes to be asked about it.
const maxShaped = 4

// shaped puts the name of a package in the place of what was inlined of it in a
// bundle, where it is known by what it exports. Its code is no part of the program
// then, and its calls have names again.
func (r *run) shaped(v *Value) *Value {
	if v == nil || r.now == nil || r.now.Lang != ir.JS || len(v.objs)+len(v.fns) == 0 || len(v.objs)+len(v.fns) > maxShaped {
		return v
	}
	out := v
	swap := func(name string) {
		if out == v {
			w := *v
			w.objs, w.fns, out = slices.Clone(v.objs), slices.Clone(v.fns), &w
		}
		out.ext = union(out.ext, []string{name}, maxRefs, equal[string])
	}
	for _, o := range v.objs {
		if name := r.shapeOf(o); name != "" {
			swap(name)
			out.objs = slices.DeleteFunc(out.objs, func(p *object) bool { return p == o })
		}
	}
	for _, f := range v.fns {
		o := f.props
		if f.cls != nil {
			o = f.cls.statics
		}
		if name := r.shapeOf(o); name != "" {
			swap(name)
			out.fns = slices.DeleteFunc(out.fns, func(g *closure) bool { return g == f })
		}
	}
	return out
}

// shapeOf is the package that an object is what it exports, or "".
func (r *run) shapeOf(o *object) string {
	if o == nil || o.list || o.src != nil || len(o.order) < 3 {
		return ""
	}
	if o.pkg == nil {
		o.pkg = &packaged{}
	}
	if o.pkg.asked != len(o.order) {
		r.step()
		o.pkg.asked = len(o.order)
		o.pkg.shape = r.rules.Shape(func(name string) bool { return o.field(name) != nil })
	}
	return o.pkg.shape
}
