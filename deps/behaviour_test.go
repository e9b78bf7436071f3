package deps_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps"
	"github.com/fnvet/fnvet/deps/golang"
	"github.com/google/go-cmp/cmp"
)

// TestEvidence states what files together say: kind, direct, graph.
func TestEvidence(t *testing.T) {
	lock := `{"lockfileVersion":3,"packages":{
		"":{"dependencies":{"a":"^1"}},
		"node_modules/a":{"version":"1.0.0","dependencies":{"b":"^2"},"integrity":"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
		"node_modules/b":{"version":"2.0.0"},
		"node_modules/a/node_modules/b":{"version":"2.1.0"}}}`
	for _, test := range []struct {
		why   string
		files map[string]string
		want  []string
	}{
		{"locked, nested wins", map[string]string{"package-lock.json": lock}, []string{
			"locked a@1.0.0 direct -> pkg:npm/b@2.1.0", "locked b@2.0.0", "locked b@2.1.0"}},
		{"installed and locked are one package", map[string]string{
			"package-lock.json":            lock,
			"node_modules/a/package.json":  `{"name":"a","version":"1.0.0","dependencies":{"b":"*"}}`,
			"node_modules/b/package.json":  `{"name":"b","version":"2.0.0"}`,
			"node_modules/.package-x.json": `{}`,
		}, []string{
			"installed a@1.0.0 direct -> pkg:npm/b@2.0.0 pkg:npm/b@2.1.0", "installed b@2.0.0", "locked b@2.1.0"}},
		{"installed in a layer, project elsewhere", map[string]string{
			"nodejs/package.json":                          `{"dependencies":{"@s/a":"1"}}`,
			"nodejs/node_modules/@s/a/package.json":        `{"name":"@s/a","version":"1.0.0","optionalDependencies":{"b":"1","absent":"1"}}`,
			"nodejs/node_modules/b/package.json":           `{"name":"b","version":"1.0.0"}`,
			"nodejs/node_modules/b/test/fix/package.json":  `{"name":"fix","version":"9.9.9"}`,
			"nodejs/node_modules/b/dist/esm/package.json":  `{"type":"module"}`,
			"nodejs/node_modules/.bin/x/package.json":      `{"name":"x","version":"1.0.0"}`,
			"nodejs/node_modules/@s/a/node_modules/README": "",
		}, []string{"installed @s/a@1.0.0 direct -> pkg:npm/b@1.0.0", "installed b@1.0.0"}},
		{"an exact version that is neither installed nor locked is declared", map[string]string{
			"package.json": `{"dependencies":{"a":"1.2.3","b":"^1.0.0","c":"2.0.0-next.1"}}`,
		}, []string{"declared a@1.2.3 direct", "declared c@2.0.0-next.1 direct"}},
		{"a declared version that is installed otherwise is not", map[string]string{
			"package.json":                `{"dependencies":{"a":"1.2.3"}}`,
			"node_modules/a/package.json": `{"name":"a","version":"1.2.4"}`,
		}, []string{"installed a@1.2.4 direct"}},
		{"lockfiles of the making of a package are not evidence", map[string]string{
			"node_modules/uri-js/package.json":                      `{"name":"uri-js","version":"4.4.1"}`,
			"node_modules/uri-js/yarn.lock":                         "a@1:\n  version \"1.0.0\"\n",
			"node_modules/uri-js/package-lock.json":                 `{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0"}}}`,
			"python/lib/python3.12/site-packages/x/Cargo.lock":      "version = 3\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"r\"\n",
			"python/lib/python3.12/site-packages/x/js/package.json": `{"dependencies":{"a":"1.0.0"}}`,
			"vendor/a/b/composer.lock":                              `{"packages":[{"name":"a/c","version":"1.0.0"}]}`,
			"usr/local/go/src/go.mod":                               "module std\ngo 1.21\nrequire golang.org/x/net v0.1.0\n",
		}, []string{"installed uri-js@4.4.1"}},
		{"an alias is the package it stands for", map[string]string{
			"node_modules/x/package.json": `{"name":"real","version":"1.0.0"}`,
		}, []string{"installed real@1.0.0"}},
		{"python: graph of what is there, without extras", map[string]string{
			"Flask-1.1.2.dist-info/METADATA":    "Metadata-Version: 2.1\nName: Flask\nVersion: 1.1.2\nRequires-Dist: Werkzeug (>=0.15)\nRequires-Dist: dotenv ; extra == 'dotenv'\nRequires-Dist: Gone\n\nName: not-this\n",
			"Werkzeug-1.0.0.dist-info/METADATA": "Name: Werkzeug\nVersion: 1.0.0\n",
			"dotenv-1.0.egg-info/PKG-INFO":      "Name: dotenv\r\nVersion: 1.0\r\n",
			"requirements.txt":                  "flask==1.1.2\nwerkzeug>=0.15\n",
		}, []string{"installed dotenv@1.0", "installed flask@1.1.2 direct -> pkg:pypi/werkzeug@1.0.0", "installed werkzeug@1.0.0"}},
		{"python: the nearest of two versions", map[string]string{
			"a/site/x-1.dist-info/METADATA": "Name: x\nVersion: 1\nRequires-Dist: y\n",
			"a/site/y-1.dist-info/METADATA": "Name: y\nVersion: 1\n",
			"b/site/y-2.dist-info/METADATA": "Name: y\nVersion: 2\n",
		}, []string{"installed x@1 -> pkg:pypi/y@1", "installed y@1", "installed y@2"}},
		{"distroless: one file a package", map[string]string{
			"etc/os-release":                         "ID=debian\nVERSION_ID=\"12\"\n",
			"var/lib/dpkg/status.d/libc6":            "Package: libc6\nVersion: 2.36-9\nArchitecture: amd64\nSource: glibc\n",
			"var/lib/dpkg/status.d/libssl3":          "Package: libssl3\nVersion: 3.0.9-1\nArchitecture: amd64\nSource: openssl (3.0.9-2)\nDepends: libc6 (>= 2.34)\n",
			"var/lib/dpkg/status.d/libssl3.md5sums":  "x",
			"usr/share/doc/var/lib/dpkg/other/libxx": "Package: no\nVersion: 1\n",
		}, []string{"installed libc6@2.36-9", "installed libssl3@3.0.9-1 -> pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12"}},
		{"alpine", map[string]string{
			"usr/lib/os-release":   "ID=alpine\nVERSION_ID=3.18.4\n",
			"lib/apk/db/installed": "C:Q1\nP:musl\nV:1.2.4-r1\nA:x86_64\nL:MIT\no:musl\np:so:libc.musl-x86_64.so.1=1\n\nP:libcrypto3\nV:3.1.2-r0\nA:x86_64\nL:Apache-2.0\no:openssl\nD:so:libc.musl-x86_64.so.1\nF:lib\nR:x\n\n",
		}, []string{"installed libcrypto3@3.1.2-r0 -> pkg:apk/alpine/musl@1.2.4-r1?arch=x86_64&distro=alpine-3.18.4", "installed musl@1.2.4-r1"}},
		{"gems", map[string]string{
			"vendor/bundle/ruby/3.2.0/specifications/rack-2.2.3.gemspec": "Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.2.3\"\n  s.licenses = [\"MIT\".freeze]\nend\n",
			"vendor/bundle/ruby/3.2.0/specifications/sinatra.gemspec":    "Gem::Specification.new do |s|\n  s.name = \"sinatra\".freeze\n  s.version = \"2.0.0\"\n  s.add_runtime_dependency(%q<rack>.freeze, [\"~> 2.0\"])\nend\n",
			"vendor/bundle/ruby/3.2.0/gems/rack-2.2.3/rack.gemspec":      "s.name = \"other\"\ns.version = \"1\"\n",
		}, []string{"installed rack@2.2.3", "installed sinatra@2.0.0 -> pkg:gem/rack@2.2.3"}},
		{"composer", map[string]string{
			"vendor/composer/installed.json": `{"packages":[{"name":"Guzzle/http","version":"v7.0.0","require":{"psr/log":"^1","php":">=7"},"license":["MIT"]},{"name":"psr/log","version":"1.1.0"}]}`,
		}, []string{"installed guzzle/http@v7.0.0 -> pkg:composer/psr/log@1.1.0", "installed psr/log@1.1.0"}},
		{"deps.json", map[string]string{
			"fn.deps.json": `{"targets":{"net6":{"Fn/1.0.0":{"dependencies":{"A.B":"1.0.0"}},"A.B/1.0.0":{"dependencies":{"C":"2.0.0"}},"C/2.0.0":{}}},
				"libraries":{"Fn/1.0.0":{"type":"project"},"A.B/1.0.0":{"type":"package"},"C/2.0.0":{"type":"package"}}}`,
		}, []string{"installed A.B@1.0.0 direct -> pkg:nuget/C@2.0.0", "installed C@2.0.0"}},
	} {
		r := scanFiles(t, files(test.files))
		if diff := cmp.Diff(test.want, lines(r.packages)); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.why, diff)
		}
		for at, err := range r.errs {
			t.Errorf("%s: %s: %v", test.why, at, err)
		}
	}
}

// TestCutOff: a file that breaks off is an error, and what came before is kept.
func TestCutOff(t *testing.T) {
	for _, test := range []struct{ name, body, keeps string }{
		{"package-lock.json", `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/b":{"ver`, "a@1.0.0"},
		{"package-lock.json", `{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0"},"b"`, "a@1.0.0"},
		{"pnpm-lock.yaml", "lockfileVersion: '9.0'\n\npackages:\n\n  a@1.0.0:\n    resolution: {integrity: sha512-x}\n\n  b@1.0.0:\n    resolution: {integ", "a@1.0.0"},
		{"pnpm-lock.yaml", "lockfileVersion: '6.0'\n\npackages:\n\n  /a@1.0.0:\n    resolution: {integrity: sha512-x}\n    dependencies:\n      z: 1.0.0\n", "a@1.0.0"},
		{"yarn.lock", "# yarn lockfile v1\n\na@^1:\n  version \"1.0.0\"\n\nb@^1:\n  vers", "a@1.0.0"},
		{"yarn.lock", "# yarn lockfile v1\n\na@^1:\n  version \"1.0.0\"\n  dependencies:\n    z \"^1\"\n", "a@1.0.0"},
		{"yarn.lock", "# yarn lockfile v1\n\na@^1:\n  version \"1.0.0\"\n\nb@^1:\n", "a@1.0.0"},
		{"bun.lock", `{"lockfileVersion": 1, "packages": {"a": ["a@1.0.0", "", {}, "sha512-x"], "b": ["b@`, "a@1.0.0"},
		{"poetry.lock", "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"b", "a@1.0.0"},
		{"poetry.lock", "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n", "a@1.0.0"},
		{"uv.lock", "version = 1\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [{name = \"z\"}]\n", "a@1.0.0"},
		{"pylock.toml", "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1.0.0\"\n[[packages]]\nname =", "a@1.0.0"},
		{"pdm.lock", "[metadata]\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n[[package]]\nna", "a@1.0.0"},
		{"Pipfile.lock", `{"_meta":{},"default":{"a":{"version":"==1.0.0"},"b":{"ver`, "a@1.0.0"},
		{"Cargo.lock", "version = 3\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"r\"\ndependencies = [\"z\"]\n", "a@1.0.0"},
		{"composer.lock", `{"packages":[{"name":"x/a","version":"1.0.0"},{"name":"x/b`, "x/a@1.0.0"},
		{"Gemfile.lock", "GEM\n  specs:\n    a (1.0.0)\n", "a@1.0.0"},
		{"fn.deps.json", `{"libraries":{"a/1.0.0":{"type":"package"},"b/1`, "a@1.0.0"},
		{"packages.lock.json", `{"dependencies":{"net6.0":{"a":{"resolved":"1.0.0"},"b":{`, "a@1.0.0"},
		{"packages.config", `<packages><package id="a" version="1.0.0"/><packa`, "a@1.0.0"},
		{"gradle.lockfile", "g:a:1.0.0=runtimeClasspath\ng:b:1.", "g:a@1.0.0"},
		{"pom.xml", `<project><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>1.0.0</version></dependency><depend`, "g:a@1.0.0"},
		{"go.mod", "module m\ngo 1.21\nrequire (\n\tx.org/a v1.0.0\n", ""},
	} {
		r := scanFiles(t, files(map[string]string{test.name: test.body}))
		if len(r.errs) == 0 {
			t.Errorf("%s: no error for %q", test.name, test.body)
		}
		var got []string
		for _, p := range r.packages {
			got = append(got, p.Name+"@"+p.Version)
		}
		if test.keeps != "" && !slices.Contains(got, test.keeps) {
			t.Errorf("%s: kept %v, want %s", test.name, got, test.keeps)
		}
	}
}

// TestRemoved: what a later layer deletes is not installed.
func TestRemoved(t *testing.T) {
	in := []*fnvet.File{
		{Path: "app/node_modules/a/package.json", Layer: "l1", Data: []byte(`{"name":"a","version":"1.0.0"}`), Removed: true},
		{Path: "app/node_modules/a/package.json", Layer: "l2", Data: []byte(`{"name":"a","version":"2.0.0"}`)},
		{Path: "app/node_modules/b/package.json", Layer: "l1", Data: []byte(`{"name":"b","version":"1.0.0","dependencies":{"a":"*"}}`)},
		{Path: "app/lib/x.jar", Layer: "l1", Archive: true, Data: zipped(t, map[string]string{"META-INF/MANIFEST.MF": ""}), Removed: true},
		{Path: "app/lib/x.jar!/META-INF/maven/g/a/pom.properties", Layer: "l1", Data: []byte("groupId=g\nartifactId=a\nversion=1\n"), Removed: true},
		{Path: "var/lib/dpkg/status", Layer: "l1", Data: []byte("Package: old\nVersion: 1\nStatus: install ok installed\n"), Removed: true},
	}
	for _, f := range in {
		f.Name = f.Path
		if c, n, ok := strings.Cut(f.Path, "!/"); ok {
			f.Container, f.Name = c, n
		}
	}
	r := scanFiles(t, in)
	want := []string{"installed a@2.0.0", "installed b@1.0.0 -> pkg:npm/a@2.0.0"}
	if diff := cmp.Diff(want, lines(r.packages)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestLinks: pnpm's layout, where what a package needs is a link beside it.
func TestLinks(t *testing.T) {
	in := files(map[string]string{
		"package.json": `{"dependencies":{"a":"1"}}`,
		"node_modules/.pnpm/a@1.0.0/node_modules/a/package.json": `{"name":"a","version":"1.0.0","dependencies":{"b":"*"}}`,
		"node_modules/.pnpm/b@1.0.0/node_modules/b/package.json": `{"name":"b","version":"1.0.0"}`,
		"node_modules/.pnpm/b@2.0.0/node_modules/b/package.json": `{"name":"b","version":"2.0.0"}`,
	})
	for name, target := range map[string]string{
		"node_modules/a": ".pnpm/a@1.0.0/node_modules/a",
		"node_modules/.pnpm/a@1.0.0/node_modules/b": "../../b@2.0.0/node_modules/b",
		"node_modules/loop":                         "loop",
	} {
		in = append(in, &fnvet.File{Path: name, Name: name, Link: target})
	}
	want := []string{"installed a@1.0.0 direct -> pkg:npm/b@2.0.0", "installed b@1.0.0", "installed b@2.0.0"}
	if diff := cmp.Diff(want, lines(scanFiles(t, in).packages)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestJars: Log4Shell keeps its Maven group; a shaded jar lists all it holds; a
// jar without coordinates gets no invented group.
func TestJars(t *testing.T) {
	manifest := "Manifest-Version: 1.0\r\nImplementation-Title: spring-core\r\nImplementation-Version: 5.3.0\r\nAutomatic-Module-Name: spring.core\r\n\r\n"
	shaded := zipped(t, map[string]string{
		"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\nMain-Class: fn.Main\n",
		"META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties": "#Created by Apache Maven\nversion=2.14.1\ngroupId=org.apache.logging.log4j\nartifactId=log4j-core\n",
		"META-INF/maven/fn/fn/pom.properties":                               "groupId=fn\nartifactId=fn\nversion=1.0\n",
		"META-INF/maven/fn/open/pom.properties":                             "groupId=${g}\nartifactId=open\nversion=1\n",
		"fn/Main.class":                                                     "x",
	})
	spring := zipped(t, map[string]string{
		"META-INF/MANIFEST.MF":             manifest,
		"org/springframework/util/A.class": "x",
		"org/springframework/core/B.class": "x",
		"org/springframework/asm/C.class":  "x",
		"META-INF/versions/9/org/D.class":  "x",
	})
	unknown := zipped(t, map[string]string{
		"META-INF/MANIFEST.MF":          "Bundle-SymbolicName: com.acme.widgets.widget-core;singleton:=true\nBundle-Version: 1.4.2\nBundle-License: MIT\n",
		"com/acme/widgets/core/A.class": "x",
	})
	data := zipped(t, map[string]string{
		"lib/fn-1.0-all.jar":        string(shaded),
		"lib/spring-core-5.3.0.jar": string(spring),
		"lib/widget-core.jar":       string(unknown),
		"lib/spring-blob":           string(spring), // no extension, found by its bytes
	})
	r := scanFiles(t, unzip(t, "", "fn.zip", data))
	want := []string{
		"installed com.acme.widgets:widget-core@1.4.2",
		"installed fn:fn@1.0",
		"installed org.apache.logging.log4j:log4j-core@2.14.1",
		"installed org.springframework:spring-core@5.3.0",
	}
	if diff := cmp.Diff(want, lines(r.packages)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, p := range r.packages {
		switch p.Name {
		case "org.springframework:spring-core":
			if len(p.Locations) != 2 || p.Locations[1].Path != "fn.zip!/lib/spring-core-5.3.0.jar" || len(p.Hashes) != 3 {
				t.Errorf("spring-core at %v with hashes %v", p.Locations, p.Hashes)
			}
			if p.PURL != "pkg:maven/org.springframework/spring-core@5.3.0" || slices.Contains(p.Groups[:1], "spring-core") {
				t.Errorf("spring-core is %s of %v", p.PURL, p.Groups)
			}
		case "org.apache.logging.log4j:log4j-core":
			if p.PURL != "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1" {
				t.Errorf("log4j-core is %s", p.PURL)
			}
		case "com.acme.widgets:widget-core":
			if diff := cmp.Diff([]string{"MIT"}, p.Licenses); diff != "" {
				t.Error(diff)
			}
		}
	}
	if err := r.errs["fn.zip!/lib/fn-1.0-all.jar!/META-INF/maven/fn/open/pom.properties"]; err == nil {
		t.Error("coordinates with an open property are no error")
	}
	// The same jar as the artifact itself.
	if got := lines(scanFiles(t, unzip(t, "", "spring-core-5.3.0.jar", spring)).packages); !slices.Equal(got, want[3:]) {
		t.Errorf("the jar as the artifact: %v", got)
	}
}

// TestPackedBinary: a program that UPX compressed is a gap. UPX's l_info follows the
// program headers: a checksum, then its magic.
func TestPackedBinary(t *testing.T) {
	packed := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 64-7+2*56) + "\x01\x02\x03\x04UPX!" + strings.Repeat("\x5a", 1000)
	r := scanFiles(t, files(map[string]string{"bootstrap": packed}))
	if len(r.packages) != 0 || !errors.Is(r.errs["bootstrap"], golang.ErrPacked) {
		t.Errorf("%v, errors %v", lines(r.packages), r.errs)
	}
}

// TestGoBinary: a binary built here has the standard library at exactly the
// version of the Go that built it, stripped or not.
func TestGoBinary(t *testing.T) {
	dir := t.TempDir()
	for name, body := range map[string]string{"go.mod": "module example.org/fn\n\ngo 1.21\n", "main.go": "package main\n\nfunc main() { println(1) }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	version := strings.TrimPrefix(runtime.Version(), "go")
	for _, flags := range []string{"-ldflags=-s -w", "-trimpath"} {
		cmd := exec.CommandContext(t.Context(), "go", "build", flags, "-o", "bootstrap", ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		data, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		r := scanFiles(t, files(map[string]string{"bootstrap": string(data)}))
		if len(r.packages) != 1 || r.packages[0].PURL != "pkg:golang/stdlib@"+version || r.packages[0].Ecosystem != "Go" {
			t.Errorf("%s: %v, want stdlib@%s", flags, lines(r.packages), version)
		}
	}
}

// TestEveryInstalledModule: of a random tree, every directory that is a
// package's root is listed, and nothing else.
func TestEveryInstalledModule(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	contents := make(map[string]string)
	want := make(map[string]bool)
	var grow func(dir string, depth int)
	grow = func(dir string, depth int) {
		for range 1 + random.IntN(4) {
			name := fmt.Sprintf("m%d", random.IntN(1000))
			if random.IntN(3) == 0 {
				name = "@s/" + name
			}
			at := dir + "node_modules/" + name + "/"
			version := fmt.Sprintf("%d.0.0", random.IntN(50))
			contents[at+"package.json"] = fmt.Sprintf(`{"name":%q,"version":%q}`, name, version)
			contents[at+"lib/package.json"] = `{"name":"inner","version":"1.0.0"}`
			if depth < 6 {
				grow(at, depth+1)
			}
		}
	}
	grow("var/task/", 0)
	for at, body := range contents {
		if !strings.Contains(body, "inner") {
			parts := strings.Split(body, `"`)
			want[parts[3]+"@"+parts[7]] = true
			_ = at
		}
	}
	got := make(map[string]bool)
	for _, p := range scanFiles(t, files(contents)).packages {
		got[p.Name+"@"+p.Version] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestEcosystem: releases as OSV writes them.
func TestEcosystem(t *testing.T) {
	for _, test := range []struct{ kind, id, version, want string }{
		{"deb", "debian", "12", "Debian:12"},
		{"deb", "ubuntu", "22.04", "Ubuntu:22.04:LTS"},
		{"deb", "ubuntu", "23.04", "Ubuntu:23.04"},
		{"deb", "ubuntu", "22.10", "Ubuntu:22.10"},
		{"apk", "alpine", "3.18.4", "Alpine:v3.18"},
		{"apk", "alpine", "3.21_alpha20240807", "Alpine"},
		{"apk", "wolfi", "20230201", "Wolfi"},
		{"rpm", "almalinux", "9.4", "AlmaLinux:9"},
		{"rpm", "rocky", "9.3", "Rocky Linux:9"},
		{"rpm", "amzn", "2023", "Amazon Linux:2023"},
		{"rpm", "opensuse-leap", "15.5", "openSUSE:Leap 15.5"},
		{"rpm", "sles", "15.5", "SUSE:Linux Enterprise Server 15 SP5"},
		{"rpm", "azurelinux", "3.0", "Azure Linux:3"},
	} {
		if got := deps.Ecosystem(test.kind, &fnvet.Distro{ID: test.id, VersionID: test.version}); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.id, test.version, got, test.want)
		}
	}
	if got := deps.Ecosystem("apk", nil); got != "Alpine" {
		t.Errorf("no os-release: %s", got)
	}
}

// TestParsePURL: what Merge writes, ParsePURL reads; and what others write.
func TestParsePURL(t *testing.T) {
	for _, test := range []struct{ purl, ecosystem, name, version, source string }{
		{"pkg:npm/%40scope/name@1.0.0", "npm", "@scope/name", "1.0.0", ""},
		{"pkg:pypi/foo-bar@1.0", "PyPI", "foo-bar", "1.0", ""},
		{"pkg:pypi/Foo_Bar@1.0", "PyPI", "foo-bar", "1.0", ""},
		{"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "Maven", "org.apache.logging.log4j:log4j-core", "2.14.1", ""},
		{"pkg:golang/github.com/BurntSushi/toml@v1.0.0", "Go", "github.com/BurntSushi/toml", "1.0.0", ""},
		{"pkg:golang/stdlib@go1.21.0", "Go", "stdlib", "1.21.0", ""},
		{"pkg:cargo/serde@1.0.0", "crates.io", "serde", "1.0.0", ""},
		{"pkg:nuget/Newtonsoft.Json@13.0.1", "NuGet", "Newtonsoft.Json", "13.0.1", ""},
		{"pkg:gem/rack@2.2.3", "RubyGems", "rack", "2.2.3", ""},
		{"pkg:composer/guzzle/http@7.0.0", "Packagist", "guzzle/http", "7.0.0", ""},
		{"pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc", "Debian:12", "libc6", "2.36-9", "glibc 2.36-9"},
		{"pkg:apk/alpine/libcrypto3@3.1.2-r0?distro=alpine-3.18.4&upstream=openssl", "Alpine:v3.18", "libcrypto3", "3.1.2-r0", "openssl 3.1.2-r0"},
		{"pkg:rpm/almalinux/bind@9.16-1.el9?epoch=32&distro=almalinux-9.4", "AlmaLinux:9", "bind", "32:9.16-1.el9", ""},
		{"pkg:rpm/redhat/bash@5-1?distro=rhel-9.2", "Red Hat:9", "bash", "5-1", ""},
	} {
		p, err := deps.ParsePURL(test.purl)
		source := ""
		if p.Source != nil {
			source = p.Source.Name + " " + p.Source.Version
		}
		got := []string{p.Ecosystem, p.Name, p.Version, source}
		if diff := cmp.Diff([]string{test.ecosystem, test.name, test.version, test.source}, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", test.purl, err, diff)
		}
	}
	for _, bad := range []string{"", "pkg:", "lodash", "pkg:npm/", "pkg:npm/x@" + strings.Repeat("1", 1000)} {
		if _, err := deps.ParsePURL(bad); err == nil {
			t.Errorf("%.40q is no error", bad)
		}
	}
}

// TestMergeOrder: the order of evidence does not matter.
func TestMergeOrder(t *testing.T) {
	all := func() []fnvet.Package {
		return []fnvet.Package{
			{PURL: "pkg:npm/a@1.0.0", Ecosystem: "npm", Name: "a", Version: "1.0.0", Kind: fnvet.Locked, Direct: true,
				Locations: []fnvet.Location{{Path: "z", Kind: fnvet.Locked}}, DependsOn: []string{"pkg:npm/b@1.0.0", "pkg:npm/gone@1"}},
			{PURL: "pkg:npm/a@1.0.0", Ecosystem: "npm", Name: "a", Version: "1.0.0", Kind: fnvet.Installed,
				Locations: []fnvet.Location{{Path: "m", Kind: fnvet.Installed}}, Licenses: []string{"MIT"}},
			{PURL: "pkg:npm/b@1.0.0", Ecosystem: "npm", Name: "b", Version: "1.0.0", Kind: fnvet.Declared,
				Locations: []fnvet.Location{{Path: "p", Kind: fnvet.Declared}}},
			{PURL: "pkg:deb/x@1?arch=amd64", Ecosystem: "deb", Name: "x", Version: "1", Kind: fnvet.Installed,
				Locations: []fnvet.Location{{Path: "s", Kind: fnvet.Installed}}, DependsOn: []string{"pkg:deb/y@1?arch=all", "pkg:deb/z"}},
			{PURL: "pkg:deb/y@1?arch=all", Ecosystem: "deb", Name: "y", Version: "1", Kind: fnvet.Installed, Locations: []fnvet.Location{{Path: "s"}}},
			{PURL: "pkg:deb/z@1?arch=all", Ecosystem: "deb", Name: "z", Version: "1", Kind: fnvet.Installed, Locations: []fnvet.Location{{Path: "s"}}},
		}
	}
	distro := &fnvet.Distro{ID: "debian", VersionID: "12"}
	want := deps.Merge(all(), distro)
	if got := lines(want); !slices.Equal(got, []string{
		"installed x@1 -> pkg:deb/debian/y@1?arch=all&distro=debian-12 pkg:deb/debian/z@1?arch=all&distro=debian-12",
		"installed y@1", "installed z@1", "installed a@1.0.0 direct -> pkg:npm/b@1.0.0", "declared b@1.0.0",
	}) {
		t.Fatalf("merged: %q", got)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		in := all()
		random.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		if diff := cmp.Diff(want, deps.Merge(in, distro)); diff != "" {
			t.Fatalf("the order matters:\n%s", diff)
		}
	}
}

// TestParallel: detectors called from many goroutines say the same as from one.
func TestParallel(t *testing.T) {
	jar := zipped(t, map[string]string{"META-INF/MANIFEST.MF": "Implementation-Version: 1.0\nAutomatic-Module-Name: org.acme.x\n", "org/acme/x/A.class": "x"})
	contents := map[string]string{"package.json": `{"dependencies":{"m1":"1"}}`, "lib/x-1.0.jar": string(jar)}
	for i := range 200 {
		contents[fmt.Sprintf("node_modules/m%d/package.json", i)] = fmt.Sprintf(`{"name":"m%d","version":"1.0.0","dependencies":{"m%d":"*"}}`, i, (i+1)%200)
		contents[fmt.Sprintf("p/m%d-1.dist-info/METADATA", i)] = fmt.Sprintf("Name: m%d\nVersion: 1\nRequires-Dist: m%d\n", i, (i+1)%200)
	}
	in := unzip(t, "", "fn.zip", zipped(t, contents))
	want := scanFiles(t, in).packages
	detectors := deps.Detectors()
	facts := make([][]fnvet.Package, len(in))
	var wg sync.WaitGroup
	for i, f := range in {
		wg.Go(func() {
			for _, d := range detectors {
				if d.Want(f) {
					found, err := d.Detect(t.Context(), f)
					if err != nil {
						t.Errorf("%s: %v", f.Path, err)
					}
					facts[i] = append(facts[i], found.Packages...)
				}
			}
		})
	}
	wg.Wait()
	all := slices.Concat(facts...)
	for _, d := range detectors {
		if fin, ok := d.Detector.(fnvet.Finisher); ok {
			found, err := fin.Finish(t.Context(), func(string, string) bool { return false })
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, found.Packages...)
		}
	}
	if diff := cmp.Diff(want, deps.Merge(all, nil)); diff != "" || len(want) != 401 {
		t.Errorf("%d packages; -one +many\n%s", len(want), diff)
	}
}
