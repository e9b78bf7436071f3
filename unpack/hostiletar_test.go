package unpack_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/dsnet/compress/bzip2"
	"github.com/fnvet/fnvet/unpack"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

func xzOf(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := xz.NewWriter(&b)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func bzip2Of(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := bzip2.NewWriter(&b, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func lz4Of(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// beside puts data into a tar, next to the benign file.
func beside(name string, data func(testing.TB) []byte) func(testing.TB) []byte {
	return func(tb testing.TB) []byte {
		return tarOf(tb, file{name, string(data(tb))}, file{"package.json", benign})
	}
}

func TestHostileTar(t *testing.T) {
	bomb := []byte(zeros(200 << 20))
	for _, h := range []hostile{
		{name: "slip", data: tarHeaders(tarHeader{Name: "../../x", Typeflag: tar.TypeReg, Size: 1}), extra: []string{"a!/x"}, rules: unsafePathRule, gaps: []string{"unsafe-path"}},
		{name: "absolute", data: tarHeaders(tarHeader{Name: "/etc/x", Typeflag: tar.TypeReg}), extra: []string{"a!/etc/x"}, rules: unsafePathRule},
		{name: "backslash that leads out", data: tarHeaders(tarHeader{Name: `..\x`, Typeflag: tar.TypeReg}), extra: []string{"a!/x"}, rules: unsafePathRule},
		{name: "backslash in a name", data: tarHeaders(tarHeader{Name: `a\x2db`, Typeflag: tar.TypeReg}), extra: []string{`a!/a\x2db`}},
		{name: "link out", data: tarHeaders(tarHeader{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../x"}), rules: []string{"hygiene/unsafe-link"}},
		{name: "link inside", data: tarHeaders(tarHeader{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "../x"}), extra: []string{"a!/d/l"}},
		{name: "hard link out", data: tarHeaders(tarHeader{Name: "l", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"}), rules: []string{"hygiene/unsafe-link"}},
		{name: "hard link to itself", data: tarHeaders(tarHeader{Name: "l", Typeflag: tar.TypeLink, Linkname: "l"}), extra: []string{"a!/l"}},
		{name: "device", data: tarHeaders(tarHeader{Name: "d", Typeflag: tar.TypeBlock, Devmajor: 8}), rules: []string{"hygiene/special-file"}},
		{name: "fifo", data: tarHeaders(tarHeader{Name: "p", Typeflag: tar.TypeFifo}), rules: []string{"hygiene/special-file"}},
		{name: "setuid", data: tarHeaders(tarHeader{Name: "su", Typeflag: tar.TypeReg, Mode: 0o4755}), rules: []string{"hygiene/setuid"}},
		{name: "duplicate", data: tarHeaders(tarHeader{Name: "d", Typeflag: tar.TypeReg}, tarHeader{Name: "./d", Typeflag: tar.TypeReg, Size: 3}), rules: ambiguous},
		{name: "after the end", data: func(tb testing.TB) []byte {
			return append(tarOf(tb, file{"package.json", benign}), tarOf(tb, file{"hidden", "h"})...)
		}, extra: []string{"a!/hidden"}, rules: ambiguous},
		{name: "damaged header in the middle", data: func(tb testing.TB) []byte {
			data := tarOf(tb, file{"first", "1"}, file{"second", "2"}, file{"package.json", benign})
			data[1024+148] = 'x'
			return data
		}, extra: []string{"a!/first"}, gaps: []string{"unreadable"}, rules: ambiguous},
		{name: "negative size", data: func(tb testing.TB) []byte {
			return patchTar(tarOf(tb, file{"x", ""}, file{"package.json", benign}), func(h []byte) {
				copy(h[124:136], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0")
			})
		}, gaps: []string{"unreadable"}, rules: ambiguous},
		{name: "size past the end", data: func(tb testing.TB) []byte {
			return patchTar(tarOf(tb, file{"x", ""}, file{"package.json", benign}), func(h []byte) { copy(h[124:136], "00010000000\x00") })
		}, gaps: []string{"unreadable"}, lost: true},
		{name: "size of 8 GiB", data: func(tb testing.TB) []byte {
			return patchTar(tarOf(tb, file{"x", ""}, file{"package.json", benign}), func(h []byte) { copy(h[124:136], "77777777777\x00") })
		}, gaps: []string{"limit"}, lost: true},
		{name: "PAX size lies", data: paxLie, gaps: []string{"unreadable"}, lost: true},
		{name: "sparse map of 8 TiB", data: sparseBomb, gaps: []string{"limit"}},
		{name: "gzip bomb", data: beside("z.gz", func(tb testing.TB) []byte { return gzipOf(tb, bomb) }), gaps: []string{"limit"}},
		{name: "gzip quine", data: beside("q.gz", gzipQuine), gaps: []string{"limit"}},
		{name: "zip quine", data: beside("q.zip", zipQuine), gaps: []string{"limit"}},
		{name: "xz bomb", data: beside("z.xz", func(tb testing.TB) []byte { return xzOf(tb, bomb) }), gaps: []string{"limit"}},
		{name: "bzip2 bomb", data: beside("z.bz2", func(tb testing.TB) []byte { return bzip2Of(tb, bomb) }), gaps: []string{"limit"}},
		{name: "zstd bomb", data: beside("z.zst", func(tb testing.TB) []byte { return zstdOf(tb, bomb) }), gaps: []string{"limit"}},
		{name: "lz4 of the same", data: beside("z.lz4", func(tb testing.TB) []byte { return lz4Of(tb, bomb) }), extra: []string{"a!/z.lz4!/z"}},
		{name: "xz dictionary of 4 GiB", data: beside("z.xz", func(tb testing.TB) []byte {
			data := xzOf(tb, []byte("hello"))
			// the dictionary byte of the LZMA2 filter, in a block header of 12 bytes
			block := data[12:24]
			block[4] = 40
			binary.LittleEndian.PutUint32(block[8:], crc32.ChecksumIEEE(block[:8]))
			return data
		}), gaps: []string{"limit"}},
		{name: "zstd window of 2 GiB", data: beside("z.zst", func(testing.TB) []byte {
			return []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 1, 0, 0}
		}), gaps: []string{"limit"}},
		{name: "lzip dictionary of 512 MiB", data: beside("z.lz", func(testing.TB) []byte { return []byte("LZIP\x01\x1d" + strings.Repeat("x", 40)) }), gaps: []string{"limit"}},
		{name: "cut gzip", data: beside("z.gz", func(tb testing.TB) []byte {
			data := gzipOf(tb, []byte(strings.Repeat("hello there ", 1000)))
			return data[:len(data)-10]
		}), gaps: []string{"unreadable"}, extra: []string{"a!/z.gz!/z"}},
		{name: "garbage after gzip", data: beside("z.gz", func(tb testing.TB) []byte { return append(gzipOf(tb, []byte("x")), "garbage"...) }), gaps: []string{"unreadable"}, extra: []string{"a!/z.gz!/z"}},
		{name: "zeros after gzip", data: beside("z.gz", func(tb testing.TB) []byte { return append(gzipOf(tb, []byte("x")), make([]byte, 99)...) }), extra: []string{"a!/z.gz!/z"}},
		{name: "two gzip members", data: beside("z.gz", func(tb testing.TB) []byte { return append(gzipOf(tb, []byte("x")), gzipOf(tb, []byte("y"))...) }), extra: []string{"a!/z.gz!/z"}},
		{name: "corrupt nested zip", data: beside("n.zip", func(testing.TB) []byte { return []byte("PK\x03\x04 nothing more") }), gaps: []string{"unreadable"}},
		{name: "no zip at all", data: beside("n.zip", func(testing.TB) []byte { return []byte("<html>not found</html>") }), gaps: []string{"unreadable"}},
		{name: "corrupt 7z", data: beside("n.7z", func(testing.TB) []byte { return []byte("7z\xbc\xaf\x27\x1c\x00\x04" + strings.Repeat("\xff", 64)) }), gaps: []string{"unreadable"}},
		{name: "corrupt rar", data: beside("n.rar", func(testing.TB) []byte { return []byte("Rar!\x1a\x07\x01\x00" + strings.Repeat("\xff", 64)) }), gaps: []string{"unreadable"}},
	} {
		h.file = "a"
		t.Run(h.name, h.run)
	}
}

// paxLie says in a PAX record that the file is larger than what follows.
func paxLie(tb testing.TB) []byte {
	record := "18 size=100000000\n"
	ext := tarOf(tb, file{"PaxHeaders/x", record})[:1024]
	patchTar(ext, func(h []byte) { h[156] = 'x' })
	return append(ext, tarOf(tb, file{"x", "1"}, file{"package.json", benign})...)
}

// sparseBomb is a GNU sparse file with one byte at the end of 8 TiB.
func sparseBomb(tb testing.TB) []byte {
	number := func(n uint64) string { return "\x80\x00\x00\x00" + string(binary.BigEndian.AppendUint64(nil, n)) }
	return patchTar(tarOf(tb, file{"x", zeros(512)}, file{"package.json", benign}), func(h []byte) {
		h[156] = 'S'
		copy(h[257:265], "ustar  \x00")
		copy(h[386:], number(8<<40)+number(512))
		copy(h[483:], number(8<<40+512))
	})
}

// TestTruncatedTar cuts a tar and its compressed forms: what lies whole before
// the cut is still offered, and there is a gap.
func TestTruncatedTar(t *testing.T) {
	whole := tarOf(t, file{"package.json", benign}, file{"b", strings.Repeat("last ", 500)})
	for cut := 1025; cut < 512+512+512+2500; cut += 37 {
		got := walkBytes(t, "a", whole[:cut], unpack.Limits{})
		if got.contents()["a!/package.json"] != benign {
			t.Fatalf("cut at %d: package.json was not offered", cut)
		}
		if len(got.Gaps) == 0 && cut%512 != 0 {
			t.Fatalf("cut at %d: no gap", cut)
		}
	}
	for name, pack := range map[string]func(testing.TB, []byte) []byte{"gzip": gzipOf, "xz": xzOf, "bzip2": bzip2Of, "zstd": zstdOf, "lz4": lz4Of} {
		packed := pack(t, whole)
		for cut := len(packed) / 4; cut < len(packed); cut++ {
			got := walkBytes(t, "a", packed[:cut], unpack.Limits{})
			if len(got.Gaps) == 0 {
				t.Errorf("%s cut at %d of %d: no gap, files %v", name, cut, len(packed), got.contents())
			}
		}
		if got := walkBytes(t, "a", packed, unpack.Limits{}); len(got.Gaps) > 0 || got.contents()["a!/package.json"] != benign {
			t.Errorf("%s: gaps %v, files %v", name, got.Gaps, got.contents())
		}
	}
}

func TestHostileImage(t *testing.T) {
	im := testImage{layers: [][]file{{{"package.json", benign}}}}
	layout := func(change func(files []file) []file) func(testing.TB) []byte {
		return func(tb testing.TB) []byte {
			files, _ := im.layout(tb)
			return tarOf(tb, change(files)...)
		}
	}
	saved := func(manifest string) func(testing.TB) []byte {
		return func(tb testing.TB) []byte {
			files := im.saved(tb)
			config := files[0].name
			files[len(files)-1].data = strings.NewReplacer("CONFIG", config, "LAYER", files[1].name).Replace(manifest)
			return tarOf(tb, files...)
		}
	}
	index := func(manifests string) func([]file) []file {
		return func(files []file) []file {
			for i := range files {
				if files[i].name == "index.json" {
					inside := strings.TrimSuffix(strings.SplitN(files[i].data, "[", 2)[1], "]}")
					inside, _, _ = strings.Cut(inside, `],"schemaVersion"`)
					files[i].data = `{"manifests":[` + strings.ReplaceAll(manifests, "ORIGINAL", inside) + `]}`
				}
			}
			return files
		}
	}
	selfIndex := func(files []file) []file { // an index under a name that is not its digest, which names itself
		name := strings.Repeat("0", 64)
		body := `{"manifests":[{"digest":"sha256:` + name + `","mediaType":"application/vnd.oci.image.index.v1+json"}]}`
		return index(`{"digest":"sha256:` + name + `"},ORIGINAL`)(append(files, file{"blobs/sha256/" + name, body}))
	}
	for _, h := range []hostile{
		{name: "fine", data: layout(func(f []file) []file { return f })},
		{name: "layer outside", data: saved(`[{"Config":"CONFIG","Layers":["LAYER","../../etc/passwd"]}]`), gaps: []string{"unsafe-path", "unreadable"}},
		{name: "layer absolute", data: saved(`[{"Config":"CONFIG","Layers":["LAYER","/etc/passwd"]}]`), gaps: []string{"unsafe-path", "unreadable"}},
		{name: "layer missing", data: saved(`[{"Config":"CONFIG","Layers":["LAYER","gone/layer.tar"]}]`), gaps: []string{"unreadable"}},
		{name: "config missing", data: saved(`[{"Config":"gone.json","Layers":["LAYER"]}]`), gaps: []string{"unreadable"}},
		{name: "manifest cut off", data: saved(`[{"Config":"CONFIG","Layers":["LAY`), gaps: []string{"unparsable"}, lost: true},
		{name: "manifest of wrong types", data: saved(`[{"Config":7,"Layers":["LAYER"]}]`), gaps: []string{"unparsable"}},
		{name: "manifest of 100 MB", data: saved(`[{"Config":"CONFIG","Layers":["LAYER"],"x":"` + strings.Repeat("x", 100<<20) + `"}]`), gaps: []string{"limit"}, lost: true},
		{name: "a million layers", data: saved(`[{"Config":"CONFIG","Layers":["LAYER"` + strings.Repeat(`,"LAYER"`, 100_000) + `]}]`), gaps: []string{"limit", "digest"}},
		{name: "index that names itself", data: layout(selfIndex), gaps: []string{"digest"}},
		{name: "index explosion", data: layout(func(files []file) []file {
			var b strings.Builder
			for i := range 5000 {
				fmt.Fprintf(&b, `{"digest":"sha256:%064d"},`, i)
			}
			return index("ORIGINAL," + b.String() + "ORIGINAL")(files)
		}), gaps: []string{"limit", "unreadable"}},
		{name: "wrong layer digest", data: layout(func(files []file) []file {
			for i := range files {
				if len(files[i].data) >= 1024 {
					files[i].data += zeros(512)
				}
			}
			return files
		}), gaps: []string{"digest"}},
		{name: "wrong config digest", data: layout(func(files []file) []file {
			for i := range files {
				files[i].data = strings.Replace(files[i].data, `"/app"`, `"/apq"`, 1)
			}
			return files
		}), gaps: []string{"digest"}},
		{name: "blob missing", data: layout(func(files []file) []file { return files[1:] }), gaps: []string{"unreadable"}, lost: true},
		{name: "other platforms only", data: layout(func(files []file) []file {
			for i := range files {
				if files[i].name == "index.json" {
					files[i].data = strings.ReplaceAll(files[i].data, `"amd64"`, `"arm64"`)
				}
			}
			return index(`ORIGINAL,ORIGINAL`)(files)
		}), gaps: []string{"unreadable"}, lost: true},
		{name: "files beside the image", data: layout(func(files []file) []file { return append(files, file{"lib/evil.js", "e"}) }), extra: []string{"a!/lib/evil.js"}},
		{name: "two manifests", data: func(tb testing.TB) []byte {
			files, _ := im.layout(tb)
			other := testImage{layers: [][]file{{{"other.js", "o"}}}}
			return tarOf(tb, append(files, other.saved(tb)...)...)
		}, extra: []string{"other.js"}, rules: ambiguous},
		{name: "a million variables", data: func(tb testing.TB) []byte {
			im := im
			for i := range 1_000_000 {
				im.env = append(im.env, fmt.Sprintf("V%d=1", i))
			}
			return tarOf(tb, im.saved(tb)...)
		}, gaps: []string{"limit"}},
		{name: "layer that is a bomb", data: func(tb testing.TB) []byte {
			im := testImage{layers: [][]file{{{"package.json", benign}, {"z", zeros(200 << 20)}}}}
			im.pack = func(b []byte) []byte { return gzipOf(tb, b) }
			return tarOf(tb, im.saved(tb)...)
		}, gaps: []string{"limit"}},
		{name: "layer that is no tar", data: func(tb testing.TB) []byte {
			im := testImage{layers: [][]file{{{"package.json", benign}}, {{"x", "y"}}}}
			files := im.saved(tb)
			files[2].data = "not a tar"
			return tarOf(tb, files...)
		}, gaps: []string{"unreadable"}},
	} {
		h.file = "a"
		t.Run(h.name, h.run)
	}
}

// TestRemoved covers the rules of whiteouts, one line each.
func TestRemoved(t *testing.T) {
	for _, c := range []struct {
		why          string
		lower, upper []file
		path         string
		want         bool
	}{
		{"nothing above", []file{{"a", "1"}}, []file{{"b", "1"}}, "a", false},
		{"whiteout", []file{{"a", "1"}}, []file{{".wh.a", ""}}, "a", true},
		{"whiteout of the folder", []file{{"d/e/a", "1"}}, []file{{".wh.d", ""}}, "d/e/a", true},
		{"whiteout of a sibling", []file{{"d/a", "1"}}, []file{{"d/.wh.b", ""}}, "d/a", false},
		{"whiteout of a prefix of the name", []file{{"d/ab", "1"}}, []file{{"d/.wh.a", ""}}, "d/ab", false},
		{"opaque", []file{{"d/e/a", "1"}}, []file{{"d/.wh..wh..opq", ""}}, "d/e/a", true},
		{"opaque root", []file{{"a", "1"}}, []file{{".wh..wh..opq", ""}}, "a", true},
		{"opaque elsewhere", []file{{"d/a", "1"}}, []file{{"e/.wh..wh..opq", ""}}, "d/a", false},
		{"overwritten", []file{{"a", "1"}}, []file{{"a", "2"}}, "a", true},
		{"the same layer again", []file{{"a", "1"}}, []file{{"a", "1"}}, "a", false},
		{"overwritten by a link", []file{{"a", "1"}}, []file{{"a -> b", ""}}, "a", true},
		{"replaced by a folder", []file{{"a", "1"}}, []file{{"a/", ""}}, "a", true},
		{"folder listed again", []file{{"d/", ""}, {"d/a", "1"}}, []file{{"d/", ""}}, "d/a", false},
		{"folder replaced by a file", []file{{"d/a", "1"}}, []file{{"d", "1"}}, "d/a", true},
		{"folder replaced by a link", []file{{"d/a", "1"}}, []file{{"d -> e", ""}}, "d/a", true},
		{"leading ./ and /", []file{{"./d/a", "1"}}, []file{{"/d/.wh.a", ""}}, "d/a", true},
		{"hard link still there", []file{{"a", "1"}, {"b => a", ""}}, []file{{".wh.a", ""}}, "a", false},
		{"both names gone", []file{{"a", "1"}, {"b => a", ""}}, []file{{".wh.a", ""}, {".wh.b", ""}}, "a", true},
		{"bookkeeping of AUFS", []file{{"a", "1"}}, []file{{".wh..wh.plnk/", ""}}, "a", false},
	} {
		im := testImage{layers: [][]file{c.lower, c.upper}}
		got := walkBytes(t, "a", tarOf(t, im.saved(t)...), unpack.Limits{})
		_, stored, _ := im.parts(t)
		by, removed := got.Removed(c.path, sha(stored[0]))
		if removed != c.want || removed && by != sha(stored[1]) {
			t.Errorf("%s: removed %v by %q, want %v", c.why, removed, by, c.want)
		}
		for _, f := range got.files {
			if strings.Contains(f.Path, ".wh.") {
				t.Errorf("%s: the whiteout %s was offered", c.why, f.Path)
			}
		}
	}
}
