package engine

import (
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// A fact is what a condition says of a place: its text can no longer harm some
// classes, or it is one of some texts.
type fact struct {
	place *ir.Expr
	safe  rules.Classes
	is    *Value
}

// refine changes what is known of places on a way that a condition allows.
func (r *run) refine(x *ir.Expr, fr *frame, truth bool) {
	facts := r.facts(x, fr, truth, 0)
	for _, f := range facts {
		facts = append(facts, r.hostFacts(f, fr)...)
	}
	for _, f := range facts {
		v := r.quiet(f.place, fr)
		if v == nil || v.trusted() {
			continue
		}
		switch {
		case f.is != nil:
			w := *f.is
			w.guard = true
			r.assignPlace(f.place, &w, fr)
		default:
			w := masked(v, f.safe)
			w.guard = true
			r.assignPlace(f.place, w, fr)
		}
	}
}

// hostFacts: what is known of the host of an address holds of the address, and of
// the text that it was read from.
func (r *run) hostFacts(f fact, fr *frame) []fact {
	x := f.place
	if x == nil || x.Op != ir.Field || f.is == nil && f.safe&r.only("injection/ssrf") == 0 {
		return nil
	}
	switch x.Name {
	case "hostname", "host", "origin", "netloc", "Host":
	default:
		return nil
	}
	out := []fact{{place: x.X, safe: r.only("injection/ssrf")}}
	if q := r.askedOf(x.X, fr); q != nil && len(q.Args) > 0 {
		out = append(out, fact{place: bare(q.Args[0]), safe: r.only("injection/ssrf")})
	}
	return out
}

// quiet reads a place again, without what a call in it would do.
func (r *run) quiet(x *ir.Expr, fr *frame) *Value {
	if !isPlace(x) {
		return nil
	}
	return r.eval(x, fr)
}

func isPlace(x *ir.Expr) bool {
	for x != nil {
		switch x.Op {
		case ir.Read:
			return true
		case ir.Field:
			x = x.X
		case ir.Index:
			if x.Y.Op != ir.Const && x.Y.Op != ir.Num {
				return false
			}
			x = x.X
		case ir.Global:
			return true
		default:
			return false
		}
	}
	return false
}

// assignPlace gives a place what is known of it now.
func (r *run) assignPlace(x *ir.Expr, v *Value, fr *frame) {
	x = bare(x)
	switch x.Op {
	case ir.Read:
		if c := cellOf(x.Var, fr); c != nil {
			r.set(c, v)
		}
	case ir.Field, ir.Index:
		if isPlace(x) {
			name := x.Name
			if x.Op == ir.Index {
				name = x.Y.Name
			}
			o := r.eval(x.X, fr)
			if o == nil || len(o.objs) > maxPlaces {
				return
			}
			for _, obj := range o.objs { // whichever it is, the question was about its field
				if x.Name == gotten && obj.cls != nil {
					continue // its own method
				}
				r.setField(&Value{objs: []*object{obj}}, name, v)
			}
		}
	}
}

// gotten is the Name of an Index that stands for a call.
const gotten = "get"

// entryOf is the place that x.get("a") reads, of a dictionary or a request; x
// itself where it is another call.
func entryOf(x *ir.Expr, depth int) *ir.Expr {
	const maxDepth = 16
	if x.Op != ir.Call || x.X.Op != ir.Field || x.Y != nil || x.Flags&ir.New != 0 || len(x.Args) == 0 || x.Args[0].Op != ir.Const || depth > maxDepth {
		return x
	}
	switch x.X.Name {
	case "get", "header", "param", "query":
		return &ir.Expr{Op: ir.Index, Name: gotten, Pos: x.Pos, X: entryOf(x.X.X, depth+1), Y: x.Args[0]}
	}
	return x
}

// bare is a place without the conversions around it that do not matter to a
// question: Number(x), String(x), x.trim(), x.get("a").
func bare(x *ir.Expr) *ir.Expr {
	for x != nil {
		switch {
		case x.Op == ir.Await || x.Op == ir.Seq && len(x.Args) == 1:
			if x.Op == ir.Await {
				x = x.X
			} else {
				x = x.Args[0]
			}
		case x.Op == ir.Or && len(x.Args) == 2 && (x.Args[1].Op == ir.Const || x.Args[1].Op == ir.Null):
			x = x.Args[0]
		case x.Op == ir.Call && x.X.Op == ir.Global && len(x.Args) == 1:
			switch x.X.Name {
			case "Number", "String", "parseInt", "parseFloat", "str", "int", "float":
				x = x.Args[0]
			default:
				return x
			}
		case x.Op == ir.Call && len(x.Args) > 0:
			return entryOf(x, 0)
		case x.Op == ir.Call && x.X.Op == ir.Field && len(x.Args) == 0:
			switch x.X.Name {
			case "trim", "strip", "toLowerCase", "lower", "toString", "toUpperCase", "upper":
				x = x.X.X
			default:
				return x
			}
		default:
			return x
		}
	}
	return x
}

// maxPlaces bounds the objects whose field a question is taken to be about.
const maxPlaces = 4

func (r *run) facts(x *ir.Expr, fr *frame, truth bool, depth int) []fact {
	if depth > 8 || x == nil {
		return nil
	}
	switch x.Op {
	case ir.Not:
		return r.facts(x.X, fr, !truth, depth)
	case ir.And, ir.Or:
		return r.allFacts(x, fr, truth, depth)
	case ir.Compare:
		return r.compareFacts(x, fr, truth)
	case ir.Call:
		return r.callFacts(x, fr, truth, depth)
	case ir.Read, ir.Await, ir.Assign:
		return r.indirectFacts(x, fr, truth, depth)
	case ir.Index:
		if truth { // TABLE[x] is there
			if v := r.quietTrusted(x.X, fr); v {
				return []fact{{place: bare(x.Y), safe: rules.All}}
			}
		}
	}
	return nil
}

// allFacts joins the facts of a row of conditions: all of them where all must
// hold, those that every one gives where one must.
func (r *run) allFacts(x *ir.Expr, fr *frame, truth bool, depth int) []fact {
	every := (x.Op == ir.And) == truth
	var out []fact
	for i, a := range x.Args {
		got := r.facts(a, fr, truth, depth+1)
		if every {
			out = append(out, got...)
			continue
		}
		if i == 0 {
			out = got
			continue
		}
		var both []fact
		for _, f := range out {
			for _, g := range got {
				if samePlace(f.place, g.place) {
					if f.is != nil && g.is != nil {
						both = append(both, fact{place: f.place, is: join(f.is, g.is)})
					} else {
						both = append(both, fact{place: f.place, safe: f.mask() & g.mask()})
					}
				}
			}
		}
		out = both
	}
	return out
}

func (f fact) mask() rules.Classes {
	if f.is != nil {
		return rules.All
	}
	return f.safe
}

func samePlace(a, b *ir.Expr) bool {
	for a != nil && b != nil {
		if a.Op != b.Op || a.Name != b.Name || a.Var != b.Var {
			return false
		}
		if a.Op == ir.Index && !samePlace(a.Y, b.Y) {
			return false
		}
		a, b = a.X, b.X
	}
	return a == b
}

// quietTrusted says that what a question looks into is not an attacker's.
func (r *run) quietTrusted(x *ir.Expr, fr *frame) bool {
	if x.Op == ir.Call {
		// Object.keys(X), X.keys(), new Set([...])
		for _, a := range x.Args {
			if !r.quietTrusted(a, fr) {
				return false
			}
		}
		if x.X.Op == ir.Field && x.X.X.Op != ir.Global {
			return r.quietTrusted(x.X.X, fr)
		}
		return true
	}
	if x.Op == ir.List || x.Op == ir.Object || x.Op == ir.Const {
		return x.Op != ir.Const
	}
	if !isPlace(x) {
		return false
	}
	v := r.eval(x, fr)
	if v == nil {
		return true
	}
	if v.exact || v.plain {
		return false
	}
	return !r.carries(v)
}

func isConst(x *ir.Expr) bool {
	return x.Op == ir.Const || x.Op == ir.Num || x.Op == ir.Bool || x.Op == ir.Null
}

func (r *run) compareFacts(x *ir.Expr, fr *frame, truth bool) []fact {
	a, b := bare(x.X), bare(x.Y)
	switch x.Name {
	case ir.Equal, ir.NotEqual:
		if (x.Name == ir.Equal) == truth {
			return r.equalFacts(a, b, fr)
		}
		return r.indexFacts(x, fr)
	case ir.In, ir.NotIn:
		if (x.Name == ir.In) != truth {
			if a.Op == ir.Const && strings.Contains(a.Name, "..") {
				return []fact{{place: b, safe: r.only("injection/path")}}
			}
			return nil
		}
		if isPlace(a) && r.quietTrusted(b, fr) {
			return []fact{{place: a, safe: rules.All}}
		}
	case "<", ">", "<=", ">=":
		return r.orderFacts(x, fr, truth)
	}
	return nil
}

// equalFacts: a place equals a constant, a type, or what is no attacker's.
func (r *run) equalFacts(a, b *ir.Expr, fr *frame) []fact {
	if isConst(a) {
		a, b = b, a
	}
	if a.Op == ir.Type && b.Op == ir.Const {
		switch b.Name {
		case "number", "boolean", "bigint":
			return []fact{{place: a.X, safe: rules.All}}
		}
		return nil
	}
	if !isPlace(a) {
		// An index that is found: LIST.indexOf(x) === 0.
		if isPlace(b) {
			a, b = b, a
		} else {
			return nil
		}
	}
	switch b.Op {
	case ir.Const:
		return []fact{{place: a, is: text(b.Name)}}
	case ir.Num, ir.Bool:
		return []fact{{place: a, is: plainValue}}
	case ir.Null:
		return nil
	}
	if isPlace(b) {
		v := r.eval(b, fr)
		w := r.eval(a, fr)
		switch {
		case v != nil && v.trusted() && v != nullValue && (v.exact || len(v.ext) > 0):
			return []fact{{place: a, is: v}}
		case w != nil && w.trusted() && w != nullValue && (w.exact || len(w.ext) > 0):
			return []fact{{place: b, is: w}}
		}
	}
	return nil
}

// found reads LIST.indexOf(x) and LIST.findIndex(…): the place and whether the
// list is trusted.
func (r *run) found(x *ir.Expr, fr *frame) (*ir.Expr, bool) {
	if x.Op == ir.Call && x.X.Op == ir.Field && len(x.Args) > 0 {
		switch x.X.Name {
		case "indexOf", "lastIndexOf", "index", "count":
			if r.quietTrusted(x.X.X, fr) {
				return bare(x.Args[0]), true
			}
		case "search":
		}
	}
	return nil, false
}

// indexFacts: LIST.indexOf(x) is not -1.
func (r *run) indexFacts(x *ir.Expr, fr *frame) []fact {
	place, ok := r.found(x.X, fr)
	if ok && x.Y.Op == ir.Arith && len(x.Y.Args) == 1 && x.Y.Args[0].Op == ir.Num {
		return []fact{{place: place, safe: rules.All}}
	}
	return nil
}

// orderFacts: LIST.indexOf(x) >= 0 and its negations; a number comparison says
// nothing of a text.
func (r *run) orderFacts(x *ir.Expr, fr *frame, truth bool) []fact {
	place, ok := r.found(x.X, fr)
	if !ok {
		return nil
	}
	up := x.Name == ">" || x.Name == ">="
	if up == truth {
		return []fact{{place: place, safe: rules.All}}
	}
	return nil
}

func (r *run) only(ids ...string) rules.Classes {
	var out rules.Classes
	for _, id := range ids {
		_, bit := r.rules.ClassOf(id)
		out |= bit
	}
	return out
}
