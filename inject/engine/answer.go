package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

// Limits of the ways through a function that answers a question.
const (
	maxAnswerBlocks = 64
	maxAnswerWays   = 32
)

// walk follows the ways through a graph that return a truth value.
type walk struct {
	blocks []ir.BasicBlock
	truth  bool
	ways   []*ir.Expr // each: all that held on it
	bad    bool
}

// graphAnswer is what holds where a function without structure returns true, or
// false: one way or another of those that do. It is for short functions without
// loops whose blocks do nothing but ask.
func graphAnswer(s *ir.Stmt, truth bool) (*ir.Expr, bool) {
	blocks := s.Rest().Blocks
	if len(blocks) > maxAnswerBlocks || len(blocks) == 0 {
		return nil, false
	}
	w := &walk{blocks: blocks, truth: truth}
	w.from(0, 0, nil, nil)
	if w.bad || len(w.ways) == 0 {
		return nil, false
	}
	x := &ir.Expr{Op: ir.Or, Args: w.ways}
	if !truth {
		x = &ir.Expr{Op: ir.Not, X: x}
	}
	return x, true
}

// from goes on at a block with what held so far and the values that variables of
// the stack were given.
func (w *walk) from(i, depth int, held []*ir.Expr, stack map[*ir.Var]*ir.Expr) {
	if i < 0 || i >= len(w.blocks) || depth > maxAnswerBlocks || len(w.ways) > maxAnswerWays {
		w.bad = true
		return
	}
	b := &w.blocks[i]
	for _, s := range b.Body {
		switch {
		case s.Op == ir.Return:
			w.end(s.X, held, stack)
			return
		case s.Op == ir.Throw:
			return
		case s.Op == ir.Do && s.X.Op == ir.Assign && s.X.X.Op == ir.Read:
			next := make(map[*ir.Var]*ir.Expr, len(stack)+1)
			maps.Copy(next, stack)
			next[s.X.X.Var] = s.X.Y
			stack = next
		case s.Op == ir.Do && (s.X.Op == ir.Call || isConst(s.X) || s.X.Op == ir.Read):
		default:
			w.bad = true
			return
		}
	}
	for j, to := range b.Next {
		if b.If == nil {
			w.from(to, depth+1, held, stack)
			continue
		}
		cond := resolved(b.If, stack)
		if j > 0 {
			cond = &ir.Expr{Op: ir.Not, X: cond, Pos: b.If.Pos}
		}
		w.from(to, depth+1, append(slices.Clip(held), cond), stack)
	}
}

// end is a return: where it may give the answer that is asked for, what held is one
// of the ways to it.
func (w *walk) end(x *ir.Expr, held []*ir.Expr, stack map[*ir.Var]*ir.Expr) {
	if x == nil {
		w.bad = true
		return
	}
	x = resolved(x, stack)
	if x.Op == ir.Num || x.Op == ir.Bool {
		if (x.Name != "0" && !strings.EqualFold(x.Name, "false")) != w.truth {
			return
		}
	} else {
		if !w.truth {
			x = &ir.Expr{Op: ir.Not, X: x, Pos: x.Pos}
		}
		held = append(slices.Clip(held), x)
	}
	w.ways = append(w.ways, &ir.Expr{Op: ir.And, Args: held})
}

// resolved is an expression with what a variable of the stack holds in its place.
func resolved(x *ir.Expr, stack map[*ir.Var]*ir.Expr) *ir.Expr {
	for range 8 {
		switch {
		case x.Op == ir.Read && stack[x.Var] != nil:
			x = stack[x.Var]
		case x.Op == ir.Not && x.X.Op == ir.Read && stack[x.X.Var] != nil:
			x = &ir.Expr{Op: ir.Not, X: stack[x.X.Var], Pos: x.Pos}
		default:
			return x
		}
	}
	return x
}
