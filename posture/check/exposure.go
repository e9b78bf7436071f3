package check

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

// endpoints judges a function's own address.
func (r *run) endpoints() {
	for _, f := range r.m.Functions {
		e := f.Endpoint
		if e == nil {
			continue
		}
		a := r.about[f.ID]
		where := at{pos: model.At(e.Auth.Pos, e.Pos, f.Pos), resource: f.ID}
		if endpointOpen(e) && e.Auth.Any(isNone) {
			where.severity = worse(fnvet.Medium, a.changes || e.CORS != nil && wideCORS(e.CORS))
			r.add(urlAuthNone, where, "anyone may call it%s", means(a))
		}
		for _, p := range e.Invokers.Items {
			if p.Is("allUsers") || p.Is("allAuthenticatedUsers") {
				at := where
				at.pos, at.key, at.severity = model.At(p.Pos, e.Invokers.Pos, e.Pos), p.String(), worse(fnvet.Medium, a.changes && endpointOpen(e))
				r.add(publicInvoker, at, "%s may call it%s", p.String(), means(a))
			}
		}
		r.transport(f, e)
	}
}

// means says why an open door matters here.
func means(a *about) string {
	switch {
	case a.changes:
		return "; its role may change things"
	case a.secrets:
		return "; it holds secrets"
	}
	return ""
}

func (r *run) transport(f *model.Function, e *model.Endpoint) {
	if e.HTTPSOnly.Any(no) || e.HTTPSOnly.Absent() && f.Cloud == model.Azure && stack(r.m.Dialect) {
		r.add(httpsOnly, at{pos: model.At(e.HTTPSOnly.Pos, e.Pos, f.Pos), resource: appOf(f)}, "plain http is answered")
	}
	if e.MinTLS.Any(oldTLS) {
		v, _ := e.MinTLS.Known()
		r.add(minTLS, at{pos: model.At(e.MinTLS.Pos, e.Pos), resource: appOf(f)}, "TLS %s", v)
	}
	if f.Cloud == model.Google && e.Ingress.May("all", func(s string) bool {
		return strings.EqualFold(s, "all") || s == "ALLOW_ALL" || s == "INGRESS_TRAFFIC_ALL"
	}) {
		r.add(ingressAll, at{pos: model.At(e.Ingress.Pos, e.Pos, f.Pos), resource: f.ID, severity: worse(fnvet.Info, endpointOpen(e))}, "requests from every network")
	}
}

// stack reports whether a dialect states the app itself and not only its functions.
func stack(d model.Dialect) bool {
	return d == model.ARM || d == model.Bicep || d == model.Terraform || d == model.TerraformPlan
}

// appOf is the app of an Azure function, else the function.
func appOf(f *model.Function) string {
	if f.App != "" {
		return f.App
	}
	return f.ID
}

func oldTLS(v string) bool {
	v = strings.TrimPrefix(strings.ToUpper(strings.ReplaceAll(v, "_", ".")), "TLS.")
	return v == "1.0" || v == "1.1" || v == "TLS1.0" || v == "TLS1.1" || v == "1.0.2" || v == "TLS1"
}

// wideCORS reports whether browsers send credentials from anywhere.
func wideCORS(c *model.CORS) bool { return c.Credentials.Any(yes) && anyOrigin(c) }

func anyOrigin(c *model.CORS) bool {
	return slices.ContainsFunc(c.Origins.Items, func(t model.Text) bool { return strings.Trim(t.String(), `'"`) == "*" })
}

// cors judges what pages of other sites may do, and what APIs take at their own domains.
func (r *run) cors() {
	judge := func(c *model.CORS, id string, browser bool) {
		if c == nil || !anyOrigin(c) {
			return
		}
		severity := fnvet.Info
		if c.Credentials.Any(yes) {
			severity = fnvet.Medium
		} else if browser {
			severity = fnvet.Low
		}
		r.add(corsWildcard, at{pos: model.At(c.Origins.Pos, c.Pos), resource: id, severity: severity}, "every origin%s", map[bool]string{true: ", with credentials"}[c.Credentials.Any(yes)])
	}
	for _, f := range r.m.Functions {
		if f.Endpoint != nil {
			judge(f.Endpoint.CORS, appOf(f), f.Cloud == model.Azure)
		}
	}
	for _, api := range r.m.APIs {
		judge(api.CORS, api.ID, false)
		if api.MinTLS.Any(oldTLS) {
			r.add(minTLS, at{pos: model.At(api.MinTLS.Pos, api.Pos), resource: api.ID}, "TLS %s is taken at its own domain", first(api.MinTLS))
		}
	}
}

// permissions judges the resource policies of functions.
func (r *run) permissions() {
	for _, p := range r.m.Permissions {
		id := p.ID
		if p.FunctionID != "" {
			id = p.FunctionID
		}
		where := at{pos: model.At(p.Principal.Pos, p.Pos), resource: id, key: p.ID}
		if permissionOpen(p) {
			if f := r.m.FindFunction(id); f != nil && f.Endpoint != nil && slices.ContainsFunc(f.Endpoint.Invokers.Items, func(t model.Text) bool { return t.Is("allUsers") }) {
				continue // the same, said of its address
			}
			r.add(permissionPublic, where, "every principal may invoke it")
			continue
		}
		service, ok := literal(p.Principal)
		if !ok || !strings.HasSuffix(service, ".amazonaws.com") || p.Implicit {
			continue
		}
		if service == "s3.amazonaws.com" && !p.SourceARN.Absent() && p.SourceAccount.Absent() && p.Organization.Absent() {
			where.severity = fnvet.Low // an ARN of a bucket says no account, and its name can be taken again
			r.add(permissionSource, where, "%s by the name of a bucket, in whichever account it is", service)
			continue
		}
		if !p.SourceARN.Absent() || !p.SourceAccount.Absent() || !p.Organization.Absent() || !p.Token.Absent() {
			continue
		}
		where.severity = fnvet.Medium
		switch service {
		case "apigateway.amazonaws.com", "alexa-appkit.amazon.com", "elasticloadbalancing.amazonaws.com": // a target group asks for the permission before it has an ARN
			where.severity = worse(fnvet.Low, r.about[id] != nil && r.about[id].changes)
		}
		r.add(permissionSource, where, "%s for whichever account it works", service)
	}
}

// literal is the one known value of a text, when it has no references.
func literal(v model.Value[model.Text]) (string, bool) {
	t, ok := v.Known()
	if !ok {
		return "", false
	}
	return t.Literal()
}

// routes judges each way in through an API, once.
func (r *run) routes() {
	for _, api := range r.m.APIs {
		for _, route := range api.Routes {
			r.route(api, route, route.Function)
		}
	}
	for _, f := range r.m.Functions {
		for _, t := range f.Triggers {
			if t.Route != nil && (t.Kind == fnvet.TriggerHTTP || t.Kind == fnvet.TriggerURL && f.Endpoint == nil) {
				r.route(r.m.FindAPI(t.API), t.Route, f.ID)
			}
		}
	}
}

func (r *run) route(api *model.API, route *model.Route, function string) {
	if route.Preflight || strings.EqualFold(first(route.Method), "OPTIONS") || !r.routeOpen(api, route) {
		r.validation(api, route, function)
		return
	}
	a := r.about[function]
	id := function
	if id == "" && api != nil {
		id = api.ID
	}
	where := at{pos: model.At(route.Auth.Pos, route.Pos), resource: id, key: routeName(route)}
	switch {
	case a != nil && a.f.Authorizer:
		return
	case route.Key.Any(yes) || route.Auth.Any(func(s string) bool { return strings.EqualFold(s, "API_KEY") }):
		where.severity = worse(fnvet.Low, a != nil && a.changes)
		r.add(apiKeyOnly, where, "%s is guarded by an API key alone", routeName(route))
	default:
		where.severity = worse(fnvet.Low, a != nil && a.changes)
		why := ""
		if a != nil {
			why = means(a)
		}
		r.add(routeNoAuth, where, "%s asks for no credentials%s", routeName(route), why)
	}
	r.validation(api, route, function)
}

func first(v model.Value[string]) string {
	if len(v.Alts) == 0 {
		return ""
	}
	return v.Alts[0]
}

// validation is only good advice: few APIs check requests before the function does.
func (r *run) validation(api *model.API, route *model.Route, function string) {
	if api == nil || api.Kind != model.REST || route.Preflight || api.Open || !route.Validated.May(false, no) || route.Validated.Open {
		return
	}
	method := strings.ToUpper(first(route.Method))
	if method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "DELETE" {
		return
	}
	id := function
	if id == "" {
		id = api.ID
	}
	r.add(noValidation, at{pos: route.Pos, resource: id, key: routeName(route)}, "%s is handed on unchecked", routeName(route))
}

// authorizers finds those that guard nothing.
func (r *run) authorizers() {
	for _, api := range r.m.APIs {
		if api.Open {
			continue
		}
		open := slices.ContainsFunc(api.Routes, func(x *model.Route) bool { return !x.Preflight && r.routeOpen(api, x) })
		for _, f := range r.m.Functions {
			for _, t := range f.Triggers {
				open = open || t.API == api.ID && t.Route != nil && !t.Route.Preflight && r.routeOpen(api, t.Route)
			}
		}
		for _, z := range api.Authorizers {
			if z.Used || r.m.Partial && len(api.Routes) == 0 {
				continue
			}
			where := at{pos: z.Pos, resource: api.ID, key: z.ID, severity: fnvet.Low}
			if open {
				where.severity = fnvet.High
			}
			r.add(authorizerUnused, where, "%s is attached to no route%s", z.ID, map[bool]string{true: ", and there are routes without credentials"}[open])
		}
	}
}

// publicSources finds triggers that anyone can write to.
func (r *run) publicSources() {
	for _, f := range r.m.Functions {
		for _, t := range f.Triggers {
			if what, pos, ok := r.writable(t.Source); ok {
				r.add(publicSource, at{pos: model.At(pos, t.Pos), resource: f.ID, key: what}, "%s starts it, and everyone may write there", what)
			}
		}
	}
}

// codeBuckets finds code that is deployed from a public bucket.
func (r *run) codeBuckets() {
	for _, f := range r.m.Functions {
		for _, b := range r.m.Buckets {
			if !b.May(f.Code.Bucket) {
				continue
			}
			public := !b.BlockPublic.Any(yes) && !b.BlockPublic.Open
			_, policy := policyOpen(b.Statements, "s3:GetObject", "s3:PutObject", "storage.objects.get", "roles/storage.objectViewer")
			if public && (policy || b.ACL.Any(func(s string) bool { return strings.HasPrefix(s, "public-") })) {
				r.add(codeBucket, at{pos: model.At(f.Code.Bucket.Pos, f.Code.Pos, f.Pos), resource: f.ID}, "bucket %s is public", b.ID)
			}
		}
	}
}
