package store

import (
	"testing"
	"time"
)

// TestEndedSessions: every process knows of an end, for as long as it matters.
func TestEndedSessions(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		now := time.Now()
		clock := func() time.Time { return now }
		a, b := open(t, Options{URL: url, Now: clock}), open(t, Options{URL: url, Now: clock})
		for range 2 {
			if err := a.EndSession(t.Context(), "s1", now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		is := func(why, id string, want bool) {
			t.Helper()
			if ended, err := b.SessionEnded(t.Context(), id); ended != want || err != nil {
				t.Errorf("%s: %v, error %v", why, ended, err)
			}
		}
		is("ended", "s1", true)
		is("another", "s2", false)
		now = now.Add(59 * time.Minute)
		if err := b.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		is("before its time", "s1", true)
		now = now.Add(2 * time.Hour)
		if err := b.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		is("which is over by itself", "s1", false)
	})
}
