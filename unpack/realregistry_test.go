package unpack_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/crypto/bcrypt"
)

// TestRealRegistry does the round with the reference implementation of a
// registry, where its program is installed: Debian has it as docker-registry.
func TestRealRegistry(t *testing.T) {
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("docker-registry is not installed (Debian package docker-registry)")
	}
	docker := noCredentials(t)
	host := serveRegistry(t, program)
	im := testImage{layers: [][]file{{{"a.txt", "a"}, {"gone", "g"}}, {{".wh.gone", ""}}}, history: []string{"COPY a", "RUN rm gone"}, arch: "arm64"}
	im.pack = func(b []byte) []byte { return gzipOf(t, b) }
	p := push(t, host, "team/app:1", im, remote.WithAuth(&authn.Basic{Username: testUser, Password: testPassword}))
	if err := walkError(t, p.tag, insecure); !strings.Contains(err, "401") {
		t.Errorf("without credentials: %s", err)
	}
	writeLogin(t, docker, host, "config")
	if digest, err := crane.Digest(p.tag, crane.Insecure); err != nil || digest != p.manifest {
		t.Errorf("crane reads the digest %s, error %v; want %s", digest, err, p.manifest)
	}
	for _, target := range []string{p.tag, p.digest, "docker://" + p.tag} {
		got := walk(t, target, insecure)
		if diff := cmp.Diff(map[string]string{"a.txt": "a", "gone": "g"}, got.contents()); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", target, diff)
		}
		if got.Artifact.Digest != p.manifest || len(got.Gaps) > 0 {
			t.Errorf("%s: digest %s, gaps %v", target, got.Artifact.Digest, got.Gaps)
		}
		for i, l := range got.Artifact.Layers {
			if l.Command != im.history[i] || l.DiffID == "" || l.Digest == "" || l.Size == 0 {
				t.Errorf("layer %d: %+v", i, l)
			}
		}
	}
	if err := walkError(t, host+"/team/app@sha256:"+strings.Repeat("1", 64), insecure); !strings.Contains(err, "MANIFEST_UNKNOWN") {
		t.Errorf("a digest it does not have: %s", err)
	}
}

// serveRegistry runs the program on loopback, with a password.
func serveRegistry(t *testing.T, program string) (host string) {
	t.Helper()
	dir := t.TempDir()
	hash, err := bcrypt.GenerateFromPassword([]byte(testPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "htpasswd"), []byte(testUser+":"+string(hash)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var words bytes.Buffer
	for range 5 { // another process may take the port in between
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		host = listener.Addr().String()
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		words.Reset()
		if tryRegistry(t, program, dir, host, &words) {
			return host
		}
	}
	t.Fatalf("docker-registry does not answer: %s", words.String())
	return ""
}

func tryRegistry(t *testing.T, program, dir, host string, words *bytes.Buffer) bool {
	t.Helper()
	config := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\nauth: {htpasswd: {realm: test, path: %q}}\n",
		filepath.Join(dir, "data"), host, filepath.Join(dir, "htpasswd"))
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "serve", filepath.Join(dir, "config.yml"))
	cmd.Stdout, cmd.Stderr = words, words
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	for range 300 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	return false
}
