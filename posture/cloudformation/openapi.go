package cloudformation

import (
	"path"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// openAPI reads the routes and authorizers of a definition with API Gateway's
// extensions.
func (b *builder) openAPI(a *model.API, r *resource, body result) {
	if body.absent() {
		return
	}
	body = r.t.included(body)
	a.Open = a.Open || body.open
	schemes := append(entriesOf(body.get("components", "securitySchemes")), entriesOf(body.get("securityDefinitions"))...)
	for _, s := range schemes {
		if z := b.scheme(s); z != nil {
			a.Authorizers = append(a.Authorizers, z)
		}
	}
	validated := mappedAny(body.get("x-amazon-apigateway-request-validator"))
	fallback := body.get("security")
	for _, p := range entriesOf(body.get("paths")) {
		for _, m := range entriesOf(p.result()) {
			if strings.HasPrefix(m.key, "x-") && m.key != "x-amazon-apigateway-any-method" || m.key == "parameters" {
				continue
			}
			b.operation(a, r, p.key, m, fallback, validated)
		}
	}
	if p := body.get("x-amazon-apigateway-policy"); !p.absent() {
		more, _ := statements(p)
		a.Statements = append(a.Statements, more...)
	}
}

func entriesOf(r result) []element {
	list, _ := r.entries()
	return list
}

// scheme reads one security scheme, if it is an authorizer.
func (b *builder) scheme(s element) *model.Authorizer {
	z := &model.Authorizer{Pos: s.pos, ID: s.key}
	authorizer := s.get("x-amazon-apigateway-authorizer")
	target := authorizer.get("authorizerUri").textValue()
	switch kind := one(s.get("x-amazon-apigateway-authtype").str()); {
	case kind == "cognito_user_pools":
		z.Kind = "COGNITO"
	case kind == "awsSigv4":
		z.Kind = "IAM"
	case one(authorizer.get("type").str()) == "jwt" || !authorizer.get("jwtConfiguration").absent():
		z.Kind = "JWT"
		z.Issuer, z.Audience = authorizer.get("jwtConfiguration", "issuer").textValue(), authorizer.get("jwtConfiguration", "audience").list()
	case !authorizer.absent():
		z.Kind = "CUSTOM"
	case strings.EqualFold(one(s.get("name").str()), "x-api-key"):
		z.Kind = "API_KEY"
	default:
		return nil
	}
	b.later(func() { b.decides(z, target, s.key) })
	return z
}

func (b *builder) operation(a *model.API, r *resource, place string, m element, fallback result, validated model.Value[bool]) {
	integration := m.get("x-amazon-apigateway-integration")
	method := strings.ToUpper(m.key)
	if m.key == "x-amazon-apigateway-any-method" {
		method = "ANY"
	}
	route := &model.Route{Pos: m.pos, Method: model.Is(m.pos, method), Path: model.Is(m.pos, place), Validated: validated}
	if v := m.get("x-amazon-apigateway-request-validator"); !v.absent() {
		route.Validated = mappedAny(v)
	}
	route.WaitMS = integration.get("timeoutInMillis").int()
	route.Preflight = preflight(route.Method, integration.get("type").str()) || strings.EqualFold(method, "OPTIONS") && integration.absent()
	secured := m.get("security")
	if secured.absent() {
		secured = fallback
	}
	b.secure(a, route, secured)
	a.Routes = append(a.Routes, route)
	target := integration.get("uri").textValue()
	b.later(func() { b.connect(a, route, target, model.Trigger{ID: r.ID, Type: r.Type, Maybe: r.Maybe}) })
}

// secure reads the security requirement of an operation.
func (b *builder) secure(a *model.API, route *model.Route, secured result) {
	items, _ := secured.elements()
	for _, e := range items {
		for _, s := range e.node.All() {
			for _, z := range a.Authorizers {
				if z.ID != s.Key {
					continue
				}
				if z.Kind == "API_KEY" {
					route.Key = model.Is(e.pos, true)
					continue
				}
				route.Auth, route.Authorizer = model.Is(e.pos, z.Kind), z.ID
			}
		}
	}
	if len(items) == 0 && !secured.absent() && !secured.open { // security: []
		route.Auth = model.Is(secured.pos, "NONE")
	}
}

// included follows AWS::Include to a local file.
func (t *template) included(body result) result {
	out := result{pos: body.pos, maybe: body.maybe, why: body.why}
	for _, v := range body.vals {
		if inc := v.node.Get("Fn::Transform"); inc != nil && one(v.in.eval(inc).get("Name").str()) == "AWS::Include" {
			out.also(v.in.file(v.in.eval(inc).get("Parameters", "Location").str(), inc))
			continue
		}
		out.also(result{vals: []value{v}})
	}
	out.open = out.open || body.open
	return out
}

// include is what AWS::Include puts in the place of n: the content of a local file,
// which is to be there. One in a bucket is not asked for.
func (t *template) include(n, arg *doc.Node, depth int) result {
	place := t.eval(arg).get("Parameters", "Location").str()
	s, ok := place.Known()
	if !ok || strings.Contains(s, "://") {
		t.unresolved(n, "AWS::Include", "the file is in a bucket")
		return t.unknown(n, "it is in a bucket")
	}
	in := t.file(place, n)
	if len(in.vals) == 0 {
		t.missing(n, "AWS::Include "+s, in.why)
		return in
	}
	return t.expand(in.vals[0].node, depth, false)
}

// file is the tree of a local file.
func (t *template) file(place model.Value[string], at *doc.Node) result {
	s, ok := place.Known()
	if ok && !strings.Contains(s, "://") && !strings.HasPrefix(s, "/") {
		name := path.Join(path.Dir(t.name), s)
		if strings.HasPrefix(name, "../") {
			t.list(model.Unresolved{Pos: t.pos(at), What: shorten(s), Why: "it is outside the folder of the template", Refused: true})
			return t.unknown(at, "it is outside the folder of the template")
		}
		if root := t.load(name); root != nil {
			return result{pos: t.pos(at), vals: []value{{node: root, in: t}}}
		}
	}
	t.unresolved(at, "Location "+s, "the file is not there")
	return t.unknown(at, "it is in a file that is not there")
}

// load parses a file, once; nil when it cannot be read.
func (t *template) load(name string) *doc.Node {
	root, ok := t.files[name]
	if ok || len(t.files) >= maxStacks {
		return root
	}
	if data, err := readFile(t.src, name); err == nil {
		root, _ = parse(t.src.Pos(name, 0, 0).File, data)
	}
	t.files[name] = root
	return root
}
