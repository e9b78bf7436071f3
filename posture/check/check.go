// Package check judges the function model: what a function may do, who may call it,
// what that can cost, and how it is set up. It reads no template and no file. What
// the model does not know for certain is never held against it, and the same
// property weighs more where anyone can reach the function, where it may change
// things or where it holds secrets.
package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/usage"
)

// A Context is what the checks know besides the model. The zero Context works.
type Context struct {
	Now     time.Time     // to judge dates by; zero: no runtime is called outdated
	Data    *data.Catalog // nil: a new one
	Prices  data.Prices   // zero: the embedded list prices
	Region  string        // where it is deployed, for prices; "" is where most prices are equal
	Account int           // concurrency of the account, default 1000
	// Usage returns the calls of cloud SDKs in a function's own code, or nil when that
	// is not known.
	Usage func(f *model.Function) *usage.Usage
	// Secret reports whether a literal is a secret by its format, and of which kind.
	Secret func(name, value string) (kind string, is bool)
}

const (
	accountConcurrency = 1000 // of a new account: AWS Lambda quotas
	maxFindings        = 5000 // over which a model is not judged further
	maxEvidence        = 300  // bytes
)

// Run judges a model. Findings are sorted by place, then rule.
func Run(m *model.Model, ctx Context) []fnvet.Finding {
	if m == nil {
		return nil
	}
	if ctx.Data == nil {
		ctx.Data = data.New()
	}
	if ctx.Prices.Currency == "" {
		ctx.Prices = data.ListPrices()
	}
	if ctx.Account <= 0 {
		ctx.Account = accountConcurrency
	}
	r := &run{m: m, ctx: ctx, rules: ruleIndex(), about: map[string]*about{}, said: map[string]bool{}}
	for _, f := range m.Functions {
		r.about[f.ID] = r.learn(f)
	}
	for _, check := range checks {
		check(r)
	}
	r.possible()
	slices.SortStableFunc(r.findings, func(a, b fnvet.Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.ID, b.ID), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Salt, b.Salt))
	})
	return r.findings
}

// checks is the whole table of what is judged.
var checks = [...]func(*run){
	(*run).statements, (*run).roles, (*run).escalation, (*run).selfChange, (*run).trust, (*run).resourcePolicies, (*run).sharedRoles, (*run).projectRoles, (*run).usage,
	(*run).endpoints, (*run).permissions, (*run).routes, (*run).authorizers, (*run).publicSources, (*run).codeBuckets, (*run).cors,
	(*run).concurrency, (*run).recursion, (*run).throttles, (*run).guards, (*run).timeouts, (*run).queues, (*run).async, (*run).streams, (*run).bill,
	(*run).variables, (*run).layers, (*run).signing,
	(*run).runtimes, (*run).logs, (*run).tracing, (*run).network, (*run).ingress,
}

// run is one judgement.
type run struct {
	m        *model.Model
	ctx      Context
	rules    map[string]*rule
	about    map[string]*about
	findings []fnvet.Finding
	said     map[string]bool
	patterns map[string][]data.Action // what action patterns cover, as far as asked
}

// actions are those that a pattern covers.
func (r *run) actions(pattern string) []data.Action {
	if all, ok := r.patterns[pattern]; ok {
		return all
	}
	all := r.ctx.Data.Actions(pattern)
	if r.patterns == nil {
		r.patterns = map[string][]data.Action{}
	}
	r.patterns[pattern] = all
	return all
}

// about is what the context of a function weighs.
type about struct {
	f       *model.Function
	public  bool   // anyone can make it run
	how     string // the way in, for evidence
	grants  []grant
	open    bool // the role may allow more than grants
	changes bool // its role may change things
	secrets bool // its environment holds secrets or names of them
}

func (r *run) learn(f *model.Function) *about {
	a := &about{f: f}
	a.how, a.public = r.publicBy(f)
	a.grants, a.open = r.grantsOf(f)
	for _, g := range a.grants {
		a.changes = a.changes || r.changes(g)
	}
	for _, v := range f.Env {
		a.secrets = a.secrets || secretName(v.Name)
	}
	return a
}

// worse raises a severity by one step when the condition holds, to High at most.
func worse(s fnvet.Severity, when bool) fnvet.Severity {
	if !when {
		return s
	}
	switch s {
	case fnvet.Info:
		return fnvet.Low
	case fnvet.Low:
		return fnvet.Medium
	default:
		return fnvet.High
	}
}

// milder is a severity one step down.
func milder(s fnvet.Severity) fnvet.Severity {
	switch s {
	case fnvet.Critical:
		return fnvet.High
	case fnvet.High:
		return fnvet.Medium
	case fnvet.Medium:
		return fnvet.Low
	default:
		return fnvet.Info
	}
}

// at is where a finding is and what it speaks of.
type at struct {
	pos      model.Pos
	resource string
	severity fnvet.Severity // "": the rule's
	aside    bool           // of a role that is no function's: a step less grave
	key      string         // tells findings of one rule and resource apart
	fix      string         // "": the rule's
}

// add reports a finding, once.
func (r *run) add(id string, a at, evidence string, args ...any) {
	rule := r.rules[id]
	if rule == nil || len(r.findings) >= maxFindings {
		return
	}
	once := strings.Join([]string{id, a.resource, a.key, a.pos.File, fmt.Sprint(a.pos.Line, ":", a.pos.Column)}, "\x00")
	if r.said[once] {
		return
	}
	r.said[once] = true
	text := evidence
	if len(args) > 0 {
		text = fmt.Sprintf(evidence, args...)
	}
	severity := cmp.Or(a.severity, rule.severity)
	if a.aside {
		severity = milder(severity)
	}
	r.findings = append(r.findings, fnvet.Finding{
		ID: id, Kind: fnvet.ConfigKind, Severity: severity, Title: rule.title,
		Path: a.pos.File, Line: a.pos.Line, Column: a.pos.Column, Resource: a.resource,
		Evidence: short(text), Remediation: cmp.Or(a.fix, rule.fix), Salt: a.key,
	})
}

// short cuts a text to what a report can show.
func short(s string) string {
	if len(s) > maxEvidence {
		return strings.ToValidUTF8(s[:maxEvidence], "") + "…"
	}
	return s
}

// few joins the first names of a list.
func few(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// functionsOf are those that may run with a role.
func (r *run) functionsOf(role *model.Role) []*about {
	var out []*about
	for _, f := range r.m.Functions {
		if slices.Contains(f.Roles, role.ID) {
			out = append(out, r.about[f.ID])
		}
	}
	return out
}

// aside reports a role that only services other than the functions' may take on, as
// of a pipeline or a cluster in the same stack.
func (r *run) aside(role *model.Role) bool {
	if len(role.Trust) == 0 || role.Cloud == model.Azure || role.Cloud == model.Google || len(r.functionsOf(role)) > 0 {
		return false
	}
	for _, s := range role.Trust {
		if s.Open || len(s.Principals) == 0 {
			return false
		}
		for _, p := range s.Principals {
			service, ok := p.ID.Literal()
			if !ok || p.Kind != "Service" || strings.Contains(service, "lambda") {
				return false
			}
		}
	}
	return true
}

// exposed reports whether anyone can make one of the functions run.
func exposed(all []*about) bool {
	return slices.ContainsFunc(all, func(a *about) bool { return a.public })
}

// sole is the finding's resource: the one function of a role, else the role itself.
func sole(role *model.Role, users []*about) string {
	if len(users) == 1 {
		return users[0].f.ID
	}
	return role.ID
}
