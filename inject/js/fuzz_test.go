package js

import (
	"strings"
	"testing"

	"github.com/fnvet/fnvet/inject/ir"
)

// positions fails for a node outside of the source or of what is around it.
func positions(t *testing.T, n *Node, size int32) {
	t.Helper()
	if n == nil {
		return
	}
	if n.Pos < 0 || n.Pos > size || n.End < 0 || n.End > size {
		t.Fatalf("a node of kind %d at %d..%d in %d bytes", n.Kind, n.Pos, n.End, size)
	}
	for _, c := range []*Node{n.A, n.B, n.C, n.D} {
		positions(t, c, size)
	}
	for _, c := range n.List {
		positions(t, c, size)
	}
}

func inStatements(t *testing.T, list []*ir.Stmt, size int32) {
	t.Helper()
	for _, s := range list {
		if s.Pos < 0 || s.Pos > size {
			t.Fatalf("a statement at %d in %d bytes", s.Pos, size)
		}
		for _, sub := range [][]*ir.Stmt{s.Body, s.Rest().Else, s.Rest().Catch, s.Rest().Finally, s.Rest().Post} {
			inStatements(t, sub, size)
		}
	}
}

// FuzzParse: whatever the text, nothing panics and every position is inside it.
func FuzzParse(f *testing.F) {
	for _, c := range cases {
		f.Add(c.src, c.types)
	}
	f.Fuzz(func(t *testing.T, src string, types bool) {
		if len(src) > 1<<16 {
			return
		}
		for _, jsx := range []bool{false, true} {
			tree := Parse(src, Options{Types: types, JSX: jsx})
			for _, n := range tree.Body {
				positions(t, n, int32(len(src)))
			}
			for _, x := range tree.Faults {
				if x.Pos < 0 || int(x.Pos) > len(src) {
					t.Fatalf("a fault at %d in %d bytes", x.Pos, len(src))
				}
			}
			file := Lower(tree, src, "a.js", "a.js")
			inStatements(t, file.Main.Body, int32(len(src)))
			for i := 1; i < len(file.Lines); i++ {
				if int(file.Lines[i]) > len(src) {
					t.Fatalf("line %d begins at %d of %d", i, file.Lines[i], len(src))
				}
			}
		}
	})
}

// Hostile texts end, with a fault that says limit where they are cut.
func TestHostile(t *testing.T) {
	n := 100_000
	for _, c := range []struct {
		name, src string
		limit     bool
	}{
		{"brackets", strings.Repeat("[", n), true},
		{"parentheses", strings.Repeat("(", n) + "1" + strings.Repeat(")", n), true},
		{"blocks", strings.Repeat("{", n), true},
		{"arrows", strings.Repeat("a=>", n) + "1", true},
		{"templates", strings.Repeat("`${", n), true},
		{"elements", strings.Repeat("<a>", n), true},
		{"not", strings.Repeat("!", n) + "a", true},
		{"conditionals", strings.Repeat("a?", n) + "b" + strings.Repeat(":c", n), true},
		{"calls", "a" + strings.Repeat("()", n), true},
		{"mixed operators", "a" + strings.Repeat("+b-c", n), true},
		{"one operator", "a" + strings.Repeat("+b", n), false},
		{"commas", "a" + strings.Repeat(",b", n), false},
		{"else if", strings.Repeat("if(a)b;else ", n) + "c", true},
		{"switch", "switch(a){" + strings.Repeat("case 1:b();break;", n) + "}", false},
		{"statements on one line", strings.Repeat("a(b);", 4*n), false},
		{"open comment", "/*" + strings.Repeat("*", n), false},
		{"faults", strings.Repeat("a b\n", n), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := Parse(c.src, Options{JSX: true})
			limit := len(tree.Faults) > 0 && tree.Faults[len(tree.Faults)-1].Limit
			if limit != c.limit {
				t.Errorf("limit %v, want %v: %v", limit, c.limit, tree.Faults)
			}
			Lower(tree, c.src, "a.js", "a.js")
		})
	}
}
