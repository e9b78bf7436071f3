package server

import (
	"testing"
	"time"

	"github.com/fnvet/fnvet/internal/testdb"
)

func TestReadiness(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	for _, r := range []struct {
		dated time.Time
		want  int
	}{{time.Now(), 200}, {time.Now().Add(-2 * time.Hour), 503}, {time.Time{}, 503}} {
		s.scanner.mu.Lock()
		s.scanner.dated = r.dated
		s.scanner.mu.Unlock()
		if g := s.do("GET", "/readyz", "", ""); g.status != r.want {
			t.Errorf("dated %v: %d, want %d", r.dated, g.status, r.want)
		}
	}
}
