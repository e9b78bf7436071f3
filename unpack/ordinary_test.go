package unpack_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
)

// checkOrdinary walks data, which is nothing out of the way: no gaps, and no
// finding of medium weight or more.
func checkOrdinary(t *testing.T, data []byte, paths ...string) {
	t.Helper()
	for from, got := range map[string]walked{
		"memory": walkBytes(t, "a", data, unpack.Limits{}),
		"a file": walk(t, writeFile(t, "a", data), unpack.Options{}),
	} {
		for _, f := range got.Findings {
			if f.Severity.Rank() >= fnvet.Medium.Rank() {
				t.Errorf("from %s: %s %s %s: %s", from, f.Severity, f.ID, f.Path, f.Evidence)
			}
		}
		if len(got.Gaps) > 0 {
			t.Errorf("from %s: gaps %v", from, got.Gaps)
		}
		contents := got.contents()
		for _, path := range paths {
			if _, ok := contents[path]; !ok {
				t.Errorf("from %s: %s was not offered", from, path)
			}
		}
	}
}

// jarOf is a jar with a manifest, whose entries are stored if that is said.
func jarOf(tb testing.TB, method uint16, files ...file) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	manifest := file{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain: " + files[0].name + "\n"}
	for _, f := range append([]file{{"META-INF/", ""}, manifest}, files...) {
		h := &zip.FileHeader{Name: f.name, Method: method}
		if strings.HasSuffix(f.name, "/") {
			h.Method = zip.Store
		}
		e, err := w.CreateHeader(h)
		if err == nil {
			_, err = e.Write([]byte(f.data))
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

// rawStored is a zip as Java's tools write one: sizes in the local headers, and
// as many bytes of extra field there as that function says.
func rawStored(extra func(offset, nameLen int) []byte, files ...file) []byte {
	le := binary.LittleEndian
	var b, central []byte
	for _, f := range files {
		offset := len(b)
		pad := extra(offset, len(f.name))
		head := append([]byte{20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		le.PutUint32(head[10:], crc32.ChecksumIEEE([]byte(f.data)))
		le.PutUint32(head[14:], uint32(len(f.data)))
		le.PutUint32(head[18:], uint32(len(f.data)))
		head = le.AppendUint16(head, uint16(len(f.name)))
		b = append(append(b, "PK\x03\x04"...), head...)
		b = le.AppendUint16(b, uint16(len(pad)))
		b = append(append(append(b, f.name...), pad...), f.data...)
		central = append(append(append(central, "PK\x01\x02\x14\x00"...), head...), make([]byte, 12)...)
		central = append(le.AppendUint32(central, uint32(offset)), f.name...)
	}
	return append(append(b, central...), endRecord(uint16(len(files)), uint32(len(central)), uint32(len(b)))...)
}

func TestOrdinary(t *testing.T) {
	none := func(int, int) []byte { return nil }
	lib := func(name string) string {
		return string(jarOf(t, zip.Deflate, file{name + ".class", "c"}, file{"META-INF/LICENSE", name}))
	}
	boot := rawStored(none, file{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"}, file{"BOOT-INF/classes/a.class", "c"},
		file{"BOOT-INF/lib/one.jar", lib("one")}, file{"BOOT-INF/lib/two.jar", lib("two")}, file{"BOOT-INF/lib/three.jar", lib("three")})
	commented := zipOf(t, file{"in.txt", "x"})
	commented = append(commented[:len(commented)-2], "\x05\x00hello"...)
	unix := append([]byte{0x75, 0x78, 11, 0, 1, 4}, 0xe8, 3, 0, 0, 4, 0xe8, 3, 0, 0)
	for _, c := range []struct {
		name  string
		data  []byte
		paths []string
	}{
		{"Spring Boot jar with stored jars", boot, []string{"a!/BOOT-INF/lib/three.jar!/three.class"}},
		{"Spring Boot jar that is a script", append([]byte("#!/bin/bash\nexec java -jar $0\nexit\n"), boot...), []string{"a!/BOOT-INF/lib/one.jar!/one.class"}},
		{"stored zip last, with a comment", storedZip(t, file{"a.txt", "1"}, file{"in.zip", string(commented)}), []string{"a!/in.zip!/in.txt"}},
		{"stored zip in a stored zip", storedZip(t, file{"b.zip", string(storedZip(t, file{"c.zip", string(zipOf(t, file{"d", "1"}))}))}), []string{"a!/b.zip!/c.zip!/d"}},
		{"many small stored zips", rawStored(none, func() (files []file) {
			for i := range 300 {
				files = append(files, file{fmt.Sprintf("%d.zip", i), string(zipOf(t, file{"x", "1"}))})
			}
			return files
		}()...), []string{"a!/299.zip!/x"}},
		{"shaded jar with metadata of several", rawStored(none, file{"META-INF/MANIFEST.MF", "m"}, file{"META-INF/LICENSE", "MIT"}, file{"META-INF/LICENSE", "Apache"},
			file{"META-INF/services/x.Y", "a"}, file{"META-INF/services/x.Y", "b"}, file{"META-INF/license.txt", "c"}, file{"META-INF/LICENSE.txt", "d"}), nil},
		{"folders listed twice", rawStored(none, file{"a/", ""}, file{"a/", ""}, file{"A/", ""}, file{"a/b", "1"}), nil},
		{"the same class twice", rawStored(none, file{"a.class", "1"}, file{"a.class", "1"}), nil},
		{"aligned to pages, as for Android", rawStored(func(offset, nameLen int) []byte { return make([]byte, 4096-(offset+30+nameLen)%4096) },
			file{"lib/x.so", "elf"}, file{"classes.dex", "dex"}), []string{"a!/lib/x.so", "a!/classes.dex"}},
		{"aligned to four bytes", rawStored(func(offset, nameLen int) []byte { return make([]byte, (4-(offset+30+nameLen)%4)%4) }, file{"ab", "elf"}, file{"c", "dex"}), nil},
		{"office document, whose local headers reserve room", rawStored(func(int, int) []byte { return append([]byte{0x20, 0xa2, 4, 2, 1, 2}, make([]byte, 514)...) },
			file{"[Content_Types].xml", "<x/>"}, file{"_rels/.rels", "<y/>"}), []string{"a!/_rels/.rels"}},
		{"owner and group in extra fields", rawStored(func(int, int) []byte { return unix }, file{"a", "1"}), nil},
		{"Go's streaming writer", zipOf(t, file{"a", "1"}, file{"d/", ""}, file{"d/b", noise(1000)}), nil},
		{"Go's streaming writer, stored", storedZip(t, file{"a", "1"}, file{"d/b", noise(1000)}, file{"e", ""}), nil},
		{"empty zip", zipOf(t), nil},
		{"empty tar", zipOf(t, file{"layer.tar", zeros(1024)}), nil},
		{"npm tarball", gzipOf(t, tarHeaders(tarHeader{Name: "package/index.js", Typeflag: tar.TypeReg, Size: 3, Mode: 0o644})(t)), nil},
		{"absolute names in an archive inside", zipOf(t, file{"seed.tgz", string(gzipOf(t, tarOf(t, file{"/base/1", "1"}, file{"/base/2", "2"})))}), []string{"a!/seed.tgz!/base/1"}},
		{"docker save", tarOf(t, testImage{layers: [][]file{{{"etc/", ""}, {"etc/passwd", "root"}, {"bin/sh -> busybox", ""}}, {{"etc/passwd", "x"}}}}.saved(t)...), []string{"etc/passwd"}},
	} {
		t.Run(c.name, func(t *testing.T) { checkOrdinary(t, c.data, c.paths...) })
	}
}

// TestOrdinaryTools packs one tree with whatever tools are installed.
func TestOrdinaryTools(t *testing.T) {
	src := writeTree(t, []file{
		{"handler.py", "def handler(event, context): pass\n"}, {"lib/big.txt", strings.Repeat("hello there ", 50_000)}, {"lib/empty", ""},
		{"lib/noise.bin", noise(200_000)}, {"b\u00fccher/\u00e9.txt", "accents"}, {"lib/in.zip", string(zipOf(t, file{"x", "1"}))},
	})
	const python = "import zipfile,sys,os,io\n"
	for _, c := range []struct{ name, tool, script string }{
		{"Info-ZIP", "zip", `zip -qr "$OUT" .`},
		{"Info-ZIP, stored", "zip", `zip -q0r "$OUT" .`},
		{"Info-ZIP to a pipe", "zip", `zip -qr - . | cat > "$OUT"`},
		{"Info-ZIP from a pipe", "zip", `cat lib/big.txt | zip -q "$OUT" -`},
		{"Info-ZIP, updated", "zip", `zip -qr "$OUT" . && zip -q "$OUT" handler.py`},
		{"Info-ZIP with a comment", "zip", `echo remark | zip -qrz "$OUT" .`},
		{"python", "python3", `python3 -m zipfile -c "$OUT" .`},
		{"python, unseekable", "python3", `python3 -c '` + python + `z=zipfile.ZipFile(sys.stdout.buffer,"w",8)
for f in ("handler.py","lib/big.txt","lib/in.zip"): z.write(f)
z.close()' | cat > "$OUT"`},
		{"python, zip64 forced", "python3", `python3 -c '` + python + `z=zipfile.ZipFile(os.environ["OUT"],"w",8)
for n in "ab":
  with z.open(n,"w",force_zip64=True) as f: f.write(b"x"*1000)
z.close()'`},
		{"python, zip64 forced, unseekable", "python3", `python3 -c '` + python + `z=zipfile.ZipFile(sys.stdout.buffer,"w",8)
for n in "ab":
  with z.open(n,"w",force_zip64=True) as f: f.write(b"x"*1000)
z.close()' | cat > "$OUT"`},
		{"python, bzip2 and lzma", "python3", `python3 -c '` + python + `z=zipfile.ZipFile(os.environ["OUT"],"w")
z.write("handler.py",compress_type=12); z.write("lib/big.txt",compress_type=14); z.close()'`},
		{"python zipapp", "python3", `mkdir "$OUT.d" && cp handler.py "$OUT.d/__main__.py" && python3 -m zipapp "$OUT.d" -p /usr/bin/python3 -o "$OUT"`},
		{"jar", "jar", `jar cf "$OUT" .`},
		{"jar, stored", "jar", `jar c0f "$OUT" .`},
		{"7-Zip", "7z", `7z a -bd -tzip "$OUT" . >/dev/null`},
		{"7-Zip, deflate64", "7z", `7z a -bd -tzip -mm=Deflate64 "$OUT" . >/dev/null`},
		{"7-Zip, lzma", "7z", `7z a -bd -tzip -mm=LZMA "$OUT" . >/dev/null`},
		{"7-Zip, 7z", "7z", `7z a -bd -t7z "$OUT" . >/dev/null`},
		{"libarchive zip", "bsdtar", `bsdtar -a -cf "$OUT" .`},
		{"libarchive zip to a pipe", "bsdtar", `bsdtar --format zip -cf - . | cat > "$OUT"`},
		{"libarchive 7z", "bsdtar", `bsdtar --format 7zip -cf "$OUT" .`},
		{"libarchive pax", "bsdtar", `bsdtar --format pax -czf "$OUT" .`},
		{"tar", "tar", `tar cf "$OUT" .`},
		{"tar xz", "xz", `tar cJf "$OUT" .`},
		{"tar zstd", "zstd", `tar --zstd -cf "$OUT" .`},
		{"npm", "npm", `echo '{"name":"x","version":"1.0.0"}' > package.json && npm pack --silent --pack-destination "$OUT.d" >/dev/null 2>&1; mkdir -p "$OUT.d"; npm pack --silent --pack-destination "$OUT.d" >/dev/null && mv "$OUT.d"/*.tgz "$OUT"; rm package.json`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.tool); err != nil {
				t.Skipf("%s is not installed", c.tool)
			}
			out := filepath.Join(t.TempDir(), "fn.zip")
			run := exec.CommandContext(t.Context(), "sh", "-c", c.script)
			run.Dir, run.Env = src, append(os.Environ(), "OUT="+out, "LC_ALL=C.UTF-8")
			if output, err := run.CombinedOutput(); err != nil {
				t.Skipf("%s: %v\n%s", c.script, err, output)
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			checkOrdinary(t, data)
			got := walkBytes(t, "a", data, unpack.Limits{}).contents()
			if text, ok := got["a!/lib/big.txt"]; ok && text != strings.Repeat("hello there ", 50_000) {
				t.Errorf("lib/big.txt has %d other bytes", len(text))
			}
			if len(got) == 0 {
				t.Error("no file was offered")
			}
		})
	}
}

// TestOrdinaryPackages walks the packages of the repository's test data.
func TestOrdinaryPackages(t *testing.T) {
	packages, err := filepath.Glob("../testdata/packages/*")
	if err != nil || len(packages) == 0 {
		t.Fatalf("no packages: %v", err)
	}
	for _, target := range packages {
		result, err := unpack.Walk(t.Context(), target, unpack.Options{}, func(context.Context, *fnvet.File) {})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range result.Findings {
			if f.Severity.Rank() >= fnvet.Medium.Rank() {
				t.Errorf("%s %s %s: %s", f.Severity, f.ID, f.Path, f.Evidence)
			}
		}
	}
}
