package unpack

import (
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"strings"

	"github.com/bodgit/sevenzip"
	"github.com/fnvet/fnvet"
	"github.com/nwaples/rardecode/v2"
)

// sevenZip offers the files of a 7z archive. Its decoder is not ours, so the
// folders are read one after the other and a panic in it becomes a gap.
func (w *walker) sevenZip(sc *scope, src source) {
	sc.windows = true
	crew := crew{w: w}
	defer crew.wg.Wait()
	w.guard(sc, func() {
		z, err := sevenzip.NewReader(src.at(), src.n)
		if err != nil {
			w.foreignDamage(sc, sc.where(w), err)
			return
		}
		for _, f := range z.File {
			if f.FileInfo().IsDir() {
				continue
			}
			if w.stopped() || w.chargeEntries(1) == 0 {
				return
			}
			name, _ := cleanName(f.Name, true, false)
			where := sc.path(name)
			if f.UncompressedSize > math.MaxInt64/4 || !w.fits(where, int64(f.UncompressedSize)) || !w.charge(sc, int64(f.UncompressedSize)) {
				continue
			}
			r, err := f.Open()
			if err != nil {
				w.foreignDamage(sc, where, err)
				continue
			}
			w.foreignFile(sc, &crew, foreign{f.Name, f.Mode(), int64(f.UncompressedSize), f.CRC32}, r)
			_ = r.Close()
		}
	})
}

// rar offers the files of a RAR archive, version 1.5 to 5.
func (w *walker) rar(sc *scope, src source) {
	sc.windows = true
	crew := crew{w: w}
	defer crew.wg.Wait()
	w.guard(sc, func() {
		r, err := rardecode.NewReader(src.reader(), rardecode.MaxDictionarySize(maxDictionary))
		if err != nil {
			w.foreignDamage(sc, sc.where(w), err)
			return
		}
		for !w.stopped() {
			header, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				w.foreignDamage(sc, sc.where(w), err)
				return
			}
			if header.IsDir {
				continue
			}
			if w.chargeEntries(1) == 0 {
				return
			}
			name, _ := cleanName(header.Name, true, false)
			where := sc.path(name)
			if header.Encrypted {
				w.gap(where, fnvet.GapEncrypted, "a password is needed")
				continue
			}
			if !w.fits(where, header.UnPackedSize) || !w.charge(sc, header.UnPackedSize) {
				continue
			}
			w.foreignFile(sc, &crew, foreign{header.Name, header.Mode(), header.UnPackedSize, 0}, r)
		}
	})
}

// A foreign is a file as one of these archives states it.
type foreign struct {
	raw  string
	mode fs.FileMode
	size int64
	crc  uint32 // 0 where there is none, or the decoder checks it
}

// foreignFile reads one file, whose size has been paid for, and hands it to the crew.
func (w *walker) foreignFile(sc *scope, crew *crew, f foreign, r io.Reader) {
	raw, mode, size := f.raw, f.mode, f.size
	name, _ := cleanName(raw, true, false)
	lease := w.mem.acquire(min(size, 1<<20), sc.depth)
	mine := true // until the crew has it; the decoder may panic
	defer func() {
		if mine {
			w.mem.release(&lease)
		}
	}()
	data, err := w.readAll(&lease, &beyond{w: w, sc: sc, r: r, free: size}, min(size, 1<<20), size, sc.path(name))
	if err != nil {
		w.foreignDamage(sc, sc.path(name), err)
	} else if f.crc != 0 && f.crc != crc32.ChecksumIEEE(data) {
		w.gap(sc.path(name), fnvet.GapUnreadable, wrongChecksum)
	}
	mine = false
	crew.do(func() {
		defer w.mem.release(&lease)
		e := entry{name: raw, mode: mode.Perm(), data: data}
		if mode&fs.ModeSymlink != 0 {
			e.mode, e.link, e.data = fs.ModeSymlink|0o777, string(data[:min(len(data), 4096)]), nil
			w.checkLink(sc, name, e.link)
		}
		w.offer(sc, e)
	})
}

// foreignDamage notes the gap for an error of one of these decoders.
func (w *walker) foreignDamage(_ *scope, path string, err error) {
	var sevenZipError *sevenzip.ReadError
	switch {
	case errors.As(err, &sevenZipError) && sevenZipError.Encrypted,
		errors.Is(err, rardecode.ErrArchiveEncrypted), errors.Is(err, rardecode.ErrArchivedFileEncrypted):
		w.gap(path, fnvet.GapEncrypted, "a password is needed")
	case strings.Contains(err.Error(), "unsupported"), strings.Contains(err.Error(), "volume"):
		w.gap(path, fnvet.GapUnsupported, err.Error())
	case strings.Contains(err.Error(), "dictionary"):
		w.gap(path, fnvet.GapLimit, errDictionary.Error())
	default:
		w.damage(path, err)
	}
}
