package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"github.com/fnvet/fnvet"
)

// Handlers do the work of jobs.
type Handlers struct {
	// Scan scans and judges. Its outcome is written with the end of the job. An
	// error is tried again, unless it is Permanent.
	Scan func(ctx context.Context, scan *Scan) (*Outcome, error)
	// Notice delivers a message.
	Notice func(ctx context.Context, n *Notice) error
}

// An Outcome is what a scan came to.
type Outcome struct {
	Report *fnvet.Report
	// Digest is what a tag was resolved to, if the request named none.
	Digest string
	// SameAs is the scan that judged the same artifact before, if there was one;
	// Report is nil then.
	SameAs int64
	// Ignored is true when there was nothing to scan after all: a signature, an SBOM.
	Ignored bool
	// Version is that of the database that was used.
	Version Version
	// Notices are to be sent once the outcome counts. They are given what changed.
	Notices func(artifact *Artifact, changes []Change) []Notice
}

// permanent is an error that another attempt does not mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error that another attempt does not mend: the job is a dead
// letter at once.
func Permanent(err error) error { return permanent{err} }

// hardStop is how long jobs may take to notice that they are cancelled.
const hardStop = 10 * time.Second

// Work runs jobs, up to workers of them at once, until ctx ends; then those at
// work have grace to end, and go back to the queue, uncounted, if they do not.
func (s *Store) Work(ctx context.Context, h *Handlers, workers int, grace time.Duration) error {
	q, err := s.start(h, workers)
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if err := q.run(running); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	go s.reaper(ctx)
	<-ctx.Done()
	soft, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer stop()
	if err := q.stop(soft); err == nil {
		return nil
	}
	hard, end := context.WithTimeout(context.WithoutCancel(ctx), hardStop)
	defer end()
	return q.halt(hard)
}

type scanWorker struct {
	river.WorkerDefaults[scanArgs]
	store  *Store
	handle func(context.Context, *Scan) (*Outcome, error)
}

// Work scans under a lease.
func (w *scanWorker) Work(ctx context.Context, job *river.Job[scanArgs]) error {
	s := w.store
	scan, err := s.Scan(ctx, job.Args.Scan)
	if err == nil && scan.job != job.ID {
		err = fmt.Errorf("%w: job %d is not that of scan %d", ErrDamaged, job.ID, scan.ID)
	}
	if errors.Is(err, ErrDamaged) {
		return river.JobCancel(err) // no attempt mends it
	}
	if err != nil {
		return err
	}
	scan.Last = job.Attempt >= job.MaxAttempts
	held, release := s.hold(ctx, job.ID, job.Attempt)
	defer release()
	out, err := w.handle(held, scan)
	if err == nil && out.Report != nil {
		out.Report, err = texts(out.Report)
	}
	if err == nil {
		err = s.deliver(held, scan, job.ID, job.Attempt, out)
	}
	if err != nil {
		err = textError{err}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(held), errLost), errors.Is(err, errLost):
		// Another attempt has the job, or it is done. River's update of the state asks
		// for no attempt: "completed" could end the other one without a result; this
		// sends a job that runs to the queue again, and changes one that is done in nothing.
		return river.JobSnooze(time.Second)
	case ctx.Err() != nil:
		return river.JobSnooze(time.Second) // the process is asked to end; no fault of the job
	}
	if p := (permanent{}); errors.As(err, &p) {
		return river.JobCancel(err)
	}
	return err
}

// deliver writes an outcome. Where the store takes nothing at all, the disk being
// full or the database away, it waits and keeps the outcome: that is no fault of the
// job, and costs it no attempt.
func (s *Store) deliver(ctx context.Context, scan *Scan, job int64, attempt int, out *Outcome) error {
	tried := false // once more, with a store that takes other things
	for pause := time.Second; ; pause = min(2*pause, maxPause) {
		err := s.finish(ctx, scan, job, attempt, out)
		if p := (permanent{}); err == nil || errors.Is(err, errLost) || errors.As(err, &p) || ctx.Err() != nil {
			return err
		}
		if !full(err) && s.do(ctx, "INSERT INTO meta (key, value) VALUES ('probe', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value", s.worker) == nil {
			if tried {
				return err
			}
			tried = true
			continue
		}
		tried = false
		s.o.Logger.Warn("the store takes nothing; a result waits", "scan", scan.ID, "error", err.Error())
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// full reports the error of either database for a disk without room, which may be
// too full for a result and not for less. https://sqlite.org/rescode.html#full,
// PostgreSQL's appendix A: disk_full.
func full(err error) bool {
	var lite interface{ Code() int }
	var pg *pgconn.PgError
	return errors.As(err, &lite) && lite.Code()&0xff == 13 || errors.As(err, &pg) && pg.Code == "53100"
}

// maxPause is the longest pause between two tries to write a result.
const maxPause = 15 * time.Second

type noticeWorker struct {
	river.WorkerDefaults[Notice]
	handle func(context.Context, *Notice) error
}

// noticeTimeout bounds the delivery of a message.
const noticeTimeout = 30 * time.Second

// Timeout is that of one delivery.
func (w *noticeWorker) Timeout(*river.Job[Notice]) time.Duration { return noticeTimeout }

// Work delivers a message.
func (w *noticeWorker) Work(ctx context.Context, job *river.Job[Notice]) error {
	err := w.handle(ctx, &job.Args)
	if err == nil {
		return nil
	}
	err = textError{err}
	if p := (permanent{}); errors.As(err, &p) {
		return river.JobCancel(err)
	}
	return err
}

func workerName() string {
	host, _ := os.Hostname()
	var b [4]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), hex.EncodeToString(b[:]))
}
