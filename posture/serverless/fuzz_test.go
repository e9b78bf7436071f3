package serverless

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fnvet/fnvet/posture/internal/outline"
	"github.com/fnvet/fnvet/posture/model"
)

// Whatever a serverless.yml says, reading it ends, twice the same, with a model or
// an error, and opens nothing outside its folder.
func FuzzRead(f *testing.F) {
	if data, err := os.ReadFile("testdata/serverless.yml"); err == nil {
		f.Add(data)
	}
	for _, s := range []string{
		"service: a\nprovider: {name: aws}\ncustom: ${self:custom}\nfunctions: {a: {handler: '${self:custom.x}'}}\n",
		"service: ${self:service}\nprovider: {stage: '${opt:stage, self:provider.stage}'}\nfunctions: ${file(parts/resources.yml)}\n",
		"service: a\nfunctions:\n  - ${file(serverless.yml):functions}\n",
		"service: a\nfunctions: {x: {handler: '${self:a.${self:a.${self:a.${self:a}}}}'}}\na: '${self:a.${self:a}}'\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := fstest.MapFS{"serverless.yml": {Data: data}, "parts/resources.yml": {Data: []byte("Resources: {}\n")}}
		src := &model.Source{Name: "serverless.yml", Data: data, FS: fsys}
		m, err := Read(context.Background(), src)
		if m == nil {
			if err == nil {
				t.Fatal("neither a model nor an error")
			}
			return
		}
		again, _ := Read(context.Background(), src)
		if a, b := outline.Write(m), outline.Write(again); a != b {
			t.Fatal("two readings differ")
		}
	})
}

// Variables that refer to each other, and to what is outside, end.
func TestVariables(t *testing.T) {
	wide := strings.Repeat("${self:custom.a}", 50)
	for _, c := range []struct{ name, in, want string }{
		{"fallback", "x: ${opt:x, 'd'}", "d"},
		{"fallback to another", "x: ${opt:x, self:custom.y}\n  y: 5", "5"},
		{"a nested fallback", "x: ${opt:x, ${env:Y, 'e'}}", "e"},
		{"text around", "x: a-${sls:stage}-b", "a-dev-b"},
		{"a number", "x: ${self:custom.y}\n  y: 30", "30"},
		{"an entry of a list", "x: ${self:custom.y.1}\n  y: [a, b]", "b"},
		{"an entry by stage: all", "x: ${self:custom.y.${sls:stage}}\n  y: {dev: 1, prod: 2}", "1 | 2"},
		{"by a fixed key: one", "x: ${self:custom.y.${self:custom.k}}\n  k: prod\n  y: {dev: 1, prod: 2}", "2"},
		{"of the environment", "x: ${env:HOME}", "${env:HOME}"},
		{"of the command line", "x: ${opt:x}", "${opt:x}"},
		{"of a parameter", "x: ${param:p}", "v"},
		{"itself", "x: ${self:custom.x}", "?"},
		{"each other", "x: ${self:custom.y}\n  y: ${self:custom.x}", "?"},
		{"a bomb", "x: '" + wide + "'\n  a: '" + strings.ReplaceAll(wide, "custom.a", "custom.b") + "'\n  b: '" + strings.ReplaceAll(wide, "custom.a", "custom.c") + "'\n  c: '" + strings.ReplaceAll(wide, "custom.a", "custom.d") + "'\n  d: '" + wide + "'", "?"},
		{"outside", "x: ${file(../../etc/passwd)}", "${file(../../etc/passwd)}"},
		{"an absolute path", "x: ${file(/etc/passwd)}", "${file(/etc/passwd)}"},
		{"home", "x: ${file(~/.aws/credentials)}", "${file(~/.aws/credentials)}"},
		{"a text file", "x: ${file(./note.txt)}", "hello"},
		{"of a file", "x: ${file(./v.json):a.b, 'z'}", "1"},
		{"not in the file", "x: ${file(./v.json):a.c, 'z'}", "z"},
		{"CloudFormation's", "x: !Sub 'a-${AWS::Region}'", "a-${AWS::Region}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := "service: s\nprovider: {name: aws}\nparams: {default: {p: v}}\ncustom:\n  " + c.in + "\nfunctions:\n  f:\n    handler: a.b\n    environment: {V: '${self:custom.x}'}\n"
			fsys := fstest.MapFS{"note.txt": {Data: []byte("hello\n")}, "v.json": {Data: []byte(`{"a": {"b": 1}}`)}}
			m, err := Read(context.Background(), &model.Source{Name: "serverless.yml", Data: []byte(in), FS: fsys})
			if err != nil || len(m.Functions) != 1 || len(m.Functions[0].Env) != 1 {
				t.Fatalf("%v %+v", err, m)
			}
			var got []string
			for _, x := range m.Functions[0].Env[0].Value.Alts {
				got = append(got, x.String())
			}
			if text := strings.Join(got, " | "); text != c.want && c.want != "?" {
				t.Errorf("%q, want %q", text, c.want)
			}
		})
	}
}

func TestIs(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     bool
	}{
		{"serverless.yml", "service: x\nprovider:\n  name: aws\n", true},
		{"api/sls.yml", "service: x\nprovider: {name: aws}\nfunctions: {}\n", true},
		{"serverless.json", `{"service": "x", "provider": {"name": "aws"}}`, true},
		{"out.json", `{"service": "x", "provider": {}, "functions": {"a": {"handler": "b.c"}}}`, true},
		{"docker-compose.yml", "services: {}\nversion: 3\n", false},
		{"x.yml", "service: x\n", false},
		{"package.json", `{"service": 1, "functions": 2}`, false},
	} {
		if got := Is(c.name, []byte(c.in)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
