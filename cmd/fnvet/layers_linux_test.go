package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
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

	"github.com/fnvet/fnvet/internal/testdb"
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

// TestSharedLayers: a layer that two images share is searched for the first one
// only, both have what is in it, and nothing keeps what the files say.
func TestSharedLayers(t *testing.T) {
	var postgres testdb.Server
	t.Cleanup(postgres.Stop)
	const marker = "a-text-of-the-artifact-that-is-nowhere-else"
	postgres.Each(t, func(t *testing.T, url string) {
		env := home(t)
		temporary := t.TempDir()
		env = append(env, "TMPDIR="+temporary)
		h := newHostileRegistry(t)
		shared := layerOf(t, "app/package-lock.json", `{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.20"}}}`)
		targets := map[string]string{}
		for i, repository := range []string{"good-a", "good-b"} {
			own := layerOf(t, fmt.Sprintf("app/own-%d.txt", i), strings.Repeat(marker+"\n", 100))
			im, err := mutate.AppendLayers(empty.Image, shared, own)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := name.ParseReference(h.host + "/" + repository + ":1")
			if err != nil {
				t.Fatal(err)
			}
			if err := remote.Write(ref, im); err != nil {
				t.Fatal(err)
			}
			digest, err := im.Digest()
			if err != nil {
				t.Fatal(err)
			}
			targets[repository] = h.host + "/" + repository + "@" + digest.String()
		}
		h.armed.Store(true)
		config := writeText(t, fmt.Sprintf("registries: [{name: main, host: %q, insecure: true, private: true}]\n", h.host))
		s := launch(t, env, "serve", "--listen", "127.0.0.1:0", "--config", config, "--database", url,
			"--db", serveDB(t, env), "--max-db-age", "0", "--update-every", "0", "--log-level", "warn")
		var state string
		for _, v := range env {
			if dir, ok := strings.CutPrefix(v, "XDG_STATE_HOME="); ok {
				state = dir
			}
		}
		kept := func() (list []string) { // layers whose search is kept
			_ = filepath.WalkDir(filepath.Join(state, "fnvet", "layers"), func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					info, err := d.Info()
					if err != nil {
						return err
					}
					list = append(list, path+" "+info.ModTime().String())
				}
				return nil
			})
			return list
		}
		var first []string
		for i, repository := range []string{"good-a", "good-b"} {
			body := must(json.Marshal(map[string]string{"target": targets[repository]}))
			if status, err := s.ask(http.MethodPost, "/api/v1/scans", "application/json", body, nil); err != nil || status != http.StatusAccepted {
				t.Fatalf("status %d, error %v", status, err)
			}
			if c := s.awaitScans(i + 1).Scans[0]; c.Repository != repository || c.Verdict == nil || c.Verdict.Code != 1 {
				t.Errorf("scan %+v", c)
			}
			if i == 0 {
				first = kept()
			}
		}
		again := slices.DeleteFunc(kept(), func(entry string) bool { return slices.Contains(first, entry) })
		if len(first) != 2 || len(again) != 1 {
			t.Errorf("layers that were searched: %d for the first image, %d for the second; want 2 and 1", len(first), len(again))
		}
		s.stop()
		places := []string{temporary}
		for _, v := range env {
			if k, dir, _ := strings.Cut(v, "="); strings.HasPrefix(k, "XDG_") && strings.HasPrefix(dir, os.TempDir()) {
				places = append(places, dir)
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
