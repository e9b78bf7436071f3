// Package deflate64 reads the Deflate64 format, which Windows uses in large zips
// (method 9 of APPNOTE 4.4.5). It is RFC 1951 with a window of 64 KiB: length
// code 285 stands for 3 plus 16 extra bits, and distance codes 30 and 31 exist.
// The package does not write the format.
package deflate64

import (
	"bufio"
	"errors"
	"io"
)

// ErrCorrupt is a stream that does not follow the format.
var ErrCorrupt = errors.New("deflate64: corrupt input")

const (
	windowLen   = 1 << 16
	longestCopy = 3 + 1<<16 - 1
	maxCodeLen  = 15
	quickBits   = 9 // codes of up to so many bits are looked up at once

	maxLiterals  = 288
	maxDistances = 32
)

// A reader keeps what it decoded in buf: up to at was handed on, and the last
// windowLen bytes are what copies go back to.
type reader struct {
	in    io.ByteReader
	bits  uint64
	count uint // of bits
	buf   []byte
	at    int
	left  int // bytes of a stored block still to come
	block func(*reader) error
	final bool
	err   error

	literals, distances huffman
}

// NewReader returns a reader of the plain bytes of r. It reads no further than
// the end of the stream if r is an io.ByteReader. Its errors are ErrCorrupt,
// io.ErrUnexpectedEOF for a stream that is cut off, and those of r.
func NewReader(r io.Reader) io.Reader {
	in, ok := r.(io.ByteReader)
	if !ok {
		in = bufio.NewReader(r)
	}
	return &reader{in: in, buf: make([]byte, 0, 2*windowLen+longestCopy)}
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for r.at == len(r.buf) && r.err == nil && len(p) > 0 {
		r.slide()
		r.err = r.fill()
	}
	n := copy(p, r.buf[r.at:])
	r.at += n
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	return 0, r.err
}

// slide drops what no copy can go back to.
func (r *reader) slide() {
	if len(r.buf) >= 2*windowLen {
		n := copy(r.buf, r.buf[len(r.buf)-windowLen:])
		r.buf, r.at = r.buf[:n], n
	}
}

// fill decodes until there are some bytes more, or returns io.EOF at the end.
func (r *reader) fill() error {
	for start := len(r.buf); len(r.buf) == start; {
		if r.block == nil {
			if r.final {
				return io.EOF
			}
			if err := r.header(); err != nil {
				return err
			}
		}
		if err := r.block(r); err != nil {
			return err
		}
	}
	return nil
}

// header reads the start of a block (RFC 1951, 3.2.3).
func (r *reader) header() error {
	v, err := r.take(3)
	if err != nil {
		return err
	}
	r.final = v&1 != 0
	switch v >> 1 {
	case 0:
		r.block = (*reader).stored
		return r.storedHeader()
	case 1:
		r.block = (*reader).coded
		r.fixed()
		return nil
	case 2:
		r.block = (*reader).coded
		return r.dynamic()
	}
	return ErrCorrupt
}

func (r *reader) storedHeader() error {
	r.bits >>= r.count % 8
	r.count -= r.count % 8
	n, err := r.take(16)
	if err != nil {
		return err
	}
	inverse, err := r.take(16)
	if err != nil {
		return err
	}
	if n^inverse != 0xFFFF {
		return ErrCorrupt
	}
	r.left = int(n)
	return nil
}

// stored copies a stored block, as much of it as there is room for.
func (r *reader) stored() error {
	for ; r.left > 0; r.left-- {
		if len(r.buf) >= 2*windowLen {
			return nil
		}
		c, err := r.take(8)
		if err != nil {
			return err
		}
		r.buf = append(r.buf, byte(c)) // #nosec G115 -- eight bits were read
	}
	r.block = nil
	return nil
}

// coded decodes symbols until the block ends or there is no room for the longest copy.
func (r *reader) coded() error {
	for len(r.buf) < 2*windowLen {
		symbol, err := r.symbol(&r.literals)
		switch {
		case err != nil:
			return err
		case symbol < 256:
			r.buf = append(r.buf, byte(symbol)) // #nosec G115 -- a literal, below 256
			continue
		case symbol == 256:
			r.block = nil
			return nil
		}
		if err := r.copy(symbol - 257); err != nil {
			return err
		}
	}
	return nil
}

// copy repeats what was decoded before.
func (r *reader) copy(code int) error {
	if code >= len(lengthBase) {
		return ErrCorrupt
	}
	extra, err := r.take(uint(lengthExtra[code]))
	if err != nil {
		return err
	}
	length := lengthBase[code] + int(extra)
	code, err = r.symbol(&r.distances)
	if err != nil {
		return err
	}
	base, bits := 1+code, uint(0)
	if code >= 4 {
		bits = uint(code)/2 - 1
		base = 1 + (2+code%2)<<bits
	}
	if extra, err = r.take(bits); err != nil {
		return err
	}
	from := len(r.buf) - base - int(extra)
	if from < 0 {
		return ErrCorrupt
	}
	for length > 0 { // a copy may run into what it writes
		n := min(length, len(r.buf)-from)
		r.buf = append(r.buf, r.buf[from:from+n]...)
		length -= n
	}
	return nil
}

// The lengths that codes 257 to 285 stand for.
var (
	lengthBase  = [29]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 3}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 16}
	// codeOrder is in which order the lengths of code length codes come.
	codeOrder = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// need makes at least n bits available, n up to 16.
func (r *reader) need(n uint) error {
	for r.count < n {
		c, err := r.in.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		r.bits |= uint64(c) << r.count
		r.count += 8
	}
	return nil
}

// take removes and returns the next n bits, n up to 16.
func (r *reader) take(n uint) (uint32, error) {
	if err := r.need(n); err != nil {
		return 0, err
	}
	v := uint32(r.bits & (1<<n - 1)) // #nosec G115 -- n is at most 32
	r.bits >>= n
	r.count -= n
	return v, nil
}

// A huffman is one canonical code: how many codes there are of each length, and
// the symbols in the order of their codes.
type huffman struct {
	counts  [maxCodeLen + 1]int
	symbols [maxLiterals]uint16
	quick   [1 << quickBits]uint16 // symbol<<4 | length, 0 where the code is longer
}

// build makes the code with those lengths, 0 for symbols that do not occur. An
// incomplete code is allowed where it has at most one symbol, as zlib does.
func (h *huffman) build(lengths []uint8) error {
	*h = huffman{}
	for _, n := range lengths {
		h.counts[n]++
	}
	h.counts[0] = 0
	var offsets, codes [maxCodeLen + 2]int
	left, used := 1, 0
	for n := 1; n <= maxCodeLen; n++ {
		left = left<<1 - h.counts[n]
		if left < 0 {
			return ErrCorrupt
		}
		used += h.counts[n]
		offsets[n+1] = offsets[n] + h.counts[n]
		codes[n+1] = (codes[n] + h.counts[n]) << 1
	}
	if left > 0 && (used > 1 || used == 1 && h.counts[1] != 1) {
		return ErrCorrupt
	}
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		h.symbols[offsets[n]] = uint16(symbol) // #nosec G115 -- below maxLiterals
		offsets[n]++
		if n <= quickBits {
			h.look(codes[n], uint(n), symbol)
		}
		codes[n]++
	}
	return nil
}

// look enters a short code under all indexes that begin with it, bits reversed.
func (h *huffman) look(code int, n uint, symbol int) {
	reversed := 0
	for range n {
		reversed = reversed<<1 | code&1
		code >>= 1
	}
	for i := reversed; i < len(h.quick); i += 1 << n {
		h.quick[i] = uint16(symbol<<4) | uint16(n) //nolint:gosec // below maxLiterals<<4
	}
}

// symbol decodes the next symbol.
func (r *reader) symbol(h *huffman) (int, error) {
	for { // a byte more only when there are too few bits
		if e := h.quick[r.bits&(1<<quickBits-1)]; e != 0 && uint(e&15) <= r.count {
			n := uint(e & 15)
			r.bits >>= n
			r.count -= n
			return int(e >> 4), nil
		}
		if r.count >= quickBits {
			break
		}
		if err := r.need(r.count + 1); err != nil {
			return 0, err
		}
	}
	code, first, index := 0, 0, 0
	for n := uint(1); n <= maxCodeLen; n++ {
		if err := r.need(n); err != nil {
			return 0, err
		}
		code |= int(r.bits >> (n - 1) & 1)
		if count := h.counts[n]; code-first < count {
			r.bits >>= n
			r.count -= n
			return int(h.symbols[index+code-first]), nil
		}
		index += h.counts[n]
		first = (first + h.counts[n]) << 1
		code <<= 1
	}
	return 0, ErrCorrupt
}

// fixed sets the codes of RFC 1951, 3.2.6.
func (r *reader) fixed() {
	var lengths [maxLiterals]uint8
	for i := range lengths {
		switch {
		case i < 144, i >= 280:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		default:
			lengths[i] = 7
		}
	}
	var distances [maxDistances]uint8
	for i := range distances {
		distances[i] = 5
	}
	_ = r.literals.build(lengths[:])    // complete, so it cannot fail
	_ = r.distances.build(distances[:]) // as above
}

// dynamic reads the codes of a block (RFC 1951, 3.2.7).
func (r *reader) dynamic() error {
	v, err := r.take(14)
	if err != nil {
		return err
	}
	literals, distances, codes := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if literals > maxLiterals {
		return ErrCorrupt
	}
	var lengths [maxLiterals + maxDistances]uint8
	for _, i := range codeOrder[:codes] {
		n, err := r.take(3)
		if err != nil {
			return err
		}
		lengths[i] = uint8(n) // #nosec G115 -- three bits were read
	}
	if err := r.literals.build(lengths[:len(codeOrder)]); err != nil {
		return err
	}
	clear(lengths[:])
	if err := r.lengths(lengths[:literals+distances]); err != nil {
		return err
	}
	if lengths[256] == 0 {
		return ErrCorrupt // the block could not end
	}
	if err := r.distances.build(lengths[literals : literals+distances]); err != nil {
		return err
	}
	return r.literals.build(lengths[:literals])
}

// lengths reads code lengths, which are coded themselves.
func (r *reader) lengths(lengths []uint8) error {
	for i := 0; i < len(lengths); {
		symbol, err := r.symbol(&r.literals)
		if err != nil {
			return err
		}
		if symbol < 16 {
			lengths[i] = uint8(symbol) // #nosec G115 -- a code length, at most 15
			i++
			continue
		}
		bits, repeat, value := uint(2), 3, uint8(0)
		switch {
		case symbol == 16 && i == 0:
			return ErrCorrupt
		case symbol == 16:
			value = lengths[i-1]
		case symbol == 17:
			bits = 3
		default:
			bits, repeat = 7, 11
		}
		extra, err := r.take(bits)
		if err != nil {
			return err
		}
		if repeat += int(extra); i+repeat > len(lengths) {
			return ErrCorrupt
		}
		for range repeat {
			lengths[i] = value
			i++
		}
	}
	return nil
}
