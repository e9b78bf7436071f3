package unpack_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
	"github.com/klauspost/compress/flate"
)

// realFiles are up to limit bytes of the sources of the Go distribution: many
// small text files and some large ones, like a package with its dependencies.
func realFiles(tb testing.TB, limit int) []file {
	tb.Helper()
	root := os.DirFS(filepath.Join(runtime.GOROOT(), "src")) //nolint:staticcheck // the test runs under the go command
	var files []file
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.Contains(name, "testdata/") {
			return nil //nolint:nilerr // what cannot be read is left out
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		files = append(files, file{name, string(data)})
		if limit -= len(data); limit < 0 {
			return fs.SkipAll
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		tb.Skip("the sources of the Go distribution are not here")
	}
	return files
}

// benchZip writes a package of real files to disk.
func benchZip(tb testing.TB) (path string, size int64) {
	files := realFiles(tb, 100<<20)
	for _, f := range files {
		size += int64(len(f.data))
	}
	return writeFile(tb, "fn.zip", zipOf(tb, files...)), size
}

// BenchmarkWalkZip is the whole of unpack over a package, hashing it included.
func BenchmarkWalkZip(b *testing.B) {
	path, size := benchZip(b)
	b.SetBytes(size)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := unpack.Walk(b.Context(), path, unpack.Options{}, func(context.Context, *fnvet.File) {}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareZip is what BenchmarkWalkZip is measured against: archive/zip
// with pooled klauspost inflate, one entry after the other.
func BenchmarkBareZip(b *testing.B) {
	path, size := benchZip(b)
	var pool sync.Pool
	b.SetBytes(size)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		bareZip(b, path, &pool)
	}
}

type pooled struct {
	io.ReadCloser
	pool *sync.Pool
}

func (p pooled) Close() error { p.pool.Put(p.ReadCloser); return nil }

func bareZip(b *testing.B, path string, pool *sync.Pool) {
	r, err := zip.OpenReader(path)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	r.RegisterDecompressor(zip.Deflate, func(in io.Reader) io.ReadCloser {
		if f, ok := pool.Get().(io.ReadCloser); ok {
			_ = f.(flate.Resetter).Reset(in, nil)
			return pooled{f, pool}
		}
		return pooled{flate.NewReader(in), pool}
	})
	var buf bytes.Buffer
	for _, e := range r.File {
		in, err := e.Open()
		if err != nil {
			b.Fatal(err)
		}
		buf.Reset()
		if _, err := buf.ReadFrom(in); err != nil {
			b.Fatal(err)
		}
		_ = in.Close()
	}
}
