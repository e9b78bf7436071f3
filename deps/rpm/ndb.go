package rpm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// NDB, from lib/backend/ndb/rpmpkg.c of rpm: little-endian; a header of 32
// bytes, slots of 16 bytes in the first pages of 4096, blobs in units of 16.
const (
	ndbHeader = 32
	ndbSlot   = 16
	ndbPage   = 4096
	ndbUnit   = 16
)

var errNDB = errors.New("damaged NDB file")

// readNDB hands each blob to found.
func readNDB(data []byte, found func([]byte) error) error {
	if len(data) < ndbHeader {
		return errNDB
	}
	le := binary.LittleEndian
	slots := uint64(le.Uint32(data[12:])) * ndbPage
	if slots < ndbPage || slots > uint64(len(data)) {
		return fmt.Errorf("%w: slots are cut off", errNDB)
	}
	left := uint64(len(data))
	for at := uint64(ndbHeader); at+ndbSlot <= slots; at += ndbSlot {
		slot := data[at:]
		if string(slot[:4]) != "Slot" {
			return fmt.Errorf("%w: no slot at byte %d", errNDB, at)
		}
		index, start := le.Uint32(slot[4:]), uint64(le.Uint32(slot[8:]))*ndbUnit
		if index == 0 { // free
			continue
		}
		if start+16 > uint64(len(data)) || string(data[start:start+4]) != "BlbS" || le.Uint32(data[start+4:]) != index {
			return fmt.Errorf("%w: no package at byte %d", errNDB, start)
		}
		size := uint64(le.Uint32(data[start+12:]))
		if size > maxHeader || start+16+size > uint64(len(data)) || size > left {
			return fmt.Errorf("%w: the package at byte %d is cut off", errNDB, start)
		}
		left -= size
		if err := found(data[start+16 : start+16+size]); err != nil {
			return err
		}
	}
	return nil
}
