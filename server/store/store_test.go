package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		// A redelivery after the database changed is still the same event.
		redelivered := request(2)
		redelivered.Version.Database = "db3"
		if ids := accept(t, s, redelivered); ids[0] != first[1] {
			t.Errorf("an event that was delivered again: scan %d, want %d", ids[0], first[1])
		}
		d, err := s.Depth(t.Context())
		if err != nil || d.Queued != 5 {
			t.Errorf("depth %+v, error %v; want 5 queued", d, err)
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

// TestLease: a job of a worker that went away is done by another, and one that
// only seemed to be gone cannot write a second result.
func TestLease(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url, Lease: 3 * time.Second, Backoff: time.Millisecond})
		ids := accept(t, s, request(1), request(2))
		var runs atomic.Int64
		work(t, s, 4, func(ctx context.Context, c *Scan) (*Outcome, error) {
			if c.Digest == digest(2) { // longer than a lease, and alive
				select {
				case <-time.After(7 * time.Second):
				case <-ctx.Done():
					return nil, context.Cause(ctx)
				}
				return &Outcome{Report: reportOf(c.Digest)}, nil
			}
			if runs.Add(1) == 1 { // as if the process were stopped: no beats
				if err := s.do(context.Background(), "UPDATE river_job SET attempt = attempt + 1, attempted_at = "+past(url)+" WHERE id = (SELECT job FROM scan WHERE id = $1)", c.ID); err != nil {
					t.Error(err)
				}
				<-ctx.Done()
				return &Outcome{Report: reportOf(digest(77))}, nil
			}
			return &Outcome{Report: reportOf(c.Digest)}, nil
		})
		await(t, s, ids[0], Done)
		if c := await(t, s, ids[1], Done); c.Attempts != 1 {
			t.Errorf("a scan with heartbeats was tried %d times", c.Attempts)
		}
		r, err := s.Report(t.Context(), ids[0])
		if err != nil || r.Artifact.Digest != digest(1) {
			t.Errorf("the result is the lost attempt's: %v, error %v", r, err)
		}
	})
}

func past(url string) string {
	if strings.HasPrefix(url, "sqlite") {
		return "'2020-01-01 00:00:00.000'"
	}
	return "'2020-01-01'::timestamptz"
}

func TestStopUnderLoad(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url})
		var list []Request
		for i := range 40 {
			list = append(list, request(i))
		}
		ids := accept(t, s, list...)
		scan := func(ctx context.Context, c *Scan) (*Outcome, error) {
			select {
			case <-time.After(20 * time.Millisecond):
				return &Outcome{Report: reportOf(c.Digest)}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		stop := work(t, s, 3, scan)
		await(t, s, ids[0], Done)
		stop()
		work(t, s, 8, scan)
		for _, id := range ids {
			if c := await(t, s, id, Done); c.Attempts != 1 {
				t.Errorf("scan %d took %d attempts", id, c.Attempts)
			}
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

// TestDamagedStore: a store that was damaged is refused, never replaced.
func TestDamagedStore(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(data []byte) []byte
	}{
		{"empty", func([]byte) []byte { return nil }},
		{"cut off", func(b []byte) []byte { return b[:len(b)/2] }},
		{"cut off at a page", func(b []byte) []byte { return b[:4096*3] }},
		{"header flipped", func(b []byte) []byte { b[3] ^= 0x40; return b }},
		{"pages flipped", func(b []byte) []byte {
			for i := 4096; i+8 < len(b); i += 4096 {
				b[i] ^= 0xff
			}
			return b
		}},
		{"another program's", func(b []byte) []byte { copy(b[68:72], "none"); return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "fnvet.db")
			s, err := Open(t.Context(), Options{URL: "sqlite:" + path})
			if err != nil {
				t.Fatal(err)
			}
			accept(t, s, request(1))
			s.Close()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := c.damage(data)
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if s, err = Open(t.Context(), Options{URL: "sqlite:" + path}); !errors.Is(err, ErrDamaged) {
				if err == nil {
					s.Close()
				}
				t.Fatalf("error %v, want ErrDamaged", err)
			}
			if now, err := os.ReadFile(path); err != nil || len(now) != len(damaged) {
				t.Errorf("the damaged file was changed: %d bytes, error %v", len(now), err)
			}
		})
	}
	if _, err := Open(t.Context(), Options{URL: "mysql://x"}); err == nil {
		t.Error("another database is taken")
	}
}

// TestDiskFull: what cannot be made durable is not accepted, what was accepted
// stays, and it goes on when there is room again.
func TestDiskFull(t *testing.T) {
	s := open(t, Options{URL: testdb.SQLite(t)})
	first := accept(t, s, request(1))
	writer := s.base.(*sqliteBase).writer
	var pages int64
	if err := writer.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int64) {
		if _, err := writer.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages) // as SQLite sees a disk that is full
	var accepted []int64
	refused := 0
	for i := range 300 {
		got, err := s.Accept(t.Context(), []Request{request(10 + i)})
		if err != nil {
			refused++
			continue
		}
		accepted = append(accepted, got[0].Scan)
	}
	if refused == 0 {
		t.Fatal("nothing was refused")
	}
	limit(1 << 30)
	for _, id := range append(first, accepted...) {
		if _, err := s.Scan(t.Context(), id); err != nil {
			t.Errorf("scan %d was accepted and is not there: %v", id, err)
		}
	}
	accept(t, s, request(1000))
}

// TestClockSteps: a clock that goes an hour back or forth ends no scan twice.
func TestClockSteps(t *testing.T) {
	var step atomic.Int64
	s := open(t, Options{URL: testdb.SQLite(t), Lease: 400 * time.Millisecond, Backoff: time.Millisecond, Now: func() time.Time {
		return time.Now().Add(time.Duration(step.Load()))
	}})
	ids := accept(t, s, request(1), request(2), request(3))
	var results sync.Map
	work(t, s, 3, func(ctx context.Context, c *Scan) (*Outcome, error) {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		results.Store(c.ID, true)
		return &Outcome{Report: reportOf(c.Digest)}, nil
	})
	for _, d := range []time.Duration{time.Hour, -time.Hour, 0} {
		time.Sleep(300 * time.Millisecond)
		step.Store(int64(d))
	}
	for _, id := range ids {
		await(t, s, id, Done)
		if r, err := s.Report(t.Context(), id); err != nil || r == nil {
			t.Errorf("scan %d: %v", id, err)
		}
	}
}
