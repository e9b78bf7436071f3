package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// The columns of a scan, with its job and its result.
func (s *Store) scanQuery() string {
	return `SELECT s.id, s.registry, s.repository, s.tag, s.digest, s.target, s.upload, s.source, s.callback, s.database, s.rules, s.policy, s.created,
coalesce(CAST(j.state AS TEXT), ''), coalesce(j.attempt, 0), ` + s.base.jobErrors() + `,
coalesce(r.scan, 0), coalesce(r.finished, 0), coalesce(r.code, 0), coalesce(r.blocking, 0), coalesce(r.artifact, 0), s.same_as,
coalesce(r.database, ''), coalesce(r.sum, 0), s.job, s.sum
FROM scan s LEFT JOIN river_job j ON j.id = s.job LEFT JOIN result r ON r.scan = CASE WHEN s.same_as > 0 THEN s.same_as ELSE s.id END `
}

func readScan(r rows) (*Scan, error) {
	var c Scan
	var created, resultSum, scanSum int64
	var state, failures string
	var of resultRow
	err := r.Scan(&c.ID, &c.Registry, &c.Repository, &c.Tag, &c.Digest, &c.Target, &c.Upload, &c.Source, &c.Callback,
		&c.Version.Database, &c.Version.Rules, &c.Version.Policy, &created, &state, &c.Attempts, &failures,
		&of.scan, &of.finished, &of.code, &of.blocking, &of.artifact, &c.same, &of.database, &resultSum, &c.job, &scanSum)
	if err != nil {
		return nil, err
	}
	c.Created = time.UnixMilli(created).UTC()
	if err := errors.Join(intact("scan", c.ID, scanSum, c.sum()), intact("result", of.scan, resultSum, of.sum())); err != nil {
		return nil, err
	}
	c.Code, c.Blocking, c.Artifact = int(of.code), int(of.blocking), of.artifact
	c.State = stateOf(rivertype.JobState(state), c.Attempts, of.scan > 0 || c.same < 0)
	c.Ignored = c.same < 0
	if c.State == Done && of.finished > 0 {
		c.Finished = time.UnixMilli(of.finished).UTC()
		return &c, nil
	}
	var list []rivertype.AttemptError
	if json.Unmarshal([]byte(failures), &list) == nil && len(list) > 0 {
		c.Error = list[len(list)-1].Error
	}
	return &c, nil
}

func stateOf(job rivertype.JobState, attempts int, result bool) string {
	switch {
	case result:
		return Done
	case job == rivertype.JobStateRunning:
		return Running
	case job == rivertype.JobStateDiscarded, job == rivertype.JobStateCancelled:
		return Dead
	case job == rivertype.JobStateRetryable, job == rivertype.JobStateAvailable && attempts > 0:
		return Failed
	default:
		return Queued
	}
}

// Scan returns a scan; ErrNotFound if there is none.
func (s *Store) Scan(ctx context.Context, id int64) (*Scan, error) {
	var found *Scan
	err := each(ctx, s.base.reader(), s.scanQuery()+"WHERE s.id = $1", []any{id}, func(r rows) (err error) {
		found, err = readScan(r)
		return err
	})
	if err == nil && found == nil {
		err = ErrNotFound
	}
	return found, err
}

// A Filter chooses scans. Empty fields choose all.
type Filter struct {
	State, Registry, Repository, Digest string
	Before                              int64 // scans with a lower id: the last one of the page before
	Limit                               int   // 1 to 500
}

// Scans lists scans, the latest first.
func (s *Store) Scans(ctx context.Context, f Filter) ([]Scan, error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	for _, c := range []struct{ condition, value string }{
		{"s.registry = $%d", f.Registry}, {"s.repository = $%d", f.Repository}, {"s.digest = $%d", f.Digest},
	} {
		if c.value != "" {
			add(c.condition, c.value)
		}
	}
	if f.Before > 0 {
		add("s.id < $%d", f.Before)
	}
	if f.State != "" {
		where = append(where, stateCondition(f.State))
	}
	args = append(args, f.Limit)
	list := []Scan{}
	query := s.scanQuery() + "WHERE " + strings.Join(where, " AND ") + fmt.Sprintf(" ORDER BY s.id DESC LIMIT $%d", len(args))
	err := each(ctx, s.base.reader(), query, args, func(r rows) error {
		c, err := readScan(r)
		if err == nil {
			list = append(list, *c)
		}
		return err
	})
	return list, err
}

// stateCondition is stateOf as a condition.
func stateCondition(state string) string {
	const open = "r.scan IS NULL AND s.same_as = 0 AND "
	switch state {
	case Done:
		return "(r.scan IS NOT NULL OR s.same_as < 0)"
	case Running:
		return open + "j.state = 'running'"
	case Dead:
		return open + "j.state IN ('discarded', 'cancelled')"
	case Failed:
		return open + "(j.state = 'retryable' OR j.state = 'available' AND j.attempt > 0)"
	default:
		return open + "(j.state IS NULL OR j.state NOT IN ('running', 'discarded', 'cancelled', 'retryable') AND NOT (j.state = 'available' AND j.attempt > 0))"
	}
}

// Replay puts a dead letter back into the queue, with all its attempts. The error
// is ErrNotFound or ErrNotDead where it is none.
func (s *Store) Replay(ctx context.Context, id int64) error {
	t, err := s.base.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback(ctx)
	var job int64
	var state string
	err = one(ctx, t, "SELECT j.id, CAST(j.state AS TEXT) FROM scan s JOIN river_job j ON j.id = s.job WHERE s.id = $1", []any{id}, &job, &state)
	switch {
	case errors.Is(err, errNone):
		return ErrNotFound
	case err != nil:
		return err
	case stateOf(rivertype.JobState(state), 0, false) != Dead:
		return ErrNotDead
	}
	if err := s.queue.replay(ctx, t, job); err != nil {
		return err
	}
	return t.commit(ctx)
}

// Depth counts jobs by state.
type Depth struct{ Queued, Running, Failed, Dead int64 }

// Depth counts the jobs of scans that are not done.
func (s *Store) Depth(ctx context.Context) (Depth, error) {
	var d Depth
	err := each(ctx, s.base.reader(), "SELECT CAST(state AS TEXT), count(*) FROM river_job WHERE kind = 'scan' AND state <> 'completed' GROUP BY state", nil, func(r rows) error {
		var state string
		var n int64
		if err := r.Scan(&state, &n); err != nil {
			return err
		}
		switch rivertype.JobState(state) {
		case rivertype.JobStateRunning:
			d.Running += n
		case rivertype.JobStateRetryable:
			d.Failed += n
		case rivertype.JobStateDiscarded, rivertype.JobStateCancelled:
			d.Dead += n
		default:
			d.Queued += n
		}
		return nil
	})
	return d, err
}

// Judged finds the scan that judged an artifact under a Version; 0 if none did.
func (s *Store) Judged(ctx context.Context, registry, repository, digest string, v Version) (int64, error) {
	var id int64
	err := one(ctx, s.base.reader(), `SELECT s.id FROM scan s JOIN result r ON r.scan = s.id
WHERE s.digest = $1 AND s.registry = $2 AND s.repository = $3 AND s.database = $4 AND s.rules = $5 AND s.policy = $6 ORDER BY s.id LIMIT 1`,
		[]any{digest, registry, repository, v.Database, v.Rules, v.Policy}, &id)
	if errors.Is(err, errNone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	c, err := s.Scan(ctx, id)
	if err == nil && (c.Digest != digest || c.Version != v) { // so a damaged index answers
		err = fmt.Errorf("%w: the index of digests names scan %d for another one", ErrDamaged, id)
	}
	return id, err
}
