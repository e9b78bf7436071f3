package deps

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/npm"
	"github.com/fnvet/fnvet/deps/php"
	"github.com/fnvet/fnvet/deps/python"
	"github.com/google/go-cmp/cmp"
)

// at makes a package of an ecosystem from "name version kind path" words.
func at(ecosystem, words string) fnvet.Package {
	f := strings.Fields(words)
	return fnvet.Package{
		PURL: "pkg:x/" + f[0] + "@" + f[1], Name: f[0], Version: f[1], Ecosystem: ecosystem, Required: len(f) > 4,
		Locations: []fnvet.Location{{Path: f[3], Kind: fnvet.PackageKind(f[2])}},
	}
}

func TestDrift(t *testing.T) {
	const lock = " locked fn.zip!/package-lock.json"
	const needed = lock + " required"
	tests := []struct {
		why       string
		ecosystem string
		pkgs      []string
		want      []string
	}{
		{"the same", "npm", []string{"a 1.0.0" + needed, "a 1.0.0 installed fn.zip!/node_modules/a/package.json"}, nil},
		{
			"another version", "npm", []string{"a 1.0.0" + needed, "a 1.1.0 installed fn.zip!/node_modules/a/package.json"},
			[]string{"fn.zip!/node_modules/a/package.json: a 1.1.0 is installed, package-lock.json states 1.0.0"},
		},
		{
			"two versions, one stated", "npm",
			[]string{"a 1.0.0" + needed, "a 1.0.0 installed fn.zip!/node_modules/a/package.json", "a 2.0.0 installed fn.zip!/node_modules/b/node_modules/a/package.json"},
			[]string{"fn.zip!/node_modules/b/node_modules/a/package.json: a 2.0.0 is installed, package-lock.json states 1.0.0"},
		},
		{
			"one more", "npm", []string{"a 1.0.0" + needed, "a 1.0.0 installed fn.zip!/node_modules/a/package.json", "b 2.0.0 installed fn.zip!/node_modules/b/package.json"},
			[]string{"fn.zip!/node_modules/b/package.json: b 2.0.0 is installed and not in package-lock.json"},
		},
		{
			"one missing", "npm", []string{"a 1.0.0" + needed, "a 1.0.0 installed fn.zip!/node_modules/a/package.json", "b 2.0.0" + needed},
			[]string{"fn.zip!/package-lock.json: package-lock.json states b 2.0.0, which is not installed"},
		},
		{"a development package is missing", "npm", []string{"a 1.0.0" + needed, "a 1.0.0 installed fn.zip!/node_modules/a/package.json", "b 2.0.0" + lock}, nil},
		{"the SDK is the runtime's", "npm", []string{"a 1.0.0" + needed, "a 1.0.0 installed fn.zip!/node_modules/a/package.json", "@aws-sdk/client-s3 3.0.0" + needed}, nil},
		{
			"it is in a bundle", "npm",
			[]string{"a 1.0.0" + needed, "a 1.0.0 installed fn.zip!/node_modules/a/package.json", "b 2.0.0" + needed, "b 2.0.0 bundled fn.zip!/index.js"}, nil,
		},
		{"nothing is installed", "npm", []string{"a 1.0.0" + needed}, nil},
		{"another ecosystem", "npm", []string{"a 1.0.0" + needed, "a 9 installed fn.zip!/vendor/composer/installed.json"}[:1], nil},
		{
			"the nearest lockfile counts", "npm",
			[]string{"a 1.0.0" + needed, "a 2.0.0 locked fn.zip!/sub/package-lock.json", "a 2.0.0 installed fn.zip!/sub/node_modules/a/package.json", "a 1.0.0 installed fn.zip!/node_modules/a/package.json"}, nil,
		},
		{"elsewhere", "npm", []string{"a 1.0.0 locked fn.zip!/sub/package-lock.json required", "a 2.0.0 installed fn.zip!/node_modules/a/package.json"}, nil},
		{"in an archive below", "npm", []string{"a 1.0.0" + needed, "a 2.0.0 installed fn.zip!/inner.zip!/node_modules/a/package.json"}, nil},
		{"the hidden lockfile of npm is none", "npm", []string{"a 1.0.0 locked fn.zip!/node_modules/.package-lock.json required", "a 2.0.0 installed fn.zip!/node_modules/a/package.json"}, nil},
		{"pip is no drift, a vendored copy neither", "PyPI", []string{
			"a 1.0 locked fn.zip!/Pipfile.lock", "a 1.0 installed fn.zip!/a.dist-info/METADATA", "pip 24.0 installed fn.zip!/pip.dist-info/METADATA", "x 1 installed fn.zip!/a/_vendor/x.dist-info/METADATA",
		}, nil},
		{"a gem for a platform, and Ruby's own gems", "RubyGems", []string{
			"nokogiri 1.16.0-x86_64-linux locked fn.zip!/Gemfile.lock", "nokogiri 1.16.0 installed fn.zip!/vendor/x.gemspec", "json 2.6.3 installed fn.zip!/vendor/json.gemspec",
		}, nil},
	}
	for _, tt := range tests {
		var pkgs []fnvet.Package
		for _, words := range tt.pkgs {
			pkgs = append(pkgs, at(tt.ecosystem, words))
		}
		var got []string
		for _, f := range Drift(Merge(pkgs, nil)) {
			got = append(got, f.Path+": "+f.Title)
			if f.ID != lockDrift || f.Kind != fnvet.Hygiene || f.Severity != fnvet.Low || f.Salt == "" || !strings.Contains(f.Remediation, "(") {
				t.Errorf("%s: %+v", tt.why, f)
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", tt.why, d)
		}
	}
}

// TestDriftMany: a lockfile of something else gives a bounded list and a count.
func TestDriftMany(t *testing.T) {
	pkgs := []fnvet.Package{at("npm", "here 1 installed node_modules/here/package.json"), at("npm", "here 1 locked package-lock.json")}
	for i := range 100 {
		pkgs = append(pkgs, at("npm", fmt.Sprintf("p%03d 1 locked package-lock.json required", i)))
	}
	got := Drift(Merge(pkgs, nil))
	if len(got) != maxDrift+1 || got[maxDrift].Title != "80 more packages differ from package-lock.json" {
		t.Errorf("%d findings, the last %q", len(got), got[len(got)-1].Title)
	}
}

// TestRequired: lockfiles say what is needed everywhere.
func TestRequired(t *testing.T) {
	one := func(pkgs []fnvet.Package, err error) map[string]bool {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, p := range pkgs {
			got[p.Name] = p.Required
		}
		return got
	}
	for _, tt := range []struct {
		why  string
		got  map[string]bool
		want map[string]bool
	}{
		{"npm", one(npm.ParseLock([]byte(`{"lockfileVersion":3,"packages":{"":{},"node_modules/a":{"version":"1.0.0"},
		  "node_modules/b":{"version":"1.0.0","dev":true},"node_modules/c":{"version":"1.0.0","optional":true},
		  "node_modules/d":{"version":"1.0.0","os":["darwin"]},"node_modules/e":{"version":"1.0.0","peer":true}}}`))),
			map[string]bool{"a": true, "b": false, "c": false, "d": false, "e": false}},
		{"npm of old", one(npm.ParseLock([]byte(`{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"1.0.0","dev":true}}}}}`))),
			map[string]bool{"a": true, "b": false}},
		{"Composer", one(php.ParseLock([]byte(`{"packages":[{"name":"X/a","version":"1.0.0"}],"packages-dev":[{"name":"x/b","version":"1.0.0"}]}`))),
			map[string]bool{"x/a": true, "x/b": false}},
		{"pipenv", one(python.ParsePipfile([]byte(`{"_meta":{},"default":{"A_x":{"version":"==1.0"},"b":{"version":"==1.0","markers":"sys_platform == 'win32'"}},"develop":{"c":{"version":"==1.0"}}}`))),
			map[string]bool{"a-x": true, "b": false, "c": false}},
	} {
		if d := cmp.Diff(tt.want, tt.got); d != "" {
			t.Errorf("%s: %s", tt.why, d)
		}
	}
}
