package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
	advisoryversion "github.com/fnvet/fnvet/advisory/version"
)

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
	old   bool            // the user was told that the database is not of today
	bare  bool            // the user was told that interpreters were not compared
}

func (d *dbFlags) matcher(c *cli, now time.Time) (*matcher, error) {
	if d.api != "" && d.offline {
		return nil, hinted{errors.New("--osv-api needs the network, and --offline forbids it"), "fnvet db update, then fnvet scan --offline"}
	}
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
	if m.flags.api != "" {
		return m.ask(ctx, pkgs)
	}
	err := m.ensure(ctx, ecosystemsOf(pkgs), optional(pkgs))
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
	if lacks := m.without(optional(pkgs)); len(lacks) > 0 && !m.bare {
		m.bare = true
		m.cli.note("interpreters were not compared: the database has no advisories of %s; type: fnvet db update --ecosystem %s", lacks[0], lacks[0])
	}
	findings, gaps, err := m.db.Match(ctx, pkgs)
	if err != nil {
		gaps = append(gaps, fnvet.Gap{Reason: fnvet.GapFailed, Detail: err.Error() + "; type: fnvet db update"})
	}
	info.Lacks = m.unlent(findings)
	return findings, placed(append(gaps, m.judgeAge()...)), info
}

// unlent lists the ecosystems that might rate findings without a severity and
// that the database does not have.
func (m *matcher) unlent(findings []fnvet.Finding) []string {
	var unrated []string
	for i := range findings {
		if f := &findings[i]; f.Severity == fnvet.SeverityUnknown && f.Package != nil {
			base, _, _ := strings.Cut(f.Package.Ecosystem, ":")
			unrated = append(unrated, base)
		}
	}
	return m.without(advisory.Lenders(unrated))
}

// placed gives the gaps that concern no file a place.
func placed(gaps []fnvet.Gap) []fnvet.Gap {
	for i := range gaps {
		gaps[i].Path = cmp.Or(gaps[i].Path, databasePath)
	}
	return gaps
}

// ask compares packages with what the API says of them. What it does not answer
// is a gap. Its answers are of now: they have no age.
func (m *matcher) ask(ctx context.Context, pkgs []fnvet.Package) ([]fnvet.Finding, []fnvet.Gap, fnvet.Database) {
	meter := m.cli.startFetchMeter()
	defer meter.stop()
	db, gaps, err := advisory.Ask(ctx, pkgs, advisory.APIOptions{
		URL: m.flags.api, KEV: m.flags.kev, EPSS: m.flags.epss, Now: m.now, Progress: meter.fetched,
	})
	if err != nil {
		detail := "no package was compared with advisories: " + err.Error()
		return nil, placed(append(gaps, fnvet.Gap{Reason: fnvet.GapNoDatabase, Detail: detail})), fnvet.Database{}
	}
	defer db.Close()
	findings, more, err := db.Match(ctx, pkgs)
	if err != nil {
		more = append(more, fnvet.Gap{Reason: fnvet.GapFailed, Detail: err.Error()})
	}
	info := fnvet.Database{From: fnvet.FromAPI, Advisories: db.Status().Advisories, Ecosystems: []string{}}
	for _, e := range db.Status().Ecosystems {
		info.Ecosystems = append(info.Ecosystems, e.Name)
	}
	return findings, placed(append(gaps, more...)), info
}

// databasePath is where reports say a gap of the database itself is.
const databasePath = "advisory database"

// warnAge is when a database is no longer of today.
const warnAge = 24 * time.Hour

// judgeAge gives a gap for a database older than allowed, and warns once of one
// that is more than a day old.
func (m *matcher) judgeAge() []fnvet.Gap {
	switch {
	case m.flags.maxAge <= 0:
	case m.age() > m.flags.maxAge:
		return []fnvet.Gap{{
			Path: databasePath, Reason: fnvet.GapOldDatabase,
			Detail: fmt.Sprintf("the newest advisory is %s old, %s is allowed; type: fnvet db update", age(m.age()), age(m.flags.maxAge)),
		}}
	case m.age() > warnAge && !m.old:
		m.old = true
		m.cli.note("the newest advisory is %s old; type: fnvet db update", age(m.age()))
	}
	return nil
}

func (m *matcher) missing(err error) fnvet.Gap {
	g := fnvet.Gap{Path: databasePath, Reason: fnvet.GapNoDatabase}
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
		From: fnvet.FromIndex, Modified: st.Modified.UTC().Format(time.RFC3339), Advisories: st.Advisories,
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
// ecosystems it lacks. One of another format counts as none.
func (m *matcher) ensure(ctx context.Context, need, also []string) error {
	var err error
	if m.db == nil {
		m.db, err = advisory.Open(m.dir)
	}
	if err != nil && !errors.Is(err, advisory.ErrNoDatabase) && !errors.Is(err, advisory.ErrFormat) {
		return err
	}
	lacks := m.lacking(need)
	if len(lacks) == 0 || m.flags.offline && !m.flags.local() {
		return err
	}
	for _, e := range lacks {
		m.tried[e] = true
	}
	if err := m.fetch(ctx, lacks, also); err != nil {
		m.why = err.Error()
		m.cli.note("could not fetch advisories: %v", err)
		return nil
	}
	m.Close()
	m.db, err = advisory.Open(m.dir)
	return err
}

// fetch brings ecosystems into the database, and with them those that rate their
// flaws and those in also, as far as the source has these and can serve them.
func (m *matcher) fetch(ctx context.Context, lacks, also []string) error {
	o := m.flags.options(m.dir)
	o.Ecosystems, o.SkipMissing = lacks, true
	if raters := m.without(slices.Concat(advisory.Lenders(lacks), lacks, also)); len(raters) > len(lacks) {
		o.Ecosystems = raters
		m.cli.note("fetching advisories for %s, and others that rate the same flaws or name interpreters", strings.Join(lacks, ", "))
		if _, err := m.cli.update(ctx, o); err == nil || ctx.Err() != nil {
			return err
		}
		o.Ecosystems = lacks
	}
	m.cli.note("fetching advisories for %s", strings.Join(lacks, ", "))
	_, err := m.cli.update(ctx, o)
	return err
}

func (m *matcher) lacking(need []string) []string {
	return slices.DeleteFunc(m.without(need), func(e string) bool { return m.tried[e] })
}

// without lists, once and sorted, those of some ecosystems that the database lacks.
func (m *matcher) without(names []string) []string {
	have := map[string]bool{}
	if m.db != nil {
		for _, e := range m.db.Status().Ecosystems {
			have[e.Name] = true
		}
	}
	var lacks []string
	for _, e := range names {
		if !have[e] {
			lacks = append(lacks, e)
		}
	}
	slices.Sort(lacks)
	return slices.Compact(lacks)
}

// optional lists the ecosystems that packages have use for and can do without.
func optional(pkgs []fnvet.Package) []string {
	for i := range pkgs {
		if advisory.Interpreter(&pkgs[i]) {
			return []string{advisory.Interpreters}
		}
	}
	return nil
}

// ecosystemsOf lists the ecosystems of packages that have an order of versions,
// without their releases, sorted.
func ecosystemsOf(pkgs []fnvet.Package) []string {
	seen := map[string]bool{}
	for i := range pkgs {
		name, _, _ := strings.Cut(pkgs[i].Ecosystem, ":")
		if _, ordered := advisoryversion.For(name); ordered {
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
