package unpack

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

var (
	// errLimit ends reading of a stream whose gap has been noted already.
	errLimit = errors.New("a limit was reached")
	// errTrailing is data after the end of a compressed stream.
	errTrailing = errors.New("data after the end of the compressed stream")
	// errDictionary is a stream that wants more memory than fnvet gives it.
	errDictionary = errors.New("needs a dictionary of more than " + bytesText(maxDictionary))
)

// decompress reads one compressed stream, all members of it. done gives back
// what the reader holds.
func decompress(kind format, r io.Reader) (z io.Reader, done func(), err error) {
	done = func() {}
	switch kind {
	case gzipFormat:
		z, err = newGzip(r)
	case bzip2Format:
		z = bzip2.NewReader(r)
	case xzFormat:
		z, err = xz.NewReader(r, maxDictionary)
	case zstdFormat:
		var d *zstd.Decoder
		d, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxDictionary))
		if err == nil {
			z, done = d, d.Close
		}
	case lz4Format:
		z = lz4.NewReader(r)
	case lzipFormat:
		z, err = newLzip(r)
	default:
		err = errors.ErrUnsupported
	}
	return z, done, err
}

// multiGzip reads the members of a gzip file one after the other. Zeros after
// the last one are padding; anything else is errTrailing.
type multiGzip struct {
	r *bufio.Reader
	z *gzip.Reader
}

func newGzip(r io.Reader) (io.Reader, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &multiGzip{r: br, z: z}, nil
}

func (m *multiGzip) Read(p []byte) (int, error) {
	n, err := m.z.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	return n, m.next()
}

// next starts the next member, or returns io.EOF or errTrailing.
func (m *multiGzip) next() error {
	for {
		c, err := m.r.Peek(1)
		if err != nil {
			return err
		}
		if c[0] != 0 {
			break
		}
		_, _ = m.r.Discard(1) // cannot fail after Peek
	}
	if magic, err := m.r.Peek(3); err != nil || !has(magic, "\x1f\x8b\x08") {
		return errTrailing
	}
	if err := m.z.Reset(m.r); err != nil {
		return err
	}
	m.z.Multistream(false)
	return nil
}

// newLzip reads the first member of an lzip file: an LZMA stream with an end
// marker and fixed properties (lzip manual, "File format").
func newLzip(r io.Reader) (io.Reader, error) {
	var head [6]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	dict := uint32(1) << (head[5] & 0x1f)
	dict -= dict / 16 * uint32(head[5]>>5)
	return newLZMA(r, lzma.Properties{LC: 3, LP: 0, PB: 2}.Code(), dict, -1)
}

// newLZMA reads a bare LZMA stream of size bytes, or up to its end marker if
// size is negative.
func newLZMA(r io.Reader, properties byte, dict uint32, size int64) (io.Reader, error) {
	if dict > maxDictionary {
		return nil, errDictionary
	}
	var head [lzma.HeaderLen]byte
	head[0] = properties
	binary.LittleEndian.PutUint32(head[1:], dict)
	binary.LittleEndian.PutUint64(head[5:], uint64(size)) //nolint:gosec // -1 is how the format says unknown
	return lzma.NewReader(io.MultiReader(strings.NewReader(string(head[:])), bufio.NewReader(r)))
}

// A chargedReader takes what it reads from the budget before it hands it on.
type chargedReader struct {
	w  *walker
	sc *scope
	r  io.Reader
}

func (c *chargedReader) Read(p []byte) (int, error) {
	if c.w.stopped() {
		return 0, errStopped
	}
	n, err := c.r.Read(p)
	if !c.w.charge(c.sc, int64(n)) {
		return 0, errLimit
	}
	return n, err
}

// compressed walks a compressed file: the tar in it, or the one file it holds.
func (w *walker) compressed(sc *scope, src source, kind format) {
	lease := w.mem.hold(decoderBytes(kind), sc.depth)
	defer w.mem.release(&lease)
	w.guard(sc, func() {
		z, done, err := decompress(kind, src.reader())
		if err != nil {
			w.damage(sc.where(w), err)
			return
		}
		defer done()
		r := bufio.NewReaderSize(&chargedReader{w: w, sc: sc, r: z}, 64<<10)
		if head, _ := r.Peek(tarBlock); isTarHeader(head) {
			if sc.container == "" && w.compressedTop(sc, r) {
				return
			}
			w.tar(sc, r, src.decompressed(kind))
			return
		}
		w.single(sc, r, sizeHint(src, kind))
	})
}

// compressedTop settles that the artifact is a compressed tar. If that tar is an
// image, whose parts have to be read in another order than they come in, it is
// read into memory and walked as one.
func (w *walker) compressedTop(sc *scope, r *bufio.Reader) (done bool) {
	w.artifact.Type = "tar"
	if head, _ := r.Peek(r.Size()); !startsImage(head) {
		return false
	}
	data, err := io.ReadAll(io.LimitReader(r, w.limits.Nested+1))
	if err != nil {
		w.damage(sc.where(w), err)
	}
	if int64(len(data)) > w.limits.Nested {
		w.gap(sc.where(w), fnvet.GapLimit, "a compressed image larger than the nested limit of "+bytesText(w.limits.Nested)+"; decompress it first")
		data = data[:w.limits.Nested]
	}
	if parts := indexTar(memorySource(data)); parts.isImage() {
		w.tarImage(parts)
	} else {
		w.tar(sc, memorySource(data).reader(), memorySource(data).again)
	}
	return true
}

// decoderBytes is about what a decoder of that kind holds.
func decoderBytes(kind format) int64 {
	switch kind {
	case xzFormat, zstdFormat, lzipFormat:
		return 8 << 20
	case lz4Format, bzip2Format:
		return 4 << 20
	default:
		return 256 << 10
	}
}

// sizeHint guesses what src decompresses to: a gzip file ends with its size.
func sizeHint(src source, kind format) int64 {
	var buf [4]byte
	if tail, err := src.view(src.n-4, 4, buf[:]); kind == gzipFormat && err == nil {
		return min(int64(binary.LittleEndian.Uint32(tail)), 1032*src.n, ratioFloor)
	}
	return 0
}

// single offers the one file of a compressed stream that is not a tar.
func (w *walker) single(sc *scope, r io.Reader, hint int64) {
	if w.chargeEntries(1) == 0 {
		return
	}
	name := singleName(path.Base(strings.TrimSuffix(sc.where(w), "!/")))
	lease := w.mem.acquire(hint, sc.depth)
	defer w.mem.release(&lease)
	data, err := w.readAll(&lease, r, hint, unknownSize, sc.path(name))
	if err != nil {
		w.damage(sc.where(w), err)
	}
	if err == nil || len(data) > 0 && !errors.Is(err, errLimit) {
		w.offer(sc, entry{name: name, mode: 0o644, data: data})
	}
}

// singleName is the name of what a compressed file holds.
func singleName(name string) string {
	ext := path.Ext(name)
	switch strings.ToLower(ext) {
	case ".gz", ".bz2", ".xz", ".zst", ".lz4", ".lz", ".z":
		return strings.TrimSuffix(name, ext)
	case ".tgz", ".tbz2", ".txz", ".tzst":
		return strings.TrimSuffix(name, ext) + ".tar"
	case ".svgz":
		return strings.TrimSuffix(name, ext) + ".svg"
	}
	return name
}

// damage notes the gap for an error met while reading the archive at path.
func (w *walker) damage(path string, err error) {
	switch {
	case errors.Is(err, errLimit), errors.Is(err, errStopped):
	case errors.Is(err, errDictionary), errors.Is(err, xz.ErrMemlimit), errors.Is(err, zstd.ErrWindowSizeExceeded),
		errors.Is(err, zstd.ErrDecoderSizeExceeded):
		w.gap(path, fnvet.GapLimit, errDictionary.Error())
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, xz.ErrUnsupportedCheck), errors.Is(err, xz.ErrOptions):
		w.gap(path, fnvet.GapUnsupported, err.Error())
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, xz.ErrBuf):
		w.gap(path, fnvet.GapUnreadable, "cut off: unexpected end of data")
	default:
		w.gap(path, fnvet.GapUnreadable, err.Error())
	}
}

// guard runs work, which calls decoders that others wrote, and turns a panic in
// them into a gap.
func (w *walker) guard(sc *scope, work func()) {
	defer func() {
		if v := recover(); v != nil {
			w.gap(sc.where(w), fnvet.GapUnreadable, "the decoder failed on damaged data")
		}
	}()
	work()
}

// unknownSize is the stated size of a file whose container does not say.
const unknownSize = -1

// readAll reads r to its end into a buffer of lease, which starts with room for
// hint bytes, those that were acquired. stated is how many bytes there should be:
// room for them is made once a quarter of them has come, so that a lie costs
// little. It returns what it read also when it fails; past the file limit it
// notes the gap and fails with errLimit.
func (w *walker) readAll(l *lease, r io.Reader, hint, stated int64, path string) ([]byte, error) {
	l.buf = w.mem.buffer(int(hint) + 1)
	w.mem.grow(l, max(int64(cap(*l.buf))-l.n, 0))
	for {
		buf := *l.buf
		if len(buf) == cap(buf) {
			known := stated > int64(len(buf))
			switch {
			case known:
				buf = w.enlarge(l, int(min(stated+1, 4*int64(cap(buf)))))
			case len(buf) >= pieceLen:
				return w.readPieces(l, r, path)
			default:
				buf = w.enlarge(l, 2*cap(buf))
			}
		}
		n, err := w.readSome(r, buf[len(buf):cap(buf)], path, len(buf))
		*l.buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return *l.buf, nil
		}
		if err != nil {
			return *l.buf, err
		}
	}
}

// readSome reads once into p, which follows have bytes of the same file.
func (w *walker) readSome(r io.Reader, p []byte, path string, have int) (int, error) {
	n, err := r.Read(p[:min(len(p), 1<<20)])
	if !w.fits(path, int64(have+n)) {
		return n, errLimit
	}
	return n, err
}

// enlarge moves what l holds into a buffer with room for n bytes.
func (w *walker) enlarge(l *lease, n int) []byte {
	old := l.buf
	l.buf = w.mem.buffer(n)
	w.mem.grow(l, int64(cap(*l.buf)-cap(*old)))
	*l.buf = append(*l.buf, *old...)
	w.mem.putBuffer(old)
	return *l.buf
}

const pieceLen = 16 << 20

// readPieces goes on with a file of unknown size that has become large. It reads
// pieces and joins them once, because doubling the buffer again and again would
// need four times the file.
func (w *walker) readPieces(l *lease, r io.Reader, path string) ([]byte, error) {
	var pieces [][]byte
	total := len(*l.buf)
	var err error
	for err == nil {
		piece := make([]byte, 0, pieceLen)
		w.mem.grow(l, pieceLen)
		for err == nil && len(piece) < pieceLen {
			var n int
			n, err = w.readSome(r, piece[len(piece):pieceLen], path, total)
			piece = piece[:len(piece)+n]
			total += n
		}
		pieces = append(pieces, piece)
	}
	w.enlarge(l, total)
	for i, piece := range pieces {
		*l.buf = append(*l.buf, piece...)
		pieces[i] = nil
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return *l.buf, err
}
