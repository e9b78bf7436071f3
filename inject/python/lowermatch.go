package python

import (
	"slices"

	"github.com/fnvet/fnvet/inject/ir"
)

func (l *lowerer) match(n *Node) []*ir.Stmt {
	subject := l.expr(n.A)
	var out []*ir.Stmt
	if subject.Op != ir.Read && subject.Op != ir.Field {
		v := l.make.Read(l.scope.fn.NewVar(""), n.A.Pos)
		out = append(out, l.make.Do(l.make.Assign(v, subject)))
		subject = v
	}
	var rest []*ir.Stmt
	for _, c := range slices.Backward(n.List) {

		cond := l.patternCond(c.A, subject)
		var body []*ir.Stmt
		for _, x := range l.patternBind(nil, c.A, subject) {
			body = append(body, l.make.Do(x))
		}
		if c.B != nil {
			body = append(body, ifElse(c.B.Pos, l.expr(c.B), l.body(c.Body), rest))
		} else {
			body = append(body, l.body(c.Body)...)
		}
		rest = []*ir.Stmt{ifElse(c.Pos, cond, body, rest)}
	}
	return append(out, rest...)
}

// patternCond is the question that a pattern asks of its subject.
func (l *lowerer) patternCond(p *Node, subject *ir.Expr) *ir.Expr {
	switch p.Kind {
	case String, Number, Literal, Attribute, Name:
		return &ir.Expr{Op: ir.Compare, Name: ir.Equal, Pos: p.Pos, X: subject, Y: l.expr(p)}
	case Binary:
		if p.Str == "|" {
			or := &ir.Expr{Op: ir.Or, Pos: p.Pos}
			for _, item := range p.List {
				or.Args = append(or.Args, l.patternCond(item, subject))
			}
			return or
		}
	case Capture:
		if p.A != nil {
			return l.patternCond(p.A, subject)
		}
	case Dict:
		and := &ir.Expr{Op: ir.And, Pos: p.Pos, Args: []*ir.Expr{unknown(p.Pos)}}
		for _, item := range p.List {
			if item.Kind == Pair && item.A.Kind == String {
				and.Args = append(and.Args, l.patternCond(item.B, l.make.Field(subject, item.A.Str, item.Pos)))
			}
		}
		return and
	case List:
		and := &ir.Expr{Op: ir.And, Pos: p.Pos, Args: []*ir.Expr{unknown(p.Pos)}}
		for i, item := range p.List {
			if item.Kind != Star {
				and.Args = append(and.Args, l.patternCond(item, l.make.Field(subject, number(i), item.Pos)))
			}
		}
		return and
	case Call:
		if p.A.Kind == Name && len(p.List) <= 1 {
			return &ir.Expr{Op: ir.Call, Pos: p.Pos, X: &ir.Expr{Op: ir.Global, Name: "isinstance"}, Args: []*ir.Expr{subject, l.expr(p.A)}}
		}
	default:
	}
	return unknown(p.Pos)
}

func (l *lowerer) patternBind(out []*ir.Expr, p *Node, subject *ir.Expr) []*ir.Expr {
	switch p.Kind {
	case Capture:
		if p.A != nil {
			out = l.patternBind(out, p.A, subject)
		}
		if p.Str != "_" {
			out = append(out, l.make.Assign(l.target(p.Str, p.Pos), subject))
		}
	case Dict:
		for _, item := range p.List {
			switch {
			case item.Kind == Pair && item.A.Kind == String:
				out = l.patternBind(out, item.B, l.make.Field(subject, item.A.Str, item.Pos))
			case item.Kind == Star:
				out = l.patternBind(out, item.A, subject)
			}
		}
	case List:
		for i, item := range p.List {
			if item.Kind == Star {
				out = l.patternBind(out, item.A, &ir.Expr{Op: ir.Tail, Name: number(i), Pos: item.Pos, X: subject})
				continue
			}
			out = l.patternBind(out, item, l.make.Field(subject, number(i), item.Pos))
		}
	case Call:
		for _, item := range p.List {
			if item.Kind == Keyword {
				out = l.patternBind(out, item.A, l.make.Field(subject, item.Str, item.Pos))
			} else {
				out = l.patternBind(out, item, subject)
			}
		}
	case Binary:
		for _, item := range p.List {
			out = l.patternBind(out, item, subject)
		}
	default:
	}
	return out
}
