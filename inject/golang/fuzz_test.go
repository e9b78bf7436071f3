package golang

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/fnvet/fnvet/inject/engine"
	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// Whatever the text: no panic, positions inside it, and the engine ends by its steps.
func FuzzLower(f *testing.F) {
	names, err := filepath.Glob("../testdata/labelled/go-*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range txtar.Parse(data).Files {
			f.Add(string(c.Data))
		}
	}
	set, err := rules.Load(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) { follow(t, set, text) })
}

func follow(t *testing.T, set *rules.Set, text string) {
	t.Helper()
	s := Parse("a.go", text)
	file := Lower(s, NewIndex([]*Source{s}, nil), "a.go")
	inside(t, file, len(text))
	m := engine.New(context.Background(), set, func(_ *ir.File, module string) *ir.File {
		if module == "file:a.go" {
			return file
		}
		return nil
	}, 20_000)
	_ = m.Load(file)
	for _, e := range append(m.Entries(), m.Functions(file)...) {
		e.Params = []string{"source:event", "source:event"}
		_ = m.Enter(e)
	}
}

// Texts that are nested deeply, long, or cyclic.
func TestHostile(t *testing.T) {
	set, err := rules.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	const n = 20_000
	for _, c := range []struct{ name, text string }{
		{"parentheses", "package a\nvar x = " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n)},
		{"a long row of +", "package a\nvar x = \"a\"" + strings.Repeat(" + \"b\"", n)},
		{"blocks", "package a\nfunc f() {" + strings.Repeat("{", n) + strings.Repeat("}", n) + "}"},
		{"literals", "package a\nvar x = " + strings.Repeat("T{", n) + strings.Repeat("}", n)},
		{"calls of calls", "package a\nfunc init() { f" + strings.Repeat("()", n) + " }"},
		{"a type in itself", "package a\ntype T struct{ *T; t T }\nfunc (t T) m() { t.t.t.m(); t.m() }\nfunc init() { T{}.m() }"},
		{"variables in a circle", "package a\nvar x = y\nvar y = x\nfunc init() { x.z() }"},
		{"functions in a circle", "package a\nfunc f() T { return f().g() }\nfunc init() { f().g() }"},
		{"else if", "package a\nfunc f() {" + strings.Repeat("if x {} else ", n) + "{}}"},
		{"cases", "package a\nfunc f() { switch {" + strings.Repeat("case x:\n", n) + "} }"},
		{"broken", "package a\nfunc f( {"},
		{"nothing", ""},
	} {
		t.Run(c.name, func(t *testing.T) { follow(t, set, c.text) })
	}
}

func inside(t *testing.T, f *ir.File, size int) {
	t.Helper()
	seen := map[any]bool{}
	var stmts func(list []*ir.Stmt)
	var expr func(x *ir.Expr)
	check := func(pos int32) {
		if pos < 0 || int(pos) > size {
			t.Fatalf("position %d of %d bytes", pos, size)
		}
	}
	expr = func(x *ir.Expr) {
		if x == nil || seen[x] {
			return
		}
		seen[x] = true
		check(x.Pos)
		expr(x.X)
		expr(x.Y)
		for _, a := range x.Args {
			expr(a)
		}
		if x.Fn != nil {
			stmts(x.Fn.Body)
		}
		if x.Cls != nil {
			for _, m := range x.Cls.Members {
				expr(m.Value)
			}
		}
	}
	stmts = func(list []*ir.Stmt) {
		for _, s := range list {
			if seen[s] {
				continue
			}
			seen[s] = true
			check(s.Pos)
			expr(s.X)
			stmts(s.Body)
			stmts(s.Rest().Else)
			stmts(s.Rest().Post)
			for _, c := range s.Rest().Cases {
				expr(c.X)
				stmts(c.Body)
			}
		}
	}
	stmts(f.Main.Body)
}
