package bundle

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// built holds real bundles of a function of four packages; see its README.
const built = "../../testdata/bundles/built"

const partly = "bundle only partly inventoried"

// TestFixtures states for every tool what its bundle shows: name, version where
// one is stated, evidence and confidence.
func TestFixtures(t *testing.T) {
	manifest := "dotenv@16.0.3 package-json high"
	paths := func(evidence string) []string {
		return []string{"cookie@ " + evidence, "dotenv@16.0.3 " + strings.Replace(evidence, " ", "+package-json ", 1), "minimist@ " + evidence, "ms@ " + evidence}
	}
	names := func(evidence string) []string {
		return []string{"cookie@ " + evidence, manifest, "minimist@ " + evidence, "ms@ " + evidence}
	}
	for _, tt := range []struct {
		dir, why string
		want     []string
		gap      string
	}{
		{"esbuild/plain", "a comment before each module", paths("module-path high"), ""},
		{"esbuild/min-map", "a source map beside it", paths("source-map high"), ""},
		{"esbuild/min-bare", "no comments: the embedded package.json and known texts", []string{"cookie@ known-string low", manifest}, partly},
		{"webpack/plain", "paths are the modules' ids", paths("module-path high"), ""},
		{"webpack/min", "ids are numbers; one licence comment", []string{"cookie@ license-comment low", manifest}, partly},
		{"rollup/min", "scopes are merged, JSON is taken apart; one licence comment", []string{"cookie@ license-comment low"}, partly},
		{"rollup/min-map", "the map has no package.json", []string{"cookie@ source-map high", "dotenv@ source-map high", "minimist@ source-map high", "ms@ source-map high"}, ""},
		{"ncc/min", "licenses.txt beside it", names("license-file medium"), ""},
		{"browserify/min-bare", "names of what each module requires", names("module-name high"), ""},
		{"parcel/plain", "names, but imports of ECMAScript modules are hashed", names("module-name high"), partly},
		{"parcel/min", "the same", names("module-name high"), partly},
		{"webpack4/plain", "paths are the modules' ids", paths("module-path high"), ""},
	} {
		t.Run(tt.dir, func(t *testing.T) {
			facts := scanDir(t, filepath.Join(built, filepath.FromSlash(tt.dir)))
			got := []string{}
			for _, p := range facts.Packages {
				l := p.Locations[0]
				if l.Path != "index.js" || p.Kind != "bundled" {
					t.Errorf("%s: %s at %s", p.PURL, p.Kind, l.Path)
				}
				got = append(got, p.Name+"@"+p.Version+" "+l.Evidence+" "+string(l.Confidence))
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", tt.why, diff)
			}
			gap := ""
			for _, g := range facts.Gaps {
				gap += g.Detail
			}
			if (tt.gap == "") != (gap == "") || !strings.HasPrefix(gap, tt.gap) {
				t.Errorf("gap %q, want %q", gap, tt.gap)
			}
		})
	}
}

// TestInline puts the map of a fixture into its script, as bundlers do on request.
func TestInline(t *testing.T) {
	dir := filepath.Join(built, "esbuild", "min-map")
	code, m := file(t, filepath.Join(dir, "index.js")), file(t, filepath.Join(dir, "index.js.map"))
	code, _, _ = strings.Cut(code, "//# sourceMappingURL=")
	one := scan(t, map[string]string{"index.js": code + "//# sourceMappingURL=data:application/json;base64," + base64Text(m) + "\n"})
	two := scanDir(t, dir)
	if diff := cmp.Diff(two, one); diff != "" || len(one.Packages) != 4 {
		t.Errorf("an inline map shows what one beside it does: -beside +inline\n%s", diff)
	}
}

func file(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
