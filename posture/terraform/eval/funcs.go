package eval

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// call evaluates a function call.
func (r *run) call(e *hclsyntax.FunctionCallExpr, s *scope) *Value {
	pos := r.pos(e.NameRange)
	name := strings.TrimPrefix(e.Name, "core::")
	args := make([]*Value, len(e.Args))
	for i, a := range e.Args {
		args[i] = r.expr(a, s)
	}
	if e.ExpandFinal && len(args) > 0 {
		last := args[len(args)-1]
		if last.Kind != List {
			return unknown(pos, refsOf(args...)...)
		}
		args = append(args[:len(args)-1:len(args)-1], last.Items...)
	}
	size := 0
	for _, a := range args {
		size = min(size+a.size, maxSize)
	}
	if r.used += size / 16; !r.step() {
		return unknown(pos)
	}
	if name == "try" || name == "can" {
		return tryCan(name, args, pos)
	}
	return r.each(args, pos, func(a []*Value) *Value {
		v := r.apply(name, a, s, pos)
		r.used += v.size
		return v
	})
}

// tryCan takes what is unknown as a success unless nothing is known of it.
func tryCan(name string, args []*Value, pos Pos) *Value {
	if name == "can" {
		return unknown(pos, refsOf(args...)...)
	}
	var out []*Value
	for _, a := range args {
		out = append(out, a)
		if a.Kind != Unknown {
			break
		}
		if len(a.Refs) > 0 {
			break
		}
	}
	if len(out) == 0 {
		return unknown(pos)
	}
	return out[len(out)-1]
}

// apply does the functions that move values without looking into them, and leaves
// the others to the library.
func (r *run) apply(name string, a []*Value, s *scope, pos Pos) *Value {
	if v := r.structural(name, a, pos); v != nil {
		return v
	}
	if v := r.encoding(name, a, pos); v != nil {
		return v
	}
	if v := r.files(name, a, s, pos); v != nil {
		return v
	}
	if f, ok := functions()[name]; ok {
		if excessive(name, a) {
			return unknown(pos)
		}
		return library(f, a, pos)
	}
	if !impure(name) {
		r.issue(pos, name+"(…)", "the function is not known", false)
	}
	return unknown(pos, refsOf(a...)...)
}

// excessive reports a call whose result would be out of proportion to its arguments.
func excessive(name string, a []*Value) bool {
	switch name {
	case "indent":
		return len(a) == 0 || a[0].Kind != Number || a[0].Number > 1000
	case "format", "formatlist":
		return len(a) == 0 || wide(a[0])
	case "setproduct":
		n := 1
		for _, v := range a {
			if n *= max(1, len(v.Items)); n > maxSize/10 {
				return true
			}
		}
	case "pow":
		return len(a) != 2 || a[1].Kind != Number || a[1].Number > 100
	}
	return false
}

// impure are functions whose value is made anew each time, or is of no concern here.
func impure(name string) bool {
	switch name {
	case "timestamp", "plantimestamp", "uuid", "uuidv5", "bcrypt", "rsadecrypt", "md5", "sha1", "sha256", "sha512", "base64sha256",
		"base64sha512", "filemd5", "filesha1", "filesha256", "filesha512", "filebase64sha256", "filebase64sha512", "filebase64",
		"base64gzip", "textencodebase64", "textdecodebase64", "cidrhost", "cidrnetmask", "cidrsubnet", "cidrsubnets", "fileset",
		"pathexpand", "type", "issensitive", "ephemeralasnull", "timecmp":
		return true
	}
	return strings.HasPrefix(name, "provider::")
}

func (r *run) structural(name string, a []*Value, pos Pos) *Value {
	switch name {
	case "tostring", "tonumber", "tobool", "tolist", "tomap", "sensitive", "nonsensitive", "nonnull":
		if len(a) == 1 {
			return converted(name, a[0], pos)
		}
	case "toset", "distinct":
		if len(a) == 1 && a[0].Kind == List {
			return distinct(a[0], pos)
		}
	case "list":
		return list(pos, a)
	case "concat":
		return concat(a, pos)
	case "flatten":
		if len(a) == 1 && a[0].Kind == List {
			return list(pos, flatten(a[0].Items, nil))
		}
	case "merge":
		return merge(a, pos)
	case "join":
		if len(a) == 2 {
			return joinText(pos, a[0], a[1])
		}
	case "format":
		return format(a, pos)
	case "lookup", "element", "one", "length", "keys", "values", "zipmap", "slice":
		return r.collection(name, a, pos)
	case "coalesce", "coalescelist", "compact", "contains":
		return picking(name, a, pos)
	case "replace", "lower", "upper", "trimspace", "chomp", "trimsuffix", "trimprefix", "substr", "title":
		// Of a link whose text is known through a resource or variable, the library decides.
		return nil
	}
	return nil
}

// converted is a value under another type; text of links stays.
func converted(name string, v *Value, pos Pos) *Value {
	switch {
	case name == "tostring" && (v.Kind == Number || v.Kind == Bool):
		s, _ := v.Text()
		return text(v.Pos, s)
	case name == "tonumber" && v.Kind == String:
		if s, ok := v.Text(); ok {
			f, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return unknown(pos)
			}
			return number(v.Pos, f).through(varsOf(v)...)
		}
	case name == "tobool" && v.Kind == String:
		if s, ok := v.Text(); ok && (s == "true" || s == "false") {
			return boolean(v.Pos, s == "true")
		}
	}
	return v
}

func distinct(v *Value, pos Pos) *Value {
	var out []*Value
	for _, i := range v.Items {
		if !slices.ContainsFunc(out, func(o *Value) bool { return o.whole() && i.whole() && same(o, i) }) || len(out) > 5000 {
			out = append(out, i)
		}
	}
	return list(pos, out)
}

func concat(a []*Value, pos Pos) *Value {
	var out []*Value
	for _, v := range a {
		switch v.Kind {
		case List:
			out = append(out, v.Items...)
		case Null:
		default:
			out = append(out, unknown(v.Pos, refsOf(v)...)) // at least one that is not known
		}
		if len(out) > maxSize {
			return unknown(pos)
		}
	}
	return list(pos, out)
}

func flatten(in, out []*Value) []*Value {
	for _, i := range in {
		if i.Kind == List {
			out = flatten(i.Items, out)
		} else {
			out = append(out, i)
		}
	}
	return out
}

// merge lays maps over each other. One that is not known adds an entry of that
// kind, under a key that no map has.
func merge(a []*Value, pos Pos) *Value {
	var out []Field
	at := map[string]int{}
	put := func(f Field) {
		if i, ok := at[f.Key]; ok {
			out[i] = f
			return
		}
		at[f.Key] = len(out)
		out = append(out, f)
	}
	for _, v := range a {
		switch v.Kind {
		case Map:
			for _, f := range v.Fields {
				put(f)
			}
		case Null:
		default:
			put(Field{"", v.Pos, unknown(v.Pos, refsOf(v)...)})
		}
	}
	return mapOf(pos, out)
}

// format does the verbs that only place text; others need all to be known.
func format(a []*Value, pos Pos) *Value {
	if len(a) == 0 {
		return unknown(pos)
	}
	layout, ok := a[0].Text()
	if !ok {
		return unknown(pos, refsOf(a...)...)
	}
	var parts []Part
	rest := a[1:]
	for layout != "" {
		i := strings.IndexByte(layout, '%')
		if i < 0 || i+1 >= len(layout) {
			break
		}
		parts = append(parts, Part{Text: layout[:i], Known: true})
		verb := layout[i+1]
		layout = layout[i+2:]
		if verb == '%' {
			parts = append(parts, Part{Text: "%", Known: true})
			continue
		}
		if !strings.ContainsRune("svd", rune(verb)) || len(rest) == 0 {
			return formatted(a, pos)
		}
		p, ok := rest[0].parts()
		if !ok {
			p = []Part{{}}
		}
		parts = append(parts, p...)
		rest = rest[1:]
	}
	return stringOf(pos, append(parts, Part{Text: layout, Known: true})).through(varsOf(a...)...)
}

// formatted leaves other verbs to the library, unless they ask for a great width.
func formatted(a []*Value, pos Pos) *Value {
	if wide(a[0]) {
		return unknown(pos)
	}
	return library(functions()["format"], a, pos)
}

// wide reports a layout with a width or precision of more than three digits.
func wide(layout *Value) bool {
	digits := 0
	s, _ := layout.Text()
	for _, c := range s {
		if c >= '0' && c <= '9' {
			digits++
		} else {
			digits = 0
		}
		if digits > 3 {
			return true
		}
	}
	return strings.Contains(s, "*")
}

func (r *run) collection(name string, a []*Value, pos Pos) *Value {
	if len(a) == 0 {
		return unknown(pos)
	}
	all, ok := entries(a[0])
	if !ok {
		return unknown(pos, refsOf(a...)...)
	}
	switch {
	case name == "lookup" && len(a) >= 2:
		if k, ok := a[1].Text(); ok {
			if v := a[0].Get(k); v != nil {
				return v
			}
			if a[0].Get("") == nil && len(a) > 2 {
				return a[2]
			}
		}
	case name == "element" && len(a) == 2 && len(all) > 0:
		if t, ok := a[1].Text(); ok {
			if i, err := strconv.Atoi(t); err == nil && i >= 0 {
				return all[i%len(all)].Value
			}
		}
		return r.index(a[0], a[1], pos)
	case name == "one" && len(all) == 1:
		return all[0].Value
	case name == "one" && len(all) == 0:
		return null(pos)
	case name == "length" && certain(all):
		return number(pos, float64(len(all)))
	case name == "keys" && a[0].Kind == Map && certain(all):
		return keysOf(all, pos)
	case name == "values" && a[0].Kind == Map:
		sorted := slices.SortedFunc(slices.Values(all), func(a, b Field) int { return strings.Compare(a.Key, b.Key) })
		return list(pos, items(&Value{Kind: Map, Fields: sorted}))
	case name == "zipmap" && len(a) == 2:
		return zipmap(a[0], a[1], pos)
	case name == "slice" && len(a) == 3 && a[0].Kind == List:
		i, j, ok := bounds(a[1], a[2], len(all))
		if ok {
			return list(pos, a[0].Items[i:j])
		}
	}
	return unknown(pos, refsOf(a...)...)
}

// certain reports that every entry is sure to be there.
func certain(all []Field) bool {
	return !slices.ContainsFunc(all, func(f Field) bool {
		return f.Key == "" || f.Value.Kind == Unknown && len(f.Value.Refs) == 0 ||
			f.Value.Kind == Instance && f.Value.def != nil && (f.Value.def.set.open || f.Value.def.maybes[f.Value.key])
	})
}

func bounds(from, to *Value, n int) (int, int, bool) {
	x, ok := from.Text()
	y, ok2 := to.Text()
	i, err := strconv.Atoi(x)
	j, err2 := strconv.Atoi(y)
	return i, j, ok && ok2 && err == nil && err2 == nil && 0 <= i && i <= j && j <= n
}

func keysOf(all []Field, pos Pos) *Value {
	var out []*Value
	for _, f := range slices.SortedFunc(slices.Values(all), func(a, b Field) int { return strings.Compare(a.Key, b.Key) }) {
		out = append(out, text(f.KeyPos, f.Key))
	}
	return list(pos, out)
}

func zipmap(keys, values *Value, pos Pos) *Value {
	if keys.Kind != List || values.Kind != List || len(keys.Items) != len(values.Items) {
		return unknown(pos, refsOf(keys, values)...)
	}
	var out []Field
	for i, k := range keys.Items {
		out = append(out, Field{k.Template(), k.Pos, values.Items[i]})
	}
	return mapOf(pos, out)
}

// picking are the functions that choose among their arguments by null or equality.
func picking(name string, a []*Value, pos Pos) *Value {
	switch {
	case name == "coalesce" || name == "coalescelist":
		var out []*Value
		for _, v := range a {
			if t, ok := v.Text(); v.Kind == Null || ok && v.Kind == String && t == "" || v.Kind == List && len(v.Items) == 0 {
				continue
			}
			out = append(out, v)
			if v.Kind != Unknown {
				break
			}
		}
		if len(out) == 0 {
			return null(pos)
		}
		return choice(pos, out...)
	case name == "compact" && len(a) == 1 && a[0].Kind == List:
		var out []*Value
		for _, v := range a[0].Items {
			if t, ok := v.Text(); v.Kind == Null || ok && t == "" {
				continue
			}
			out = append(out, v)
		}
		return list(pos, out)
	case name == "contains" && len(a) == 2 && a[0].Kind == List:
		for _, v := range a[0].Items {
			if v.whole() && a[1].whole() && same(v, a[1]) {
				return boolean(pos, true)
			}
		}
		if a[0].whole() && a[1].whole() {
			return boolean(pos, false)
		}
	}
	return unknown(pos, refsOf(a...)...)
}
