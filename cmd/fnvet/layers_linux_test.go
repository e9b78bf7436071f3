package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/klauspost/compress/zstd"

	"github.com/fnvet/fnvet/internal/testdb"
	"github.com/fnvet/fnvet/scan"
	"github.com/fnvet/fnvet/server"
	"github.com/fnvet/fnvet/testdata/plant"
)

// layerOf is a layer with one file.
func layerOf(t *testing.T, path, text string) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// pushLayers puts an image of layers into a repository, and returns its reference.
func (h *hostileRegistry) pushLayers(t *testing.T, repository string, layers ...v1.Layer) string {
	t.Helper()
	im, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return h.upload(t, repository, im)
}

// layers is how many layers of images a server knew, and how many it searched.
func (r *running) layers() (known, searched int) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.base+"/metrics", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text := string(must(io.ReadAll(resp.Body)))
	for label, n := range map[string]*int{"known": &known, "searched": &searched} {
		_, rest, found := strings.Cut(text, `fnvet_layers_total{layer="`+label+`"} `)
		if _, err := fmt.Sscan(rest, n); !found || err != nil {
			r.t.Fatalf("no count of layers: %v\n%s", err, text)
		}
	}
	return known, searched
}

// A layerTest has servers, each on a machine of its own, with one store and one registry.
type layerTest struct {
	t        *testing.T
	registry *hostileRegistry
	url, db  string
	config   string // more of it
	homes    [][]string
	scans    int
}

// on starts a server on a new machine, with nothing but the store, and returns a way
// to have an image scanned there: want is how many of its layers are known and searched.
func (l *layerTest) on(temporary string, args ...string) (s *running, scan func(target string, known, searched int)) {
	l.t.Helper()
	env := append(home(l.t), "TMPDIR="+temporary)
	l.homes = append(l.homes, env)
	if l.db == "" {
		l.db = serveDB(l.t, env)
	}
	config := writeText(l.t, fmt.Sprintf("registries: [{name: main, host: %q, insecure: true, private: true}]\n%s", l.registry.host, l.config))
	s = launch(l.t, env, append([]string{"serve", "--listen", "127.0.0.1:0", "--config", config, "--database", l.url,
		"--db", l.db, "--max-db-age", "0", "--update-every", "0", "--log-level", "warn"}, args...)...)
	return s, func(target string, known, searched int) {
		l.t.Helper()
		k, n := s.layers()
		body := must(json.Marshal(map[string]string{"target": target}))
		if status, err := s.ask(http.MethodPost, "/api/v1/scans", "application/json", body, nil); err != nil || status != http.StatusAccepted {
			l.t.Fatalf("status %d, error %v", status, err)
		}
		l.scans++
		if c := s.awaitScans(l.scans).Scans[0]; c.Verdict == nil || c.Verdict.Code != 1 {
			l.t.Errorf("scan %+v", c)
		}
		k2, n2 := s.layers()
		if k2-k != known || n2-n != searched {
			l.t.Errorf("%s: %d layers were known and %d searched; want %d and %d\n%s", target, k2-k, n2-n, known, searched, s.log.String())
		}
	}
}

const lodashLock = `{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.20"}}}`

// TestSharedLayers: a layer that two images share is searched for the first one
// only, on whatever machine the second is scanned, both have what is in it, and
// nothing keeps what the files say.
func TestSharedLayers(t *testing.T) {
	var postgres testdb.Server
	t.Cleanup(postgres.Stop)
	const marker = "a-text-of-the-artifact-that-is-nowhere-else"
	postgres.Each(t, func(t *testing.T, url string) {
		temporary := t.TempDir()
		l := &layerTest{t: t, registry: newHostileRegistry(t), url: url}
		shared := layerOf(t, "app/package-lock.json", lodashLock)
		own := func(i int) v1.Layer {
			return layerOf(t, fmt.Sprintf("app/own-%d.txt", i), strings.Repeat(marker+"\n", 100))
		}
		a := l.registry.pushLayers(t, "good-a", shared, own(0))
		b := l.registry.pushLayers(t, "good-b", shared, own(1))
		c := l.registry.pushLayers(t, "good-c", shared, own(1), own(2))
		first, scan := l.on(temporary)
		scan(a, 0, 2)
		second, scanThere := l.on(temporary, "--workers", "1")
		first.stop() // so that it is the second one that scans
		scanThere(b, 1, 1)
		second.stop()
		third, scanLater := l.on(temporary) // a restart that found nothing of before but the store
		scanLater(c, 2, 1)
		third.stop()
		places := []string{temporary}
		for _, env := range l.homes {
			for _, v := range env {
				if k, dir, _ := strings.Cut(v, "="); strings.HasPrefix(k, "XDG_") && strings.HasPrefix(dir, os.TempDir()) {
					places = append(places, dir)
				}
			}
		}
		if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
			places = append(places, filepath.Dir(path))
		}
		files := 0
		for _, place := range places {
			_ = filepath.WalkDir(place, func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() {
					return nil //nolint:nilerr // what is not there keeps nothing
				}
				files++
				if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte(marker)) {
					t.Errorf("%s holds a text of the artifact", path)
				}
				return nil
			})
		}
		if files == 0 {
			t.Error("no file was looked at")
		}
	})
}

// TestSharedLayersWithSecrets: hashes of secrets are of one installation, and so is what
// is known of layers with secrets, unless several machines are one installation. No
// secret is in the store, as it is or in what is kept of layers.
func TestSharedLayersWithSecrets(t *testing.T) {
	planted := plant.All()
	var text strings.Builder
	for _, s := range planted {
		fmt.Fprintf(&text, "%s=%s\n", s.Key, s.Value)
	}
	for _, row := range []struct {
		why, config     string
		known, searched int
	}{
		{"two installations", "", 0, 2},
		{"one installation", "installation_key: env:FNVET_TEST_SECRET\n", 1, 1},
	} {
		t.Run(row.why, func(t *testing.T) {
			url := testdb.SQLite(t)
			l := &layerTest{t: t, registry: newHostileRegistry(t), url: url, config: row.config}
			secret := layerOf(t, "app/.env", text.String())
			lock := layerOf(t, "app/package-lock.json", lodashLock)
			first, scan := l.on(t.TempDir())
			scan(l.registry.pushLayers(t, "good-a", secret, lock), 0, 2)
			first.stop()
			second, scanThere := l.on(t.TempDir())
			scanThere(l.registry.pushLayers(t, "good-b", secret, layerOf(t, "app/b.txt", "b")), row.known, row.searched)
			second.stop()
			if n := noSecretsUnder(t, filepath.Dir(strings.TrimPrefix(url, "sqlite:"))); n == 0 {
				t.Error("no file was looked at")
			}
			noSecretsInLayers(t, url)
		})
	}
}

// noSecretsInLayers opens every entry, as far as it is packed, and searches it.
func noSecretsInLayers(t *testing.T, url string) {
	t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT data FROM layer")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			t.Fatal(err)
		}
		z, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		entry, err := z.DecodeAll(data[sha256.Size:], nil)
		z.Close()
		if err != nil {
			t.Fatal(err)
		}
		noSecrets(t, "an entry of the cache", entry)
		n++
	}
	if err := rows.Err(); err != nil || n < 3 {
		t.Errorf("%d entries, error %v", n, err)
	}
}

// TestLayersOf: a child's word on a layer counts where the image's own manifest says
// that the layer is of it.
func TestLayersOf(t *testing.T) {
	h := newHostileRegistry(t)
	layer, other := layerOf(t, "a", "1"), layerOf(t, "b", "2")
	key := func(l v1.Layer) scan.LayerKey {
		digest, err := l.Digest()
		diffID, err2 := l.DiffID()
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		return scan.LayerKey{Digest: digest.String(), DiffID: diffID.String()}
	}
	mixed := scan.LayerKey{Digest: key(layer).Digest, DiffID: key(other).DiffID}
	ref := h.pushLayers(t, "good", layer)
	foreign := h.pushLayers(t, "good", other)
	digestOf := func(ref string) string { return ref[strings.Index(ref, "@")+1:] }
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: must1(mutate.AppendLayers(empty.Image, layer))})
	indexRef, err := name.ParseReference(h.host + "/good:index")
	if err != nil {
		t.Fatal(err)
	}
	h.armed.Store(false)
	if err := remote.WriteIndex(indexRef, index); err != nil {
		t.Fatal(err)
	}
	indexDigest := must1(index.Digest()).String()
	for _, row := range []struct {
		why, target, chosen string
		want                []scan.LayerKey
	}{
		{"its own layer; not another's, nor under another's diff_id", digestOf(ref), digestOf(ref), []scan.LayerKey{key(layer)}},
		{"an index and the image that was chosen", indexDigest, digestOf(ref), []scan.LayerKey{key(layer)}},
		{"an image that is not in the index", indexDigest, digestOf(foreign), nil},
		{"another image than the target", digestOf(ref), digestOf(foreign), nil},
		{"no image at all", digestOf(ref), "", nil},
	} {
		st := &fakePlace{}
		q := walkRequest{Key: make([]byte, keySize), keeper: &scan.Sealed{Key: []byte("key"), Place: st}}
		harvest := &scan.Harvest{Fresh: []scan.LayerKey{key(layer), key(other), mixed}}
		harvest.Artifact.Digest = row.chosen
		s := &service{logger: slog.New(slog.DiscardHandler)}
		target := &server.Target{Registry: &server.Registry{Host: h.host, Insecure: true, Private: true}, Repository: "good", Digest: row.target}
		s.keepLayers(t.Context(), target, q, harvest)
		if !slices.Equal(harvest.Fresh, row.want) || len(st.names) != len(row.want) {
			t.Errorf("%s: kept %v under %d names, want %v", row.why, harvest.Fresh, len(st.names), row.want)
		}
	}
}

type fakePlace struct{ names []string }

// Load finds nothing.
func (*fakePlace) Load(context.Context, string) ([]byte, error) { return nil, nil }

// Save remembers the name.
func (p *fakePlace) Save(_ context.Context, name string, _ []byte) error {
	p.names = append(p.names, name)
	return nil
}

// TestLayerServer: a child may ask, and not for ever.
func TestLayerServer(t *testing.T) {
	var out bytes.Buffer
	s := &layerServer{keeper: &scan.Sealed{Key: []byte("key"), Place: &fakePlace{}}, out: gob.NewEncoder(&out)}
	for range maxAsked {
		if err := s.answer(t.Context(), []byte("id")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.answer(t.Context(), []byte("id")); !errors.Is(err, errAsked) {
		t.Errorf("one more: %v", err)
	}
	s = &layerServer{out: gob.NewEncoder(&out)}
	if err := s.answer(t.Context(), []byte("id")); !errors.Is(err, errAsked) {
		t.Errorf("without a cache: %v", err)
	}
}

// TestBuild: what is known of layers is of one build, where a version does not say which.
func TestBuild(t *testing.T) {
	version, commit := releaseVersion, releaseCommit
	defer func() { releaseVersion, releaseCommit = version, commit }()
	for _, row := range []struct {
		version, commit string
		file            bool // tells builds apart
	}{
		{"v1.2.3", "abc", false}, {"v1.2.3-5-gabcdef", "abc", false}, {"v1.2.3-dirty", "abc", true}, {"devel", "unknown", true}, {"devel", "abc", true}, {"v1.2.3", "unknown", true}, {"", "", true},
	} {
		releaseVersion, releaseCommit = row.version, row.commit
		if got := build(); (got != "") != row.file {
			t.Errorf("%q %q: %q", row.version, row.commit, got)
		}
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
