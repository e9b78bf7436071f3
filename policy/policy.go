// Package policy turns a report into a verdict: which findings block, and the
// exit code that follows. It reads policy files (Parse), applies them to a report
// (Enforce) and runs the cases that people write for their policies (ParseCases).
//
// It is pure: it opens no files, asks no network and reads no clock; the time
// that expiries are judged by is given. It never looks for a policy, and nothing
// in a report can bring one along.
package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

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

// levels lists every Level, strictest last but one.
var levels = []Level{FailCritical, FailHigh, FailMedium, FailLow, FailAny, FailNever}

// ParseLevel reads the value of --fail-on. The error lists the known levels.
func ParseLevel(s string) (Level, error) {
	if slices.Contains(levels, Level(s)) {
		return Level(s), nil
	}
	return "", fmt.Errorf("unknown level %q: want one of %s", s, join(levels))
}

func join[S ~string](words []S) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// A Reachability says what only-reachable asks of a vulnerability.
type Reachability uint8

// The values of only-reachable.
const (
	ReachAny    Reachability = iota // block whether reachable or not
	ReachNotNo                      // do not block on what is known to be out of reach
	ReachStrict                     // block on what is known to be within reach only
)

// A Policy says what blocks. The zero value blocks on high and critical findings
// and fails closed on gaps. It may be copied; it is not changed by use.
type Policy struct {
	FailOn          Level                // "" is FailHigh
	FailOnKind      map[fnvet.Kind]Level // where a kind has a level of its own
	AllowIncomplete bool                 // gaps no longer make CodeIncomplete

	OnlyFixable   bool             // vulnerabilities without a fixed version do not block
	OnlyReachable Reachability     // of vulnerabilities
	KEVAlways     bool             // known exploited vulnerabilities block at any severity
	EPSSAtLeast   float64          // and those at least as probable to be exploited; 0: off
	MinConfidence fnvet.Confidence // of secrets that block; "" is medium
	// MaxDatabaseAge makes an older advisory database a gap; 0: not judged.
	MaxDatabaseAge time.Duration

	licenses *licenseRule
	rules    []ruleChange
	ignores  []ignore
	blocks   []blockRule
	quality  []qualityRule
}

// At is the policy with another level for everything, as --fail-on states it.
// FailNever also turns off what blocks at any severity.
func (p Policy) At(level Level) Policy {
	p.FailOn, p.FailOnKind = level, nil
	if level == FailNever {
		p.KEVAlways, p.EPSSAtLeast, p.blocks, p.quality = false, 0, nil, nil
	}
	return p
}

// Blocks reports whether a finding blocks: it is not suppressed, its severity
// reaches the level of its kind, and a secret is of medium confidence (or what
// the policy asks) or better. FailAny blocks on every finding that is not
// suppressed, of unknown severity too. What is known to be exploited and what
// an expression of the policy names may block at any severity.
func (p Policy) Blocks(f *fnvet.Finding) bool {
	if f.Suppressed != nil {
		return false
	}
	if p.KEVAlways && f.KEV || p.EPSSAtLeast > 0 && f.EPSS != nil && *f.EPSS >= p.EPSSAtLeast {
		return true
	}
	if f.ID == ruleQuality && len(p.quality) > 0 {
		return true
	}
	return p.blockedByExpression(f) || !p.spared(f) && p.reaches(f)
}

// spared tells the findings that do not block whatever their severity.
func (p Policy) spared(f *fnvet.Finding) bool {
	if f.Kind != fnvet.Vulnerability {
		return false
	}
	switch {
	case p.OnlyFixable && f.Package != nil && len(f.Package.Fixed) == 0:
		return true
	case p.OnlyReachable == ReachNotNo:
		return f.Reachable == fnvet.ReachNo
	case p.OnlyReachable == ReachStrict:
		return f.Reachable != fnvet.ReachYes
	}
	return false
}

// reaches compares the severity, and the confidence of secrets, with the levels.
func (p Policy) reaches(f *fnvet.Finding) bool {
	level := p.FailOn
	if l, ok := p.FailOnKind[f.Kind]; ok {
		level = l
	}
	sure := f.Secret == nil || confidenceRank(f.Secret.Confidence) >= confidenceRank(p.MinConfidence)
	switch level {
	case FailNever:
		return false
	case FailAny:
		return sure || p.MinConfidence == ""
	case "":
		level = FailHigh
	default:
	}
	return sure && f.Severity.Rank() >= fnvet.Severity(level).Rank()
}

// confidenceRank orders confidences; what is not stated counts as medium.
func confidenceRank(c fnvet.Confidence) int {
	switch c {
	case fnvet.ConfidenceHigh:
		return 3
	case fnvet.ConfidenceLow:
		return 1
	default:
		return 2
	}
}

// Judge gives the verdict over a report whose findings and gaps are complete.
// It applies only what Blocks does; Enforce applies the whole of a policy.
func Judge(r *fnvet.Report, p Policy) fnvet.Verdict {
	v := fnvet.Verdict{Code: CodePass, Reasons: []string{}}
	bySeverity := map[fnvet.Severity]int{}
	lenient, outOfReach := p, 0
	if p.OnlyReachable == ReachAny {
		lenient.OnlyReachable = ReachNotNo
	}
	for i := range r.Findings {
		if p.Blocks(&r.Findings[i]) {
			v.Blocking++
			bySeverity[r.Findings[i].Severity]++
			if !lenient.Blocks(&r.Findings[i]) {
				outOfReach++
			}
		}
	}
	if v.Blocking > 0 {
		v.Code = CodeFail
		what := blockingReason(v.Blocking, bySeverity)
		if outOfReach > 0 {
			what += fmt.Sprintf(", %d of them in packages the handler cannot load (only-reachable: true lets those pass)", outOfReach)
		}
		v.Reasons = append(v.Reasons, what)
	}
	if n := len(r.Gaps); n > 0 {
		what := gapsReason(n)
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

func gapsReason(n int) string {
	if n == 1 {
		return "1 place could not be looked at"
	}
	return fmt.Sprintf("%d places could not be looked at", n)
}

func blockingReason(n int, by map[fnvet.Severity]int) string {
	var parts []string
	for _, s := range severities {
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

// severities lists every Severity, worst first.
var severities = []fnvet.Severity{fnvet.Critical, fnvet.High, fnvet.Medium, fnvet.Low, fnvet.Info, fnvet.SeverityUnknown}

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
