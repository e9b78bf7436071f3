package check_test

import (
	"cmp"
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/awsjson"
	"github.com/fnvet/fnvet/posture/azure"
	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/serverless"
	"github.com/fnvet/fnvet/posture/terraform"
	"github.com/fnvet/fnvet/posture/usage"
)

type matrixDialect struct {
	name, base string
	read       func(context.Context, *model.Source) (*model.Model, error)
	// write turns the base, edited or not, into what is read, of that name; nil: it is read as it is.
	write func(t *testing.T, text string) string
	as    string
}

// matrix are the dialects in testdata/matrix. Each has a well-built stack, and for
// each rule an edit of it after which the rule speaks, or the reason why it does not apply.
var matrix = []matrixDialect{
	{name: "sam", base: "base.yaml", read: cloudformation.Read},
	{name: "cloudformation", base: "base.yaml", read: cloudformation.Read},
	{name: "serverless", base: "serverless.yml", read: serverless.Read},
	{name: "terraform", base: "main.tf", read: terraform.Read},
	{name: "plan", base: "../terraform/main.tf", read: terraform.ReadPlan, write: asPlan, as: "plan.json"},
	{name: "bicep", base: "main.bicep", read: azure.ReadBicep},
	{name: "google", base: "main.tf", read: terraform.Read},
	{name: "function", base: "function.json", read: awsjson.ReadFunction},
}

// A matrixCase is one block of a cases.txt: "== rule" with lines "- old" and "+ new",
// "=! rule" for one that speaks of the stack as it is, "-- rule: why it does not apply".
type matrixCase struct {
	rule   string
	quiet  bool // it speaks before the edit and not after
	reason string
	edits  [][2]string
}

func matrixCases(t *testing.T, file string) []matrixCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []matrixCase
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		kind, rest, _ := strings.Cut(line, " ")
		last := len(all) - 1
		switch kind {
		case "==", "=!":
			all = append(all, matrixCase{rule: "config/" + rest, quiet: kind == "=!"})
		case "--":
			rule, why, _ := strings.Cut(rest, ": ")
			all = append(all, matrixCase{rule: "config/" + rule, reason: why})
		case "-":
			if e := all[last].edits; len(e) > 0 && e[len(e)-1][1] == "" { // several lines
				e[len(e)-1][0] += "\n" + rest
				continue
			}
			all[last].edits = append(all[last].edits, [2]string{rest, ""})
		case "+":
			e := all[last].edits
			if e[len(e)-1][1] != "" {
				rest = "\n" + rest
			} else {
				rest = "\x00" + rest
			}
			e[len(e)-1][1] += rest
		default:
			t.Fatalf("%s: %q", file, line)
		}
	}
	return all
}

// apply makes the edits, each of a text that is there once.
func (c matrixCase) apply(t *testing.T, base string) string {
	t.Helper()
	for _, e := range c.edits {
		if strings.Count(base, e[0]) != 1 {
			t.Fatalf("%s: %q is there %d times", c.rule, e[0], strings.Count(base, e[0]))
		}
		base = strings.Replace(base, e[0], strings.TrimPrefix(e[1], "\x00"), 1)
	}
	return base
}

// judge reads a stack of the dialect and judges it, with calls in the code or not.
func (d *matrixDialect) judge(t *testing.T, text string, used bool) []fnvet.Finding {
	t.Helper()
	name := cmp.Or(d.as, d.base)
	if d.write != nil {
		text = d.write(t, text)
	}
	src := &model.Source{Name: name, Data: []byte(text), FS: fstest.MapFS{name: {Data: []byte(text)}}}
	if path.Ext(name) == ".tf" {
		src.Name, src.Data = ".", nil
	}
	m, err := d.read(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	ctx := check.Context{Now: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Data: matrixCatalog()}
	if used {
		ctx.Usage = func(f *model.Function) *usage.Usage {
			call := "s3:PutObject"
			if strings.Contains(strings.ToLower(f.ID), "orders") {
				call = "s3:GetObject"
			}
			return &usage.Usage{Files: 1, Calls: []usage.Call{{Action: call}}}
		}
	}
	return check.Run(m, ctx)
}

var matrixCatalog = sync.OnceValue(data.New)

// Every rule has, in every dialect that it applies to, a stack of which it speaks, with
// a place and a fix, and one of which it does not.
func TestRulesByDialect(t *testing.T) {
	for _, d := range matrix {
		t.Run(d.name, func(t *testing.T) {
			dir := filepath.Join("testdata/matrix", d.name)
			text, err := os.ReadFile(filepath.Join(dir, d.base))
			if err != nil {
				t.Fatal(err)
			}
			base := string(text)
			asItIs := map[bool][]fnvet.Finding{false: d.judge(t, base, false), true: d.judge(t, base, true)}
			for _, f := range asItIs[false] {
				if f.Severity.Rank() >= fnvet.Medium.Rank() {
					t.Errorf("the stack as it is: %s:%d %s %s: %s", f.Path, f.Line, f.ID, f.Severity, f.Evidence)
				}
			}
			missing := map[string]bool{}
			for _, r := range check.Rules() {
				missing[r.ID] = true
			}
			for _, c := range matrixCases(t, filepath.Join(dir, "cases.txt")) {
				delete(missing, c.rule)
				if used := strings.HasSuffix(c.rule, "-permission"); c.reason == "" {
					c.compare(t, asItIs[used], d.judge(t, c.apply(t, base), used))
				}
			}
			for rule := range missing {
				t.Errorf("%s has no case", rule)
			}
		})
	}
}

// compare holds that the rule speaks of the one stack and not of the other.
func (c matrixCase) compare(t *testing.T, before, after []fnvet.Finding) {
	t.Helper()
	if c.quiet {
		before, after = after, before
	}
	other := func(f fnvet.Finding) bool { return f.ID != c.rule }
	for _, f := range slices.DeleteFunc(slices.Clone(before), other) {
		t.Errorf("%s speaks of the stack that is well built: %s", c.rule, f.Evidence)
	}
	said := slices.DeleteFunc(slices.Clone(after), other)
	if len(said) == 0 {
		t.Errorf("%s does not speak", c.rule)
	}
	for _, f := range said {
		if f.Path == "" || f.Line < 1 && f.Resource != "stack" || f.Remediation == "" {
			t.Errorf("%s has no place or fix: %+v", c.rule, f)
		}
	}
}
