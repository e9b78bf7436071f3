package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestJSON(t *testing.T) {
	for _, test := range []struct{ why, in, out, err string }{
		{"all kinds", `{"a":[1,-2.5e3,"x",true,false,null]}`, `{"a":[1,-2.5e3,"x",true,false,null]}`, ""},
		{"byte order mark", "\xef\xbb\xbf{}", `{}`, ""},
		{"the last duplicate wins", `{"a":1,"b":2,"a":3}`, `{"b":2,"a":3}`, ""},
		{"keys keep their case", `{"A":1,"a":2}`, `{"A":1,"a":2}`, ""},
		{"escapes", `"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, "\"\\\"\\\\/\\b\\f\\n\\r\\té😀\"", ""},
		{"half a surrogate pair", `"\ud83dx"`, `"` + "\uFFFD" + `x"`, ""},
		{"cut off in a list", `{"a":{"b":1},"c":[1,2`, `{"a":{"b":1},"c":[1,2]}`, "unexpected EOF"},
		{"cut off in a key", `{"a":1,"b`, `{"a":1}`, "unexpected EOF"},
		{"cut off in a literal", `[1,tru`, `[1]`, "unexpected EOF"},
		{"two values", `{} {}`, `{}`, `line 1: unexpected '{' after the value`},
		{"trailing comma", "[1,\n]", `[1]`, `line 2: unexpected ']' where a value should be`},
		{"no JSON", `lockfileVersion: 5`, ``, `line 1: unexpected 'l' where a value should be`},
		{"control character", "\"a\nb\"", ``, `line 1: unexpected '\n' in a string`},
		{"leading zero", `[01]`, `[]`, `line 1: unexpected '0' where a value should be`},
		{"too deep", strings.Repeat("[", 300), strings.Repeat("[", 257) + strings.Repeat("]", 257), "more than 256 levels deep"},
		{"empty", ``, ``, "unexpected EOF"},
	} {
		v, err := JSON([]byte(test.in))
		if got := text(err); got != test.err {
			t.Errorf("%s: error %q, want %q", test.why, got, test.err)
		}
		if got := write(v); got != test.out {
			t.Errorf("%s: %s, want %s", test.why, got, test.out)
		}
	}
}

func TestRelaxedJSON(t *testing.T) {
	in := "// a\n{ /* b */ \"x\": [1, 2,], // c\n}"
	v, err := RelaxedJSON([]byte(in))
	if err != nil || write(v) != `{"x":[1,2]}` {
		t.Errorf("got %s, %v", write(v), err)
	}
	if _, err := JSON([]byte(in)); err == nil {
		t.Error("JSON took comments")
	}
	if _, err := RelaxedJSON([]byte("{/*")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("open comment: %v", err)
	}
}

func TestYAML(t *testing.T) {
	for _, test := range []struct{ why, in, out, err string }{
		{"versions stay text", "a: 1.10\nb: '1.10'\n", `{"a":1.10,"b":"1.10"}`, ""},
		{"two documents", "a: 1\n---\nb: 2\n", `{"a":1}{"b":2}`, ""},
		{"nothing", "", ``, ""},
		{"aliases", "a: &x {b: 1}\nc: *x\n", `{"a":{"b":1},"c":{"b":1}}`, ""},
		{"cut off in a block", "a:\n  b: 1\n\nc: {d", `{"a":{"b":1}}`, "yaml: line 3: did not find expected ',' or '}'"},
	} {
		docs, err := YAML([]byte(test.in))
		got := ""
		for _, d := range docs {
			got += write(d)
		}
		if text(err) != test.err || got != test.out {
			t.Errorf("%s: %s, %q, want %s, %q", test.why, got, text(err), test.out, test.err)
		}
	}
}

func TestYAMLBomb(t *testing.T) {
	in := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := byte('b'); c < 'j'; c++ {
		prev := string(c - 1)
		in += string(c) + ": &" + string(c) + " [*" + strings.Repeat(prev+",*", 8) + prev + "]\n"
	}
	if _, err := YAML([]byte(in)); err == nil {
		t.Error("387 million values were read")
	}
}

func TestTOML(t *testing.T) {
	for _, test := range []struct{ why, in, out, err string }{
		{"tables", "v = 1\n[[p]]\nname = \"a\"\nd = [\"x\", {n = true}]\n", `{"p":[{"d":["x",{"n":true}],"name":"a"}],"v":1}`, ""},
		{"keys keep their case", "Name = \"A\"\nname = \"a\"\n", `{"Name":"A","name":"a"}`, ""},
		{"cut off", "[[p]]\nname = \"a\"\n[[p]]\nname = \"b", `{"p":[{"name":"a"}]}`, "line 4, column 8"},
		{"brackets", "a = " + strings.Repeat("[", 2000), ``, "more than 1000 brackets open at byte 1004"},
	} {
		v, err := TOML([]byte(test.in))
		if got := text(err); !strings.Contains(got, test.err) || (got == "") != (test.err == "") || write(v) != test.out {
			t.Errorf("%s: %s, %q, want %s, %q", test.why, write(v), got, test.out, test.err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// write is JSON of a value, with what encoding/json would not keep.
func write(v Value) string {
	switch v.Kind {
	case String:
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v.text); err != nil {
			return err.Error()
		}
		return strings.TrimSpace(b.String())
	case Array:
		var parts []string
		for _, e := range v.Elements() {
			parts = append(parts, write(e.Value))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case Object:
		var parts []string
		for _, m := range v.Members() {
			parts = append(parts, write(Value{Kind: String, text: m.Key})+":"+write(m.Value))
		}
		return "{" + strings.Join(parts, ",") + "}"
	default:
		return v.text
	}
}

// FuzzJSON: what encoding/json takes, JSON takes (to its depth) and means the
// same; what it takes not, JSON takes not.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":null}]}`, `"\ud83d\ude00"`, `[1e5,-0.0]`, `{"a":1,"a":2}`, "[tru", `{"":"\u0000"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := JSON(data)
		trimmed := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		if valid := json.Valid(trimmed); valid != (err == nil) {
			if valid && strings.Contains(err.Error(), "levels deep") {
				return
			}
			t.Fatalf("encoding/json says valid is %v, JSON says %v", valid, err)
		}
		if err != nil || !utf8.Valid(data) {
			return // what stands for bytes that are no text differs
		}
		var want, got any
		if json.Unmarshal(trimmed, &want) != nil {
			return // a number out of range
		}
		if err := json.Unmarshal([]byte(write(v)), &got); err != nil {
			t.Fatalf("%s: %v", write(v), err)
		}
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(got)
		if !bytes.Equal(a, b) {
			t.Fatalf("encoding/json reads %s, JSON reads %s", a, b)
		}
	})
}

// FuzzConfig: YAML and TOML end, within the limits, and give a value when they
// give no error.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("a: &x [1]\nb: *x\n"))
	f.Add([]byte("[[p]]\nname = \"a\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := TOML(data); err == nil && v.Kind != Object {
			t.Fatalf("TOML without an error gives kind %d", v.Kind)
		}
		if docs, err := YAML(data); err != nil && strings.Contains(err.Error(), "more than") && len(docs) == 0 {
			t.Fatalf("YAML over a limit gives nothing: %v", err)
		}
	})
}
