package unpack

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"sync"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack/internal/deflate64"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// The compression methods fnvet reads (APPNOTE 4.4.5).
const (
	methodStore     = 0
	methodDeflate   = 8
	methodDeflate64 = 9
	methodBzip2     = 12
	methodLZMA      = 14
	methodZstd      = 93
	methodXZ        = 95
)

// knownMethod reports any method number that was ever assigned.
func knownMethod(method uint16) bool {
	return method <= 20 || method >= 93 && method <= 99
}

// wrongChecksum is the detail of the gap for bytes that are not those packed.
const wrongChecksum = "the checksum is wrong"

// parseLocal reads the local header at the start of b and returns where the
// entry's data starts, also when that is beyond b, which is not ok.
func parseLocal(b []byte) (e zipEntry, body int, ok bool) {
	if len(b) < localLen || !has(b, localSignature) {
		return e, 0, false
	}
	e = zipEntry{
		flags:  binary.LittleEndian.Uint16(b[6:]),
		method: binary.LittleEndian.Uint16(b[8:]),
		crc:    binary.LittleEndian.Uint32(b[14:]),
		csize:  int64(binary.LittleEndian.Uint32(b[18:])),
		usize:  int64(binary.LittleEndian.Uint32(b[22:])),
		mode:   0o644,
	}
	nameLen := int(binary.LittleEndian.Uint16(b[26:]))
	extraLen := int(binary.LittleEndian.Uint16(b[28:]))
	body = localLen + nameLen + extraLen
	if body > len(b) {
		return e, body, false
	}
	e.name = string(b[localLen : localLen+nameLen])
	e.zip64(b[localLen+nameLen:body], nil)
	return e, body, true
}

// read offers the entry with index i, in every way its two headers allow.
func (z *zipWalk) read(i int) {
	e := &z.entries[i]
	if e.offset < 0 || e.offset >= z.src.n {
		z.w.gap(z.path(e), fnvet.GapUnreadable, "lies outside the archive")
		return
	}
	const slack = 128 // for an extra field; the usual ones are shorter
	want := localLen + int64(len(e.name)) + slack
	if e.csize <= streamLen || z.src.mem != nil {
		want += e.csize
	}
	want = min(want, z.src.n-e.offset)
	packedBytes, plainBytes := int64(0), int64(0) // of the buffers it takes
	if z.src.mem == nil {
		packedBytes = want
	}
	if e.method != methodStore || e.csize > streamLen && z.src.mem == nil {
		plainBytes = min(e.usize, z.w.limits.FileBytes)
	}
	lease := z.w.mem.acquire(packedBytes+plainBytes, z.sc.depth)
	defer z.w.mem.release(&lease)
	if z.src.mem == nil {
		lease.buf = z.w.mem.buffer(int(want))
	}
	head, err := z.src.view(e.offset, want, bufOf(&lease))
	if err != nil {
		z.w.damage(z.path(e), err)
	}
	local, body, ok := parseLocal(head)
	if !ok && body > len(head) { // a long extra field
		head, _ = z.src.view(e.offset, int64(body), nil)
		local, body, ok = parseLocal(head)
	}
	if !ok {
		z.w.gap(z.path(e), fnvet.GapUnreadable, "no local header where the directory says")
		return
	}
	packed := z.packed(e, head, body)
	end := e.offset + int64(body) + packed.n
	z.extents[i] = extent{e.offset, end + descriptorLen(e, z.src, end)}
	if packed.n < e.csize {
		z.w.gap(z.path(e), fnvet.GapUnreadable, "cut off: the archive ends inside it")
	}
	if e.flags&flagEncrypted == 0 {
		plain := lease.split(plainBytes)
		z.unpack(&plain, e, packed)
	}
	z.disagree(e, &local, body)
}

// streamLen is the size of packed data from which it is read from the file as it
// is decompressed, so that it is not in memory with what comes out.
const streamLen = 1 << 19

// packed is the data of e, of which head, with body bytes of local header, may
// have all.
func (z *zipWalk) packed(e *zipEntry, head []byte, body int) source {
	n := min(e.csize, z.src.n-e.offset-int64(body))
	if int64(len(head)-body) >= n {
		return memorySource(head[body : int64(body)+n])
	}
	return z.src.part(e.offset+int64(body), n)
}

func bufOf(l *lease) []byte {
	if l.buf == nil {
		return nil
	}
	return *l.buf
}

// descriptorLen is the length of the data descriptor at off, if e has one.
func descriptorLen(e *zipEntry, src source, off int64) int64 {
	if e.flags&flagDescriptor == 0 {
		return 0
	}
	var buf [24]byte
	b, _ := src.view(off, 24, buf[:])
	n := int64(12)
	if has(b, descriptorSignature) {
		b, n = b[4:], 16
	}
	if len(b) >= 20 && int64(binary.LittleEndian.Uint64(b[4:])&(1<<63-1)) == e.csize &&
		int64(binary.LittleEndian.Uint64(b[12:])&(1<<63-1)) == e.usize {
		n += 8
	}
	return n
}

// disagree follows the local header where it does not say the same as the
// directory: tools that read archives as a stream believe it.
func (z *zipWalk) disagree(e, local *zipEntry, body int) {
	var what string
	open := local.flags&flagDescriptor != 0
	switch {
	case local.name != e.name && local.name != e.stored:
		what = "name"
	case local.method != e.method:
		what = "method"
	case (local.flags^e.flags)&flagEncrypted != 0:
		what = "encryption"
	case (!open || local.csize != 0) && local.csize != e.csize:
		what = "compressed size"
	case (!open || local.usize != 0) && local.usize != e.usize:
		what = "size"
	case (!open || local.crc != 0) && local.crc != e.crc:
		what = "checksum"
	default:
		return
	}
	z.w.finding(ambiguousArchive, z.sc, z.path(e), "the "+what+" differs between the directory and the local header")
	if what == "size" || what == "checksum" || local.flags&flagEncrypted != 0 && e.flags&flagEncrypted != 0 {
		return // the same bytes either way
	}
	other := *e
	other.name, other.method, other.flags = local.name, local.method, local.flags&^flagEncrypted
	if !open || local.csize != 0 {
		other.csize, other.usize, other.crc = local.csize, local.usize, local.crc
	}
	if other.dir() || z.w.chargeEntries(1) == 0 || !z.affordable(&other) {
		return
	}
	lease := z.w.mem.hold(0, z.sc.depth)
	z.unpack(&lease, &other, z.packed(&other, nil, body))
}

// unpack decompresses packed into a buffer of lease, which it releases, and
// offers it. usize below zero means unknown. It returns how much of packed the
// entry took.
func (z *zipWalk) unpack(lease *lease, e *zipEntry, packed source) (used int64) {
	path := z.path(e)
	mode := e.mode & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | fs.ModeSymlink)
	if special := e.mode & (fs.ModeNamedPipe | fs.ModeDevice | fs.ModeSocket); special != 0 && e.usize <= 0 {
		// with content it was read from a pipe, as "zip fn.zip -" does
		z.w.finding(specialFile, z.sc, path, special.String())
	}
	defer z.w.mem.release(lease)
	data, used, err := z.inflate(lease, e, packed, path)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		z.w.gap(path, fnvet.GapUnsupported, fmt.Sprintf("compression method %d", e.method))
	case err != nil:
		z.w.damage(path, err)
	case e.usize >= 0 && int64(len(data)) != e.usize:
		z.w.gap(path, fnvet.GapUnreadable, fmt.Sprintf("has %d bytes where the archive says %d", len(data), e.usize))
	case e.usize >= 0 && crc32.ChecksumIEEE(data) != e.crc:
		z.w.gap(path, fnvet.GapUnreadable, wrongChecksum)
	}
	if mode&fs.ModeSymlink != 0 {
		target := string(data[:min(len(data), 4096)])
		clean, _ := cleanName(e.name, true, false)
		z.w.checkLink(z.sc, clean, target)
		z.w.offer(z.sc, entry{name: e.name, mode: mode, link: target})
		return used
	}
	z.w.offer(z.sc, entry{name: e.name, mode: mode, data: data})
	return used
}

// inflate decompresses packed with the entry's method. used is how much of packed
// that took, if packed is in memory.
func (z *zipWalk) inflate(l *lease, e *zipEntry, packed source, path string) (data []byte, used int64, err error) {
	if e.method == methodStore && packed.mem != nil {
		return packed.mem, packed.n, nil
	}
	memory := bytes.NewReader(packed.mem)
	in := byteReader(memory)
	if packed.mem == nil {
		buffered := z.w.inputs.get(packed.reader())
		defer z.w.inputs.put(buffered)
		in = buffered
	}
	var r io.Reader
	switch e.method {
	case methodStore:
		r = in
	case methodDeflate:
		f := z.w.inflate.get(in)
		defer z.w.inflate.put(f)
		r = f
	case methodDeflate64:
		r = deflate64.NewReader(in)
	case methodBzip2:
		r = bzip2.NewReader(in)
	case methodZstd:
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxDictionary))
		if err != nil {
			return nil, 0, err
		}
		defer d.Close()
		r = d
	case methodXZ:
		r, err = xz.NewReader(in, maxDictionary)
	case methodLZMA:
		r, err = zipLZMA(in, e)
	default:
		err = errors.ErrUnsupported
	}
	if err != nil {
		return nil, packed.n, err
	}
	hint := max(e.usize, 0)
	switch e.method {
	case methodStore:
		hint = min(hint, packed.n)
	case methodDeflate:
		hint = min(hint, 1032*packed.n+64) // deflate cannot do better
	default:
		hint = min(hint, 1<<20)
	}
	data, err = z.w.readAll(l, &beyond{w: z.w, sc: z.sc, r: r, free: max(e.usize, 0)}, hint, e.usize, path)
	return data, packed.n - int64(memory.Len()), err
}

// beyond charges for the bytes that come out over the stated size, which has
// been paid for.
type beyond struct {
	w    *walker
	sc   *scope
	r    io.Reader
	free int64
}

func (b *beyond) Read(p []byte) (int, error) {
	if b.w.stopped() {
		return 0, errStopped
	}
	n, err := b.r.Read(p)
	if b.free -= int64(n); b.free < 0 {
		if !b.w.charge(b.sc, -b.free) {
			return 0, errLimit
		}
		b.free = 0
	}
	return n, err
}

// zipLZMA reads an LZMA entry: two bytes of version, two that state the length
// of the five of properties (APPNOTE 5.8.8).
func zipLZMA(in io.Reader, e *zipEntry) (io.Reader, error) {
	var head [9]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	if binary.LittleEndian.Uint16(head[2:]) != 5 {
		return nil, errors.ErrUnsupported
	}
	size := e.usize
	if e.flags&2 != 0 { // ends with a marker
		size = -1
	}
	return newLZMA(bufio.NewReader(in), head[4], binary.LittleEndian.Uint32(head[5:]), size)
}

type byteReader interface {
	io.Reader
	io.ByteReader
}

// inputs lends out buffers for packed data that is read from a file.
type inputs struct{ pool sync.Pool }

func (p *inputs) get(r io.Reader) *bufio.Reader {
	if b, ok := p.pool.Get().(*bufio.Reader); ok {
		b.Reset(r)
		return b
	}
	return bufio.NewReaderSize(r, 256<<10)
}

func (p *inputs) put(b *bufio.Reader) { p.pool.Put(b) }

// inflaters lends out deflate readers.
type inflaters struct{ pool sync.Pool }

func (p *inflaters) get(r io.Reader) io.ReadCloser {
	if f, ok := p.pool.Get().(io.ReadCloser); ok {
		if err := f.(flate.Resetter).Reset(r, nil); err == nil { //nolint:forcetypeassert // every deflate reader is one
			return f
		}
	}
	return flate.NewReader(r)
}

func (p *inflaters) put(f io.ReadCloser) { p.pool.Put(f) }
