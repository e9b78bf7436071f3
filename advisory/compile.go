package advisory

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

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
	records, others, err := readRecords(ctx, name, files, func(n int) {
		u.o.Progress(Progress{name, StageCompile, int64(n), int64(len(files))})
	})
	if err != nil {
		return nil, err
	}
	modified := newest(records, u.o.Now)
	s, err := buildSection(name, records, others)
	if err != nil {
		return nil, err
	}
	s.info.Modified = modified
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

// readRecords parses files on all cores. Files that are no records are passed
// over; too many of them are an error.
func readRecords(ctx context.Context, base string, files []*zip.File, progress func(int)) ([]*record, []seen, error) {
	slots := make([]part, (len(files)+chunk-1)/chunk)
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range slots {
		g.Go(func() error {
			list := files[i*chunk : min(len(files), (i+1)*chunk)]
			err := slots[i].read(ctx, base, list)
			mu.Lock()
			defer mu.Unlock()
			done += len(list)
			progress(done)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	var records []*record
	var others []seen
	skipped := 0
	for _, s := range slots {
		records, others = append(records, s.records...), append(others, s.others...)
		skipped += s.bad
	}
	if len(records) == 0 || skipped > len(files)/100+1 {
		return nil, nil, fmt.Errorf("%s/all.zip: %w: %d of %d records could be read", base, ErrSource, len(files)-skipped, len(files))
	}
	return records, sortSeen(others), nil
}

// part is what one worker read.
type part struct {
	records []*record
	others  []seen
	bad     int
}

func (p *part) read(ctx context.Context, base string, files []*zip.File) error {
	var buf []byte
	for _, f := range files {
		err := ctx.Err()
		if err != nil {
			return err
		}
		if buf, err = readEntry(f, buf); err != nil {
			return fmt.Errorf("%s/all.zip: %w: %w", base, ErrSource, err)
		}
		osv, err := parseOSV(buf)
		if err != nil {
			p.bad++
			p.others = append(p.others, seen{id: strings.TrimSuffix(path.Base(f.Name), ".json"), bad: true})
			continue
		}
		if r := osv.record(base); r != nil {
			p.records = append(p.records, r)
		} else {
			p.others = append(p.others, seen{id: osv.ID, modified: parseTime(osv.Modified).Unix()})
		}
	}
	return nil
}
