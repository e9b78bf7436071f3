package cloudformation

import (
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

// A restPath is one segment of the paths of a REST API.
type restPath struct {
	parent model.Value[model.Text]
	part   string
}

// apisOf are the APIs of the model that a value refers to.
func (b *builder) apisOf(v model.Value[model.Text]) []*model.API {
	var out []*model.API
	for _, a := range b.m.APIs {
		if a.May(v) {
			out = append(out, a)
		}
	}
	return out
}

// connect makes a trigger of a route for each function it leads to, unless the
// function states that route itself.
func (b *builder) connect(api *model.API, route *model.Route, target model.Value[model.Text], tr model.Trigger) {
	for _, x := range target.Alts {
		for _, f := range b.functionsOf(x) {
			route.Function = f.ID
			if slices.ContainsFunc(f.Triggers, func(t *model.Trigger) bool { return sameRoute(t, api, route) }) {
				continue
			}
			one := tr
			one.Kind, one.Route, one.Pos = fnvet.TriggerHTTP, route, route.Pos
			if api != nil {
				one.API = api.ID
			}
			f.Triggers = append(f.Triggers, &one)
		}
	}
}

func sameRoute(t *model.Trigger, api *model.API, r *model.Route) bool {
	return t.Route != nil && api != nil && t.API == api.ID && strings.EqualFold(one(t.Route.Method), one(r.Method)) && one(t.Route.Path) == one(r.Path)
}

// finishAPI puts the default of an API into its routes and notes which authorizers
// are used.
func finishAPI(a *model.API) {
	byID := map[string]*model.Authorizer{}
	for _, z := range a.Authorizers {
		byID[z.ID] = z
	}
	def := ""
	for _, s := range a.DefaultAuth.Alts {
		if z := byID[s]; z != nil {
			def = s
			a.DefaultAuth = mapped(a.DefaultAuth, func(name string) string {
				if name == s {
					return z.Kind
				}
				return name
			})
		}
	}
	for _, r := range a.Routes {
		if r.Auth.Absent() && !a.DefaultAuth.Absent() && !r.Preflight {
			r.Auth, r.Authorizer = a.DefaultAuth, def
		}
		if z := byID[r.Authorizer]; z != nil {
			z.Used = true
		}
	}
	if z := byID[def]; z != nil {
		z.Used = true
	}
}

// restAPI reads AWS::ApiGateway::RestApi.
func (b *builder) restAPI(r *resource) {
	a := &model.API{Resource: r.named("Name"), Kind: model.REST, Private: private(r.get("EndpointConfiguration", "Types").list())}
	a.Statements, _ = statements(r.get("Policy"))
	b.m.APIs = append(b.m.APIs, a)
	b.openAPI(a, r, r.get("Body"))
	a.Open = a.Open || !r.get("BodyS3Location").absent()
}

func private(types model.List[model.Text]) model.Value[bool] { return contains(types, "PRIVATE") }

func (b *builder) restResource(r *resource) {
	b.paths[r.ID] = restPath{r.get("ParentId").textValue(), one(r.get("PathPart").str())}
}

// restPathOf is the path of a resource of a REST API.
func (b *builder) restPathOf(v model.Value[model.Text], depth int) model.Value[string] {
	for _, x := range v.Alts {
		for _, ref := range x.Refs() {
			if p, ok := b.paths[ref.ID]; ok && depth < 32 {
				return mapped(b.restPathOf(p.parent, depth+1), func(s string) string { return path.Join(s, p.part) })
			}
			if ref.Attr == "root" {
				return model.Is(v.Pos, "/")
			}
		}
	}
	return model.Unknown[string](v.Pos, "the path is stated elsewhere")
}

func (b *builder) restMethod(r *resource) {
	route := &model.Route{Pos: r.Pos, Method: r.get("HttpMethod").str(), Auth: mapped(r.get("AuthorizationType").str(), authName), Key: r.get("ApiKeyRequired").bool(),
		Validated: mappedAny(r.get("RequestValidatorId")), WaitMS: r.get("Integration", "TimeoutInMillis").int()}
	route.Preflight = preflight(route.Method, r.get("Integration", "Type").str())
	of, place, target, authorizer := r.get("RestApiId").textValue(), r.get("ResourceId").textValue(), r.get("Integration", "Uri").textValue(), r.get("AuthorizerId").textValue()
	b.later(func() {
		route.Path = b.restPathOf(place, 0)
		route.Authorizer = firstID(authorizer)
		var api *model.API
		for _, api = range b.apisOf(of) {
			api.Routes = append(api.Routes, route)
		}
		b.connect(api, route, target, model.Trigger{ID: r.ID, Type: r.Type, Maybe: r.Maybe})
	})
}

func firstID(v model.Value[model.Text]) string {
	if all := ids(v); len(all) > 0 {
		return all[0]
	}
	return ""
}

// preflight reports a method that only answers browsers.
func preflight(method, integration model.Value[string]) bool {
	is := func(s string) bool { return strings.EqualFold(s, "OPTIONS") }
	mock := func(s string) bool { return strings.EqualFold(s, "MOCK") }
	return method.All(is) && integration.All(mock)
}

// authName writes an authorization type of API Gateway as Route.Auth has it.
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
func (b *builder) authorizer(r *resource) {
	z := &model.Authorizer{Pos: r.Pos, ID: r.ID, Kind: "CUSTOM", TTLS: r.first("AuthorizerResultTtlInSeconds").int(), Identity: r.get("IdentitySource").list(),
		Audience: r.get("JwtConfiguration", "Audience").list(), Issuer: r.get("JwtConfiguration", "Issuer").textValue()}
	switch one(r.first("AuthorizerType", "Type").str()) {
	case "COGNITO_USER_POOLS":
		z.Kind = "COGNITO"
	case "JWT":
		z.Kind = "JWT"
	}
	of, target := r.first("RestApiId", "ApiId").textValue(), r.get("AuthorizerUri").textValue()
	b.later(func() {
		for _, a := range b.apisOf(of) {
			a.Authorizers = append(a.Authorizers, z)
		}
		b.decides(z, target, r.ID)
	})
}

// decides links an authorizer with the function that decides.
func (b *builder) decides(z *model.Authorizer, target model.Value[model.Text], id string) {
	for _, x := range target.Alts {
		for _, f := range b.functionsOf(x) {
			z.Function, f.Authorizer = f.ID, true
			f.Triggers = append(f.Triggers, &model.Trigger{Pos: z.Pos, ID: id, Type: "authorizer", Kind: fnvet.TriggerIdentity})
		}
	}
}

// stage reads stages of both versions.
func (b *builder) stage(r *resource) {
	s := &model.Stage{Pos: r.Pos, ID: r.ID, Name: r.get("StageName").textValue(), Tracing: r.get("TracingEnabled").bool(), Cached: r.get("CacheClusterEnabled").bool(),
		Logs: r.first("AccessLogSetting", "AccessLogSettings").get("DestinationArn").textValue()}
	s.Throttle = methodThrottle(r.get("MethodSettings"))
	if d := r.get("DefaultRouteSettings"); !d.absent() {
		s.Throttle = throttle(d, "ThrottlingRateLimit", "ThrottlingBurstLimit")
	}
	b.stageOf[r.ID] = s
	of := r.first("RestApiId", "ApiId").textValue()
	b.later(func() {
		for _, a := range b.apisOf(of) {
			a.Stages = append(a.Stages, s)
		}
	})
}

// methodThrottle is the throttling of all methods: the setting for "/*" and "*".
func methodThrottle(r result) *model.Throttle {
	items, _ := r.elements()
	for _, e := range items {
		method, place := one(e.get("HttpMethod").str()), one(e.get("ResourcePath").str())
		if (method == "*" || method == "") && (place == "/*" || place == "*" || place == "") {
			if t := throttle(e.result(), "ThrottlingRateLimit", "ThrottlingBurstLimit"); t != nil {
				return t
			}
		}
	}
	return nil
}

func throttle(r result, rate, burst string) *model.Throttle {
	t := &model.Throttle{Pos: r.pos, Rate: r.get(rate).float(), Burst: r.get(burst).int()}
	if t.Rate.Absent() && t.Burst.Absent() {
		return nil
	}
	return t
}

// deployment reads a deployment that makes a stage itself.
func (b *builder) deployment(r *resource) {
	name := r.get("StageName").textValue()
	if name.Absent() {
		return
	}
	d := r.get("StageDescription")
	s := &model.Stage{Pos: r.Pos, ID: r.ID, Name: name, Throttle: throttle(d, "ThrottlingRateLimit", "ThrottlingBurstLimit"), Tracing: d.get("TracingEnabled").bool(),
		Logs: d.get("AccessLogSetting", "DestinationArn").textValue()}
	if s.Throttle == nil {
		s.Throttle = methodThrottle(d.get("MethodSettings"))
	}
	of := r.get("RestApiId").textValue()
	b.later(func() {
		for _, a := range b.apisOf(of) {
			a.Stages = append(a.Stages, s)
		}
	})
}

func (b *builder) usagePlan(r *resource) {
	quota := throttle(r.get("Throttle"), "RateLimit", "BurstLimit")
	if quota == nil {
		return
	}
	stages, _ := r.get("ApiStages").elements()
	b.later(func() {
		for _, s := range stages {
			for _, a := range b.apisOf(s.get("ApiId").textValue()) {
				a.Quota = quota
			}
		}
	})
}

// domainName and domainMapping give an API the TLS version of its own domain.
func (b *builder) domainName(r *resource) {
	policy := r.get("SecurityPolicy")
	if policy.absent() {
		configs, _ := r.get("DomainNameConfigurations").elements()
		for _, c := range configs {
			policy = c.get("SecurityPolicy")
		}
	}
	b.targets[r.ID] = policy.list()
}

func (b *builder) domainMapping(r *resource) {
	domain, of := r.get("DomainName").textValue(), r.first("RestApiId", "ApiId").textValue()
	b.later(func() {
		for _, id := range ids(domain) {
			for _, a := range b.apisOf(of) {
				for _, x := range b.targets[id].Items {
					if s, ok := x.Literal(); ok {
						a.MinTLS = model.Is(x.Pos, tlsVersion(s))
					}
				}
			}
		}
	})
}

// tlsVersion is the version in a security policy: "TLS_1_0" is "1.0".
func tlsVersion(s string) string { return strings.ReplaceAll(strings.TrimPrefix(s, "TLS_"), "_", ".") }

// webACL reads which firewall stands before an API's stage or a load balancer.
func (b *builder) webACL(r *resource) {
	of := r.get("ResourceArn").textValue()
	acl := model.Value[model.Text]{Pos: r.Pos, Alts: []model.Text{model.To(r.Pos, model.RefResource, r.ID, "")}, Maybe: r.Maybe}
	b.later(func() {
		for _, id := range ids(of) {
			if s := b.stageOf[id]; s != nil {
				s.WAF = acl
			}
		}
		for _, a := range b.apisOf(of) {
			a.Protect(acl)
		}
	})
}

// httpAPI reads AWS::ApiGatewayV2::Api.
func (b *builder) httpAPI(r *resource) {
	a := &model.API{Resource: r.named("Name"), Kind: model.HTTP, CORS: cors(r.get("CorsConfiguration"))}
	if r.get("ProtocolType").str().All(func(s string) bool { return s == "WEBSOCKET" }) {
		a.Kind = model.WebSocket
	}
	b.m.APIs = append(b.m.APIs, a)
	b.openAPI(a, r, r.get("Body"))
	a.Open = a.Open || !r.get("BodyS3Location").absent()
	if target := r.get("Target").textValue(); !target.Absent() { // quick create
		route := &model.Route{Pos: r.Pos, Method: model.Is(r.Pos, "ANY"), Path: model.Is(r.Pos, "$default")}
		a.Routes = append(a.Routes, route)
		b.later(func() { b.connect(a, route, target, model.Trigger{ID: r.ID, Type: r.Type, Maybe: r.Maybe}) })
	}
}

func (b *builder) httpIntegration(r *resource) {
	b.targets[r.ID] = r.get("IntegrationUri").list()
}

func (b *builder) httpRoute(r *resource) {
	route := &model.Route{Pos: r.Pos, Auth: mapped(r.get("AuthorizationType").str(), authName), Key: r.get("ApiKeyRequired").bool()}
	route.Method, route.Path = routeKey(r.get("RouteKey").str())
	of, target, authorizer := r.get("ApiId").textValue(), r.get("Target").textValue(), r.get("AuthorizerId").textValue()
	b.later(func() {
		route.Authorizer = firstID(authorizer)
		var api *model.API
		for _, api = range b.apisOf(of) {
			api.Routes = append(api.Routes, route)
		}
		for _, id := range ids(target) {
			b.connect(api, route, model.Value[model.Text]{Alts: b.targets[id].Items}, model.Trigger{ID: r.ID, Type: r.Type, Maybe: r.Maybe})
		}
	})
}

// routeKey splits "GET /orders"; "$default" and the like have no method.
func routeKey(key model.Value[string]) (method, place model.Value[string]) {
	method = mapped(key, func(s string) string {
		if m, _, ok := strings.Cut(s, " "); ok {
			return m
		}
		return "ANY"
	})
	place = mapped(key, func(s string) string {
		if _, p, ok := strings.Cut(s, " "); ok {
			return p
		}
		return s
	})
	return method, place
}

func (b *builder) graphQL(r *resource) {
	a := &model.API{Resource: r.named("Name"), Kind: model.GraphQL, DefaultAuth: mapped(r.get("AuthenticationType").str(), graphQLAuth), Private: mappedBool(r.get("Visibility").str(), "PRIVATE")}
	if a.Private.Absent() {
		a.Private = model.Value[bool]{}
	}
	b.m.APIs = append(b.m.APIs, a)
}

func graphQLAuth(s string) string {
	switch s {
	case "AMAZON_COGNITO_USER_POOLS":
		return "COGNITO"
	case "AWS_IAM":
		return "IAM"
	case "OPENID_CONNECT":
		return "JWT"
	case "AWS_LAMBDA":
		return "CUSTOM"
	}
	return s
}

func (b *builder) graphQLSource(r *resource) {
	of, target := r.get("ApiId").textValue(), r.get("LambdaConfig", "LambdaFunctionArn").textValue()
	b.later(func() {
		route := &model.Route{Pos: r.Pos}
		var api *model.API
		for _, api = range b.apisOf(of) {
			api.Routes = append(api.Routes, route)
		}
		b.connect(api, route, target, model.Trigger{ID: r.ID, Type: r.Type, Maybe: r.Maybe})
	})
}

// loadBalancer reads an application load balancer as an API.
func (b *builder) loadBalancer(r *resource) {
	if r.get("Type").str().Any(func(s string) bool { return s != "application" }) {
		return
	}
	a := &model.API{Resource: r.named("Name"), Kind: model.ALB, Private: mappedBool(r.get("Scheme").str(), "internal")}
	if r.get("Scheme").absent() {
		a.Private = model.Value[bool]{}
	}
	b.m.APIs = append(b.m.APIs, a)
}

func (b *builder) targetGroup(r *resource) {
	targets, _ := r.get("Targets").elements()
	var all model.List[model.Text]
	for _, x := range targets {
		all.Items = append(all.Items, x.get("Id").list().Items...)
	}
	b.targets[r.ID] = all
}

// listener reads listeners and their rules, which lead to target groups.
func (b *builder) listener(r *resource) {
	b.targets[r.ID] = r.get("LoadBalancerArn").list()
	actions, _ := r.first("DefaultActions", "Actions").elements()
	route := &model.Route{Pos: r.Pos, Method: model.Is(r.Pos, "ANY")}
	var groups []string
	for _, a := range actions {
		switch one(a.get("Type").str()) {
		case "authenticate-cognito":
			route.Auth = model.Is(a.pos, "COGNITO")
		case "authenticate-oidc", "jwt-validation":
			route.Auth = model.Is(a.pos, "JWT")
		}
		groups = append(groups, ids(a.get("TargetGroupArn").textValue())...)
		forward, _ := a.get("ForwardConfig", "TargetGroups").elements()
		for _, g := range forward {
			groups = append(groups, ids(g.get("TargetGroupArn").textValue())...)
		}
	}
	listener := r.get("ListenerArn").textValue()
	b.later(func() {
		balancer := b.targets[r.ID]
		for _, id := range ids(listener) {
			balancer = b.targets[id]
		}
		var api *model.API
		for _, api = range b.apisOf(model.Value[model.Text]{Alts: balancer.Items}) {
			api.Routes = append(api.Routes, route)
		}
		for _, g := range groups {
			b.connect(api, route, model.Value[model.Text]{Alts: b.targets[g].Items}, model.Trigger{ID: r.ID, Type: r.Type, Maybe: r.Maybe})
		}
	})
}
