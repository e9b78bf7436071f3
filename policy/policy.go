// Package policy turns a report into a verdict: which findings block, and the
// exit code that follows. It is pure; it reads no files and no clock.
package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// Exit codes of the gate, as docs/contract.md states them.
const (
	CodePass       = 0
	CodeFail       = 1
	CodeIncomplete = 3
)

// A Level is the severity from which findings block.
type Level string

// The levels of --fail-on.
const (
	FailCritical Level = "critical"
	FailHigh     Level = "high"
	FailMedium   Level = "medium"
	FailLow      Level = "low"
	FailAny      Level = "any"
	FailNever    Level = "never"
)

// Levels lists every Level, strictest last but one.
var levels = []Level{FailCritical, FailHigh, FailMedium, FailLow, FailAny, FailNever}

// ParseLevel reads the value of --fail-on. The error lists the known levels.
func ParseLevel(s string) (Level, error) {
	if slices.Contains(levels, Level(s)) {
		return Level(s), nil
	}
	known := make([]string, len(levels))
	for i, l := range levels {
		known[i] = string(l)
	}
	return "", fmt.Errorf("unknown level %q: want one of %s", s, strings.Join(known, ", "))
}

// A Policy says what blocks. The zero value blocks on high and critical findings
// and fails closed on gaps.
type Policy struct {
	FailOn          Level // "" is FailHigh
	AllowIncomplete bool  // gaps no longer make CodeIncomplete
}

// Blocks reports whether a finding blocks: it is not suppressed, its severity
// reaches the level, and a secret is of medium confidence or better. FailAny
// blocks on every finding that is not suppressed, of unknown severity too.
func (p Policy) Blocks(f *fnvet.Finding) bool {
	if f.Suppressed != nil {
		return false
	}
	switch p.FailOn {
	case FailNever:
		return false
	case FailAny:
		return true
	default:
	}
	if f.Secret != nil && f.Secret.Confidence == fnvet.ConfidenceLow {
		return false
	}
	least := fnvet.High
	if p.FailOn != "" {
		least = fnvet.Severity(p.FailOn)
	}
	return f.Severity.Rank() >= least.Rank()
}

// Judge gives the verdict over a report whose findings and gaps are complete.
func Judge(r *fnvet.Report, p Policy) fnvet.Verdict {
	v := fnvet.Verdict{Code: CodePass, Reasons: []string{}}
	bySeverity := map[fnvet.Severity]int{}
	for i := range r.Findings {
		if p.Blocks(&r.Findings[i]) {
			v.Blocking++
			bySeverity[r.Findings[i].Severity]++
		}
	}
	if v.Blocking > 0 {
		v.Code = CodeFail
		v.Reasons = append(v.Reasons, blockingReason(v.Blocking, bySeverity))
	}
	if n := len(r.Gaps); n > 0 {
		what := "1 place could not be looked at"
		if n > 1 {
			what = fmt.Sprintf("%d places could not be looked at", n)
		}
		switch {
		case p.AllowIncomplete:
			what += " (allowed by --allow-incomplete)"
		case v.Code == CodePass:
			v.Code = CodeIncomplete
		}
		v.Reasons = append(v.Reasons, what)
	}
	v.Pass = v.Code == CodePass
	return v
}

func blockingReason(n int, by map[fnvet.Severity]int) string {
	var parts []string
	for _, s := range []fnvet.Severity{fnvet.Critical, fnvet.High, fnvet.Medium, fnvet.Low, fnvet.Info, fnvet.SeverityUnknown} {
		if by[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", by[s], s))
		}
	}
	noun, verb := "findings", "block"
	if n == 1 {
		noun, verb = "finding", "blocks"
	}
	return fmt.Sprintf("%d %s %s (%s)", n, noun, verb, strings.Join(parts, ", "))
}

// Baseline marks every finding whose fingerprint the old report has as
// suppressed. Findings the old report itself suppressed do not count as known:
// their reason may have ended.
func Baseline(findings []fnvet.Finding, old *fnvet.Report) {
	known := make(map[string]bool, len(old.Findings))
	for i := range old.Findings {
		f := &old.Findings[i]
		if f.Fingerprint != "" && (f.Suppressed == nil || f.Suppressed.By == "baseline") {
			known[f.Fingerprint] = true
		}
	}
	for i := range findings {
		if findings[i].Suppressed == nil && known[findings[i].Fingerprint] {
			findings[i].Suppressed = &fnvet.Suppressed{By: "baseline", Reason: "in the baseline report of " + old.Artifact.Name}
		}
	}
}
