package engine

import (
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// callFacts: questions asked by calls.
func (r *run) callFacts(x *ir.Expr, fr *frame, truth bool, depth int) []fact {
	if r.now.Lang == ir.Go {
		if f, ok := r.goFacts(x, fr, truth); ok {
			return f
		}
	}
	if x.X.Op == ir.Field {
		if f, ok := r.methodFacts(x, fr, truth); ok {
			return f
		}
	}
	f := r.calleeOf(x, fr)
	if f == nil {
		return nil
	}
	for _, e := range f.ext {
		if g := r.about(e).Guard; g != nil {
			return r.guardFacts(g, x, truth)
		}
		switch e {
		case "isinstance":
			return r.typeFacts(x, fr, truth)
		case "re.match", "re.fullmatch", "re.search":
			return r.patternFacts(x, fr, truth, e)
		case "any", "all":
			return nil
		}
	}
	if len(f.fns) == 1 && len(f.ext) == 0 {
		return r.predicateFacts(f.fns[0], x, truth, depth)
	}
	return nil
}

// calleeOf reads what is called, if that does nothing.
func (r *run) calleeOf(x *ir.Expr, fr *frame) *Value {
	switch x.X.Op {
	case ir.Read, ir.Global:
		return r.eval(x.X, fr)
	case ir.Field:
		if isPlace(x.X.X) || x.X.X.Op == ir.Import {
			return r.eval(x.X, fr)
		}
	}
	return nil
}

func (r *run) typeFacts(x *ir.Expr, fr *frame, truth bool) []fact {
	if !truth || len(x.Args) < 2 {
		return nil
	}
	if t := r.eval(x.Args[1], fr); t != nil {
		for _, e := range t.ext {
			if e == "int" || e == "float" || e == "bool" {
				return []fact{{place: bare(x.Args[0]), safe: rules.All}}
			}
		}
	}
	return nil
}

// patternFacts: re.fullmatch(PATTERN, x).
func (r *run) patternFacts(x *ir.Expr, fr *frame, truth bool, name string) []fact {
	if !truth || len(x.Args) < 2 {
		return nil
	}
	p := r.eval(x.Args[0], fr)
	pattern := ""
	if s, ok := p.single(); ok {
		pattern = "/" + s + "/"
	} else if p != nil {
		pattern = p.regexp
	}
	if pattern == "" {
		return nil
	}
	return []fact{{place: bare(x.Args[1]), safe: r.harmless(pattern, name == "re.fullmatch", name == "re.match")}}
}

func (r *run) guardFacts(g *rules.Call, x *ir.Expr, truth bool) []fact {
	if truth == (g.When == "false") {
		return nil
	}
	sel := g.Selector()
	safe := g.Classes()
	if safe == 0 {
		safe = rules.All
	}
	if sel.Index == rules.Receiver && x.X.Op == ir.Field {
		return []fact{{place: bare(x.X.X), safe: safe}}
	}
	if sel.Index >= 0 && sel.Index < len(x.Args) {
		return []fact{{place: bare(x.Args[sel.Index]), safe: safe}}
	}
	return nil
}

// methodFacts: ALLOWED.includes(x), /…/.test(x), x.isdigit(), x.startsWith("…").
func (r *run) methodFacts(x *ir.Expr, fr *frame, truth bool) ([]fact, bool) {
	recv, name := x.X.X, x.X.Name
	var arg *ir.Expr
	if r.now.Lang == ir.Java {
		if f, ok := r.javaFacts(x, fr, truth); ok {
			return f, true
		}
	}
	if len(x.Args) > 0 {
		arg = bare(x.Args[0])
	}
	switch name {
	case "includes", "has", "contains", "hasOwnProperty", "indexOf", "hasOwn":
		if arg == nil {
			return nil, true
		}
		if recv.Op == ir.Global && recv.Name == "Object" && len(x.Args) == 2 {
			recv, arg = x.Args[0], bare(x.Args[1])
		}
		if s, ok := constText(arg); ok && name != "has" {
			if !truth && strings.Contains(s, "..") {
				return []fact{{place: bare(recv), safe: r.only("injection/path")}}, true
			}
			return nil, true
		}
		if truth && name != "indexOf" && r.quietTrusted(recv, fr) {
			return []fact{{place: arg, safe: rules.All}}, true
		}
		return nil, true
	case "call":
		if truth && recv.Op == ir.Field && recv.Name == "hasOwnProperty" && len(x.Args) == 2 && r.quietTrusted(x.Args[0], fr) {
			return []fact{{place: bare(x.Args[1]), safe: rules.All}}, true
		}
	case "test", "exec", "match", "fullmatch":
		return r.regexpFacts(x, fr, truth, recv, arg)
	case "startsWith", "startswith", "is_relative_to":
		return r.prefixFacts(x, fr, truth, bare(recv), arg), true
	}
	v := r.calleeOf(x, fr)
	if v != nil && len(v.ext) > 0 {
		return nil, false
	}
	if g := r.about("?." + name).Guard; g != nil {
		return r.guardFacts(g, x, truth), true
	}
	return nil, false
}

func constText(x *ir.Expr) (string, bool) {
	if x != nil && x.Op == ir.Const {
		return x.Name, true
	}
	return "", false
}

func (r *run) regexpFacts(x *ir.Expr, fr *frame, truth bool, recv, arg *ir.Expr) ([]fact, bool) {
	name := x.X.Name
	var p *Value
	if recv.Op == ir.Pattern || isPlace(recv) || recv.Op == ir.Call {
		p = r.eval(recv, fr)
	}
	if p != nil && p.regexp != "" {
		if !truth || arg == nil {
			return nil, true
		}
		return []fact{{place: arg, safe: r.harmless(p.regexp, name == "fullmatch", name == "match" && r.now.Lang == ir.Python)}}, true
	}
	if name == "match" && arg != nil && r.now.Lang == ir.JS { // x.match(/…/)
		if q := r.eval(x.Args[0], fr); q != nil && q.regexp != "" {
			if !truth {
				return nil, true
			}
			return []fact{{place: bare(recv), safe: r.harmless(q.regexp, false, false)}}, true
		}
	}
	return nil, false
}

// prefixFacts: an address that begins with a trusted host, a resolved path that
// begins with a trusted folder.
func (r *run) prefixFacts(x *ir.Expr, fr *frame, truth bool, place, arg *ir.Expr) []fact {
	if !truth || arg == nil || !isPlace(place) {
		return nil
	}
	v := r.eval(x.Args[0], fr)
	if v == nil || !v.trusted() {
		return nil
	}
	var safe rules.Classes
	start := strings.ToLower(v.start())
	if rest, ok := strings.CutPrefix(start, "https://"); ok && strings.ContainsRune(rest, '/') || start == "" {
		safe |= r.only("injection/ssrf")
	}
	if p := r.eval(place, fr); p != nil {
		resolved := len(p.all()) > 0
		for _, t := range p.all() {
			resolved = resolved && t.Safe&Resolved != 0
		}
		if resolved || x.X.Name == "is_relative_to" {
			safe |= r.only("injection/path")
		}
	}
	return []fact{{place: place, safe: safe}}
}

// Resolved marks a path from which .. and links were taken out; it makes a
// comparison of its beginning mean something.
const Resolved rules.Classes = 1 << 62

// predicateFacts: a function of the program that answers a question about its
// argument by returning one condition.
func (r *run) predicateFacts(c *closure, x *ir.Expr, truth bool, depth int) []fact {
	if c.fn == nil || c.cls != nil { // a class is no question
		return nil
	}
	cond, ok := answerOf(c.fn.Body, truth)
	if !ok {
		return nil
	}
	inner := r.newFrame(c.fn, c.env)
	shift := 0
	if c.fn.Method && !c.fn.Static {
		shift = 1
	}
	for i, p := range c.fn.Params {
		if j := i - shift; j >= 0 && j < len(x.Args) {
			inner.cells[p.Var.Index].v = &Value{led: true}
		}
	}
	now := r.now
	r.now = c.fn.File
	got := r.facts(cond, inner, truth, depth+1)
	r.now = now
	var out []fact
	for _, f := range got {
		if f.place.Op != ir.Read {
			continue
		}
		for i, p := range c.fn.Params {
			if j := i - shift; p.Var == f.place.Var && j >= 0 && j < len(x.Args) {
				f.place = bare(x.Args[j])
				out = append(out, f)
			}
		}
	}
	return out
}

// answerOf is the condition that a function returns, when that is all it does:
// one return, or guards that return a constant before it. truth is the answer that
// is asked about.
func answerOf(body []*ir.Stmt, truth bool) (*ir.Expr, bool) {
	var parts []*ir.Expr
	if len(body) > 0 && body[len(body)-1].Op == ir.Graph {
		return graphAnswer(body[len(body)-1], truth)
	}
	for i, s := range body {
		switch {
		case s.Op == ir.Return && s.X != nil && i == len(body)-1:
			if s.X.Op == ir.Bool {
				if len(parts) == 0 || !strings.EqualFold(s.X.Name, "true") {
					return nil, false
				}
				return &ir.Expr{Op: ir.And, Args: parts}, true
			}
			return &ir.Expr{Op: ir.And, Args: append(parts, s.X)}, true
		case s.Op == ir.If && len(s.Rest().Else) == 0 && len(s.Body) == 1 && s.Body[0].Op == ir.Return && s.Body[0].X != nil &&
			s.Body[0].X.Op == ir.Bool && strings.EqualFold(s.Body[0].X.Name, "false"):
			parts = append(parts, &ir.Expr{Op: ir.Not, X: s.X})
		case s.Op == ir.If && len(s.Rest().Else) == 0 && len(s.Body) == 1 && s.Body[0].Op == ir.Block:
			inner := *s
			inner.Body = s.Body[0].Body
			list := append([]*ir.Stmt{&inner}, body[i+1:]...)
			rest, ok := answerOf(list, truth)
			if !ok {
				return nil, false
			}
			return &ir.Expr{Op: ir.And, Args: append(parts, rest)}, true
		case s.Op == ir.Do && s.X.Op == ir.Const: // a docstring
		default:
			return nil, false
		}
	}
	return nil, false
}

// indirectFacts: a variable that holds the answer of a question asked before is
// not followed; an assignment inside a condition is.
func (r *run) indirectFacts(x *ir.Expr, fr *frame, truth bool, depth int) []fact {
	switch x.Op {
	case ir.Assign:
		return r.facts(x.Y, fr, truth, depth+1)
	case ir.Await:
		return r.facts(x.X, fr, truth, depth+1)
	}
	if c := cellOf(x.Var, fr); c != nil {
		if q := r.asked[c]; q.value != nil && q.value == c.v && q.x != nil {
			return r.facts(q.x, fr, truth, depth+1)
		}
	}
	return nil
}

// kepts is an element that a filter lets through.
func (r *run) kepts(c *closure, elem *Value) (*Value, bool) {
	cond, ok := answerOf(c.fn.Body, true)
	if !ok || len(c.fn.Params) == 0 || elem == nil {
		return nil, false
	}
	inner := r.newFrame(c.fn, c.env)
	inner.cells[c.fn.Params[0].Var.Index].v = elem
	var out *Value
	r.fork(func() {
		r.refine(cond, inner, true)
		out = inner.cells[c.fn.Params[0].Var.Index].v
		r.dead = false
	}, func() {})
	return out, out != elem
}

// A question is a condition whose answer a variable holds.
type question struct {
	x     *ir.Expr
	value *Value
}
