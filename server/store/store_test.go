package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river/rivertype"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/testdb"
)

var postgres testdb.Server

func TestMain(m *testing.M) {
	code := m.Run()
	postgres.Stop()
	os.Exit(code)
}

func open(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func digest(n int) string { return fmt.Sprintf("sha256:%064x", n) }

func request(n int) Request {
	return Request{
		Source: "distribution", Event: fmt.Sprintf("event-%d", n), Registry: "registry.example", Repository: "fn/app", Tag: "1", Digest: digest(n),
		Version: Version{Database: "db1", Rules: "r1", Policy: "p1"},
	}
}

func accept(t *testing.T, s *Store, r ...Request) []int64 {
	t.Helper()
	got, err := s.Accept(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]int64, len(got))
	for i := range got {
		ids[i] = got[i].Scan
	}
	return ids
}

func pkg(name, version string) fnvet.Package {
	return fnvet.Package{Name: name, Version: version, Ecosystem: "npm", PURL: "pkg:npm/" + name + "@" + version, Kind: fnvet.Installed}
}

func vulnerability(id, name, version string, aliases ...string) fnvet.Finding {
	return fnvet.Finding{
		ID: id, Kind: fnvet.Vulnerability, Severity: fnvet.High, Aliases: aliases, Blocks: true,
		Package: &fnvet.PackageRef{Name: name, Version: version, Ecosystem: "npm", PURL: "pkg:npm/" + name + "@" + version},
	}
}

func reportOf(digest string, findings ...fnvet.Finding) *fnvet.Report {
	r := &fnvet.Report{
		Schema: fnvet.Schema, Artifact: fnvet.Artifact{Name: "app", Type: "image", Digest: digest},
		Packages: []fnvet.Package{pkg("lodash", "4.17.20"), pkg("left-pad", "1.3.0")}, Findings: findings, Gaps: []fnvet.Gap{},
	}
	for i := range findings {
		if findings[i].Blocks {
			r.Verdict.Blocking++
			r.Verdict.Code = 1
		}
	}
	r.Verdict.Pass = r.Verdict.Code == 0
	r.Verdict.Reasons = []string{}
	return r
}

// TestBackoff: five attempts, with pauses that double and are spread.
func TestBackoff(t *testing.T) {
	o := newStore(Options{}).o
	if o.Attempts != 5 {
		t.Errorf("%d attempts", o.Attempts)
	}
	mean := o.Backoff
	for failed := range 4 {
		seen := map[time.Duration]bool{}
		for range 50 {
			pause := time.Until(backoff{o.Backoff}.NextRetry(&rivertype.JobRow{Errors: make([]rivertype.AttemptError, failed)}))
			if pause < mean*70/100 || pause > mean*130/100 {
				t.Errorf("after %d failures: %v, want %v or a quarter more or less", failed+1, pause, mean)
			}
			seen[pause.Round(time.Millisecond)] = true
		}
		if len(seen) < 10 {
			t.Errorf("after %d failures the pauses are not spread: %v", failed+1, seen)
		}
		mean *= 2
	}
}

// work runs a worker until the test ends.
func work(t *testing.T, s *Store, workers int, scan func(context.Context, *Scan) (*Outcome, error)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- s.Work(ctx, &Handlers{Scan: scan, Notice: func(context.Context, *Notice) error { return nil }}, workers, 5*time.Second)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the end of the work: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// await waits for a scan to come to a state.
func await(t *testing.T, s *Store, id int64, state string) *Scan {
	t.Helper()
	var c *Scan
	for range 600 {
		var err error
		if c, err = s.Scan(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if c.State == state {
			return c
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("scan %d is %+v, want state %s", id, c, state)
	return nil
}

func TestAcceptIsUnique(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url})
		first := accept(t, s, request(1), request(2))
		again := request(1)
		again.Event = "another event of the same push"
		moved := request(1)
		moved.Event, moved.Repository = "e3", "fn/other"
		later := request(1)
		later.Event, later.Version.Database = "e4", "db2"
		tag := request(1)
		tag.Event, tag.Digest = "e5", ""
		got := accept(t, s, request(1), again, moved, later, tag)
		if got[0] != first[0] || got[1] != first[0] {
			t.Errorf("the same event and the same digest: scans %v, want %d", got[:2], first[0])
		}
		seen := map[int64]bool{first[0]: true, first[1]: true}
		for i, id := range got[2:] {
			if seen[id] {
				t.Errorf("request %d: scan %d is another's", i+2, id)
			}
			seen[id] = true
		}
		for i, change := range []func(*Request){
			func(r *Request) { r.Registry = "other.example" },
			func(r *Request) { r.Version.Rules = "r2" },
			func(r *Request) { r.Version.Policy = "p2" },
		} {
			r := request(1)
			r.Event = fmt.Sprintf("changed-%d", i)
			change(&r)
			if id := accept(t, s, r)[0]; seen[id] {
				t.Errorf("change %d: scan %d is another's", i, id)
			} else {
				seen[id] = true
			}
		}
		// A redelivery after the database changed is still the same event.
		redelivered := request(2)
		redelivered.Version.Database = "db3"
		if ids := accept(t, s, redelivered); ids[0] != first[1] {
			t.Errorf("an event that was delivered again: scan %d, want %d", ids[0], first[1])
		}
		d, err := s.Depth(t.Context())
		if err != nil || d.Queued != 8 {
			t.Errorf("depth %+v, error %v; want 8 queued", d, err)
		}
	})
}

func TestAcceptConcurrently(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url})
		var wg sync.WaitGroup
		ids := make([]int64, 100)
		for i := range ids {
			wg.Go(func() {
				got, err := s.Accept(t.Context(), []Request{request(i / 2)})
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = got[0].Scan
			})
		}
		wg.Wait()
		for i := range ids {
			if i%2 == 1 && ids[i] != ids[i-1] || i > 1 && ids[i] == ids[i-2] {
				t.Fatalf("scans %v", ids)
			}
		}
	})
}

func TestFullQueueIsRefused(t *testing.T) {
	s := open(t, Options{URL: testdb.SQLite(t), MaxQueue: 2})
	accept(t, s, request(1), request(2))
	if _, err := s.Accept(t.Context(), []Request{request(3)}); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want ErrFull", err)
	}
}

func TestResult(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url})
		ids := accept(t, s, request(1))
		work(t, s, 2, func(_ context.Context, c *Scan) (*Outcome, error) {
			return &Outcome{Report: reportOf(c.Digest, vulnerability("GHSA-1", "lodash", "4.17.20", "CVE-1")), Version: c.Version}, nil
		})
		c := await(t, s, ids[0], Done)
		if c.Code != 1 || c.Blocking != 1 || c.Attempts != 1 || c.Finished.IsZero() {
			t.Errorf("scan %+v", c)
		}
		r, err := s.Report(t.Context(), ids[0])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(reportOf(digest(1), vulnerability("GHSA-1", "lodash", "4.17.20", "CVE-1")), r); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
		for _, question := range []struct {
			what string
			ask  func() ([]Artifact, error)
			want int
		}{
			{"by digest", func() ([]Artifact, error) { return s.Verdicts(t.Context(), digest(1)) }, 1},
			{"by another digest", func() ([]Artifact, error) { return s.Verdicts(t.Context(), digest(2)) }, 0},
			{"by id", func() ([]Artifact, error) { return s.Affected(t.Context(), "GHSA-1", 0, 10) }, 1},
			{"by alias", func() ([]Artifact, error) { return s.Affected(t.Context(), "CVE-1", 0, 10) }, 1},
			{"by purl", func() ([]Artifact, error) { return s.Containing(t.Context(), "pkg:npm/lodash@4.17.20", 0, 10) }, 1},
			{"by purl without version", func() ([]Artifact, error) { return s.Containing(t.Context(), "pkg:npm/lodash", 0, 10) }, 1},
			{"by another version", func() ([]Artifact, error) { return s.Containing(t.Context(), "pkg:npm/lodash@4.17.21", 0, 10) }, 0},
			{"by the beginning of a name", func() ([]Artifact, error) { return s.Containing(t.Context(), "pkg:npm/lod", 0, 10) }, 0},
			{"by text", func() ([]Artifact, error) {
				return s.Artifacts(t.Context(), Page{Text: "FN/app:1", Code: -1, Limit: 9})
			}, 1},
			{"by a wildcard", func() ([]Artifact, error) { return s.Artifacts(t.Context(), Page{Text: "fn%app", Code: -1, Limit: 9}) }, 0},
		} {
			if got, err := question.ask(); err != nil || len(got) != question.want {
				t.Errorf("%s: %d artifacts, error %v; want %d", question.what, len(got), err, question.want)
			}
		}
		day, err := s.Sum(t.Context())
		if err != nil || day.Blockers != 1 || day.Failing != 1 || day.Artifacts != 1 {
			t.Errorf("sum %+v, error %v", day, err)
		}
		if id, err := s.Judged(t.Context(), "registry.example", "fn/app", digest(1), request(1).Version); err != nil || id != ids[0] {
			t.Errorf("judged by %d, error %v", id, err)
		}
	})
}

func TestAttemptsAndDeadLetters(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url, Backoff: time.Millisecond, Attempts: 3})
		ids := accept(t, s, request(1), request(2))
		var mended atomic.Bool
		work(t, s, 2, func(_ context.Context, c *Scan) (*Outcome, error) {
			if mended.Load() {
				return &Outcome{Report: reportOf(c.Digest)}, nil
			}
			if c.Digest == digest(2) {
				return nil, Permanent(errors.New("there is no such image"))
			}
			return nil, errors.New("the registry does not answer")
		})
		tried, hopeless := await(t, s, ids[0], Dead), await(t, s, ids[1], Dead)
		if tried.Attempts != 3 || !strings.Contains(tried.Error, "does not answer") {
			t.Errorf("tried: %+v", tried)
		}
		if hopeless.Attempts != 1 || !strings.Contains(hopeless.Error, "no such image") {
			t.Errorf("hopeless: %+v", hopeless)
		}
		dead, err := s.Scans(t.Context(), Filter{State: Dead, Limit: 10})
		if err != nil || len(dead) != 2 {
			t.Errorf("dead letters %v, error %v", dead, err)
		}
		mended.Store(true)
		for _, id := range ids {
			if err := s.Replay(t.Context(), id); err != nil {
				t.Error(err)
			}
			await(t, s, id, Done)
			if err := s.Replay(t.Context(), id); !errors.Is(err, ErrNotDead) {
				t.Errorf("a replay of what is done: %v", err)
			}
		}
		if err := s.Replay(t.Context(), 999); !errors.Is(err, ErrNotFound) {
			t.Errorf("a replay of nothing: %v", err)
		}
	})
}

func TestUpload(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url})
		data := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
		sum, err := s.PutUpload(t.Context(), "u1", bytes.NewReader(data), 1<<30)
		if err != nil || !strings.HasPrefix(sum, "sha256:") {
			t.Fatalf("digest %q, error %v", sum, err)
		}
		var out bytes.Buffer
		if err := s.CopyUpload(t.Context(), "u1", &out); err != nil || !bytes.Equal(out.Bytes(), data) {
			t.Errorf("%d bytes, error %v", out.Len(), err)
		}
		if _, err := s.PutUpload(t.Context(), "u2", bytes.NewReader(data), 1<<20); !errors.Is(err, ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		if err := s.CopyUpload(t.Context(), "u2", &out); !errors.Is(err, ErrNotFound) {
			t.Errorf("what was too large is there: %v", err)
		}
		r := request(1)
		r.Upload = "u1"
		ids := accept(t, s, r)
		work(t, s, 1, func(context.Context, *Scan) (*Outcome, error) { return &Outcome{Report: reportOf(sum)}, nil })
		await(t, s, ids[0], Done)
		if err := s.CopyUpload(t.Context(), "u1", &out); !errors.Is(err, ErrNotFound) {
			t.Errorf("what was scanned is kept: %v", err)
		}
		if err := s.Prune(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
