package server

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says whether requests can be served well: the store answers, there are
// advisories and they are fresh enough, and the end has not begun.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	select {
	case <-s.stop:
		return fault(http.StatusServiceUnavailable, "the server is about to end")
	default:
	}
	if err := s.Store.Ping(r.Context()); err != nil {
		return fault(http.StatusServiceUnavailable, "the store does not answer")
	}
	dated, why := s.stale()
	if why != "" {
		return fault(http.StatusServiceUnavailable, why+"; type: fnvet db update")
	}
	return answer(w, http.StatusOK, map[string]string{"status": "ready", "database": dated.UTC().Format(time.RFC3339)})
}

// stale says of when the advisories are, and why they will not do, or "".
func (s *Server) stale() (dated time.Time, why string) {
	_, dated = s.Scanner.Version()
	switch {
	case dated.IsZero():
		why = "there is no advisory database"
	case s.MaxDatabaseAge > 0 && time.Since(dated) > s.MaxDatabaseAge:
		why = "the newest advisory is of " + dated.UTC().Format(time.RFC3339)
	}
	return dated, why
}

// metrics are what /metrics shows, in Prometheus' text format, version 0.0.4.
// Labels hold nothing of a request but the route. Its client library would cost
// every start of the program, of a plain scan too, 0.4 ms.
// https://prometheus.io/docs/instrumenting/exposition_formats/
type metrics struct {
	s        *Server
	mu       sync.Mutex
	requests map[[2]string]int64   // by route and status
	seconds  map[string]*histogram // by route
	accepted map[string]int64      // by source
	scans    map[string]int64      // by outcome
	layers   map[string]int64      // by what was done with them
	scanning *histogram
}

// A histogram counts durations by upper bounds, in seconds.
type histogram struct {
	bounds []float64
	counts []int64 // one more than bounds
	sum    float64
}

func newHistogram(bounds ...float64) *histogram {
	return &histogram{bounds: bounds, counts: make([]int64, len(bounds)+1)}
}

func (h *histogram) observe(d time.Duration) {
	at, _ := slices.BinarySearch(h.bounds, d.Seconds())
	h.counts[at]++
	h.sum += d.Seconds()
}

func newMetrics(s *Server) *metrics {
	return &metrics{
		s: s, requests: map[[2]string]int64{}, seconds: map[string]*histogram{}, accepted: map[string]int64{}, scans: map[string]int64{},
		layers:   map[string]int64{"known": 0, "searched": 0},
		scanning: newHistogram(.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300),
	}
}

func (m *metrics) request(route string, code int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[[2]string{route, strconv.Itoa(code)}]++
	if m.seconds[route] == nil {
		m.seconds[route] = newHistogram(.001, .005, .01, .025, .05, .1, .25, .5, 1, 5)
	}
	m.seconds[route].observe(took)
}

func (m *metrics) events(source string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accepted[source] += int64(n)
}

func (m *metrics) scan(outcome string, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scans[outcome]++
	m.scanning.observe(took)
}

func (m *metrics) layered(known, searched int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.layers["known"] += int64(known)
	m.layers["searched"] += int64(searched)
}

func (m *metrics) serve(w http.ResponseWriter, r *http.Request) error {
	var b bytes.Buffer
	m.mu.Lock()
	head(&b, "fnvet_http_requests_total", "counter", "Requests by route and status.")
	for _, k := range slices.SortedFunc(maps.Keys(m.requests), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		fmt.Fprintf(&b, "fnvet_http_requests_total{route=%q,status=%q} %d\n", k[0], k[1], m.requests[k])
	}
	head(&b, "fnvet_http_request_seconds", "histogram", "Time to answer, by route.")
	for _, route := range slices.Sorted(maps.Keys(m.seconds)) {
		m.seconds[route].write(&b, "fnvet_http_request_seconds", fmt.Sprintf("route=%q,", route))
	}
	counts(&b, "fnvet_events_accepted_total", "counter", "Events accepted, by source.", "source", m.accepted)
	counts(&b, "fnvet_scans_total", "counter", "Attempts of scans that ended here, by outcome.", "outcome", m.scans)
	head(&b, "fnvet_scan_seconds", "histogram", "Time of one scan.")
	m.scanning.write(&b, "fnvet_scan_seconds", "")
	counts(&b, "fnvet_layers_total", "counter", "Layers of images scanned here, by whether the cache knew what is in them.", "layer", m.layers)
	m.mu.Unlock()
	if n, size, err := m.s.Store.Layers(r.Context()); err == nil {
		head(&b, "fnvet_layer_cache_entries", "gauge", "Layers that the store keeps the findings of.")
		fmt.Fprintf(&b, "fnvet_layer_cache_entries %d\n", n)
		head(&b, "fnvet_layer_cache_bytes", "gauge", "Size of them.")
		fmt.Fprintf(&b, "fnvet_layer_cache_bytes %d\n", size)
	}
	if d, err := m.s.Store.Depth(r.Context()); err == nil {
		counts(&b, "fnvet_jobs", "gauge", "Scans that are not done, by state.", "state",
			map[string]int64{"queued": d.Queued, "running": d.Running, "failed": d.Failed, "dead": d.Dead})
	}
	if _, dated := m.s.Scanner.Version(); !dated.IsZero() {
		head(&b, "fnvet_database_age_seconds", "gauge", "Age of the newest advisory.")
		fmt.Fprintf(&b, "fnvet_database_age_seconds %.0f\n", time.Since(dated).Seconds())
	}
	head(&b, "go_goroutines", "gauge", "Goroutines that exist.")
	fmt.Fprintf(&b, "go_goroutines %d\n", runtime.NumGoroutine())
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, err := w.Write(b.Bytes())
	return ignoreGone(err)
}

func head(b *bytes.Buffer, name, kind, help string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func counts(b *bytes.Buffer, name, kind, help, label string, values map[string]int64) {
	head(b, name, kind, help)
	for _, k := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(b, "%s{%s=%q} %d\n", name, label, k, values[k])
	}
}

func (h *histogram) write(b *bytes.Buffer, name, labels string) {
	var n int64
	for i, bound := range h.bounds {
		n += h.counts[i]
		fmt.Fprintf(b, "%s_bucket{%sle=\"%g\"} %d\n", name, labels, bound, n)
	}
	n += h.counts[len(h.bounds)]
	fmt.Fprintf(b, "%s_bucket{%sle=\"+Inf\"} %d\n", name, labels, n)
	only := strings.TrimSuffix(labels, ",")
	if only != "" {
		only = "{" + only + "}"
	}
	fmt.Fprintf(b, "%s_sum%s %g\n%s_count%s %d\n", name, only, h.sum, name, only, n)
}
