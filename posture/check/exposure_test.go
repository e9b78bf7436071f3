package check

import (
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
)

// anyone is a statement for everyone.
func anyone(action string) []*model.Statement {
	return []*model.Statement{{Pos: line(50), Effect: str("Allow"), Actions: texts(action), Principals: []model.Principal{{Kind: "*", ID: model.Lit(line(50), "*")}}}}
}

func TestExposure(t *testing.T) {
	writes := func(m *model.Model) { addRole(m, allow("dynamodb:PutItem", "@T")) }
	endpoint := func(f *model.Function, auth string) *model.Endpoint {
		f.Endpoint = &model.Endpoint{Pos: line(3), Auth: str(auth)}
		return f.Endpoint
	}
	permission := func(m *model.Model, principal, arn string) *model.Permission {
		p := &model.Permission{Resource: res("P", "AWS::Lambda::Permission"), FunctionID: "F", Action: str("lambda:InvokeFunction"), Principal: txt(principal)}
		if arn != "" {
			p.SourceARN = txt(arn)
		}
		m.Permissions = append(m.Permissions, p)
		return p
	}
	judge(t, []row{
		{"URL", func(_ *model.Model, f *model.Function) { endpoint(f, "NONE") }, "url-auth-none medium", "anyone"},
		{"URL that writes", func(m *model.Model, f *model.Function) { endpoint(f, "NONE"); writes(m) }, "url-auth-none high", "and it writes"},
		{"URL with credentials of any page", func(_ *model.Model, f *model.Function) {
			endpoint(f, "NONE").CORS = &model.CORS{Pos: line(4), Origins: texts("*"), Credentials: is(true)}
		}, "url-auth-none high, cors-any-origin medium", "in the user's name"},
		{"URL by IAM", func(_ *model.Model, f *model.Function) { endpoint(f, "AWS_IAM") }, "", "asks for credentials"},
		{"URL not known", func(_ *model.Model, f *model.Function) {
			f.Endpoint = &model.Endpoint{Pos: line(3), Auth: model.Unknown[string](line(3), "parameter")}
		}, "", "not known"},
		{"permission for all", func(m *model.Model, _ *model.Function) { permission(m, "*", "") }, "permission-public high", "everyone"},
		{"permission of an organisation", func(m *model.Model, _ *model.Function) { permission(m, "*", "").Organization = txt("o-1") }, "", "narrowed"},
		{"S3 without source", func(m *model.Model, _ *model.Function) { permission(m, "s3.amazonaws.com", "") }, "permission-without-source medium", "any bucket"},
		{"S3 with a bucket", func(m *model.Model, _ *model.Function) { permission(m, "s3.amazonaws.com", "arn:aws:s3:::b") }, "permission-without-source low", "its name may be another's one day"},
		{"S3 with a bucket of an account", func(m *model.Model, _ *model.Function) {
			permission(m, "s3.amazonaws.com", "arn:aws:s3:::b").SourceAccount = txt("123456789012")
		}, "", "one bucket"},
		{"API without source", func(m *model.Model, _ *model.Function) { permission(m, "apigateway.amazonaws.com", "") }, "permission-without-source low", "any API"},
		{"made by SAM", func(m *model.Model, _ *model.Function) { permission(m, "s3.amazonaws.com", "").Implicit = true }, "", "nobody wrote it"},
		{"open route", func(_ *model.Model, f *model.Function) { public(f) }, "route-without-auth low", "reads only"},
		{"open route that writes", func(m *model.Model, f *model.Function) { public(f); writes(m) }, "route-without-auth medium", "and it writes"},
		{"preflight", func(_ *model.Model, f *model.Function) { public(f); f.Triggers[0].Route.Preflight = true }, "", "answers browsers"},
		{"route not known", func(_ *model.Model, f *model.Function) {
			f.Triggers[0].Route.Auth, f.Triggers[0].Route.Authorizer = model.Unknown[string](line(5), "?"), ""
		}, "", "not known"},
		{"private API", func(m *model.Model, f *model.Function) { public(f); m.APIs[0].Private = is(true) }, "", "own network"},
		{"API with a policy", func(m *model.Model, f *model.Function) {
			public(f)
			m.APIs[0].Statements = anyone("execute-api:Invoke")
			m.APIs[0].Statements[0].Conditions = []model.Condition{{Key: "aws:SourceIp"}}
		}, "", "some addresses"},
		{"API by default", func(m *model.Model, f *model.Function) {
			public(f)
			f.Triggers[0].Route.Auth = model.Value[string]{}
			m.APIs[0].DefaultAuth = str("JWT")
		}, "", "the API's default guards it"},
		{"nothing stated", func(_ *model.Model, f *model.Function) { public(f); f.Triggers[0].Route.Auth = model.Value[string]{} }, "route-without-auth low", "the provider's default is none"},
		{"key alone", func(_ *model.Model, f *model.Function) { public(f); f.Triggers[0].Route.Key = is(true) }, "api-key-only low", "not a credential"},
		{"unused authorizer", func(m *model.Model, _ *model.Function) { m.APIs[0].Authorizers[0].Used = false }, "authorizer-unused low", "IAM guards the routes"},
		{"unused authorizer, open routes", func(m *model.Model, f *model.Function) { m.APIs[0].Authorizers[0].Used = false; public(f) }, "authorizer-unused high, route-without-auth low", "believed to guard"},
		{"public bucket", func(m *model.Model, f *model.Function) {
			m.Buckets[0].ACL, m.Buckets[0].BlockPublic = str("public-read-write"), is(false)
			f.Triggers = append(f.Triggers, &model.Trigger{Pos: line(8), Kind: fnvet.TriggerBucket, Source: ref("B", "")})
		}, "public-trigger-source high", "anyone writes"},
		{"public topic", func(m *model.Model, f *model.Function) {
			m.Topics = []*model.Topic{{Resource: res("T", "AWS::SNS::Topic"), Statements: anyone("sns:Publish")}}
			f.Triggers = append(f.Triggers, &model.Trigger{Pos: line(8), Kind: fnvet.TriggerTopic, Source: ref("T", "")})
		}, "public-trigger-source high", "anyone publishes"},
		{"topic of the account", func(m *model.Model, f *model.Function) {
			m.Topics = []*model.Topic{{Resource: res("T", "AWS::SNS::Topic"), Statements: anyone("sns:Publish")}}
			m.Topics[0].Statements[0].Conditions = []model.Condition{{Key: "aws:SourceOwner"}}
			f.Triggers = append(f.Triggers, &model.Trigger{Pos: line(8), Kind: fnvet.TriggerTopic, Source: ref("T", "")})
		}, "", "narrowed"},
		{"code in a public bucket", func(m *model.Model, f *model.Function) {
			m.Buckets[0].Statements, m.Buckets[0].BlockPublic = anyone("s3:GetObject"), is(false)
			f.Code.Bucket = ref("B", "")
		}, "code-in-public-bucket high", "everyone reads it"},
		{"code in a closed bucket", func(m *model.Model, f *model.Function) {
			m.Buckets[0].Statements, m.Buckets[0].BlockPublic = anyone("s3:GetObject"), is(true)
			f.Code.Bucket = ref("B", "")
		}, "", "blocked"},
		{"no validation", func(m *model.Model, f *model.Function) {
			m.APIs[0].Kind = model.REST
			f.Triggers[0].Route.Method = str("POST")
		}, "no-request-validation info", "advice"},
	}, Context{})
}

// azure and google turn the function into one of theirs.
func azure(f *model.Function) *model.Endpoint {
	f.Cloud, f.Runtime, f.Roles, f.App = model.Azure, str("node|20"), nil, "site"
	f.Endpoint = &model.Endpoint{Pos: line(3), HTTPSOnly: is(true), MinTLS: str("1.2")}
	f.Triggers[0] = &model.Trigger{Pos: line(5), Kind: fnvet.TriggerHTTP, Route: &model.Route{Pos: line(5), Function: "F", Method: str("GET"), Path: str("orders"), Auth: str("function")}}
	return f.Endpoint
}

func google(f *model.Function) *model.Endpoint {
	f.Cloud, f.Runtime, f.Roles, f.Triggers = model.Google, str("nodejs24"), nil, nil
	f.Endpoint = &model.Endpoint{Pos: line(3), Ingress: str("ALLOW_INTERNAL_ONLY")}
	return f.Endpoint
}

func TestOtherClouds(t *testing.T) {
	judge(t, []row{
		{"azure", func(_ *model.Model, f *model.Function) { azure(f); f.Runtime = str("node|24") }, "", "well built"},
		{"azure, old runtime", func(_ *model.Model, f *model.Function) { azure(f) }, "runtime-deprecated medium", "node 20 ended in April"},
		{"azure, anonymous", func(_ *model.Model, f *model.Function) {
			azure(f)
			f.Runtime, f.Triggers[0].Route.Auth = str("node|24"), str("anonymous")
		}, "route-without-auth low", "no key"},
		{"azure, http", func(_ *model.Model, f *model.Function) {
			azure(f).HTTPSOnly = is(false)
			f.Runtime = str("node|24")
		}, "https-not-required medium", "in the clear"},
		{"azure, TLS 1.0", func(_ *model.Model, f *model.Function) { azure(f).MinTLS = str("1.0"); f.Runtime = str("node|24") }, "old-tls medium", "withdrawn"},
		{"azure, any origin", func(_ *model.Model, f *model.Function) {
			azure(f).CORS = &model.CORS{Pos: line(4), Origins: texts("*")}
			f.Runtime = str("node|24")
		}, "cors-any-origin low", "every page"},
		{"azure, owner", func(m *model.Model, f *model.Function) {
			azure(f)
			f.Runtime = str("node|24")
			m.Roles[0].Managed = texts("Owner")
		}, "iam-managed-policy high", "of the subscription"},
		{"google", func(_ *model.Model, f *model.Function) { google(f) }, "", "well built"},
		{"google, allUsers", func(_ *model.Model, f *model.Function) {
			e := google(f)
			e.Invokers, e.Ingress = texts("allUsers"), str("ALLOW_ALL")
		}, "public-invoker medium, ingress-all low", "everyone"},
		{"google, inside", func(_ *model.Model, f *model.Function) { google(f).Invokers = texts("allUsers") }, "public-invoker medium", "everyone on the network"},
		{"google, every secret", func(m *model.Model, f *model.Function) {
			google(f)
			f.Roles = []string{"R"}
			m.Roles[0].Managed = texts("roles/secretmanager.secretAccessor")
		}, "iam-bulk-read high", "of the project"},
		{"google, another account", func(m *model.Model, f *model.Function) {
			google(f)
			f.Roles = []string{"R"}
			m.Roles[0].Managed = texts("roles/iam.serviceAccountTokenCreator")
		}, "iam-privilege-escalation high", "any account of the project"},
		{"google, editor", func(m *model.Model, f *model.Function) { google(f); m.Roles[0].Managed = texts("roles/editor") }, "iam-managed-policy medium", "changes everything"},
	}, Context{})
}

func TestWallet(t *testing.T) {
	source := func(f *model.Function, kind fnvet.TriggerKind, id string) *model.Trigger {
		x := &model.Trigger{Pos: line(8), Kind: kind, Source: ref(id, "arn"), Retries: num(3), MaxAgeS: num(60)}
		f.Triggers = append(f.Triggers, x)
		return x
	}
	judge(t, []row{
		{"no limit", func(_ *model.Model, f *model.Function) { f.Concurrency = model.Value[int]{} }, "no-concurrency-limit info", "advice"},
		{"no limit, open, throttled", func(_ *model.Model, f *model.Function) { f.Concurrency = model.Value[int]{}; public(f) }, "route-without-auth low, no-concurrency-limit info", "the API throttles"},
		{"no limit, open, not throttled", func(m *model.Model, f *model.Function) {
			f.Concurrency = model.Value[int]{}
			m.APIs[0].Stages[0].Throttle = nil
			public(f)
		}, "no-concurrency-limit medium, no-throttle low, route-without-auth low", "any number"},
		{"absurd throttle", func(m *model.Model, f *model.Function) {
			m.APIs[0].Stages[0].Throttle.Rate = model.Is(line(7), 100000.0)
			public(f)
		}, "no-throttle low, route-without-auth low", "limits nothing"},
		{"throttle not known", func(m *model.Model, f *model.Function) {
			m.APIs[0].Stages[0].Throttle.Rate = model.Unknown[float64](line(7), "parameter")
			public(f)
		}, "route-without-auth low", "not known"},
		{"no WAF, no budget", func(m *model.Model, f *model.Function) {
			m.APIs[0].Kind = model.REST
			m.Budgets = nil
			public(f)
		}, "route-without-auth low, no-waf info, no-budget info", "advice"},
		{"recursive bucket", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerBucket, "B").Events = texts("s3:ObjectCreated:*")
			addRole(m, allow("s3:PutObject", "@B/*"))
		}, "recursive-trigger high", "writes where it listens"},
		{"a bucket by its name", func(m *model.Model, f *model.Function) {
			x := source(f, fnvet.TriggerBucket, "B")
			x.Events, x.Source = texts("s3:ObjectCreated:*"), txt("shop-in")
			addRole(m, allow("s3:PutObject", "arn:aws:s3:::shop-in/*"))
		}, "recursive-trigger high", "the same bucket, by name and by ARN"},
		{"another bucket by its name", func(m *model.Model, f *model.Function) {
			x := source(f, fnvet.TriggerBucket, "B")
			x.Events, x.Source = texts("s3:ObjectCreated:*"), txt("shop-in")
			addRole(m, allow("s3:PutObject", "arn:aws:s3:::shop-out/*"))
		}, "", "another one"},
		{"other prefix", func(m *model.Model, f *model.Function) {
			x := source(f, fnvet.TriggerBucket, "B")
			x.Events, x.Prefix = texts("s3:ObjectCreated:*"), txt("in/")
			addRole(m, allow("s3:PutObject", "@B/out/*"))
		}, "", "the prefixes differ"},
		{"same prefix", func(m *model.Model, f *model.Function) {
			x := source(f, fnvet.TriggerBucket, "B")
			x.Events, x.Prefix = texts("s3:ObjectCreated:*"), txt("in/")
			addRole(m, allow("s3:PutObject", "@B/in/*"))
		}, "recursive-trigger high", "under the same prefix"},
		{"other suffix", func(m *model.Model, f *model.Function) {
			x := source(f, fnvet.TriggerBucket, "B")
			x.Events, x.Suffix = texts("s3:ObjectCreated:*"), txt(".jpg")
			addRole(m, allow("s3:PutObject", "@B/*.png"))
		}, "", "the suffixes differ"},
		{"on removal", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerBucket, "B").Events = texts("s3:ObjectRemoved:*")
			addRole(m, allow("s3:PutObject", "@B/*"))
		}, "", "writing starts nothing"},
		{"a bucket among all", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerBucket, "B").Events = texts("s3:ObjectCreated:*")
			addRole(m, allow("s3:*", "*"))
		}, "recursive-trigger low, iam-wildcard-action high", "it may write where it listens, as everywhere"},
		{"a bucket of an administrator", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerBucket, "B").Events = texts("s3:ObjectCreated:*")
			addRole(m, allow("*", "*"))
		}, "recursive-trigger low, iam-admin high", "everything, everywhere"},
		{"a bucket among all, denied", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerBucket, "B").Events = texts("s3:ObjectCreated:*")
			s := allow("s3:PutObject", "*")
			s.Effect = str("Deny")
			addRole(m, s)
			addRole(m, allow("s3:*", "*"))
		}, "iam-wildcard-action high", "a Deny takes it away"},
		{"all buckets, to read", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerBucket, "B").Events = texts("s3:ObjectCreated:*")
			addRole(m, allow("s3:Get*", "*"))
		}, "iam-bulk-read medium, iam-wildcard-resource low", "reading starts nothing"},
		{"recursive queue", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerQueue, "Q")
			addRole(m, allow("sqs:SendMessage", "@Q"))
		}, "recursive-trigger high", "sends to itself"},
		{"another queue", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerQueue, "Q")
			addRole(m, allow("sqs:SendMessage", "@DLQ"))
		}, "", "sends elsewhere"},
		{"recursive table", func(m *model.Model, f *model.Function) {
			m.Tables = []*model.Table{{Resource: res("T", "AWS::DynamoDB::Table")}}
			f.Triggers = append(f.Triggers, &model.Trigger{Pos: line(8), Kind: fnvet.TriggerTable, Source: ref("T", "stream"), Retries: num(3)})
			addRole(m, allow("dynamodb:PutItem", "@T"))
		}, "recursive-trigger high", "writes to its table"},
		{"recursive binding", func(_ *model.Model, f *model.Function) {
			source(f, fnvet.TriggerQueue, "orders")
			f.Outputs = []model.Output{{Pos: line(9), Kind: fnvet.TriggerQueue, Target: ref("orders", "arn")}}
		}, "recursive-trigger high", "by its binding"},
		{"timeout behind an API", func(_ *model.Model, f *model.Function) { f.TimeoutS = num(60) }, "timeout-beyond-api low", "nobody waits"},
		{"timeout of a route that waits", func(m *model.Model, f *model.Function) {
			m.APIs[0].Kind = model.REST
			f.TimeoutS, f.Triggers[0].Route.WaitMS = num(60), num(120000)
		}, "", "the API waits as long"},
		{"timeout of a route that waits less", func(_ *model.Model, f *model.Function) {
			f.TimeoutS, f.Triggers[0].Route.WaitMS = num(10), num(5000)
		}, "timeout-beyond-api low", "five seconds"},
		{"timeout of a route, not known", func(_ *model.Model, f *model.Function) {
			f.TimeoutS, f.Triggers[0].Route.WaitMS = num(60), model.Unknown[int](line(5), "?")
		}, "", "not known"},
		{"timeout of 900 s for all", func(_ *model.Model, f *model.Function) { f.TimeoutS = num(900); public(f) }, "timeout-beyond-api medium, route-without-auth low", "paid for"},
		{"timeout for a queue, too", func(_ *model.Model, f *model.Function) { f.TimeoutS = num(60); source(f, fnvet.TriggerQueue, "X") }, "", "the queue needs it"},
		{"default for a batch", func(_ *model.Model, f *model.Function) {
			f.TimeoutS = model.Value[int]{}
			source(f, fnvet.TriggerQueue, "Q")
		}, "timeout-default info", "advice"},
		{"short visibility", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerQueue, "Q")
			m.Queues[0].VisibilityS = num(30)
		}, "queue-visibility low", "30 < 60"},
		{"visibility under the timeout", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerQueue, "Q")
			m.Queues[0].VisibilityS = num(5)
		}, "queue-visibility medium", "5 < 10"},
		{"visibility not known", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerQueue, "Q")
			m.Queues[0].VisibilityS = model.Unknown[int](line(20), "?")
		}, "", "not known"},
		{"no redrive", func(m *model.Model, f *model.Function) {
			source(f, fnvet.TriggerQueue, "Q")
			m.Queues[0].DeadLetter = model.Value[model.Text]{}
		}, "queue-without-dead-letter low", "for ever"},
		{"no dead letters", func(_ *model.Model, f *model.Function) {
			source(f, fnvet.TriggerTopic, "X")
			f.DeadLetter = model.Value[model.Text]{}
		}, "async-without-dead-letter low", "lost"},
		{"endless stream", func(_ *model.Model, f *model.Function) {
			x := source(f, fnvet.TriggerStream, "X")
			x.Retries, x.MaxAgeS = model.Value[int]{}, model.Value[int]{}
		}, "stream-endless-retries low", "the default"},
		{"overlap", func(_ *model.Model, f *model.Function) {
			f.TimeoutS = num(120)
			source(f, fnvet.TriggerSchedule, "").Schedule = str("rate(1 minute)")
		}, "schedule-overlap low", "60 < 120"},
		{"no overlap", func(_ *model.Model, f *model.Function) {
			f.TimeoutS = num(20)
			source(f, fnvet.TriggerSchedule, "").Schedule = str("cron(0/5 * * * ? *)")
		}, "", "300 > 20"},
	}, Context{})
}

func TestInterval(t *testing.T) {
	for s, want := range map[string]int{
		"rate(1 minute)": 60, "rate(5 minutes)": 300, "rate(1 hour)": 3600, "cron(0/5 * * * ? *)": 300, "cron(0 12 * * ? *)": 86400,
		"*/10 * * * *": 600, "* * * * *": 60, "0 */5 * * * *": 300, "*/30 * * * * *": 30, "0 3 * * *": 86400, "0,30 * * * *": 1800,
		"every 5 minutes": 300, "0 0,1 * * *": 3600, "": 0, "rate(x)": 0, "cron(a)": 0, "every day": 0,
	} {
		if got := interval(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

func TestBill(t *testing.T) {
	m := well()
	m.Functions[0].MemoryMB, m.Functions[0].TimeoutS, m.Functions[0].Concurrency = num(1024), num(10), num(100)
	b := Bills(m, Context{Prices: prices(t, "* * 0.00001 0.000001")})
	// 100 at once of 1 GB: 0.001 a second; 10 requests a second: 0.00001.
	if len(b) != 1 || !near(b[0].Hour, 3600*0.00101) || !near(b[0].Day, 86400*0.00101) || !b[0].Limited {
		t.Errorf("%+v", b)
	}
	m.Functions[0].Concurrency = model.Value[int]{}
	other := *m.Functions[0]
	other.ID = "G"
	m.Functions = append(m.Functions, &other)
	var stack string
	for _, f := range Run(m, Context{Prices: prices(t, "currency EUR\n* * 0.00001 0.000001")}) {
		if f.ID == worstCaseBill && f.Resource == "stack" {
			stack = f.Evidence
		}
	}
	if !strings.HasPrefix(stack, "EUR 36.36 an hour, EUR 872.64 a day") { // the account's 1,000 once, not for each
		t.Error(stack)
	}
	run := &model.Function{Resource: model.Resource{ID: "run", Cloud: model.Google}, MemoryMB: num(1024), TimeoutS: num(60), Concurrency: num(10)}
	// ten at once of 1 GB and 0.583 processors, one request a minute each.
	want := 36000 * (0.0000025 + 0.583*0.000024 + 0.0000004/60)
	if b := Bills(&model.Model{Functions: []*model.Function{run}}, Context{Prices: data.ListPrices()}); len(b) != 1 || !near(b[0].Hour, want) {
		t.Errorf("%+v, want %f an hour", b, want)
	}
	run.PackageType = str("Image") // a processor, and 80 requests at once
	want = 36000 * (0.0000025 + 0.000024 + 80*0.0000004/60)
	if b := Bills(&model.Model{Functions: []*model.Function{run}}, Context{Prices: data.ListPrices()}); len(b) != 1 || !near(b[0].Hour, want) {
		t.Errorf("%+v, want %f an hour", b, want)
	}
	if b := Bills(&model.Model{Functions: []*model.Function{run}}, Context{Prices: prices(t, "* * 1 1")}); len(b) != 0 {
		t.Errorf("a bill at prices of another cloud: %+v", b)
	}
	m.Functions[0].MemoryMB = model.Unknown[int](line(1), "parameter")
	m.Functions = m.Functions[:1]
	if b := Bills(m, Context{Prices: prices(t, "* * 1 1")}); len(b) != 0 {
		t.Errorf("a bill of what is not known: %+v", b)
	}
}

// What starts a function is named as the template names it.
func TestSourceNames(t *testing.T) {
	for _, c := range []struct {
		reason string
		source model.Value[model.Text]
		want   string
	}{
		{"a reference", ref("Uploads", ""), "bucket Uploads"},
		{"an attribute", ref("Uploads", "arn"), "bucket Uploads"},
		{"a name", txt("uploads"), "bucket uploads"},
		{"a part of a text", model.Is(line(9), under("Uploads", "in")), "bucket Uploads.arn/in"},
		{"not known", model.Unknown[model.Text](line(9), "parameter"), "its bucket"},
	} {
		if got := source(&model.Trigger{Kind: fnvet.TriggerBucket, Source: c.source}); got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
}
