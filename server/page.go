package server

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fnvet/fnvet/report"
	"github.com/fnvet/fnvet/server/store"
	"github.com/fnvet/fnvet/server/web"
)

// Sizes of lists on the page.
const (
	rowsShown = 50
	trendDays = 90
)

func (s *Server) pageRoutes() []route {
	return []route{
		{pattern: "GET /{$}", scope: ScopeRead, page: true, serve: s.artifactsPage},
		{pattern: "GET /artifacts/{id}", scope: ScopeRead, page: true, serve: s.artifactPage},
		{pattern: "GET /search", scope: ScopeRead, page: true, serve: s.searchPage},
		{pattern: "GET /queue", scope: ScopeRead, page: true, serve: s.queuePage},
		{pattern: "POST /queue/{id}/replay", scope: ScopeAdmin, page: true, serve: s.replayPage},
		{pattern: "GET /login", page: true, serve: s.beginLogin},
		{pattern: "GET /login/callback", page: true, serve: s.endLogin},
		{pattern: "POST /logout", page: true, serve: s.logout},
	}
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, name string, v web.View) error {
	return s.page(w, r, http.StatusOK, name, v)
}

// base is the address of this server, for examples: as configured, or as it was asked.
func (s *Server) base(r *http.Request) string {
	switch {
	case s.File.URL != "":
		return strings.TrimSuffix(s.File.URL, "/")
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (s *Server) page(w http.ResponseWriter, r *http.Request, status int, name string, v web.View) error {
	v.Version = s.Version
	v.Base, v.Guarded = s.base(r), !s.gate.open
	if _, why := s.stale(); why != "" && v.Problem == "" {
		v.Notice = "Verdicts are incomplete: " + why + "."
		if s.UpdateEvery > 0 {
			v.Notice += " It is fetched anew every " + s.UpdateEvery.String() + "."
		}
	}
	if c := callerOf(r); c != nil {
		v.Replays = c.may(ScopeAdmin)
		if c.session {
			v.User = c.name
		}
	}
	var b bytes.Buffer // a page is whole or not at all
	if err := web.Render(&b, name, v, time.Now()); err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", web.Policy())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return ignoreGone(err)
}

func (s *Server) artifactsPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	before, err := cursor(q)
	if err != nil {
		return err
	}
	v := web.View{Title: "Artifacts", Section: "artifacts", Query: q.Get("q"), Verdict: q.Get("verdict")}
	page := store.Page{Text: v.Query, Code: -1, Before: before, Limit: rowsShown}
	switch v.Verdict {
	case "pass":
		page.Code = 0
	case "fail":
		page.Code = 1
	case "incomplete":
		page.Code = 3
	default:
		v.Verdict = ""
	}
	if len(v.Query) > 300 {
		return fault(http.StatusBadRequest, "the question is too long")
	}
	if v.Artifacts, err = s.Store.Artifacts(r.Context(), page); err != nil {
		return err
	}
	if len(v.Artifacts) == rowsShown {
		next := url.Values{"q": {v.Query}, "verdict": {v.Verdict}, "cursor": {strconv.FormatInt(v.Artifacts[rowsShown-1].ID, 10)}}
		v.Next = "/?" + next.Encode()
	}
	if v.Today, err = s.Store.Sum(r.Context()); err != nil {
		return err
	}
	if v.Trend, err = s.Store.Trend(r.Context(), trendDays); err != nil {
		return err
	}
	return s.show(w, r, "artifacts", v)
}

func (s *Server) artifactPage(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	a, err := s.Store.Artifact(r.Context(), id)
	if err != nil {
		return err
	}
	rep, err := s.Store.Report(r.Context(), a.Scan)
	if err != nil {
		return err
	}
	v := web.View{Title: web.Title(a), Section: "artifacts", Artifact: a}
	if v.Report, err = report.Fragment(rep, report.Options{Rules: s.Rules, Blocking: report.Stated}); err != nil {
		return err
	}
	if v.Changes, err = s.Store.Changes(r.Context(), id, rowsShown); err != nil {
		return err
	}
	return s.show(w, r, "artifact", v)
}

func (s *Server) searchPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	v := web.View{Title: "Search", Section: "search"}
	name, advisory := strings.TrimSpace(q.Get("package")), strings.TrimSpace(q.Get("advisory"))
	if len(name)+len(advisory) > 2000 {
		return fault(http.StatusBadRequest, "the question is too long")
	}
	var err error
	switch {
	case strings.HasPrefix(name, "pkg:"):
		v.Query, v.Asked = name, "purl"
		v.Artifacts, err = s.Store.Containing(r.Context(), name, 0, rowsShown)
	case name != "":
		v.Query, v.Asked = name, "purl"
		v.Components, err = s.Store.Components(r.Context(), name, rowsShown)
	case advisory != "":
		v.Query, v.Asked = advisory, "advisory"
		v.Artifacts, err = s.Store.Affected(r.Context(), advisory, 0, rowsShown)
	}
	if err != nil {
		return err
	}
	return s.show(w, r, "search", v)
}

func (s *Server) queuePage(w http.ResponseWriter, r *http.Request) error {
	v := web.View{Title: "Queue", Section: "queue"}
	var err error
	if v.Depth, err = s.Store.Depth(r.Context()); err != nil {
		return err
	}
	for _, state := range []string{store.Dead, store.Failed, store.Running, store.Queued} {
		list, err := s.Store.Scans(r.Context(), store.Filter{State: state, Limit: rowsShown})
		if err != nil {
			return err
		}
		v.Scans = append(v.Scans, list...)
	}
	return s.show(w, r, "queue", v)
}

func (s *Server) replayPage(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := s.Store.Replay(r.Context(), id); err != nil {
		return err
	}
	http.Redirect(w, r, "/queue", http.StatusSeeOther)
	return nil
}
