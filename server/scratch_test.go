package server

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestScratch: what a killed process left is removed, what another one uses stays.
func TestScratch(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "uploads")
	made := map[string]*scratch{}
	for _, name := range []string{"killed", "alive", "killed before its lock", "young"} {
		s, err := openScratch(parent)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "upload"), []byte("PK"), 0o600); err != nil {
			t.Fatal(err)
		}
		if name != "alive" {
			if err := s.lock.Close(); err != nil { // as the end of a process does
				t.Fatal(err)
			}
		}
		made[name] = s
	}
	if err := os.Remove(filepath.Join(made["killed before its lock"].dir, "lock")); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(parent, "mine.txt")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * young)
	for _, name := range []string{"killed", "alive", "killed before its lock"} {
		if err := os.Chtimes(made[name].dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	next, err := openScratch(parent)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		made["killed"].dir: false, made["killed before its lock"].dir: false, made["alive"].dir: true, made["young"].dir: true, other: true, next.dir: true,
	} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", path, err, want)
		}
	}
	next.close()
	if _, err := os.Stat(next.dir); !os.IsNotExist(err) {
		t.Errorf("after the end: %v", err)
	}
}
