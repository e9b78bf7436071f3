package terraform

import (
	"strings"

	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// statements reads a policy document: text, or what jsonencode was given.
func (p prop) statements() (list []*model.Statement, open bool) {
	open = p.open
	for _, a := range p.alts {
		for _, s := range eval.Statements(a) {
			for _, alt := range s.Alternatives() {
				if alt.Kind != eval.Map {
					open = true
					continue
				}
				one := p.b.statement(alt)
				one.Maybe = p.maybe || len(p.alts) > 1 || s.Kind == eval.Choice || alt.Maybe
				list = append(list, one)
			}
		}
	}
	return list, open
}

func (b *builder) statement(v *eval.Value) *model.Statement {
	r := b.prop(v, v.Pos)
	s := &model.Statement{Pos: b.pos(v.Pos), Sid: one(r.get("Sid").str()), Effect: r.get("Effect").str(),
		Actions: r.get("Action").list(), NotActions: r.get("NotAction").list(), Resources: r.get("Resource").list(), NotResources: r.get("NotResource").list()}
	var open [3]bool
	s.Principals, open[0] = r.get("Principal").principals()
	s.NotPrincipals, open[1] = r.get("NotPrincipal").principals()
	s.Conditions, open[2] = r.get("Condition").conditions()
	s.Open = open[0] || open[1] || open[2] || v.Get("") != nil
	return s
}

func (p prop) principals() (list []model.Principal, open bool) {
	open = p.open
	for _, a := range p.alts {
		if a.Kind != eval.Map {
			t, ok := p.b.text(a, p.b.pos(a.Pos), false)
			open = open || !ok
			if ok {
				list = append(list, model.Principal{Kind: principalKind("AWS", t), ID: t})
			}
			continue
		}
		for _, f := range a.Fields {
			names := p.b.prop(f.Value, f.KeyPos).list()
			open = open || names.Open || f.Key == ""
			for _, x := range names.Items {
				list = append(list, model.Principal{Kind: principalKind(f.Key, x), ID: x})
			}
		}
	}
	return list, open
}

func principalKind(kind string, id model.Text) string {
	if (kind == "AWS" || kind == "*") && id.Is("*") {
		return "*"
	}
	return kind
}

func (p prop) conditions() (list []model.Condition, open bool) {
	open = p.open
	for _, a := range p.alts {
		if a.Kind != eval.Map {
			open = true
			continue
		}
		for _, op := range a.Fields {
			open = open || op.Value.Kind != eval.Map
			for _, k := range op.Value.Fields {
				list = append(list, model.Condition{Pos: p.b.pos(k.KeyPos), Operator: op.Key, Key: k.Key, Values: p.b.prop(k.Value, k.KeyPos).list()})
			}
		}
	}
	return list, open
}

// policyOf is a policy of one document.
func (r *res) policyOf(p prop, typ string) *model.Policy {
	out := &model.Policy{Resource: r.named("name", "name_prefix")}
	out.Type = typ
	out.Statements, out.Open = p.statements()
	return out
}

func role(b *builder, r *res) {
	x := &model.Role{Resource: r.named("name", "name_prefix"), Managed: r.get("managed_policy_arns").list(), Boundary: r.get("permissions_boundary").text()}
	x.Trust, _ = r.get("assume_role_policy").statements()
	x.Open = x.Managed.Open
	for _, inline := range r.get("inline_policy").blocks() {
		p := r.policyOf(inline.get("policy"), "inline")
		p.Pos, p.Name = inline.at(), inline.get("name").text()
		x.Policies = append(x.Policies, p)
		x.Open = x.Open || p.Open
	}
	b.m.Roles = append(b.m.Roles, x)
	b.later(func() {
		all := x.Managed.Items
		x.Managed.Items = nil
		for _, t := range all {
			b.attachARN(x, t)
		}
	})
}

// rolesOf are the roles that a text stands for.
func (b *builder) rolesOf(x model.Text) []*model.Role {
	var out []*model.Role
	for _, r := range b.m.Roles {
		if r.Denotes(x) {
			out = append(out, r)
		}
	}
	return out
}

func rolePolicy(b *builder, r *res) {
	p := r.policyOf(r.get("policy"), r.Type)
	b.m.Policies = append(b.m.Policies, p)
	of := r.get("role").text()
	b.later(func() {
		for _, x := range of.Alts {
			for _, role := range b.rolesOf(x) {
				b.attach(role, p)
			}
		}
	})
}

func managedPolicy(b *builder, r *res) {
	p := r.policyOf(r.get("policy"), r.Type)
	b.managed[r.ID] = p
	b.m.Policies = append(b.m.Policies, p)
}

func (b *builder) attach(role *model.Role, p *model.Policy) {
	role.Policies = append(role.Policies, p)
	role.Open = role.Open || p.Open
	b.attached[p] = true
}

// attachARN attaches a policy by ARN: one of the configuration, or the provider's.
func (b *builder) attachARN(role *model.Role, x model.Text) {
	found := false
	for _, id := range idsOf(x) {
		if p := b.managed[id]; p != nil {
			b.attach(role, p)
			found = true
		}
	}
	if found {
		return
	}
	x = b.namedPolicy(x)
	role.Managed.Items = append(role.Managed.Items, x)
	if role.Managed.File == "" {
		role.Managed.Pos = x.Pos
	}
	role.Open = role.Open || !strings.Contains(x.String(), "policy/")
}

// namedPolicy is the ARN of a provider's policy that a data source looks up by name.
func (b *builder) namedPolicy(x model.Text) model.Text {
	ref, ok := x.Ref()
	if !ok || !strings.HasPrefix(ref.ID[moduleEnd(ref.ID):], "data.aws_iam_policy.") {
		return x
	}
	if r := b.find(ref.ID); r != nil {
		if name := one(b.of(r).get("name").str()); name != "" {
			return model.Lit(x.Pos, "arn:aws:iam::aws:policy/"+name)
		}
	}
	return x
}

// attachment reads aws_iam_role_policy_attachment and its kin.
func attachment(b *builder, r *res) {
	roles := r.first("role", "role_name", "roles").list()
	policies := r.first("policy_arn", "policy_arns").list()
	b.later(func() {
		for _, x := range roles.Items {
			for _, role := range b.rolesOf(x) {
				role.Open = role.Open || policies.Open
				for _, p := range policies.Items {
					b.attachARN(role, p)
				}
			}
		}
	})
}
