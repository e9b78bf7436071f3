package unpack_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
	"github.com/fnvet/fnvet/unpack/remote"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// A testImage is what the builders below turn into every form an image has.
type testImage struct {
	layers  [][]file
	env     []string
	labels  map[string]string
	history []string
	arch    string
	pack    func([]byte) []byte // compresses a layer; nil for none
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func jsonOf(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// layerOf writes a layer; an entry "x -> y" is a link, "x/" a directory, "x => y" a hard link.
func layerOf(tb testing.TB, files []file) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data)), Typeflag: tar.TypeReg}
		if name, target, ok := strings.Cut(f.name, " -> "); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeSymlink
		} else if name, target, ok := strings.Cut(f.name, " => "); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeLink
		} else if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(f.data)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func zstdOf(tb testing.TB, data []byte) []byte {
	tb.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

// parts returns the plain and the stored layers and the config.
func (im testImage) parts(tb testing.TB) (plain, stored [][]byte, config []byte) {
	tb.Helper()
	var diffIDs []string
	history := []map[string]any{}
	for i, files := range im.layers {
		layer := layerOf(tb, files)
		diffIDs = append(diffIDs, sha(layer))
		plain = append(plain, layer)
		if im.pack != nil {
			layer = im.pack(layer)
		}
		stored = append(stored, layer)
		if i < len(im.history) {
			history = append(history, map[string]any{"created_by": im.history[i]})
		}
	}
	config = jsonOf(tb, map[string]any{
		"os": "linux", "architecture": or(im.arch, "amd64"),
		"config":  map[string]any{"Env": im.env, "Labels": im.labels, "Cmd": []string{"/app"}, "User": "1000", "WorkingDir": "/w"},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": diffIDs},
		"history": history,
	})
	return plain, stored, config
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// saved is the manifest.json form of docker save.
func (im testImage) saved(tb testing.TB) []file {
	_, stored, config := im.parts(tb)
	configName := strings.TrimPrefix(sha(config), "sha256:") + ".json"
	files := []file{{configName, string(config)}}
	var names []string
	for i, layer := range stored {
		name := strings.Repeat(string(rune('a'+i)), 64) + "/layer.tar"
		names = append(names, name)
		files = append(files, file{name, string(layer)})
	}
	manifest := []map[string]any{{"Config": configName, "RepoTags": []string{"app:1"}, "Layers": names}}
	return append(files, file{"manifest.json", string(jsonOf(tb, manifest))})
}

// layout is an OCI layout with one manifest, and its digest.
func (im testImage) layout(tb testing.TB) (files []file, manifestDigest string) {
	_, stored, config := im.parts(tb)
	blob := func(b []byte, kind string) map[string]any {
		files = append(files, file{"blobs/sha256/" + strings.TrimPrefix(sha(b), "sha256:"), string(b)})
		return map[string]any{"digest": sha(b), "size": len(b), "mediaType": "application/vnd.oci.image." + kind}
	}
	var layers []any
	for _, layer := range stored {
		layers = append(layers, blob(layer, "layer.v1.tar"))
	}
	manifest := jsonOf(tb, map[string]any{"schemaVersion": 2, "config": blob(config, "config.v1+json"), "layers": layers})
	d := blob(manifest, "manifest.v1+json")
	d["platform"] = map[string]any{"os": "linux", "architecture": or(im.arch, "amd64")}
	index := jsonOf(tb, map[string]any{"schemaVersion": 2, "manifests": []any{d}})
	files = append(files, file{"index.json", string(index)}, file{"oci-layout", `{"imageLayoutVersion":"1.0.0"}`})
	return files, sha(manifest)
}

// modern is what docker save writes today: an OCI layout with a manifest.json.
func (im testImage) modern(tb testing.TB) []file {
	files, _ := im.layout(tb)
	_, stored, config := im.parts(tb)
	name := func(b []byte) string { return "blobs/sha256/" + strings.TrimPrefix(sha(b), "sha256:") }
	var layers []string
	for _, layer := range stored {
		layers = append(layers, name(layer))
	}
	return append(files, file{"manifest.json", string(jsonOf(tb, []map[string]any{{"Config": name(config), "Layers": layers}}))})
}

func writeTree(tb testing.TB, files []file) string {
	tb.Helper()
	dir := tb.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.data), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// TestImageForms walks one image in every form it can come in: the files, their
// removal and the config are the same.
func TestImageForms(t *testing.T) {
	nested := zipOf(t, file{"n.txt", "nested"})
	im := testImage{
		layers: [][]file{
			{{"app/", ""}, {"app/a.js", "a"}, {"etc/secret", "s"}, {"opt/d/lower", "l"}, {"lib/n.zip", string(nested)}, {"bin/sh -> /bin/busybox", ""}},
			{{"etc/.wh.secret", ""}, {"opt/d/", ""}, {"opt/d/.wh..wh..opq", ""}, {"opt/d/upper", "u"}, {"app/a.js", "b"}, {"lib/.wh.n.zip", ""}},
		},
		env: []string{"A=1", "TOKEN=xyz"}, labels: map[string]string{"l": "v"}, history: []string{"ADD rootfs", "RUN |1 TOKEN=abc /bin/sh -c true"},
	}
	noCredentials(t)
	host := startRegistry(t, nil)
	forms := map[string]func(*testing.T, testImage) string{
		"docker save": func(t *testing.T, im testImage) string { return writeFile(t, "i.tar", tarOf(t, im.saved(t)...)) },
		"docker save gz": func(t *testing.T, im testImage) string {
			return writeFile(t, "i.tgz", gzipOf(t, tarOf(t, im.saved(t)...)))
		},
		"docker save dir": func(t *testing.T, im testImage) string { return writeTree(t, im.saved(t)) },
		"docker save OCI": func(t *testing.T, im testImage) string { return writeFile(t, "i.tar", tarOf(t, im.modern(t)...)) },
		"OCI directory":   func(t *testing.T, im testImage) string { f, _ := im.layout(t); return writeTree(t, f) },
		"OCI tar": func(t *testing.T, im testImage) string {
			f, _ := im.layout(t)
			return writeFile(t, "i.tar", tarOf(t, f...))
		},
		"registry tag": func(t *testing.T, im testImage) string {
			return push(t, host, "app:"+strings.ToLower(path.Base(t.Name())), im).tag
		},
		"registry digest": func(t *testing.T, im testImage) string {
			return push(t, host, "app:"+strings.ToLower(path.Base(t.Name())), im).digest
		},
	}
	packs := map[string]func([]byte) []byte{
		"plain": nil,
		"gzip":  func(b []byte) []byte { return gzipOf(t, b) },
		"zstd":  func(b []byte) []byte { return zstdOf(t, b) },
	}
	for form, target := range forms {
		for packing, pack := range packs {
			t.Run(form+" "+packing, func(t *testing.T) {
				im := im
				im.pack = pack
				got := walk(t, target(t, im), unpack.Options{Remote: remote.Options{Insecure: true}})
				if _, digest := im.layout(t); !strings.HasPrefix(form, "docker") && got.Artifact.Digest != digest {
					t.Errorf("digest %s, want that of the manifest %s", got.Artifact.Digest, digest)
				}
				checkImage(t, got, im, string(nested))
			})
		}
	}
}

func checkImage(t *testing.T, got walked, im testImage, nested string) {
	t.Helper()
	if len(got.Gaps)+len(got.Findings) > 0 {
		t.Errorf("gaps %v, findings %v", got.Gaps, got.Findings)
	}
	want := map[string]string{
		"app/a.js": "a and b", "etc/secret": "s", "opt/d/lower": "l", "opt/d/upper": "u",
		"lib/n.zip": nested, "lib/n.zip!/n.txt": "nested", "bin/sh": "-> /bin/busybox",
	}
	if diff := cmp.Diff(want, got.contents()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	_, stored, _ := im.parts(t)
	first, second := sha(stored[0]), sha(stored[1])
	removed := map[string]string{}
	for _, f := range got.files {
		if by, gone := got.Removed(f.Path, f.Layer); gone {
			removed[f.Path+" of "+f.Layer] = by
		}
	}
	wantRemoved := map[string]string{}
	for _, path := range []string{"app/a.js", "etc/secret", "opt/d/lower", "lib/n.zip", "lib/n.zip!/n.txt"} {
		wantRemoved[path+" of "+first] = second
	}
	if diff := cmp.Diff(wantRemoved, removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if len(got.Artifact.Layers) != 2 || got.Artifact.Layers[1].Digest != second || got.Artifact.Layers[1].Command != "RUN |1 TOKEN=*** /bin/sh -c true" {
		t.Errorf("layers: %+v", got.Artifact.Layers)
	}
	wantConfig := fnvet.Config{OS: "linux", Architecture: "amd64", User: "1000", WorkingDir: "/w", Cmd: []string{"/app"}, EnvNames: []string{"A", "TOKEN"}, LabelNames: []string{"l"}}
	if diff := cmp.Diff(wantConfig, got.Artifact.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	names := map[string]string{}
	for _, s := range got.Settings {
		names[s.Name] = s.Source
	}
	if want := []string{"A", "TOKEN", "cmd", "history", "l"}; !slices.Equal(slices.Sorted(maps.Keys(names)), want) {
		t.Errorf("settings %v, want %v", names, want)
	}
}
