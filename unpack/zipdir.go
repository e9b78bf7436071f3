package unpack

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io/fs"
	"math"
	"strings"
	"unicode/utf8"
)

// The zip structures, from PKWARE's APPNOTE.TXT 6.3.10, section 4.3.
const (
	localSignature      = "PK\x03\x04"
	centralSignature    = "PK\x01\x02"
	endSignature        = "PK\x05\x06"
	end64Signature      = "PK\x06\x06"
	locatorSignature    = "PK\x06\x07"
	descriptorSignature = "PK\x07\x08"

	localLen   = 30
	centralLen = 46
	endLen     = 22
	end64Len   = 56
	locatorLen = 20

	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3
	flagUTF8       = 1 << 11
	flagMasked     = 1 << 13

	maxEndRecords = 64 // followed; every one of them is a different reading
	maxEndSearch  = (math.MaxUint16 + endLen) / endLen
)

// A zipEntry is one record of the central directory, or what a local header
// says where there is none.
type zipEntry struct {
	name    string
	flags   uint16
	method  uint16
	crc     uint32
	csize   int64
	usize   int64
	offset  int64 // of the local header, in the source
	mode    fs.FileMode
	comment string
	stored  string // the plain name, where name is from the Unicode path field
}

// dir reports an entry that only names a directory.
func (e *zipEntry) dir() bool {
	return strings.HasSuffix(e.name, "/") && e.usize == 0 || e.mode.IsDir() && e.usize == 0
}

// A zipDirectory is one "end of central directory" record and where it leads.
type zipDirectory struct {
	at      int64 // of the record
	end     int64 // of the record with its comment
	start   int64 // of the central directory
	size    int64 // of the central directory
	records int64
	base    int64 // bytes before the archive proper: what offsets are relative to
	zip64   bool
	comment string
}

// findDirectory returns the directory that most tools would use: that of the
// last end record.
func findDirectory(src source) (zipDirectory, bool) {
	found := findDirectories(src, 1)
	if len(found) == 0 || found[0].records == 0 {
		return zipDirectory{}, false
	}
	return found[0], true
}

// findDirectories returns up to limit plausible directories whose end records
// lie where a comment could follow, the last first.
func findDirectories(src source, limit int) []zipDirectory {
	n := min(src.n, math.MaxUint16+endLen+locatorLen+end64Len)
	tail, err := src.view(src.n-n, n, nil)
	if err != nil || !bytes.Contains(tail, []byte(endSignature)) { // as nearly always, and faster than from the end
		return nil
	}
	var found []zipDirectory
	for at := len(tail); len(found) < limit; {
		if at = lastIndex(tail[:at], endSignature); at < 0 {
			break
		}
		if d, ok := parseEnd(src, src.n-n+int64(at), tail[at:]); ok {
			found = append(found, d)
		}
	}
	return found
}

// lastIndex is bytes.LastIndex, which is slow, for a signature.
func lastIndex(b []byte, signature string) int {
	for end := len(b); ; {
		i := bytes.LastIndexByte(b[:end], signature[0])
		if i < 0 || has(b[i:], signature) {
			return i
		}
		end = i
	}
}

// parseEnd reads the end record at offset at and checks that it leads to a
// central directory.
func parseEnd(src source, at int64, b []byte) (d zipDirectory, ok bool) {
	if len(b) < endLen {
		return d, false
	}
	comment := int64(binary.LittleEndian.Uint16(b[20:]))
	d = zipDirectory{
		at:      at,
		end:     min(at+endLen+comment, src.n),
		records: int64(binary.LittleEndian.Uint16(b[10:])),
		size:    int64(binary.LittleEndian.Uint32(b[12:])),
		comment: string(b[endLen:min(endLen+comment, int64(len(b)))]),
	}
	offset := int64(binary.LittleEndian.Uint32(b[16:]))
	limit := at // where the directory has to end
	if d.records == math.MaxUint16 || d.size == math.MaxUint32 || offset == math.MaxUint32 {
		if end64, pos, found := findEnd64(src, at); found {
			d.zip64, limit = true, pos
			d.records = int64(min(binary.LittleEndian.Uint64(end64[32:]), math.MaxInt32))
			d.size = int64(min(binary.LittleEndian.Uint64(end64[40:]), math.MaxInt64/4))
			offset = int64(min(binary.LittleEndian.Uint64(end64[48:]), math.MaxInt64/4))
		}
	}
	return d.locate(src, offset, limit)
}

// locate finds where the directory starts: right before its end record, unless
// only the stated offset leads to one.
func (d zipDirectory) locate(src source, offset, limit int64) (zipDirectory, bool) {
	d.start = limit - d.size
	d.base = d.start - offset
	if d.records == 0 && d.size == 0 && offset <= limit {
		return d, true
	}
	if d.start >= 0 && signatureAt(src, d.start, centralSignature) && d.base >= 0 {
		return d, true
	}
	d.start, d.base = offset, 0
	return d, offset < limit && signatureAt(src, offset, centralSignature)
}

// findEnd64 reads the zip64 end record that the locator before at points to.
func findEnd64(src source, at int64) (record []byte, pos int64, found bool) {
	locator, err := src.view(at-locatorLen, locatorLen, nil)
	if err != nil || !has(locator, locatorSignature) {
		return nil, 0, false
	}
	stated := binary.LittleEndian.Uint64(locator[8:])
	for _, pos := range []int64{at - locatorLen - end64Len, int64(min(stated, math.MaxInt64/2))} {
		if record, err := src.view(pos, end64Len, nil); err == nil && has(record, end64Signature) {
			return record, pos, true
		}
	}
	return nil, 0, false
}

func signatureAt(src source, off int64, signature string) bool {
	var buf [4]byte
	b, err := src.view(off, 4, buf[:])
	return err == nil && has(b, signature)
}

// readDirectory calls add for each record of d, up to limit of them. It returns
// how many bytes before the stated end the records stopped making sense.
func readDirectory(src source, d zipDirectory, limit int, add func(zipEntry)) (damaged bool) {
	size := min(d.size, src.n-d.start)
	if !d.zip64 && d.base == 0 {
		size = min(max(size, d.end-d.start), src.n-d.start) // size may lie
	}
	r := newWindow(src.part(d.start, size))
	for range limit {
		head := r.next(centralLen)
		if !has(head, centralSignature) {
			return r.offset() < d.size && !has(head, endSignature) && !has(head, end64Signature) && !has(head, "PK\x05\x05")
		}
		e := zipEntry{
			flags:  binary.LittleEndian.Uint16(head[8:]),
			method: binary.LittleEndian.Uint16(head[10:]),
			crc:    binary.LittleEndian.Uint32(head[16:]),
			csize:  int64(binary.LittleEndian.Uint32(head[20:])),
			usize:  int64(binary.LittleEndian.Uint32(head[24:])),
			offset: int64(binary.LittleEndian.Uint32(head[42:])),
		}
		creator, external := head[5], binary.LittleEndian.Uint32(head[38:])
		nameLen := int64(binary.LittleEndian.Uint16(head[28:]))
		extraLen := int64(binary.LittleEndian.Uint16(head[30:]))
		commentLen := int64(binary.LittleEndian.Uint16(head[32:]))
		rest := r.next(nameLen + extraLen + commentLen)
		if int64(len(rest)) < nameLen {
			return true
		}
		e.name = string(rest[:nameLen])
		e.mode = zipMode(creator, external, e.name)
		rest = rest[nameLen:]
		extra := rest[:min(extraLen, int64(len(rest)))]
		e.comment = string(rest[len(extra):])
		e.zip64(extra, &e.offset)
		e.offset += d.base
		if u := unicodeName(extra, e.name); u != "" && u != e.name {
			e.stored = e.name
			if isASCII(e.name) {
				add(e) // nothing needed a second name: some tools use one, some the other
			}
			e.name = u
		}
		add(e)
	}
	return false
}

// zip64 takes from the extra field the sizes, and the offset if one is given,
// that the fixed fields have no room for (APPNOTE 4.5.3).
func (e *zipEntry) zip64(extra []byte, offset *int64) {
	field, found := extraField(extra, 1)
	if !found {
		return
	}
	for _, v := range []*int64{&e.usize, &e.csize, offset} {
		if v == nil || *v != math.MaxUint32 || len(field) < 8 {
			continue
		}
		*v = int64(min(binary.LittleEndian.Uint64(field), math.MaxInt64/4))
		field = field[8:]
	}
}

func extraField(extra []byte, id uint16) (field []byte, found bool) {
	for len(extra) >= 4 {
		n := int(binary.LittleEndian.Uint16(extra[2:]))
		if 4+n > len(extra) {
			return nil, false
		}
		if binary.LittleEndian.Uint16(extra) == id {
			return extra[4 : 4+n], true
		}
		extra = extra[4+n:]
	}
	return nil, false
}

// unicodeName is the name of Info-ZIP's Unicode path field (APPNOTE 4.6.9), if
// the entry has one that belongs to its plain name.
func unicodeName(extra []byte, name string) string {
	field, found := extraField(extra, 0x7075)
	if !found || len(field) < 6 || field[0] != 1 ||
		binary.LittleEndian.Uint32(field[1:]) != crc32.ChecksumIEEE([]byte(name)) || !utf8.Valid(field[5:]) {
		return ""
	}
	return string(field[5:])
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// zipMode is the mode that the creating system stored (APPNOTE 4.4.2, 4.4.15).
func zipMode(creator byte, external uint32, name string) fs.FileMode {
	mode := fs.FileMode(0o644)
	switch creator {
	case 3, 19: // Unix, macOS
		unix := external >> 16
		mode = fs.FileMode(unix & 0o777)
		switch unix & 0o170000 {
		case 0o040000:
			mode |= fs.ModeDir
		case 0o120000:
			mode |= fs.ModeSymlink
		case 0o010000:
			mode |= fs.ModeNamedPipe
		case 0o020000:
			mode |= fs.ModeDevice | fs.ModeCharDevice
		case 0o060000:
			mode |= fs.ModeDevice
		case 0o140000:
			mode |= fs.ModeSocket
		}
		if unix&0o4000 != 0 {
			mode |= fs.ModeSetuid
		}
		if unix&0o2000 != 0 {
			mode |= fs.ModeSetgid
		}
	case 0, 10, 11, 14: // DOS and Windows
		if external&0x10 != 0 {
			mode |= fs.ModeDir
		}
	}
	if strings.HasSuffix(name, "/") {
		mode |= fs.ModeDir
	}
	return mode
}

// A window reads a source from front to back in large pieces.
type window struct {
	src source
	pos int64
	buf []byte
	at  int64 // offset of buf in src
}

const windowLen = 1 << 18

func newWindow(src source) *window { return &window{src: src} }

// offset is how much was read so far.
func (w *window) offset() int64 { return w.pos }

// next returns the next n bytes, fewer at the end. They are valid until the next call.
func (w *window) next(n int64) []byte {
	if w.src.mem != nil {
		b := w.src.mem[w.pos:min(w.pos+n, w.src.n)]
		w.pos += int64(len(b))
		return b
	}
	if w.pos+n > w.at+int64(len(w.buf)) {
		w.fill(max(n, windowLen))
	}
	b := w.buf[w.pos-w.at:]
	b = b[:min(n, int64(len(b)))]
	w.pos += int64(len(b))
	return b
}

func (w *window) fill(n int64) {
	if w.buf == nil || int64(cap(w.buf)) < n {
		w.buf = make([]byte, n)
	}
	got, err := w.src.r.ReadAt(w.buf[:cap(w.buf)], w.pos)
	if err != nil {
		got = max(got, 0) // a short window shows as the end
	}
	w.buf, w.at = w.buf[:got], w.pos
}
