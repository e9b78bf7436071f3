package unpack

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// embedded finds the 7z or RAR archive in a self-extracting program: behind its
// code, with a header whose checksum is right, which tells it from a program that
// only knows the signature. Zips are found from their end anyway.
func embedded(data []byte) (kind format, at int) {
	if !has(data, "MZ") && !has(data, "\x7fELF") {
		return notArchive, 0
	}
	first := len(data)
	for _, c := range []struct {
		signature string
		kind      format
		valid     func([]byte) bool
	}{
		{"7z\xbc\xaf\x27\x1c", sevenZipFormat, valid7z},
		{"Rar!\x1a\x07\x01\x00", rarFormat, validRAR5},
		{"Rar!\x1a\x07\x00", rarFormat, validRAR4},
	} {
		for i := 0; ; {
			n := bytes.Index(data[i:first], []byte(c.signature))
			if n < 0 {
				break
			}
			i += n
			if c.valid(data[i:]) {
				kind, first = c.kind, i
				break
			}
			i += len(c.signature)
		}
	}
	if kind == notArchive {
		return notArchive, 0
	}
	return kind, first
}

// valid7z checks the start header (7zFormat.txt, "SignatureHeader").
func valid7z(b []byte) bool {
	return len(b) >= 32 && b[6] == 0 && binary.LittleEndian.Uint32(b[8:]) == crc32.ChecksumIEEE(b[12:32]) &&
		binary.LittleEndian.Uint64(b[12:]) <= uint64(len(b))
}

// validRAR5 checks the first block: its checksum, its size, and that it is the
// archive header or that of an encrypted one (RAR 5.0 archive format, "General
// archive block format").
func validRAR5(b []byte) bool {
	const signature = 8
	if len(b) < signature+7 {
		return false
	}
	size, n := binary.Uvarint(b[signature+4 : min(len(b), signature+7)])
	end := signature + 4 + n + int(min(size, 1<<20))
	return n > 0 && size >= 2 && end <= len(b) && binary.LittleEndian.Uint32(b[signature:]) == crc32.ChecksumIEEE(b[signature+4:end])
}

// validRAR4 checks the archive header, the low half of whose checksum is stored.
func validRAR4(b []byte) bool {
	const signature, header = 7, 13
	return len(b) >= signature+header && b[signature+2] == 0x73 && binary.LittleEndian.Uint16(b[signature+5:]) == header &&
		binary.LittleEndian.Uint16(b[signature:]) == uint16(crc32.ChecksumIEEE(b[signature+2:signature+header])) //nolint:gosec // its low half
}
