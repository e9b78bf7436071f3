package deps_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps"
	"github.com/google/go-cmp/cmp"
)

// seeds are small files of every format, by the name they are offered under.
var seeds = map[string]string{
	"package-lock.json":                 `{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"1"}},"node_modules/a":{"version":"1.0.0","dependencies":{"a":"1"}}}}`,
	"npm-shrinkwrap.json":               `{"dependencies":{"a":{"version":"1.0.0","requires":{"b":"1"},"dependencies":{"b":{"version":"npm:c@2.0.0"}}}}}`,
	"node_modules/a/package.json":       `{"name":"a","version":"1.0.0","licenses":[{"type":"MIT"}],"dependencies":{"b":"*"}}`,
	"package.json":                      `{"dependencies":{"a":"1.2.3"}}`,
	"pnpm-lock.yaml":                    "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: ^1, version: 1.0.0(b@1.0.0)}\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-eA==}\nsnapshots:\n  a@1.0.0(b@1.0.0):\n    dependencies:\n      b: 1.0.0\n",
	"yarn.lock":                         "# yarn lockfile v1\n\n\"@a/b@^1\", c@npm:d@2:\n  version \"1.0.0\"\n  dependencies:\n    \"@a/b\" \"^1\"\n",
	"x/yarn.lock":                       "__metadata:\n  version: 6\n\"a@npm:^1, a@npm:1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  dependencies:\n    a: ^1\n",
	"bun.lock":                          `{"lockfileVersion":1,"workspaces":{"":{"dependencies":{"a":"1"}}},"packages":{"a":["a@1.0.0","",{"dependencies":{"a":"1"}},"sha512-eA=="],},}`,
	"a-1.dist-info/METADATA":            "Name: a\nVersion: 1\nLicense: MIT\nRequires-Dist: b (>=1) ; python_version > '3'\n\nbody",
	"requirements.txt":                  "a==1 ; x\nb[c] == 2 --hash=sha256:aa\n\\\n# c\n",
	"poetry.lock":                       "[[package]]\nname = \"a\"\nversion = \"1\"\n[package.dependencies]\nb = \"*\"\n[metadata]\n",
	"uv.lock":                           "version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\ndependencies = [{name = \"a\"}]\n",
	"pdm.lock":                          "[metadata]\n[[package]]\nname = \"a\"\nversion = \"1\"\ndependencies = [\"a>=1\"]\n",
	"Pipfile.lock":                      `{"_meta":{},"default":{"a":{"version":"==1"}}}`,
	"pylock.toml":                       "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\n",
	"conda-meta/a.json":                 `{"name":"a","version":"1","depends":["b >=1"]}`,
	"go.mod":                            "module m\ngo 1.21\nrequire a.b/c v1.0.0 // indirect\nreplace a.b/c => d.e/f v2.0.0\n",
	"Cargo.lock":                        "version = 3\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"r\"\nchecksum = \"00\"\ndependencies = [\"a 1.0.0 (r)\"]\n",
	"fn.deps.json":                      `{"targets":{"t":{"a/1":{"dependencies":{"a":"1"}}}},"libraries":{"a/1":{"type":"package","sha512":"sha512-eA=="}}}`,
	"packages.lock.json":                `{"dependencies":{"t":{"a":{"type":"Direct","resolved":"1","contentHash":"eA==","dependencies":{"a":"1"}}}}}`,
	"packages.config":                   `<packages><package id="a" version="1"/></packages>`,
	"specifications/a.gemspec":          "s.name = \"a\".freeze\ns.version = \"1\"\ns.add_dependency(%q<b>.freeze)\n",
	"Gemfile.lock":                      "GEM\n  specs:\n    a (1.0-java)\n      b\nDEPENDENCIES\n  a!\n",
	"composer.lock":                     `{"packages":[{"name":"a/b","version":"1","license":"MIT","require":{"a/b":"1"}}]}`,
	"vendor/composer/installed.json":    `[{"name":"a/b","version":"1"}]`,
	"gradle.lockfile":                   "a:b:1=c\nempty=\n",
	"pom.xml":                           `<project><dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId><version>1</version></dependency></dependencies></project>`,
	"META-INF/maven/a/b/pom.properties": "groupId=a\nartifactId=b\nversion=1\n",
	"META-INF/MANIFEST.MF":              "Bundle-SymbolicName: a.b.c\nBundle-Version: 1\n",
	"etc/os-release":                    "ID=debian\nVERSION_ID=\"12\"\n",
	"var/lib/dpkg/status":               "Package: a\nVersion: 1\nStatus: install ok installed\nDepends: b | c (>= 1), a:any\nProvides: b\n",
	"lib/apk/db/installed":              "P:a\nV:1\no:b\nD:so:c=1\np:so:c=1\n\n",
	"var/lib/rpm/rpmdb.sqlite":          "SQLite format 3\x00",
	"usr/lib/sysimage/rpm/Packages.db":  "RpmP\x00\x00\x00\x00",
	"var/lib/rpm/Packages":              "",
	"bootstrap":                         "\x7fELF\x02\x01\x01",
}

// FuzzDetectors: whatever a file of any format holds, detectors do not panic,
// what they list has a name, a version, a package URL that reads back to the
// same, and a location, they do not change the file, and they say the same twice.
func FuzzDetectors(f *testing.F) {
	for name, body := range seeds {
		f.Add(name, []byte(body))
	}
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		if len(body) > 1<<20 || !ok(name) {
			return
		}
		before := bytes.Clone(body)
		first, second := offer(t, name, body), offer(t, name, body)
		if !bytes.Equal(before, body) {
			t.Fatal("the file was changed")
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("a second time:\n%s", diff)
		}
		for _, p := range first {
			if p.Name == "" || p.Version == "" || p.PURL == "" || len(p.Locations) == 0 || p.Kind == "" {
				t.Fatalf("incomplete: %+v", p)
			}
			back, err := deps.ParsePURL(p.PURL)
			if err != nil {
				t.Fatalf("%q does not read back: %v", p.PURL, err)
			}
			if same := back.Name == p.Name && back.Version == p.Version; !same && ordinary(p) {
				t.Fatalf("%q reads back as %q %q, not %q %q", p.PURL, back.Name, back.Version, p.Name, p.Version)
			}
		}
	})
}

// ok says whether a name is one that unpack would offer.
func ok(name string) bool {
	return name != "" && len(name) < 200 && !strings.HasPrefix(name, "/") && !strings.Contains("/"+name+"/", "/../") && !strings.Contains(name, "\x00")
}

// ordinary says whether a name has only characters that registries allow.
func ordinary(p fnvet.Package) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789.-"
	return strings.Trim(p.Name, allowed) == "" && strings.Trim(p.Version, allowed) == "" && p.Ecosystem != "Maven" && p.Version[0] != 'g' && p.Version[0] != 'v'
}

func offer(t *testing.T, name string, body []byte) []fnvet.Package {
	f := &fnvet.File{Path: "fn.zip!/" + name, Name: name, Container: "fn.zip", Data: body, Size: int64(len(body))}
	var all []fnvet.Package
	for _, d := range deps.Detectors() {
		if d.Want(f) {
			facts, _ := d.Detect(context.Background(), f) // an error is a gap, beside what was read
			all = append(all, facts.Packages...)
		}
		if fin, ok := d.Detector.(fnvet.Finisher); ok {
			facts, err := fin.Finish(context.Background(), func(string, string) bool { return false })
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, facts.Packages...)
		}
	}
	return deps.Merge(all, nil)
}
