package inject

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
)

// Libraries, treated as if they were a function's own code, have no event and no
// entry point: nothing at medium or above may be found in them. FNVET_LIBRARIES
// names folders (with ":" between them) of which each entry is one package:
// node_modules, site-packages, dist-packages.
func TestLibraries(t *testing.T) {
	roots := os.Getenv("FNVET_LIBRARIES")
	if roots == "" {
		t.Skip("FNVET_LIBRARIES names no folders of packages")
	}
	packages, bytes := 0, 0
	began := time.Now()
	for root := range strings.SplitSeq(roots, ":") {
		for _, dir := range packagesIn(t, root) {
			files := map[string]string{}
			_ = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() || !e.Type().IsRegular() {
					return nil
				}
				name, _ := filepath.Rel(dir, p)
				if !sourceFile(name) {
					return nil
				}
				data, err := os.ReadFile(p)
				if err == nil && len(data) < maxFile {
					files[filepath.ToSlash(name)] = string(data)
					bytes += len(data)
				}
				return nil
			})
			if len(files) == 0 {
				continue
			}
			packages++
			start := time.Now()
			facts := scanFiles(t, Options{}, files)
			if d := time.Since(start); d > 3*time.Second {
				t.Logf("slow: %s %v (%d files)", dir, d, len(files))
			}
			for _, f := range facts.Findings {
				if f.Severity.Rank() >= fnvet.Medium.Rank() {
					t.Errorf("%s: %s", dir, describe(fnvet.Facts{Findings: []fnvet.Finding{f}}))
				}
			}
			for _, g := range facts.Gaps {
				t.Logf("gap: %s: %s %s %s", dir, g.Path, g.Reason, g.Detail)
			}
		}
	}
	if packages == 0 {
		t.Fatal("no packages")
	}
	t.Logf("%d packages, %d bytes in %v", packages, bytes, time.Since(began))
}

func packagesIn(t *testing.T, root string) []string {
	t.Helper()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case strings.HasPrefix(e.Name(), "@"):
			sub, _ := os.ReadDir(filepath.Join(root, e.Name()))
			for _, s := range sub {
				out = append(out, filepath.Join(root, e.Name(), s.Name()))
			}
		default:
			out = append(out, filepath.Join(root, e.Name()))
		}
	}
	slices.Sort(out)
	return out
}
