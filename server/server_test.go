package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
	"github.com/fnvet/fnvet/internal/testdb"
	"github.com/fnvet/fnvet/report"
	"github.com/fnvet/fnvet/sbom"
	"github.com/fnvet/fnvet/server/store"
)

var postgres testdb.Server

func TestMain(m *testing.M) {
	code := m.Run()
	postgres.Stop()
	os.Exit(code)
}

const testDigest = "sha256:05b3b3ce8c9bc44a197291b975bc302120e3e215dc7cfa3834ceec5dc40ccf84"

// A fakeScanner finds in every image the same packages, and in them what flaws says.
type fakeScanner struct {
	mu       sync.Mutex
	database string
	dated    time.Time
	flaws    map[string]string // purl to advisory
	fail     error
}

func (f *fakeScanner) findings(pkgs []fnvet.Package) []fnvet.Finding {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []fnvet.Finding{}
	for i := range pkgs {
		p := &pkgs[i]
		if id := f.flaws[p.PURL]; id != "" {
			list = append(list, fnvet.Finding{
				ID: id, Kind: fnvet.Vulnerability, Severity: fnvet.High, Title: "a <b>flaw</b>", Aliases: []string{"CVE-" + id}, Blocks: true,
				Package: &fnvet.PackageRef{PURL: p.PURL, Name: p.Name, Version: p.Version, Ecosystem: p.Ecosystem, Fixed: []string{}},
			})
		}
	}
	return list
}

func verdict(r *fnvet.Report) {
	r.Verdict = fnvet.Verdict{Pass: len(r.Findings) == 0, Blocking: len(r.Findings), Reasons: []string{}}
	if !r.Verdict.Pass {
		r.Verdict.Code, r.Verdict.Reasons = 1, []string{"1 vulnerability of high severity"}
	}
}

func (f *fakeScanner) Scan(_ context.Context, t *Target) (*fnvet.Report, store.Version, error) {
	if f.fail != nil {
		return nil, store.Version{}, f.fail
	}
	r := &fnvet.Report{
		Schema: fnvet.Schema, Artifact: fnvet.Artifact{Name: t.Repository, Type: "image", Digest: t.Digest, Layers: []fnvet.Layer{}},
		Packages: []fnvet.Package{
			{Name: "lodash", Version: "4.17.20", Ecosystem: "npm", PURL: "pkg:npm/lodash@4.17.20", Kind: fnvet.Installed},
			{Name: "left-pad", Version: "1.3.0", Ecosystem: "npm", PURL: "pkg:npm/left-pad@1.3.0", Kind: fnvet.Installed},
		},
		Gaps: []fnvet.Gap{},
	}
	r.Scan.Started = time.Now().UTC()
	r.Findings = f.findings(r.Packages)
	verdict(r)
	v, _ := f.Version()
	return r, v, nil
}

func (f *fakeScanner) Resolve(_ context.Context, t *Target) (string, bool, error) {
	return cmp.Or(t.Digest, testDigest), strings.HasSuffix(t.Repository, "/sbom"), nil
}

func (f *fakeScanner) Rematch(_ context.Context, r *fnvet.Report, changed func(*fnvet.Package) bool) error {
	var again []fnvet.Package
	for i := range r.Packages {
		if changed(&r.Packages[i]) {
			again = append(again, r.Packages[i])
		}
	}
	r.Findings = slices.DeleteFunc(r.Findings, func(x fnvet.Finding) bool {
		return slices.ContainsFunc(again, func(p fnvet.Package) bool { return p.PURL == x.Package.PURL })
	})
	r.Findings = append(r.Findings, f.findings(again)...)
	verdict(r)
	return nil
}

func (f *fakeScanner) Match(_ context.Context, pkgs []fnvet.Package) ([]fnvet.Finding, error) {
	return f.findings(pkgs), nil
}

func (f *fakeScanner) Version() (store.Version, time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return store.Version{Database: f.database, Rules: "r", Policy: "p"}, f.dated
}

func (f *fakeScanner) Update(context.Context) (string, []advisory.PackageName, bool, error) {
	return f.database, nil, false, nil
}

func write(format string, r *fnvet.Report) ([]byte, error) {
	var b bytes.Buffer
	if slices.Contains(sbom.Formats(), format) {
		err := sbom.Write(&b, format, r, sbom.Options{Now: r.Scan.Started})
		return b.Bytes(), err
	}
	err := report.Write(&b, format, []*fnvet.Report{r}, report.Options{})
	return b.Bytes(), err
}

const testConfig = `
registries:
- {name: main, host: "registry.example:5000"}
- {name: hub, host: index.docker.io}
sources:
- {source: distribution, secret: "env:FNVET_TEST_SECRET"}
- {source: harbor, secret: "env:FNVET_TEST_SECRET", registry: main}
- {source: github, secret: "env:FNVET_TEST_SECRET", registry: main}
- {source: dockerhub, secret: "env:FNVET_TEST_SECRET"}
tokens:
- {name: reader, hash: "%s", scopes: [read]}
- {name: scanner, hash: "%s", scopes: [scan, hooks]}
- {name: boss, hash: "%s", scopes: [admin]}
- {name: slow, hash: "%s", scopes: [read], rate: 0.001}
`

type testServer struct {
	*Server
	at      string // its address
	scanner *fakeScanner
	t       *testing.T
}

// start runs a server with tokens "read", "scan", "boss" and "slow".
func start(t *testing.T, databaseURL string, more string) *testServer {
	t.Helper()
	t.Setenv("FNVET_TEST_SECRET", "test-not-a-secret")
	f, err := ParseFile(fmt.Appendf(nil, testConfig+more, HashToken("read"), HashToken("scan"), HashToken("boss"), HashToken("slow")))
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), store.Options{URL: databaseURL, Backoff: time.Millisecond, Attempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	scanner := &fakeScanner{database: "db1", dated: time.Now(), flaws: map[string]string{"pkg:npm/lodash@4.17.20": "GHSA-1"}}
	workers := 2
	if os.Getenv("FNVET_LOAD") != "" {
		workers, _ = strconv.Atoi(os.Getenv("FNVET_LOAD_WORKERS")) // none: what is measured is the accepting
	}
	s, err := New(Config{File: f, Store: st, Scanner: scanner, Workers: workers, Version: "test", Write: write, MaxDatabaseAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Work(ctx, time.Second) }()
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		h.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return &testServer{s, h.URL, scanner, t}
}

type got struct {
	status int
	header http.Header
	body   string
}

func (s *testServer) do(method, path, token, body string, headers ...string) got {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.at+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return got{resp.StatusCode, resp.Header, string(data)}
}

// id is the number in an answer.
func (g got) id(t *testing.T) string {
	t.Helper()
	n := regexp.MustCompile(`[0-9]+`).FindString(g.body)
	if g.status != http.StatusAccepted || n == "" {
		t.Fatalf("status %d: %s", g.status, g.body)
	}
	return n
}

func (s *testServer) await(id, state string) string {
	s.t.Helper()
	for range 400 {
		if g := s.do("GET", "/api/v1/scans/"+id, "read", ""); strings.Contains(g.body, `"state":"`+state+`"`) {
			return g.body
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.t.Fatalf("scan %s: %s", id, s.do("GET", "/api/v1/scans/"+id, "read", "").body)
	return ""
}

const pushBody = `{"events":[{"id":"e1","action":"push","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + testDigest + `","repository":"fn/app","tag":"1"},"request":{"host":"registry.example:5000"}}]}`

func TestRound(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := start(t, url, "")
		if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); g.status != http.StatusNotFound {
			t.Errorf("before: %d %s", g.status, g.body)
		}
		first := s.do("POST", "/hooks/distribution", "test-not-a-secret", pushBody)
		id := first.id(t)
		if again := s.do("POST", "/hooks/distribution", "test-not-a-secret", pushBody); again.status != http.StatusAccepted || again.body != first.body {
			t.Errorf("delivered again: %d %s, first %s", again.status, again.body, first.body)
		}
		s.await(id, "done")
		for _, r := range []struct{ path, want string }{
			{"/api/v1/verdicts/" + testDigest, `"pass":false,"code":1,"blocking":1`},
			{"/api/v1/artifacts?purl=pkg:npm/lodash", `"repository":"fn/app"`},
			{"/api/v1/artifacts?purl=pkg:npm/none", `"artifacts":[]`},
			{"/api/v1/artifacts?advisory=CVE-GHSA-1", `"repository":"fn/app"`},
			{"/api/v1/scans?state=done&repository=fn/app", `"id":` + id},
			{"/api/v1/scans/" + id + "/report", `"schema": "fnvet/report/1"`},
			{"/api/v1/scans/" + id + "/sbom", `"bomFormat"`},
			{"/api/v1/scans/" + id + "/sbom?format=spdx-json", `"spdxVersion"`},
			{"/", "fn/app:1"},
			{"/?q=fn%2Fapp&verdict=fail", "fn/app:1"},
			{"/?verdict=pass", "No artifact is like that"},
			{"/artifacts/1", "a &lt;b&gt;flaw&lt;/b&gt;"},
			{"/search?package=lod", "pkg:npm/lodash@4.17.20"},
			{"/search?advisory=GHSA-1", "fn/app:1"},
			{"/queue", "Nothing waits"},
			{"/metrics", "fnvet_events_accepted_total"},
			{"/readyz", "ready"},
		} {
			if g := s.do("GET", r.path, "read", ""); g.status != http.StatusOK || !strings.Contains(g.body, r.want) {
				t.Errorf("%s: %d, want %q in %s", r.path, g.status, r.want, g.body)
			}
		}
		s.rescanned(t, id)
	})
}

// rescanned lets new advisories come: one flaw is gone, another is there.
func (s *testServer) rescanned(t *testing.T, id string) {
	s.scanner.mu.Lock()
	s.scanner.database, s.scanner.flaws = "db2", map[string]string{"pkg:npm/left-pad@1.3.0": "GHSA-2"}
	s.scanner.mu.Unlock()
	names := []advisory.PackageName{{Ecosystem: "npm", Name: "left-pad"}, {Ecosystem: "npm", Name: "unheard-of"}}
	if err := s.Rescan(t.Context(), "db1", names, false); err != nil {
		t.Fatal(err)
	}
	// lodash was not asked for: its finding stays.
	if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); !strings.Contains(g.body, `"blocking":2`) || !strings.Contains(g.body, `"database":"db2"`) {
		t.Errorf("after the rescan: %s", g.body)
	}
	for advisory, want := range map[string]string{"GHSA-2": "fn/app", "GHSA-1": "fn/app"} {
		if g := s.do("GET", "/api/v1/artifacts?advisory="+advisory, "read", ""); !strings.Contains(g.body, want) {
			t.Errorf("%s: %s", advisory, g.body)
		}
	}
	if g := s.do("GET", "/artifacts/1", "read", ""); !strings.Contains(g.body, "What changed") || !strings.Contains(g.body, "GHSA-2") {
		t.Error("the page does not say what changed")
	}
	s.scanner.mu.Lock()
	s.scanner.database = "db4" // db3 was missed
	s.scanner.mu.Unlock()
	if err := s.Rescan(t.Context(), "db3", nil, false); err != nil {
		t.Fatal(err)
	}
	if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); !strings.Contains(g.body, `"blocking":1`) || !strings.Contains(g.body, `"database":"db4"`) {
		t.Errorf("after one that compares everything: %s", g.body)
	}
	if g := s.do("GET", "/api/v1/scans/"+id+"/report", "read", ""); !strings.Contains(g.body, "GHSA-1") {
		t.Error("the report of the first scan was changed")
	}
}

func TestUploads(t *testing.T) {
	s := start(t, testdb.SQLite(t), "upload_limit_mib: 1\n")
	zip := "PK\x03\x04 whatever"
	id := s.do("POST", "/api/v1/scans?name=fn.zip", "scan", zip, "Content-Type", "application/zip").id(t)
	if same := s.do("POST", "/api/v1/scans?name=fn.zip", "scan", zip, "Content-Type", "application/zip").id(t); same != id {
		t.Errorf("the same package: scan %s, want %s", same, id)
	}
	s.await(id, "done")
	for _, r := range []struct {
		reason, path, body, kind string
		want                     int
	}{
		{"too large", "", strings.Repeat("x", 1<<20+1), "application/zip", 413},
		{"no body", "", "", "application/zip", 400},
		{"a name that climbs", "?name=..%2F..%2Fx", zip, "application/zip", 400},
		{"another kind", "", zip, "text/html", 415},
	} {
		if g := s.do("POST", "/api/v1/scans"+r.path, "scan", r.body, "Content-Type", r.kind); g.status != r.want {
			t.Errorf("%s: %d %s, want %d", r.reason, g.status, g.body, r.want)
		}
	}
}

func TestDeadLetters(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	s.scanner.fail = errors.New("the registry answered 500")
	id := s.do("POST", "/api/v1/scans", "scan", `{"target":"registry.example:5000/fn/app@`+testDigest+`"}`).id(t)
	if c := s.await(id, "dead"); !strings.Contains(c, `"attempts":2`) || !strings.Contains(c, "answered 500") {
		t.Errorf("dead letter %s", c)
	}
	if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); g.status != http.StatusConflict {
		t.Errorf("verdict of what was given up: %d", g.status)
	}
	if g := s.do("GET", "/queue", "read", ""); !strings.Contains(g.body, "Try again") {
		t.Error("the page has no button")
	}
	s.scanner.fail = nil
	if g := s.do("POST", "/api/v1/dead/"+id+"/replay", "boss", ""); g.status != http.StatusAccepted {
		t.Errorf("replay: %d %s", g.status, g.body)
	}
	s.await(id, "done")
	if g := s.do("POST", "/api/v1/dead/"+id+"/replay", "boss", ""); g.status != http.StatusConflict {
		t.Errorf("replay of what is done: %d", g.status)
	}
}

// TestReferrers: what is beside an image and no image ends without a verdict.
func TestReferrers(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	id := s.do("POST", "/hooks/distribution", "test-not-a-secret", strings.Replace(pushBody, "fn/app", "fn/sbom", 1)).id(t)
	if c := s.await(id, "done"); !strings.Contains(c, "no image") || !strings.Contains(c, `"verdict":null`) || !strings.Contains(c, `"report":null`) {
		t.Errorf("scan %s", c)
	}
	if g := s.do("GET", "/api/v1/verdicts/"+testDigest, "read", ""); g.status != http.StatusNotFound {
		t.Errorf("verdict: %d", g.status)
	}
	if g := s.do("GET", "/api/v1/scans?state=done", "read", ""); !strings.Contains(g.body, `"id":`+id) {
		t.Errorf("done: %s", g.body)
	}
	if g := s.do("GET", "/queue", "read", ""); !strings.Contains(g.body, "Nothing waits") {
		t.Error("it waits")
	}
}

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

func TestAdmission(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	review := func(image string) string {
		return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u1","operation":"CREATE","object":{"spec":{"template":{"spec":{"containers":[{"image":"` + image + `"}]}}}}}}`
	}
	at := "registry.example:5000/fn/app@" + testDigest
	ask := func(image string) string { return s.do("POST", "/admission", "read", review(image)).body }
	if g := ask(at); !strings.Contains(g, `"allowed":false`) || !strings.Contains(g, "never scanned") || !strings.Contains(g, `"uid":"u1"`) {
		t.Errorf("never scanned: %s", g)
	}
	s.await(s.do("POST", "/api/v1/scans", "scan", `{"target":"`+at+`"}`).id(t), "done")
	if g := ask(at); !strings.Contains(g, `"allowed":false`) || !strings.Contains(g, "does not pass") {
		t.Errorf("one that fails: %s", g)
	}
	s.scanner.mu.Lock()
	s.scanner.flaws, s.scanner.database = nil, "db2"
	s.scanner.mu.Unlock()
	s.await(s.do("POST", "/api/v1/scans", "scan", `{"target":"`+at+`"}`).id(t), "done")
	if g := ask(at); !strings.Contains(g, `"allowed":true`) {
		t.Errorf("one that passes: %s", g)
	}
	if g := s.do("POST", "/admission/read", "", review(at)); !strings.Contains(g.body, `"allowed":true`) {
		t.Errorf("with the token in the path: %s", g.body)
	}
	if g := ask("registry.example:5000/fn/app:1"); !strings.Contains(g, "tag") || !strings.Contains(g, `"allowed":false`) {
		t.Errorf("by a tag: %s", g)
	}
}

// TestNotifications: what newly blocks is told once, signed, in each shape.
func TestNotifications(t *testing.T) {
	told := make(chan *http.Request, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		told <- r
	}))
	defer receiver.Close()
	t.Setenv("FNVET_TEST_URL", receiver.URL)
	s := start(t, testdb.SQLite(t), `
notifications:
- {name: json, url: "env:FNVET_TEST_URL", secret: "env:FNVET_TEST_SECRET", private: true}
- {name: slack, url: "env:FNVET_TEST_URL", format: slack, private: true}
- {name: teams, url: "env:FNVET_TEST_URL", format: teams, private: true}
- {name: fenced, url: "env:FNVET_TEST_URL"}
`)
	s.await(s.do("POST", "/hooks/distribution", "test-not-a-secret", pushBody).id(t), "done")
	seen := map[string]bool{}
	for range 3 {
		select {
		case r := <-told:
			body, _ := io.ReadAll(r.Body)
			var message map[string]any
			if err := json.Unmarshal(body, &message); err != nil || !strings.Contains(string(body), "GHSA-1") {
				t.Errorf("message %s: %v", body, err)
			}
			switch {
			case message["schema"] == "fnvet/event/1":
				seen["json"] = true
				at := r.Header.Get("X-Fnvet-Timestamp")
				if want := "sha256=" + signature("test-not-a-secret", at, body); r.Header.Get("X-Fnvet-Signature-256") != want || at == "" {
					t.Errorf("signature %q, want %q", r.Header.Get("X-Fnvet-Signature-256"), want)
				}
			case message["blocks"] != nil:
				seen["slack"] = true
			case message["attachments"] != nil:
				seen["teams"] = true
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("told only %v", seen)
		}
	}
	if len(seen) != 3 {
		t.Errorf("told %v", seen)
	}
}

// TestHostileRequests: whatever is sent, the answer is a problem of the caller's.
func TestHostileRequests(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	huge := `{"a":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, r := range s.routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		path = strings.NewReplacer("{$}", "", "{id}", "1", "{digest}", "sha256:x", "{source}", "distribution", "{secret}", "x", "{token}", "x").Replace(path)
		for _, c := range []struct {
			reason, token, body string
			headers             []string
			want                []int // nil: any below 500
		}{
			{"no token", "", `{}`, nil, nil},
			{"a wrong token", "wrong", `{}`, nil, nil},
			{"malformed", "boss", `{"a":`, nil, nil},
			{"nothing", "boss", "", nil, nil},
			{"an array", "boss", `[]`, nil, nil},
			{"null", "boss", `null`, nil, nil},
			{"deeply nested", "boss", deep, nil, nil},
			{"oversized", "boss", huge, nil, nil},
			{"a lie about gzip", "boss", `{}`, []string{"Content-Encoding", "gzip"}, nil},
			{"an encoding nobody knows", "boss", `{}`, []string{"Content-Encoding", "br"}, nil},
			{"not UTF-8", "boss", "{\"a\":\"\xff\xfe\"}", nil, nil},
			{"another site's page", "boss", `{}`, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, nil},
		} {
			g := s.do(method, path, c.token, c.body, c.headers...)
			if g.status >= 500 {
				t.Errorf("%s, %s: %d %s", r.pattern, c.reason, g.status, g.body)
			}
			if g.status >= 400 && (g.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(g.body, `"detail"`)) {
				t.Errorf("%s, %s: %d without a problem: %s", r.pattern, c.reason, g.status, g.body)
			}
			if r.scope != "" && (c.reason == "no token" || c.reason == "a wrong token") && g.status != http.StatusUnauthorized {
				t.Errorf("%s, %s: %d", r.pattern, c.reason, g.status)
			}
			if method == http.MethodPost && c.reason == "another site's page" && g.status != http.StatusForbidden {
				t.Errorf("%s, %s: %d", r.pattern, c.reason, g.status)
			}
		}
	}
	for _, c := range []struct {
		method, path, token, body string
		want                      int
		headers                   []string
	}{
		{"POST", "/hooks/distribution", "boss", huge, 413, nil},
		{"POST", "/hooks/distribution", "boss", deep, 400, nil},
		{"POST", "/hooks/distribution/test-not-a-secret", "", pushBody, 202, nil},
		{"POST", "/hooks/distribution/wrong", "", pushBody, 401, nil},
		{"POST", "/hooks/github/test-not-a-secret", "", `{}`, 401, nil}, // a secret in the path is no signature
		{"POST", "/hooks/nobody", "boss", `{}`, 404, nil},
		{"POST", "/hooks/distribution", "read", pushBody, 403, nil},
		{"POST", "/hooks/distribution", "boss", strings.Replace(pushBody, "registry.example:5000", "169.254.169.254", 1), 403, nil},
		{"POST", "/api/v1/scans", "read", `{"target":"registry.example:5000/a:1"}`, 403, nil},
		{"POST", "/api/v1/scans", "scan", `{"target":"/etc/passwd"}`, 400, nil},
		{"POST", "/api/v1/scans", "scan", `{"target":"evil.example/a:1"}`, 403, nil},
		{"POST", "/api/v1/scans", "scan", `{"target":"s3://bucket/key"}`, 403, nil},
		{"POST", "/api/v1/scans", "scan", `{"target":"registry.example:5000/a:1","x":1}`, 400, nil},
		{"GET", "/api/v1/scans?state=x", "read", "", 400, nil},
		{"GET", "/api/v1/scans?cursor=x", "read", "", 400, nil},
		{"GET", "/api/v1/scans/999", "read", "", 404, nil},
		{"GET", "/api/v1/scans/99999999999999999999", "read", "", 404, nil},
		{"GET", "/api/v1/artifacts?purl=lodash", "read", "", 400, nil},
		{"DELETE", "/api/v1/scans", "boss", "", 405, nil},
		{"GET", "/nothing", "boss", "", 404, nil},
		{"GET", "//x/../y", "boss", "", 404, nil},
	} {
		if g := s.do(c.method, c.path, c.token, c.body, c.headers...); g.status != c.want {
			t.Errorf("%s %s as %q: %d %s, want %d", c.method, c.path, c.token, g.status, g.body, c.want)
		}
	}
	limited := 0
	for range 4 {
		if g := s.do("GET", "/api/v1/scans", "slow", ""); g.status == http.StatusTooManyRequests && g.header.Get("Retry-After") != "" {
			limited++
		}
	}
	if limited != 3 {
		t.Errorf("%d of 4 requests over the rate were refused", limited)
	}
}

// TestConformance: the description names every route and no other, and answers
// have the shape it gives.
func TestConformance(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	var doc struct {
		OpenAPI string                               `json:"openapi"`
		Paths   map[string]map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(s.do("GET", "/openapi.json", "", "").body), &doc); err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for path, methods := range doc.Paths {
		for method := range methods {
			described[strings.ToUpper(method)+" "+path] = true
		}
	}
	for _, r := range s.routes() {
		pattern := strings.Replace(r.pattern, "{$}", "", 1)
		if !described[pattern] {
			t.Errorf("%s is not described", pattern)
		}
		delete(described, pattern)
	}
	if len(described) > 0 || doc.OpenAPI != "3.1.0" {
		t.Errorf("described and not served: %v (OpenAPI %s)", described, doc.OpenAPI)
	}
	c := jsonschema.NewCompiler()
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPI))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("openapi.json", whole); err != nil {
		t.Fatal(err)
	}
	id := s.do("POST", "/hooks/distribution", "test-not-a-secret", pushBody).id(t)
	s.await(id, "done")
	for _, r := range []struct{ method, path, token, body, schema string }{
		{"POST", "/hooks/distribution", "boss", pushBody, "Jobs"},
		{"POST", "/hooks/distribution", "boss", `{"events":[]}`, "Ignored"},
		{"POST", "/hooks/distribution", "boss", `{`, "Problem"},
		{"POST", "/api/v1/scans", "boss", `{"target":"registry.example:5000/a:1"}`, "Accepted"},
		{"GET", "/api/v1/scans", "read", "", "Scans"},
		{"GET", "/api/v1/scans/" + id, "read", "", "Scan"},
		{"GET", "/api/v1/scans/" + id + "/report", "read", "", "Report"},
		{"GET", "/api/v1/verdicts/" + testDigest, "read", "", "Verdict"},
		{"GET", "/api/v1/verdicts/x", "read", "", "Problem"},
		{"GET", "/api/v1/artifacts", "read", "", "Artifacts"},
		{"GET", "/api/v1/artifacts?advisory=GHSA-1", "read", "", "Artifacts"},
		{"POST", "/api/v1/dead/" + id + "/replay", "boss", "", "Problem"},
		{"GET", "/healthz", "", "", "Status"},
		{"GET", "/readyz", "", "", "Status"},
	} {
		schema, err := c.Compile("openapi.json#/components/schemas/" + r.schema)
		if err != nil {
			t.Fatal(err)
		}
		g := s.do(r.method, r.path, r.token, r.body)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(g.body))
		if err != nil {
			t.Errorf("%s %s: %v", r.method, r.path, err)
			continue
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s %s: %v\n%s", r.method, r.path, err, g.body)
		}
		path := doc.Paths[strings.Replace(strings.Replace(strings.SplitN(r.path, "?", 2)[0], "/"+id, "/{id}", 1), "distribution", "{source}", 1)]
		if path != nil {
			responses, _ := path[strings.ToLower(r.method)]["responses"].(map[string]any)
			if responses[fmt.Sprint(g.status)] == nil {
				t.Errorf("%s %s: the status %d is not described", r.method, r.path, g.status)
			}
		}
	}
}

func TestReadiness(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	for _, r := range []struct {
		dated time.Time
		want  int
	}{{time.Now(), 200}, {time.Now().Add(-2 * time.Hour), 503}, {time.Time{}, 503}} {
		s.scanner.mu.Lock()
		s.scanner.dated = r.dated
		s.scanner.mu.Unlock()
		if g := s.do("GET", "/readyz", "", ""); g.status != r.want {
			t.Errorf("dated %v: %d, want %d", r.dated, g.status, r.want)
		}
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Setenv("FNVET_TEST_SECRET", "x")
	for _, r := range []struct{ text, want string }{
		{"registries: [{host: a/b}]", "no host"},
		{"registries: [{host: a}, {host: a}]", "twice"},
		{"registries: [{host: a, username: u}]", "go together"},
		{"registries: [{host: a, password: written-out, username: u}]", "never written out"},
		{"registries: [{host: a, password: 'env:FNVET_TEST_NONE', username: u}]", "is empty"},
		{"sources: [{source: nobody, secret: 'env:FNVET_TEST_SECRET'}]", "none of"},
		{"sources: [{source: harbor}]", "wants a secret"},
		{"sources: [{source: pubsub}]", "audience"},
		{"sources: [{source: harbor, secret: 'env:FNVET_TEST_SECRET', registry: x}]", "no registry is named"},
		{"tokens: [{name: a, hash: plain, scopes: [read]}]", "64 hex digits"},
		{"tokens: [{name: a, hash: '" + HashToken("x") + "', scopes: [fly]}]", "none of read"},
		{"notifications: [{name: n, url: 'env:FNVET_TEST_SECRET'}]", "URL"},
		{"proxy_login: {header: X, from: [all]}", "no prefix"},
		{"unheard: of", "not found"},
	} {
		if _, err := ParseFile([]byte(r.text)); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: error %v, want %q", r.text, err, r.want)
		}
	}
	f, err := ParseFile([]byte("registries: [{host: a, username: u, password: 'env:FNVET_TEST_SECRET'}]"))
	if err != nil {
		t.Fatal(err)
	}
	if words := fmt.Sprintf("%v %+v %#v %s", f, *f, f.Registries[0], f.Registries[0].Password); strings.Contains(words, `"x"`) || strings.Contains(words, "{x}") {
		t.Errorf("a secret is printed: %s", words)
	}
}
