package check

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
)

// A grant is one statement of a role, or one of a managed policy that it has.
type grant struct {
	role    *model.Role
	s       *model.Statement // nil for a managed policy's
	managed string           // its name, or ""
	pos     model.Pos

	allow       bool
	actions     []string // patterns; what is not literal is left out
	notActions  []string
	resources   []model.Text
	notResource bool
	conditional bool
	template    string
}

// grantsOf are the statements of all roles a function may have, and whether there
// may be more.
func (r *run) grantsOf(f *model.Function) (out []grant, open bool) {
	open = len(f.Roles) == 0
	for _, id := range f.Roles {
		role := r.m.FindRole(id)
		if role == nil {
			open = true
			continue
		}
		g, o := r.grants(role)
		out, open = append(out, g...), open || o
	}
	return out, open
}

func (r *run) grants(role *model.Role) (out []grant, open bool) {
	open = role.Open || role.Managed.Open
	for _, p := range role.Policies {
		open = open || p.Open
		for _, s := range p.Statements {
			g, o := statementGrant(role, s)
			if g.template == "" {
				g.template = p.Template
			}
			out, open = append(out, g), open || o
		}
	}
	for _, name := range role.Managed.Items {
		lit := managedName(name)
		statements, ok := r.ctx.Data.Managed(lit)
		if !ok {
			open = true
			continue
		}
		for _, s := range statements {
			out = append(out, grant{
				role: role, managed: lit, pos: model.At(name.Pos, role.Pos), allow: s.Effect == "Allow",
				actions: s.Actions, notActions: s.NotActions, resources: literals(s.Resources),
				notResource: len(s.NotResources) > 0, conditional: s.Conditional,
			})
		}
	}
	return out, open
}

// managedName is the ARN or name of a managed policy; its partition may be a reference.
func managedName(t model.Text) string {
	if lit, ok := t.Literal(); ok {
		return lit
	}
	if i := strings.Index(t.Suffix(), ":iam::aws:policy/"); i >= 0 {
		return "arn:aws" + t.Suffix()[i:]
	}
	return t.String()
}

func literals(all []string) []model.Text {
	out := make([]model.Text, 0, len(all))
	for _, s := range all {
		out = append(out, model.Lit(model.Pos{}, s))
	}
	return out
}

func statementGrant(role *model.Role, s *model.Statement) (g grant, open bool) {
	g = grant{
		role: role, s: s, pos: s.Pos, allow: s.Effect.All(isAllow), resources: s.Resources.Items,
		notResource: !s.NotResources.Absent(), conditional: len(s.Conditions) > 0 || s.Open, template: s.Template,
	}
	open = s.Open || s.Actions.Open || s.Resources.Open || s.Effect.Open
	for _, list := range []struct {
		from []model.Text
		to   *[]string
	}{{s.Actions.Items, &g.actions}, {s.NotActions.Items, &g.notActions}} {
		for _, t := range list.from {
			if lit, ok := t.Literal(); ok {
				*list.to = append(*list.to, lit)
			} else {
				open = true
			}
		}
	}
	return g, open
}

// covers reports whether an action pattern covers an action.
func covers(pattern, action string) bool { return data.Covers(pattern, action) }

// may reports whether the grant allows an action on some resource.
func (g grant) may(action string) bool {
	if !g.allow {
		return false
	}
	if len(g.notActions) > 0 {
		return !slices.ContainsFunc(g.notActions, func(p string) bool { return covers(p, action) })
	}
	return slices.ContainsFunc(g.actions, func(p string) bool { return covers(p, action) })
}

// fits reports whether some resource of the grant may be one of the action's
// service: a pattern "*" on a bucket says nothing of IAM.
func (g grant) fits(action string) bool {
	if g.notResource || len(g.notActions) > 0 {
		return true
	}
	service, _, _ := strings.Cut(action, ":")
	named := slices.ContainsFunc(g.actions, func(p string) bool { return !strings.HasPrefix(p, "*") && covers(p, action) })
	return slices.ContainsFunc(g.resources, func(t model.Text) bool {
		parts := strings.SplitN(plain(t), ":", 4)
		if len(parts) == 4 && parts[0] == "arn" && !strings.ContainsAny(parts[2], "*"+string(hidden)) {
			return parts[2] == service
		}
		return named || t.Is("*")
	})
}

// everywhere reports whether the grant is for all resources of a kind or service.
func (g grant) everywhere() bool { return g.notResource || slices.ContainsFunc(g.resources, broad) }

// broad reports whether a resource is "*", or an ARN that leaves open which one of
// its kind: "arn:aws:s3:::*", "arn:aws:dynamodb:${region}:${account}:table/*".
func broad(t model.Text) bool {
	s := plain(t)
	if strings.Trim(s, "*") == "" && s != "" {
		return true
	}
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return false
	}
	rest := strings.FieldsFunc(parts[5], func(c rune) bool { return c == ':' || c == '/' })
	if len(rest) == 0 || strings.ContainsRune(parts[5], hidden) {
		return false
	}
	if parts[2] == "s3" && len(rest) > 1 {
		return strings.Trim(rest[0], "*") == "" // the first is a bucket, not a type
	}
	stars := 0
	for i, w := range rest {
		if strings.Trim(w, "*") == "" {
			stars++
		} else if i > 0 || len(rest) == 1 {
			return false
		}
	}
	return stars > 0
}

// hidden stands for a reference in plain.
const hidden = '\uFFFC'

// plain is a text with one rune for each reference, so that no colon of an id
// ("AWS::Region") is taken for one of an ARN.
func plain(t model.Text) string {
	var b strings.Builder
	for _, p := range t.Parts {
		if p.Ref != nil {
			b.WriteRune(hidden)
		} else {
			b.WriteString(p.Literal)
		}
	}
	return b.String()
}

// changes reports whether a grant lets something be changed that is worth it: not
// logs, traces, metrics or network interfaces, which every function writes.
func (r *run) changes(g grant) bool {
	if !g.allow {
		return false
	}
	if len(g.notActions) > 0 {
		return true
	}
	for _, p := range g.actions {
		if plumbing(p) {
			continue
		}
		if p == "*" {
			return true
		}
		for _, a := range r.actions(p) {
			if a.Level.Changes() && !plumbing(a.String()) {
				return true
			}
		}
	}
	return false
}

// plumbing are actions that the platform itself needs of a function's role.
func plumbing(action string) bool {
	a := strings.ToLower(action)
	for _, prefix := range []string{"logs:create", "logs:put", "logs:describelog", "xray:put", "xray:getsampling", "cloudwatch:putmetricdata",
		"ec2:createnetworkinterface", "ec2:deletenetworkinterface", "ec2:describenetworkinterface", "ec2:assignprivate", "ec2:unassignprivate",
		"ec2:describesubnets", "ec2:describevpcs", "ec2:describesecuritygroups", "ec2:getsecuritygroupsforvpc"} {
		if strings.HasPrefix(a, prefix) {
			return true
		}
	}
	return a == "logs:*" || a == "xray:*"
}
