package python

import (
	"strings"
	"testing"
)

func positions(t *testing.T, n *Node, size int32) {
	t.Helper()
	if n == nil {
		return
	}
	if n.Pos < 0 || n.Pos > size || n.End < 0 || n.End > size {
		t.Fatalf("a node of kind %d at %d..%d in %d bytes", n.Kind, n.Pos, n.End, size)
	}
	for _, c := range []*Node{n.A, n.B, n.C} {
		positions(t, c, size)
	}
	for _, list := range [][]*Node{n.List, n.Body, n.Else, n.Finally, n.Decorators} {
		for _, c := range list {
			positions(t, c, size)
		}
	}
}

// FuzzParse: whatever the text, nothing panics and every position is inside it.
func FuzzParse(f *testing.F) {
	for _, c := range cases {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 1<<16 {
			return
		}
		tree := Parse(src)
		for _, n := range tree.Body {
			positions(t, n, int32(len(src)))
		}
		for _, x := range tree.Faults {
			if x.Pos < 0 || int(x.Pos) > len(src) {
				t.Fatalf("a fault at %d in %d bytes", x.Pos, len(src))
			}
		}
		Lower(tree, src, "a.py", "a.py")
	})
}

// Hostile texts end, with a fault that says limit where they are cut.
func TestHostile(t *testing.T) {
	n := 100_000
	deep := &strings.Builder{}
	for i := range 3000 {
		deep.WriteString(strings.Repeat(" ", i) + "if a:\n")
	}
	for _, c := range []struct {
		name, src string
		limit     bool
	}{
		{"brackets", strings.Repeat("[", n), true},
		{"parentheses", strings.Repeat("(", n) + "1" + strings.Repeat(")", n), true},
		{"not", strings.Repeat("not ", n) + "a", true},
		{"lambda", strings.Repeat("lambda:", n) + "a", true},
		{"powers", "a" + strings.Repeat("**a", n), true},
		{"calls", "a" + strings.Repeat("()", n), true},
		{"one operator", "a" + strings.Repeat("+b", n), false},
		{"mixed operators", "a" + strings.Repeat("+b-c", n), true},
		{"elif", "if a: b\n" + strings.Repeat("elif a: b\n", n), true},
		{"indents", deep.String(), true},
		{"fields", strings.Repeat(`f"{`, n), false},
		{"open text", `"""` + strings.Repeat("a\n", n), false},
		{"faults", strings.Repeat("a b\n", n), false},
		{"one line", strings.Repeat("a(b);", n), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := Parse(c.src)
			limit := len(tree.Faults) > 0 && tree.Faults[len(tree.Faults)-1].Limit
			if limit != c.limit {
				t.Errorf("limit %v, want %v: %v", limit, c.limit, tree.Faults)
			}
			Lower(tree, c.src, "a.py", "a.py")
		})
	}
}
