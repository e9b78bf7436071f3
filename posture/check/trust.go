package check

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

// trust judges who may take a role on.
func (r *run) trust() {
	for _, role := range r.m.Roles {
		users := r.functionsOf(role)
		for _, s := range role.Trust {
			if !s.Effect.Any(isAllow) {
				continue
			}
			for _, p := range s.Principals {
				r.trusted(role, users, s, p)
			}
			if len(s.NotPrincipals) > 0 {
				r.add(iamTrust, at{pos: s.Pos, resource: role.ID, key: "NotPrincipal", severity: fnvet.High}, "Allow with NotPrincipal")
			}
		}
	}
}

func (r *run) trusted(role *model.Role, users []*about, s *model.Statement, p model.Principal) {
	where := at{pos: model.At(p.ID.Pos, s.Pos, role.Pos), resource: role.ID, key: p.Kind + p.ID.String()}
	switch {
	case everyone([]model.Principal{p}):
		where.severity = fnvet.Critical
		if len(s.Conditions) > 0 || s.Open {
			where.severity = fnvet.Medium
		}
		r.add(iamTrust, where, "anyone may take the role on")
	case p.Kind == "AWS":
		r.trustedAccount(s, p, where)
	case p.Kind == "Service" && len(users) > 0:
		service, ok := p.ID.Literal()
		if ok && !slices.Contains([]string{"lambda.amazonaws.com", "edgelambda.amazonaws.com"}, service) && strings.Contains(service, ".amazonaws.com") {
			where.severity = fnvet.Low
			r.add(iamTrustService, where, "%s may take on a function's role", service)
		}
	case p.Kind == "Federated" && len(s.Conditions) == 0 && !s.Open && !strings.Contains(p.ID.String(), "saml-provider"):
		where.severity = fnvet.High
		r.add(iamTrustCondition, where, "federated %s without a condition on who", p.ID.String())
	}
}

// trustedAccount judges a trust in an account: its root means everyone whom that
// account allows.
func (r *run) trustedAccount(s *model.Statement, p model.Principal, where at) {
	text := p.ID.String()
	account := accountOf(text)
	own := slices.ContainsFunc(p.ID.Refs(), func(ref model.Ref) bool { return ref.Kind == model.RefPseudo }) && account == ""
	root := strings.HasSuffix(text, ":root") || account == text && account != ""
	switch {
	case root && own:
		where.severity = fnvet.Low
		r.add(iamTrust, where, "everyone in the account whom its policies allow")
	case account != "" && !hasCondition(s, "sts:externalid", "aws:principalorgid", "aws:principalarn", "aws:sourceaccount"):
		where.severity = worse(fnvet.Low, root)
		r.add(iamTrustCondition, where, "account %s without ExternalId or PrincipalOrgID", account)
	}
}

// accountOf returns the account of an ARN, or the text when it is an account's number.
func accountOf(s string) string {
	if len(s) == 12 && strings.Trim(s, "0123456789") == "" {
		return s
	}
	parts := strings.Split(s, ":")
	if len(parts) > 4 && parts[0] == "arn" && len(parts[4]) == 12 && strings.Trim(parts[4], "0123456789") == "" {
		return parts[4]
	}
	return ""
}

func hasCondition(s *model.Statement, keys ...string) bool {
	if s.Open {
		return true
	}
	return slices.ContainsFunc(s.Conditions, func(c model.Condition) bool { return slices.Contains(keys, strings.ToLower(c.Key)) })
}

// resourcePolicies finds queues and topics that a service may write to for anyone.
func (r *run) resourcePolicies() {
	for _, q := range r.m.Queues {
		r.confusedDeputy(q.ID, q.Statements)
	}
	for _, t := range r.m.Topics {
		r.confusedDeputy(t.ID, t.Statements)
	}
}

func (r *run) confusedDeputy(id string, statements []*model.Statement) {
	for _, s := range statements {
		if !s.Effect.Any(isAllow) || hasCondition(s, "aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:principalorgid") {
			continue
		}
		for _, p := range s.Principals {
			if service, ok := p.ID.Literal(); ok && p.Kind == "Service" && strings.HasSuffix(service, ".amazonaws.com") {
				where := at{pos: model.At(p.ID.Pos, s.Pos), resource: id, key: service}
				r.add(policyCondition, where, "%s for whichever account it works", service)
			}
		}
	}
}
