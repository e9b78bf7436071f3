package rpm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The SQLite file format, https://www.sqlite.org/fileformat2.html: as much as
// walking one table needs.
const (
	sqliteMagic    = "SQLite format 3\x00"
	sqliteHeader   = 100
	sqliteInterior = 0x05
	sqliteLeaf     = 0x0d
	maxTreeDepth   = 40
)

var errSQLite = errors.New("damaged SQLite file")

type sqlite struct {
	data   []byte
	page   int // bytes in a page
	usable int // bytes in a page less those reserved
	visits int // pages that may still be visited
	left   int // bytes of payload that may still be read
}

// readSQLite hands the blob of each row of table Packages to found.
func readSQLite(data []byte, found func([]byte) error) error {
	if len(data) < 512 {
		return errSQLite
	}
	s := sqlite{data: data, page: int(binary.BigEndian.Uint16(data[16:]))}
	if s.page == 1 {
		s.page = 65536
	}
	s.usable = s.page - int(data[20])
	if s.page < 512 || s.page&(s.page-1) != 0 || s.usable < 480 {
		return errSQLite
	}
	s.visits, s.left = len(data)/s.page+1, len(data)
	root := 0
	err := s.rows(1, 0, func(row []byte) error {
		cols, err := columns(row, 5)
		if err == nil && len(cols) > 3 && string(cols[0].data) == "table" && string(cols[1].data) == "Packages" {
			root = cols[3].number()
		}
		return err
	})
	if err != nil {
		return err
	}
	if root == 0 {
		return errNotRPM
	}
	return s.rows(root, 0, func(row []byte) error {
		cols, err := columns(row, 2)
		if err != nil || len(cols) < 2 {
			return errors.Join(err, errSQLite)
		}
		return found(cols[1].data)
	})
}

// rows walks the table tree at page n.
func (s *sqlite) rows(n, depth int, row func([]byte) error) error {
	if n < 1 || n*s.page > len(s.data) {
		return fmt.Errorf("%w: page %d is missing", errSQLite, n)
	}
	if s.visits--; s.visits < 0 || depth > maxTreeDepth {
		return fmt.Errorf("%w: pages form no tree", errSQLite)
	}
	page := s.data[(n-1)*s.page : n*s.page]
	head := page
	if n == 1 {
		head = page[sqliteHeader:]
	}
	count := int(binary.BigEndian.Uint16(head[3:]))
	pointers := head[8:]
	if head[0] == sqliteInterior {
		pointers = head[12:]
	} else if head[0] != sqliteLeaf {
		return fmt.Errorf("%w: page %d is of no table", errSQLite, n)
	}
	if 2*count > len(pointers) {
		return errSQLite
	}
	for i := range count {
		at := int(binary.BigEndian.Uint16(pointers[2*i:]))
		if at+4 > len(page) {
			return errSQLite
		}
		err := error(nil)
		if head[0] == sqliteInterior {
			err = s.rows(int(binary.BigEndian.Uint32(page[at:])), depth+1, row)
		} else {
			err = s.cell(page[at:min(len(page), s.usable)], row)
		}
		if err != nil {
			return err
		}
	}
	if head[0] == sqliteInterior {
		return s.rows(int(binary.BigEndian.Uint32(head[8:])), depth+1, row)
	}
	return nil
}

// cell reads a leaf cell: the payload's size, the row id, the payload, of which
// what does not fit lies on overflow pages.
func (s *sqlite) cell(cell []byte, row func([]byte) error) error {
	size, n := varint(cell)
	_, m := varint(cell[n:])
	if n == 0 || m == 0 || size > maxHeader {
		return errSQLite
	}
	cell = cell[n+m:]
	total := int(size)
	local := s.local(total)
	if local > len(cell) {
		return errSQLite
	}
	if s.left -= total; s.left < 0 {
		return fmt.Errorf("%w: cells overlap", errSQLite)
	}
	if local == total {
		return row(cell[:local])
	}
	if local+4 > len(cell) {
		return errSQLite
	}
	payload := append(make([]byte, 0, total), cell[:local]...)
	next := int(binary.BigEndian.Uint32(cell[local:]))
	for len(payload) < total {
		if next < 1 || next*s.page > len(s.data) {
			return fmt.Errorf("%w: page %d is missing", errSQLite, next)
		}
		page := s.data[(next-1)*s.page : next*s.page]
		take := min(total-len(payload), s.usable-4)
		payload = append(payload, page[4:4+take]...)
		next = int(binary.BigEndian.Uint32(page))
	}
	return row(payload)
}

// local is how much of a payload lies in its leaf cell (section 1.6 of the format).
func (s *sqlite) local(total int) int {
	most := s.usable - 35
	if total <= most {
		return total
	}
	least := (s.usable-12)*32/255 - 23
	if k := least + (total-least)%(s.usable-4); k <= most {
		return k
	}
	return least
}

// A column is one value of a record.
type column struct {
	serial uint64
	data   []byte
}

// number reads an integer column of up to 4 bytes.
func (c column) number() int {
	if c.serial == 9 {
		return 1
	}
	if c.serial < 1 || c.serial > 4 {
		return 0
	}
	n := 0
	for _, b := range c.data {
		n = n<<8 | int(b)
	}
	return n
}

// columns reads up to limit columns of a record (section 2.1 of the format).
func columns(record []byte, limit int) ([]column, error) {
	headSize, n := varint(record)
	if n == 0 || headSize > uint64(len(record)) || len(record[:headSize]) < n {
		return nil, errSQLite
	}
	head, body := record[n:headSize], record[headSize:]
	var out []column
	for len(head) > 0 && len(out) < limit {
		serial, n := varint(head)
		if n == 0 {
			return nil, errSQLite
		}
		head = head[n:]
		size := serialSize(serial)
		if size > uint64(len(body)) {
			return nil, errSQLite
		}
		out = append(out, column{serial, body[:size]})
		body = body[size:]
	}
	return out, nil
}

func serialSize(serial uint64) uint64 {
	switch {
	case serial >= 12:
		return (serial - 12) / 2
	case serial == 5:
		return 6
	case serial == 6 || serial == 7:
		return 8
	case serial >= 8:
		return 0
	}
	return serial
}

// varint reads a big-endian integer of 1 to 9 bytes; n is 0 when it is cut off.
func varint(data []byte) (v uint64, n int) {
	for n < len(data) && n < 9 {
		b := data[n]
		n++
		if n == 9 {
			return v<<8 | uint64(b), n
		}
		v = v<<7 | uint64(b&0x7f)
		if b < 0x80 {
			return v, n
		}
	}
	return 0, 0
}
