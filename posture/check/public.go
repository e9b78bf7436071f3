package check

import (
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

// publicBy reports whether anyone without credentials can make the function run,
// and how. What is unknown does not count.
func (r *run) publicBy(f *model.Function) (string, bool) {
	if e := f.Endpoint; e != nil && endpointOpen(e) {
		return "its own address", true
	}
	for _, t := range f.Triggers {
		if how, ok := r.publicTrigger(t); ok {
			return how, true
		}
	}
	for _, api := range r.m.APIs {
		for _, route := range api.Routes {
			if route.Function == f.ID && !route.Preflight && r.routeOpen(api, route) {
				return "route " + routeName(route), true
			}
		}
	}
	for _, p := range r.m.Permissions {
		if p.FunctionID == f.ID && permissionOpen(p) {
			return "permission for everyone", true
		}
	}
	return "", false
}

func (r *run) publicTrigger(t *model.Trigger) (string, bool) {
	switch t.Kind {
	case fnvet.TriggerHTTP, fnvet.TriggerURL:
		if t.Route == nil || t.Route.Preflight {
			return "", false
		}
		api := r.m.FindAPI(t.API)
		if api == nil && t.API == "" && t.Source.Stated() {
			return "", false // an API that is not in the model
		}
		return "route " + routeName(t.Route), r.routeOpen(api, t.Route)
	case fnvet.TriggerBucket, fnvet.TriggerTopic, fnvet.TriggerQueue:
		if what, _, ok := r.writable(t.Source); ok {
			return what + " that anyone may write to", true
		}
	default:
	}
	return "", false
}

// endpointOpen reports whether an endpoint takes requests of everyone.
func endpointOpen(e *model.Endpoint) bool {
	if e.Limited || e.Ingress.Any(func(s string) bool { return strings.HasPrefix(s, "internal") }) {
		return false
	}
	if e.Auth.Any(isNone) {
		return true
	}
	for _, p := range e.Invokers.Items {
		if p.Is("allUsers") {
			return true
		}
	}
	return false
}

func isNone(s string) bool { return strings.EqualFold(s, "NONE") || strings.EqualFold(s, "anonymous") }

// routeOpen reports whether a route certainly asks for no credentials. A key alone is none.
func (r *run) routeOpen(api *model.API, route *model.Route) bool {
	if api != nil && (api.Open || api.Private.Any(yes) || api.Private.Open || restricts(api.Statements)) {
		return false
	}
	auth := route.Auth
	if auth.Absent() && api != nil {
		auth = api.DefaultAuth
	}
	if auth.Open {
		return false
	}
	if auth.Absent() {
		return api != nil && (api.Kind == model.REST || api.Kind == model.HTTP || api.Kind == model.WebSocket) && route.Authorizer == ""
	}
	return auth.Any(func(s string) bool { return isNone(s) || strings.EqualFold(s, "API_KEY") }) && route.Authorizer == ""
}

// restricts reports whether a resource policy keeps some callers out.
func restricts(statements []*model.Statement) bool {
	for _, s := range statements {
		if s.Open || len(s.Conditions) > 0 || s.Effect.Any(func(e string) bool { return e == "Deny" }) {
			return true
		}
		if len(s.Principals) > 0 && !everyone(s.Principals) {
			return true
		}
	}
	return false
}

func everyone(all []model.Principal) bool {
	for _, p := range all {
		if p.Kind == "*" || p.ID.Is("*") || p.ID.Is("allUsers") || p.ID.Is("allAuthenticatedUsers") {
			return true
		}
	}
	return false
}

func yes(b bool) bool { return b }
func no(b bool) bool  { return !b }

func routeName(route *model.Route) string {
	method, _ := route.Method.Or("ANY")
	path, ok := route.Path.Known()
	if !ok || path == "" {
		return strings.TrimSpace(method)
	}
	return strings.TrimSpace(method + " " + path)
}

func permissionOpen(p *model.Permission) bool {
	anyone := p.Principal.Any(func(t model.Text) bool { return t.Is("*") || t.Is("allUsers") })
	return anyone && p.SourceARN.Absent() && p.SourceAccount.Absent() && p.Organization.Absent() && p.Token.Absent() && p.URLAuth.Absent() &&
		p.Action.Any(func(a string) bool {
			return covers(a, "lambda:InvokeFunction") || a == "" || strings.HasPrefix(a, "roles/")
		})
}

// writable reports whether anyone may write to what a trigger listens to.
func (r *run) writable(source model.Value[model.Text]) (what string, pos model.Pos, ok bool) {
	for _, b := range r.m.Buckets {
		if b.May(source) {
			if p, open := bucketWritable(b); open {
				return "bucket " + b.ID, p, true
			}
		}
	}
	for _, q := range r.m.Queues {
		if q.May(source) {
			if p, open := policyOpen(q.Statements, "sqs:SendMessage"); open {
				return "queue " + q.ID, p, true
			}
		}
	}
	for _, t := range r.m.Topics {
		if t.May(source) {
			if p, open := policyOpen(t.Statements, "sns:Publish", "pubsub.topics.publish", "roles/pubsub.publisher"); open {
				return "topic " + t.ID, p, true
			}
		}
	}
	return "", model.Pos{}, false
}

func bucketWritable(b *model.Bucket) (model.Pos, bool) {
	if b.ACL.Any(func(s string) bool { return s == "public-read-write" }) && !b.BlockPublic.Any(yes) {
		return model.At(b.ACL.Pos, b.Pos), true
	}
	if b.BlockPublic.Any(yes) || b.BlockPublic.Open {
		return model.Pos{}, false
	}
	return policyOpen(b.Statements, "s3:PutObject", "storage.objects.create", "roles/storage.objectCreator", "roles/storage.objectAdmin", "roles/storage.admin")
}

// policyOpen reports whether a resource policy lets everyone do one of the actions.
func policyOpen(statements []*model.Statement, actions ...string) (model.Pos, bool) {
	for _, s := range statements {
		if s.Open || len(s.Conditions) > 0 || !s.Effect.Any(isAllow) || !everyone(s.Principals) {
			continue
		}
		for _, pattern := range s.Actions.Items {
			lit, ok := pattern.Literal()
			if !ok {
				continue
			}
			for _, a := range actions {
				if covers(lit, a) {
					return model.At(pattern.Pos, s.Pos), true
				}
			}
		}
	}
	return model.Pos{}, false
}

func isAllow(s string) bool { return strings.EqualFold(s, "Allow") || s == "" }
