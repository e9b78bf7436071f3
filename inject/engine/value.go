// Package engine follows event data through lowered code. It runs a program on
// abstract values: where a value came from, which objects and functions it may
// be, what is known of its text. A function is run once for each shape of its
// arguments and the outcome kept (parameter to result, parameter to sink), so
// that calls of any depth cost little; steps are counted, and reaching a limit is
// told. What is a source, a sink or a sanitiser it takes from package rules. It
// executes nothing.
package engine

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// A Step is one stage of data on its way, linked to the one before.
type Step struct {
	File *ir.File
	Pos  int32
	note string
	read []string // the fields that are read, where note is ""
	Prev *Step
	n    int
}

// Note says what the step does.
func (s *Step) Note() string {
	if s.note == "" {
		return "reads " + strings.Join(s.read, ".")
	}
	return s.note
}

// A Taint says that a value holds data of an attacker's choosing.
type Taint struct {
	Root string // of the source, as rules name it: "event", "http.request"
	// Path are the fields from the root, "[]" for elements.
	Path []string
	Step *Step
	// Safe holds the classes of sinks that the data can no longer harm.
	Safe rules.Classes
	// Weak counts what makes it less sure: unknown calls, schemas.
	Weak   bool
	Schema bool
	// Text says that the data is a text for sure, not an object; Parsed that it
	// was taken apart, so that what its source says of that no longer holds.
	Text, Parsed bool
}

func (t *Taint) same(u *Taint) bool {
	return t == u || t.Root == u.Root && t.Safe == u.Safe && t.Weak == u.Weak && t.Schema == u.Schema && t.Text == u.Text && t.Parsed == u.Parsed && slices.Equal(t.Path, u.Path)
}

// with returns a copy one step on.
func (t *Taint) with(f *ir.File, pos int32, note string) *Taint {
	u := *t
	u.Step = t.Step.then(f, pos, note)
	return &u
}

func (s *Step) then(f *ir.File, pos int32, note string) *Step {
	if s != nil && (s.n >= maxSteps || s.File == f && s.Pos == pos && s.note == note) {
		return s
	}
	return s.next(Step{File: f, Pos: pos, note: note})
}

// reading is then for a place where fields are read.
func (s *Step) reading(f *ir.File, pos int32, fields []string) *Step {
	if s != nil && s.n >= maxSteps {
		return s
	}
	return s.next(Step{File: f, Pos: pos, read: fields})
}

func (s *Step) next(t Step) *Step {
	if t.Prev = s; s != nil {
		t.n = s.n + 1
	}
	return &t
}

// Limits of values.
const (
	maxSteps   = 60 // of one flow
	maxTaints  = 8
	maxRefs    = 24 // objects, functions or names of one value
	maxStrings = 24
	maxPath    = 12
	maxName    = 120 // of an external name
)

// A Value is what a variable may hold. nil is a value of which nothing is known
// and that is no attacker's. Values are never changed.
type Value struct {
	taints []*Taint
	objs   []*object
	fns    []*closure
	ext    []string // names of what is outside of the program: "child_process.exec"
	strs   []string // all texts it may be, if exact
	prefix string   // of its text, where exact is false
	regexp string   // "/…/flags" when it is a regular expression
	proc   *partial
	exact  bool
	plain  bool // a number, a truth value or nothing: no text at all
	led    bool // begins with what is no attacker's
	guard  bool // made harmless by a question, not by assignment
}

// partial is a bound method of a value that is not an object.
type partial struct {
	recv *Value
	name string
}

var (
	plainValue = &Value{plain: true}
	nullValue  = &Value{plain: true}
)

func text(s string) *Value { return &Value{strs: []string{s}, exact: true} }

func external(names ...string) *Value { return &Value{ext: names} }

// union adds the items of b that a lacks, up to a limit.
func union[T any](a, b []T, limit int, same func(x, y T) bool) []T {
	if len(b) == 0 || len(a) >= limit {
		return a
	}
	if len(a) == 0 {
		return b
	}
	out := a
	for _, y := range b {
		if len(out) >= limit {
			break
		}
		if !slices.ContainsFunc(a, func(x T) bool { return same(x, y) }) {
			out = append(slices.Clip(out), y)
		}
	}
	return out
}

func sameClosure(a, b *closure) bool {
	return a == b || a.fn == b.fn && a.env == b.env && a.this == b.this && a.cls == b.cls && len(a.bound)+len(b.bound) == 0
}

func equal[T comparable](x, y T) bool { return x == y }

// join is what a value may be on one of two ways.
func join(a, b *Value) *Value {
	switch {
	case a == b:
		return a
	case a == nullValue:
		return b
	case b == nullValue:
		return a
	case a == nil:
		a = &Value{}
	case b == nil:
		b = &Value{}
	}
	v := &Value{
		taints: union(a.taints, b.taints, maxTaints, (*Taint).same),
		objs:   union(a.objs, b.objs, maxRefs, equal[*object]),
		fns:    union(a.fns, b.fns, maxRefs, sameClosure),
		ext:    union(a.ext, b.ext, maxRefs, equal[string]),
		plain:  a.plain && b.plain,
		led:    a.led && b.led,
		guard:  a.guard && b.guard,
		proc:   a.proc,
	}
	if a.proc == nil {
		v.proc = b.proc
	}
	if v.regexp = a.regexp; v.regexp == "" {
		v.regexp = b.regexp
	}
	switch {
	case a.exact && (b.exact || b.plain), b.exact && a.plain:
		v.strs, v.exact = union(a.strs, b.strs, maxStrings, equal[string]), len(a.strs)+len(b.strs) <= maxStrings
	default:
		v.prefix = commonPrefix(a.start(), b.start())
	}
	return v
}

// some is join where nil means that there is none.
func some(a, b *Value) *Value {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return join(a, b)
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// start is what is known of the beginning of a value's text.
func (v *Value) start() string {
	if v == nil {
		return ""
	}
	if v.exact && len(v.strs) == 1 {
		return v.strs[0]
	}
	return v.prefix
}

// texts are the texts a value may be, if it can be no other.
func (v *Value) texts() []string {
	if v == nil || !v.exact || len(v.taints) > 0 {
		return nil
	}
	return v.strs
}

func (v *Value) single() (string, bool) {
	if t := v.texts(); len(t) == 1 {
		return t[0], true
	}
	return "", false
}

// trusted says that a value is no attacker's and is or begins with some text.
func (v *Value) trusted() bool { return v == nil || len(v.taints) == 0 && !v.sourced() }

func (v *Value) sourced() bool {
	return v != nil && slices.ContainsFunc(v.objs, func(o *object) bool { return o.src != nil })
}

// all are the taints of a value itself and of the source objects it may be.
func (v *Value) all() []*Taint {
	if v == nil {
		return nil
	}
	out := v.taints
	for _, o := range v.objs {
		if o.src != nil {
			out = union(out, []*Taint{o.src}, maxTaints, (*Taint).same)
		}
	}
	return out
}

// maxLook bounds how many fields one look into a value visits.
const maxLook = 600

// deep are the taints of a value and of everything in it, as far as a bounded
// look goes.
func (v *Value) deep() []*Taint {
	if v == nil || len(v.objs) == 0 {
		return v.all()
	}
	left := maxLook
	return v.deepInto(nil, map[*object]bool{}, 0, &left)
}

func (v *Value) deepInto(out []*Taint, seen map[*object]bool, depth int, left *int) []*Taint {
	if v == nil || depth > 6 || *left <= 0 {
		return out
	}
	*left--
	if len(v.taints) > 0 || len(v.objs) > 0 {
		out = union(out, v.all(), maxTaints, (*Taint).same)
	}
	for _, o := range v.objs {
		if seen[o] {
			continue
		}
		seen[o] = true
		for _, c := range o.cells {
			if *left <= 0 {
				return out
			}
			out = c.v.deepInto(out, seen, depth+1, left)
		}
		if o.elem != nil {
			out = o.elem.v.deepInto(out, seen, depth+1, left)
		}
	}
	return out
}

// tainted is a text of which taints are known.
func tainted(taints []*Taint) *Value {
	if len(taints) == 0 {
		return nil
	}
	return &Value{taints: taints}
}

// A cell is a place that holds a value.
type cell struct {
	v    *Value
	born int
	heap bool
}

// object is an object, array, list or dictionary.
type object struct {
	order   []string       // names of fields, in the order they were made
	cells   []*cell        // of order
	at      map[string]int // places in order, once there are many
	elem    *cell          // what lies under unknown keys
	src     *Taint         // fields that were not set come from this source
	cls     *class
	getters map[string]*closure
	list    bool
	tuple   bool // the results of a function
	born    int
	looked  int // the last look that came by
	next    int // index of the next element of a list
	pkg     *packaged
	proto   *object // where fields are looked for that it lacks (JavaScript)
}

// packaged is the package that an object is what it exports, by the fields there were
// when they were asked last.
type packaged struct {
	shape string
	asked int
}

type class struct {
	def     *ir.ClassDef
	env     *frame
	supers  []*Value
	members map[string]*Value
	getters map[string]bool
	statics *object
	proto   *object // once the program asks for it
}

// frame holds the variables of one run of a function.
type frame struct {
	fn     *ir.Func
	cells  []cell
	parent *frame
}

// closure is a function with its surroundings.
type closure struct {
	fn    *ir.Func
	env   *frame
	this  *Value
	bound []*Value
	cls   *class  // when calling makes an object
	props *object // of the function as an object, or nil
}

// own is the object that holds the properties of a function or class.
func (c *closure) own() *object {
	if c.cls != nil {
		return c.cls.statics
	}
	if c.props == nil {
		c.props = &object{}
	}
	return c.props
}

// find looks a method up in a class and those it extends.
func (c *class) find(name string, depth int) (*Value, bool) {
	if c.proto != nil {
		if f := c.proto.field(name); f != nil && f.v != nil {
			return f.v, c.getters[name]
		}
	}
	if v, ok := c.members[name]; ok {
		return v, c.getters[name]
	}
	if depth > 16 {
		return nil, false
	}
	for _, s := range c.supers {
		if s == nil {
			continue
		}
		for _, f := range s.fns {
			if f.cls != nil {
				if v, getter := f.cls.find(name, depth+1); v != nil {
					return v, getter
				}
			}
		}
	}
	return nil, false
}

// foreign are the names of external classes that a class extends.
func (c *class) foreign(depth int) []string {
	var out []string
	for _, s := range c.supers {
		if s == nil || depth > 16 {
			continue
		}
		out = append(out, s.ext...)
		for _, f := range s.fns {
			if f.cls != nil {
				out = append(out, f.cls.foreign(depth+1)...)
			}
		}
	}
	return out
}

// fewFields is up to how many fields an object is searched without an index.
const fewFields = 8

// field is nil where the object lacks it.
func (o *object) field(name string) *cell {
	if len(o.order) > fewFields {
		if i, ok := o.at[name]; ok {
			return o.cells[i]
		}
		return nil
	}
	for i, n := range o.order {
		if n == name {
			return o.cells[i]
		}
	}
	return nil
}

// put gives a new object a field; it is no effect on what was there before.
func (o *object) put(name string, v *Value) *cell {
	if c := o.field(name); c != nil {
		c.v = v
		return c
	}
	c := &cell{v: v, born: o.born, heap: true}
	o.order, o.cells = append(o.order, name), append(o.cells, c)
	switch n := len(o.order); {
	case n == fewFields+1:
		o.at = make(map[string]int, 4*fewFields)
		for i, name := range o.order {
			o.at[name] = i
		}
	case n > fewFields:
		o.at[name] = n - 1
	}
	return c
}

func join2(names []string, suffix string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		if len(n)+len(suffix) <= maxName {
			out = append(out, n+suffix)
		}
	}
	return out
}

// last is the part of an external name after its last dot.
func last(name string) string {
	return name[strings.LastIndexByte(name, '.')+1:]
}
