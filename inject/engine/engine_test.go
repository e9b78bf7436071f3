package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/js"
	"github.com/fnvet/fnvet/inject/python"
	"github.com/fnvet/fnvet/inject/rules"
)

func lowerAny(name, src string) *ir.File {
	if strings.HasSuffix(name, ".py") {
		return python.Lower(python.Parse(src), src, name, name)
	}
	return js.Lower(js.Parse(src, js.Dialect(name)), src, name, name)
}

func runFile(t testing.TB, set *rules.Set, name, src string, steps int) ([]*Hit, error) {
	t.Helper()
	f := lowerAny(name, src)
	m := New(context.Background(), set, nil, steps)
	err := m.Load(f)
	if e, ok := m.Export(f, "handler"); ok {
		e.Params = []string{"source:event", "ext:lambda.context"}
		err = errors.Join(err, m.Enter(e))
	}
	return m.Hits(), err
}

func loadRules(t testing.TB) *rules.Set {
	t.Helper()
	set, err := rules.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Code that would run for ever, or for very long, ends by the limit of steps or
// before it.
func TestEnds(t *testing.T) {
	set := loadRules(t)
	var chain strings.Builder
	for range 2000 {
		chain.WriteString("f(")
	}
	for _, c := range []struct{ name, src string }{
		{"a.js", "function f(x){ return f(x + 1) + f(x + 2) } exports.handler = async e => f(e.body)"},
		{"b.js", "const y = f => f(f); exports.handler = e => y(y)"},
		{"c.js", "exports.handler = e => { for(;;) for(;;) for(;;) for(;;) for(;;) for(;;) for(;;) { e = e.a; g(e, () => exports.handler(e)) } }"},
		{"d.js", "let o = {}; o.o = o; exports.handler = e => { o.x = e; JSON.stringify(o); for (const k in o) o[k] = o }"},
		{"e.js", "exports.handler = e => { let s = 'a'; for (let i = 0; i < 99; i++) s += s; eval(s) }"},
		{"f.js", "exports.handler = e => { " + strings.Repeat("if (e.a) { e.b = e.c } else { e.d = [e] }", 2000) + " }"},
		{"g.js", "exports.handler = e => { " + strings.Repeat("if (e.a) {", 300) + strings.Repeat("}", 300) + " }"},
		{"h.py", "def f(*a, **k):\n  return f(*a, f, **k)\ndef handler(event, context):\n  return f(event, x=event)\n"},
		{"i.py", "class A(A): pass\nclass B(A):\n  def f(self): return super().f()\ndef handler(e, c):\n  return B().f()\n"},
		{"j.js", "class A { get a() { return this.a } toString() { return `${this}` } } exports.handler = e => new A().a"},
		{"k.js", "exports.handler = e => [1,2,3].map(function m(x) { return [e].map(m) })"},
	} {
		_, err := runFile(t, set, c.name, c.src, 300_000)
		if err != nil && !errors.Is(err, ErrSteps) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A limit of steps that is reached is told, and what was found before it stays.
func TestSteps(t *testing.T) {
	set := loadRules(t)
	src := "const { exec } = require('child_process'); exports.handler = e => { exec(e.body); " + strings.Repeat("f(e.a + e.b);", 5000) + "}"
	hits, err := runFile(t, set, "a.js", src, 2000)
	if !errors.Is(err, ErrSteps) || len(hits) != 1 {
		t.Errorf("%d hits, error %v", len(hits), err)
	}
}

// Two runs give the same hits in the same order.
func TestDeterministic(t *testing.T) {
	set := loadRules(t)
	src := `const { exec } = require('child_process');
exports.handler = async (e) => { for (const k of Object.keys(e)) { exec(e[k]); exec(k); } const { a, ...b } = e; [a, b.c].forEach((x) => exec(x)); eval(e.d || b.f); };`
	say := func() string {
		hits, err := runFile(t, set, "a.js", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, h := range hits {
			b.WriteString(h.Class.ID + " " + strings.Join(h.Taint.Path, ".") + "\n")
			for s := h.Taint.Step; s != nil; s = s.Prev {
				b.WriteString("  " + s.Note() + "\n")
			}
		}
		return b.String()
	}
	first := say()
	if !strings.Contains(first, "injection/command") {
		t.Fatalf("nothing found:\n%s", first)
	}
	for range 5 {
		if again := say(); again != first {
			t.Fatalf("two runs differ:\n%s\n%s", first, again)
		}
	}
}

// FuzzRun: code of any kind runs without a panic, and hits lie inside the file.
func FuzzRun(f *testing.F) {
	f.Add("exports.handler = async (e) => { eval(e.body) }", false)
	f.Add("def handler(e, c):\n  eval(e['x'])\n", true)
	f.Add("class A extends B { static x = 1; f() { return super.f(...arguments) } } exports.handler = (e) => new A(e).f()", false)
	f.Add("from a import *\n@b(c)\ndef handler(e, c):\n  match e:\n    case {'x': y}: exec(y)\n", true)
	set := loadRules(f)
	f.Fuzz(func(t *testing.T, src string, py bool) {
		if len(src) > 1<<12 {
			return
		}
		name := "a.js"
		if py {
			name = "a.py"
		}
		hits, _ := runFile(t, set, name, src, 20_000)
		for _, h := range hits {
			if h.Pos < 0 || int(h.Pos) > len(src) {
				t.Fatalf("a hit at %d of %d", h.Pos, len(src))
			}
		}
	})
}

// A class stands where a predicate is asked: it has no body to look into.
func TestClassAsPredicate(t *testing.T) {
	src := "const { exec } = require('child_process'); class A {} exports.handler = e => { const ok = A(e.body); if (!ok) return; exec(e.body) }"
	hits, err := runFile(t, loadRules(t), "a.js", src, 300_000)
	if err != nil || len(hits) != 1 {
		t.Errorf("%d hits, error %v", len(hits), err)
	}
}
