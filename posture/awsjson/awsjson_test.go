package awsjson

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet/posture/model"
)

func TestIs(t *testing.T) {
	for _, c := range []struct {
		name, file, in   string
		policy, function bool
	}{
		{"a policy", "p.json", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`, true, false},
		{"one statement", "p.json", `{"Statement": {"Effect": "Allow", "NotAction": "x", "Resource": "*"}}`, true, false},
		{"get-role-policy", "p.json", `{"RoleName": "r", "PolicyName": "p", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "*"}]}}`, true, false},
		{"a template", "t.json", `{"Resources": {"A": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "*"}]}}}}}`, false, false},
		{"other JSON", "x.json", `{"Statement": "Effect"}`, false, false},
		{"get-function-configuration", "f.json", `{"FunctionName": "f", "FunctionArn": "arn:x", "Runtime": "nodejs22.x"}`, false, true},
		{"get-function", "f.json", `{"Configuration": {"FunctionName": "f", "FunctionArn": "arn:x", "PackageType": "Image"}}`, false, true},
		{"list-functions", "f.json", `{"Functions": [{"FunctionName": "f", "FunctionArn": "arn:x", "Handler": "x"}]}`, false, true},
		{"an event", "e.json", `{"FunctionArn": "x"}`, false, false},
		{"not JSON by name", "f.txt", `{"FunctionArn": "x", "Handler": "y"}`, false, false},
	} {
		if p, f := IsPolicy(c.file, []byte(c.in)), IsFunction(c.file, []byte(c.in)); p != c.policy || f != c.function {
			t.Errorf("%s: policy %v, function %v", c.name, p, f)
		}
	}
}

func TestReadPolicy(t *testing.T) {
	in := "{\"Statement\": [\n {\"Effect\": \"Allow\", \"Action\": [\"s3:*\"], \"Resource\": \"arn:aws:s3:::x/${aws:username}/*\"}]}"
	m, err := ReadPolicy(context.Background(), &model.Source{Name: "dir/wide.json", Data: []byte(in)})
	if err != nil || len(m.Policies) != 1 || len(m.Policies[0].Statements) != 1 {
		t.Fatalf("%v %+v", err, m)
	}
	s := m.Policies[0].Statements[0]
	got := []any{m.Dialect, m.Policies[0].ID, s.Line, s.Actions.Items[0].String(), s.Resources.Items[0].String()}
	if d := cmp.Diff([]any{model.IAMPolicy, "wide", 2, "s3:*", "arn:aws:s3:::x/${aws:username}/*"}, got); d != "" {
		t.Error(d)
	}
	trust, err := ReadPolicy(context.Background(), &model.Source{Name: "trust.json", Data: []byte(`{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}`)})
	if err != nil || len(trust.Roles) != 1 || len(trust.Roles[0].Trust) != 1 || trust.Roles[0].Trust[0].Principals[0].Kind != "*" {
		t.Errorf("trust: %v %+v", err, trust)
	}
}

func TestReadFunction(t *testing.T) {
	in := `{"Configuration": {"FunctionName": "orders", "FunctionArn": "arn:aws:lambda:eu-west-1:1:function:orders", "Runtime": "nodejs18.x", "Handler": "index.handler",
"Role": "arn:aws:iam::1:role/r", "Timeout": 900, "MemorySize": 3008, "Environment": {"Variables": {"A": "b"}}, "TracingConfig": {"Mode": "PassThrough"},
"Layers": [{"Arn": "arn:aws:lambda:eu-west-1:2:layer:x:1"}], "Architectures": ["arm64"]}, "Concurrency": {"ReservedConcurrentExecutions": 7}}`
	m, err := ReadFunction(context.Background(), &model.Source{Name: "f.json", Data: []byte(in)})
	if err != nil || len(m.Functions) != 1 {
		t.Fatalf("%v %+v", err, m)
	}
	f := m.Functions[0]
	timeout, _ := f.TimeoutS.Known()
	reserved, _ := f.Concurrency.Known()
	got := []any{f.ID, timeout, reserved, f.Env[0].Name, f.Layers.Items[0].String(), f.TimeoutS.Line}
	if d := cmp.Diff([]any{"orders", 900, 7, "A", "arn:aws:lambda:eu-west-1:2:layer:x:1", 2}, got); d != "" {
		t.Error(d)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`))
	f.Add([]byte(`{"FunctionName": "f", "FunctionArn": "arn:x", "Runtime": "nodejs22.x", "Layers": [1, null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		src := &model.Source{Name: "x.json", Data: data}
		for _, read := range []func(context.Context, *model.Source) (*model.Model, error){ReadPolicy, ReadFunction} {
			if m, err := read(context.Background(), src); (m == nil) != (err != nil) {
				t.Fatalf("%v with %v", m, err)
			}
		}
	})
}
