package check

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/usage"
)

var update = flag.Bool("update", false, "write docs/rules.md")

// line makes positions, so that findings can be told apart.
func line(n int) model.Pos { return model.Pos{File: "template.yaml", Line: n, Column: 1} }

func str(s string) model.Value[string]               { return model.Is(line(9), s) }
func num(n int) model.Value[int]                     { return model.Is(line(9), n) }
func is(b bool) model.Value[bool]                    { return model.Is(line(9), b) }
func txt(s string) model.Value[model.Text]           { return model.Is(line(9), model.Lit(line(9), s)) }
func ref(id, attr string) model.Value[model.Text]    { return model.Is(line(9), to(id, attr)) }
func to(id, attr string) model.Text                  { return model.To(line(9), model.RefResource, id, attr) }
func under(id, key string) model.Text                { return to(id, "arn").Append(model.Part{Literal: "/" + key}) }
func texts(all ...string) (l model.List[model.Text]) { return list(literalTexts(all)...) }
func list(all ...model.Text) model.List[model.Text]  { return model.List[model.Text]{Items: all} }
func res(id, kind string) model.Resource {
	return model.Resource{Pos: line(20), ID: id, Cloud: model.AWS, Type: kind}
}

func literalTexts(all []string) []model.Text {
	var out []model.Text
	for i, s := range all {
		out = append(out, model.Lit(line(30+i), s))
	}
	return out
}

// allow is a statement on texts or resources by "@id" and "@id/key".
func allow(actions, resources string) *model.Statement {
	s := &model.Statement{Pos: line(40), Effect: str("Allow"), Actions: texts(strings.Fields(actions)...)}
	for f := range strings.FieldsSeq(resources) {
		id, isRef := strings.CutPrefix(f, "@")
		id, key, inside := strings.Cut(id, "/")
		switch {
		case isRef && inside:
			s.Resources.Items = append(s.Resources.Items, under(id, key))
		case isRef:
			s.Resources.Items = append(s.Resources.Items, to(id, "arn"))
		default:
			s.Resources.Items = append(s.Resources.Items, model.Lit(line(41), f))
		}
	}
	return s
}

// well is a well-built stack: an API with an authorizer in front of one function
// that reads a bucket.
func well() *model.Model {
	f := &model.Function{
		Resource: model.Resource{Pos: line(1), ID: "F", Cloud: model.AWS}, Runtime: str("nodejs24.x"), TimeoutS: num(10), MemoryMB: num(256), Concurrency: num(10),
		Roles: []string{"R"}, DeadLetter: ref("DLQ", "arn"), Tracing: str("Active"), CodeSigning: txt("c"),
	}
	f.Triggers = []*model.Trigger{{Pos: line(5), Kind: fnvet.TriggerHTTP, API: "A", Route: &model.Route{Pos: line(5), Function: "F", Method: str("GET"), Path: str("/orders"), Auth: str("JWT"), Authorizer: "Users"}}}
	return &model.Model{
		Dialect: model.SAM, Cloud: model.AWS, File: "template.yaml", Functions: []*model.Function{f},
		Roles: []*model.Role{{Resource: res("R", "AWS::IAM::Role"),
			Trust:    []*model.Statement{{Pos: line(21), Effect: str("Allow"), Actions: texts("sts:AssumeRole"), Principals: []model.Principal{{Kind: "Service", ID: model.Lit(line(21), "lambda.amazonaws.com")}}}},
			Managed:  texts("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"),
			Policies: []*model.Policy{{Statements: []*model.Statement{allow("s3:GetObject", "@B/*")}}}}},
		APIs:      []*model.API{{Resource: res("A", "api"), Kind: model.HTTP, Authorizers: []*model.Authorizer{{Pos: line(6), ID: "Users", Kind: "JWT", Used: true}}, Stages: []*model.Stage{{Pos: line(7), Throttle: &model.Throttle{Rate: model.Is(line(7), 50.0), Burst: num(100)}}}}},
		Buckets:   []*model.Bucket{{Resource: res("B", "AWS::S3::Bucket")}},
		Queues:    []*model.Queue{{Resource: res("Q", "AWS::SQS::Queue"), VisibilityS: num(60), DeadLetter: ref("DLQ", "arn")}, {Resource: res("DLQ", "AWS::SQS::Queue")}},
		LogGroups: []*model.LogGroup{{Resource: model.Resource{Pos: line(60), ID: "L", Name: model.Is(line(60), model.Lit(line(60), "/aws/lambda/").Append(to("F", "").Parts...))}, RetentionDays: num(30)}},
		Alarms:    []*model.Alarm{{}}, Budgets: []*model.Budget{{}},
	}
}

// A row changes the well-built stack and says what is then reported above info, and
// of info what it names.
type row struct {
	name   string
	change func(m *model.Model, f *model.Function)
	want   string // "id severity, id severity", without "config/"
	reason string
}

var now = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func judge(t *testing.T, rows []row, ctx Context) {
	t.Helper()
	ctx.Now = now
	ctx.Data = data.New()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			m := well()
			r.change(m, m.Functions[0])
			var got, want, info []string
			for w := range strings.SplitSeq(r.want, ", ") {
				if strings.HasSuffix(w, " info") {
					info = append(info, w)
				} else if w != "" {
					want = append(want, w)
				}
			}
			for _, f := range Run(m, ctx) {
				s := strings.TrimPrefix(f.ID, "config/") + " " + string(f.Severity)
				if f.Severity != fnvet.Info {
					got = append(got, s)
				} else if i := slices.Index(info, s); i >= 0 {
					info = slices.Delete(info, i, i+1)
				}
				if f.Path == "" || f.Line == 0 && f.Resource != "stack" || f.Remediation == "" || f.Evidence == "" || f.Resource == "" || f.Title == "" {
					t.Errorf("%s lacks something: %+v", f.ID, f)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, slices.Compact(got)); diff != "" || len(info) > 0 {
				t.Errorf("%s (-want +got):\n%s info not seen: %v", r.reason, diff, info)
			}
		})
	}
}

func TestWellBuilt(t *testing.T) {
	judge(t, []row{{"as it is", func(*model.Model, *model.Function) {}, "worst-case-bill info", "nothing above info"}}, Context{})
}

func role(m *model.Model, all ...*model.Statement) { m.Roles[0].Policies[0].Statements = all }

func addRole(m *model.Model, s *model.Statement) {
	m.Roles[0].Policies[0].Statements = append(m.Roles[0].Policies[0].Statements, s)
}

// public opens the API.
func public(f *model.Function) {
	f.Triggers[0].Route.Auth, f.Triggers[0].Route.Authorizer = str("NONE"), ""
}

func TestStatements(t *testing.T) {
	judge(t, []row{
		{"everything", func(m *model.Model, _ *model.Function) { role(m, allow("*", "*")) }, "iam-admin high", "* on *"},
		{"everything, public", func(m *model.Model, f *model.Function) { role(m, allow("*", "*")); public(f) }, "iam-admin critical, route-without-auth medium", "and anyone can call it"},
		{"everything of one bucket", func(m *model.Model, _ *model.Function) { role(m, allow("*", "@B")) }, "iam-wildcard-action high", "* on some"},
		{"a deny of everything", func(m *model.Model, _ *model.Function) {
			s := allow("*", "*")
			s.Effect = str("Deny")
			role(m, s, allow("s3:GetObject", "@B/*"))
		}, "", "Deny grants nothing"},
		{"service", func(m *model.Model, _ *model.Function) { role(m, allow("s3:*", "@B")) }, "iam-wildcard-action medium", "one bucket"},
		{"service everywhere", func(m *model.Model, _ *model.Function) { role(m, allow("s3:*", "*")) }, "iam-wildcard-action high", "every bucket"},
		{"partial read", func(m *model.Model, _ *model.Function) { role(m, allow("s3:GetObject*", "@B/*")) }, "", "reads only"},
		{"partial write", func(m *model.Model, _ *model.Function) { role(m, allow("dynamodb:*Item", "@B")) }, "iam-partial-wildcard low", "covers writing"},
		{"partial permissions", func(m *model.Model, _ *model.Function) { role(m, allow("s3:Put*", "@B")) }, "iam-partial-wildcard medium", "covers PutBucketPolicy"},
		{"open resource, write", func(m *model.Model, _ *model.Function) { role(m, allow("sqs:SendMessage", "*")) }, "iam-wildcard-resource medium", "could be restricted"},
		{"open by ARN", func(m *model.Model, _ *model.Function) { role(m, allow("sqs:SendMessage", "arn:aws:sqs:*:*:*")) }, "iam-wildcard-resource medium", "the same written out"},
		{"open table", func(m *model.Model, _ *model.Function) {
			role(m, allow("dynamodb:PutItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/*"))
		}, "iam-wildcard-resource medium", "every table"},
		{"named by prefix", func(m *model.Model, _ *model.Function) {
			role(m, allow("dynamodb:PutItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/orders-*"))
		}, "", "some tables"},
		{"one bucket's objects", func(m *model.Model, _ *model.Function) { role(m, allow("s3:PutObject", "arn:aws:s3:::uploads/*")) }, "", "a bucket is named"},
		{"no resources to name", func(m *model.Model, _ *model.Function) {
			role(m, allow("xray:PutTraceSegments s3:ListAllMyBuckets", "*"))
		}, "", "cannot be restricted"},
		{"a VPC's interfaces", func(m *model.Model, _ *model.Function) {
			role(m, allow("ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DeleteNetworkInterface", "*"))
		}, "", "what the platform needs"},
		{"open with a condition", func(m *model.Model, _ *model.Function) {
			s := allow("sqs:SendMessage", "*")
			s.Conditions = []model.Condition{{Key: "aws:ResourceTag/app"}}
			role(m, s)
		}, "iam-wildcard-resource low", "narrowed"},
		{"open read", func(m *model.Model, _ *model.Function) { role(m, allow("sqs:GetQueueAttributes", "*")) }, "iam-wildcard-resource low", "tells little"},
		{"bulk objects", func(m *model.Model, _ *model.Function) { role(m, allow("s3:GetObject", "arn:aws:s3:::*/*")) }, "iam-bulk-read medium", "every object"},
		{"bulk secrets with a condition", func(m *model.Model, _ *model.Function) {
			s := allow("kms:Decrypt", "*")
			s.Conditions = []model.Condition{{Key: "kms:ResourceAliases"}}
			role(m, s)
		}, "iam-bulk-read low", "narrowed"},
		{"bulk secrets", func(m *model.Model, _ *model.Function) { role(m, allow("secretsmanager:GetSecretValue", "*")) }, "iam-bulk-read high", "every secret"},
		{"every key", func(m *model.Model, _ *model.Function) { role(m, allow("kms:Decrypt", "*")) }, "iam-bulk-read high", "every key"},
		{"one secret", func(m *model.Model, _ *model.Function) { role(m, allow("secretsmanager:GetSecretValue", "@B")) }, "", "named"},
		{"unknown actions", func(m *model.Model, _ *model.Function) { m.Roles[0].Policies[0].Statements[0].Actions.Open = true }, "", "what is not known is not held against it"},
		{"not action", func(m *model.Model, _ *model.Function) {
			s := allow("", "*")
			s.NotActions = texts("iam:*")
			role(m, s)
		}, "iam-not-action high, iam-privilege-escalation high, iam-self-modification medium", "everything else"},
		{"not resource", func(m *model.Model, _ *model.Function) {
			s := allow("s3:PutObject", "")
			s.NotResources = texts("arn:aws:s3:::audit/*")
			role(m, s)
		}, "iam-not-resource medium", "all others"},
		{"misspelt", func(m *model.Model, _ *model.Function) { role(m, allow("s3:GetObjct", "@B/*")) }, "iam-unknown-action low", "no such action"},
		{"no such service", func(m *model.Model, _ *model.Function) { role(m, allow("s4:GetObject", "@B/*")) }, "iam-unknown-action low", "no such service"},
		{"a pattern of nothing", func(m *model.Model, _ *model.Function) { role(m, allow("s3:Gett*", "@B/*")) }, "iam-unknown-action low", "covers nothing"},
		{"SAM template with *", func(m *model.Model, _ *model.Function) {
			s := allow("dynamodb:PutItem", "arn:aws:dynamodb:eu-west-1:1:table/*")
			s.Template = "DynamoDBCrudPolicy"
			role(m, s)
		}, "iam-sam-template-wildcard medium", "given * for the table"},
		{"SAM template with a name", func(m *model.Model, _ *model.Function) {
			s := allow("dynamodb:PutItem", "arn:aws:dynamodb:eu-west-1:1:table/orders")
			s.Template = "DynamoDBCrudPolicy"
			role(m, s)
		}, "", "named"},
		{"SAM template by nature", func(m *model.Model, _ *model.Function) {
			s := allow("kinesis:ListStreams", "arn:aws:kinesis:eu-west-1:1:stream/*")
			s.Template, s.Fixed = "KinesisStreamReadPolicy", true
			role(m, s)
		}, "", "SAM's own text"},
		{"actions of a SAM template", func(m *model.Model, _ *model.Function) {
			s := allow("sqs:DeleteMessageBatch", "arn:aws:sqs:eu-west-1:1:jobs")
			s.Template = "SQSPollerPolicy"
			role(m, s)
		}, "", "no one wrote them"},
		{"SAM template of all", func(m *model.Model, _ *model.Function) {
			s := allow("cloudwatch:PutMetricData", "*")
			s.Template = "CloudWatchPutMetricPolicy"
			role(m, s)
		}, "", "* by nature"},
		{"pass any role", func(m *model.Model, _ *model.Function) { role(m, allow("iam:PassRole", "*")) }, "iam-pass-role high", "any role"},
		{"pass one role", func(m *model.Model, _ *model.Function) { role(m, allow("iam:PassRole", "@R2")) }, "", "one role"},
		{"a policy alone", func(m *model.Model, _ *model.Function) {
			m.Policies = []*model.Policy{{Resource: res("P", "policy"), Statements: []*model.Statement{allow("*", "*")}}}
		}, "iam-admin high", "attached to nothing that is known"},
	}, Context{})
}

func TestRoles(t *testing.T) {
	managed := func(names ...string) func(*model.Model, *model.Function) {
		return func(m *model.Model, _ *model.Function) {
			m.Roles[0].Managed.Items = append(m.Roles[0].Managed.Items, literalTexts(names)...)
		}
	}
	trust := func(kind, id string, conditions ...model.Condition) func(*model.Model, *model.Function) {
		return func(m *model.Model, _ *model.Function) {
			m.Roles[0].Trust = append(m.Roles[0].Trust, &model.Statement{Pos: line(22), Effect: str("Allow"), Principals: []model.Principal{{Kind: kind, ID: model.Lit(line(22), id)}}, Conditions: conditions})
		}
	}
	judge(t, []row{
		{"administrator", managed("arn:aws:iam::aws:policy/AdministratorAccess"), "iam-managed-policy high", "everything"},
		{"power user", managed("arn:aws:iam::aws:policy/PowerUserAccess"), "iam-managed-policy high, iam-privilege-escalation high, iam-self-modification medium", "nearly everything"},
		{"full access", managed("arn:aws:iam::aws:policy/AmazonS3FullAccess"), "iam-managed-policy medium", "a whole service"},
		{"full access of IAM", managed("IAMFullAccess"), "iam-managed-policy high, iam-privilege-escalation high, iam-self-modification medium", "permissions"},
		{"read only of one", managed("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"), "", "reads"},
		{"execution role", managed("arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"), "", "made for it"},
		{"a customer's policy", managed("arn:aws:iam::123456789012:policy/AdministratorAccess"), "", "not known"},
		{"escalation by Lambda", func(m *model.Model, _ *model.Function) {
			addRole(m, allow("iam:PassRole lambda:CreateFunction lambda:InvokeFunction", "*"))
		}, "iam-pass-role high, iam-privilege-escalation high, iam-wildcard-resource medium", "published"},
		{"escalation to one role", func(m *model.Model, _ *model.Function) {
			addRole(m, allow("iam:PassRole", "@R2"))
			addRole(m, allow("lambda:CreateFunction lambda:InvokeFunction", "@G"))
		}, "iam-privilege-escalation low", "to what that role may"},
		{"half of one", func(m *model.Model, _ *model.Function) { addRole(m, allow("lambda:InvokeFunction", "@G")) }, "", "not enough"},
		{"denied again", func(m *model.Model, _ *model.Function) {
			addRole(m, allow("iam:AttachUserPolicy", "*"))
			s := allow("iam:*", "*")
			s.Effect = str("Deny")
			addRole(m, s)
		}, "iam-wildcard-resource medium", "a Deny takes it away"},
		{"own code", func(m *model.Model, _ *model.Function) { addRole(m, allow("lambda:UpdateFunctionCode", "@F")) }, "iam-self-modification medium", "itself"},
		{"own role", func(m *model.Model, _ *model.Function) { addRole(m, allow("iam:PutRolePolicy", "@R")) }, "iam-self-modification medium, iam-privilege-escalation low", "its role"},
		{"another's code", func(m *model.Model, _ *model.Function) { addRole(m, allow("lambda:UpdateFunctionCode", "@G")) }, "", "not itself"},
		{"trusts everyone", trust("AWS", "*"), "iam-trust critical", "anyone"},
		{"trusts an account", trust("AWS", "arn:aws:iam::123456789012:root"), "iam-trust-condition medium", "no ExternalId"},
		{"trusts an account with an id", trust("AWS", "arn:aws:iam::123456789012:root", model.Condition{Key: "sts:ExternalId"}), "", "asked for"},
		{"trusts another service", trust("Service", "ec2.amazonaws.com"), "iam-trust-service low", "two services"},
		{"trusts a provider", trust("Federated", "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"), "iam-trust-condition high", "any repository"},
		{"a role of another service", func(m *model.Model, _ *model.Function) {
			r := &model.Role{Resource: res("S", "AWS::IAM::Role"), Policies: []*model.Policy{{Statements: []*model.Statement{allow("sqs:SendMessage", "*")}}}}
			r.Trust = []*model.Statement{{Pos: line(23), Effect: str("Allow"), Principals: []model.Principal{{Kind: "Service", ID: model.Lit(line(23), "states.amazonaws.com")}}}}
			m.Roles = append(m.Roles, r)
		}, "iam-wildcard-resource low", "a step less than of a function"},
		{"shared", func(m *model.Model, f *model.Function) {
			g := *f
			g.ID, g.Triggers = "G", nil
			m.Functions = append(m.Functions, &g)
		}, "iam-shared-role low, log-retention info", "two functions"},
		{"a queue for any topic", func(m *model.Model, _ *model.Function) {
			m.Queues[0].Statements = []*model.Statement{{Pos: line(50), Effect: str("Allow"), Actions: texts("sqs:SendMessage"), Principals: []model.Principal{{Kind: "Service", ID: model.Lit(line(50), "sns.amazonaws.com")}}}}
		}, "policy-missing-condition low", "confused deputy"},
		{"a queue for one topic", func(m *model.Model, _ *model.Function) {
			m.Queues[0].Statements = []*model.Statement{{Pos: line(50), Effect: str("Allow"), Actions: texts("sqs:SendMessage"), Principals: []model.Principal{{Kind: "Service", ID: model.Lit(line(50), "sns.amazonaws.com")}}, Conditions: []model.Condition{{Key: "aws:SourceArn"}}}}
		}, "", "with a condition"},
	}, Context{})
}

func TestUsage(t *testing.T) {
	use := func(dynamic bool, actions ...string) Context {
		return Context{Usage: func(*model.Function) *usage.Usage {
			u := &usage.Usage{Files: 1, Dynamic: dynamic}
			for _, a := range actions {
				u.Calls = append(u.Calls, usage.Call{Action: a})
			}
			return u
		}}
	}
	same := func(*model.Model, *model.Function) {}
	judge(t, []row{{"just so", same, "", "granted and used"}}, use(false, "s3:GetObject"))
	judge(t, []row{{"unused read", same, "iam-unused-permission info", "granted only"}}, use(false))
	judge(t, []row{{"unused write", func(m *model.Model, _ *model.Function) { addRole(m, allow("dynamodb:PutItem", "@T")) }, "iam-unused-permission low", "granted only"}}, use(false, "s3:GetObject"))
	judge(t, []row{{"dynamic", func(m *model.Model, _ *model.Function) { addRole(m, allow("sqs:SendMessage", "@Q")) }, "", "may be used"}}, use(true, "s3:GetObject"))
	judge(t, []row{
		{"missing", same, "iam-missing-permission low", "used only"},
		{"role not known", func(m *model.Model, _ *model.Function) { m.Roles[0].Open = true }, "", "may be granted"},
	}, use(false, "s3:GetObject", "sqs:SendMessage"))
	listens := func(grants string) func(m *model.Model, f *model.Function) {
		return func(m *model.Model, f *model.Function) {
			f.Triggers = append(f.Triggers, &model.Trigger{Pos: line(8), Kind: fnvet.TriggerBucket, Source: ref("B", ""), Events: texts("s3:ObjectCreated:*")})
			role(m, allow("s3:PutObject", grants))
		}
	}
	judge(t, []row{
		{"writes back, by name", listens("@B/*"), "recursive-trigger high", "granted on the bucket, and called"},
		{"writes back, among all", listens("*"), "recursive-trigger medium, iam-wildcard-resource medium", "granted everywhere, and called"},
	}, use(false, "s3:PutObject"))
	judge(t, []row{
		{"never writes", listens("@B/*"), "iam-unused-permission low, iam-missing-permission low", "granted, and not called"},
		{"never writes, among all", listens("*"), "iam-wildcard-resource medium, iam-unused-permission low, iam-missing-permission low", "granted everywhere, and not called"},
	}, use(false, "s3:GetObject"))
	judge(t, []row{
		{"may write", listens("@B/*"), "recursive-trigger high", "what the code calls is chosen at run time"},
		{"may write, among all", listens("*"), "recursive-trigger low, iam-wildcard-resource medium", "the same"},
	}, use(true))
	judge(t, []row{{"its queue", func(m *model.Model, f *model.Function) {
		addRole(m, allow("sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes", "@Q"))
		f.Triggers = append(f.Triggers, &model.Trigger{Pos: line(8), Kind: fnvet.TriggerQueue, Source: ref("Q", "arn")})
	}, "", "the platform needs it"}}, use(false, "s3:GetObject"))
}

func TestDocs(t *testing.T) {
	const file = "../../docs/rules.md"
	if *update {
		if err := os.WriteFile(file, []byte(Markdown()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Markdown(), string(got)); diff != "" {
		t.Errorf("docs/rules.md is not of these rules; run go test ./posture/check -update\n%s", diff)
	}
}

func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range allRules() {
		if seen[r.id] || !strings.HasPrefix(r.id, "config/") || r.title == "" || r.why == "" || !strings.HasSuffix(r.fix, ".") || r.snippet == "" || r.threat == "" || r.severity.Rank() == 0 {
			t.Errorf("%s lacks something or is there twice", r.id)
		}
		seen[r.id] = true
	}
}
