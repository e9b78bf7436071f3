package report

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
)

// The JUnit XML that Jenkins, GitLab, GitHub actions and Azure read.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	File    string       `xml:"file,attr,omitempty"`
	Time    string       `xml:"time,attr"`
	Failure *junitResult `xml:"failure"`
	Error   *junitResult `xml:"error"`
	Skipped *junitResult `xml:"skipped"`
	Out     string       `xml:"system-out,omitempty"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes a suite for each target. A finding that blocks is a failed
// test, one that does not a passed one with its text as output, a suppressed one
// skipped. A gap is an error, or skipped where incomplete scans are allowed. The
// gate itself is the first test.
func writeJUnit(b *bytes.Buffer, reports []*fnvet.Report, o Options) error {
	all := junitSuites{Name: "fnvet"}
	var total int64
	for _, r := range reports {
		s := toSuite(summarise(r, o))
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
		total += r.Scan.DurationMS
		all.Suites = append(all.Suites, s)
	}
	all.Time = seconds(total)
	b.WriteString(xml.Header)
	e := xml.NewEncoder(b)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	b.WriteByte('\n')
	return nil
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }

func toSuite(s *summary) junitSuite {
	suite := junitSuite{Name: clean(cmp.Or(s.Artifact.Name, "artifact")), Time: seconds(s.Scan.DurationMS)}
	if !s.Scan.Started.IsZero() {
		suite.Timestamp = s.Scan.Started.UTC().Format(time.RFC3339)
	}
	gate := junitCase{Class: "fnvet.gate", Name: "gate", Time: "0"}
	switch s.status {
	case "FAIL":
		gate.Failure = &junitResult{Message: clean(s.headline), Type: "gate"}
	case "INCOMPLETE":
		gate.Error = &junitResult{Message: clean(s.headline), Type: "incomplete"}
	}
	suite.add(gate)
	for _, f := range s.blocking {
		c := toCase(f)
		c.Failure = &junitResult{Message: clean(cmp.Or(f.Title, f.ID)), Type: string(f.Severity), Text: caseText(f)}
		suite.add(c)
	}
	for _, f := range s.rest {
		c := toCase(f)
		c.Out = caseText(f)
		suite.add(c)
	}
	for _, f := range s.hidden {
		c := toCase(f)
		c.Skipped = &junitResult{Message: clean(strings.Trim(f.Suppressed.By+": "+f.Suppressed.Reason, ": "))}
		suite.add(c)
	}
	for _, g := range s.Gaps {
		c := junitCase{Class: "fnvet.gap." + clean(g.Reason), Name: clean(cmp.Or(g.Path, g.Detail, g.Reason)), Time: "0"}
		res := &junitResult{Message: clean(cmp.Or(g.Detail, g.Reason)), Type: clean(g.Reason)}
		if s.status == "PASS" {
			c.Skipped = &junitResult{Message: res.Message}
		} else {
			c.Error = res
		}
		suite.add(c)
	}
	return suite
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func toCase(f *fnvet.Finding) junitCase {
	name := f.ID
	switch {
	case f.Package != nil:
		name += " in " + f.Package.Name + " " + f.Package.Version
	case f.Resource != "":
		name += " in " + f.Resource
	}
	if f.Path != "" {
		name += " at " + f.Path
		if f.Line > 0 {
			name += fmt.Sprintf(":%d", f.Line)
		}
	}
	return junitCase{Class: "fnvet." + string(f.Kind), Name: clean(name), File: clean(f.Path), Time: "0"}
}

// caseText is what one reads on opening a test, line by line.
func caseText(f *fnvet.Finding) string {
	lines := []string{string(f.Severity) + ": " + f.Title}
	if f.Package != nil && len(f.Package.Fixed) > 0 {
		lines = append(lines, "fixed in "+strings.Join(f.Package.Fixed, ", "))
	}
	for _, l := range []struct{ label, text string }{
		{"also known as ", strings.Join(f.Aliases, ", ")}, {"evidence: ", excerpt(f)}, {"fix: ", f.Remediation},
	} {
		if l.text != "" {
			lines = append(lines, l.label+l.text)
		}
	}
	for _, s := range f.Flow {
		lines = append(lines, fmt.Sprintf("%s:%d %s", s.Path, s.Line, s.Note))
	}
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}
