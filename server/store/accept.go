package store

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
)

// An arrival is a group of requests that waits for its commit.
type arrival struct {
	requests []Request
	accepted []Accepted
	answer   chan error
}

// Accepted is the scan of a request. Known is true when the very event was
// accepted before.
type Accepted struct {
	Scan  int64
	Known bool
}

// Accept makes requests durable, with their jobs, and returns their scans in the
// same order: new ones, or those there are of an event that came before or an
// artifact already judged under the same Version. After an error
// none of them was accepted; it is ErrFull, ErrClosed, that of ctx, or the
// database's.
func (s *Store) Accept(ctx context.Context, requests []Request) ([]Accepted, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	if s.waiting.Load()+int64(len(requests)) > s.o.MaxQueue {
		return nil, ErrFull
	}
	a := &arrival{requests: requests, answer: make(chan error, 1)}
	select {
	case s.inbox <- a:
	case <-s.quit:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case err := <-a.answer:
		return a.accepted, err
	case <-ctx.Done():
		return nil, ctx.Err() // it may be accepted yet; asking again does no harm
	}
}

// committer commits arrivals, those that wait together in one transaction: the
// cost of making it durable is shared.
func (s *Store) committer() {
	defer s.done.Done()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	recount := time.NewTicker(time.Second)
	defer recount.Stop()
	s.recount(ctx)
	for {
		select {
		case a := <-s.inbox:
			s.commit(ctx, s.gather(a))
		case <-recount.C:
			s.recount(ctx)
		case <-s.quit:
			for { // those that came before the end
				select {
				case a := <-s.inbox:
					a.answer <- ErrClosed
				default:
					return
				}
			}
		}
	}
}

func (s *Store) gather(first *arrival) []*arrival {
	batch, n := []*arrival{first}, len(first.requests)
	for n < s.o.Batch {
		select {
		case a := <-s.inbox:
			batch = append(batch, a)
			n += len(a.requests)
		default:
			return batch
		}
	}
	return batch
}

func (s *Store) recount(ctx context.Context) {
	var n int64
	if err := one(ctx, s.base.reader(), "SELECT count(*) FROM river_job WHERE state IN ('available', 'retryable', 'running', 'scheduled')", nil, &n); err == nil {
		s.waiting.Store(n)
	}
}

// commitTimeout bounds one commit; who waits is told to come again.
const commitTimeout = 30 * time.Second

// commit makes a batch durable; if that fails, each arrival alone, so that one
// cannot fail the others.
func (s *Store) commit(ctx context.Context, batch []*arrival) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	err := s.write(ctx, batch)
	if err == nil || len(batch) == 1 {
		for _, a := range batch {
			a.answer <- err
		}
		return
	}
	for _, a := range batch {
		a.answer <- s.write(ctx, []*arrival{a})
	}
}

func (s *Store) write(ctx context.Context, batch []*arrival) error {
	t, err := s.base.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback(ctx)
	var jobs []river.InsertManyParams
	var scans []int64
	for _, a := range batch {
		a.accepted = make([]Accepted, len(a.requests))
		for i := range a.requests {
			got, fresh, err := s.record(ctx, t, &a.requests[i])
			if err != nil {
				return err
			}
			a.accepted[i] = got
			if fresh {
				scans = append(scans, got.Scan)
				jobs = append(jobs, river.InsertManyParams{Args: scanArgs{Scan: got.Scan}})
			}
		}
	}
	if err := s.enqueue(ctx, t, scans, jobs); err != nil {
		return err
	}
	if err := t.commit(ctx); err != nil {
		return err
	}
	s.waiting.Add(int64(len(jobs)))
	return nil
}

func (s *Store) enqueue(ctx context.Context, t tx, scans []int64, jobs []river.InsertManyParams) error {
	if len(jobs) == 0 {
		return nil
	}
	ids, err := s.queue.insert(ctx, t, jobs)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if _, err := t.exec(ctx, "UPDATE scan SET job = $1 WHERE id = $2", id, scans[i]); err != nil {
			return err
		}
	}
	return nil
}

// record writes the event and its scan, and reports whether the scan is new.
func (s *Store) record(ctx context.Context, t tx, r *Request) (a Accepted, fresh bool, err error) {
	if r.Event != "" {
		err := one(ctx, t, "SELECT scan FROM event WHERE source = $1 AND key = $2", []any{r.Source, r.Event}, &a.Scan)
		if !errors.Is(err, errNone) {
			return Accepted{a.Scan, true}, false, err
		}
	}
	a.Scan, fresh, err = s.addScan(ctx, t, r)
	if err != nil {
		return a, false, err
	}
	if r.Event != "" {
		_, err = t.exec(ctx, "INSERT INTO event (source, key, received, scan) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", r.Source, r.Event, s.now(), a.Scan)
	}
	return a, fresh, err
}

func (s *Store) addScan(ctx context.Context, t tx, r *Request) (id int64, fresh bool, err error) {
	const insert = `INSERT INTO scan (registry, repository, reference, tag, digest, target, database, rules, policy, source, callback, upload, created, job, same_as)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0)
ON CONFLICT (registry, repository, reference, database, rules, policy) DO NOTHING RETURNING id`
	v := r.Version
	err = one(ctx, t, insert, []any{
		r.Registry, r.Repository, r.reference(), r.Tag, r.Digest, r.Target, v.Database, v.Rules, v.Policy, r.Source, r.Callback, r.Upload, s.now(),
	}, &id)
	if err == nil {
		return id, true, nil
	}
	if !errors.Is(err, errNone) {
		return 0, false, err
	}
	err = one(ctx, t, "SELECT id FROM scan WHERE registry = $1 AND repository = $2 AND reference = $3 AND database = $4 AND rules = $5 AND policy = $6",
		[]any{r.Registry, r.Repository, r.reference(), v.Database, v.Rules, v.Policy}, &id)
	return id, false, err
}
