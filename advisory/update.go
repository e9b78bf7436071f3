package advisory

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// UpdateOptions says what to fetch, from where, to where.
type UpdateOptions struct {
	Dir         string         // of the database; made if absent
	Source      string         // http or https URL or directory with the OSV bucket's layout; "" is PublicSource
	Ecosystems  []string       // base names, "npm"; nil is all that the source lists and fnvet can order
	SkipMissing bool           // pass over ecosystems that the source does not have, unless it has none of them
	Progress    func(Progress) // may be nil; not called concurrently
	Client      *http.Client   // nil for one with time-outs
	Now         time.Time      // zero is the current time
	Stall       time.Duration  // give up an attempt without data for so long; 0 is 30 seconds
	Pause       time.Duration  // before the second attempt, doubled for each after it; 0 is half a second
}

// Progress is one step of an update.
type Progress struct {
	Ecosystem string
	Stage     Stage
	Done      int64 // bytes or records
	Total     int64 // the same, or -1 if unknown
}

// A Stage is what an update is doing.
type Stage string

// The stages.
const (
	StageFetch   Stage = "fetch"   // in bytes
	StageCompile Stage = "compile" // in records
	StageSame    Stage = "same"    // unchanged since the last update
	StageWrite   Stage = "write"   // in bytes
)

// ErrLocked says that another process is updating the same directory.
var ErrLocked = errors.New("another update of this database is running")

// ErrSource says that what the source sent is not what its layout says.
var ErrSource = errors.New("not usable advisory data")

// Update fetches advisories and compiles them into the index file of o.Dir. The
// new file replaces the old one in one step at the end; the old one is kept
// beside it. After an error the old database is as it was. With
// o.Ecosystems, the other ecosystems of an existing database stay as they are.
func Update(ctx context.Context, o UpdateOptions) (Status, error) {
	o.defaults()
	src, err := openSource(&o)
	if err != nil {
		return Status{}, err
	}
	unlock, err := lock(o.Dir)
	if err != nil {
		return Status{}, err
	}
	defer unlock()
	u := &update{o: &o, src: src}
	defer u.close()
	if err := u.openOld(); err != nil {
		return Status{}, err
	}
	return u.run(ctx)
}

func (o *UpdateOptions) defaults() {
	if o.Source == "" {
		o.Source = PublicSource
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	o.Now = o.Now.UTC().Truncate(time.Second)
}

// lock makes the directory and locks it.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // advisories are public
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o644) //nolint:gosec // as above
	if err != nil {
		return nil, err
	}
	if err := tryLock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}

// update holds the state of one Update.
type update struct {
	o        *UpdateOptions
	src      source
	old      *DB // nil if there is none to keep anything of
	sections []*section
	temps    []string
}

// openOld opens the present database. One of another format or a damaged one
// counts as none.
func (u *update) openOld() error {
	stale, err := filepath.Glob(filepath.Join(u.o.Dir, tempPattern))
	if err != nil {
		return err
	}
	u.temps = stale
	db, err := Open(u.o.Dir)
	switch {
	case err == nil:
		u.old = db
	case errors.Is(err, ErrNoDatabase), errors.Is(err, ErrCorrupt), errors.Is(err, ErrFormat):
	default:
		return err
	}
	return nil
}

// close removes what an update left behind, this one or one that was killed.
func (u *update) close() {
	if u.old != nil {
		_ = u.old.Close() // read only
	}
	for _, name := range u.temps {
		_ = os.Remove(name) // the next update tries again
	}
}

func (u *update) run(ctx context.Context) (Status, error) {
	names, err := u.ecosystems(ctx)
	if err != nil {
		return Status{}, err
	}
	var missing error
	for _, name := range names {
		s, err := u.ecosystem(ctx, name)
		if errors.Is(err, os.ErrNotExist) && u.o.SkipMissing {
			missing = fmt.Errorf("update %s: %w", name, err)
			continue
		}
		if err != nil {
			return Status{}, fmt.Errorf("update %s: %w", name, err)
		}
		u.sections = append(u.sections, s)
	}
	if len(u.sections) == 0 {
		return Status{}, missing
	}
	if u.old != nil && len(u.o.Ecosystems) > 0 {
		for _, info := range u.old.dir.Sections {
			if !slices.Contains(names, info.Ecosystem) {
				u.sections = append(u.sections, &section{info: info})
			}
		}
	}
	slices.SortFunc(u.sections, func(a, b *section) int { return strings.Compare(a.info.Ecosystem, b.info.Ecosystem) })
	return u.write()
}

// ecosystems returns the base ecosystems to fetch.
func (u *update) ecosystems(ctx context.Context) ([]string, error) {
	if len(u.o.Ecosystems) > 0 {
		var list []string
		for _, name := range u.o.Ecosystems {
			base, _, _ := strings.Cut(name, ":")
			if !validEcosystem(base) {
				return nil, fmt.Errorf("ecosystem %q: no such name", name)
			}
			list = append(list, base)
		}
		slices.Sort(list)
		return slices.Compact(list), nil
	}
	var text memory
	if _, err := u.src.fetch(ctx, "ecosystems.txt", "", maxList, &text, func(int64, int64) {}); err != nil {
		return nil, err
	}
	list := parseEcosystems(text.String())
	if len(list) == 0 {
		return nil, fmt.Errorf("ecosystems.txt: %w: it lists no known ecosystem", ErrSource)
	}
	return list, nil
}

type memory struct{ bytes.Buffer }

func (m *memory) Reset() error { m.Buffer.Reset(); return nil }

// ecosystem fetches and compiles one ecosystem, or finds it unchanged.
func (u *update) ecosystem(ctx context.Context, name string) (*section, error) {
	tag := ""
	old := u.oldInfo(name)
	if old != nil && old.Source == u.o.Source {
		tag = old.Tag
	}
	f, err := u.temp()
	if err != nil {
		return nil, err
	}
	defer f.Close() // removed at the end
	report := func(done, total int64) { u.o.Progress(Progress{name, StageFetch, done, total}) }
	newTag, err := u.src.fetch(ctx, name+"/all.zip", tag, maxZip, tempFile{f}, report)
	if errors.Is(err, errUnchanged) && old != nil {
		u.o.Progress(Progress{Ecosystem: name, Stage: StageSame})
		info := *old
		info.Updated = u.o.Now
		return &section{info: info}, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := u.compile(ctx, name, f)
	if err != nil {
		return nil, err
	}
	s.info.Source, s.info.Tag, s.info.Updated = u.o.Source, newTag, u.o.Now
	return s, nil
}

func (u *update) oldInfo(name string) *sectionInfo {
	if u.old == nil {
		return nil
	}
	for i := range u.old.dir.Sections {
		if u.old.dir.Sections[i].Ecosystem == name {
			return &u.old.dir.Sections[i]
		}
	}
	return nil
}

// temp makes a file that is removed at the end of the update.
func (u *update) temp() (*os.File, error) {
	f, err := os.CreateTemp(u.o.Dir, tempPattern)
	if err == nil {
		u.temps = append(u.temps, f.Name())
	}
	return f, err
}

type tempFile struct{ *os.File }

func (t tempFile) Reset() error {
	if _, err := t.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return t.Truncate(0)
}

// compile reads the records of an all.zip, on all cores, and builds the section.
func (u *update) compile(ctx context.Context, name string, f *os.File) (*section, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s/all.zip: %w: %w", name, ErrSource, err)
	}
	files, err := zipFiles(z)
	if err != nil {
		return nil, fmt.Errorf("%s/all.zip: %w: %w", name, ErrSource, err)
	}
	records, skipped, err := readRecords(ctx, name, files, func(n int) {
		u.o.Progress(Progress{name, StageCompile, int64(n), int64(len(files))})
	})
	if err != nil {
		return nil, err
	}
	modified := newest(records, u.o.Now)
	s, err := buildSection(name, records)
	if err != nil {
		return nil, err
	}
	s.info.Skipped, s.info.Modified = skipped, modified
	return s, nil
}

// newest returns the time of the newest record. Some records are dated years
// ahead; they say nothing about the age of the data.
func newest(records []*record, now time.Time) time.Time {
	var t time.Time
	for _, r := range records {
		if r.modified.After(t) && !r.modified.After(now) {
			t = r.modified
		}
	}
	return t
}

// chunk is how many records a worker takes at a time.
const chunk = 256

// readRecords parses files on all cores. Files that are no records are counted
// and passed over; too many of them are an error.
func readRecords(ctx context.Context, base string, files []*zip.File, progress func(int)) ([]*record, int, error) {
	slots := make([][]*record, (len(files)+chunk-1)/chunk)
	bad := make([]int, len(slots))
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range slots {
		g.Go(func() error {
			part := files[i*chunk : min(len(files), (i+1)*chunk)]
			var err error
			slots[i], bad[i], err = readChunk(ctx, base, part)
			mu.Lock()
			defer mu.Unlock()
			done += len(part)
			progress(done)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, 0, err
	}
	records, skipped := slices.Concat(slots...), 0
	for _, n := range bad {
		skipped += n
	}
	if len(records) == 0 || skipped > len(files)/100+1 {
		return nil, 0, fmt.Errorf("%s/all.zip: %w: %d of %d records could be read", base, ErrSource, len(files)-skipped, len(files))
	}
	return records, skipped, nil
}

func readChunk(ctx context.Context, base string, files []*zip.File) (list []*record, bad int, err error) {
	var buf []byte
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		if buf, err = readEntry(f, buf); err != nil {
			return nil, 0, fmt.Errorf("%s/all.zip: %w: %w", base, ErrSource, err)
		}
		r, err := parseRecord(buf, base)
		if err != nil {
			bad++
		} else if r != nil {
			list = append(list, r)
		}
	}
	return list, bad, nil
}

// write writes the index to a temporary file and swaps it in.
func (u *update) write() (Status, error) {
	f, err := u.temp()
	if err != nil {
		return Status{}, err
	}
	defer f.Close() // closed below when it matters
	w, err := newIndexWriter(f)
	if err != nil {
		return Status{}, err
	}
	dir := directory{Source: u.o.Source, Updated: u.o.Now}
	for _, s := range u.sections {
		data := io.Reader(bytes.NewReader(s.data))
		if s.data == nil {
			data = io.NewSectionReader(u.old.file, s.info.Offset, s.info.Size)
		}
		info, err := w.add(s.info, data)
		if err != nil {
			return Status{}, fmt.Errorf("write %s: %w", info.Ecosystem, err)
		}
		dir.Sections = append(dir.Sections, info)
		u.o.Progress(Progress{info.Ecosystem, StageWrite, w.at, -1})
	}
	size, err := w.finish(dir)
	if err != nil {
		return Status{}, err
	}
	if err := f.Chmod(0o644); err != nil && runtime.GOOS != "windows" {
		return Status{}, err
	}
	if err := f.Close(); err != nil {
		return Status{}, err
	}
	if u.old != nil {
		if err := u.old.Close(); err != nil {
			return Status{}, err
		}
		u.old = nil
	}
	return statusOf(dir, size), swap(u.o.Dir, f.Name())
}

// swap puts a finished file in the place of the index. The old index becomes
// the previous one: by a second link, so that there is an index at every moment.
func swap(dir, name string) error {
	current, previous := filepath.Join(dir, indexName), filepath.Join(dir, previousName)
	if _, err := os.Stat(current); err == nil {
		if err := os.Remove(previous); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		// Where the file system knows no links, the old index is not kept.
		_ = os.Link(current, previous)
	}
	if err := os.Rename(name, current); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename durable where directories can be synced.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir) // the user's directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
