package inject

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

const shellHandler = `const { exec } = require('child_process');
exports.handler = async (event) => { exec('x ' + event.Records[0].s3.object.key); };
`

const httpHandler = `const { exec } = require('child_process');
exports.handler = async (event) => { exec('x ' + event.queryStringParameters.q); };
`

// Severity follows the trigger and the role.
func TestSeverity(t *testing.T) {
	wide := []fnvet.Grant{{Actions: []string{"s3:*"}, Resources: []string{"*"}}}
	trigger := func(k fnvet.TriggerKind, public bool) []fnvet.Trigger {
		return []fnvet.Trigger{{Kind: k, Public: public, Resource: "R"}}
	}
	for _, c := range []struct {
		reason string
		src    string
		fn     *fnvet.Function
		want   fnvet.Severity
		says   string
	}{
		{"nothing is stated", shellHandler, nil, fnvet.High, ""},
		{"a bucket of the account", shellHandler, &fnvet.Function{Triggers: trigger(fnvet.TriggerBucket, false)}, fnvet.High, "it comes through bucket R"},
		{"a bucket anyone writes to", shellHandler, &fnvet.Function{Triggers: trigger(fnvet.TriggerBucket, true)}, fnvet.Critical, "anyone can send it through bucket R"},
		{"a role that holds much", shellHandler, &fnvet.Function{Triggers: trigger(fnvet.TriggerBucket, false), Grants: wide}, fnvet.Critical, "role holds s3:*"},
		{"a public API", httpHandler, &fnvet.Function{Triggers: trigger(fnvet.TriggerHTTP, true)}, fnvet.Critical, "anyone can send it"},
		{"a function URL", httpHandler, &fnvet.Function{Triggers: trigger(fnvet.TriggerURL, true)}, fnvet.Critical, "anyone can send it"},
		{"no such trigger", httpHandler, &fnvet.Function{Triggers: trigger(fnvet.TriggerQueue, false)}, fnvet.Medium, "no trigger of that kind"},
		{"only a schedule", httpHandler, &fnvet.Function{Triggers: trigger(fnvet.TriggerSchedule, false)}, fnvet.Low, "only schedules"},
	} {
		var fns []fnvet.Function
		if c.fn != nil {
			c.fn.Name, c.fn.Handler, c.fn.Cloud = "Fn", "index.handler", "aws"
			fns = append(fns, *c.fn)
		}
		facts := scanFiles(t, Options{}, map[string]string{"index.js": c.src}, fns...)
		if len(facts.Findings) != 1 {
			t.Errorf("%s: %s", c.reason, describe(facts))
			continue
		}
		f := facts.Findings[0]
		if f.Severity != c.want || !strings.Contains(f.Evidence, c.says) {
			t.Errorf("%s: %s, want %s; %s", c.reason, f.Severity, c.want, f.Evidence)
		}
		if c.fn != nil && f.Resource != "Fn" {
			t.Errorf("%s: resource %q", c.reason, f.Resource)
		}
	}
}

// The evidence names what fires a function as the template does.
func TestTriggerNames(t *testing.T) {
	for _, c := range []struct {
		reason string
		t      fnvet.Trigger
		says   string
	}{
		{"nothing is named", fnvet.Trigger{Kind: fnvet.TriggerURL, Public: true}, "; anyone can send it through url; role holds *"},
		{"a name", fnvet.Trigger{Kind: fnvet.TriggerHTTP, Resource: "Api"}, "; it comes through http Api; role"},
		{"a reference", fnvet.Trigger{Kind: fnvet.TriggerHTTP, Resource: "${Api}"}, "; it comes through http Api; role"},
		{"an attribute", fnvet.Trigger{Kind: fnvet.TriggerHTTP, Resource: "${Api.Arn}/x"}, "; it comes through http Api/x; role"},
		{"an unknown part", fnvet.Trigger{Kind: fnvet.TriggerHTTP, Resource: "${?}"}, "; it comes through http; role"},
		{"a brace that stays open", fnvet.Trigger{Kind: fnvet.TriggerHTTP, Resource: "a${Api"}, "; it comes through http aApi; role"},
	} {
		facts := scanFiles(t, Options{}, map[string]string{"index.js": httpHandler}, fnvet.Function{Name: "Fn", Handler: "index.handler",
			Triggers: []fnvet.Trigger{c.t}, Grants: []fnvet.Grant{{Actions: []string{"*"}}}})
		if len(facts.Findings) != 1 || !strings.Contains(facts.Findings[0].Evidence, c.says) {
			t.Errorf("%s: want %q%s", c.reason, c.says, describe(facts))
		}
	}
}

// A stated handler that its file does not export is a gap, and conventions are asked.
func TestStatedHandler(t *testing.T) {
	const python = "import os\ndef handler(event, context):\n    os.system(event['body'])\n"
	const gap = "is not exported by"
	for _, c := range []struct {
		reason, handler, name, src string
		found                      int
		gap                        string
	}{
		{"it is there", "index.handler", "index.js", httpHandler, 1, ""},
		{"a typing mistake", "index.hander", "index.js", httpHandler, 1, "the handler index.hander is not exported by index.js"},
		{"in a folder", "src/index.hander", "src/index.js", httpHandler, 1, "the handler src/index.hander is not exported by index.js"},
		{"in Python", "app.hander", "app.py", python, 1, "the handler app.hander is not exported by app.py"},
		{"no function", "index.handler", "index.js", "exports.handler = 'text';", 0, gap},
		{"nothing is exported", "index.handler", "index.js", "const handler = 1;", 0, gap},
		{"a deep name", "index.api.run", "index.js", "exports.api = { stop() {} };", 0, gap},
		{"made by a package", "index.handler", "index.js", "exports.handler = require('serverless-http')(require('express')());", 0, ""},
		{"all of it of a package", "index.handler", "index.js", "module.exports = require('acme');", 0, ""},
		{"a package's, in Python", "app.handler", "app.py", "from mangum import Mangum\nhandler = Mangum(None)\n", 0, ""},
		{"no such file, which hygiene tells", "main.handler", "index.js", httpHandler, 1, ""},
		{"a script", "index.js", "index.js", httpHandler, 0, ""},
		{"a script of Python", "app.py", "app.py", python, 0, ""},
	} {
		files := map[string]string{c.name: c.src}
		for _, facts := range []fnvet.Facts{
			scanFiles(t, Options{Handler: c.handler}, files),
			scanFiles(t, Options{}, files, fnvet.Function{Name: "Fn", Handler: c.handler}),
			scanFiles(t, Options{}, files, fnvet.Function{Name: "A", Handler: c.handler}, fnvet.Function{Name: "B", Handler: c.handler}),
		} {
			ok := len(facts.Findings) == c.found && (c.gap == "" && len(facts.Gaps) == 0 ||
				c.gap != "" && len(facts.Gaps) == 1 && facts.Gaps[0].Reason == fnvet.GapUnsupported && strings.Contains(facts.Gaps[0].Detail, c.gap))
			if !ok {
				t.Errorf("%s:%s", c.reason, describe(facts))
			}
		}
	}
}

// Where the only function's handler is not in the package, what conventions find has
// its triggers and its role; with two of them nobody knows whose it is.
func TestFallback(t *testing.T) {
	public := func(name string) fnvet.Function {
		return fnvet.Function{Name: name, Handler: "gone." + name, Triggers: []fnvet.Trigger{{Kind: fnvet.TriggerHTTP, Public: true, Resource: "Api"}}}
	}
	files := map[string]string{"index.js": httpHandler}
	one := scanFiles(t, Options{}, files, public("A"))
	if len(one.Findings) != 1 || one.Findings[0].Resource != "A" || !strings.Contains(one.Findings[0].Evidence, "anyone can send it through http Api") {
		t.Errorf("one function: %s", describe(one))
	}
	two := scanFiles(t, Options{}, files, public("A"), public("B"))
	if len(two.Findings) != 1 || two.Findings[0].Resource != "" || strings.Contains(two.Findings[0].Evidence, "anyone") {
		t.Errorf("two functions: %s", describe(two))
	}
}

// A finding says where the data comes from, where it goes and what to do.
func TestFinding(t *testing.T) {
	facts := scanFiles(t, Options{}, map[string]string{
		"src/app.js":     "const run = require('./lib/run');\nexports.handler = async (event) => {\n  const name = event.detail.name;\n  return run(name);\n};\n",
		"src/lib/run.js": "const cp = require('child_process');\nmodule.exports = (n) => cp.exec(`hello ${n}`);\n",
	})
	if len(facts.Findings) != 1 {
		t.Fatalf("%s", describe(facts))
	}
	f := facts.Findings[0]
	if f.Path != "src/lib/run.js" || f.Line != 2 || f.Column != 25 || f.Kind != fnvet.Injection || f.Title != "EventBridge detail reaches child_process.exec" {
		t.Errorf("%s:%d:%d %s", f.Path, f.Line, f.Column, f.Title)
	}
	n := len(f.Flow)
	if n < 4 || f.Flow[0].Path != "src/app.js" || f.Flow[0].Line != 2 || f.Flow[n-1].Path != f.Path || f.Flow[n-1].Line != f.Line {
		t.Errorf("flow: %s", describe(facts))
	}
	if f.Remediation == "" || len(f.References) == 0 {
		t.Errorf("no advice: %+v", f)
	}
}

// Comments in the function's own code suppress a finding, which stays in the report.
func TestIgnore(t *testing.T) {
	const head = "const { exec } = require('child_process');\nexports.handler = async (event) => {\n"
	for _, c := range []struct{ body, want, why string }{
		{"exec(event.body);", "", "no comment"},
		{"exec(event.body); // fnvet:ignore injection/command only we send it", "only we send it", "rule and reason"},
		{"exec(event.body); /* fnvet:ignore command only we send it */", "only we send it", "the rule without its family"},
		{"// fnvet:ignore injection/command only we send it\nexec(event.body);", "only we send it", "the line above"},
		{"let x; // fnvet:ignore injection/command only we send it\nexec(event.body);", "", "the line above, code"},
		{"exec(event.body); // fnvet:ignore injection/sql only we send it", "", "another rule"},
		{"exec(event.body); // fnvet:ignore", "", "no rule"},
		{"exec(event.body + 'fnvet:ignore injection/command x');", "", "no comment but a text"},
		{"exec(event.body); // fnvet:ignore injection/command x" + strings.Repeat(" ", 3000), "", "a line as long as a bundle's"},
	} {
		facts := scanFiles(t, Options{}, map[string]string{"index.js": head + c.body + "\n};\n"})
		if len(facts.Findings) != 1 {
			t.Errorf("%s: %s", c.why, describe(facts))
			continue
		}
		reason := ""
		if x := facts.Findings[0].Suppressed; x != nil {
			if reason = x.Reason; x.By != "inline" {
				t.Errorf("%s: by %q", c.why, x.By)
			}
		}
		if reason != c.want {
			t.Errorf("%s: %q, want %q", c.why, reason, c.want)
		}
	}
	facts := scanFiles(t, Options{}, map[string]string{"app.py": "import os\ndef lambda_handler(event, context):\n    os.system(event['body'])  # fnvet:ignore injection/command a test\n"})
	if len(facts.Findings) != 1 || facts.Findings[0].Suppressed == nil {
		t.Errorf("python: %s", describe(facts))
	}
}

// Imports lead where the configuration of TypeScript says.
func TestTSConfig(t *testing.T) {
	const sink = "import { execSync } from 'child_process';\nexport const run = (c: string) => execSync(c);\n"
	handler := func(module string) string {
		return "import { run } from '" + module + "';\nexport const handler = async (event: any) => run(event.body);\n"
	}
	for _, c := range []struct {
		config, module, file string
		found                bool
		why                  string
	}{
		{"", "lib/run", "src/lib/run.ts", false, "a package, as far as anybody says"},
		{`{"compilerOptions": {"baseUrl": "src"}}`, "lib/run", "src/lib/run.ts", true, "baseUrl"},
		{`{/* it has comments */ "compilerOptions": {"baseUrl": ".", "paths": {"@lib/*": ["src/lib/*",],}}}`, "@lib/run", "src/lib/run.ts", true, "paths, with a comment and commas"},
		{`{"compilerOptions": {"paths": {"@lib/*": ["./src/lib/*"]}}}`, "@lib/run", "src/lib/run.ts", true, "paths without baseUrl"},
		{`{"compilerOptions": {"paths": {"runner": ["./none", "./src/lib/run.ts"]}}}`, "runner", "src/lib/run.ts", true, "a whole name, the second target"},
		{`{"compilerOptions": {"paths": {"@lib/*": ["../../outside/*"]}}}`, "@lib/run", "src/lib/run.ts", false, "a target that is not there"},
		{`{"compilerOptions": {"paths": {"@lib/*": 3}}}`, "@lib/run", "src/lib/run.ts", false, "a broken configuration"},
	} {
		files := map[string]string{"src/index.ts": handler(c.module), c.file: sink}
		if c.config != "" {
			files["tsconfig.json"] = c.config
		}
		facts := scanFiles(t, Options{Handler: "src/index.handler"}, files)
		hit := slices.ContainsFunc(facts.Findings, func(f fnvet.Finding) bool { return f.ID == "injection/command" })
		if hit != c.found {
			t.Errorf("%s: %s", c.why, describe(facts))
		}
	}
}

// Which files are looked at.
func TestWant(t *testing.T) {
	d, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		want bool
	}{
		{"index.js", true}, {"src/app.mts", true}, {"app.py", true}, {"a.tsx", true}, {"x/function.json", true}, {"tsconfig.json", true},
		{"node_modules/a/tsconfig.json", false},
		{"boto3-1.0.dist-info/RECORD", true}, {"a.d.ts", false}, {"node_modules/a/index.js", false}, {"a/node_modules/b.js", false},
		{"python/lib/python3.12/site-packages/a.py", false}, {"usr/lib/python3/dist-packages/a.py", false}, {"a.test.js", false},
		{"README.md", false}, {"lib.min.js", false}, {"var/task/app.py", true},
	} {
		if got := d.Want(&fnvet.File{Name: c.name, Size: 1}); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Packages that an installer put beside the function are not the function's code.
func TestInstalledBeside(t *testing.T) {
	lib := "import os\ndef handler(event, context):\n    os.system(event['body'])\n"
	facts := scanFiles(t, Options{}, map[string]string{
		"app.py":                      "import vendored\ndef handler(event, context):\n    return vendored.f(event)\n",
		"vendored/__init__.py":        lib,
		"single.py":                   lib,
		"vendored-1.dist-info/RECORD": "vendored/__init__.py,sha256=x,1\nsingle.py,,\n../../bin/x,,\n",
	})
	// Lists and modules come in any order; both orders are the same here.
	if len(facts.Findings) != 0 {
		t.Errorf("%s", describe(facts))
	}
}

// A user's tables add sources, sinks and sanitisers.
func TestUserRules(t *testing.T) {
	src := map[string]string{"index.js": "const acme = require('acme');\nexports.handler = async (event) => { acme.launch(event.body); acme.launch(acme.clean(event.body)); };\n"}
	rules := "classes:\n  - {id: injection/acme, severity: critical, title: Event data launches things, remediation: Do not.}\n" +
		"sinks:\n  - {id: injection/acme, lang: js, call: [acme.launch], args: ['0'], why: it is launched}\n" +
		"escapes:\n  - {lang: js, call: [acme.clean], for: [injection/acme]}\n"
	if facts := scanFiles(t, Options{}, src); len(facts.Findings) != 0 {
		t.Errorf("without rules: %s", describe(facts))
	}
	facts := scanFiles(t, Options{Rules: []byte(rules)}, src)
	if len(facts.Findings) != 1 || facts.Findings[0].ID != "injection/acme" || facts.Findings[0].Severity != fnvet.Critical {
		t.Errorf("with rules: %s", describe(facts))
	}
	for _, c := range []struct{ reason, text, says string }{
		{"no class", "sinks: [{id: injection/none, call: [a], args: ['0']}]", "no class"},
		{"unknown key", "sink: []", "field sink not found"},
		{"bad argument", "sinks: [{id: injection/sql, call: [a], args: [first]}]", "argument"},
		{"bad severity", "classes: [{id: injection/x, severity: bad, title: x}]", "severity"},
		{"bad id", "classes: [{id: x, severity: low, title: x}]", "injection/"},
		{"open brace", "clean: [{call: ['a.{b']}]", "brace"},
	} {
		if _, err := New(Options{Rules: []byte(c.text)}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.reason, err)
		}
	}
}

// What cannot be followed is a gap, and what is found in the rest stays.
func TestGaps(t *testing.T) {
	facts := scanFiles(t, Options{}, map[string]string{"index.js": "const { exec } = require('child_process');\nlet a b c;\nexports.handler = async (event) => { exec(event.body); };\n"})
	if len(facts.Findings) != 1 || len(facts.Gaps) != 1 || facts.Gaps[0].Reason != fnvet.GapUnparsable {
		t.Errorf("%s", describe(facts))
	}
	facts = scanFiles(t, Options{}, map[string]string{"index.js": "exports.handler = async (event) => " + strings.Repeat("[", 100_000)})
	if len(facts.Gaps) != 1 || facts.Gaps[0].Reason != fnvet.GapLimit {
		t.Errorf("%s", describe(facts))
	}
	facts = scanFiles(t, Options{Steps: 500}, map[string]string{"index.js": "exports.handler = async (event) => { eval(event.body); " + strings.Repeat("f(event.a + 1);", 1000) + " }"})
	if len(facts.Findings) != 1 || len(facts.Gaps) != 1 || facts.Gaps[0].Reason != fnvet.GapLimit {
		t.Errorf("%s", describe(facts))
	}
	facts = scanFiles(t, Options{}, map[string]string{"big.js": strings.Repeat(" ", maxFile+1)})
	if len(facts.Gaps) != 1 || facts.Gaps[0].Reason != fnvet.GapLimit {
		t.Errorf("%s", describe(facts))
	}
}

// A function that is given event data too often is a gap, once for its file; one
// that is given none, or few times, is not.
func TestTooOften(t *testing.T) {
	for _, c := range []struct {
		reason string
		calls  int
		with   string
		gaps   int
	}{
		{"other event data each time", 90, "event.k%d", 1},
		{"no event data", 90, "'k%d'", 0},
		{"a few times", 20, "event.k%d", 0},
	} {
		var calls strings.Builder
		for i := range c.calls {
			fmt.Fprintf(&calls, "work("+c.with+");\n", i)
		}
		src := "let n = 0;\nfunction work(x) {\n" + strings.Repeat("n = n + x.length + 1;\n", 400) + "}\n" +
			"exports.handler = async (event) => {\n" + calls.String() + "eval(event.body);\n};\n"
		facts := scanFiles(t, Options{}, map[string]string{"index.js": src})
		if len(facts.Findings) != 1 || len(facts.Gaps) != c.gaps || c.gaps > 0 && facts.Gaps[0].Reason != fnvet.GapLimit {
			t.Errorf("%s: %d findings, %d gaps %v", c.reason, len(facts.Findings), len(facts.Gaps), facts.Gaps)
		}
	}
}
