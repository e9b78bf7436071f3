package java

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/internal/classfile"
)

// entry is one value on the operand stack.
type entry struct {
	x    *ir.Expr
	wide bool
	made string // the class of an object before its constructor ran
}

type method struct {
	class  *Class
	index  *Index
	file   *ir.File
	m      *classfile.Method
	fn     *ir.Func
	locals map[string]*ir.Var // by slot and name
	canon  []*ir.Var          // of the stack between blocks
	stack  []entry
	out    []*ir.Stmt
	pos    int32
	bad    bool
}

func lowerMethod(c *Class, x *Index, f *ir.File, m *classfile.Method) *ir.Func {
	fn := &ir.Func{Name: m.Name, File: f}
	g := &method{class: c, index: x, file: f, m: m, fn: fn, locals: map[string]*ir.Var{}}
	slices.SortStableFunc(m.Lines, func(a, b classfile.Line) int { return a.Start - b.Start })
	g.at(0)
	fn.Pos = g.pos
	slot := 0
	if m.Access&accStatic == 0 {
		fn.This = g.local(0, 0)
		slot = 1
	}
	params, _ := slots(m.Descriptor)
	for _, p := range params {
		v := g.local(slot, 0)
		fn.Params = append(fn.Params, ir.Param{Var: v})
		slot++
		if wide(p) {
			slot++
		}
	}
	g.body()
	return fn
}

// at sets the position of what comes next: the line of the source.
func (g *method) at(pc int) {
	i, _ := slices.BinarySearchFunc(g.m.Lines, pc+1, func(l classfile.Line, p int) int { return l.Start - p })
	if i > 0 {
		g.pos = max(int32(g.m.Lines[i-1].Line)-1, 0) //nolint:gosec // 16 bits
	}
}

// local is the variable of a slot at a place in the code.
func (g *method) local(slot, pc int) *ir.Var {
	name := ""
	for _, l := range g.m.Locals[:min(len(g.m.Locals), maxLocals)] {
		if l.Slot == slot && pc >= l.Start && pc < l.Start+l.Length {
			name = l.Name
			break
		}
	}
	key := strconv.Itoa(slot) + name
	v := g.locals[key]
	if v == nil {
		v = g.fn.NewVar(name)
		g.locals[key] = v
	}
	return v
}

func (g *method) expr(op ir.Op) *ir.Expr { return &ir.Expr{Op: op, Pos: g.pos} }

func (g *method) read(v *ir.Var) *ir.Expr { return &ir.Expr{Op: ir.Read, Var: v, Pos: g.pos} }

func (g *method) do(x *ir.Expr) { g.out = append(g.out, &ir.Stmt{Op: ir.Do, Pos: g.pos, X: x}) }

func (g *method) assign(target, v *ir.Expr) {
	g.do(&ir.Expr{Op: ir.Assign, Pos: g.pos, X: target, Y: v})
}

// keep evaluates an expression now and gives a variable that holds it.
func (g *method) keep(x *ir.Expr) *ir.Expr {
	v := g.read(g.fn.NewVar(""))
	g.assign(v, x)
	return v
}

func (g *method) push(x *ir.Expr) { g.stack = append(g.stack, entry{x: x}) }

func (g *method) pushWide(x *ir.Expr) { g.stack = append(g.stack, entry{x: x, wide: true}) }

func (g *method) number() *ir.Expr { return g.expr(ir.Arith) }

func (g *method) pop() *ir.Expr { return g.popEntry().x }

func (g *method) popEntry() entry {
	if len(g.stack) == 0 {
		g.bad = true
		return entry{x: g.expr(ir.Null)}
	}
	e := g.stack[len(g.stack)-1]
	g.stack = g.stack[:len(g.stack)-1]
	return e
}

func (g *method) popN(n int) []*ir.Expr {
	out := make([]*ir.Expr, n)
	for i := n - 1; i >= 0; i-- {
		out[i] = g.pop()
	}
	return out
}

// block is a straight piece of the code.
type block struct {
	start, end int
	in         []entry
	known      bool
	next       []int // positions
	cond       *ir.Expr
	body       []*ir.Stmt
}

// body lowers the code: blocks first, then each from the stack the one before left.
func (g *method) body() {
	code := g.m.Code
	if len(g.m.Handlers) > maxHandlers {
		g.fault(true)
		return
	}
	leaders, ok := g.leaders()
	if !ok || len(leaders) > maxBlocks {
		g.fault(ok)
		return
	}
	number := map[int]int{}
	blocks := make([]*block, len(leaders))
	for i, at := range leaders {
		end := len(code)
		if i+1 < len(leaders) {
			end = leaders[i+1]
		}
		blocks[i] = &block{start: at, end: end}
		number[at] = i
	}
	blocks[0].known = true
	todo := []int{0}
	handlers := map[int][]int{}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		b := blocks[i]
		g.run(b)
		if g.bad {
			g.fault(true)
			return
		}
		reach := func(at int, in []entry) {
			j, ok := number[at]
			if !ok || blocks[j].known {
				return
			}
			blocks[j].known, blocks[j].in = true, in
			todo = append(todo, j)
		}
		for _, at := range b.next {
			reach(at, g.stack)
		}
		for _, h := range g.m.Handlers {
			if b.start >= h.Start && b.start < h.End {
				thrown := g.read(g.canonical(0))
				reach(h.At, []entry{{x: thrown}})
				if j, ok := number[h.At]; ok && !slices.Contains(handlers[i], j) {
					handlers[i] = append(handlers[i], j)
				}
			}
		}
	}
	g.assemble(blocks, number, handlers)
}

func (g *method) fault(limit bool) {
	text := "the code of " + g.m.Name + " does not add up"
	if limit && !g.bad {
		text = "the code of " + g.m.Name + " is too long"
	}
	if len(g.file.Faults) < 100 {
		g.file.Faults = append(g.file.Faults, ir.Fault{Pos: g.fn.Pos, Text: text, Limit: limit && !g.bad})
	}
}

// assemble makes the graph. A block of a try has an empty one before it that also
// leads to the handlers, since it may fail before it did anything.
func (g *method) assemble(blocks []*block, number map[int]int, handlers map[int][]int) {
	place := make([]int, len(blocks))
	n := 0
	for i := range blocks {
		place[i] = n
		n++
		if len(handlers[i]) > 0 {
			n++
		}
	}
	var out []ir.BasicBlock
	for i, b := range blocks {
		if hs := handlers[i]; len(hs) > 0 {
			next := []int{place[i] + 1}
			for _, h := range hs {
				next = append(next, place[h])
			}
			out = append(out, ir.BasicBlock{Next: next})
		}
		bb := ir.BasicBlock{Body: b.body, If: b.cond}
		for _, at := range b.next {
			if j, ok := number[at]; ok {
				bb.Next = append(bb.Next, place[j])
			}
		}
		out = append(out, bb)
	}
	if len(out) == 1 {
		g.fn.Body = inline(out[0].Body)
		return
	}
	g.fn.Body = []*ir.Stmt{{Op: ir.Graph, Pos: g.fn.Pos, Clauses: &ir.Clauses{Blocks: out}}}
}

// inline puts the values of variables that are set once and used once back into
// the return of a straight body, so that a question it answers can be seen.
func inline(body []*ir.Stmt) []*ir.Stmt {
	if len(body) == 0 || len(body) > 12 || body[len(body)-1].Op != ir.Return || body[len(body)-1].X == nil {
		return body
	}
	set := map[*ir.Var]*ir.Expr{}
	for _, s := range body[:len(body)-1] {
		if s.Op != ir.Do || s.X.Op != ir.Assign || s.X.X.Op != ir.Read || s.X.X.Var.Name != "" || set[s.X.X.Var] != nil {
			return body
		}
		set[s.X.X.Var] = s.X.Y
	}
	used := map[*ir.Var]int{}
	var replace func(x *ir.Expr, depth int) *ir.Expr
	replace = func(x *ir.Expr, depth int) *ir.Expr {
		if x == nil || depth > 30 {
			return x
		}
		if x.Op == ir.Read && set[x.Var] != nil {
			used[x.Var]++
			return replace(set[x.Var], depth+1)
		}
		y := *x
		y.X, y.Y = replace(x.X, depth+1), replace(x.Y, depth+1)
		y.Args = nil
		for _, a := range x.Args {
			y.Args = append(y.Args, replace(a, depth+1))
		}
		return &y
	}
	x := replace(body[len(body)-1].X, 0)
	for v := range set {
		if used[v] != 1 {
			return body
		}
	}
	last := *body[len(body)-1]
	last.X = x
	return []*ir.Stmt{&last}
}

// canonical is the variable that holds a place of the stack between blocks.
func (g *method) canonical(depth int) *ir.Var {
	for len(g.canon) <= depth {
		g.canon = append(g.canon, g.fn.NewVar(""))
	}
	return g.canon[depth]
}

// leaders are where blocks begin. ok is false for code that does not add up.
func (g *method) leaders() (list []int, ok bool) {
	code := g.m.Code
	starts := make([]bool, len(code)+1)
	leads := make([]bool, len(code)+1)
	leads[0] = true
	mark := func(at int) bool {
		if at < 0 || at >= len(code) {
			return false
		}
		leads[at] = true
		return true
	}
	for p := 0; p < len(code); {
		size := classfile.Length(code, p)
		if size <= 0 || p+size > len(code) {
			return nil, false
		}
		starts[p] = true
		targets, ends := jumps(code, p, size)
		for _, t := range targets {
			if !mark(t) {
				return nil, false
			}
		}
		if ends || len(targets) > 0 {
			leads[p+size] = true
		}
		p += size
	}
	for _, h := range g.m.Handlers {
		if h.Start < 0 || h.Start >= len(code) || !mark(h.At) || !mark(h.Start) {
			return nil, false
		}
		if h.End < len(code) {
			leads[h.End] = true
		}
	}
	for at := range code {
		if leads[at] {
			if !starts[at] {
				return nil, false
			}
			list = append(list, at)
		}
	}
	return list, len(list) > 0
}

// jumps are where an instruction may lead besides the next; ends says that it
// does not lead to the next.
func jumps(code []byte, p, size int) (targets []int, ends bool) {
	op := code[p]
	short := func() int { return p + int(int16(binary.BigEndian.Uint16(code[p+1:]))) }       //nolint:gosec // signed by definition
	long := func(at int) int { return p + int(int32(binary.BigEndian.Uint32(code[at:]))) }   //nolint:gosec // signed by definition
	number := func(at int) int64 { return int64(int32(binary.BigEndian.Uint32(code[at:]))) } //nolint:gosec // signed by definition
	switch {
	case op >= 0x99 && op <= 0xa6, op == 0xc6, op == 0xc7:
		return []int{short()}, false
	case op == 0xa7:
		return []int{short()}, true
	case op == 0xc8:
		return []int{long(p + 1)}, true
	case op == 0xaa, op == 0xab:
		q := (p + 4) &^ 3
		targets = append(targets, long(q))
		from, step := q+12, 4
		if op == 0xab {
			from, step = q+12, 8
		} else if number(q+4) > number(q+8) {
			return targets, true
		}
		for at := from; at+4 <= p+size; at += step {
			if t := long(at); len(targets) < 600 && !slices.Contains(targets, t) {
				targets = append(targets, t)
			}
		}
		return targets, true
	case op >= 0xac && op <= 0xb1, op == 0xbf, op == 0xa9, op == 0xa8, op == 0xc9:
		return nil, true
	}
	return nil, false
}

// run lowers one block. g.stack is what it leaves.
func (g *method) run(b *block) {
	g.stack = slices.Clone(b.in)
	g.out = nil
	last := b.start
	for p := b.start; p < b.end; {
		last = p
		size := classfile.Length(g.m.Code, p)
		g.at(p)
		g.step(b, p, size)
		if g.bad || len(g.stack) > 1000 {
			g.bad = true
			return
		}
		p += size
	}
	size := classfile.Length(g.m.Code, last)
	targets, ends := jumps(g.m.Code, last, size)
	if b.cond == nil {
		b.next = append(b.next, targets...)
		if !ends {
			b.next = append(b.next, b.end)
		}
	}
	for i := range g.stack {
		e := &g.stack[i]
		c := g.canonical(i)
		if e.made != "" || e.x.Op == ir.Read && e.x.Var == c {
			continue
		}
		if len(b.next) > 0 {
			g.assign(g.read(c), e.x)
		}
		e.x = g.read(c)
	}
	b.body = g.out
}

// store writes a local variable; what of it lies on the stack is kept first.
func (g *method) store(v *ir.Var, x *ir.Expr) {
	for i := range g.stack {
		if uses(g.stack[i].x, v) {
			g.stack[i].x = g.keep(g.stack[i].x)
		}
	}
	g.assign(g.read(v), x)
}

func uses(x *ir.Expr, v *ir.Var) bool {
	for ; x != nil; x = x.X {
		if x.Op == ir.Read {
			return x.Var == v
		}
	}
	return false
}

// branch ends a block by a condition: where it holds first.
func (g *method) branch(b *block, cond *ir.Expr, yes, no int) {
	b.cond, b.next = cond, []int{yes, no}
}
