package server

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/fnvet/fnvet/server/store"
)

// Spans hold numbers, states, hosts and routes: no path as it was asked for (some
// end in a secret), no text of errors, nothing of an artifact.

// untraced are asked for all the time, by machines.
func untraced(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics"
}

// traced begins the span of a request. The caller's trace is linked and not the
// parent: a stranger does not choose what is sampled.
func (s *Server) traced(r *http.Request) (*http.Request, func(code int)) {
	if untraced(r.URL.Path) {
		return r, func(int) {}
	}
	theirs := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header)))
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithNewRoot()}
	if theirs.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: theirs}))
	}
	ctx, span := s.Tracer.Start(r.Context(), "request", options...)
	r = r.WithContext(ctx)
	return r, func(code int) {
		if r.Pattern != "" { // the mux's; it begins with the method
			span.SetName(r.Pattern)
			span.SetAttributes(attribute.String("http.route", r.Pattern))
		}
		span.SetAttributes(attribute.String("http.request.method", method(r.Method)), attribute.Int("http.response.status_code", code))
		if code >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// method is one that exists: callers may send any word.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return m
	}
	return "_OTHER"
}

// span does something as a part of the trace.
func (s *Server) span(ctx context.Context, name string, do func(context.Context) error, about ...attribute.KeyValue) error {
	ctx, span := s.Tracer.Start(ctx, name, trace.WithAttributes(about...))
	defer span.End()
	err := do(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	return err
}

// commit accepts requests; what it returns without an error is durable.
func (s *Server) commit(ctx context.Context, requests []store.Request) (got []store.Accepted, err error) {
	err = s.span(ctx, "commit", func(ctx context.Context) error {
		got, err = s.Store.Accept(ctx, requests)
		ids := make([]int64, len(got))
		for i := range got {
			ids[i] = got[i].Scan
		}
		trace.SpanFromContext(ctx).SetAttributes(attribute.Int64Slice("fnvet.scans", ids))
		return err
	})
	return got, err
}
