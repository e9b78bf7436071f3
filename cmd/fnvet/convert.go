package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/policy"
	"github.com/fnvet/fnvet/report"
)

func (c *cli) convertCommand() *cobra.Command {
	var formats []string
	var about sbomFacts
	var now string
	cmd := &cobra.Command{
		Use:   "convert REPORT.json",
		Short: "A saved JSON report in any other format",
		Long: `Convert writes a saved JSON report (- for standard input) as scan would have written it.
Nothing is scanned and nothing judged anew.

Exit status: 0 written; 2 the report cannot be read or the format does not hold it.`,
		Example: "  fnvet convert report.json --format html=report.html --format sarif=out.sarif",
		Args:    wants(1, "convert", "a saved JSON report", "fnvet convert report.json --format html=report.html"),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.convert(args[0], formats, about, now)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&formats, "format", "f", nil, "`FMT[=FILE]`, repeatable: "+strings.Join(allFormats(), ", ")+" (default table)")
	f.StringVar(&now, "now", "", "the `TIME` (RFC 3339) that SBOMs and VEX are of (default: of the scan)")
	about.add(f)
	return cmd
}

// convert writes files without the line about the verdict that scan prints: no
// one waits for a verdict here.
func (c *cli) convert(file string, formats []string, about sbomFacts, now string) error {
	var stamp time.Time
	if now != "" {
		var err error
		if stamp, err = time.Parse(time.RFC3339, now); err != nil {
			return fmt.Errorf("--now: %q is not an RFC 3339 time such as 2026-01-31T12:00:00Z", now)
		}
	}
	outs, err := parseOutputs(formats)
	if err != nil {
		return err
	}
	reports, err := c.readReports(file)
	if err != nil {
		return err
	}
	for _, out := range outs {
		write := func(w io.Writer, width int) error { return c.replay(w, out.format, reports, about, stamp, width) }
		if out.file == "" {
			err = write(c.stdout, c.width())
		} else {
			err = writeFile(out.file, func(w io.Writer) error { return write(w, 0) })
		}
		if err != nil {
			return fmt.Errorf("--format %s: %w", out.format, err)
		}
	}
	return nil
}

// replay renders reports as they were judged.
func (c *cli) replay(w io.Writer, format string, reports []*fnvet.Report, about sbomFacts, stamp time.Time, width int) error {
	if slices.Contains(documentFormats(), format) {
		at := reports[0].Scan.Started
		o, err := about.options(at)
		if err != nil {
			return err
		}
		if !stamp.IsZero() {
			o.Now = stamp
		}
		return writeDocument(w, format, reports, o)
	}
	all, err := rules()
	if err != nil {
		return err
	}
	return report.Write(w, format, reports, report.Options{
		Width: width, Color: width > 0 && c.color(), Rules: all, Blocking: judged(reports),
	})
}

// judged tells what blocked. Reports written before findings said so themselves
// are judged by the default policy, where their verdict says that something blocked.
func judged(reports []*fnvet.Report) func(*fnvet.Finding) bool {
	marked, blocking := 0, 0
	for _, r := range reports {
		blocking += r.Verdict.Blocking
		for i := range r.Findings {
			if r.Findings[i].Blocks {
				marked++
			}
		}
	}
	if marked == 0 && blocking > 0 {
		return policy.Policy{}.Blocks
	}
	return func(f *fnvet.Finding) bool { return f.Blocks }
}

// readReports reads a saved report: of one target, or an array of several. "-" is
// standard input.
func (c *cli) readReports(file string) ([]*fnvet.Report, error) {
	var data []byte
	var err error
	if file == "-" {
		data, err = io.ReadAll(io.LimitReader(c.stdin, maxReport))
	} else {
		data, err = readBounded(file, maxReport)
	}
	if err != nil {
		return nil, targetError(file, err)
	}
	var reports []*fnvet.Report
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("[")) {
		err = json.Unmarshal(data, &reports)
	} else {
		reports = make([]*fnvet.Report, 1)
		err = json.Unmarshal(data, &reports[0])
	}
	if err != nil {
		return nil, hinted{fmt.Errorf("%s: not an fnvet JSON report: %w", file, err), "fnvet scan --format json=" + file + " TARGET"}
	}
	if len(reports) == 0 {
		return nil, fmt.Errorf("%s: a report of no target", file)
	}
	for _, r := range reports {
		if r == nil || r.Schema != fnvet.Schema {
			return nil, hinted{fmt.Errorf("%s: not an fnvet JSON report (its schema is not %s)", file, fnvet.Schema), "fnvet scan --format json=" + file + " TARGET"}
		}
	}
	return reports, nil
}

// readReport reads a saved report of one target.
func (c *cli) readReport(file string) (*fnvet.Report, error) {
	reports, err := c.readReports(file)
	if err != nil {
		return nil, err
	}
	if len(reports) != 1 {
		return nil, fmt.Errorf("%s: a report of %d targets: want one", file, len(reports))
	}
	return reports[0], nil
}

// documentTime is the timestamp of a document: SOURCE_DATE_EPOCH
// (reproducible-builds.org) where it is set, else the time given.
func documentTime(t time.Time) (time.Time, error) {
	s := os.Getenv("SOURCE_DATE_EPOCH")
	if s == "" {
		return t, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 253402300799 { // the year 9999
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %q is not a number of seconds", s)
	}
	return time.Unix(n, 0).UTC(), nil
}
