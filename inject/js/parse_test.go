package js

import (
	"fmt"
	"strings"
	"testing"
)

// dump writes a tree in short form.
func dump(n *Node) string {
	if n == nil {
		return "_"
	}
	var parts []string
	add := func(s string) { parts = append(parts, s) }
	if n.Str != "" {
		add(fmt.Sprintf("%q", n.Str))
	}
	for _, c := range []*Node{n.A, n.B, n.C, n.D} {
		if c != nil {
			add(dump(c))
		}
	}
	for _, c := range n.List {
		add(dump(c))
	}
	return kindNames[n.Kind] + "(" + strings.Join(parts, " ") + ")"
}

var kindNames = map[Kind]string{Ident: "id", String: "str", Number: "num", Regexp: "re", Template: "tpl", Tagged: "tag", Array: "arr", Object: "obj",
	Prop: "prop", Spread: "spread", Func: "fn", Class: "class", Member: "member", Unary: "un", Update: "upd", Binary: "bin", Assign: "set", Cond: "cond",
	Call: "call", New: "new", Dot: "dot", Index: "idx", Seq: "seq", Await: "await", Yield: "yield", This: "this", Super: "super", Literal: "lit",
	ImportCall: "import", Meta: "meta", JSX: "jsx", VarDecl: "var", Declarator: "decl", ExprStmt: "do", Block: "block", If: "if", For: "for", ForIn: "forin",
	ForOf: "forof", While: "while", DoWhile: "dowhile", Return: "ret", Throw: "throw", Break: "break", Continue: "continue", Try: "try", Switch: "switch",
	Case: "case", Labelled: "label", ImportDecl: "importdecl", ExportDecl: "export", ExportList: "exportlist", ExportDefault: "default", ExportAll: "exportall",
	Specifier: "spec", Empty: "empty"}

var cases = []struct {
	src   string
	types bool
	want  string // of the whole body; "" for: no fault
}{
	{"a + b * c", false, `do(bin("+" id("a") bin("*" id("b") id("c"))))`},
	{"a = b / c / d", false, `do(set("=" id("a") bin("/" id("b") id("c") id("d"))))`},
	{"a = /b[/]c/g.test(d)", false, `do(set("=" id("a") call(dot("test" re("/b[/]c/g")) id("d"))))`},
	{"x => ({a: 1})", false, `do(fn(obj(prop("a" num("1"))) id("x")))`},
	{"async (a, {b = 2}) => await a", false, ""},
	{"async\nx => 1", false, ""},
	{"let async; async = 1; async(2)", false, ""},
	{"`a${b}c${`d${e}`}`", false, `do(tpl(str("a") id("b") str("c") tpl(str("d") id("e") str()) str()))`},
	{"`a` in b", false, ""},
	{"for (const [k, v] of Object.entries(o)) f(k, v)", false, ""},
	{"for (var i = 0, n = ('x' in y); ;) {}", false, ""},
	{"a?.b?.[c]?.(d) ?? e", false, `do(bin("??" call(idx(dot("b" id("a")) id("c")) id("d")) id("e")))`},
	{"a ? .5 : b", false, `do(cond(id("a") num(".5") id("b")))`},
	{"class A extends B { #x = 1; static y; get z() { return this.#x } static { f() } async *g() {} constructor() { super() } }", false, ""},
	{"export { a as b, c as default } from './d.js'; export * as e from 'f'; import g, { h as i } from 'j' with { type: 'json' }", false, ""},
	{"export default async function () {}", false, ""},
	{"label: for (;;) { continue label }", false, `label("label" for(block(continue("label"))))`},
	{"const f = (a: string): ((...args: unknown[]) => void) => { return g(a) }", true, ""},
	{"const f = (a: string): (A | B) => { return g(a) }; type T = (A) => B; type U = ({a}) => B; const k = (cb: (err) => void): ((x) => number) => cb", true, ""},
	{"a\n++b", false, `do(id("a")) do(upd("++" id("b")))`},
	{"return_ = a\n/b/g", false, ""},
	{"if (a) /b/.test(c)", false, ""},
	{"a = b\n(c)", false, `do(set("=" id("a") call(id("b") id("c"))))`},
	{"var a = 1, {b, c: [d]} = e", false, `var("var" decl(id("a") num("1")) decl(obj(prop("b" id("b")) prop("c" arr(id("d")))) id("e")))`},
	{"new a.b(c).d", false, `do(dot("d" new(dot("b" id("a")) id("c"))))`},
	{"new Foo", false, `do(new(id("Foo")))`},
	{"<a b='c' {...d}>x {e} <F.G/></a>", false, `do(jsx("a" prop("b" str("c")) spread(id("d")) id("e") jsx("F.G" dot("G" id("F")))))`},
	{"<></>", false, `do(jsx())`},
	{"a <b> c", false, ""},
	{"'\\x41\\u{42}\\u0043'", false, `do(str("ABC"))`},
	{"#!/usr/bin/env node\na", false, `do(id("a"))`},
	{"a <!-- b\n--> c\nd", false, ""},
	{"yield_ = function* () { const x = yield* a; yield }", false, ""},
	{"0x1F + 1e+3 + 1_000n", false, `do(bin("+" num("0x1F") num("1e+3") num("1_000n")))`},
	{"({ get, set, async, static: 1, get a() {}, async b() {}, *c() {}, [d]: e, 'f': g, ...h })", false, ""},
	{"let x: number = 1, y!: A<B<C>>;", true, `var("let" decl(id("x") num("1")) decl(id("y")))`},
	{"const f = (a: string, b?: number): Promise<void> => {}", true, ""},
	{"const g = <T extends object>(x: T): x is T => true", true, ""},
	{"function h(this: A, private x: B, ...c: D[]): asserts x is E {}", true, ""},
	{"interface A { b: string; c?(d: number): void } type E = { [k in F]?: G } | `h${I}`; declare const j: K", true, ""},
	{"enum A { B, C = 'c' }", true, `var("const" decl(id("A") obj(prop("B" num("0")) prop("C" str("c")))))`},
	{"abstract class A<T> extends B<T> implements C { constructor(private readonly d: E) { super() } abstract f(): void; [k: string]: any; public static g?: H = 1 }", true, ""},
	{"a as B; c satisfies D; e!.f; <G>h; i<J>(k); new L<M>(n)", true, ""},
	{"a ? (b) : c => d", true, ""},
	{"a ? (b): c => d : e", true, ""},
	{"@a() class B { @c d; @e() f(@g h: I) {} }", true, ""},
	{"import type { A } from 'b'; import { type C, D } from 'e'; export type { F }; import g = require('h'); export = g", true, ""},
	{"namespace A.B { export const c = 1 } declare module 'd' { }", true, ""},
	{"const a = b < c && d > e", true, ""},
	{"let f: new (...a: any[]) => B; let g: typeof h.i; let j: unique symbol; let k: [a: B, c?: D, ...e: F[]]", true, ""},
}

func TestParse(t *testing.T) {
	for _, c := range cases {
		tree := Parse(c.src, Options{Types: c.types, JSX: !c.types})
		if len(tree.Faults) > 0 {
			f := tree.Faults[0]
			t.Errorf("%s: %s at %q", c.src, f.Text, c.src[f.Pos:])
			continue
		}
		var parts []string
		for _, n := range tree.Body {
			parts = append(parts, dump(n))
		}
		if got := strings.Join(parts, " "); c.want != "" && got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

// What follows a mistake is still read.
func TestTolerant(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"a b c\nd()", `do(call(id("d")))`},
		{"x = = 1;\ny()", `do(call(id("y")))`},
		{"function f() { ) }\nz()", `do(call(id("z")))`},
	} {
		tree := Parse(c.src, Options{})
		if len(tree.Faults) == 0 || len(tree.Body) == 0 {
			t.Errorf("%q: faults %v, %d statements", c.src, tree.Faults, len(tree.Body))
			continue
		}
		if got := dump(tree.Body[len(tree.Body)-1]); got != c.want {
			t.Errorf("%q: %s, want %s", c.src, got, c.want)
		}
	}
}
