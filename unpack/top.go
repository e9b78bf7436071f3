package unpack

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
)

// top walks the artifact itself, whose bytes are src.
func (w *walker) top(src source, name string) {
	w.artifact.Name, w.artifact.Size, w.root.path = name, src.n, name
	var hashing sync.WaitGroup
	var sum, long []byte
	hashing.Go(func() { sum, long = w.hashes(src) })
	defer func() {
		hashing.Wait()
		if w.artifact.Digest == "" {
			w.artifact.Digest = "sha256:" + hex.EncodeToString(sum)
			w.artifact.Hashes = hashPair(sum, long)
		}
		if w.artifact.Type == "zip" || w.artifact.Type == "jar" {
			w.artifact.CodeSHA256 = base64.StdEncoding.EncodeToString(sum)
		}
	}()
	kind := sniff(src)
	w.artifact.Type = typeName(kind)
	switch kind {
	case notArchive:
		w.whole(src, name)
	case zipFormat:
		if isJar(src) {
			w.artifact.Type = "jar"
			w.whole(src, name)
			return
		}
		w.archive(w.outer(src, name), src, kind)
	case tarFormat:
		if parts := indexTar(src); parts.isImage() {
			w.tarImage(parts)
			return
		}
		w.archive(w.outer(src, name), w.paced(src), kind)
	default:
		w.archive(w.outer(src, name), w.paced(src), kind)
	}
}

// tarImage walks an image archive. Entries that are no part of an image are
// offered as plain files.
func (w *walker) tarImage(parts *tarBlobs) {
	sc := &scope{meter: w.root}
	for _, name := range parts.twice {
		w.finding(ambiguousArchive, sc, name, "the name occurs twice in the image archive")
	}
	if parts.damaged != nil {
		w.damage(w.artifact.Name, parts.damaged)
	}
	used := w.image(parts)
	sc = &scope{prefix: w.artifact.Name + "!/", meter: w.root}
	w.parallel(len(parts.order), func(i int) {
		name := parts.order[i]
		if p := parts.parts[name]; p.link != "" || !used.stray(name) || !w.fits(sc.path(name), p.size) || !w.charge(sc, p.size) || w.chargeEntries(1) == 0 {
			return
		}
		src, _, err := parts.open(name)
		if err != nil {
			return
		}
		lease := w.mem.acquire(src.n, sc.depth)
		defer w.mem.release(&lease)
		data, err := w.readAll(&lease, src.reader(), src.n, src.n, sc.path(name))
		if err != nil {
			w.damage(sc.path(name), err)
		}
		w.offer(sc, entry{name: name, mode: 0o644, data: data})
	})
}

// outer is the scope of the artifact's own entries: depth 0, although their
// paths begin with its name.
func (w *walker) outer(src source, name string) *scope {
	return &scope{prefix: name + "!/", meter: w.newMeter(name, src.n, w.root)}
}

// whole offers the artifact as a file, and its entries if it is a jar.
func (w *walker) whole(src source, name string) {
	if !w.fits(name, src.n) || w.chargeEntries(1) == 0 {
		if w.artifact.Type == "jar" {
			w.archive(w.outer(src, name), src, zipFormat)
		}
		return
	}
	lease := w.mem.acquire(0, 0)
	defer w.mem.release(&lease)
	data := src.mem
	if data == nil {
		var err error
		if data, err = w.readAll(&lease, &contextReader{w: w, r: src.reader()}, src.n, src.n, name); err != nil {
			w.damage(name, err)
		}
	}
	kind, start := zipFormat, 0
	if w.artifact.Type != "jar" {
		kind, start = embedded(data)
	}
	w.show(&fnvet.File{Path: name, Name: path.Base(name), Size: int64(len(data)), Mode: fs.FileMode(0o644), Archive: kind != notArchive, Data: data})
	if kind != notArchive {
		w.archive(w.outer(src, name), memorySource(data[start:]), kind)
	} else if falseName(name, data) {
		w.gap(name, fnvet.GapUnreadable, "named like an archive, but its bytes are not one")
	}
}

// hash is the SHA-256 of src.
func (w *walker) hash(src source) []byte {
	sum := sha256.New()
	w.digest(src, sum)
	return sum.Sum(nil)
}

// hashes are the SHA-256 and the SHA-512 of src, of one reading.
func (w *walker) hashes(src source) (sum, long []byte) {
	a, b := sha256.New(), sha512.New()
	w.digest(src, io.MultiWriter(a, b))
	return a.Sum(nil), b.Sum(nil)
}

func hashPair(sum, long []byte) []fnvet.Hash {
	return []fnvet.Hash{{Alg: "SHA-256", Value: hex.EncodeToString(sum)}, {Alg: "SHA-512", Value: hex.EncodeToString(long)}}
}

// digest writes src to a hash.
func (w *walker) digest(src source, sum io.Writer) {
	if src.mem != nil {
		_, _ = sum.Write(src.mem) // a hash takes everything
		return
	}
	if _, err := io.CopyBuffer(onlyWriter{sum}, src.reader(), make([]byte, 1<<18)); err != nil && !errors.Is(err, io.EOF) {
		w.gap(w.artifact.Name, fnvet.GapUnreadable, "not all bytes could be hashed: "+reason(err))
	}
}

// onlyWriter keeps io.CopyBuffer to the buffer it is given.
type onlyWriter struct{ io.Writer }

func typeName(kind format) string {
	switch kind {
	case zipFormat:
		return "zip"
	case tarFormat:
		return "tar"
	case sevenZipFormat:
		return "7z"
	case rarFormat:
		return "rar"
	default:
		return "file"
	}
}

// isJar reports a zip with a Java manifest.
func isJar(src source) bool {
	d, found := findDirectory(src)
	if !found {
		return false
	}
	jar := false
	readDirectory(src, d, 1<<16, func(e zipEntry) {
		jar = jar || strings.EqualFold(e.name, "META-INF/MANIFEST.MF")
	})
	return jar
}
