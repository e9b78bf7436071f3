package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestLayers: what is kept is there for every process of the store, within its room
// and for its time since the last use.
func TestLayers(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		ctx, now := t.Context(), time.Now()
		open := func() *Store {
			s, err := Open(ctx, Options{URL: url, MaxLayers: 1000, LayerAge: 48 * time.Hour, Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			return s
		}
		a, b := open(), open()
		key, err := a.Key(ctx)
		if err != nil || len(key) != 32 || bytes.Equal(key, make([]byte, 32)) {
			t.Fatalf("key %x, error %v", key, err)
		}
		if again, err := b.Key(ctx); err != nil || !bytes.Equal(key, again) {
			t.Errorf("another process has the key %x, error %v", again, err)
		}
		put := func(name string, size int) {
			t.Helper()
			if err := a.PutLayer(ctx, name, bytes.Repeat([]byte(name), size)); err != nil {
				t.Fatal(err)
			}
		}
		there := func(why string, want ...string) {
			t.Helper()
			var names []string
			err := each(ctx, b.base.reader(), "SELECT name FROM layer ORDER BY name", nil, func(r rows) error {
				var name string
				err := r.Scan(&name)
				names = append(names, name)
				return err
			})
			if err != nil || !slices.Equal(names, want) {
				t.Errorf("%s: %v, error %v; want %v", why, names, err, want)
			}
		}
		use := func(name string) {
			t.Helper()
			if data, err := b.Layer(ctx, name); err != nil || !bytes.HasPrefix(data, []byte(name)) {
				t.Errorf("%s: %q, error %v", name, data, err)
			}
		}
		if data, err := a.Layer(ctx, "a"); data != nil || err != nil {
			t.Errorf("nothing: %q, error %v", data, err)
		}
		put("a", 10)
		put("a", 100)
		use("a")
		there("in the place of the former", "a")
		put("z", 125)
		there("an eighth of all is too large", "a")
		for i := range 9 {
			now = now.Add(time.Minute)
			put(fmt.Sprint(i), 100)
		}
		there("full", "0", "1", "2", "3", "4", "5", "6", "7", "8", "a")
		now = now.Add(2 * time.Hour)
		use("a") // by another process
		put("9", 100)
		there("the one that was used longest ago goes", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a")
		if n, size, err := b.Layers(ctx); n != 10 || size != 1000 || err != nil {
			t.Errorf("%d entries of %d bytes, error %v", n, size, err)
		}
		now = now.Add(47 * time.Hour)
		if err := b.Prune(ctx); err != nil {
			t.Fatal(err)
		}
		there("what nobody used for 48 hours goes", "9", "a")
		c, err := Open(ctx, Options{URL: url, MaxLayers: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := errors.Join(c.PutLayer(ctx, "x", nil), c.Prune(ctx)); err != nil {
			t.Fatal(err)
		}
		there("nothing is kept")
	})
}

// TestLayersAtOnce: many processes that keep and trim at once do not fail.
func TestLayersAtOnce(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		failed := make(chan error, 4)
		for worker := range cap(failed) {
			s, err := Open(t.Context(), Options{URL: url, MaxLayers: 2000})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			go func() {
				var err error
				for i := range 40 {
					name := fmt.Sprint((i + worker) % 30)
					err = errors.Join(err, s.PutLayer(t.Context(), name, bytes.Repeat([]byte("x"), 200)))
				}
				failed <- err
			}()
		}
		for range cap(failed) {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		s, err := Open(t.Context(), Options{URL: url, MaxLayers: 2000})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, size, err := s.Layers(t.Context()); n == 0 || size > 2000 || err != nil {
			t.Errorf("%d entries of %d bytes, error %v", n, size, err)
		}
	})
}
