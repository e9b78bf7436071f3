package eval

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Kind says what a Value is.
type Kind uint8

// The kinds. Unknown is the zero value: what could not be resolved is never guessed.
const (
	Unknown Kind = iota
	Null
	Bool
	Number
	String
	List     // tuples, lists and sets, in order
	Map      // objects and maps, in the order of the source
	Choice   // one of Items, by a condition that could not be resolved
	Instance // a resource or data source as a whole: Refs[0] names it
)

// A Pos is a place in a file. Line and Column are 1-based, Column in bytes.
type Pos struct {
	File         string
	Line, Column int
}

// A Ref is a link to an attribute of something that is declared elsewhere.
type Ref struct {
	Address string // "aws_s3_bucket.b", "module.m.aws_s3_bucket.b[\"k\"]", "var.name"
	Attr    string // "arn", "" for the whole
}

// String writes the reference as the source would: "aws_s3_bucket.b.arn".
func (r Ref) String() string {
	if r.Attr == "" {
		return r.Address
	}
	return r.Address + "." + r.Attr
}

// A Part is a piece of a string: Text when Known, and the link it came from, if any.
// A part that is neither known nor a link is unknown text.
//
// Doc is what the part is the JSON of, where the text was made from a value.
type Part struct {
	Text  string
	Known bool
	Ref   *Ref
	Doc   *Value
}

func (p Part) plain() bool { return p.Known && p.Ref == nil && p.Doc == nil }

// A Var is an input variable that a value came through.
type Var struct {
	Name       string
	Module     string // address of the module that declares it, "" for the root
	Pos        Pos
	Sensitive  bool
	HasDefault bool
}

// A Field is an entry of a Map.
type Field struct {
	Key    string
	KeyPos Pos
	Value  *Value
}

// A Value is what an expression comes to, as far as it can be told, with the
// place of the literal that states it. Values are shared and never changed.
type Value struct {
	Kind   Kind
	Pos    Pos
	Bool   bool
	Number float64
	Parts  []Part   // of a String
	Items  []*Value // of a List or a Choice
	Fields []Field  // of a Map
	Refs   []Ref    // what an Unknown hangs on; what an Instance is
	Vars   []*Var   // the input variables it came through, of this node alone
	Maybe  bool     // of a nested block: it is there only under a condition

	def  *resource // of an Instance
	mod  *module   // of an Instance that is a module
	key  string    // instance key of an Instance, as in an address
	size int       // nodes and kilobytes of text below, saturating
}

// Limits of one value; what would be larger is Unknown.
const (
	maxText   = 1 << 20 // bytes of a string
	maxSize   = 100_000 // nodes of a value
	maxChoice = 16      // alternatives that are followed
)

func unknown(pos Pos, refs ...Ref) *Value { return &Value{Pos: pos, Refs: refs, size: 1} }
func null(pos Pos) *Value                 { return &Value{Kind: Null, Pos: pos, size: 1} }
func boolean(pos Pos, b bool) *Value      { return &Value{Kind: Bool, Pos: pos, Bool: b, size: 1} }

// number keeps what a float64 can; what is larger than any setting is unknown.
func number(pos Pos, n float64) *Value {
	if math.IsNaN(n) || math.Abs(n) > 1e300 {
		return unknown(pos)
	}
	return &Value{Kind: Number, Pos: pos, Number: n, size: 1}
}

func text(pos Pos, s string) *Value {
	return stringOf(pos, []Part{{Text: s, Known: true}})
}

// stringOf joins neighbouring literal parts and bounds the length.
func stringOf(pos Pos, parts []Part) *Value {
	var out []Part
	length := 0
	for _, p := range parts {
		length += len(p.Text) + 1
		if p.plain() && p.Text == "" {
			continue
		}
		if n := len(out); p.plain() && n > 0 && out[n-1].plain() {
			out[n-1].Text += p.Text
			continue
		}
		out = append(out, p)
	}
	if length > maxText || len(out) > maxSize/10 {
		return unknown(pos)
	}
	return &Value{Kind: String, Pos: pos, Parts: out, size: 1 + length>>10}
}

func list(pos Pos, items []*Value) *Value {
	v := &Value{Kind: List, Pos: pos, Items: items, size: 1}
	for _, i := range items {
		v.grow(i)
	}
	return v.bounded()
}

func mapOf(pos Pos, fields []Field) *Value {
	v := &Value{Kind: Map, Pos: pos, Fields: fields, size: 1}
	for _, f := range fields {
		v.grow(f.Value)
	}
	return v.bounded()
}

// choice is one of the alternatives; equal ones, and choices in choices, are flattened.
func choice(pos Pos, items ...*Value) *Value {
	var flat []*Value
	for _, i := range items {
		alts := []*Value{i}
		if i.Kind == Choice {
			alts = i.Items
		}
		for _, a := range alts {
			if !slices.ContainsFunc(flat, func(b *Value) bool { return b == a || sameScalar(a, b) }) {
				flat = append(flat, a)
			}
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	v := &Value{Kind: Choice, Pos: pos, Items: flat, size: 1}
	for _, i := range flat {
		v.grow(i)
	}
	if len(flat) > maxChoice {
		return unknown(pos, refsOf(flat...)...)
	}
	return v.bounded()
}

func (v *Value) grow(child *Value) {
	v.size = min(v.size+child.size, maxSize+1)
}

func (v *Value) bounded() *Value {
	if v.size > maxSize {
		return unknown(v.Pos)
	}
	return v
}

func addVars(to, more []*Var) []*Var {
	for _, m := range more {
		if len(to) < maxChoice && !slices.Contains(to, m) {
			to = append(slices.Clip(to), m)
		}
	}
	return to
}

// refsOf collects what the values hang on, without repeats, up to maxChoice.
func refsOf(values ...*Value) []Ref {
	var out []Ref
	add := func(r Ref) {
		if len(out) < maxChoice && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	budget := 1000
	var walk func(*Value)
	walk = func(v *Value) {
		if budget--; budget < 0 {
			return
		}
		for _, r := range v.Refs {
			add(r)
		}
		for _, p := range v.Parts {
			if p.Ref != nil {
				add(*p.Ref)
			}
		}
		for _, i := range v.Items {
			walk(i)
		}
		for _, f := range v.Fields {
			walk(f.Value)
		}
	}
	for _, v := range values {
		walk(v)
	}
	return out
}

// at is the value as seen at another place.
func (v *Value) at(pos Pos) *Value {
	c := *v
	c.Pos = pos
	return &c
}

// through notes that the value and all below it came through input variables.
func (v *Value) through(vars ...*Var) *Value {
	if len(vars) == 0 {
		return v
	}
	c := *v
	c.Vars = addVars(c.Vars, vars)
	if len(v.Items) > 0 {
		c.Items = make([]*Value, len(v.Items))
		for i, item := range v.Items {
			c.Items[i] = item.through(vars...)
		}
	}
	if len(v.Fields) > 0 {
		c.Fields = slices.Clone(v.Fields)
		for i, f := range v.Fields {
			c.Fields[i].Value = f.Value.through(vars...)
		}
	}
	return &c
}

// varsOf collects the input variables that the values came through.
func varsOf(values ...*Value) []*Var {
	var out []*Var
	var walk func(*Value)
	walk = func(v *Value) {
		out = addVars(out, v.Vars)
		for _, i := range v.Items {
			walk(i)
		}
		for _, f := range v.Fields {
			walk(f.Value)
		}
	}
	for _, v := range values {
		walk(v)
	}
	return out
}

// Text returns the string of a scalar and whether all of it is known. Numbers and
// booleans are written as HCL would.
func (v *Value) Text() (string, bool) {
	switch v.Kind {
	case String:
		var b strings.Builder
		for _, p := range v.Parts {
			if !p.Known {
				return "", false
			}
			b.WriteString(p.Text)
		}
		return b.String(), true
	case Number:
		return strconv.FormatFloat(v.Number, 'f', -1, 64), true
	case Bool:
		return strconv.FormatBool(v.Bool), true
	default:
		return "", false
	}
}

// Template writes a string with its links as "${address.attr}" where their text is
// not known, and unknown text as "${?}".
func (v *Value) Template() string {
	if s, ok := v.Text(); ok {
		return s
	}
	if v.Kind != String {
		if len(v.Refs) == 1 {
			return "${" + v.Refs[0].String() + "}"
		}
		return "${?}"
	}
	var b strings.Builder
	for _, p := range v.Parts {
		switch {
		case p.Known:
			b.WriteString(p.Text)
		case p.Ref != nil:
			b.WriteString("${" + p.Ref.String() + "}")
		default:
			b.WriteString("${?}")
		}
	}
	return b.String()
}

// Link returns the reference that the value is, when it is nothing but one.
func (v *Value) Link() (Ref, bool) {
	switch {
	case v.Kind == String && len(v.Parts) == 1 && v.Parts[0].Ref != nil:
		return *v.Parts[0].Ref, true
	case (v.Kind == Unknown || v.Kind == Instance) && len(v.Refs) == 1:
		return v.Refs[0], true
	}
	return Ref{}, false
}

// Links returns every reference in the value, at most sixteen.
func (v *Value) Links() []Ref { return refsOf(v) }

// Get returns the entry of a Map, or nil.
func (v *Value) Get(key string) *Value {
	if v == nil || v.Kind != Map {
		return nil
	}
	for _, f := range slices.Backward(v.Fields) {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// Blocks returns the nested blocks that a value of a Body holds: the items of a
// List, or a Map alone, as the JSON syntax has them.
func (v *Value) Blocks() []*Value {
	switch {
	case v == nil:
		return nil
	case v.Kind == Map:
		return []*Value{v}
	case v.Kind == Choice:
		var out []*Value
		for _, i := range v.Items {
			out = append(out, i.Blocks()...)
		}
		return out
	}
	return v.Items
}

// Alternatives returns the values it may be: those of a Choice, else itself.
func (v *Value) Alternatives() []*Value {
	if v.Kind == Choice {
		return v.Items
	}
	return []*Value{v}
}

// whole reports that every piece is known, so that a library function may look at it.
func (v *Value) whole() bool {
	switch v.Kind {
	case Null, Bool, Number:
		return true
	case String:
		_, ok := v.Text()
		return ok
	case List:
		return !slices.ContainsFunc(v.Items, func(i *Value) bool { return !i.whole() })
	case Map:
		return !slices.ContainsFunc(v.Fields, func(f Field) bool { return !f.Value.whole() })
	default:
		return false
	}
}

// sameScalar reports that both are the same null, boolean, number or string. It is
// false when either is not wholly known.
func sameScalar(a, b *Value) bool {
	if a.Kind == Null || b.Kind == Null {
		return a.Kind == b.Kind
	}
	x, ok := a.Text()
	y, ok2 := b.Text()
	return ok && ok2 && x == y
}

// parts returns the pieces of a scalar as a template would place them; ok is false
// for what has no text at all.
func (v *Value) parts() ([]Part, bool) {
	switch v.Kind {
	case String:
		return v.Parts, true
	case Number, Bool:
		s, _ := v.Text()
		return []Part{{Text: s, Known: true}}, true
	case Null:
		return nil, false
	case Unknown:
		if len(v.Refs) == 1 {
			return []Part{{Ref: &v.Refs[0]}}, true
		}
		return []Part{{}}, true
	default:
		return nil, false
	}
}
