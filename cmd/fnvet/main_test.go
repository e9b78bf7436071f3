package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fnvet/fnvet"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fnvet": main})
}

// TestScripts runs the real command as a user would, one file a story.
func TestScripts(t *testing.T) {
	data, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	stacks, err := filepath.Abs("../../posture/check/testdata")
	if err != nil {
		t.Fatal(err)
	}
	registry, cert := startRegistry(t)
	testscript.Run(t, testscript.Params{
		Files:               scripts,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
			env.Setenv("LocalAppData", filepath.Join(home, "cache"))
			env.Setenv("AppData", filepath.Join(home, "config"))
			env.Setenv("DATA", data)
			env.Setenv("STACKS", stacks)
			env.Setenv("REGISTRY", registry)
			env.Setenv("REGISTRY_CERT", cert)
			return os.MkdirAll(home, 0o700)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"code": code, "samebuttime": sameButTime, "sameids": sameIDs, "samerules": sameRules, "keypair": keyPair},
	})
}

// code runs fnvet and wants one exit code: code 3 scan x.zip.
func code(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: code N ARG...")
	}
	err := ts.Exec("fnvet", args[1:]...)
	got := "0"
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = strconv.Itoa(e.ExitCode())
	} else if err != nil {
		ts.Fatalf("fnvet %v: %v", args[1:], err)
	}
	if got != args[0] {
		ts.Fatalf("fnvet %v: exit code %s, want %s", args[1:], got, args[0])
	}
}

var timing = regexp.MustCompile(`"(started|duration_ms|sandbox)": .*`)

// sameButTime compares two JSON reports without their start, duration and sandbox.
func sameButTime(ts *testscript.TestScript, _ bool, args []string) {
	a := timing.ReplaceAllString(ts.ReadFile(args[0]), "")
	b := timing.ReplaceAllString(ts.ReadFile(args[1]), "")
	if a != b {
		ts.Fatalf("%s and %s differ in more than time", args[0], args[1])
	}
}

// sameIDs compares the advisory findings of two JSON reports: id, package, version.
func sameIDs(ts *testscript.TestScript, _ bool, args []string) {
	list := func(file string) []string {
		var r fnvet.Report
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &r))
		var ids []string
		for _, f := range r.Findings {
			if f.Package != nil {
				ids = append(ids, f.ID+" "+f.Package.Name+" "+f.Package.Version)
			}
		}
		slices.Sort(ids)
		return ids
	}
	a, b := list(args[0]), list(args[1])
	if len(a) == 0 || !slices.Equal(a, b) {
		ts.Fatalf("%s has %q, %s has %q", args[0], a, args[1], b)
	}
}

// sameRules wants the same set of rules in every JSON report, of findings that all
// say where and what to do.
func sameRules(ts *testscript.TestScript, _ bool, files []string) {
	list := func(file string) []string {
		var r fnvet.Report
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &r))
		var ids []string
		for _, f := range r.Findings {
			if f.ID != "config/worst-case-bill" && f.Line == 0 || f.Path == "" || f.Remediation == "" {
				ts.Fatalf("%s: %s at %s:%d: %q", file, f.ID, f.Path, f.Line, f.Remediation)
			}
			ids = append(ids, f.ID)
		}
		slices.Sort(ids)
		return slices.Compact(ids)
	}
	first := list(files[0])
	for _, file := range files[1:] {
		if ids := list(file); len(first) == 0 || !slices.Equal(first, ids) {
			ts.Fatalf("%s has %q, %s has %q", files[0], first, file, ids)
		}
	}
}
