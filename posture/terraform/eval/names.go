package eval

import (
	"strconv"

	"github.com/hashicorp/hcl/v2"
)

// traversal resolves a name with its attributes and indexes: var.x, local.y.z,
// module.m.out, data.aws_region.here.name, aws_s3_bucket.b.arn.
func (r *run) traversal(t hcl.Traversal, s *scope, pos Pos) *Value {
	root := t.RootName()
	if v := s.name(root); v != nil {
		return r.steps(v, t[1:], pos)
	}
	if s.mod == nil {
		return unknown(pos)
	}
	name, ok := attrName(t, 1)
	if !ok {
		return unknown(pos)
	}
	switch root {
	case "var":
		return r.steps(s.mod.variable(r, name, pos), t[2:], pos)
	case "local":
		return r.steps(s.mod.local(r, name, pos), t[2:], pos)
	case "module":
		return r.steps(s.mod.child(r, name, pos), t[2:], pos)
	case "path":
		return s.mod.pathValue(name, pos)
	case "terraform":
		return unknown(pos, Ref{Address: "terraform", Attr: name})
	case "data":
		inner, ok := attrName(t, 2)
		if !ok {
			return unknown(pos)
		}
		return r.steps(s.mod.resource(r, "data."+name+"."+inner, pos), t[3:], pos)
	default:
		return r.steps(s.mod.resource(r, root+"."+name, pos), t[2:], pos)
	}
}

func attrName(t hcl.Traversal, i int) (string, bool) {
	if i >= len(t) {
		return "", false
	}
	a, ok := t[i].(hcl.TraverseAttr)
	return a.Name, ok
}

// steps follows attributes and indexes from a value.
func (r *run) steps(v *Value, t hcl.Traversal, pos Pos) *Value {
	for i, step := range t {
		if !r.step() || i > maxNest { // each step may make an address longer
			return unknown(pos)
		}
		switch step := step.(type) {
		case hcl.TraverseAttr:
			v = r.attr(v, step.Name, pos)
		case hcl.TraverseIndex:
			v = r.index(v, fromCty(step.Key, pos), pos)
		case hcl.TraverseSplat:
			return r.each([]*Value{v}, pos, func(a []*Value) *Value {
				all, _ := entries(a[0])
				out := make([]*Value, len(all))
				for j, f := range all {
					out[j] = r.steps(f.Value, t[i+1:], pos)
				}
				return list(pos, out)
			})
		default:
			return unknown(pos)
		}
	}
	return v
}

// attr is v.name.
func (r *run) attr(v *Value, name string, pos Pos) *Value {
	switch v.Kind {
	case Choice:
		return r.each([]*Value{v}, pos, func(a []*Value) *Value { return r.attr(a[0], name, pos) })
	case Map:
		if x := v.Get(name); x != nil {
			return x
		}
		if len(v.Refs) == 1 { // a block of a resource, which the provider completes
			return unknown(pos, Ref{Address: v.Refs[0].Address, Attr: v.Refs[0].Attr + "." + name})
		}
		return unknown(pos)
	case List:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(v.Items) { // the older x.0.y
			return v.Items[i]
		}
		return unknown(pos, refsOf(v)...)
	case Instance:
		if v.mod != nil {
			return v.mod.output(r, name, pos)
		}
		return v.def.attribute(r, v, name, pos)
	case Unknown:
		if len(v.Refs) == 1 {
			ref := v.Refs[0]
			if ref.Attr != "" {
				name = ref.Attr + "." + name
			}
			return unknown(pos, Ref{Address: ref.Address, Attr: name}).through(v.Vars...)
		}
		return unknown(pos, v.Refs...)
	default:
		return unknown(pos)
	}
}
