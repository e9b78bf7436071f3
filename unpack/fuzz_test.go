package unpack_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/unpack"
	"github.com/google/go-cmp/cmp"
)

// fuzzLimits keep one run short.
var fuzzLimits = unpack.Limits{TotalBytes: 32 << 20, FileBytes: 4 << 20, Entries: 2000, Depth: 4}

// checkWalk holds what is true of every walk: paths stay inside, counts add up,
// and a second walk gives the same.
func checkWalk(t *testing.T, data []byte) walked {
	got := walkBytes(t, "a", data, fuzzLimits)
	total := int64(0)
	for _, f := range got.files {
		total += f.Size
		for part := range strings.SplitSeq(f.Path, "!/") {
			if part == "" || strings.HasPrefix(part, "/") || part == ".." || strings.HasPrefix(part, "../") || strings.Contains(part, "/../") {
				t.Fatalf("offered %q", f.Path)
			}
		}
		if f.Size != int64(len(f.Data)) || f.Mode&^(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky|fs.ModeSymlink) != 0 {
			t.Fatalf("%q: size %d of %d, mode %v", f.Path, f.Size, len(f.Data), f.Mode)
		}
	}
	if got.Files != len(got.files) || got.Bytes != total {
		t.Fatalf("says %d files and %d bytes, offered %d and %d", got.Files, got.Bytes, len(got.files), total)
	}
	again := walkBytes(t, "a", data, fuzzLimits)
	limited := slices.Contains(got.reasons(), "limit") // what a shared budget leaves out may vary
	if diff := cmp.Diff(got.files, again.files); diff != "" && !limited {
		t.Fatalf("a second walk differs:\n%s", diff)
	}
	if diff := cmp.Diff(got.Gaps, again.Gaps); diff != "" && !limited {
		t.Fatalf("gaps of a second walk differ:\n%s", diff)
	}
	return got
}

// offered reports whether the walk offered such a file under the artifact.
func (w walked) offered(name string, data []byte) bool {
	return slices.ContainsFunc(w.files, func(f fnvetFile) bool { return f.Path == "a!/"+name && bytes.Equal(f.Data, data) })
}

// FuzzZip: whatever archive/zip can read of a zip is offered, or there is a gap.
func FuzzZip(f *testing.F) {
	f.Add(rawZip(f, rawEntry{name: "a", data: "1"}, rawEntry{name: "d/b", data: strings.Repeat("2", 99), stored: true}))
	f.Add(rawZip(f, rawEntry{name: "good", localName: "evil", data: "1"}, rawEntry{name: "x", data: "y", flags: 1}))
	f.Add(zipOf(f, file{"n.zip", string(zipOf(f, file{"x", "y"}))}, file{"t.tgz", string(gzipOf(f, tarOf(f, file{"p", "q"})))}))
	f.Add(append([]byte("#!"), zipOf(f, file{"x", "y"})...))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := checkWalk(t, data)
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if got.Artifact.Type != "zip" || err != nil && !errors.Is(err, zip.ErrInsecurePath) || len(got.Gaps) > 0 {
			return
		}
		for _, e := range r.File {
			in, err := e.Open()
			if err != nil || e.UncompressedSize64 > 1<<20 || e.Mode()&fs.ModeType != 0 || strings.HasSuffix(e.Name, "/") {
				continue
			}
			want, err := io.ReadAll(in)
			if err == nil && fs.ValidPath(e.Name) && !strings.ContainsAny(e.Name, "\\\x00:") && !got.offered(e.Name, want) {
				t.Fatalf("archive/zip reads %q (%d bytes), which was not offered: %v", e.Name, len(want), got.contents())
			}
		}
	})
}

// FuzzTar: whatever archive/tar can read of a tar is offered, or there is a gap.
func FuzzTar(f *testing.F) {
	f.Add(tarOf(f, file{"a", "1"}, file{"d/b", strings.Repeat("2", 999)}))
	f.Add(append(tarOf(f, file{"a", "1"}), tarOf(f, file{"b", "2"})...))
	f.Add(sparseBomb(f))
	f.Add(paxLie(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := checkWalk(t, data)
		if got.Artifact.Type != "tar" || len(got.Gaps) > 0 {
			return
		}
		r := tar.NewReader(bytes.NewReader(data))
		for {
			h, err := r.Next()
			if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
				return
			}
			want, err := io.ReadAll(io.LimitReader(r, 1<<20))
			if err == nil && h.Typeflag == tar.TypeReg && int64(len(want)) == h.Size && fs.ValidPath(h.Name) &&
				!strings.ContainsAny(h.Name, "\\\x00:") && h.Name != "." && !got.offered(h.Name, want) {
				t.Fatalf("archive/tar reads %q (%d bytes), which was not offered: %v", h.Name, len(want), got.contents())
			}
		}
	})
}

// FuzzImage: any manifest, config and layer give a walk that ends, and nothing
// of the uppermost layer is ever removed.
func FuzzImage(f *testing.F) {
	im := testImage{layers: [][]file{{{"a", "1"}}}}
	plain, _, config := im.parts(f)
	f.Add([]byte(`[{"Config":"c","Layers":["l"]}]`), config, plain[0], []byte(`{"manifests":[{"digest":"sha256:x"}]}`))
	f.Add([]byte(`[{"Config":"c","Layers":["l","l","../l"]}]`), config, gzipOf(f, plain[0]), []byte(`{"manifests":null}`))
	f.Fuzz(func(t *testing.T, manifest, config, layer, index []byte) {
		data := tarOf(t, file{"manifest.json", string(manifest)}, file{"c", string(config)}, file{"l", string(layer)},
			file{"index.json", string(index)}, file{"oci-layout", "{}"}, file{"blobs/sha256/x", string(index)})
		got := checkWalk(t, data)
		if got.Artifact.Type != "image" {
			t.Fatalf("type %q", got.Artifact.Type)
		}
		for _, f := range got.files {
			if by, gone := got.Removed(f.Path, f.Layer); gone != (by != "") || f.Layer == "" && gone {
				t.Fatalf("%s is removed: %v, by %q", f.Path, gone, by)
			}
		}
		if n := len(got.Artifact.Layers); n == 1 {
			for _, f := range got.files {
				if _, gone := got.Removed(f.Path, f.Layer); gone {
					t.Fatalf("%s of the only layer is removed", f.Path)
				}
			}
		}
	})
}

// FuzzLayers: Removed agrees with a slow, obvious model that applies the layers
// to a file system in memory. Each byte of ops is one entry of a layer.
func FuzzLayers(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\xff\x41\x42\xff\x81\xc1"))
	f.Add([]byte{0, 20, 40, 255, 60, 80, 255, 100, 120, 255, 7})
	paths := []string{"a", "b", "d/a", "d/b", "d/e/a", "d", "d/e", ""}
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 60 {
			return
		}
		layers := [][]file{nil}
		for _, op := range ops {
			if op == 0xFF {
				if len(layers) < 5 {
					layers = append(layers, nil)
				}
				continue
			}
			p, last := paths[op%8], len(layers)-1
			dir, base := path.Split(p)
			e := file{p, fmt.Sprint(last)} // layers differ, so that their digests do
			switch op / 8 % 4 {
			case 1:
				e = file{dir + ".wh." + base, ""}
			case 2:
				e = file{strings.TrimPrefix(p+"/.wh..wh..opq", "/"), ""}
			case 3:
				e = file{p + "/", ""}
			}
			if p != "" || op/8%4 == 2 {
				layers[last] = append(layers[last], e)
			}
		}
		for i := range layers {
			layers[i] = append(layers[i], file{fmt.Sprintf("layer%d", i), ""})
		}
		checkLayers(t, layers)
	})
}

func checkLayers(t *testing.T, layers [][]file) {
	im := testImage{layers: layers}
	got := walkBytes(t, "a", tarOf(t, im.saved(t)...), unpack.Limits{})
	_, stored, _ := im.parts(t)
	model := map[string]int{} // path of a file to the layer it is from
	for i, layer := range layers {
		clear := func(keep func(p string) bool) {
			for p, from := range model {
				if from < i && !keep(p) {
					delete(model, p)
				}
			}
		}
		for _, e := range layer {
			dir, base := path.Split(e.name)
			switch {
			case base == ".wh..wh..opq":
				clear(func(p string) bool { return !strings.HasPrefix(p, dir) })
			case strings.HasPrefix(base, ".wh."):
				gone := dir + base[4:]
				clear(func(p string) bool { return p != gone && !strings.HasPrefix(p, gone+"/") })
			case strings.HasSuffix(e.name, "/"):
				clear(func(p string) bool { return p != strings.TrimSuffix(e.name, "/") })
			default:
				clear(func(p string) bool { return p != e.name && !strings.HasPrefix(p, e.name+"/") })
			}
		}
		for _, e := range layer {
			if _, base := path.Split(e.name); base != "" && !strings.HasPrefix(base, ".wh.") {
				model[e.name] = i
			}
		}
	}
	for _, f := range got.files {
		i := slices.IndexFunc(stored, func(b []byte) bool { return sha(b) == f.Layer })
		at, there := model[f.Path]
		if _, removed := got.Removed(f.Path, f.Layer); removed == (there && at == i) && !clash(layers[i], f.Path) {
			t.Fatalf("%s of layer %d: removed %v, in the model %v of layer %d\n%v", f.Path, i, removed, there, at, layers)
		}
	}
}

// clash reports a layer that has p as a file and as a folder, which is no file system.
func clash(layer []file, p string) bool {
	return slices.ContainsFunc(layer, func(e file) bool { return strings.HasPrefix(e.name, p+"/") })
}

// TestDeadline: a walk whose time is up returns what it has, with a gap.
func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	result, err := unpack.Walk(ctx, "-", unpack.Options{Stdin: bytes.NewReader(zipOf(t, file{"a", "1"}))}, func(context.Context, *fnvetFile) {})
	if err != nil || len(result.Gaps) == 0 || result.Gaps[0].Reason != "limit" {
		t.Errorf("got %+v, %v", result, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := unpack.Walk(ctx, "-", unpack.Options{Stdin: bytes.NewReader(nil)}, func(context.Context, *fnvetFile) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := unpack.Walk(t.Context(), "no such file", unpack.Options{}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
}
