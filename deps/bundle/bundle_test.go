package bundle

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/google/go-cmp/cmp"
)

func base64Text(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// scan offers files by name, in order of their names.
func scan(t testing.TB, files map[string]string) fnvet.Facts {
	t.Helper()
	d := New()
	for _, name := range sorted(files) {
		f := &fnvet.File{Path: "fn.zip!/" + name, Name: name, Container: "fn.zip", Size: int64(len(files[name])), Data: []byte(files[name])}
		f.Path = name
		if !d.Want(f) {
			continue
		}
		facts, err := d.Detect(context.Background(), f)
		if err != nil || len(facts.Gaps) > 0 {
			t.Errorf("%s: %v %v", name, err, facts.Gaps)
		}
	}
	facts, err := d.Finish(context.Background(), func(string, string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

func TestPlaceOf(t *testing.T) {
	for _, tt := range []struct{ path, root, name, version string }{
		{"node_modules/lodash/lodash.js", "node_modules/lodash", "lodash", ""},
		{"../node_modules/@a/b/x.js", "../node_modules/@a/b", "@a/b", ""},
		{"webpack://app/./node_modules/ms/index.js", "webpack://app/./node_modules/ms", "ms", ""},
		{"node_modules/a/node_modules/b/i.js", "node_modules/a/node_modules/b", "b", ""},
		{`C:\w\node_modules\ms\index.js`, "C:/w/node_modules/ms", "ms", ""},
		{"x-loader!node_modules/ms/index.js", "node_modules/ms", "ms", ""},
		{"node_modules/.pnpm/lodash@4.17.21/node_modules/lodash/x.js", "node_modules/.pnpm/lodash@4.17.21/node_modules/lodash", "lodash", "4.17.21"},
		{"node_modules/.pnpm/@b+c@7.0.0_x@1.0.0/node_modules/@b/c/x.js", "node_modules/.pnpm/@b+c@7.0.0_x@1.0.0/node_modules/@b/c", "@b/c", "7.0.0"},
		{"node_modules/.pnpm/@b+c@7.0.0(x@1.0.0)/node_modules/@b/c/x.js", "node_modules/.pnpm/@b+c@7.0.0(x@1.0.0)/node_modules/@b/c", "@b/c", "7.0.0"},
		{"node_modules/.pnpm/a@1.0.0/node_modules/b/x.js", "node_modules/.pnpm/a@1.0.0/node_modules/b", "b", ""}, // the version is of a
		{".yarn/cache/ms-npm-2.1.2-ec0c1512ff-673cdb2c31.zip/node_modules/ms/index.js", ".yarn/cache/ms-npm-2.1.2-ec0c1512ff-673cdb2c31.zip/node_modules/ms", "ms", "2.1.2"},
		{"/u/.yarn/berry/cache/@b-c-npm-7.0.0-rc.1-0123456789-8.zip/node_modules/@b/c/x.js", "/u/.yarn/berry/cache/@b-c-npm-7.0.0-rc.1-0123456789-8.zip/node_modules/@b/c", "@b/c", "7.0.0-rc.1"},
		{".yarn/unplugged/ms-npm-2.1.2-ec0c1512ff/node_modules/ms/index.js", ".yarn/unplugged/ms-npm-2.1.2-ec0c1512ff/node_modules/ms", "ms", "2.1.2"},
		{"node_modules/.store/ms-npm-2.1.2-ec0c1512ff/package/index.js", "node_modules/.store/ms-npm-2.1.2-ec0c1512ff", "ms", "2.1.2"},
		{"node_modules/_ms@2.1.2@ms/index.js", "node_modules/_ms@2.1.2@ms", "ms", "2.1.2"},
		{"https://esm.sh/v135/ms@2.1.2/es2022/ms.mjs", "https://esm.sh/ms@2.1.2", "ms", "2.1.2"},
		{"https://cdn.jsdelivr.net/npm/@a/b@1.0.0/+esm", "https://cdn.jsdelivr.net/npm/@a/b@1.0.0", "@a/b", "1.0.0"},
		{"src/index.js", "", "", ""},
		{"my_node_modules/x/y.js", "", "", ""},
		{"node_modules/.cache/x/y.js", "", "", ""},
		{"node_modules/ms", "", "", ""}, // no file of it
		{"node_modules/../../x.js", "", "", ""},
	} {
		p, ok := placeOf(tt.path)
		if ok != (tt.name != "") || p != (place{tt.root, tt.name, tt.version}) {
			t.Errorf("placeOf(%q) = %+v, %v", tt.path, p, ok)
		}
	}
}

func TestBanner(t *testing.T) {
	for _, tt := range []struct{ text, name, version string }{
		{"! lodash v4.17.15 ", "lodash", "4.17.15"},
		{"!\n * jQuery JavaScript Library v3.6.0\n * https://jquery.com/\n", "jquery", "3.6.0"},
		{"* @license\n * Lodash 4.17.21 (Custom Build) <https://lodash.com/>", "lodash", "4.17.21"},
		{"!\n * Vue.js v2.6.14\n * (c) 2014-2021 Evan You", "vue", "2.6.14"},
		{"! moment.js\n! version : 2.29.1\n! authors : Tim Wood", "moment", "2.29.1"},
		{"* @license URI.js v4.4.1 (c) 2011 Gary Court. License: http://github.com/garycourt/uri-js ", "uri-js", "4.4.1"},
		{"!\n * express\n * Copyright(c) 2009-2013 TJ Holowaychuk\n * MIT Licensed\n", "express", ""},
		{"! decimal.js v10.3.1 https://github.com/MikeMcl/decimal.js/LICENCE ", "decimal.js", "10.3.1"},
		{"! core-js 3.30.0 ", "core-js", "3.30.0"},
		{"! http://mths.be/fromcodepoint v0.1.0 by @mathias ", "", ""}, // an address is no name
		{"! Copyright 2024 Acme. Version 1.2.3", "", ""},
		{"! For license information please see index.js.LICENSE.txt ", "", ""},
		{"! Our handler, built for release 1.2.3", "", ""},
		{"!\n * Licensed under MIT\n", "", ""},
	} {
		name, version := banner([]byte(tt.text))
		if name != tt.name || version != tt.version {
			t.Errorf("banner(%q) = %q %q", tt.text, name, version)
		}
	}
}

func TestConstants(t *testing.T) {
	for _, tt := range []struct {
		name, code, why string
		want            []string
	}{
		{"lodash", `;var VERSION = '4.17.15';`, "the usual", []string{"4.17.15"}},
		{"x", `exports.version="1.2.3-rc.1"`, "as a property", []string{"1.2.3-rc.1"}},
		{"x", `var VERSION$2 = "1.2.3"; let version2="1.2.3"`, "renamed by a bundler", []string{"1.2.3", "1.2.3"}},
		{"x", `{ VERSION: '2.1000.0' }`, "as a key in capitals", []string{"2.1000.0"}},
		{"semver", `const SEMVER_SPEC_VERSION = '2.0.0'`, "another thing's version", nil},
		{"x", `{name:"y",version:"1.0.0"}`, "a key of any object", nil},
		{"x", `if (version === "1.2.3")`, "a comparison", nil},
		{"x", `version = "1.2"; version = "v1.2.3"; VERSION="0.0.0-dev"`, "no releases", nil},
		{"bluebird", "/* bluebird build version 3.7.2 */", "a comment at the head", []string{"3.7.2"}},
		{"x", "/* bluebird build version 3.7.2 */", "a comment about something else", nil},
	} {
		var got []string
		constants([]byte(tt.code), tt.name, func(v string, _ evidence) { got = append(got, v) })
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s: -want +got\n%s", tt.code, tt.why, diff)
		}
	}
}

func TestManifests(t *testing.T) {
	for _, tt := range []struct{ code, want, why string }{
		{`module.exports={name:"@a/b",description:"x",version:"1.2.3",main:"i.js"}`, "@a/b@1.2.3", "a literal"},
		{`JSON.parse('{"name":"axios","version":"0.21.1","license":"MIT"}')`, "axios@0.21.1", "JSON in a string"},
		{`JSON.parse("{\"name\":\"axios\",\"version\":\"0.21.1\",\"license\":\"MIT\"}")`, "axios@0.21.1", "JSON in a string of the same quotes"},
		{"x({\n  name: 'a',\n  scripts: {test: \"x {\", n: [1, {name:'b'}]},\n  version: '1.0.0'\n})", "a@1.0.0", "values passed over"},
		{`{name:"a",version:"1.0.0"}`, "", "any object may have a name and a version"},
		{`{name:"fn",version:"1.0.0",private:!0,main:"x"}`, "", "the function's own"},
		{`{name:"a",version:"^1.0.0",main:"x"}`, "", "a range"},
		{`{username:"a",version:"1.0.0",main:"x"}`, "", "another key"},
		{`{name:"a",main:"x","version":"1.0.0`, "", "cut off"},
	} {
		got := ""
		for _, m := range manifests([]byte(tt.code)) {
			got += m.name + "@" + m.version
		}
		if got != tt.want {
			t.Errorf("%s: %s: %q, want %q", tt.code, tt.why, got, tt.want)
		}
	}
}

func TestReadMap(t *testing.T) {
	for _, tt := range []struct{ data, want, err, why string }{
		{`{"version":3,"sources":["a.js","b.js"],"sourcesContent":["x",null],"mappings":"AAAA"}`, "a.js=x b.js=", "", "plain"},
		{`{"sourcesContent":["x\"y"],"sources":["a\u002ejs"]}`, `a.js=x\"y`, "", "contents first, escapes"},
		{`{"sections":[{"offset":{},"map":{"sources":["a.js"]}},{"map":{"sourceRoot":"r","sources":["b.js"],"sourcesContent":["y"]}}]}`, "a.js= r/b.js=y", "", "an index map"},
		{")]}'\n" + `{"sources":["a.js"]}`, "a.js=", "", "a guarded line first"},
		{`{"sources":["a.js","b`, "a.js=", "not a source map", "cut off"},
		{`{"sources":null,"sourcesContent":null}`, "", "", "nulls"},
		{`[1]`, "", "not a source map", "something else"},
		{`{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "", "source map of more than 64 levels", "deep"},
	} {
		sources, err := readMap([]byte(tt.data))
		var got []string
		for _, s := range sources {
			got = append(got, s.path+"="+string(s.content))
		}
		if strings.Join(got, " ") != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%s: %q, %v", tt.why, got, err)
		}
	}
}

// TestNoBundle: code written by hand and code of installed packages is neither
// listed nor a gap.
func TestNoBundle(t *testing.T) {
	hand := "const _ = require('./node_modules/lodash/lodash.js');\n// a helper\nexports.handler = async (event) => ({ statusCode: 200, body: _.get(event, 'a') });\n"
	typescript := "\"use strict\";\nvar __importDefault = (this && this.__importDefault) || function (m) { return m; };\nObject.defineProperty(exports, \"__esModule\", { value: true });\nconst ms_1 = __importDefault(require(\"ms\"));\nexports.handler = async () => (0, ms_1.default)('1s');\n//# sourceMappingURL=index.js.map\n"
	fixture := file(t, filepath.Join(built, "webpack", "min", "index.js"))
	files := map[string]string{
		"hand.js":                            strings.Repeat(hand, 40),
		"long.js":                            strings.Repeat("exports.f = (a) => a + 1; // a line of ordinary length, as people write them\n", 4000),
		"index.js":                           typescript,
		"index.js.map":                       `{"version":3,"sources":["../src/index.ts"],"mappings":"AAAA"}`,
		"node_modules/x/dist/x.min.js":       fixture,
		"opt/nodejs/node_modules/y/y.min.js": fixture,
		"site-packages/z/static/app.js":      fixture,
		"data.json":                          fixture,
	}
	own, err := filepath.Glob("../../testdata/src/*/*.js")
	if err != nil || len(own) == 0 {
		t.Fatalf("no handler in testdata/src: %v", err)
	}
	for _, name := range own {
		files["own/"+filepath.Base(filepath.Dir(name))+".js"] = file(t, name)
	}
	if facts := scan(t, files); len(facts.Packages)+len(facts.Gaps) > 0 {
		t.Errorf("packages %v, gaps %v", facts.Packages, facts.Gaps)
	}
}

// TestPlatform: what the base image brings is not the function's bundle.
func TestPlatform(t *testing.T) {
	data := []byte(file(t, filepath.Join(built, "webpack", "min", "index.js")))
	for name, want := range map[string]bool{"opt/yarn-v1.22.22/lib/cli.js": false, "var/runtime/index.mjs": false, "var/task/index.js": true, "usr/src/app/index.js": true} {
		f := &fnvet.File{Path: name, Name: name, Layer: "sha256:aa", Size: int64(len(data)), Data: data}
		if got := New().Want(f); got != want {
			t.Errorf("%s: wanted %v", name, got)
		}
	}
}

// TestSquashed: a large minified file without any trace is a gap.
func TestSquashed(t *testing.T) {
	code := "\"use strict\";" + strings.Repeat("var a=1,b=function(c){return c+a};", 2000)
	facts := scan(t, map[string]string{"index.js": code})
	want := []fnvet.Gap{{Path: "index.js", Reason: fnvet.GapNotInventoried, Detail: "bundle not inventoried: no source map, path of a module or licence names a package"}}
	if diff := cmp.Diff(want, facts.Gaps); diff != "" || len(facts.Packages) > 0 {
		t.Errorf("-want +got\n%s%v", diff, facts.Packages)
	}
}

// TestLibrary: the published file of a library is that library and no gap;
// under another name it may hold more.
func TestLibrary(t *testing.T) {
	code := "/*! jQuery v3.6.0 | (c) OpenJS Foundation and other contributors | jquery.org/license */\n" + strings.Repeat("var a=1,b=function(c){return c+a};", 2000)
	for name, gaps := range map[string]int{"public/jquery.min.js": 0, "public/jquery-3.6.0.min.js": 0, "public/vendor.js": 1} {
		facts := scan(t, map[string]string{name: code})
		if len(facts.Packages) != 1 || facts.Packages[0].PURL != "pkg:npm/jquery@3.6.0" || len(facts.Gaps) != gaps {
			t.Errorf("%s: %+v", name, facts)
		}
	}
}

// TestVersions: each version of a package that is nested is listed, and one
// that nothing states is listed without.
func TestVersions(t *testing.T) {
	facts := scan(t, map[string]string{"index.js": "var __commonJS = 1;\n" +
		"// node_modules/semver/index.js\nvar VERSION = \"7.3.7\";\n" +
		"// node_modules/jws/node_modules/semver/semver.js\nvar VERSION2 = \"5.7.1\";\n" +
		"// node_modules/ms/index.js\nvar s = 1000;\n// src/index.js\nvar VERSION3 = \"9.9.9\";" + strings.Repeat(" ", 200)})
	var got []string
	for _, p := range facts.Packages {
		got = append(got, p.PURL)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"pkg:npm/ms", "pkg:npm/semver@5.7.1", "pkg:npm/semver@7.3.7"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestLocked: the nearest lockfile states the version of what has one there.
func TestLocked(t *testing.T) {
	files := map[string]string{
		"package-lock.json":   `{"lockfileVersion":3,"packages":{"node_modules/ms":{"version":"9.9.9"}}}`,
		"a/package-lock.json": `{"lockfileVersion":3,"packages":{"node_modules/ms":{"version":"2.1.2"},"node_modules/qs":{"version":"6.0.0"},"node_modules/b/node_modules/qs":{"version":"6.1.0"}}}`,
		"a/dist/index.js":     "var __commonJS = 1;\n// node_modules/ms/index.js\n1;\n// node_modules/qs/index.js\n2;" + strings.Repeat(" ", 200),
	}
	var got []string
	for _, p := range scan(t, files).Packages {
		got = append(got, p.PURL+" "+p.Locations[0].Evidence+" "+string(p.Locations[0].Confidence))
	}
	if diff := cmp.Diff([]string{"pkg:npm/ms@2.1.2 module-path+lockfile medium", "pkg:npm/qs module-path high"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestRemoved: a script that a later layer deletes has no packages and no gap.
func TestRemoved(t *testing.T) {
	d := New()
	data := []byte(file(t, filepath.Join(built, "esbuild", "plain", "index.js")))
	if _, err := d.Detect(context.Background(), &fnvet.File{Path: "index.js", Name: "index.js", Layer: "l", Size: int64(len(data)), Data: data}); err != nil {
		t.Fatal(err)
	}
	facts, err := d.Finish(context.Background(), func(p, l string) bool { return p == "index.js" && l == "l" })
	if err != nil || len(facts.Packages)+len(facts.Gaps) > 0 {
		t.Errorf("%v %v", facts, err)
	}
}

// FuzzScript: whatever the bytes, names are npm names, versions are versions,
// and all is the same on a second run.
func FuzzScript(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join(built, "*", "*", "index.js"))
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, s := range seeds {
		data, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:min(len(data), 12<<10)], []byte(`{"sources":["node_modules/ms/index.js"],"sourcesContent":["VERSION='1.2.3'"]}`))
	}
	f.Add([]byte("__webpack_require__ //# sourceMappingURL=data:x;base64,e30="), []byte("ms\nMIT\n\n"))
	f.Fuzz(func(t *testing.T, code, beside []byte) {
		run := func() fnvet.Facts {
			d := New()
			for name, data := range map[string][]byte{"index.js": code, "index.js.map": beside, "licenses.txt": beside} {
				file := &fnvet.File{Path: name, Name: name, Size: int64(len(data)), Data: bytes.Clone(data)}
				if _, err := d.Detect(context.Background(), file); err != nil {
					t.Fatal(err)
				}
				clear(file.Data) // nothing may point into it
			}
			facts, err := d.Finish(context.Background(), func(string, string) bool { return false })
			if err != nil {
				t.Fatal(err)
			}
			return facts
		}
		one := run()
		for _, p := range one.Packages {
			if p.Ecosystem == "npm" && (!npmName(p.Name) || p.Version != "" && exactVersion(p.Version) == "" || len(p.Locations) != 1) {
				t.Errorf("%+v", p)
			}
		}
		if diff := cmp.Diff(one, run()); diff != "" {
			t.Errorf("two runs differ:\n%s", diff)
		}
	})
}

// FuzzMap: sources read before an error are among those of a longer file.
func FuzzMap(f *testing.F) {
	f.Add([]byte(`{"version":3,"sources":["a.js","b.js"],"sourcesContent":["x",null],"mappings":"AAAA"}`), 40)
	f.Add([]byte(`{"sections":[{"map":{"sourceRoot":"r","sources":["b.js"]}}]}`), 50)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		whole, err := readMap(data)
		if err != nil || cut < 0 || cut > len(data) {
			return
		}
		part, _ := readMap(data[:cut])
		if len(part) > len(whole) {
			t.Errorf("%d sources in a part, %d in the whole", len(part), len(whole))
		}
	})
}

// BenchmarkWant is the price of a script that is no bundle.
func BenchmarkWant(b *testing.B) {
	data := []byte(strings.Repeat("exports.f = (a) => a + 1; // a line of ordinary length, as people write them\n", 400))
	f := &fnvet.File{Path: "a.js", Name: "a.js", Size: int64(len(data)), Data: data}
	d := New()
	for b.Loop() {
		if d.Want(f) {
			b.Fatal("wanted")
		}
	}
}

// TestLinear: text made to send a reader back and forth takes time in
// proportion to its length.
func TestLinear(t *testing.T) {
	for _, unit := range []string{`{name:"`, `{name:\"`, "/*", `},{"a":1,`, `"./node_modules/`, `VERSION="`, "// node_modules/a/b.js\n", "//!\n", `{name:[{`, "sourceMappingURL=", "\"", "node_modules/", "{name:'x',a:{"} {
		code := "__webpack_require__" + strings.Repeat(unit, (2<<20)/len(unit))
		start := time.Now()
		facts := scan(t, map[string]string{"index.js": code})
		if took := time.Since(start); took > 20*time.Second { // a quadratic reader takes hours
			t.Errorf("%q: %v", unit, took)
		} else {
			t.Logf("%q: %v", unit, took)
		}
		if len(facts.Packages) > 2 {
			t.Errorf("%q: %d packages", unit, len(facts.Packages))
		}
	}
}

// TestPythonAsset: a script that a Python package serves to browsers is no
// bundle of the function; beside the package it is.
func TestPythonAsset(t *testing.T) {
	code := "\"use strict\";" + strings.Repeat("var a=1,b=function(c){return c+a};", 2000)
	facts := scan(t, map[string]string{"flask_admin/__init__.py": "", "flask_admin/static/all.js": code, "static/all.js": code})
	if len(facts.Gaps) != 1 || facts.Gaps[0].Path != "static/all.js" {
		t.Errorf("gaps %+v", facts.Gaps)
	}
}
