package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A service under test is the real command.
type running struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string // address
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is what was written so far.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// home is an environment of its own for the command.
func home(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	return append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+filepath.Join(dir, "state"), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "XDG_CONFIG_HOME="+filepath.Join(dir, "config"), "FNVET_TEST_SECRET=test-not-a-secret")
}

// launch starts serve or worker and waits until it says that it runs.
func launch(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	r := &running{t: t, log: &lockedBuffer{}}
	r.cmd = exec.CommandContext(t.Context(), "fnvet", args...)
	r.cmd.Env = env
	out, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.kill() })
	said := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(io.TeeReader(out, r.log))
		for {
			line, err := lines.ReadString('\n')
			if strings.HasPrefix(line, "fnvet: ") {
				select {
				case said <- line:
				default:
				}
			}
			if err != nil {
				close(said)
				return
			}
		}
	}()
	select {
	case line := <-said:
		if _, at, ok := strings.Cut(strings.TrimSpace(line), "answers on "); ok {
			r.base = at
		} else if !strings.Contains(line, "works") {
			t.Fatalf("fnvet %v: %s", args, r.log.String())
		}
	case <-time.After(60 * time.Second):
		t.Fatalf("fnvet %v says nothing: %s", args, r.log.String())
	}
	return r
}

// kill ends it at once, as kill -9 does, with the children it started.
func (r *running) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// stop asks it to end, and wants that to be a good end.
func (r *running) stop() {
	r.t.Helper()
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("the end: %v\n%s", err, r.log.String())
	}
}

func (r *running) get(path string, into any) int {
	status, err := r.ask(http.MethodGet, path, "", nil, into)
	if err != nil {
		r.t.Fatal(err)
	}
	return status
}

func (r *running) ask(method, path, kind string, body []byte, into any) (int, error) {
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer test-not-a-secret")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if into == nil {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, json.NewDecoder(resp.Body).Decode(into)
}

type scansAnswer struct {
	Scans []struct {
		ID                              int64
		State, Source, Repository, Tag  string
		Digest, Error, Registry, Report string
		Attempts                        int
		Verdict                         *struct{ Code, Blocking int }
	}
	Next string
}

// all lists every scan.
func (r *running) all(query string) scansAnswer {
	r.t.Helper()
	var all scansAnswer
	cursor := ""
	for {
		var page scansAnswer
		if status := r.get("/api/v1/scans?"+query+"&cursor="+cursor, &page); status != http.StatusOK {
			r.t.Fatalf("scans: %d", status)
		}
		all.Scans = append(all.Scans, page.Scans...)
		if page.Next == "" {
			return all
		}
		cursor = page.Next
	}
}

// awaitScans waits until n scans are done and none is on its way.
func (r *running) awaitScans(n int) scansAnswer {
	r.t.Helper()
	var all scansAnswer
	for range 1200 {
		all = r.all("")
		done := 0
		images := all.Scans[:0]
		for _, s := range all.Scans {
			if s.State == "done" && s.Verdict == nil {
				continue // what fnvet put beside an image
			}
			images = append(images, s)
			if s.State == "done" || s.State == "dead" {
				done++
			}
		}
		if all.Scans = images; done == n && len(all.Scans) == n {
			return all
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.t.Fatalf("want %d scans done, there are %d; the latest are %+v", n, len(all.Scans), all.Scans[:min(3, len(all.Scans))])
	return all
}

// serveDB compiles the small advisory set of the repository.
func serveDB(t *testing.T, env []string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "fnvet", "db", "update", "--db", dir, "--db-source", "../../testdata/osv")
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func writeText(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// registryWith runs docker-registry with its notifications pointed at a port.
func registryWith(t *testing.T, hookPort string) (host string) {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("docker-registry is not installed (Debian package docker-registry)")
	}
	host = "127.0.0.1:" + freePort(t)
	config := writeText(t, fmt.Sprintf(`version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: %q}}
http: {addr: %q}
notifications:
  endpoints:
  - {name: fnvet, url: "http://127.0.0.1:%s/hooks/distribution", headers: {Authorization: [Bearer test-not-a-secret]}, timeout: 5s, threshold: 3, backoff: 1s}
`, t.TempDir(), host, hookPort))
	cmd := exec.CommandContext(t.Context(), program, "serve", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 300 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			return host
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("docker-registry does not answer")
	return ""
}

func skopeo(t *testing.T, args ...string) {
	t.Helper()
	program, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("skopeo is not installed (Debian package skopeo)")
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{"--insecure-policy", "copy", "-q", "--dest-tls-verify=false"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("skopeo %v: %v: %s", args, err, out)
	}
}

// TestServeRealRegistry: what skopeo pushes to the reference registry is scanned,
// its verdict is beside it, and neither blobs nor what fnvet itself pushes are.
func TestServeRealRegistry(t *testing.T) {
	env := home(t)
	hooks := freePort(t)
	host := registryWith(t, hooks)
	db := serveDB(t, env)
	config := writeText(t, fmt.Sprintf(`
registries: [{name: main, host: %q, insecure: true, private: true, attach: true}]
sources: [{source: distribution, secret: "env:FNVET_TEST_SECRET"}]
`, host))
	private, public := keyFiles(t)
	s := launch(t, env, "serve", "--listen", "127.0.0.1:"+hooks, "--config", config, "--db", db, "--max-db-age", "0", "--update-every", "0", "--attach", private)
	skopeo(t, "docker-archive:../../testdata/packages/image-two-layers.tar", "docker://"+host+"/fn/app:1")
	scan := s.awaitScans(1).Scans[0]
	if scan.State != "done" || scan.Repository != "fn/app" || scan.Tag != "1" || scan.Source != "distribution" || scan.Verdict == nil {
		t.Fatalf("scan %+v\n%s", scan, s.log.String())
	}
	var verdict struct {
		Code     int
		Blocking int
	}
	if status := s.get("/api/v1/verdicts/"+scan.Digest, &verdict); status != http.StatusOK || verdict.Code != scan.Verdict.Code {
		t.Errorf("verdict: %d %+v", status, verdict)
	}
	verify := exec.CommandContext(t.Context(), "fnvet", "verify", host+"/fn/app@"+scan.Digest, "--key", public, "--insecure-registry")
	verify.Env = env
	out, err := verify.CombinedOutput()
	code := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = e.ExitCode()
	}
	if code != verdict.Code {
		t.Errorf("fnvet verify says %d, the verdict is %d: %s", code, verdict.Code, out)
	}
	// The same image under another tag is known; another image of the same layers is scanned.
	skopeo(t, "docker-archive:../../testdata/packages/image-two-layers.tar", "docker://"+host+"/fn/app:2")
	skopeo(t, "docker-archive:../../testdata/packages/image-alpine.tar", "docker://"+host+"/fn/other:1")
	if all := s.awaitScans(2); all.Scans[0].Repository != "fn/other" {
		t.Errorf("scans %+v", all)
	}
	s.stop()
	// What was pushed while nobody listened is found by the poller.
	skopeo(t, "oci-archive:../../testdata/packages/image-oci.tar", "docker://"+host+"/fn/missed:1")
	polling := strings.Replace(string(must(os.ReadFile(config))), "attach: true", "poll: 10s", 1)
	s = launch(t, env, "serve", "--listen", "127.0.0.1:"+freePort(t), "--config", writeText(t, polling), "--db", db, "--max-db-age", "0", "--update-every", "0")
	if all := s.awaitScans(3); all.Scans[0].Repository != "fn/missed" || all.Scans[0].Source != "poll" {
		t.Errorf("scans %+v", all)
	}
	s.stop()
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

func keyFiles(t *testing.T) (private, public string) {
	t.Helper()
	dir := t.TempDir()
	if err := writeKeyPair(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "key.pem"), filepath.Join(dir, "key.pub")
}
