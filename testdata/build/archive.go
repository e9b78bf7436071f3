package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// An entry is one file of an archive to be written.
type entry struct {
	name string
	mode fs.FileMode // 0 means 0644; fs.ModeSymlink makes data the target
	data []byte
}

// stamp is the time of every entry. Zip keeps even seconds from 1980 on.
func stamp() time.Time { return time.Date(2020, 1, 2, 3, 4, 6, 0, time.UTC) }

func sorted(entries []entry) []entry {
	out := slices.Clone(entries)
	slices.SortStableFunc(out, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return out
}

func (e entry) perm() fs.FileMode {
	if e.mode == 0 {
		return 0o644
	}
	return e.mode
}

// zipped writes a zip: sorted, one time, small entries stored, the rest deflated.
func zipped(entries []entry) ([]byte, error) { return zipIn(sorted(entries)) }

// jarred writes a jar: as zipped, with the manifest first as the jar tools do.
func jarred(entries []entry) ([]byte, error) {
	out := sorted(entries)
	slices.SortStableFunc(out, func(a, b entry) int {
		return rank(a.name) - rank(b.name)
	})
	return zipIn(out)
}

func rank(name string) int {
	if name == "META-INF/MANIFEST.MF" {
		return 0
	}
	return 1
}

func zipIn(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: stamp()}
		// A jar in a jar is stored: Spring Boot reads it in place.
		if len(e.data) < 64 || strings.HasSuffix(e.name, ".jar") {
			h.Method = zip.Store
		}
		h.SetMode(e.perm())
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(e.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// tarred writes a tar, sorted, owned by root, one time.
func tarred(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range sorted(entries) {
		h := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Mode: int64(e.perm().Perm()), Size: int64(len(e.data)), ModTime: stamp(), Format: tar.FormatUSTAR}
		switch {
		case strings.HasSuffix(e.name, "/"):
			h.Typeflag, h.Mode, h.Size = tar.TypeDir, 0o755, 0
		case e.perm()&fs.ModeSymlink != 0:
			h.Typeflag, h.Linkname, h.Mode, h.Size = tar.TypeSymlink, string(e.data), 0o777, 0
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if h.Size > 0 {
			if _, err := w.Write(e.data); err != nil {
				return nil, err
			}
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

func gzipped(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// unzip reads every regular file of a zip that we fetched or made.
func unzip(data []byte) (map[string][]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, f := range r.File {
		if f.FileInfo().IsDir() {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		files[f.Name], err = io.ReadAll(in)
		if err := errors.Join(err, in.Close()); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// untar reads every regular file of a tar, plain or gzipped, without the first
// strip path elements.
func untar(data []byte, strip int) (map[string][]byte, error) {
	var in io.Reader = bytes.NewReader(data)
	if isGzip(data) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = z
	}
	files := map[string][]byte{}
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		parts := strings.SplitN(h.Name, "/", strip+1)
		if h.Typeflag != tar.TypeReg || len(parts) <= strip {
			continue
		}
		if files[parts[strip]], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}

func isZip(data []byte) bool  { return bytes.HasPrefix(data, []byte("PK\x03\x04")) }
func isGzip(data []byte) bool { return bytes.HasPrefix(data, []byte("\x1f\x8b")) }
func isTar(data []byte) bool  { return len(data) > 262 && string(data[257:262]) == "ustar" }

// walk calls leaf for every file of an archive and of the archives in it, in
// path order, with "!/" between an archive and its entry.
func walk(path string, data []byte, leaf func(path string, data []byte)) error {
	var files map[string][]byte
	var err error
	switch {
	case isZip(data):
		files, err = unzip(data)
	case isGzip(data), isTar(data):
		files, err = untar(data, 0)
	default:
		leaf(path, data)
		return nil
	}
	if err != nil {
		return err
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	if path != "" {
		path += "!/"
	}
	for _, name := range names {
		if err := walk(path+name, files[name], leaf); err != nil {
			return err
		}
	}
	return nil
}
