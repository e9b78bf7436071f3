package engine

import (
	"slices"
	"strconv"

	"github.com/fnvet/fnvet/inject/ir"
)

// invokeAt calls a function of the program from a place in it.
func (r *run) invokeAt(c *closure, this *Value, a args, s site) *Value {
	if c.cls != nil {
		return r.construct(c, a, s)
	}
	if s.new {
		o := r.newObject(false)
		if c.props != nil && c.props.field("prototype") != nil {
			o.proto = r.prototype(c)
		}
		v := &Value{objs: []*object{o}}
		if out := r.invoke(c, v, a); out != nil && len(out.objs) > 0 {
			return join(v, out)
		}
		return v
	}
	name := nameOf(c.fn)
	for i := range a.pos {
		a.pos[i] = r.passed(a.pos[i], c.fn, i, name, s.pos)
	}
	out := r.invoke(c, this, a)
	r.guardArgs(c, s)
	if out == nil || len(out.taints) == 0 {
		return out
	}
	return r.moved(out, s.pos, "returned by "+name)
}

func (r *run) passed(v *Value, fn *ir.Func, i int, name string, pos int32) *Value {
	if v == nil || len(v.taints) == 0 {
		return v
	}
	note := "passed to " + name
	if i < len(fn.Params) && fn.Params[i].Var.Name != "" {
		note += " as " + fn.Params[i].Var.Name
	}
	return r.moved(v, pos, note)
}

// outcome is what a function did with some shape of arguments.
type outcome struct {
	env    *frame
	this   *Value
	a      args
	ret    *Value
	params []*Value // at the end
	epoch  int
	never  bool
}

func sameValue(a, b *Value) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.exact != b.exact || a.plain != b.plain || a.prefix != b.prefix || a.led != b.led ||
		a.regexp != b.regexp || a.guard != b.guard || a.proc != b.proc ||
		len(a.taints) != len(b.taints) || len(a.objs) != len(b.objs) || len(a.fns) != len(b.fns) || len(a.ext) != len(b.ext) || len(a.strs) != len(b.strs) {
		return false
	}
	for i := range a.taints {
		if !a.taints[i].same(b.taints[i]) {
			return false
		}
	}
	for i := range a.objs {
		if a.objs[i] != b.objs[i] {
			return false
		}
	}
	for i := range a.fns {
		if !sameClosure(a.fns[i], b.fns[i]) {
			return false
		}
	}
	for i := range a.ext {
		if a.ext[i] != b.ext[i] {
			return false
		}
	}
	for i := range a.strs {
		if a.strs[i] != b.strs[i] {
			return false
		}
	}
	return true
}

func sameArgs(a, b *args) bool {
	if len(a.pos) != len(b.pos) || len(a.kw) != len(b.kw) || !sameValue(a.spread, b.spread) || !sameValue(a.kwSpread, b.kwSpread) {
		return false
	}
	for i := range a.pos {
		if !sameValue(a.pos[i], b.pos[i]) {
			return false
		}
	}
	for i := range a.kw {
		if a.kw[i].name != b.kw[i].name || !sameValue(a.kw[i].v, b.kw[i].v) {
			return false
		}
	}
	return true
}

// recall finds a former outcome that still holds.
func (r *run) recall(c *closure, this *Value, a *args) *outcome {
	for _, o := range r.kept[c.fn] {
		if o.epoch == r.epoch && o.env == c.env && sameValue(o.this, this) && sameArgs(&o.a, a) {
			return o
		}
	}
	return nil
}

// invoke runs a function of the program.
func (r *run) invoke(c *closure, this *Value, a args) *Value {
	r.step()
	if c.this != nil {
		this = c.this
	}
	if len(c.bound) > 0 {
		a.pos = append(slices.Clip(c.bound), a.pos...)
	}
	if c.fn.Method && !c.fn.Static && this != nil && c.cls == nil {
		a.pos = append([]*Value{this}, a.pos...)
	}
	active := 0
	for _, k := range r.calls {
		if k.fn == c.fn {
			active++
		}
	}
	if active >= maxRecursion || len(r.calls) >= maxCalls {
		return r.through(a, this)
	}
	if o := r.recall(c, this, &a); o != nil {
		r.latest = o
		r.dead = r.dead || o.never
		return o.ret
	}
	t := r.runs[c.fn]
	if t == nil {
		t = &tally{}
		if r.runs == nil {
			r.runs = map[*ir.Func]*tally{}
		}
		r.runs[c.fn] = t
	}
	if t.n++; t.n > maxRuns && t.cost > cheap && r.enough(c.fn, t, &a, this) {
		return t.ret // as it was for others
	}
	before := r.steps
	out := &outcome{env: c.env, this: this, a: a, epoch: r.epoch}
	fr := r.newFrame(c.fn, c.env)
	mark, low := r.mark, r.low
	r.mark, r.low = r.born, 1<<62
	now, base := r.now, r.base
	r.now = c.fn.File
	r.reach(c.fn.File)
	k := &call{fn: c.fn}
	r.calls = append(r.calls, k)
	r.base = len(r.exits)
	wasDead := r.dead
	r.dead = false
	r.within(&exit{kind: ir.Return}, func() {
		r.bindParams(c.fn, fr, this, a)
		r.block(c.fn.Body, fr)
	})
	out.never = r.dead && !k.gave
	r.dead = wasDead || out.never
	r.calls = r.calls[:len(r.calls)-1]
	r.now, r.base = now, base
	out.ret = k.ret
	if k.lazy {
		o := r.newObject(true)
		r.appendTo(o, k.yields)
		out.ret = &Value{objs: []*object{o}}
	}
	for _, p := range c.fn.Params {
		out.params = append(out.params, fr.cells[p.Var.Index].v)
	}
	t.ret = out.ret
	t.cost += before - r.steps
	pure := r.low >= r.mark
	r.mark, r.low = mark, min(low, r.low)
	if list := r.kept[c.fn]; pure && out.epoch == r.epoch {
		if len(list) >= maxKept {
			list = list[1:]
		}
		r.kept[c.fn] = append(list, out)
	}
	r.latest = out
	return out.ret
}

// enough says that a function that was run often is not run again. Where that
// leaves out event data, its file is noted once.
func (r *run) enough(fn *ir.Func, t *tally, a *args, this *Value) bool {
	over := t.n > maxTainted && t.cost > dear
	if over && slices.Contains(r.lost, fn.File) {
		return true
	}
	if !r.inSight(a, this) {
		return true
	}
	if over {
		r.lost = append(r.lost, fn.File)
	}
	return over
}

// inSight says that event data is in what a function is given.
func (r *run) inSight(a *args, this *Value) bool {
	return slices.ContainsFunc(append(a.all(), this), r.carries)
}

// carries says that event data is in a value, as far as a bounded look goes.
func (r *run) carries(v *Value) bool {
	left := maxLook
	r.look++
	found := r.lookInto(v, 0, &left)
	r.steps -= (maxLook - left) / 8 // it is work too
	return found
}

// lookInto goes the way of deepInto, and ends where it finds something.
func (r *run) lookInto(v *Value, depth int, left *int) bool {
	if v == nil || depth > 6 || *left <= 0 {
		return false
	}
	*left--
	if len(v.taints) > 0 || slices.ContainsFunc(v.objs, func(o *object) bool { return o.src != nil }) {
		return true
	}
	for _, o := range v.objs {
		if o.looked == r.look {
			continue
		}
		o.looked = r.look
		for _, c := range o.cells {
			if *left <= 0 {
				return false
			}
			if r.lookInto(c.v, depth+1, left) {
				return true
			}
		}
		if o.elem != nil && r.lookInto(o.elem.v, depth+1, left) {
			return true
		}
	}
	return false
}

// through is what an unknown function gives: what it was given.
func (r *run) through(a args, this *Value) *Value {
	var ts []*Taint
	for _, v := range a.all() {
		ts = union(ts, v.deep(), maxTaints, (*Taint).same)
	}
	ts = union(ts, this.all(), maxTaints, (*Taint).same)
	return tainted(ts)
}

func (r *run) bindParams(fn *ir.Func, fr *frame, this *Value, a args) {
	if fn.This != nil {
		fr.cells[fn.This.Index].v = this
	}
	if fn.Arguments != nil {
		o := r.newObject(true)
		for i, v := range a.pos {
			o.put(strconv.Itoa(i), v)
		}
		if a.spread != nil {
			r.appendTo(o, a.spread)
		}
		fr.cells[fn.Arguments.Index].v = &Value{objs: []*object{o}}
	}
	next := 0
	used := map[string]bool{}
	for _, p := range fn.Params {
		c := &fr.cells[p.Var.Index]
		switch {
		case p.Rest:
			o := r.newObject(true)
			for ; next < len(a.pos); next++ {
				o.put(strconv.Itoa(o.next), a.pos[next])
				o.next++
			}
			if a.spread != nil {
				r.appendTo(o, a.spread)
			}
			c.v = &Value{objs: []*object{o}}
			continue
		case p.KwRest:
			c.v = r.keywordRest(a, used)
			continue
		}
		v, given := a.keyword(p.Var.Name)
		if !given && !p.KwOnly && next < len(a.pos) {
			v, given = a.pos[next], true
			next++
		}
		used[p.Var.Name] = true
		if !given && a.spread != nil && !p.KwOnly {
			v, given = a.spread, true
		}
		if !given && a.kwSpread != nil {
			if v = r.field(a.kwSpread, p.Var.Name, 0); v != nil {
				given = true
			}
		}
		switch {
		case !given && p.Default != nil:
			v = r.eval(p.Default, fr)
		case !given:
			v = nullValue
		}
		c.v = v
	}
}

func (r *run) keywordRest(a args, used map[string]bool) *Value {
	o := r.newObject(false)
	for _, k := range a.kw {
		if !used[k.name] {
			o.put(k.name, k.v)
		}
	}
	if a.kwSpread != nil {
		for _, from := range a.kwSpread.objs {
			if from.src != nil {
				o.src = from.src
			}
			if from.elem != nil {
				r.appendTo(o, from.elem.v)
			}
		}
		if len(a.kwSpread.taints) > 0 {
			o.src = a.kwSpread.taints[0]
		}
	}
	return &Value{objs: []*object{o}}
}

// guardArgs carries over to the caller what a function made sure of about its
// arguments: it throws for others.
func (r *run) guardArgs(c *closure, s site) {
	o := r.latest
	if o == nil || s.expr == nil || r.dead {
		return
	}
	r.latest = nil
	shift := 0
	if c.fn.Method && !c.fn.Static && len(o.params) > 0 {
		shift = 1
	}
	for i, x := range s.expr.Args {
		if i+shift >= len(o.params) || x.Op == ir.Spread || x.Op == ir.Pair {
			break
		}
		if v := o.params[i+shift]; v != nil && v.guard {
			r.assignPlace(x, v, s.fr)
		}
	}
}
