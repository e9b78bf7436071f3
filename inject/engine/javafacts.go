package engine

import (
	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// javaFacts: questions that methods of the JDK answer.
func (r *run) javaFacts(x *ir.Expr, fr *frame, truth bool) ([]fact, bool) {
	recv := x.X.X
	name := x.X.Name
	switch name {
	case "equals", "equalsIgnoreCase", "contentEquals":
		if truth && len(x.Args) == 1 {
			return r.equalFacts(bare(recv), bare(x.Args[0]), fr), true
		}
		return nil, true
	case "containsKey":
		if truth && len(x.Args) == 1 && r.quietTrusted(recv, fr) {
			return []fact{{place: bare(x.Args[0]), safe: rules.All}}, true
		}
		return nil, true
	case "matches", "find", "lookingAt":
		if !truth {
			return nil, true
		}
		if len(x.Args) == 1 && recv != nil { // text.matches(pattern)
			if p, ok := r.eval(x.Args[0], fr).single(); ok {
				return []fact{{place: bare(recv), safe: r.harmless("/"+p+"/", true, false)}}, true
			}
			return nil, true
		}
		q := r.askedOf(recv, fr)
		if q == nil || q.X == nil || q.X.Op != ir.Field || q.X.Name != "matcher" || len(q.Args) != 1 {
			return nil, true
		}
		p := r.eval(q.X.X, fr)
		if p == nil || p.regexp == "" {
			return nil, true
		}
		return []fact{{place: bare(q.Args[0]), safe: r.harmless(p.regexp, name == "matches", name == "lookingAt")}}, true
	case "startsWith":
		if !truth || len(x.Args) != 1 {
			return nil, true
		}
		facts := r.prefixFacts(x, fr, truth, bare(recv), x.Args[0])
		if q := r.askedOf(recv, fr); q != nil && q.X != nil && q.X.Op == ir.Field && len(facts) == 1 && isPlace(q.X.X) {
			facts = append(facts, fact{place: q.X.X, safe: facts[0].safe})
		}
		return facts, true
	}
	return nil, false
}

// askedOf is the call whose result a variable holds, or the call itself.
func (r *run) askedOf(x *ir.Expr, fr *frame) *ir.Expr {
	if x.Op == ir.Call {
		return x
	}
	if x.Op != ir.Read {
		return nil
	}
	if c := cellOf(x.Var, fr); c != nil {
		if q := r.asked[c]; q.value != nil && q.value == c.v {
			return q.x
		}
	}
	return nil
}
