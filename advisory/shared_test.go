package advisory

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedDir finds the directory of real advisories beside the repository, or "".
func sharedDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		osv := filepath.Join(dir, "shared", "osv")
		if _, err := os.Stat(filepath.Join(osv, "ecosystems.txt")); err == nil {
			return osv
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func sharedOSV(tb testing.TB) string {
	tb.Helper()
	dir := sharedDir()
	if dir == "" {
		tb.Skip("no folder shared/osv with real advisories beside the repository")
	}
	return dir
}
