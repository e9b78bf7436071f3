package inject

import (
	"strings"
	"testing"
)

// Where several folders have the end of an import's path and no go.mod says which,
// the importer's own is meant.
func TestGoNearestFolder(t *testing.T) {
	const handler = `package main
import (
	"context"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"example.com/app/internal/run"
)
func handle(ctx context.Context, e events.APIGatewayProxyRequest) error { return run.Do(e.Body) }
func main() { lambda.Start(handle) }
`
	files := map[string]string{}
	for dir, body := range map[string]string{
		"a": `exec.Command("true").Run()`, "b": `exec.Command("sh", "-c", s).Run()`, "c": `exec.Command("true", "-x").Run()`, "b/deep": `exec.Command("sh", "-c", "x"+s).Run()`,
	} {
		files[dir+"/cmd/main.go"] = handler
		files[dir+"/internal/run/run.go"] = "package run\nimport \"os/exec\"\nfunc Do(s string) error { return " + body + " }\n"
	}
	for range 3 { // no order of maps shows
		var got []string
		for _, f := range scanFiles(t, Options{}, files).Findings {
			got = append(got, f.Path+" from "+f.Flow[0].Path)
		}
		want := "b/internal/run/run.go from b/cmd/main.go, b/deep/internal/run/run.go from b/deep/cmd/main.go"
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("findings %s, want %s", s, want)
		}
	}
}

// More than is noted is a gap, once.
func TestOverflow(t *testing.T) {
	for what, c := range map[string]struct{ code, gap string }{
		"calls":  {"const { exec } = require('child_process');\nexports.handler = async (event) => {\n" + strings.Repeat("exec(event.body);\n", 5001) + "};\n", "more calls are reached by event data"},
		"routes": {"const app = require('express')();\n" + strings.Repeat("app.get('/', (req, res) => {});\n", 2001), "more functions are registered for events"},
	} {
		facts := scanFiles(t, Options{}, map[string]string{"index.js": c.code})
		if len(facts.Gaps) != 1 || !strings.Contains(facts.Gaps[0].Detail, c.gap) || facts.Gaps[0].Path != "index.js" {
			t.Errorf("%s: gaps %+v", what, facts.Gaps)
		}
		if what == "calls" && len(facts.Findings) != 5000 {
			t.Errorf("%d findings", len(facts.Findings))
		}
	}
}
