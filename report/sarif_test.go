package report

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fnvet/fnvet"
)

// sarifSchemaFile is where a Go module keeps the OASIS schema.
const (
	sarifSchemaModule = "github.com/securego/gosec/v2@v2.29.0"
	sarifSchemaPath   = "report/sarif/testdata/sarif-schema-2.1.0.json"
)

// moduleDir has the go command fetch a module, without touching go.mod.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	var m struct{ Dir string }
	if err != nil || json.Unmarshal(out, &m) != nil || m.Dir == "" {
		t.Skipf("module %s, which carries the schema, is not to be had: %v", module, err)
	}
	return m.Dir
}

func TestSARIFIsValid(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile(filepath.Join(moduleDir(t, sarifSchemaModule), filepath.FromSlash(sarifSchemaPath)))
	if err != nil {
		t.Fatal(err)
	}
	for _, reports := range [][]*fnvet.Report{{rich()}, {{}}, {rich(), rich()}, {}} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(write(t, "sarif", reports, Options{})))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%d reports: %v", len(reports), err)
		}
	}
}

func sarif(t *testing.T, o Options, reports ...*fnvet.Report) sarifLog {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal(write(t, "sarif", reports, o), &log); err != nil {
		t.Fatal(err)
	}
	return log
}

func TestSARIF(t *testing.T) {
	r := rich()
	known := []fnvet.Rule{{ID: "injection/command", Title: "Command injection", Help: "Event data must not reach a shell."}}
	run := sarif(t, Options{Rules: known}, r).Runs[0]
	if len(run.Results) != len(r.Findings) {
		t.Fatalf("%d results of %d findings", len(run.Results), len(r.Findings))
	}
	for i, res := range run.Results {
		f := r.Findings[i]
		rule := run.Tool.Driver.Rules[res.RuleIndex]
		if res.RuleID != f.ID || rule.ID != f.ID {
			t.Errorf("result %d is %s, its rule %s; want %s", i, res.RuleID, rule.ID, f.ID)
		}
		if rule.Help.Text == "" || rule.Short.Text == "" {
			t.Errorf("%s: rule without help", f.ID)
		}
		if score, ok := rule.Props["security-severity"]; ok != (f.Severity.Rank() > 1) {
			t.Errorf("%s (%s): security-severity %v", f.ID, f.Severity, score)
		}
		if res.Prints["primaryLocationLineHash"] != f.Fingerprint {
			t.Errorf("%s: fingerprints %v", f.ID, res.Prints)
		}
		got := res.Locations[0].Physical.Artifact.URI
		if u, err := url.Parse(got); err != nil || u.Scheme != "" || u.Host != "" || u.Path != f.Path || u.Fragment != "" || u.RawQuery != "" {
			t.Errorf("%q is not the path %q (%v)", got, f.Path, err)
		}
		if (f.Suppressed != nil) != (len(res.Suppressions) == 1) || res.Suppressions == nil {
			t.Errorf("%s: suppressions %v", f.ID, res.Suppressions)
		}
		if len(f.Flow) > 0 && len(res.CodeFlows[0].ThreadFlows[0].Locations) != len(f.Flow) {
			t.Errorf("%s: flow has %d steps", f.ID, len(res.CodeFlows[0].ThreadFlows[0].Locations))
		}
	}
	inv := run.Invocations[0]
	if inv.Successful || inv.ExitCode != 1 || len(inv.Notifications) != len(r.Gaps) {
		t.Errorf("invocation %+v", inv)
	}
}

func TestSARIFRunsAreToldApart(t *testing.T) {
	log := sarif(t, Options{}, rich(), rich())
	if a, b := log.Runs[0].Automation.ID, log.Runs[1].Automation.ID; a == b {
		t.Errorf("both runs are %q", a)
	}
}

func TestURI(t *testing.T) {
	for _, row := range [][3]string{
		{"fn.zip!/a/b.js", "fn.zip!/a/b.js", "entries read as jar URLs do"},
		{"node_modules/@a/b", "node_modules/@a/b", "scopes stay readable"},
		{"c:x", "c%3Ax", "no scheme"},
		{"//host/x", "/%2Fhost/x", "no host"},
		{"a b#c?d%e", "a%20b%23c%3Fd%25e", "reserved"},
		{`a\b`, "a%5Cb", "not a separator"},
		{"é\xff", "%C3%A9%FF", "bytes"},
	} {
		if got := uri(row[0]); got != row[1] {
			t.Errorf("uri(%q) = %q, want %q: %s", row[0], got, row[1], row[2])
		}
	}
}
