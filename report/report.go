// Package report renders scan results: a table for people, JSON for machines,
// and the formats that code hosts and test dashboards read.
//
// It is pure. It neither judges (package policy does) nor changes a report, it
// opens no files and asks no network. Everything that comes from an artifact is
// escaped for the medium it is written to.
package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// Options say how reports are rendered. The zero value is a plain table, 100
// columns wide, judged at "high".
type Options struct {
	// Width is how many columns the table may use; 0 means 100.
	Width int
	// Color allows ANSI colours in the table.
	Color bool
	// Typed is what the user typed for the target of a report, for the commands that
	// the table suggests; the artifact's name where there is none.
	Typed map[*fnvet.Report]string
	// Several targets were given, even if only one could be scanned.
	Several bool
	// Rules explain the rule ids of findings, for SARIF and JUnit.
	Rules []fnvet.Rule
	// FailOn is the level of the gate, for the words of the report and for
	// judging where Blocking is nil: critical, high, medium, low, any or never.
	FailOn string
	// Blocking tells whether a finding fails the gate. Nil judges by FailOn
	// alone: suppressed findings never block, secrets of low confidence only at any.
	Blocking func(*fnvet.Finding) bool
}

// A format writes all reports of one run.
type format struct {
	name  string
	write func(*bytes.Buffer, []*fnvet.Report, Options) error
}

// formats is everything Write knows, in the order help texts use.
func formats() []format {
	return []format{
		{"table", writeTable},
		{"json", writeJSON},
		{"sarif", writeSARIF},
		{"html", writeHTML},
		{"junit", writeJUnit},
		{"markdown", writeMarkdown},
		{"gitlab-dependency", writeGitLabDependency},
		{"gitlab-container", writeGitLabContainer},
		{"gitlab-secret", writeGitLabSecret},
	}
}

// Formats lists the names that Write accepts.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// Write renders reports, one per target, as the named format. Nothing is
// written when it fails before the first byte; an unknown format is an error
// that lists the known ones.
func Write(w io.Writer, name string, reports []*fnvet.Report, o Options) error {
	all := formats()
	i := slices.IndexFunc(all, func(f format) bool { return f.name == name })
	if i < 0 {
		return fmt.Errorf("unknown format %q (known: %s)", name, strings.Join(Formats(), ", "))
	}
	var b bytes.Buffer
	if err := all[i].write(&b, reports, o); err != nil {
		return fmt.Errorf("report %s: %w", name, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// blocking resolves Options.Blocking.
func (o Options) blocking() func(*fnvet.Finding) bool {
	if o.Blocking != nil {
		return o.Blocking
	}
	level := o.FailOn
	if level == "" {
		level = string(fnvet.High)
	}
	return func(f *fnvet.Finding) bool {
		switch {
		case f.Suppressed != nil, level == "never":
			return false
		case level == "any":
			return true
		case f.Secret != nil && f.Secret.Confidence == fnvet.ConfidenceLow:
			return false
		}
		return f.Severity.Rank() >= fnvet.Severity(level).Rank()
	}
}
