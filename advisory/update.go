package advisory

import (
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
	"time"

	"github.com/fnvet/fnvet/internal/filelock"
)

// UpdateOptions says what to fetch, from where, to where.
type UpdateOptions struct {
	Dir         string         // of the database; made if absent
	Source      string         // http or https URL or directory with the OSV bucket's layout; "" is PublicSource
	Mirrors     []string       // other sources of the same data, tried in this order where one before fails
	KEV, EPSS   string         // URL or file of a feed; "" is the public one if Source is, NoFeed none; see PublicKEV
	Full        bool           // fetch whole ecosystems even where only a few records changed
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
	StageRecords Stage = "records" // fetched one by one
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
// Where the source lists its records (modified_id.csv) and few changed since the
// last update, only those are fetched. A feed that cannot be fetched is no error:
// the old one stays, and Status.Changes says why.
func Update(ctx context.Context, o UpdateOptions) (Status, error) {
	o.defaults()
	mirrors, err := openMirrors(&o)
	if err != nil {
		return Status{}, err
	}
	unlock, err := lock(o.Dir)
	if err != nil {
		return Status{}, err
	}
	defer unlock()
	u := &update{o: &o, mirrors: mirrors}
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
	if err := filelock.Try(f); err != nil {
		if errors.Is(err, filelock.ErrHeld) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}

// update holds the state of one Update.
type update struct {
	o        *UpdateOptions
	mirrors  []*mirror
	old      *DB // nil if there is none to keep anything of
	sections []*section
	lookups  []*section
	changes  []Change
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
	if err := u.lookUps(ctx); err != nil {
		return Status{}, err
	}
	st, err := u.write()
	st.Changes = u.changes
	return st, err
}

// lookUps fetches the feeds and makes the ratings.
func (u *update) lookUps(ctx context.Context) error {
	for _, f := range u.o.feeds() {
		s, err := u.feed(ctx, f)
		if ctx.Err() != nil || errors.Is(err, errWrite) {
			return err
		}
		change := Change{Name: f.name, Source: f.source, How: ChangeFull}
		switch {
		case err != nil:
			change.How, change.Error = ChangeFailed, err.Error()
		case s != nil && s.data == nil:
			change.How = ChangeSame
		}
		if f.source != "" && f.source != NoFeed {
			u.changes = append(u.changes, change)
		}
		if s != nil {
			u.lookups = append(u.lookups, s)
		}
	}
	s, err := u.rate()
	if err != nil {
		return err
	}
	u.lookups = append(u.lookups, s)
	return nil
}

// rate makes the ratings anew if any section is not as it was.
func (u *update) rate() (*section, error) {
	old := u.oldLookup(lookupRatings)
	fresh := func(s *section) bool { return s.data != nil }
	if old != nil && len(u.sections) == len(u.old.dir.Sections) && !slices.ContainsFunc(u.sections, fresh) {
		return &section{info: *old}, nil
	}
	values, err := ratings(u.eachRecord)
	if err != nil {
		return nil, err
	}
	return buildLookup(lookupRatings, values)
}

// eachRecord calls f with every record of the new database.
func (u *update) eachRecord(f func(base string, r *record)) error {
	for _, s := range u.sections {
		var file io.ReaderAt
		if u.old != nil {
			file = u.old.file
		}
		reader, err := s.reader(file)
		if err != nil {
			return err
		}
		c := cursor{sectionReader: reader}
		for i := range s.info.Advisories {
			r, err := c.record(i)
			if err != nil {
				return err
			}
			f(s.info.Ecosystem, r)
		}
		reader.unzip.Close()
	}
	return nil
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
	return first(ctx, u.mirrors, func(m *mirror) ([]string, error) {
		var text memory
		if _, err := m.fetch(ctx, "ecosystems.txt", "", maxList, &text, func(int64, int64) {}); err != nil {
			return nil, err
		}
		list := parseEcosystems(text.String())
		if len(list) == 0 {
			return nil, fmt.Errorf("ecosystems.txt: %w: it lists no known ecosystem", ErrSource)
		}
		return list, nil
	})
}

type memory struct{ bytes.Buffer }

func (m *memory) Reset() error { m.Buffer.Reset(); return nil }

// ecosystem brings one ecosystem up to date from the first mirror that can.
func (u *update) ecosystem(ctx context.Context, name string) (*section, error) {
	return first(ctx, u.mirrors, func(m *mirror) (*section, error) {
		s, err := u.incremental(ctx, m, u.oldInfo(name))
		if errors.Is(err, errWhole) {
			return u.whole(ctx, m, name)
		}
		return s, err
	})
}

// same keeps a section of the old database.
func (u *update) same(old *sectionInfo, listTag string) *section {
	u.o.Progress(Progress{Ecosystem: old.Ecosystem, Stage: StageSame})
	u.changes = append(u.changes, Change{Name: old.Ecosystem, Source: old.Source, How: ChangeSame})
	info := *old
	info.Updated, info.ListTag = u.o.Now, listTag
	return &section{info: info}
}

// whole fetches and compiles one ecosystem, or finds it unchanged.
func (u *update) whole(ctx context.Context, m *mirror, name string) (*section, error) {
	tag := ""
	old := u.oldInfo(name)
	if old != nil && old.Source == m.name {
		tag = old.Tag
	}
	f, err := u.temp()
	if err != nil {
		return nil, err
	}
	defer f.Close() // removed at the end
	report := func(done, total int64) { u.o.Progress(Progress{name, StageFetch, done, total}) }
	newTag, err := m.fetch(ctx, name+"/all.zip", tag, maxZip, tempFile{f}, report)
	if errors.Is(err, errUnchanged) && old != nil {
		return u.same(old, old.ListTag), nil
	}
	if err != nil {
		return nil, err
	}
	if err := checkFile(ctx, m, name+"/all.zip", f); err != nil {
		return nil, err
	}
	s, err := u.compile(ctx, name, f)
	if err != nil {
		return nil, err
	}
	s.info.Source, s.info.Tag, s.info.Updated = m.name, newTag, u.o.Now
	return s, u.compare(s, old, m)
}

// compare notes what a whole ecosystem brought against the old one.
func (u *update) compare(s *section, old *sectionInfo, m *mirror) error {
	before := map[string]int64{}
	if old != nil {
		reader, err := openSection(u.old.file, *old, u.old.unzip)
		if err == nil {
			before, err = reader.known()
		}
		if err != nil {
			before = map[string]int64{} // damaged, and about to be replaced
		}
	}
	reader, err := s.reader(nil)
	if err != nil {
		return err
	}
	defer reader.unzip.Close()
	after, err := reader.known()
	if err != nil {
		return err
	}
	fetched, gone := difference(after, before)
	c := countChanges(before, fetched, gone)
	c.Name, c.Source, c.How = s.info.Ecosystem, m.name, ChangeFull
	u.changes = append(u.changes, c)
	return nil
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
	for i, s := range slices.Concat(u.sections, u.lookups) {
		data := io.Reader(bytes.NewReader(s.data))
		if s.data == nil {
			data = io.NewSectionReader(u.old.file, s.info.Offset, s.info.Size)
		}
		info, err := w.add(s.info, data)
		if err != nil {
			return Status{}, fmt.Errorf("write %s: %w", info.Ecosystem, err)
		}
		if i < len(u.sections) {
			dir.Sections = append(dir.Sections, info)
		} else {
			dir.Lookups = append(dir.Lookups, info)
		}
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
	return describe(dir, size), swap(u.o.Dir, f.Name())
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
