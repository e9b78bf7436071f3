package terraform

import (
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// document is what a property holds as JSON: text, or what jsonencode was given.
func (p prop) document() prop {
	out := p
	out.alts = nil
	for _, a := range p.alts {
		if d := eval.Decode(a); d != nil {
			a = d
		}
		out.alts = append(out.alts, a)
	}
	return out
}

func queue(b *builder, r *res) {
	redrive := r.get("redrive_policy").document()
	q := &model.Queue{Resource: r.named("name", "name_prefix"), VisibilityS: r.get("visibility_timeout_seconds").int(), RetentionS: r.get("message_retention_seconds").int(),
		FIFO: r.get("fifo_queue").bool(), DeadLetter: redrive.get("deadLetterTargetArn").text(), MaxReceive: redrive.get("maxReceiveCount").int(),
		KMSKey: r.get("kms_master_key_id").text()}
	if !redrive.absent() && q.DeadLetter.Absent() {
		q.DeadLetter = model.Unknown[model.Text](redrive.at(), "the redrive policy could not be resolved")
	}
	q.Statements, q.PolicyOpen = r.get("policy").statements()
	b.m.Queues = append(b.m.Queues, q)
}

// redrivePolicy reads aws_sqs_queue_redrive_policy.
func redrivePolicy(b *builder, r *res) {
	redrive := r.get("redrive_policy").document()
	dead, most := redrive.get("deadLetterTargetArn").text(), redrive.get("maxReceiveCount").int()
	of := r.get("queue_url").text()
	b.later(func() {
		for _, q := range b.m.Queues {
			if q.May(of) {
				q.DeadLetter, q.MaxReceive = dead, most
			}
		}
	})
}

func topic(b *builder, r *res) {
	t := &model.Topic{Resource: r.named("name", "name_prefix"), KMSKey: r.first("kms_master_key_id", "kms_key_name").text()}
	t.Statements, t.PolicyOpen = r.get("policy").statements()
	b.m.Topics = append(b.m.Topics, t)
}

func subscription(b *builder, r *res) {
	if !r.get("protocol").str().Any(func(s string) bool { return s == "lambda" }) {
		return
	}
	tr := r.event(r.prop, fnvet.TriggerTopic)
	tr.Source, tr.Filtered = r.get("topic_arn").text(), !r.get("filter_policy").absent()
	tr.OnFailure = r.get("redrive_policy").document().get("deadLetterTargetArn").text()
	b.trigger(r.get("endpoint").text(), tr)
}

// resourcePolicy reads the policies of buckets, topics and queues.
func resourcePolicy(b *builder, r *res) {
	list, open := r.get("policy").statements()
	of := r.first("bucket", "queue_url", "arn").text()
	b.later(func() {
		for _, q := range b.m.Buckets {
			if q.May(of) {
				q.Statements, q.PolicyOpen = append(q.Statements, list...), q.PolicyOpen || open
			}
		}
		for _, q := range b.m.Topics {
			if q.May(of) {
				q.Statements, q.PolicyOpen = append(q.Statements, list...), q.PolicyOpen || open
			}
		}
		for _, q := range b.m.Queues {
			if q.May(of) {
				q.Statements, q.PolicyOpen = append(q.Statements, list...), q.PolicyOpen || open
			}
		}
	})
}

func bucket(b *builder, r *res) {
	q := &model.Bucket{Resource: r.named("bucket", "bucket_prefix"), ACL: r.get("acl").str(), Versioned: r.get("versioning", "enabled").bool(),
		KMSKey: r.get("server_side_encryption_configuration", "rule", "apply_server_side_encryption_by_default", "kms_master_key_id").text()}
	q.Statements, q.PolicyOpen = r.get("policy").statements()
	b.m.Buckets = append(b.m.Buckets, q)
}

// ofBucket calls f for the buckets that a resource beside them names.
func (b *builder) ofBucket(r *res, f func(*model.Bucket)) {
	of := r.get("bucket").text()
	b.later(func() {
		for _, q := range b.m.Buckets {
			if q.May(of) {
				f(q)
			}
		}
	})
}

func bucketACL(b *builder, r *res) {
	acl := r.get("acl").str()
	b.ofBucket(r, func(q *model.Bucket) { q.ACL = acl })
}

func bucketVersioning(b *builder, r *res) {
	on := mapped(r.get("versioning_configuration", "status").str(), func(s string) bool { return s == "Enabled" })
	b.ofBucket(r, func(q *model.Bucket) { q.Versioned = on })
}

func bucketEncryption(b *builder, r *res) {
	key := r.get("rule", "apply_server_side_encryption_by_default", "kms_master_key_id").text()
	b.ofBucket(r, func(q *model.Bucket) { q.KMSKey = key })
}

// publicAccessBlock is true when all four settings are on; those not stated are off.
func publicAccessBlock(b *builder, r *res) {
	out := model.Value[bool]{Pos: r.Pos}
	all := true
	for _, key := range [...]string{"block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"} {
		v := r.get(key).bool()
		out.Open = out.Open || v.Open
		off := v.May(false, func(on bool) bool { return !on })
		if off && all && !v.Absent() {
			out.Pos = v.Pos
		}
		all = all && !off
	}
	if !all || !out.Open {
		out.Alts = []bool{all}
	}
	b.ofBucket(r, func(q *model.Bucket) { q.BlockPublic = out })
}

func bucketNotification(b *builder, r *res) {
	bus := r.get("eventbridge").bool()
	b.ofBucket(r, func(q *model.Bucket) {
		if !bus.Absent() {
			q.EventBus = bus
		}
	})
	source := r.get("bucket").text()
	for _, n := range r.get("lambda_function").blocks() {
		tr := r.event(n, fnvet.TriggerBucket)
		tr.Source, tr.Events, tr.Prefix, tr.Suffix = source, n.get("events").list(), n.get("filter_prefix").text(), n.get("filter_suffix").text()
		b.trigger(n.get("lambda_function_arn").text(), tr)
	}
}

func table(b *builder, r *res) {
	t := &model.Table{Resource: r.named("name", "cluster_name", "cluster_identifier"), Stream: r.get("stream_enabled").bool(),
		KMSKey: r.first("server_side_encryption", "kms_key_id").first("kms_key_arn").text()}
	if r.Type == "aws_kinesis_stream" {
		t.KMSKey = r.get("kms_key_id").text()
	}
	b.m.Tables = append(b.m.Tables, t)
}

func logGroup(b *builder, r *res) {
	g := &model.LogGroup{Resource: r.named("name", "name_prefix"), RetentionDays: r.get("retention_in_days").int(), KMSKey: r.get("kms_key_id").text()}
	if n, ok := g.RetentionDays.Known(); ok && n == 0 { // for ever
		g.RetentionDays = model.Value[int]{}
	}
	b.m.LogGroups = append(b.m.LogGroups, g)
}

func alarm(b *builder, r *res) {
	a := &model.Alarm{Resource: r.named("alarm_name"), Namespace: r.get("namespace").str(), Metric: r.get("metric_name").str(), Actions: r.get("alarm_actions").list()}
	sources := []prop{r.get("dimensions")}
	for _, q := range r.get("metric_query").blocks() {
		m := q.get("metric")
		if a.Metric.Absent() {
			a.Namespace, a.Metric = m.get("namespace").str(), m.get("metric_name").str()
		}
		sources = append(sources, m.get("dimensions"))
	}
	for _, s := range sources {
		a.Targets.Open = a.Targets.Open || s.open
		for _, v := range s.alts {
			for _, f := range v.Fields {
				a.Targets.Items = append(a.Targets.Items, b.prop(f.Value, f.KeyPos).list().Items...)
			}
		}
	}
	b.m.Alarms = append(b.m.Alarms, a)
}

func newAlarm(r *res, name string) *model.Alarm { return &model.Alarm{Resource: r.named(name)} }

func newBudget(r *res, name string, limit prop, notifies bool) *model.Budget {
	return &model.Budget{Resource: r.named(name), Limit: limit.float(), Notifies: notifies}
}

func budget(b *builder, r *res) {
	b.m.Budgets = append(b.m.Budgets, newBudget(r, "name", r.first("limit_amount", "amount"), !r.get("notification").absent()))
}

func securityGroup(b *builder, r *res) {
	g := &model.SecurityGroup{Resource: r.named("name", "name_prefix"), Egress: rules(r.get("egress")), Ingress: rules(r.get("ingress"))}
	b.m.SecurityGroups = append(b.m.SecurityGroups, g)
}

func rules(p prop) model.List[model.Rule] {
	out := model.List[model.Rule]{Pos: p.at(), Open: p.open, Maybe: p.maybe && len(p.alts) > 0}
	if p.absent() {
		return model.List[model.Rule]{}
	}
	for _, block := range p.blocks() {
		out.Items = append(out.Items, rulesOf(block, p.b.pos(block.pos))...)
	}
	return out
}

// rulesOf is a rule for each address that one lets through.
func rulesOf(p prop, pos model.Pos) []model.Rule {
	protocol, from, to := p.first("protocol", "ip_protocol").str(), p.get("from_port").int(), p.get("to_port").int()
	var out []model.Rule
	for _, key := range [...]string{"cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6", "security_groups", "source_security_group_id", "referenced_security_group_id",
		"prefix_list_ids", "prefix_list_id"} {
		l := p.get(key).list()
		for _, x := range l.Items {
			out = append(out, model.Rule{Pos: pos, CIDR: model.Is(x.Pos, x), Protocol: protocol, From: from, To: to})
		}
		if l.Open {
			out = append(out, model.Rule{Pos: pos, CIDR: model.Unknown[model.Text](l.Pos, l.Why), Protocol: protocol, From: from, To: to})
		}
	}
	return out
}

// securityGroupRule reads a rule that is a resource of its own.
func securityGroupRule(b *builder, r *res) {
	of := r.get("security_group_id").text()
	more := rulesOf(r.prop, r.Pos)
	egress := strings.HasSuffix(r.Type, "egress_rule") || one(r.get("type").str()) == "egress"
	b.later(func() {
		for _, g := range b.m.SecurityGroups {
			if !g.May(of) {
				continue
			}
			list := &g.Ingress
			if egress {
				list = &g.Egress
			}
			list.Items = append(list.Items, more...)
			if list.File == "" {
				list.Pos = r.Pos
			}
		}
	})
}
