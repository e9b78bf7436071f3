package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

func TestTracesWanted(t *testing.T) {
	for _, r := range []struct {
		reason string
		env    map[string]string
		want   bool
		err    string
	}{
		{"nothing is set", nil, false, ""},
		{"an endpoint", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, true, ""},
		{"an endpoint of traces", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, true, ""},
		{"the default endpoint", map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		{"switched off", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, false, ""},
		{"no traces", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, false, ""},
		{"another exporter", map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, "zipkin"},
		{"another protocol", map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, "http/protobuf"},
		{"another protocol for the rest", map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, true, ""},
	} {
		got, err := tracesWanted(func(name string) string { return r.env[name] })
		if got != r.want || (err != nil) != (r.err != "") || err != nil && !strings.Contains(err.Error(), r.err) {
			t.Errorf("%s: %v, %v", r.reason, got, err)
		}
	}
}

// A collectorStub keeps what it is sent, as bytes and as spans.
type collectorStub struct {
	*httptest.Server
	mu     sync.Mutex
	raw    []byte
	names  []string
	about  []string // the resource's attributes
	linked int
	header http.Header
}

func newCollector(t *testing.T) *collectorStub {
	c := &collectorStub{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && r.Header.Get("Content-Encoding") == "gzip" {
			var z *gzip.Reader
			if z, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
				body, err = io.ReadAll(z)
			}
		}
		var q collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &q)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw, c.header = append(c.raw, body...), r.Header
		for _, resource := range q.ResourceSpans {
			for _, a := range resource.Resource.Attributes {
				c.about = append(c.about, a.Key+"="+a.Value.GetStringValue())
			}
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					c.names = append(c.names, span.Name)
					c.linked += len(span.Links)
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

// TestTraces: with the usual variables a collector gets the spans of requests and
// scans, and in them neither secrets nor anything of the package.
func TestTraces(t *testing.T) {
	c := newCollector(t)
	env := append(home(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_EXPORTER_OTLP_HEADERS=x-tenant=blue", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip")
	db := serveDB(t, env)
	config := writeText(t, "registries: [{host: registry.invalid}]\nsources: [{source: quay, secret: \"env:FNVET_TEST_SECRET\"}]\n")
	s := launch(t, env, "serve", "--listen", "127.0.0.1:0", "--db", db, "--max-db-age", "0", "--update-every", "0", "--config", config)
	lock := []byte(`{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.20"}}}`)
	for path, body := range map[string][]byte{
		"/api/v1/scans?name=mine.json":   lock,
		"/hooks/quay/test-not-a-secret":  []byte(`{"repository":"o/app","updated_tags":[]}`),
		"/admission/wrong-but-sensitive": []byte(`{}`),
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/octet-stream")
		req.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	s.awaitScans(1)
	s.get("/healthz", nil)
	s.stop() // delivers what is left
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range []string{"POST /api/v1/scans", "POST /hooks/{source}/{secret}", "POST /admission/{token}", "commit", "scan", "read and judge"} {
		if !slices.Contains(c.names, name) {
			t.Errorf("no span %q among %q", name, c.names)
		}
	}
	for _, about := range []string{"service.name=fnvet", "deployment.environment.name=test"} {
		if !slices.Contains(c.about, about) {
			t.Errorf("no %s among %q", about, c.about)
		}
	}
	if c.linked < 3 || bytes.Contains(c.raw, []byte("GET /healthz")) || c.header.Get("X-Tenant") != "blue" {
		t.Errorf("%d links, headers %v, spans %q", c.linked, c.header, c.names)
	}
	for _, secret := range []string{"test-not-a-secret", "sensitive", "lodash", "mine.json"} {
		if bytes.Contains(c.raw, []byte(secret)) {
			t.Errorf("%q is in the spans", secret)
		}
	}
	if strings.Contains(s.log.String(), "traces were not delivered") {
		t.Error(s.log.String())
	}
}

// TestTracesElsewhere: a collector that is away costs nothing but a warning.
func TestTracesElsewhere(t *testing.T) {
	env := append(home(t), "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:"+freePort(t), "OTEL_EXPORTER_OTLP_TIMEOUT=500")
	s := launch(t, env, "serve", "--listen", "127.0.0.1:0", "--db", serveDB(t, home(t)), "--max-db-age", "0", "--update-every", "0")
	if status := s.get("/api/v1/scans", nil); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	s.stop()
	if !strings.Contains(s.log.String(), "traces were not delivered") {
		t.Errorf("the log says nothing: %s", s.log.String())
	}
}
