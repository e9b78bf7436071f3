package server

import (
	"bytes"
	"cmp"
	"compress/gzip"
	_ "embed" // the description of the API
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fnvet/fnvet/server/hook"
	"github.com/fnvet/fnvet/server/web"
)

//go:embed openapi.json
var openAPI []byte

// A route is one line of the table of what the server answers.
type route struct {
	pattern string
	scope   string // "": nobody is asked for a token
	adapter bool   // Harbor's: errors have its shape
	page    bool   // for people: errors are pages, and who is unknown is sent to log in
	serve   func(http.ResponseWriter, *http.Request) error
}

// routes is the whole table. What is not in it is a 404, another method a 405.
func (s *Server) routes() []route {
	list := []route{
		{pattern: "POST /api/v1/scans", scope: ScopeScan, serve: s.postScan},
		{pattern: "GET /api/v1/scans", scope: ScopeRead, serve: s.listScans},
		{pattern: "GET /api/v1/scans/{id}", scope: ScopeRead, serve: s.getScan},
		{pattern: "GET /api/v1/scans/{id}/report", scope: ScopeRead, serve: s.getReport},
		{pattern: "GET /api/v1/scans/{id}/sbom", scope: ScopeRead, serve: s.getSBOM},
		{pattern: "GET /api/v1/verdicts/{digest}", scope: ScopeRead, serve: s.getVerdict},
		{pattern: "GET /api/v1/artifacts", scope: ScopeRead, serve: s.listArtifacts},
		{pattern: "POST /api/v1/dead/{id}/replay", scope: ScopeAdmin, serve: s.replay},
		{pattern: "POST /admission", scope: ScopeRead, serve: s.admission},
		{pattern: "POST /admission/{token}", serve: s.admissionByPath},
		{pattern: "GET /healthz", serve: s.healthz},
		{pattern: "GET /readyz", serve: s.readyz},
		{pattern: "GET /metrics", serve: s.metrics.serve},
		{pattern: "GET /openapi.json", serve: s.openapi},
		// These know the source's own signature beside tokens.
		{pattern: "POST /hooks/{source}", serve: s.receive},
		{pattern: "POST /hooks/{source}/{secret}", serve: s.receive},
	}
	list = append(list, s.harborRoutes()...)
	return append(list, s.pageRoutes()...)
}

// Handler answers every route.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.wrap(r))
	}
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fault(http.StatusForbidden, "a page of another site may not do this").write(w)
	}))
	return s.observe(cross.Handler(s.plainErrors(mux)))
}

// plainErrors makes problems of the mux's own answers.
func (s *Server) plainErrors(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.gate.open && !localHost(r) {
			fault(http.StatusForbidden, "without tokens, fnvet answers only to its loopback address").write(w)
			return
		}
		if h, pattern := mux.Handler(r); pattern == "" {
			rec := &status{ResponseWriter: discard{http.Header{}}, code: http.StatusNotFound}
			h.ServeHTTP(rec, r)
			detail := "there is nothing here"
			if rec.code == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", rec.Header().Get("Allow"))
				detail = "the method is none of " + rec.Header().Get("Allow")
			}
			if rec.code < 400 { // a path that is not clean
				rec.code = http.StatusNotFound
			}
			fault(rec.code, detail).write(w)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code  int
	bytes int64
}

// WriteHeader remembers the code.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Write counts the bytes.
func (s *status) Write(b []byte) (int, error) {
	n, err := s.ResponseWriter.Write(b)
	s.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *Server) wrap(r route) http.Handler {
	find := s.gate.who
	if r.page || strings.HasPrefix(r.pattern, "GET ") { // the page links to reports of the API
		find = s.gate.reader
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		secure(w.Header())
		if p := readable(req); p != nil {
			s.refuse(w, req, r, p)
			return
		}
		if r.scope != "" {
			admitted, p := s.gate.admit(req, r.scope, find)
			switch {
			case p != nil && p.Status == http.StatusUnauthorized && s.login != nil && r.page && req.Method == http.MethodGet && wantsPage(req):
				http.Redirect(w, req, "/login?"+url.Values{"next": {req.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
				return
			case p != nil:
				s.refuse(w, req, r, p)
				return
			}
			req = admitted
		}
		if err := r.serve(w, req); err != nil {
			p := problemOf(err)
			if p.Status >= http.StatusInternalServerError {
				s.Logger.Warn("a request failed", "path", req.Pattern, "error", err.Error())
			}
			s.refuse(w, req, r, p)
		}
	})
}

// readable refuses an address whose path or query is no text: nothing here is named
// by other bytes, and not every store could be asked for them.
func readable(r *http.Request) *problem {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fault(http.StatusBadRequest, "the query of the address cannot be read")
	}
	words := []string{r.URL.Path}
	for name, values := range q {
		words = append(append(words, name), values...)
	}
	for _, word := range words {
		if !utf8.ValidString(word) || strings.IndexByte(word, 0) >= 0 {
			return fault(http.StatusBadRequest, "the address holds bytes that are no text")
		}
	}
	return nil
}

// wantsPage reports a browser.
func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// refuse writes a problem: for people as a page, which keeps the way back.
func (s *Server) refuse(w http.ResponseWriter, req *http.Request, r route, p *problem) {
	if r.adapter {
		adapterProblem(w, p)
		return
	}
	if !r.page || !wantsPage(req) {
		p.write(w)
		return
	}
	p.headers(w.Header())
	v := web.View{Title: p.Title, Problem: p.Detail}
	if err := s.page(w, req, p.Status, "problem", v); err != nil {
		s.Logger.Error("a page could not be written", "error", err.Error())
	}
}

// secure sets what every answer has.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// observe logs and counts requests, and keeps a panic to its request. Neither
// headers nor the path as sent are logged: both may hold secrets.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		rec := &status{ResponseWriter: w, code: http.StatusOK}
		r, traced := s.traced(r)
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
				s.Logger.Error("a handler panicked", "path", r.Pattern, "stack", string(debug.Stack()))
				fault(http.StatusInternalServerError, "this is a mistake in fnvet").write(rec)
			}
			took := time.Since(started)
			s.metrics.request(r.Pattern, rec.code, took)
			traced(rec.code)
			s.Logger.Debug("answered", "route", r.Pattern, "status", rec.code, "bytes", rec.bytes, "ms", took.Milliseconds())
		}()
		next.ServeHTTP(rec, r)
	})
}

// readBody reads a body of at most limit bytes, unpacked.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	var body io.Reader = http.MaxBytesReader(w, r.Body, limit)
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, fault(http.StatusBadRequest, "the body is not gzip, as Content-Encoding says")
		}
		body = z
	default:
		return nil, fault(http.StatusUnsupportedMediaType, "Content-Encoding is none of gzip, identity")
	}
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large), int64(len(data)) > limit:
		return nil, fault(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", limit))
	case err != nil:
		return nil, fault(http.StatusBadRequest, "the body could not be read to its end")
	}
	return data, nil
}

// readJSON reads a JSON object into a value that knows all its keys, or not.
func readJSON(w http.ResponseWriter, r *http.Request, into any, strict bool) error {
	data, err := readBody(w, r, hook.MaxBody)
	if err != nil {
		return err
	}
	if err := hook.CheckJSON(data); err != nil {
		return fault(http.StatusBadRequest, strings.TrimPrefix(err.Error(), hook.ErrMalformed.Error()+": "))
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if strict {
		d.DisallowUnknownFields()
	}
	err = d.Decode(into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fault(http.StatusBadRequest, fmt.Sprintf("%s is a %s, which it may not be", cmp.Or(wrong.Field, "the body"), wrong.Value))
	}
	if err != nil {
		return fault(http.StatusBadRequest, "the body is not what is wanted here: "+strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, fault(http.StatusNotFound, "there is no such thing")
	}
	return id, nil
}

func (s *Server) openapi(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(openAPI)
	return ignoreGone(err)
}

// ignoreGone drops the error of a caller that went away.
func ignoreGone(error) error { return nil }
