package terraform

import (
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// A restMethod waits for its integration, which is a resource of its own.
type restMethod struct {
	r     *res
	route *model.Route
	api   model.Value[model.Text]
	place model.Value[model.Text]
}

// apisOf are the APIs that a value refers to.
func (b *builder) apisOf(v model.Value[model.Text]) []*model.API {
	var out []*model.API
	for _, a := range b.m.APIs {
		if a.May(v) {
			out = append(out, a)
		}
	}
	return out
}

// connect makes a trigger of a route for each function that it leads to.
func (b *builder) connect(api *model.API, route *model.Route, target model.Value[model.Text], r *res) {
	for _, x := range target.Alts {
		for _, f := range b.functionsOf(x) {
			route.Function = f.ID
			tr := model.Trigger{Pos: route.Pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerHTTP, Route: route, Maybe: r.Maybe}
			if api != nil {
				tr.API = api.ID
			}
			f.Triggers = append(f.Triggers, &tr)
		}
	}
}

// finishAPI notes which authorizers are used.
func finishAPI(a *model.API) {
	for _, z := range a.Authorizers {
		z.Used = slices.ContainsFunc(a.Routes, func(r *model.Route) bool { return r.Authorizer == z.ID })
	}
}

func restAPI(b *builder, r *res) {
	types := r.get("endpoint_configuration", "types").list()
	a := &model.API{Resource: r.named("name"), Kind: model.REST}
	if !types.Absent() {
		a.Private = model.Value[bool]{Pos: types.Pos, Alts: []bool{has(types, "PRIVATE")}, Open: types.Open}
	}
	a.Statements, _ = r.get("policy").statements()
	b.m.APIs = append(b.m.APIs, a)
	b.openAPI(a, r, r.get("body"))
}

func restAPIPolicy(b *builder, r *res) {
	list, _ := r.get("policy").statements()
	of := r.get("rest_api_id").text()
	b.later(func() {
		for _, a := range b.apisOf(of) {
			a.Statements = append(a.Statements, list...)
		}
	})
}

func restMethodOf(b *builder, r *res) {
	route := &model.Route{Pos: r.Pos, Method: r.get("http_method").str(), Auth: mapped(r.get("authorization").str(), authName), Key: r.get("api_key_required").bool()}
	if v := r.get("request_validator_id"); !v.absent() {
		route.Validated = model.Value[bool]{Pos: v.at(), Alts: []bool{true}, Maybe: v.maybe}
	}
	if !route.Auth.Absent() {
		route.Pos = r.Pos
	}
	m := &restMethod{r, route, r.get("rest_api_id").text(), r.get("resource_id").text()}
	b.methods[r.ID] = m
	authorizer := r.get("authorizer_id").text()
	b.later(func() {
		route.Path = b.restPath(m.place, 0)
		if all := ids(authorizer); len(all) > 0 {
			route.Authorizer = all[0]
		}
		for _, a := range b.apisOf(m.api) {
			a.Routes = append(a.Routes, route)
		}
	})
}

// restIntegration joins an integration with its method: of the same resource, and
// of the same verb.
func restIntegration(b *builder, r *res) {
	place, method, target := r.get("resource_id").text(), r.get("http_method").str(), r.get("uri").text()
	mock, wait := one(r.get("type").str()) == "MOCK", r.get("timeout_milliseconds").int()
	b.later(func() {
		for _, id := range sortedIDs(b.methods) {
			m := b.methods[id]
			if !sameText(m.place, place) || one(m.route.Method) != one(method) {
				continue
			}
			m.route.WaitMS = wait
			if mock && strings.EqualFold(one(method), "OPTIONS") {
				m.route.Preflight = true
			}
			var api *model.API
			for _, a := range b.apisOf(m.api) {
				api = a
			}
			b.connect(api, m.route, target, m.r)
		}
	})
}

func sortedIDs[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func sameText(a, b model.Value[model.Text]) bool {
	x, ok := a.Known()
	y, ok2 := b.Known()
	return ok && ok2 && x.String() == y.String()
}

// restPath is the path of a resource of a REST API.
func (b *builder) restPath(v model.Value[model.Text], depth int) model.Value[string] {
	for _, x := range v.Alts {
		for _, ref := range x.Refs() {
			r := b.byAddress[ref.ID]
			if r == nil || depth > 32 {
				continue
			}
			if ref.Attr == "root_resource_id" {
				return model.Is(v.Pos, "/")
			}
			if r.Type == "aws_api_gateway_resource" {
				p := b.of(r)
				part := one(p.get("path_part").str())
				return mapped(b.restPath(p.get("parent_id").text(), depth+1), func(s string) string { return path.Join(s, part) })
			}
		}
	}
	return model.Unknown[string](v.Pos, "the path is stated elsewhere")
}

// authName writes an authorization type as Route.Auth has it.
func authName(s string) string {
	switch s {
	case "AWS_IAM":
		return "IAM"
	case "COGNITO_USER_POOLS":
		return "COGNITO"
	}
	return s
}

// authorizer reads authorizers of both versions of API Gateway.
func authorizer(b *builder, r *res) {
	z := &model.Authorizer{Pos: r.Pos, ID: r.ID, Kind: "CUSTOM", TTLS: r.get("authorizer_result_ttl_in_seconds").int(), Identity: r.first("identity_sources", "identity_source").list(),
		Audience: r.get("jwt_configuration", "audience").list(), Issuer: r.get("jwt_configuration", "issuer").text()}
	switch one(r.first("authorizer_type", "type").str()) {
	case "COGNITO_USER_POOLS":
		z.Kind = "COGNITO"
	case "JWT":
		z.Kind = "JWT"
	}
	of, target := r.first("rest_api_id", "api_id").text(), r.get("authorizer_uri").text()
	b.later(func() {
		for _, a := range b.apisOf(of) {
			a.Authorizers = append(a.Authorizers, z)
		}
		b.decides(z, target, r)
	})
}

// decides links an authorizer with the function that decides.
func (b *builder) decides(z *model.Authorizer, target model.Value[model.Text], r *res) {
	for _, x := range target.Alts {
		for _, f := range b.functionsOf(x) {
			z.Function, f.Authorizer = f.ID, true
			f.Triggers = append(f.Triggers, &model.Trigger{Pos: z.Pos, ID: r.ID, Type: "authorizer", Kind: fnvet.TriggerIdentity})
		}
	}
}

// stage reads stages of both versions, and deployments that make one.
func stage(b *builder, r *res) {
	name := r.first("stage_name", "name").text()
	if name.Absent() {
		return
	}
	s := &model.Stage{Pos: r.Pos, ID: r.ID, Name: name, Tracing: r.get("xray_tracing_enabled").bool(), Cached: r.get("cache_cluster_enabled").bool(),
		Logs: r.get("access_log_settings", "destination_arn").text(), Throttle: throttle(r.get("default_route_settings"))}
	b.stages[r.ID] = s
	of := r.first("rest_api_id", "api_id").text()
	b.later(func() {
		for _, a := range b.apisOf(of) {
			a.Stages = append(a.Stages, s)
		}
	})
}

func throttle(p prop) *model.Throttle {
	t := &model.Throttle{Pos: p.at(), Rate: p.first("throttling_rate_limit", "rate_limit").float(), Burst: p.first("throttling_burst_limit", "burst_limit").int()}
	if t.Rate.Absent() && t.Burst.Absent() {
		return nil
	}
	return t
}

// methodSettings are settings of a stage, of all methods or of one.
func methodSettings(b *builder, r *res) {
	t := throttle(r.get("settings"))
	if t == nil {
		return
	}
	of, name, place := r.get("rest_api_id").text(), r.get("stage_name").text(), one(r.get("method_path").str())
	b.later(func() {
		for _, a := range b.apisOf(of) {
			for _, s := range a.Stages {
				if place == "*/*" && (slices.Contains(ids(name), s.ID) || sameText(name, s.Name)) {
					s.Throttle = t
				}
			}
			for _, route := range a.Routes {
				if p, ok := route.Path.Known(); ok && place == strings.TrimPrefix(p, "/")+"/"+one(route.Method) {
					route.Throttle = t
				}
			}
		}
	})
}

func usagePlan(b *builder, r *res) {
	quota := throttle(r.get("throttle_settings"))
	if quota == nil {
		return
	}
	stages := r.get("api_stages").blocks()
	b.later(func() {
		for _, s := range stages {
			for _, a := range b.apisOf(s.get("api_id").text()) {
				a.Quota = quota
			}
		}
	})
}

// domainMapping gives an API the TLS version of its own domain.
func domainMapping(b *builder, r *res) {
	of, domain := r.get("api_id").text(), r.get("domain_name").text()
	b.later(func() {
		for _, d := range b.domains(domain) {
			p := b.of(d)
			policy := p.get("security_policy").str()
			if policy.Absent() {
				policy = p.get("domain_name_configuration", "security_policy").str()
			}
			for _, a := range b.apisOf(of) {
				a.MinTLS = mapped(policy, func(s string) string { return strings.ReplaceAll(strings.TrimPrefix(s, "TLS_"), "_", ".") })
			}
		}
	})
}

// domains are the domains that a text refers to, or names as a plan does.
func (b *builder) domains(v model.Value[model.Text]) []*eval.Resource {
	var out []*eval.Resource
	for _, id := range ids(v) {
		if d := b.byAddress[id]; d != nil {
			out = append(out, d)
		}
	}
	for _, id := range sortedIDs(b.byAddress) {
		if d := b.byAddress[id]; strings.HasSuffix(d.Type, "gateway_domain_name") || d.Type == "aws_apigatewayv2_domain_name" {
			if sameText(b.of(d).get("domain_name").text(), v) {
				out = append(out, d)
			}
		}
	}
	return out
}

// webACL reads which firewall stands before an API's stage or a load balancer.
func webACL(b *builder, r *res) {
	of := r.get("resource_arn").text()
	acl := r.first("web_acl_arn", "web_acl_id").text()
	if acl.Absent() {
		acl = r.self("")
	}
	b.later(func() {
		for _, id := range ids(of) {
			if s := b.stages[id]; s != nil {
				s.WAF = acl
			}
		}
		for _, a := range b.apisOf(of) {
			a.Protect(acl)
		}
	})
}

func httpAPI(b *builder, r *res) {
	a := &model.API{Resource: r.named("name"), Kind: model.HTTP, CORS: cors(r.get("cors_configuration"))}
	if one(r.get("protocol_type").str()) == "WEBSOCKET" {
		a.Kind = model.WebSocket
	}
	b.m.APIs = append(b.m.APIs, a)
	b.openAPI(a, r, r.get("body"))
	if target := r.get("target").text(); !target.Absent() { // quick create
		route := &model.Route{Pos: r.Pos, Method: model.Is(r.Pos, "ANY"), Path: model.Is(r.Pos, "$default")}
		a.Routes = append(a.Routes, route)
		b.later(func() { b.connect(a, route, target, r) })
	}
}

func httpIntegration(b *builder, r *res) { b.targets[r.ID] = r.get("integration_uri").text() }

func httpRoute(b *builder, r *res) {
	key := r.get("route_key").str()
	route := &model.Route{Pos: r.Pos, Auth: mapped(r.get("authorization_type").str(), authName), Key: r.get("api_key_required").bool(),
		Method: mapped(key, func(s string) string {
			if m, _, ok := strings.Cut(s, " "); ok {
				return m
			}
			return "ANY"
		}),
		Path: mapped(key, func(s string) string { return s[strings.IndexByte(s, ' ')+1:] })}
	of, target, authorizer := r.get("api_id").text(), r.get("target").text(), r.get("authorizer_id").text()
	b.later(func() {
		if all := ids(authorizer); len(all) > 0 {
			route.Authorizer = all[0]
		}
		var api *model.API
		for _, a := range b.apisOf(of) {
			api = a
			a.Routes = append(a.Routes, route)
		}
		for _, id := range ids(target) {
			b.connect(api, route, b.targets[id], r)
		}
	})
}

func loadBalancer(b *builder, r *res) {
	if kind := one(r.get("load_balancer_type").str()); kind != "" && kind != "application" {
		return
	}
	b.m.APIs = append(b.m.APIs, &model.API{Resource: r.named("name", "name_prefix"), Kind: model.ALB, Private: r.get("internal").bool()})
}

// targetAttachment says what a target group leads to.
func targetAttachment(b *builder, r *res) {
	target := r.get("target_id").text()
	for _, id := range ids(r.get("target_group_arn").text()) {
		v := b.targets[id]
		v.Alts = append(v.Alts, target.Alts...)
		b.targets[id] = v
	}
}

// listener reads listeners and their rules, which lead to target groups.
func listener(b *builder, r *res) {
	route := &model.Route{Pos: r.Pos, Method: model.Is(r.Pos, "ANY")}
	var groups []string
	for _, a := range r.first("default_action", "action").blocks() {
		switch one(a.get("type").str()) {
		case "authenticate-cognito":
			route.Auth = model.Is(a.at(), "COGNITO")
		case "authenticate-oidc", "jwt-validation":
			route.Auth = model.Is(a.at(), "JWT")
		}
		groups = append(groups, ids(a.get("target_group_arn").text())...)
		for _, g := range a.get("forward", "target_group").blocks() {
			groups = append(groups, ids(g.get("arn").text())...)
		}
	}
	of := r.get("load_balancer_arn").text()
	parent := r.get("listener_arn").text()
	b.later(func() {
		for _, id := range ids(parent) {
			if l := b.byAddress[id]; l != nil {
				of = b.of(l).get("load_balancer_arn").text()
			}
		}
		var api *model.API
		for _, a := range b.apisOf(of) {
			api = a
			a.Routes = append(a.Routes, route)
		}
		for _, g := range groups {
			b.connect(api, route, b.targets[g], r)
		}
	})
}

func graphQL(b *builder, r *res) {
	auth := mapped(r.get("authentication_type").str(), func(s string) string {
		switch s {
		case "AMAZON_COGNITO_USER_POOLS":
			return "COGNITO"
		case "OPENID_CONNECT":
			return "JWT"
		case "AWS_LAMBDA":
			return "CUSTOM"
		}
		return authName(s)
	})
	b.m.APIs = append(b.m.APIs, &model.API{Resource: r.named("name"), Kind: model.GraphQL, DefaultAuth: auth})
}

func graphQLSource(b *builder, r *res) {
	of, target := r.get("api_id").text(), r.get("lambda_config", "function_arn").text()
	b.later(func() {
		route := &model.Route{Pos: r.Pos}
		var api *model.API
		for _, a := range b.apisOf(of) {
			api = a
			route.Auth = a.DefaultAuth
			a.Routes = append(a.Routes, route)
		}
		b.connect(api, route, target, r)
	})
}
