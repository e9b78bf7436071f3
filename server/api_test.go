package server

import (
	"errors"
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
	s.scanner.fail = errors.New("the registry answered 500")
	id := s.do("POST", "/api/v1/scans", "scan", `{"target":"registry.example:5000/fn/app@`+testDigest+`"}`).id(t)
	if c := s.await(id, "dead"); !strings.Contains(c, `"attempts":2`) || !strings.Contains(c, "answered 500") {
		t.Errorf("dead letter %s", c)
	}
	if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); g.status != http.StatusConflict {
		t.Errorf("verdict of what was given up: %d", g.status)
	}
	if g := s.do("GET", "/queue", "read", ""); !strings.Contains(g.body, "Try again") {
		t.Error("the page has no button")
	}
	s.scanner.fail = nil
	if g := s.do("POST", "/api/v1/dead/"+id+"/replay", "boss", ""); g.status != http.StatusAccepted {
		t.Errorf("replay: %d %s", g.status, g.body)
	}
	s.await(id, "done")
	if g := s.do("POST", "/api/v1/dead/"+id+"/replay", "boss", ""); g.status != http.StatusConflict {
		t.Errorf("replay of what is done: %d", g.status)
	}
}
