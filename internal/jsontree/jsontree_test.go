package jsontree

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plain is the tree as encoding/json would decode it.
func plain(n *Node) any {
	switch n.Kind {
	case Bool:
		return n.Bool
	case Number:
		return json.Number(n.Text)
	case String:
		return n.Text
	case Array:
		out := []any{}
		for _, i := range n.Items {
			out = append(out, plain(i))
		}
		return out
	case Object:
		out := map[string]any{}
		for _, m := range n.Members {
			out[m.Key] = plain(m.Value)
		}
		return out
	default:
		return nil
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     any
		err      string
	}{
		{"scalars", `[null, true, -1.5e3, "a\u00e9\ud83d\ude00\n"]`, []any{nil, true, json.Number("-1.5e3"), "aé😀\n"}, ""},
		{"comments and a trailing comma", "// x\n{\"a\": 1, /* y */ }", map[string]any{"a": json.Number("1")}, ""},
		{"a line break in a string", "\"a\nb\"", "a\nb", ""},
		{"the last of repeated keys", `{"a":1,"a":2}`, map[string]any{"a": json.Number("2")}, ""},
		{"cut off", "{\n\"a\":", nil, "json: line 2: unexpected end"},
		{"two documents", "1 2", nil, "json: line 1: text after the document"},
		{"no value", "[x]", nil, "json: line 1: expected a value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := Parse([]byte(c.in))
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Fatalf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, plain(n)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPositions(t *testing.T) {
	n, err := Parse([]byte("{\n  \"a\": [1,\n    \"b\"]\n}"))
	if err != nil {
		t.Fatal(err)
	}
	b := n.Get("a").Items[1]
	if b.Line != 3 || b.Column != 5 || n.Members[0].Line != 2 || n.Members[0].Column != 3 {
		t.Errorf("%+v %+v", b, n.Members[0])
	}
}

func TestLimit(t *testing.T) {
	if _, err := Parse([]byte(strings.Repeat("[", 1_000_000))); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// What encoding/json takes, Parse takes too and decodes the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x",null,true]}`, `[[],{}]`, "\"\\ud800\"", "1e5", "\ue0001\ue001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		n, err := Parse([]byte(in))
		if (n == nil) != (err != nil) {
			t.Fatal("a tree and an error, or neither")
		}
		d := json.NewDecoder(strings.NewReader(in))
		d.UseNumber()
		var want any
		if d.Decode(&want) != nil || d.More() || !json.Valid([]byte(in)) || errors.Is(err, ErrLimit) {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if strings.ToValidUTF8(in, "") != in {
			return
		}
		if diff := cmp.Diff(want, plain(n)); diff != "" {
			t.Error(diff)
		}
	})
}
