package eval

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// dump writes a value on one line: links as ${…}, choices as (a|b).
func dump(v *Value) string {
	switch v.Kind {
	case Null:
		return "null"
	case Bool, Number:
		s, _ := v.Text()
		return s
	case String:
		if len(v.Parts) == 1 && v.Parts[0].Doc != nil {
			return "json(" + dump(v.Parts[0].Doc) + ")"
		}
		return fmt.Sprintf("%q", v.Template())
	case List:
		var out []string
		for _, i := range v.Items {
			out = append(out, dump(i))
		}
		return "[" + strings.Join(out, " ") + "]"
	case Map:
		var out []string
		for _, f := range v.Fields {
			out = append(out, f.Key+":"+dump(f.Value))
		}
		return "{" + strings.Join(out, " ") + "}"
	case Choice:
		var out []string
		for _, i := range v.Items {
			out = append(out, dump(i))
		}
		return "(" + strings.Join(out, "|") + ")"
	default:
		return v.Template()
	}
}

func tree(files map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, data := range files {
		out[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return out
}

const around = `
variable "name" { default = "orders" }
variable "open" {}
variable "on" { default = true }
variable "many" { default = ["a", "b"] }
locals { tags = { a = 1, b = { c = "x" } } }
resource "aws_s3_bucket" "b" { bucket = "data" }
resource "aws_sqs_queue" "q" {}
resource "aws_sqs_queue" "n" { count = 2 }
resource "aws_sqs_queue" "e" { for_each = toset(["x", "y"]) }
`

func TestExpressions(t *testing.T) {
	for _, c := range []struct{ name, expr, want string }{
		{"variable", `var.name`, `"orders"`},
		{"no default", `var.open`, `${var.open}`},
		{"link in a template", `"${aws_sqs_queue.q.arn}/*"`, `"${aws_sqs_queue.q.arn}/*"`},
		{"what is set is known", `"${aws_s3_bucket.b.bucket}-x"`, `"data-x"`},
		{"a known condition", `var.on ? 1 : 2`, `1`},
		{"an unknown condition", `var.open == "x" ? 1 : 2`, `(1|2)`},
		{"a choice in a template", `"${var.open ? "a" : "b"}c"`, `("ac"|"bc")`},
		{"a choice in a condition", `(var.open ? "a" : "b") == "a" ? 1 : 2`, `(1|2)`},
		{"local", `local.tags.b.c`, `"x"`},
		{"local by index", `local.tags["a"]`, `1`},
		{"concat keeps links", `concat(var.many, [aws_sqs_queue.q.arn])`, `["a" "b" ${aws_sqs_queue.q.arn}]`},
		{"merge", `merge(local.tags, { a = 2 })`, `{a:2 b:{c:"x"}}`},
		{"merge with what is not known", `merge(local.tags, var.open)`, `{a:1 b:{c:"x"} :${var.open}}`},
		{"for", `[for m in var.many : "${m}-${aws_sqs_queue.q.name}"]`, `["a-${aws_sqs_queue.q.name}" "b-${aws_sqs_queue.q.name}"]`},
		{"for with if", `[for i, m in var.many : i if m != "a"]`, `[1]`},
		{"for to an object", `{ for m in var.many : m => upper(m) }`, `{a:"A" b:"B"}`},
		{"for with groups", `{ for m in var.many : "k" => m... }`, `{k:["a" "b"]}`},
		{"splat over count", `aws_sqs_queue.n[*].arn`, `[${aws_sqs_queue.n[0].arn} ${aws_sqs_queue.n[1].arn}]`},
		{"splat over one", `aws_sqs_queue.q[*].arn`, `[${aws_sqs_queue.q.arn}]`},
		{"older splat", `aws_sqs_queue.n.*.arn`, `[${aws_sqs_queue.n[0].arn} ${aws_sqs_queue.n[1].arn}]`},
		{"for_each", `values(aws_sqs_queue.e)[*].arn`, `[${aws_sqs_queue.e["x"].arn} ${aws_sqs_queue.e["y"].arn}]`},
		{"an index that is not known", `aws_sqs_queue.e[var.open].arn`, `${aws_sqs_queue.e.arn}`},
		{"format", `format("%s/%d", aws_sqs_queue.q.arn, 3)`, `"${aws_sqs_queue.q.arn}/3"`},
		{"format by the library", `format("%05.1f", 3)`, `"003.0"`},
		{"join", `join(",", [aws_sqs_queue.q.arn, "x"])`, `"${aws_sqs_queue.q.arn},x"`},
		{"lookup", `lookup(local.tags, "z", "d")`, `"d"`},
		{"lookup where there may be more", `lookup(merge(local.tags, var.open), "z", "d")`, `${var.open}`},
		{"try", `try(local.nothing.x, "d")`, `${local.nothing.x}`},
		{"coalesce", `coalesce("", null, var.name)`, `"orders"`},
		{"jsonencode", `jsonencode({ a = aws_sqs_queue.q.arn })`, `json({a:${aws_sqs_queue.q.arn}})`},
		{"jsondecode", `jsondecode("{\"a\":[1,null]}").a`, `[1 null]`},
		{"jsondecode of jsonencode", `jsondecode(jsonencode({ a = var.open })).a`, `${var.open}`},
		{"yamldecode", `yamldecode("a: [1, x]").a`, `[1 "x"]`},
		{"split of what is known", `split(",", "a,b")`, `["a" "b"]`},
		{"split of a link is not guessed", `split(":", aws_sqs_queue.q.arn)[4]`, `${aws_sqs_queue.q.arn}`},
		{"arithmetic", `(1 + 2) * 3 % 5 - -1`, `5`},
		{"logic with an unknown", `var.open && false`, `false`},
		{"null is no link", `aws_sqs_queue.q == null`, `false`},
		{"a directive", `"%{ for m in var.many }${m};%{ endfor }"`, `"a;b;"`},
		{"if directive", `"%{ if var.on }x%{ else }y%{ endif }"`, `"x"`},
		{"heredoc", "<<-E\n    a\n      ${var.name}\n    E\n", `"a\n  orders\n"`},
		{"regex replace", `replace("a1b2", "/[0-9]/", "")`, `"ab"`},
		{"range", `range(3)`, `[0 1 2]`},
		{"a wide format", `format("%1000000000d", 1)`, `${?}`},
		{"a large number", `1e400`, `${?}`},
		{"file outside", `file("../x")`, `${?}`},
		{"file of the machine", `file("/etc/passwd")`, `${?}`},
		{"templatefile outside", `templatefile("../x.tpl", {})`, `${?}`},
		{"file through a link out", `file("a/../../x")`, `${?}`},
		{"file", `file("f.txt")`, `"text"`},
		{"file of the module", `file("${path.module}/f.txt")`, `"text"`},
		{"templatefile", `templatefile("t.tpl", { n = aws_sqs_queue.q.arn })`, `"n=${aws_sqs_queue.q.arn}"`},
		{"a template sees its own names", `templatefile("v.tpl", {})`, `"${?}"`},
		{"an unknown function", `nothing(1)`, `${?}`},
		{"itself", `local.self`, `${?}`},
		{"one", `one(aws_sqs_queue.q[*].arn)`, `${aws_sqs_queue.q.arn}`},
		{"account", `"arn:aws:sns:${data.aws_region.r.name}:x"`, `"arn:aws:sns:${data.aws_region.r.name}:x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := tree(map[string]string{"f.txt": "text", "t.tpl": "n=${n}", "v.tpl": "${var.name}",
				"a.tf": around + "locals { self = local.self }\ndata \"aws_region\" \"r\" {}\nresource \"x\" \"x\" {\n v = " + c.expr + "\n}\n"})
			res, err := Directory(context.Background(), fsys, ".")
			if err != nil {
				t.Fatal(err)
			}
			got := dump(find(t, res, "x.x").Body.Get("v"))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s\n%v", d, res.Issues)
			}
		})
	}
}

func find(t *testing.T, res *Result, address string) *Resource {
	t.Helper()
	for _, r := range res.Resources {
		if r.Address == address {
			return r
		}
	}
	t.Fatalf("no %s; issues: %v", address, res.Issues)
	return nil
}
