package secrets

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// A text is something to search: a file as it is, its UTF-16 decoded, or the
// printable runs of a binary.
type text struct {
	data []byte
	// lines is true when line numbers mean something.
	lines bool
	// at tells the offset in the file of an offset in data.
	at func(int) int
	// depth counts the encodings that were taken off; inText is true when what
	// is left stands in a text that has lines.
	depth  int
	inText bool
	// inside is true for what a format keeps in a form of its own, parts of which
	// may have been searched as they stand.
	inside bool
	// pieces is true when data is put together from pieces of the file, each of
	// which stands there as it is: what ends a piece is not what begins the next.
	pieces bool
}

// end tells the offset in the file of the end of what ends before i in data.
func (t *text) end(i int) int {
	if t.pieces && i > 0 {
		return t.at(i-1) + 1
	}
	return t.at(i)
}

const (
	minRun   = 6       // shortest printable run of a binary that is searched, in bytes
	blockLen = 1 << 20 // runs are searched in blocks of about this many bytes
	sniffLen = 4096    // bytes that decide between text, UTF-16 and binary
)

// eachText calls scan for each text of a file, using *buf for what it decodes.
func eachText(name string, data []byte, buf *[]byte, scan func(text) error) error {
	if order := utf32Order(data); order != nil {
		return scanUTF32(data, order, buf, scan)
	}
	if order, skip := utf16Order(data); order != 0 {
		return scanUTF16(data[skip:], skip, order, buf, scan)
	}
	if isBinary(data) {
		return scanRuns(name, data, buf, scan)
	}
	same := func(i int) int { return i }
	return scan(text{data: data, lines: true, at: same})
}

// utf32Order recognises UTF-32 by its byte order mark and by its first units
// being runes; a file of UTF-16 may begin with the same four bytes.
func utf32Order(data []byte) binary.ByteOrder {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\x00\x00\xfe\xff")):
		order = binary.BigEndian
	default:
		return nil
	}
	for i := 4; i+4 <= min(len(data), 64); i += 4 {
		if order.Uint32(data[i:]) > utf8.MaxRune {
			return nil
		}
	}
	return order
}

// isBinary reports whether the file is not text: a NUL in its first bytes.
func isBinary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), sniffLen)], 0) >= 0
}

type byteOrder int

const (
	littleEndian byteOrder = 1
	bigEndian    byteOrder = 2
)

func (o byteOrder) unit(b []byte) uint16 {
	if o == bigEndian {
		return uint16(b[0])<<8 | uint16(b[1])
	}
	return uint16(b[1])<<8 | uint16(b[0])
}

// utf16Order recognises UTF-16, by its byte order mark or, without one, by
// nearly every second byte of the first ones being NUL and the others printable.
// It returns 0 for anything else, and how many bytes the mark takes.
func utf16Order(data []byte) (byteOrder, int) {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return littleEndian, 2
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return bigEndian, 2
	}
	head := data[:min(len(data), sniffLen)&^1]
	if len(head) < 4 || bytes.IndexByte(head, 0) < 0 {
		return 0, 0
	}
	for _, o := range []byteOrder{littleEndian, bigEndian} {
		plain := 0
		for i := 0; i < len(head); i += 2 {
			if u := o.unit(head[i:]); u < utf8.RuneSelf && printable(byte(u)) {
				plain++
			}
		}
		if plain*2*10 >= len(head)*9 {
			return o, 0
		}
	}
	return 0, 0
}

// scanUTF16 decodes data, which starts skip bytes into the file.
func scanUTF16(data []byte, skip int, o byteOrder, buf *[]byte, scan func(text) error) error {
	out := (*buf)[:0]
	for i := 0; i+1 < len(data); {
		r, n := o.rune(data[i:])
		out = utf8.AppendRune(out, r)
		i += n
	}
	*buf = out
	i, pos := 0, 0 // where the last question ended: they come in ascending order
	at := func(want int) int {
		if want < pos {
			i, pos = 0, 0
		}
		for i+1 < len(data) && pos < want {
			r, n := o.rune(data[i:])
			pos += utf8.RuneLen(r)
			i += n
		}
		return skip + i
	}
	return scan(text{data: out, lines: true, at: at})
}

// rune decodes the first rune of b, which has at least two bytes, and its length.
func (o byteOrder) rune(b []byte) (rune, int) {
	r := rune(o.unit(b))
	if utf16.IsSurrogate(r) {
		if len(b) >= 4 {
			if pair := utf16.DecodeRune(r, rune(o.unit(b[2:]))); pair != utf8.RuneError {
				return pair, 4
			}
		}
		return utf8.RuneError, 2
	}
	return r, 2
}

func printable(c byte) bool {
	return c >= ' ' && c < 0x7f || c == '\t' || c == '\n' || c == '\r'
}

// A run is where a printable run of a binary is: in the block's text at pos, in
// the file at offset, each of its bytes taking step bytes there.
type run struct{ pos, offset, step int }

// scanRuns searches the printable runs of a binary, each on a line of its own:
// first those of bytes, then those of UTF-16 units, as in resources and in the
// string heaps of .NET.
func scanRuns(name string, data []byte, buf *[]byte, scan func(text) error) error {
	b := block{buf: (*buf)[:0], scan: scan}
	defer func() { *buf = b.buf }()
	var err error
	eachString(name, data, func(start, end int) {
		if end-start >= minRun && err == nil {
			err = b.add(data[start:end], start, 1)
		}
	})
	if err == nil {
		err = b.flush()
	}
	if err != nil {
		return err
	}
	for i := 0; i < len(data); {
		n := runLen(data[i:])
		if n >= minRun {
			if err := b.add(data[i:i+n], i, 1); err != nil {
				return err
			}
		}
		i += n + 1
	}
	for i := 0; i+1 < len(data); {
		n := wideRunLen(data[i:])
		if n >= minRun {
			if err := b.add(data[i:i+2*n], i, 2); err != nil {
				return err
			}
		}
		i += max(2*n, 1)
	}
	return b.flush()
}

func runLen(data []byte) int {
	for i, c := range data {
		if !printable(c) {
			return i
		}
	}
	return len(data)
}

// wideRunLen counts the printable ASCII characters at the start of data that are
// followed by a NUL each.
func wideRunLen(data []byte) int {
	n := 0
	for 2*n+1 < len(data) && data[2*n+1] == 0 && printable(data[2*n]) {
		n++
	}
	return n
}

// A block gathers runs until there is enough to search.
type block struct {
	buf  []byte
	runs []run
	scan func(text) error
}

func (b *block) add(data []byte, offset, step int) error {
	if len(b.buf)+len(data)/step > blockLen && len(b.buf) > 0 {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.runs = append(b.runs, run{pos: len(b.buf), offset: offset, step: step})
	for i := 0; i < len(data); i += step {
		b.buf = append(b.buf, data[i])
	}
	b.buf = append(b.buf, '\n')
	return nil
}

func (b *block) flush() error {
	if len(b.buf) == 0 {
		return nil
	}
	err := b.scan(text{data: b.buf, at: b.at})
	b.buf, b.runs = b.buf[:0], b.runs[:0]
	return err
}

// at maps an offset in the block to one in the file.
func (b *block) at(pos int) int {
	lo, hi := 0, len(b.runs)
	for lo+1 < hi {
		if mid := (lo + hi) / 2; b.runs[mid].pos <= pos {
			lo = mid
		} else {
			hi = mid
		}
	}
	r := b.runs[lo]
	return r.offset + (pos-r.pos)*r.step
}
