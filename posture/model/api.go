package model

// An APIKind says what sort of front a set of routes has.
type APIKind string

// The kinds of APIs.
const (
	REST      APIKind = "rest"
	HTTP      APIKind = "http"
	WebSocket APIKind = "websocket"
	GraphQL   APIKind = "graphql"
	ALB       APIKind = "alb"
	CDN       APIKind = "cdn"     // CloudFront, Front Door
	Gateway   APIKind = "gateway" // API Management, Google's API gateways
)

// An API is what takes requests from outside and hands them to functions, with its
// stages, which SAM and serverless state in one place.
type API struct {
	Resource
	Kind APIKind
	// Private is true for an API that a private network alone can reach.
	Private Value[bool]
	// Authorizers are those it declares, attached to anything or not.
	Authorizers []*Authorizer
	// DefaultAuth is as Route.Auth, for routes that state none.
	DefaultAuth Value[string]
	Routes      []*Route
	Stages      []*Stage
	CORS        *CORS
	// Statements is its resource policy; nil: none.
	Statements []*Statement
	MinTLS     Value[string] // of its own domain
	// Quota is a usage plan's throttling.
	Quota *Throttle
	// Open is true when routes or authorizers may be stated where they could not be
	// read, as in a definition kept in a bucket.
	Open bool
}

// Protect puts a web ACL before every stage.
func (a *API) Protect(acl Value[Text]) {
	if len(a.Stages) == 0 {
		a.Stages = append(a.Stages, &Stage{Pos: a.Pos, ID: a.ID, Implicit: true})
	}
	for _, s := range a.Stages {
		s.WAF = acl
	}
}

// A Route is one method and path of an API, or of a function's HTTP trigger.
type Route struct {
	Pos
	Method   Value[string] // "ANY" for all
	Path     Value[string]
	Function string // id, or "" when it is none of the model's
	// Auth is "NONE", "IAM", "JWT", "CUSTOM" (a function), "COGNITO", "API_KEY"; Azure's
	// "anonymous", "function", "admin"; the API's default is already put in. Absent: the
	// provider's default, which for API Gateway is none.
	Auth Value[string]
	// Authorizer is the id of the Authorizer, where there is one.
	Authorizer string
	Key        Value[bool] // an API key is required
	// Validated says whether requests are checked before they reach the function.
	Validated Value[bool]
	Throttle  *Throttle
	// WaitMS is how long the API waits for the function, in milliseconds, where it is stated.
	WaitMS Value[int]
	// Preflight is true for an OPTIONS route that only answers browsers.
	Preflight bool
}

// An Authorizer decides who may call a route.
type Authorizer struct {
	Pos
	ID   string // as routes name it
	Kind string // "JWT", "CUSTOM", "COGNITO", "IAM"
	// Function is the id of the function that decides, or "".
	Function string
	// Used is true when a route, or the API's default, names it.
	Used bool
	TTLS Value[int]
	// Identity holds the sources of identity: "$request.header.Authorization".
	Identity List[Text]
	// Audience and Issuer are of JWT authorizers.
	Audience List[Text]
	Issuer   Value[Text]
}

// A Stage is a deployed state of an API.
type Stage struct {
	Pos
	ID       string
	Name     Value[Text]
	Throttle *Throttle // nil: none is stated
	WAF      Value[Text]
	Logs     Value[Text] // access log destination
	Tracing  Value[bool]
	Cached   Value[bool]
	Implicit bool
}

// A Throttle limits requests.
type Throttle struct {
	Pos
	Rate  Value[float64] // requests a second
	Burst Value[int]
}
