package python

import (
	"fmt"
	"strings"
	"testing"
)

// cases are texts that are read without a fault.
var cases = []string{
	"x = 1\n",
	"def f(a, /, b: int = 1, *args, c, d=2, **kw) -> list[int]:\n    return a\n",
	"async def f():\n    async with a as b, c:\n        async for d in e:\n            await d\n        else:\n            pass\n",
	"if a:\n  b\nelif c: d\nelse:\n  e\n",
	"while a := b(): break\nelse: continue_\n",
	"for i, (j, *k) in enumerate(x): pass\n",
	"try:\n  a\nexcept (B, C) as d:\n  e\nexcept* F: g\nelse:\n  h\nfinally:\n  i\n",
	"try: pass\nfinally: pass\n",
	"with (open(a) as b, open(c) as d,):\n  pass\nwith (a, b): pass\nwith (yield x): pass\n",
	"class A(B, metaclass=C):\n  x: int = 1\n  @property\n  def y(self): return 1\n",
	"class A[T: int, *Ts, **P](B[T]): pass\ntype X[T] = list[T]\ndef f[T](x: T) -> T: return x\n",
	"match x:\n  case 1 | 2: pass\n  case {'a': [b, *_], **rest} if b: pass\n  case Point(x=0, y=c) as p: pass\n  case A.B: pass\n  case (1, 2): pass\n  case -1.5: pass\n  case _: pass\n",
	"match = 1\nmatch.x\nmatch(a, b)\nmatch[0]\nprint(match)\n",
	"type = 1\ntype(x)\n",
	"f'{a}{b!r:>{width}}{c=}{{d}}' f\"{e['x']}\" 'y'\n",
	"f'{a[\"b\"]}' + f\"{f'{c}'}\" + f'{x:%Y-%m}'\n",
	"f\"{d[\"k\"]}\"\nf'''{\na\n}'''\n",
	"rb'\\x' + b'a' + R'\\d'\n",
	"x = [a for b in c if d for e in f]\ny = {a: b for c in d}\nz = {a for b in c}\nw = (a async for b in c)\n",
	"f(a, *b, c=d, **e)\nf(x for y in z)\n",
	"a = b = c, d\n(e, f), *g = h\n",
	"a: int\nb: list[str] = []\nc.d: int = 1\n",
	"lambda x, *y, z=1, **w: x\n",
	"x = a if b else c\nnot a in b\na not in b is not c\n",
	"import a.b.c as d, e\nfrom ...f import (g as h, i,)\nfrom . import j\nfrom k import *\n",
	"global a, b\nnonlocal c\ndel a[0], b.c\nassert a, b\nraise A from B\n",
	"x = (1 +\n  2)\ny = 1 + \\\n  2\n",
	"if a:\n\n  # comment\n  b\n# comment\n\n  c\n",
	"if a:\n\tb\n\tc\n",
	"@a.b(c)\n@(d := e)\ndef f(): ...\n",
	"x[1:2, ::3, ...]\nx[a:=1]\n",
	"0xFF + 1e-5 + 1_000j + .5\n",
	"a @ b @= c\n"[:6] + "\na @= c\n",
	"print(*a, sep='')\nyield_ = 1\ndef g():\n  x = yield\n  yield from y\n  return (yield z)\n",
	"f'\\N{BULLET} {a}'\n",
	"x = 1; y = 2;\n",
	"\ufeff# coding: utf-8\nx = 'é'\n",
	"if a: b\r\nelse:\r\n    c\r\n",
	"def f(): return",
}

func TestParse(t *testing.T) {
	for _, src := range cases {
		tree := Parse(src)
		if len(tree.Faults) > 0 {
			f := tree.Faults[0]
			t.Errorf("%q: %s at %q", src, f.Text, src[f.Pos:])
		}
		if len(tree.Body) == 0 {
			t.Errorf("%q: nothing", src)
		}
	}
}

// show writes an expression with brackets around everything.
func show(n *Node) string {
	if n == nil {
		return ""
	}
	var parts []string
	for _, c := range append([]*Node{n.A, n.B, n.C}, n.List...) {
		if c != nil {
			parts = append(parts, show(c))
		}
	}
	if len(parts) == 0 {
		return n.Str
	}
	return fmt.Sprintf("(%s %s)", strings.TrimSpace(fmt.Sprint(n.Kind, n.Str)), strings.Join(parts, " "))
}

func TestPriorities(t *testing.T) {
	k := func(kind Kind, op string) string { return strings.TrimSpace(fmt.Sprint(kind, op)) }
	for _, c := range []struct{ src, want string }{
		{"a + b * c", "(" + k(Binary, "+") + " a (" + k(Binary, "*") + " b c))"},
		{"a or b and not c", "(" + k(Binary, "or") + " a (" + k(Binary, "and") + " b (" + k(Unary, "not") + " c)))"},
		{"a < b + c", "(" + k(Compare, "<") + " a (" + k(Binary, "+") + " b c))"},
		{"not a in b", "(" + k(Unary, "not") + " (" + k(Compare, "in") + " a b))"},
		{"-a ** b", "(" + k(Unary, "-") + " (" + k(Binary, "**") + " a b))"},
		{"a | b == c", "(" + k(Compare, "==") + " (" + k(Binary, "|") + " a b) c)"},
		{"a.b(c)[d]", "(" + k(Subscript, "") + " (" + k(Call, "") + " (" + k(Attribute, "b") + " a) c) d)"},
	} {
		tree := Parse(c.src)
		if len(tree.Body) != 1 {
			t.Fatalf("%s: %v", c.src, tree.Faults)
		}
		if got := show(tree.Body[0].A); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

// What follows a mistake is still read.
func TestTolerant(t *testing.T) {
	for _, src := range []string{"a b c\nlast()\n", "def f(:\n  x\nlast()\n", "print 'x'\nlast()\n", "if a\n  b\nlast()\n", "class A:\n  def f(self):\n    x = = 1\n  y = 2\nlast()\n"} {
		tree := Parse(src)
		n := len(tree.Body)
		if len(tree.Faults) == 0 || n == 0 || show(tree.Body[n-1].A) != fmt.Sprintf("(%d last)", Call) {
			t.Errorf("%q: faults %v, %d statements", src, tree.Faults, n)
		}
	}
}
