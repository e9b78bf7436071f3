package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
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
	_, dated := s.Scanner.Version()
	switch {
	case dated.IsZero():
		return fault(http.StatusServiceUnavailable, "there is no advisory database; type: fnvet db update")
	case s.MaxDatabaseAge > 0 && time.Since(dated) > s.MaxDatabaseAge:
		return fault(http.StatusServiceUnavailable, "the newest advisory is of "+dated.UTC().Format(time.RFC3339)+"; type: fnvet db update")
	}
	return answer(w, http.StatusOK, map[string]string{"status": "ready", "database": dated.UTC().Format(time.RFC3339)})
}

// metrics are what /metrics shows. Labels hold nothing of a request but the route.
type metrics struct {
	registry *prometheus.Registry
	handler  http.Handler
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	accepted *prometheus.CounterVec
	scans    *prometheus.CounterVec
	scanning prometheus.Histogram
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fnvet_http_requests_total", Help: "Requests by route and status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fnvet_http_request_seconds", Help: "Time to answer, by route.", Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 5},
		}, []string{"route"}),
		accepted: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fnvet_events_accepted_total", Help: "Events accepted, by source."}, []string{"source"}),
		scans:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fnvet_scans_total", Help: "Attempts of scans that ended here, by outcome."}, []string{"outcome"}),
		scanning: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fnvet_scan_seconds", Help: "Time of one scan.", Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.accepted, m.scans, m.scanning, &state{s})
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

func (m *metrics) request(route string, code int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

func (m *metrics) events(source string, n int) { m.accepted.WithLabelValues(source).Add(float64(n)) }

func (m *metrics) scan(outcome string, took time.Duration) {
	m.scans.WithLabelValues(outcome).Inc()
	m.scanning.Observe(took.Seconds())
}

func (m *metrics) serve(w http.ResponseWriter, r *http.Request) error {
	m.handler.ServeHTTP(w, r)
	return nil
}

// state is read from the store whenever somebody asks.
type state struct{ s *Server }

func (c *state) jobs() *prometheus.Desc {
	return prometheus.NewDesc("fnvet_jobs", "Scans that are not done, by state.", []string{"state"}, nil)
}

func (c *state) age() *prometheus.Desc {
	return prometheus.NewDesc("fnvet_database_age_seconds", "Age of the newest advisory.", nil, nil)
}

// Describe lists the metrics.
func (c *state) Describe(out chan<- *prometheus.Desc) {
	out <- c.jobs()
	out <- c.age()
}

// Collect reads them.
func (c *state) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := c.s.background()
	defer cancel()
	if d, err := c.s.Store.Depth(ctx); err == nil {
		for name, n := range map[string]int64{"queued": d.Queued, "running": d.Running, "failed": d.Failed, "dead": d.Dead} {
			out <- prometheus.MustNewConstMetric(c.jobs(), prometheus.GaugeValue, float64(n), name)
		}
	}
	if _, dated := c.s.Scanner.Version(); !dated.IsZero() {
		out <- prometheus.MustNewConstMetric(c.age(), prometheus.GaugeValue, time.Since(dated).Seconds())
	}
}
