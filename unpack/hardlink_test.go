package unpack_test

import (
	"strconv"
	"testing"

	"github.com/fnvet/fnvet/unpack"
	"github.com/google/go-cmp/cmp"
)

// TestHardLinks: a package file that is known in a layer only as a hard link into
// a store, under a name that says nothing, is offered under its own name.
func TestHardLinks(t *testing.T) {
	const store = "root/store/ab12cd"
	layer := []file{
		{store, benign}, {"usr/app/node_modules/x/package.json => " + store, ""}, {"usr/app/copy.json => usr/app/node_modules/x/package.json", ""},
		{"a/same.js", "s"}, {"b/same.js => a/same.js", ""}, {"lost.json => nowhere", ""},
		{"bin/busybox", "\x7fELF..."}, {"bin/sh.distrib => bin/busybox", ""},
	}
	want := map[string]string{
		store: benign, "usr/app/node_modules/x/package.json": benign, "usr/app/copy.json": benign,
		"a/same.js": "s", "b/same.js": "-> /a/same.js", "lost.json": "-> /nowhere", "bin/busybox": "\x7fELF...", "bin/sh.distrib": "-> /bin/busybox",
	}
	for name, pack := range map[string]func([]byte) []byte{
		"plain": nil, "gzip": func(b []byte) []byte { return gzipOf(t, b) }, "zstd": func(b []byte) []byte { return zstdOf(t, b) },
	} {
		im := testImage{layers: [][]file{layer, {{"root/.wh.store", ""}}}, pack: pack}
		got := walkBytes(t, "a", tarOf(t, im.saved(t)...), unpack.Limits{})
		if diff := cmp.Diff(want, got.contents()); diff != "" || len(got.Gaps)+len(got.Findings) > 0 {
			t.Errorf("%s: gaps %v, findings %v (-want +got):\n%s", name, got.Gaps, got.Findings, diff)
		}
		_, stored, _ := im.parts(t)
		for path, gone := range map[string]bool{store: false, "usr/app/node_modules/x/package.json": false, "a/same.js": false} {
			if _, removed := got.Removed(path, sha(stored[0])); removed != gone {
				t.Errorf("%s: %s removed %v, want %v", name, path, removed, gone)
			}
		}
	}
	plain := layerOf(t, layer)
	for name, data := range map[string][]byte{"tar": plain, "tar.gz": gzipOf(t, plain), "in a zip": zipOf(t, file{"x.tgz", string(gzipOf(t, plain))})} {
		got := walkBytes(t, "a", data, unpack.Limits{}).contents()
		prefix := "a!/"
		if name == "in a zip" {
			prefix = "a!/x.tgz!/"
		}
		for path, text := range want {
			if got[prefix+path] != text {
				t.Errorf("%s: %s is %q, want %q", name, path, got[prefix+path], text)
			}
		}
	}
}

// TestHardLinkBomb: links to one file cost what they would take.
func TestHardLinkBomb(t *testing.T) {
	files := []file{{"f", noise(1 << 20)}}
	for range 2000 {
		files = append(files, file{strconv.Itoa(len(files)) + ".js => f", ""})
	}
	got := walkKeep(t, writeFile(t, "a", layerOf(t, files)), unpack.Options{Limits: unpack.Limits{TotalBytes: 64 << 20}}, 0)
	if got.Bytes > 64<<20 || len(got.Gaps) == 0 || got.Gaps[0].Reason != "limit" {
		t.Errorf("%d bytes, gaps %v", got.Bytes, got.Gaps)
	}
}
