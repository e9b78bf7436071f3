package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/escape"
	"github.com/fnvet/fnvet/policy"
)

func (c *cli) diffCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "diff OLD.json NEW.json",
		Short: "What changed from one saved JSON report to another",
		Long: `Diff lists the findings that are new, fixed and unchanged, and the packages that came, went
and changed their version.

Exit status: 0 nothing newly blocks; 1 something does; 2 a report cannot be read;
3 nothing newly blocks, but the new report has gaps that the old one has not.`,
		Args: wants(2, "diff", "two saved JSON reports, the older one first", "fnvet diff old.json new.json"),
		RunE: func(_ *cobra.Command, args []string) error { return c.diff(args[0], args[1], format) },
	}
	cmd.Flags().StringVarP(&format, "format", "f", "table", "`FMT`: table, json")
	return cmd
}

func (c *cli) diff(old, latest, format string) error {
	if format != "table" && format != "json" {
		return fmt.Errorf("--format: unknown format %q: want table or json", format)
	}
	a, err := c.readReport(old)
	if err != nil {
		return err
	}
	b, err := c.readReport(latest)
	if err != nil {
		return err
	}
	for _, r := range []*fnvet.Report{a, b} {
		blocks := judged([]*fnvet.Report{r})
		for i := range r.Findings {
			r.Findings[i].Blocks = blocks(&r.Findings[i])
		}
	}
	d := policy.Diff(a, b)
	c.code = d.Verdict.Code
	if format == "json" {
		data, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return err
		}
		_, err = c.stdout.Write(append(escape.JSON(data), '\n'))
		return err
	}
	return printDiff(c.stdout, d)
}

// printDiff is for people: what newly blocks first, then the rest.
func printDiff(w io.Writer, d *policy.Difference) error {
	var b strings.Builder
	status := "PASS"
	switch d.Verdict.Code {
	case policy.CodeFail:
		status = "FAIL"
	case policy.CodeIncomplete:
		status = "INCOMPLETE"
	}
	fmt.Fprintf(&b, "%s  %s -> %s: %s\n", status, escape.Text(d.Old.Name), escape.Text(d.New.Name), diffSummary(d))
	findings := func(title string, list []fnvet.Finding) {
		if len(list) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s: %d\n", title, len(list))
		for i := range list {
			fmt.Fprintf(&b, "  %-8s  %s\n", list[i].Severity, escape.Text(findingLine(&list[i])))
		}
	}
	findings("Newly blocking", d.Findings.Blocking)
	var quiet []fnvet.Finding
	for i := range d.Findings.New {
		if !d.Findings.New[i].Blocks {
			quiet = append(quiet, d.Findings.New[i])
		}
	}
	findings("New, not blocking", quiet)
	findings("Fixed", d.Findings.Fixed)
	packages := func(title string, list []policy.PackageChange) {
		if len(list) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s: %d\n", title, len(list))
		for _, p := range list {
			versions := strings.Join(append(p.From, p.To...), ", ")
			if len(p.From) > 0 && len(p.To) > 0 {
				versions = strings.Join(p.From, ", ") + " -> " + strings.Join(p.To, ", ")
			}
			fmt.Fprintf(&b, "  %s\n", escape.Text(p.Name+" "+versions+"  ("+p.Ecosystem+")"))
		}
	}
	packages("Packages added", d.Packages.Added)
	packages("Packages removed", d.Packages.Removed)
	packages("Packages changed", d.Packages.Changed)
	if len(d.Gaps) > 0 {
		fmt.Fprintf(&b, "\nNo longer looked at: %d\n", len(d.Gaps))
		for _, g := range d.Gaps {
			fmt.Fprintf(&b, "  %s\n", escape.Text(g.Reason+": "+g.Path+": "+g.Detail))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func diffSummary(d *policy.Difference) string {
	s := fmt.Sprintf("%d new, %d fixed, %d unchanged", len(d.Findings.New), len(d.Findings.Fixed), len(d.Findings.Unchanged))
	if n := len(d.Findings.Blocking); n > 0 {
		s += fmt.Sprintf("; %d newly blocking", n)
	}
	return s
}

func findingLine(f *fnvet.Finding) string {
	at := f.Path
	if f.Package != nil {
		at = f.Package.Name + " " + f.Package.Version
	}
	if f.Line > 0 {
		at = fmt.Sprintf("%s:%d", at, f.Line)
	}
	return f.ID + "  " + at + "  " + f.Title
}
