package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/advisory"
	"github.com/fnvet/fnvet/internal/testdb"
)

func TestRound(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := start(t, url, "")
		if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); g.status != http.StatusNotFound {
			t.Errorf("before: %d %s", g.status, g.body)
		}
		first := s.do("POST", "/hooks/distribution", "test-not-a-secret", pushBody)
		id := first.id(t)
		if again := s.do("POST", "/hooks/distribution", "test-not-a-secret", pushBody); again.status != http.StatusAccepted || again.body != first.body {
			t.Errorf("delivered again: %d %s, first %s", again.status, again.body, first.body)
		}
		s.await(id, "done")
		for _, r := range []struct{ path, want string }{
			{"/api/v1/verdicts/" + testDigest, `"pass":false,"code":1,"blocking":1`},
			{"/api/v1/artifacts?purl=pkg:npm/lodash", `"repository":"fn/app"`},
			{"/api/v1/artifacts?purl=pkg:npm/none", `"artifacts":[]`},
			{"/api/v1/artifacts?advisory=CVE-GHSA-1", `"repository":"fn/app"`},
			{"/api/v1/scans?state=done&repository=fn/app", `"id":` + id},
			{"/api/v1/scans/" + id + "/report", `"schema": "fnvet/report/1"`},
			{"/api/v1/scans/" + id + "/sbom", `"bomFormat"`},
			{"/api/v1/scans/" + id + "/sbom?format=spdx-json", `"spdxVersion"`},
			{"/", "fn/app:1"},
			{"/?q=fn%2Fapp&verdict=fail", "fn/app:1"},
			{"/?verdict=pass", "No artifact is like that"},
			{"/artifacts/1", "a &lt;b&gt;flaw&lt;/b&gt;"},
			{"/search?package=lod", "pkg:npm/lodash@4.17.20"},
			{"/search?advisory=GHSA-1", "fn/app:1"},
			{"/queue", "Nothing waits"},
			{"/metrics", "fnvet_events_accepted_total"},
			{"/readyz", "ready"},
		} {
			if g := s.do("GET", r.path, "read", ""); g.status != http.StatusOK || !strings.Contains(g.body, r.want) {
				t.Errorf("%s: %d, want %q in %s", r.path, g.status, r.want, g.body)
			}
		}
		s.rescanned(t, id)
	})
}

// rescanned lets new advisories come: one flaw is gone, another is there.
func (s *testServer) rescanned(t *testing.T, id string) {
	s.scanner.mu.Lock()
	s.scanner.database, s.scanner.flaws = "db2", map[string]string{"pkg:npm/left-pad@1.3.0": "GHSA-2"}
	s.scanner.mu.Unlock()
	names := []advisory.PackageName{{Ecosystem: "npm", Name: "left-pad"}, {Ecosystem: "npm", Name: "unheard-of"}}
	if err := s.Rescan(t.Context(), "db1", names, false); err != nil {
		t.Fatal(err)
	}
	// lodash was not asked for: its finding stays.
	if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); !strings.Contains(g.body, `"blocking":2`) || !strings.Contains(g.body, `"database":"db2"`) {
		t.Errorf("after the rescan: %s", g.body)
	}
	for advisory, want := range map[string]string{"GHSA-2": "fn/app", "GHSA-1": "fn/app"} {
		if g := s.do("GET", "/api/v1/artifacts?advisory="+advisory, "read", ""); !strings.Contains(g.body, want) {
			t.Errorf("%s: %s", advisory, g.body)
		}
	}
	if g := s.do("GET", "/artifacts/1", "read", ""); !strings.Contains(g.body, "What changed") || !strings.Contains(g.body, "GHSA-2") {
		t.Error("the page does not say what changed")
	}
	s.scanner.mu.Lock()
	s.scanner.database = "db4" // db3 was missed
	s.scanner.mu.Unlock()
	if err := s.Rescan(t.Context(), "db3", nil, false); err != nil {
		t.Fatal(err)
	}
	if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); !strings.Contains(g.body, `"blocking":1`) || !strings.Contains(g.body, `"database":"db4"`) {
		t.Errorf("after one that compares everything: %s", g.body)
	}
	if g := s.do("GET", "/api/v1/scans/"+id+"/report", "read", ""); !strings.Contains(g.body, "GHSA-1") {
		t.Error("the report of the first scan was changed")
	}
}

// TestReferrers: what is beside an image and no image ends without a verdict.
func TestReferrers(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	id := s.do("POST", "/hooks/distribution", "test-not-a-secret", strings.Replace(pushBody, "fn/app", "fn/sbom", 1)).id(t)
	if c := s.await(id, "done"); !strings.Contains(c, "no image") || !strings.Contains(c, `"verdict":null`) || !strings.Contains(c, `"report":null`) {
		t.Errorf("scan %s", c)
	}
	if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); g.status != http.StatusNotFound {
		t.Errorf("verdict: %d", g.status)
	}
	if g := s.do("GET", "/api/v1/scans?state=done", "read", ""); !strings.Contains(g.body, `"id":`+id) {
		t.Errorf("done: %s", g.body)
	}
	if g := s.do("GET", "/queue", "read", ""); !strings.Contains(g.body, "Nothing waits") {
		t.Error("it waits")
	}
}
