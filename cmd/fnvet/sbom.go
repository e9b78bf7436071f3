package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fnvet/fnvet/policy"
	"github.com/fnvet/fnvet/sbom"
	"github.com/fnvet/fnvet/scan"
)

// sbomFacts are what the owner of an artifact says of it.
type sbomFacts struct{ supplier, author, licence, edition, data string }

func (s *sbomFacts) add(f *pflag.FlagSet) {
	f.StringVar(&s.supplier, "supplier", "", "`NAME` of who supplies the artifact, for SBOMs")
	f.StringVar(&s.author, "author", "", "author of the SBOM: `NAME <mail>`")
	f.StringVar(&s.licence, "licence", "", "licence of the artifact as an SPDX `EXPRESSION`, for SBOMs")
	f.StringVar(&s.edition, "artifact-version", "", "`VERSION` of the artifact, for SBOMs (default: its digest)")
	f.StringVar(&s.data, "data-licence", "", "licence of the SBOM itself as an SPDX `EXPRESSION` (SPDX documents are CC0-1.0)")
}

// options dates a document: SOURCE_DATE_EPOCH, else the time given.
func (s *sbomFacts) options(now time.Time) (sbom.Options, error) {
	at, err := documentTime(now)
	return sbom.Options{Now: at, Version: version(), Supplier: s.supplier, Author: s.author, Licence: s.licence, Edition: s.edition, DataLicence: s.data}, err
}

type sbomFlags struct {
	format  string
	about   sbomFacts
	timeout time.Duration
	unpack  unpackFlags
}

func (c *cli) sbomCommand() *cobra.Command {
	var flags sbomFlags
	cmd := &cobra.Command{
		Use:     "sbom TARGET",
		Short:   "The inventory of a target as an SBOM",
		Example: "  fnvet sbom orders.zip > bom.cdx.json\n  fnvet sbom --format spdx-json=bom.spdx.json image.tar",
		Args:    wants(1, "sbom", "one target", "fnvet sbom orders.zip"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.sbom(cmd.Context(), &flags, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&flags.format, "format", "f", "cyclonedx-json", "`FMT[=FILE]`: "+strings.Join(sbom.Formats(), ", "))
	f.DurationVar(&flags.timeout, "timeout", 5*time.Minute, "time limit; reaching it is a gap")
	flags.about.add(f)
	flags.unpack.add(f)
	return cmd
}

// sbom writes the inventory. A target that could not be seen whole still gives
// an SBOM of the rest, and exit code 3.
func (c *cli) sbom(ctx context.Context, flags *sbomFlags, target string) error {
	format, file, toFile := strings.Cut(flags.format, "=")
	if !slices.Contains(sbom.Formats(), format) {
		return fmt.Errorf("--format: unknown format %q: want one of %s", format, strings.Join(sbom.Formats(), ", "))
	}
	q, sandboxed, err := flags.unpack.request(flags.timeout)
	if err != nil {
		return err
	}
	q.Target, q.Inventory, q.Key = target, true, installationKey()
	finding := q.startFinder()
	note := c.limitStdin(q)
	harvest, err := c.collect(ctx, q, sandboxed)
	if err != nil {
		return targetError(target, err)
	}
	note(harvest)
	finder, err := finding()
	if err != nil {
		return err
	}
	r := scan.Complete(ctx, harvest, scan.Config{Version: version(), Rules: rulesVersion(), Settings: finder})
	options, err := flags.about.options(r.Scan.Started)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return sbom.Write(w, format, r, options) }
	if toFile {
		err = writeFile(file, write)
	} else {
		err = write(c.stdout)
	}
	if err != nil {
		return err
	}
	for _, g := range r.Gaps {
		c.note("not inventoried: %s: %s: %s", g.Path, g.Reason, g.Detail)
	}
	if len(r.Gaps) > 0 {
		c.code = policy.CodeIncomplete
	}
	return nil
}
