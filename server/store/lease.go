package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// River takes jobs back from workers that died by their age alone, after an hour
// by default, and has no heartbeats: a limit shorter than the longest scan would
// start scans twice. So a worker beats in the table lease while it works, and the
// reaper takes back what runs without a beat. It uses River's own statements.

// hold writes the first beat of a job and goes on beating until release. The
// context ends, by errLost, when the job was taken from this attempt.
func (s *Store) hold(ctx context.Context, job int64, attempt int) (context.Context, func(), error) {
	if err := s.beat(ctx, job, attempt); err != nil {
		return nil, nil, err
	}
	held, lose := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(s.o.Lease / 4)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			beating, cancel := context.WithTimeout(held, s.o.Lease/4)
			err := s.beat(beating, job, attempt)
			cancel()
			if errors.Is(err, errLost) {
				lose(errLost)
				return
			}
			if err != nil && held.Err() == nil {
				s.o.Logger.Warn("a heartbeat failed", "job", job, "error", err.Error())
			}
		}
	}()
	return held, func() {
		close(stop)
		<-ended
		lose(nil)
	}, nil
}

func (s *Store) beat(ctx context.Context, job int64, attempt int) error {
	t, err := s.base.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback(ctx)
	if err := s.owned(ctx, t, job, attempt); err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO lease (job, attempt, worker, beat) VALUES ($1, $2, $3, $4)
ON CONFLICT (job) DO UPDATE SET attempt = excluded.attempt, worker = excluded.worker, beat = excluded.beat`, job, attempt, s.worker, s.now())
	if err != nil {
		return err
	}
	return t.commit(ctx)
}

// owned is errLost unless the job still runs in that attempt. Until the end of
// the transaction nobody can take it.
func (s *Store) owned(ctx context.Context, t tx, job int64, attempt int) error {
	var state string
	var now int64
	err := one(ctx, t, "SELECT CAST(state AS TEXT), attempt FROM river_job WHERE id = $1"+s.base.lockRow(), []any{job}, &state, &now)
	if errors.Is(err, errNone) || err == nil && (state != string(rivertype.JobStateRunning) || now != int64(attempt)) {
		return errLost
	}
	return err
}

// reaper takes back, now and then, the jobs of workers that went away.
func (s *Store) reaper(ctx context.Context) {
	tick := time.NewTicker(max(s.o.Lease/3, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, err := s.reap(ctx)
		if err != nil && ctx.Err() == nil {
			s.o.Logger.Warn("taking jobs back failed", "error", err.Error())
		}
		if n > 0 {
			s.o.Logger.Info("took jobs back from workers that went away", "jobs", n)
		}
	}
}

// reap ends the attempts that run for longer than a lease and have not beaten in
// one, and returns how many there were.
func (s *Store) reap(ctx context.Context) (int, error) {
	before := time.Now().Add(-s.o.Lease)
	t, err := s.base.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer t.rollback(ctx)
	jobs, err := s.queue.stuck(ctx, t, before)
	if err != nil || len(jobs) == 0 {
		return 0, err
	}
	alive := map[int64]int64{} // job to attempt
	err = each(ctx, t, "SELECT job, attempt FROM lease WHERE beat >= $1", []any{s.now() - s.o.Lease.Milliseconds()}, func(r rows) error {
		var job, attempt int64
		if err := r.Scan(&job, &attempt); err != nil {
			return err
		}
		alive[job] = attempt
		return nil
	})
	if err != nil {
		return 0, err
	}
	jobs = slices.DeleteFunc(jobs, func(j *rivertype.JobRow) bool {
		attempt, beats := alive[j.ID]
		return beats && attempt == int64(j.Attempt) || j.Kind == Notice{}.Kind() && time.Since(*j.AttemptedAt) < 2*noticeTimeout
	})
	if len(jobs) == 0 {
		return 0, nil
	}
	if err := s.queue.rescue(ctx, t, before, jobs); err != nil {
		return 0, err
	}
	return len(jobs), t.commit(ctx)
}
