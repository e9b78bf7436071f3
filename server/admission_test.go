package server

import (
	"strings"
	"testing"

	"github.com/fnvet/fnvet/internal/testdb"
)

func TestAdmission(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	review := func(image string) string {
		return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u1","operation":"CREATE","object":{"spec":{"template":{"spec":{"containers":[{"image":"` + image + `"}]}}}}}}`
	}
	at := "registry.example:5000/fn/app@" + testDigest
	ask := func(image string) string { return s.do("POST", "/admission", "read", review(image)).body }
	if g := ask(at); !strings.Contains(g, `"allowed":false`) || !strings.Contains(g, "never scanned") || !strings.Contains(g, `"uid":"u1"`) {
		t.Errorf("never scanned: %s", g)
	}
	s.await(s.do("POST", "/api/v1/scans", "scan", `{"target":"`+at+`"}`).id(t), "done")
	if g := ask(at); !strings.Contains(g, `"allowed":false`) || !strings.Contains(g, "does not pass") {
		t.Errorf("one that fails: %s", g)
	}
	s.scanner.mu.Lock()
	s.scanner.flaws, s.scanner.database = nil, "db2"
	s.scanner.mu.Unlock()
	s.await(s.do("POST", "/api/v1/scans", "scan", `{"target":"`+at+`"}`).id(t), "done")
	if g := ask(at); !strings.Contains(g, `"allowed":true`) {
		t.Errorf("one that passes: %s", g)
	}
	if g := s.do("POST", "/admission/read", "", review(at)); !strings.Contains(g.body, `"allowed":true`) {
		t.Errorf("with the token in the path: %s", g.body)
	}
	if g := ask("registry.example:5000/fn/app:1"); !strings.Contains(g, "tag") || !strings.Contains(g, `"allowed":false`) {
		t.Errorf("by a tag: %s", g)
	}
}
