package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// A frame is an object or array that is being read.
type frame struct {
	object bool
	key    string // the key that leads to it, or its own label once known
	next   string // the key whose value comes next
	label  string // the value of a key such as "name"
	value  pair   // of a key such as "value", not assigned yet
}

// labelKey reports whether an object's key says what the object is called.
func labelKey(k string) bool {
	switch strings.ToLower(k) {
	case "name", "key", "variable", "variablename", "parametername", "parameterkey", "parameter_name", "optionname", "envname", "id":
		return true
	}
	return false
}

// valueKey reports whether an object's key says what the object is worth.
func valueKey(k string) bool {
	switch strings.ToLower(k) {
	case "value", "default", "defaultvalue", "default_value", "parametervalue", "parameter_value", "#text", "literal", "plaintext", "data", "content":
		return true
	}
	return false
}

// finish adds the value of an object under its label or the key that leads to it.
func (r *reader) finish(f *frame) {
	if f.value.value == "" {
		return
	}
	f.value.traits = nameTraits{} // of another name
	if f.label != "" {
		f.value.name = f.label
		r.add(f.value)
	}
	if f.key != "" && !strings.EqualFold(f.key, f.label) && !secretName(f.label) {
		f.value.name = f.key
		r.add(f.value)
	}
}

// assign files the value of a key in an object.
func (r *reader) assign(f *frame, p pair) {
	if r.judged == nil {
		r.judged = map[string]nameTraits{}
	}
	traits, known := r.judged[p.name]
	if !known {
		traits = traitsOf(p.name)
		r.judged[p.name] = traits
	}
	p.traits = traits
	switch {
	case traits.value:
		f.value = p
		if strings.Contains(p.value, "://") || strings.Contains(p.value, ";") {
			r.add(p)
		}
	case traits.label:
		f.label = p.value
	default:
		r.add(p)
	}
}

// maxDepth is how deep a JSON file may nest before the rest is left to the rules.
const maxDepth = 1000

// json reads JSON as far as it goes, with comments and trailing commas let pass.
func (r *reader) json() {
	d := r.data
	r.text = string(d)
	var stack []frame
	for i := 0; i < len(d); {
		switch c := d[i]; c {
		case '{', '[':
			if len(stack) >= maxDepth {
				return
			}
			key := ""
			if n := len(stack); n > 0 {
				if key = stack[n-1].next; !stack[n-1].object {
					key = stack[n-1].key
				}
			}
			stack = append(stack, frame{object: c == '{', key: key})
		case '}', ']':
			if n := len(stack); n > 0 {
				r.finish(&stack[n-1])
				stack = stack[:n-1]
			}
		case '"':
			i = r.jsonString(stack, i)
			continue
		case '/':
			if i+1 < len(d) {
				i = skipComment(d, i)
				continue
			}
		}
		i++
	}
}

// skipComment returns the offset after the comment at i, or after the byte at i.
func skipComment(d []byte, i int) int {
	var end int
	switch d[i+1] {
	case '/':
		end = bytes.IndexByte(d[i:], '\n')
	case '*':
		end = bytes.Index(d[i:], []byte("*/"))
	default:
		return i + 1
	}
	if end < 0 {
		return len(d)
	}
	return i + end + 1
}

// jsonString reads the string at i, a key or a value, and returns the offset after it.
func (r *reader) jsonString(stack []frame, i int) int {
	d := r.data
	end, escaped := i+1, false
	for end < len(d) && d[end] != '"' {
		if d[end] == '\\' {
			end++
			escaped = true
		}
		end++
	}
	if end >= len(d) || len(stack) == 0 {
		return end + 1
	}
	top := &stack[len(stack)-1]
	after := end + 1
	for after < len(d) && (d[after] == ' ' || d[after] == '\n' || d[after] == '\t' || d[after] == '\r') {
		after++
	}
	text := r.text[i+1 : end]
	if escaped {
		text = unescaped(d[i:end+1], text)
	}
	if top.object && after < len(d) && d[after] == ':' {
		top.next = text
		return after + 1
	}
	p := pair{name: top.next, value: text, start: i + 1, end: end, exact: !escaped}
	if !top.object {
		p.name = top.key
		r.arrayItem(p)
		return end + 1
	}
	if p.name == "auth" && basicAuth(text) {
		p.sure = true
	}
	r.assign(top, p)
	top.next = ""
	return end + 1
}

// unescaped is the text of a literal, or as it is written when it is malformed.
func unescaped(literal []byte, written string) string {
	if plain, ok := unquoted(written); ok {
		return plain
	}
	text := written
	if err := json.Unmarshal(literal, &text); err != nil {
		return written
	}
	return text
}

// unquoted takes the backslashes out of what is between quotes, where that is ASCII
// and has the short escapes only, as nearly all texts; encoding/json takes ten times
// as long for it.
func unquoted(written string) (plain string, ok bool) {
	const escapes, meanings = `"\/nrtbf`, "\"\\/\n\r\t\b\f"
	out := make([]byte, 0, len(written))
	for i := 0; i < len(written); i++ {
		c := written[i]
		if c < ' ' || c >= utf8.RuneSelf {
			return "", false
		}
		if c == '\\' {
			if i++; i >= len(written) {
				return "", false
			}
			at := strings.IndexByte(escapes, written[i])
			if at < 0 {
				return "", false
			}
			c = meanings[at]
		}
		out = append(out, c)
	}
	return string(out), true
}

// arrayItem adds one string of a list: "NAME=value" words, as in compose and in
// container configs, or one of several secrets.
func (r *reader) arrayItem(p pair) {
	p.code = p.name == "source" // of a notebook's cell
	name, value, ok := strings.Cut(p.value, "=")
	if ok && p.exact && name != "" && identifier(name) {
		r.raw(name, p.start+len(name)+1, p.start+len(name)+1+len(value))
		return
	}
	r.add(p)
}

// basicAuth reports whether a value is base64 of user:password, as in the
// config.json of docker.
func basicAuth(v string) bool {
	b, err := base64.StdEncoding.DecodeString(v)
	user, pass, ok := bytes.Cut(b, []byte(":"))
	return err == nil && ok && len(user) > 0 && len(pass) > 3 && !bytes.ContainsFunc(b, func(c rune) bool { return c < ' ' || c > '~' })
}
