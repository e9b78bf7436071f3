package posture

import (
	"context"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/model"
)

// now is when the stacks are judged.
var now = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// judged reads a stack in testdata/stack by the table of dialects and judges it.
func judged(t *testing.T, dir, name, recognised string) []fnvet.Finding {
	t.Helper()
	root := os.DirFS("testdata/stack/" + dir)
	data, err := os.ReadFile("testdata/stack/" + dir + "/" + recognised)
	if err != nil {
		t.Fatal(err)
	}
	i := recognise(recognised, data)
	if i < 0 {
		t.Fatalf("%s is not recognised", recognised)
	}
	src := &model.Source{Name: name, FS: root, Data: data}
	m, err := readers[i].read(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Unresolved) > 0 {
		t.Errorf("not resolved: %v", m.Unresolved)
	}
	return check.Run(m, check.Context{Now: now})
}

func ids(findings []fnvet.Finding) []string {
	all := map[string]bool{}
	for _, f := range findings {
		all[f.ID] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// The same stack with the same faults gives the same rules in every dialect, each
// with a place and a way to put it right.
func TestPlantedStack(t *testing.T) {
	planted := []string{"config/iam-admin", "config/iam-managed-policy", "config/iam-shared-role", "config/url-auth-none", "config/permission-public",
		"config/permission-without-source", "config/public-trigger-source", "config/queue-visibility", "config/env-secret", "config/env-dangerous",
		"config/authorizer-unused", "config/runtime-deprecated"}
	sam := judged(t, "planted", "template.yaml", "template.yaml")
	tf := judged(t, "planted", "terraform", "terraform/main.tf")
	if d := cmp.Diff(ids(sam), ids(tf)); d != "" {
		t.Errorf("Terraform differs from CloudFormation: %s", d)
	}
	for _, id := range planted {
		if !slices.Contains(ids(tf), id) {
			t.Errorf("%s is not found", id)
		}
	}
	for _, f := range append(sam, tf...) {
		ofStack := f.ID == "config/worst-case-bill" // which is of no one line
		if f.Path == "" || f.Line == 0 && !ofStack || f.Remediation == "" {
			t.Errorf("%s at %s:%d: %q", f.ID, f.Path, f.Line, f.Remediation)
		}
	}
}

// A stack that is well built has nothing of medium severity or above.
func TestGoodStack(t *testing.T) {
	for _, f := range judged(t, "good", "terraform", "terraform/main.tf") {
		if f.Severity.Rank() >= fnvet.Medium.Rank() {
			t.Errorf("%s:%d %s %s: %s", f.Path, f.Line, f.Severity, f.ID, f.Evidence)
		}
	}
}
