package unpack_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/bits"
	"strings"
	"testing"
)

// A quine is built of pieces that are unit bytes long or have a length of their
// own: stored blocks that hold the next pieces, and blocks that repeat the last
// ones. The order of the pieces is Russ Cox's ("Zip Files All The Way Down",
// 2010): each line of the code below puts out what stands one step behind it.

const unit = 10

// empty is a stored block of no bytes, without the three bits that begin it.
const empty = "\x00\x00\xff\xff"

// literal is the head of a stored block of n bytes, unit bytes long.
func literal(n int) []byte {
	head := append([]byte("\x00"+empty), 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(n))
	return binary.LittleEndian.AppendUint16(head, ^uint16(n))
}

// repeat is a block of fixed codes, unit bytes long with an empty block behind
// it, that puts out the last n bytes again; nil when none is that long.
func repeat(n int) []byte {
	for fillers := range 4 {
		for first := 3; first <= min(n, 258); first++ {
			second := n - first
			if second != 0 && (second < 3 || second > 258) {
				continue
			}
			var w bitWriter
			w.block(first, second, n, fillers)
			w.put(0, 3)
			if (w.n+7)/8+len(empty) == unit {
				return append(binary.LittleEndian.AppendUint64(nil, w.bits)[:unit-len(empty)], empty...)
			}
		}
	}
	return nil
}

// bitWriter writes bits from the least of each byte up.
type bitWriter struct {
	bits uint64
	n    int
}

func (w *bitWriter) put(v uint64, n int) {
	if w.n+n <= 64 {
		w.bits |= v << w.n
	}
	w.n += n
}

// code puts a Huffman code, whose bits come highest first.
func (w *bitWriter) code(v uint32, n int) { w.put(uint64(bits.Reverse32(v)>>(32-n)), n) }

// block writes up to two matches at one distance, and empty blocks behind.
func (w *bitWriter) block(first, second, distance, fillers int) {
	w.put(0b010, 3) // not the last block, fixed codes
	for _, length := range []int{first, second} {
		if length > 0 {
			w.match(length, distance)
		}
	}
	w.code(0, 7) // the end of the block
	for range fillers {
		w.put(0b010, 3)
		w.code(0, 7)
	}
}

// match writes a length and a distance with the tables of RFC 1951, 3.2.5.
func (w *bitWriter) match(length, distance int) {
	symbol, extra, base := deflateSymbol(length-3, 4)
	if length == 258 {
		symbol, extra, base = 28, 0, 255
	}
	if symbol += 257; symbol < 280 {
		w.code(uint32(symbol-256), 7)
	} else {
		w.code(uint32(0b11000000+symbol-280), 8)
	}
	w.put(uint64(length-3-base), extra)
	symbol, extra, base = deflateSymbol(distance-1, 2)
	w.code(uint32(symbol), 5)
	w.put(uint64(distance-1-base), extra)
}

// deflateSymbol is the symbol, its extra bits and its base for a value of tables
// in which, past the first, every group of that many symbols has one bit more.
func deflateSymbol(v, group int) (symbol, extra, base int) {
	size := 1
	for base+size <= v {
		base += size
		symbol++
		if symbol >= 2*group && symbol%group == 0 {
			extra++
			size *= 2
		}
	}
	return symbol, extra, base
}

// quineOf is head, code and tail that unpack to themselves, for a head and tail
// that hold the checksum of the whole.
func quineOf(tb testing.TB, parts func(crc uint32, packed, size int) (head, tail []byte)) []byte {
	tb.Helper()
	make1 := func(crc uint32) []byte {
		var packed, size int
		var whole []byte
		for range 2 { // the second time the sizes are known
			head, tail := parts(crc, packed, size)
			code := quineCode(tb, head, tail)
			packed, size = len(code), len(head)+len(code)+len(tail)
			whole = append(append(bytes.Clone(head), code...), tail...)
		}
		return whole
	}
	// The checksum of the whole is an affine function of the checksum written
	// into it: solve for the one that is its own.
	sum := func(crc uint32) uint32 { return crc32.ChecksumIEEE(make1(crc)) }
	constant := sum(0)
	var rows [32]uint64 // of the matrix, with the right side in bit 32
	for i := range 32 {
		column := sum(1<<i) ^ constant ^ 1<<i
		for j := range 32 {
			rows[j] |= uint64(column>>j&1) << i
		}
	}
	for j := range 32 {
		rows[j] |= uint64(constant>>j&1) << 32
	}
	crc, ok := solve(rows)
	if !ok {
		return nil
	}
	return make1(crc)
}

// solve finds an x of 32 bits with rows·x = right side over the field of two.
func solve(rows [32]uint64) (uint32, bool) {
	var pivots [32]int
	rank := 0
	for column := range 32 {
		for r := rank; r < 32; r++ {
			if rows[r]>>column&1 == 1 {
				rows[r], rows[rank] = rows[rank], rows[r]
				break
			}
		}
		if rank == 32 || rows[rank]>>column&1 == 0 {
			continue
		}
		for r := range 32 {
			if r != rank && rows[r]>>column&1 == 1 {
				rows[r] ^= rows[rank]
			}
		}
		pivots[rank] = column
		rank++
	}
	var x uint32
	for r := range 32 {
		if r < rank {
			x |= uint32(rows[r]>>32) << pivots[r]
		} else if rows[r]>>32 == 1 {
			return 0, false
		}
	}
	return x, true
}

func quineCode(tb testing.TB, head, tail []byte) []byte {
	tb.Helper()
	must := func(b []byte) string {
		if b == nil {
			tb.Fatal("no block repeats that many bytes")
		}
		return string(b)
	}
	l := func(n int) string { return string(literal(n)) }
	r := func(n int) string { return must(repeat(n)) }
	p, s := len(head)+unit, len(tail)+unit
	lp, rp, ls, rs := l(p), r(p), l(s), r(s)
	l0, l1, l4, r4 := l(0), l(unit), l(4*unit), r(4*unit)
	return []byte(strings.Join([]string{
		lp, string(head), lp,
		rp,
		l1, rp,
		l1, l1,
		l4, rp, l1, l1, l4,
		r4,
		l4, r4, l4, r4, l4,
		r4,
		l4, r4, l0, l0, ls,
		r4,
		l0, l0,
		ls, rs, string(tail),
		rs,
	}, ""))
}

// fitting pads to the next length that a block can repeat.
func fitting(tb testing.TB, n int) int {
	tb.Helper()
	for padding := range 99 {
		if repeat(n+padding+unit) != nil {
			return padding
		}
	}
	tb.Fatalf("no block repeats about %d bytes", n)
	return 0
}

// end is the last block of the code, which belongs to the tail.
var end = []byte{1, 0, 0, 0xff, 0xff}

func gzipQuine(tb testing.TB) []byte {
	const fixed = 10 + 1
	name := strings.Repeat("q", fitting(tb, fixed))
	var q []byte
	for stamp := uint32(0); q == nil && stamp < 99; stamp++ {
		q = quineOf(tb, func(crc uint32, _, size int) (head, tail []byte) {
			head = binary.LittleEndian.AppendUint32([]byte{0x1f, 0x8b, 8, 8}, stamp)
			head = append(append(head, 0, 255), name+"\x00"...)
			tail = binary.LittleEndian.AppendUint32(bytes.Clone(end), crc)
			return head, binary.LittleEndian.AppendUint32(tail, uint32(size))
		})
	}
	return q
}

func zipQuine(tb testing.TB) []byte {
	var q []byte
	for stamp := uint16(0x21); q == nil && stamp < 99; stamp++ {
		q = quineOf(tb, func(crc uint32, packed, size int) (head, tail []byte) {
			return zipQuineParts(tb, stamp, crc, packed, size)
		})
	}
	return q
}

// zipQuineParts is what stands around the code of one entry that is the zip itself.
func zipQuineParts(tb testing.TB, stamp uint16, crc uint32, packed, size int) (head, tail []byte) {
	const name = "quine.zip"
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	common := func(b []byte) []byte {
		b = u16(u16(u16(b, 20), 0), 8)
		b = u32(u16(u16(b, 0), stamp), crc)
		b = u32(b, uint32(packed+len(end)))
		return u16(u32(b, uint32(size)), uint16(len(name)))
	}
	head = common([]byte("PK\x03\x04"))
	pad := fitting(tb, len(head)+2+len(name)+4)
	head = append(u16(head, uint16(pad+4)), name...)
	head = append(u16(u16(head, 0xFFFF), uint16(pad)), make([]byte, pad)...)

	directory := common(append([]byte("PK\x01\x02"), 20, 0))
	directory = append(directory, make([]byte, 2+2+2+2+4+4)...) // no extra field, no comment, disk 0, no attributes, offset 0
	directory = append(directory, name...)
	tail = append(bytes.Clone(end), directory...)
	tail = append(tail, "PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00"...)
	tail = u32(u32(tail, uint32(len(directory))), uint32(len(head)+packed+len(end)))
	comment := fitting(tb, len(tail)+2)
	return head, append(u16(tail, uint16(comment)), strings.Repeat("q", comment)...)
}

// The quines are what they are taken for: each unpacks to itself.
func TestQuines(t *testing.T) {
	q := gzipQuine(t)
	r, err := gzip.NewReader(bytes.NewReader(q))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, q) {
		t.Errorf("gzip: %v: %d bytes became %d", err, len(q), len(got))
	}
	q = zipQuine(t)
	z, err := zip.NewReader(bytes.NewReader(q), int64(len(q)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err = io.ReadAll(f)
	if err != nil || !bytes.Equal(got, q) {
		t.Errorf("zip: %v: %d bytes became %d", err, len(q), len(got))
	}
}

// Every match that the quines may need comes back as RFC 1951 says.
func TestRepeat(t *testing.T) {
	made := 0
	for n := 3; n < 208; n++ {
		block := repeat(n)
		if block == nil {
			continue
		}
		made++
		text := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 8)[:n]
		stream := append(append(literal(n), text...), append(block, end...)...)
		got, err := io.ReadAll(flate.NewReader(bytes.NewReader(stream)))
		if err != nil || string(got) != text+text {
			t.Errorf("%d: %v %q", n, err, got)
		}
	}
	if made == 0 {
		t.Error("no block was made")
	}
}
