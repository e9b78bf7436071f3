package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
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
	if list := unseen(); code == 0 && len(list) > 0 && !testing.Short() && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" {
		fmt.Fprintf(os.Stderr, "openapi.json describes what no test has seen: %s\n", strings.Join(list, ", "))
		code = 1
	}
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
	also     func(*fnvet.Report) // what a scan finds beside, or nil
	block    chan struct{}       // a scan waits until it is closed; nil: none does
}

var errFake = errors.New("the registry answered 500")

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
	if r.Verdict.Pass && len(r.Gaps) > 0 {
		r.Verdict.Pass, r.Verdict.Code, r.Verdict.Reasons = false, 3, []string{"1 gap"}
	} else if !r.Verdict.Pass {
		r.Verdict.Code, r.Verdict.Reasons = 1, []string{"1 vulnerability of high severity"}
	}
}

func (f *fakeScanner) Scan(_ context.Context, t *Target) (*fnvet.Report, store.Version, error) {
	f.mu.Lock()
	block := f.block
	f.mu.Unlock()
	if block != nil {
		<-block
	}
	f.mu.Lock()
	fail := f.fail
	f.mu.Unlock()
	if fail != nil {
		return nil, store.Version{}, fail
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
	if f.also != nil {
		f.also(r)
	}
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
		return x.Package != nil && slices.ContainsFunc(again, func(p fnvet.Package) bool { return p.PURL == x.Package.PURL })
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
	s, err := New(Config{File: f, Store: st, Scanner: scanner, Workers: workers, Version: "test", Write: write, MaxDatabaseAge: time.Hour, Scratch: t.TempDir()})
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
	g := got{resp.StatusCode, resp.Header, string(data)}
	s.conforms(req, g)
	return g
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
