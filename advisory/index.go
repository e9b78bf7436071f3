package advisory

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Errors a caller may want to tell apart.
var (
	// ErrNoDatabase: the directory holds no database.
	ErrNoDatabase = errors.New("no advisory database")
	// ErrCorrupt: the file is damaged or is no database.
	ErrCorrupt = errors.New("damaged advisory database")
	// ErrFormat: the file has another format version; updating replaces it.
	ErrFormat = errors.New("advisory database of another format version")
)

// Format is the version of the index file's layout.
const Format = 2

// The files of a database directory.
const (
	indexName    = "advisories.fndb"
	previousName = "advisories.previous.fndb"
	lockName     = "update.lock"
	tempPattern  = "advisories.*.tmp"
)

// The header of the file: magic, format, where the directory is, the size of
// the file and the SHA-256 of everything after the header. Numbers are little
// endian. The last four bytes are the CRC-32C of those before.
const (
	magic        = "fnvetdb\x00"
	headerSize   = 80
	maxDirectory = 16 << 20
)

type header struct {
	format    uint32
	directory int64 // offset
	length    int64
	size      int64
	sum       [sha256.Size]byte
}

func (h *header) encode() []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, h.format)
	for _, n := range []int64{h.directory, h.length, h.size} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n)) //nolint:gosec // sizes of what was written
	}
	b = append(b, h.sum[:]...)
	b = append(b, make([]byte, headerSize-4-len(b))...)
	return binary.LittleEndian.AppendUint32(b, castagnoli(b))
}

func decodeHeader(b []byte) (*header, error) {
	if len(b) < headerSize || !bytes.HasPrefix(b, []byte(magic)) {
		return nil, fmt.Errorf("%w: not an index file", ErrCorrupt)
	}
	h := &header{format: binary.LittleEndian.Uint32(b[8:])}
	if h.format != Format {
		return nil, fmt.Errorf("%w: it has version %d, this program reads %d", ErrFormat, h.format, Format)
	}
	if binary.LittleEndian.Uint32(b[headerSize-4:]) != castagnoli(b[:headerSize-4]) {
		return nil, fmt.Errorf("%w: checksum of the header", ErrCorrupt)
	}
	for i, n := range []*int64{&h.directory, &h.length, &h.size} {
		*n = int64(binary.LittleEndian.Uint64(b[12+8*i:])) //nolint:gosec // checked below
	}
	copy(h.sum[:], b[36:])
	if h.directory < headerSize || h.length < 0 || h.length > maxDirectory || h.size < 0 || h.directory > h.size-h.length {
		return nil, fmt.Errorf("%w: directory outside the file", ErrCorrupt)
	}
	return h, nil
}

// directory is the JSON at the end of the file: what there is, not the records.
type directory struct {
	Source  string    `json:"source"`
	Updated time.Time `json:"updated"`
	// Content is the SHA-256, in hex, of what the sections and lookups say; "" in
	// files of before there was any.
	Content  string        `json:"content,omitempty"`
	Sections []sectionInfo `json:"sections"`
	Lookups  []sectionInfo `json:"lookups,omitempty"`
}

// An indexFile is where a database is read from.
type indexFile interface {
	io.ReaderAt
	io.Closer
}

// A DB is an open database. It may be used from several goroutines.
type DB struct {
	file     indexFile
	header   *header
	dir      directory
	partial  bool // of what was asked for: no release is known to be missing
	unzip    *zstd.Decoder
	mu       sync.Mutex
	sections map[string]*sectionReader // opened so far
}

// Open opens the database of a directory. It reads the header and the directory
// of the file and nothing else. The error is ErrNoDatabase, ErrCorrupt or
// ErrFormat, or what the file system said.
func Open(dir string) (*DB, error) {
	path := filepath.Join(dir, indexName)
	db, err := openFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", ErrNoDatabase, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

func openFile(path string) (*DB, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	db, err := newDB(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return db, nil
}

func newDB(f *os.File) (*DB, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	db := &DB{file: f, sections: map[string]*sectionReader{}}
	if db.header, db.dir, err = readDirectory(f, info.Size()); err != nil {
		return nil, err
	}
	db.unzip, err = newUnzip()
	return db, err
}

// maxUnzips bounds the blocks that are decompressed at once.
const maxUnzips = 4

func newUnzip() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(min(maxUnzips, runtime.GOMAXPROCS(0))), zstd.WithDecoderMaxMemory(maxBlock), zstd.WithDecoderLowmem(true))
}

// readDirectory reads and checks the header and the directory of a file of size bytes.
func readDirectory(file io.ReaderAt, size int64) (*header, directory, error) {
	var dir directory
	buf := make([]byte, min(headerSize, max(size, 0)))
	if _, err := file.ReadAt(buf, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, dir, err
	}
	h, err := decodeHeader(buf)
	if err != nil {
		return nil, dir, err
	}
	if h.size != size {
		return nil, dir, fmt.Errorf("%w: %d bytes instead of %d", ErrCorrupt, size, h.size)
	}
	buf = make([]byte, h.length)
	if _, err := file.ReadAt(buf, h.directory); err != nil {
		return nil, dir, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if len(buf) < 4 || binary.LittleEndian.Uint32(buf) != castagnoli(buf[4:]) {
		return nil, dir, fmt.Errorf("%w: checksum of the directory", ErrCorrupt)
	}
	if err := json.Unmarshal(buf[4:], &dir); err != nil {
		return nil, dir, fmt.Errorf("%w: directory: %w", ErrCorrupt, err)
	}
	for _, s := range slices.Concat(dir.Sections, dir.Lookups) {
		if err := s.check(h.directory); err != nil {
			return nil, dir, err
		}
	}
	return h, dir, nil
}

// Close closes the file.
func (db *DB) Close() error {
	db.unzip.Close()
	return db.file.Close()
}

// section opens the section of a base ecosystem, or returns nil.
func (db *DB) section(base string) (*sectionReader, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if s := db.sections[base]; s != nil {
		return s, nil
	}
	i := slices.IndexFunc(db.dir.Sections, func(s sectionInfo) bool { return s.Ecosystem == base })
	if i < 0 {
		return nil, nil
	}
	s, err := openSection(db.file, db.dir.Sections[i], db.unzip)
	if err != nil {
		return nil, err
	}
	db.sections[base] = s
	return s, nil
}

// Status describes a database.
type Status struct {
	Source     string            // where it was fetched from
	Updated    time.Time         // when it was fetched last
	Modified   time.Time         // of the newest record that is not dated in the future
	Advisories int               // records, one for each ecosystem it affects
	Ecosystems []EcosystemStatus // in the order of their names
	Feeds      []FeedStatus      // KEV and EPSS, as far as there are any
	Size       int64             // bytes of the index file
	Format     int
	Changes    []Change // what the update that returned it did; else nil
}

// FeedStatus describes a feed.
type FeedStatus struct {
	Name    string    // "kev" or "epss"
	Source  string    // URL or file it came from
	Entries int       // CVE ids
	Dated   time.Time // of the feed itself, as it states
	Updated time.Time // when it was last fetched or found unchanged
}

// A Change is what an update did to an ecosystem or feed.
type Change struct {
	Name                    string // "npm", "kev"
	Source                  string // of the mirror that served it
	How                     string // one of the Change constants
	Added, Changed, Removed int    // records, compared with the database before; for feeds 0
	Error                   string // why a feed could not be fetched, else ""
}

// The ways an update brings an ecosystem or feed up to date.
const (
	ChangeFull    = "full"    // fetched whole
	ChangeRecords = "records" // only the records that changed
	ChangeSame    = "same"    // nothing changed
	ChangeFailed  = "failed"  // a feed that stays as it was
)

// EcosystemStatus describes the records of one ecosystem.
type EcosystemStatus struct {
	Name       string
	Advisories int
	Packages   int       // names with advisories
	Skipped    int       // records that could not be read
	Modified   time.Time // as in Status
	Updated    time.Time // when its records were last fetched or found unchanged
}

// Status tells what the database holds.
func (db *DB) Status() Status { return describe(db.dir, db.header.size) }

func describe(dir directory, size int64) Status {
	st := Status{Source: dir.Source, Updated: dir.Updated, Size: size, Format: Format}
	for _, s := range dir.Sections {
		st.Advisories += s.Advisories
		if s.Modified.After(st.Modified) {
			st.Modified = s.Modified
		}
		st.Ecosystems = append(st.Ecosystems, EcosystemStatus{
			Name: s.Ecosystem, Advisories: s.Advisories, Packages: s.Packages, Skipped: s.Skipped, Modified: s.Modified, Updated: s.Updated,
		})
	}
	for _, l := range dir.Lookups {
		if l.Ecosystem != lookupRatings {
			st.Feeds = append(st.Feeds, FeedStatus{l.Ecosystem, l.Source, l.Advisories, l.Modified, l.Updated})
		}
	}
	return st
}

// Verify reads the whole database of a directory: the checksum of the file, and
// every block of it.
func Verify(dir string) error {
	db, err := Open(dir)
	if err != nil {
		return err
	}
	defer db.Close() // read only
	return db.verify()
}

func (db *DB) verify() error {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(db.file, headerSize, db.header.size-headerSize)); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if !bytes.Equal(h.Sum(nil), db.header.sum[:]) {
		return fmt.Errorf("%w: checksum of the file", ErrCorrupt)
	}
	if err := db.verifyContent(); err != nil {
		return err
	}
	for _, info := range db.dir.Sections {
		s, err := db.section(info.Ecosystem)
		if err != nil {
			return err
		}
		if _, err := s.load(); err != nil {
			return err
		}
		if _, err := s.seen(); err != nil {
			return err
		}
	}
	for _, info := range db.dir.Lookups {
		l, err := db.lookup(info.Ecosystem)
		if err != nil {
			return err
		}
		if _, err := l.load(); err != nil {
			return err
		}
	}
	return nil
}

// verifyContent compares what the database says with the checksum that names it.
func (db *DB) verifyContent() error {
	if db.dir.Content == "" {
		return nil
	}
	sum := contentSum{sha256.New()}
	for _, info := range slices.Concat(db.dir.Sections, db.dir.Lookups) {
		if _, err := sum.add(&info, io.NewSectionReader(db.file, info.Offset, info.Size), io.Discard); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
	}
	if sum.text() != db.dir.Content {
		return fmt.Errorf("%w: checksum of the records", ErrCorrupt)
	}
	return nil
}

// indexWriter writes an index file: sections, then the directory, then the header.
type indexWriter struct {
	file    *os.File
	sum     hash.Hash
	content *contentSum
	at      int64
}

// A contentSum is the checksum of what sections say, in their order: all of them but
// the ids that gave no record, which change more often and answer nothing.
type contentSum struct{ hash.Hash }

// add reads a section, of which it passes the rest on to w.
func (c contentSum) add(info *sectionInfo, data io.Reader, w io.Writer) (int64, error) {
	fmt.Fprintf(c, "%q %d %d\n", info.Ecosystem, info.Advisories, info.Size-info.SeenSize)
	both := io.MultiWriter(w, c)
	before, err := io.Copy(both, io.LimitReader(data, info.SeenAt))
	if err != nil {
		return before, err
	}
	passed, err := io.Copy(w, io.LimitReader(data, info.SeenSize))
	if err != nil {
		return before + passed, err
	}
	rest, err := io.Copy(both, data)
	return before + passed + rest, err
}

func (c contentSum) text() string { return hex.EncodeToString(c.Sum(nil)) }

func newIndexWriter(f *os.File) (*indexWriter, error) {
	w := &indexWriter{file: f, sum: sha256.New(), content: &contentSum{sha256.New()}, at: headerSize}
	_, err := f.WriteAt(make([]byte, headerSize), 0)
	return w, err
}

func (w *indexWriter) Write(b []byte) (int, error) {
	n, err := w.file.WriteAt(b, w.at)
	w.at += int64(n)
	w.sum.Write(b[:n])
	return n, err
}

// add copies a section and returns its directory line.
func (w *indexWriter) add(info sectionInfo, data io.Reader) (sectionInfo, error) {
	info.Offset = w.at
	n, err := w.content.add(&info, data, w)
	if err == nil && n != info.Size {
		err = io.ErrUnexpectedEOF
	}
	return info, err
}

// finish writes the directory and the header and makes the file durable.
func (w *indexWriter) finish(dir directory) (int64, error) {
	dir.Content = w.content.text()
	text, err := json.Marshal(dir)
	if err != nil {
		return 0, err
	}
	h := header{format: Format, directory: w.at, length: int64(len(text)) + 4}
	buf := binary.LittleEndian.AppendUint32(nil, castagnoli(text))
	if _, err := w.Write(append(buf, text...)); err != nil {
		return 0, err
	}
	h.size = w.at
	copy(h.sum[:], w.sum.Sum(nil))
	if _, err := w.file.WriteAt(h.encode(), 0); err != nil {
		return 0, err
	}
	return h.size, w.file.Sync()
}
