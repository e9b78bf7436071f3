package advisory

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Where the feeds are published.
const (
	// PublicKEV is CISA's catalogue of known exploited vulnerabilities.
	// https://www.cisa.gov/known-exploited-vulnerabilities-catalog
	PublicKEV = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
	// PublicEPSS is FIRST's daily table of exploit probabilities.
	// https://www.first.org/epss/data_stats
	PublicEPSS = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
	// NoFeed as a feed's source leaves it out and drops what the database has of it.
	NoFeed = "none"
)

// Limits on a feed. EPSS of 2026 has 10 MB unpacked.
const (
	maxFeed     = 64 << 20
	maxUnpacked = 512 << 20
	maxLine     = 4 << 10
)

// epssUnit is the step in which probabilities are kept.
const epssUnit = 1e6

// parseKEV reads CISA's catalogue: CVE id → due date. released is when it was.
func parseKEV(data []byte) (values lookup, released time.Time, err error) {
	var catalogue struct {
		DateReleased    string `json:"dateReleased"`
		Vulnerabilities []struct {
			CVE string `json:"cveID"`
			Due string `json:"dueDate"`
		} `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(data, &catalogue); err != nil {
		return nil, time.Time{}, fmt.Errorf("%w: KEV: %w", ErrSource, err)
	}
	values = lookup{}
	for _, v := range catalogue.Vulnerabilities {
		if !validCVE(v.CVE) {
			return nil, time.Time{}, fmt.Errorf("%w: KEV: %q is no CVE id", ErrSource, oneLine(v.CVE))
		}
		if _, err := time.Parse(time.DateOnly, v.Due); err != nil {
			v.Due = ""
		}
		values[v.CVE] = v.Due
	}
	if len(values) == 0 {
		return nil, time.Time{}, fmt.Errorf("%w: KEV: it lists nothing", ErrSource)
	}
	released, _ = time.Parse(time.RFC3339, catalogue.DateReleased)
	return values, released.UTC().Truncate(time.Second), nil
}

// parseEPSS reads the table of EPSS, plain or gzip: a comment with the date, a
// heading, then lines of CVE id, probability and percentile.
func parseEPSS(data []byte) (values lookup, scored time.Time, err error) {
	var r io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, time.Time{}, fmt.Errorf("%w: EPSS: %w", ErrSource, err)
		}
	}
	limited := &io.LimitedReader{R: r, N: maxUnpacked}
	lines := bufio.NewReaderSize(limited, maxLine)
	values = lookup{}
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil && (!errors.Is(err, io.EOF) || limited.N <= 0) {
			return nil, time.Time{}, fmt.Errorf("%w: EPSS: %w", ErrSource, err)
		}
		ended := err != nil
		text := strings.TrimSpace(string(line))
		switch {
		case text == "" || strings.HasPrefix(text, "cve,"):
		case text[0] == '#':
			scored = epssDate(text)
		case !values.addEPSS(text):
			return nil, time.Time{}, fmt.Errorf("%w: EPSS: line %q", ErrSource, oneLine(text))
		}
		if ended {
			break
		}
	}
	if len(values) == 0 {
		return nil, time.Time{}, fmt.Errorf("%w: EPSS: it lists nothing", ErrSource)
	}
	return values, scored, nil
}

func (l lookup) addEPSS(line string) bool {
	cve, rest, _ := strings.Cut(line, ",")
	number, _, _ := strings.Cut(rest, ",")
	p, err := strconv.ParseFloat(number, 64)
	if err != nil || !(p >= 0 && p <= 1) || !validCVE(cve) {
		return false
	}
	var e encoder
	e.number(int(p*epssUnit + 0.5))
	l[cve] = string(e.b)
	return true
}

// epssDate reads "#model_version:v2025.03.14,score_date:2025-08-25T12:55:00Z".
func epssDate(line string) time.Time {
	_, date, _ := strings.Cut(line, "score_date:")
	date, _, _ = strings.Cut(date, ",")
	date = strings.TrimSpace(date)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", time.DateOnly} {
		if t, err := time.Parse(layout, date); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// validCVE is true for "CVE-", a year, "-" and digits.
func validCVE(id string) bool {
	year, number, ok := strings.Cut(strings.TrimPrefix(id, "CVE-"), "-")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return ok && strings.HasPrefix(id, "CVE-") && len(year) == 4 && digits(year) && digits(number) && len(number) <= 12
}

// A feed is one of the two.
type feed struct {
	name, source string
	parse        func([]byte) (lookup, time.Time, error)
}

// feeds lists what the options ask for: by default the public feeds beside the
// public bucket, and none beside another source.
func (o *UpdateOptions) feeds() []feed {
	list := []feed{{lookupEPSS, o.EPSS, parseEPSS}, {lookupKEV, o.KEV, parseKEV}}
	for i, public := range []string{PublicEPSS, PublicKEV} {
		if list[i].source == "" && o.Source == PublicSource {
			list[i].source = public
		}
	}
	return list
}

// feed fetches and compiles a feed. Without a source, and after an error, what
// the old database has stays: the advisories do not depend on it.
func (u *update) feed(ctx context.Context, f feed) (*section, error) {
	old := u.oldLookup(f.name)
	keep := func() *section {
		if old == nil {
			return nil
		}
		return &section{info: *old}
	}
	switch f.source {
	case NoFeed:
		return nil, nil
	case "":
		return keep(), nil
	}
	src, err := u.openFile(f.source)
	if err != nil {
		return keep(), err
	}
	tag := ""
	if old != nil && old.Source == f.source {
		tag = old.Tag
	}
	var data memory
	report := func(done, total int64) { u.o.Progress(Progress{f.name, StageFetch, done, total}) }
	tag, err = src.fetch(ctx, "", tag, maxFeed, &data, report)
	if errors.Is(err, errUnchanged) && old != nil {
		s := keep()
		s.info.Updated = u.o.Now
		return s, nil
	}
	if err != nil {
		return keep(), err
	}
	values, dated, err := f.parse(data.Bytes())
	if err != nil {
		return keep(), err
	}
	s, err := buildLookup(f.name, values)
	if err != nil {
		return nil, err
	}
	s.info.Modified, s.info.Source, s.info.Tag, s.info.Updated = dated, f.source, tag, u.o.Now
	return s, nil
}

func (u *update) oldLookup(name string) *sectionInfo {
	if u.old == nil {
		return nil
	}
	for i := range u.old.dir.Lookups {
		if u.old.dir.Lookups[i].Ecosystem == name {
			return &u.old.dir.Lookups[i]
		}
	}
	return nil
}

// openFile opens a single file by URL or path.
func (u *update) openFile(name string) (source, error) {
	if isURL(name) {
		return newWebSource(u.o, name)
	}
	if info, err := os.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", name)
	}
	return fileSource(name), nil
}

// fileSource is one local file, whatever name is asked for.
type fileSource string

func (f fileSource) fetch(ctx context.Context, _, tag string, size int64, w resetter, progress func(done, total int64)) (string, error) {
	file, err := os.Open(string(f)) // the user names it
	if err != nil {
		return "", err
	}
	defer file.Close() // read only
	return copyFile(ctx, filepath.Base(string(f)), file, tag, size, w, progress)
}
