package engine

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// sinks asks the tables whether a call is dangerous and notes what reaches it.
func (r *run) sinks(name string, a args, s site) {
	for _, k := range r.about(name).Sinks {
		if k.When != nil && !r.holds(k.When, a, s) || k.Unless != nil && r.holds(k.Unless, a, s) {
			continue
		}
		for _, sel := range k.Selectors() {
			v := r.selected(sel, a, s)
			if v == nil {
				continue
			}
			ts := v.all()
			if sel.Deep {
				ts = v.deep()
			}
			for _, t := range ts {
				if t.Safe&k.Class() != 0 || k.Objects && t.Text {
					continue
				}
				low := k.URL && !hostOpen(v)
				r.hit(&Hit{Class: r.rules.Class(k), Sink: k, Taint: t, File: r.now, Pos: s.pos, Call: shortName(name, s), Why: k.Why, Low: low})
			}
		}
	}
}

func shortName(name string, s site) string {
	if !strings.HasPrefix(name, "?") {
		return strings.ReplaceAll(name, "()", "")
	}
	if s.expr != nil && s.expr.X != nil {
		switch s.expr.X.Op {
		case ir.Field:
			return s.expr.X.Name
		case ir.Read:
			return s.expr.X.Var.Name
		}
	}
	return strings.TrimPrefix(name, "?.")
}

// hostOpen says that an attacker chooses the host of an address.
func hostOpen(v *Value) bool {
	p := v.start()
	if p == "" {
		return !v.led
	}
	lower := strings.ToLower(p)
	for _, scheme := range []string{"https://", "http://", "ftp://", "ws://", "wss://"} {
		if strings.HasPrefix(lower, scheme) {
			return !strings.ContainsAny(p[len(scheme):], "/?#")
		}
	}
	return !strings.ContainsAny(p, "/?#") && !v.led
}

func (r *run) hit(h *Hit) {
	at := place{h.File, h.Pos, h.Class}
	if old := r.byPlace[at]; old != nil {
		if better(h, old) {
			*old = *h
		}
		return
	}
	if len(r.hits) >= maxHits {
		r.overflow("calls are reached by event data")
		return
	}
	r.byPlace[at] = h
	r.hits = append(r.hits, h)
}

const maxHits = 5000

// better says that one of two hits at a place is the surer.
func better(a, b *Hit) bool {
	rank := func(h *Hit) int {
		n := 0
		if h.Taint.Weak {
			n += 4
		}
		if h.Taint.Schema {
			n += 2
		}
		if h.Low {
			n++
		}
		return n
	}
	return rank(a) < rank(b)
}

// holds answers a condition about the arguments of a call.
func (r *run) holds(c *rules.Condition, a args, s site) bool {
	at := func(sel string) *Value {
		p, err := rules.ParseSelector(sel)
		if err != nil {
			return nil
		}
		return r.selected(p, a, s)
	}
	if len(c.Truthy) > 0 && !slices.ContainsFunc(c.Truthy, func(sel string) bool { return mayBeTrue(at(sel)) }) {
		return false
	}
	if len(c.Built) > 0 && !slices.ContainsFunc(c.Built, func(sel string) bool { v := at(sel); return v != nil && v.prefix != "" }) {
		return false
	}
	for sel, want := range c.Is {
		v := at(sel)
		if v == nil || !slices.ContainsFunc(v.strs, func(s string) bool { return slices.Contains(want, s) }) {
			return false
		}
	}
	for sel, want := range c.Not {
		if v := at(sel); v != nil && slices.ContainsFunc(v.strs, func(s string) bool { return slices.Contains(want, s) }) {
			return false
		}
	}
	for sel, want := range c.Named {
		v := at(sel)
		if v == nil || !slices.ContainsFunc(v.ext, func(e string) bool {
			return slices.ContainsFunc(want, func(g string) bool { return rules.Glob(g, e) })
		}) {
			return false
		}
	}
	for sel, want := range c.Starts {
		v := at(sel)
		if v == nil {
			return false
		}
		p := strings.ToLower(strings.TrimLeft(v.start(), " \t\r\n("))
		if !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(p, w) }) {
			return false
		}
	}
	return true
}

// mayBeTrue says that an option is there and is not plainly off.
func mayBeTrue(v *Value) bool {
	if v == nil || v == nullValue {
		return false
	}
	if v.exact && len(v.strs) == 1 {
		switch v.strs[0] {
		case "false", "False", "", "0":
			return false
		}
	}
	return true
}

// response looks at what an entry point returns: markup and headers.
func (r *run) response(fn *ir.Func, out *Value) {
	if out == nil {
		return
	}
	r.now = fn.File
	headers := some(r.peek(out, "headers"), r.peek(out, "multiValueHeaders"))
	kind := some(r.peek(headers, "Content-Type"), some(r.peek(headers, "content-type"), r.peek(headers, "Content-type")))
	body := r.peek(out, "body")
	if len(out.objs) == 0 {
		body, headers, kind = out, nil, nil
	}
	markup := kind != nil && slices.ContainsFunc(kind.strs, func(s string) bool { return strings.Contains(strings.ToLower(s), "html") })
	if kind != nil && kind.prefix != "" && strings.Contains(kind.prefix, "html") {
		markup = true
	}
	if body != nil && (markup || kind == nil && body.prefix != "" && strings.HasPrefix(strings.TrimSpace(body.prefix), "<") && !strings.HasPrefix(strings.TrimSpace(body.prefix), "<?xml")) {
		r.returned("injection/html", body.all(), fn, "the response is HTML")
	}
	if headers != nil {
		r.returned("injection/header", headers.deepOwn(), fn, "it becomes a header of the response")
	}
}

// deepOwn are the taints of the fields of an object that the program made.
func (v *Value) deepOwn() []*Taint {
	var out []*Taint
	for _, o := range v.objs {
		for _, name := range o.order {
			out = union(out, o.field(name).v.deep(), maxTaints, (*Taint).same)
		}
	}
	return out
}

func (r *run) returned(id string, ts []*Taint, fn *ir.Func, why string) {
	class, bit := r.rules.ClassOf(id)
	if class == nil || class.Severity == fnvet.SeverityUnknown {
		return
	}
	for _, t := range ts {
		if t.Safe&bit != 0 {
			continue
		}
		h := &Hit{Class: class, Taint: t, File: fn.File, Pos: fn.Pos, Call: "return", Why: why}
		if t.Step != nil {
			h.File, h.Pos = t.Step.File, t.Step.Pos
		}
		r.hit(h)
	}
}
