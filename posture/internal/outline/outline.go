// Package outline writes a model as text, for the golden files of the readers' tests.
package outline

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/fnvet/fnvet/posture/model"
)

// Write lists everything that a model states: a line each, with its place.
func Write(m *model.Model) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s partial=%v\n", m.Dialect, m.Cloud, m.File, m.Partial)
	v := reflect.ValueOf(*m)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && v.Type().Field(i).Name != "Worlds" {
			for j := range f.Len() {
				write(&b, 0, v.Type().Field(i).Name, f.Index(j))
			}
		}
	}
	return b.String()
}

func write(b *strings.Builder, depth int, name string, v reflect.Value) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if v.IsZero() {
		return
	}
	indent := strings.Repeat("  ", depth)
	if text, ok := short(v); ok {
		fmt.Fprintf(b, "%s%s: %s\n", indent, name, text)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		head := name
		if pos, ok := field[model.Pos](v, "Pos"); ok {
			head += place(pos)
		}
		fmt.Fprintf(b, "%s%s\n", indent, head)
		members(b, depth+1, v)
	case reflect.Slice:
		for i := range v.Len() {
			write(b, depth, name, v.Index(i))
		}
	default:
		fmt.Fprintf(b, "%s%s: %v\n", indent, name, v.Interface())
	}
}

func members(b *strings.Builder, depth int, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch {
		case f.Name == "Pos":
		case f.Anonymous:
			members(b, depth, v.Field(i))
		default:
			write(b, depth, f.Name, v.Field(i))
		}
	}
}

func field[T any](v reflect.Value, name string) (T, bool) {
	var none T
	f := v.FieldByName(name)
	if !f.IsValid() {
		return none, false
	}
	return reflect.TypeAssert[T](f)
}

// short writes values, lists of texts and texts in one line.
func short(v reflect.Value) (string, bool) {
	switch x := v.Interface().(type) {
	case model.Text:
		return fmt.Sprintf("%s%s", text(x), place(x.Pos)), true
	case model.List[model.Text]:
		var items []string
		for _, i := range x.Items {
			items = append(items, text(i))
		}
		return "[" + strings.Join(items, ", ") + "]" + flags(x.Open, x.Maybe, x.Why) + place(x.Pos), true
	case model.Principal:
		return x.Kind + " " + text(x.ID), true
	case []string:
		return strings.Join(x, ", "), true
	case *model.Permission:
		return "", false
	}
	if !strings.HasPrefix(v.Type().Name(), "Value[") {
		return "", false
	}
	alts := v.FieldByName("Alts")
	var items []string
	for i := range alts.Len() {
		if t, ok := reflect.TypeAssert[model.Text](alts.Index(i)); ok {
			items = append(items, text(t))
		} else {
			items = append(items, fmt.Sprint(alts.Index(i).Interface()))
		}
	}
	pos, _ := field[model.Pos](v, "Pos")
	return strings.Join(items, " | ") + flags(v.FieldByName("Open").Bool(), v.FieldByName("Maybe").Bool(), v.FieldByName("Why").String()) + place(pos), true
}

// text marks the kind of each reference.
func text(t model.Text) string {
	var b strings.Builder
	for _, p := range t.Parts {
		if p.Ref == nil {
			b.WriteString(p.Literal)
			continue
		}
		fmt.Fprintf(&b, "${%s:%s", p.Ref.Kind, p.Ref.ID)
		if p.Ref.Attr != "" {
			b.WriteString("." + p.Ref.Attr)
		}
		b.WriteString("}")
	}
	return b.String()
}

func flags(open, maybe bool, why string) string {
	s := ""
	if open {
		s += " open(" + why + ")"
	}
	if maybe {
		s += " maybe"
	}
	return s
}

func place(p model.Pos) string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("  @%d:%d", p.Line, p.Column)
}
