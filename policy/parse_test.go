package policy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/fnvet/fnvet/policy"
)

// whole uses every key.
const whole = `# comment
version: 1
fail-on: {default: high, secret: medium, license: low, hygiene: never}
only-fixable: true
only-reachable: strict
kev-always: true
epss-at-least: 0.5
min-confidence: high
max-database-age: 7d
licenses:
  allow: [MIT, "BSD-*", GPL-2.0-only WITH Classpath-exception-2.0]
  deny: [AGPL-3.0-or-later]
  unknown: report
sbom-quality: {version: 100, purl: 100, supplier: 80, licence: 90, hash: 50, dependencies: 50, source: 50, distribution: 10}
rules:
  - {rule: "secret/*", paths: ["test/**", fixtures], severity: "off", reason: fixtures}
  - {rule: config/iam-wildcard-action, functions: Dev*, severity: low}
ignore:
  - id: GHSA-aaaa-bbbb-cccc
    package: lodash
    versions: ">=4.0.0 <4.17.21"
    paths: "**/package-lock.json"
    reason: not called
    expires: 2026-06-30
  - when: finding.kind == "hygiene" && finding.path.startsWith("docs/")
    reason: documents
    expires: "2026-06-30"
block-when:
  - name: likely
    finding: finding.epss > 0.1 && finding.reachable != "no"
    reason: likely to be exploited
  - name: root
    report: |
      report.artifact.type == "image" &&
        report.artifact.config.user in ["", "root"]
    severity: medium
    reason: runs as root
policies:
  prod:
    fail-on: low
  dev: {fail-on: critical, kev-always: false}
`

// mistakes are policies and where the error should be. What the schema cannot
// see (expressions, duplicate keys) is marked.
var mistakes = []struct {
	why, text, at, msg string
	unseen             bool
}{
	{"unknown key", "fail-on: high\nfial-on: low\n", "2:1", `did you mean "fail-on"?`, false},
	{"unknown key far from any", "frobnicate: 1\n", "1:1", "want one of block-when", false},
	{"twice", "kev-always: true\nkev-always: false\n", "2:1", "twice", true},
	{"not a mapping", "- fail-on\n", "1:1", "want a mapping", false},
	{"level", "fail-on: severe\n", "1:10", `"severe" is not one of critical`, false},
	{"kind", "fail-on:\n  secrets: high\n", "2:3", `did you mean "secret"?`, false},
	{"kind's level", "fail-on:\n  secret: [high]\n", "2:11", "is not one of", false},
	{"boolean", "only-fixable: sometimes\n", "1:15", "want true or false", false},
	{"reach", "only-reachable: maybe\n", "1:17", "is not one of", false},
	{"probability", "epss-at-least: 50\n", "1:16", "between 0 and 1", false},
	{"not a number", "epss-at-least: .nan\n", "1:16", "between 0 and 1", false},
	{"duration", "max-database-age: week\n", "1:19", "72h or 7d", false},
	{"licence list", "licenses:\n  allow: MIT\n", "2:10", "want a list", false},
	{"licence expression", "licenses:\n  allow:\n    - MIT OR Apache-2.0\n", "3:7", "one by one", true},
	{"rule without severity", "rules:\n  - rule: secret/x\n", "2:5", "want severity", false},
	{"advisory as a rule", "rules:\n  - {rule: GHSA-x, severity: \"off\"}\n", "2:12", `advisories are for "ignore"`, false},
	{"ignore without expiry", "ignore:\n  - id: GHSA-x\n    reason: because\n", "2:5", "expires", false},
	{"ignore without reason", "ignore:\n  - id: GHSA-x\n    expires: 2026-01-01\n", "2:5", "reason", false},
	{"empty reason", "ignore:\n  - id: GHSA-x\n    reason: ''\n    expires: 2026-01-01\n", "3:13", "not empty", false},
	{"ignore of everything", "ignore:\n  - paths: lib\n    reason: because\n    expires: 2026-01-01\n", "2:5", "wants an id", false},
	{"date", "ignore:\n  - {id: x, reason: y, expires: soon}\n", "2:33", "is not a date", false},
	{"no such day", "ignore:\n  - {id: x, reason: y, expires: 2026-02-30}\n", "2:33", "is not a date", true},
	{"range", "ignore:\n  - {id: x, reason: y, expires: 2026-01-01, versions: \"^1.0\"}\n", "2:55", "is not a comparison", true},
	{"number for a range", "ignore:\n  - {id: x, reason: y, expires: 2026-01-01, versions: 1.10}\n", "2:55", "in quotes", false},
	{"no paths", "ignore:\n  - {id: x, reason: y, expires: 2026-01-01, paths: []}\n", "2:52", "empty list", false},
	{"expression's type", "block-when:\n  - {name: x, reason: y, finding: finding.severity}\n", "2:35", "not bool", true},
	{"expression's field", "block-when:\n  - {name: x, reason: y, finding: finding.sevrity == 'high'}\n", "2:42", "undefined field 'sevrity'", true},
	{"expression's comparison", "block-when:\n  - {name: x, reason: y, finding: 'finding.line == \"1\"'}\n", "2:49", "no matching overload", true},
	{"expression over lines", "block-when:\n  - name: x\n    reason: y\n    report: |\n      report.artifact.size > 1 &&\n        report.nope\n", "6:15", "undefined field 'nope'", true},
	{"the other variable", "ignore:\n  - {when: report.artifact.size > 1, reason: y, expires: 2026-01-01}\n", "2:12", "undeclared reference", true},
	{"expression cut off", "block-when:\n  - {name: x, reason: y, finding: 'finding.kev &&'}\n", "2:50", "expression", true},
	{"both variables", "block-when:\n  - {name: x, reason: y, finding: finding.kev, report: \"true\"}\n", "2:5", "want one expression", false},
	{"name twice", "block-when:\n  - {name: x, reason: y, finding: finding.kev}\n  - {name: x, reason: y, finding: finding.kev}\n", "3:12", "each name once", true},
	{"no name", "block-when:\n  - {reason: y, finding: finding.kev}\n", "2:5", "wants a name", false},
	{"policy's name", "policies:\n  \"a b\": {}\n", "2:3", "is not a name", false},
	{"nested policies", "policies:\n  a:\n    policies: {}\n", "3:5", "unknown key", false},
	{"version", "version: 2\n", "1:10", "not known to this fnvet", false},
	{"cut off", "ignore: [\n", "1:1", "YAML", true},
	{"tabs", "fail-on:\n\tsecret: high\n", "2:2", "YAML", true},
	{"colons", "ignore:\n  - id: a: b\n", "2:3", "YAML", true},
	{"merge key", "fail-on: high\n<<: {only-fixable: true}\n", "2:1", "unknown key", true},
}

func TestParseWhole(t *testing.T) {
	f, err := policy.Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.Names(), " "); got != "dev prod" {
		t.Errorf("names %q", got)
	}
	top, _ := f.Policy("")
	dev, err := f.Policy("dev")
	if err != nil {
		t.Fatal(err)
	}
	if !top.KEVAlways || dev.KEVAlways || dev.FailOn != policy.FailCritical || dev.FailOnKind != nil || !dev.OnlyFixable {
		t.Errorf("a named policy starts as the top and replaces: %+v", dev)
	}
	if _, err := f.Policy("staging"); err == nil || !strings.Contains(err.Error(), "dev, prod") {
		t.Errorf("a policy that is not there: %v", err)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "null\n"} {
		if _, err := policy.Parse([]byte(empty)); err != nil {
			t.Errorf("%q: %v", empty, err)
		}
	}
}

func TestParseMistakes(t *testing.T) {
	schema := compileSchema(t)
	for _, tt := range mistakes {
		t.Run(tt.why, func(t *testing.T) {
			f, err := policy.Parse([]byte(tt.text))
			e, ok := errors.AsType[*policy.Error](err)
			if !ok || f != nil {
				t.Fatalf("got %v, %v; want a *policy.Error and no file", f, err)
			}
			if !strings.HasPrefix(e.Error(), tt.at+": ") || !strings.Contains(e.Msg, tt.msg) {
				t.Errorf("got %q, want it at %s and about %q", e, tt.at, tt.msg)
			}
			if !tt.unseen && schema.Validate(asJSON(t, tt.text)) == nil {
				t.Error("the schema takes it")
			}
		})
	}
}

// The schema has the keys that are read, no more and no fewer, wherever there are any.
func TestSchemaHasTheKeysOfParse(t *testing.T) {
	file, err := os.ReadFile("../docs/policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema any
	if err := json.Unmarshal(file, &schema); err != nil {
		t.Fatal(err)
	}
	in := map[string]bool{} // every set of keys of an object of the schema
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if p, ok := v["properties"].(map[string]any); ok {
				in[strings.Join(slices.Sorted(maps.Keys(p)), ", ")] = true
			}
			for _, c := range v {
				walk(c)
			}
		case []any:
			for _, c := range v {
				walk(c)
			}
		}
	}
	walk(schema)
	checked := map[string]bool{}
	for _, text := range []string{
		"frobnicate: 1", "licenses: {frobnicate: 1}", "rules: [{frobnicate: 1}]", "ignore: [{frobnicate: 1}]", "block-when: [{frobnicate: 1}]",
		"sbom-quality: {frobnicate: 1}", "fail-on: {frobnicate: low}", "policies: {p: {frobnicate: 1}}",
	} {
		_, err := policy.Parse([]byte(text))
		_, keys, ok := strings.Cut(fmt.Sprint(err), "want one of ")
		if !ok {
			t.Fatalf("%s: %v", text, err)
		}
		if text == "frobnicate: 1" { // the schema has what is not for named policies apart
			keys = strings.Replace(strings.Replace(keys, "policies, ", "", 1), ", version", "", 1)
		}
		if !in[keys] {
			t.Errorf("%s: no object of the schema has the keys %s", text, keys)
		}
		checked[keys] = true
	}
	for keys := range in {
		if !checked[keys] && keys != "policies, version" {
			t.Errorf("nothing is read with the keys of the schema %s", keys)
		}
	}
}

func TestSchemaTakesWhatParseTakes(t *testing.T) {
	schema := compileSchema(t)
	for _, text := range []string{whole, "fail-on: never\n", "only-reachable: true\n", "policies: {p: {ignore: []}}\n"} {
		if _, err := policy.Parse([]byte(text)); err != nil {
			t.Error(err)
		}
		if err := schema.Validate(asJSON(t, text)); err != nil {
			t.Error(err)
		}
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile("../docs/policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:fnvet:policy:1", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:fnvet:policy:1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON gives YAML as an editor gives it to a schema: dates are strings.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	var plain func(*yaml.Node)
	plain = func(n *yaml.Node) {
		if n.Tag == "!!timestamp" {
			n.Tag = "!!str"
		}
		for _, c := range n.Content {
			plain(c)
		}
	}
	plain(&n)
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return v // .nan
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A few lines of YAML can stand for billions of values, or for themselves.
func TestParseBounds(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'k'; c++ {
		prev := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [*" + prev + strings.Repeat(",*"+prev, 9) + "]\n"
	}
	for why, text := range map[string]string{
		"aliases":    bomb,
		"a cycle":    "ignore: &a [*a]\n",
		"nesting":    "ignore: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"size":       strings.Repeat("#", 5<<20),
		"not text":   "fail-on: \xff\xfe\n",
		"expression": "block-when: [{name: x, reason: y, finding: '" + strings.Repeat("(", 3000) + "true" + strings.Repeat(")", 3000) + "'}]",
	} {
		f, err := policy.Parse([]byte(text))
		if _, ok := errors.AsType[*policy.Error](err); !ok || f != nil {
			t.Errorf("%s: got %v, %v", why, f, err)
		}
	}
}

// Parse gives a file or an error with a place, never both, and does not panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	for _, tt := range mistakes {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := policy.Parse(data)
		if (file == nil) == (err == nil) {
			t.Fatalf("file %v, error %v", file, err)
		}
		if err == nil {
			return
		}
		if e, ok := errors.AsType[*policy.Error](err); !ok || e.Line < 1 || e.Column < 1 {
			t.Fatalf("error without a place: %v", err)
		}
	})
}
