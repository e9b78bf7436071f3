package doc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outline writes a tree with its positions.
func outline(n *Node) string {
	if n == nil {
		return "nil"
	}
	text := ""
	if n.Tag != "" {
		text = "!" + n.Tag + " "
	}
	var parts []string
	switch {
	case n.Is(Map):
		for _, m := range n.All() {
			parts = append(parts, fmt.Sprintf("%s@%d:%d=%s", m.Key, m.Line, m.Column, outline(m.Value)))
		}
		return text + "{" + strings.Join(parts, " ") + "}"
	case n.Is(List):
		for _, i := range n.Items {
			parts = append(parts, outline(i))
		}
		return text + "[" + strings.Join(parts, " ") + "]"
	}
	return text + fmt.Sprintf("%d(%s)@%d:%d", n.Kind, n.Text, n.Line, n.Column)
}

func TestYAML(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"positions", "a: 1\nb:\n  - x\n", "{a@1:1=2(1)@1:4 b@2:1=[3(x)@3:5]}"},
		{"tags stay", "a: !Sub 'x'\n", "{a@1:1=!Sub 3(x)@1:4}"},
		{"the last of duplicates", "a: 1\na: 2\n", "{a@2:1=2(2)@2:4}"},
		{"aliases", "a: &x [1]\nb: *x\n", "{a@1:1=[2(1)@1:8] b@2:1=[2(1)@1:8]}"},
		{"merge keys lose", "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 3\n", "{a@1:1={k@1:8=2(1)@1:11 l@1:14=2(2)@1:17} b@2:1={l@1:14=2(2)@1:17 k@4:3=2(3)@4:6}}"},
		{"a quoted number is text", "a: '1'\n", "{a@1:1=3(1)@1:4}"},
		{"a date is text", "a: 2012-10-17\n", "{a@1:1=3(2012-10-17)@1:4}"},
	} {
		docs, err := YAML("f", []byte(c.in))
		if err != nil || len(docs) != 1 {
			t.Errorf("%s: %v, %d documents", c.name, err, len(docs))
			continue
		}
		if d := cmp.Diff(c.want, outline(docs[0])); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

func TestYAMLMistakes(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a key between two depths", "Resources:\n  A:\n    Type: x\n    P:\n      H: a.b\n      R: y\n  B:\n    Type: x\n   Bad: y\n", "near line 9: did not find expected key"},
		{"the same before a bracket", "Resources:\n  A:\n    Type: x\n   Bad: [unclosed\n", "near line 4: did not find expected key"},
		{"in the second document", "a: 1\n---\nb:\n    c: 1\n   d: 1\n", "near line 5: did not find expected key"},
		{"an anchor that is not there", "a: 1\nb: *x\nc: 1\nd: 1\n", "near line 3: unknown anchor 'x' referenced"},
		{"a tab", "a:\n  b: 1\n\tc: 1\nd: 1\n", "near line 3: found a tab character that violates indentation"},
		{"a quote that is not closed is where it began", "a: 1\nb: \"x\nc: 1\n", "line 2: found unexpected end of stream"},
	} {
		if _, err := YAML("f", []byte(c.in)); err == nil || err.Error() != "yaml: "+c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestYAMLLimits(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	for _, c := range []struct{ name, in, want string }{
		{"a bomb of aliases", bomb.String(), "values"},
		{"a bomb of merge keys", strings.NewReplacer("[", "{<<: [", "]", "]}", "x,x,x,x,x,x,x,x,x,x", "{k: 1}").Replace(bomb.String()), "values"},
		{"an anchor in itself", "a: &a [*a]\n", "levels"},
		{"deep nesting", strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "levels"},
	} {
		if _, err := YAML("f", []byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := JSON("f", []byte(strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), false); err == nil || !strings.Contains(err.Error(), "levels") {
		t.Errorf("deep JSON: %v", err)
	}
}

func TestJSON(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		relaxed        bool
	}{
		{"positions", "{\"a\": 1,\n \"b\": [true, null]}", "{a@1:2=2(1)@1:7 b@2:2=[1(true)@2:8 0(null)@2:14]}", false},
		{"escapes", `{"a": "\ud83d\ude00\n"}`, "{a@1:2=3(😀\n)@1:7}", false},
		{"comments", "{// x\n/* y\n */ \"a\": 1,}", "{a@3:5=2(1)@3:10}", true},
		{"strings of several lines", "{\"a\": \"x\ny\", \"b\": 1}", "{a@1:2=3(x\ny)@1:7 b@2:5=2(1)@2:10}", true},
	} {
		n, err := JSON("f", []byte(c.in), c.relaxed)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if d := cmp.Diff(c.want, outline(n)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	for _, bad := range []string{"", "{", `{"a"`, `{"a":}`, `[1,]`, `{"a":1,}`, "// x\n1", `"\x"`, "[1 2]", "1 2", "nul", "\"a\nb\""} {
		if n, err := JSON("f", []byte(bad), false); err == nil || n != nil {
			t.Errorf("%q: %v, %v", bad, outline(n), err)
		}
	}
}

// What encoding/json takes, JSON takes, and the other way round.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x\u0041",true,null]}`, "[", `{"a":{"b":{}}}`, `"\ud800"`, " 1 ", "-", "01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := JSON("f", data, false)
		if (n == nil) != (err != nil) {
			t.Fatalf("%v with %v", outline(n), err)
		}
		// Control characters in strings, and the mark of byte order, are taken.
		lenient := bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && r != '\n' }) || bytes.HasPrefix(data, []byte("\xef\xbb\xbf"))
		if err == nil && !json.Valid(data) && !lenient {
			t.Fatalf("took %q", data)
		}
		if err != nil && json.Valid(data) && !strings.Contains(err.Error(), "more than") {
			t.Fatalf("refused %q: %v", data, err)
		}
	})
}

func FuzzYAML(f *testing.F) {
	for _, s := range []string{"a: &x {k: 1}\nb: {<<: *x}\n", "- !Sub x\n---\n- 1\n", "a: &a [*a]\n", "? [a]\n: 1\n", "<<: 1\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, _ := YAML("f", data)
		for _, d := range docs {
			if d == nil {
				t.Fatal("a document that is nil")
			}
			_ = d.All()
		}
	})
}
