package advisory

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory/version"
)

// A query is one name and version to look up for one package.
type query struct {
	pkg     int // index of the package
	base    string
	release string
	name    string // normal form
	version string
	rank    int // of the Maven group among the candidates
}

// A hit is a record that affects a package.
type hit struct {
	*query
	entry  *entry
	all    []entry // the entries of that name
	same   []entry // the entries of its record for that name, among them entry
	record *record
	eval   *evaluator
}

// Match returns a finding for each advisory, aliases counted once, that affects
// a package, and a Gap for each package that could not be compared: a version
// that is none, a jar whose Maven group is unknown, and once for each ecosystem
// or release the database has no records of. Findings are sorted by package,
// then id. The error is ErrCorrupt, a read error or that of ctx.
func (db *DB) Match(ctx context.Context, pkgs []fnvet.Package) ([]fnvet.Finding, []fnvet.Gap, error) {
	m := newMatcher(db, pkgs)
	for i := range pkgs {
		if err := m.add(i); err != nil {
			return nil, nil, err
		}
	}
	if err := m.lookUp(ctx); err != nil {
		return nil, nil, err
	}
	findings, err := m.findings()
	if err != nil {
		return nil, nil, err
	}
	if err := db.enrich(findings); err != nil {
		return nil, nil, err
	}
	return findings, m.allGaps(), nil
}

// HasPackage says whether the database has advisories for a name, of any version.
func (db *DB) HasPackage(ecosystem, name string) bool {
	base, _ := splitEcosystem(ecosystem)
	s, err := db.section(base)
	if err != nil || s == nil {
		return false
	}
	c := cursor{sectionReader: s}
	p, err := c.find(normalName(base, name))
	return err == nil && p != nil && len(p.entries) > 0
}

// matcher holds the state of one Match.
type matcher struct {
	db        *DB
	pkgs      []fnvet.Package
	queries   []query
	hits      []hit
	gaps      []fnvet.Gap
	uncovered map[string]int // packages of ecosystems and releases that the database lacks
	known     ranks
	// dependents lists, by purl, the packages that depend on it.
	dependents func() map[string][]int
}

func newMatcher(db *DB, pkgs []fnvet.Package) *matcher {
	m := &matcher{db: db, pkgs: pkgs, uncovered: map[string]int{}, known: ranks{}}
	m.dependents = sync.OnceValue(m.findDependents)
	return m
}

// add makes the queries of a package: one, or one for each Maven group it may have.
func (m *matcher) add(i int) error {
	p := &m.pkgs[i]
	base, release := splitEcosystem(p.Ecosystem)
	if Interpreter(p) {
		base = Interpreters
	}
	s, err := m.db.section(base)
	if err != nil {
		return err
	}
	if s == nil && base == Interpreters {
		return nil // few databases have these; the caller tells
	}
	if s == nil {
		m.uncovered[base]++
		return nil
	}
	if released(base) && (release == "" || !m.db.partial && !slices.Contains(s.table.releases, release) && !slices.Contains(s.table.releases, "")) {
		m.uncovered[p.Ecosystem]++
		return nil
	}
	name, ver := advised(p, base)
	q := query{pkg: i, base: base, release: release, name: normalName(base, name), version: installedVersion(base, name, ver)}
	if base == "Maven" && !strings.Contains(name, ":") {
		for rank, group := range p.Groups {
			q.name, q.rank = group+":"+name, rank
			m.queries = append(m.queries, q)
		}
		if len(p.Groups) > 0 {
			return nil
		}
		q.name = ":" + name
	}
	m.queries = append(m.queries, q)
	return nil
}

// Interpreters is the ecosystem whose advisories hold for interpreters that were
// built from their makers' sources: Bitnami's records name these.
const Interpreters = "Bitnami"

// Interpreter says whether a package is an interpreter that Match compares with
// the advisories of Interpreters, if the database has those.
func Interpreter(p *fnvet.Package) bool {
	if p.Ecosystem != "" || p.Kind != fnvet.Installed || !strings.HasPrefix(p.PURL, "pkg:generic/") {
		return false
	}
	switch p.Name {
	case "node", "python", "ruby", "php", "java":
		return true
	}
	return false
}

// advised is the name and version of a package that advisories speak of.
func advised(p *fnvet.Package, base string) (name, version string) {
	if p.Source != nil && namesSources(base) {
		return p.Source.Name, cmp.Or(p.Source.Version, p.Version)
	}
	return p.Name, p.Version
}

// lookUp answers the queries and keeps the hits. They are asked in the order of the
// index, so that each block is read once, in parts for all processors.
func (m *matcher) lookUp(ctx context.Context) error {
	byIndex := make([]*query, len(m.queries))
	for i := range m.queries {
		byIndex[i] = &m.queries[i]
	}
	slices.SortStableFunc(byIndex, func(a, b *query) int {
		return cmp.Or(cmp.Compare(a.base, b.base), cmp.Compare(a.name, b.name))
	})
	parts := shares(byIndex, minQueries)
	found := make([]answers, len(parts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, part := range parts {
		found[i] = answers{db: m.db, pkgs: m.pkgs, known: map[int]int{}}
		g.Go(func() error { return found[i].lookUp(ctx, part) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range found {
		m.hits = append(m.hits, found[i].hits...)
		m.gaps = append(m.gaps, found[i].gaps...)
		for pkg, rank := range found[i].known {
			m.known.rank(pkg, rank)
		}
	}
	return nil
}

// What is cut into parts: queries of one ecosystem take longer than those of another,
// so there are more parts than processors.
const (
	minQueries = 32 // of a part
	partsEach  = 4  // of a processor
)

// shares cuts a list into equal parts of atLeast items.
func shares[T any](list []T, atLeast int) [][]T {
	if len(list) == 0 {
		return nil
	}
	n := max(1, min(partsEach*runtime.GOMAXPROCS(0), len(list)/atLeast))
	return slices.Collect(slices.Chunk(list, (len(list)+n-1)/n))
}

// answers are what a part of the queries found.
type answers struct {
	db    *DB
	pkgs  []fnvet.Package
	hits  []hit
	gaps  []fnvet.Gap
	known ranks
}

// ranks hold, by package, the rank of its likeliest candidate that the database knows.
type ranks map[int]int

func (r ranks) rank(pkg, rank int) {
	if best, ok := r[pkg]; !ok || rank < best {
		r[pkg] = rank
	}
}

// lookUp answers queries that are in the order of the index.
func (a *answers) lookUp(ctx context.Context, queries []*query) error {
	var c cursor
	for i, q := range queries {
		if i == 0 || q.base != queries[i-1].base {
			if err := a.records(&c); err != nil {
				return err
			}
			s, err := a.db.section(q.base)
			if err != nil {
				return err
			}
			c = cursor{sectionReader: s}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p, err := c.find(q.name)
		if err != nil {
			return err
		}
		if p != nil {
			a.compare(q, p)
		}
	}
	return a.records(&c)
}

// compare keeps the entries of a package that affect the query's version.
func (a *answers) compare(q *query, p *packageEntry) {
	pkg := &a.pkgs[q.pkg]
	if len(p.others) > 0 {
		a.gap(pkg, fmt.Sprintf("%s %s: its Maven group is unknown, and there are advisories for %s", pkg.Name, pkg.Version, some(p.others)))
		return
	}
	a.known.rank(q.pkg, q.rank)
	scheme, _ := version.For(q.base)
	eval := newEvaluator(scheme, q.version)
	eval.parsed = map[string]version.Version{}
	relevant := 0
	for i := range p.entries {
		x := &p.entries[i]
		if x.release != "" && x.release != q.release && q.release != "" {
			continue
		}
		relevant++
		if q.version != "" && (eval.valid() && eval.affects(&x.affected) || slices.Contains(x.versions, q.version)) {
			a.hits = append(a.hits, hit{query: q, entry: x, all: p.entries, same: p.sameRecord(i), eval: eval})
		}
	}
	if relevant > 0 && (q.version == "" || !eval.valid()) {
		what := "its version is unknown"
		if q.version != "" {
			what = fmt.Sprintf("%q is no version by the rules of %s", oneLine(q.version), q.base)
		}
		a.gap(pkg, fmt.Sprintf("%s: %s; advisories for the name: %d", pkg.Name, what, relevant))
	}
}

// sameRecord returns the entries around position i that come from one record.
func (p *packageEntry) sameRecord(i int) []entry {
	from, to := i, i+1
	for from > 0 && p.entries[from-1].record == p.entries[i].record {
		from--
	}
	for to < len(p.entries) && p.entries[to].record == p.entries[i].record {
		to++
	}
	return p.entries[from:to]
}

// some lists up to three names.
func some(names []string) string {
	if len(names) <= 3 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
}

func (a *answers) gap(p *fnvet.Package, detail string) {
	path, _ := place(p)
	a.gaps = append(a.gaps, fnvet.Gap{Path: path, Reason: fnvet.GapUnmatched, Detail: detail})
}

func place(p *fnvet.Package) (path, layer string) {
	if len(p.Locations) == 0 {
		return "", ""
	}
	return p.Locations[0].Path, p.Locations[0].Layer
}

// records reads the records of the hits that have none yet.
func (a *answers) records(c *cursor) error {
	var open []*hit
	for i := range a.hits {
		if a.hits[i].record == nil {
			open = append(open, &a.hits[i])
		}
	}
	slices.SortStableFunc(open, func(x, y *hit) int { return x.entry.record - y.entry.record })
	for i, h := range open {
		if i > 0 && open[i-1].entry.record == h.entry.record {
			h.record = open[i-1].record
			continue
		}
		r, err := c.record(h.entry.record)
		if err != nil {
			return err
		}
		h.record = r
	}
	return nil
}

// allGaps adds one gap for each ecosystem or release without records.
func (m *matcher) allGaps() []fnvet.Gap {
	for ecosystem, n := range m.uncovered {
		base, release := splitEcosystem(ecosystem)
		detail := fmt.Sprintf("the advisory database has no records for %s; packages not compared: %d", ecosystem, n)
		switch {
		case base == "":
			detail = fmt.Sprintf("packages of no known ecosystem, not compared: %d", n)
		case released(base) && release == "" && m.has(base):
			detail = fmt.Sprintf("the release of %s is unknown; packages not compared: %d", base, n)
		}
		m.gaps = append(m.gaps, fnvet.Gap{Reason: fnvet.GapNoDatabase, Detail: detail})
	}
	slices.SortFunc(m.gaps, func(a, b fnvet.Gap) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Detail, b.Detail))
	})
	return slices.Compact(m.gaps)
}

func (m *matcher) has(base string) bool {
	return slices.ContainsFunc(m.db.dir.Sections, func(s sectionInfo) bool { return s.Ecosystem == base })
}
