package engine

import (
	"github.com/fnvet/fnvet/inject/ir"
)

func (r *run) block(list []*ir.Stmt, fr *frame) {
	for _, s := range list {
		if r.dead {
			return
		}
		r.stmt(s, fr)
	}
}

func (r *run) stmt(s *ir.Stmt, fr *frame) {
	r.step()
	switch s.Op {
	case ir.Do:
		r.eval(s.X, fr)
	case ir.If:
		r.ifStmt(s, fr)
	case ir.Loop:
		r.loop(s, fr)
	case ir.Switch:
		r.switchStmt(s, fr)
	case ir.Return:
		r.give(r.evalMaybe(s.X, fr))
	case ir.Throw:
		v := r.evalMaybe(s.X, fr)
		if n := len(r.thrown); n > 0 {
			r.thrown[n-1] = join(r.thrown[n-1], v)
		}
		r.dead = true
	case ir.Break, ir.Continue:
		if e := r.exitFor(s.Op, s.Label); e != nil {
			r.leave(e)
		} else {
			r.dead = true
		}
	case ir.Try:
		r.try(s, fr)
	case ir.Block:
		if s.Label == "" {
			r.block(s.Body, fr)
			return
		}
		r.within(&exit{kind: ir.Block, label: s.Label}, func() { r.block(s.Body, fr) })
	case ir.Graph:
		r.graph(s, fr)
	}
}

func (r *run) evalMaybe(x *ir.Expr, fr *frame) *Value {
	if x == nil {
		return nullValue
	}
	return r.eval(x, fr)
}

// give returns a value from the present function.
func (r *run) give(v *Value) {
	c := r.calls[len(r.calls)-1]
	if c.gave {
		c.ret = join(c.ret, v)
	} else {
		c.ret, c.gave = v, true
	}
	if e := r.exitFor(ir.Return, ""); e != nil {
		r.leave(e)
	}
	r.dead = true
}

// within runs a part that jumps may leave through an exit.
func (r *run) within(e *exit, part func()) {
	e.level = len(r.log)
	r.exits = append(r.exits, e)
	r.push()
	e.level = len(r.log) - 1
	part()
	alive := !r.dead
	d := r.pop()
	r.exits = r.exits[:len(r.exits)-1]
	ways := e.ways
	if alive {
		ways = append(ways, d)
	}
	if len(ways) == 0 {
		r.dead = true
		return
	}
	r.merge(ways, false)
}

func (r *run) ifStmt(s *ir.Stmt, fr *frame) {
	v := r.eval(s.X, fr)
	switch truth(v) {
	case yes:
		r.refine(s.X, fr, true)
		r.block(s.Body, fr)
	case no:
		r.refine(s.X, fr, false)
		r.block(s.Rest().Else, fr)
	default:
		r.fork(func() {
			r.refine(s.X, fr, true)
			r.block(s.Body, fr)
		}, func() {
			r.refine(s.X, fr, false)
			r.block(s.Rest().Else, fr)
		})
	}
}

type answer uint8

const (
	perhaps answer = iota
	yes
	no
)

// truth tells what a constant condition says.
func truth(v *Value) answer {
	if v == nil || len(v.taints)+len(v.objs)+len(v.fns)+len(v.ext) > 0 || !v.exact || !v.plain || len(v.strs) != 1 {
		return perhaps
	}
	switch v.strs[0] {
	case "true":
		return yes
	case "false":
		return no
	}
	return perhaps
}

// rounds are how often a loop is run to see what one round leaves for the next.
const rounds = 2

func (r *run) loop(s *ir.Stmt, fr *frame) {
	out := &exit{kind: ir.Break, label: s.Label}
	r.within(out, func() {
		if r.unrolled(s, fr) {
			return
		}
		for range rounds {
			epoch := r.epoch
			var wrote bool
			once := func() {
				before := len(r.log)
				if s.X != nil && !s.After {
					r.eval(s.X, fr)
					r.refine(s.X, fr, true)
				}
				r.within(&exit{kind: ir.Continue, label: s.Label}, func() { r.block(s.Body, fr) })
				if !r.dead {
					r.block(s.Rest().Post, fr)
				}
				if s.X != nil && s.After && !r.dead {
					r.eval(s.X, fr)
				}
				wrote = len(r.log[before-1].cells) > 0
			}
			r.fork(once, func() {})
			if !wrote && epoch == r.epoch || r.dead {
				break
			}
		}
	})
}

// unrolled runs a loop over a few known texts once for each: what a bundler does
// with the names of exports.
func (r *run) unrolled(s *ir.Stmt, fr *frame) bool {
	if s.X != nil || len(s.Body) == 0 || s.Body[0].Op != ir.Do || s.Body[0].X.Op != ir.Assign {
		return false
	}
	over := s.Body[0].X.Y
	if over.Op != ir.Key && over.Op != ir.Elem {
		return false
	}
	v := r.eval(over, fr)
	if names := v.texts(); len(names) < 2 || len(v.objs)+len(v.fns)+len(v.ext) > 0 {
		return false
	}
	if r.fixed == nil {
		r.fixed = map[*ir.Expr]*Value{}
	}
	outer := r.fixed[over]
	for _, name := range v.strs {
		r.fixed[over] = text(name)
		r.within(&exit{kind: ir.Continue, label: s.Label}, func() { r.block(s.Body, fr) })
		if r.dead {
			break
		}
	}
	r.fixed[over] = outer
	return true
}

func (r *run) switchStmt(s *ir.Stmt, fr *frame) {
	r.eval(s.X, fr)
	out := &exit{kind: ir.Break, label: s.Label}
	r.within(out, func() {
		var ways []func()
		hasDefault := false
		cases := s.Rest().Cases
		for i := range cases {
			c := cases[i]
			if c.X == nil {
				hasDefault = true
			} else {
				r.eval(c.X, fr)
			}
			ways = append(ways, func() {
				if c.X != nil {
					r.refine(&ir.Expr{Op: ir.Compare, Name: ir.Equal, X: s.X, Y: c.X, Pos: c.X.Pos}, fr, true)
				}
				// Falls through to the next case with a body, and no further.
				for j := i; j < len(cases) && j < i+16; j++ {
					r.block(cases[j].Body, fr)
					if r.dead {
						return
					}
				}
			})
		}
		if !hasDefault {
			ways = append(ways, func() {})
		}
		r.many(ways)
	})
}

// many is fork for any number of ways; beyond a number they are joined in turn.
func (r *run) many(ways []func()) {
	if len(ways) <= maxWays {
		r.fork(ways...)
		return
	}
	for _, way := range ways {
		r.fork(way, func() {})
	}
}

func (r *run) try(s *ir.Stmt, fr *frame) {
	r.thrown = append(r.thrown, nil)
	r.push()
	r.block(s.Body, fr)
	ended := r.dead
	d := r.pop()
	r.dead = false
	thrown := r.thrown[len(r.thrown)-1]
	r.thrown = r.thrown[:len(r.thrown)-1]
	rest := s.Rest()
	if rest.Catch == nil && s.X == nil {
		r.merge([]delta{d}, false)
		r.dead = ended
	} else {
		r.fork(func() {
			r.merge([]delta{d}, false)
			r.dead = ended
		}, func() {
			for _, c := range d.cells {
				r.set(c, join(c.v, d.vals[c]))
			}
			if s.X != nil && s.X.Var != nil {
				r.assign(s.X, thrown, fr)
			}
			r.block(rest.Catch, fr)
		})
	}
	if len(rest.Finally) > 0 {
		dead := r.dead
		r.dead = false
		r.block(rest.Finally, fr)
		r.dead = r.dead || dead
	}
}

// graph runs a control-flow graph: each block in order, from what the blocks
// before it left, until a round changes nothing or there were enough.
func (r *run) graph(s *ir.Stmt, fr *frame) {
	blocks := s.Rest().Blocks
	in := make([][]delta, len(blocks))
	out := &exit{kind: ir.Break}
	r.within(out, func() {
		start := len(r.log)
		for round := range rounds {
			changed := false
			next := make([][]delta, len(blocks))
			for i := range blocks {
				if i > 0 && len(in[i]) == 0 && len(next[i]) == 0 {
					continue
				}
				changed = r.basic(blocks, i, start, append(in[i], next[i]...), next, fr) || changed
			}
			if !changed || round == rounds-1 {
				break
			}
			in = next
		}
		r.dead = true
	})
}

func (r *run) basic(blocks []ir.BasicBlock, i, start int, from []delta, next [][]delta, fr *frame) bool {
	b := &blocks[i]
	r.push()
	defer func() { r.pop(); r.dead = false }()
	r.dead = false
	if len(from) > 0 {
		if len(from) > maxWays {
			from = from[:maxWays]
		}
		r.merge(from, i == 0)
	}
	r.block(b.Body, fr)
	if r.dead {
		return false
	}
	if b.If != nil {
		r.eval(b.If, fr)
	}
	if len(b.Next) == 0 {
		r.leave(r.exits[len(r.exits)-1])
		return false
	}
	changed := false
	for j, to := range b.Next {
		if to < 0 || to >= len(blocks) {
			continue
		}
		if b.If == nil {
			next[to] = append(next[to], r.since(start))
			changed = changed || to <= i
			continue
		}
		r.push()
		r.refine(b.If, fr, j == 0)
		next[to] = append(next[to], r.since(start))
		changed = changed || to <= i
		r.pop()
	}
	return changed
}
