package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fnvet/fnvet/internal/testdb"
)

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

// TestClockSteps: a clock that goes an hour back or forth, seen as it is seen
// after the step: every time that was written before is an hour off. Neither what
// waits, what is tried again, nor what a dead worker held waits for that hour, and
// what runs is neither ended nor done twice.
func TestClockSteps(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		for _, step := range []time.Duration{time.Hour, -time.Hour} {
			s := open(t, Options{URL: url, Lease: 2 * time.Second, Backoff: time.Millisecond})
			base := int(step.Hours()+2) * 10
			ids := accept(t, s, request(base), request(base+1), request(base+2), request(base+3))
			shift := func(where string, args ...any) {
				t.Helper()
				if err := s.do(t.Context(), "UPDATE river_job SET scheduled_at = "+s.base.later(step)+", attempted_at = "+s.base.later(step)+" WHERE "+where, args...); err != nil {
					t.Fatal(err)
				}
			}
			job := "id = (SELECT job FROM scan WHERE id = $1)"
			for id, state := range map[int64]string{ids[1]: "retryable", ids[2]: "running"} {
				if err := s.do(t.Context(), "UPDATE river_job SET state = '"+state+"', attempt = 1 WHERE "+job, id); err != nil {
					t.Fatal(err)
				}
			}
			shift("1 = 1")
			if err := s.do(t.Context(), "DELETE FROM river_leader"); err != nil {
				t.Fatal(err)
			}
			if err := s.do(t.Context(), "INSERT INTO river_leader (elected_at, expires_at, leader_id) VALUES ("+s.base.later(step)+", "+s.base.later(step+10*time.Second)+", 'a process that is gone')"); err != nil {
				t.Fatal(err)
			}
			var runs atomic.Int64
			stop := work(t, s, 4, func(ctx context.Context, c *Scan) (*Outcome, error) {
				if c.ID == ids[3] {
					runs.Add(1)
					shift(job, c.ID) // the step comes while it runs, longer than a lease
					select {
					case <-time.After(5 * time.Second):
					case <-ctx.Done():
						return nil, context.Cause(ctx)
					}
				}
				return &Outcome{Report: reportOf(c.Digest)}, nil
			})
			for i, attempts := range []int{1, 2, 2, 1} {
				if c := await(t, s, ids[i], Done); c.Attempts != attempts {
					t.Errorf("step %v: scan %d took %d attempts, want %d", step, i, c.Attempts, attempts)
				}
			}
			if runs.Load() != 1 {
				t.Errorf("step %v: what ran was begun %d times", step, runs.Load())
			}
			stop()
		}
	})
}
