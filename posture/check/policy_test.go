package check

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/usage"
)

func TestLeastPrivilege(t *testing.T) {
	use := func(actions ...string) *usage.Usage {
		u := &usage.Usage{Files: 1}
		for _, a := range actions {
			u.Calls = append(u.Calls, usage.Call{Action: a})
		}
		return u
	}
	on := func(action, name string) *usage.Usage {
		return &usage.Usage{Files: 1, Calls: []usage.Call{{Action: action, Resource: name}}}
	}
	const logs = `{"Sid":"Logs","Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":["arn:aws:logs:*:*:log-group:/aws/lambda/*:*"]}`
	const xray = `{"Sid":"Xray","Effect":"Allow","Action":["xray:PutTelemetryRecords","xray:PutTraceSegments"],"Resource":["*"]}`
	const dead = `{"Sid":"Sqs","Effect":"Allow","Action":["sqs:SendMessage"],"Resource":[{"Fn::GetAtt":["DLQ","Arn"]}]}`
	for _, r := range []struct {
		name   string
		u      *usage.Usage
		change func(m *model.Model, f *model.Function)
		want   string
		named  []string
	}{
		{"as granted", use("s3:GetObject"), nil, logs + "," + xray + "," + dead + `,{"Sid":"S3","Effect":"Allow","Action":["s3:GetObject"],"Resource":[{"Fn::Sub":"${B.Arn}/*"}]}`, nil},
		{"granted too widely, named by the environment", use("s3:GetObject", "s3:PutObject"), func(m *model.Model, f *model.Function) {
			role(m, allow("s3:*", "*"))
			f.Env = []model.Variable{{Name: "BUCKET", Value: ref("B", "")}}
		}, logs + "," + xray + "," + dead + `,{"Sid":"S3","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":[{"Fn::Sub":"${B.Arn}/*"}]}`, nil},
		{"named by the code", on("s3:PutObject", "invoices"), func(m *model.Model, _ *model.Function) { role(m, allow("s3:*", "*")) },
			logs + "," + xray + "," + dead + `,{"Sid":"S3","Effect":"Allow","Action":["s3:PutObject"],"Resource":["arn:aws:s3:::invoices/*"]}`, nil},
		{"named by the code, granted another", on("lambda:InvokeFunction", "other"), func(m *model.Model, _ *model.Function) { role(m, allow("lambda:InvokeFunction", "@F")) },
			logs + "," + xray + "," + dead + `,{"Sid":"Lambda","Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":["arn:aws:lambda:*:*:function:other"]}`, nil},
		{"named by the code and in the template", on("s3:GetObject", "uploads"), func(m *model.Model, _ *model.Function) { m.Buckets[0].Name = txt("uploads") },
			logs + "," + xray + "," + dead + `,{"Sid":"S3","Effect":"Allow","Action":["s3:GetObject"],"Resource":[{"Fn::Sub":"${B.Arn}/*"}]}`, nil},
		{"no plain name", on("s3:GetObject", "*"), nil, logs + "," + xray + "," + dead + `,{"Sid":"S3","Effect":"Allow","Action":["s3:GetObject"],"Resource":[{"Fn::Sub":"${B.Arn}/*"}]}`, nil},
		{"not named", use("dynamodb:PutItem"), nil, logs + "," + xray + "," + dead + `,{"Sid":"Dynamodb","Effect":"Allow","Action":["dynamodb:PutItem"],"Resource":["arn:aws:dynamodb:*:*:table/TableName"]}`, []string{"TableName"}},
		{"its queue", use(), func(_ *model.Model, f *model.Function) {
			f.DeadLetter = model.Value[model.Text]{}
			f.Triggers = []*model.Trigger{{Kind: fnvet.TriggerQueue, Source: ref("Q", "arn")}}
		}, logs + "," + xray + `,{"Sid":"Sqs","Effect":"Allow","Action":["sqs:DeleteMessage","sqs:GetQueueAttributes","sqs:ReceiveMessage"],"Resource":[{"Fn::GetAtt":["Q","Arn"]}]}`, nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			m := well()
			if r.change != nil {
				r.change(m, m.Functions[0])
			}
			p := LeastPrivilege(data.New(), r.u, m.Functions[0], m)
			got, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(`{"Version":"2012-10-17","Statement":[`+r.want+`]}`, string(got)); diff != "" {
				t.Error(diff)
			}
			if !cmp.Equal(r.named, p.Named) {
				t.Errorf("named %v", p.Named)
			}
		})
	}
	p := LeastPrivilege(data.New(), use("xray:PutTraceSegments", "s3:GetObject"), nil, nil)
	if len(p.Statement) != 3 || !cmp.Equal(p.Named, []string{"BucketName"}) {
		t.Errorf("without a template: %+v", p)
	}
}
