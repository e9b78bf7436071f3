package model

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// maxUnknown bounds what Unknown lists.
const maxUnknown = 500

// Unknown lists whatever of a model could not be resolved, by place: Unresolved, and
// each property whose value is open or is kept where the stack is deployed.
func (m *Model) Unknown() []Unresolved {
	w := &unknowns{m: m, all: slices.Clone(m.Unresolved), seen: map[string]bool{}}
	for _, u := range w.all {
		w.seen[place(u.Pos)] = true // of two at one place that which says the expression
	}
	w.parts(reflect.ValueOf(*m), "", "", Pos{})
	slices.SortStableFunc(w.all, func(a, b Unresolved) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return w.all[:min(len(w.all), max(maxUnknown, len(m.Unresolved)))]
}

func place(p Pos) string { return fmt.Sprint(p.File, ":", p.Line, ":", p.Column) }

type unknowns struct {
	m    *Model
	all  []Unresolved
	seen map[string]bool
}

// parts walks through the fields of a struct, which is called label. name is that of the
// resource.
func (w *unknowns) parts(v reflect.Value, label, name string, at Pos) {
	if v.Type() == reflect.TypeFor[Text]() {
		w.text(v.Interface().(Text), label, at)
		return
	}
	if pos := v.FieldByName("Pos"); pos.IsValid() {
		at = At(pos.Interface().(Pos), at)
	}
	if r := v.FieldByName("Resource"); r.IsValid() && r.Kind() == reflect.Struct {
		name = r.FieldByName("ID").String()
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Name != "Unresolved" && field.Name != "Worlds" && len(w.all) < 4*maxUnknown {
			inner := label
			if field.Name != "Alts" && field.Name != "Items" {
				inner = words(field.Name) + " of " + name
			}
			w.value(v.Field(i), inner, name, at)
		}
	}
}

func (w *unknowns) value(v reflect.Value, label, name string, at Pos) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			w.value(v.Elem(), label, name, at)
		}
	case reflect.Slice:
		for i := range v.Len() {
			w.value(v.Index(i), label, name, at)
		}
	case reflect.Struct:
		if why := v.FieldByName("Why"); why.IsValid() && v.FieldByName("Open").Bool() {
			w.add(Unresolved{Pos: At(v.FieldByName("Pos").Interface().(Pos), at), What: label, Why: cmp.Or(why.String(), "it is known on deployment only")})
		}
		w.parts(v, label, name, at)
	default:
	}
}

// text lists what a text refers to outside the template.
func (w *unknowns) text(t Text, label string, at Pos) {
	for _, ref := range t.Refs() {
		why := map[RefKind]string{RefSetting: "a setting of the place of deployment", RefImport: "it is stated by another stack", RefOther: "it is known on deployment only"}[ref.Kind]
		if ref.Kind == RefParameter {
			if p := w.m.FindParameter(ref.ID); p != nil && p.Default.Absent() {
				why = "the parameter has no default"
			}
		}
		what := Text{Parts: []Part{{Ref: &ref}}}.String()
		if ref.ID == "unknown" || ref.ID == "?" {
			what = label
		}
		if why != "" {
			w.add(Unresolved{Pos: At(t.Pos, at), What: what, Why: why})
		}
	}
}

func (w *unknowns) add(u Unresolved) {
	if u.File == "" || w.seen[place(u.Pos)] {
		return
	}
	w.seen[place(u.Pos)] = true
	if len(u.What) > 120 {
		u.What = strings.ToValidUTF8(u.What[:117], "") + "..."
	}
	w.all = append(w.all, u)
}

// words writes the name of a field as text: "TimeoutS" is "timeout".
func words(field string) string {
	for _, unit := range []string{"S", "MB", "MS"} {
		if s, ok := strings.CutSuffix(field, unit); ok && s != "" && s[len(s)-1] >= 'a' {
			field = s
		}
	}
	var b strings.Builder
	for i, c := range field {
		if c >= 'A' && c <= 'Z' && i > 0 && field[i-1] >= 'a' {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return strings.ToLower(b.String())
}
