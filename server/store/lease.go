package store

import (
	"context"
	"errors"
	"maps"
	"math"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// River takes jobs back from workers that died by their age alone, after an hour
// by default, and has no heartbeats: a limit shorter than the longest scan would
// start scans twice. So a worker beats in the table lease while it works, and the
// reaper takes back what runs without a beat. It uses River's own statements.
//
// A beat is a number that grows, and the reaper takes a job back once it has seen
// it unchanged for a lease by its own monotonic clock: neither clocks that differ
// between machines nor one that is stepped end a lease early or late.

// hold beats for a job until release; the first beat comes after a quarter of the
// lease, so that a short scan costs none. The context ends, by errLost, when the
// job was taken from this attempt.
func (s *Store) hold(ctx context.Context, job int64, attempt int) (context.Context, func()) {
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
	}
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
	_, err = t.exec(ctx, `INSERT INTO lease (job, attempt, worker, beat) VALUES ($1, $2, $3, 1)
ON CONFLICT (job) DO UPDATE SET attempt = excluded.attempt, worker = excluded.worker, beat = lease.beat + 1`, job, attempt, s.worker)
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

// A pulse is the last sign of life of a job, and when it was first seen.
type pulse struct {
	attempt, beat int64
	since         time.Time
}

// reaper takes back, now and then, the jobs of workers that went away, and mends
// what a clock left behind that was stepped back.
func (s *Store) reaper(ctx context.Context) {
	tick := time.NewTicker(max(s.o.Lease/6, 10*time.Millisecond))
	defer tick.Stop()
	seen := map[int64]pulse{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, err := s.reap(ctx, seen)
		if err == nil {
			err = s.mendClock(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.o.Logger.Warn("taking jobs back failed", "error", err.Error())
		}
		if n > 0 {
			s.o.Logger.Info("took jobs back from workers that went away", "jobs", n)
		}
	}
}

// reap ends the attempts that were seen without a new beat for longer than a
// lease, and returns how many there were.
func (s *Store) reap(ctx context.Context, seen map[int64]pulse) (int, error) {
	var running int64
	if err := one(ctx, s.base.reader(), "SELECT count(*) FROM river_job WHERE state = 'running'", nil, &running); err != nil {
		return 0, err
	}
	if running == 0 { // nothing is written, and nobody waits for it
		clear(seen)
		return 0, nil
	}
	t, err := s.base.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer t.rollback(ctx)
	jobs, err := s.queue.running(ctx, t)
	if err != nil {
		return 0, err
	}
	beats := map[[2]int64]int64{} // by job and attempt
	err = each(ctx, t, "SELECT job, attempt, beat FROM lease", nil, func(r rows) error {
		var key [2]int64
		var beat int64
		err := r.Scan(&key[0], &key[1], &beat)
		beats[key] = beat
		return err
	})
	if err != nil {
		return 0, err
	}
	dead := s.silent(jobs, beats, seen)
	if len(dead) == 0 {
		return 0, nil
	}
	if err := s.queue.rescue(ctx, t, dead); err != nil {
		return 0, err
	}
	return len(dead), t.commit(ctx)
}

// silent brings seen up to date with the jobs that run, and returns those that
// have not beaten for too long.
func (s *Store) silent(jobs []*rivertype.JobRow, beats map[[2]int64]int64, seen map[int64]pulse) (dead []*rivertype.JobRow) {
	running := map[int64]bool{}
	for _, j := range jobs {
		running[j.ID] = true
		p := pulse{attempt: int64(j.Attempt), beat: beats[[2]int64{j.ID, int64(j.Attempt)}]}
		if was, ok := seen[j.ID]; !ok || was.attempt != p.attempt || was.beat != p.beat {
			p.since = time.Now()
			seen[j.ID] = p
			continue
		}
		limit := s.o.Lease
		if j.Kind == (Notice{}).Kind() { // these have no beat
			limit = max(limit, 2*noticeTimeout)
		}
		if time.Since(seen[j.ID].since) > limit {
			dead = append(dead, j)
		}
	}
	maps.DeleteFunc(seen, func(id int64, _ pulse) bool { return !running[id] })
	return dead
}

// mendClock makes due what a clock that was stepped back has put off: River asks
// the clock for jobs that are due, and for the process that puts them in line. No
// job is ever put off for longer than its longest pause.
func (s *Store) mendClock(ctx context.Context) error {
	longest := time.Duration(float64(s.o.Backoff)*math.Pow(2, float64(s.o.Attempts))*1.25) + time.Minute
	var late, leader int64
	err := one(ctx, s.base.reader(), "SELECT (SELECT count(*) FROM river_job WHERE state IN ('available', 'retryable', 'scheduled') AND scheduled_at > "+s.base.later(longest)+
		"), (SELECT count(*) FROM river_leader WHERE expires_at > "+s.base.later(leaderTerm)+")", nil, &late, &leader)
	if err != nil || late+leader == 0 {
		return err
	}
	s.o.Logger.Warn("the clock was stepped back: jobs are due again", "jobs", late)
	if err := s.do(ctx, "DELETE FROM river_leader WHERE expires_at > "+s.base.later(leaderTerm)); err != nil {
		return err
	}
	return s.do(ctx, "UPDATE river_job SET scheduled_at = "+s.base.later(0)+" WHERE state IN ('available', 'retryable', 'scheduled') AND scheduled_at > "+s.base.later(longest))
}

// leaderTerm is longer than River's leaders are elected for.
const leaderTerm = 2 * time.Minute
