package cloudformation

import (
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// common reads what AWS::Lambda::Function and AWS::Serverless::Function call the same.
func (r *resource) common() *model.Function {
	f := &model.Function{
		Resource: r.named("FunctionName"), Runtime: r.get("Runtime").str(), Handler: r.get("Handler").str(), PackageType: r.get("PackageType").str(),
		Architectures: r.get("Architectures").list(), TimeoutS: r.get("Timeout").int(), MemoryMB: r.get("MemorySize").int(),
		EphemeralMB: r.get("EphemeralStorage", "Size").int(), Concurrency: r.get("ReservedConcurrentExecutions").int(),
		Layers: r.get("Layers").list(), KMSKey: r.get("KmsKeyArn").textValue(), CodeSigning: r.get("CodeSigningConfigArn").textValue(),
		LogGroup: r.get("LoggingConfig", "LogGroup").textValue(), LogFormat: r.get("LoggingConfig", "LogFormat").str(), Role: r.get("Role").textValue(),
	}
	f.Env, f.EnvOpen = r.variables()
	f.Network = network(r.get("VpcConfig"))
	return f
}

// variables reads the environment. References to parameters stay references, so
// that what feeds a variable is seen.
func (r *resource) variables() (vars []model.Variable, open bool) {
	all := r.get("Environment", "Variables")
	open = all.open
	seen := map[string]int{}
	for _, v := range all.vals {
		if !v.node.Is(doc.Map) {
			open = true
			continue
		}
		for _, m := range v.node.All() {
			if m.Key == "Fn::Transform" { // beside other members; alone it has been put in
				open = true
				v.in.include(v.node, m.Value, 1)
				continue
			}
			x := v.in.literal(m.Value).textValue()
			x.Maybe = x.Maybe || all.maybe || len(all.vals) > 1
			if x.File == "" {
				x.Pos = v.in.pos(m.Value)
			}
			if i, ok := seen[m.Key]; ok {
				vars[i].Value.Alts = append(vars[i].Value.Alts, x.Alts...)
				vars[i].Value.Open = vars[i].Value.Open || x.Open
				continue
			}
			seen[m.Key] = len(vars)
			vars = append(vars, model.Variable{Pos: x.Pos, Name: m.Key, Value: x})
		}
	}
	return vars, open
}

func network(r result) *model.Network {
	if r.absent() {
		return nil
	}
	n := &model.Network{Pos: r.pos, Subnets: r.get("SubnetIds").list(), SecurityGroups: r.get("SecurityGroupIds").list(), Maybe: r.maybe}
	if n.Subnets.Absent() && n.SecurityGroups.Absent() {
		return nil
	}
	return n
}

func (b *builder) lambdaFunction(r *resource) {
	f := r.common()
	f.Tracing = r.get("TracingConfig", "Mode").str()
	f.DeadLetter = r.get("DeadLetterConfig", "TargetArn").textValue()
	code := r.get("Code")
	whole := code
	code.vals = entryMaps(code)
	f.Code = model.Code{Pos: code.pos, Bucket: code.get("S3Bucket").textValue(), Key: code.get("S3Key").textValue(), Image: code.get("ImageUri").textValue()}
	f.Code.Inline = !code.get("ZipFile").absent()
	if len(whole.vals) == 1 && whole.vals[0].node == nil { // "aws cloudformation package" takes a path
		f.Code.Path = r.t.local(whole.textValue())
	}
	if asset := r.node.At("Metadata", "aws:asset:path"); asset != nil { // CDK
		f.Code.Path = r.t.local(r.t.eval(asset).textValue())
	}
	b.add(f)
}

// local makes a path beside the template one from the root of its source.
func (t *template) local(v model.Value[model.Text]) model.Value[model.Text] {
	return mapped(v, func(x model.Text) model.Text {
		s, ok := x.Literal()
		if !ok || strings.Contains(s, "://") {
			return x
		}
		return model.Lit(x.Pos, path.Join(path.Dir(t.name), s))
	})
}

// add takes a function into the model and links its role.
func (b *builder) add(f *model.Function) {
	b.m.Functions = append(b.m.Functions, f)
	b.later(func() {
		for _, x := range f.Role.Alts {
			for _, role := range b.m.Roles {
				if role.Denotes(x) {
					f.Roles = append(f.Roles, role.ID)
				}
			}
		}
	})
}

// lambdaAlias reads aliases and versions, which stand for their function.
func (b *builder) lambdaAlias(r *resource) {
	of := r.get("FunctionName").textValue()
	provisioned := r.get("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions").int()
	b.later(func() {
		for _, x := range of.Alts {
			for _, f := range b.functionsOf(x) {
				b.function[r.ID] = f.ID
				if !provisioned.Absent() {
					f.Provisioned = provisioned
				}
			}
		}
	})
}

// endpoint reads the configuration of a function URL.
func endpoint(r result) *model.Endpoint {
	if r.absent() {
		return nil
	}
	return &model.Endpoint{Pos: r.pos, Auth: r.get("AuthType").str(), CORS: cors(r.get("Cors")), Maybe: r.maybe}
}

// cors reads CORS as function URLs and HTTP APIs write it.
func cors(r result) *model.CORS {
	if r.absent() {
		return nil
	}
	if on := r.bool(); len(on.Alts) > 0 { // "true" of HTTP APIs is every origin
		if !on.Any(func(on bool) bool { return on }) {
			return nil
		}
		return &model.CORS{Pos: r.pos, Origins: texts(r.pos, "*")}
	}
	return &model.CORS{Pos: r.pos, Origins: r.get("AllowOrigins").list(), Methods: r.get("AllowMethods").list(), Headers: r.get("AllowHeaders").list(),
		Credentials: r.get("AllowCredentials").bool()}
}

func (b *builder) lambdaURL(r *resource) {
	e := endpoint(r.props)
	e.Pos, e.Maybe = r.Pos, r.Maybe
	if auth := r.get("AuthType"); auth.pos.File != "" {
		e.Pos = auth.pos
	}
	target := r.get("TargetFunctionArn").textValue()
	b.later(func() {
		for _, x := range target.Alts {
			for _, f := range b.functionsOf(x) {
				b.address(f, e, r.ID)
			}
		}
	})
}

// address gives a function a URL, which is a trigger too.
func (b *builder) address(f *model.Function, e *model.Endpoint, id string) {
	if e == nil {
		return
	}
	f.Endpoint = e
	f.Triggers = append(f.Triggers, &model.Trigger{Pos: e.Pos, ID: id, Type: "AWS::Lambda::Url", Kind: fnvet.TriggerURL, Maybe: e.Maybe,
		Route: &model.Route{Pos: e.Pos, Function: f.ID, Auth: mapped(e.Auth, urlAuth)}})
}

// urlAuth is the authentication of a URL in the words of routes.
func urlAuth(s string) string {
	if s == "AWS_IAM" {
		return "IAM"
	}
	return s
}

func (b *builder) lambdaPermission(r *resource) {
	p := &model.Permission{Resource: r.Resource, Function: r.get("FunctionName").textValue(), Action: r.get("Action").str(), Principal: r.get("Principal").textValue(),
		SourceARN: r.get("SourceArn").textValue(), SourceAccount: r.get("SourceAccount").textValue(), Organization: r.get("PrincipalOrgID").textValue(),
		URLAuth: r.get("FunctionUrlAuthType").str(), Token: r.get("EventSourceToken").textValue()}
	b.m.Permissions = append(b.m.Permissions, p)
	b.later(func() {
		for _, x := range p.Function.Alts {
			for _, f := range b.functionsOf(x) {
				p.FunctionID = f.ID
			}
		}
	})
}

// eventInvokeConfig reads what happens to asynchronous calls.
func (b *builder) eventInvokeConfig(r *resource) {
	of := r.get("FunctionName").textValue()
	b.later(func() {
		for _, x := range of.Alts {
			for _, f := range b.functionsOf(x) {
				invokeConfig(f, r.props)
			}
		}
	})
}

func invokeConfig(f *model.Function, r result) {
	if x := r.get("MaximumRetryAttempts").int(); !x.Absent() {
		f.Retries = x
	}
	if x := r.get("MaximumEventAgeInSeconds").int(); !x.Absent() {
		f.MaxAgeS = x
	}
	if x := r.get("DestinationConfig", "OnFailure", "Destination").textValue(); !x.Absent() {
		f.OnFailure = x
	} else if x := r.get("DestinationConfig", "OnFailure"); !x.absent() { // SAM makes a queue or topic itself
		f.OnFailure = model.Unknown[model.Text](x.pos, "SAM makes it")
	}
	if x := r.get("DestinationConfig", "OnSuccess", "Destination").textValue(); !x.Absent() {
		f.OnSuccess = x
	}
}

// eventSourceMapping reads the mapping of a queue, stream or table.
func (b *builder) eventSourceMapping(r *resource) {
	tr := r.mapping(r.get("EventSourceArn"))
	tr.ID, tr.Pos = r.ID, r.Pos
	tr.Kind = b.kindOfSource(r.props, tr.Source, "")
	source := tr.Source
	of := r.get("FunctionName").textValue()
	b.later(func() {
		if tr.Kind == fnvet.TriggerOther {
			tr.Kind = b.kindOfSource(r.props, source, "")
		}
		b.trigger(of, tr)
	})
}

// mapping reads the settings that event source mappings and SAM's events share.
func (r *resource) mapping(source result) model.Trigger {
	return mapping(r.props, source, r.Type, r.Maybe)
}

func mapping(p, source result, typ string, maybe bool) model.Trigger {
	return model.Trigger{Pos: p.pos, Type: typ, Source: source.textValue(), BatchSize: p.get("BatchSize").int(),
		WindowS: p.get("MaximumBatchingWindowInSeconds").int(), Concurrency: p.get("ScalingConfig", "MaximumConcurrency").int(),
		Retries: p.get("MaximumRetryAttempts").int(), MaxAgeS: p.get("MaximumRecordAgeInSeconds").int(), Bisect: p.get("BisectBatchOnFunctionError").bool(),
		OnFailure: p.get("DestinationConfig", "OnFailure", "Destination").textValue(), Enabled: p.get("Enabled").bool(),
		Filtered: !p.get("FilterCriteria").absent(), Partial: contains(p.get("FunctionResponseTypes").list(), "ReportBatchItemFailures"), Maybe: maybe}
}

// contains is whether a list holds a literal, as a value at the list's place.
func contains(l model.List[model.Text], s string) model.Value[bool] {
	if l.Absent() {
		return model.Value[bool]{}
	}
	for _, x := range l.Items {
		if x.Is(s) {
			return model.Is(l.Pos, true)
		}
	}
	return model.Value[bool]{Pos: l.Pos, Alts: []bool{false}, Open: l.Open}
}

// kindOfSource tells from an ARN, or the resource it refers to, what a source is.
func (b *builder) kindOfSource(p result, source model.Value[model.Text], or fnvet.TriggerKind) fnvet.TriggerKind {
	if !p.get("SelfManagedEventSource").absent() {
		return fnvet.TriggerStream
	}
	if !p.get("Queues").absent() {
		return fnvet.TriggerQueue
	}
	if !p.get("DocumentDBEventSourceConfig").absent() {
		return fnvet.TriggerTable
	}
	for _, x := range source.Alts {
		if kind := b.kindOfText(x); kind != "" {
			return kind
		}
	}
	if or != "" {
		return or
	}
	// Only streams have a starting position.
	if !p.get("StartingPosition").absent() {
		return fnvet.TriggerStream
	}
	return fnvet.TriggerOther
}

func (b *builder) kindOfText(x model.Text) fnvet.TriggerKind {
	for _, q := range b.m.Queues {
		if q.Denotes(x) {
			return fnvet.TriggerQueue
		}
	}
	for _, q := range b.m.Tables {
		if q.Denotes(x) {
			if strings.HasPrefix(q.Type, "AWS::Kinesis") || strings.HasPrefix(q.Type, "AWS::MSK") {
				return fnvet.TriggerStream
			}
			return fnvet.TriggerTable
		}
	}
	s := x.String()
	for _, k := range [...]struct {
		part string
		kind fnvet.TriggerKind
	}{{":sqs:", fnvet.TriggerQueue}, {":dynamodb:", fnvet.TriggerTable}, {":kinesis:", fnvet.TriggerStream}, {":kafka:", fnvet.TriggerStream},
		{":mq:", fnvet.TriggerQueue}, {":rds:", fnvet.TriggerTable}, {".stream}", fnvet.TriggerTable}} {
		if strings.Contains(s, k.part) {
			return k.kind
		}
	}
	return ""
}
