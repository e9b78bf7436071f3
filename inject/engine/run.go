package engine

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// Limits of a run.
const (
	maxCalls     = 48        // deep
	maxRecursion = 2         // of one function in itself
	maxNesting   = 12_000    // of expressions
	DefaultSteps = 2_000_000 // of one entry point; a step is an expression or statement
	maxKept      = 12        // outcomes of one function that are kept
	maxRuns      = 16        // of one function in one piece of work, where no event data is in sight
	maxTainted   = 64        // of one function, where it is
	cheap        = 10_000    // steps of one function in all, below which maxRuns does not matter
	dear         = 100_000   // the same for maxTainted
)

// ErrSteps says that a run was ended by its limit of steps.
var ErrSteps = errors.New("the limit of steps was reached")

// A Loader finds the file that a module name means, or nil when it is not a part
// of the program. Absolute names are asked too.
type Loader func(from *ir.File, module string) *ir.File

// A Hit is data of an attacker that reaches a sink.
type Hit struct {
	Class *rules.Class
	Sink  *rules.Sink // nil for what an entry point returns
	Taint *Taint
	File  *ir.File
	Pos   int32
	Call  string // the name of what is called
	Why   string
	// Low says that the data is only in a part of an address where it can do little.
	Low bool
}

// An Entry is a function that events reach.
type Entry struct {
	File   *ir.File
	Name   string
	Params []string // as in rules.Call.Params
	Others string
	fn     *Value
	pos    int32
}

// A Machine runs the code of one program. It is for one goroutine.
type Machine struct {
	run run
}

type module struct {
	frame *frame
	done  bool
}

type run struct {
	ctx        context.Context
	rules      *rules.Set
	load       Loader
	limit      int
	steps      int
	nest       int
	now        *ir.File
	modules    map[*ir.File]*module
	entries    []Entry
	registered map[registration]bool
	hits       []*Hit
	byPlace    map[place]*Hit
	reached    map[*ir.File]bool
	files      []*ir.File // reached, in order
	lost       []*ir.File // with functions that were run too often to follow all data into them
	full       Overflow

	log    []*branch
	exits  []*exit
	base   int
	dead   bool
	thrown []*Value
	calls  []*call
	born   int
	mark   int
	low    int
	look   int // of all looks into values so far
	epoch  int
	kept   map[*ir.Func][]*outcome
	latest *outcome
	runs   map[*ir.Func]*tally
	fixed  map[*ir.Expr]*Value // what a loop that is unrolled is at
	asked  map[*cell]question
	tables tables
}

type place struct {
	file  *ir.File
	pos   int32
	class *rules.Class
}

// tally counts how often a function was run, with what it gave last.
type tally struct {
	n, cost int
	ret     *Value
}

// call is one active call.
type call struct {
	fn     *ir.Func
	ret    *Value
	gave   bool
	yields *Value
	lazy   bool
}

type outOfSteps struct{}

// New makes a machine. load may be nil.
func New(ctx context.Context, set *rules.Set, load Loader, steps int) *Machine {
	if steps <= 0 {
		steps = DefaultSteps
	}
	if load == nil {
		load = func(*ir.File, string) *ir.File { return nil }
	}
	return &Machine{run{ctx: ctx, rules: set, load: load, limit: steps, steps: steps, modules: map[*ir.File]*module{},
		byPlace: map[place]*Hit{}, registered: map[registration]bool{}, reached: map[*ir.File]bool{}, kept: map[*ir.Func][]*outcome{}, asked: map[*cell]question{}, tables: newTables()}}
}

// Load runs the body of a file. The error is ErrSteps or the context's.
func (m *Machine) Load(f *ir.File) error {
	return m.guarded(func(r *run) { r.require(f) })
}

// Entries are what the code that ran registered: routes, HTTP functions.
func (m *Machine) Entries() []Entry { return m.run.entries }

// Hits are what was found so far, in the order of the run.
func (m *Machine) Hits() []*Hit { return m.run.hits }

// Files are those that were run or called, in order.
func (m *Machine) Files() []*ir.File { return m.run.files }

// Lost are files with a function that event data was not followed into each time.
func (m *Machine) Lost() []*ir.File { return m.run.lost }

// An Overflow says where there was too much of something to note it all.
type Overflow struct {
	File *ir.File // nil: nowhere
	What string   // "calls are reached by event data"
}

// Full is the first overflow.
func (m *Machine) Full() Overflow { return m.run.full }

func (r *run) overflow(what string) {
	if r.full.File == nil {
		r.full = Overflow{r.now, what}
	}
}

// Export finds a function that a file exports by a dotted name; false when it
// has none.
func (m *Machine) Export(f *ir.File, name string) (e Entry, ok bool) {
	err := m.guarded(func(r *run) {
		mod := r.modules[f]
		if mod == nil {
			return
		}
		r.now = f
		v := r.exported(f)
		for part := range strings.SplitSeq(name, ".") {
			v = r.field(v, part, 0)
		}
		if v != nil && (len(v.fns) > 0) {
			e, ok = Entry{File: f, Name: name, fn: v}, true
		}
	})
	return e, ok && err == nil
}

// Defines says that a file that was loaded exports something by a dotted name, or
// may: what it exports comes from code that is not followed.
func (m *Machine) Defines(f *ir.File, name string) (ok bool) {
	err := m.guarded(func(r *run) {
		if r.modules[f] == nil || f.Exports == nil {
			return
		}
		r.now = f
		v := r.exported(f)
		for part := range strings.SplitSeq(name, ".") {
			if v.open() {
				ok = true
				return
			}
			if !v.has(part) {
				return
			}
			v = r.field(v, part, 0)
		}
		ok = v != nullValue && (v == nil || !v.plain && len(v.strs) == 0)
	})
	return ok && err == nil
}

// Names says that what a file exports has a name of its own, not only fields whose
// names are not known.
func (m *Machine) Names(f *ir.File, name string) (ok bool) {
	err := m.guarded(func(r *run) {
		r.now = f
		v := r.exported(f)
		ok = v != nil && v.has(name)
	})
	return ok && err == nil
}

// open says that a value may have fields that are not known.
func (v *Value) open() bool {
	return v == nil || len(v.ext) > 0 || len(v.taints) > 0 || slices.ContainsFunc(v.objs, func(o *object) bool {
		return o.src != nil || o.elem != nil || o.cls != nil
	})
}

// has says that an object or function of the program has a field.
func (v *Value) has(name string) bool {
	if slices.ContainsFunc(v.objs, func(o *object) bool { return o.field(name) != nil || o.getters[name] != nil }) {
		return true
	}
	return slices.ContainsFunc(v.fns, func(f *closure) bool {
		return f.cls != nil || f.props != nil && f.props.field(name) != nil
	})
}

// Enter runs an entry point with an event. The error is as for Load.
func (m *Machine) Enter(e Entry) error {
	return m.guarded(func(r *run) { r.enter(e) })
}

func (m *Machine) guarded(f func(r *run)) (err error) {
	r := &m.run
	r.steps, r.nest = r.limit, 0
	r.runs, r.fixed = nil, nil
	defer func() {
		p := recover()
		r.log, r.exits, r.base, r.calls, r.thrown, r.dead = nil, nil, 0, nil, nil, false
		switch p := p.(type) {
		case nil:
		case outOfSteps:
			err = ErrSteps
			if c := r.ctx.Err(); c != nil {
				err = c
			}
		default:
			panic(p)
		}
	}()
	f(r)
	return nil
}

// step counts one piece of work.
func (r *run) step() {
	r.steps--
	if r.steps < 0 || r.steps&0xFFFF == 0 && r.ctx.Err() != nil {
		panic(outOfSteps{})
	}
}

// require runs a file once and gives what it exports.
func (r *run) require(f *ir.File) *Value {
	if r.modules[f] == nil {
		m := &module{frame: r.newFrame(f.Main, nil)}
		r.modules[f] = m
		r.reach(f)
		// What a file does when it is loaded is not part of any branch.
		log, exits, base, calls, dead, now, thrown := r.log, r.exits, r.base, r.calls, r.dead, r.now, r.thrown
		r.log, r.exits, r.base, r.calls, r.dead, r.now, r.thrown = nil, nil, 0, append(slices.Clip(calls), &call{fn: f.Main}), false, f, nil
		r.exits = append(r.exits, &exit{kind: ir.Return})
		r.block(f.Main.Body, m.frame)
		m.done = true
		r.log, r.exits, r.base, r.calls, r.dead, r.now, r.thrown = log, exits, base, calls, dead, now, thrown
	}
	return r.exported(f)
}

func (r *run) exported(f *ir.File) *Value {
	m := r.modules[f]
	if m == nil || f.Exports == nil {
		return nil
	}
	v := m.frame.cells[f.Exports.Index].v
	if f.Lang == ir.JS {
		return r.field(v, "exports", 0)
	}
	return v
}

func (r *run) reach(f *ir.File) {
	if !r.reached[f] {
		r.reached[f] = true
		r.files = append(r.files, f)
	}
}

func (r *run) newFrame(fn *ir.Func, parent *frame) *frame {
	r.born++
	fr := &frame{fn: fn, cells: make([]cell, fn.Vars), parent: parent}
	for i := range fr.cells {
		fr.cells[i].born, fr.cells[i].v = r.born, nullValue
	}
	return fr
}

// enter runs an entry point.
func (r *run) enter(e Entry) {
	if e.fn == nil {
		return
	}
	for _, fn := range e.fn.fns {
		if fn.cls != nil {
			continue
		}
		r.dead = false
		r.now = fn.fn.File
		params := fn.fn.Params
		if fn.fn.Method && fn.this != nil && len(params) > 0 {
			params = params[1:]
		}
		var a args
		for i := range max(len(params), len(e.Params)) {
			what := e.Others
			if i < len(e.Params) {
				what = e.Params[i]
			}
			name := ""
			if i < len(params) {
				name = params[i].Var.Name
			}
			a.pos = append(a.pos, r.given(what, name, fn.fn))
		}
		out := r.invoke(fn, fn.this, a)
		if fn.fn.Lang() == ir.Go {
			out = r.pick(out, "0")
		}
		if len(e.Params) > 0 && e.Params[0] != "" || e.Others != "" {
			r.response(fn.fn, out)
		}
	}
}

// given makes the value that a parameter of an entry point gets.
func (r *run) given(what, name string, fn *ir.Func) *Value {
	kind, arg, _ := strings.Cut(what, ":")
	switch kind {
	case "source":
		t := &Taint{Root: arg, Step: (*Step)(nil).then(fn.File, fn.Pos, "the event enters "+nameOf(fn))}
		if name != "" && strings.HasPrefix(arg, "http.param") {
			t.Path = []string{name}
		}
		return r.sourceOf(t)
	case "ext":
		return r.external(arg)
	}
	return nil
}

func nameOf(fn *ir.Func) string {
	if fn.Name == "" {
		return "the function"
	}
	return fn.Name
}

// sourceOf is an object whose fields all come from a source.
func (r *run) sourceOf(t *Taint) *Value {
	r.born++
	return &Value{objs: []*object{{src: t, born: r.born}}}
}

// Used is how many steps the latest piece of work took.
func (m *Machine) Used() int { return m.run.limit - max(m.run.steps, 0) }
