package inject

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
)

// Bundles that a bundler made of one handler each: FNVET_BUNDLES holds
// TOOL/NAME/index.js, and a name that begins with "safe-" is one in which nothing
// may be found. What is found and not is told; a wrong report fails.
func TestBundles(t *testing.T) {
	root := os.Getenv("FNVET_BUNDLES")
	if root == "" {
		t.Skip("FNVET_BUNDLES names no folder of bundles")
	}
	names, _ := filepath.Glob(filepath.Join(root, "*", "*", "index.js"))
	if len(names) == 0 {
		t.Fatal("no bundles")
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		facts := scanFiles(t, Options{Handler: "index.handler"}, map[string]string{"index.js": string(data)})
		var found []string
		for _, f := range facts.Findings {
			if f.Severity.Rank() >= fnvet.Low.Rank() {
				_, call, _ := strings.Cut(f.Evidence, "reaches ")
				call, _, _ = strings.Cut(call, ":")
				found = append(found, f.ID+" "+string(f.Severity)+" "+call)
			}
		}
		for _, g := range facts.Gaps {
			found = append(found, "gap: "+g.Detail)
		}
		rel, _ := filepath.Rel(root, filepath.Dir(name))
		t.Logf("%-28s %7d bytes %5d ms  %s", rel, len(data), time.Since(began).Milliseconds(), strings.Join(found, "; "))
		if strings.HasPrefix(filepath.Base(rel), "safe-") && len(facts.Findings) > 0 {
			t.Errorf("%s: %s", rel, describe(facts))
		}
	}
}
