package node

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScan(t *testing.T) {
	for _, tt := range []struct {
		why, src string
		want     string // refs: r for require, i for import, e for either; then flags
	}{
		{"plain", `const a = require("a"), b = require('./b')`, "r:./b r:a"},
		{"spaces and comments in the call", "require /*x*/ ( // y\n 'a' /*z*/ )", "r:a"},
		{"template without a substitution", "require(`a`)", "r:a"},
		{"comment", "// require('a')\n/* require('b') */ x()", ""},
		{"string", `"require('a')"; 'it\'s require("b")'`, " code"},
		{"regexp with a quote", `x = /['"]/; require("a")`, "r:a"},
		{"regexp after a condition", `if (x) /'/.test(y); require("a")`, "r:a"},
		{"regexp after a block", "if (x) { y }\n/'/.test(z); require('a')", "r:a"},
		{"class with a slash", `x = /[/'"]/g; require("a")`, "r:a"},
		{"division", `a / b; require("a"); c / d`, "r:a"},
		{"division after a parenthesis", `(a) / 2; require("a") / 3`, "r:a"},
		{"division after a member named as a keyword", `a.return / 2; require('x') / 1`, "r:x"},
		{"division after an object", `x = {a: 1} / 2; require('x') / 1`, "r:x"},
		{"postfix", `i++ / 2; require('x'); j-- / 1`, "r:x"},
		{"template with code", "`${require('a')} ${`${require('b')}`}`", "r:a r:b"},
		{"brace in a template's code", "`${{a: '}'}} ${ {b(){ return `}` }} }`; require('a')", "r:a"},
		{"hashbang", "#!/usr/bin/env node it's\nrequire('a')", "r:a"},
		{"import statements", `import "a"; import b from 'b'; import * as c from "c"; import {d as e} from 'd'; import f, {g} from "f"`, "i:a i:b i:c i:d i:f"},
		{"minified imports", `import a from"a";import{b as c}from"b";import*as d from"c";export{e}from"d";export*from"e";`, "i:a i:b i:c i:d i:e"},
		{"import with attributes", `import x from "./x.json" with { type: "json" }`, "i:./x.json"},
		{"dynamic import", `await import("a"); import('b').then(x); import("./c.json", {with: {type: "json"}})`, "i:./c.json i:a i:b"},
		{"dynamic import of anything", `import(x)`, " dynamic"},
		{"from as a name", `Array.from("a"); const from = "b"; from`, ""},
		{"typescript's import", `import x = require("a")`, "r:a"},
		{"computed", `require(x)`, " dynamic"},
		{"computed with a start", `require("./l/" + x); require("@a/b-" + y)`, " prefix:./l/ prefix:@a/b-"},
		{"computed template", "require(`@a/b-${c}/d`)", " prefix:@a/b-"},
		{"computed in the directory", `require(path.join(__dirname, x))`, " prefix:./ here"},
		{"computed upwards", `require(path.join(__dirname, "..", x))`, " dynamic here"},
		{"conditional constant", `require(x ? "a" : "b")`, " dynamic"},
		{"a bundle's number", `__nccwpck_require__(12); require(12)`, ""},
		{"handed on", `f(require)`, " dynamic"},
		{"aliased", `var r = require; r("a")`, " dynamic"},
		{"parameter", `define(function (require, exports) { require("a") })`, "r:a"},
		{"parameter of an arrow", `((require) => require("a"))(x)`, "r:a dynamic"},
		{"asked for", `typeof require === "function" && module.exports`, ""},
		{"key", `x = {require: 1, a: 2}`, ""},
		{"resolve", `require.resolve("a"); import.meta.resolve("b")`, "e:a e:b"},
		{"main", `if (require.main === module) x(); delete require.cache[x]`, ""},
		{"member", `module.require("a"); require.main.require("b")`, "e:a e:b"},
		{"computed member", `module["require"]("a")`, " dynamic"},
		{"amd list", `define(["require", "exports"], f)`, ""},
		{"createRequire", `import {createRequire} from "module"; const require = createRequire(import.meta.url); require("a")`, "r:a i:module here"},
		{"createRequire by another name", `import {createRequire as c} from "node:module"; const q = c(import.meta.url); q("a")`, "r:a i:node:module here"},
		{"createRequire of a module object", `const m = require("module"); const q = m.createRequire(__filename); q("a")`, "r:a r:module here"},
		{"createRequire elsewhere", `const q = createRequire(process.cwd() + "/")`, " dynamic"},
		{"createRequire at once", `createRequire(import.meta.url)("a")`, " dynamic here"},
		{"esbuild's helper", `var x = __require("a")`, "r:a"},
		{"processes", `require("child_process").fork(x); import "node:worker_threads"`, " dynamic"},
		{"eval", `eval(x)`, " dynamic eval"},
		{"eval of require", `eval("require")("a")`, " dynamic eval"},
		{"harmless eval", `Function("return this")(); eval("1")`, ""},
		{"Function", `new Function("a", x)`, " eval"},
		{"Function that imports", `new Function("m", "return import(m)")`, " eval code"},
		{"escape in a specifier", `require("a\/b"); require("\x61")`, "r:a/b dynamic"},
		{"escape in a word", `\u0072equire("a")`, " dynamic"},
		{"loader", `Module._load(x)`, " dynamic"},
		{"paths", `module.paths.push(x); this.paths`, " dynamic"},
		{"private and optional", `this.#x; a?.b; a ?.1 : 2; require("a")`, "r:a"},
		{"unterminated string", "x = 'a\nrequire('b')", "e:b dynamic broken"},
		{"unterminated comment", "require('a') /* ", "r:a e:a dynamic broken"},
		{"unbalanced", "require('a'))", "r:a e:a dynamic broken"},
		{"string over lines", "x = 'a\\\nb'; y = 'c\\\r\nd'; require('e')", "r:e"},
	} {
		if got := show(Scan([]byte(tt.src))); got != tt.want {
			t.Errorf("%s: %s\n got %q\nwant %q", tt.why, tt.src, got, tt.want)
		}
	}
}

func show(s Source) string {
	var refs, rest []string
	for _, r := range s.Refs {
		refs = append(refs, string("rie"[r.Kind])+":"+r.Spec)
	}
	slices.SortStableFunc(refs, func(a, b string) int { return strings.Compare(a[2:], b[2:]) })
	for _, p := range s.Prefixes {
		rest = append(rest, "prefix:"+p)
	}
	for i, name := range []string{"dynamic", "eval", "code", "here", "crowded", "broken"} {
		if s.Flags&(1<<i) != 0 {
			rest = append(rest, name)
		}
	}
	out := strings.Join(refs, " ")
	if len(rest) > 0 {
		out += " " + strings.Join(rest, " ")
	}
	return out
}

func TestScanNames(t *testing.T) {
	s := Scan([]byte("x('pug', '@a/b/c', 'two words', './lib/x', '@img/sharp-', 'UPPER', `@t/x-${y}`, 'lib/y.js')"))
	want := []uint32{hash("pug"), hash("@a/b"), hash("UPPER"), hash("@t/x-"), hash("lib")}
	for _, n := range want[:3] {
		if !slices.Contains(s.Names, n) {
			t.Error("a package name among the strings is lost")
		}
	}
	if diff := cmp.Diff([]string{"@img/sharp-", "@t/x-"}, s.Stems); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"./lib/x", "lib/y.js"}, s.Paths); diff != "" {
		t.Error(diff)
	}
}

// Whatever the bytes, a scan ends, keeps within its bounds, does not depend on
// what comes before a line of its own, and never loses an import statement that
// stands alone at the start of a file.
func FuzzScan(f *testing.F) {
	for _, s := range []string{"require('a')", "`${x}`", "/[/]/", "import x from 'y'", "a = {}/1", "createRequire(import.meta.url)"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := Scan(data)
		if len(s.Refs) > maxRefs+len(data) || len(s.Names) > maxNames || len(s.Paths) > maxPaths {
			t.Fatal("over a bound")
		}
		for _, r := range s.Refs {
			if len(r.Spec) > maxSpec {
				t.Fatal("a specifier over its bound")
			}
		}
		if diff := cmp.Diff(s, Scan(data)); diff != "" {
			t.Fatal(diff)
		}
		with := Scan(append([]byte("require('first-of-all');\n"), data...))
		if !slices.ContainsFunc(with.Refs, func(r Ref) bool { return r.Spec == "first-of-all" }) {
			t.Fatal("an import at the start of the file is lost")
		}
	})
}
