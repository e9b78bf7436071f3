package main

import (
	"archive/tar"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sys/unix"
)

// lockImage is an image with one layer: a lock file that names lodash, and ballast.
func lockImage(t *testing.T, n int) (im v1.Image, layer v1.Hash) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	noise := make([]byte, 200_000) // larger than what is read at once
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(noise)
	text := fmt.Sprintf(`{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.20"},"node_modules/a":{"version":"%d.0.0"}}}`, n)
	for path, text := range map[string]string{"app/package-lock.json": text, "app/x": hex.EncodeToString(noise)} {
		if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	if im, err = mutate.AppendLayers(empty.Image, l); err != nil {
		t.Fatal(err)
	}
	if layer, err = l.Digest(); err != nil {
		t.Fatal(err)
	}
	return im, layer
}

// A hostileRegistry serves images, and misbehaves by the name of the repository.
type hostileRegistry struct {
	good      http.Handler
	host      string
	elsewhere string // where nobody may be sent
	armed     atomic.Bool
	busy      atomic.Int64
	layers    sync.Map // digests
}

func newHostileRegistry(t *testing.T) *hostileRegistry {
	t.Helper()
	h := &hostileRegistry{good: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	h.host = strings.TrimPrefix(server.URL, "http://")
	return h
}

// push puts an image into a repository, and returns its reference.
func (h *hostileRegistry) push(t *testing.T, n int, repository string) string {
	t.Helper()
	im, layer := lockImage(t, n)
	h.layers.Store(layer.String(), true)
	return h.upload(t, repository, im)
}

// upload puts an image into a repository, and returns its reference.
func (h *hostileRegistry) upload(t *testing.T, repository string, im v1.Image) string {
	t.Helper()
	ref, err := name.ParseReference(h.host + "/" + repository + ":1")
	if err != nil {
		t.Fatal(err)
	}
	h.armed.Store(false)
	defer h.armed.Store(true)
	if err := remote.Write(ref, im); err != nil {
		t.Fatal(err)
	}
	digest, err := im.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.host + "/" + repository + "@" + digest.String()
}

// ServeHTTP answers.
func (h *hostileRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	repository, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/")
	_, isLayer := h.layers.Load(rest[strings.LastIndex(rest, "/")+1:])
	if !h.armed.Load() {
		h.good.ServeHTTP(w, r)
		return
	}
	switch {
	case repository == "realm":
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+h.elsewhere+`/token",service="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	case repository == "busy" && h.busy.Add(1) <= 2:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case repository == "down":
		w.WriteHeader(http.StatusInternalServerError)
	case repository == "away" && isLayer:
		http.Redirect(w, r, h.elsewhere+"/layer", http.StatusTemporaryRedirect)
	case repository == "linklocal" && isLayer:
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
	case isLayer && repository != "busy" && !strings.HasPrefix(repository, "good"):
		rec := httptest.NewRecorder()
		h.good.ServeHTTP(rec, r)
		misbehave(w, r, repository, rec.Body.Bytes())
	default:
		h.good.ServeHTTP(w, r)
	}
}

// misbehave sends a layer in a bad way.
func misbehave(w http.ResponseWriter, r *http.Request, how string, data []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	switch how {
	case "short":
		_, _ = w.Write(data[:len(data)/2])
		panic(http.ErrAbortHandler)
	case "wrong":
		data[len(data)/2] ^= 1
		_, _ = w.Write(data)
	default: // a byte a second: slow, crash, memory
		for i := range data {
			_, _ = w.Write(data[i : i+1])
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(time.Second):
			case <-r.Context().Done():
				return
			}
		}
	}
}

// children lists the child processes of one: of a server, those that scan.
func children(t *testing.T, parent int) (pids []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		f := strings.Fields(rest)
		if len(f) > 1 && f[1] == strconv.Itoa(parent) && f[0] != "Z" {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// TestHostileRegistry: what registries do wrong, and what kills a sandboxed child,
// costs that artifact and no other, and nobody is contacted whom the configuration
// does not name.
func TestHostileRegistry(t *testing.T) {
	var strayed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	defer elsewhere.Close()
	h := newHostileRegistry(t)
	h.elsewhere = elsewhere.URL

	rows := []struct {
		repository, state, want string // want is in the error or the report
		code                    int
	}{
		{"good1", "done", "GHSA-", 1},
		{"slow", "done", "time limit", 3},
		{"good2", "done", "GHSA-", 1},
		{"short", "failed", "EOF", 0},
		{"wrong", "failed", "digest", 0},
		{"busy", "done", "GHSA-", 1},
		{"down", "failed", "500", 0},
		{"realm", "failed", "realm", 0},
		{"away", "failed", "no host of this registry's configuration", 0},
		{"linklocal", "failed", "not allowed", 0},
		{"good3", "done", "GHSA-", 1},
	}
	env := home(t)
	config := writeText(t, fmt.Sprintf("registries: [{name: main, host: %q, insecure: true, private: true}]\n", h.host))
	db := serveDB(t, env)
	begin := func() *running {
		return launch(t, env, "serve", "--listen", "127.0.0.1:0", "--config", config, "--database", "sqlite:"+filepath.Join(t.TempDir(), "fnvet.db"),
			"--db", db, "--max-db-age", "0", "--update-every", "0", "--workers", "4", "--timeout", "8s", "--log-level", "warn")
	}
	s := begin()
	ids := map[string]int64{}
	request := func(repository, target string) {
		var got struct{ ID int64 }
		body, err := json.Marshal(map[string]string{"target": target})
		if err != nil {
			t.Fatal(err)
		}
		if status, err := s.ask(http.MethodPost, "/api/v1/scans", "application/json", body, &got); err != nil || status != http.StatusAccepted {
			t.Fatalf("%s: status %d, error %v", repository, status, err)
		}
		ids[repository] = got.ID
	}
	targets := map[string]string{}
	for i, r := range rows {
		targets[r.repository] = h.push(t, i, r.repository)
	}
	for _, how := range []string{"crash", "killed", "memory"} {
		targets[how] = h.push(t, len(targets), how)
	}
	for _, r := range rows {
		request(r.repository, targets[r.repository])
	}
	check := func(repository, state, want string, code int) {
		t.Helper()
		var text []byte
		for range 2400 {
			var c map[string]any
			s.get(fmt.Sprintf("/api/v1/scans/%d", ids[repository]), &c)
			switch attempts, _ := c["attempts"].(float64); {
			case state == "failed" && attempts >= 1 && c["error"] != nil: // whatever comes of the next one
				state, code = fmt.Sprint(c["state"]), 3
			case state == "failed" && c["state"] == "done" && attempts > 1:
				state, code = "done", 3 // the last attempt takes a gap for it
			case c["state"] != state:
				time.Sleep(50 * time.Millisecond)
				continue
			}
			text, _ = json.Marshal(c)
			if state == "done" {
				var report struct {
					Verdict struct{ Code int }
				}
				var raw json.RawMessage
				s.get(fmt.Sprintf("/api/v1/scans/%d/report", ids[repository]), &raw)
				if err := json.Unmarshal(raw, &report); err != nil || report.Verdict.Code != code {
					t.Errorf("%s: code %d, error %v, want %d", repository, report.Verdict.Code, err, code)
				}
				text = raw
			}
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: %q is not in %s", repository, want, text)
			}
			return
		}
		var c json.RawMessage
		s.get(fmt.Sprintf("/api/v1/scans/%d", ids[repository]), &c)
		t.Errorf("%s: want %s, is %s", repository, state, c)
	}
	for _, r := range rows {
		check(r.repository, r.state, r.want, r.code)
	}
	s.stop()
	s = begin() // with no other children
	// The child of each of these waits for its layer when it is ended.
	for how, end := range map[string]func(pid int) error{
		"crash":  func(pid int) error { return syscall.Kill(pid, syscall.SIGSEGV) },
		"killed": func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }, // as the kernel does when memory is short
		"memory": func(pid int) error {
			for range 1000 { // it sets a limit of its own when it begins; this one takes its place
				if unix.Prlimit(pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: 1 << 20, Max: 16 << 30}, nil) != nil {
					return nil // gone
				}
				time.Sleep(time.Millisecond)
			}
			return nil
		},
	} {
		request(how, targets[how])
		var pids []int
		for range 5000 {
			if pids = children(t, s.cmd.Process.Pid); len(pids) > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if len(pids) != 1 {
			t.Fatalf("%s: children %v", how, pids)
		}
		if how != "memory" { // that one is still to allocate what it needs
			time.Sleep(time.Second)
		}
		if err := end(pids[0]); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		check(how, "done", "the sandboxed scan ended here", 3)
	}
	var verdict struct{ Pass bool }
	for _, how := range []string{"crash", "killed", "memory"} {
		_, digest, _ := strings.Cut(targets[how], "@")
		if status := s.get("/api/v1/verdicts/"+digest, &verdict); status != http.StatusOK || verdict.Pass {
			t.Errorf("%s: the verdict is %d %+v", how, status, verdict)
		}
	}
	if n := strayed.Load(); n > 0 {
		t.Errorf("%d requests went to another host", n)
	}
	s.stop()
}
