package check

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
)

func prices(t *testing.T, text string) data.Prices {
	t.Helper()
	p, err := data.ParsePrices([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9*math.Max(1, math.Abs(b)) }

func TestSettings(t *testing.T) {
	env := func(name string, value model.Value[model.Text]) func(*model.Model, *model.Function) {
		return func(_ *model.Model, f *model.Function) {
			f.Env = append(f.Env, model.Variable{Pos: line(12), Name: name, Value: value})
		}
	}
	at := func(kind model.RefKind, id string) model.Value[model.Text] {
		return model.Is(line(12), model.To(line(12), kind, id, ""))
	}
	parameter := func(p model.Parameter) func(*model.Model, *model.Function) {
		return func(m *model.Model, f *model.Function) {
			p.Resource = res("DbPassword", "parameter")
			m.Parameters = []*model.Parameter{&p}
			f.KMSKey = txt("key")
			env("DB_PASSWORD", at(model.RefParameter, "DbPassword"))(m, f)
		}
	}
	layer := func(arn string) func(*model.Model, *model.Function) {
		return func(_ *model.Model, f *model.Function) { f.Layers = texts(arn) }
	}
	judge(t, []row{
		{"named secret", env("DB_PASSWORD", txt("hunter2-Zx81")), "env-secret high, env-without-customer-key low", "a literal"},
		{"camel case", env("dbPassword", txt("hunter2-Zx81")), "env-secret high, env-without-customer-key low", "a literal"},
		{"address with password", env("DATABASE_URL", txt("postgres://app:hunter2-Zx81@db.internal/app")), "env-secret high", "inside an address"},
		{"address without", env("DATABASE_URL", txt("postgres://db.internal/app")), "", "no password"},
		{"placeholder in words", env("DB_PASSWORD", txt("REPLACE-WITH-YOUR-SECRET-HERE")), "", "no secret"},
		{"words and a number", env("DB_PASSWORD", txt("correct-your-horse-7")), "env-secret high, env-without-customer-key low", "a secret"},
		{"credential of a connection", env("AzureWebJobsStorage__credential", txt("managedidentity")), "", "its kind"},
		{"placeholder", env("DB_PASSWORD", txt("changeme")), "", "no secret"},
		{"name of a secret", env("DB_PASSWORD", txt("prod/orders/db")), "", "a path in a store"},
		{"ARN of a secret", env("DB_SECRET_ARN", txt("arn:aws:secretsmanager:eu-west-1:1:secret:db")), "", "a place"},
		{"table of tokens", env("TOKEN_TABLE", txt("orders-tokens-prod")), "", "a place"},
		{"queue of tokens", env("TOKEN_QUEUE", txt("orders-tokens-9x")), "", "a place"},
		{"cache of tokens", env("TOKEN_CACHE", txt("redis-tokens-9x")), "", "a place"},
		{"alias of a key", env("ENCRYPTION_KEY_ALIAS", txt("alias-orders-9x")), "", "a place"},
		{"store of secrets", env("SECRET_STORE", txt("parameter-store-9x")), "", "a place"},
		{"provider of credentials", env("CREDENTIALS_PROVIDER", txt("container-role")), "", "a place"},
		{"how passwords are hashed", env("PASSWORD_HASH_ALGO", txt("argon2id")), "", "a place"},
		{"max tokens", env("MAX_TOKENS", txt("100000")), "", "a number"},
		{"key vault", env("DB_PASSWORD", txt("@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/db/)")), "", "resolved at run time"},
		{"secret at run time", env("DB_PASSWORD", at(model.RefSecret, "db")), "", "right"},
		{"plain text on deployment", env("DB_PASSWORD", at(model.RefDynamic, "db")), "env-dynamic-reference low, env-without-customer-key low", "readable then"},
		{"not known", env("DB_PASSWORD", model.Unknown[model.Text](line(12), "?")), "", "not known"},
		{"parameter shown", parameter(model.Parameter{}), "parameter-without-noecho low", "anyone sees it"},
		{"parameter with default", parameter(model.Parameter{NoEcho: is(true), Default: txt("hunter2-Zx81")}), "parameter-default-secret high", "in the template"},
		{"parameter hidden", parameter(model.Parameter{NoEcho: is(true)}), "", "right"},
		{"parameter of a store", parameter(model.Parameter{ParamType: "AWS::SSM::Parameter::Value<String>", Default: txt("/orders/db")}), "", "a name"},
		{"certificates unchecked", env("NODE_TLS_REJECT_UNAUTHORIZED", txt("0")), "env-dangerous high", "off"},
		{"certificates checked", env("NODE_TLS_REJECT_UNAUTHORIZED", txt("1")), "", "on"},
		{"python unchecked", env("PYTHONHTTPSVERIFY", txt("0")), "env-dangerous high", "off"},
		{"preload", env("LD_PRELOAD", txt("/opt/x.so")), "env-dangerous medium", "loads code"},
		{"debugger", env("NODE_OPTIONS", txt("--inspect=0.0.0.0")), "env-dangerous high", "opens a port"},
		{"source maps", env("NODE_OPTIONS", txt("--enable-source-maps")), "", "harmless"},
		{"wrapper", env("AWS_LAMBDA_EXEC_WRAPPER", txt("/var/task/run")), "env-dangerous low", "runs first"},
		{"telemetry", env("AWS_LAMBDA_EXEC_WRAPPER", txt("/opt/otel-handler")), "", "well known"},
		{"foreign layer", layer("arn:aws:lambda:eu-west-1:111122223333:layer:x:3"), "layer-foreign low", "not ours"},
		{"known layer", layer("arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV3:7"), "layer-foreign info", "AWS's own"},
		{"unpinned layer", layer("arn:aws:lambda:eu-west-1:017000801446:layer:x"), "layer-unpinned low", "no version"},
		{"no signing", func(_ *model.Model, f *model.Function) { f.CodeSigning = model.Value[model.Text]{} }, "no-code-signing info", "advice"},
	}, Context{})
}

func TestSecretHook(t *testing.T) {
	m := well()
	m.Functions[0].Env = []model.Variable{{Pos: line(12), Name: "X", Value: txt("AKIA-by-format")}}
	hook := func(_, value string) (string, bool) { return "access key", strings.HasPrefix(value, "AKIA") }
	for _, f := range Run(m, Context{Secret: hook}) {
		if f.ID == envSecret {
			if strings.Contains(f.Evidence, "by-format") || !strings.Contains(f.Evidence, "access key") {
				t.Error(f.Evidence)
			}
			return
		}
	}
	t.Error("not found")
}

func TestRuntime(t *testing.T) {
	runtime := func(name string) func(*model.Model, *model.Function) {
		return func(_ *model.Model, f *model.Function) { f.Runtime = str(name) }
	}
	judge(t, []row{
		{"current", runtime("python3.14"), "", "patched"},
		{"deprecated", runtime("python3.9"), "runtime-deprecated medium", "since 2025-12-15"},
		{"deprecated and open", func(m *model.Model, f *model.Function) { runtime("python3.9")(m, f); public(f) }, "runtime-deprecated high, route-without-auth low", "anyone calls it"},
		{"blocked", runtime("python2.7"), "runtime-deprecated high", "cannot be updated"},
		{"ending", runtime("provided.al2"), "runtime-deprecated medium", "ended in July"},
		{"newer than the data", runtime("nodejs99.x"), "", "not known"},
		{"no tracing", func(_ *model.Model, f *model.Function) { f.Tracing = model.Value[string]{} }, "tracing-off info", "advice"},
		{"no log", func(m *model.Model, _ *model.Function) { m.Roles[0].Managed.Items = nil }, "logs-unwritable low", "no right"},
		{"no log, perhaps", func(m *model.Model, _ *model.Function) { m.Roles[0].Managed.Items, m.Roles[0].Open = nil, true }, "", "not known"},
		{"logs for ever", func(m *model.Model, _ *model.Function) { m.LogGroups = nil }, "log-retention info", "the default"},
		{"no alarms", func(m *model.Model, _ *model.Function) { m.Alarms = nil }, "no-alarms info", "advice"},
		{"private database", func(_ *model.Model, f *model.Function) {
			f.Env = []model.Variable{{Pos: line(12), Name: "DB_HOST", Value: txt("orders.abc.eu-west-1.rds.amazonaws.com")}}
		}, "no-vpc low", "in a network"},
		{"database of the stack", func(m *model.Model, f *model.Function) {
			m.Others = []*model.Resource{{ID: "Db", Type: "AWS::RDS::DBInstance"}}
			f.Env = []model.Variable{{Pos: line(12), Name: "DB_HOST", Value: ref("Db", "Endpoint.Address")}}
		}, "no-vpc low", "in a network"},
		{"in the network", func(m *model.Model, f *model.Function) {
			m.SecurityGroups = []*model.SecurityGroup{{Resource: res("G", "AWS::EC2::SecurityGroup")}}
			f.Network = &model.Network{Pos: line(13), SecurityGroups: list(to("G", "id"))}
			f.Env = []model.Variable{{Pos: line(12), Name: "DB_HOST", Value: txt("orders.abc.eu-west-1.rds.amazonaws.com")}}
		}, "egress-open info", "right, but for egress"},
		{"every port, of its group", func(m *model.Model, f *model.Function) {
			groups(m, f, "G", model.Rule{Pos: line(61), CIDR: txt("0.0.0.0/0"), Protocol: str("-1")})
		}, "security-group-ingress-open low", "whatever else gets the group is open"},
		{"a remote shell, of its group", func(m *model.Model, f *model.Function) {
			groups(m, f, "G", model.Rule{Pos: line(61), CIDR: txt("::/0"), Protocol: str("tcp"), From: num(20), To: num(30)})
		}, "security-group-ingress-open low", "22 is among them"},
		{"every port, of another", func(m *model.Model, f *model.Function) {
			groups(m, f, "H", model.Rule{Pos: line(61), CIDR: txt("0.0.0.0/0"), Protocol: str("tcp"), From: num(0), To: num(65535)})
		}, "security-group-ingress-open info", "no function uses it"},
		{"the web", func(m *model.Model, f *model.Function) {
			groups(m, f, "G", model.Rule{Pos: line(61), CIDR: txt("0.0.0.0/0"), Protocol: str("tcp"), From: num(443), To: num(443)})
		}, "", "may be meant"},
		{"a remote shell from the office", func(m *model.Model, f *model.Function) {
			groups(m, f, "G", model.Rule{Pos: line(61), CIDR: txt("203.0.113.0/24"), Protocol: str("tcp"), From: num(22), To: num(22)})
		}, "", "addresses are named"},
	}, Context{})
}

// groups adds a security group with a rule to let traffic in, and puts the function in G.
func groups(m *model.Model, f *model.Function, id string, in model.Rule) {
	m.SecurityGroups = []*model.SecurityGroup{{Resource: res(id, "AWS::EC2::SecurityGroup"), Ingress: model.List[model.Rule]{Items: []model.Rule{in}},
		Egress: model.List[model.Rule]{Items: []model.Rule{{Pos: line(62), CIDR: txt("10.0.0.0/8"), Protocol: str("-1")}}}}}
	f.Network = &model.Network{Pos: line(13), SecurityGroups: list(to("G", "id"))}
}

// Data that is out of date says of which day it is.
func TestAsOf(t *testing.T) {
	for year, want := range map[int]bool{2026: false, 2030: true} {
		m := well()
		m.Functions[0].Runtime = str("python3.9")
		var said int
		for _, f := range Run(m, Context{Now: time.Date(year, 12, 1, 0, 0, 0, 0, time.UTC)}) {
			if strings.Contains(f.Evidence, "as of 20") || strings.Contains(f.Evidence, "list prices of 20") {
				said++
			}
		}
		if want != (said == 2) || !want && said > 0 {
			t.Errorf("in %d it is said %d times", year, said)
		}
	}
}
