package posture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/klauspost/compress/s2"

	"github.com/fnvet/fnvet"
)

// scanned offers files of an artifact and finishes.
func scanned(t *testing.T, o Options, a fnvet.Artifact, files map[string]string) fnvet.Facts {
	t.Helper()
	d := New(o)
	for _, name := range sortedKeys(files) {
		f := &fnvet.File{Path: a.Name + "!/" + name, Name: name, Size: int64(len(files[name])), Data: []byte(files[name])}
		if a.Type == "directory" || a.Type == "file" {
			f.Path = name
		}
		if !d.Want(f) {
			continue
		}
		if _, err := d.Detect(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	d.Situate(a, nil, true)
	facts, err := d.Finish(t.Context(), func(string, string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

func given(files map[string]string, at string) Given {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	file := path.Base(at)
	if _, ok := m[file]; !ok {
		file = ""
	}
	return Given{Path: at, FS: m, File: file}
}

const (
	two = "Transform: AWS::Serverless-2016-10-31\nResources:\n" +
		"  A: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs24.x, CodeUri: a, Handler: a.handler}}\n" +
		"  B: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs24.x, CodeUri: b, Handler: b.handler}}\n"
	same = "Transform: AWS::Serverless-2016-10-31\nResources:\n" +
		"  A: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs24.x, CodeUri: a, Handler: app.handler}}\n" +
		"  Orders: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs24.x, CodeUri: b, Handler: app.handler}}\n"
	tfFunction = "resource \"aws_lambda_function\" \"f\" {\n  function_name = \"f\"\n  role = \"x\"\n}\n"
	single     = "Resources:\n  A: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs24.x, Handler: gone.handler}}\n"
)

func TestMatch(t *testing.T) {
	zip, dir := fnvet.Artifact{Name: "fn.zip", Type: "zip"}, fnvet.Artifact{Name: "app", Type: "directory"}
	for _, c := range []struct {
		why      string
		artifact fnvet.Artifact
		template string // given outside
		files    map[string]string
		want     []string // name root sure
	}{
		{"the code lies where the template says", dir, "", map[string]string{"template.yaml": two, "a/a.js": "", "b/b.ts": ""}, []string{"A a true", "B b true"}},
		{"one of them is elsewhere", dir, "", map[string]string{"template.yaml": two, "a/a.js": ""}, []string{"A a true"}},
		{"a template below", dir, "", map[string]string{"x/template.yaml": two, "x/a/a.js": ""}, []string{"A x/a true"}},
		{"only one handler is in the package", zip, two, map[string]string{"b.js": ""}, []string{"B  true"}},
		{"it may be either", zip, same, map[string]string{"app.js": ""}, []string{"A  false", "Orders  false"}},
		{"it has the name of one", fnvet.Artifact{Name: "orders.zip", Type: "zip"}, same, map[string]string{"app.js": ""}, []string{"A  false", "Orders  true"}},
		{"the only one, without its handler", zip, single, map[string]string{"x.js": ""}, []string{"A  true"}},
		{"none", zip, two, map[string]string{"x.js": ""}, nil},
		{"no code", dir, "", map[string]string{"template.yaml": two}, nil},
		{"in a tree of others", dir, "", map[string]string{"node_modules/x/template.yaml": two, "node_modules/x/a/a.js": ""}, nil},
		{"its code comes from a bucket, its handler is here", dir, "", map[string]string{"t.yaml": strings.ReplaceAll(single, "nodejs24.x", "python3.13"), "gone.py": ""}, []string{"A  true"}},
	} {
		o := Options{}
		if c.template != "" {
			o.Given = []Given{given(map[string]string{"template.yaml": c.template}, "infra/template.yaml")}
		}
		var got []string
		for _, f := range scanned(t, o, c.artifact, c.files).Functions {
			got = append(got, fmt.Sprintf("%s %s %v", f.Name, f.Root, f.Sure))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.why, d)
		}
	}
}

func TestTemplatesAndGaps(t *testing.T) {
	dir := fnvet.Artifact{Name: "app", Type: "directory"}
	nest := "Resources:\n  N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./child.yaml}}\n"
	for _, c := range []struct {
		why       string
		files     map[string]string
		templates []string
		gaps      []string
	}{
		{"a nested stack is part of its parent", map[string]string{"t.yaml": nest, "child.yaml": single}, []string{"t.yaml cloudformation N/A"}, nil},
		{"a nested stack that is not there", map[string]string{"t.yaml": nest}, []string{"t.yaml cloudformation "}, []string{"t.yaml unsupported"}},
		{"a fragment of a service", map[string]string{"serverless.yml": "service: x\nprovider: {name: aws}\nresources: ${file(r.yml)}\n", "r.yml": single}, []string{"serverless.yml serverless A"}, nil},
		{"out of the folder", map[string]string{"serverless.yml": "service: x\nprovider: {name: aws}\nresources: ${file(../r.yml)}\n"}, []string{"serverless.yml serverless "}, []string{"serverless.yml unsafe-path"}},
		{"not YAML", map[string]string{"t.yaml": "AWSTemplateFormatVersion: 1\nResources:\n  a: [\n"}, nil, []string{"t.yaml unparsable"}},
		{"ordinary YAML and JSON", map[string]string{"k.yaml": "kind: Pod\n", "package.json": "{}", "x.json": "[1"}, nil, nil},
		{"a network from a registry", map[string]string{"main.tf": tfFunction + "module \"vpc\" {\n  source = \"terraform-aws-modules/vpc/aws\"\n}\n"}, []string{". terraform aws_lambda_function.f"}, nil},
		{"roles from a registry", map[string]string{"main.tf": tfFunction + "module \"r\" {\n  source = \"terraform-aws-modules/iam/aws\"\n}\n"}, []string{". terraform aws_lambda_function.f"}, []string{"main.tf unsupported"}},
		{"a function's asset of CDK is its code", map[string]string{"t.yaml": "Resources:\n  F: {Type: AWS::Lambda::Function, Properties: {Handler: a.h, Runtime: nodejs24.x}, Metadata: {aws:asset:path: asset.abc, aws:asset:property: Code}}\n"}, []string{"t.yaml cloudformation F"}, nil},
		{"a nested stack of CDK is a template", map[string]string{"t.yaml": "Resources:\n  N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: {Fn::Sub: 'https://x/${AWS::Region}'}}, Metadata: {aws:asset:path: n.yaml}}\n"}, []string{"t.yaml cloudformation "}, []string{"t.yaml unsupported"}},
		{"variables from a file that is not there", map[string]string{"t.yaml": "Resources:\n  F: {Type: AWS::Lambda::Function, Properties: {Handler: a.h, Runtime: nodejs24.x, Environment: {Variables: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: e.yaml}}}}}}\n"}, []string{"t.yaml cloudformation F"}, []string{"t.yaml unsupported"}},
		{"variables from a file", map[string]string{"t.yaml": "Resources:\n  F: {Type: AWS::Lambda::Function, Properties: {Handler: a.h, Runtime: nodejs24.x, Environment: {Variables: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: e.yaml}}}}}}\n", "e.yaml": "A: b\n"}, []string{"t.yaml cloudformation F"}, nil},
		{"variables from a bucket", map[string]string{"t.yaml": "Resources:\n  F: {Type: AWS::Lambda::Function, Properties: {Handler: a.h, Runtime: nodejs24.x, Environment: {Variables: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: 's3://b/e.yaml'}}}}}}\n"}, []string{"t.yaml cloudformation F"}, nil},
		{"policies from a file that is not there", map[string]string{"t.yaml": "Transform: AWS::Serverless-2016-10-31\nResources:\n  F: {Type: AWS::Serverless::Function, Properties: {Handler: a.h, Runtime: nodejs24.x, Policies: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: p.yaml}}}}}\n"}, []string{"t.yaml sam F"}, []string{"t.yaml unsupported"}},
		{"an environment that is not there", map[string]string{"serverless.yml": "service: x\nprovider: {name: aws, environment: \"${file(./env.dev.yml)}\"}\n"}, []string{"serverless.yml serverless "}, []string{"serverless.yml unsupported"}},
		{"an environment of settings", map[string]string{"serverless.yml": "service: x\nprovider: {name: aws, environment: {A: \"${ssm:/a}\", B: \"${env:B}\", C: \"${cf:s.C}\"}}\n"}, []string{"serverless.yml serverless "}, nil},
		{"tags that are not there", map[string]string{"serverless.yml": "service: x\nprovider: {name: aws, tags: \"${file(./tags.yml)}\"}\n"}, []string{"serverless.yml serverless "}, nil},
		{"a policy that is not there", map[string]string{"main.tf": tfFunction + "resource \"aws_iam_role_policy\" \"p\" {\n  role = \"r\"\n  policy = file(\"p.json\")\n}\n"}, []string{". terraform aws_lambda_function.f"}, []string{"main.tf unsupported"}},
		{"locals that are not there", map[string]string{"main.tf": tfFunction + "locals {\n  e = jsondecode(file(\"e.json\"))\n}\nresource \"aws_lambda_function\" \"g\" {\n  function_name = \"g\"\n  environment {\n    variables = local.e\n  }\n}\n"}, []string{". terraform aws_lambda_function.f,aws_lambda_function.g"}, []string{"main.tf unsupported"}},
		{"a key that is not there", map[string]string{"main.tf": tfFunction + "resource \"aws_key_pair\" \"k\" {\n  public_key = file(\"k.pub\")\n}\n"}, []string{". terraform aws_lambda_function.f"}, nil},
		{"a package that is not there", map[string]string{"main.tf": "resource \"aws_lambda_function\" \"g\" {\n  function_name = \"g\"\n  source_code_hash = base64sha256(file(\"g.zip\"))\n}\n"}, []string{". terraform aws_lambda_function.g"}, nil},
		{"a program", map[string]string{"serverless.ts": "export default {service: 'x'}"}, nil, []string{"serverless.ts unsupported"}},
		{"a program beside what it prints", map[string]string{"serverless.ts": "export default {service: 'x'}", "serverless.json": `{"service": "x", "provider": {"name": "aws"}}`}, []string{"serverless.json serverless "}, nil},
		{"two that include each other", map[string]string{"a.yaml": strings.Replace(nest, "child", "b", 1), "b.yaml": strings.Replace(nest, "child", "a", 1)}, []string{"a.yaml cloudformation ", "b.yaml cloudformation "}, []string{"a.yaml unsupported", "b.yaml unsupported"}},
	} {
		facts := scanned(t, Options{}, dir, c.files)
		var templates, gaps []string
		for _, x := range facts.Templates {
			templates = append(templates, x.Path+" "+x.Dialect+" "+strings.Join(x.Functions, ","))
		}
		for _, g := range facts.Gaps {
			gaps = append(gaps, g.Path+" "+g.Reason)
		}
		slices.Sort(gaps)
		if d := cmp.Diff(c.templates, templates); d != "" {
			t.Errorf("%s: %s", c.why, d)
		}
		if d := cmp.Diff(c.gaps, slices.Compact(gaps)); d != "" {
			t.Errorf("%s: %s", c.why, d)
		}
	}
}

func TestConfig(t *testing.T) {
	o := Options{Given: []Given{given(map[string]string{"t.yaml": "Resources:\n  A: {Type: AWS::Lambda::Function, Properties: {Runtime: python3.13, Handler: app.handler, Timeout: 9, MemorySize: 256, Architectures: [arm64], Role: 'arn:aws:iam::1:role/r'}}\n"}, "t.yaml")}}
	got := scanned(t, o, fnvet.Artifact{Name: "fn.zip", Type: "zip"}, map[string]string{"app.py": ""}).Config
	want := &fnvet.Config{Runtime: "python3.13", Handler: "app.handler", TimeoutS: 9, MemoryMB: 256, Architectures: []string{"arm64"}, Role: "arn:aws:iam::1:role/r"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What a Lambda API says of the artifact itself is judged without a template.
func TestDeployed(t *testing.T) {
	a := fnvet.Artifact{Name: "orders", Type: "zip", Config: fnvet.Config{Function: "arn:aws:lambda:eu-west-1:1:function:orders", Runtime: "nodejs12.x", Handler: "index.handler", TimeoutS: 3, MemoryMB: 128}}
	facts := scanned(t, Options{Now: now}, a, map[string]string{"index.js": ""})
	if !slices.ContainsFunc(facts.Findings, func(f fnvet.Finding) bool { return f.ID == "config/runtime-deprecated" && f.Path == "orders" }) {
		t.Errorf("%+v", facts.Findings)
	}
	if len(facts.Templates) > 0 || facts.Config != nil {
		t.Error("the artifact's own configuration is no template")
	}
}

// The tree of an artifact's files is an fs.FS.
func TestTree(t *testing.T) {
	tr := &tree{files: map[string]*kept{}}
	for _, name := range []string{"a.yaml", "b/c.yaml", "b/d/e.json"} {
		tr.files[name] = &kept{name: name, packed: s2.Encode(nil, []byte(name)), size: int64(len(name))}
	}
	if err := fstest.TestFS(tr, "a.yaml", "b/c.yaml", "b/d/e.json"); err != nil {
		t.Error(err)
	}
	if _, err := tr.Open("../a.yaml"); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
}

// A scan that is out of time says so of every template.
func TestOutOfTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := New(Options{Given: []Given{given(map[string]string{"t.yaml": single}, "t.yaml")}})
	facts, err := d.Finish(ctx, func(string, string) bool { return false })
	if err == nil || len(facts.Gaps) != 1 || facts.Gaps[0].Reason != fnvet.GapLimit {
		t.Errorf("%v %+v", err, facts.Gaps)
	}
}
