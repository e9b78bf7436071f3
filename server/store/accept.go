package store

import (
	"context"
	"time"
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
	t, err := s.base.urgent(ctx)
	if err != nil {
		return err
	}
	defer t.rollback(ctx)
	var all []*entry
	for _, a := range batch {
		for i := range a.requests {
			all = append(all, &entry{Request: &a.requests[i]})
		}
	}
	fresh, err := s.record(ctx, t, all)
	if err != nil {
		return err
	}
	if err := s.enqueue(ctx, t, fresh); err != nil {
		return err
	}
	if err := t.commit(ctx); err != nil {
		return err
	}
	for _, a := range batch {
		a.accepted = make([]Accepted, len(a.requests))
		for i := range a.accepted {
			a.accepted[i] = Accepted{all[i].scan, all[i].known}
		}
		all = all[len(a.requests):]
	}
	s.waiting.Add(int64(len(fresh)))
	return nil
}
