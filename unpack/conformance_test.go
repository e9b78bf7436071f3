package unpack_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
	"github.com/google/go-cmp/cmp"
)

// A form is one way in which a package can come. write returns the target and what
// stands before the names of its files in paths.
type form struct {
	name  string
	write func(tb testing.TB, files []file) (target, prefix string)
}

// forms are all sources that TestConformance holds to give the same. An entry
// "x -> y" of files is a symbolic link.
func forms() []form {
	archive := func(name string, pack func(testing.TB, []file) []byte) form {
		return form{name, func(tb testing.TB, files []file) (string, string) {
			return writeFile(tb, "a", pack(tb, files)), "a!/"
		}}
	}
	compressed := func(pack func(testing.TB, []byte) []byte) func(testing.TB, []file) []byte {
		return func(tb testing.TB, files []file) []byte { return pack(tb, layerOf(tb, files)) }
	}
	image := func(name string, pack func(testing.TB, []byte) []byte, write func(testing.TB, testImage) string) form {
		return form{name, func(tb testing.TB, files []file) (string, string) {
			im := testImage{layers: [][]file{files[:len(files)/2], files[len(files)/2:]}}
			if pack != nil {
				im.pack = func(b []byte) []byte { return pack(tb, b) }
			}
			return write(tb, im), ""
		}}
	}
	saved := func(tb testing.TB, im testImage) string { return writeFile(tb, "a", tarOf(tb, im.saved(tb)...)) }
	modern := func(tb testing.TB, im testImage) string { return writeFile(tb, "a", tarOf(tb, im.modern(tb)...)) }
	layout := func(tb testing.TB, im testImage) string { f, _ := im.layout(tb); return writeTree(tb, f) }
	layoutTar := func(tb testing.TB, im testImage) string {
		f, _ := im.layout(tb)
		return writeFile(tb, "a", tarOf(tb, f...))
	}
	return []form{
		archive("zip", linkedZip(zip.Deflate)), archive("zip, stored", linkedZip(zip.Store)),
		archive("tar", func(tb testing.TB, files []file) []byte { return layerOf(tb, files) }),
		archive("tar.gz", compressed(gzipOf)), archive("tar.xz", compressed(xzOf)), archive("tar.bz2", compressed(bzip2Of)),
		archive("tar.zst", compressed(zstdOf)), archive("tar.lz4", compressed(lz4Of)),
		{"directory", linkedTree},
		image("docker save", nil, saved), image("docker save, gzip", gzipOf, saved), image("docker save with OCI layout", nil, modern),
		image("OCI directory", nil, layout), image("OCI directory, gzip", gzipOf, layout), image("OCI directory, zstd", zstdOf, layout),
		image("OCI tar", nil, layoutTar), image("OCI tar, gzip", gzipOf, layoutTar),
	}
}

func linkedZip(method uint16) func(testing.TB, []file) []byte {
	return func(tb testing.TB, files []file) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, f := range files {
			h := &zip.FileHeader{Name: f.name, Method: method}
			h.SetMode(0o644)
			data := f.data
			if name, target, ok := strings.Cut(f.name, " -> "); ok {
				h.Name, data = name, target
				h.SetMode(fs.ModeSymlink | 0o777)
			}
			e, err := w.CreateHeader(h)
			if err == nil {
				_, err = e.Write([]byte(data))
			}
			if err != nil {
				tb.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			tb.Fatal(err)
		}
		return b.Bytes()
	}
}

func linkedTree(tb testing.TB, files []file) (target, prefix string) {
	var plain []file
	for _, f := range files {
		if !strings.Contains(f.name, " -> ") {
			plain = append(plain, f)
		}
	}
	dir := writeTree(tb, plain)
	for _, f := range files {
		if name, target, ok := strings.Cut(f.name, " -> "); ok {
			if err := os.Symlink(target, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
				tb.Skipf("symbolic links are not available: %v", err)
			}
		}
	}
	return dir, ""
}

// conformant is what a package may have in it: text, nothing at all, much, other
// scripts, hidden files, archives in archives of every kind, links.
func conformant(tb testing.TB) []file {
	inner := zipOf(tb, file{"deep.txt", "deep"}, file{"deeper.tgz", string(gzipOf(tb, tarOf(tb, file{"x/y", "z"})))})
	return []file{
		{"package.json", benign}, {"src/index.js", "exports.handler = 1"}, {"src/empty", ""}, {".env", "A=1"},
		{"lib/large.bin", noise(3 << 20)}, {"lib/zeros", zeros(1 << 20)}, {"b\u00fccher/\u4e66.txt", "name"}, {"spaces in name/a b", "c"},
		{"lib/a.jar", string(jarOf(tb, zip.Deflate, file{"A.class", "cafe"}))}, {"lib/inner.zip", string(inner)},
		{"lib/b.tar", string(tarOf(tb, file{"t", "tar"}))}, {"lib/c.txt.gz", string(gzipOf(tb, []byte("gz")))},
		{"lib/d.7z", string(sevenZipOf(tb, file{"s", "seven"}))}, {"lib/e.rar", string(rarOf(tb, file{"r", "rar"}))},
		{"src/link.js -> index.js", ""}, {strings.Repeat("long/", 60) + "name.txt", "long"},
	}
}

// seen is what a detector could tell files apart by, without the place of the
// artifact and its layers.
func seen(w walked, prefix string) map[string]string {
	m := map[string]string{}
	for _, f := range w.files {
		path := strings.TrimPrefix(f.Path, prefix)
		container := strings.TrimPrefix(f.Container, prefix)
		m[path] = fmt.Sprintf("%s in %q depth %d, %v, archive %v, link %q: %s", f.Name, container, f.Depth, f.Mode.Type(), f.Archive, f.Link, sha(f.Data))
	}
	return m
}

// TestConformance: the same content gives the same files, whatever it comes in.
func TestConformance(t *testing.T) {
	files := conformant(t)
	var want map[string]string
	for _, form := range forms() {
		t.Run(form.name, func(t *testing.T) {
			target, prefix := form.write(t, files)
			got := walk(t, target, unpack.Options{})
			if len(got.Gaps)+len(got.Findings) > 0 {
				t.Errorf("gaps %v, findings %v", got.Gaps, got.Findings)
			}
			if got.Files != len(got.files) {
				t.Errorf("%d files counted, %d offered", got.Files, len(got.files))
			}
			all := seen(got, prefix)
			if want == nil {
				want = all
			}
			if diff := cmp.Diff(want, all); diff != "" || len(all) < len(files)+8 {
				t.Errorf("%d files (-first form +this one):\n%s", len(all), diff)
			}
		})
	}
}

// TestScheduling: a walk gives the same on one core and on several.
func TestScheduling(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	broken := raw(rawEntry{name: "../x", data: "1"}, rawEntry{name: "x", data: "22"}, rawEntry{name: "z", data: "3", crc: 1})(t)
	files := append(conformant(t), file{"broken.zip", string(broken)}, file{"cut.tgz", string(gzipOf(t, layerOf(t, conformant(t)))[:1000])})
	for _, form := range forms() {
		target, prefix := form.write(t, files)
		runtime.GOMAXPROCS(1)
		one := walk(t, target, unpack.Options{})
		for _, procs := range []int{2, 4} {
			runtime.GOMAXPROCS(procs)
			got := walk(t, target, unpack.Options{})
			if diff := cmp.Diff(seen(one, prefix), seen(got, prefix)); diff != "" {
				t.Errorf("%s on %d cores, files (-one core +several):\n%s", form.name, procs, diff)
			}
			if diff := cmp.Diff(one.Gaps, got.Gaps); diff != "" || len(got.Gaps) == 0 {
				t.Errorf("%s on %d cores, gaps:\n%s", form.name, procs, diff)
			}
			if diff := cmp.Diff(one.Findings, got.Findings); diff != "" || len(got.Findings) == 0 {
				t.Errorf("%s on %d cores, findings:\n%s", form.name, procs, diff)
			}
			if diff := cmp.Diff(one.Artifact, got.Artifact); diff != "" {
				t.Errorf("%s on %d cores, artifact:\n%s", form.name, procs, diff)
			}
		}
	}
}

// TestLimitsAreTold: when a limit on the whole runs out inside nested archives, what
// of them was read before may differ from run to run, but not that the limit was
// reached, and never more is offered than it allows.
func TestLimitsAreTold(t *testing.T) {
	var parts []file
	for i := range 40 {
		parts = append(parts, file{fmt.Sprintf("%d.zip", i), string(zipOf(t, file{"a", noise(100_000)}, file{"b", zeros(200_000)}))})
	}
	data := zipOf(t, append(parts, file{"package.json", benign})...)
	for name, limits := range map[string]unpack.Limits{"bytes": {TotalBytes: 6 << 20}, "entries": {Entries: 60}} {
		for range 20 {
			got := walkBytes(t, "a", data, limits)
			var told []fnvet.Gap
			for _, g := range got.Gaps {
				if g.Path == "a" && g.Reason == fnvet.GapLimit {
					told = append(told, g)
				}
			}
			if len(told) != 1 {
				t.Errorf("%s: the limit is told %d times: %v", name, len(told), got.Gaps)
			}
			if limits.TotalBytes > 0 && got.Bytes > limits.TotalBytes || limits.Entries > 0 && got.Files > limits.Entries {
				t.Errorf("%s: %d bytes, %d files", name, got.Bytes, got.Files)
			}
		}
	}
}
