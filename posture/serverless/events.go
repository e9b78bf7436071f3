package serverless

import (
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
)

// eventOf is the kind and settings of one event.
func eventOf(e *doc.Node) (string, *doc.Node) {
	if s, ok := e.Scalar(); ok { // "- alexaSkill"
		return s, doc.NewMap(e)
	}
	all := e.All()
	if len(all) == 0 {
		return "", nil
	}
	v := all[0].Value
	if v == nil || v.Kind == doc.Null {
		v = doc.NewMap(e)
	}
	return all[0].Key, v
}

// arnOf is the ARN of an event source: the value itself, or its arn.
func arnOf(v *doc.Node) *doc.Node {
	if a := v.Get("arn"); a != nil {
		return a
	}
	if _, ok := v.Scalar(); ok || v.Is(doc.Map) && len(v.Members) == 1 && strings.HasPrefix(v.Members[0].Key, "Fn::") {
		return v
	}
	return nil
}

func streamType(v, from *doc.Node) string {
	kind := v.Get("type").Str()
	if kind == "" {
		kind = strings.ToLower(from.Str())
		for _, part := range list(from.Get("Fn::GetAtt")) {
			kind += strings.ToLower(part.Str())
		}
	}
	if strings.Contains(kind, "dynamodb") || strings.Contains(kind, "streamarn") {
		return "DynamoDB"
	}
	return "Kinesis"
}

// events writes the events of a function as SAM does, those that SAM has not as
// resources or events of its own kind.
func (s *service) events(f *function) *doc.Node {
	var out []doc.Member
	for i, e := range f.node.Get("events").Elements() {
		kind, v := eventOf(e)
		if kind == "" {
			continue
		}
		typ, props := s.event(f, kind, v)
		if typ == "" {
			continue
		}
		id := alnum(kind) + string(rune('A'+i%26)) + strings.Repeat("x", i/26)
		out = append(out, doc.Pair(id, doc.NewMap(v, doc.Pair("Type", doc.New(v, typ)), doc.Pair("Properties", doc.NewMap(v, compact(props)...)))))
	}
	if len(out) == 0 {
		return nil
	}
	return doc.NewMap(f.node.Get("events"), out...)
}

// event is the type and properties of one event. "" when a resource says it all.
func (s *service) event(f *function, kind string, v *doc.Node) (string, []doc.Member) {
	pair := doc.Pair
	switch kind {
	case "http":
		return "Api", s.restEvent(v)
	case "httpApi":
		return "HttpApi", s.httpEvent(v)
	case "websocket":
		s.websocket(f, v)
		return "", nil
	case "sqs":
		return "SQS", append(mapping(v), pair("Queue", arnOf(v)))
	case "stream":
		from := arnOf(v)
		if from == nil {
			return "", nil
		}
		return streamType(v, from), append(mapping(v), pair("Stream", from))
	case "kafka", "msk":
		return map[string]string{"kafka": "SelfManagedKafka", "msk": "MSK"}[kind], append(mapping(v), pair("Stream", v.Get("arn")))
	case "activemq", "rabbitmq":
		return "MQ", append(mapping(v), pair("Broker", v.Get("arn")))
	case "documentdb":
		return "DocumentDB", append(mapping(v), pair("Cluster", v.Get("arn")))
	case "s3":
		return "S3", s.bucket(v)
	case "sns":
		return "SNS", s.topic(v)
	case "schedule":
		rate := first(v.Get("rate"), v)
		if rate.Is(doc.List) && len(rate.Items) > 0 {
			rate = rate.Items[0]
		}
		return "Schedule", []doc.Member{pair("Schedule", rate), pair("Enabled", v.Get("enabled"))}
	case "eventBridge":
		if rate := v.Get("schedule"); rate != nil {
			return "Schedule", append(retry(v), pair("Schedule", rate), pair("Enabled", v.Get("enabled")))
		}
		return "EventBridgeRule", append(retry(v), pair("Pattern", v.Get("pattern")), pair("EventBusName", v.Get("eventBus")), pair("Enabled", v.Get("enabled")))
	case "cloudwatchEvent":
		return "CloudWatchEvent", []doc.Member{pair("Pattern", v.Get("event")), pair("Enabled", v.Get("enabled"))}
	case "cloudwatchLog":
		return "CloudWatchLogs", []doc.Member{pair("LogGroupName", first(v.Get("logGroup"), v))}
	case "iot":
		return "IoTRule", []doc.Member{pair("Sql", v.Get("sql")), pair("Enabled", v.Get("enabled"))}
	case "cognitoUserPool":
		return "Cognito", []doc.Member{pair("UserPool", v.Get("pool"))}
	case "alb":
		return "ALB", []doc.Member{pair("Path", firstOf(v.At("conditions", "path"))), pair("Method", firstOf(v.At("conditions", "method"))), pair("Authorizer", v.Get("authorizer"))}
	case "cloudFront":
		return "CloudFront", nil
	}
	return "Other:" + kind, nil
}

func firstOf(n *doc.Node) *doc.Node {
	if all := list(n); len(all) > 0 {
		return all[0]
	}
	return nil
}

func retry(v *doc.Node) []doc.Member {
	if to := v.Get("deadLetterQueueArn"); to != nil {
		return []doc.Member{doc.Pair("DeadLetterConfig", doc.NewMap(to, doc.Pair("Arn", to)))}
	}
	return nil
}

// mapping writes the settings of event source mappings with CloudFormation's keys.
func mapping(v *doc.Node) []doc.Member {
	out := []doc.Member{doc.Pair("BatchSize", v.Get("batchSize")), doc.Pair("MaximumBatchingWindowInSeconds", first(v.Get("maximumBatchingWindow"), v.Get("batchWindow"))),
		doc.Pair("MaximumRetryAttempts", v.Get("maximumRetryAttempts")), doc.Pair("MaximumRecordAgeInSeconds", v.Get("maximumRecordAgeInSeconds")),
		doc.Pair("BisectBatchOnFunctionError", v.Get("bisectBatchOnFunctionError")), doc.Pair("Enabled", v.Get("enabled")), doc.Pair("FilterCriteria", v.Get("filterPatterns"))}
	if n := v.Get("maximumConcurrency"); n != nil {
		out = append(out, doc.Pair("ScalingConfig", doc.NewMap(n, doc.Pair("MaximumConcurrency", n))))
	}
	if n := v.Get("functionResponseType"); n != nil {
		out = append(out, doc.Pair("FunctionResponseTypes", doc.NewList(n, n)))
	}
	if to := v.At("destinations", "onFailure"); to != nil {
		if a := to.Get("arn"); a != nil {
			to = a
		}
		out = append(out, doc.Pair("DestinationConfig", doc.NewMap(to, doc.Pair("OnFailure", doc.NewMap(to, doc.Pair("Destination", to))))))
	}
	return out
}

// bucket writes an S3 event and the bucket that the framework makes for it.
func (s *service) bucket(v *doc.Node) []doc.Member {
	name := first(v.Get("bucket"), v)
	settings := s.provider("s3", name.Str())
	if n := settings.Get("name"); n != nil {
		name = n
	}
	if text, ok := name.Scalar(); ok && !v.Get("existing").True() && !s.names[text] {
		id := "S3Bucket" + alnum(text)
		if !s.names[id] {
			s.put(id, name, "AWS::S3::Bucket", doc.Pair("BucketName", name), doc.Pair("AccessControl", settings.Get("accessControl")),
				doc.Pair("PublicAccessBlockConfiguration", settings.Get("publicAccessBlockConfiguration")))
		}
		name = doc.NewMap(name, doc.Pair("Ref", doc.New(name, id)))
	}
	var rules []*doc.Node
	for _, r := range v.Get("rules").Elements() {
		for _, m := range r.All() {
			rules = append(rules, doc.NewMap(r, doc.Pair("Name", doc.New(m.Value, m.Key)), doc.Pair("Value", m.Value)))
		}
	}
	events := first(v.Get("event"), v.Get("events"), doc.New(v, "s3:ObjectCreated:*"))
	out := []doc.Member{doc.Pair("Bucket", name), doc.Pair("Events", events)}
	if len(rules) > 0 {
		out = append(out, doc.Pair("Filter", doc.NewMap(v, doc.Pair("S3Key", doc.NewMap(v, doc.Pair("Rules", doc.NewList(v, rules...)))))))
	}
	return out
}

// topic writes an SNS event and the topic that the framework makes for a mere name.
func (s *service) topic(v *doc.Node) []doc.Member {
	from := first(v.Get("arn"), v.Get("topicName"), v)
	if v.Is(doc.Map) && arnOf(v) == v {
		from = v
	}
	if name, ok := from.Scalar(); ok && !strings.HasPrefix(name, "arn:") && v.Get("arn") == nil {
		id := "SNSTopic" + alnum(name)
		s.put(id, from, "AWS::SNS::Topic", doc.Pair("TopicName", from), doc.Pair("KmsMasterKeyId", v.Get("kmsMasterKeyId")))
		from = doc.NewMap(from, doc.Pair("Ref", doc.New(from, id)))
	}
	return []doc.Member{doc.Pair("Topic", from), doc.Pair("FilterPolicy", v.Get("filterPolicy")), doc.Pair("RedrivePolicy", redrive(v.Get("redrivePolicy")))}
}

func redrive(n *doc.Node) *doc.Node {
	to := first(n.Get("deadLetterTargetArn"), n.Get("deadLetterTargetRef"), n.At("deadLetterTargetImport", "arn"))
	if to == nil {
		return nil
	}
	return doc.NewMap(to, doc.Pair("deadLetterTargetArn", to))
}

// websocket writes a route of the service's WebSocket API.
func (s *service) websocket(f *function, v *doc.Node) {
	route := first(v.Get("route"), v)
	key, ok := route.Scalar()
	if !ok {
		return
	}
	api := doc.NewMap(v, doc.Pair("Ref", doc.New(v, "WebsocketsApi")))
	s.implicit["WebsocketsApi"] = true
	s.put("WebsocketsApi", v, "AWS::ApiGatewayV2::Api", doc.Pair("Name", doc.New(v, s.stage()+"-"+s.serviceName()+"-websockets")), doc.Pair("ProtocolType", doc.New(v, "WEBSOCKET")))
	s.put("WebsocketsDeploymentStage", v, "AWS::ApiGatewayV2::Stage", doc.Pair("ApiId", api), doc.Pair("StageName", doc.New(v, s.stage())))
	integration := normal(f.key) + "WebsocketsIntegration"
	s.put(integration, v, "AWS::ApiGatewayV2::Integration", doc.Pair("ApiId", api), doc.Pair("IntegrationUri", arn(v, f.id)))
	props := []doc.Member{doc.Pair("ApiId", api), doc.Pair("RouteKey", route), doc.Pair("Target", doc.NewMap(v, doc.Pair("Ref", doc.New(v, integration))))}
	if a := v.Get("authorizer"); a != nil {
		kind := "CUSTOM"
		if strings.EqualFold(a.Str(), "aws_iam") {
			kind = "AWS_IAM"
		} else {
			id := s.requestAuthorizer("Websockets", a, api)
			props = append(props, doc.Pair("AuthorizerId", doc.NewMap(a, doc.Pair("Ref", doc.New(a, id)))))
		}
		props = append(props, doc.Pair("AuthorizationType", doc.New(a, kind)))
	}
	s.put("S"+alnum(strings.ReplaceAll(key, "$", "S"))+"WebsocketsRoute", v, "AWS::ApiGatewayV2::Route", props...)
}

// requestAuthorizer writes an authorizer that is a function.
func (s *service) requestAuthorizer(prefix string, a, api *doc.Node) string {
	name := first(a.Get("name"), a)
	id := alnum(name.Str()) + prefix + "Authorizer"
	s.put(id, a, "AWS::ApiGatewayV2::Authorizer", doc.Pair("ApiId", api), doc.Pair("AuthorizerType", doc.New(a, "REQUEST")), doc.Pair("AuthorizerUri", s.functionNamed(a, name)))
	return id
}

// functionNamed is the ARN of a function by its key, or what is stated.
func (s *service) functionNamed(a, name *doc.Node) *doc.Node {
	if given := a.Get("arn"); given != nil {
		return given
	}
	key := name.Str()
	if k := a.Get("functionName"); k != nil {
		key = k.Str()
	}
	return arn(a, normal(key)+"LambdaFunction")
}
