package secrets

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"
)

// oracle is gitleaks itself with its default rules, less the global path
// allowlist and with our corrections, as correct makes them.
func oracle(t testing.TB) *detect.Detector {
	t.Helper()
	viper.SetConfigType("toml")
	text := config.DefaultConfig
	for wrong, right := range corrections() {
		if !strings.Contains(text, wrong) {
			t.Fatalf("the rules no longer contain %q: drop its correction", wrong)
		}
		text = strings.ReplaceAll(text, wrong, right)
	}
	if err := viper.ReadConfig(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	var vc config.ViperConfig
	if err := viper.Unmarshal(&vc); err != nil {
		t.Fatal(err)
	}
	vc.AllowList.Paths = nil //nolint:staticcheck // the rules of v8.30 still use this form
	cfg, err := vc.Translate()
	if err != nil {
		t.Fatal(err)
	}
	d := detect.NewDetector(cfg)
	d.IgnoreGitleaksAllow = true
	return d
}

// A raw is a finding in the terms both sides share.
type raw struct {
	rule, secret string
	line         int // of the match
}

func oracleRaw(d *detect.Detector, name, data string) []raw {
	var out []raw
	fragment := detect.Fragment{Raw: data, FilePath: name} //nolint:staticcheck // what DetectContext of v8 takes
	for _, f := range d.DetectContext(context.Background(), fragment) {
		out = append(out, raw{f.RuleID, f.Secret, f.StartLine + 1})
	}
	return sortRaw(out)
}

// ownRaw runs our engine with gitleaks' rules for what to drop: no ranks beside
// generic, no known examples.
func ownRaw(ctx context.Context, s *Scanner, name string, data []byte) []raw {
	w := newWorker(s)
	f := file(name, string(data))
	w.reset(ctx, f)
	var out []raw
	t := text{data: f.Data, at: func(i int) int { return i }}
	w.reads = spareReads + len(data)
	w.mark(t.data)
	for _, i := range w.order {
		w.search(s.set.rules[i], &t)
	}
	for _, c := range w.drafts {
		if c.rule.generic && slices.ContainsFunc(w.drafts, func(o candidate) bool {
			return !o.rule.generic && lineOf(f.Data, o.start) == lineOf(f.Data, c.start) &&
				strings.Contains(string(o.secret()), string(c.secret()))
		}) {
			continue
		}
		out = append(out, raw{c.rule.id, string(c.secret()), lineOf(f.Data, c.start)})
	}
	return sortRaw(out)
}

func lineOf(data []byte, at int) int { return strings.Count(string(data[:at]), "\n") + 1 }

func sortRaw(list []raw) []raw {
	slices.SortFunc(list, func(a, b raw) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.secret, b.secret), cmp.Compare(a.line, b.line))
	})
	return list
}

// pureScanner has gitleaks' rules only.
func pureScanner(t testing.TB) *Scanner {
	t.Helper()
	s, err := newFrom("", Options{Key: make([]byte, KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	s.known = newAutomaton(nil)
	return s
}

// TestOracleRealFiles compares with gitleaks on Go's own sources and on the
// modules at hand, for a few seconds.
func TestOracleRealFiles(t *testing.T) {
	roots := []string{os.Getenv("FNVET_CORPUS")}
	if roots[0] == "" {
		roots = goRoots(t)
	}
	budget := 3 * time.Second
	if d, err := time.ParseDuration(os.Getenv("FNVET_CORPUS_TIME")); err == nil {
		budget = d
	}
	s, d := pureScanner(t), oracle(t)
	stop := time.Now().Add(budget)
	files, bytes, found := 0, 0, 0
	for _, root := range roots {
		_ = filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil
			}
			if time.Now().After(stop) {
				return filepath.SkipAll
			}
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil || isBinary(data) {
				return nil
			}
			name, _ := filepath.Rel(root, path)
			want, got := oracleRaw(d, name, string(data)), ownRaw(t.Context(), s, name, data)
			files, bytes, found = files+1, bytes+len(data), found+len(want)
			compareRaw(t, name, want, got)
			return nil
		})
	}
	t.Logf("%d files, %d bytes, %d findings of gitleaks", files, bytes, found)
	if files == 0 {
		t.Skip("no files to compare on")
	}
}

// goRoots are where the go command says there are sources.
func goRoots(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE", "GOROOT").Output()
	if err != nil {
		t.Skipf("go env: %v", err)
	}
	return strings.Fields(string(out))
}

func compareRaw(t *testing.T, name string, want, got []raw) {
	t.Helper()
	for _, r := range want {
		if i := slices.Index(got, r); i >= 0 {
			got = slices.Delete(slices.Clone(got), i, i+1)
		} else {
			t.Errorf("%s:%d: missed %s %s", name, r.line, r.rule, shorten(r.secret))
		}
	}
	for _, r := range got {
		t.Errorf("%s:%d: only ours: %s %s", name, r.line, r.rule, shorten(r.secret))
	}
}

func shorten(s string) string { return fmt.Sprintf("%.60q", s) }
