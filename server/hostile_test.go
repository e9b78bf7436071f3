package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/internal/testdb"
)

// TestHostileRequests: requests that are bad in a way of their own. TestBadRequests has
// those that are bad on every route.
func TestHostileRequests(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	huge := `{"a":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, c := range []struct {
		method, path, token, body string
		want                      int
		headers                   []string
	}{
		{"POST", "/hooks/distribution", "boss", huge, 413, nil},
		{"POST", "/hooks/distribution", "boss", deep, 400, nil},
		{"POST", "/hooks/distribution/test-not-a-secret", "", pushBody, 202, nil},
		{"POST", "/hooks/distribution/test-not-a-secret", "", `{"events":[]}`, 200, nil},
		{"POST", "/hooks/distribution", "test-not-a-secret", `{"events":[]}`, 200, nil},
		{"POST", "/hooks/distribution/wrong", "", pushBody, 401, nil},
		{"POST", "/hooks/github/test-not-a-secret", "", `{}`, 401, nil}, // a secret in the path is no signature
		{"POST", "/hooks/nobody", "boss", `{}`, 404, nil},
		{"POST", "/hooks/distribution", "read", pushBody, 403, nil},
		{"POST", "/hooks/distribution", "boss", strings.Replace(pushBody, "registry.example:5000", "169.254.169.254", 1), 403, nil},
		{"POST", "/api/v1/scans", "read", `{"target":"registry.example:5000/a:1"}`, 403, nil},
		{"POST", "/api/v1/scans", "scan", `{"target":"/etc/passwd"}`, 400, nil},
		{"POST", "/api/v1/scans", "scan", `{"target":"evil.example/a:1"}`, 403, nil},
		{"POST", "/api/v1/scans", "scan", `{"target":"s3://bucket/key"}`, 403, nil},
		{"POST", "/api/v1/scans", "scan", `{"target":"registry.example:5000/a:1","x":1}`, 400, nil},
		{"GET", "/api/v1/scans?state=x", "read", "", 400, nil},
		{"GET", "/api/v1/scans?cursor=x", "read", "", 400, nil},
		{"GET", "/api/v1/scans/999", "read", "", 404, nil},
		{"GET", "/api/v1/scans/99999999999999999999", "read", "", 404, nil},
		{"GET", "/api/v1/artifacts?purl=lodash", "read", "", 400, nil},
		{"DELETE", "/api/v1/scans", "boss", "", 405, nil},
		{"GET", "/nothing", "boss", "", 404, nil},
		{"GET", "//x/../y", "boss", "", 404, nil},
	} {
		if g := s.do(c.method, c.path, c.token, c.body, c.headers...); g.status != c.want {
			t.Errorf("%s %s as %q: %d %s, want %d", c.method, c.path, c.token, g.status, g.body, c.want)
		}
	}
	limited := 0
	for range 4 {
		if g := s.do("GET", "/api/v1/scans", "slow", ""); g.status == http.StatusTooManyRequests && g.header.Get("Retry-After") != "" {
			limited++
		}
	}
	if limited != 3 {
		t.Errorf("%d of 4 requests over the rate were refused", limited)
	}
}
