package advisory

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// startRegistry serves an empty registry; change may alter its answers.
func startRegistry(tb testing.TB, change func(w http.ResponseWriter, r *http.Request) bool) string {
	tb.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if change == nil || !change(w, r) {
			handler.ServeHTTP(w, r)
		}
	}))
	tb.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// TestPushPull: what is pulled is the very file that was pushed.
func TestPushPull(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	host := startRegistry(t, nil)
	from := fixture().build(t)
	ref := host + "/fnvet/advisories:1"
	digest, err := Push(t.Context(), from, ref, RegistryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Push(t.Context(), from, ref, RegistryOptions{})
	if err != nil || again != digest {
		t.Errorf("pushed again: %s instead of %s: %v", again, digest, err)
	}
	for _, ref := range []string{ref, host + "/fnvet/advisories@" + digest} {
		to := t.TempDir()
		st, got, err := Pull(t.Context(), to, ref, RegistryOptions{})
		if err != nil || got != digest || st.Advisories != 15 {
			t.Fatal(st, got, err)
		}
		want, have := contents(t, from), contents(t, to)
		if want[indexName] != have[indexName] {
			t.Error("the file differs")
		}
		if err := Verify(to); err != nil {
			t.Error(err)
		}
	}
}

// TestPullKeepsPrevious: a pull replaces the database like an update does.
func TestPullKeepsPrevious(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	host := startRegistry(t, nil)
	if _, err := Push(t.Context(), fixture().build(t), host+"/a:1", RegistryOptions{}); err != nil {
		t.Fatal(err)
	}
	to := bucket{"npm": fixture()["npm"]}.build(t)
	before := contents(t, to)[indexName]
	if _, _, err := Pull(t.Context(), to, host+"/a:1", RegistryOptions{}); err != nil {
		t.Fatal(err)
	}
	if contents(t, to)[previousName] != before {
		t.Error("the old index is not kept")
	}
}

// TestPullErrors: whatever a registry sends, the database in place stays.
func TestPullErrors(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	damage := false
	host := startRegistry(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !damage || r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		w.Write([]byte("something else"))
		return true
	})
	from := fixture().build(t)
	if _, err := Push(t.Context(), from, host+"/good:1", RegistryOptions{}); err != nil {
		t.Fatal(err)
	}
	image, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	other, err := name.ParseReference(host + "/other:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(other, image); err != nil {
		t.Fatal(err)
	}
	cut := t.TempDir()
	whole, err := os.ReadFile(filepath.Join(from, indexName))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(cut, indexName), whole[:len(whole)-1])
	if _, err := Push(t.Context(), cut, host+"/cut:1", RegistryOptions{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a damaged file is pushed: %v", err)
	}
	// A registry may hold one all the same.
	broken, err := artifact(whole[:len(whole)-1], Status{})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/cut:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, broken); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		why, ref string
		damage   bool
		want     error
	}{
		{"no such tag", host + "/good:2", false, nil},
		{"no reference", "::", false, nil},
		{"an image", host + "/other:1", false, ErrNotDatabase},
		{"a damaged file", host + "/cut:1", false, ErrCorrupt},
		{"other bytes than the manifest states", host + "/good:1", true, nil},
		{"another digest", host + "/good@sha256:" + strings.Repeat("0", 64), false, nil},
	} {
		to := fixture().build(t)
		before := contents(t, to)
		damage = tt.damage
		_, _, err := Pull(t.Context(), to, tt.ref, RegistryOptions{})
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.why, err)
		}
		if d := cmp.Diff(before, contents(t, to)); d != "" {
			t.Errorf("%s: the directory changed:\n%s", tt.why, d)
		}
	}
}
