package server

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/fnvet/fnvet/sbom"
	"github.com/fnvet/fnvet/server/hook"
	"github.com/fnvet/fnvet/server/store"
	"github.com/fnvet/fnvet/unpack/remote"
)

// uploadTime is how long an upload may take, beside the time of other requests.
const uploadTime = 15 * time.Minute

// postScan takes a reference, or the package itself.
func (s *Server) postScan(w http.ResponseWriter, r *http.Request) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		return s.postReference(w, r)
	case "application/zip", "application/x-tar", "application/java-archive", "application/gzip", "application/octet-stream":
		return s.postUpload(w, r)
	}
	return fault(http.StatusUnsupportedMediaType, "Content-Type is none of application/json (a reference), application/zip, application/x-tar, application/gzip, application/java-archive, application/octet-stream (the package itself, as the body)")
}

func (s *Server) postReference(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Target string `json:"target"`
	}
	if err := readJSON(w, r, &q, true); err != nil {
		return err
	}
	v, _ := s.Scanner.Version()
	request, err := s.requestOf(q.Target, v)
	if err != nil {
		return err
	}
	return s.accept(w, r, request)
}

// requestOf makes a request of a target that a caller names: never a file of
// this machine.
func (s *Server) requestOf(target string, v store.Version) (store.Request, error) {
	q := store.Request{Source: "api", Target: target, Version: v, Event: newID()}
	if strings.ContainsFunc(target, unicode.IsControl) {
		return q, fault(http.StatusBadRequest, "the target holds control characters")
	}
	for prefix, registry := range map[string]string{"s3://": "s3", "lambda:": "lambda"} {
		if rest, ok := strings.CutPrefix(target, prefix); ok && rest != "" {
			if !s.File.AWS {
				return q, errNoAWS()
			}
			q.Registry, q.Repository = registry, rest
			return q, nil
		}
	}
	ref, err := remote.ParseReference("docker://" + strings.TrimPrefix(target, "docker://"))
	if err != nil {
		return q, fault(http.StatusBadRequest, "the target is no reference such as registry.example/app@sha256:…")
	}
	registry := s.File.registryByHost(ref.Registry)
	if registry == nil {
		return q, fault(http.StatusForbidden, "no registry of the configuration has the host "+ref.Registry)
	}
	q.Registry, q.Repository, q.Tag, q.Digest, q.Target = registry.Host, ref.Repository, ref.Tag, ref.Digest, ""
	return q, nil
}

func errNoAWS() *problem {
	return fault(http.StatusForbidden, "the configuration does not allow targets in AWS (aws: true)")
}

func (s *Server) accept(w http.ResponseWriter, r *http.Request, q store.Request) error {
	got, err := s.commit(r.Context(), []store.Request{q})
	if err != nil {
		return err
	}
	w.Header().Set("Location", fmt.Sprintf("/api/v1/scans/%d", got[0].Scan))
	return answer(w, http.StatusAccepted, map[string]int64{"id": got[0].Scan})
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // does not fail
	return hex.EncodeToString(b[:])
}

// uploadLimit is in bytes.
func (f *File) uploadLimit() int64 {
	if f.UploadLimit == nil {
		return 256 << 20
	}
	return *f.UploadLimit << 20
}

func (s *Server) postUpload(w http.ResponseWriter, r *http.Request) error {
	limit := s.File.uploadLimit()
	if limit <= 0 {
		return fault(http.StatusForbidden, "this server takes no uploads")
	}
	if r.ContentLength > limit {
		return store.ErrTooLarge
	}
	name := cmp.Or(r.URL.Query().Get("name"), "upload")
	if len(name) > 200 || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f || c == '/' || c == '\\' }) {
		return fault(http.StatusBadRequest, "the name is too long, or no name of a file")
	}
	until := time.Now().Add(uploadTime)
	c := http.NewResponseController(w)
	_, _ = c.SetReadDeadline(until), c.SetWriteDeadline(until) // servers of tests know none
	id := newID()
	body := &counted{r: http.MaxBytesReader(w, r.Body, limit)}
	digest, err := s.Store.PutUpload(r.Context(), id, body, limit)
	switch {
	case err != nil && body.err != nil:
		return fault(http.StatusBadRequest, "the body could not be read to its end")
	case err != nil:
		return err
	case body.n == 0:
		return fault(http.StatusBadRequest, "the body is empty")
	}
	v, _ := s.Scanner.Version()
	q := store.Request{Source: "api", Registry: "upload", Repository: name, Digest: digest, Upload: id, Version: v}
	got, err := s.commit(r.Context(), []store.Request{q})
	if err != nil {
		_ = s.Store.DropUpload(r.Context(), id) // else Prune does, a day later
		return err
	}
	if scan, err := s.Store.Scan(r.Context(), got[0].Scan); err == nil && scan.Upload != id {
		_ = s.Store.DropUpload(r.Context(), id) // the same package was sent before
	}
	w.Header().Set("Location", fmt.Sprintf("/api/v1/scans/%d", got[0].Scan))
	return answer(w, http.StatusAccepted, map[string]int64{"id": got[0].Scan})
}

// scanJSON is a scan as the API shows it.
type scanJSON struct {
	ID         int64    `json:"id"`
	State      string   `json:"state"`
	Source     string   `json:"source"`
	Registry   string   `json:"registry"`
	Repository string   `json:"repository"`
	Tag        string   `json:"tag"`
	Digest     string   `json:"digest"`
	Created    string   `json:"created"`
	Finished   *string  `json:"finished"`
	Attempts   int      `json:"attempts"`
	Error      *string  `json:"error"`
	Verdict    *outcome `json:"verdict"`
	Report     *string  `json:"report"`
}

type outcome struct {
	Pass     bool `json:"pass"`
	Code     int  `json:"code"`
	Blocking int  `json:"blocking"`
}

func toScan(c *store.Scan) scanJSON {
	j := scanJSON{
		ID: c.ID, State: c.State, Source: c.Source, Registry: c.Registry, Repository: c.Repository, Tag: c.Tag, Digest: c.Digest,
		Created: c.Created.Format(time.RFC3339), Attempts: c.Attempts,
	}
	if c.Error != "" {
		j.Error = &c.Error
	}
	if c.Ignored {
		why := "it is no image: a signature, an SBOM or another artifact beside one"
		j.Error = &why
		return j
	}
	if c.State == store.Done {
		at, link := c.Finished.Format(time.RFC3339), fmt.Sprintf("/api/v1/scans/%d/report", c.ID)
		j.Finished, j.Report, j.Verdict = &at, &link, &outcome{c.Code == 0, c.Code, c.Blocking}
	}
	return j
}

const pageSize = 100

func cursor(q url.Values) (int64, error) {
	text := q.Get("cursor")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return 0, fault(http.StatusBadRequest, "the cursor is none of this list")
	}
	return n, nil
}

func (s *Server) listScans(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := store.Filter{State: q.Get("state"), Repository: q.Get("repository"), Digest: q.Get("digest"), Limit: pageSize}
	if f.State != "" && !slices.Contains([]string{store.Queued, store.Running, store.Done, store.Failed, store.Dead}, f.State) {
		return fault(http.StatusBadRequest, "state is none of queued, running, done, failed, dead")
	}
	var err error
	if f.Before, err = cursor(q); err != nil {
		return err
	}
	list, err := s.Store.Scans(r.Context(), f)
	if err != nil {
		return err
	}
	out := struct {
		Scans []scanJSON `json:"scans"`
		Next  string     `json:"next,omitempty"`
	}{Scans: []scanJSON{}}
	for i := range list {
		out.Scans = append(out.Scans, toScan(&list[i]))
	}
	if len(list) == pageSize {
		out.Next = strconv.FormatInt(list[len(list)-1].ID, 10)
	}
	return answer(w, http.StatusOK, out)
}

func (s *Server) getScan(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	c, err := s.Store.Scan(r.Context(), id)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, toScan(c))
}

func (s *Server) getReport(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, cmp.Or(r.URL.Query().Get("format"), "json"))
}

func (s *Server) getSBOM(w http.ResponseWriter, r *http.Request) error {
	format := cmp.Or(r.URL.Query().Get("format"), "cyclonedx-json")
	if !slices.Contains(sbom.Formats(), format) {
		return fault(http.StatusBadRequest, "format is none of "+strings.Join(sbom.Formats(), ", "))
	}
	return s.render(w, r, format)
}

// render writes a report in a format.
func (s *Server) render(w http.ResponseWriter, r *http.Request, format string) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	report, err := s.Store.Report(r.Context(), id)
	if err != nil {
		return err
	}
	data, err := s.Write(format, report)
	if err != nil {
		return fault(http.StatusBadRequest, "no report has the format "+strconv.Quote(format))
	}
	kind := "text/plain; charset=utf-8"
	switch {
	case format == "html":
		kind = "text/html; charset=utf-8"
		w.Header().Del("Content-Security-Policy") // the report states its own, by hash
	case strings.Contains(format, "json"), format == "sarif", format == "openvex", strings.HasPrefix(format, "gitlab"):
		kind = "application/json"
	case strings.Contains(format, "xml"), format == "junit":
		kind = "application/xml"
	}
	w.Header().Set("Content-Type", kind)
	_, err = w.Write(data)
	return ignoreGone(err)
}

// verdictJSON is what admission controllers and deploy scripts ask for.
type verdictJSON struct {
	Pass     bool     `json:"pass"`
	Code     int      `json:"code"`
	Blocking int      `json:"blocking"`
	Reasons  []string `json:"reasons"`
	Scanned  string   `json:"scanned"`
	Judged   string   `json:"judged"`
	Database string   `json:"database"`
	Scan     int64    `json:"scan"`
}

func (s *Server) getVerdict(w http.ResponseWriter, r *http.Request) error {
	digest := r.PathValue("digest")
	if !hook.ValidDigest(digest) {
		return fault(http.StatusBadRequest, "the digest is not sha256: and 64 hex digits")
	}
	list, err := s.Store.Verdicts(r.Context(), digest)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		pending, err := s.Store.Pending(r.Context(), digest)
		if err != nil {
			return err
		}
		if pending {
			p := fault(http.StatusConflict, "its scan is not done")
			p.after = 5
			return p
		}
		return fault(http.StatusNotFound, "it was never scanned")
	}
	a := worst(list)
	return answer(w, http.StatusOK, verdictJSON{
		a.Code == 0, a.Code, a.Blocking, a.Reasons, a.Scanned.Format(time.RFC3339), a.Judged.Format(time.RFC3339), a.Database, a.Scan,
	})
}

// worst fails closed when the same digest was judged in several repositories: 1
// over 3 over 0.
func worst(list []store.Artifact) *store.Artifact {
	rank := map[int]int{0: 0, 3: 1, 1: 2}
	at := &list[0]
	for i := range list {
		if rank[list[i].Code] > rank[at.Code] {
			at = &list[i]
		}
	}
	return at
}

// artifactJSON is an artifact as the API shows it.
type artifactJSON struct {
	ID         int64   `json:"id"`
	Registry   string  `json:"registry"`
	Repository string  `json:"repository"`
	Tag        string  `json:"tag"`
	Digest     string  `json:"digest"`
	Type       string  `json:"type"`
	Scanned    string  `json:"scanned"`
	Judged     string  `json:"judged"`
	Database   string  `json:"database"`
	Verdict    outcome `json:"verdict"`
	Report     string  `json:"report"`
}

func (s *Server) listArtifacts(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	before, err := cursor(q)
	if err != nil {
		return err
	}
	purl, advisory := q.Get("purl"), q.Get("advisory")
	if len(purl)+len(advisory) > 2000 {
		return fault(http.StatusBadRequest, "the question is too long")
	}
	var list []store.Artifact
	switch {
	case purl != "" && advisory != "":
		return fault(http.StatusBadRequest, "ask for purl or for advisory")
	case purl != "":
		if !strings.HasPrefix(purl, "pkg:") {
			return fault(http.StatusBadRequest, "a purl begins with pkg:")
		}
		list, err = s.Store.Containing(r.Context(), purl, before, pageSize)
	case advisory != "":
		list, err = s.Store.Affected(r.Context(), advisory, before, pageSize)
	default:
		list, err = s.Store.Artifacts(r.Context(), store.Page{Code: -1, Before: before, Limit: pageSize})
	}
	if err != nil {
		return err
	}
	out := struct {
		Artifacts []artifactJSON `json:"artifacts"`
		Next      string         `json:"next,omitempty"`
	}{Artifacts: []artifactJSON{}}
	for i := range list {
		a := &list[i]
		out.Artifacts = append(out.Artifacts, artifactJSON{
			a.ID, a.Registry, a.Repository, a.Tag, a.Digest, a.Type, a.Scanned.Format(time.RFC3339), a.Judged.Format(time.RFC3339), a.Database,
			outcome{a.Code == 0, a.Code, a.Blocking}, fmt.Sprintf("/api/v1/scans/%d/report", a.Scan),
		})
	}
	if len(list) == pageSize {
		out.Next = strconv.FormatInt(list[len(list)-1].ID, 10)
	}
	return answer(w, http.StatusOK, out)
}

func (s *Server) replay(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := s.Store.Replay(r.Context(), id); err != nil {
		return err
	}
	return answer(w, http.StatusAccepted, map[string]int64{"id": id})
}
