package advisory

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedOSV finds the directory of real advisories beside the repository, or
// skips the test.
func sharedOSV(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		osv := filepath.Join(dir, "shared", "osv")
		if _, err := os.Stat(filepath.Join(osv, "ecosystems.txt")); err == nil {
			return osv
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			tb.Skip("no folder shared/osv with real advisories beside the repository")
		}
		dir = parent
	}
}
