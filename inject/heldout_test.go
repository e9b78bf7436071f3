package inject

import (
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// TestHeldOut judges the handlers of testdata/heldout, which were written before the
// engine was read. docs/injection.md has the figures of the first run.
func TestHeldOut(t *testing.T) {
	var bad, found, safe, wrong int
	for _, c := range readLabelled(t, "heldout") {
		facts := scanFiles(t, Options{}, compiledFiles(t, c.files), c.states...)
		hit, noise := false, false
		for _, f := range facts.Findings {
			hit = hit || f.ID == c.class
			noise = noise || f.Severity.Rank() >= fnvet.Low.Rank()
		}
		key := c.lang + " " + strings.TrimPrefix(c.class, "injection/") + ": " + c.reason
		if c.bad {
			bad++
			if hit {
				found++
			} else {
				t.Errorf("missed %q%s", key, describe(facts))
			}
		} else {
			safe++
			if noise {
				wrong++
				t.Errorf("wrong about %q%s", key, describe(facts))
			}
		}
		for _, g := range facts.Gaps {
			t.Errorf("%q: gap %s %s", key, g.Reason, g.Detail)
		}
	}
	if bad < 60 || safe < 60 {
		t.Errorf("only %d vulnerable and %d safe handlers", bad, safe)
	}
	t.Logf("%d bad, %d found; %d safe, %d wrong", bad, found, safe, wrong)
}
