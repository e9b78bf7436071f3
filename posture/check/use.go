package check

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/usage"
)

// usage compares what a function's code calls with what its role allows.
func (r *run) usage() {
	if r.ctx.Usage == nil {
		return
	}
	for _, f := range r.m.Functions {
		u := r.ctx.Usage(f)
		a := r.about[f.ID]
		if u == nil || u.Files == 0 || f.Cloud != "" && f.Cloud != model.AWS {
			continue
		}
		if lacks := r.missing(a, u); len(lacks) > 0 {
			r.add(iamMissing, at{pos: model.At(f.Role.Pos, f.Pos), resource: f.ID}, "%s", few(lacks, 5))
		}
		if !u.Dynamic {
			r.unused(f, a, u.Actions(true))
		}
	}
}

// Missing are the actions that a function's code calls and its role does not allow;
// none where the role is not known as a whole.
func Missing(m *model.Model, f *model.Function, c *data.Catalog, u *usage.Usage) []string {
	r := &run{m: m, ctx: Context{Data: c}}
	a := &about{f: f}
	a.grants, a.open = r.grantsOf(f)
	return r.missing(a, u)
}

func (r *run) missing(a *about, u *usage.Usage) []string {
	if a.open {
		return nil
	}
	var lacks []string
	for _, action := range u.Actions(false) {
		if !slices.ContainsFunc(a.grants, func(g grant) bool { return g.may(action) }) {
			lacks = append(lacks, action)
		}
	}
	return lacks
}

// unused finds actions granted by name that the code does not call. Wildcards are
// unused when the code calls nothing that they cover.
func (r *run) unused(f *model.Function, a *about, used []string) {
	if len(r.functionsWith(a)) > 1 {
		return // others use the role, too
	}
	for _, g := range a.grants {
		if g.s == nil || !g.allow {
			continue
		}
		var idle []string
		changes := false
		for _, p := range g.actions {
			if plumbing(p) || implied(p, f) || slices.ContainsFunc(used, func(u string) bool { return covers(p, u) || companion(p, u) }) {
				continue
			}
			if service, _, ok := strings.Cut(p, ":"); !ok || !r.ctx.Data.Service(service) {
				continue
			}
			idle = append(idle, p)
			for _, act := range r.actions(p) {
				changes = changes || act.Level.Changes()
			}
		}
		if len(idle) > 0 {
			where := at{pos: g.pos, resource: f.ID, key: key(g), severity: worse(fnvet.Info, changes)}
			r.add(iamUnused, where, "%s", few(idle, 5))
		}
	}
}

// functionsWith are those that share a role of the function.
func (r *run) functionsWith(a *about) []*model.Function {
	var out []*model.Function
	for _, f := range r.m.Functions {
		if slices.ContainsFunc(f.Roles, func(id string) bool { return slices.Contains(a.f.Roles, id) }) {
			out = append(out, f)
		}
	}
	return out
}

// implied are actions that the platform performs for the function: reading the
// source that triggers it, writing to its destinations, decrypting its environment.
func implied(pattern string, f *model.Function) bool {
	kinds := map[string][]fnvet.TriggerKind{
		"sqs:":      {fnvet.TriggerQueue},
		"kinesis:":  {fnvet.TriggerStream},
		"dynamodb:": {fnvet.TriggerTable},
		"kafka":     {fnvet.TriggerStream},
		"mq:":       {fnvet.TriggerQueue},
	}
	p := strings.ToLower(pattern)
	for prefix, want := range kinds {
		if strings.HasPrefix(p, prefix) && slices.ContainsFunc(f.Triggers, func(t *model.Trigger) bool { return slices.Contains(want, t.Kind) }) {
			for _, verb := range []string{"receive", "delete", "getqueue", "changemessage", "getrecords", "getshard", "describestream", "liststream", "listshards", "subscribetoshard", "describe", "*", "get"} {
				if strings.HasPrefix(p[strings.IndexByte(p, ':')+1:], verb) {
					return true
				}
			}
		}
	}
	if strings.HasPrefix(p, "kms:") && !f.KMSKey.Absent() {
		return true
	}
	writes := strings.HasPrefix(p, "sns:publish") || strings.HasPrefix(p, "sqs:send") || strings.HasPrefix(p, "events:put") || strings.HasPrefix(p, "lambda:invoke")
	sends := !f.DeadLetter.Absent() || !f.OnFailure.Absent() || !f.OnSuccess.Absent()
	return writes && sends || strings.HasPrefix(p, "kms:")
}

// companion reports whether an action is needed beside one that is used.
func companion(pattern, used string) bool {
	pairs := map[string][]string{
		"s3:listbucket":      {"s3:getobject"}, // tells a missing object from a forbidden one
		"s3:putobjectacl":    {"s3:putobject"},
		"sqs:getqueueurl":    {"sqs:sendmessage", "sqs:receivemessage"},
		"kms:generatedata":   {"s3:putobject", "sqs:sendmessage", "sns:publish"},
		"s3:getobjectversio": {"s3:getobject"},
	}
	p := strings.ToLower(pattern)
	for prefix, with := range pairs {
		if strings.HasPrefix(p, prefix) && slices.Contains(with, strings.ToLower(used)) {
			return true
		}
	}
	return false
}
