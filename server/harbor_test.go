package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/internal/testdb"
	"github.com/fnvet/fnvet/server/harbor"
)

// harborBody is what Harbor sends.
const harborBody = `{"registry":{"url":"http://registry.example:5000","authorization":"Basic c2VjcmV0"},"artifact":{"repository":"fn/app","digest":"` + testDigest + `","tag":"1","mime_type":"application/vnd.oci.image.manifest.v1+json"},"enabled_capabilities":[{"type":"vulnerability","produces_mime_types":["application/vnd.security.vulnerability.report; version=1.1"]}]}`

// TestHarborAdapter: as Harbor's client asks, with each way it knows to authenticate.
func TestHarborAdapter(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	if g := s.do("GET", "/scanner/api/v1/metadata", "", "", "X-ScannerAdapter-API-Key", "scan"); !strings.Contains(g.body, `"sbom_media_types"`) || g.header.Get("Content-Type") != harbor.TypeMetadata {
		t.Errorf("metadata: %v %s", g.header, g.body)
	}
	id := s.do("POST", "/scanner/api/v1/scan", "scan", harborBody, "Content-Type", "application/vnd.scanner.adapter.scan.request+json; version=1.0").id(t)
	path := "/scanner/api/v1/scan/" + id + "/report"
	s.await(id, "done")
	for _, r := range []struct {
		reason, query, accept string
		status                int
		kind, want            string
	}{
		{"vulnerabilities", "", harbor.TypeReport, 200, harbor.TypeReport, `"severity":"High"`},
		{"by the CVE", "", harbor.TypeReport, 200, harbor.TypeReport, `"id":"CVE-GHSA-1","package":"lodash","version":"4.17.20"`},
		{"as older versions ask", "", harbor.TypeNative, 200, harbor.TypeNative, `"package":"lodash"`},
		{"without a word", "", "", 200, harbor.TypeReport, `"package":"lodash"`},
		{"anything", "", "*/*", 200, harbor.TypeReport, `"package":"lodash"`},
		{"SPDX", "?sbom_media_type=application%2Fspdx%2Bjson", harbor.TypeSBOM, 200, harbor.TypeSBOM, `"media_type":"application/spdx+json"`},
		{"CycloneDX, not escaped", "?sbom_media_type=application/vnd.cyclonedx+json", harbor.TypeSBOM, 200, harbor.TypeSBOM, `"bomFormat"`},
		{"an SBOM of no format", "", harbor.TypeSBOM, 400, harbor.TypeError, `"message"`},
		{"an SBOM of another format", "?sbom_media_type=text/plain", harbor.TypeSBOM, 400, harbor.TypeError, `"message"`},
		{"a raw report", "", "application/vnd.scanner.adapter.vuln.report.raw", 501, harbor.TypeError, `"message"`},
		{"another version", "", "application/vnd.security.vulnerability.report; version=9", 501, harbor.TypeError, `"message"`},
	} {
		g := s.do("GET", path+r.query, "scan", "", "Accept", r.accept)
		if g.status != r.status || g.header.Get("Content-Type") != r.kind || !strings.Contains(g.body, r.want) {
			t.Errorf("%s: %d %s %s", r.reason, g.status, g.header.Get("Content-Type"), g.body)
		}
	}
	for _, r := range []struct {
		reason, old, new string
		want             int
	}{
		{"a registry of somebody else's", "registry.example:5000", "169.254.169.254", 403},
		{"no digest", testDigest, "", 422},
		{"a repository that climbs", `"fn/app"`, `"../app"`, 422},
		{"no URL", "http://registry.example:5000", "", 422},
		{"a chart", "application/vnd.oci.image.manifest.v1+json", "application/vnd.cncf.helm.chart", 501},
		{"only what there is not", `{"type":"vulnerability"`, `{"type":"malware"`, 501},
		{"an SBOM in a format there is not", `"produces_mime_types":["application/vnd.security.vulnerability.report; version=1.1"]`, `"type":"sbom","parameters":{"sbom_media_types":["text/plain"]}`, 501},
	} {
		body := strings.Replace(harborBody, r.old, r.new, 1)
		if g := s.do("POST", "/scanner/api/v1/scan", "scan", body); body == harborBody || g.status != r.want || !strings.Contains(g.body, `"error":{"message":`) {
			t.Errorf("%s: %d %s", r.reason, g.status, g.body)
		}
	}
	if g := s.do("GET", "/scanner/api/v1/scan/999/report", "scan", ""); g.status != http.StatusNotFound {
		t.Errorf("no scan: %d", g.status)
	}
}

// TestHarborWaits: a scan that is not done is 302 with Refresh-After, one that was
// given up 500.
func TestHarborWaits(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	s.scanner.mu.Lock()
	s.scanner.block = make(chan struct{})
	s.scanner.mu.Unlock()
	id := s.do("POST", "/scanner/api/v1/scan", "scan", harborBody).id(t)
	path := "/scanner/api/v1/scan/" + id + "/report"
	if g := s.do("GET", path, "scan", ""); g.status != http.StatusFound || g.header.Get("Refresh-After") != "5" || g.header.Get("Location") != path {
		t.Errorf("not ready: %d %v", g.status, g.header)
	}
	s.scanner.mu.Lock()
	s.scanner.fail = errFake
	s.scanner.mu.Unlock()
	close(s.scanner.block)
	s.await(id, "dead")
	if g := s.do("GET", path, "scan", ""); g.status != http.StatusInternalServerError || !strings.Contains(g.body, `"message":"the scan was given up`) {
		t.Errorf("given up: %d %s", g.status, g.body)
	}
}
