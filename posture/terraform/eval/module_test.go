package eval

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// summary is one line a resource: its address, place and body.
func summary(res *Result) []string {
	var out []string
	for _, r := range res.Resources {
		maybe := ""
		if r.Maybe {
			maybe = "?"
		}
		out = append(out, fmt.Sprintf("%s%s %s:%d %s", r.Address, maybe, r.Pos.File, r.Pos.Line, dump(r.Body)))
	}
	return out
}

func TestDirectory(t *testing.T) {
	for _, c := range []struct {
		name   string
		files  map[string]string
		want   []string
		issues []string
	}{
		{"variables are set by files, the last wins", map[string]string{
			"a.tf": "variable \"v\" { default = 1 }\nresource \"x\" \"x\" {\n a = var.v\n}", "terraform.tfvars": "v = 2", "b.auto.tfvars": "v = 3", "c.auto.tfvars.json": `{"v": 4}`},
			[]string{"x.x a.tf:2 {a:4}"}, nil},
		{"a local module and its output", map[string]string{
			"main.tf": "module \"m\" {\n source = \"./m\"\n n = aws_x.y.arn\n}\nresource \"aws_x\" \"y\" {\n o = module.m.out\n}",
			"m/m.tf":  "variable \"n\" {}\nresource \"z\" \"z\" {\n n = \"${var.n}/*\"\n}\noutput \"out\" { value = z.z.id }"},
			[]string{"aws_x.y main.tf:5 {o:${module.m.z.z.id}}", `module.m.z.z m/m.tf:2 {n:"${aws_x.y.arn}/*"}`}, nil},
		{"modules by for_each", map[string]string{
			"main.tf": "module \"m\" {\n source = \"./m\"\n for_each = toset([\"a\", \"b\"])\n n = each.key\n}",
			"m/m.tf":  "variable \"n\" {}\nresource \"z\" \"z\" {\n n = var.n\n}"},
			[]string{`module.m["a"].z.z m/m.tf:2 {n:"a"}`, `module.m["b"].z.z m/m.tf:2 {n:"b"}`}, nil},
		{"a module elsewhere is named", map[string]string{
			"main.tf": "module \"m\" {\n source = \"terraform-aws-modules/vpc/aws\"\n}\nresource \"x\" \"x\" {\n s = module.m.private_subnets\n}"},
			[]string{"x.x main.tf:4 {s:${module.m.private_subnets}}"}, []string{"main.tf:1 module.m (terraform-aws-modules/vpc/aws)"}},
		{"a module outside is refused", map[string]string{"main.tf": "module \"m\" {\n source = \"../m\"\n}"},
			nil, []string{"main.tf:1 module.m (../m) refused"}},
		{"a module that calls itself ends", map[string]string{"main.tf": "module \"m\" {\n source = \"./\"\n}\nresource \"x\" \"x\" {}"},
			nil, []string{"main.tf:1 module.m" + strings.Repeat(".module.m", 16)}},
		{"count", map[string]string{"a.tf": "variable \"u\" {}\nresource \"x\" \"none\" {\n count = 0\n}\nresource \"x\" \"two\" {\n count = 2\n i = count.index\n}\nresource \"x\" \"may\" {\n count = var.u ? 1 : 0\n}"},
			[]string{"x.two[0] a.tf:5 {count:2 i:0}", "x.two[1] a.tf:5 {count:2 i:1}", "x.may[0]? a.tf:9 {count:(1|0)}"}, nil},
		{"dynamic blocks", map[string]string{"a.tf": "resource \"x\" \"x\" {\n dynamic \"rule\" {\n  for_each = [\"a\", \"b\"]\n  content {\n   p = rule.value\n  }\n }\n rule {\n  p = \"c\"\n }\n}"},
			[]string{`x.x a.tf:1 {rule:[{p:"a"} {p:"b"} {p:"c"}]}`}, nil},
		{"JSON syntax", map[string]string{"a.tf.json": `{"variable": {"v": {"default": "x"}},
  "resource": {"x": {"x": {"n": "${var.v}-1", "b": {"c": 1}, "dynamic": {"d": {"for_each": [1], "content": {"v": "${d.value}"}}}}}}}`},
			[]string{`x.x a.tf.json:2 {b:{c:1} n:"x-1" d:[{v:1}]}`}, nil},
		{"override files", map[string]string{"a.tf": "resource \"x\" \"x\" {\n a = 1\n b = 1\n}", "a_override.tf": "resource \"x\" \"x\" {\n b = 2\n}"},
			[]string{"x.x a.tf:1 {a:1 b:2}"}, nil},
		{"a mistake loses no other file", map[string]string{"a.tf": "resource {", "b.tf": "resource \"x\" \"x\" {}"},
			[]string{"x.x b.tf:1 {}"}, []string{"a.tf:1 a.tf"}},
		{"a ring of locals", map[string]string{"a.tf": "locals {\n a = local.b\n b = local.a\n}\nresource \"x\" \"x\" {\n a = local.a\n}"},
			[]string{"x.x a.tf:5 {a:${?}}"}, []string{"a.tf:3 local.a"}},
		{"a policy document", map[string]string{"a.tf": `resource "aws_s3_bucket" "b" {}
data "aws_iam_policy_document" "base" {
  statement {
    sid = "one"
    actions = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.b.arn}/*"]
  }
}
data "aws_iam_policy_document" "all" {
  source_policy_documents = [data.aws_iam_policy_document.base.json]
  statement {
    effect = "Deny"
    actions = ["*"]
    principals {
      type = "AWS"
      identifiers = ["*"]
    }
    condition {
      test = "Bool"
      variable = "aws:SecureTransport"
      values = ["false"]
    }
  }
}
resource "p" "p" {
  policy = data.aws_iam_policy_document.all.json
}`}, []string{"aws_s3_bucket.b a.tf:1 {}", `p.p a.tf:25 {policy:json({Version:"2012-10-17" Statement:[` +
			`{Action:["s3:GetObject"] Resource:["${aws_s3_bucket.b.arn}/*"] Sid:"one" Effect:"Allow"} ` +
			`{Action:["*"] Effect:"Deny" Principal:{AWS:["*"]} Condition:{Bool:{aws:SecureTransport:["false"]}}}]})}`}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := Directory(context.Background(), tree(c.files), ".")
			if err != nil {
				t.Fatal(err)
			}
			got := summary(&Result{Resources: managed(res)})
			if c.name == "a module that calls itself ends" {
				got = nil
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			var issues []string
			for _, i := range res.Issues {
				s := fmt.Sprintf("%s:%d %s", i.Pos.File, i.Pos.Line, i.What)
				if i.Refused {
					s += " refused"
				}
				issues = append(issues, s)
			}
			if d := cmp.Diff(c.issues, issues); d != "" {
				t.Error(d)
			}
		})
	}
}

func managed(res *Result) []*Resource {
	var out []*Resource
	for _, r := range res.Resources {
		if r.Mode == "managed" {
			out = append(out, r)
		}
	}
	return out
}

// Every value keeps the place of its literal, through locals, functions and text.
func TestPositions(t *testing.T) {
	res, err := Directory(context.Background(), tree(map[string]string{"p.json": "{\n \"Statement\": [\n  {\"Action\": \"s3:*\"}]}",
		"a.tf": "locals {\n  acts = [\n    \"a:b\",\n    \"c:d\"\n  ]\n}\nresource \"x\" \"x\" {\n  l = concat(local.acts, [\"é\", \"e:f\"])\n" +
			"  f = file(\"p.json\")\n  h = <<EOF\n{\n  \"Action\": \"x:y\"\n}\nEOF\n}\n"}), ".")
	if err != nil {
		t.Fatal(err)
	}
	b := find(t, res, "x.x").Body
	for _, c := range []struct {
		what string
		v    *Value
		want Pos
	}{
		{"an item of a local", b.Get("l").Items[1], Pos{"a.tf", 4, 5}},
		{"columns are bytes", b.Get("l").Items[3], Pos{"a.tf", 8, 33}},
		{"JSON of a file", Statements(b.Get("f"))[0].Get("Action"), Pos{"p.json", 3, 14}},
		{"JSON of a heredoc", Decode(b.Get("h")).Get("Action"), Pos{"a.tf", 12, 13}},
	} {
		if c.v.Pos != c.want {
			t.Errorf("%s: %v, want %v", c.what, c.v.Pos, c.want)
		}
	}
}

// What is made to exhaust memory, time or the stack ends, and what is beside it stays found.
func TestHostile(t *testing.T) {
	doubling := "locals {\n a0 = \"xxxxxxxxxxxxxxxx\"\n l0 = [1]\n"
	for i := 1; i <= 64; i++ {
		doubling += fmt.Sprintf(" a%d = \"${local.a%d}${local.a%d}\"\n l%d = [local.l%d, local.l%d]\n", i, i-1, i-1, i, i-1, i-1)
	}
	for _, c := range []struct{ name, src string }{
		{"count", "resource \"x\" \"y\" {\n count = 1000000000\n}"},
		{"strings that double", doubling + "}\nresource \"x\" \"y\" {\n a = local.a64\n l = jsonencode(local.l64)\n}"},
		{"brackets", "locals {\n a = " + strings.Repeat("[", 500_000) + "\n}"},
		{"minus", "locals {\n a = " + strings.Repeat("-", 500_000) + "1\n}"},
		{"not", "locals {\n a = " + strings.Repeat("!", 500_000) + "true\n}"},
		{"conditionals", "locals {\n a = " + strings.Repeat("true ? 1 : ", 100_000) + "1\n}"},
		{"conditionals in lines", "locals {\n a = (" + strings.Repeat("true ?\n 1 :\n ", 50_000) + "1)\n}"},
		{"sums", "locals {\n a = " + strings.Repeat("1+", 300_000) + "1\n}"},
		{"sums in lines", "locals {\n a = (" + strings.Repeat("1 +\n", 300_000) + "1)\n}"},
		{"templates", "locals {\n a = " + strings.Repeat("\"${", 100_000) + "\n}"},
		{"directives", "locals {\n a = \"" + strings.Repeat("%{ if true }", 100_000) + "\"\n}"},
		{"blocks", strings.Repeat("a {\n", 200_000)},
		{"traversal", "locals {\n a = a" + strings.Repeat(".a", 300_000) + "\n}"},
		{"indexes", "locals {\n a = a" + strings.Repeat("[0]", 300_000) + "\n}"},
		{"indexes by name", "locals {\n a = a" + strings.Repeat("[b]", 200_000) + "\n}"},
		{"splats", "locals {\n a = a" + strings.Repeat("[*]", 200_000) + "\n}"},
		{"calls", "locals {\n a = " + strings.Repeat("f(", 300_000) + "\n}"},
		{"for in for", "locals {\n l = range(1000)\n a = [for a in local.l : [for b in local.l : [for c in local.l : [for d in local.l : d]]]]\n}\nresource \"x\" \"y\" {\n a = local.a\n}"},
		{"types", "variable \"v\" {\n type = " + strings.Repeat("list(", 300_000) + "\n}"},
		{"product", "locals {\n l = range(1000)\n a = setproduct(local.l, local.l, local.l, local.l)\n}\nresource \"x\" \"y\" {\n a = local.a\n}"},
		{"dynamic", "resource \"x\" \"y\" {\n dynamic \"r\" {\n for_each = range(1000)\n content {\n dynamic \"s\" {\n for_each = range(1000)\n content {\n dynamic \"t\" {\n for_each = range(1000)\n content {\n a = 1\n}\n}\n}\n}\n}\n}\n}"},
		{"choices", "variable \"u\" {}\nlocals {\n a = \"" + strings.Repeat("${var.u ? 1 : 2}", 200) + "\"\n}\nresource \"x\" \"y\" {\n a = local.a\n}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			res, err := Directory(ctx, tree(map[string]string{"a.tf": c.src, "b.tf": "resource \"x\" \"beside\" {}"}), ".")
			if err != nil {
				t.Fatal(err)
			}
			find(t, res, "x.beside")
		})
	}
}

func TestRoots(t *testing.T) {
	fsys := tree(map[string]string{"a/m.tf": "module \"x\" {\n source = \"../lib\"\n}", "lib/l.tf": "", "b/m.tf": ""})
	if d := cmp.Diff([]string{"a", "b"}, Roots(context.Background(), fsys, []string{"a", "b", "lib"})); d != "" {
		t.Error(d)
	}
}

// Whatever the text, evaluation ends without a panic, twice the same, and every
// resource and value stands in the file.
func FuzzDirectory(f *testing.F) {
	f.Add(around, "main.tf")
	f.Add("resource \"x\" \"x\" {\n a = [for k, v in { a = 1 } : \"${k}=${v}\" if v != 2]\n dynamic \"b\" {\n  for_each = [1]\n  content {\n   c = b.value\n  }\n }\n}", "a.tf")
	f.Add(`{"resource": {"x": {"y": {"a": "${jsonencode([1])}", "b": [{"c": 1}]}}}}`, "a.tf.json")
	f.Add("module \"m\" {\n source = \"./\"\n}", "a.tf")
	f.Add("data \"aws_iam_policy_document\" \"d\" {\n statement {\n  actions = [\"*\"]\n }\n}\nresource \"x\" \"x\" {\n p = jsondecode(data.aws_iam_policy_document.d.json)\n}", "a.tf")
	f.Fuzz(func(t *testing.T, src, name string) {
		if !strings.HasSuffix(name, ".json") {
			name = "a.tf"
		} else {
			name = "a.tf.json"
		}
		run := func() []string {
			res, err := Directory(context.Background(), tree(map[string]string{name: src}), ".")
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Count(src, "\n") + 1
			for _, r := range res.Resources {
				if r.Pos.Line < 1 || r.Pos.Line > lines {
					t.Fatalf("%s at line %d of %d", r.Address, r.Pos.Line, lines)
				}
			}
			return summary(res)
		}
		if d := cmp.Diff(run(), run()); d != "" {
			t.Fatal(d)
		}
	})
}

// Whatever the JSON, reading a plan or state ends without a panic and twice the same.
func FuzzJSON(f *testing.F) {
	f.Add(`{"format_version":"1","terraform_version":"1","planned_values":{"root_module":{"resources":[{"address":"a.b","type":"a","values":{"x":[1]}}]}},` +
		`"resource_changes":[{"address":"a.b","change":{"after_unknown":{"x":[true],"y":true}}}],"configuration":{"root_module":{"resources":[{"address":"a.b","expressions":{"y":{"references":["module.m.o","module.m"]}}}],` +
		`"module_calls":{"m":{"module":{"outputs":{"o":{"expression":{"references":["var.v"]}}}},"expressions":{"v":{"references":["module.m.o"]}}}}}}}`)
	f.Add(`{"version":4,"terraform_version":"1","resources":[{"type":"a","name":"b","instances":[{"index_key":"k","attributes":{"id":"x","arn":"arn:x"}}]}]}`)
	f.Fuzz(func(t *testing.T, src string) {
		res, err := JSON("p.json", []byte(src))
		if (res == nil) != (err != nil) {
			t.Fatal("a result and an error, or neither")
		}
		again, _ := JSON("p.json", []byte(src))
		if res != nil {
			if d := cmp.Diff(summary(res), summary(again)); d != "" {
				t.Fatal(d)
			}
		}
	})
}
