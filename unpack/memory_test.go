package unpack_test

import (
	"archive/zip"
	"bytes"
	"context"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
)

// storedZip is a zip with one stored entry after the other.
func storedZip(tb testing.TB, files ...file) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		e, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store})
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

// noise does not compress.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return string(b)
}

// TestLargeNested: archives that hold more than may be in memory at once, at
// several depths, must not make the readers wait for each other.
func TestLargeNested(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	big := noise(70 << 20)
	inner := storedZip(t, file{"big", big}, file{"package.json", benign}, file{"x.gz", string(gzipOf(t, []byte("x")))})
	plain := zipOf(t, file{"big", big[:20<<20]}, file{"a.zip", string(zipOf(t, file{"b.tgz", string(gzipOf(t, tarOf(t, file{"package.json", benign})))}))})
	for name, data := range map[string][]byte{
		"stored":         storedZip(t, file{"in.jar", string(inner)}, file{"two.jar", string(plain)}),
		"deflated":       zipOf(t, file{"in.jar", string(inner)}, file{"two.jar", string(plain)}),
		"tar":            tarOf(t, file{"in.jar", string(inner)}, file{"two.jar", string(plain)}),
		"compressed tar": gzipOf(t, tarOf(t, file{"in.jar", string(inner)}, file{"two.jar", string(plain)})),
	} {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "fn")
			if err := os.WriteFile(target, data, 0o600); err != nil {
				t.Fatal(err)
			}
			ended := make(chan *unpack.Result, 1)
			go func() {
				result, err := unpack.Walk(context.Background(), target, unpack.Options{}, func(context.Context, *fnvet.File) {})
				if err != nil {
					t.Error(err)
				}
				ended <- result
			}()
			select {
			case got := <-ended:
				if got != nil && (len(got.Gaps) > 0 || got.Files != 10) {
					t.Errorf("%d files, gaps %v", got.Files, got.Gaps)
				}
			case <-time.After(60 * time.Second):
				t.Fatal("the walk waits for itself")
			}
		})
	}
}

// repeatedZip writes a zip of n entries with the same data, which is packed once.
func repeatedZip(tb testing.TB, n int, data string) string {
	tb.Helper()
	target := filepath.Join(tb.TempDir(), "fn.zip")
	f, err := os.Create(target)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	packed := deflated(data)
	w := zip.NewWriter(f)
	for i := range n {
		e, err := w.CreateRaw(&zip.FileHeader{
			Name: strconv.Itoa(i), Method: zip.Deflate, CRC32: crc32.ChecksumIEEE([]byte(data)),
			CompressedSize64: uint64(len(packed)), UncompressedSize64: uint64(len(data)),
		})
		if err == nil {
			_, err = e.Write(packed)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return target
}

// TestMemoryUse: what is held grows with the files in flight, not with the package.
func TestMemoryUse(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	for _, c := range []struct {
		files, size int
		limit       int64
	}{
		{25, 10 << 20, 80 << 20}, {100, 10 << 20, 80 << 20}, {4, 60 << 20, 150 << 20}, {20_000, 10_000, 60 << 20},
	} {
		target := repeatedZip(t, c.files, noise(c.size/8)+strings.Repeat("more of the same ", c.size*7/8/17))
		runtime.GC()
		debug.FreeOSMemory()
		peak := watchHeap()
		result, err := unpack.Walk(t.Context(), target, unpack.Options{}, func(context.Context, *fnvet.File) {})
		used := peak()
		if err != nil || len(result.Gaps) > 0 || result.Files != c.files {
			t.Fatalf("%d files, gaps %v, error %v", result.Files, result.Gaps, err)
		}
		if used > c.limit {
			t.Errorf("%d files of %d bytes: %d MiB held, want at most %d", c.files, c.size, used>>20, c.limit>>20)
		}
	}
}
