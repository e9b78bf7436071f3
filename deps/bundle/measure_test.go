package bundle

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// TestMeasure prints recall and precision for each tool and mode over the
// bundles that testdata/bundles/build.mjs made in FNVET_BUNDLES.
func TestMeasure(t *testing.T) {
	dir := os.Getenv("FNVET_BUNDLES")
	if dir == "" {
		t.Skip("FNVET_BUNDLES names no folder of built bundles; see docs/bundles.md")
	}
	truths, err := filepath.Glob(filepath.Join(dir, "*", "*", "truth.json"))
	if err != nil || len(truths) == 0 {
		t.Fatalf("no bundle in %s: %v", dir, err)
	}
	var own struct{ Dependencies map[string]string }
	read(t, "../../testdata/bundles/app/package.json", &own)
	for _, truth := range truths {
		var want [][2]string
		read(t, truth, &want)
		facts := scanDir(t, filepath.Dir(truth))
		s := compare(want, facts.Packages)
		s.directs(own.Dependencies, facts.Packages)
		rel, _ := filepath.Rel(dir, filepath.Dir(truth))
		tool, mode, _ := strings.Cut(filepath.ToSlash(rel), "/")
		fmt.Fprintf(os.Stdout, "| %s | %s | %.0f%% | %.0f%% | %.0f%% | %.0f%% | %.0f%% | %.0f%% | %s |\n", tool, mode,
			100*s.nameRecall, 100*s.namePrecision, 100*s.directRecall, 100*s.versionRecall, 100*s.directVersions, 100*s.versionPrecision,
			map[bool]string{true: "yes", false: "no"}[len(facts.Gaps) > 0])
		if s.namePrecision < 0.97 || s.versionPrecision < 0.97 {
			t.Errorf("%s: names %.3f, versions %.3f right", rel, s.namePrecision, s.versionPrecision)
		}
		if s.nameRecall < 0.95 && len(facts.Gaps) == 0 {
			t.Errorf("%s: %.3f of the names, and no gap", rel, s.nameRecall)
		}
		if os.Getenv("FNVET_BUNDLES_VERBOSE") != "" {
			fmt.Fprintln(os.Stdout, "  wrong:", s.wrong)
		}
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func scanDir(t *testing.T, dir string) fnvet.Facts {
	t.Helper()
	s := New()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range files {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		f := &fnvet.File{Path: e.Name(), Name: e.Name(), Size: int64(len(data)), Data: data}
		if s.Want(f) {
			facts, err := s.Detect(context.Background(), f)
			if err != nil || len(facts.Gaps) > 0 {
				t.Errorf("%s: %v %v", e.Name(), err, facts.Gaps)
			}
		}
	}
	facts, err := s.Finish(context.Background(), func(string, string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

type score struct {
	nameRecall, namePrecision, versionRecall, versionPrecision float64
	directRecall, directVersions                               float64 // of the function's own dependencies
	wrong                                                      []string
}

// compare counts names, and names with versions, of what a bundler says it put
// in against what was found.
func compare(want [][2]string, got []fnvet.Package) score {
	names, pairs := map[string]bool{}, map[[2]string]bool{}
	for _, w := range want {
		names[w[0]], pairs[w] = true, true
	}
	var s score
	foundNames, rightNames := map[string]bool{}, map[string]bool{}
	versions, right := 0, 0
	for _, p := range got {
		foundNames[p.Name] = true
		if names[p.Name] {
			rightNames[p.Name] = true
		} else {
			s.wrong = append(s.wrong, p.Name+"@"+p.Version+" "+p.Locations[0].Evidence)
		}
		if p.Version == "" {
			continue
		}
		versions++
		if pairs[[2]string{p.Name, p.Version}] {
			right++
		} else if names[p.Name] {
			s.wrong = append(s.wrong, p.Name+"@"+p.Version+" "+p.Locations[0].Evidence)
		}
	}
	slices.Sort(s.wrong)
	s.nameRecall, s.namePrecision = ratio(len(rightNames), len(names)), ratio(len(rightNames), len(foundNames))
	s.versionRecall, s.versionPrecision = ratio(right, len(pairs)), ratio(right, versions)
	return s
}

// directs counts the dependencies that the function's package.json pins.
func (s *score) directs(pinned map[string]string, got []fnvet.Package) {
	named, versioned := map[string]bool{}, map[string]bool{}
	for _, p := range got {
		if version, ok := pinned[p.Name]; ok {
			named[p.Name] = true
			if p.Version == version {
				versioned[p.Name] = true
			}
		}
	}
	s.directRecall, s.directVersions = ratio(len(named), len(pinned)), ratio(len(versioned), len(pinned))
}

// ratio is 1 for nothing of nothing: no claim is no wrong claim.
func ratio(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}
