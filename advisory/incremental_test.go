package advisory

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func hexSHA(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

func base64CRC(data []byte) string {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// publish puts a bucket on the server as the public one is laid out: whole
// ecosystems, their listings, and each record.
func (s *web) publish(tb testing.TB, b bucket) {
	tb.Helper()
	s.files = map[string][]byte{}
	var names []string
	for name, texts := range b {
		names = append(names, name)
		s.files["/bucket/"+name+"/all.zip"] = b.zip(tb, name)
		var listing strings.Builder
		for _, text := range texts {
			var head struct{ ID, Modified string }
			if err := json.Unmarshal([]byte(text), &head); err != nil {
				tb.Fatal(err)
			}
			fmt.Fprintf(&listing, "%s,%s\n", head.Modified, head.ID)
			s.files["/bucket/"+name+"/"+head.ID+".json"] = []byte(text)
		}
		s.files["/bucket/"+name+"/modified_id.csv"] = []byte(listing.String())
	}
	slices.Sort(names)
	s.files["/bucket/ecosystems.txt"] = []byte(strings.Join(names, "\n"))
}

// evolving makes versions of one bucket: records come, change, go, are withdrawn.
type evolving struct {
	rnd   *rand.Rand
	texts map[string]string
	clock time.Time
}

func (e *evolving) set(i int) {
	id := fmt.Sprintf("GHSA-%04d", i)
	e.clock = e.clock.Add(time.Minute)
	rest := ""
	if e.rnd.IntN(10) == 0 {
		rest = `"withdrawn":"2026-01-01T00:00:00Z",`
	}
	e.texts[id] = fmt.Sprintf(`{"id":%q,"modified":%q,%s"aliases":["CVE-2026-%d"],"summary":"flaw %d","affected":[
	  {"package":{"ecosystem":"npm","name":"p%d"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"%d.0.0"}]}]},
	  {"package":{"ecosystem":"npm","name":"a%d"},"versions":["1.0.%d"],"ecosystem_specific":{"imports":[{"path":"x/%d"}]}},
	  {"package":{"ecosystem":"npm","name":"p%d"},"versions":["99.0.0"],"ecosystem_specific":{"imports":[{"path":"y/%d"}]}}]}`,
		id, e.clock.Format(time.RFC3339), rest, i, e.rnd.IntN(1000), i%40, e.rnd.IntN(9)+1, e.rnd.IntN(40), e.rnd.IntN(9), i, i%40, i)
}

func (e *evolving) step(n int) {
	for range n {
		i := e.rnd.IntN(250)
		if id := fmt.Sprintf("GHSA-%04d", i); e.rnd.IntN(5) == 0 {
			delete(e.texts, id)
		} else {
			e.set(i)
		}
	}
}

func (e *evolving) bucket() bucket {
	b := bucket{}
	for _, text := range e.texts {
		b["npm"] = append(b["npm"], text)
	}
	slices.Sort(b["npm"])
	return b
}

// TestIncremental: an update of what changed gives the very section that a full
// one gives, and asks for nothing else.
func TestIncremental(t *testing.T) {
	e := &evolving{rand.New(rand.NewPCG(3, 4)), map[string]string{}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range 200 {
		e.set(i)
	}
	s, url := serve(t, bucket{"npm": nil})
	s.publish(t, e.bucket())
	dir := t.TempDir()
	o := UpdateOptions{Dir: dir, Source: url, Now: fixtureNow}
	if _, err := Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for round := range 8 {
		e.step(round * 2)
		s.publish(t, e.bucket())
		s.requests.Store(0)
		st, err := Update(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		how := ChangeRecords
		if round == 0 {
			how = ChangeSame
		}
		c := st.Changes[0]
		if most := int32(2 + c.Added + c.Changed); c.How != how || s.requests.Load() > most {
			t.Errorf("round %d: %+v with %d requests", round, c, s.requests.Load())
		}
		if err := Verify(dir); err != nil {
			t.Error(err)
		}
		full := t.TempDir()
		if _, err := Update(t.Context(), UpdateOptions{Dir: full, Source: url, Now: fixtureNow}); err != nil {
			t.Fatal(err)
		}
		want, got := section1(t, full), section1(t, dir)
		if !cmp.Equal(want, got) {
			t.Fatalf("round %d: the section differs from a full update's", round)
		}
	}
}

func section1(tb testing.TB, dir string) []byte {
	tb.Helper()
	s, err := open(tb, dir).section("npm")
	if err != nil {
		tb.Fatal(err)
	}
	return raw(tb, s)
}

// TestIncrementalFallsBack: where record by record does not work or pay, the
// whole ecosystem is fetched.
func TestIncrementalFallsBack(t *testing.T) {
	start := &evolving{rand.New(rand.NewPCG(5, 6)), map[string]string{}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range 100 {
		start.set(i)
	}
	for _, tt := range []struct {
		why    string
		change func(e *evolving, s *web)
	}{
		{"much changed", func(e *evolving, s *web) { e.step(90); s.publish(t, e.bucket()) }},
		{"no listing", func(e *evolving, s *web) {
			e.step(2)
			s.publish(t, e.bucket())
			delete(s.files, "/bucket/npm/modified_id.csv")
		}},
		{"a damaged listing", func(e *evolving, s *web) {
			e.step(2)
			s.publish(t, e.bucket())
			s.files["/bucket/npm/modified_id.csv"] = []byte("<html>")
		}},
		{"listed, but not there", func(e *evolving, s *web) {
			e.set(7)
			s.publish(t, e.bucket())
			delete(s.files, "/bucket/npm/GHSA-0007.json")
		}},
		{"a record under another's name", func(e *evolving, s *web) {
			e.set(7)
			e.set(8)
			s.publish(t, e.bucket())
			s.files["/bucket/npm/GHSA-0007.json"] = []byte(e.texts["GHSA-0001"])
		}},
	} {
		s, url := serve(t, bucket{"npm": nil})
		e := &evolving{start.rnd, maps.Clone(start.texts), start.clock}
		s.publish(t, e.bucket())
		o := UpdateOptions{Dir: t.TempDir(), Source: url, Now: fixtureNow}
		if _, err := Update(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		tt.change(e, s)
		st, err := Update(t.Context(), o)
		if err != nil || st.Changes[0].How != ChangeFull {
			t.Errorf("%s: %+v %v", tt.why, st.Changes, err)
		}
	}
}

// TestUpdateResumes: after a broken transfer only the rest is asked for.
func TestUpdateResumes(t *testing.T) {
	b := bucket{"npm": fixture()["npm"]}
	for _, tt := range []struct {
		why    string
		second func(w http.ResponseWriter, r *http.Request, data []byte) bool // the answer to the second request
		ranges []string
	}{
		{"the server goes on", nil, []string{"", "bytes=100-"}},
		{"the server sends it all again", func(w http.ResponseWriter, _ *http.Request, data []byte) bool {
			w.Write(data)
			return true
		}, []string{"", "bytes=100-"}},
		{"the server goes on elsewhere", func(w http.ResponseWriter, _ *http.Request, data []byte) bool {
			w.Header().Set("Content-Range", "bytes 50-")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(data[50:])
			return true
		}, []string{"", "bytes=100-", ""}},
		{"the range is refused", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}, []string{"", "bytes=100-", ""}},
	} {
		s, url := serve(t, b)
		data := s.files["/bucket/npm/all.zip"]
		var ranges []string
		s.broken = func(w http.ResponseWriter, r *http.Request, _ int32) bool {
			if !strings.HasSuffix(r.URL.Path, "all.zip") {
				return false
			}
			ranges = append(ranges, r.Header.Get("Range"))
			w.Header().Set("ETag", `"one"`)
			w.Header().Set("X-Goog-Hash", "crc32c="+base64CRC(data))
			switch {
			case len(ranges) == 1:
				w.Header().Set("Content-Length", fmt.Sprint(len(data)))
				w.Write(data[:100])
				return true
			case len(ranges) == 2 && tt.second != nil:
				return tt.second(w, r, data)
			}
			http.ServeContent(w, r, "all.zip", time.Time{}, strings.NewReader(string(data)))
			return true
		}
		dir := t.TempDir()
		_, err := Update(t.Context(), UpdateOptions{Dir: dir, Source: url, Pause: time.Microsecond})
		if err != nil || !slices.Equal(ranges, tt.ranges) {
			t.Errorf("%s: %q %v", tt.why, ranges, err)
			continue
		}
		if err := Verify(dir); err != nil {
			t.Error(err)
		}
	}
}

// TestMirrors: what one source cannot give the next one does, each ecosystem whole
// from one of them.
func TestMirrors(t *testing.T) {
	_, good := serve(t, fixture())
	broken, bad := serve(t, fixture())
	delete(broken.files, "/bucket/ecosystems.txt")
	broken.files["/bucket/npm/all.zip"] = []byte("<html>")
	delete(broken.files, "/bucket/Go/all.zip")
	st, err := Update(t.Context(), UpdateOptions{Dir: t.TempDir(), Source: bad, Mirrors: []string{good}, Pause: time.Microsecond})
	if err != nil || len(st.Ecosystems) != 7 {
		t.Fatal(st, err)
	}
	for _, c := range st.Changes {
		want := bad
		if c.Name == "npm" || c.Name == "Go" {
			want = good
		}
		if c.Source != want {
			t.Errorf("%s came from %s", c.Name, c.Source)
		}
	}
	_, err = Update(t.Context(), UpdateOptions{Dir: t.TempDir(), Source: bad, Mirrors: []string{bad}, Pause: time.Microsecond})
	if err == nil || strings.Count(err.Error(), bad) < 2 {
		t.Errorf("both fail: %v", err)
	}
	gone := filepath.Join(t.TempDir(), "x")
	if st, err := Update(t.Context(), UpdateOptions{Dir: t.TempDir(), Source: gone, Mirrors: []string{good}}); err != nil || len(st.Ecosystems) != 7 {
		t.Errorf("a mirror that is not there: %v", err)
	}
	if _, err := Update(t.Context(), UpdateOptions{Dir: t.TempDir(), Source: gone, Mirrors: []string{gone}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("two mirrors that are not there: %v", err)
	}
}

// FuzzListing: any text is a listing of valid ids or an error.
func FuzzListing(f *testing.F) {
	f.Add("2026-08-16T00:00:00Z,GHSA-x\n2026-08-16T00:00:00.5Z,ALSA-2026:1\r\n")
	f.Add("2026-08-16T00:00:00Z,../x")
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := parseListing(text)
		if (err == nil) == (ids == nil) {
			t.Fatal(ids, err)
		}
		for id := range ids {
			if !filepath.IsLocal(id) || strings.ContainsAny(id, `/\`) {
				t.Errorf("%q", id)
			}
		}
	})
}
