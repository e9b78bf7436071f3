package main

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet/advisory"
)

// osvBucket writes a bucket with records of npm packages: "name id modified".
func osvBucket(t *testing.T, dir string, rows ...string) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, row := range rows {
		f := strings.Fields(row)
		w, err := z.Create(f[1] + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, `{"id":"`+f[1]+`","modified":"`+f[2]+`","database_specific":{"severity":"HIGH"},"affected":[{"package":{"ecosystem":"npm","name":"`+f[0]+`"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "npm"), 0o750); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"ecosystems.txt": []byte("npm\n"), "npm/all.zip": b.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServiceUpdate: what an update changed is told by name, or that it cannot be.
func TestServiceUpdate(t *testing.T) {
	bucket, dir := t.TempDir(), t.TempDir()
	s := &service{cli: &cli{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}, dir: dir}
	s.flags.db = dbFlags{dir: dir, sources: []string{bucket}}
	update := func() (from string, names []string, all bool) {
		t.Helper()
		from, changed, all, err := s.Update(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range changed {
			names = append(names, n.Ecosystem+"/"+n.Name)
		}
		return from, names, all
	}
	osvBucket(t, bucket, "a A-1 2026-01-01T00:00:00Z", "b B-1 2026-01-01T00:00:00Z")
	if from, names, all := update(); from != "" || names != nil || !all {
		t.Errorf("the first: %q %v %v", from, names, all)
	}
	v1, dated := s.Version()
	if from, names, all := update(); from != v1.Database || names != nil || all || dated.IsZero() {
		t.Errorf("nothing new: %q %v %v", from, names, all)
	}
	// An update that found nothing new leaves what jobs are unique by as it is, and is
	// told all the same: the database is as old as its last update.
	if v, _ := s.Version(); v.Database != v1.Database {
		t.Errorf("nothing new is another database: %s, before %s", v.Database, v1.Database)
	}
	if _, err := advisory.Update(t.Context(), advisory.UpdateOptions{Dir: dir, Source: bucket, KEV: advisory.NoFeed, EPSS: advisory.NoFeed, Now: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.checked = time.Time{}
	s.mu.Unlock()
	db, release, err := s.hold()
	if err != nil || db.ID() != v1.Database || time.Until(db.Status().Updated) < 30*time.Minute {
		t.Errorf("the file of the last update is not the one that is open: %v", err)
	}
	release()
	osvBucket(t, bucket, "a A-1 2026-01-01T00:00:00Z", "b B-1 2026-01-02T00:00:00Z", "c C-1 2026-01-02T00:00:00Z")
	if from, names, all := update(); from != v1.Database || !slices.Equal(names, []string{"npm/b", "npm/c"}) || all {
		t.Errorf("two names: %q %v %v", from, names, all)
	}
	v2, _ := s.Version()
	if v2.Database == v1.Database {
		t.Error("the new database is not taken at once")
	}
	// Another process updated twice meanwhile: what was before is not known here.
	for _, rows := range [][]string{{"a A-1 2026-01-03T00:00:00Z"}, {"a A-1 2026-01-04T00:00:00Z"}} {
		osvBucket(t, bucket, rows...)
		if _, err := advisory.Update(t.Context(), s.flags.db.options(dir)); err != nil {
			t.Fatal(err)
		}
	}
	osvBucket(t, bucket, "a A-1 2026-01-05T00:00:00Z")
	s.mu.Lock()
	s.checked = time.Now() // it has not looked meanwhile
	s.mu.Unlock()
	if from, _, all := update(); from != v2.Database || !all {
		t.Errorf("after updates of others: %q %v", from, all)
	}
	if err := os.RemoveAll(bucket); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Update(t.Context()); err == nil || !strings.Contains(err.Error(), "advisory database") {
		t.Errorf("no source: %v", err)
	}
	if v, _ := s.Version(); v.Database == "none" {
		t.Error("a failed update took the database away")
	}
}

// TestServeNewAdvisories: what was scanned before an advisory came is judged by it,
// without being sent again.
func TestServeNewAdvisories(t *testing.T) {
	env := home(t)
	bucket, db := t.TempDir(), t.TempDir()
	day := time.Now().UTC().Format("2006-01-02T") + "00:00:00Z"
	osvBucket(t, bucket, "other O-1 "+day)
	s := launch(t, env, "serve", "--listen", "127.0.0.1:0", "--db", db, "--db-source", bucket, "--update-every", "2s", "--max-db-age", "0")
	var accepted struct{ ID int64 }
	for range 100 { // the first advisories come soon
		if s.get("/readyz", nil) == http.StatusOK {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	lock := []byte(`{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.20"}}}`)
	if status, err := s.ask(http.MethodPost, "/api/v1/scans?name=package-lock.json", "application/octet-stream", lock, &accepted); err != nil || status != http.StatusAccepted {
		t.Fatalf("%d, %v", status, err)
	}
	scan := s.awaitScans(1).Scans[0]
	verdict := func() (v struct {
		Code, Blocking   int
		Scan             int64
		Judged, Database string
	}) {
		if status := s.get("/api/v1/verdicts/"+scan.Digest, &v); status != http.StatusOK {
			t.Fatalf("verdict: %d", status)
		}
		return v
	}
	before := verdict()
	if before.Blocking != 0 {
		t.Fatalf("before: %+v", before)
	}
	osvBucket(t, bucket, "other O-1 "+day, "lodash L-1 "+day)
	for range 300 {
		if v := verdict(); v.Blocking == 1 {
			if v.Code != 1 || v.Database == before.Database {
				t.Errorf("after: %+v, before %+v", v, before)
			}
			s.stop()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("never: %+v\n%s", verdict(), s.log.String())
}
