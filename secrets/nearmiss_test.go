package secrets

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// A negative is a line of testdata/nearmisses.txt: of a real package, and no secret.
type negative struct{ rule, origin, file, reason, text string }

func negatives(t testing.TB) []negative {
	t.Helper()
	text, err := os.ReadFile("testdata/nearmisses.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []negative
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), " | ", 5)
		if len(parts) != 5 || len(parts[4]) > 200 {
			t.Fatalf("nearmisses.txt: %q", line)
		}
		out = append(out, negative{parts[0], parts[1], parts[2], parts[3], parts[4]})
	}
	return out
}

// reported lists what is found in a negative with medium or higher confidence, in a
// file of the function's own.
func (n negative) reported(t testing.TB, s *Scanner) []string {
	t.Helper()
	f := file(n.file, n.text+"\n")
	if p := s.classify(f); p.thirdParty || p.docs || p.lock {
		t.Errorf("%s: %s is not a file of the function's own", n.origin, n.file)
	}
	var out []string
	for _, f := range find(t, s, f) {
		if f.Secret.Confidence != fnvet.ConfidenceLow && !slices.Contains(out, f.Secret.Rule) {
			out = append(out, f.Secret.Rule)
		}
	}
	return out
}

// nearMissScores says how many lines of each rule are wrongly reported.
func nearMissScores(t *testing.T, s *Scanner) map[string]score {
	t.Helper()
	out := map[string]score{}
	for _, n := range negatives(t) {
		c := out[n.rule]
		c.tries++
		if len(n.reported(t, s)) > 0 {
			c.good++
		}
		out[n.rule] = c
	}
	return out
}

// TestNearMisses: nothing in lines of real packages that a rule nearly matches.
func TestNearMisses(t *testing.T) {
	s := newScanner(t)
	rules, packages := map[string]bool{}, map[string]bool{}
	set := negatives(t)
	alarms := 0
	for _, n := range set {
		rules[n.rule] = true
		packages[n.origin] = true
		if n.rule != settingID && !slices.ContainsFunc(s.set.rules, func(r *rule) bool { return r.id == n.rule }) {
			t.Errorf("no rule %s", n.rule)
		}
		if got := n.reported(t, s); len(got) > 0 {
			alarms++
			t.Errorf("%s %s (%s): %s in %s", n.rule, n.origin, n.reason, got, n.text)
		}
	}
	t.Logf("%d negatives of %d rules, %d false alarms", len(set), len(rules), alarms)
	if len(set) < 700 || len(rules) < 300 {
		t.Error("fewer than docs/secrets.md states")
	}
}
