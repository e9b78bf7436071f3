package advisory

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A lookup maps names to values: the feeds by CVE id, the ratings by any id. It
// is laid out as a section whose package blocks hold names in ascending order,
// each without the letters it shares with the one before, and their values.
type lookup map[string]string

// The lookups of an index.
const (
	lookupKEV     = "kev"     // due date
	lookupEPSS    = "epss"    // probability in millionths
	lookupRatings = "ratings" // lender and grade
)

func buildLookup(name string, values lookup) (*section, error) {
	w, err := newBlockWriter()
	if err != nil {
		return nil, err
	}
	last := ""
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if len(w.current.b) == 0 {
			last = ""
		}
		w.add(key, 0, func(e *encoder) {
			shared := sharedPrefix(last, key)
			e.number(shared)
			e.text(key[shared:])
			e.text(values[key])
		})
		last = key
	}
	t := table{packages: w.finish()}
	s := &section{info: sectionInfo{Ecosystem: name, Advisories: len(values)}, data: w.out}
	packed := w.zip.EncodeAll(t.encode(), nil)
	s.info.TableAt, s.info.TableSize, s.info.TableSum = int64(len(s.data)), int64(len(packed)), castagnoli(packed)
	s.data = append(s.data, packed...)
	s.info.Size = int64(len(s.data))
	return s, nil
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// An entryReader reads the entries of one block of a lookup in their order.
type entryReader struct {
	rest       decoder
	key, value []byte // of the entry read last; overwritten by the next
	begun      bool
}

// next reads an entry. It is false at the end of the block and when that is
// damaged, which failed tells.
func (r *entryReader) next() bool {
	d := &r.rest
	if len(d.b) == 0 || d.bad {
		return false
	}
	shared := d.number()
	if shared > len(r.key) {
		d.fail()
		return false
	}
	rest := d.bytes()
	if r.begun && bytes.Compare(rest, r.key[shared:]) <= 0 {
		d.fail()
	}
	r.key = append(r.key[:shared], rest...)
	r.value, r.begun = d.bytes(), true
	return !d.bad
}

func (r *entryReader) failed() error {
	if r.rest.bad {
		return fmt.Errorf("%w: block of a lookup", ErrCorrupt)
	}
	return nil
}

// decodeLookup reads one block.
func decodeLookup(raw []byte) (lookup, error) {
	r, values := entryReader{rest: decoder{b: raw}}, lookup{}
	for r.next() {
		values[string(r.key)] = string(r.value)
	}
	if err := r.failed(); err != nil {
		return nil, err
	}
	return values, nil
}

// A lookupReader answers for names, best in ascending order: it keeps its place in
// the last block. nil knows no name. It is not for concurrent use.
type lookupReader struct {
	*sectionReader
	at      int // index of the block held, plus one
	raw     []byte
	entries entryReader
}

// lookup opens a lookup of the database, or returns nil.
func (db *DB) lookup(name string) (*lookupReader, error) {
	i := slices.IndexFunc(db.dir.Lookups, func(s sectionInfo) bool { return s.Ecosystem == name })
	if i < 0 {
		return nil, nil
	}
	s, err := openSection(db.file, db.dir.Lookups[i], db.unzip)
	if err != nil {
		return nil, err
	}
	return &lookupReader{sectionReader: s}, nil
}

// find returns the value of a name.
func (l *lookupReader) find(name string) (string, bool, error) {
	if l == nil {
		return "", false, nil
	}
	i, found := slices.BinarySearchFunc(l.table.packages, name, func(b blockInfo, name string) int { return strings.Compare(b.name, name) })
	if !found {
		i--
	}
	if i < 0 {
		return "", false, nil
	}
	if l.at != i+1 {
		l.at = 0
		raw, err := l.block(l.table.packages[i], l.raw)
		if err != nil {
			return "", false, err
		}
		l.at, l.raw, l.entries = i+1, raw, entryReader{rest: decoder{b: raw}}
	}
	r := &l.entries
	if string(r.key) > name {
		*r = entryReader{rest: decoder{b: l.raw}}
	}
	for !r.begun || string(r.key) < name {
		if !r.next() {
			return "", false, r.failed()
		}
	}
	if string(r.key) != name {
		return "", false, nil
	}
	return string(r.value), true, nil
}

// load reads the whole lookup.
func (l *lookupReader) load() (lookup, error) {
	all := lookup{}
	for _, b := range l.table.packages {
		raw, err := l.block(b, nil)
		if err != nil {
			return nil, err
		}
		values, err := decodeLookup(raw)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, values)
	}
	if len(all) != l.info.Advisories {
		return nil, fmt.Errorf("%w: %s has %d names instead of %d", ErrCorrupt, l.info.Ecosystem, len(all), l.info.Advisories)
	}
	return all, nil
}

// reader opens a section that was just built, or one of the old file.
func (s *section) reader(old io.ReaderAt) (*sectionReader, error) {
	unzip, err := newUnzip()
	if err != nil {
		return nil, err
	}
	file, info := old, s.info
	if s.data != nil {
		file, info.Offset = bytes.NewReader(s.data), 0
	}
	return openSection(file, info, unzip)
}
