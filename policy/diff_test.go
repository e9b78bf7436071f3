package policy_test

import (
	"math/rand/v2"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/policy"
)

func TestDiffPairs(t *testing.T) {
	at := func(version, fingerprint string, blocks bool) fnvet.Finding {
		return fnvet.Finding{ID: "GHSA-x", Kind: fnvet.Vulnerability, Severity: fnvet.High, Fingerprint: fingerprint, Blocks: blocks,
			Package: &fnvet.PackageRef{Name: "p", Version: version, Ecosystem: "npm"}}
	}
	secret := func(fingerprint string) fnvet.Finding {
		return fnvet.Finding{ID: "secret/x", Kind: fnvet.SecretKind, Severity: fnvet.High, Fingerprint: fingerprint, Blocks: true}
	}
	for _, tt := range []struct {
		why                              string
		old, latest                      []fnvet.Finding
		isNew, fixed, unchanged, toBlock int
	}{
		{"the same", []fnvet.Finding{at("1", "a", true)}, []fnvet.Finding{at("1", "a", true)}, 0, 0, 1, 0},
		{"the same flaw in a later version", []fnvet.Finding{at("1", "a", true)}, []fnvet.Finding{at("2", "b", true)}, 0, 0, 1, 0},
		{"in a second version too", []fnvet.Finding{at("1", "a", true)}, []fnvet.Finding{at("1", "a", true), at("2", "b", true)}, 1, 0, 1, 1},
		{"fingerprints pair first", []fnvet.Finding{at("1", "a", false), at("2", "b", true)}, []fnvet.Finding{at("2", "b", true)}, 0, 1, 1, 0},
		{"blocks now", []fnvet.Finding{at("1", "a", false)}, []fnvet.Finding{at("1", "a", true)}, 0, 0, 1, 1},
		{"another secret", []fnvet.Finding{secret("a")}, []fnvet.Finding{secret("b")}, 1, 1, 0, 1},
	} {
		d := policy.Diff(&fnvet.Report{Findings: tt.old}, &fnvet.Report{Findings: tt.latest})
		f := d.Findings
		if len(f.New) != tt.isNew || len(f.Fixed) != tt.fixed || len(f.Unchanged) != tt.unchanged || len(f.Blocking) != tt.toBlock {
			t.Errorf("%s: %d new, %d fixed, %d unchanged, %d blocking", tt.why, len(f.New), len(f.Fixed), len(f.Unchanged), len(f.Blocking))
		}
		if (d.Verdict.Code == policy.CodeFail) != (tt.toBlock > 0) {
			t.Errorf("%s: code %d", tt.why, d.Verdict.Code)
		}
	}
}

// Whatever the two reports are, every finding is on one list, and a report does
// not differ from itself.
func TestDiffParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	random := func() *fnvet.Report {
		r := sample()
		for i := range r.Findings {
			r.Findings[i].Blocks = rng.IntN(2) == 0
		}
		r.Findings = append(r.Findings, r.Findings...)
		rng.Shuffle(len(r.Findings), func(i, j int) { r.Findings[i], r.Findings[j] = r.Findings[j], r.Findings[i] })
		r.Findings = r.Findings[:rng.IntN(len(r.Findings))]
		return r
	}
	for range 500 {
		a, b := random(), random()
		d := policy.Diff(a, b)
		if len(d.Findings.New)+len(d.Findings.Unchanged) != len(b.Findings) || len(d.Findings.Fixed)+len(d.Findings.Unchanged) != len(a.Findings) {
			t.Fatalf("%d and %d findings give %d new, %d fixed, %d unchanged", len(a.Findings), len(b.Findings), len(d.Findings.New), len(d.Findings.Fixed), len(d.Findings.Unchanged))
		}
		if same := policy.Diff(a, a); len(same.Findings.New)+len(same.Findings.Fixed)+len(same.Findings.Blocking) > 0 || !same.Verdict.Pass {
			t.Fatalf("a report differs from itself: %+v", same.Verdict)
		}
	}
}
