package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
)

// A Rematch says how the inventory is compared with new advisories.
type Rematch struct {
	Version Version // of the new database, the rules, the policy
	From    string  // database that Names changed since
	// Names are those whose advisories changed; All takes every component and
	// every artifact, whatever it was judged by before.
	Names []advisory.PackageName
	All   bool
	// Match compares components.
	Match func(ctx context.Context, pkgs []fnvet.Package) ([]fnvet.Finding, error)
	// Judge brings a report up to date in the packages that changed tells, and judges it.
	Judge   func(ctx context.Context, r *fnvet.Report, changed func(*fnvet.Package) bool) error
	Notices func(artifact *Artifact, changes []Change) []Notice
}

// Rematched is what a Rematch did.
type Rematched struct {
	Components int // that were compared
	Artifacts  int // whose report was judged again
	Changes    int // findings that came or went
}

// ErrTaken says: another process does, or did, the same.
var ErrTaken = errors.New("another process compares the inventory with this database")

const (
	rematchLease = 60_000 // ms without a sign of life after which another may go on
	matchAtOnce  = 5000
)

// Rematch compares the components whose advisories changed, once for all
// artifacts that hold them, and judges again the artifacts whose findings differ.
// Each verdict is a scan of its own, of source "rescan", and its changes are
// recorded as those of a scan are. Artifacts in which nothing differs are only
// marked as judged by the new database. It may be broken off and done again.
func (s *Store) Rematch(ctx context.Context, m *Rematch) (Rematched, error) {
	var done Rematched
	if err := s.claim(ctx, m.Version.Database, m.From); err != nil {
		return done, err
	}
	candidates, err := s.candidates(ctx, m)
	if err != nil {
		return done, err
	}
	done.Components = len(candidates)
	dirty := map[int64]bool{}
	for part := range slices.Chunk(candidates, matchAtOnce) {
		if err := s.compare(ctx, m, part, dirty); err != nil {
			return done, err
		}
		if err := s.do(ctx, "UPDATE rematch SET beat = $1 WHERE database = $2", s.now(), m.Version.Database); err != nil {
			return done, err
		}
	}
	changed := func(*fnvet.Package) bool { return true }
	if !m.All {
		names := make(map[advisory.PackageName]bool, len(m.Names))
		for _, n := range m.Names {
			names[n] = true
		}
		changed = func(p *fnvet.Package) bool {
			return slices.ContainsFunc(advisory.NamesOf(p), func(n advisory.PackageName) bool { return names[n] })
		}
	}
	for id := range dirty {
		n, err := s.judge(ctx, m, id, changed)
		if err != nil {
			return done, err
		}
		done.Artifacts++
		done.Changes += n
	}
	return done, s.settle(ctx, m, done)
}

// claim takes the work for this process. What was done once is not done again, except
// when the database says again what one before it said: From came after it.
func (s *Store) claim(ctx context.Context, database, from string) error {
	t, err := s.base.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback(ctx)
	n, err := t.exec(ctx, `INSERT INTO rematch (database, beat, finished, changed) VALUES ($1, $2, 0, 0)
ON CONFLICT (database) DO UPDATE SET beat = excluded.beat, finished = 0 WHERE rematch.finished = 0 AND (rematch.beat < $3 OR rematch.beat > $4)
OR rematch.finished > 0 AND EXISTS (SELECT 1 FROM rematch AS f WHERE f.database = $5 AND f.finished > rematch.finished)`,
		database, s.now(), s.now()-rematchLease, s.now()+rematchLease, from) // a beat to come is of a clock that was stepped back
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrTaken
	}
	return t.commit(ctx)
}

type candidate struct {
	id  int64
	pkg fnvet.Package
}

// candidates finds the components of the names, by the index of component_name.
func (s *Store) candidates(ctx context.Context, m *Rematch) ([]candidate, error) {
	var list []candidate
	read := func(r rows) error {
		var c candidate
		var text string
		var key string
		if err := r.Scan(&c.id, &text, &key); err != nil {
			return err
		}
		var k kept
		err := json.Unmarshal([]byte(text), &k)
		if c.pkg = k.pkg(); err != nil || componentKey(&c.pkg) != key {
			return fmt.Errorf("%w: row %d of the table component is not as it was written; put the store back from a backup", ErrDamaged, c.id)
		}
		list = append(list, c)
		return nil
	}
	if m.All {
		err := each(ctx, s.base.reader(), "SELECT id, package, key FROM component ORDER BY id", nil, read)
		return list, err
	}
	byBase := map[string][]any{}
	for _, n := range m.Names {
		byBase[n.Ecosystem] = append(byBase[n.Ecosystem], n.Name)
	}
	for base, names := range byBase {
		for part := range slices.Chunk(names, maxArguments-1) {
			args := append(slices.Clone(part), any(base))
			query := "SELECT DISTINCT c.id, c.package, c.key FROM component_name n JOIN component c ON c.id = n.component WHERE n.name IN (" + marks(len(part)) + ") AND n.ecosystem = $" + strconv.Itoa(len(args))
			if err := each(ctx, s.base.reader(), query, args, read); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(list, func(a, b candidate) int { return int(a.id - b.id) })
	return slices.CompactFunc(list, func(a, b candidate) bool { return a.id == b.id }), nil
}

// compare adds to dirty the artifacts for which the findings of some components
// are other than those recorded.
func (s *Store) compare(ctx context.Context, m *Rematch, part []candidate, dirty map[int64]bool) error {
	pkgs := make([]fnvet.Package, len(part))
	for i := range part {
		pkgs[i] = part[i].pkg
	}
	findings, err := m.Match(ctx, pkgs)
	if err != nil {
		return err
	}
	latest := map[string]map[[2]string]bool{} // by purl: id and severity
	for i := range findings {
		f := &findings[i]
		if f.Package == nil {
			continue
		}
		if latest[f.Package.PURL] == nil {
			latest[f.Package.PURL] = map[[2]string]bool{}
		}
		latest[f.Package.PURL][[2]string{f.ID, string(f.Severity)}] = true
	}
	for ids := range slices.Chunk(part, maxArguments) {
		if err := s.compareRows(ctx, ids, latest, dirty); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) compareRows(ctx context.Context, part []candidate, latest map[string]map[[2]string]bool, dirty map[int64]bool) error {
	args := make([]any, len(part))
	for i := range part {
		args[i] = part[i].id
	}
	// One row for each artifact and component, or for each of its findings.
	const query = `SELECT i.artifact, c.purl, coalesce(f.main, ''), coalesce(f.severity, '') FROM component c JOIN inventory i ON i.component = c.id
LEFT JOIN affected f ON f.artifact = i.artifact AND f.purl = c.purl AND f.advisory = f.main WHERE c.id IN (`
	type place struct {
		artifact int64
		purl     string
	}
	matched := map[place]int{}
	err := each(ctx, s.base.reader(), query+marks(len(args))+")", args, func(r rows) error {
		var p place
		var id, severity string
		if err := r.Scan(&p.artifact, &p.purl, &id, &severity); err != nil {
			return err
		}
		switch {
		case id == "":
			if len(latest[p.purl]) > 0 {
				dirty[p.artifact] = true
			}
		case !latest[p.purl][[2]string{id, severity}]:
			dirty[p.artifact] = true
		default:
			matched[p]++
		}
		return nil
	})
	for p, n := range matched {
		if n < len(latest[p.purl]) {
			dirty[p.artifact] = true
		}
	}
	return err
}

// judge brings one artifact up to date, and returns how many findings changed.
func (s *Store) judge(ctx context.Context, m *Rematch, id int64, changed func(*fnvet.Package) bool) (int, error) {
	a, err := s.Artifact(ctx, id)
	if err != nil {
		return 0, err
	}
	r, err := s.Report(ctx, a.Scan)
	if err != nil {
		return 0, err
	}
	if err := m.Judge(ctx, r, changed); err != nil {
		return 0, err
	}
	if r, err = texts(r); err != nil {
		return 0, err
	}
	t, err := s.base.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer t.rollback(ctx)
	var now int64
	err = one(ctx, t, "SELECT scan FROM artifact WHERE id = $1"+s.base.lockRow(), []any{id}, &now)
	if err != nil || now != a.Scan { // it was scanned anew in between, by a database that is as new
		return 0, err
	}
	fresh, err := s.addRescan(ctx, t, &Request{
		Source: "rescan", Registry: a.Registry, Repository: a.Repository, Tag: a.Tag, Digest: a.Digest, Version: m.Version,
	})
	if err != nil || len(fresh) == 0 {
		return 0, err
	}
	if err := seal(ctx, t, fresh, []int64{0}); err != nil {
		return 0, err
	}
	scan := fresh[0].scan
	changes, err := s.saveVerdict(ctx, t, a, scan, m.Version.Database, r)
	if err != nil {
		return 0, err
	}
	if err := s.announce(ctx, t, a, changes, m.Notices); err != nil {
		return 0, err
	}
	return len(changes), t.commit(ctx)
}

// addRescan makes a scan, none where one of the same key waits for its turn. One that
// was done before, by a database that said the same, does not count: another came since.
func (s *Store) addRescan(ctx context.Context, t tx, r *Request) ([]*entry, error) {
	e := &entry{Request: r}
	fresh, err := s.addScans(ctx, t, []*entry{e})
	if err != nil || len(fresh) > 0 {
		return fresh, err
	}
	var waits int64
	err = one(ctx, t, "SELECT count(*) FROM scan s JOIN river_job j ON j.id = s.job WHERE s.id = $1 AND j.state IN ('available', 'retryable', 'running', 'scheduled')", []any{e.scan}, &waits)
	if err != nil || waits > 0 {
		return nil, err
	}
	r.again = strconv.FormatInt(s.now(), 10)
	return s.addScans(ctx, t, []*entry{e})
}

// settle marks what did not change as judged by the new database.
func (s *Store) settle(ctx context.Context, m *Rematch, done Rematched) error {
	t, err := s.base.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback(ctx)
	if _, err := t.exec(ctx, "UPDATE artifact SET database = $1, judged = $2 WHERE database = $3 OR $4 = 1", m.Version.Database, s.now(), m.From, number(m.All)); err != nil {
		return err
	}
	if _, err := t.exec(ctx, "UPDATE rematch SET finished = $1, changed = $2 WHERE database = $3", s.now(), done.Changes, m.Version.Database); err != nil {
		return err
	}
	return t.commit(ctx)
}

// LastRematch is the database that the inventory was compared with last, or "".
func (s *Store) LastRematch(ctx context.Context) (string, error) {
	var database string
	err := one(ctx, s.base.reader(), "SELECT database FROM rematch WHERE finished > 0 ORDER BY finished DESC LIMIT 1", nil, &database)
	if errors.Is(err, errNone) {
		return "", nil
	}
	return database, err
}

// Unjudged reports whether an artifact was judged last by a database that is
// neither of two.
func (s *Store) Unjudged(ctx context.Context, a, b string) (bool, error) {
	var id int64
	err := one(ctx, s.base.reader(), "SELECT id FROM artifact WHERE database <> $1 AND database <> $2 LIMIT 1", []any{a, b}, &id)
	if errors.Is(err, errNone) {
		return false, nil
	}
	return err == nil, err
}
