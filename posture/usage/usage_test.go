package usage

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
)

// collect runs a collector over files by name.
func collect(t testing.TB, files map[string]string) *Collector {
	t.Helper()
	c := New(data.New())
	for name, text := range files {
		f := &fnvet.File{Path: name, Name: name, Size: int64(len(text)), Data: []byte(text)}
		if !c.Want(f) {
			continue
		}
		if _, err := c.Detect(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestStatedNames(t *testing.T) {
	for _, r := range []struct{ name, file, src, want string }{
		{"a command", "a.mjs", `import { GetObjectCommand } from "@aws-sdk/client-s3"; c.send(new GetObjectCommand({ Key: k, Bucket: "invoices" }))`, "s3:GetObject invoices"},
		{"a method", "a.js", `const AWS = require('aws-sdk'); const db = new AWS.DynamoDB.DocumentClient(); db.put({ Item: {TableName: "no"}, TableName: 'audit-log' })`, "dynamodb:PutItem audit-log"},
		{"boto3", "a.py", "import boto3\ns = boto3.client('lambda')\ns.invoke(FunctionName='other', Payload=b)\n", "lambda:InvokeFunction other"},
		{"a variable", "a.py", "import boto3\ns = boto3.client('lambda')\ns.invoke(FunctionName=name)\n", "lambda:InvokeFunction "},
		{"a part of a name", "a.py", "import boto3\ns = boto3.client('lambda')\ns.invoke(FunctionName='a' + stage)\n", "lambda:InvokeFunction "},
	} {
		u := collect(t, map[string]string{r.file: r.src}).For("", "")
		if u == nil || len(u.Calls) != 1 || u.Calls[0].Action+" "+u.Calls[0].Resource != r.want {
			t.Errorf("%s: %+v, want %s", r.name, u, r.want)
		}
	}
}

func TestCalls(t *testing.T) {
	for _, r := range []struct {
		name, file, src string
		sure            string // actions that are certain
		maybe           string // and that are not
		dynamic         bool
	}{
		{"v3 import", "a.mjs", `import { S3Client, GetObjectCommand, PutObjectCommand as Put } from "@aws-sdk/client-s3";
			const s3 = new S3Client({}); export const handler = async e => { await s3.send(new GetObjectCommand({})); await s3.send(new Put({})); }`, "s3:GetObject s3:PutObject", "", false},
		{"v3 imported and not used", "a.mjs", `import { GetObjectCommand } from "@aws-sdk/client-s3";`, "", "", false},
		{"v3 require", "a.js", `const { DynamoDBClient, QueryCommand: Q } = require('@aws-sdk/client-dynamodb'); x.send(new Q({}))`, "dynamodb:Query", "", false},
		{"v3 namespace", "a.ts", `import * as sqs from '@aws-sdk/client-sqs'; c.send(new sqs.SendMessageBatchCommand(x))`, "sqs:SendMessage", "", false},
		{"v3 document", "a.ts", `import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'; d.send(new PutCommand({}))`, "dynamodb:PutItem", "", false},
		{"v3 aggregated", "a.mjs", `import { SSM } from '@aws-sdk/client-ssm'; const ssm = new SSM(); await ssm.getParameter({})`, "ssm:GetParameter", "", false},
		{"v3 odd name of the service", "a.mjs", `import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'; c.send(new StartExecutionCommand({}))`, "states:StartExecution", "", false},
		{"v3 paginator", "a.mjs", `import { paginateListObjectsV2 } from '@aws-sdk/client-s3'; for await (const p of paginateListObjectsV2({client}, {})) {}`, "s3:ListBucket", "", false},
		{"v3 of esbuild", "a.js", `var import_client_s32 = require("@aws-sdk/client-s3"); c.send(new import_client_s32.GetObjectCommand({}))`, "s3:GetObject", "", false},
		{"v3 chosen", "a.js", `const s3 = require('@aws-sdk/client-s3'); c.send(new s3[name]({}))`, "", "", true},
		{"v3 storage", "a.js", `const { Upload } = require('@aws-sdk/lib-storage'); new Upload({}).done()`, "s3:PutObject", "", false},
		{"v2", "a.js", `const AWS = require('aws-sdk'); const s3 = new AWS.S3({region: 'x'}); s3.getObject({}).promise(); s3.listObjectsV2({})`, "s3:GetObject s3:ListBucket", "", false},
		{"v2 document", "a.js", `const AWS = require("aws-sdk"); const db = new AWS.DynamoDB.DocumentClient(); db.get({}); db.batchWrite({})`, "dynamodb:BatchWriteItem dynamodb:GetItem", "", false},
		{"v2 wrapped", "a.js", `const AWS = xray.captureAWS(require('aws-sdk')); const q = new AWS.SQS(); q.sendMessage({})`, "sqs:SendMessage", "", false},
		{"v2 of one service", "a.js", `const SNS = require('aws-sdk/clients/sns'); const sns = new SNS(); sns.publish({})`, "sns:Publish", "", false},
		{"v2 import", "a.ts", `import AWS from 'aws-sdk'; class A { private s3 = new AWS.S3(); f() { return this.s3.putObject({}) } }`, "s3:PutObject", "", false},
		{"v2 named", "a.ts", `import { Lambda } from 'aws-sdk'; const l = new Lambda(); l.invoke({})`, "lambda:InvokeFunction", "", false},
		{"v2 inline", "a.js", `const AWS = require('aws-sdk'); new AWS.SES().sendEmail({})`, "ses:SendEmail", "", false},
		{"v2 signed", "a.js", `const AWS = require('aws-sdk'); const s3 = new AWS.S3(); s3.getSignedUrl('putObject', {})`, "s3:PutObject", "", false},
		{"v2 chosen", "a.js", `const AWS = require('aws-sdk'); const s3 = new AWS.S3(); s3[m]({})`, "", "", true},
		{"v2 handed on", "a.js", `const AWS = require('aws-sdk'); const s3 = new AWS.S3(); function f(c) { c.putObject({}) } f(s3)`, "", "s3:PutObject", false},
		{"in a comment", "a.js", "// const { GetObjectCommand } = require('@aws-sdk/client-s3')\n/* new GetObjectCommand() */ const r = /new GetObjectCommand(/;", "", "", false},
		{"in a string", "a.js", `const t = "require('aws-sdk'); new AWS.S3().getObject()"`, "", "", false},
		{"a wrapper", "a.js", `const dynamoose = require('dynamoose')`, "", "", true},
		{"a word of another thing", "a.js", `const m = new Map(); m.get('x'); m.delete('y')`, "", "", false},
		{"boto3", "a.py", "import boto3\ns3 = boto3.client('s3')\ndef handler(e, c):\n    s3.get_object(Bucket='b', Key='k')\n    s3.upload_file('a', 'b', 'c')\n", "s3:GetObject s3:PutObject", "", false},
		{"boto3 resource", "a.py", "import boto3\ntable = boto3.resource('dynamodb').Table('x')\ntable.put_item(Item={})\n", "dynamodb:PutItem", "", false},
		{"boto3 resource in steps", "a.py", "import boto3\ndb = boto3.resource('dynamodb')\nt = db.Table(NAME)\nt.query()\nt.update_item()\n", "dynamodb:Query dynamodb:UpdateItem", "", false},
		{"boto3 in a class", "a.py", "import boto3\nclass A:\n    def __init__(self):\n        self.q = boto3.client(service_name='sqs')\n    def f(self):\n        self.q.send_message(QueueUrl=U)\n", "sqs:SendMessage", "", false},
		{"boto3 session", "a.py", "from boto3.session import Session\nsession = Session()\nl = session.client('lambda')\nl.invoke(FunctionName='x')\n", "lambda:InvokeFunction", "", false},
		{"boto3 chained", "a.py", "import boto3\nboto3.client('sns').publish(TopicArn='x')\n", "sns:Publish", "", false},
		{"boto3 paginator", "a.py", "import boto3\nc = boto3.client('s3')\nc.get_paginator('list_objects_v2').paginate()\n", "s3:ListBucket", "", false},
		{"boto3 object", "a.py", "import boto3\ns3 = boto3.resource('s3')\ns3.Object('b', 'k').put(Body=b'')\n", "s3:PutObject", "", false},
		{"boto3 chosen service", "a.py", "import boto3\nc = boto3.client(name)\n", "", "", true},
		{"boto3 chosen method", "a.py", "import boto3\nclient = boto3.client('s3')\ngetattr(client, name)()\n", "", "", true},
		{"boto3 in a comment", "a.py", "# boto3.client('s3').get_object()\n'''\nboto3.client('s3').get_object()\n'''\n", "", "", false},
		{"python wrapper", "a.py", "from pynamodb.models import Model\n", "", "", true},
		{"needs no permission", "a.py", "import boto3\nboto3.client('sts').get_caller_identity()\n", "", "", false},
		{"not all is certain", "a.py", "import boto3\nd = boto3.client('dynamodb')\nd.transact_write_items(TransactItems=[])\n", "", "dynamodb:ConditionCheckItem dynamodb:DeleteItem dynamodb:PutItem dynamodb:UpdateItem", false},
		{"dependency", "node_modules/x/a.js", `const AWS = require('aws-sdk'); new AWS.SES().sendEmail({})`, "", "", false},
		{"Go", "bootstrap", "\x7fELF\x00github.com/aws/aws-sdk-go-v2/service/s3.(*Client).GetObject\x00github.com/aws/aws-sdk-go-v2/service/s3.(*Client).addOperationPutObjectMiddlewares\x00github.com/aws/aws-sdk-go-v2/service/sso.(*Client).GetRoleCredentials\x00", "s3:GetObject", "", false},
		{"Go v1", "bootstrap", "\x7fELF\x00github.com/aws/aws-sdk-go/service/dynamodb.(*DynamoDB).PutItemWithContext\x00github.com/aws/aws-sdk-go/service/dynamodb.(*DynamoDB).PutItemRequest\x00", "dynamodb:PutItem", "", false},
		{"Java", "shop/Orders.class", class("software/amazon/awssdk/services/sqs/SqsClient", "sendMessage", "java/lang/String", "length"), "sqs:SendMessage", "", false},
		{"Java v1", "shop/Orders.class", class("com/amazonaws/services/s3/AmazonS3", "getObject"), "s3:GetObject", "", false},
		{"Java library", "software/amazon/x/Y.class", class("software/amazon/awssdk/services/sqs/SqsClient", "sendMessage"), "", "", false},
	} {
		t.Run(r.name, func(t *testing.T) {
			u := collect(t, map[string]string{r.file: r.src}).For("", "")
			if u == nil {
				u = &Usage{}
			}
			if diff := cmp.Diff(strings.Fields(r.sure), u.Actions(false), empty); diff != "" {
				t.Errorf("certain (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(strings.Fields(r.sure+" "+r.maybe), u.Actions(true), empty); diff != "" {
				t.Errorf("all (-want +got):\n%s", diff)
			}
			if u.Dynamic != r.dynamic {
				t.Errorf("dynamic %v (%s)", u.Dynamic, u.Why)
			}
		})
	}
}

var empty = cmp.Transformer("sorted", func(s []string) string { return strings.Join(s, " ") })

// class is a class file's constant pool with references to methods, by pairs of
// class and name.
func class(pairs ...string) string {
	b := []byte{0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 61, 0, 0}
	n := 1
	entry := func(tag byte, body ...byte) int {
		b = append(append(b, tag), body...)
		n++
		return n - 1
	}
	two := func(i int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(i)) } // #nosec G115 -- small
	text := func(s string) int { return entry(1, append(two(len(s)), s...)...) }
	entry(5, make([]byte, 8)...) // a long takes two places
	n++
	for i := 0; i < len(pairs); i += 2 {
		c := entry(7, two(text(pairs[i]))...)
		nt := entry(12, append(two(text(pairs[i+1])), two(text("()V"))...)...)
		entry(10, append(two(c), two(nt)...)...)
	}
	binary.BigEndian.PutUint16(b[8:], uint16(n)) // #nosec G115 -- small
	return string(b)
}

func TestClosure(t *testing.T) {
	const sends = `const { SQS } = require('@aws-sdk/client-sqs'); new SQS().sendMessage({})`
	for _, r := range []struct {
		name, handler string
		files         map[string]string
		want          string
	}{
		{"not imported", "a.handler", map[string]string{"a.js": "exports.handler = 1", "b.js": sends}, ""},
		{"imported", "a.handler", map[string]string{"a.js": "require('./lib/b')", "lib/b.js": sends}, "sqs:SendMessage"},
		{"an index", "a.handler", map[string]string{"a.mjs": "import './lib'", "lib/index.mjs": sends}, "sqs:SendMessage"},
		{"of TypeScript", "src/a.handler", map[string]string{"src/a.ts": "import { b } from './b.js'", "src/b.ts": sends}, "sqs:SendMessage"},
		{"exported again", "a.handler", map[string]string{"a.js": "export * from './b.js'", "b.js": sends}, "sqs:SendMessage"},
		{"by an alias", "a.handler", map[string]string{"a.ts": "import x from '@/b'", "b.ts": sends}, "sqs:SendMessage"},
		{"chosen at run time", "a.handler", map[string]string{"a.js": "require(name)", "b.js": sends}, "sqs:SendMessage"},
		{"no such handler", "x.handler", map[string]string{"a.js": "1", "b.js": sends}, "sqs:SendMessage"},
		{"Python", "app.handler", map[string]string{"app.py": "import os\nfrom lib import queue\n", "lib/queue.py": "import boto3\nboto3.client('sqs').send_message()\n", "other.py": "import boto3\nboto3.client('sns').publish()\n"}, "sqs:SendMessage"},
		{"Python, relative", "pkg.app.handler", map[string]string{"pkg/app.py": "from .queue import (\n    send,\n)\n", "pkg/queue.py": "import boto3\nboto3.client('sqs').send_message()\n", "queue.py": "import boto3\nboto3.client('sns').publish()\n"}, "sqs:SendMessage"},
		{"Python, dotted", "app.handler", map[string]string{"app.py": "import json, lib.queue as q\n", "lib/queue.py": "import boto3\nboto3.client('sqs').send_message()\n"}, "sqs:SendMessage"},
		{"Python, at run time", "app.handler", map[string]string{"app.py": "import importlib\nimportlib.import_module(x)\n", "q.py": "import boto3\nboto3.client('sqs').send_message()\n"}, "sqs:SendMessage"},
	} {
		t.Run(r.name, func(t *testing.T) {
			u := collect(t, r.files).For("", r.handler)
			if diff := cmp.Diff(strings.Fields(r.want), u.Actions(false), empty); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Where a binary keeps all of a client's methods, none is certain.
func TestReflection(t *testing.T) {
	catalog := data.New()
	var b strings.Builder
	b.WriteString("\x7fELF")
	for _, a := range catalog.Actions("sqs:*") {
		b.WriteString("github.com/aws/aws-sdk-go-v2/service/sqs.(*Client)." + a.Name + "\x00")
	}
	u := collect(t, map[string]string{"bootstrap": b.String()}).For("", "")
	if !u.Dynamic || len(u.Actions(false)) != 0 || len(u.Actions(true)) == 0 {
		t.Errorf("dynamic %v, %d certain", u.Dynamic, len(u.Actions(false)))
	}
}

func TestOwnCode(t *testing.T) {
	c := collect(t, map[string]string{
		"app.py":                      "import boto3\nboto3.client('sns').publish()\n",
		"lib/x.py":                    "import boto3\nboto3.client('sqs').send_message()\n",
		"lib-1.0.dist-info/RECORD":    "lib/x.py,sha256=a,1\nlib-1.0.dist-info/RECORD,,\n",
		"orders/a.js":                 "const { SQS } = require('@aws-sdk/client-sqs'); new SQS().deleteMessage({})",
		"orders/client.js":            "const { SQS } = require('@aws-sdk/client-sqs'); exports.q = new SQS()",
		"orders/use.js":               "q.sendMessage({})",
		"billing/b.js":                "const { SNS } = require('@aws-sdk/client-sns'); new SNS().publish({})",
		"orders/node_modules/x/c.cjs": "const { SES } = require('@aws-sdk/client-ses'); new SES().sendEmail({})",
	})
	if got := c.For("orders", "").Actions(true); !cmp.Equal(got, []string{"sqs:DeleteMessage", "sqs:SendMessage"}) {
		t.Errorf("orders: %v", got) // a client from another file
	}
	if got := c.For("billing", "").Actions(true); !cmp.Equal(got, []string{"sns:Publish"}) {
		t.Errorf("billing: %v", got)
	}
	if got := c.For("", "").Actions(false); !cmp.Equal(got, []string{"sns:Publish", "sqs:DeleteMessage"}) {
		t.Errorf("all: %v", got) // lib is an installed package
	}
	if c.For("none", "") != nil {
		t.Error("usage of no code")
	}
}

func TestOddNamesExist(t *testing.T) {
	c := data.New()
	for from, to := range odd {
		for a := range strings.FieldsSeq(to) {
			if a = strings.TrimPrefix(a, "?"); a == "-" {
				continue
			}
			if _, ok := c.Action(a); !ok {
				t.Errorf("%s: %s is no action", from, a)
			}
		}
	}
	for sdk, p := range prefixes {
		if !c.Service(p) {
			t.Errorf("%s: %s is no service", sdk, p)
		}
	}
}

func TestCutOffClass(t *testing.T) {
	whole := class("software/amazon/awssdk/services/sqs/SqsClient", "sendMessage")
	for i := range len(whole) {
		if s, err := readClass(data.New(), "a.class", "a.class", []byte(whole[:i])); err == nil || s != nil {
			t.Fatalf("%d bytes are taken", i)
		}
	}
}

// Whatever the text, reading ends, and calls are on lines of it and of known services.
func FuzzSource(f *testing.F) {
	f.Add("a.js", "const { A: B } = require('@aws-sdk/client-s3'); new B(`${x}`) /re/")
	f.Add("a.py", "import boto3\nx = boto3.resource('s3').Bucket('b').objects.filter()")
	f.Add("a.class", class("com/amazonaws/services/s3/AmazonS3", "getObject"))
	f.Add("bootstrap", "\x7fELFgithub.com/aws/aws-sdk-go-v2/service/s3.(*Client).GetObject\x00")
	f.Add("a.js", "import{ from '@aws-sdk/client-s3'")
	catalog := data.New()
	f.Fuzz(func(t *testing.T, name, text string) {
		s, err := read(catalog, &fnvet.File{Name: name, Path: name, Data: []byte(text)})
		if err != nil {
			if s != nil {
				t.Error("a source with an error")
			}
			return
		}
		for _, c := range s.calls {
			if c.line < 0 || c.line > strings.Count(text, "\n")+1 || !catalog.Service(c.service) {
				t.Errorf("%+v", c)
			}
		}
	})
}
