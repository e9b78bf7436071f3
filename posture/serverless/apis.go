package serverless

import (
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
)

const (
	restAPI = "ApiGatewayRestApi"
	httpAPI = "HttpApi"
)

func ref(at *doc.Node, id string) *doc.Node { return doc.NewMap(at, doc.Pair("Ref", doc.New(at, id))) }

// methodAndPath reads "GET /x" or a structure.
func methodAndPath(v *doc.Node) (method, place *doc.Node) {
	if s, ok := v.Scalar(); ok {
		m, p, found := strings.Cut(strings.TrimSpace(s), " ")
		if !found {
			return doc.New(v, "ANY"), doc.New(v, "$default")
		}
		return doc.New(v, m), doc.New(v, strings.TrimSpace(p))
	}
	method, place = v.Get("method"), v.Get("path")
	if method == nil {
		method = doc.New(v, "ANY")
	}
	return method, place
}

// slashed is a path that begins with a slash, as API Gateway has it.
func slashed(n *doc.Node) *doc.Node {
	if s, ok := n.Scalar(); ok && !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "$") {
		return doc.New(n, "/"+s)
	}
	return n
}

// restEvent writes an http event.
func (s *service) restEvent(v *doc.Node) []doc.Member {
	method, place := methodAndPath(v)
	out := []doc.Member{doc.Pair("Method", method), doc.Pair("Path", slashed(place)), doc.Pair("RestApiId", s.restID(v))}
	var auth []doc.Member
	if a := v.Get("authorizer"); a != nil {
		auth = append(auth, doc.Pair("Authorizer", doc.New(a, s.authorizerID(a))))
	}
	if k := v.Get("private"); k != nil {
		auth = append(auth, doc.Pair("ApiKeyRequired", k))
	}
	if len(auth) > 0 {
		out = append(out, doc.Pair("Auth", doc.NewMap(v, auth...)))
	}
	if wait := v.Get("timeoutInMillis"); wait != nil {
		out = append(out, doc.Pair("TimeoutInMillis", wait))
	}
	if schemas := first(v.At("request", "schemas"), v.At("request", "schema")); schemas != nil {
		on := &doc.Node{Kind: doc.Bool, Text: "true", File: schemas.File, Line: schemas.Line, Column: schemas.Column}
		out = append(out, doc.Pair("RequestModel", doc.NewMap(schemas, doc.Pair("ValidateBody", on))))
	}
	return out
}

func (s *service) restID(at *doc.Node) *doc.Node {
	if id := s.provider("apiGateway", "restApiId"); id != nil {
		return id
	}
	return ref(at, restAPI)
}

// authorizerID names an authorizer as SAM's events do.
func (s *service) authorizerID(a *doc.Node) string {
	if kind := first(a.Get("type"), a).Str(); strings.EqualFold(kind, "aws_iam") {
		return "AWS_IAM"
	}
	if name := a.Get("name").Str(); name != "" {
		return name
	}
	if id := a.Get("authorizerId"); id != nil {
		return "authorizerId"
	}
	if from := a.Get("arn"); from != nil {
		a = from
	}
	if text, ok := a.Scalar(); ok { // a function's key, or an ARN whose end is its name
		return text[strings.LastIndexAny(text, ":/")+1:]
	}
	for _, part := range list(a.Get("Fn::GetAtt")) {
		return part.Str()
	}
	return "authorizer"
}

// httpEvent writes an httpApi event.
func (s *service) httpEvent(v *doc.Node) []doc.Member {
	method, place := methodAndPath(v)
	id := s.provider("httpApi", "id")
	if id == nil {
		id = ref(v, httpAPI)
	}
	out := []doc.Member{doc.Pair("Method", method), doc.Pair("Path", slashed(place)), doc.Pair("ApiId", id)}
	if a := v.Get("authorizer"); a != nil {
		out = append(out, doc.Pair("Auth", doc.NewMap(a, doc.Pair("Authorizer", doc.New(a, s.authorizerID(a))))))
	}
	return out
}

// apis makes the APIs that the events of the functions need.
func (s *service) apis(all []*function) {
	var rest, http, cors *doc.Node
	var authorizers []doc.Member
	for _, f := range all {
		for _, e := range f.node.Get("events").Elements() {
			switch kind, v := eventOf(e); kind {
			case "http":
				rest = first(rest, v)
				cors = wider(cors, v.Get("cors"))
				if a := v.Get("authorizer"); a != nil && s.authorizerID(a) != "AWS_IAM" {
					authorizers = append(authorizers, doc.Pair(s.authorizerID(a), s.restAuthorizer(a)))
				}
			case "httpApi":
				http = first(http, v)
			}
		}
	}
	if rest != nil && s.provider("apiGateway", "restApiId") == nil {
		s.rest(rest, authorizers, cors)
	}
	if http != nil && s.provider("httpApi", "id") == nil {
		s.http(http)
	}
}

// restAuthorizer writes an authorizer of an http event.
func (s *service) restAuthorizer(a *doc.Node) *doc.Node {
	from := first(a.Get("arn"), a)
	kind := strings.ToUpper(a.Get("type").Str())
	text := from.Str()
	if kind == "COGNITO_USER_POOLS" || strings.Contains(text, ":cognito-idp:") {
		return doc.NewMap(a, doc.Pair("UserPoolArn", from))
	}
	for _, part := range list(from.Get("Fn::GetAtt")) {
		if kind == "" && strings.Contains(strings.ToLower(part.Str()), "pool") {
			return doc.NewMap(a, doc.Pair("UserPoolArn", from))
		}
	}
	if _, ok := from.Scalar(); ok && !strings.HasPrefix(text, "arn:") {
		from = arn(a, normal(text)+"LambdaFunction")
	} else if from == a && a.Is(doc.Map) && a.Get("Fn::GetAtt") == nil {
		from = s.functionNamed(a, first(a.Get("name"), a))
	}
	return doc.NewMap(a, compact([]doc.Member{doc.Pair("FunctionArn", from), doc.Pair("IdentitySource", a.Get("identitySource"))})...)
}

// wider is the setting of the two that lets more pages of others in: the API of the
// model has one for all its routes.
func wider(a, b *doc.Node) *doc.Node {
	if b == nil || !b.True() && !b.Is(doc.Map) || a.Is(doc.Map) && !b.Get("allowCredentials").True() {
		return a
	}
	return b
}

// restCORS writes the CORS of an http event as SAM's API has it.
func restCORS(c *doc.Node) *doc.Node {
	if !c.Is(doc.Map) {
		return doc.New(c, "'*'")
	}
	origins := first(c.Get("origins"), c.Get("origin"))
	if origins == nil {
		origins = doc.New(c, "*")
	}
	return doc.NewMap(c, compact([]doc.Member{doc.Pair("AllowOrigin", origins), doc.Pair("AllowHeaders", c.Get("headers")), doc.Pair("AllowCredentials", c.Get("allowCredentials"))})...)
}

func (s *service) rest(at *doc.Node, authorizers []doc.Member, cors *doc.Node) {
	s.implicit[restAPI] = true
	gw := s.provider("apiGateway")
	if gw == nil {
		gw = doc.NewMap(first(s.root.Get("provider"), at))
	}
	auth := []doc.Member{doc.Pair("Authorizers", doc.NewMap(at, authorizers...))}
	if t := gw.At("usagePlan", "throttle"); t != nil {
		auth = append(auth, doc.Pair("UsagePlan", doc.NewMap(t, doc.Pair("Throttle", doc.NewMap(t, compact([]doc.Member{
			doc.Pair("RateLimit", t.Get("rateLimit")), doc.Pair("BurstLimit", t.Get("burstLimit"))})...)))))
	}
	if p := first(gw.Get("resourcePolicy"), s.provider("resourcePolicy")); p != nil {
		auth = append(auth, doc.Pair("ResourcePolicy", doc.NewMap(p, doc.Pair("CustomStatements", p))))
	}
	props := []doc.Member{doc.Pair("StageName", doc.New(at, s.stage())), doc.Pair("Auth", doc.NewMap(at, auth...)), doc.Pair("TracingEnabled", s.provider("tracing", "apiGateway"))}
	if kind := first(gw.Get("endpointType"), s.provider("endpointType")); kind != nil {
		props = append(props, doc.Pair("EndpointConfiguration", doc.NewMap(kind, doc.Pair("Type", doc.New(kind, strings.ToUpper(kind.Str()))))))
	}
	if logs := s.provider("logs", "restApi"); logs != nil && logs.Str() != "false" {
		props = append(props, doc.Pair("AccessLogSetting", doc.NewMap(logs, doc.Pair("DestinationArn", doc.New(logs, "log group of the API")))))
	}
	if t := s.throttling(); t != nil {
		props = append(props, doc.Pair("MethodSettings", doc.NewList(t, t)))
	}
	if cors != nil {
		props = append(props, doc.Pair("Cors", restCORS(cors)))
	}
	s.put(restAPI, at, "AWS::Serverless::Api", props...)
	s.firewall(ref(at, restAPI))
}

// throttling is of the plugin serverless-api-gateway-throttling.
func (s *service) throttling() *doc.Node {
	t := s.custom("apiGatewayThrottling")
	if t == nil {
		return nil
	}
	return doc.NewMap(t, compact([]doc.Member{doc.Pair("ThrottlingRateLimit", t.Get("maxRequestsPerSecond")), doc.Pair("ThrottlingBurstLimit", t.Get("maxConcurrentRequests"))})...)
}

// firewall is of the plugins serverless-associate-waf and serverless-waf.
func (s *service) firewall(api *doc.Node) {
	if acl := first(s.custom("associateWaf"), s.custom("wafName")); acl != nil {
		s.put("WebACLAssociation", acl, "AWS::WAFv2::WebACLAssociation", doc.Pair("ResourceArn", api))
	}
}

func (s *service) http(at *doc.Node) {
	s.implicit[httpAPI] = true
	h := s.provider("httpApi")
	var authorizers []doc.Member
	for _, m := range h.Get("authorizers").All() {
		authorizers = append(authorizers, doc.Pair(m.Key, s.httpAuthorizer(m.Value)))
	}
	props := []doc.Member{doc.Pair("StageName", doc.New(at, "$default")), doc.Pair("Auth", doc.NewMap(at, doc.Pair("Authorizers", doc.NewMap(at, authorizers...))))}
	if c := h.Get("cors"); c.Is(doc.Map) {
		props = append(props, doc.Pair("CorsConfiguration", httpCORS(c)))
	} else if c.True() {
		props = append(props, doc.Pair("CorsConfiguration", c))
	}
	if logs := s.provider("logs", "httpApi"); logs != nil && logs.Str() != "false" {
		props = append(props, doc.Pair("AccessLogSettings", doc.NewMap(logs, doc.Pair("DestinationArn", doc.New(logs, "log group of the API")))))
	}
	s.put(httpAPI, at, "AWS::Serverless::HttpApi", props...)
}

func (s *service) httpAuthorizer(a *doc.Node) *doc.Node {
	if a.Get("type").Str() == "request" || a.Get("functionName") != nil || a.Get("functionArn") != nil {
		to := a.Get("functionArn")
		if to == nil {
			to = s.functionNamed(a, first(a.Get("name"), a))
		}
		return doc.NewMap(a, doc.Pair("FunctionArn", to), doc.Pair("IdentitySource", a.Get("identitySource")))
	}
	jwt := doc.NewMap(a, compact([]doc.Member{doc.Pair("issuer", a.Get("issuerUrl")), doc.Pair("audience", a.Get("audience"))})...)
	return doc.NewMap(a, compact([]doc.Member{doc.Pair("JwtConfiguration", jwt), doc.Pair("IdentitySource", a.Get("identitySource"))})...)
}
