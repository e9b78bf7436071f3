package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/internal/testdb"
)

// TestHostileRequests: whatever is sent, the answer is a problem of the caller's.
func TestHostileRequests(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	huge := `{"a":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, r := range s.routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		path = strings.NewReplacer("{$}", "", "{id}", "1", "{digest}", "sha256:x", "{source}", "distribution", "{secret}", "x", "{token}", "x").Replace(path)
		for _, c := range []struct {
			reason, token, body string
			headers             []string
			want                []int // nil: any below 500
		}{
			{"no token", "", `{}`, nil, nil},
			{"a wrong token", "wrong", `{}`, nil, nil},
			{"malformed", "boss", `{"a":`, nil, nil},
			{"nothing", "boss", "", nil, nil},
			{"an array", "boss", `[]`, nil, nil},
			{"null", "boss", `null`, nil, nil},
			{"a wrong type", "boss", `{"target":7,"request":7,"registry":7,"events":7}`, nil, nil},
			{"deeply nested", "boss", deep, nil, nil},
			{"oversized", "boss", huge, nil, nil},
			{"a lie about gzip", "boss", `{}`, []string{"Content-Encoding", "gzip"}, nil},
			{"an encoding nobody knows", "boss", `{}`, []string{"Content-Encoding", "br"}, nil},
			{"not UTF-8", "boss", "{\"a\":\"\xff\xfe\"}", nil, nil},
			{"another site's page", "boss", `{}`, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, nil},
		} {
			g := s.do(method, path, c.token, c.body, c.headers...)
			if g.status >= 500 {
				t.Errorf("%s, %s: %d %s", r.pattern, c.reason, g.status, g.body)
			}
			if g.status >= 400 && (!r.adapter || !strings.Contains(g.body, `"message"`)) && (g.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(g.body, `"detail"`)) {
				t.Errorf("%s, %s: %d without a problem: %s", r.pattern, c.reason, g.status, g.body)
			}
			if strings.Contains(g.body, "Go value") || strings.Contains(g.body, "unmarshal") {
				t.Errorf("%s, %s: in words of the program: %s", r.pattern, c.reason, g.body)
			}
			if r.scope != "" && (c.reason == "no token" || c.reason == "a wrong token") && g.status != http.StatusUnauthorized {
				t.Errorf("%s, %s: %d", r.pattern, c.reason, g.status)
			}
			if method == http.MethodPost && c.reason == "another site's page" && g.status != http.StatusForbidden {
				t.Errorf("%s, %s: %d", r.pattern, c.reason, g.status)
			}
		}
	}
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
