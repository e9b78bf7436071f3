package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/internal/testdb"
)

func TestUploads(t *testing.T) {
	s := start(t, testdb.SQLite(t), "upload_limit_mib: 1\n")
	zip := "PK\x03\x04 whatever"
	id := s.do("POST", "/api/v1/scans?name=fn.zip", "scan", zip, "Content-Type", "application/zip").id(t)
	if same := s.do("POST", "/api/v1/scans?name=fn.zip", "scan", zip, "Content-Type", "application/zip").id(t); same != id {
		t.Errorf("the same package: scan %s, want %s", same, id)
	}
	s.await(id, "done")
	for _, r := range []struct {
		reason, path, body, kind string
		want                     int
	}{
		{"too large", "", strings.Repeat("x", 1<<20+1), "application/zip", 413},
		{"no body", "", "", "application/zip", 400},
		{"a name that climbs", "?name=..%2F..%2Fx", zip, "application/zip", 400},
		{"another kind", "", zip, "text/html", 415},
	} {
		if g := s.do("POST", "/api/v1/scans"+r.path, "scan", r.body, "Content-Type", r.kind); g.status != r.want {
			t.Errorf("%s: %d %s, want %d", r.reason, g.status, g.body, r.want)
		}
	}
}

func TestDeadLetters(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	s.scanner.mu.Lock()
	s.scanner.fail = errFake
	s.scanner.mu.Unlock()
	id := s.do("POST", "/api/v1/scans", "scan", `{"target":"registry.example:5000/fn/app@`+testDigest+`"}`).id(t)
	if c := s.await(id, "dead"); !strings.Contains(c, `"attempts":2`) || !strings.Contains(c, "answered 500") {
		t.Errorf("dead letter %s", c)
	}
	if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); g.status != http.StatusConflict {
		t.Errorf("verdict of what was given up: %d", g.status)
	}
	if g := s.do("GET", "/queue", "boss", ""); !strings.Contains(g.body, "Try again") {
		t.Error("the page has no button")
	}
	if g := s.do("GET", "/queue", "read", ""); strings.Contains(g.body, "Try again") || !strings.Contains(g.body, "answered 500") {
		t.Error("who may not try again is shown how")
	}
	if g := s.do("POST", "/queue/"+id+"/replay", "read", "", "Accept", "text/html"); g.status != http.StatusForbidden {
		t.Errorf("replay by who may not: %d", g.status)
	}
	s.scanner.mu.Lock()
	s.scanner.fail = nil
	s.scanner.mu.Unlock()
	if g := s.do("POST", "/api/v1/dead/"+id+"/replay", "boss", ""); g.status != http.StatusAccepted {
		t.Errorf("replay: %d %s", g.status, g.body)
	}
	s.await(id, "done")
	s.scanner.mu.Lock()
	s.scanner.fail, s.scanner.database = errFake, "db2"
	s.scanner.mu.Unlock()
	second := s.do("POST", "/api/v1/scans", "scan", `{"target":"registry.example:5000/fn/app@`+testDigest+`"}`).id(t)
	s.await(second, "dead")
	if g := s.do("POST", "/queue/"+second+"/replay", "boss", ""); g.status != http.StatusSeeOther || g.header.Get("Location") != "/queue" {
		t.Errorf("replay from the page: %d %s", g.status, g.body)
	}
	if g := s.do("POST", "/api/v1/dead/"+id+"/replay", "boss", ""); g.status != http.StatusConflict {
		t.Errorf("replay of what is done: %d", g.status)
	}
}
