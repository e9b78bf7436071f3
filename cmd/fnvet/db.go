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

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
)

// dbFlags are the flags of everything that reads the advisory database.
type dbFlags struct {
	dir, source string
	maxAge      time.Duration
	offline     bool
}

func (d *dbFlags) add(f *pflag.FlagSet) {
	d.addPlace(f)
	f.DurationVar(&d.maxAge, "max-db-age", 168*time.Hour, "an advisory database whose newest record is older is a gap; 0: any age will do")
	f.BoolVar(&d.offline, "offline", false, "touch no network")
}

func (d *dbFlags) addPlace(f *pflag.FlagSet) {
	f.StringVar(&d.dir, "db", "", "advisory database `DIR` (default: fnvet in the user's cache directory)")
	f.StringVar(&d.source, "db-source", "", "where advisories are fetched from: `URL|DIR` in the layout of the OSV bucket (default: the public bucket)")
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

// local reports whether fetching from the source needs no network.
func (d *dbFlags) local() bool { return d.source != "" && !strings.Contains(d.source, "://") }

func (c *cli) dbCommand() *cobra.Command {
	db := &cobra.Command{
		Use:   "db",
		Short: "The advisory database: fetch, describe, check",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	db.AddCommand(c.dbUpdateCommand(), c.dbStatusCommand(), c.dbVerifyCommand())
	return db
}

func (c *cli) dbUpdateCommand() *cobra.Command {
	var flags dbFlags
	var ecosystems []string
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Fetch the advisories and compile them into the database",
		Example: "  fnvet db update\n  fnvet db update --ecosystem npm,PyPI --db-source https://mirror.example/osv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := flags.place()
			if err != nil {
				return err
			}
			st, err := c.update(cmd.Context(), dir, flags.source, ecosystems)
			if err != nil {
				return err
			}
			return c.printStatus(dir, st)
		},
	}
	flags.addPlace(cmd.Flags())
	cmd.Flags().StringSliceVar(&ecosystems, "ecosystem", nil, "only these `ECOSYSTEM`s (default: all of the source)")
	return cmd
}

func (c *cli) update(ctx context.Context, dir, source string, ecosystems []string) (advisory.Status, error) {
	meter := c.startFetchMeter()
	defer meter.stop()
	st, err := advisory.Update(ctx, advisory.UpdateOptions{
		Dir: dir, Source: source, Ecosystems: ecosystems, Progress: meter.fetched,
	})
	if err != nil {
		return st, hinted{fmt.Errorf("advisory database: %w", err), "fnvet db update --db-source URL|DIR"}
	}
	return st, nil
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
			if err := advisory.Verify(dir); err != nil {
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
	return nil
}

func age(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f hours", max(0, d.Hours()))
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// A matcher opens the database when packages are to be compared, and fetches
// what is missing of it first. It serves the targets of one run in turn.
type matcher struct {
	cli   *cli
	flags dbFlags
	dir   string
	now   time.Time
	db    *advisory.DB
	tried map[string]bool // ecosystems whose fetch was tried in this run
	why   string          // why the last fetch failed
}

func (d *dbFlags) matcher(c *cli, now time.Time) (*matcher, error) {
	dir, err := d.place()
	if err != nil {
		return nil, err
	}
	return &matcher{cli: c, flags: *d, dir: dir, now: now, tried: map[string]bool{}}, nil
}

// Close closes the database if it was opened.
func (m *matcher) Close() {
	if m.db != nil {
		_ = m.db.Close() // opened for reading only
	}
}

// Match compares packages with the advisories. A database that is missing, too
// old or damaged is a gap that names the command to type.
func (m *matcher) Match(ctx context.Context, pkgs []fnvet.Package) ([]fnvet.Finding, []fnvet.Gap, fnvet.Database) {
	err := m.ensure(ctx, ecosystemsOf(pkgs))
	if m.db == nil {
		if len(pkgs) == 0 {
			return nil, nil, fnvet.Database{}
		}
		return nil, []fnvet.Gap{m.missing(err)}, fnvet.Database{}
	}
	info := m.describe()
	if len(pkgs) == 0 {
		return nil, nil, info
	}
	findings, gaps, err := m.db.Match(ctx, pkgs)
	if err != nil {
		gaps = append(gaps, fnvet.Gap{Path: "advisory database", Reason: fnvet.GapFailed, Detail: err.Error() + "; type: fnvet db update"})
	}
	if m.flags.maxAge > 0 && m.age() > m.flags.maxAge {
		gaps = append(gaps, fnvet.Gap{
			Path: "advisory database", Reason: fnvet.GapOldDatabase,
			Detail: fmt.Sprintf("the newest advisory is %s old, %s is allowed; type: fnvet db update", age(m.age()), age(m.flags.maxAge)),
		})
	}
	return findings, gaps, info
}

func (m *matcher) missing(err error) fnvet.Gap {
	g := fnvet.Gap{Path: "advisory database", Reason: fnvet.GapNoDatabase}
	switch {
	case err != nil && !errors.Is(err, advisory.ErrNoDatabase):
		g.Detail = "no package was compared with advisories: " + err.Error()
	case m.flags.offline && !m.flags.local():
		g.Detail = "no package was compared with advisories: there is no database in " + m.dir + " and --offline forbids to fetch it"
	default:
		g.Detail = "no package was compared with advisories: there is no database in " + m.dir
		if m.why != "" {
			g.Detail += " and fetching it failed (" + m.why + ")"
		}
	}
	g.Detail += "; type: fnvet db update"
	return g
}

func (m *matcher) age() time.Duration { return m.now.Sub(m.db.Status().Modified) }

func (m *matcher) describe() fnvet.Database {
	st := m.db.Status()
	d := fnvet.Database{
		Modified: st.Modified.UTC().Format(time.RFC3339), Advisories: st.Advisories,
		// Whole hours: more digits would make two runs differ.
		AgeHours:   float64(int64(m.age().Hours())),
		Ecosystems: make([]string, 0, len(st.Ecosystems)),
	}
	for _, e := range st.Ecosystems {
		d.Ecosystems = append(d.Ecosystems, e.Name)
	}
	slices.Sort(d.Ecosystems)
	return d
}

// ensure opens the database and, where fetching is allowed, brings in the
// ecosystems it lacks.
func (m *matcher) ensure(ctx context.Context, need []string) error {
	var err error
	if m.db == nil {
		m.db, err = advisory.Open(m.dir)
	}
	if err != nil && !errors.Is(err, advisory.ErrNoDatabase) {
		return err
	}
	lacks := m.lacking(need)
	if len(lacks) == 0 || m.flags.offline && !m.flags.local() {
		return err
	}
	for _, e := range lacks {
		m.tried[e] = true
	}
	m.cli.note("fetching advisories for %s", strings.Join(lacks, ", "))
	all := lacks
	if m.db != nil {
		for _, e := range m.db.Status().Ecosystems {
			all = append(all, e.Name)
		}
	}
	slices.Sort(all)
	if _, err := m.cli.update(ctx, m.dir, m.flags.source, slices.Compact(all)); err != nil {
		m.why = err.Error()
		m.cli.note("could not fetch advisories: %v", err)
		return nil
	}
	m.Close()
	m.db, err = advisory.Open(m.dir)
	return err
}

func (m *matcher) lacking(need []string) []string {
	have := map[string]bool{}
	if m.db != nil {
		for _, e := range m.db.Status().Ecosystems {
			have[e.Name] = true
		}
	}
	var lacks []string
	for _, e := range need {
		if !have[e] && !m.tried[e] {
			lacks = append(lacks, e)
		}
	}
	return lacks
}

// ecosystemsOf lists the ecosystems of packages, without their releases, sorted.
func ecosystemsOf(pkgs []fnvet.Package) []string {
	seen := map[string]bool{}
	for i := range pkgs {
		name, _, _ := strings.Cut(pkgs[i].Ecosystem, ":")
		if name != "" {
			seen[name] = true
		}
	}
	names := make([]string, 0, len(seen))
	for e := range seen {
		names = append(names, e)
	}
	slices.Sort(names)
	return names
}
