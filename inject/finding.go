package inject

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/engine"
)

// findings makes a finding of each hit.
func (p *program) findings() []fnvet.Finding {
	out := make([]fnvet.Finding, 0, len(p.machine.Hits()))
	for i, h := range p.machine.Hits() {
		s := p.where[h.File]
		if s == nil {
			continue
		}
		var fn *fnvet.Function
		if i < len(p.owners) {
			fn = p.owners[i]
		}
		line, column := h.File.Position(h.Pos)
		g := p.grade(h, fn)
		f := fnvet.Finding{
			ID: h.Class.ID, Kind: fnvet.Injection, Severity: g.severity,
			Title: g.what + " reaches " + call(h),
			Path:  s.path, Layer: s.layer, Line: line, Column: column,
			Flow:        p.flow(h, g.what),
			Evidence:    g.evidence(h),
			Remediation: h.Class.Remediation,
		}
		if fn != nil {
			f.Resource = fn.Name
		}
		f.Suppressed = p.excuse(s, line, h.Class.ID)
		if h.Class.CWE > 0 {
			f.References = []string{fmt.Sprintf("https://cwe.mitre.org/data/definitions/%d.html", h.Class.CWE)}
		}
		out = append(out, f)
	}
	return out
}

func call(h *engine.Hit) string {
	if h.Call == "return" {
		return "the response"
	}
	return h.Call
}

// grading is what decides how bad a hit is.
type grading struct {
	what     string // "S3 object key"
	severity fnvet.Severity
	trigger  string
	role     string
	doubts   []string
}

var ladder = [...]fnvet.Severity{fnvet.Info, fnvet.Low, fnvet.Medium, fnvet.High, fnvet.Critical}

// grade weighs the sink, how the event gets there, and what the role may do.
func (p *program) grade(h *engine.Hit, fn *fnvet.Function) grading {
	g := grading{what: "Event data"}
	kind := fnvet.TriggerKind("")
	if path, ok := p.d.rules.Grade(h.Taint.Root, h.Taint.Path); ok {
		g.what, kind = upper(path.Title), path.Trigger
	}
	base := h.Class.Severity
	if h.Sink != nil && h.Sink.Severity != "" {
		base = h.Sink.Severity
	}
	at := slices.Index(ladder[:], base)
	if h.Class.Fixed || at < 0 {
		g.severity = base
		return g
	}
	up := g.reach(fn, kind, &at)
	if g.held(fn, h.Class.ID) {
		up = true
	}
	if up && at > 0 {
		at++
	}
	if h.Low {
		at = min(at, 1)
		g.doubts = append(g.doubts, "the host is fixed: the data comes after it")
	}
	if h.Taint.Weak {
		at--
		g.doubts = append(g.doubts, "it passes through a call that is not known")
	}
	if h.Sink != nil && h.Sink.Guess {
		g.doubts = append(g.doubts, "the call is recognised by its name and its text")
	}
	if h.Taint.Schema {
		at--
		g.doubts = append(g.doubts, "a schema is checked on the way, which may rule it out")
	}
	g.severity = ladder[max(0, min(at, len(ladder)-1))]
	return g
}

// reach says by which trigger the data comes; true where anyone can send it.
func (g *grading) reach(fn *fnvet.Function, kind fnvet.TriggerKind, at *int) bool {
	if fn == nil || len(fn.Triggers) == 0 {
		return false
	}
	var same *fnvet.Trigger
	scheduled := true
	for i := range fn.Triggers {
		t := &fn.Triggers[i]
		scheduled = scheduled && t.Kind == fnvet.TriggerSchedule
		if kind == "" && t.Kind != fnvet.TriggerSchedule || t.Kind == kind || kind == fnvet.TriggerHTTP && t.Kind == fnvet.TriggerURL {
			if same == nil || t.Public && !same.Public {
				same = t
			}
		}
	}
	switch {
	case scheduled:
		*at = min(*at, 1)
		g.trigger = "the template states only schedules, whose events nobody else sends"
	case same == nil:
		*at--
		g.trigger = "the template states no trigger of that kind (" + string(kind) + ")"
	case same.Public:
		g.trigger = "anyone can send it through " + through(same)
		return true
	default:
		g.trigger = "it comes through " + through(same)
	}
	return false
}

// through names a trigger: its kind and the logical name of what fires it, where
// that is known.
func through(t *fnvet.Trigger) string {
	var b strings.Builder
	rest := t.Resource
	for {
		before, after, ok := strings.Cut(rest, "${")
		b.WriteString(before)
		name, tail, closed := strings.Cut(after, "}")
		if !ok || !closed {
			b.WriteString(after)
			break
		}
		for _, attribute := range []string{".Arn", ".arn", ".id", ".name"} {
			name = strings.TrimSuffix(name, attribute)
		}
		if name != "?" {
			b.WriteString(name)
		}
		rest = tail
	}
	return strings.TrimSpace(string(t.Kind) + " " + b.String())
}

// held says what the role may do, where that makes a class of sinks worse.
func (g *grading) held(fn *fnvet.Function, class string) bool {
	if fn == nil {
		return false
	}
	var actions []string
	wide := false
	for _, grant := range fn.Grants {
		for _, a := range grant.Actions {
			if strings.HasSuffix(a, "*") && !slices.Contains(actions, a) {
				actions = append(actions, a)
				service, rest, _ := strings.Cut(a, ":")
				wide = wide || a == "*" || rest == "*" && service != "logs" && service != "xray"
			}
		}
	}
	if len(actions) == 0 {
		return false
	}
	g.role = "role holds " + strings.Join(actions[:min(len(actions), 4)], ", ")
	if len(actions) > 4 {
		g.role += fmt.Sprintf(" and %d more", len(actions)-4)
	}
	switch class {
	case "injection/command", "injection/code", "injection/deserialisation", "injection/template", "injection/ssrf", "injection/invoke":
		return wide
	}
	return false
}

func (g *grading) evidence(h *engine.Hit) string {
	parts := []string{fmt.Sprintf("%s (%s) reaches %s: %s", g.what, dotted(h.Taint), call(h), h.Why)}
	for _, s := range append([]string{g.trigger, g.role}, g.doubts...) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "; ")
}

func dotted(t *engine.Taint) string {
	const maxShown = 100
	s := strings.TrimSuffix(t.Root, ".bus")
	for _, part := range t.Path {
		if part == "[]" {
			s += "[]"
		} else {
			s += "." + part
		}
	}
	if len(s) > maxShown {
		s = s[:maxShown] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// maxFlow bounds the steps of a flow that are shown.
const maxFlow = 14

// flow lists the steps of a hit, source first, sink last.
func (p *program) flow(h *engine.Hit, what string) []fnvet.FlowStep {
	var steps []*engine.Step
	for s := h.Taint.Step; s != nil; s = s.Prev {
		steps = append(steps, s)
	}
	slices.Reverse(steps)
	if len(steps) > maxFlow {
		steps = append(steps[:3:3], steps[len(steps)-(maxFlow-3):]...)
	}
	var out []fnvet.FlowStep
	for _, s := range steps {
		src := p.where[s.File]
		if src == nil {
			continue
		}
		line, column := s.File.Position(s.Pos)
		out = append(out, fnvet.FlowStep{Path: src.path, Line: line, Column: column, Note: short(s.Note())})
	}
	if src := p.where[h.File]; src != nil {
		line, column := h.File.Position(h.Pos)
		out = append(out, fnvet.FlowStep{Path: src.path, Line: line, Column: column, Note: short("reaches " + call(h) + ": " + h.Why)})
	}
	if len(out) > 0 {
		out[0].Note = short(what + ": " + out[0].Note)
	}
	return out
}

func short(s string) string {
	const maxNote = 200
	s = strings.ToValidUTF8(s, "")
	if len(s) > maxNote {
		return strings.ToValidUTF8(s[:maxNote], "") + "…"
	}
	return s
}
