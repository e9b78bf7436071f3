package engine

import (
	"slices"
	"strconv"

	"github.com/fnvet/fnvet/inject/ir"
)

func (r *run) eval(x *ir.Expr, fr *frame) *Value {
	r.step()
	r.nest++
	defer func() { r.nest-- }()
	if r.nest > maxNesting {
		panic(outOfSteps{})
	}
	switch x.Op {
	case ir.Const:
		return text(x.Name)
	case ir.Num:
		return &Value{plain: true, exact: true, strs: []string{x.Name}}
	case ir.Bool:
		return &Value{plain: true, exact: true, strs: []string{x.Name}}
	case ir.Null:
		return nullValue
	case ir.Read:
		if c := cellOf(x.Var, fr); c != nil {
			return c.v
		}
		return nil
	case ir.Global:
		return r.named(x.Name, x.Pos)
	case ir.Field:
		return r.field(r.eval(x.X, fr), x.Name, x.Pos)
	case ir.Index:
		return r.index(r.eval(x.X, fr), r.eval(x.Y, fr), x.Pos)
	case ir.Call:
		return r.call(x, fr)
	case ir.Closure:
		return r.closure(x, fr)
	case ir.Assign:
		v := r.eval(x.Y, fr)
		r.assign(x.X, v, fr)
		r.ask(x, fr)
		return v
	case ir.Import:
		return r.imported(x)
	case ir.Class:
		return r.class(x, fr)
	}
	return r.evalMore(x, fr)
}

// ask remembers the condition whose answer a variable holds now.
func (r *run) ask(x *ir.Expr, fr *frame) {
	y := x.Y
	if y.Op == ir.Await {
		y = y.X
	}
	if x.X.Op != ir.Read || y.Op != ir.Compare && y.Op != ir.Call && y.Op != ir.Not && y.Op != ir.And {
		return
	}
	if c := cellOf(x.X.Var, fr); c != nil && len(r.asked) < maxAsked {
		r.asked[c] = question{y, c.v}
	}
}

// maxAsked bounds the conditions that are remembered.
const maxAsked = 50_000

func (r *run) evalMore(x *ir.Expr, fr *frame) *Value {
	switch x.Op {
	case ir.Object:
		return r.object(x, fr)
	case ir.List:
		return r.list(x, fr)
	case ir.Spread, ir.Await:
		return r.eval(x.X, fr)
	case ir.Concat:
		return r.concat(x, fr)
	case ir.Arith:
		for _, a := range x.Args {
			r.eval(a, fr)
		}
		return plainValue
	case ir.Compare:
		return r.compare(x, fr)
	case ir.Not:
		switch truth(r.eval(x.X, fr)) {
		case yes:
			return &Value{plain: true, exact: true, strs: []string{"false"}}
		case no:
			return &Value{plain: true, exact: true, strs: []string{"true"}}
		default:
			return plainValue
		}
	case ir.Type:
		r.eval(x.X, fr)
		return nil
	case ir.And, ir.Or, ir.Choose:
		return r.either(x, fr)
	case ir.Seq:
		var v *Value
		for _, a := range x.Args {
			v = r.eval(a, fr)
		}
		return v
	case ir.Elem, ir.Key:
		if v := r.fixed[x]; v != nil {
			return v
		}
		if x.Op == ir.Key {
			return r.key(r.eval(x.X, fr), x.Pos)
		}
		return r.elem(r.eval(x.X, fr), x.Pos)
	case ir.Rest, ir.Tail:
		return r.remainder(x, fr)
	case ir.Pattern:
		return &Value{regexp: x.Name, ext: []string{"RegExp()"}}
	case ir.Part:
		return r.pick(r.eval(x.X, fr), x.Name)
	case ir.Super:
		return r.super(x, fr)
	case ir.Template:
		return r.taggedTemplate(x, fr)
	case ir.Yield:
		v := r.evalMaybe(x.X, fr)
		c := r.calls[len(r.calls)-1]
		c.yields, c.lazy = join(c.yields, v), true
		return nil
	}
	return nil
}

func cellOf(v *ir.Var, fr *frame) *cell {
	for f := fr; f != nil; f = f.parent {
		if f.fn == v.Fn {
			if v.Index >= len(f.cells) {
				return nil
			}
			return &f.cells[v.Index]
		}
	}
	return nil
}

// named is a name that the program does not define.
func (r *run) named(name string, pos int32) *Value {
	name = r.about(name).Alias
	if c := r.about(name).Read; c != nil {
		t := &Taint{Root: c.Root, Step: (*Step)(nil).then(r.now, pos, "read from "+name)}
		return r.sourceOf(t)
	}
	return r.external(name)
}

// assign writes to a variable, field or element.
func (r *run) assign(target *ir.Expr, v *Value, fr *frame) {
	switch target.Op {
	case ir.Read:
		if c := cellOf(target.Var, fr); c != nil {
			if target.Var.Name != "" && v != nil && len(v.taints) > 0 {
				v = r.moved(v, target.Pos, "assigned to "+target.Var.Name)
			}
			r.set(c, v)
		}
	case ir.Field:
		r.setField(r.eval(target.X, fr), target.Name, v)
	case ir.Index:
		o := r.eval(target.X, fr)
		k := r.eval(target.Y, fr)
		if names := k.texts(); len(names) > 0 {
			for _, n := range names {
				if len(names) == 1 {
					r.setField(o, n, v)
				} else {
					r.mixField(o, n, v)
				}
			}
			return
		}
		r.addElem(o, v)
	}
}

// moved notes where the texts in a value went.
func (r *run) moved(v *Value, pos int32, note string) *Value {
	if v == nil || len(v.taints) == 0 {
		return v
	}
	u := *v
	u.taints = make([]*Taint, len(v.taints))
	for i, t := range v.taints {
		u.taints[i] = t.with(r.now, pos, note)
	}
	return &u
}

// pathObject is the name of a path of pathlib, which / joins.
const pathObject = "pathlib.Path()"

// concat joins texts, adds numbers or joins lists.
func (r *run) concat(x *ir.Expr, fr *frame) *Value {
	vals := make([]*Value, len(x.Args))
	for i, a := range x.Args {
		vals[i] = r.eval(a, fr)
	}
	return r.joined(vals, x.Pos, x.Flags&ir.Formatted == 0)
}

func (r *run) joined(vals []*Value, pos int32, lists bool) *Value {
	out := &Value{exact: true, strs: []string{""}}
	plain, sized := true, 1
	for i, v := range vals {
		if lists && v != nil && len(v.objs) > 0 && v.objs[0].list {
			return r.chained(vals)
		}
		plain = plain && v != nil && v.plain
		if v != nil && slices.Contains(v.ext, pathObject) {
			out.ext = []string{pathObject}
		}
		for _, t := range v.deep() {
			u := t.with(r.now, pos, "built into a text")
			u.Text = true
			out.taints = union(out.taints, []*Taint{u}, maxTaints, (*Taint).same)
		}
		if out.exact && v != nil && v.exact && len(v.taints) == 0 && sized*len(v.strs) <= maxStrings {
			sized *= max(len(v.strs), 1)
			out.strs = product(out.strs, v.strs)
			continue
		}
		if out.exact {
			out.exact, out.prefix = false, commonOf(out.strs)
			out.led = out.prefix == "" && v.trusted() && (v == nil || !v.plain)
			if i == 0 && v != nil && !v.exact {
				out.prefix, out.led = v.prefix, v.led || out.led
			} else if v != nil && v.prefix != "" {
				out.prefix += v.prefix
			}
			out.strs = nil
		}
	}
	if plain && lists {
		return plainValue
	}
	return out
}

func commonOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	s := list[0]
	for _, t := range list[1:] {
		s = commonPrefix(s, t)
	}
	return s
}

func product(heads, tails []string) []string {
	if len(tails) == 0 {
		return heads
	}
	out := make([]string, 0, len(heads)*len(tails))
	for _, h := range heads {
		for _, t := range tails {
			if len(h)+len(t) > 4096 {
				out = append(out, h)
				continue
			}
			out = append(out, h+t)
		}
	}
	return out
}

// chained is the list of the elements of several lists.
func (r *run) chained(vals []*Value) *Value {
	o := r.newObject(true)
	for _, v := range vals {
		if v == nil {
			continue
		}
		if len(v.objs) == 1 && v.objs[0].src == nil && v.objs[0].elem == nil && o.elem == nil {
			for _, name := range v.objs[0].order {
				o.put(strconv.Itoa(o.next), v.objs[0].field(name).v)
				o.next++
			}
			continue
		}
		r.appendTo(o, r.elem(v, 0))
	}
	return &Value{objs: []*object{o}}
}

func (r *run) compare(x *ir.Expr, fr *frame) *Value {
	a, b := r.eval(x.X, fr), r.eval(x.Y, fr)
	if x.Name == ir.Equal || x.Name == ir.NotEqual {
		s, ok := a.single()
		t, ok2 := b.single()
		if ok && ok2 && a.plain == b.plain {
			return &Value{plain: true, exact: true, strs: []string{strconv.FormatBool((s == t) == (x.Name == ir.Equal))}}
		}
	}
	return plainValue
}

// either is one of several values, each under its condition.
func (r *run) either(x *ir.Expr, fr *frame) *Value {
	if x.Op == ir.Choose {
		c := r.eval(x.X, fr)
		var a, b *Value
		switch truth(c) {
		case yes:
			return r.eval(x.Y, fr)
		case no:
			return r.eval(x.Z, fr)
		default:
		}
		dead := false
		r.fork(func() { r.refine(x.X, fr, true); a = r.eval(x.Y, fr); dead = r.dead },
			func() { r.refine(x.X, fr, false); b = r.eval(x.Z, fr); dead = dead || r.dead })
		if dead && !r.dead {
			r.dead = false
		}
		return join(a, b)
	}
	first := r.eval(x.Args[0], fr)
	out := first
	if x.Op == ir.And {
		out = plainValue
		if truth(first) == no {
			return first
		}
	} else if truth(first) == yes {
		return first
	}
	for i, a := range x.Args[1:] {
		var v *Value
		r.fork(func() {
			for _, before := range x.Args[:i+1] {
				r.refine(before, fr, x.Op == ir.And)
			}
			v = r.eval(a, fr)
		}, func() {})
		if x.Op == ir.And {
			out = v
			continue
		}
		out = join(out, v)
	}
	return out
}
