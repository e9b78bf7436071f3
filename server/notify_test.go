package server

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet/internal/testdb"
)

// TestNotifications: what newly blocks is told once, signed, in each shape.
func TestNotifications(t *testing.T) {
	told := make(chan *http.Request, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		told <- r
	}))
	defer receiver.Close()
	t.Setenv("FNVET_TEST_URL", receiver.URL)
	s := start(t, testdb.SQLite(t), `
notifications:
- {name: json, url: "env:FNVET_TEST_URL", secret: "env:FNVET_TEST_SECRET", private: true}
- {name: slack, url: "env:FNVET_TEST_URL", format: slack, private: true}
- {name: teams, url: "env:FNVET_TEST_URL", format: teams, private: true}
- {name: fenced, url: "env:FNVET_TEST_URL"}
`)
	s.await(s.do("POST", "/hooks/distribution", "test-not-a-secret", pushBody).id(t), "done")
	seen := map[string]bool{}
	for range 3 {
		select {
		case r := <-told:
			body, _ := io.ReadAll(r.Body)
			var message map[string]any
			if err := json.Unmarshal(body, &message); err != nil || !strings.Contains(string(body), "GHSA-1") {
				t.Errorf("message %s: %v", body, err)
			}
			switch {
			case message["schema"] == "fnvet/event/1":
				seen["json"] = true
				at := r.Header.Get("X-Fnvet-Timestamp")
				if want := "sha256=" + signature("test-not-a-secret", at, body); r.Header.Get("X-Fnvet-Signature-256") != want || at == "" {
					t.Errorf("signature %q, want %q", r.Header.Get("X-Fnvet-Signature-256"), want)
				}
			case message["blocks"] != nil:
				seen["slack"] = true
			case message["attachments"] != nil:
				seen["teams"] = true
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("told only %v", seen)
		}
	}
	if len(seen) != 3 {
		t.Errorf("told %v", seen)
	}
}
