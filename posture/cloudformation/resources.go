package cloudformation

import (
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

func (b *builder) queue(r *resource) {
	q := &model.Queue{Resource: r.named("QueueName"), VisibilityS: r.get("VisibilityTimeout").int(), RetentionS: r.get("MessageRetentionPeriod").int(),
		FIFO: r.get("FifoQueue").bool(), DeadLetter: r.get("RedrivePolicy", "deadLetterTargetArn").textValue(), MaxReceive: r.get("RedrivePolicy", "maxReceiveCount").int(),
		KMSKey: r.get("KmsMasterKeyId").textValue()}
	b.m.Queues = append(b.m.Queues, q)
}

func (b *builder) topic(r *resource) {
	b.m.Topics = append(b.m.Topics, &model.Topic{Resource: r.named("TopicName"), KMSKey: r.get("KmsMasterKeyId").textValue()})
	subscriptions, _ := r.get("Subscription").elements()
	for _, s := range subscriptions {
		b.subscribe(s.result(), model.Is(r.Pos, model.To(r.Pos, model.RefResource, r.ID, "arn")), model.Trigger{Pos: s.pos, ID: r.ID, Type: r.Type, Maybe: s.maybe})
	}
}

func (b *builder) subscription(r *resource) {
	b.subscribe(r.props, r.get("TopicArn").textValue(), model.Trigger{Pos: r.Pos, ID: r.ID, Type: r.Type, Maybe: r.Maybe})
}

// subscribe makes a trigger of a subscription to a topic, if a function has it.
func (b *builder) subscribe(p result, topic model.Value[model.Text], tr model.Trigger) {
	if !p.get("Protocol").str().Any(func(s string) bool { return s == "lambda" }) {
		return
	}
	tr.Kind, tr.Source = fnvet.TriggerTopic, topic
	tr.Filtered = !p.get("FilterPolicy").absent()
	tr.OnFailure = p.get("RedrivePolicy", "deadLetterTargetArn").textValue()
	b.trigger(p.get("Endpoint").textValue(), tr)
}

func (b *builder) bucket(r *resource) {
	q := &model.Bucket{Resource: r.named("BucketName"), ACL: mapped(r.get("AccessControl").str(), aclName), BlockPublic: r.blockPublic()}
	q.Versioned = mappedBool(r.get("VersioningConfiguration", "Status").str(), "Enabled")
	q.EventBus = r.get("NotificationConfiguration", "EventBridgeConfiguration", "EventBridgeEnabled").bool()
	if encryption, _ := r.get("BucketEncryption", "ServerSideEncryptionConfiguration").elements(); len(encryption) > 0 {
		q.KMSKey = encryption[0].get("ServerSideEncryptionByDefault", "KMSMasterKeyID").textValue()
	}
	b.m.Buckets = append(b.m.Buckets, q)
	notifications, _ := r.get("NotificationConfiguration", "LambdaConfigurations").elements()
	for _, n := range notifications {
		tr := model.Trigger{Pos: n.pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerBucket, Maybe: n.maybe,
			Source: model.Is(r.Pos, model.To(r.Pos, model.RefResource, r.ID, "")), Events: n.get("Event").list()}
		keyFilter(&tr, n.get("Filter"))
		b.trigger(n.get("Function").textValue(), tr)
	}
}

// keyFilter reads the prefix and suffix of S3 notifications.
func keyFilter(tr *model.Trigger, filter result) {
	rules, _ := filter.first("S3Key", "Key").get("Rules").elements()
	for _, rule := range rules {
		v := rule.get("Value").textValue()
		switch strings.ToLower(one(rule.get("Name").str())) {
		case "prefix":
			tr.Prefix = v
		case "suffix":
			tr.Suffix = v
		}
	}
}

// aclName writes a canned ACL as the S3 API does.
func aclName(s string) string {
	switch s {
	case "PublicRead":
		return "public-read"
	case "PublicReadWrite":
		return "public-read-write"
	case "AuthenticatedRead":
		return "authenticated-read"
	}
	return s
}

func mappedBool(v model.Value[string], is string) model.Value[bool] {
	out := model.Value[bool]{Pos: v.Pos, Open: v.Open, Maybe: v.Maybe, Why: v.Why}
	for _, s := range v.Alts {
		out.Alts = append(out.Alts, s == is)
	}
	return out
}

// blockPublic is true when all four settings are on. Those that are not stated
// beside stated ones are off.
func (r *resource) blockPublic() model.Value[bool] {
	block := r.get("PublicAccessBlockConfiguration")
	if block.absent() {
		return model.Value[bool]{}
	}
	out := model.Value[bool]{Pos: block.pos}
	all := true
	for _, key := range [...]string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		v := block.get(key).bool()
		out.Open = out.Open || v.Open
		all = all && !v.May(false, func(on bool) bool { return !on })
	}
	if all || !out.Open {
		out.Alts = []bool{all}
	}
	return out
}

func (b *builder) table(r *resource) {
	t := &model.Table{Resource: r.Resource, Stream: mappedAny(r.get("StreamSpecification"))}
	t.Name = r.first("TableName", "Name", "ClusterName", "DBClusterIdentifier").textValue()
	t.KMSKey = r.get("SSESpecification", "KMSMasterKeyId").textValue()
	t.Statements, _ = statements(r.get("ResourcePolicy", "PolicyDocument"))
	b.m.Tables = append(b.m.Tables, t)
}

// mappedAny is true where something is stated.
func mappedAny(r result) model.Value[bool] {
	if r.absent() {
		return model.Value[bool]{}
	}
	return model.Value[bool]{Pos: r.pos, Alts: []bool{true}, Maybe: r.maybe}
}

func (b *builder) logGroup(r *resource) {
	b.m.LogGroups = append(b.m.LogGroups, &model.LogGroup{Resource: r.named("LogGroupName"), RetentionDays: r.get("RetentionInDays").int(), KMSKey: r.get("KmsKeyId").textValue()})
}

func (b *builder) logSubscription(r *resource) {
	b.trigger(r.get("DestinationArn").textValue(), model.Trigger{Pos: r.Pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerLogs, Maybe: r.Maybe,
		Source: r.get("LogGroupName").textValue(), Filtered: one(r.get("FilterPattern").str()) != ""})
}

func (b *builder) eventRule(r *resource) {
	targets, _ := r.get("Targets").elements()
	for _, x := range targets {
		tr := model.Trigger{Pos: r.Pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerBus, Maybe: r.Maybe || x.maybe, Source: r.get("EventBusName").textValue(),
			Filtered: !r.get("EventPattern").absent(), Schedule: r.get("ScheduleExpression").str(), Enabled: mappedBool(r.get("State").str(), "ENABLED")}
		if !tr.Schedule.Absent() {
			tr.Kind = fnvet.TriggerSchedule
		}
		if tr.Enabled.Absent() {
			tr.Enabled = model.Value[bool]{}
		}
		tr.OnFailure = x.get("DeadLetterConfig", "Arn").textValue()
		tr.MaxAgeS, tr.Retries = x.get("RetryPolicy", "MaximumEventAgeInSeconds").int(), x.get("RetryPolicy", "MaximumRetryAttempts").int()
		b.trigger(x.get("Arn").textValue(), tr)
	}
}

func (b *builder) schedule(r *resource) {
	b.trigger(r.get("Target", "Arn").textValue(), model.Trigger{Pos: r.Pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerSchedule, Maybe: r.Maybe,
		Schedule: r.get("ScheduleExpression").str(), OnFailure: r.get("Target", "DeadLetterConfig", "Arn").textValue()})
}

func (b *builder) iotRule(r *resource) {
	actions, _ := r.get("TopicRulePayload", "Actions").elements()
	for _, a := range actions {
		b.trigger(a.get("Lambda", "FunctionArn").textValue(), model.Trigger{Pos: r.Pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerIoT, Maybe: r.Maybe || a.maybe, Source: r.get("TopicRulePayload", "Sql").textValue()})
	}
}

// userPool reads the functions that Cognito calls.
func (b *builder) userPool(r *resource) {
	calls, _ := r.get("LambdaConfig").entries()
	for _, c := range calls {
		target := c.result().textValue()
		if c.node.Is(doc.Map) {
			target = c.get("LambdaArn").textValue()
		}
		b.trigger(target, model.Trigger{Pos: c.pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerIdentity, Maybe: c.maybe, Source: model.Is(r.Pos, model.To(r.Pos, model.RefResource, r.ID, ""))})
	}
}

func (b *builder) receiptRule(r *resource) {
	actions, _ := r.get("Rule", "Actions").elements()
	for _, a := range actions {
		b.trigger(a.get("LambdaAction", "FunctionArn").textValue(), model.Trigger{Pos: r.Pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerMail, Maybe: r.Maybe || a.maybe})
	}
}

func (b *builder) rotation(r *resource) {
	b.trigger(r.get("RotationLambdaARN").textValue(), model.Trigger{Pos: r.Pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerOther, Maybe: r.Maybe, Source: r.get("SecretId").textValue()})
}

func (b *builder) alarm(r *resource) {
	a := &model.Alarm{Resource: r.named("AlarmName"), Namespace: r.get("Namespace").str(), Metric: r.get("MetricName").str(), Actions: r.get("AlarmActions").list()}
	sources := []result{r.props}
	metrics, _ := r.get("Metrics").elements()
	for _, x := range metrics {
		stat := x.get("MetricStat", "Metric")
		if a.Metric.Absent() {
			a.Namespace, a.Metric = stat.get("Namespace").str(), stat.get("MetricName").str()
		}
		sources = append(sources, stat)
	}
	for _, s := range sources {
		dimensions, _ := s.get("Dimensions").elements()
		for _, d := range dimensions {
			a.Targets.Items = append(a.Targets.Items, d.get("Value").list().Items...)
		}
	}
	b.m.Alarms = append(b.m.Alarms, a)
}

func (b *builder) budget(r *resource) {
	notes := r.first("NotificationsWithSubscribers", "Subscribers")
	b.m.Budgets = append(b.m.Budgets, &model.Budget{Resource: r.Resource, Limit: r.get("Budget", "BudgetLimit", "Amount").float(), Notifies: !notes.absent()})
}

func (b *builder) securityGroup(r *resource) {
	g := &model.SecurityGroup{Resource: r.named("GroupName"), Egress: rules(r.get("SecurityGroupEgress")), Ingress: rules(r.get("SecurityGroupIngress"))}
	b.m.SecurityGroups = append(b.m.SecurityGroups, g)
}

func rules(r result) model.List[model.Rule] {
	out := model.List[model.Rule]{Pos: r.pos, Open: r.open, Maybe: r.maybe && len(r.vals) > 0}
	items, open := r.elements()
	out.Open = out.Open || open
	for _, e := range items {
		out.Items = append(out.Items, rule(e.result()))
	}
	return out
}

func rule(r result) model.Rule {
	return model.Rule{Pos: r.pos, Protocol: r.get("IpProtocol").str(), From: r.get("FromPort").int(), To: r.get("ToPort").int(),
		CIDR: r.first("CidrIp", "CidrIpv6", "DestinationSecurityGroupId", "SourceSecurityGroupId", "DestinationPrefixListId").textValue()}
}

// securityGroupRule reads a rule that is a resource of its own.
func (b *builder) securityGroupRule(r *resource) {
	of := r.get("GroupId").textValue()
	one := rule(r.props)
	one.Pos = r.Pos
	b.later(func() {
		for _, g := range b.m.SecurityGroups {
			if !g.May(of) {
				continue
			}
			list := &g.Ingress
			if strings.HasSuffix(r.Type, "Egress") {
				list = &g.Egress
			}
			list.Items = append(list.Items, one)
			if list.File == "" {
				list.Pos = r.Pos
			}
		}
	})
}

// distribution reads the functions at the edge.
func (b *builder) distribution(r *resource) {
	config := r.get("DistributionConfig")
	behaviours, _ := config.get("CacheBehaviors").elements()
	all := append([]result{config.get("DefaultCacheBehavior")}, nil...)
	for _, x := range behaviours {
		all = append(all, x.result())
	}
	for _, behaviour := range all {
		functions, _ := behaviour.get("LambdaFunctionAssociations").elements()
		for _, f := range functions {
			b.trigger(f.get("LambdaFunctionARN").textValue(), model.Trigger{Pos: f.pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerHTTP, Maybe: r.Maybe,
				Route: &model.Route{Pos: f.pos}})
		}
	}
}
