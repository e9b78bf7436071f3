package cloudformation

import (
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// event reads one entry of Events.
func (b *builder) event(f *model.Function, r *resource, e element) {
	typ := one(e.get("Type").str())
	p := e.get("Properties")
	if p.absent() {
		p = result{vals: []value{{node: doc.NewMap(r.node), in: r.t}}}
	}
	base := model.Trigger{Pos: e.pos, ID: e.key, Type: typ, Maybe: e.maybe || r.Maybe, Enabled: p.get("Enabled").bool()}
	switch typ {
	case "Api", "HttpApi":
		b.httpEvent(f, r, p, base)
		return
	case "SQS", "Kinesis", "DynamoDB", "MSK", "MQ", "SelfManagedKafka", "DocumentDB":
		tr := mapping(p, p.first("Queue", "Stream", "Broker", "Cluster"), typ, base.Maybe)
		tr.Pos, tr.ID = base.Pos, base.ID
		tr.Kind = map[string]fnvet.TriggerKind{"SQS": fnvet.TriggerQueue, "MQ": fnvet.TriggerQueue, "DynamoDB": fnvet.TriggerTable, "DocumentDB": fnvet.TriggerTable}[typ]
		if tr.Kind == "" {
			tr.Kind = fnvet.TriggerStream
		}
		base = tr
	case "S3":
		base.Kind, base.Source, base.Events = fnvet.TriggerBucket, p.get("Bucket").textValue(), p.get("Events").list()
		keyFilter(&base, p.get("Filter"))
	case "SNS":
		base.Kind, base.Source, base.Filtered = fnvet.TriggerTopic, p.get("Topic").textValue(), !p.get("FilterPolicy").absent()
		base.OnFailure = p.get("RedrivePolicy", "deadLetterTargetArn").textValue()
		if q := p.get("SqsSubscription"); !q.absent() && !q.bool().All(func(on bool) bool { return !on }) {
			base.Kind = fnvet.TriggerQueue // by a queue between them
			base.BatchSize = q.get("BatchSize").int()
		}
	default:
		base = otherEvent(typ, p, base)
	}
	f.Triggers = append(f.Triggers, &base)
}

// otherEvent reads events without settings that matter.
func otherEvent(typ string, p result, tr model.Trigger) model.Trigger {
	tr.OnFailure = p.get("DeadLetterConfig", "Arn").textValue()
	switch typ {
	case "Schedule", "ScheduleV2":
		tr.Kind, tr.Schedule = fnvet.TriggerSchedule, p.first("Schedule", "ScheduleExpression").str()
		if state := p.get("State").str(); tr.Enabled.Absent() && !state.Absent() {
			tr.Enabled = mappedBool(state, "ENABLED")
		}
	case "CloudWatchEvent", "EventBridgeRule":
		tr.Kind, tr.Source, tr.Filtered = fnvet.TriggerBus, p.get("EventBusName").textValue(), !p.get("Pattern").absent()
	case "CloudWatchLogs":
		tr.Kind, tr.Source = fnvet.TriggerLogs, p.get("LogGroupName").textValue()
	case "IoTRule":
		tr.Kind, tr.Source = fnvet.TriggerIoT, p.get("Sql").textValue()
	case "Cognito":
		tr.Kind, tr.Source = fnvet.TriggerIdentity, p.get("UserPool").textValue()
	case "ALB", "CloudFront": // of the Serverless Framework
		tr.Kind, tr.Route = fnvet.TriggerHTTP, &model.Route{Pos: tr.Pos, Path: p.get("Path").str(), Method: p.get("Method").str()}
		if a := p.get("Authorizer"); !a.absent() {
			tr.Route.Auth = model.Is(a.pos, "JWT")
		}
	default:
		tr.Kind = fnvet.TriggerOther
	}
	return tr
}

// httpEvent reads an Api or HttpApi event.
func (b *builder) httpEvent(f *model.Function, r *resource, p result, tr model.Trigger) {
	auth := p.get("Auth")
	route := &model.Route{Pos: tr.Pos, Method: mapped(p.get("Method").str(), methodName), Path: p.get("Path").str(), Function: f.ID, Key: auth.get("ApiKeyRequired").bool(),
		Validated: p.get("RequestModel", "ValidateBody").bool(), WaitMS: p.get("TimeoutInMillis").int()}
	if tr.Type == "HttpApi" && route.Path.Absent() {
		route.Path, route.Method = model.Is(tr.Pos, "$default"), model.Is(tr.Pos, "ANY")
	}
	if !p.get("RequestParameters").absent() && route.Validated.Absent() {
		route.Validated = p.get("RequestModel", "ValidateParameters").bool()
	}
	if t := p.get("RouteSettings"); !t.absent() {
		route.Throttle = throttle(t, "ThrottlingRateLimit", "ThrottlingBurstLimit")
	}
	named := auth.get("Authorizer").str()
	tr.Kind, tr.Route = fnvet.TriggerHTTP, route
	f.Triggers = append(f.Triggers, &tr)
	of, id := p.first("RestApiId", "ApiId"), implicitREST
	if tr.Type == "HttpApi" {
		id = implicitHTTP
	}
	target := of.textValue()
	if of.absent() {
		if _, ok := r.t.implicit[id]; !ok {
			r.t.implicit[id] = tr.Pos
		}
		target = model.Is(tr.Pos, model.To(tr.Pos, model.RefResource, r.t.prefix+id, ""))
	}
	b.later(func() { b.placeRoute(&tr, named, target) })
}

func methodName(s string) string {
	if s = strings.ToUpper(s); s == "*" || s == "X-AMAZON-APIGATEWAY-ANY-METHOD" {
		return "ANY"
	}
	return s
}

// placeRoute puts the route of an event into its API and finds its authorizer there.
func (b *builder) placeRoute(tr *model.Trigger, named model.Value[string], of model.Value[model.Text]) {
	route := tr.Route
	if !named.Absent() {
		route.Auth = mapped(named, authName)
	}
	apis := b.apisOf(of)
	for _, a := range apis {
		tr.API = a.ID
		for _, z := range a.Authorizers {
			if named.Any(func(s string) bool { return s == z.ID }) {
				route.Authorizer = z.ID
				route.Auth = mapped(route.Auth, func(s string) string {
					if s == z.ID {
						return z.Kind
					}
					return s
				})
			}
		}
		a.Routes = append(a.Routes, route)
	}
	if len(apis) == 0 && route.Auth.Absent() {
		route.Auth = model.Unknown[string](route.Pos, "the API is stated elsewhere")
	}
}
