package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/policy"
)

const cases = `policy: ../.fnvet.yaml
cases:
  - name: high blocks
    report:
      findings: [{id: GHSA-x, kind: vulnerability, severity: high}]
    expect: {pass: false, code: 1, blocks: [GHSA-x]}
  - name: the ignore holds
    now: 2026-01-01T00:00:00Z
    report:
      findings: [{id: GHSA-y, kind: vulnerability, severity: high}]
    expect: {pass: true, blocks: []}
  - name: and ends
    policy-name: prod
    now: 2027-01-01T00:00:00Z
    report:
      findings: [{id: GHSA-y, kind: vulnerability, severity: high}]
    expect: {code: 1, reasons: [ignore of GHSA-y expired on 2026-06-30]}
`

const casesPolicy = "ignore: [{id: GHSA-y, reason: r, expires: 2026-06-30}]\npolicies: {prod: {fail-on: medium}}\n"

func TestCases(t *testing.T) {
	f, err := policy.Parse([]byte(casesPolicy))
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.ParseCases([]byte(cases))
	if err != nil {
		t.Fatal(err)
	}
	if c.Policy != "../.fnvet.yaml" || len(c.Cases) != 3 {
		t.Fatalf("%+v", c)
	}
	for i := range c.Cases {
		if wrong := c.Cases[i].Run(f, order); len(wrong) > 0 {
			t.Errorf("%s: %v", c.Cases[i].Name, wrong)
		}
	}
}

func TestCasesThatDoNotHold(t *testing.T) {
	f, err := policy.Parse([]byte(casesPolicy))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ why, old, new, msg string }{
		{"pass", "{pass: false, code: 1", "{pass: true, code: 1", "pass is false, want true"},
		{"code", "{pass: false, code: 1", "{pass: false, code: 0", "code is 1, want 0"},
		{"blocks", "blocks: [GHSA-x]", "blocks: []", "blocked by [GHSA-x], want []"},
		{"reason", "expired on 2026-06-30", "expired on 2026-06-29", "no reason says"},
		{"policy", "policy-name: prod", "policy-name: pord", `there is no policy "pord"`},
	} {
		c, err := policy.ParseCases([]byte(strings.Replace(cases, tt.old, tt.new, 1)))
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for i := range c.Cases {
			all = append(all, c.Cases[i].Run(f, order)...)
		}
		if got := strings.Join(all, "\n"); !strings.Contains(got, tt.msg) {
			t.Errorf("%s: %q", tt.why, got)
		}
	}
}

func TestCasesMistakes(t *testing.T) {
	for _, tt := range []struct{ why, text, at, msg string }{
		{"empty", "", "1:1", "no cases"},
		{"no cases", "cases: []", "1:1", "no cases"},
		{"no name", "cases:\n  - expect: {pass: true}\n", "2:5", "wants a name"},
		{"nothing to expect", "cases:\n  - name: x\n", "2:5", "what to expect"},
		{"expects nothing", "cases:\n  - name: x\n    expect: {}\n", "3:13", "nothing is expected"},
		{"a field that the contract does not know", "cases:\n  - name: x\n    report: {finding: []}\n    expect: {pass: true}\n", "3:13", `unknown field "finding"`},
		{"a type", "cases:\n  - name: x\n    report: {findings: [{line: x}]}\n    expect: {pass: true}\n", "3:13", "cannot unmarshal"},
		{"code 2", "cases:\n  - name: x\n    expect: {code: 2}\n", "3:20", "not an exit code"},
		{"time", "cases:\n  - name: x\n    now: 2026-01-01\n    expect: {code: 1}\n", "3:10", "RFC 3339"},
	} {
		_, err := policy.ParseCases([]byte(tt.text))
		e, ok := errors.AsType[*policy.Error](err)
		if !ok || !strings.HasPrefix(e.Error(), tt.at+": ") || !strings.Contains(e.Msg, tt.msg) {
			t.Errorf("%s: %v", tt.why, err)
		}
	}
}

func FuzzParseCases(f *testing.F) {
	f.Add([]byte(cases))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := policy.ParseCases(data)
		if (c == nil) == (err == nil) {
			t.Fatalf("cases %v, error %v", c, err)
		}
	})
}
