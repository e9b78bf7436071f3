// Package store keeps what the server knows: events, the queue of scans, reports,
// the inventory of every artifact, and what changed. It is SQLite for one machine
// or PostgreSQL for many, with the same tables, statements and tests; the queue in
// it is River's.
//
// An event is accepted when the transaction that holds it, its scan and its job is
// durable. A result is written in the transaction that completes its job, and only
// by the attempt that holds it: however often a job runs, one result counts. The
// store keeps no artifact; uploads lie in it until they are scanned.
package store

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fnvet/fnvet"
)

// Options say which store to open and how to work. Zero durations and numbers
// have defaults.
type Options struct {
	URL string // "sqlite:PATH" or "postgres://…"
	// Logger takes River's words and those of work in the background; nil: none.
	Logger *slog.Logger
	// Lease is how long a job may be without a heartbeat before it is taken from
	// its worker; default 30 s.
	Lease time.Duration
	// Backoff is the mean pause before the second attempt, doubled for each
	// further one; default 5 s.
	Backoff time.Duration
	// Attempts of a job before it is a dead letter; default 5.
	Attempts int
	// MaxQueue is how many jobs may wait; default 100,000. More are refused (ErrFull).
	MaxQueue int64
	// Batch is how many events one transaction may take; default 128.
	Batch int
	// MaxLayers is how many bytes PutLayer may keep, all together; default 1 GiB, below 0
	// none.
	MaxLayers int64
	// LayerAge is how long they are kept after their last use; default 30 days.
	LayerAge time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Errors a caller may want to tell apart.
var (
	// ErrFull: as many jobs wait as may.
	ErrFull = errors.New("the queue is full")
	// ErrClosed: the store is being closed.
	ErrClosed = errors.New("the store is closed")
	// ErrNotFound: there is no such scan, artifact or dead letter.
	ErrNotFound = errors.New("not found")
	// ErrNotDead: a job that is asked to be done again has not been given up.
	ErrNotDead = errors.New("the scan is no dead letter")
	// errLost: the job was taken from this attempt, or done by another.
	errLost = errors.New("the job is another attempt's now")
)

// A Store is an open store. Its methods may be called concurrently.
type Store struct {
	o     Options
	base  base
	start func(*Handlers, int) (queue, error)
	queue queue // inserts; a second one works

	worker string // names this process in leases
	inbox  chan *arrival
	quit   chan struct{}
	done   sync.WaitGroup
	closed sync.Once

	waiting atomic.Int64 // jobs that wait, counted now and then
}

func newStore(o Options) *Store {
	o.Lease = cmp.Or(o.Lease, 30*time.Second)
	o.Backoff = cmp.Or(o.Backoff, 5*time.Second)
	o.Attempts = cmp.Or(o.Attempts, 5)
	o.MaxQueue = cmp.Or(o.MaxQueue, 100_000)
	o.Batch = cmp.Or(o.Batch, 128)
	o.MaxLayers = cmp.Or(o.MaxLayers, 1<<30)
	o.LayerAge = cmp.Or(o.LayerAge, 30*24*time.Hour)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{o: o, worker: workerName(), inbox: make(chan *arrival, 4*o.Batch), quit: make(chan struct{})}
	s.done.Add(1)
	return s
}

// Close ends the background work and closes the database.
func (s *Store) Close() {
	s.closed.Do(func() {
		close(s.quit)
		s.done.Wait()
		s.base.close()
	})
}

// Ping asks the database whether it answers.
func (s *Store) Ping(ctx context.Context) error {
	var n int64
	return one(ctx, s.base.reader(), "SELECT 1", nil, &n)
}

func (s *Store) now() int64 { return s.o.Now().UnixMilli() }

// A Version is all that a verdict depends on besides the artifact.
type Version struct {
	Database string // of the advisories
	Rules    string // of the rule set and the program
	Policy   string // of the gate
}

// A Request asks for a scan of one artifact.
type Request struct {
	Source string // the route or part of the server that asks: "harbor", "api"
	Event  string // what identifies the event at its source; "" for none
	// Registry and Repository name the place, Tag and Digest what is in it. For
	// what is in no registry, Registry is "upload", "s3" or "lambda".
	Registry, Repository, Tag, Digest string
	Target                            string // what to scan, where it is no image of a registry
	Upload                            string // of PutUpload, or ""
	Callback                          string // Docker Hub's, or ""
	Version                           Version

	again string // of a rescan: sets it apart from one of the same key
}

// reference is what makes the request one of its repository: the digest, or, as a
// tag may move, the tag with the event.
func (r *Request) reference() string {
	if r.again != "" {
		return r.Digest + "@" + r.again
	}
	if r.Digest != "" {
		return r.Digest
	}
	return cmp.Or(r.Tag, r.Target) + "@" + r.Event
}

// States of a scan.
const (
	Queued  = "queued"
	Running = "running"
	Done    = "done"
	Failed  = "failed" // will be tried again
	Dead    = "dead"   // will not, unless it is asked for
)

// A Scan is one request and how far it is.
type Scan struct {
	ID                                int64
	Registry, Repository, Tag, Digest string
	Target, Upload, Source, Callback  string
	Version                           Version
	Created, Finished                 time.Time // Finished is zero if it is not
	State                             string
	Attempts                          int
	Error                             string // of the last attempt
	Code                              int    // of the verdict, when done
	Blocking                          int
	Artifact                          int64 // when done
	Ignored                           bool  // there was nothing to scan

	// Last is true for a job at work that will not be tried again.
	Last bool

	job, same int64 // of the row
}

// An Artifact is one digest in one repository, as it was judged last.
type Artifact struct {
	ID, Scan                          int64
	Registry, Repository, Tag, Digest string
	IndexDigest, Name, Type           string
	Code, Blocking                    int
	Findings, Packages, Gaps          int
	Reasons                           []string
	Scanned, Judged                   time.Time
	Database                          string
}

// Verdict is that of the artifact.
func (a *Artifact) Verdict() fnvet.Verdict {
	return fnvet.Verdict{Pass: a.Code == 0, Code: a.Code, Blocking: a.Blocking, Reasons: a.Reasons}
}
