package secrets

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// A heldOut is a line of testdata/heldout.txt: a file with one credential in it.
type heldOut struct{ file, origin, before, format, after string }

func heldOutSet(t testing.TB) []heldOut {
	t.Helper()
	text, err := os.ReadFile("testdata/heldout.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []heldOut
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), " | ", 3)
		if len(parts) != 3 {
			t.Fatalf("heldout.txt: %q", line)
		}
		before, rest, ok := strings.Cut(strings.ReplaceAll(parts[2], `\n`, "\n"), "<<")
		format, after, closed := strings.Cut(rest, ">>")
		if !ok || !closed {
			t.Fatalf("heldout.txt: no credential in %q", line)
		}
		out = append(out, heldOut{parts[0], parts[1], before, format, after + "\n"})
	}
	return out
}

// TestHeldOut measures recall on a set that was written before the rules were read.
func TestHeldOut(t *testing.T) {
	s := newScanner(t)
	r := rand.New(rand.NewPCG(60, 1))
	set := heldOutSet(t)
	tries, found, whole := 0, 0, 0
	for _, h := range set {
		missed := 0
		for range 4 {
			value := documented{rule: h.origin, format: h.format}.value(t, r)
			text := h.before + value + h.after
			tries++
			if slices.ContainsFunc(find(t, s, file(h.file, text)), func(f fnvet.Finding) bool {
				return f.Secret.Confidence != fnvet.ConfidenceLow && f.Secret.Start < len(h.before)+len(value) && len(h.before) < f.Secret.End
			}) {
				found++
				continue
			}
			missed++
			t.Logf("%s: missed %q", h.file, text)
		}
		if missed == 0 {
			whole++
		}
	}
	t.Logf("%d of %d values found, all four of %d of %d lines", found, tries, whole, len(set))
	if len(set) < 60 || found*100 < tries*97 {
		t.Error("below what docs/secrets.md states")
	}
}
