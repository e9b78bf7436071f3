package unpack

import (
	"bytes"
	"encoding/binary"
	"path"
	"strings"
)

// A format is a kind of archive, as its bytes show it.
type format int

const (
	notArchive format = iota
	zipFormat
	tarFormat
	sevenZipFormat
	rarFormat
	gzipFormat
	bzip2Format
	xzFormat
	zstdFormat
	lz4Format
	lzipFormat
)

const tarBlock = 512

// sniff finds from the bytes what src is. A zip may have anything before it, so
// its end is looked at as well.
func sniff(src source) format {
	if src.n < 4 {
		return notArchive
	}
	head, err := src.view(0, min(src.n, tarBlock), nil)
	if err != nil {
		return notArchive
	}
	if f := sniffHead(head); f != notArchive || src.n < endLen {
		return f
	}
	if _, found := findDirectory(src); found {
		return zipFormat
	}
	return notArchive
}

func sniffHead(head []byte) format {
	switch {
	case has(head, "PK\x03\x04"), has(head, "PK\x05\x06"), has(head, "PK\x07\x08PK\x03\x04"), has(head, "PK00PK\x03\x04"):
		return zipFormat
	case has(head, "\x1f\x8b\x08") && head[3]&0xE0 == 0:
		return gzipFormat
	case has(head, "BZh") && len(head) >= 10 && head[3] >= '1' && head[3] <= '9' &&
		(has(head[4:], "\x31\x41\x59\x26\x53\x59") || has(head[4:], "\x17\x72\x45\x38\x50\x90")):
		return bzip2Format
	case has(head, "\xfd7zXZ\x00"):
		return xzFormat
	case has(head, "\x28\xb5\x2f\xfd"), len(head) >= 8 && binary.LittleEndian.Uint32(head)&^0xF == 0x184D2A50:
		return zstdFormat
	case has(head, "\x04\x22\x4d\x18"):
		return lz4Format
	case has(head, "LZIP\x01"):
		return lzipFormat
	case has(head, "7z\xbc\xaf\x27\x1c"):
		return sevenZipFormat
	case has(head, "Rar!\x1a\x07\x00"), has(head, "Rar!\x1a\x07\x01\x00"):
		return rarFormat
	case isTarHeader(head):
		return tarFormat
	}
	return notArchive
}

func has(b []byte, magic string) bool {
	return len(b) >= len(magic) && string(b[:len(magic)]) == magic
}

// isTarHeader reports whether block is a tar header: its checksum, in either of
// the two ways it was ever computed, is right.
func isTarHeader(block []byte) bool {
	if len(block) < tarBlock {
		return false
	}
	field := bytes.Trim(block[148:156], " \x00")
	if len(field) == 0 || len(field) > 7 {
		return false
	}
	var stated int64
	for _, c := range field {
		if c < '0' || c > '7' {
			return false
		}
		stated = stated<<3 | int64(c-'0')
	}
	var unsigned, signed int64
	for i, c := range block[:tarBlock] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return stated == unsigned || stated == signed
}

// falseName reports whether the name alone says archive of data that is none, for
// the gap. The zeros that end a tar are one, with nothing in it.
func falseName(name string, data []byte) bool {
	if len(data) == 0 {
		return false
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".zip", ".jar", ".war", ".ear", ".whl", ".tgz", ".7z", ".rar":
		return true
	case ".tar":
		return len(data)%tarBlock != 0 || len(bytes.TrimLeft(data, "\x00")) > 0
	}
	return false
}
