package check

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
)

// roles judges the provider's policies that roles have.
func (r *run) roles() {
	for _, role := range r.m.Roles {
		users := r.functionsOf(role)
		for _, t := range role.Managed.Items {
			name := managedName(t)
			where := at{pos: model.At(t.Pos, role.Managed.Pos, role.Pos), resource: sole(role, users), key: name, aside: r.aside(role)}
			severity, why := r.managedSeverity(name, exposed(users))
			if severity != "" {
				where.severity = severity
				r.add(iamManaged, where, "%s: %s", shortName(name), why)
			}
		}
	}
}

func shortName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// managedSeverity grades a provider's policy or role; "" is harmless.
func (r *run) managedSeverity(name string, public bool) (fnvet.Severity, string) {
	switch strings.ToLower(name) {
	case "owner", "roles/owner":
		return worse(fnvet.High, public), "everything, access included"
	case "contributor", "roles/editor", "user access administrator":
		return worse(fnvet.Medium, public), "changes nearly everything"
	}
	if strings.HasPrefix(name, "roles/") {
		if strings.HasSuffix(strings.ToLower(name), "admin") || strings.HasSuffix(name, ".owner") {
			return worse(fnvet.Low, public), "administers a whole service"
		}
		return "", ""
	}
	statements, ok := r.ctx.Data.Managed(name)
	if !ok || strings.Contains(name, ":policy/service-role/AWSLambda") {
		return "", ""
	}
	all, permissions, writes := r.weigh(statements)
	switch {
	case all && public:
		return fnvet.Critical, "allows everything, and anyone can call the function"
	case all:
		return fnvet.High, "allows everything or nearly so"
	case permissions > 0 && strings.HasPrefix(shortName(name), "IAM"):
		return fnvet.High, "changes permissions of the account"
	case strings.Contains(name, "FullAccess") && writes+permissions > 0:
		return worse(fnvet.Medium, public && permissions > 0), "every action of a service on every resource"
	}
	return "", ""
}

// weigh counts what the unconditional statements on "*" allow.
func (r *run) weigh(statements []data.Statement) (all bool, permissions, writes int) {
	for _, s := range statements {
		if s.Effect != "Allow" || s.Conditional {
			continue
		}
		all = all || slices.Contains(s.Actions, "*") || len(s.NotActions) > 0 && slices.Contains(s.Resources, "*")
		for _, p := range s.Actions {
			if p == "*" {
				continue
			}
			for _, a := range r.actions(p) {
				switch a.Level {
				case data.Permissions:
					permissions++
				case data.Write:
					writes++
				default:
				}
			}
		}
	}
	return all, permissions, writes
}

// escalation looks for the published ways from a role to more privileges.
func (r *run) escalation() {
	for _, role := range r.m.Roles {
		grants, _ := r.grants(role)
		if isAdmin(grants) {
			continue // it has them all already, and is reported for that
		}
		users := r.functionsOf(role)
		var names []string
		var first grant
		tight := true
		for _, way := range r.ctx.Data.Escalations() {
			g, wide, ok := allows(grants, way.Actions)
			if !ok || slices.Equal(way.Actions, []string{"lambda:updatefunctioncode"}) || len(way.Actions) > 1 && !slices.Contains(way.Actions, "iam:passrole") && !iamOnly(way.Actions) {
				continue // selfChange speaks of code; what needs no role passed is about machines of others
			}
			if len(names) == 0 || wide && tight {
				first = g
			}
			tight = tight && !wide
			names = append(names, way.Name)
		}
		if len(names) == 0 {
			continue
		}
		where := at{pos: model.At(first.pos, role.Pos), resource: sole(role, users), severity: fnvet.High, aside: r.aside(role)}
		if tight {
			where.severity = worse(fnvet.Low, exposed(users))
		}
		r.add(iamEscalation, where, "%s", few(names, 4))
	}
}

func iamOnly(actions []string) bool {
	return !slices.ContainsFunc(actions, func(a string) bool { return !strings.HasPrefix(a, "iam:") && a != "sts:assumerole" })
}

func isAdmin(grants []grant) bool {
	return slices.ContainsFunc(grants, func(g grant) bool {
		return g.allow && !g.conditional && slices.Contains(g.actions, "*") && g.everywhere()
	})
}

// allows reports whether grants allow all the actions and Deny statements forbid none;
// wide, whether each is allowed everywhere and without conditions.
func allows(grants []grant, actions []string) (first grant, wide, ok bool) {
	wide = true
	for i, a := range actions {
		found, everywhere := false, false
		for _, g := range grants {
			if denies(g, a) {
				return grant{}, false, false
			}
			if !g.may(a) || !g.fits(a) {
				continue
			}
			if i == 0 && !found {
				first = g
			}
			found = true
			everywhere = everywhere || g.everywhere() && !g.conditional
		}
		if !found {
			return grant{}, false, false
		}
		wide = wide && everywhere
	}
	return first, wide, len(actions) > 0
}

// denies reports whether a grant forbids an action on everything.
func denies(g grant, action string) bool {
	return g.s != nil && !g.allow && g.s.Effect.All(func(s string) bool { return strings.EqualFold(s, "Deny") }) && !g.conditional &&
		slices.ContainsFunc(g.resources, func(t model.Text) bool { return t.Is("*") }) &&
		slices.ContainsFunc(g.actions, func(p string) bool { return covers(p, action) })
}

// ownActions are those by which a function could rewrite itself or what it may do.
var ownActions = [...]string{
	"lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "lambda:AddPermission", "lambda:PublishLayerVersion",
	"iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRolePermissionsBoundary",
}

// selfChange finds functions that may change their own code, settings or role.
func (r *run) selfChange() {
	for _, f := range r.m.Functions {
		a := r.about[f.ID]
		if isAdmin(a.grants) {
			continue
		}
		for _, g := range a.grants {
			var able []string
			for _, action := range ownActions {
				if g.may(action) && r.onItself(g, f, action) && (g.s == nil || !slices.Contains(g.actions, strings.SplitN(action, ":", 2)[0]+":*")) {
					able = append(able, action)
				}
			}
			if len(able) > 0 {
				where := at{pos: g.pos, resource: f.ID, key: strings.Join(able, " "), severity: worse(fnvet.Medium, a.public && !g.conditional)}
				r.add(iamSelfChange, where, "%s on the function itself or its role", few(able, 3))
			}
		}
	}
}

func (r *run) onItself(g grant, f *model.Function, action string) bool {
	if g.everywhere() {
		return true
	}
	for _, t := range g.resources {
		if strings.HasPrefix(action, "lambda:") && f.Denotes(t) {
			return true
		}
		if strings.HasPrefix(action, "iam:") && g.role.Denotes(t) {
			return true
		}
	}
	return false
}

// sharedRoles finds roles that several functions have.
func (r *run) sharedRoles() {
	for _, role := range r.m.Roles {
		users := r.functionsOf(role)
		if len(users) < 2 || role.Cloud == model.Azure {
			continue // the functions of an Azure app have one identity by nature
		}
		var names []string
		changes := false
		for _, u := range users {
			names = append(names, u.f.ID)
			changes = changes || u.changes
		}
		where := at{pos: role.Pos, resource: role.ID, severity: fnvet.Low}
		if role.Implicit && !changes {
			where.severity = fnvet.Info
		}
		r.add(iamSharedRole, where, "%d functions: %s", len(users), few(names, 4))
	}
}
