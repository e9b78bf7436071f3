package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

func TestJudgeSaysWhatIsOutOfReach(t *testing.T) {
	of := func(reach ...fnvet.Reach) *fnvet.Report {
		r := &fnvet.Report{}
		for _, x := range reach {
			r.Findings = append(r.Findings, fnvet.Finding{ID: "GHSA-x", Kind: fnvet.Vulnerability, Severity: fnvet.Critical, Reachable: x})
		}
		return r
	}
	for _, tt := range []struct {
		why     string
		only    Reachability
		reach   []fnvet.Reach
		blocks  int
		reasons []string
	}{
		{"one in reach, two not", ReachAny, []fnvet.Reach{fnvet.ReachYes, fnvet.ReachNo, fnvet.ReachNo}, 3, []string{
			"3 findings block (3 critical), 2 of them in packages the handler cannot load (only-reachable: true lets those pass)"}},
		{"unknown is not out of reach", ReachAny, []fnvet.Reach{fnvet.ReachUnknown}, 1, []string{"1 finding blocks (1 critical)"}},
		{"the policy spares them already", ReachNotNo, []fnvet.Reach{fnvet.ReachYes, fnvet.ReachNo}, 1, []string{"1 finding blocks (1 critical)"}},
	} {
		v := Judge(of(tt.reach...), Policy{OnlyReachable: tt.only})
		if diff := cmp.Diff(tt.reasons, v.Reasons); diff != "" || v.Blocking != tt.blocks {
			t.Errorf("%s: %d block; %s", tt.why, v.Blocking, diff)
		}
	}
}
