package scan

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

// A probe is a detector made of two functions.
type probe struct {
	want   func(*fnvet.File) bool
	detect func(*fnvet.File) (fnvet.Facts, error)
	finish func() (fnvet.Facts, error)
}

func (p probe) Want(f *fnvet.File) bool { return p.want == nil || p.want(f) }
func (p probe) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	return p.detect(f)
}

type finishingProbe struct{ probe }

func (p finishingProbe) Finish(context.Context, func(path, layer string) bool) (fnvet.Facts, error) {
	return p.finish()
}

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestStepThatFailsIsAGap(t *testing.T) {
	dir := tree(t, map[string]string{"a": "1", "b": "2", "c": "3"})
	steps := []Step{
		{Name: "crash", Kinds: fnvet.Kinds[:], Detector: probe{
			want:   func(f *fnvet.File) bool { return f.Name == "a" },
			detect: func(*fnvet.File) (fnvet.Facts, error) { panic("secret content") },
		}},
		{Name: "error", Kinds: fnvet.Kinds[:], Detector: probe{
			want: func(f *fnvet.File) bool { return f.Name == "b" },
			detect: func(*fnvet.File) (fnvet.Facts, error) {
				return fnvet.Facts{Findings: []fnvet.Finding{{ID: "kept", Kind: fnvet.Hygiene, Path: "b"}}}, errors.New("cut off")
			},
		}},
		{Name: "wanting", Kinds: fnvet.Kinds[:], Detector: probe{
			want:   func(f *fnvet.File) bool { panic("in Want") },
			detect: func(*fnvet.File) (fnvet.Facts, error) { return fnvet.Facts{}, nil },
		}},
		{Name: "finish", Kinds: fnvet.Kinds[:], Detector: finishingProbe{probe{
			detect: func(*fnvet.File) (fnvet.Facts, error) { return fnvet.Facts{}, nil },
			finish: func() (fnvet.Facts, error) { panic("in Finish") },
		}}},
		{Name: "good", Kinds: fnvet.Kinds[:], Detector: probe{
			detect: func(f *fnvet.File) (fnvet.Facts, error) {
				return fnvet.Facts{Findings: []fnvet.Finding{{ID: "seen", Kind: fnvet.Hygiene, Path: f.Path}}}, nil
			},
		}},
	}
	r, err := Run(t.Context(), dir, Config{Steps: steps})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range r.Gaps {
		got = append(got, g.Path+" "+g.Reason)
		if strings.Contains(g.Detail, "secret content") {
			t.Errorf("a gap quotes what a step panicked with: %s", g.Detail)
		}
	}
	want := []string{"a failed", "a failed", "b failed", "b unparsable", "c failed", "finish failed"}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(r.Findings); n != 4 {
		t.Errorf("%d findings survive, want 4: %v", n, r.Findings)
	}
	if r.Scan.Complete {
		t.Error("a scan with gaps calls itself complete")
	}
}

func TestKinds(t *testing.T) {
	dir := tree(t, map[string]string{"a": "1"})
	ran := false
	step := Step{Name: "s", Kinds: []fnvet.Kind{fnvet.SecretKind}, Detector: probe{
		detect: func(*fnvet.File) (fnvet.Facts, error) {
			ran = true
			return fnvet.Facts{Findings: []fnvet.Finding{{ID: "x", Kind: fnvet.SecretKind}, {ID: "y", Kind: fnvet.Hygiene}}}, nil
		},
	}}
	only := func(k fnvet.Kind) func(fnvet.Kind) bool { return func(o fnvet.Kind) bool { return o == k } }
	if _, err := Run(t.Context(), dir, Config{Steps: []Step{step}, Wants: only(fnvet.Injection)}); err != nil || ran {
		t.Errorf("a step nobody asked for ran (%v), error %v", ran, err)
	}
	r, err := Run(t.Context(), dir, Config{Steps: []Step{step}, Wants: only(fnvet.SecretKind)})
	if err != nil || len(r.Findings) != 1 || r.Findings[0].ID != "x" {
		t.Errorf("findings %v, error %v; want x alone", r.Findings, err)
	}
}

func TestOrderDoesNotDependOnScheduling(t *testing.T) {
	files := map[string]string{}
	for i := range 300 {
		files["d"+string(rune('a'+i%7))+"/f"+string(rune('a'+i%26))+strings.Repeat("x", i/26)] = strings.Repeat("y", i)
	}
	dir := tree(t, files)
	step := Step{Name: "s", Kinds: fnvet.Kinds[:], Detector: probe{
		detect: func(f *fnvet.File) (fnvet.Facts, error) {
			return fnvet.Facts{
				Findings: []fnvet.Finding{{ID: "x", Kind: fnvet.Hygiene, Path: f.Path}},
				Gaps:     []fnvet.Gap{{Path: f.Path, Reason: fnvet.GapFailed}},
			}, nil
		},
	}}
	report := func(procs int) *fnvet.Report {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		r, err := Run(t.Context(), dir, Config{Steps: []Step{step}})
		if err != nil {
			t.Fatal(err)
		}
		r.Scan = fnvet.Scan{}
		return r
	}
	if diff := cmp.Diff(report(1), report(4)); diff != "" {
		t.Error(diff)
	}
}

func TestFingerprint(t *testing.T) {
	base := fnvet.Finding{ID: "secret/x", Kind: fnvet.SecretKind, Path: "fn.zip!/a.js", Line: 3, Salt: "ab12", Secret: &fnvet.Secret{Source: "file"}}
	of := func(artifact string, fs ...fnvet.Finding) []string {
		fingerprint(artifact, fs)
		var out []string
		for _, f := range fs {
			out = append(out, f.Fingerprint)
		}
		return out
	}
	first := of("fn.zip", base)[0]
	moved := base
	moved.Line, moved.Column = 90, 4
	if got := of("fn.zip", moved)[0]; got != first {
		t.Error("an edit above the finding changes its fingerprint")
	}
	renamed := base
	renamed.Path = "fn-2.zip!/a.js"
	if got := of("fn-2.zip", renamed)[0]; got != first {
		t.Error("the artifact's name changes the fingerprint")
	}
	for why, change := range map[string]func(*fnvet.Finding){
		"rule":   func(f *fnvet.Finding) { f.ID = "secret/y" },
		"file":   func(f *fnvet.Finding) { f.Path = "fn.zip!/b.js" },
		"secret": func(f *fnvet.Finding) { f.Salt = "ab13" },
	} {
		other := base
		change(&other)
		if of("fn.zip", other)[0] == first {
			t.Errorf("another %s has the same fingerprint", why)
		}
	}
	if two := of("fn.zip", base, moved); two[0] == two[1] {
		t.Error("two findings share a fingerprint")
	}
}

type informedProbe struct {
	finishingProbe
	inform func([]fnvet.Function)
}

func (p informedProbe) Inform(functions []fnvet.Function) { p.inform(functions) }

// A step knows the functions that those above it stated, and none of those below.
func TestFunctionsAreHandedDown(t *testing.T) {
	stating := func(name string) finishingProbe {
		return finishingProbe{probe{
			detect: func(*fnvet.File) (fnvet.Facts, error) { return fnvet.Facts{}, nil },
			finish: func() (fnvet.Facts, error) {
				return fnvet.Facts{Functions: []fnvet.Function{{Name: name}}}, nil
			},
		}}
	}
	var heard []string
	steps := []Step{
		{Name: "above", Kinds: fnvet.Kinds[:], Detector: stating("Orders")},
		{Name: "reader", Kinds: fnvet.Kinds[:], Detector: informedProbe{stating("own"), func(fns []fnvet.Function) {
			for _, f := range fns {
				heard = append(heard, f.Name)
			}
		}}},
		{Name: "below", Kinds: fnvet.Kinds[:], Detector: stating("Late")},
	}
	if _, err := Run(t.Context(), tree(t, map[string]string{"a": "1"}), Config{Steps: steps}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Orders"}, heard); diff != "" {
		t.Error(diff)
	}
}
