package java

import (
	"archive/zip"
	"context"
	"io"
	"testing"

	"github.com/fnvet/fnvet/inject/engine"
	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// Whatever the bytes: no panic, positions are lines of the file, jumps stay in
// their graph, and the engine ends by its steps.
func FuzzLower(f *testing.F) {
	z, err := zip.OpenReader("../testdata/java/labelled.zip")
	if err != nil || len(z.File) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	defer func() { _ = z.Close() }()
	for _, e := range z.File {
		r, err := e.Open()
		if err != nil {
			f.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	set, err := rules.Load(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Read(data)
		if err != nil {
			if c != nil {
				t.Fatal("an error and a class")
			}
			return
		}
		x := NewIndex([]*Class{c})
		file := Lower(c, x, "A.class", "A.class")
		inside(t, file)
		m := engine.New(context.Background(), set, func(_ *ir.File, module string) *ir.File {
			if module == c.Name {
				return file
			}
			return nil
		}, 20_000)
		_ = m.Load(file)
		for key := range c.Methods {
			if e, ok := m.Method(file, "<init>()V", key, key, false); ok {
				e.Params = []string{"source:event"}
				_ = m.Enter(e)
			}
		}
	})
}

func inside(t *testing.T, f *ir.File) {
	t.Helper()
	var stmts func(list []*ir.Stmt)
	var expr func(x *ir.Expr)
	check := func(pos int32) {
		if pos < 0 || int(pos) >= len(f.Lines) {
			t.Fatalf("position %d of %d lines", pos, len(f.Lines))
		}
	}
	expr = func(x *ir.Expr) {
		if x == nil {
			return
		}
		check(x.Pos)
		expr(x.X)
		expr(x.Y)
		for _, a := range x.Args {
			expr(a)
		}
		if x.Fn != nil {
			check(x.Fn.Pos)
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
			check(s.Pos)
			expr(s.X)
			for _, b := range s.Rest().Blocks {
				stmts(b.Body)
				expr(b.If)
				for _, to := range b.Next {
					if to < 0 || to >= len(s.Rest().Blocks) {
						t.Fatalf("a jump to block %d of %d", to, len(s.Rest().Blocks))
					}
				}
			}
		}
	}
	stmts(f.Main.Body)
}
