package server

import (
	"strings"
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

// TestMetrics: the text is Prometheus' and counts what was done.
func TestMetrics(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	s.await(s.do("POST", "/hooks/distribution", "test-not-a-secret", pushBody).id(t), "done")
	s.metrics.layered(2, 1)
	g := s.do("GET", "/metrics", "", "")
	for _, want := range []string{
		`fnvet_http_requests_total{route="POST /hooks/{source}",status="202"} 1`,
		`fnvet_events_accepted_total{source="distribution"} 1`,
		`fnvet_scans_total{outcome="done"} 1`,
		`fnvet_layers_total{layer="known"} 2`,
		`fnvet_layers_total{layer="searched"} 1`,
		"fnvet_layer_cache_entries 0",
		"fnvet_layer_cache_bytes 0",
		`fnvet_jobs{state="dead"} 0`,
	} {
		if !strings.Contains(g.body, "\n"+want+"\n") {
			t.Errorf("there is no %s in\n%s", want, g.body)
		}
	}
}
