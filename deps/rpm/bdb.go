package rpm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Berkeley DB hash files, from dbinc/db_page.h of Berkeley DB 5.3.
const (
	bdbMagic      = 0x061561
	bdbPageHeader = 26
	bdbHash       = 13 // page types
	bdbUnsorted   = 2
	bdbOverflow   = 7
	bdbOffPage    = 3 // item types
	bdbKeyData    = 1
)

var (
	errBDB    = errors.New("damaged Berkeley DB file")
	errNotRPM = errors.New("not an RPM database")
)

// bdb is a hash file of either byte order.
type bdb struct {
	data  []byte
	order binary.ByteOrder
	page  uint32 // bytes in a page
	left  int    // bytes of blobs that may still be read
}

// readBDB hands each value of a hash file to found. The values are package
// headers, and one small counter.
func readBDB(data []byte, found func([]byte) error) error {
	if len(data) < 512 {
		return errNotRPM
	}
	b := bdb{data: data, order: binary.LittleEndian, left: len(data)}
	if b.order.Uint32(data[12:]) != bdbMagic {
		b.order = binary.BigEndian
	}
	if b.order.Uint32(data[12:]) != bdbMagic {
		return errNotRPM
	}
	b.page = b.order.Uint32(data[20:])
	if b.page < 512 || b.page > 64<<10 || b.page&(b.page-1) != 0 {
		return errBDB
	}
	if data[24] != 0 {
		return errors.New("encrypted Berkeley DB file")
	}
	last := b.order.Uint32(data[32:])
	for n := uint32(1); n <= last; n++ {
		page := b.at(n)
		if page == nil {
			return fmt.Errorf("%w: page %d of %d is missing", errBDB, n, last)
		}
		if page[25] == bdbHash || page[25] == bdbUnsorted {
			if err := b.values(page, found); err != nil {
				return err
			}
		}
	}
	return nil
}

// at returns page n, or nil.
func (b *bdb) at(n uint32) []byte {
	start := uint64(n) * uint64(b.page)
	if start+uint64(b.page) > uint64(len(b.data)) {
		return nil
	}
	return b.data[start : start+uint64(b.page)]
}

// values reads the items of a hash page: keys and values in turn, their
// offsets after the page header, the items from the end of the page down.
func (b *bdb) values(page []byte, found func([]byte) error) error {
	count := int(b.order.Uint16(page[20:]))
	if bdbPageHeader+2*count > len(page) {
		return errBDB
	}
	for i := 1; i < count; i += 2 {
		at := int(b.order.Uint16(page[bdbPageHeader+2*i:]))
		end := int(b.order.Uint16(page[bdbPageHeader+2*(i-1):]))
		if at+12 > len(page) && at >= end || at >= len(page) {
			return errBDB
		}
		var blob []byte
		switch page[at] {
		case bdbOffPage:
			if at+12 > len(page) {
				return errBDB
			}
			var err error
			if blob, err = b.chain(b.order.Uint32(page[at+4:]), b.order.Uint32(page[at+8:])); err != nil {
				return err
			}
		case bdbKeyData:
			if end > at+1 && end <= len(page) {
				blob = page[at+1 : end]
			}
			if b.left -= len(blob); b.left < 0 {
				return fmt.Errorf("%w: values overlap", errBDB)
			}
		}
		if len(blob) > 16 { // the counter has four bytes
			if err := found(blob); err != nil {
				return err
			}
		}
	}
	return nil
}

// chain joins size bytes of overflow pages.
func (b *bdb) chain(n, size uint32) ([]byte, error) {
	if size > maxHeader || int(size) > b.left {
		return nil, fmt.Errorf("%w: values overlap", errBDB)
	}
	b.left -= int(size)
	out := make([]byte, 0, size)
	for n != 0 && len(out) < int(size) {
		page := b.at(n)
		if page == nil || page[25] != bdbOverflow {
			return nil, fmt.Errorf("%w: page %d is not an overflow page", errBDB, n)
		}
		used := min(int(b.order.Uint16(page[22:])), len(page)-bdbPageHeader)
		if used == 0 {
			break
		}
		out = append(out, page[bdbPageHeader:bdbPageHeader+used]...)
		n = b.order.Uint32(page[16:])
	}
	if len(out) < int(size) {
		return nil, fmt.Errorf("%w: a value is cut off", errBDB)
	}
	return out[:size], nil
}
