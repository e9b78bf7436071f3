package policy_test

import (
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/policy"
)

func finding(s fnvet.Severity) fnvet.Finding {
	return fnvet.Finding{ID: "x", Severity: s, Fingerprint: "f-" + string(s)}
}

func TestJudge(t *testing.T) {
	gap := []fnvet.Gap{{Path: "a.zip", Reason: fnvet.GapUnreadable}}
	suppressed := finding(fnvet.Critical)
	suppressed.Suppressed = &fnvet.Suppressed{By: "policy"}
	weak := finding(fnvet.High)
	weak.Secret = &fnvet.Secret{Confidence: fnvet.ConfidenceLow}
	sure := finding(fnvet.High)
	sure.Secret = &fnvet.Secret{Confidence: fnvet.ConfidenceMedium}
	for _, tt := range []struct {
		why      string
		policy   policy.Policy
		findings []fnvet.Finding
		gaps     []fnvet.Gap
		code     int
		blocking int
	}{
		{"nothing found", policy.Policy{}, nil, nil, 0, 0},
		{"high blocks by default", policy.Policy{}, []fnvet.Finding{finding(fnvet.High)}, nil, 1, 1},
		{"medium does not", policy.Policy{}, []fnvet.Finding{finding(fnvet.Medium)}, nil, 0, 0},
		{"unknown severity does not", policy.Policy{FailOn: policy.FailLow}, []fnvet.Finding{finding(fnvet.SeverityUnknown)}, nil, 0, 0},
		{"any means any", policy.Policy{FailOn: policy.FailAny}, []fnvet.Finding{finding(fnvet.SeverityUnknown), finding(fnvet.Info)}, nil, 1, 2},
		{"never means never", policy.Policy{FailOn: policy.FailNever}, []fnvet.Finding{finding(fnvet.Critical)}, nil, 0, 0},
		{"critical only", policy.Policy{FailOn: policy.FailCritical}, []fnvet.Finding{finding(fnvet.High)}, nil, 0, 0},
		{"suppressed does not count", policy.Policy{FailOn: policy.FailAny}, []fnvet.Finding{suppressed}, nil, 0, 0},
		{"a low-confidence secret is advice", policy.Policy{}, []fnvet.Finding{weak}, nil, 0, 0},
		{"a medium-confidence secret blocks", policy.Policy{}, []fnvet.Finding{sure}, nil, 1, 1},
		{"a gap is incomplete", policy.Policy{}, nil, gap, 3, 0},
		{"blocking wins over a gap", policy.Policy{}, []fnvet.Finding{finding(fnvet.High)}, gap, 1, 1},
		{"a gap may be allowed", policy.Policy{AllowIncomplete: true}, nil, gap, 0, 0},
		{"allowed gaps do not unblock", policy.Policy{AllowIncomplete: true}, []fnvet.Finding{finding(fnvet.High)}, gap, 1, 1},
	} {
		t.Run(tt.why, func(t *testing.T) {
			v := policy.Judge(&fnvet.Report{Findings: tt.findings, Gaps: tt.gaps}, tt.policy)
			if v.Code != tt.code || v.Blocking != tt.blocking || v.Pass != (tt.code == 0) {
				t.Errorf("got code %d, blocking %d, pass %v; want %d, %d", v.Code, v.Blocking, v.Pass, tt.code, tt.blocking)
			}
			if len(tt.gaps) > 0 && len(v.Reasons) == 0 {
				t.Error("gaps are not among the reasons")
			}
		})
	}
}

func TestParseLevel(t *testing.T) {
	for _, s := range []string{"critical", "high", "medium", "low", "any", "never"} {
		if _, err := policy.ParseLevel(s); err != nil {
			t.Error(err)
		}
	}
	for _, s := range []string{"", "HIGH", "severe"} {
		if _, err := policy.ParseLevel(s); err == nil {
			t.Errorf("%q was taken for a level", s)
		}
	}
}

func TestBaseline(t *testing.T) {
	ended := finding(fnvet.Low)
	ended.Suppressed = &fnvet.Suppressed{By: "policy", Expires: "2020-01-01"}
	old := &fnvet.Report{Findings: []fnvet.Finding{finding(fnvet.High), ended}}
	now := []fnvet.Finding{finding(fnvet.High), finding(fnvet.Critical), finding(fnvet.Low)}
	policy.Baseline(now, old)
	if now[0].Suppressed == nil || now[0].Suppressed.By != "baseline" {
		t.Error("a known finding is not suppressed")
	}
	if now[1].Suppressed != nil {
		t.Error("a new finding is suppressed")
	}
	if now[2].Suppressed != nil {
		t.Error("a finding whose own suppression may have ended is taken for known")
	}
}
