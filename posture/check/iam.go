package check

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
)

// statements judges each Allow statement of each role, and of policies alone.
func (r *run) statements() {
	for _, role := range r.m.Roles {
		users := r.functionsOf(role)
		grants, _ := r.grants(role)
		for _, g := range grants {
			if g.s != nil && g.allow {
				r.statement(g, users, sole(role, users))
			}
		}
	}
	for _, p := range r.m.Policies {
		for _, s := range p.Statements {
			if g, _ := statementGrant(&model.Role{Resource: p.Resource}, s); g.allow {
				if g.template == "" {
					g.template = p.Template
				}
				r.statement(g, nil, p.ID)
			}
		}
	}
}

func (r *run) statement(g grant, users []*about, resource string) {
	public := exposed(users)
	where := at{pos: g.pos, resource: resource, key: key(g), aside: r.aside(g.role)}
	if len(g.notActions) > 0 {
		where.severity = worse(fnvet.Medium, public || g.everywhere())
		r.add(iamNotAction, where, "Allow with NotAction %s", few(g.notActions, 3))
	}
	if g.notResource {
		where.severity = worse(fnvet.Low, public || r.changes(g))
		r.add(iamNotResource, where, "Allow %s with NotResource", few(g.actions, 3))
	}
	if g.template != "" { // its actions are SAM's
		r.samTemplate(g, where)
		return
	}
	if g.s != nil {
		r.unknownActions(g, resource)
	}
	if slices.Contains(g.actions, "*") || slices.Contains(g.actions, "*:*") {
		r.allActions(g, where, public)
		return
	}
	for i, p := range g.actions {
		where.pos, where.key = r.actionPos(g, i), p
		r.pattern(g, p, where, public)
	}
	where.pos, where.key = g.pos, key(g)
	r.openResources(g, where, public)
	r.passRole(g, where, public)
}

// key tells statements of one role apart without their lines.
func key(g grant) string {
	if g.s != nil && g.s.Sid != "" {
		return g.s.Sid
	}
	return strings.Join(append(slices.Clone(g.actions), g.notActions...), " ")
}

func (r *run) actionPos(g grant, i int) model.Pos {
	if g.s == nil {
		return g.pos
	}
	n := 0
	for _, t := range g.s.Actions.Items {
		if _, ok := t.Literal(); !ok {
			continue
		}
		if n == i {
			return model.At(t.Pos, g.s.Actions.Pos, g.pos)
		}
		n++
	}
	return g.pos
}

func (r *run) allActions(g grant, where at, public bool) {
	switch {
	case g.conditional:
		where.severity = fnvet.Medium
	case public && g.everywhere():
		where.severity = fnvet.Critical
	}
	where.aside = false // such a role is the account's, whoever has it
	if g.everywhere() {
		r.add(iamAdmin, where, "Allow * on *")
		return
	}
	where.severity = fnvet.High
	r.add(iamWildcardAction, where, "Allow * on some resources")
}

// pattern judges one action with a wildcard in it.
func (r *run) pattern(g grant, pattern string, where at, public bool) {
	service, rest, ok := strings.Cut(pattern, ":")
	if !ok || !strings.ContainsAny(pattern, "*?") || plumbing(pattern) {
		return
	}
	var writes, permissions []string
	for _, a := range r.actions(pattern) {
		switch a.Level {
		case data.Permissions:
			permissions = append(permissions, a.String())
		case data.Write:
			if !plumbing(a.String()) {
				writes = append(writes, a.String())
			}
		default:
		}
	}
	if rest == "*" {
		where.severity = worse(fnvet.Medium, (g.everywhere() || public) && len(writes)+len(permissions) > 0 && !g.conditional)
		if len(writes)+len(permissions) == 0 {
			where.severity = fnvet.Low
		}
		r.add(iamWildcardAction, where, "%s allows every action of %s (%d that change something)", pattern, service, len(writes)+len(permissions))
		return
	}
	switch {
	case len(permissions) > 0:
		where.severity = worse(fnvet.Medium, public && g.everywhere())
		r.add(iamPartialWildcard, where, "%s covers %s, which change permissions", pattern, few(permissions, 3))
	case len(writes) > 0:
		where.severity = worse(fnvet.Low, g.everywhere() && !g.conditional)
		r.add(iamPartialWildcard, where, "%s covers %s, which change something", pattern, few(writes, 3))
	}
}

// openResources judges actions that could be restricted to some resources and are not.
func (r *run) openResources(g grant, where at, public bool) {
	if !g.everywhere() || g.notResource {
		return
	}
	var reads, exposing, changing []string
	for _, p := range g.actions {
		if plumbing(p) || strings.HasSuffix(p, ":*") || strings.EqualFold(p, "iam:PassRole") {
			continue // those have rules of their own
		}
		for _, a := range r.actions(p) {
			name := a.String()
			switch {
			case len(a.Types) == 0 || plumbing(name) || strings.EqualFold(name, "iam:PassRole"):
			case r.ctx.Data.Exposes(name) || name == "kms:Decrypt":
				exposing = append(exposing, name)
			case a.Level.Changes() || a.Level == data.Tagging:
				changing = append(changing, name)
			default:
				reads = append(reads, name)
			}
		}
	}
	if len(exposing) > 0 {
		where.severity = worse(fnvet.Medium, public || slices.ContainsFunc(exposing, isSecretRead))
		if g.conditional {
			where.severity = fnvet.Low
		}
		r.add(iamBulkRead, where, "%s on every resource", few(exposing, 3))
	}
	switch {
	case len(changing) > 0:
		where.severity = worse(fnvet.Medium, public && !g.conditional)
		if g.conditional {
			where.severity = fnvet.Low
		}
		r.add(iamWildcardResource, where, "%s on every resource", few(changing, 3))
	case len(reads) > 0:
		where.severity = fnvet.Low
		r.add(iamWildcardResource, where, "%s on every resource", few(reads, 3))
	}
}

func isSecretRead(action string) bool {
	return strings.HasPrefix(action, "secretsmanager:") || strings.HasPrefix(action, "ssm:") || strings.HasPrefix(action, "kms:")
}

func (r *run) passRole(g grant, where at, public bool) {
	if !g.may("iam:PassRole") || !g.everywhere() || slices.Contains(g.actions, "iam:*") {
		return
	}
	where.severity = worse(fnvet.Medium, !g.conditional)
	if g.conditional {
		where.severity = worse(fnvet.Low, public)
	}
	r.add(iamPassRole, where, "iam:PassRole on every role")
}

// samTemplate judges a SAM policy template that was given "*" for a name. Some
// statements have it by nature: no parameter is in their resources.
func (r *run) samTemplate(g grant, where at) {
	if g.s != nil && g.s.Fixed {
		return
	}
	for _, t := range g.resources {
		if broad(t) && !t.Is("*") {
			where.key = g.template
			where.severity = worse(fnvet.Low, r.changes(g) || slices.ContainsFunc(g.actions, isSecretRead))
			r.add(iamTemplateWildcard, where, "%s given * (%s)", g.template, few(g.actions, 2))
			return
		}
	}
}

// unknownActions finds names that are no action of AWS, which grant nothing.
func (r *run) unknownActions(g grant, resource string) {
	for i, p := range g.actions {
		service, name, ok := strings.Cut(p, ":")
		if p == "*" || r.m.Cloud != "" && r.m.Cloud != model.AWS || g.role.Cloud != "" && g.role.Cloud != model.AWS {
			continue
		}
		where := at{pos: r.actionPos(g, i), resource: resource, key: p}
		switch {
		case !ok:
			r.add(iamUnknownAction, where, "%q has no service prefix", p)
		case strings.ContainsAny(service, "*?"):
		case !r.ctx.Data.Service(service):
			r.add(iamUnknownAction, where, "AWS has no service %q", service)
		case len(r.actions(p)) == 0:
			hint := ""
			if near := r.nearest(service, name); near != "" {
				hint = "; did you mean " + near + "?"
			}
			r.add(iamUnknownAction, where, "%s is no action%s", p, hint)
		}
	}
}

// nearest is the action of the service whose name is one or two edits away.
func (r *run) nearest(service, name string) string {
	best, least := "", 3
	for _, a := range r.actions(service + ":*") {
		if d := distance(strings.ToLower(name), strings.ToLower(a.Name), least); d < least {
			best, least = a.String(), d
		}
	}
	return best
}

// distance is the edit distance, or limit when that is reached.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 128 {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}
