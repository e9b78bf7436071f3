package unpack_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/fnvet/fnvet/unpack"
	"github.com/google/go-cmp/cmp"
)

// vint is the number format of RAR 5: seven bits a byte, low first.
func vint(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// rarOf is a RAR 5 archive with stored files (RAR 5.0 archive format).
func rarOf(_ testing.TB, files ...file) []byte {
	b := []byte("Rar!\x1a\x07\x01\x00")
	block := func(fields []byte, data string) {
		head := append(vint(len(fields)), fields...)
		b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
		b = append(append(b, head...), data...)
	}
	block([]byte{1, 0, 0}, "")
	for _, f := range files {
		head := append([]byte{2, 2}, vint(len(f.data))...)
		head = append(append(head, 4), vint(len(f.data))...)
		head = append(head, vint(0o100644)...)
		head = binary.LittleEndian.AppendUint32(head, crc32.ChecksumIEEE([]byte(f.data)))
		head = append(append(head, 0, 1), vint(len(f.name))...)
		block(append(head, f.name...), f.data)
	}
	block([]byte{5, 0, 0}, "")
	return b
}

// sevenZipOf is a 7z archive with stored files in one folder (7zFormat.txt of the
// LZMA SDK).
func sevenZipOf(_ testing.TB, files ...file) []byte {
	number := func(n int) []byte { return binary.LittleEndian.AppendUint64([]byte{0xff}, uint64(n)) }
	var packed, sizes, sums, names []byte
	for i, f := range files {
		packed = append(packed, f.data...)
		if i < len(files)-1 {
			sizes = append(sizes, number(len(f.data))...)
		}
		sums = binary.LittleEndian.AppendUint32(sums, crc32.ChecksumIEEE([]byte(f.data)))
		for _, c := range append(utf16.Encode([]rune(f.name)), 0) {
			names = binary.LittleEndian.AppendUint16(names, c)
		}
	}
	h := []byte{1, 4, 6}
	h = append(append(append(h, number(0)...), number(1)...), 9)
	h = append(append(h, number(len(packed))...), 0)
	h = append(h, 7, 0x0b, 1, 0, 1, 1, 0, 0x0c)
	h = append(append(h, number(len(packed))...), 0)
	h = append(append(h, 8, 0x0d), number(len(files))...)
	h = append(append(append(h, 9), sizes...), 0x0a, 1)
	h = append(append(h, sums...), 0, 0, 5)
	h = append(append(h, number(len(files))...), 0x11)
	h = append(append(h, number(len(names)+1)...), 0)
	h = append(append(h, names...), 0, 0)
	start := binary.LittleEndian.AppendUint64(nil, uint64(len(packed)))
	start = binary.LittleEndian.AppendUint64(start, uint64(len(h)))
	start = binary.LittleEndian.AppendUint32(start, crc32.ChecksumIEEE(h))
	b := binary.LittleEndian.AppendUint32([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), crc32.ChecksumIEEE(start))
	return append(append(append(b, start...), packed...), h...)
}

// stub is the beginning of a program for Windows, with a signature in it that
// belongs to no archive.
func stub(signature string) string {
	return "MZ" + strings.Repeat("\x90", 1000) + signature + strings.Repeat("code", 700)
}

func TestForeign(t *testing.T) {
	files := []file{{"d/a.txt", "hello"}, {"package.json", benign}}
	want := map[string]string{"a!/d/a.txt": "hello", "a!/package.json": benign}
	for name, build := range map[string]func(testing.TB, ...file) []byte{"rar": rarOf, "7z": sevenZipOf, "zip": zipOf} {
		data := build(t, files...)
		if got := walkBytes(t, "a", data, unpack.Limits{}); cmp.Diff(want, got.contents()) != "" || len(got.Gaps) > 0 {
			t.Errorf("%s: gaps %v, %v", name, got.Gaps, got.contents())
		}
		inner := walkBytes(t, "a", zipOf(t, file{"x.bin", string(data)}), unpack.Limits{})
		if inner.contents()["a!/x.bin!/d/a.txt"] != "hello" || len(inner.Gaps) > 0 {
			t.Errorf("%s in a zip: gaps %v, %v", name, inner.Gaps, inner.contents())
		}
		for _, prefix := range []string{stub(""), stub("7z\xbc\xaf\x27\x1c"), stub("Rar!\x1a\x07\x01\x00"), stub("Rar!\x1a\x07\x00")} {
			exe := append([]byte(prefix), data...)
			for at, got := range map[string]walked{"setup": walkBytes(t, "a", exe, unpack.Limits{}), "setup.exe": walkBytes(t, "a", zipOf(t, file{"setup.exe", string(exe)}), unpack.Limits{})} {
				path := "a!/d/a.txt"
				if at == "setup.exe" {
					path = "a!/setup.exe!/d/a.txt"
				}
				if got.contents()[path] != "hello" || len(got.Gaps) > 0 {
					t.Errorf("self-extracting %s, %s: gaps %v, %d files", name, at, got.Gaps, len(got.files))
				}
			}
		}
		for cut := 9; cut < len(data); cut += 3 {
			if got := walkBytes(t, "a", data[:cut], unpack.Limits{}); len(got.Gaps) == 0 && cmp.Diff(want, got.contents()) != "" {
				t.Errorf("%s cut at %d of %d: no gap, %v", name, cut, len(data), got.contents())
			}
		}
	}
	program := stub("7z\xbc\xaf\x27\x1c\x00\x04Rar!\x1a\x07\x01\x00")
	if got := walkBytes(t, "a", zipOf(t, file{"7z.dll", program}), unpack.Limits{}); len(got.Gaps)+len(got.Findings) > 0 || len(got.files) != 1 {
		t.Errorf("a program that knows the formats: gaps %v, findings %v", got.Gaps, got.Findings)
	}
}

// quine is the zip that holds itself, as Go's own tests have it (R. Cox, "Zip
// Files All The Way Down", 2010).
func quine(tb testing.TB) []byte {
	tb.Helper()
	source, err := os.ReadFile(filepath.Join(runtime.GOROOT(), "src/archive/zip/reader_test.go")) //nolint:staticcheck // the test runs under the go command
	if err != nil {
		tb.Skip("the sources of the Go distribution are not here")
	}
	_, text, found := strings.Cut(string(source), "func rZipBytes()")
	if !found {
		tb.Skip("the Go distribution has no such test any more")
	}
	text, _, _ = strings.Cut(text, "\n}")
	var b []byte
	for _, m := range regexp.MustCompile(`(?m)^[0-9a-f]{7}((?: [0-9a-f]{2})+)`).FindAllStringSubmatch(text, -1) {
		line, err := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
		if err != nil {
			tb.Fatal(err)
		}
		b = append(b, line...)
	}
	return b
}

// TestHostileForeign adds to the classes of TestHostileZip and TestHostileTar.
func TestHostileForeign(t *testing.T) {
	deep := func(pack func(testing.TB, []byte) []byte) func(testing.TB) []byte {
		return func(tb testing.TB) []byte {
			data := []byte("end")
			for range 200 {
				data = pack(tb, data)
			}
			return data
		}
	}
	inTar := func(tb testing.TB, data []byte) []byte { return tarOf(tb, file{"a.tar", string(data)}) }
	for _, h := range []hostile{
		{name: "zip that holds itself", data: func(tb testing.TB) []byte {
			return zipOf(tb, file{"r.zip", string(quine(tb))}, file{"package.json", benign})
		},
			gaps: []string{"limit"}, extra: []string{"a!/r.zip!/r/r.zip"}},
		{name: "gzip 200 deep", data: beside("z.gz", deep(gzipOf)), gaps: []string{"limit"}},
		{name: "tar 200 deep", data: beside("z.tar", deep(inTar)), gaps: []string{"limit"}},
		{name: "zstd 200 deep", data: beside("z.zst", deep(zstdOf)), gaps: []string{"limit"}},
		{name: "7z slip", data: beside("z.7z", func(tb testing.TB) []byte { return sevenZipOf(tb, file{`..\..\x`, "e"}) }), extra: []string{"a!/z.7z!/x"}, rules: unsafePathRule},
		{name: "rar slip", data: beside("z.rar", func(tb testing.TB) []byte { return rarOf(tb, file{"../../x", "e"}) }), extra: []string{"a!/z.rar!/x"}, rules: unsafePathRule},
		{name: "7z with a wrong checksum", data: beside("z.7z", func(tb testing.TB) []byte {
			return bytes.Replace(sevenZipOf(tb, file{"x", "hello there"}), []byte("hello"), []byte("hullo"), 1)
		}), gaps: []string{"unreadable"}},
		{name: "rar with a wrong checksum", data: beside("z.rar", func(tb testing.TB) []byte {
			return bytes.Replace(rarOf(tb, file{"x", "hello there"}), []byte("hello"), []byte("hullo"), 1)
		}), gaps: []string{"unreadable"}},
		{name: "sparse map in PAX of 8 TiB", data: paxTar(tar.Header{Name: "x", Size: 1, PAXRecords: nil}, map[string]string{
			"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": fmt.Sprint(int64(8) << 40), "GNU.sparse.map": fmt.Sprintf("%d,1", int64(8)<<40-1), "GNU.sparse.numblocks": "1",
		}), gaps: []string{"limit"}},
		{name: "sparse map with negative numbers", data: paxTar(tar.Header{Name: "x", Size: 1}, map[string]string{
			"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": "100", "GNU.sparse.map": "-5,1", "GNU.sparse.numblocks": "1",
		}), gaps: []string{"unreadable"}, rules: ambiguous},
		{name: "PAX size that is negative", data: paxTar(tar.Header{Name: "x", Size: 1}, map[string]string{"size": "-1"}), gaps: []string{"unreadable"}, rules: ambiguous},
		{name: "PAX size of 8 EiB", data: paxTar(tar.Header{Name: "x", Size: 1}, map[string]string{"size": "9223372036854775807"}), gaps: []string{"limit"}, lost: true},
		{name: "PAX size that is smaller", data: paxTar(tar.Header{Name: "x", Size: 512}, map[string]string{"size": "0"}), extra: []string{"a!/x"}, rules: ambiguous},
	} {
		h.file = "a"
		t.Run(h.name, h.run)
	}
}

// paxTar is a file with those records before it, whatever they say, and the benign one.
func paxTar(h tar.Header, records map[string]string) func(testing.TB) []byte {
	return func(tb testing.TB) []byte {
		var text strings.Builder
		for k, v := range records {
			n := len(k) + len(v) + 3
			total := n + len(fmt.Sprint(n))
			if len(fmt.Sprint(total)) > len(fmt.Sprint(n)) {
				total++
			}
			fmt.Fprintf(&text, "%d %s=%s\n", total, k, v)
		}
		ext := tarOf(tb, file{"PaxHeaders/x", text.String()})[:1024]
		patchTar(ext, func(b []byte) { b[156] = 'x' })
		return append(ext, tarOf(tb, file{h.Name, strings.Repeat("\x01", int(h.Size))}, file{"package.json", benign})...)
	}
}

// TestSparse: the holes of a sparse file are zeros, as tar would write them.
func TestSparse(t *testing.T) {
	ext := paxTar(tar.Header{Name: "x", Size: 3}, map[string]string{
		"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": "10", "GNU.sparse.map": "4,3", "GNU.sparse.numblocks": "1", "GNU.sparse.name": "real",
	})(t)
	got := walkBytes(t, "a", ext, unpack.Limits{})
	want := map[string]string{"a!/real": "\x00\x00\x00\x00\x01\x01\x01\x00\x00\x00", "a!/package.json": benign}
	if diff := cmp.Diff(want, got.contents()); diff != "" || len(got.Gaps) > 0 {
		t.Errorf("gaps %v (-want +got):\n%s", got.Gaps, diff)
	}
}
