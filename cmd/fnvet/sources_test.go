package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// The same function gives the same packages and findings from whatever it comes in.
func TestSourcesAgree(t *testing.T) {
	db := own(t)
	source := filepath.Join("..", "..", "testdata", "packages", "node-orders.zip")
	dir := filepath.Join(t.TempDir(), "fn")
	plain := unzip(t, source, dir)
	im := imageOf(t, plain)
	forms := map[string]string{
		"zip": source, "tar": write(t, "fn.tar", plain), "tar.gz": write(t, "fn.tar.gz", gzipped(t, plain)),
		"directory": dir, "docker save": saved(t, im),
	}
	forms["OCI directory"] = filepath.Join(t.TempDir(), "layout")
	if p, err := layout.Write(forms["OCI directory"], empty.Index); err != nil {
		t.Fatal(err)
	} else if err := p.AppendImage(im); err != nil {
		t.Fatal(err)
	}
	forms["OCI tar"] = write(t, "layout.tar", tarDir(t, forms["OCI directory"]))
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	forms["registry"] = strings.TrimPrefix(server.URL, "http://") + "/fn:1"
	ref, err := name.ParseReference(forms["registry"])
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, im); err != nil {
		t.Fatal(err)
	}
	want := essence(t, db, forms["zip"])
	if len(want) < 20 {
		t.Fatalf("only %d facts in the zip", len(want))
	}
	for form, target := range forms {
		t.Run(form, func(t *testing.T) {
			if diff := cmp.Diff(want, essence(t, db, target)); diff != "" {
				t.Errorf("against the zip:\n%s", diff)
			}
		})
	}
}

// essence is what a report says of packages and findings, without where the
// container puts them. What is about the container itself is left out.
func essence(t *testing.T, db, target string) []string {
	t.Helper()
	r := judgeJSON(t, 1, db, target, "--insecure-registry")
	inside := func(path string) string { return path[strings.Index(path, "!/")+1:] }
	var facts []string
	for _, p := range r.Packages {
		facts = append(facts, strings.Join([]string{"package", p.PURL, string(p.Kind), string(p.Reachable)}, " "))
	}
	for _, f := range r.Findings {
		facts = append(facts, strings.Join([]string{"finding", f.ID, string(f.Severity), strings.Trim(inside(f.Path), "/"), f.Title}, " "))
	}
	for _, g := range r.Gaps {
		facts = append(facts, "gap "+g.Reason+" "+strings.Trim(inside(g.Path), "/"))
	}
	slices.Sort(facts)
	return facts
}

// unzip writes the files of a zip below dir and returns them as a tar.
func unzip(t *testing.T, source, dir string) []byte {
	t.Helper()
	z, err := zip.OpenReader(source)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		if err := extract(f, filepath.Join(dir, filepath.FromSlash(f.Name))); err != nil {
			t.Fatal(err)
		}
	}
	return tarDir(t, dir)
}

func extract(f *zip.File, path string) error {
	if f.Mode().IsDir() {
		return os.MkdirAll(path, 0o700)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if f.Mode()&os.ModeSymlink != 0 {
		return os.Symlink(string(data), path)
	}
	return os.WriteFile(path, data, f.Mode().Perm())
}

func tarDir(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// imageOf is an image of one layer that says its platform.
func imageOf(t *testing.T, layerTar []byte) v1.Image {
	t.Helper()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layerTar)), nil })
	if err != nil {
		t.Fatal(err)
	}
	im, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	im, err = mutate.ConfigFile(im, configOf(t, im))
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func configOf(t *testing.T, im v1.Image) *v1.ConfigFile {
	t.Helper()
	c, err := im.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c = c.DeepCopy()
	c.OS, c.Architecture = "linux", "amd64"
	c.Config.Cmd = []string{"node", "index.js"}
	return c
}

func saved(t *testing.T, im v1.Image) string {
	t.Helper()
	tag, err := name.NewTag("fn:1")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fn.tar")
	if err := tarball.WriteToFile(path, tag, im); err != nil {
		t.Fatal(err)
	}
	return path
}
