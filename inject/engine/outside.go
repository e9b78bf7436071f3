package engine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// outside calls what is not part of the program, by its name.
func (r *run) outside(name string, recv *Value, a args, s site) *Value {
	name = r.about(name).Alias
	k := r.about(name)
	if s.recv == nil {
		s.recv = recv
	}
	r.sinks(name, a, s)
	if k.Entry != nil {
		r.registerCall(k.Entry, a, s)
	}
	r.throwing(k.Guard, s)
	switch {
	case strings.HasSuffix(name, ".$module"):
		return r.foreignModule(name, a)
	case k.Clean:
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
			r.callbacks(a, v)
			return v
		}
	}
	if v, ok := r.known(name, a, s); ok {
		return v
	}
	if k.Passes {
		v := r.passedOn(a, s)
		r.callbacks(a, v)
		return v
	}
	return r.unknownResult(name, a, s)
}

// passedOn is a text made of the arguments.
func (r *run) passedOn(a args, s site) *Value {
	vals := a.all()
	if len(vals) == 1 && vals[0] != nil && vals[0].regexp == "" {
		v := *vals[0]
		v.taints = v.deep()
		v.objs, v.fns, v.proc = nil, nil, nil
		return r.moved(&v, s.pos, "changed in form")
	}
	out := r.joined(vals, s.pos, false)
	out.exact, out.strs = false, nil
	return out
}

// unknownResult is what an unknown call gives: a thing of that name, with the
// functions it was given, which it may wrap.
func (r *run) unknownResult(name string, a args, s site) *Value {
	out := &Value{}
	if name != "?" && len(name) < maxName {
		result := name + "()"
		if strings.HasPrefix(name, "boto3.") || strings.HasSuffix(name, ".client") || strings.HasSuffix(name, ".resource") {
			if service, ok := a.at(0).single(); ok && len(service) < 40 {
				result = name + "(" + service + ")"
			}
		}
		out.ext = []string{result}
	}
	if s.new {
		out.objs = []*object{r.newObject(false)}
	}
	var ts []*Taint
	if !strings.ContainsRune(name, ')') && !s.new {
		for _, v := range a.all() {
			if v == nil {
				continue
			}
			for _, t := range v.all() {
				u := *t
				u.Weak = true
				u.Step = t.Step.then(r.now, s.pos, "through "+strings.TrimPrefix(name, "?.")+"()")
				ts = union(ts, []*Taint{&u}, maxTaints, (*Taint).same)
			}
			out.fns = union(out.fns, v.fns, maxRefs, sameClosure)
		}
	} else {
		for _, v := range a.all() {
			if v != nil {
				out.fns = union(out.fns, v.fns, maxRefs, sameClosure)
			}
		}
	}
	if s.recv != nil { // middy(f).use(…) still is f
		out.fns = union(out.fns, s.recv.fns, maxRefs, sameClosure)
	}
	out.taints = ts
	r.callbacks(a, tainted(ts))
	return out
}

// callbacks runs the functions among the arguments, as an unknown call may do.
// The result of the call is their second argument, as Node.js has it.
func (r *run) callbacks(a args, result *Value) {
	for _, v := range a.all() {
		if v == nil {
			continue
		}
		for _, f := range v.fns {
			if f.cls != nil || f.fn.Lang() == ir.Python && len(f.fn.Params) > 1 {
				continue
			}
			b := args{pos: []*Value{nil, result}}
			if len(f.fn.Params) == 1 {
				b.pos = []*Value{result}
			}
			r.fork(func() { r.invoke(f, nil, b); r.dead = false }, func() {})
		}
	}
}

// registerCall notes the functions among the arguments as entry points.
func (r *run) registerCall(e *rules.Call, a args, s site) {
	for i, v := range a.all() {
		if v == nil {
			continue
		}
		if e.Handler != "" {
			sel, err := rules.ParseSelector(e.Handler)
			if err != nil || sel.Index != i && sel.Index >= 0 {
				continue
			}
			for _, p := range sel.Path {
				v = r.field(v, p, 0)
			}
		}
		if v == nil {
			continue
		}
		r.register(v, e.Params, e.Others, "", s.pos)
		for _, o := range v.objs { // lists of middleware
			if o.list {
				for _, n := range o.order {
					r.register(o.field(n).v, e.Params, e.Others, "", s.pos)
				}
			}
		}
	}
}

func (r *run) foreignModule(name string, a args) *Value {
	module := a.at(1)
	r.setField(module, "exports", external(strings.TrimSuffix(name, ".$module")))
	return nil
}

// masked is a value that can no longer harm some classes of sinks.
func masked(v *Value, safe rules.Classes) *Value {
	if v == nil {
		return nil
	}
	out := &Value{prefix: v.start(), led: v.led, guard: v.guard}
	if v.exact && len(v.taints) == 0 && len(v.objs) == 0 {
		return v
	}
	for _, t := range v.all() {
		u := *t
		u.Safe |= safe
		if u.Safe&rules.All != rules.All {
			out.taints = append(out.taints, &u)
		}
	}
	return out
}

func (r *run) escaped(e *rules.Call, a args, s site) *Value {
	v := r.selected(e.Selector(), a, s)
	if v == nil {
		return nil
	}
	out := masked(&Value{taints: v.deep(), led: v.led}, e.Classes())
	r.callbacks(a, nil)
	return r.moved(out, s.pos, "escaped by "+lastName(s))
}

func lastName(s site) string {
	if s.expr != nil && s.expr.X != nil && s.expr.X.Name != "" {
		return s.expr.X.Name
	}
	return "a call"
}

// validated is data that a schema let through.
func (r *run) validated(e *rules.Call, a args, s site) *Value {
	v := r.selected(e.Selector(), a, s)
	if v == nil {
		return nil
	}
	var ts []*Taint
	for _, t := range v.deep() {
		u := t.with(r.now, s.pos, "checked by a schema")
		u.Schema = true
		ts = append(ts, u)
	}
	for _, o := range v.objs { // validators that answer yes or no leave their argument
		if o.src != nil && !o.src.Schema {
			u := *o.src
			u.Schema = true
			o.src = &u
			for _, c := range o.cells {
				c.v = schemed(c.v)
			}
		}
	}
	return r.sourced(ts)
}

func schemed(v *Value) *Value {
	if v == nil || len(v.taints)+len(v.objs) == 0 {
		return v
	}
	u := *v
	u.taints = nil
	for _, t := range v.taints {
		w := *t
		w.Schema = true
		u.taints = append(u.taints, &w)
	}
	for _, o := range v.objs {
		if o.src != nil && !o.src.Schema {
			w := *o.src
			w.Schema = true
			o.src = &w
			for _, c := range o.cells {
				c.v = schemed(c.v)
			}
		}
	}
	return &u
}

// sourced is an object for each taint, whose fields are tainted too.
func (r *run) sourced(ts []*Taint) *Value {
	if len(ts) == 0 {
		return nil
	}
	v := &Value{}
	for _, t := range ts {
		r.born++
		u := *t
		u.Text, u.Parsed = false, true
		t = &u
		v.objs = append(v.objs, &object{src: t, born: r.born})
	}
	return v
}

// fetched is content that an attacker chose, when what names it is an attacker's
// by one of the triggers of the rule.
func (r *run) fetched(e *rules.Call, a args, s site) *Value {
	v := r.selected(e.Selector(), a, s)
	for _, t := range v.deep() {
		grade := r.grade(t.Root, t.Path)
		if len(e.From) > 0 && (grade == nil || !slices.Contains(e.From, string(grade.Trigger))) {
			continue
		}
		u := t.with(r.now, s.pos, e.Title)
		u.Root, u.Path, u.Safe = e.Root, nil, 0
		return r.sourceOf(u)
	}
	return nil
}

// selected is the part of the arguments that a selector names.
func (r *run) selected(sel rules.Selector, a args, s site) *Value {
	var v *Value
	switch sel.Index {
	case rules.AnyArg:
		for _, x := range a.all() {
			v = some(v, r.within2(x, sel))
		}
		return v
	case rules.Receiver:
		v = s.recv
	case rules.ByName:
		var ok bool
		if v, ok = a.keyword(sel.Keyword); !ok {
			if a.kwSpread == nil {
				return nil
			}
			v = r.field(a.kwSpread, sel.Keyword, 0)
		}
	default:
		v = a.at(sel.Index)
	}
	return r.within2(v, sel)
}

func (r *run) within2(v *Value, sel rules.Selector) *Value {
	for _, p := range sel.Path {
		if p == "*" {
			v = r.elem(v, 0)
		} else {
			v = r.peek(v, p)
		}
	}
	return v
}

// peek reads a field that was set, or that of a source; it makes nothing.
func (r *run) peek(v *Value, name string) *Value {
	if v == nil {
		return nil
	}
	var out *Value
	for _, o := range v.objs {
		switch c := o.field(name); {
		case c != nil:
			out = some(out, c.v)
		case o.src != nil:
			if t := r.part(o.src, name, 0); t != nil {
				out = some(out, tainted([]*Taint{t}))
			}
		case o.elem != nil:
			out = some(out, o.elem.v)
		}
	}
	for _, t := range v.taints {
		if u := r.part(t, name, 0); u != nil {
			out = some(out, tainted([]*Taint{u}))
		}
	}
	return out
}

// unknownMethod calls a method of which only the name is known.
func (r *run) unknownMethod(recv *Value, name string, a args, s site) *Value {
	s.recv = recv
	full := "?." + name
	k := r.about(full)
	r.sinks(full, a, s)
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
	if k.Entry != nil && recv == nil {
		r.registerCall(k.Entry, a, s)
	}
	var ts []*Taint
	if recv != nil {
		ts = recv.all()
		if len(recv.fns) > 0 && len(ts) == 0 {
			return r.unknownResult("?", a, s)
		}
	}
	if len(ts) == 0 {
		return r.unknownResult("?."+name, a, s)
	}
	for _, v := range a.all() {
		ts = union(ts, v.all(), maxTaints, (*Taint).same)
	}
	out := tainted(ts)
	r.callbacks(a, out)
	return r.moved(out, s.pos, "through "+name+"()")
}

func (r *run) taggedTemplate(x *ir.Expr, fr *frame) *Value {
	f := r.eval(x.X, fr)
	texts := r.newObject(true)
	a := args{pos: []*Value{{objs: []*object{texts}}}}
	for i, part := range x.Args {
		v := r.eval(part, fr)
		if i%2 == 0 {
			texts.put(strconv.Itoa(texts.next), v)
			texts.next++
		} else {
			a.pos = append(a.pos, v)
		}
	}
	if f == nil {
		return nil
	}
	if len(f.fns) > 0 {
		return r.apply(f, nil, a, site{pos: x.Pos, fr: fr})
	}
	// Tags of libraries bind or escape what is put in; String.raw does not.
	if slices.Contains(f.ext, "String.raw") {
		vals := make([]*Value, len(x.Args))
		for i, part := range x.Args {
			vals[i] = r.eval(part, fr)
		}
		return r.joined(vals, x.Pos, false)
	}
	for _, e := range f.ext {
		r.sinks(e+"``", a, site{pos: x.Pos, fr: fr})
	}
	return external(join2(f.ext, "``")...)
}
