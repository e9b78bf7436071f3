package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
)

// SARIF 2.1.0, OASIS Standard with errata 01. Only what fnvet writes.
const (
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifVersion = "2.1.0"
	sarifText    = 1000 // longest text GitHub takes of a rule, in characters, less some
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Automation  sarifAutomation   `json:"automationDetails"`
	Invocations []sarifInvocation `json:"invocations"`
	Artifacts   []sarifArtifact   `json:"artifacts"`
	Results     []sarifResult     `json:"results"`
	Properties  map[string]any    `json:"properties,omitempty"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifAutomation struct {
	ID string `json:"id"`
}

type sarifMessage struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifRule struct {
	ID      string         `json:"id"`
	Name    string         `json:"name,omitempty"`
	Short   sarifMessage   `json:"shortDescription"`
	Full    sarifMessage   `json:"fullDescription"`
	Help    sarifMessage   `json:"help"`
	HelpURI string         `json:"helpUri,omitempty"`
	Default sarifConfig    `json:"defaultConfiguration"`
	Props   map[string]any `json:"properties"`
}

type sarifConfig struct {
	Level string `json:"level"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	ExitCode      int                 `json:"exitCode"`
	Start         string              `json:"startTimeUtc,omitempty"`
	End           string              `json:"endTimeUtc,omitempty"`
	Notifications []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Level      string          `json:"level"`
	Message    sarifMessage    `json:"message"`
	Descriptor sarifDescriptor `json:"descriptor"`
	Locations  []sarifLocation `json:"locations,omitempty"`
}

type sarifDescriptor struct {
	ID string `json:"id"`
}

type sarifArtifact struct {
	Location sarifURI          `json:"location"`
	Length   int64             `json:"length"`
	Hashes   map[string]string `json:"hashes,omitempty"`
}

type sarifURI struct {
	URI string `json:"uri"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifMessage       `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	CodeFlows    []sarifCodeFlow    `json:"codeFlows,omitempty"`
	Prints       map[string]string  `json:"partialFingerprints,omitempty"`
	Suppressions []sarifSuppression `json:"suppressions,omitzero"`
	Props        map[string]any     `json:"properties"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	Message  *sarifMessage  `json:"message,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifURI     `json:"artifactLocation"`
	Region   *sarifRegion `json:"region,omitempty"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind,omitempty"`
}

type sarifCodeFlow struct {
	ThreadFlows []sarifThreadFlow `json:"threadFlows"`
}

type sarifThreadFlow struct {
	Locations []sarifStep `json:"locations"`
}

type sarifStep struct {
	Location sarifLocation `json:"location"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification,omitempty"`
}

// writeSARIF writes one run for each target, told apart by automationDetails.
func writeSARIF(b *bytes.Buffer, reports []*fnvet.Report, o Options) error {
	log := sarifLog{Schema: sarifSchema, Version: sarifVersion, Runs: []sarifRun{}}
	seen := map[string]int{}
	for _, r := range reports {
		id := "fnvet/" + uri(r.Artifact.Name)
		if seen[id]++; seen[id] > 1 {
			id = fmt.Sprintf("%s/%d", id, seen[id])
		}
		log.Runs = append(log.Runs, toRun(r, id+"/", o))
	}
	return encode(b, log)
}

func toRun(r *fnvet.Report, id string, o Options) sarifRun {
	run := sarifRun{
		Automation:  sarifAutomation{ID: id},
		Invocations: []sarifInvocation{toInvocation(r)},
		Artifacts:   []sarifArtifact{{Location: sarifURI{uri(r.Artifact.Name)}, Length: r.Artifact.Size}},
		Results:     []sarifResult{},
		Properties:  map[string]any{"digest": r.Artifact.Digest, "type": r.Artifact.Type},
	}
	if hex, ok := strings.CutPrefix(r.Artifact.Digest, "sha256:"); ok {
		run.Artifacts[0].Hashes = map[string]string{"sha-256": hex}
	}
	rules, index := sarifRules(r.Findings, o.Rules)
	run.Tool.Driver = sarifDriver{Name: "fnvet", Version: r.Scan.Version, Rules: rules}
	anySuppressed := slices.ContainsFunc(r.Findings, func(f fnvet.Finding) bool { return f.Suppressed != nil })
	for i := range r.Findings {
		f := &r.Findings[i]
		res := toResult(f, r.Artifact.Name)
		res.RuleIndex = index[f.ID]
		if anySuppressed && res.Suppressions == nil {
			res.Suppressions = []sarifSuppression{} // section 3.27.23: all results state it or none
		}
		run.Results = append(run.Results, res)
	}
	return run
}

func toInvocation(r *fnvet.Report) sarifInvocation {
	inv := sarifInvocation{Successful: r.Scan.Complete, ExitCode: r.Verdict.Code, Notifications: []sarifNotification{}}
	if !r.Scan.Started.IsZero() {
		start := r.Scan.Started.UTC()
		inv.Start = start.Format(time.RFC3339Nano)
		inv.End = start.Add(time.Duration(r.Scan.DurationMS) * time.Millisecond).Format(time.RFC3339Nano)
	}
	for _, g := range r.Gaps {
		n := sarifNotification{Level: "warning", Descriptor: sarifDescriptor{"gap/" + clean(g.Reason)}}
		if g.Reason == fnvet.GapFailed {
			n.Level = "error"
		}
		n.Message.Text = clean(strings.Trim(g.Reason+": "+g.Detail, ": "))
		if g.Path != "" {
			n.Locations = []sarifLocation{{Physical: &sarifPhysical{Artifact: sarifURI{uri(g.Path)}}}}
		}
		inv.Notifications = append(inv.Notifications, n)
	}
	return inv
}

// sarifRules describes each id among the findings once, sorted, with its index.
func sarifRules(findings []fnvet.Finding, known []fnvet.Rule) ([]sarifRule, map[string]int) {
	texts := map[string]fnvet.Rule{}
	for _, k := range known {
		texts[k.ID] = k
	}
	first := map[string]*fnvet.Finding{}
	score := map[string]float64{}
	for i := range findings {
		f := &findings[i]
		if first[f.ID] == nil || f.Severity.Rank() > first[f.ID].Severity.Rank() {
			first[f.ID] = f
		}
		score[f.ID] = max(score[f.ID], securitySeverity(f))
	}
	rules, index := []sarifRule{}, map[string]int{}
	for i, id := range sortedKeys(first) {
		index[id] = i
		rules = append(rules, toRule(first[id], texts[id], score[id]))
	}
	return rules, index
}

func toRule(f *fnvet.Finding, known fnvet.Rule, score float64) sarifRule {
	title := clean(cmp.Or(known.Title, f.Title, f.ID))
	help := cmp.Or(known.Help, f.Remediation, title)
	if len(f.Aliases) > 0 {
		help += "\n\nAlso known as " + strings.Join(f.Aliases, ", ") + "."
	}
	lines := strings.Split(help, "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	help = strings.Join(lines, "\n")
	r := sarifRule{
		ID: f.ID, Name: f.ID,
		Short:   sarifMessage{Text: cutRunes(title, sarifText)},
		Full:    sarifMessage{Text: cutRunes(clean(cmp.Or(known.Help, title)), sarifText)},
		Help:    sarifMessage{Text: help},
		Default: sarifConfig{sarifLevel(f.Severity)},
		Props:   map[string]any{"tags": []string{"security", string(f.Kind)}},
	}
	if ofPackage(f) {
		r.HelpURI = "https://osv.dev/vulnerability/" + uri(f.ID)
	}
	if score > 0 {
		r.Props["security-severity"] = fmt.Sprintf("%.1f", score)
	}
	if f.Secret != nil {
		r.Props["precision"] = string(f.Secret.Confidence)
	}
	return r
}

// securitySeverity is the number code-scanning sites grade by: the CVSS score
// where it agrees with the severity stated, else the middle of the severity's band.
func securitySeverity(f *fnvet.Finding) float64 {
	low, mid, high := 0.0, 0.0, 0.0
	switch f.Severity {
	case fnvet.Critical:
		low, mid, high = 9, 9.5, 10
	case fnvet.High:
		low, mid, high = 7, 8, 8.9
	case fnvet.Medium:
		low, mid, high = 4, 5.5, 6.9
	case fnvet.Low:
		low, mid, high = 0.1, 2, 3.9
	case fnvet.Info, fnvet.SeverityUnknown:
		return 0
	}
	if f.CVSS != nil && f.CVSS.Score >= low && f.CVSS.Score <= high {
		return f.CVSS.Score
	}
	return mid
}

func sarifLevel(s fnvet.Severity) string {
	switch s {
	case fnvet.Critical, fnvet.High:
		return "error"
	case fnvet.Medium, fnvet.SeverityUnknown:
		return "warning"
	case fnvet.Low, fnvet.Info:
		return "note"
	}
	return "warning"
}

func toResult(f *fnvet.Finding, target string) sarifResult {
	res := sarifResult{
		RuleID: f.ID, Level: sarifLevel(f.Severity),
		Message:   sarifMessage{Text: sarifWords(f)},
		Locations: []sarifLocation{place(cmp.Or(f.Path, target), f.Line, f.Column)},
		Props:     map[string]any{"kind": f.Kind, "severity": f.Severity},
	}
	if f.Fingerprint != "" {
		// The only key GitHub reads, and one that says whose it is.
		res.Prints = map[string]string{"primaryLocationLineHash": f.Fingerprint, "fnvet/v1": f.Fingerprint}
	}
	loc := &res.Locations[0]
	if f.Package != nil {
		loc.Logical = append(loc.Logical, sarifLogical{Name: cmp.Or(f.Package.PURL, f.Package.Name+"@"+f.Package.Version), Kind: "package"})
		res.Props["purl"], res.Props["fixed"] = f.Package.PURL, list(f.Package.Fixed)
	}
	if f.Resource != "" {
		loc.Logical = append(loc.Logical, sarifLogical{Name: f.Resource, Kind: "resource"})
	}
	sarifProps(res.Props, f)
	var flow []sarifStep
	for _, s := range f.Flow {
		step := place(cmp.Or(s.Path, f.Path, target), s.Line, s.Column)
		step.Message = &sarifMessage{Text: clean(s.Note)}
		flow = append(flow, sarifStep{step})
	}
	if len(flow) > 0 {
		res.CodeFlows = []sarifCodeFlow{{[]sarifThreadFlow{{flow}}}}
	}
	if s := f.Suppressed; s != nil {
		kind := "external"
		if s.By == "inline" {
			kind = "inSource"
		}
		res.Suppressions = []sarifSuppression{{Kind: kind, Status: "accepted", Justification: clean(strings.Trim(s.By+": "+s.Reason, ": "))}}
	}
	return res
}

func sarifProps(p map[string]any, f *fnvet.Finding) {
	for k, v := range map[string]string{"layer": f.Layer, "reachable": string(f.Reachable)} {
		if v != "" {
			p[k] = v
		}
	}
	if len(f.Aliases) > 0 {
		p["aliases"] = f.Aliases
	}
	if f.CVSS != nil {
		p["cvss"] = f.CVSS
	}
	if f.EPSS != nil {
		p["epss"] = *f.EPSS
	}
	if f.KEV {
		p["kev"] = true
	}
	if f.Removed {
		p["removed"] = true
	}
	if f.Secret != nil {
		p["confidence"] = f.Secret.Confidence
	}
}

// sarifWords is the message of a result, for someone who sees nothing else.
func sarifWords(f *fnvet.Finding) string {
	text := clean(cmp.Or(f.Title, f.ID))
	if f.Package != nil {
		text += " in " + clean(f.Package.Name+" "+f.Package.Version)
	}
	if e := excerpt(f); e != "" {
		text += ": " + clean(e)
	}
	if f.Remediation != "" {
		text += ". " + clean(f.Remediation)
	}
	return text
}

func place(path string, line, column int) sarifLocation {
	p := &sarifPhysical{Artifact: sarifURI{uri(path)}}
	if line > 0 {
		p.Region = &sarifRegion{StartLine: line, StartColumn: max(column, 0)}
	}
	return sarifLocation{Physical: p}
}

// uri writes a path as a relative URI reference (RFC 3986): every byte that is
// not unreserved, "/", "!", "@", "+", "," or "=" is percent-encoded, so that neither a
// colon nor "//" at the start can be read as a scheme or host.
func uri(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~!@+,=", c) >= 0:
			b.WriteByte(c)
		case c == '/' && (i == 0 || path[i-1] != '/'):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// cutRunes shortens s to n runes.
func cutRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
