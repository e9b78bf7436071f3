package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/internal/testdb"
)

func TestHarborAdapter(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	if g := s.do("GET", "/scanner/api/v1/metadata", "scan", ""); !strings.Contains(g.body, `"sbom_media_types"`) || !strings.HasPrefix(g.header.Get("Content-Type"), "application/vnd.scanner.adapter.metadata+json") {
		t.Errorf("metadata: %v %s", g.header, g.body)
	}
	body := `{"registry":{"url":"http://registry.example:5000","authorization":"Basic c2VjcmV0"},"artifact":{"repository":"fn/app","digest":"` + testDigest + `","tag":"1","mime_type":"application/vnd.oci.image.manifest.v1+json"},"enabled_capabilities":[{"type":"vulnerability"}]}`
	id := s.do("POST", "/scanner/api/v1/scan", "scan", body).id(t)
	path := "/scanner/api/v1/scan/" + id + "/report"
	if g := s.do("GET", path, "scan", ""); g.status == http.StatusFound && (g.header.Get("Refresh-After") == "" || g.header.Get("Location") != path) {
		t.Errorf("not ready: %v", g.header)
	}
	s.await(id, "done")
	if g := s.do("GET", path, "scan", "", "Accept", "application/vnd.security.vulnerability.report; version=1.1"); !strings.Contains(g.body, `"severity":"High"`) || !strings.Contains(g.body, `"package":"lodash"`) {
		t.Errorf("report: %s", g.body)
	}
	for media, want := range map[string]string{"application/spdx+json": "spdxVersion", "application/vnd.cyclonedx+json": "bomFormat"} {
		if g := s.do("GET", path+"?sbom_media_type="+media, "scan", "", "Accept", "application/vnd.security.sbom.report+json; version=1.0"); !strings.Contains(g.body, want) {
			t.Errorf("%s: %s", media, g.body)
		}
	}
	if g := s.do("POST", "/scanner/api/v1/scan", "scan", strings.Replace(body, "registry.example:5000", "169.254.169.254", 1)); g.status != http.StatusForbidden {
		t.Errorf("a registry of somebody else's: %d", g.status)
	}
}
