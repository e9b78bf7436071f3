package eval

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fnvet/fnvet/posture/internal/doc"
)

// encoding does the functions between values and text.
func (r *run) encoding(name string, a []*Value, pos Pos) *Value {
	if len(a) != 1 {
		return nil
	}
	switch name {
	case "jsonencode", "yamlencode":
		return encoded(a[0], pos)
	case "jsondecode":
		if v := Decode(a[0]); v != nil {
			return v
		}
		return unknown(pos, refsOf(a...)...)
	case "yamldecode":
		s, ok := a[0].Text()
		if !ok {
			return unknown(pos, refsOf(a...)...)
		}
		return yamlValue(s, a[0].Pos)
	}
	return nil
}

// encoded is the JSON of a value, and keeps what it is the JSON of. (JSON is YAML.)
func encoded(v *Value, pos Pos) *Value {
	part := Part{Doc: v}
	if v.whole() {
		data, err := json.Marshal(plain(v))
		if err == nil && len(data) < maxText {
			part.Text, part.Known = string(data), true
		}
	}
	return stringOf(pos, []Part{part}).through(varsOf(v)...)
}

// plain is a wholly known value as encoding/json takes it.
func plain(v *Value) any {
	switch v.Kind {
	case Bool:
		return v.Bool
	case Number:
		return v.Number
	case String:
		s, _ := v.Text()
		return s
	case List:
		out := make([]any, len(v.Items))
		for i, e := range v.Items {
			out[i] = plain(e)
		}
		return out
	case Map:
		out := make(map[string]any, len(v.Fields))
		for _, f := range v.Fields {
			out[f.Key] = plain(f.Value)
		}
		return out
	default:
		return nil
	}
}

const (
	holeOpen  = "\ue000"
	holeClose = "\ue001"
)

// Decode reads a text as JSON, with the links in it as parts of its strings, and
// the place of every value in the file that holds the text. It is nil for what is
// no JSON.
func Decode(v *Value) *Value {
	if v == nil || v.Kind != String {
		return nil
	}
	if len(v.Parts) == 1 && v.Parts[0].Doc != nil {
		return v.Parts[0].Doc
	}
	root, err := doc.JSON("", []byte(withHoles(v.Parts)), true)
	if err != nil || root.Kind != doc.Map && root.Kind != doc.List {
		return nil
	}
	return (&decoder{v}).value(root)
}

// withHoles is a text with a mark in the place of what is not known, in quotes of
// its own where it stands for a value.
func withHoles(parts []Part) string {
	var b strings.Builder
	quoted, escaped := false, false
	clean := strings.NewReplacer(holeOpen, "?", holeClose, "?")
	for i, p := range parts {
		if !p.Known || p.Doc != nil {
			hole := holeOpen + strconv.Itoa(i) + holeClose
			if !quoted {
				hole = strconv.Quote(hole)
			}
			b.WriteString(hole)
			continue
		}
		for _, c := range []byte(p.Text) {
			switch {
			case escaped:
				escaped = false
			case quoted && c == '\\':
				escaped = true
			case c == '"':
				quoted = !quoted
			}
		}
		b.WriteString(clean.Replace(p.Text))
	}
	return b.String()
}

type decoder struct{ from *Value }

func (d *decoder) pos(line, column int) Pos {
	p := d.from.Pos
	if line == 1 {
		p.Column += column - 1
		return p
	}
	return Pos{p.File, p.Line + line - 1, column}
}

func (d *decoder) value(n *doc.Node) *Value {
	pos := d.pos(n.Line, n.Column)
	switch n.Kind {
	case doc.Bool:
		return boolean(pos, n.True())
	case doc.Number:
		f, err := strconv.ParseFloat(n.Text, 64)
		if err != nil {
			return unknown(pos)
		}
		return number(pos, f)
	case doc.String:
		if inner, ok := strings.CutPrefix(n.Text, holeOpen); ok && strings.Index(inner, holeClose) == len(inner)-len(holeClose) {
			return d.hole(strings.TrimSuffix(inner, holeClose)).value(pos)
		}
		return d.text(n.Text, pos)
	case doc.List:
		out := make([]*Value, len(n.Items))
		for i, e := range n.Items {
			out[i] = d.value(e)
		}
		return list(pos, out)
	case doc.Map:
		var out []Field
		for _, m := range n.All() {
			out = append(out, Field{d.text(m.Key, pos).Template(), d.pos(m.Line, m.Column), d.value(m.Value)})
		}
		return mapOf(pos, out)
	default:
		return null(pos)
	}
}

// value is what a part stands for alone.
func (p Part) value(pos Pos) *Value {
	switch {
	case p.Doc != nil:
		return p.Doc
	case p.Ref != nil:
		return unknown(pos, *p.Ref)
	}
	return unknown(pos)
}

func (d *decoder) hole(s string) Part {
	if i, err := strconv.Atoi(s); err == nil && i >= 0 && i < len(d.from.Parts) {
		return d.from.Parts[i]
	}
	return Part{}
}

// text puts the links back where their holes are.
func (d *decoder) text(s string, pos Pos) *Value {
	var parts []Part
	for {
		before, rest, ok := strings.Cut(s, holeOpen)
		parts = append(parts, Part{Text: before, Known: true})
		if !ok {
			return stringOf(pos, parts).through(d.from.Vars...)
		}
		var n string
		n, s, _ = strings.Cut(rest, holeClose)
		p := d.hole(n)
		p.Doc = nil
		parts = append(parts, p)
	}
}

// yamlValue decodes YAML by the library, which bounds what aliases expand to.
func yamlValue(s string, pos Pos) *Value {
	var v any
	if err := yaml.Unmarshal([]byte(s), &v); err != nil {
		return unknown(pos)
	}
	return fromPlain(v, pos, 0)
}

func fromPlain(v any, pos Pos, depth int) *Value {
	if depth > maxNest {
		return unknown(pos)
	}
	switch v := v.(type) {
	case nil:
		return null(pos)
	case bool:
		return boolean(pos, v)
	case int:
		return number(pos, float64(v))
	case float64:
		return number(pos, v)
	case string:
		return text(pos, v)
	case []any:
		var out []*Value
		for _, e := range v {
			out = append(out, fromPlain(e, pos, depth+1))
		}
		return list(pos, out)
	case map[string]any:
		var out []Field
		for _, k := range sortedKeys(v) {
			out = append(out, Field{k, pos, fromPlain(v[k], pos, depth+1)})
		}
		return mapOf(pos, out)
	default:
		return unknown(pos)
	}
}
