package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// TestFlippedRows: one bit of any text or number that a verdict depends on, in its
// row, and what is asked is refused; it is never answered otherwise.
func TestFlippedRows(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url})
		ids := accept(t, s, request(1))
		stop := work(t, s, 1, func(_ context.Context, c *Scan) (*Outcome, error) {
			return &Outcome{Report: reportOf(c.Digest, vulnerability("GHSA-1", "lodash", "4.17.20")), Version: c.Version}, nil
		})
		await(t, s, ids[0], Done)
		stop()
		ask := map[string]func() error{
			"scan":     func() error { _, err := s.Scan(t.Context(), ids[0]); return err },
			"result":   func() error { _, err := s.Report(t.Context(), ids[0]); return err },
			"artifact": func() error { _, err := s.Artifact(t.Context(), 1); return err },
			"component": func() error {
				_, err := s.candidates(t.Context(), &Rematch{All: true})
				return err
			},
		}
		for table, columns := range map[string]string{
			"scan":      "registry repository tag digest target database rules policy source callback upload created job same_as sum",
			"result":    "artifact finished code blocking database sum",
			"artifact":  "registry repository digest index_digest tag name type scan code blocking findings packages gaps reasons scanned sum",
			"component": "package key",
		} {
			if err := ask[table](); err != nil {
				t.Fatalf("%s, as it was written: %v", table, err)
			}
			for column := range strings.FieldsSeq(columns) {
				flip := column + " + 1"
				var text string
				if one(t.Context(), s.base.reader(), "SELECT CAST("+column+" AS TEXT) FROM "+table+" LIMIT 1", nil, &text); strings.Trim(text, "-0123456789") != "" || text == "" || column == "tag" {
					flip = column + " || 'x'"
				}
				if column == "reasons" {
					flip = `'["another"]'`
				}
				t.Run(table+"."+column, func(t *testing.T) {
					if err := s.do(t.Context(), "CREATE TABLE kept AS SELECT * FROM "+table); err != nil {
						t.Fatal(err)
					}
					if err := s.do(t.Context(), "UPDATE "+table+" SET "+column+" = "+flip); err != nil {
						t.Fatal(err)
					}
					if err := ask[table](); !errors.Is(err, ErrDamaged) {
						t.Errorf("error %v, want ErrDamaged", err)
					}
					for _, q := range []string{"DELETE FROM " + table, "INSERT INTO " + table + " SELECT * FROM kept", "DROP TABLE kept"} {
						if err := s.do(t.Context(), q); err != nil {
							t.Fatal(err)
						}
					}
				})
			}
		}
		// A damaged event is a new one, whose scan is the old one.
		if err := s.do(t.Context(), "UPDATE event SET scan = scan + 7"); err != nil {
			t.Fatal(err)
		}
		for _, known := range []bool{false, true} {
			got, err := s.Accept(t.Context(), []Request{request(1)})
			if err != nil || got[0] != (Accepted{ids[0], known}) {
				t.Errorf("a damaged event: %+v, error %v, want scan %d, known %v", got, err, ids[0], known)
			}
		}
		// A job that names another scan does not scan it.
		ids = accept(t, s, request(2), request(3))
		if err := s.do(t.Context(), "UPDATE scan SET job = (SELECT max(job) FROM scan), sum = 0 WHERE id = $1", ids[0]); err != nil {
			t.Fatal(err)
		}
		work(t, s, 1, func(_ context.Context, c *Scan) (*Outcome, error) { return &Outcome{Report: reportOf(c.Digest)}, nil })
		await(t, s, ids[1], Done)
		if c, err := s.Scan(t.Context(), ids[0]); err != nil || c.State == Done {
			t.Errorf("scan %+v, error %v", c, err)
		}
	})
}

// TestFlippedFile: a bit of the file flips, wherever that is. What is asked then is
// refused, or not found, or answered as it was; FNVET_FLIPS is how many.
func TestFlippedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fnvet.db")
	s, err := Open(t.Context(), Options{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	var list []Request
	for i := range 20 {
		list = append(list, request(i))
	}
	ids := accept(t, s, list...)
	stop := work(t, s, 4, func(_ context.Context, c *Scan) (*Outcome, error) {
		return &Outcome{Report: reportOf(c.Digest, vulnerability("GHSA-1", "lodash", "4.17.20")), Version: c.Version}, nil
	})
	for _, id := range ids {
		await(t, s, id, Done)
	}
	stop()
	// All that is asked of one artifact; errors are told apart in refused.
	answers := func(s *Store, i int) (all string, errs error) {
		c, err1 := s.Scan(t.Context(), ids[i])
		r, err2 := s.Report(t.Context(), ids[i])
		v, err3 := s.Verdicts(t.Context(), digest(i))
		if c != nil {
			c.Attempts, c.Error = 0, "" // of the queue: told to people, and of no matter to a verdict
		}
		for j := range v {
			v[j].Database, v[j].Judged = "", time.Time{} // not under the checksum: they set off a comparison
		}
		if err1 == nil && err2 == nil && err3 == nil && len(v) == 0 {
			err3 = ErrNotFound
		}
		text, err4 := json.Marshal([]any{c, r, v})
		return string(text), errors.Join(err1, err2, err3, err4)
	}
	var want []string
	for i := range ids {
		text, err := answers(s, i)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, text)
	}
	s.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flips := 60
	if n, err := strconv.Atoi(os.Getenv("FNVET_FLIPS")); err == nil {
		flips = n
	}
	random := rand.New(rand.NewPCG(7, 1))
	count := map[string]int{}
	for range flips {
		at := random.IntN(len(data) * 8)
		data[at/8] ^= 1 << (at % 8)
		copied := filepath.Join(t.TempDir(), "fnvet.db")
		if err := os.WriteFile(copied, data, 0o600); err != nil {
			t.Fatal(err)
		}
		data[at/8] ^= 1 << (at % 8)
		s, err := Open(t.Context(), Options{URL: "sqlite:" + copied})
		if err != nil {
			count["refused at the start"]++
			continue
		}
		outcome := "no answer differs"
		for i := range ids {
			text, err := answers(s, i)
			switch {
			case errors.Is(err, ErrDamaged):
				outcome = "refused when asked"
			case errors.Is(err, ErrNotFound):
				outcome = "not found"
			case err != nil:
				outcome = "refused by SQLite when asked"
			case text != want[i]:
				outcome = "answered otherwise"
				t.Errorf("bit %d of byte %d (-want +got):\n%s", at%8, at/8, cmp.Diff(want[i], text))
			}
		}
		count[outcome]++
		s.Close()
	}
	t.Logf("%d bits of %d bytes: %v", flips, len(data), count)
}
