package engine

import (
	"github.com/fnvet/fnvet/inject/ir"
)

// delta is what one way through the code wrote.
type delta struct {
	cells []*cell // in the order of the first write
	vals  map[*cell]*Value
}

// branch remembers what cells held when it began.
type branch struct {
	start int // what was made later need not be undone
	cells []*cell
	old   map[*cell]*Value
}

func (r *run) push() { r.log = append(r.log, &branch{start: r.born}) }

// pop undoes a branch and returns what it had written.
func (r *run) pop() delta {
	b := r.log[len(r.log)-1]
	r.log = r.log[:len(r.log)-1]
	d := delta{cells: b.cells, vals: make(map[*cell]*Value, len(b.cells))}
	for _, c := range b.cells {
		d.vals[c] = c.v
		c.v = b.old[c]
	}
	return d
}

// since collects what was written above a level of the log, without undoing it.
func (r *run) since(level int) delta {
	d := delta{vals: map[*cell]*Value{}}
	for _, b := range r.log[level:] {
		r.steps -= len(b.cells) / 8 // a piece of work too
		for _, c := range b.cells {
			if _, ok := d.vals[c]; !ok {
				d.cells = append(d.cells, c)
				d.vals[c] = c.v
			}
		}
	}
	return d
}

// set writes a cell so that it can be undone.
func (r *run) set(c *cell, v *Value) {
	if c.v == v {
		return
	}
	if n := len(r.log); n > 0 {
		b := r.log[n-1]
		if _, ok := b.old[c]; !ok && c.born <= b.start {
			if b.old == nil {
				b.old = map[*cell]*Value{}
			}
			b.old[c] = c.v
			b.cells = append(b.cells, c)
		}
	}
	if c.heap || c.born < r.mark {
		r.epoch++
	}
	r.low = min(r.low, c.born)
	c.v = v
}

// An exit is where a return, break or continue leads, with what was written on
// the ways there.
type exit struct {
	kind  ir.StmtOp
	label string
	level int // of the log
	ways  []delta
}

// leave ends the present way at an exit.
func (r *run) leave(e *exit) {
	if len(e.ways) < maxWays {
		e.ways = append(e.ways, r.since(e.level))
	}
	r.dead = true
}

// maxWays bounds the ways to one exit that are told apart.
const maxWays = 64

// merge continues where several ways meet; alive says that the present one does too.
func (r *run) merge(ways []delta, alive bool) {
	if len(ways) == 0 {
		r.dead = !alive
		return
	}
	r.dead = false
	if len(ways) == 1 && !alive {
		for _, c := range ways[0].cells {
			r.set(c, ways[0].vals[c])
		}
		return
	}
	done := map[*cell]bool{}
	for i := range ways {
		for _, c := range ways[i].cells {
			if done[c] {
				continue
			}
			done[c] = true
			var v *Value
			first := true
			add := func(w *Value) {
				if first {
					v, first = w, false
				} else {
					v = join(v, w)
				}
			}
			if alive {
				add(c.v)
			}
			for j := range ways {
				if w, ok := ways[j].vals[c]; ok {
					add(w)
				} else {
					add(c.v)
				}
			}
			r.set(c, v)
		}
	}
}

// fork runs alternatives and continues with all that did not end.
func (r *run) fork(ways ...func()) {
	var live []delta
	for _, way := range ways {
		r.push()
		r.dead = false
		way()
		d := r.pop()
		if !r.dead {
			live = append(live, d)
		}
	}
	if len(live) == 0 {
		r.dead = true
		return
	}
	r.merge(live, false)
}

// find returns the exit that a jump leads to, or nil.
func (r *run) exitFor(kind ir.StmtOp, label string) *exit {
	for i := len(r.exits) - 1; i >= r.base; i-- {
		e := r.exits[i]
		switch {
		case kind == ir.Return:
			if e.kind == ir.Return {
				return e
			}
		case label != "":
			if e.label == label && (e.kind == kind || kind == ir.Break && e.kind == ir.Block) {
				return e
			}
		case e.kind == kind:
			return e
		}
	}
	return nil
}
