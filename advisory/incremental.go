package advisory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// When an incremental update pays: few records, and few of all.
const (
	maxSingles  = 400
	singleShare = 4 // at most one record in so many
	singlesOnce = 8 // requests at a time
	maxListing  = 256 << 20
	maxIDs      = 5_000_000
)

// seen is an id of a source that gave no record: withdrawn, affecting other
// ecosystems only, or bad: not readable. Without it each update would fetch it anew.
type seen struct {
	id       string
	modified int64 // Unix seconds
	bad      bool
}

func sortSeen(list []seen) []seen {
	slices.SortFunc(list, func(a, b seen) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(b.modified, a.modified)) })
	return slices.CompactFunc(list, func(a, b seen) bool { return a.id == b.id })
}

func encodeSeen(list []seen) []byte {
	var e encoder
	for _, s := range list {
		e.text(s.id)
		e.number(int(s.modified))
		e.flag(s.bad)
	}
	return e.b
}

// seen reads the ids that gave no record.
func (s *sectionReader) seen() ([]seen, error) {
	if s.info.SeenSize == 0 {
		return nil, nil
	}
	packed, err := s.part(s.info.SeenAt, int(s.info.SeenSize), s.info.SeenSum)
	if err != nil {
		return nil, err
	}
	raw, err := s.unzip.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: ids of %s: %w", ErrCorrupt, s.info.Ecosystem, err)
	}
	d := decoder{b: raw}
	var list []seen
	for len(d.b) > 0 && !d.bad {
		list = append(list, seen{d.text(), int64(d.number()), d.flag()})
	}
	if d.bad {
		return nil, fmt.Errorf("%w: ids of %s", ErrCorrupt, s.info.Ecosystem)
	}
	return list, nil
}

// known maps every id of a section to the time its record was modified.
func (s *sectionReader) known() (map[string]int64, error) {
	others, err := s.seen()
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int64, s.info.Advisories+len(others))
	for _, o := range others {
		ids[o.id] = o.modified
	}
	c := cursor{sectionReader: s}
	for i := range s.info.Advisories {
		r, err := c.record(i)
		if err != nil {
			return nil, err
		}
		ids[r.id] = r.modified.Unix()
	}
	return ids, nil
}

// parseListing reads modified_id.csv: lines of a time and an id.
func parseListing(text string) (map[string]int64, error) {
	ids := map[string]int64{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		when, id, ok := strings.Cut(line, ",")
		if _, err := time.Parse(time.RFC3339, when); !ok || err != nil || !validID(id) {
			return nil, fmt.Errorf("modified_id.csv: %w: line %q", ErrSource, oneLine(line))
		}
		ids[id] = max(ids[id], parseTime(when).Unix())
	}
	if len(ids) == 0 || len(ids) > maxIDs {
		return nil, fmt.Errorf("modified_id.csv: %w: it lists %d records", ErrSource, len(ids))
	}
	return ids, nil
}

// validID keeps ids that are one path element.
func validID(id string) bool {
	ok := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.:", r)
	}
	return id != "" && len(id) <= maxText && id[0] != '.' && strings.IndexFunc(id, func(r rune) bool { return !ok(r) }) < 0
}

// difference compares what a listing and a database hold: the ids to fetch, sorted,
// and those that are gone.
func difference(listing, known map[string]int64) (fetch []string, gone map[string]bool) {
	gone = map[string]bool{}
	for id, modified := range listing {
		if have, ok := known[id]; !ok || have != modified {
			fetch = append(fetch, id)
		}
	}
	for id := range known {
		if _, ok := listing[id]; !ok {
			gone[id] = true
		}
	}
	slices.Sort(fetch)
	return fetch, gone
}

var errWhole = errors.New("fetch the whole ecosystem")

// incremental brings a section of the old database up to date record by record.
// It returns errWhole where that is not possible or does not pay.
func (u *update) incremental(ctx context.Context, m *mirror, old *sectionInfo) (*section, error) {
	if _, web := m.source.(*webSource); !web || old == nil || old.Source != m.name || u.o.Full {
		return nil, errWhole
	}
	var text memory
	report := func(done, total int64) { u.o.Progress(Progress{old.Ecosystem, StageFetch, done, total}) }
	tag, err := m.fetch(ctx, old.Ecosystem+"/modified_id.csv", old.ListTag, maxListing, &text, report)
	if errors.Is(err, errUnchanged) {
		return u.same(old, old.ListTag), nil
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, errWhole
	}
	if err != nil {
		return nil, err
	}
	listing, err := parseListing(text.String())
	if err != nil {
		return nil, errWhole
	}
	reader, err := openSection(u.old.file, *old, u.old.unzip)
	if err != nil {
		return nil, errWhole // the old database is damaged
	}
	known, err := reader.known()
	if err != nil {
		return nil, errWhole
	}
	fetch, gone := difference(listing, known)
	if len(fetch)+len(gone) == 0 {
		return u.same(old, tag), nil
	}
	if len(fetch) > maxSingles || (len(fetch)+len(gone))*singleShare > len(known)+singleShare {
		return nil, errWhole
	}
	fresh, err := u.singles(ctx, m, old.Ecosystem, fetch)
	if err != nil {
		return nil, err
	}
	s, err := merge(reader, fresh, gone, listing, u.o.Now)
	if err != nil {
		return nil, err
	}
	s.info.Source, s.info.ListTag, s.info.Updated = m.name, tag, u.o.Now
	c := countChanges(known, fetch, gone)
	c.Name, c.Source, c.How = old.Ecosystem, m.name, ChangeRecords
	u.changes = append(u.changes, c)
	return s, nil
}

func countChanges(known map[string]int64, fetched []string, gone map[string]bool) Change {
	c := Change{Removed: len(gone)}
	for _, id := range fetched {
		if _, ok := known[id]; ok {
			c.Changed++
		} else {
			c.Added++
		}
	}
	return c
}

// single is a record that was fetched alone; nil when it gives none.
type single struct {
	id     string
	record *record
	bad    bool
}

// singles fetches records one by one, several at a time.
func (u *update) singles(ctx context.Context, m *mirror, base string, ids []string) ([]single, error) {
	list := make([]single, len(ids))
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(singlesOnce)
	for i, id := range ids {
		g.Go(func() error {
			var data memory
			_, err := m.fetch(ctx, base+"/"+id+".json", "", maxRecord, &data, func(int64, int64) {})
			if errors.Is(err, os.ErrNotExist) {
				return errWhole // listed and not there
			}
			if err != nil {
				return err
			}
			list[i] = single{id: id, bad: true}
			if osv, err := parseOSV(data.Bytes()); err == nil {
				if osv.ID != id {
					return errWhole
				}
				list[i] = single{id: id, record: osv.record(base)}
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			u.o.Progress(Progress{base, StageRecords, int64(done), int64(len(ids))})
			return nil
		})
	}
	return list, g.Wait()
}

// merge builds a section of the old records, less those that are gone, and fresh
// ones. It is the one that a full update builds.
func merge(old *sectionReader, fresh []single, gone map[string]bool, listing map[string]int64, now time.Time) (*section, error) {
	records, err := old.load()
	if err != nil {
		return nil, err
	}
	others, err := old.seen()
	if err != nil {
		return nil, err
	}
	replaced := make(map[string]bool, len(fresh))
	for _, f := range fresh {
		replaced[f.id] = true
	}
	records = slices.DeleteFunc(records, func(r *record) bool { return gone[r.id] || replaced[r.id] })
	others = slices.DeleteFunc(others, func(s seen) bool { return gone[s.id] || replaced[s.id] })
	for _, f := range fresh {
		if f.record != nil {
			records = append(records, f.record)
		} else {
			others = append(others, seen{f.id, listing[f.id], f.bad})
		}
	}
	if len(records) == 0 {
		return nil, errWhole
	}
	modified := newest(records, now)
	s, err := buildSection(old.info.Ecosystem, records, sortSeen(others))
	if err != nil {
		return nil, err
	}
	s.info.Modified = modified
	return s, nil
}
