package unpack_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
)

type fnvetFile = fnvet.File

// A walked is what one Walk gave, with the data copied out.
type walked struct {
	*unpack.Result
	files []fnvet.File // sorted by path and layer
}

// walk runs Walk over a target and keeps everything.
func walk(tb testing.TB, target string, opts unpack.Options) walked {
	tb.Helper()
	return walkKeep(tb, target, opts, 1<<30)
}

// walkKeep is walk that keeps the data of files of up to keep bytes only.
func walkKeep(tb testing.TB, target string, opts unpack.Options, keep int64) walked {
	tb.Helper()
	var mu sync.Mutex
	var files []fnvet.File
	result, err := unpack.Walk(tb.Context(), target, opts, func(_ context.Context, f *fnvet.File) {
		kept := *f
		kept.Data = nil
		if f.Size <= keep {
			kept.Data = bytes.Clone(f.Data)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(files) < 100_000 || kept.Name == "package.json" {
			files = append(files, kept)
		}
	})
	if err != nil {
		tb.Fatalf("Walk(%s): %v", target, err)
	}
	slices.SortFunc(files, func(a, b fnvet.File) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), bytes.Compare(a.Data, b.Data), strings.Compare(a.Layer, b.Layer),
			cmp.Compare(a.Mode, b.Mode), strings.Compare(a.Link, b.Link))
	})
	return walked{result, files}
}

// walkBytes walks data given on standard input under that name.
func walkBytes(tb testing.TB, name string, data []byte, limits unpack.Limits) walked {
	tb.Helper()
	return walk(tb, "-", unpack.Options{Name: name, Stdin: bytes.NewReader(data), Limits: limits})
}

// contents maps each offered path to its data; a link to "-> target".
func (w walked) contents() map[string]string {
	m := map[string]string{}
	for _, f := range w.files {
		text := string(f.Data)
		if f.Mode&fs.ModeSymlink != 0 {
			text = "-> " + f.Link
		}
		if before, twice := m[f.Path]; twice {
			text = before + " and " + text
		}
		m[f.Path] = text
	}
	return m
}

func (w walked) reasons() []string {
	var reasons []string
	for _, g := range w.Gaps {
		reasons = append(reasons, g.Reason)
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}

func (w walked) rules() []string {
	var ids []string
	for _, f := range w.Findings {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// A file is one entry that the builders below write.
type file struct {
	name, data string
}

func zipOf(tb testing.TB, files ...file) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		e, err := w.Create(f.name)
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

func tarOf(tb testing.TB, files ...file) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data)), Typeflag: tar.TypeReg}); err != nil {
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

func gzipOf(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func writeFile(tb testing.TB, name string, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
