package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

func TestOtherGolden(t *testing.T) {
	for _, f := range []string{"markdown", "junit", "gitlab-dependency", "gitlab-container", "gitlab-secret"} {
		golden(t, f, write(t, f, []*fnvet.Report{rich()}, Options{}))
	}
}

func TestMarkdownIsShort(t *testing.T) {
	r := rich()
	for range 3000 {
		r.Findings = append(r.Findings, r.Findings...)
		if len(r.Findings) > 3000 {
			break
		}
	}
	out := string(write(t, "markdown", []*fnvet.Report{r}, Options{}))
	if len(out) > 65_536 || !strings.Contains(out, "more rows, which do not fit here") {
		t.Errorf("%d bytes", len(out))
	}
}

func TestMarkdownTexts(t *testing.T) {
	for _, row := range []struct{ in, code, prose, why string }{
		{"plain", "`plain`", "plain", ""},
		{"a`b", "`` a`b ``", "`` a`b ``", "backticks"},
		{"a``b", "``` a``b ```", "``` a``b ```", "more backticks"},
		{"a|b", "`a\\|b`", `a\|b`, "cells"},
		{`a\|b`, "`a\\\\x7cb`", `a\\\|b`, "a backslash before a pipe"},
		{"<b>x</b>", "`<b>x</b>`", `\<b\>x\</b\>`, "HTML"},
		{"@team see #12", "`@team see #12`", "`@team` see `#12`", "mentions"},
		{"https://x.y", "`https://x.y`", "`https://x.y`", "links"},
		{"[a](b)", "`[a](b)`", `\[a\](b)`, "links"},
		{"x\ny", "`x\\ny`", `x\\ny`, "lines"},
		{"1. x", "`1. x`", `1\. x`, "lists"},
		{"- x", "`- x`", `\- x`, "lists"},
		{"&lt;", "`&lt;`", "`&lt;`", "entities"},
	} {
		if got := code(row.in); got != row.code {
			t.Errorf("code(%q) = %s, want %s: %s", row.in, got, row.code, row.why)
		}
		if got := prose(row.in); got != row.prose {
			t.Errorf("prose(%q) = %s, want %s: %s", row.in, got, row.prose, row.why)
		}
	}
}

func FuzzCode(f *testing.F) {
	f.Add(hostile)
	f.Fuzz(func(t *testing.T, s string) {
		c := code(s)
		if c == "" {
			return
		}
		fence := c[:len(c)-len(strings.TrimLeft(c, "`"))]
		body := strings.TrimSuffix(strings.TrimPrefix(c, fence), fence)
		if strings.Contains(body, fence) || strings.ContainsAny(c, "\r\n") {
			t.Fatalf("%q leaves its code span", c)
		}
		if regexp.MustCompile(`(^|[^\\])\|`).MatchString(c) || strings.Contains(c, `\\|`) {
			t.Fatalf("%q leaves its cell", c)
		}
	})
}

func TestJUnit(t *testing.T) {
	for _, row := range []struct {
		r                              *fnvet.Report
		tests, failures, errors, skips int
	}{
		{rich(), 14, 8, 3, 1},
		{clear(), 1, 0, 0, 0},
		{incomplete(), 4, 0, 4, 0},
	} {
		out := write(t, "junit", []*fnvet.Report{row.r}, Options{})
		var got junitSuites
		if err := xml.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		s := got.Suites[0]
		if s.Tests != row.tests || s.Failures != row.failures || s.Errors != row.errors || s.Skipped != row.skips || len(s.Cases) != s.Tests {
			t.Errorf("%s: %d tests, %d failures, %d errors, %d skipped, %d cases", row.r.Verdict.Reasons, s.Tests, s.Failures, s.Errors, s.Skipped, len(s.Cases))
		}
		if got.Tests != s.Tests || got.Failures != s.Failures || got.Errors != s.Errors {
			t.Error("sums differ")
		}
		d := xml.NewDecoder(strings.NewReader(string(out)))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestGitLab holds what GitLab's schemas 15.2.1 require of a report.
func TestGitLab(t *testing.T) {
	stamp := regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$`)
	for _, row := range []struct {
		format, kind string
		reports      []*fnvet.Report
		want         int
	}{
		{"gitlab-dependency", "dependency_scanning", []*fnvet.Report{rich()}, 5},
		{"gitlab-dependency", "dependency_scanning", []*fnvet.Report{rich(), rich()}, 10},
		{"gitlab-dependency", "dependency_scanning", []*fnvet.Report{{}}, 0},
		{"gitlab-container", "container_scanning", []*fnvet.Report{rich()}, 5},
		{"gitlab-container", "container_scanning", []*fnvet.Report{{}}, 0},
		{"gitlab-secret", "secret_detection", []*fnvet.Report{rich()}, 1},
		{"gitlab-secret", "secret_detection", nil, 0},
	} {
		out := write(t, row.format, row.reports, Options{})
		var got gitlabReport
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		s := got.Scan
		if s.Type != row.kind || !stamp.MatchString(s.Start) || !stamp.MatchString(s.End) || s.Status != "success" || s.Scanner.Version == "" {
			t.Errorf("%s: scan %+v", row.format, s)
		}
		if row.kind == "dependency_scanning" && !strings.Contains(string(out), `"dependency_files": [`) {
			t.Error("no dependency_files")
		}
		if len(got.Vulnerabilities) != row.want {
			t.Errorf("%s: %d vulnerabilities, want %d", row.format, len(got.Vulnerabilities), row.want)
		}
		for _, v := range got.Vulnerabilities {
			if v.ID == "" || v.Name == "" || len([]rune(v.Name)) > 255 || len(v.Identifiers) == 0 || (v.Location.File == "") == (row.kind != "container_scanning") {
				t.Errorf("%s: %+v", row.format, v)
			}
			if !strings.Contains("Critical High Medium Low Info Unknown", v.Severity) {
				t.Errorf("severity %s", v.Severity)
			}
			if l := v.Location; row.kind == "container_scanning" && (l.Image == "" || !strings.Contains(l.Image, ":") || l.System == "") {
				t.Errorf("%s: location %+v", row.format, l)
			}
			if (row.kind == "secret_detection") == (v.Location.Commit == nil) || (row.kind == "secret_detection") == (v.Location.Dependency != nil) {
				t.Errorf("%s: location %+v", row.format, v.Location)
			}
		}
	}
}
