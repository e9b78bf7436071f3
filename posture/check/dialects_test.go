package check_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/serverless"
	"github.com/fnvet/fnvet/posture/terraform"
)

// dialects are the readers by the name of the file or folder in testdata.
var dialects = map[string]func(context.Context, *model.Source) (*model.Model, error){
	"sam.yaml":            cloudformation.Read,
	"cloudformation.yaml": cloudformation.Read,
	"serverless.yml":      serverless.Read,
	"terraform":           terraform.Read,
}

func run(t *testing.T, folder, name string) []fnvet.Finding {
	t.Helper()
	read := dialects[name]
	if read == nil {
		t.Fatalf("%s: no reader", name)
	}
	src := &model.Source{Name: name, FS: os.DirFS(filepath.Join("testdata", folder))}
	if strings.Contains(name, ".") {
		text, err := os.ReadFile(filepath.Join("testdata", folder, name))
		if err != nil {
			t.Fatal(err)
		}
		src.Data = text
	} else {
		src.Name, src.FS = ".", os.DirFS(filepath.Join("testdata", folder, name))
	}
	m, err := read(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return check.Run(m, check.Context{Now: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)})
}

func stacks(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", folder))
	if err != nil || len(entries) == 0 {
		t.Fatalf("no stacks: %v", err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A well-built stack has nothing at medium or above, in any dialect.
func TestWellBuiltStacks(t *testing.T) {
	for _, name := range stacks(t, "well") {
		t.Run(name, func(t *testing.T) {
			for _, f := range run(t, "well", name) {
				if f.Severity.Rank() >= fnvet.Medium.Rank() {
					t.Errorf("%s:%d %s %s %s: %s", f.Path, f.Line, f.ID, f.Severity, f.Resource, f.Evidence)
				}
			}
		})
	}
}

// planted are the faults of the faulty stacks.
var planted = []string{
	"config/runtime-deprecated", "config/timeout-beyond-api", "config/env-secret", "config/env-dangerous", "config/iam-managed-policy",
	"config/iam-wildcard-action", "config/iam-pass-role", "config/route-without-auth", "config/recursive-trigger", "config/url-auth-none",
	"config/iam-bulk-read", "config/queue-visibility", "config/queue-without-dead-letter", "config/no-concurrency-limit",
}

// The same stack gives the same set of ids in every dialect.
func TestDialectsAgree(t *testing.T) {
	var first []string
	for _, name := range stacks(t, "faulty") {
		var ids []string
		for _, f := range run(t, "faulty", name) {
			ids = append(ids, f.ID)
		}
		slices.Sort(ids)
		if ids = slices.Compact(ids); first == nil {
			first = ids
		}
		if diff := cmp.Diff(first, ids); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestPlantedFaults(t *testing.T) {
	for _, name := range stacks(t, "faulty") {
		t.Run(name, func(t *testing.T) {
			findings := run(t, "faulty", name)
			for _, id := range planted {
				i := slices.IndexFunc(findings, func(f fnvet.Finding) bool { return f.ID == id })
				if i < 0 {
					t.Errorf("%s is not found", id)
					continue
				}
				if f := findings[i]; f.Path == "" || f.Line < 1 || f.Remediation == "" {
					t.Errorf("%s: %+v has no place or fix", id, f)
				}
			}
			for _, f := range findings {
				if strings.Contains(f.Evidence, "9f8e7d6c") {
					t.Errorf("%s prints a secret", f.ID)
				}
				if testing.Verbose() {
					t.Logf("%s:%d %s %s %s: %s", f.Path, f.Line, f.ID, f.Severity, f.Resource, f.Evidence)
				}
			}
		})
	}
}
