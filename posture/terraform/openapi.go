package terraform

import (
	"strings"

	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// openAPI reads the routes and authorizers of a definition with API Gateway's
// extensions.
func (b *builder) openAPI(a *model.API, r *res, body prop) {
	if body.absent() {
		return
	}
	doc := body.document()
	for _, d := range doc.alts {
		a.Open = a.Open || d.Kind != eval.Map
	}
	a.Open = a.Open || doc.open
	for _, s := range append(doc.get("components", "securitySchemes").fields(), doc.get("securityDefinitions").fields()...) {
		if z := b.scheme(s, r); z != nil {
			a.Authorizers = append(a.Authorizers, z)
		}
	}
	for _, p := range doc.get("paths").fields() {
		for _, m := range p.fields() {
			if m.name == "parameters" || strings.HasPrefix(m.name, "x-") && m.name != "x-amazon-apigateway-any-method" {
				continue
			}
			b.operation(a, r, p.name, m, doc)
		}
	}
	list, _ := doc.get("x-amazon-apigateway-policy").statements()
	a.Statements = append(a.Statements, list...)
}

// A field is an entry of a map with its name.
type field struct {
	prop
	name string
}

func (p prop) fields() []field {
	var out []field
	for _, a := range p.alts {
		for _, f := range a.Fields {
			out = append(out, field{p.b.prop(f.Value, f.KeyPos), f.Key})
		}
	}
	return out
}

func (b *builder) scheme(s field, r *res) *model.Authorizer {
	z := &model.Authorizer{Pos: b.pos(s.pos), ID: s.name}
	x := s.get("x-amazon-apigateway-authorizer")
	switch kind := one(s.get("x-amazon-apigateway-authtype").str()); {
	case kind == "cognito_user_pools":
		z.Kind = "COGNITO"
	case kind == "awsSigv4":
		z.Kind = "IAM"
	case one(x.get("type").str()) == "jwt" || !x.get("jwtConfiguration").absent():
		z.Kind, z.Issuer, z.Audience = "JWT", x.get("jwtConfiguration", "issuer").text(), x.get("jwtConfiguration", "audience").list()
	case !x.absent():
		z.Kind = "CUSTOM"
	case strings.EqualFold(one(s.get("name").str()), "x-api-key"):
		z.Kind = "API_KEY"
	default:
		return nil
	}
	target := x.get("authorizerUri").text()
	b.later(func() { b.decides(z, target, r) })
	return z
}

func (b *builder) operation(a *model.API, r *res, place string, m field, doc prop) {
	pos := b.pos(m.pos)
	method := strings.ToUpper(m.name)
	if strings.HasPrefix(m.name, "x-") {
		method = "ANY"
	}
	route := &model.Route{Pos: pos, Method: model.Is(pos, method), Path: model.Is(pos, place)}
	if v := m.get("x-amazon-apigateway-request-validator"); !v.absent() || !doc.get("x-amazon-apigateway-request-validator").absent() {
		route.Validated = model.Is(pos, true)
	}
	integration := m.get("x-amazon-apigateway-integration")
	route.WaitMS = integration.get("timeoutInMillis").int()
	route.Preflight = method == "OPTIONS" && (integration.absent() || strings.EqualFold(one(integration.get("type").str()), "mock"))
	secured := m.get("security")
	if secured.absent() {
		secured = doc.get("security")
	}
	for _, alt := range secured.blocks() {
		for _, s := range alt.fields() {
			for _, z := range a.Authorizers {
				switch {
				case z.ID != s.name:
				case z.Kind == "API_KEY":
					route.Key = model.Is(b.pos(s.pos), true)
				default:
					route.Auth, route.Authorizer = model.Is(b.pos(s.pos), z.Kind), z.ID
				}
			}
		}
	}
	a.Routes = append(a.Routes, route)
	target := integration.get("uri").text()
	b.later(func() { b.connect(a, route, target, r) })
}
