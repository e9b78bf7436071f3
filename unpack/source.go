package unpack

import (
	"bytes"
	"errors"
	"io"
)

// A source is the bytes of one archive: a file on disk, part of one, or memory.
type source struct {
	r   io.ReaderAt // nil where mem is set
	n   int64
	mem []byte // the whole content, where it is in memory
}

func memorySource(data []byte) source {
	if data == nil {
		data = []byte{}
	}
	return source{n: int64(len(data)), mem: data}
}

// at reads the source at any offset.
func (s source) at() io.ReaderAt {
	if s.mem != nil {
		return bytes.NewReader(s.mem)
	}
	return s.r
}

// part is the n bytes from off on. The caller has checked the bounds.
func (s source) part(off, n int64) source {
	if s.mem != nil {
		return memorySource(s.mem[off : off+n])
	}
	return source{r: io.NewSectionReader(s.r, off, n), n: n}
}

// reader reads the source from the beginning.
func (s source) reader() io.Reader {
	if s.mem != nil {
		return bytes.NewReader(s.mem)
	}
	return io.NewSectionReader(s.r, 0, s.n)
}

// again is reader, as a reopen.
func (s source) again() (io.Reader, func(), error) { return s.reader(), func() {}, nil }

// decompressed opens what src, which is of that kind, decompresses to.
func (s source) decompressed(kind format) reopen {
	return func() (io.Reader, func(), error) { return decompress(kind, s.reader()) }
}

// view returns the n bytes at off, in buf unless they are in memory anyway. At
// the end of the source it returns fewer, with io.ErrUnexpectedEOF.
func (s source) view(off, n int64, buf []byte) ([]byte, error) {
	var short error
	if off < 0 || off > s.n || n < 0 {
		return nil, io.ErrUnexpectedEOF
	}
	if off+n > s.n {
		n, short = s.n-off, io.ErrUnexpectedEOF
	}
	if s.mem != nil {
		return s.mem[off : off+n], short
	}
	if int64(cap(buf)) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	got, err := s.r.ReadAt(buf, off)
	if err != nil && got < len(buf) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return buf[:got], err
	}
	return buf, short
}

// paced tells the walk's progress of what is read of src, which is an artifact
// that is read from front to back.
func (w *walker) paced(src source) source {
	if src.mem != nil {
		return src // read already
	}
	w.progress(0, src.n)
	return source{r: pacedReaderAt{w, src.r}, n: src.n}
}

type pacedReaderAt struct {
	w *walker
	r io.ReaderAt
}

func (p pacedReaderAt) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.r.ReadAt(b, off)
	p.w.progress(int64(n), 0)
	return n, err
}

type pacedReader struct {
	w *walker
	r io.Reader
}

func (p pacedReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.w.progress(int64(n), 0)
	return n, err
}

// errStopped ends reading when the walk is over (deadline or cancellation).
var errStopped = errors.New("the walk was stopped")

// contextReader ends when the walk's context does.
type contextReader struct {
	w *walker
	r io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if c.w.stopped() {
		return 0, errStopped
	}
	return c.r.Read(p)
}
