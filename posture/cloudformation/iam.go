package cloudformation

import (
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// statements reads the Statement of a policy document.
func statements(document result) (list []*model.Statement, open bool) {
	items, open := document.get("Statement").elements()
	open = open || document.open
	for _, e := range items {
		if !e.node.Is(doc.Map) {
			open = true
			continue
		}
		r := e.result()
		s := &model.Statement{Pos: e.pos, Sid: one(r.get("Sid").str()), Effect: r.get("Effect").str(), Maybe: e.maybe || document.maybe,
			Actions: r.get("Action").list(), NotActions: r.get("NotAction").list(),
			Resources: r.get("Resource").list(), NotResources: r.get("NotResource").list()}
		var openP, openN, openC bool
		s.Principals, openP = principals(r.get("Principal"))
		s.NotPrincipals, openN = principals(r.get("NotPrincipal"))
		s.Conditions, openC = conditions(r.get("Condition"))
		s.Open = openP || openN || openC
		list = append(list, s)
	}
	return list, open
}

func principals(r result) (list []model.Principal, open bool) {
	for _, v := range r.vals {
		if v.node == nil {
			kind := "AWS"
			if v.text.Is("*") {
				kind = "*"
			}
			text := v.text
			text.Pos = r.pos
			list = append(list, model.Principal{Kind: kind, ID: text})
		}
	}
	entries, open := result{vals: entryMaps(r), open: r.open}.entries()
	for _, e := range entries {
		names := e.result().list()
		open = open || names.Open
		for _, x := range names.Items {
			kind := e.key
			if kind == "AWS" && x.Is("*") {
				kind = "*"
			}
			list = append(list, model.Principal{Kind: kind, ID: x})
		}
	}
	return list, open
}

// entryMaps are the alternatives that are structures.
func entryMaps(r result) []value {
	var out []value
	for _, v := range r.vals {
		if v.node.Is(doc.Map) {
			out = append(out, v)
		}
	}
	return out
}

func conditions(r result) (list []model.Condition, open bool) {
	operators, open := r.entries()
	for _, op := range operators {
		keys, also := op.result().entries()
		open = open || also
		seen := map[string]int{}
		for _, k := range keys {
			values := k.result().list()
			if i, ok := seen[k.key]; ok { // each entry of a list, or another alternative
				list[i].Values.Items = append(list[i].Values.Items, values.Items...)
				continue
			}
			seen[k.key] = len(list)
			list = append(list, model.Condition{Pos: k.pos, Operator: op.key, Key: k.key, Values: values})
		}
	}
	return list, open
}

// document is a policy of one document.
func (r *resource) document(key string) *model.Policy {
	p := &model.Policy{Resource: r.Resource}
	p.Statements, p.Open = statements(r.get(key))
	return p
}

func (b *builder) role(r *resource) {
	role := &model.Role{Resource: r.named("RoleName"), Managed: r.get("ManagedPolicyArns").list(), Boundary: r.get("PermissionsBoundary").textValue()}
	role.Trust, _ = statements(r.get("AssumeRolePolicyDocument"))
	inline, open := r.get("Policies").elements()
	role.Open = open || role.Managed.Open
	for _, e := range inline {
		p := &model.Policy{Resource: model.Resource{Pos: e.pos, ID: r.ID, Cloud: model.AWS, Type: "inline", Name: e.get("PolicyName").textValue(), Maybe: e.maybe}}
		p.Statements, p.Open = statements(e.get("PolicyDocument"))
		role.Policies = append(role.Policies, p)
		role.Open = role.Open || p.Open
	}
	b.m.Roles = append(b.m.Roles, role)
	b.later(func() { b.attachManaged(role) })
}

// attachManaged puts policies of the template in the place of references to them.
func (b *builder) attachManaged(role *model.Role) {
	rest := role.Managed.Items[:0:0]
	for _, x := range role.Managed.Items {
		found := false
		for _, id := range idsOf(x) {
			if p := b.managed[id]; p != nil {
				b.attach(role, p)
				found = true
			}
		}
		if !found {
			rest = append(rest, x)
			role.Open = role.Open || !strings.Contains(x.String(), "policy/")
		}
	}
	role.Managed.Items = rest
}

func (b *builder) attach(role *model.Role, p *model.Policy) {
	role.Policies = append(role.Policies, p)
	role.Open = role.Open || p.Open
	b.attached[p] = true
}

// policy reads the policies that say themselves which roles have them.
func (b *builder) policy(r *resource) {
	p := r.document("PolicyDocument")
	p.Name = r.first("ManagedPolicyName", "PolicyName").textValue()
	b.managed[r.ID] = p
	b.m.Policies = append(b.m.Policies, p)
	roles := r.get("Roles").list()
	roles.Items = append(roles.Items, r.get("RoleName").list().Items...)
	b.later(func() {
		for _, x := range roles.Items {
			for _, role := range b.m.Roles {
				if role.Denotes(x) {
					b.attach(role, p)
				}
			}
		}
	})
}

func (r *resource) first(keys ...string) result { return r.props.first(keys...) }

// resourcePolicy reads the policy of buckets, topics or queues.
func (b *builder) resourcePolicy(r *resource) {
	list, open := statements(r.get("PolicyDocument"))
	targets := r.get("Bucket").list()
	targets.Items = append(targets.Items, r.get("Topics").list().Items...)
	targets.Items = append(targets.Items, r.get("Queues").list().Items...)
	b.later(func() {
		for _, x := range targets.Items {
			for _, q := range b.m.Buckets {
				if q.Denotes(x) {
					q.Statements, q.PolicyOpen = append(q.Statements, list...), q.PolicyOpen || open
				}
			}
			for _, q := range b.m.Topics {
				if q.Denotes(x) {
					q.Statements, q.PolicyOpen = append(q.Statements, list...), q.PolicyOpen || open
				}
			}
			for _, q := range b.m.Queues {
				if q.Denotes(x) {
					q.Statements, q.PolicyOpen = append(q.Statements, list...), q.PolicyOpen || open
				}
			}
		}
	})
}
