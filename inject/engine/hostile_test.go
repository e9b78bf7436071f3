package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// many writes a text n times with its number in it.
func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// hostile are programs that are small to write and large to follow.
var hostile = []struct{ why, name, src string }{
	{"one expression of a megabyte", "a.js", "exports.handler = e => eval(e.a" + strings.Repeat(" + e.b + 'xxxxxxxx'", 50_000) + ")"},
	{"an expression nested deeply", "a.js", "exports.handler = e => " + strings.Repeat("f(", 800) + "e" + strings.Repeat(")", 800)},
	{"a huge array", "a.js", "const t = [" + strings.Repeat("'x',", 200_000) + "]; exports.handler = e => { for (const x of t) eval(x + e.a) }"},
	{"a huge object that is copied", "a.js", "const t = {" + many(20_000, "k%d: 1, ") + "}; exports.handler = e => { let u = {...t, x: e.a}; for (let i = 0; i < 9; i++) u = {...u, ...t}; eval(u.x) }"},
	{"a giant switch", "a.js", "exports.handler = e => { let x; switch (e.a) {" + many(20_000, "case %d: x = e.b; break;\n") + "} eval(x) }"},
	{"a switch that falls through", "a.js", "exports.handler = e => { let x; switch (e.a) {" + many(3000, "case %d: x = e.b + x;\n") + "} eval(x) }"},
	{"a chain of closures", "a.js", "let f0 = x => eval(x);\n" + manyLinks(5000) + "exports.handler = e => f5000(e.a)"},
	{"a graph of calls that explodes", "a.js", explosion(40, 3) + "exports.handler = e => g0(e.a)"},
	{"the same with callbacks", "a.js", "const m = (f, g) => x => { f(x); g(x); };\nlet f = x => eval(x);\n" + strings.Repeat("f = m(f, f);\n", 60) + "exports.handler = e => f(e.a)"},
	{"loops in loops", "a.js", "exports.handler = e => { let s = []; " + strings.Repeat("for (const x of e.a) { s.push(x); ", 200) + "eval(s)" + strings.Repeat("}", 200) + "}"},
	{"branches that all write", "a.js", "exports.handler = e => { let x0 = e.a; " + many(4000, "let y%d = 0; if (e.b) { y%[1]d = x0; x0 = [x0, y%[1]d] } ") + " eval(x0) }"},
	{"texts that double", "a.js", "exports.handler = e => { let s = e.a ? 'a' : 'b'; " + strings.Repeat("s = s + (e.b ? s : 'c');", 3000) + " eval(s) }"},
	{"taints without number", "a.js", "exports.handler = e => { let s = ''; " + many(20_000, "s += e.k%d;") + " eval(s) }"},
	{"a Python module of dictionaries", "a.py", "T = {" + many(20_000, "'k%d': [1, {'a': 2}], ") + "}\ndef handler(e, c):\n  for k in T:\n    T.update({k: e['a']})\n    eval(T[k])\n"},
	{"classes that extend each other", "a.js", "class C0 { m(x) { eval(x) } }\n" + manyClasses(3000) + "exports.handler = e => new C3000().m(e.a)"},
	{"prototypes in a ring", "a.js", "function A(){} function B(){} A.prototype = new B(); B.prototype = new A(); Object.setPrototypeOf(A.prototype, B.prototype); Object.setPrototypeOf(B.prototype, A.prototype); exports.handler = e => new A().m(e.a)"},
	{"regular expressions of any size", "a.js", "exports.handler = e => { " + strings.Repeat("if (/^([a-z]{1,900}){1,900}$/.test(e.a)) eval(e.a);", 2000) + "}"},
}

func manyLinks(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "let f%d = x => f%d([x]);\n", i, i-1)
	}
	return b.String()
}

func manyClasses(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "class C%d extends C%d { m(x) { return super.m(x) } }\n", i, i-1)
	}
	return b.String()
}

// explosion is depth functions each of which calls the next wide times, with
// arguments that all differ.
func explosion(depth, wide int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "function g%d(x) {", i)
		for j := range wide {
			fmt.Fprintf(&b, " g%d({v: x, n%d: x.a%d});", i+1, j, j)
		}
		b.WriteString(" }\n")
	}
	fmt.Fprintf(&b, "function g%d(x) { eval(x.v) }\n", depth)
	return b.String()
}

// A step is a bounded piece of work: nothing that an artifact can write makes one
// of them cost much, so that the limit of steps is one of time. Work is counted in
// allocations, which are the same on every machine.
func TestStepsAreWork(t *testing.T) {
	const (
		limit        = 200_000
		perStep      = 40 // allocations
		bytesPerStep = 4096
		perByte      = 3 // of parsing and lowering
		permanent    = 20_000
	)
	set := loadRules(t)
	for _, c := range hostile {
		var before, parsed, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f := lowerAny(c.name, c.src)
		runtime.ReadMemStats(&parsed)
		if n := parsed.Mallocs - before.Mallocs; n > perByte*uint64(len(c.src))+permanent {
			t.Errorf("%s: %d allocations for %d bytes", c.why, n, len(c.src))
		}
		m := New(context.Background(), set, nil, limit)
		used := 0
		part := func(err error) {
			if err != nil && !errors.Is(err, ErrSteps) {
				t.Errorf("%s: %v", c.why, err)
			}
			used += m.Used()
			if m.Used() > limit {
				t.Errorf("%s: %d steps of %d", c.why, m.Used(), limit)
			}
		}
		runtime.ReadMemStats(&parsed)
		part(m.Load(f))
		if e, ok := m.Export(f, "handler"); ok {
			e.Params = []string{"source:event"}
			part(m.Enter(e))
		}
		runtime.ReadMemStats(&after)
		if n := after.Mallocs - parsed.Mallocs; n > perStep*uint64(used)+permanent {
			t.Errorf("%s: %d allocations in %d steps", c.why, n, used)
		} else if testing.Verbose() {
			t.Logf("%-40s %8d bytes %7d steps %5.1f allocations a step, %5.0f bytes", c.why, len(c.src), used, float64(n)/float64(max(used, 1)),
				float64(after.TotalAlloc-parsed.TotalAlloc)/float64(max(used, 1)))
		}
		if n := after.TotalAlloc - parsed.TotalAlloc; n > bytesPerStep*uint64(used)+(4<<20) {
			t.Errorf("%s: %d bytes allocated in %d steps", c.why, n, used)
		}
	}
}

// The parsers stop at their depth.
func TestDepth(t *testing.T) {
	for _, c := range []struct{ why, name, src string }{
		{"parentheses", "a.js", strings.Repeat("(", 500_000)},
		{"arrays", "a.js", strings.Repeat("[", 500_000)},
		{"functions", "a.js", strings.Repeat("x=>", 300_000)},
		{"templates", "a.js", strings.Repeat("`${", 200_000)},
		{"types", "a.ts", "type A = " + strings.Repeat("{a: (", 100_000)},
		{"elements", "a.jsx", strings.Repeat("<a>", 200_000)},
		{"brackets of Python", "a.py", strings.Repeat("(", 500_000)},
		{"lambdas", "a.py", strings.Repeat("lambda:", 100_000)},
		{"indents", "a.py", indents(2000)},
	} {
		f := lowerAny(c.name, c.src)
		if len(f.Faults) == 0 {
			t.Errorf("%s: no fault", c.why)
		}
		for _, x := range f.Faults {
			if x.Pos < 0 || int(x.Pos) > len(c.src) {
				t.Errorf("%s: a fault at %d of %d", c.why, x.Pos, len(c.src))
			}
		}
	}
}

func indents(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "if x:\n")
	}
	return b.String()
}
