package model

import (
	"slices"
	"strings"
)

// A Pos is where something is written. Line and Column are 1-based, Column in
// bytes; both are 0 where they mean nothing. File is as reports write paths.
type Pos struct {
	File         string
	Line, Column int
}

// At returns the first of the positions that says a file: that of a property, say,
// else of the resource which lacks it.
func At(all ...Pos) Pos {
	for _, p := range all {
		if p.File != "" {
			return p
		}
	}
	return Pos{}
}

// A Value is what a property may be once the template is deployed. The zero Value
// is absent: certainly not stated, so that the provider's default holds.
type Value[T any] struct {
	Pos // of the property's value; of the key where that is empty
	// Alts are the values it may have, one for each way the conditions may go.
	Alts []T
	// Open is true when it may have others, which could not be resolved.
	Open bool
	// Maybe is true when it is not stated at all under some condition.
	Maybe bool
	// Why says why it is Open, for a reader: "parameter Stage has no default".
	Why string
}

// Is is a Value that is known.
func Is[T any](at Pos, v T) Value[T] { return Value[T]{Pos: at, Alts: []T{v}} }

// Unknown is a Value that is stated and could not be resolved.
func Unknown[T any](at Pos, why string) Value[T] { return Value[T]{Pos: at, Open: true, Why: why} }

// Absent reports that it is not stated, whatever the conditions.
func (v Value[T]) Absent() bool { return len(v.Alts) == 0 && !v.Open }

// Stated reports that it is stated, whatever the conditions.
func (v Value[T]) Stated() bool { return !v.Absent() && !v.Maybe }

// Known returns the value when there is but one.
func (v Value[T]) Known() (T, bool) {
	if len(v.Alts) == 1 && !v.Open && !v.Maybe {
		return v.Alts[0], true
	}
	var none T
	return none, false
}

// Or returns the one known value, def when it is absent, and false when neither can be said.
func (v Value[T]) Or(def T) (T, bool) {
	if v.Absent() {
		return def, true
	}
	return v.Known()
}

// Any reports whether it may be one that is. What is Open does not count: nothing is guessed.
func (v Value[T]) Any(is func(T) bool) bool { return slices.ContainsFunc(v.Alts, is) }

// All reports whether it is stated and certain to be one that is.
func (v Value[T]) All(is func(T) bool) bool {
	if v.Open || !v.Stated() {
		return false
	}
	return !slices.ContainsFunc(v.Alts, func(x T) bool { return !is(x) })
}

// May is Any, where an absent value (or one that may be absent) counts as def.
func (v Value[T]) May(def T, is func(T) bool) bool {
	return v.Any(is) || (v.Maybe || v.Absent()) && is(def)
}

// A List is a property with several values at once. Items is the union over all
// conditions; what could not be resolved is left out and makes Open true.
type List[T any] struct {
	Pos
	Items []T
	Open  bool
	Maybe bool // not stated at all under some condition
	Why   string
}

// Absent reports that the list is not stated, or empty, whatever the conditions.
func (l List[T]) Absent() bool { return len(l.Items) == 0 && !l.Open }

// A Text is a string with the parts of it that stand for something else. Its Pos
// is of the text itself, which for an item of a list or a branch of a condition is
// not that of the property.
type Text struct {
	Pos
	Parts []Part // adjacent literals are joined; none: the empty string
}

// A Part is a literal, or a reference when Ref is not nil.
type Part struct {
	Literal string
	Ref     *Ref
}

// A RefKind says what a reference is to.
type RefKind string

// The kinds of references.
const (
	RefResource  RefKind = "resource"  // of this model, by logical id
	RefParameter RefKind = "parameter" // a Parameter of this model, whose default is not put in its place
	RefPseudo    RefKind = "pseudo"    // account, region, partition, stack name: harmless
	RefImport    RefKind = "import"    // of another stack or state
	RefSecret    RefKind = "secret"    // of a secret store: right in an environment when the platform resolves it at run time
	RefDynamic   RefKind = "dynamic"   // of a secret store, replaced by the secret's plain text on deployment
	RefSetting   RefKind = "setting"   // of a plain parameter store, environment variable or option of the deploying machine
	RefOther     RefKind = "other"     // anything else that could not be resolved
)

// A Ref is a reference to what has its value elsewhere.
type Ref struct {
	Kind RefKind
	// ID is the logical id of the resource ("Orders", "aws_sqs_queue.orders"), the
	// parameter's name, or whatever names the thing: "AWS::Region", "/db/password".
	ID string
	// Attr is what of the resource: "arn", "name", "url", "id", "stream", else as
	// written; "" for what the dialect's plain reference means.
	Attr string
}

// Lit is a literal text.
func Lit(at Pos, s string) Text {
	if s == "" {
		return Text{Pos: at}
	}
	return Text{Pos: at, Parts: []Part{{Literal: s}}}
}

// To is a text that is one reference.
func To(at Pos, kind RefKind, id, attr string) Text {
	return Text{Pos: at, Parts: []Part{{Ref: &Ref{kind, id, attr}}}}
}

// Append adds to the end of a text, which keeps its position.
func (t Text) Append(parts ...Part) Text {
	out := slices.Clone(t.Parts)
	for _, p := range parts {
		n := len(out)
		switch {
		case p.Ref == nil && p.Literal == "":
		case p.Ref == nil && n > 0 && out[n-1].Ref == nil:
			out[n-1].Literal += p.Literal
		default:
			out = append(out, p)
		}
	}
	return Text{Pos: t.Pos, Parts: out}
}

// Literal returns the text when no part of it is a reference.
func (t Text) Literal() (string, bool) {
	switch {
	case len(t.Parts) == 0:
		return "", true
	case len(t.Parts) == 1 && t.Parts[0].Ref == nil:
		return t.Parts[0].Literal, true
	}
	return "", false
}

// Is reports whether the text is exactly the literal.
func (t Text) Is(s string) bool {
	lit, ok := t.Literal()
	return ok && lit == s
}

// Ref returns the reference when the text is nothing else.
func (t Text) Ref() (Ref, bool) {
	if len(t.Parts) == 1 && t.Parts[0].Ref != nil {
		return *t.Parts[0].Ref, true
	}
	return Ref{}, false
}

// Refs are its references, in order.
func (t Text) Refs() []Ref {
	var refs []Ref
	for _, p := range t.Parts {
		if p.Ref != nil {
			refs = append(refs, *p.Ref)
		}
	}
	return refs
}

// Prefix is the literal that it begins with, Suffix that it ends with; both are the
// whole of a text without references.
func (t Text) Prefix() string {
	if len(t.Parts) > 0 {
		return t.Parts[0].Literal
	}
	return ""
}

// Suffix is the literal that the text ends with.
func (t Text) Suffix() string {
	if n := len(t.Parts); n > 0 {
		return t.Parts[n-1].Literal
	}
	return ""
}

// String writes references as ${ID} or ${ID.attr}. It may hold secrets.
func (t Text) String() string {
	var b strings.Builder
	for _, p := range t.Parts {
		switch {
		case p.Ref == nil:
			b.WriteString(p.Literal)
		case p.Ref.Attr == "":
			b.WriteString("${" + p.Ref.ID + "}")
		default:
			b.WriteString("${" + p.Ref.ID + "." + p.Ref.Attr + "}")
		}
	}
	return b.String()
}
