package secrets

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"strings"
	"unicode/utf8"
)

// Some binary formats put a string's length or the next string right beside it,
// so that a run of printable bytes is not the string. For those the strings are
// taken out by the format, each on a line of its own.

// eachString calls add with where the strings of a binary are, for the formats
// that need it, and reports whether it is one of them.
func eachString(name string, data []byte, add func(start, end int)) {
	switch {
	case universalStrings(data, add):
	case bytes.HasPrefix(data, []byte("\xca\xfe\xba\xbe")):
		classStrings(data, add)
	case strings.HasSuffix(name, ".pyc"):
		marshalStrings(data, add)
	case bytes.HasPrefix(data, []byte(sqliteMagic)):
		sqliteStrings(data, add)
	case bytes.HasPrefix(data, []byte("\x7fELF")):
		imageStrings(data, elfImage, add)
	case bytes.HasPrefix(data, []byte("\xcf\xfa\xed\xfe")):
		imageStrings(data, machoImage, add)
	case bytes.HasPrefix(data, []byte("MZ")):
		imageStrings(data, peImage, add)
	}
}

// classStrings takes the CONSTANT_Utf8 entries out of a Java class file's
// constant pool (JVM specification, 4.4).
func classStrings(data []byte, add func(start, end int)) {
	const header = 10
	if len(data) < header {
		return
	}
	count := int(binary.BigEndian.Uint16(data[8:]))
	for i, at := 1, header; i < count && at+3 <= len(data); i++ {
		size := 0
		switch data[at] {
		case 1: // Utf8
			n := int(binary.BigEndian.Uint16(data[at+1:]))
			if at+3+n > len(data) {
				return
			}
			add(at+3, at+3+n)
			size = 3 + n
		case 7, 8, 16, 19, 20:
			size = 3
		case 15:
			size = 4
		case 3, 4, 9, 10, 11, 12, 17, 18:
			size = 5
		case 5, 6: // long and double take two entries
			size = 9
			i++
		default:
			return
		}
		at += size
	}
}

// marshalStrings takes strings out of Python's marshal format (Python/marshal.c):
// a type byte, with 0x80 set where it may be referred to, and a length of one or
// four bytes. It looks for them without following the objects, which change with
// each version.
func marshalStrings(data []byte, add func(start, end int)) {
	for i := 0; i+2 < len(data); {
		start, n := 0, 0
		switch data[i] &^ 0x80 {
		case 'z', 'Z':
			start, n = i+2, int(data[i+1])
		case 'a', 'A', 'u', 't', 's':
			if i+5 <= len(data) {
				start, n = i+5, int(binary.LittleEndian.Uint32(data[i+1:])&0x7fffffff)
			}
		}
		if n < minRun || n > len(data)-start || runLen(data[start:start+n]) != n {
			i++
			continue
		}
		add(start, start+n)
		i = start + n
	}
}

// Limits of git object stores.
const (
	maxObject  = 8 << 20  // bytes read of one object
	maxObjects = 64 << 20 // bytes unpacked of one pack
)

// gitTexts unpacks a loose git object, or the objects of a pack (gitformat-pack),
// and calls scan with what they hold. Of deltas it sees what they insert.
func gitTexts(name string, data []byte, scan func(object []byte, start, end int) error) error {
	switch {
	case bytes.HasPrefix(data, []byte("PACK")) && len(data) > 12:
		return packTexts(data, scan)
	case strings.Contains("/"+name, "/objects/") && compressed(data):
		object, err := zlibPrefix(data)
		if err != nil && len(object) == 0 {
			return nil // not what its name says
		}
		if i := bytes.IndexByte(object[:min(len(object), 32)], 0); i >= 0 {
			object = object[i+1:] // "blob 12\x00"
		}
		return scan(object, 0, len(data))
	}
	return nil
}

func zlibPrefix(data []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxObject))
}

func packTexts(data []byte, scan func(object []byte, start, end int) error) error {
	const idLen = 20
	total := 0
	for at := 12; at+idLen < len(data) && total < maxObjects; {
		start, kind := at, data[at]>>4&7
		for at < len(data) && data[at]&0x80 != 0 {
			at++
		}
		at++
		switch kind {
		case 6: // the base is an offset
			for at < len(data) && data[at]&0x80 != 0 {
				at++
			}
			at++
		case 7: // the base is an id
			at += idLen
		}
		if at >= len(data) {
			return nil
		}
		src := bytes.NewReader(data[at:])
		r, err := zlib.NewReader(src)
		if err != nil {
			return nil //nolint:nilerr // not a pack after all; its bytes are searched as they are
		}
		object, err := io.ReadAll(io.LimitReader(r, maxObject))
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(r, maxObjects))
		}
		total += len(object)
		at = len(data) - src.Len()
		if e := scan(object, start, at); e != nil {
			return e
		}
		if err != nil {
			return nil //nolint:nilerr // cut off
		}
	}
	return nil
}

// scanUTF32 decodes UTF-32 with a byte order mark.
func scanUTF32(data []byte, order binary.ByteOrder, buf *[]byte, scan func(text) error) error {
	out := (*buf)[:0]
	for i := 4; i+4 <= len(data); i += 4 {
		r := rune(order.Uint32(data[i:])) //nolint:gosec // AppendRune replaces what is no rune
		out = utf8.AppendRune(out, r)
	}
	*buf = out
	at := func(want int) int { return min(4+4*utf8.RuneCount(out[:want]), len(data)) }
	return scan(text{data: out, lines: true, at: at})
}
