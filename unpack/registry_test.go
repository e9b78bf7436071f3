package unpack_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
	"github.com/fnvet/fnvet/unpack/remote"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote"
)

// noCredentials keeps a test away from the user's own docker configuration, and
// returns the directory of one of its own.
func noCredentials(t *testing.T) (dockerConfig string) {
	t.Helper()
	home := t.TempDir()
	for _, name := range []string{"HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "USERPROFILE"} {
		t.Setenv(name, home)
	}
	t.Setenv("REGISTRY_AUTH_FILE", "")
	return home
}

// startRegistry serves a registry on loopback, plain http, inside of wrap.
func startRegistry(tb testing.TB, wrap func(http.Handler) http.Handler) (host string) {
	tb.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// A pushed image is what to call it.
type pushed struct{ tag, digest, manifest string }

// push writes an image to the registry under repository:tag.
func push(tb testing.TB, host, tag string, im testImage, opts ...ggcr.Option) pushed {
	tb.Helper()
	files, digest := im.layout(tb)
	index, err := layout.ImageIndexFromPath(writeTree(tb, files))
	if err != nil {
		tb.Fatal(err)
	}
	hash, err := v1.NewHash(digest)
	if err != nil {
		tb.Fatal(err)
	}
	img, err := index.Image(hash)
	if err != nil {
		tb.Fatal(err)
	}
	ref, err := name.ParseReference(host+"/"+tag, name.Insecure)
	if err != nil {
		tb.Fatal(err)
	}
	if err := ggcr.Write(ref, img, opts...); err != nil {
		tb.Fatal(err)
	}
	return pushed{host + "/" + tag, ref.Context().Digest(digest).String(), digest}
}

// pushIndex writes an index of images, each for its own platform.
func pushIndex(tb testing.TB, host, tag string, images ...testImage) pushed {
	tb.Helper()
	var list []any
	for _, im := range images {
		p := push(tb, host, tag+"-"+im.arch, im)
		list = append(list, map[string]any{
			"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": p.manifest, "size": 1,
			"platform": map[string]string{"os": "linux", "architecture": im.arch},
		})
	}
	return putManifest(tb, host, tag, "application/vnd.oci.image.index.v1+json", jsonOf(tb, map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": list,
	}))
}

// putManifest writes any bytes as a manifest.
func putManifest(tb testing.TB, host, tag, media string, raw []byte) pushed {
	tb.Helper()
	repo, version, _ := strings.Cut(tag, ":")
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPut, "http://"+host+"/v2/"+repo+"/manifests/"+version, bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", media)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		tb.Fatalf("the registry answers %s to a manifest", resp.Status)
	}
	return pushed{host + "/" + tag, host + "/" + repo + "@" + sha(raw), sha(raw)}
}

var insecure = unpack.Options{Remote: remote.Options{Insecure: true}}

// walkError is the error of a walk that must have one.
func walkError(tb testing.TB, target string, opts unpack.Options) string {
	tb.Helper()
	_, err := unpack.Walk(tb.Context(), target, opts, func(context.Context, *fnvet.File) {})
	if err == nil {
		tb.Fatalf("Walk(%s): no error", target)
	}
	return err.Error()
}

var oneLayer = testImage{layers: [][]file{{{"a.txt", "a"}}, {{"b.txt", "b"}}}, pack: nil}

func TestRegistryPlatform(t *testing.T) {
	noCredentials(t)
	host := startRegistry(t, nil)
	of := func(arch string) testImage {
		return testImage{layers: [][]file{{{"arch", arch}}}, arch: arch}
	}
	index := pushIndex(t, host, "multi:1", of("amd64"), of("arm64"))
	only := pushIndex(t, host, "arm:1", of("arm64"))
	for _, c := range []struct {
		why, target, platform, arch, gap string
	}{
		{"default of an index", index.tag, "", "amd64", ""},
		{"chosen from an index", index.tag, "linux/arm64", "arm64", ""},
		{"an index by digest", index.digest, "linux/arm64", "arm64", ""},
		{"none in the index", index.tag, "linux/s390x", "", "no image for linux/s390x, only for linux/amd64, linux/arm64"},
		{"an index of one", only.tag, "", "arm64", ""},
		{"an index of another", only.tag, "linux/amd64", "", "no image for linux/amd64, only for linux/arm64"},
		{"a manifest", host + "/arm:1-arm64", "", "arm64", ""},
		{"a manifest of another", host + "/arm:1-arm64", "linux/amd64", "", "no image for linux/amd64, only for linux/arm64"},
	} {
		t.Run(c.why, func(t *testing.T) {
			got := walk(t, c.target, unpack.Options{Platform: c.platform, Remote: insecure.Remote})
			if got.Artifact.Config.Architecture != c.arch || got.contents()["arch"] != c.arch {
				t.Errorf("architecture %q, files %v, want %q", got.Artifact.Config.Architecture, got.contents(), c.arch)
			}
			detail := ""
			for _, g := range got.Gaps {
				detail += g.Detail
			}
			if detail != c.gap {
				t.Errorf("gaps %v, want %q", got.Gaps, c.gap)
			}
			if c.arch != "" && strings.Contains(c.target, "multi") && got.Artifact.IndexDigest != index.manifest {
				t.Errorf("index digest %q, want %s", got.Artifact.IndexDigest, index.manifest)
			}
		})
	}
}

// TestRegistryLies asks a registry that serves something else than it should.
func TestRegistryLies(t *testing.T) {
	noCredentials(t)
	var lie atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	host := startRegistry(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if f := lie.Load(); f != nil && r.Method == http.MethodGet && (*f)(w, r) {
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	p := push(t, host, "app:1", oneLayer)
	_, stored, config := oneLayer.parts(t)
	serve := func(body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { fmt.Fprint(w, body) }
	}
	other := layerOf(t, []file{{"a.txt", "evil"}})
	for _, c := range []struct {
		why, part string
		answer    func(http.ResponseWriter)
		gap, err  string
	}{
		{"a layer with other bytes", sha(stored[0]), serve(string(other) + strings.Repeat("\x00", 512)), "digest", ""},
		{"a layer that is cut off", sha(stored[0]), serve(string(stored[0][:700])), "unreadable", ""},
		{"a layer that is gone", sha(stored[0]), func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, "unreadable", ""},
		{"a config with other bytes", sha(config), serve(strings.Replace(string(config), "1000", "0000", 1)), "digest", ""},
		{"a manifest under another digest", p.manifest, serve(`{"schemaVersion":2}`), "", "a manifest that has the digest sha256:"},
		{"no manifest", p.manifest, func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, "", "answered 404"},
	} {
		t.Run(c.why, func(t *testing.T) {
			f := func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, c.part) {
					return false
				}
				c.answer(w)
				return true
			}
			lie.Store(&f)
			defer lie.Store(nil)
			if c.err != "" {
				if err := walkError(t, p.digest, insecure); !strings.Contains(err, c.err) {
					t.Errorf("error %q, want %q", err, c.err)
				}
				return
			}
			got := walk(t, p.digest, insecure)
			if diff := cmp.Diff([]string{c.gap}, got.reasons()); diff != "" {
				t.Errorf("gaps %v", got.Gaps)
			}
			if got.contents()["b.txt"] != "b" {
				t.Error("the other layer was not read")
			}
		})
	}
	if err := walkError(t, host+"/app@sha256:"+strings.Repeat("0", 64), insecure); !strings.Contains(err, "404") {
		t.Errorf("a digest that is not there: %s", err)
	}
}

func TestRegistryManifests(t *testing.T) {
	noCredentials(t)
	host := startRegistry(t, nil)
	push(t, host, "app:1", oneLayer)
	_, stored, config := oneLayer.parts(t)
	foreign := map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
		"config": map[string]any{"digest": sha(config), "size": len(config)},
		"layers": []any{
			map[string]any{"digest": sha(stored[0]), "size": len(stored[0]), "mediaType": "application/vnd.docker.image.rootfs.diff.tar"},
			map[string]any{"digest": sha([]byte("elsewhere")), "size": 9, "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
				"urls": []string{"http://" + host + "/v2/elsewhere"}},
		},
	}
	for _, c := range []struct {
		why, media string
		raw        []byte
		reason     string
		detail     string
	}{
		{"schema 1", "application/vnd.docker.distribution.manifest.v1+prettyjws", []byte(`{"schemaVersion":1,"fsLayers":[]}`), "unsupported", "schema version 1"},
		{"unknown", "application/x-odd", []byte(`{"schemaVersion":2,"mediaType":"application/x-odd"}`), "unsupported", "application/x-odd"},
		{"no JSON", "application/x-odd", []byte(`hello`), "unparsable", "invalid character"},
		{"huge", "application/x-odd", append(jsonOf(t, foreign), bytes.Repeat([]byte(" "), 9<<20)...), "limit", "metadata limit"},
		{"a foreign layer", "application/vnd.docker.distribution.manifest.v2+json", jsonOf(t, foreign), "unsupported", "URL is not followed"},
		{"a digest that climbs", "application/vnd.oci.image.manifest.v1+json", []byte(`{"schemaVersion":2,"config":{"digest":"sha256:../../../_catalog","size":3},"layers":[{"digest":"sha256:../x","size":3}]}`), "unreadable", "not named by a SHA-256 digest"},
	} {
		t.Run(c.why, func(t *testing.T) {
			p := putManifest(t, host, "odd:1", c.media, c.raw)
			got := walk(t, p.tag, insecure)
			found := false
			for _, g := range got.Gaps {
				found = found || g.Reason == c.reason && strings.Contains(g.Detail, c.detail)
			}
			if !found {
				t.Errorf("gaps %v, want %s: %s", got.Gaps, c.reason, c.detail)
			}
			if got.Artifact.Digest != p.manifest && c.why != "huge" {
				t.Errorf("digest %s, want %s", got.Artifact.Digest, p.manifest)
			}
		})
	}
}

// TestRegistryTrouble walks through errors that pass.
func TestRegistryTrouble(t *testing.T) {
	noCredentials(t)
	big := testImage{layers: [][]file{{{"big", strings.Repeat("0123456789abcdef", 1<<16)}}}}
	_, stored, _ := big.parts(t)
	var asked sync.Map
	host := startRegistry(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/app/") {
				next.ServeHTTP(w, r)
				return
			}
			n, _ := asked.LoadOrStore(r.URL.Path, new(atomic.Int32))
			switch try := n.(*atomic.Int32).Add(1); {
			case strings.Contains(r.URL.Path, "manifests") && try == 1:
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusTooManyRequests)
			case strings.Contains(r.URL.Path, "manifests") && try == 2:
				w.WriteHeader(http.StatusServiceUnavailable)
			case strings.HasSuffix(r.URL.Path, sha(stored[0])) && try <= 2: // breaks off
				http.ServeContent(&cutWriter{ResponseWriter: w, left: 300_000}, r, "", time.Unix(0, 0), bytes.NewReader(stored[0]))
				panic(http.ErrAbortHandler)
			case strings.HasSuffix(r.URL.Path, sha(stored[0])):
				if r.Header.Get("Range") == "" {
					t.Error("the broken download begins anew")
				}
				http.ServeContent(w, r, "", time.Unix(0, 0), bytes.NewReader(stored[0]))
			default:
				next.ServeHTTP(w, r)
			}
		})
	})
	p := push(t, host, "app:1", big)
	asked.Clear()
	got := walk(t, p.tag, insecure)
	if len(got.Gaps) > 0 || len(got.contents()["big"]) != 1<<20 {
		t.Errorf("gaps %v, %d bytes", got.Gaps, len(got.contents()["big"]))
	}
}

// A cutWriter stops after some bytes.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		p = p[:c.left]
	}
	n, err := c.ResponseWriter.Write(p)
	c.left -= n
	if c.left == 0 {
		c.ResponseWriter.(http.Flusher).Flush()
		err = errors.New("cut")
	}
	return n, err
}

const (
	testUser     = "scanner"
	testPassword = "correct-horse-battery"
)

// A recorder notes the Authorization headers it is sent.
type recorder struct {
	mu   sync.Mutex
	seen []string
}

func (r *recorder) note(req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, req.Header.Get("Authorization"))
}

// TestRegistryCredentials: they go to the registry, and to nobody else.
func TestRegistryCredentials(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(testUser+":"+testPassword))
	for _, scheme := range []string{"basic", "bearer"} {
		for _, how := range []string{"config", "helper"} {
			t.Run(scheme+" "+how, func(t *testing.T) {
				config := noCredentials(t)
				_, stored, _ := oneLayer.parts(t)
				var elsewhere recorder
				storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					elsewhere.note(r)
					_, _ = w.Write(stored[0])
				}))
				defer storage.Close()
				host := startRegistry(t, func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						want, challenge := basic, `Basic realm="x"`
						if scheme == "bearer" {
							want, challenge = "Bearer token-of-the-test", `Bearer realm="http://`+r.Host+`/token",service="s"`
						}
						switch {
						case r.URL.Path == "/token" && r.Header.Get("Authorization") == basic:
							fmt.Fprint(w, `{"token":"token-of-the-test"}`)
						case r.Header.Get("Authorization") != want:
							w.Header().Set("WWW-Authenticate", challenge)
							w.WriteHeader(http.StatusUnauthorized)
						case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, sha(stored[0])):
							http.Redirect(w, r, storage.URL+"/blob?X-Signature=hidden", http.StatusTemporaryRedirect)
						default:
							next.ServeHTTP(w, r)
						}
					})
				})
				p := push(t, host, "app:1", oneLayer, ggcr.WithAuth(&authn.Basic{Username: testUser, Password: testPassword}))
				if err := walkError(t, p.tag, insecure); !strings.Contains(err, "401") || !strings.Contains(err, "docker login") {
					t.Errorf("without credentials: %s", err)
				}
				writeLogin(t, config, host, how)
				got := walk(t, p.tag, insecure)
				if len(got.Gaps) > 0 || got.contents()["a.txt"] != "a" {
					t.Errorf("gaps %v, files %v", got.Gaps, got.contents())
				}
				if diff := cmp.Diff([]string{""}, elsewhere.seen); diff != "" {
					t.Errorf("what the storage was sent (-want +got):\n%s", diff)
				}
				storage.Close()
				checkHidden(t, walk(t, p.tag, insecure))
			})
		}
	}
}

// checkHidden: a gap, because the storage is gone, that tells no secret.
func checkHidden(t *testing.T, got walked) {
	t.Helper()
	if len(got.Gaps) == 0 {
		t.Error("no gap although the storage is gone")
	}
	for _, g := range got.Gaps {
		if strings.Contains(g.Detail, "hidden") || strings.Contains(g.Detail, testPassword) || strings.Contains(g.Detail, "Signature") {
			t.Errorf("the gap tells a secret: %s", g.Detail)
		}
	}
}

// writeLogin puts the test's credentials for host in a docker configuration.
func writeLogin(t *testing.T, dir, host, how string) {
	t.Helper()
	text := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte(testUser+":"+testPassword)))
	if how == "helper" {
		if runtime.GOOS == "windows" {
			t.Skip("the helper is a shell script")
		}
		script := fmt.Sprintf("#!/bin/sh\ncat >/dev/null\necho '{\"ServerURL\":\"x\",\"Username\":\"%s\",\"Secret\":\"%s\"}'\n", testUser, testPassword)
		if err := os.WriteFile(filepath.Join(dir, "docker-credential-fnvettest"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
		text = fmt.Sprintf(`{"credHelpers":{%q:"fnvettest"}}`, host)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRegistryTokenElsewhere: a plain http registry that sends its clients to
// another host for a token does not get the password sent there.
func TestRegistryTokenElsewhere(t *testing.T) {
	config := noCredentials(t)
	var elsewhere recorder
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere.note(r)
		fmt.Fprint(w, `{"token":"t"}`)
	}))
	defer thief.Close()
	realm := strings.Replace(thief.URL, "127.0.0.1", "localhost", 1)
	host := startRegistry(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`/token",service="s"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
	})
	writeLogin(t, config, host, "config")
	err := walkError(t, host+"/app:1", insecure)
	if strings.Contains(err, testPassword) || !strings.Contains(err, "credentials") {
		t.Errorf("error: %s", err)
	}
	for _, header := range elsewhere.seen {
		if header != "" {
			t.Errorf("the other host was sent %q", header)
		}
	}
}

func TestRegistryPlainHTTP(t *testing.T) {
	noCredentials(t)
	asked := false
	host := startRegistry(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = true; next.ServeHTTP(w, r) })
	})
	if err := walkError(t, host+"/app:1", unpack.Options{}); !strings.Contains(err, "--insecure-registry") {
		t.Errorf("error %q does not name the flag", err)
	}
	if asked {
		t.Error("the registry was asked over plain http")
	}
}

func TestRemoteTargets(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll("build.d", 0o700); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]bool{
		"registry.example/app:tag": true,
		"registry.example/app":     true,
		"registry.example:5000/a/b@sha256:" + strings.Repeat("a", 64): true,
		"localhost/app":            true,
		"localhost:5000/app:1":     true,
		"docker://alpine":          true,
		"s3://bucket/key.zip":      true,
		"lambda:orders":            true,
		"orders.zip":               false,
		"dist/orders.zip":          false,
		"./orders.zip":             false,
		"../a.b/orders":            false,
		"/tmp/x.y/orders":          false,
		"out.d/orders.zip":         false,
		`C:\out\orders`:            false,
		"C:/out/orders":            false,
		"library/alpine":           false,
		"alpine:3":                 false,
		"registry.example/App:tag": false,
		"registry.example/":        false,
		"build.d":                  false,
		"-":                        false,
		"":                         false,
	} {
		if got := unpack.Remote(target); got != want {
			t.Errorf("Remote(%q) = %v, want %v", target, got, want)
		}
	}
	if err := os.MkdirAll("localhost/app", 0o700); err != nil {
		t.Fatal(err)
	}
	if unpack.Remote("localhost/app") {
		t.Error("an existing directory is taken for an image")
	}
}
