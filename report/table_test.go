package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fnvet/fnvet"

	"github.com/fnvet/fnvet/internal/escape"
)

// clear is a report without findings or gaps.
func clear() *fnvet.Report {
	r := rich()
	r.Findings, r.Gaps = nil, nil
	r.Scan.Complete, r.Verdict = true, fnvet.Verdict{Pass: true}
	return r
}

// incomplete is a report that would pass but for its gaps.
func incomplete() *fnvet.Report {
	r := clear()
	r.Gaps = rich().Gaps
	r.Scan.Complete, r.Verdict = false, fnvet.Verdict{Code: 3, Reasons: []string{"3 places could not be looked at"}}
	return r
}

func TestTableGolden(t *testing.T) {
	golden(t, "table", write(t, "table", []*fnvet.Report{rich()}, Options{}))
	golden(t, "table-layers", write(t, "table", []*fnvet.Report{layered()}, Options{}))
	golden(t, "table-color", write(t, "table", []*fnvet.Report{rich()}, Options{Color: true}))
	golden(t, "table-narrow", write(t, "table", []*fnvet.Report{rich()}, Options{Width: 60}))
	golden(t, "table-several", write(t, "table", []*fnvet.Report{clear(), incomplete(), rich()}, Options{}))
	golden(t, "json", write(t, "json", []*fnvet.Report{rich()}, Options{}))
	golden(t, "sarif", write(t, "sarif", []*fnvet.Report{rich()}, Options{}))
}

func firstLine(t *testing.T, r *fnvet.Report, o Options) string {
	t.Helper()
	line, _, _ := strings.Cut(string(write(t, "table", []*fnvet.Report{r}, o)), "\n")
	return line
}

func TestFirstLine(t *testing.T) {
	medium := clear()
	medium.Findings = []fnvet.Finding{vuln("GHSA-m", fnvet.Medium, "t", "p", "1", "x", "2")}
	one := clear()
	one.Findings = []fnvet.Finding{vuln("GHSA-h", fnvet.High, "t", "p", "1", "x", "2")}
	one.Verdict = fnvet.Verdict{Code: 1, Blocking: 1}
	expired := clear()
	expired.Verdict = fnvet.Verdict{Code: 1, Reasons: []string{"ignore of GHSA-x expired on 2026-01-01"}}
	allowed := incomplete()
	allowed.Verdict = fnvet.Verdict{Pass: true, Reasons: []string{"3 places could not be looked at (allowed by --allow-incomplete)"}}
	for _, row := range []struct {
		r    *fnvet.Report
		want string
	}{
		{rich(), "FAIL  orders.zip: 7 findings block (4 critical, 3 high); 3 places could not be looked at"},
		{one, "FAIL  orders.zip: 1 finding blocks (1 high)"},
		{expired, "FAIL  orders.zip: ignore of GHSA-x expired on 2026-01-01"},
		{incomplete(), "INCOMPLETE  orders.zip: nothing found blocks, but 3 places could not be looked at"},
		{allowed, "PASS  orders.zip: no findings; 3 places could not be looked at"},
		{medium, "PASS  orders.zip: nothing blocks, 1 finding (1 medium)"},
		{clear(), "PASS  orders.zip: no findings"},
	} {
		if got := firstLine(t, row.r, Options{}); got != row.want {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
	}
}

func TestBlockingIsTheCallers(t *testing.T) {
	none := func(*fnvet.Finding) bool { return false }
	if got := string(write(t, "table", []*fnvet.Report{rich()}, Options{Blocking: none})); strings.Contains(got, "minimist") {
		t.Errorf("what does not block is listed:\n%s", got)
	}
	for _, row := range []struct {
		failOn string
		want   bool
	}{{"", true}, {"high", true}, {"critical", false}, {"any", true}, {"never", false}, {"low", true}} {
		f := vuln("GHSA-h", fnvet.High, "t", "p", "1", "x")
		if got := (Options{FailOn: row.failOn}).blocking()(&f); got != row.want {
			t.Errorf("fail-on %q: %v", row.failOn, got)
		}
	}
}

// TestNothingListedIsCut holds that every blocking finding is named, however many.
func TestNothingListedIsCut(t *testing.T) {
	r := clear()
	for i := range 500 {
		f := vuln("GHSA-"+strings.Repeat("x", i%7)+string(rune('a'+i%26)), fnvet.High, "t", "p"+strings.Repeat("y", i), "1", "x", "2")
		r.Findings = append(r.Findings, f)
	}
	got := string(write(t, "table", []*fnvet.Report{r}, Options{}))
	for _, f := range r.Findings {
		if !strings.Contains(got, "  "+f.Package.Name+" 1 -> 2  (npm)\n") {
			t.Fatalf("%s is not listed", f.Package.Name)
		}
	}
	r = incomplete()
	for range 50 {
		r.Gaps = append(r.Gaps, fnvet.Gap{Path: "x", Reason: fnvet.GapLimit})
	}
	if got := string(write(t, "table", []*fnvet.Report{r}, Options{})); strings.Count(got, "limit: x") != gapLimit || !strings.Contains(got, "limit: and 30 more") {
		t.Errorf("gaps are not cut:\n%s", got)
	}
}

func TestWidth(t *testing.T) {
	for _, w := range []int{60, 80, 100, 200} {
		r := rich()
		r.Findings = slices.DeleteFunc(r.Findings, func(f fnvet.Finding) bool { return f.Title == hostile })
		out := string(write(t, "table", []*fnvet.Report{r}, Options{Width: w}))
		_, out, _ = strings.Cut(out, "\n") // the verdict is one line, whatever it takes
		for line := range strings.Lines(out) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasSuffix(line, " ") {
				t.Errorf("trailing space: %q", line)
			}
			if width(line) > w && !strings.Contains(line, `\x`) {
				t.Errorf("%d columns, want at most %d: %s", width(line), w, line)
			}
		}
	}
}

func TestGroupUpgrade(t *testing.T) {
	with := func(id string, u *fnvet.Upgrade, fixed ...string) fnvet.Finding {
		f := vuln(id, fnvet.High, "t", "p", "1.0.0", "x", fixed...)
		f.Package.Upgrade = u
		return f
	}
	kev := with("d", nil, "2")
	kev.KEV = true
	likely := with("c", nil, "2")
	likely.EPSS = new(0.5)
	step := &fnvet.Upgrade{Version: "2", Major: true, Leaves: []string{"b", "other"}}
	for _, row := range []struct {
		why      string
		findings []fnvet.Finding
		want     string
	}{
		{"one version for all", []fnvet.Finding{with("a", &fnvet.Upgrade{Version: "2"}, "2"), with("b", &fnvet.Upgrade{Version: "2"}, "1.5")}, "[a b] 2 2 [] false"},
		{"what it leaves", []fnvet.Finding{with("a", step, "2"), with("b", step, "3")}, "[a b] 2 1 [b] true"},
		{"what nobody fixes", []fnvet.Finding{with("a", step, "2"), with("other", step)}, "[a other] 2 1 [other] true"},
		{"affected up to 1, no fix named", []fnvet.Finding{with("a", step, "2"), with("z", step)}, "[a z] 2 2 [] true"},
		{"no advice", []fnvet.Finding{with("a", nil, "2")}, "[a]  1 [] false"},
		{"exploited, then likely, then by name", []fnvet.Finding{with("a", nil, "2"), likely, kev, with("b", nil, "2")}, "[d c a b]  4 [] false"},
	} {
		var list []*fnvet.Finding
		for i := range row.findings {
			list = append(list, &row.findings[i])
		}
		g := groupPackages(list, nil)[0]
		var ids []string
		for _, f := range g.findings {
			ids = append(ids, f.ID)
		}
		if got := fmt.Sprint(ids, " ", g.fix, " ", g.fixable, " ", g.unfixed, " ", g.major); got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

func TestNext(t *testing.T) {
	old := clear()
	old.Gaps, old.Verdict = []fnvet.Gap{{Reason: fnvet.GapNoDatabase}}, fnvet.Verdict{Code: 3}
	spaced := clear()
	spaced.Artifact.Name = "my fn's.zip"
	evil := clear()
	evil.Artifact.Name = "a.zip\x1b[0m;rm -rf"
	shell := clear()
	shell.Findings = []fnvet.Finding{vuln("GHSA-h", fnvet.High, "t", "p;rm -rf /", "1", "x", "2"), vuln("GHSA-h", fnvet.High, "t", "--global", "1", "x", "2")}
	shell.Verdict.Code = 1
	for _, row := range []struct {
		r    *fnvet.Report
		want string
	}{
		{rich(), "fnvet db update\nnpm install minimist@0.2.4"},
		{old, "fnvet db update"},
		{clear(), "fnvet sbom orders.zip > bom.cdx.json"},
		{spaced, `fnvet sbom 'my fn'\''s.zip' > bom.cdx.json`},
		{evil, "fnvet sbom TARGET > bom.cdx.json"},
		{shell, "fnvet rules GHSA-h"},
	} {
		if got := strings.Join(summarise(row.r, Options{}).next(), "\n"); got != row.want {
			t.Errorf("next: %q, want %q", got, row.want)
		}
	}
}

// TestNothingRaw is the property that nothing of an artifact reaches a reader raw.
func TestNothingRaw(t *testing.T) {
	for _, format := range Formats() {
		out := string(write(t, format, []*fnvet.Report{rich(), incomplete()}, Options{}))
		if !utf8.ValidString(out) {
			t.Errorf("%s: not UTF-8", format)
		}
		for _, c := range out {
			if c != '\n' && !escape.Visible(c) {
				t.Errorf("%s: holds %U", format, c)
			}
		}
	}
}

func TestBuildServicesTakeNoCommands(t *testing.T) {
	r := clear()
	for _, path := range []string{"::set-output name=a::b", "##vso[task.setvariable]x", "##[group]x"} {
		r.Findings = append(r.Findings, fnvet.Finding{ID: "secret/x", Kind: fnvet.SecretKind, Severity: fnvet.High, Title: path, Path: path, Remediation: path})
	}
	r.Gaps = []fnvet.Gap{{Path: "x", Reason: "limit", Detail: strings.Repeat("y", 90) + " ::error::z"}}
	for line := range strings.Lines(string(write(t, "table", []*fnvet.Report{r}, Options{}))) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || logCommand().MatchString(line) {
			t.Errorf("a build service obeys %q", line)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add(hostile)
	f.Fuzz(func(t *testing.T, s string) {
		c := clean(s)
		for _, r := range c {
			if !escape.Visible(r) {
				t.Fatalf("%q holds %U", c, r)
			}
		}
		if clean(c) != c {
			t.Fatalf("cleaning twice differs: %q", c)
		}
		before, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var a, b string
		if json.Unmarshal(before, &a) != nil || json.Unmarshal(escape.JSON(before), &b) != nil || a != b {
			t.Fatalf("escaped JSON of %q means %q", a, b)
		}
	})
}

func TestJSONLists(t *testing.T) {
	out := string(write(t, "json", []*fnvet.Report{{Packages: []fnvet.Package{{}}, Findings: []fnvet.Finding{{Package: &fnvet.PackageRef{}}}}}, Options{}))
	if strings.Contains(out, "null") {
		t.Errorf("null where the contract has a list:\n%s", out)
	}
	var one fnvet.Report
	if err := json.Unmarshal([]byte(out), &one); err != nil {
		t.Error(err)
	}
	var two []fnvet.Report
	if err := json.Unmarshal(write(t, "json", []*fnvet.Report{rich(), rich()}, Options{}), &two); err != nil || len(two) != 2 {
		t.Errorf("two targets: %d reports, %v", len(two), err)
	}
}

// Names and paths of any length stay within a few lines of the table.
func TestTableBoundsNames(t *testing.T) {
	long := strings.Repeat("n", 60_000)
	r := &fnvet.Report{Artifact: fnvet.Artifact{Name: long + "\x1b"}, Findings: []fnvet.Finding{
		{ID: long, Kind: fnvet.Vulnerability, Severity: fnvet.High, Path: long, Title: long, Blocks: true, Package: &fnvet.PackageRef{Name: long, Version: long, Fixed: []string{long}, Upgrade: &fnvet.Upgrade{Version: long}}},
		{ID: "secret/x", Kind: fnvet.SecretKind, Severity: fnvet.High, Path: long, Title: long, Evidence: long, Blocks: true},
	}, Gaps: []fnvet.Gap{{Path: long, Reason: fnvet.GapLimit, Detail: long}}}
	var b bytes.Buffer
	if err := Write(&b, "table", []*fnvet.Report{r}, Options{}); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 30_000 {
		t.Errorf("%d bytes", b.Len())
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("an escape went through")
	}
}

// On a terminal only names, places and commands, which are there to be copied, are wider than it.
func TestTableFits(t *testing.T) {
	for _, r := range []*fnvet.Report{rich(), layered(), clear(), incomplete()} {
		for _, w := range []int{40, 60, 80, 120, 200} {
			for line := range strings.Lines(string(write(t, "table", []*fnvet.Report{r}, Options{Width: w}))) {
				line = strings.TrimRight(line, "\n")
				copied := regexp.MustCompile(`^  \S.*\([A-Za-z0-9:.]+\)$|^    in |^ *[^ ]*$|^ +(from|via|to) |^(Next:|     ) `).MatchString(line)
				if width(line) > w && !copied {
					t.Errorf("%d columns of %d: %s", width(line), w, line)
				}
			}
		}
	}
}
