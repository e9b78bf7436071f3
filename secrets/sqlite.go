package secrets

import (
	"bytes"
	"encoding/binary"
)

// Fields of SQLite's database header and b-tree pages
// (https://www.sqlite.org/fileformat2.html).
const (
	sqliteMagic     = "SQLite format 3\x00"
	sqliteHeader    = 100
	sqliteLeafTable = 13
	sqliteMaxRecord = 1 << 16
)

// sqliteStrings takes text values out of the leaf pages of an SQLite database's
// tables. Of values that overflow their page it takes what is on the page;
// sqliteOverflow puts them together.
func sqliteStrings(data []byte, add func(start, end int)) {
	eachCell(data, func(c sqliteCell) {
		c.values(data[:c.end], func(at, width int) {
			if width = min(width, c.end-at); width >= minRun {
				add(at, at+width)
			}
		})
	})
}

// A sqliteCell is a row of a table: its record's size and where it begins, how
// much of it is on the page, and where the page ends.
type sqliteCell struct{ payload, at, local, end, usable int }

// eachCell calls visit for the rows of a database's tables, in page order.
func eachCell(data []byte, visit func(sqliteCell)) {
	if len(data) < sqliteHeader {
		return
	}
	size := int(binary.BigEndian.Uint16(data[16:]))
	if size == 1 {
		size = 1 << 16
	}
	if size < 512 {
		return
	}
	for page := 0; page+size <= len(data); page += size {
		head := page
		if page == 0 {
			head = sqliteHeader
		}
		if data[head] != sqliteLeafTable {
			continue
		}
		cells := int(binary.BigEndian.Uint16(data[head+3:]))
		for i := 0; i < cells && head+10+2*i <= page+size; i++ {
			at := page + int(binary.BigEndian.Uint16(data[head+8+2*i:]))
			if at >= page+size {
				continue
			}
			c := sqliteCell{end: page + size, usable: size - int(data[20])}
			c.payload, at = varint(data[:c.end], at)
			_, c.at = varint(data[:c.end], at) // row id
			c.local = c.onPage()
			visit(c)
		}
	}
}

// onPage is how many bytes of a row stand on its leaf page (file format, 1.6).
func (c *sqliteCell) onPage() int {
	most := c.usable - 35
	if c.payload <= most {
		return c.payload
	}
	least := (c.usable-12)*32/255 - 23
	if k := least + (c.payload-least)%max(c.usable-4, 1); k <= most {
		return k
	}
	return least
}

// values calls visit with where the texts and blobs of the record at c.at are.
func (c *sqliteCell) values(data []byte, visit func(at, width int)) {
	start := c.at
	n, at := varint(data, start)
	if n > sqliteMaxRecord {
		return
	}
	body := start + n
	for head := body; at < head && at < len(data); {
		var kind int
		kind, at = varint(data, at)
		width := sqliteWidth(kind)
		if body >= len(data) {
			return
		}
		if kind >= 12 {
			visit(body, width)
		}
		body += width
	}
}

// Limits of what is put together of one database.
const (
	maxOverflow  = 4 << 20  // bytes of one row
	maxOverflows = 64 << 20 // bytes of all rows
)

// sqliteOverflow calls scan with each value that goes on on overflow pages: a
// chain of pages, each with the number of the next in its first four bytes.
func sqliteOverflow(data []byte, scan func(value []byte, start, end int) error) error {
	if !bytes.HasPrefix(data, []byte(sqliteMagic)) {
		return nil
	}
	var err error
	left := maxOverflows
	eachCell(data, func(c sqliteCell) {
		if err != nil || c.payload <= c.local || c.payload > maxOverflow || c.local < 0 || c.at+c.local+4 > c.end || c.payload > left {
			return
		}
		left -= c.payload
		row := c.assemble(data)
		w := sqliteCell{}
		w.values(row, func(at, width int) {
			if stop := min(at+width, len(row)); stop > c.local && err == nil {
				err = scan(row[at:stop], c.at, c.end)
			}
		})
	})
	return err
}

// assemble joins a row's parts.
func (c *sqliteCell) assemble(data []byte) []byte {
	size := int(binary.BigEndian.Uint16(data[16:]))
	if size == 1 {
		size = 1 << 16
	}
	row := bytes.Clone(data[c.at : c.at+c.local])
	next := int(binary.BigEndian.Uint32(data[c.at+c.local:]))
	for next > 0 && len(row) < c.payload {
		page := (next - 1) * size
		if page+size > len(data) {
			break
		}
		next = int(binary.BigEndian.Uint32(data[page:]))
		part := data[page+4 : page+max(c.usable, 4)]
		row = append(row, part[:min(len(part), c.payload-len(row))]...)
	}
	return row
}

// sqliteWidth is the number of bytes of a value by its serial type.
func sqliteWidth(kind int) int {
	switch {
	case kind >= 12:
		return (kind - 12) / 2
	case kind == 5:
		return 6
	case kind == 6 || kind == 7:
		return 8
	case kind >= 1 && kind <= 4:
		return kind
	}
	return 0
}

// varint reads SQLite's big-endian variable-length integer, cut off at 2^31.
func varint(data []byte, at int) (value, next int) {
	for i := 0; i < 9 && at < len(data); i++ {
		c := data[at]
		at++
		value = min(value<<7|int(c&0x7f), 1<<31)
		if c < 0x80 {
			break
		}
	}
	return value, at
}
