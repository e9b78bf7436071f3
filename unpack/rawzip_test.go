package unpack_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// A rawEntry is one entry of a zip that may lie. The zero value of what it
// overrides tells the truth.
type rawEntry struct {
	name      string
	data      string // before compression
	packed    []byte // instead of deflating data
	method    uint16 // in both headers; 8 if stored is false and packed nil
	stored    bool
	flags     uint16
	crc       uint32
	usize     uint32
	csize     uint32
	extern    uint32
	localName string
	localSize uint32 // compressed, in the local header
	localMeth uint16
	noLocal   bool   // points at the local header of the entry before
	noCentral bool   // is not in the directory
	extra     []byte // of the central directory
}

func deflated(data string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = w.Write([]byte(data))
	_ = w.Close()
	return b.Bytes()
}

// rawZip writes entries, with prefix before and suffix after them.
func rawZip(tb testing.TB, entries ...rawEntry) []byte {
	tb.Helper()
	var b, central bytes.Buffer
	le := binary.LittleEndian
	count, offset := uint16(0), uint32(0)
	for _, e := range entries {
		packed, method := e.packed, e.method
		if packed == nil {
			if e.stored {
				packed = []byte(e.data)
			} else {
				packed, method = deflated(e.data), 8
			}
		}
		crc := orU(e.crc, crc32.ChecksumIEEE([]byte(e.data)))
		usize, csize := orU(e.usize, uint32(len(e.data))), orU(e.csize, uint32(len(packed)))
		if !e.noLocal {
			offset = uint32(b.Len())
			localName := or(e.localName, e.name)
			head := []byte("PK\x03\x04\x14\x00")
			head = le.AppendUint16(head, e.flags)
			head = le.AppendUint16(head, uint16(orU(uint32(e.localMeth), uint32(method))))
			head = append(head, 0, 0, 0x21, 0)
			head = le.AppendUint32(head, crc)
			head = le.AppendUint32(head, orU(e.localSize, csize))
			head = le.AppendUint32(head, usize)
			head = le.AppendUint16(head, uint16(len(localName)))
			head = le.AppendUint16(head, 0)
			b.Write(head)
			b.WriteString(localName)
			b.Write(packed)
		}
		if e.noCentral {
			continue
		}
		count++
		head := []byte("PK\x01\x02\x14\x03\x14\x00")
		head = le.AppendUint16(head, e.flags)
		head = le.AppendUint16(head, method)
		head = append(head, 0, 0, 0x21, 0)
		head = le.AppendUint32(head, crc)
		head = le.AppendUint32(head, csize)
		head = le.AppendUint32(head, usize)
		head = le.AppendUint16(head, uint16(len(e.name)))
		head = le.AppendUint16(head, uint16(len(e.extra)))
		head = append(head, 0, 0, 0, 0, 0, 0)
		head = le.AppendUint32(head, e.extern)
		head = le.AppendUint32(head, offset)
		central.Write(head)
		central.WriteString(e.name)
		central.Write(e.extra)
	}
	return append(append(b.Bytes(), central.Bytes()...), endRecord(count, uint32(central.Len()), uint32(b.Len()))...)
}

func endRecord(count uint16, size, offset uint32) []byte {
	le := binary.LittleEndian
	end := []byte("PK\x05\x06\x00\x00\x00\x00")
	end = le.AppendUint16(end, count)
	end = le.AppendUint16(end, count)
	end = le.AppendUint32(end, size)
	end = le.AppendUint32(end, offset)
	return le.AppendUint16(end, 0) // no comment
}

func orU(v, def uint32) uint32 {
	if v == 0 {
		return def
	}
	return v
}
