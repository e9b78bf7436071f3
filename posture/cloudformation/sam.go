package cloudformation

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// withGlobals puts the Globals section under the properties of a resource: maps
// are merged, lists joined, anything else is replaced.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
func (t *template) withGlobals(typ string, props *doc.Node) *doc.Node {
	section, ok := strings.CutPrefix(typ, "AWS::Serverless::")
	if !ok {
		return props
	}
	return merge(t.root.At("Globals", section), props)
}

func merge(under, over *doc.Node) *doc.Node {
	switch {
	case under == nil || under.Kind == doc.Null:
		return over
	case over == nil || over.Kind == doc.Null:
		return under
	case under.Is(doc.List) && over.Is(doc.List):
		out := *over
		out.Items = append(append([]*doc.Node(nil), under.Items...), over.Items...)
		return &out
	case !under.Is(doc.Map) || !over.Is(doc.Map):
		return over
	}
	if name, _ := intrinsic(over); name != "" {
		return over
	}
	if name, _ := intrinsic(under); name != "" {
		return over
	}
	out := *over
	out.Members = nil
	for _, m := range under.All() {
		if o := over.Member(m.Key); o != nil {
			m.Value, m.Line, m.Column = merge(m.Value, o.Value), o.Line, o.Column
		}
		out.Members = append(out.Members, m)
	}
	for _, m := range over.All() {
		if under.Member(m.Key) == nil {
			out.Members = append(out.Members, m)
		}
	}
	return &out
}

func (b *builder) samFunction(r *resource) {
	f := r.common()
	f.Tracing = r.get("Tracing").str()
	f.DeadLetter = r.get("DeadLetterQueue", "TargetArn").textValue()
	f.Provisioned = r.get("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions").int()
	uri := r.get("CodeUri")
	parts := result{pos: uri.pos, vals: entryMaps(uri)}
	f.Code = model.Code{Pos: uri.pos, Bucket: parts.get("Bucket").textValue(), Key: parts.get("Key").textValue(), Image: r.get("ImageUri").textValue()}
	f.Code.Inline = !r.get("InlineCode").absent()
	for _, v := range uri.vals {
		if v.node == nil {
			f.Code = r.t.codeURI(f.Code, uri.textValue())
		}
	}
	if uri.absent() && f.Code.Image.Absent() && !f.Code.Inline { // the folder of the template, or of the image's Dockerfile
		f.Code.Path = model.Is(r.Pos, model.Lit(r.Pos, r.t.folder(r.node.At("Metadata", "DockerContext").Str())))
	}
	invokeConfig(f, r.get("EventInvokeConfig"))
	b.add(f)
	b.samRole(f, r)
	if e := endpoint(r.get("FunctionUrlConfig")); e != nil {
		b.address(f, e, f.ID+"Url")
	}
	for _, e := range entriesOf(r.get("Events")) {
		b.event(f, r, e)
	}
	b.embeddedConnectors(r)
}

func (t *template) folder(sub string) string {
	v := t.local(model.Is(model.Pos{}, model.Lit(model.Pos{}, "./"+sub)))
	s, _ := v.Alts[0].Literal()
	return s
}

// codeURI tells a local path from an address in S3.
func (t *template) codeURI(c model.Code, uri model.Value[model.Text]) model.Code {
	for _, x := range uri.Alts {
		if rest, ok := strings.CutPrefix(x.String(), "s3://"); ok {
			bucket, key, _ := strings.Cut(rest, "/")
			c.Bucket, c.Key = model.Is(x.Pos, model.Lit(x.Pos, bucket)), model.Is(x.Pos, model.Lit(x.Pos, key))
			return c
		}
	}
	c.Path = t.local(uri)
	return c
}

// samRole makes the role that SAM makes for a function which states none.
func (b *builder) samRole(f *model.Function, r *resource) {
	if !f.Role.Absent() {
		return
	}
	role := &model.Role{Resource: model.Resource{Pos: r.Pos, ID: f.ID + "Role", Cloud: model.AWS, Type: "AWS::IAM::Role", Maybe: r.Maybe, Implicit: true},
		Boundary: r.get("PermissionsBoundary").textValue()}
	role.Trust, _ = statements(r.get("AssumeRolePolicyDocument"))
	if len(role.Trust) == 0 {
		role.Trust = []*model.Statement{{Pos: r.Pos, Effect: model.Is(r.Pos, "Allow"), Actions: texts(r.Pos, "sts:AssumeRole"),
			Principals: []model.Principal{{Kind: "Service", ID: model.Lit(r.Pos, "lambda.amazonaws.com")}}}}
	}
	f.Role = model.Is(r.Pos, model.To(r.Pos, model.RefResource, role.ID, "arn"))
	b.m.Roles = append(b.m.Roles, role)
	role.Managed.Items = append(role.Managed.Items, managed(r.Pos, "service-role/AWSLambdaBasicExecutionRole"))
	if f.Network != nil {
		role.Managed.Items = append(role.Managed.Items, managed(f.Network.Pos, "service-role/AWSLambdaVPCAccessExecutionRole"))
	}
	if f.Tracing.Any(func(s string) bool { return s == "Active" }) {
		role.Managed.Items = append(role.Managed.Items, managed(f.Tracing.Pos, "AWSXrayWriteOnlyAccess"))
	}
	b.samPolicies(role, r)
	b.implied(role, r)
	seen := map[string]bool{}
	role.Managed.Items = slices.DeleteFunc(role.Managed.Items, func(x model.Text) bool {
		again := seen[x.String()]
		seen[x.String()] = true
		return again
	})
	b.later(func() { b.attachManaged(role) })
}

func texts(at model.Pos, all ...string) model.List[model.Text] {
	l := model.List[model.Text]{Pos: at}
	for _, s := range all {
		l.Items = append(l.Items, model.Lit(at, s))
	}
	return l
}

// managed is the ARN of one of AWS's own policies.
func managed(at model.Pos, name string) model.Text {
	return model.Lit(at, "arn:aws:iam::aws:policy/"+name)
}

// implied adds what SAM grants for dead letters and destinations.
func (b *builder) implied(role *model.Role, r *resource) {
	for _, target := range [...]result{r.get("DeadLetterQueue"), r.get("EventInvokeConfig", "DestinationConfig", "OnFailure"), r.get("EventInvokeConfig", "DestinationConfig", "OnSuccess")} {
		action := map[string]string{"SQS": "sqs:SendMessage", "SNS": "sns:Publish", "Lambda": "lambda:InvokeFunction", "EventBridge": "events:PutEvents"}[one(target.get("Type").str())]
		resources := target.first("TargetArn", "Destination").list()
		if action == "" || resources.Absent() {
			continue
		}
		s := &model.Statement{Pos: target.pos, Effect: model.Is(target.pos, "Allow"), Actions: texts(target.pos, action), Resources: resources}
		role.Policies = append(role.Policies, &model.Policy{Resource: model.Resource{Pos: target.pos, ID: role.ID, Cloud: model.AWS, Type: "inline", Implicit: true}, Statements: []*model.Statement{s}})
	}
	for _, e := range entriesOf(r.get("Events")) {
		name := map[string]string{"SQS": "service-role/AWSLambdaSQSQueueExecutionRole", "Kinesis": "service-role/AWSLambdaKinesisExecutionRole",
			"DynamoDB": "service-role/AWSLambdaDynamoDBExecutionRole", "MSK": "service-role/AWSLambdaMSKExecutionRole"}[one(e.get("Type").str())]
		if name != "" {
			role.Managed.Items = append(role.Managed.Items, managed(e.pos, name))
		}
	}
}

// samPolicies reads Policies: names, ARNs, documents and SAM's templates.
func (b *builder) samPolicies(role *model.Role, r *resource) {
	items, open := r.get("Policies").elements()
	role.Open = role.Open || open
	for _, e := range items {
		if e.node == nil {
			text := e.text
			text.Pos = e.pos
			if s, ok := text.Literal(); ok && !strings.HasPrefix(s, "arn:") {
				text = managed(e.pos, managedPath(s))
			}
			role.Managed.Items = append(role.Managed.Items, text)
			continue
		}
		p := &model.Policy{Resource: model.Resource{Pos: e.pos, ID: role.ID, Cloud: model.AWS, Type: "inline", Maybe: e.maybe}}
		switch {
		case e.node.Get("Statement") != nil:
			p.Statements, p.Open = statements(e.result())
		case len(e.node.Members) > 0:
			p.Template = e.node.Members[0].Key
			p.Statements, p.Open = policyTemplate(e.in, p.Template, e.node.Members[0].Value, e.node)
		}
		for _, s := range p.Statements {
			s.Template, s.Maybe = p.Template, s.Maybe || e.maybe
		}
		role.Policies = append(role.Policies, p)
		role.Open = role.Open || p.Open
	}
}

// managedPath is the path of AWS's policies that do not lie at the top.
func managedPath(name string) string {
	if strings.HasPrefix(name, "AWSLambda") && strings.HasSuffix(name, "ExecutionRole") || name == "AWSLambdaRole" {
		return "service-role/" + name
	}
	return name
}

// samAPI reads AWS::Serverless::Api.
func (b *builder) samAPI(r *resource) {
	a := &model.API{Resource: r.named("Name"), Kind: model.REST, Private: private(r.get("EndpointConfiguration", "Type").list())}
	b.samSettings(a, r)
	b.m.APIs = append(b.m.APIs, a)
}

// samSettings reads what explicit and implicit REST APIs have in common.
func (b *builder) samSettings(a *model.API, r *resource) {
	auth := r.get("Auth")
	for _, z := range entriesOf(auth.get("Authorizers")) {
		a.Authorizers = append(a.Authorizers, b.samAuthorizer(z))
	}
	a.DefaultAuth = mapped(auth.get("DefaultAuthorizer").str(), authName)
	if auth.get("ApiKeyRequired").bool().Any(func(on bool) bool { return on }) {
		key := auth.get("ApiKeyRequired").bool()
		b.later(func() {
			for _, route := range a.Routes {
				if route.Key.Absent() {
					route.Key = key
				}
			}
		})
	}
	a.Quota = throttle(auth.get("UsagePlan", "Throttle"), "RateLimit", "BurstLimit")
	a.Statements, _ = statements(auth.get("ResourcePolicy", "CustomStatements"))
	if custom := auth.get("ResourcePolicy", "CustomStatements"); len(a.Statements) == 0 && !custom.absent() {
		a.Statements, _ = statements(result{vals: []value{{node: doc.NewMap(r.node, doc.Pair("Statement", listNode(custom))), in: r.t}}})
	}
	s := &model.Stage{Pos: r.Pos, ID: r.ID + "Stage", Name: r.get("StageName").textValue(), Tracing: r.get("TracingEnabled").bool(), Cached: r.get("CacheClusterEnabled").bool(),
		Logs: r.get("AccessLogSetting", "DestinationArn").textValue(), Throttle: methodThrottle(r.get("MethodSettings")), Implicit: r.Implicit}
	if s.Name.File != "" {
		s.Pos = s.Name.Pos
	}
	a.Stages = []*model.Stage{s}
	a.CORS = samCORS(r.get("Cors"))
	if v := r.get("Domain", "SecurityPolicy").str(); !v.Absent() {
		a.MinTLS = mapped(v, tlsVersion)
	}
	b.openAPI(a, r, r.first("DefinitionBody"))
	if uri := r.get("DefinitionUri"); !uri.absent() {
		b.openAPI(a, r, r.t.file(uri.str(), r.node.At("Properties", "DefinitionUri")))
	}
}

// listNode is the tree of a list that was found by evaluation.
func listNode(r result) *doc.Node {
	items, _ := r.elements()
	var nodes []*doc.Node
	for _, e := range items {
		if e.node != nil {
			nodes = append(nodes, e.node)
		}
	}
	if len(nodes) == 0 {
		return doc.NewList(nil)
	}
	return doc.NewList(nodes[0], nodes...)
}

// samCORS reads CORS of REST APIs: an origin in quotes, or a structure of such.
func samCORS(r result) *model.CORS {
	if r.absent() {
		return nil
	}
	c := &model.CORS{Pos: r.pos}
	for _, v := range r.vals {
		if v.node == nil {
			c.Origins = unquoted(r.list())
			return c
		}
	}
	c.Origins, c.Methods, c.Headers = unquoted(r.get("AllowOrigin").list()), unquoted(r.get("AllowMethods").list()), unquoted(r.get("AllowHeaders").list())
	c.Credentials = r.get("AllowCredentials").bool()
	return c
}

// unquoted takes away the quotes inside the quotes, and splits at commas.
func unquoted(l model.List[model.Text]) model.List[model.Text] {
	var items []model.Text
	for _, x := range l.Items {
		s, ok := x.Literal()
		if !ok {
			items = append(items, x)
			continue
		}
		for part := range strings.SplitSeq(strings.Trim(s, "'\""), ",") {
			items = append(items, model.Lit(x.Pos, strings.TrimSpace(part)))
		}
	}
	l.Items = items
	return l
}

func (b *builder) samAuthorizer(e element) *model.Authorizer {
	z := &model.Authorizer{Pos: e.pos, ID: e.key, Kind: "CUSTOM", Identity: e.get("IdentitySource").list(), TTLS: e.get("Identity", "ReauthorizeEvery").int()}
	switch {
	case !e.get("UserPoolArn").absent():
		z.Kind = "COGNITO"
	case !e.get("JwtConfiguration").absent():
		z.Kind = "JWT"
		z.Issuer = e.get("JwtConfiguration").first("issuer", "Issuer").textValue()
		z.Audience = e.get("JwtConfiguration").first("audience", "Audience").list()
	}
	target := e.get("FunctionArn").textValue()
	b.later(func() { b.decides(z, target, e.key) })
	return z
}

// samHTTPAPI reads AWS::Serverless::HttpApi.
func (b *builder) samHTTPAPI(r *resource) {
	a := &model.API{Resource: r.named("Name"), Kind: model.HTTP}
	b.samHTTPSettings(a, r)
	b.m.APIs = append(b.m.APIs, a)
}

func (b *builder) samHTTPSettings(a *model.API, r *resource) {
	auth := r.get("Auth")
	for _, z := range entriesOf(auth.get("Authorizers")) {
		a.Authorizers = append(a.Authorizers, b.samAuthorizer(z))
	}
	a.DefaultAuth = mapped(auth.get("DefaultAuthorizer").str(), authName)
	a.CORS = cors(r.get("CorsConfiguration"))
	a.Stages = []*model.Stage{{Pos: r.Pos, ID: r.ID + "Stage", Name: r.get("StageName").textValue(), Logs: r.get("AccessLogSettings", "DestinationArn").textValue(),
		Throttle: throttle(r.get("DefaultRouteSettings"), "ThrottlingRateLimit", "ThrottlingBurstLimit"), Implicit: r.Implicit}}
	if v := r.get("Domain", "SecurityPolicy").str(); !v.Absent() {
		a.MinTLS = mapped(v, tlsVersion)
	}
	b.openAPI(a, r, r.get("DefinitionBody"))
	if uri := r.get("DefinitionUri"); !uri.absent() {
		b.openAPI(a, r, r.t.file(uri.str(), r.node.At("Properties", "DefinitionUri")))
	}
}

// The ids of the APIs that SAM makes for events which name none.
const (
	implicitREST = "ServerlessRestApi"
	implicitHTTP = "ServerlessHttpApi"
)

// implicitAPIs makes those that events of the template need.
func (t *template) implicitAPIs(b *builder) {
	for _, row := range [...]struct {
		id, section string
		kind        model.APIKind
		fill        func(*model.API, *resource)
	}{{implicitREST, "Api", model.REST, b.samSettings}, {implicitHTTP, "HttpApi", model.HTTP, b.samHTTPSettings}} {
		use, ok := t.implicit[row.id]
		if !ok || t.resources[row.id] != nil {
			continue
		}
		globals := t.root.At("Globals", row.section)
		if globals == nil {
			globals = doc.NewMap(t.root)
		}
		r := &resource{t: t, node: t.root, Resource: model.Resource{Pos: use, ID: t.prefix + row.id, Cloud: model.AWS, Type: "AWS::Serverless::" + row.section, Implicit: true}}
		r.props = t.eval(globals)
		if len(globals.Members) > 0 {
			r.Pos = t.pos(globals)
		}
		a := &model.API{Resource: r.Resource, Kind: row.kind}
		row.fill(a, r)
		b.m.APIs = append(b.m.APIs, a)
	}
}

// Merge puts one tree over another, as Globals are merged into resources.
func Merge(under, over *doc.Node) *doc.Node { return merge(under, over) }
