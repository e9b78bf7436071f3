package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/policy"
	"github.com/fnvet/fnvet/report"
	"github.com/fnvet/fnvet/sbom"
)

// writeFile replaces a file with what write writes: whole or not at all.
func writeFile(path string, write func(io.Writer) error) (err error) {
	if info, statErr := os.Stat(path); statErr == nil && !info.Mode().IsRegular() {
		return writeThrough(path, write) // a device or a pipe
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".fnvet-*")
	if bad, ok := errors.AsType[*os.PathError](err); ok { // the user named path, not a temporary file
		return fmt.Errorf("%s: %w", path, bad.Err)
	} else if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	if err := errors.Join(write(tmp), tmp.Chmod(0o644), tmp.Close()); err != nil { // #nosec G302 -- a report is for others to read
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func writeThrough(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // #nosec G304 -- the user names the file
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// parseSize reads a number of bytes with an optional unit: 512MiB, 4GiB, 1000000.
func parseSize(s string) (int64, error) {
	units := []struct {
		suffix string
		bytes  int64
	}{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
		{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n <= 0 || n > math.MaxInt64/u.bytes {
			break
		}
		return n * u.bytes, nil
	}
	return 0, fmt.Errorf("%q is not a size such as 512MiB", s)
}

// An output is one --format: what to write, and where.
type output struct{ format, file string }

// parseOutputs reads the --format flags; at most one may go to standard output.
func parseOutputs(flags []string) ([]output, error) {
	if len(flags) == 0 {
		return []output{{format: "table"}}, nil
	}
	var outs []output
	toStdout := ""
	for _, s := range flags {
		format, file, hasFile := strings.Cut(s, "=")
		if !slices.Contains(allFormats(), format) {
			return nil, fmt.Errorf("--format: unknown format %q: want one of %s", format, strings.Join(allFormats(), ", "))
		}
		if hasFile && file == "" {
			return nil, fmt.Errorf("--format %s: no file is named after =", s)
		}
		if !hasFile {
			if toStdout != "" {
				return nil, hinted{
					fmt.Errorf("--format: both %s and %s would go to standard output", toStdout, format),
					fmt.Sprintf("name a file for one of them: --format %s=FILE", format),
				}
			}
			toStdout = format
		}
		outs = append(outs, output{format, file})
	}
	return outs, nil
}

func allFormats() []string { return append(report.Formats(), documentFormats()...) }

// write renders every format. Files are replaced whole, never left half written.
func (c *cli) write(run *scanRun, reports []*fnvet.Report) error {
	toStdout := false
	for _, out := range run.outs {
		if out.file == "" {
			toStdout = true
			if err := c.render(c.stdout, out.format, run, reports, c.width()); err != nil {
				return err
			}
			continue
		}
		if err := writeFile(out.file, func(w io.Writer) error { return c.render(w, out.format, run, reports, 0) }); err != nil {
			return fmt.Errorf("--format %s: %w", out.format, err)
		}
	}
	if !toStdout {
		for _, r := range reports {
			fmt.Fprintf(c.stderr, "fnvet: %s\n", printable(headline(r)))
		}
	}
	return nil
}

// headline is a verdict in one line.
func headline(r *fnvet.Report) string {
	status := "PASS"
	switch r.Verdict.Code {
	case policy.CodeFail:
		status = "FAIL"
	case policy.CodeIncomplete:
		status = "INCOMPLETE"
	}
	if len(r.Verdict.Reasons) == 0 {
		return status + "  " + r.Artifact.Name
	}
	return status + "  " + r.Artifact.Name + ": " + strings.Join(r.Verdict.Reasons, "; ")
}

func (c *cli) render(w io.Writer, format string, run *scanRun, reports []*fnvet.Report, width int) error {
	if slices.Contains(documentFormats(), format) {
		return writeDocument(w, format, reports, sbom.Options{Now: run.stamp, Version: version()})
	}
	all, err := rulesFor(format)
	if err != nil {
		return err
	}
	return report.Write(w, format, reports, report.Options{
		Several: run.several, Typed: run.typed,
		Width: width, Color: width > 0 && c.color(), Rules: all, Blocking: run.policy.Blocks,
	})
}
