package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const artifactQuery = `SELECT a.id, a.scan, a.registry, a.repository, a.tag, a.digest, a.index_digest, a.name, a.type, a.code, a.blocking, a.findings, a.packages, a.gaps, a.reasons, a.scanned, a.judged, a.database, a.sum FROM artifact a `

func readArtifact(r rows) (*Artifact, error) {
	var a Artifact
	var reasons string
	var scanned, judged, stored int64
	err := r.Scan(&a.ID, &a.Scan, &a.Registry, &a.Repository, &a.Tag, &a.Digest, &a.IndexDigest, &a.Name, &a.Type,
		&a.Code, &a.Blocking, &a.Findings, &a.Packages, &a.Gaps, &reasons, &scanned, &judged, &a.Database, &stored)
	if err != nil {
		return nil, err
	}
	a.Scanned, a.Judged = time.UnixMilli(scanned).UTC(), time.UnixMilli(judged).UTC()
	if err := json.Unmarshal([]byte(reasons), &a.Reasons); err != nil {
		return nil, fmt.Errorf("%w: reasons of artifact %d", ErrDamaged, a.ID)
	}
	sum, err := a.sum()
	if err != nil {
		return nil, err
	}
	return &a, intact("artifact", a.ID, stored, sum)
}

func (s *Store) artifacts(ctx context.Context, where string, args ...any) ([]Artifact, error) {
	list := []Artifact{}
	err := each(ctx, s.base.reader(), artifactQuery+where, args, func(r rows) error {
		a, err := readArtifact(r)
		if err == nil {
			list = append(list, *a)
		}
		return err
	})
	return list, err
}

// Artifact returns an artifact by its id; ErrNotFound if there is none.
func (s *Store) Artifact(ctx context.Context, id int64) (*Artifact, error) {
	list, err := s.artifacts(ctx, "WHERE a.id = $1", id)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, ErrNotFound
	}
	return &list[0], nil
}

// A Page chooses artifacts for a list.
type Page struct {
	Text   string // in the name of the repository, the tag or the digest
	Code   int    // of the verdict; -1 for any
	Before int64  // id of the last one on the page before, or 0
	Limit  int
}

// Artifacts lists artifacts, the latest first.
func (s *Store) Artifacts(ctx context.Context, p Page) ([]Artifact, error) {
	where, args := []string{"1 = 1"}, []any{}
	if p.Before > 0 {
		args = append(args, p.Before)
		where = append(where, fmt.Sprintf("a.id < $%d", len(args)))
	}
	if p.Code >= 0 {
		args = append(args, p.Code)
		where = append(where, fmt.Sprintf("a.code = $%d", len(args)))
	}
	if p.Text != "" {
		args = append(args, "%"+like(strings.ToLower(p.Text))+"%")
		where = append(where, fmt.Sprintf(`lower(a.registry || '/' || a.repository || ':' || a.tag || '@' || a.digest) LIKE $%d ESCAPE '!'`, len(args)))
	}
	args = append(args, p.Limit)
	return s.artifacts(ctx, "WHERE "+strings.Join(where, " AND ")+fmt.Sprintf(" ORDER BY a.id DESC LIMIT $%d", len(args)), args...)
}

// like escapes a text for LIKE with ESCAPE '!'.
func like(s string) string { return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s) }

// Verdicts returns the artifacts with a digest, that of the manifest or of the
// index it was chosen from, in every repository.
func (s *Store) Verdicts(ctx context.Context, digest string) ([]Artifact, error) {
	list, err := s.artifacts(ctx, "WHERE a.digest = $1 OR a.index_digest = $1 ORDER BY a.judged DESC", digest)
	for i := range list {
		if list[i].Digest != digest && list[i].IndexDigest != digest { // so a damaged index answers
			return nil, fmt.Errorf("%w: the index of digests names artifact %d for another one", ErrDamaged, list[i].ID)
		}
	}
	return list, err
}

// Pending reports whether a scan of the digest is on its way or was given up.
func (s *Store) Pending(ctx context.Context, digest string) (bool, error) {
	var id int64
	err := one(ctx, s.base.reader(), `SELECT s.id FROM scan s LEFT JOIN result r ON r.scan = s.id WHERE s.digest = $1 AND r.scan IS NULL AND s.same_as = 0 LIMIT 1`, []any{digest}, &id)
	if errors.Is(err, errNone) {
		return false, nil
	}
	return err == nil, err
}

// Containing lists the artifacts that hold a package: an exact purl, or one
// without a version for all its versions.
func (s *Store) Containing(ctx context.Context, purl string, before int64, limit int) ([]Artifact, error) {
	from, to := purl, purl
	if !strings.Contains(purl, "@") || strings.HasPrefix(purl, "pkg:npm/@") && strings.Count(purl, "@") == 1 {
		from, to = purl+"@", purl+"@\U0010ffff"
	}
	return s.artifacts(ctx, `WHERE a.id IN (SELECT i.artifact FROM component c JOIN inventory i ON i.component = c.id WHERE c.purl >= $1 AND c.purl <= $2)
AND ($3 = 0 OR a.id < $3) ORDER BY a.id DESC LIMIT $4`, from, to, before, limit)
}

// Affected lists the artifacts that an advisory affects, by any of its ids.
func (s *Store) Affected(ctx context.Context, advisory string, before int64, limit int) ([]Artifact, error) {
	return s.artifacts(ctx, `WHERE a.id IN (SELECT f.artifact FROM affected f WHERE f.advisory = $1) AND ($2 = 0 OR a.id < $2) ORDER BY a.id DESC LIMIT $3`, advisory, before, limit)
}

// A Component is a package that some artifacts hold.
type Component struct {
	PURL, Name, Version, Ecosystem string
	Artifacts                      int
}

// Components lists packages whose name begins with a text.
func (s *Store) Components(ctx context.Context, name string, limit int) ([]Component, error) {
	list := []Component{}
	err := each(ctx, s.base.reader(), `SELECT c.purl, c.name, c.version, c.ecosystem, (SELECT count(*) FROM inventory i WHERE i.component = c.id)
FROM component c WHERE c.name >= $1 AND c.name <= $2 ORDER BY c.name, c.version LIMIT $3`, []any{name, name + "\U0010ffff", limit}, func(r rows) error {
		var c Component
		err := r.Scan(&c.PURL, &c.Name, &c.Version, &c.Ecosystem, &c.Artifacts)
		if c.Artifacts > 0 {
			list = append(list, c)
		}
		return err
	})
	return list, err
}

// A Logged is a change as the store recorded it.
type Logged struct {
	Change
	At       time.Time
	Artifact int64
}

// Changes lists the changes of an artifact, the latest first.
func (s *Store) Changes(ctx context.Context, artifact int64, limit int) ([]Logged, error) {
	list := []Logged{}
	err := each(ctx, s.base.reader(), "SELECT at, artifact, what, advisory, subject, severity, blocks FROM change WHERE artifact = $1 ORDER BY id DESC LIMIT $2", []any{artifact, limit}, func(r rows) error {
		var l Logged
		var at, blocks int64
		err := r.Scan(&at, &l.Artifact, &l.What, &l.Advisory, &l.Subject, &l.Severity, &blocks)
		l.At, l.Blocks = time.UnixMilli(at).UTC(), blocks != 0
		list = append(list, l)
		return err
	})
	return list, err
}

// A Day is the state of all artifacts at the end of a day, or now.
type Day struct {
	Day                          string // YYYY-MM-DD, UTC
	Blockers, Failing, Artifacts int
}

// Sum counts what is open now, and keeps it as the state of the day.
func (s *Store) Sum(ctx context.Context) (Day, error) {
	d := Day{Day: s.o.Now().UTC().Format(time.DateOnly)}
	err := one(ctx, s.base.reader(), "SELECT coalesce(sum(blocking), 0), coalesce(sum(CASE WHEN code = 1 THEN 1 ELSE 0 END), 0), count(*) FROM artifact", nil, &d.Blockers, &d.Failing, &d.Artifacts)
	if err != nil {
		return d, err
	}
	t, err := s.base.begin(ctx)
	if err != nil {
		return d, err
	}
	defer t.rollback(ctx)
	_, err = t.exec(ctx, `INSERT INTO trend (day, blockers, failing, artifacts) VALUES ($1, $2, $3, $4)
ON CONFLICT (day) DO UPDATE SET blockers = excluded.blockers, failing = excluded.failing, artifacts = excluded.artifacts`, d.Day, d.Blockers, d.Failing, d.Artifacts)
	if err != nil {
		return d, err
	}
	return d, t.commit(ctx)
}

// Trend lists the last days there is something of, the earliest first.
func (s *Store) Trend(ctx context.Context, days int) ([]Day, error) {
	list := []Day{}
	err := each(ctx, s.base.reader(), "SELECT day, blockers, failing, artifacts FROM (SELECT * FROM trend ORDER BY day DESC LIMIT $1) t ORDER BY day", []any{days}, func(r rows) error {
		var d Day
		err := r.Scan(&d.Day, &d.Blockers, &d.Failing, &d.Artifacts)
		list = append(list, d)
		return err
	})
	return list, err
}

// Known reports whether a digest was judged in a repository, or is about to be. A
// scan that was given up counts: it is for people to replay.
func (s *Store) Known(ctx context.Context, registry, repository, digest string) (bool, error) {
	var id int64
	err := one(ctx, s.base.reader(), "SELECT id FROM scan WHERE digest = $1 AND registry = $2 AND repository = $3 LIMIT 1", []any{digest, registry, repository}, &id)
	if errors.Is(err, errNone) {
		return false, nil
	}
	return err == nil, err
}
