package advisory

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A section holds the records of one base ecosystem: zstd blocks of package
// entries in the order of their names, zstd blocks of records in the order of
// their numbers, a Bloom filter of the names, and a table of all blocks. It is
// addressed from its own start, so an update can copy it as it is.
type section struct {
	info sectionInfo
	data []byte
}

// sectionInfo is a section's line in the directory of the index file.
type sectionInfo struct {
	Ecosystem  string    `json:"ecosystem"`
	Advisories int       `json:"advisories"`
	Packages   int       `json:"packages"`
	Skipped    int       `json:"skipped,omitempty"`
	Modified   time.Time `json:"modified"`
	Updated    time.Time `json:"updated"`
	Source     string    `json:"source"`
	Tag        string    `json:"tag,omitempty"`      // ETag, or size and time of a file
	ListTag    string    `json:"list_tag,omitempty"` // the same of modified_id.csv
	Offset     int64     `json:"offset"`
	Size       int64     `json:"size"`
	TableAt    int64     `json:"table_at"` // of the compressed table, from Offset
	TableSize  int64     `json:"table_size"`
	TableSum   uint32    `json:"table_sum"`
	FilterAt   int64     `json:"filter_at"`
	FilterSize int64     `json:"filter_size"`
	FilterSum  uint32    `json:"filter_sum"`
	// Other ids that were seen: withdrawn, of other ecosystems, unreadable.
	SeenAt   int64  `json:"seen_at,omitempty"`
	SeenSize int64  `json:"seen_size,omitempty"`
	SeenSum  uint32 `json:"seen_sum,omitempty"`
}

// blockInfo places one block; first is a name or a record number.
type blockInfo struct {
	name   string
	number int
	at     int64
	size   int
	raw    int
	sum    uint32
}

// table is the decoded table of a section.
type table struct {
	releases []string
	packages []blockInfo
	records  []blockInfo
}

const (
	blockSize  = 16 << 10 // bytes of a block before compression, where entries allow
	maxBlock   = 64 << 20
	maxTable   = 64 << 20
	maxFilter  = 64 << 20
	filterBits = 10 // a name; with 7 probes 1 in 100 unknown names passes
	probes     = 7
)

func castagnoli(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func compareNames(a, b string) int { return strings.Compare(a, b) }

// addArtifacts adds ":artifact" entries that list the full Maven names.
func addArtifacts(byName map[string]*packageEntry) {
	others := map[string][]string{}
	for name := range byName {
		if _, artifact, ok := strings.Cut(name, ":"); ok {
			others[":"+artifact] = append(others[":"+artifact], name)
		}
	}
	for name, list := range others {
		slices.Sort(list)
		byName[name] = &packageEntry{name: name, others: list}
	}
}

// sortRecords orders records by the first package they name, so that the
// records of one package share a block, and drops double ids, newest first.
func sortRecords(records []*record) []*record {
	slices.SortFunc(records, func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.id, b.id), b.modified.Compare(a.modified))
	})
	records = slices.CompactFunc(records, func(a, b *record) bool { return a.id == b.id })
	first := func(r *record) string { return r.affected[0].name }
	slices.SortFunc(records, func(a, b *record) int {
		return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(a.id, b.id))
	})
	return records
}

// buildSection compiles records. It takes them over and sorts them. others are
// the ids of the source that gave no record.
func buildSection(base string, records []*record, others []seen) (*section, error) {
	records = sortRecords(records)
	packages := packagesOf(base, records)
	w, err := newBlockWriter()
	if err != nil {
		return nil, err
	}
	for i := range packages {
		w.add(packages[i].name, 0, func(e *encoder) { e.packageEntry(&packages[i]) })
	}
	t := table{releases: releasesOf(records), packages: w.finish()}
	for i, r := range records {
		w.add("", i, func(e *encoder) { e.sized(func(e *encoder) { e.record(r) }) })
	}
	t.records = w.finish()
	s := &section{info: sectionInfo{Ecosystem: base, Advisories: len(records), Packages: len(packages)}}
	s.data = w.out
	if len(others) > 0 {
		packed := w.zip.EncodeAll(encodeSeen(others), nil)
		s.info.SeenAt, s.info.SeenSize, s.info.SeenSum = int64(len(s.data)), int64(len(packed)), castagnoli(packed)
		s.data = append(s.data, packed...)
	}
	for _, o := range others {
		s.info.Skipped += btoi(o.bad)
	}
	filter := buildFilter(packages)
	s.info.FilterAt, s.info.FilterSize, s.info.FilterSum = int64(len(s.data)), int64(len(filter)), castagnoli(filter)
	s.data = append(s.data, filter...)
	packed := w.zip.EncodeAll(t.encode(), nil)
	s.info.TableAt, s.info.TableSize, s.info.TableSum = int64(len(s.data)), int64(len(packed)), castagnoli(packed)
	s.data = append(s.data, packed...)
	s.info.Size = int64(len(s.data))
	return s, nil
}

func releasesOf(records []*record) []string {
	seen := map[string]bool{}
	for _, r := range records {
		for i := range r.affected {
			seen[r.affected[i].release] = true
		}
	}
	list := make([]string, 0, len(seen))
	for release := range seen {
		list = append(list, release)
	}
	slices.Sort(list)
	return list
}

// blockWriter collects entries into blocks and compresses them.
type blockWriter struct {
	zip     *zstd.Encoder
	current encoder
	open    blockInfo
	out     []byte
	blocks  []blockInfo
}

func newBlockWriter() (*blockWriter, error) {
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	return &blockWriter{zip: zip}, err
}

func (w *blockWriter) add(name string, number int, write func(*encoder)) {
	if len(w.current.b) == 0 {
		w.open = blockInfo{name: name, number: number}
	}
	write(&w.current)
	if len(w.current.b) >= blockSize {
		w.flush()
	}
}

func (w *blockWriter) flush() {
	if len(w.current.b) == 0 {
		return
	}
	at := len(w.out)
	w.out = w.zip.EncodeAll(w.current.b, w.out)
	w.open.at, w.open.size, w.open.raw = int64(at), len(w.out)-at, len(w.current.b)
	w.open.sum = castagnoli(w.out[at:])
	w.blocks = append(w.blocks, w.open)
	w.current.b = w.current.b[:0]
}

func (w *blockWriter) finish() []blockInfo {
	w.flush()
	blocks := w.blocks
	w.blocks = nil
	return blocks
}

func (t *table) encode() []byte {
	var e encoder
	e.texts(t.releases)
	for _, list := range [][]blockInfo{t.packages, t.records} {
		e.number(len(list))
		for _, b := range list {
			e.text(b.name)
			e.number(b.number)
			e.number(int(b.at))
			e.number(b.size)
			e.number(b.raw)
			e.sum(b.sum)
		}
	}
	return e.b
}

func decodeTable(raw []byte) (*table, error) {
	d := decoder{b: raw}
	t := &table{releases: d.texts()}
	for _, list := range []*[]blockInfo{&t.packages, &t.records} {
		n := d.count()
		for range n {
			*list = append(*list, blockInfo{
				name: d.text(), number: d.number(), at: int64(d.number()),
				size: d.number(), raw: d.number(), sum: d.sum(),
			})
			if d.bad {
				break
			}
		}
	}
	if d.bad || len(d.b) > 0 {
		return nil, fmt.Errorf("%w: table of blocks", ErrCorrupt)
	}
	return t, nil
}

// hashName is FNV-1a of 64 bits, split into two for double hashing.
func hashName(name string) (uint32, uint32) {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	h ^= h >> 32
	return uint32(h), uint32(h>>32) | 1 //nolint:gosec // halves
}

func buildFilter(packages []packageEntry) []byte {
	filter := make([]byte, (len(packages)*filterBits+7)/8+8)
	for i := range packages {
		a, b := hashName(packages[i].name)
		for range probes {
			bit := uint64(a) % uint64(len(filter)*8)
			filter[bit/8] |= 1 << (bit % 8)
			a += b
		}
	}
	return filter
}

// mayHold is false for names that are not in the filter.
func mayHold(filter []byte, name string) bool {
	if len(filter) == 0 {
		return false
	}
	a, b := hashName(name)
	for range probes {
		bit := uint64(a) % uint64(len(filter)*8)
		if filter[bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
		a += b
	}
	return true
}

// sectionReader reads a section straight from the file: its table and filter
// once, then one block at a time.
type sectionReader struct {
	info   sectionInfo
	file   io.ReaderAt
	table  *table
	filter []byte
	unzip  *zstd.Decoder
}

func (s sectionInfo) check(size int64) error {
	inside := func(at, n, limit int64) bool { return at >= 0 && n >= 0 && n <= limit && at <= limit-n }
	if !inside(s.Offset, s.Size, size) || !inside(s.TableAt, s.TableSize, s.Size) || !inside(s.FilterAt, s.FilterSize, s.Size) ||
		!inside(s.SeenAt, s.SeenSize, s.Size) || s.TableSize > maxTable || s.FilterSize > maxFilter || s.Advisories < 0 {
		return fmt.Errorf("%w: section %q lies outside the file", ErrCorrupt, s.Ecosystem)
	}
	return nil
}

func openSection(file io.ReaderAt, info sectionInfo, unzip *zstd.Decoder) (*sectionReader, error) {
	s := &sectionReader{info: info, file: file, unzip: unzip}
	var err error
	if s.filter, err = s.part(info.FilterAt, int(info.FilterSize), info.FilterSum); err != nil {
		return nil, err
	}
	packed, err := s.part(info.TableAt, int(info.TableSize), info.TableSum)
	if err != nil {
		return nil, err
	}
	raw, err := unzip.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: table of %s: %w", ErrCorrupt, info.Ecosystem, err)
	}
	if s.table, err = decodeTable(raw); err != nil {
		return nil, err
	}
	return s, nil
}

// part reads size bytes at an offset of the section and checks their sum.
func (s *sectionReader) part(at int64, size int, sum uint32) ([]byte, error) {
	if at < 0 || size < 0 || size > maxBlock || at+int64(size) > s.info.Size {
		return nil, fmt.Errorf("%w: block outside section %s", ErrCorrupt, s.info.Ecosystem)
	}
	buf := make([]byte, size)
	if _, err := s.file.ReadAt(buf, s.info.Offset+at); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, s.info.Ecosystem, err)
	}
	if castagnoli(buf) != sum {
		return nil, fmt.Errorf("%w: checksum of a block of %s", ErrCorrupt, s.info.Ecosystem)
	}
	return buf, nil
}

// block reads and decompresses one block, into the room that buf has if it has any.
func (s *sectionReader) block(b blockInfo, buf []byte) ([]byte, error) {
	if b.raw > maxBlock {
		return nil, fmt.Errorf("%w: block of %d bytes", ErrCorrupt, b.raw)
	}
	packed, err := s.part(b.at, b.size, b.sum)
	if err != nil {
		return nil, err
	}
	raw, err := s.unzip.DecodeAll(packed, slices.Grow(buf[:0], b.raw))
	if err != nil || len(raw) != b.raw {
		return nil, fmt.Errorf("%w: block of %s does not decompress", ErrCorrupt, s.info.Ecosystem)
	}
	return raw, nil
}

// A cursor reads packages and records of one section, best in ascending order:
// it keeps the last block of each kind. It is not for concurrent use.
type cursor struct {
	*sectionReader
	packageBlock, recordBlock int // index of the block held, plus one
	packageRaw, recordRaw     []byte
	records                   [][]byte // encoded
}

// find returns the entry of a package in normal form, or nil.
func (c *cursor) find(name string) (*packageEntry, error) {
	if !mayHold(c.filter, name) {
		return nil, nil
	}
	i, found := slices.BinarySearchFunc(c.table.packages, name, func(b blockInfo, name string) int {
		return compareNames(b.name, name)
	})
	if !found {
		i--
	}
	if i < 0 {
		return nil, nil
	}
	if c.packageBlock != i+1 {
		c.packageBlock = 0
		raw, err := c.block(c.table.packages[i], c.packageRaw)
		if err != nil {
			return nil, err
		}
		c.packageRaw, c.packageBlock = raw, i+1
	}
	d := decoder{b: c.packageRaw}
	p := d.find(name)
	if d.bad {
		return nil, fmt.Errorf("%w: packages of %s", ErrCorrupt, c.info.Ecosystem)
	}
	return p, nil
}

// record returns the record of a number.
func (c *cursor) record(number int) (*record, error) {
	i, found := slices.BinarySearchFunc(c.table.records, number, func(b blockInfo, n int) int { return b.number - n })
	if !found {
		i--
	}
	if i >= 0 && c.recordBlock != i+1 {
		c.recordBlock = 0
		raw, err := c.block(c.table.records[i], c.recordRaw)
		if err != nil {
			return nil, err
		}
		c.recordRaw, c.records, c.recordBlock = raw, splitRecords(raw), i+1
	}
	if i < 0 || number-c.table.records[i].number >= len(c.records) {
		return nil, fmt.Errorf("%w: %s has no record %d", ErrCorrupt, c.info.Ecosystem, number)
	}
	d := decoder{b: c.records[number-c.table.records[i].number]}
	r := d.record()
	if d.bad || len(d.b) > 0 {
		return nil, fmt.Errorf("%w: record %d of %s", ErrCorrupt, number, c.info.Ecosystem)
	}
	return r, nil
}

// splitRecords cuts a block into its encoded records; a damaged rest is left out.
func splitRecords(raw []byte) [][]byte {
	var list [][]byte
	d := decoder{b: raw}
	for len(d.b) > 0 {
		body := d.bytes()
		if d.bad {
			break
		}
		list = append(list, body)
	}
	return list
}

// load decodes the whole section back into its records.
func (s *sectionReader) load() ([]*record, error) {
	c := cursor{sectionReader: s}
	records := make([]*record, 0, min(s.info.Advisories, 1<<20))
	imports := make([]map[string][]goImport, 0, cap(records))
	for i := range s.info.Advisories {
		r, err := c.record(i)
		if err != nil {
			return nil, err
		}
		named := map[string][]goImport{}
		for _, a := range r.affected {
			named[a.name] = a.imports
		}
		r.affected = nil
		records, imports = append(records, r), append(imports, named)
	}
	for _, b := range s.table.packages {
		raw, err := s.block(b, nil)
		if err != nil {
			return nil, err
		}
		d := decoder{b: raw}
		for _, p := range d.all() {
			for _, x := range p.entries {
				if x.record >= len(records) {
					return nil, fmt.Errorf("%w: %s names record %d", ErrCorrupt, p.name, x.record)
				}
				x.imports = imports[x.record][x.name]
				delete(imports[x.record], x.name)
				records[x.record].affected = append(records[x.record].affected, x.affected)
			}
		}
		if d.bad {
			return nil, fmt.Errorf("%w: packages of %s", ErrCorrupt, s.info.Ecosystem)
		}
	}
	for _, r := range records {
		if len(r.affected) == 0 {
			return nil, fmt.Errorf("%w: %s affects nothing", ErrCorrupt, r.id)
		}
	}
	return records, nil
}
