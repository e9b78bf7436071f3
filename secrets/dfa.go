package secrets

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A program is an expression made ready for a dfa: it is immutable and shared.
//
// It answers only whether there may be a match. For ASCII the answer is exact;
// bytes of longer UTF-8 sequences all count as one class, so that "yes" can be
// wrong where they are, and "no" never is. regexp decides what is left.
type program struct {
	insts []syntax.Inst
	start uint32
	// seek adds a new attempt at every byte; else a match starts where the
	// search does.
	seek bool

	class  [256]uint8
	reps   []rune // a byte of each class; endClass is the one after the last
	stride int32
}

func newProgram(prog *syntax.Prog, seek bool) *program {
	p := &program{insts: prog.Inst, start: uint32(prog.Start), seek: seek} //nolint:gosec // an index of Inst
	var edge [utf8.RuneSelf + 1]bool
	cut := func(lo, hi rune) { // a class begins at lo and another after hi
		if lo < utf8.RuneSelf {
			edge[lo] = true
		}
		if hi < utf8.RuneSelf {
			edge[hi+1] = true
		}
	}
	for _, r := range [][2]rune{{'\n', '\n'}, {'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}} {
		cut(r[0], r[1]) // what assertions look at
	}
	for i := range p.insts {
		eachRange(&p.insts[i], cut)
	}
	for b := range utf8.RuneSelf {
		if b == 0 || edge[b] {
			p.reps = append(p.reps, rune(b))
		}
		p.class[b] = uint8(len(p.reps) - 1) //nolint:gosec // at most 128
	}
	p.reps = append(p.reps, utf8.RuneSelf)
	for b := utf8.RuneSelf; b < 256; b++ {
		p.class[b] = uint8(len(p.reps) - 1) //nolint:gosec // at most 129
	}
	p.stride = int32(len(p.reps) + 1) //nolint:gosec // at most 130
	return p
}

// eachRange calls f for every range of runes an instruction accepts.
func eachRange(in *syntax.Inst, f func(lo, hi rune)) {
	switch in.Op {
	case syntax.InstRune1:
		f(in.Rune[0], in.Rune[0])
	case syntax.InstRune:
		if len(in.Rune) == 1 {
			f(in.Rune[0], in.Rune[0])
			if in.Arg&uint32(syntax.FoldCase) != 0 {
				for r := unicode.SimpleFold(in.Rune[0]); r != in.Rune[0]; r = unicode.SimpleFold(r) {
					f(r, r)
				}
			}
			return
		}
		for i := 0; i+1 < len(in.Rune); i += 2 {
			f(in.Rune[i], in.Rune[i+1])
		}
	case syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		f(0, unicode.MaxRune)
	default: // consumes nothing
	}
}

// accepts reports whether the instruction can consume a byte of the class.
func (p *program) accepts(in *syntax.Inst, class int) bool {
	if rep := p.reps[class]; rep < utf8.RuneSelf {
		return in.MatchRune(rep)
	}
	high := false
	eachRange(in, func(_, hi rune) { high = high || hi >= utf8.RuneSelf })
	return high
}

// What stands before a position.
const (
	afterStart   = iota // nothing: the start of the text
	afterNewline        // a newline
	afterWord           // an ASCII letter, digit or underscore
	afterOther
	contexts
)

func contextOf(b rune) uint8 {
	switch {
	case b == '\n':
		return afterNewline
	case b < utf8.RuneSelf && syntax.IsWordChar(b):
		return afterWord
	}
	return afterOther
}

// contextAt is the context of offset i of data.
func contextAt(data []byte, i int) uint8 {
	if i == 0 {
		return afterStart
	}
	return contextOf(rune(data[i-1]))
}

// assertions are the empty-width conditions that hold between a context and a
// byte of the class; endClass stands for the end of the text.
func (p *program) assertions(context uint8, class int) syntax.EmptyOp {
	var ops syntax.EmptyOp
	if context == afterStart {
		ops |= syntax.EmptyBeginText | syntax.EmptyBeginLine
	}
	if context == afterNewline {
		ops |= syntax.EmptyBeginLine
	}
	word := false
	if class == len(p.reps) {
		ops |= syntax.EmptyEndText | syntax.EmptyEndLine
	} else {
		next := contextOf(p.reps[class])
		word = next == afterWord
		if next == afterNewline {
			ops |= syntax.EmptyEndLine
		}
	}
	if word != (context == afterWord) {
		return ops | syntax.EmptyWordBoundary
	}
	return ops | syntax.EmptyNoWordBoundary
}

// Special states of a dfa; real ones follow.
const (
	unknown  = iota // not computed yet
	dead            // no match can follow
	accepted        // a match ends before this byte
	firstState
)

const (
	maxStates = 4000 // states of one dfa before it starts over
	maxProbe  = 512  // bytes after which an undecided probe counts as a match
	// A text that needs more new states than that, and that share of its bytes, is
	// read no faster than by regexp: the question is left open.
	maxFresh   = 2000
	freshShare = 8
)

// A dfa is a program's states as far as texts have needed them: subsets of its
// instructions, built when first met (as in Thompson's and RE2's). It belongs to
// one worker.
type dfa struct {
	p      *program
	table  []int32 // state*stride + class → state
	sets   [][]uint32
	prior  []uint8 // context of each state
	index  map[string]int32
	starts [contexts]int32
	total  *int // entries of the tables of all the worker's dfas

	seen        []uint32 // generation marks per instruction
	generation  uint32
	stack, next []uint32
	key         []byte
}

func newDFA(p *program, total *int) *dfa {
	d := &dfa{p: p, total: total, seen: make([]uint32, len(p.insts))}
	d.clear()
	return d
}

func (d *dfa) clear() {
	*d.total -= len(d.table)
	d.index = map[string]int32{}
	d.table = make([]int32, firstState*d.p.stride, 16*d.p.stride)
	*d.total += len(d.table)
	d.sets = make([][]uint32, firstState)
	d.prior = make([]uint8, firstState)
	d.starts = [contexts]int32{}
}

// find searches data from offset from and returns where a match may end. At
// most limit bytes are read; found is also true when that leaves it open.
func (d *dfa) find(data []byte, from, limit int) (end int, found bool) {
	context := contextAt(data, from)
	state := d.starts[context]
	if state == unknown {
		d.next = append(d.next[:0], d.p.start)
		state = d.state(context)
		d.starts[context] = state
	}
	stop := len(data)
	if limit < stop-from {
		stop = from + limit
	}
	patience := maxFresh + (stop-from)/freshShare
	for i := from; i < stop; i++ {
		class := int32(d.p.class[data[i]])
		to := d.table[state*d.p.stride+class]
		if to < firstState {
			if to == unknown {
				if patience--; patience < 0 {
					return i, true
				}
				to = d.step(state, int(class))
			}
			switch to {
			case dead:
				return i, false
			case accepted:
				return i, true
			}
		}
		state = to
	}
	if stop < len(data) {
		return stop, true
	}
	return stop, d.step(state, len(d.p.reps)) == accepted
}

// step computes and stores the transition of a state by a class.
func (d *dfa) step(state int32, class int) int32 {
	at := state*d.p.stride + int32(class) //nolint:gosec // at most 130
	if to := d.table[at]; to != unknown {
		return to
	}
	to := d.move(state, class)
	if to < firstState || len(d.sets) < maxStates {
		d.table[at] = to
		return to
	}
	set, context := d.sets[to], d.prior[to]
	d.clear()
	d.next = append(d.next[:0], set...)
	return d.state(context)
}

func (d *dfa) move(state int32, class int) int32 {
	ops := d.p.assertions(d.prior[state], class)
	d.generation++
	d.stack = append(d.stack[:0], d.sets[state]...)
	d.next = d.next[:0]
	for len(d.stack) > 0 {
		pc := d.stack[len(d.stack)-1]
		d.stack = d.stack[:len(d.stack)-1]
		if d.seen[pc] == d.generation {
			continue
		}
		d.seen[pc] = d.generation
		in := &d.p.insts[pc]
		switch in.Op {
		case syntax.InstMatch:
			return accepted
		case syntax.InstAlt, syntax.InstAltMatch:
			d.stack = append(d.stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			d.stack = append(d.stack, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^ops == 0 { //nolint:gosec // eight bits
				d.stack = append(d.stack, in.Out)
			}
		case syntax.InstFail:
		default:
			d.consume(pc, in, class)
		}
	}
	if class == len(d.p.reps) {
		return dead
	}
	if d.p.seek {
		d.next = append(d.next, d.p.start)
	}
	return d.state(contextOf(d.p.reps[class]))
}

// consume adds to next where an instruction leads by a byte of the class. In a
// longer UTF-8 sequence the rune may go on, or be over.
func (d *dfa) consume(pc uint32, in *syntax.Inst, class int) {
	if class == len(d.p.reps) || !d.p.accepts(in, class) {
		return
	}
	d.next = append(d.next, in.Out)
	if d.p.reps[class] >= utf8.RuneSelf {
		d.next = append(d.next, pc)
	}
}

// state returns the number of the state whose instructions are d.next.
func (d *dfa) state(context uint8) int32 {
	if len(d.next) == 0 {
		return dead
	}
	slices.Sort(d.next)
	d.next = slices.Compact(d.next)
	d.key = append(d.key[:0], context)
	for _, pc := range d.next {
		d.key = append(d.key, byte(pc), byte(pc>>8), byte(pc>>16)) //nolint:gosec // taken apart on purpose
	}
	if s, ok := d.index[string(d.key)]; ok {
		return s
	}
	s := int32(len(d.sets)) //nolint:gosec // at most maxStates
	d.sets = append(d.sets, slices.Clone(d.next))
	d.prior = append(d.prior, context)
	d.table = append(d.table, make([]int32, d.p.stride)...)
	*d.total += int(d.p.stride)
	d.index[string(d.key)] = s
	return s
}
