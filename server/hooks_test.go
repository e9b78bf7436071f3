package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/internal/testdb"
)

func hmacOf(body string) string {
	m := hmac.New(sha256.New, []byte("test-not-a-secret"))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

// A receiver is a delivery as a source's product sends it.
type receiver struct {
	source, path, body string
	headers            func(body string) []string
	again              int    // of the same delivery
	foreign            string // what to replace to name a registry of somebody else's; "": the source names none
}

// signed are the headers of a body.
func (r *receiver) signed(body string) []string {
	if r.headers == nil {
		return nil
	}
	return r.headers(body)
}

// receivers are deliveries of all sources but Pub/Sub, which signs by Google's keys.
// Nobody may ask the address touched, which they name.
func receivers(touched string) []receiver {
	bearer := func(string) []string { return []string{"Authorization", "Bearer test-not-a-secret"} }
	manifest := `"target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + testDigest + `","repository":"fn/app","tag":"1","url":"` + touched + `/v2/fn/app"},"request":{"host":"registry.example:5000"}`
	return []receiver{
		{"distribution", "", `{"events":[{"id":"e1","action":"push",` + manifest + `}]}`, bearer, 202, "registry.example:5000"},
		{"acr", "", `{"id":"e1","action":"push",` + manifest + `}`, bearer, 202, "registry.example:5000"},
		{"harbor", "", `{"type":"PUSH_ARTIFACT","occur_at":1737446601,"event_data":{"resources":[{"digest":"` + testDigest + `","tag":"v1","resource_url":"registry.example:5000/library/app:v1"}],"repository":{"repo_full_name":"library/app"}}}`,
			func(string) []string { return []string{"Authorization", "test-not-a-secret"} }, 202, "registry.example:5000"},
		{"github", "", `{"action":"published","registry_package":{"name":"app","namespace":"octo","package_type":"CONTAINER","package_version":{"version":"` + testDigest + `","package_url":"registry.example:5000/octo/app:v2","container_metadata":{"tag":{"name":"v2","digest":"` + testDigest + `"}}}}}`,
			func(body string) []string {
				return []string{"X-Hub-Signature-256", "sha256=" + hmacOf(body), "X-Github-Event", "registry_package", "X-Github-Delivery", "d1"}
			}, 409, "registry.example:5000"},
		{"gitea", "", `{"action":"created","package":{"type":"container","name":"app","version":"` + testDigest + `","html_url":"http://registry.example:5000/o/-/packages/1","owner":{"login":"o"}}}`,
			func(body string) []string {
				return []string{"X-Gitea-Signature", hmacOf(body), "X-Gitea-Event", "package", "X-Gitea-Delivery", "d1"}
			}, 409, "registry.example:5000"},
		{"dockerhub", "/test-not-a-secret", `{"callback_url":"` + touched + `/u/o/app/hook/x/","push_data":{"pushed_at":1417566161,"tag":"latest"},"repository":{"repo_name":"o/app"}}`, nil, 202, ""},
		{"quay", "/test-not-a-secret", `{"repository":"o/app","docker_url":"registry.example:5000/o/app","homepage":"` + touched + `","updated_tags":["a"]}`, nil, 202, "registry.example:5000"},
		{"eventbridge", "", `{"id":"e1","source":"aws.ecr","detail-type":"ECR Image Action","account":"123456789012","region":"eu-west-1","detail":{"result":"SUCCESS","repository-name":"app","image-digest":"` + testDigest + `","action-type":"PUSH","image-tag":"1"}}`,
			func(string) []string { return []string{"X-Api-Key", "test-not-a-secret"} }, 202, "123456789012"},
		{"artifactory", "", `{"domain":"docker","event_type":"pushed","data":{"repo_key":"docker-local","image_name":"app","tag":"1","sha256":"` + testDigest[7:] + `"}}`,
			func(body string) []string { return []string{"X-Jfrog-Event-Auth", hmacOf(body)} }, 202, ""},
		{"zot", "", `{"name":"fn/app","reference":"1","digest":"` + testDigest + `","mediaType":"application/vnd.oci.image.manifest.v1+json"}`,
			func(string) []string {
				return []string{"Authorization", "Bearer test-not-a-secret", "Ce-Specversion", "1.0", "Ce-Type", "zotregistry.image.updated", "Ce-Id", "e1"}
			}, 202, ""},
	}
}

// TestReceivers: each source as its product sends, then again, with another secret,
// from a registry that is not configured, and a change after it was signed.
func TestReceivers(t *testing.T) {
	touched := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("an address in an event was asked") }))
	defer touched.Close()
	for _, r := range receivers(touched.URL) {
		s := startReceivers(t, r.source, r.foreign == "")
		send := func(path, body string, headers []string) got {
			return s.do("POST", "/hooks/"+r.source+path, "", body, headers...)
		}
		headers := r.signed(r.body)
		first := send(r.path, r.body, headers)
		id := first.id(t)
		if g := send(r.path, r.body, headers); g.status != r.again || r.again == 202 && g.body != first.body {
			t.Errorf("%s again: %d %s, first %s", r.source, g.status, g.body, first.body)
		}
		wrong := make([]string, len(headers))
		copy(wrong, headers)
		for i := range wrong {
			wrong[i] = strings.NewReplacer("test-not-a-secret", "another", hmacOf(r.body), strings.Repeat("0", 64)).Replace(wrong[i])
		}
		if g := send(strings.Replace(r.path, "test-not-a-secret", "another", 1), r.body, wrong); g.status != 401 {
			t.Errorf("%s with another secret: %d %s", r.source, g.status, g.body)
		}
		if g := send("", r.body, nil); g.status != 401 {
			t.Errorf("%s without one: %d %s", r.source, g.status, g.body)
		}
		changed := strings.Replace(r.body, testDigest[7:], strings.Repeat("0", 64), 1)
		if signs := strings.Contains(strings.Join(headers, " "), hmacOf(r.body)); signs {
			if g := send(r.path, changed, headers); changed == r.body || g.status != 401 {
				t.Errorf("%s changed after it was signed: %d %s", r.source, g.status, g.body)
			}
		}
		if r.foreign != "" {
			foreign := strings.Replace(r.body, r.foreign, "169254169254", 1)
			if g := send(r.path, foreign, r.signed(foreign)); foreign == r.body || g.status != 403 || !strings.Contains(g.body, "no registry of the configuration") {
				t.Errorf("%s of another registry: %d %s", r.source, g.status, g.body)
			}
		}
		s.await(id, "done")
	}
	s := startReceivers(t, "github", true)
	form := "payload=%7B%7D"
	if g := s.do("POST", "/hooks/github", "", form, "Content-Type", "application/x-www-form-urlencoded", "X-Hub-Signature-256", "sha256="+hmacOf(form)); g.status != 400 || !strings.Contains(g.body, "content type") {
		t.Errorf("a form: %d %s", g.status, g.body)
	}
}

// startReceivers runs a server with one source; a pinned one has all its events
// from one registry.
func startReceivers(t *testing.T, source string, pinned bool) *testServer {
	t.Helper()
	t.Setenv("FNVET_TEST_SECRET", "test-not-a-secret")
	s := start(t, testdb.SQLite(t), "")
	pin := ""
	if pinned {
		pin = ", registry: main"
	}
	f, err := ParseFile([]byte("registries: [{name: main, host: 'registry.example:5000'}, {host: 123456789012.dkr.ecr.eu-west-1.amazonaws.com}]\nsources: [{source: " + source + ", secret: 'env:FNVET_TEST_SECRET'" + pin + "}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	s.File.Registries, s.File.Sources = f.Registries, f.Sources
	return s
}
