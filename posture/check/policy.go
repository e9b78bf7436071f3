package check

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/usage"
)

// A Policy is an IAM policy document.
type Policy struct {
	Version   string            `json:"Version"`
	Statement []PolicyStatement `json:"Statement"`
	// Named holds the parts of resources that stand for names which the template does
	// not state, and a reader must put in: "TableName".
	Named []string `json:"-"`
	// Unsure holds actions that are granted because they may be called.
	Unsure []string `json:"-"`
}

// A PolicyStatement allows actions on resources, which are ARNs or, for a resource
// of a CloudFormation template, {"Fn::GetAtt": …} or {"Fn::Sub": …}.
type PolicyStatement struct {
	Sid      string   `json:"Sid"`
	Effect   string   `json:"Effect"`
	Action   []string `json:"Action"`
	Resource []any    `json:"Resource"`
}

// LeastPrivilege is the policy that a function needs for what its code calls and for
// what the platform does in its name: its log, its traces, its sources. Function and
// model may be nil where there is no template.
func LeastPrivilege(c *data.Catalog, u *usage.Usage, f *model.Function, m *model.Model) Policy {
	if m == nil {
		m = &model.Model{}
	}
	p := &policyBuilder{c: c, m: m, f: f, r: &run{m: m, ctx: Context{Data: c}}}
	if f != nil {
		p.grants, _ = p.r.grantsOf(f)
		p.platform()
	} else {
		p.allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, []any{"arn:aws:logs:*:*:log-group:/aws/lambda/*:*"})
	}
	if u != nil {
		sure := u.Actions(false)
		for _, a := range u.Actions(true) {
			if !slices.Contains(sure, a) && !slices.ContainsFunc(p.grants, func(g grant) bool { return g.may(a) }) {
				continue // not certain, and not granted today
			}
			if !slices.Contains(sure, a) {
				p.out.Unsure = append(p.out.Unsure, a)
			}
			p.allow([]string{a}, p.called(a, u))
		}
	}
	return p.policy()
}

type policyBuilder struct {
	c      *data.Catalog
	m      *model.Model
	f      *model.Function
	r      *run
	grants []grant
	out    Policy
	byKey  map[string]int
}

// allow adds actions to the statement of those resources.
func (p *policyBuilder) allow(actions []string, resources []any) {
	raw, err := json.Marshal(resources)
	if err != nil || len(resources) == 0 {
		return
	}
	service, _, _ := strings.Cut(actions[0], ":")
	key := service + string(raw)
	if p.byKey == nil {
		p.byKey = map[string]int{}
	}
	i, ok := p.byKey[key]
	if !ok {
		i = len(p.out.Statement)
		p.byKey[key] = i
		p.out.Statement = append(p.out.Statement, PolicyStatement{Effect: "Allow", Resource: resources, Sid: service})
	}
	for _, a := range actions {
		if !slices.Contains(p.out.Statement[i].Action, a) {
			p.out.Statement[i].Action = append(p.out.Statement[i].Action, a)
		}
	}
}

func (p *policyBuilder) policy() Policy {
	p.out.Version = "2012-10-17"
	count := map[string]int{}
	for i := range p.out.Statement {
		s := &p.out.Statement[i]
		slices.Sort(s.Action)
		name := sid(s.Sid)
		count[name]++
		if s.Sid = name; count[name] > 1 {
			s.Sid = name + itoa(count[name])
		}
	}
	slices.Sort(p.out.Named)
	p.out.Named = slices.Compact(p.out.Named)
	return p.out
}

// sid turns a service into what a statement's id may be: letters and digits.
func sid(service string) string {
	var b strings.Builder
	for w := range strings.SplitSeq(service, "-") {
		if w != "" {
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	return b.String()
}

// platform allows what Lambda does with the function's role.
func (p *policyBuilder) platform() {
	f := p.f
	group := any("arn:aws:logs:*:*:log-group:/aws/lambda/*:*")
	if name, ok := literal(f.Name); ok {
		group = "arn:aws:logs:*:*:log-group:/aws/lambda/" + name + ":*"
	}
	p.allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, []any{group})
	if f.Tracing.Any(func(s string) bool { return strings.EqualFold(s, "Active") }) {
		p.allow([]string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, []any{"*"})
	}
	if f.Network != nil {
		p.allow([]string{"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces"}, []any{"*"})
	}
	for _, t := range f.Triggers {
		src, ok := t.Source.Known()
		if !ok {
			continue
		}
		switch t.Kind {
		case fnvet.TriggerQueue:
			p.allow([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, []any{p.text(src)})
		case fnvet.TriggerStream:
			p.allow([]string{"kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"}, []any{p.text(src)})
		case fnvet.TriggerTable:
			p.allow([]string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}, []any{p.text(src)})
		default:
		}
	}
	for _, v := range []model.Value[model.Text]{f.DeadLetter, f.OnFailure, f.OnSuccess} {
		if to, ok := v.Known(); ok {
			for _, q := range p.m.Queues {
				if q.Denotes(to) {
					p.allow([]string{"sqs:SendMessage"}, []any{p.text(to)})
				}
			}
			for _, t := range p.m.Topics {
				if t.Denotes(to) {
					p.allow([]string{"sns:Publish"}, []any{p.text(to)})
				}
			}
		}
	}
}

// called are the resources of an action as the code names them, and where a call does
// not, what resources says.
func (p *policyBuilder) called(action string, u *usage.Usage) []any {
	a, ok := p.c.Action(action)
	if !ok || len(a.Types) == 0 {
		return p.resources(action)
	}
	var out []any
	add := func(x any) {
		if !slices.ContainsFunc(out, func(y any) bool { return same(x, y) }) {
			out = append(out, x)
		}
	}
	rest := false
	for _, c := range u.Calls {
		if c.Action != action {
			continue
		}
		if x := p.literally(a, c.Resource); x != nil {
			add(x)
		} else {
			rest = true
		}
	}
	if rest || len(out) == 0 {
		for _, x := range p.resources(action) {
			add(x)
		}
	}
	return out
}

// literally is the resource of that name: of the template, where that has it, else by
// the form of its ARN; nil when it is no plain name.
func (p *policyBuilder) literally(a data.Action, name string) any {
	if name == "" || strings.ContainsAny(name, ":/*?${}\\\"") {
		return nil
	}
	kind := kindOf(a)
	for _, x := range p.ofService(a.Service) {
		if n, ok := literal(x.Name); ok && n == name {
			arn := model.To(model.Pos{}, model.RefResource, x.ID, "arn")
			if kind == "object" {
				arn = arn.Append(model.Part{Literal: "/*"})
			}
			return p.text(arn)
		}
	}
	before, after, ok := strings.Cut(strings.NewReplacer("${Partition}", "aws", "${Region}", "*", "${Account}", "*", "${ObjectName}", "*").Replace(p.c.ARN(a.Service, kind)), "${")
	_, after, closed := strings.Cut(after, "}")
	if !ok || !closed || strings.Contains(after, "${") {
		return nil
	}
	return before + name + after
}

// resources are those of an action: as granted today where that is narrow, else what
// the function's environment names, else the form of its ARN.
func (p *policyBuilder) resources(action string) []any {
	a, ok := p.c.Action(action)
	if !ok || len(a.Types) == 0 {
		return []any{"*"}
	}
	var out []any
	add := func(x any) {
		if !slices.ContainsFunc(out, func(y any) bool { return same(x, y) }) {
			out = append(out, x)
		}
	}
	for _, g := range p.grants {
		if g.may(action) && g.fits(action) && !g.notResource {
			for _, t := range g.resources {
				if !broad(t) && serviceOf(t, a.Service) && levelOf(t, a) {
					add(p.text(t))
				}
			}
		}
	}
	if len(out) == 0 {
		for _, t := range p.named(a) {
			add(p.text(t))
		}
	}
	if len(out) == 0 {
		add(p.form(a))
	}
	return out
}

func same(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// serviceOf reports whether an ARN may be one of a service's.
func serviceOf(t model.Text, service string) bool {
	parts := strings.SplitN(plain(t), ":", 4)
	return len(parts) < 4 || parts[0] != "arn" || parts[2] == service || strings.ContainsAny(parts[2], "*"+string(hidden))
}

// levelOf reports whether a resource of S3 is what the action is for: an object or a bucket.
func levelOf(t model.Text, a data.Action) bool {
	inside := strings.Contains(tail(t), "/")
	switch {
	case a.Service != "s3":
		return true
	case slices.Contains(a.Types, "object"):
		return inside
	case slices.Contains(a.Types, "bucket"):
		return !inside
	}
	return true
}

// named are the resources of the model that the function's environment refers to and
// that the action is for.
func (p *policyBuilder) named(a data.Action) []model.Text {
	if p.f == nil {
		return nil
	}
	var out []model.Text
	for _, x := range p.ofService(a.Service) {
		for _, v := range p.f.Env {
			if !v.Value.Any(x.Denotes) {
				continue
			}
			arn := model.To(model.Pos{}, model.RefResource, x.ID, "arn")
			if kindOf(a) == "object" {
				arn = arn.Append(model.Part{Literal: "/*"})
			}
			out = append(out, arn)
			if a.Service == "dynamodb" && slices.Contains(a.Types, "index") {
				out = append(out, arn.Append(model.Part{Literal: "/index/*"}))
			}
		}
	}
	return out
}

func (p *policyBuilder) ofService(service string) []*model.Resource {
	switch service {
	case "s3":
		return p.r.resources(fnvet.TriggerBucket)
	case "sqs":
		return p.r.resources(fnvet.TriggerQueue)
	case "sns":
		return p.r.resources(fnvet.TriggerTopic)
	case "dynamodb", "kinesis":
		var out []*model.Resource
		for _, t := range p.m.Tables {
			kinesis := strings.Contains(strings.ToLower(t.Type), "kinesis")
			if kinesis == (service == "kinesis") {
				out = append(out, &t.Resource)
			}
		}
		return out
	case "lambda":
		var out []*model.Resource
		for _, f := range p.m.Functions {
			out = append(out, &f.Resource)
		}
		return out
	}
	return nil
}

// kindOf is the type of resource that an action is mostly used on: with some
// services the first in the list is an access point or a replica.
func kindOf(a data.Action) string {
	for _, kind := range []string{"object", "bucket", "table", "queue", "topic", "function", "stream"} {
		if slices.Contains(a.Types, kind) {
			return kind
		}
	}
	return a.Types[0]
}

// form is the ARN of an action's usual type, with the names of its parts.
func (p *policyBuilder) form(a data.Action) any {
	arn := p.c.ARN(a.Service, kindOf(a))
	if arn == "" {
		return "*"
	}
	arn = strings.NewReplacer("${Partition}", "aws", "${Region}", "*", "${Account}", "*").Replace(arn)
	for {
		before, rest, ok := strings.Cut(arn, "${")
		name, after, ok2 := strings.Cut(rest, "}")
		if !ok || !ok2 {
			return arn
		}
		if name == "ObjectName" {
			name = "*"
		} else {
			p.out.Named = append(p.out.Named, name)
		}
		arn = before + name + after
	}
}

// text writes a resource for a policy: with functions of CloudFormation where the
// dialect has them, else as the template does.
func (p *policyBuilder) text(t model.Text) any {
	if lit, ok := t.Literal(); ok {
		return lit
	}
	switch p.m.Dialect {
	case model.CloudFormation, model.SAM, model.Serverless:
	case model.Terraform, model.TerraformPlan:
		return terraform(t)
	default:
		return t.String()
	}
	if ref, ok := t.Ref(); ok && ref.Kind == model.RefResource {
		return map[string]any{"Fn::GetAtt": []string{ref.ID, attribute(ref.Attr)}}
	}
	var b strings.Builder
	for _, part := range t.Parts {
		switch {
		case part.Ref == nil:
			b.WriteString(part.Literal)
		case part.Ref.Kind == model.RefResource && (part.Ref.Attr == "arn" || part.Ref.Attr == "stream"):
			b.WriteString("${" + part.Ref.ID + "." + attribute(part.Ref.Attr) + "}")
		default:
			b.WriteString("${" + part.Ref.ID + "}")
		}
	}
	return map[string]any{"Fn::Sub": b.String()}
}

func attribute(attr string) string {
	switch attr {
	case "stream":
		return "StreamArn"
	case "", "arn", "name", "url", "id":
		return "Arn"
	}
	return attr
}

func terraform(t model.Text) string {
	var b strings.Builder
	for _, part := range t.Parts {
		switch {
		case part.Ref == nil:
			b.WriteString(part.Literal)
		case part.Ref.Attr == "":
			b.WriteString("${" + part.Ref.ID + ".arn}")
		default:
			b.WriteString("${" + part.Ref.ID + "." + part.Ref.Attr + "}")
		}
	}
	return b.String()
}
