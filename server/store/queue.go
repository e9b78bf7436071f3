package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// The kinds of jobs.
type scanArgs struct {
	Scan int64 `json:"scan"`
}

// Kind names the job.
func (scanArgs) Kind() string { return "scan" }

// A Notice is a message for others, sent by a job of its own.
type Notice struct {
	To   string `json:"to"`   // the name of the receiver in the configuration
	Scan int64  `json:"scan"` // that the message is about
	Body []byte `json:"body"`
}

// Kind names the job.
func (Notice) Kind() string { return "notice" }

// noticeQueue is a queue of its own, so that slow receivers do not
// hold up scans.
const noticeQueue = "notice"

// A queue is River's client for one of the databases.
type queue interface {
	insert(ctx context.Context, t tx, jobs []river.InsertManyParams) ([]int64, error)
	complete(ctx context.Context, t tx, id int64) error
	replay(ctx context.Context, t tx, id int64) error
	// running lists jobs that run; rescue ends such an attempt.
	running(ctx context.Context, t tx) ([]*rivertype.JobRow, error)
	rescue(ctx context.Context, t tx, jobs []*rivertype.JobRow) error
	run(ctx context.Context) error
	stop(ctx context.Context) error // waits for the jobs at work
	halt(ctx context.Context) error // cancels them
}

type riverQueue[T any] struct {
	driver   riverdriver.Driver[T]
	client   *river.Client[T]
	unwrap   func(tx) T
	attempts int // after a replay
}

// starter makes queues for a driver: with handlers ones that work.
func starter[T any](driver riverdriver.Driver[T], unwrap func(tx) T) func(*Store) func(*Handlers, int) (queue, error) {
	return func(s *Store) func(*Handlers, int) (queue, error) {
		return func(h *Handlers, workers int) (queue, error) {
			config := &river.Config{
				Logger: s.o.Logger, MaxAttempts: s.o.Attempts, RetryPolicy: backoff{s.o.Backoff},
				// The length of a scan is bounded by the scan. River's rescuer knows no
				// heartbeats and passes over jobs without a time limit: see lease.go.
				JobTimeout:                  -1,
				FetchCooldown:               50 * time.Millisecond,
				FetchPollInterval:           100 * time.Millisecond,
				DiscardedJobRetentionPeriod: -1, CancelledJobRetentionPeriod: -1,
				PollOnly: driver.DatabaseName() == riverdriver.DatabaseNameSQLite,
			}
			if h != nil {
				config.Workers = river.NewWorkers()
				river.AddWorker(config.Workers, &scanWorker{store: s, handle: h.Scan})
				river.AddWorker(config.Workers, &noticeWorker{handle: h.Notice})
				config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}, noticeQueue: {MaxWorkers: 2}}
			}
			client, err := river.NewClient(driver, config)
			if err != nil {
				return nil, fmt.Errorf("queue: %w", err)
			}
			return &riverQueue[T]{driver, client, unwrap, s.o.Attempts}, nil
		}
	}
}

// backoff doubles the pause with every attempt and spreads it by a quarter.
type backoff struct{ first time.Duration }

// NextRetry is when the job is tried again.
func (b backoff) NextRetry(job *rivertype.JobRow) time.Time {
	pause := float64(b.first) * math.Pow(2, float64(min(max(len(job.Errors), 0), 10)))
	pause *= 0.75 + rand.Float64()/2 //nolint:gosec // spreads retries; no secret
	return time.Now().Add(time.Duration(pause))
}

func (q *riverQueue[T]) insert(ctx context.Context, t tx, jobs []river.InsertManyParams) ([]int64, error) {
	done, err := q.client.InsertManyTx(ctx, q.unwrap(t), jobs)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	ids := make([]int64, len(done))
	for i, d := range done {
		ids[i] = d.Job.ID
	}
	return ids, nil
}

func (q *riverQueue[T]) complete(ctx context.Context, t tx, id int64) error {
	at := time.Now()
	rows, err := q.driver.UnwrapExecutor(q.unwrap(t)).JobSetStateIfRunningMany(ctx, &riverdriver.JobSetStateIfRunningManyParams{
		ID: []int64{id}, Attempt: []*int{nil}, ErrData: [][]byte{nil}, FinalizedAt: []*time.Time{&at},
		MetadataDoMerge: []bool{false}, MetadataUpdates: [][]byte{nil}, ScheduledAt: []*time.Time{nil},
		State: []rivertype.JobState{rivertype.JobStateCompleted},
	})
	if err == nil && len(rows) == 0 {
		return errLost
	}
	return err
}

func (q *riverQueue[T]) replay(ctx context.Context, t tx, id int64) error {
	_, err := q.client.JobRetryTx(ctx, q.unwrap(t), id)
	if errors.Is(err, rivertype.ErrNotFound) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, "UPDATE river_job SET max_attempts = attempt + $1 WHERE id = $2", q.attempts, id)
	return err
}

// runningAtOnce is how many jobs are listed by one statement.
const runningAtOnce = 1000

// ever is later than any attempt began: River's statements ask for a time, and
// age alone ends nothing here.
func ever() time.Time { return time.Now().AddDate(100, 0, 0) }

func (q *riverQueue[T]) running(ctx context.Context, t tx) ([]*rivertype.JobRow, error) {
	var all []*rivertype.JobRow
	p := &riverdriver.JobGetStuckParams{Max: runningAtOnce, StuckHorizon: ever()}
	for {
		list, err := q.driver.UnwrapExecutor(q.unwrap(t)).JobGetStuck(ctx, p)
		if err != nil {
			return nil, err
		}
		if all = append(all, list...); len(list) < runningAtOnce {
			return all, nil
		}
		p.AfterID = list[len(list)-1].ID
	}
}

func (q *riverQueue[T]) rescue(ctx context.Context, t tx, jobs []*rivertype.JobRow) error {
	now := time.Now().UTC()
	p := &riverdriver.JobRescueManyParams{StuckHorizon: ever()}
	for _, j := range jobs {
		text, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: j.Attempt, Error: "the worker went away in the middle"})
		if err != nil {
			return err
		}
		state, ended, next := rivertype.JobStateRetryable, (*time.Time)(nil), now.Add(time.Second)
		if j.Attempt >= j.MaxAttempts {
			state, ended, next = rivertype.JobStateDiscarded, &now, j.ScheduledAt
		}
		p.ID, p.Error, p.State = append(p.ID, j.ID), append(p.Error, text), append(p.State, string(state))
		p.FinalizedAt, p.ScheduledAt = append(p.FinalizedAt, ended), append(p.ScheduledAt, next)
	}
	_, err := q.driver.UnwrapExecutor(q.unwrap(t)).JobRescueMany(ctx, p)
	return err
}

func (q *riverQueue[T]) run(ctx context.Context) error  { return q.client.Start(ctx) }
func (q *riverQueue[T]) stop(ctx context.Context) error { return q.client.Stop(ctx) }
func (q *riverQueue[T]) halt(ctx context.Context) error { return q.client.StopAndCancel(ctx) }
