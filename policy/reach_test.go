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
			"3 findings block (3 critical), 2 of them in packages the handler cannot load (--fail-on LEVEL,reachable or only-reachable: true lets those pass)"}},
		{"unknown is not out of reach", ReachAny, []fnvet.Reach{fnvet.ReachUnknown}, 1, []string{"1 finding blocks (1 critical)"}},
		{"the policy spares them already", ReachNotNo, []fnvet.Reach{fnvet.ReachYes, fnvet.ReachNo}, 1, []string{"1 finding blocks (1 critical)"}},
	} {
		v := Judge(of(tt.reach...), Policy{OnlyReachable: tt.only})
		if diff := cmp.Diff(tt.reasons, v.Reasons); diff != "" || v.Blocking != tt.blocks {
			t.Errorf("%s: %d block; %s", tt.why, v.Blocking, diff)
		}
	}
}

func TestParseFailOn(t *testing.T) {
	for _, tt := range []struct {
		text      string
		level     Level
		reachable bool
		bad       bool
	}{
		{"high", FailHigh, false, false},
		{"high,reachable", FailHigh, true, false},
		{"reachable, critical", FailCritical, true, false},
		{"reachable", "", true, false},
		{"", "", false, true},
		{"high,low", "", false, true},
		{"reachable,reachable", "", false, true},
		{"high,", "", false, true},
		{"high,reachabel", "", false, true},
	} {
		level, reachable, err := ParseFailOn(tt.text)
		if (err != nil) != tt.bad || level != tt.level || reachable != tt.reachable {
			t.Errorf("%q: %q %v %v", tt.text, level, reachable, err)
		}
	}
}

func TestJudgeTellsOfUnknownSeverities(t *testing.T) {
	unrated := fnvet.Finding{ID: "GO-1", Kind: fnvet.Vulnerability, Severity: fnvet.SeverityUnknown}
	for _, tt := range []struct {
		why    string
		policy Policy
		also   []fnvet.Finding
		lacks  []string
		want   []string
	}{
		{"alone", Policy{}, nil, nil, []string{"1 finding has no known severity and does not block"}},
		{"others might rate it", Policy{}, []fnvet.Finding{unrated}, []string{"PyPI", "npm"}, []string{"2 findings have no known severity and do not block; the database lacks ecosystems that may rate them (PyPI, npm): fnvet db update"}},
		{"the gate fails already", Policy{}, []fnvet.Finding{{Kind: fnvet.Malware, Severity: fnvet.Critical}}, nil, []string{"1 finding blocks (1 critical)"}},
		{"any blocks on it", Policy{FailOn: FailAny}, nil, nil, []string{"1 finding blocks (1 unknown)"}},
		{"never asks for none", Policy{FailOn: FailNever}, nil, nil, []string{}},
	} {
		r := &fnvet.Report{Findings: append([]fnvet.Finding{unrated}, tt.also...)}
		r.Scan.Database.Lacks = tt.lacks
		if diff := cmp.Diff(tt.want, Judge(r, tt.policy).Reasons); diff != "" {
			t.Errorf("%s: %s", tt.why, diff)
		}
	}
}
