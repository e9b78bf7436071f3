package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fnvet/fnvet/advisory"
)

// dbFlags are the flags of everything that reads the advisory database.
type dbFlags struct {
	dir       string
	sources   []string // mirrors, in the order they are asked
	kev, epss string
	api       string // of OSV, asked instead of a database
	maxAge    time.Duration
	offline   bool
}

func (d *dbFlags) add(f *pflag.FlagSet) {
	d.addPlace(f)
	f.DurationVar(&d.maxAge, "max-db-age", 168*time.Hour, "an advisory database whose newest record is older is a gap, and after 24h warned about; 0: any age will do")
	f.StringVar(&d.api, "osv-api", "", "ask the OSV API at `URL` (https://api.osv.dev) instead of a database; it learns the names and versions of the packages")
	f.BoolVar(&d.offline, "offline", false, "touch no network")
}

func (d *dbFlags) addPlace(f *pflag.FlagSet) {
	f.StringVar(&d.dir, "db", "", "advisory database `DIR` (default: fnvet in the user's cache directory)")
	f.StringArrayVar(&d.sources, "db-source", nil, "where advisories are fetched from: `URL|DIR` in the layout of the OSV bucket; repeatable, mirrors in the order they are asked (default: the public bucket)")
	f.StringVar(&d.kev, "kev-source", "", "CISA's list of exploited vulnerabilities: `URL|FILE`, or none (default: CISA's, with the public bucket only)")
	f.StringVar(&d.epss, "epss-source", "", "FIRST's exploit probabilities, CSV or CSV.gz: `URL|FILE`, or none (default: FIRST's, with the public bucket only)")
}

// place is the database directory the flags come to.
func (d *dbFlags) place() (string, error) {
	if d.dir != "" {
		return d.dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", hinted{fmt.Errorf("no place for the advisory database: %w", err), "fnvet … --db DIR"}
	}
	return filepath.Join(cache, "fnvet"), nil
}

// local reports whether fetching from the sources needs no network.
func (d *dbFlags) local() bool {
	remote := func(s string) bool { return strings.Contains(s, "://") }
	return len(d.sources) > 0 && !slices.ContainsFunc(d.sources, remote) && !remote(d.kev) && !remote(d.epss)
}

// options are those of an update that the flags state.
func (d *dbFlags) options(dir string) advisory.UpdateOptions {
	o := advisory.UpdateOptions{Dir: dir, KEV: d.kev, EPSS: d.epss}
	if len(d.sources) > 0 {
		o.Source, o.Mirrors = d.sources[0], d.sources[1:]
	}
	return o
}

func (c *cli) dbCommand() *cobra.Command {
	db := &cobra.Command{
		Use:   "db",
		Short: "The advisory database: fetch, describe, check, share",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	db.AddCommand(c.dbUpdateCommand(), c.dbStatusCommand(), c.dbVerifyCommand(), c.dbPushCommand(), c.dbPullCommand())
	return db
}

func (c *cli) dbUpdateCommand() *cobra.Command {
	var flags dbFlags
	var ecosystems []string
	var full bool
	cmd := &cobra.Command{
		Use:   "update",
		Short: "Fetch the advisories and compile them into the database",
		Long: `Update brings the database up to date and prints what changed. Of a source that lists
its records (modified_id.csv) only those that changed are fetched, if they are few.
The old database stays in place until the new one is complete, and is kept beside it.`,
		Example: "  fnvet db update\n  fnvet db update --ecosystem npm,PyPI --db-source https://mirror.example/osv --db-source /srv/osv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := flags.place()
			if err != nil {
				return err
			}
			o := flags.options(dir)
			o.Ecosystems, o.Full = ecosystems, full
			st, err := c.update(cmd.Context(), o)
			if err != nil {
				return err
			}
			if err := c.printStatus(dir, st); err != nil {
				return err
			}
			return c.printChanges(st.Changes)
		},
	}
	flags.addPlace(cmd.Flags())
	cmd.Flags().StringSliceVar(&ecosystems, "ecosystem", nil, "only these `ECOSYSTEM`s (default: all of the source)")
	cmd.Flags().BoolVar(&full, "full", false, "fetch whole ecosystems even where only a few records changed")
	return cmd
}

func (c *cli) update(ctx context.Context, o advisory.UpdateOptions) (advisory.Status, error) {
	meter := c.startFetchMeter()
	defer meter.stop()
	o.Progress = meter.fetched
	st, err := advisory.Update(ctx, o)
	if err != nil {
		return st, hinted{fmt.Errorf("advisory database: %w", err), "fnvet db update --db-source URL|DIR"}
	}
	for _, change := range st.Changes {
		if change.Error != "" {
			c.note("%s: not updated: %s", change.Name, change.Error)
		}
	}
	return st, nil
}

func (c *cli) printChanges(changes []advisory.Change) error {
	for _, change := range changes {
		text := map[string]string{
			advisory.ChangeFull: "fetched", advisory.ChangeRecords: "fetched what changed",
			advisory.ChangeSame: "unchanged", advisory.ChangeFailed: "not updated",
		}[change.How]
		if change.Added+change.Changed+change.Removed > 0 {
			text = fmt.Sprintf("%s: %d added, %d changed, %d removed", text, change.Added, change.Changed, change.Removed)
		}
		if _, err := fmt.Fprintf(c.stdout, "%-14s %s\n", printable(change.Name), text); err != nil {
			return err
		}
	}
	return nil
}

func (c *cli) dbStatusCommand() *cobra.Command {
	var flags dbFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Describe the database: records, newest record, age, size",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := flags.place()
			if err != nil {
				return err
			}
			db, err := advisory.Open(dir)
			if err != nil {
				return databaseError(dir, err)
			}
			defer db.Close()
			return c.printStatus(dir, db.Status())
		},
	}
	cmd.Flags().StringVar(&flags.dir, "db", "", "advisory database `DIR` (default: fnvet in the user's cache directory)")
	return cmd
}

func (c *cli) dbVerifyCommand() *cobra.Command {
	var flags dbFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check the whole database against its checksums",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := flags.place()
			if err != nil {
				return err
			}
			stop := c.busy("checking %s", dir)
			err = advisory.Verify(dir)
			stop()
			if err != nil {
				return databaseError(dir, err)
			}
			fmt.Fprintf(c.stdout, "%s: the database is whole\n", printable(dir))
			return nil
		},
	}
	cmd.Flags().StringVar(&flags.dir, "db", "", "advisory database `DIR` (default: fnvet in the user's cache directory)")
	return cmd
}

func databaseError(dir string, err error) error {
	if errors.Is(err, advisory.ErrNoDatabase) {
		return hinted{fmt.Errorf("no advisory database in %s", dir), "fnvet db update"}
	}
	return hinted{fmt.Errorf("advisory database: %w", err), "fnvet db update"}
}

func (c *cli) printStatus(dir string, st advisory.Status) error {
	w := c.stdout
	fmt.Fprintf(w, "%-14s %s\n", "database", printable(dir))
	fmt.Fprintf(w, "%-14s %s\n", "source", printable(st.Source))
	fmt.Fprintf(w, "%-14s %s\n", "fetched", st.Updated.UTC().Format(time.RFC3339))
	fmt.Fprintf(w, "%-14s %s (%s old)\n", "newest record", st.Modified.UTC().Format(time.RFC3339), age(time.Since(st.Modified)))
	fmt.Fprintf(w, "%-14s %.1f MB\n", "size", float64(st.Size)/1e6)
	fmt.Fprintf(w, "%-14s %d\n", "advisories", st.Advisories)
	for _, e := range st.Ecosystems {
		if _, err := fmt.Fprintf(w, "  %-12s %7d   newest %s\n", printable(e.Name), e.Advisories, e.Modified.UTC().Format(time.DateOnly)); err != nil {
			return err
		}
	}
	for _, f := range st.Feeds {
		if _, err := fmt.Fprintf(w, "  %-12s %7d   dated %s\n", f.Name, f.Entries, f.Dated.UTC().Format(time.DateOnly)); err != nil {
			return err
		}
	}
	return nil
}

func age(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f hours", max(0, d.Hours()))
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
