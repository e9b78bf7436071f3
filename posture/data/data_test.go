package data

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestActions(t *testing.T) {
	c := New()
	for _, r := range []struct {
		name  string
		level Level
		typ   string // one of its types, "" for none
	}{
		{"s3:getobject", Read, "object"},
		{"S3:PutObject", Write, "object"},
		{"s3:ListAllMyBuckets", List, ""},
		{"iam:PassRole", Write, "role"},
		{"iam:AttachRolePolicy", Permissions, "role"},
		{"lambda:InvokeFunction", Write, "function"},
		{"dynamodb:PutItem", Write, "table"},
		{"xray:PutTraceSegments", Write, ""},
	} {
		a, ok := c.Action(r.name)
		has := strings.Contains(" "+strings.Join(a.Types, " ")+" ", " "+r.typ+" ")
		if !ok || a.Level != r.level || (r.typ == "") != (len(a.Types) == 0) || r.typ != "" && !has {
			t.Errorf("%s: %+v %v", r.name, a, ok)
		}
	}
	for _, none := range []string{"s3:GetObjct", "s4:GetObject", "s3", "", ":"} {
		if a, ok := c.Action(none); ok {
			t.Errorf("%q is %v", none, a)
		}
	}
	if got := c.ARN("s3", "bucket"); got != "arn:${Partition}:s3:::${BucketName}" {
		t.Error(got)
	}
	if n := len(c.Actions("*")); n < 15000 {
		t.Errorf("%d actions in all", n)
	}
	if got := c.Actions("sqs:SendMess*"); len(got) != 1 || got[0].String() != "sqs:SendMessage" {
		t.Errorf("%v", got)
	}
}

func TestWildcard(t *testing.T) {
	for _, r := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"a*", "abc", true}, {"a*c", "abc", true}, {"a*d", "abc", false},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"*b*", "abc", true}, {"abc", "abc", true},
		{"abc", "ab", false}, {"", "a", false}, {"*a*a*a*b", strings.Repeat("a", 200), false},
	} {
		if got := Wildcard(r.pattern, r.s); got != r.want {
			t.Errorf("%q %q: %v", r.pattern, r.s, got)
		}
	}
}

func TestManaged(t *testing.T) {
	c := New()
	for _, name := range []string{"AdministratorAccess", "arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws-cn:iam::aws:policy/AdministratorAccess"} {
		s, ok := c.Managed(name)
		if diff := cmp.Diff([]Statement{{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}}}, s); !ok || diff != "" {
			t.Errorf("%s: %v %s", name, ok, diff)
		}
	}
	if s, ok := c.Managed("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"); !ok || len(s) != 1 || len(s[0].Actions) != 3 {
		t.Errorf("%v %v", s, ok)
	}
	if _, ok := c.Managed("arn:aws:iam::123456789012:policy/AdministratorAccess"); ok {
		t.Error("a customer's policy of that name is not AWS's")
	}
	for name := range c.managed() {
		if s, ok := c.Managed(name); !ok || len(s) == 0 {
			t.Errorf("%s does not parse", name)
		}
	}
}

func TestEscalations(t *testing.T) {
	c := New()
	if n := len(c.Escalations()); n < 21 {
		t.Errorf("%d ways", n)
	}
	for _, e := range c.Escalations() {
		for _, a := range e.Actions {
			if _, ok := c.Action(a); !ok && a != "" {
				t.Logf("%s: %s is no action any more", e.Name, a)
			}
		}
	}
	for name, want := range map[string]bool{"s3:GetObject": true, "secretsmanager:GetSecretValue": true, "sqs:SendMessage": false} {
		if c.Exposes(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestRuntimes(t *testing.T) {
	c := New()
	for _, r := range []struct{ cloud, name, deprecated string }{
		{"aws", "python3.7", "2023-12-04"},
		{"aws", "nodejs18.x", "2025-09-01"},
		{"google", "nodejs16", "2024-01-30"},
		{"azure", "python3.8", "2024-10-07"},
		{"azure", "node18", "2025-04-30"},
		{"azure", "dotnet-isolated6.0", "2024-11-12"},
		{"azure", "node|~16", "2023-09-11"},
	} {
		if got, ok := c.Runtime(r.cloud, r.name); !ok || got.Deprecated != r.deprecated {
			t.Errorf("%s %s: %+v %v", r.cloud, r.name, got, ok)
		}
	}
	if _, ok := c.Runtime("aws", "nodejs99.x"); ok {
		t.Error("nodejs99.x is known")
	}
}

func TestPrices(t *testing.T) {
	p := ListPrices()
	arm, ok := p.Of("", "arm64")
	if !ok || arm.GBSecond != 0.0000133334 || arm.Request != 0.0000002 {
		t.Errorf("%+v %v", arm, ok)
	}
	if far, _ := p.Of("af-south-1", ""); far.GBSecond != 0.0000221 {
		t.Errorf("%+v", far)
	}
	for _, bad := range []string{"", "* * x 1", "* * 1", "* * -1 1", "* * NaN 1", "* * 1e9 1", strings.Repeat("#", maxPriceFile+1)} {
		if _, err := ParsePrices([]byte(bad)); err == nil {
			t.Errorf("%.20q is taken", bad)
		}
	}
	own, err := ParsePrices([]byte("# contract of 2026\ncurrency EUR\n* * 0.00001 0.0000001\n"))
	if err != nil || own.Currency != "EUR" || own.Source != "contract of 2026" {
		t.Errorf("%+v %v", own, err)
	}
}

func TestOrigins(t *testing.T) {
	for _, o := range Origins() {
		if !strings.Contains(o, "2026-") && !strings.Contains(o, "2027-") {
			t.Errorf("%q has no date", o)
		}
	}
}

func BenchmarkFirstLookup(b *testing.B) {
	for b.Loop() {
		New().Action("s3:GetObject")
	}
}

func BenchmarkFirstManaged(b *testing.B) {
	for b.Loop() {
		New().Managed("AdministratorAccess")
	}
}

func FuzzPrices(f *testing.F) {
	f.Add(pricesFile)
	f.Add("currency EUR\n* * 1 1")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePrices([]byte(text))
		if err != nil && len(p.by) != 0 {
			t.Error("prices with an error")
		}
		for _, price := range p.by {
			if !(price.GBSecond >= 0) || !(price.Request >= 0) {
				t.Errorf("%+v", price)
			}
		}
	})
}
