package advisory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/google/go-cmp/cmp"
)

// web serves a bucket as an object store does: with ETags and conditional requests.
type web struct {
	files    map[string][]byte
	requests atomic.Int32
	bytes    atomic.Int64
	broken   func(w http.ResponseWriter, r *http.Request, n int32) bool // handles the n-th request itself
}

func serve(tb testing.TB, b bucket) (*web, string) {
	tb.Helper()
	s := &web{files: map[string][]byte{}}
	dir := b.write(tb)
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		data, err := os.ReadFile(path)
		s.files["/bucket/"+filepath.ToSlash(name)] = data
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(s)
	tb.Cleanup(server.Close)
	return s, server.URL + "/bucket"
}

func (s *web) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.requests.Add(1)
	if s.broken != nil && s.broken(w, r, n) {
		return
	}
	data, ok := s.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	tag := fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(data))[:16])
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.bytes.Add(int64(len(data)))
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	w.Write(data)
}

func TestUpdateFromDirectoryAndWeb(t *testing.T) {
	fromDir := fixture().build(t)
	_, url := serve(t, fixture())
	fromWeb := t.TempDir()
	if _, err := Update(t.Context(), UpdateOptions{Dir: fromWeb, Source: url, Now: fixtureNow}); err != nil {
		t.Fatal(err)
	}
	a, b := open(t, fromDir), open(t, fromWeb)
	want := Status{
		Updated: fixtureNow, Modified: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), Advisories: 15, Format: Format,
		Ecosystems: []EcosystemStatus{
			{Name: "Alpine", Advisories: 1, Packages: 1}, {Name: "AlmaLinux", Advisories: 1, Packages: 1},
			{Name: "Debian", Advisories: 4, Packages: 1}, {Name: "Go", Advisories: 1, Packages: 1},
			{Name: "Maven", Advisories: 2, Packages: 3}, {Name: "PyPI", Advisories: 2, Packages: 1}, {Name: "npm", Advisories: 4, Packages: 4},
		},
	}
	slices.SortFunc(want.Ecosystems, func(a, b EcosystemStatus) int { return strings.Compare(a.Name, b.Name) })
	for _, db := range []*DB{a, b} {
		got := db.Status()
		if got.Size == 0 || got.Source == "" {
			t.Errorf("%+v", got)
		}
		got.Size, got.Source = 0, ""
		for i := range got.Ecosystems {
			if got.Ecosystems[i].Modified.After(fixtureNow) || !got.Ecosystems[i].Updated.Equal(fixtureNow) {
				t.Errorf("%+v", got.Ecosystems[i])
			}
			got.Ecosystems[i].Modified, got.Ecosystems[i].Updated = time.Time{}, time.Time{}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	for _, dir := range []string{fromDir, fromWeb} {
		if err := Verify(dir); err != nil {
			t.Error(err)
		}
	}
}

// TestUpdateDeterministic: the same source gives the same bytes.
func TestUpdateDeterministic(t *testing.T) {
	src := fixture().write(t)
	var first []byte
	for range 3 {
		dir := t.TempDir()
		if _, err := Update(t.Context(), UpdateOptions{Dir: dir, Source: src, Now: fixtureNow}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, indexName))
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && !bytes.Equal(first, data) {
			t.Error("two updates differ")
		}
		first = data
	}
}

// TestUpdateUnchanged: a second update asks, gets 304 and keeps every section.
func TestUpdateUnchanged(t *testing.T) {
	s, url := serve(t, fixture())
	dir := t.TempDir()
	o := UpdateOptions{Dir: dir, Source: url, Now: fixtureNow}
	if _, err := Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.bytes.Store(0)
	same := 0
	o.Now = fixtureNow.Add(time.Hour)
	o.Progress = func(p Progress) {
		if p.Stage == StageSame {
			same++
		}
	}
	st, err := Update(t.Context(), o)
	if err != nil || same != 7 || s.bytes.Load() != int64(len(s.files["/bucket/ecosystems.txt"])) {
		t.Errorf("%d sections unchanged, %d bytes sent: %v", same, s.bytes.Load(), err)
	}
	if st.Advisories != 15 || !st.Updated.Equal(o.Now) {
		t.Errorf("%+v", st)
	}
	if err := Verify(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, previousName)); err != nil {
		t.Error("the previous index is gone:", err)
	}
}

// TestUpdateSubset: an update of one ecosystem keeps the others.
func TestUpdateSubset(t *testing.T) {
	b := fixture()
	src := b.write(t)
	dir := t.TempDir()
	for _, list := range [][]string{{"npm"}, {"Debian:12", "Go"}, {"Go"}} {
		if _, err := Update(t.Context(), UpdateOptions{Dir: dir, Source: src, Ecosystems: list, Now: fixtureNow}); err != nil {
			t.Fatal(err)
		}
	}
	db := open(t, dir)
	var names []string
	for _, e := range db.Status().Ecosystems {
		names = append(names, e.Name)
	}
	if d := cmp.Diff([]string{"Debian", "Go", "npm"}, names); d != "" {
		t.Error(d)
	}
	findings, gaps, err := db.Match(t.Context(), []fnvet.Package{pkg("npm", "evil", "6.6.6"), pkg("PyPI", "x", "1")})
	if err != nil || len(findings) != 1 || len(gaps) != 1 {
		t.Error(findings, gaps, err)
	}
}

// TestUpdateFailure: whatever goes wrong, the database in place stays as it is.
func TestUpdateFailure(t *testing.T) {
	good := fixture().zip(t, "npm")
	tests := []struct {
		why  string
		file []byte // of npm/all.zip; nil is a missing file
		want error
	}{
		{"missing", nil, os.ErrNotExist},
		{"cut off", good[:len(good)/2], ErrSource},
		{"empty", []byte{}, ErrSource},
		{"a page instead of a zip", []byte("<html>Sign in to the network</html>"), ErrSource},
		{"a zip without records", bucket{}.zip(t, "npm"), ErrSource},
		{"no record of the ecosystem", fixture().zip(t, "Go"), ErrSource},
		{"a flipped byte in a record", flip(good, 60), ErrSource},
	}
	for _, tt := range tests {
		dir := fixture().build(t)
		before := contents(t, dir)
		src := fixture().write(t)
		path := filepath.Join(src, "npm", "all.zip")
		if tt.file == nil {
			os.Remove(path)
		} else {
			put(t, path, tt.file)
		}
		_, err := Update(t.Context(), UpdateOptions{Dir: dir, Source: src, Now: fixtureNow})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.why, err)
		}
		if d := cmp.Diff(before, contents(t, dir)); d != "" {
			t.Errorf("%s: the directory changed:\n%s", tt.why, d)
		}
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 0x20
	return b
}

// contents maps the names in a directory to digests.
func contents(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	list := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			tb.Fatal(err)
		}
		list[e.Name()] = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	return list
}

// TestUpdateKilled: what a killed update leaves behind is no database, harms
// none, and is cleared away by the next update.
func TestUpdateKilled(t *testing.T) {
	dir := fixture().build(t)
	half, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "advisories.123.tmp"), half[:len(half)/2])
	put(t, filepath.Join(dir, "advisories.456.tmp"), nil)
	if err := Verify(dir); err != nil {
		t.Error(err)
	}
	if _, err := Update(t.Context(), UpdateOptions{Dir: dir, Source: fixture().write(t), Now: fixtureNow}); err != nil {
		t.Fatal(err)
	}
	for name := range contents(t, dir) {
		if strings.HasSuffix(name, ".tmp") {
			t.Errorf("%s is still there", name)
		}
	}
	if err := Verify(dir); err != nil {
		t.Error(err)
	}
}

func TestUpdateReplacesDamaged(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, indexName), []byte("not a database"))
	if _, err := Open(dir); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
	if _, err := Update(t.Context(), UpdateOptions{Dir: dir, Source: fixture().write(t)}); err != nil {
		t.Fatal(err)
	}
	if err := Verify(dir); err != nil {
		t.Error(err)
	}
}

func TestUpdateConcurrent(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	o := UpdateOptions{Dir: dir, Source: fixture().write(t)}
	if _, err := Update(t.Context(), o); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v", err)
	}
	unlock()
	if _, err := Update(t.Context(), o); err != nil {
		t.Error(err)
	}
}

func TestUpdateRetries(t *testing.T) {
	tests := []struct {
		why    string
		fail   func(w http.ResponseWriter, n int32) bool
		wantOK bool
		most   int32 // requests
	}{
		{"two 503, then data", func(w http.ResponseWriter, n int32) bool {
			if n <= 2 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return n <= 2
		}, true, 5},
		{"cut off once", func(w http.ResponseWriter, n int32) bool {
			if n != 2 {
				return false
			}
			w.Header().Set("Content-Length", "100000")
			w.Write([]byte("PK"))
			return true
		}, true, 4},
		{"not found is final", func(w http.ResponseWriter, n int32) bool {
			if n == 2 {
				w.WriteHeader(http.StatusNotFound)
			}
			return n == 2
		}, false, 2},
		{"always 500", func(w http.ResponseWriter, _ int32) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}, false, attempts},
	}
	for _, tt := range tests {
		b := bucket{"npm": fixture()["npm"]}
		s, url := serve(t, b)
		s.broken = func(w http.ResponseWriter, _ *http.Request, n int32) bool { return tt.fail(w, n) }
		_, err := Update(t.Context(), UpdateOptions{Dir: t.TempDir(), Source: url, Pause: time.Millisecond})
		if (err == nil) != tt.wantOK || s.requests.Load() > tt.most {
			t.Errorf("%s: %d requests: %v", tt.why, s.requests.Load(), err)
		}
	}
}

func TestUpdateStalled(t *testing.T) {
	s, url := serve(t, fixture())
	s.broken = func(w http.ResponseWriter, r *http.Request, _ int32) bool {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}
	start := time.Now()
	_, err := Update(t.Context(), UpdateOptions{Dir: t.TempDir(), Source: url, Stall: 30 * time.Millisecond, Pause: time.Millisecond})
	if !errors.Is(err, errStalled) || time.Since(start) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

func TestUpdateCancelled(t *testing.T) {
	s, url := serve(t, fixture())
	ctx, cancel := context.WithCancel(t.Context())
	s.broken = func(w http.ResponseWriter, _ *http.Request, _ int32) bool {
		cancel()
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	dir := t.TempDir()
	if _, err := Update(ctx, UpdateOptions{Dir: dir, Source: url}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrNoDatabase) {
		t.Error(err)
	}
}

func TestSourceErrors(t *testing.T) {
	for _, tt := range []UpdateOptions{
		{Source: filepath.Join(t.TempDir(), "none")}, {Source: "http://"}, {Source: t.TempDir()},
		{Source: fixture().write(t), Ecosystems: []string{"../npm"}}, {Source: fixture().write(t), Ecosystems: []string{""}},
	} {
		tt.Dir = t.TempDir()
		if _, err := Update(t.Context(), tt); err == nil {
			t.Errorf("%+v: no error", tt)
		}
	}
}

func TestMeter(t *testing.T) {
	m := &meter{ctx: t.Context(), r: iotest.OneByteReader(strings.NewReader("12345678")), left: 5, progress: func(int64, int64) {}}
	if got, err := io.ReadAll(m); !errors.Is(err, errTooLarge) || len(got) > 5 {
		t.Errorf("%q %v", got, err)
	}
}

// TestParseEcosystems: releases count once, unordered ecosystems not at all.
func TestParseEcosystems(t *testing.T) {
	got := parseEcosystems("npm\r\nDebian:12\nDebian:11\nDebian\nGIT\n\n[EMPTY]\n../x\nLinux\nUbuntu:22.04:LTS\n")
	if d := cmp.Diff([]string{"Debian", "Ubuntu", "npm"}, got); d != "" {
		t.Error(d)
	}
}

// TestUpdateDuplicates: of two records with one id the newer counts, and a
// record that is none is counted and passed over.
func TestUpdateDuplicates(t *testing.T) {
	record := func(modified, version string) string {
		return `{"id":"GHSA-x","modified":"` + modified + `","affected":[{"package":{"ecosystem":"npm","name":"twice"},"versions":["` + version + `"]}]}`
	}
	b := bucket{"npm": {record("2026-01-01T00:00:00Z", "1.0.0"), record("2026-01-02T00:00:00Z", "2.0.0"), `{"ID":"GHSA-y","affected":7}`}}
	db := open(t, b.build(t))
	findings, _, err := db.Match(t.Context(), []fnvet.Package{pkg("npm", "twice", "1.0.0"), pkg("npm", "twice", "2.0.0")})
	if err != nil || len(findings) != 1 || findings[0].Package.Version != "2.0.0" {
		t.Error(findings, err)
	}
	if e := db.Status().Ecosystems[0]; e.Advisories != 1 || e.Skipped != 1 {
		t.Errorf("%+v", e)
	}
}

func TestUpdateSkipMissing(t *testing.T) {
	_, url := serve(t, fixture())
	for _, src := range []string{url, fixture().write(t)} {
		dir := t.TempDir()
		o := UpdateOptions{Dir: dir, Source: src, Ecosystems: []string{"npm", "Hex"}}
		if _, err := Update(t.Context(), o); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("without: %v", err)
		}
		o.SkipMissing = true
		if st, err := Update(t.Context(), o); err != nil || len(st.Ecosystems) != 1 {
			t.Errorf("with: %+v %v", st, err)
		}
		o.Ecosystems = []string{"Hex"}
		if _, err := Update(t.Context(), o); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("nothing at all: %v", err)
		}
		if err := Verify(dir); err != nil {
			t.Error(err)
		}
	}
}
