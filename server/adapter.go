package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fnvet/fnvet/server/harbor"
	"github.com/fnvet/fnvet/server/hook"
	"github.com/fnvet/fnvet/server/store"
)

// refreshAfter is how long Harbor is asked to wait for a report, in seconds.
const refreshAfter = 5

func (s *Server) harborRoutes() []route {
	return []route{
		{pattern: "GET /scanner/api/v1/metadata", scope: ScopeScan, adapter: true, serve: s.harborMetadata},
		{pattern: "POST /scanner/api/v1/scan", scope: ScopeScan, adapter: true, serve: s.harborScan},
		{pattern: "GET /scanner/api/v1/scan/{id}/report", scope: ScopeScan, adapter: true, serve: s.harborReport},
	}
}

func (s *Server) harborScanner() harbor.Scanner {
	return harbor.Scanner{Name: "fnvet", Vendor: "fnvet", Version: s.Version}
}

// typed writes JSON of a media type of the adapter's API.
func typed(w http.ResponseWriter, status int, media string, value any) error {
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	return ignoreGone(json.NewEncoder(w).Encode(value))
}

// adapterProblem writes a problem in the shape of the adapter's API.
func adapterProblem(w http.ResponseWriter, p *problem) {
	var e harbor.ErrorResponse
	e.Error.Message = p.Detail
	p.headers(w.Header())
	_ = typed(w, p.Status, harbor.TypeError, e)
}

func (s *Server) harborMetadata(w http.ResponseWriter, _ *http.Request) error {
	_, dated := s.Scanner.Version()
	return typed(w, http.StatusOK, harbor.TypeMetadata, harbor.Describe(s.harborScanner(), dated))
}

// harborScan takes a scan. The credentials that Harbor sends along are not kept:
// the registry's own of the configuration serve, wherever the scan runs.
func (s *Server) harborScan(w http.ResponseWriter, r *http.Request) error {
	var q harbor.Request
	if err := readJSON(w, r, &q, false); err != nil {
		return err
	}
	at, err := url.Parse(q.Registry.URL)
	switch {
	case err != nil || at.Host == "":
		return fault(http.StatusUnprocessableEntity, "registry.url is no URL")
	case !hook.ValidRepository(q.Artifact.Repository) || !hook.ValidDigest(q.Artifact.Digest):
		return fault(http.StatusUnprocessableEntity, "the artifact has no repository or no SHA-256 digest")
	case q.Artifact.Tag != "" && !hook.ValidTag(q.Artifact.Tag):
		return fault(http.StatusUnprocessableEntity, "the tag is none")
	case !q.Able():
		return fault(http.StatusNotImplemented, "fnvet scans images and makes lists of vulnerabilities, SPDX and CycloneDX, nothing else")
	}
	registry := s.File.registryByHost(at.Host)
	if registry == nil {
		return fault(http.StatusForbidden, "no registry of the configuration has the host "+at.Host)
	}
	v, _ := s.Scanner.Version()
	got, err := s.commit(r.Context(), []store.Request{{
		Source: "harbor-adapter", Registry: registry.Host, Repository: q.Artifact.Repository, Tag: q.Artifact.Tag, Digest: q.Artifact.Digest, Version: v,
	}})
	if err != nil {
		return err
	}
	return typed(w, http.StatusAccepted, harbor.TypeScanResponse, map[string]string{"id": strconv.FormatInt(got[0].Scan, 10)})
}

func (s *Server) harborReport(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	c, err := s.Store.Scan(r.Context(), id)
	if err != nil {
		return err
	}
	switch c.State {
	case store.Done:
		if c.Ignored {
			return fault(http.StatusNotFound, "it is no image, and was not scanned")
		}
	case store.Dead:
		// 5xx is what the specification has for a scan that failed.
		return fault(http.StatusInternalServerError, "the scan was given up: "+c.Error)
	default:
		w.Header().Set("Refresh-After", strconv.Itoa(refreshAfter))
		w.Header().Set("Location", r.URL.RequestURI())
		w.WriteHeader(http.StatusFound)
		return nil
	}
	kind := harbor.Negotiate(r.Header.Get("Accept"))
	if kind == "" {
		return fault(http.StatusNotImplemented, "there is no report of the type that Accept names")
	}
	report, err := s.Store.Report(r.Context(), id)
	if err != nil {
		return err
	}
	artifact := harbor.Artifact{Repository: c.Repository, Digest: c.Digest, Tag: c.Tag}
	if kind != harbor.TypeSBOM {
		return typed(w, http.StatusOK, kind, harbor.FromReport(report, artifact, s.harborScanner()))
	}
	media, format := harbor.CycloneDX, "cyclonedx-json"
	// A plus that was not escaped reads as a space.
	switch wanted := strings.ReplaceAll(r.URL.Query().Get("sbom_media_type"), " ", "+"); wanted {
	case harbor.SPDX:
		media, format = harbor.SPDX, "spdx-json"
	case harbor.CycloneDX:
	default:
		return fault(http.StatusBadRequest, fmt.Sprintf("sbom_media_type %q is none of %s, %s", wanted, harbor.SPDX, harbor.CycloneDX))
	}
	document, err := s.Write(format, report)
	if err != nil {
		return err
	}
	return typed(w, http.StatusOK, harbor.TypeSBOM, harbor.SBOMReport{
		GeneratedAt: time.Now().UTC(), Artifact: artifact, Scanner: s.harborScanner(), Attributes: map[string]any{}, MediaType: media, SBOM: document,
	})
}
