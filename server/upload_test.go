package server

import (
	"strings"
	"testing"

	"github.com/fnvet/fnvet/internal/testdb"
	"github.com/fnvet/fnvet/server/store"
)

// TestDamagedUpload: an upload that is not in the store as it was sent is not
// scanned for what it was.
func TestDamagedUpload(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	id := s.do("POST", "/api/v1/scans?name=fn.zip", "scan", "PK\x03\x04 first", "Content-Type", "application/zip").id(t)
	s.await(id, "done") // the worker runs
	digest, err := s.Store.PutUpload(t.Context(), "damaged", strings.NewReader("PK\x03\x04 as it was sent"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	remove, err := s.fetchUpload(t.Context(), &store.Scan{Upload: "damaged", Digest: digest}, &Target{})
	if err != nil {
		t.Fatal(err)
	}
	remove()
	if _, err := s.fetchUpload(t.Context(), &store.Scan{Upload: "damaged", Digest: testDigest}, &Target{}); err == nil || !strings.Contains(err.Error(), "damaged in the store") {
		t.Errorf("error %v", err)
	}
}
