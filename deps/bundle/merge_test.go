package bundle_test

import (
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps"
	"github.com/google/go-cmp/cmp"
)

// TestMerge: what is installed and bundled in one version is one package; a
// bundled name without a version is never taken for the installed one.
func TestMerge(t *testing.T) {
	pkg := func(version string, kind fnvet.PackageKind, path string) fnvet.Package {
		purl := "pkg:npm/ms"
		if version != "" {
			purl += "@" + version
		}
		return fnvet.Package{PURL: purl, Name: "ms", Version: version, Ecosystem: "npm", Kind: kind, Locations: []fnvet.Location{{Path: path, Kind: kind}}}
	}
	var got []string
	for _, p := range deps.Merge([]fnvet.Package{
		pkg("2.1.2", fnvet.Bundled, "index.js"),
		pkg("2.1.2", fnvet.Installed, "node_modules/ms/package.json"),
		pkg("", fnvet.Bundled, "other.js"),
	}, nil) {
		got = append(got, p.PURL+" "+string(p.Kind))
		if len(p.Locations) == 0 {
			t.Errorf("%s has no location", p.PURL)
		}
	}
	if diff := cmp.Diff([]string{"pkg:npm/ms bundled", "pkg:npm/ms@2.1.2 installed"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
