package advisory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fnvet/fnvet"
)

// Limits on what an API is asked and may answer. 1,000 queries in a batch are
// what api.osv.dev takes. https://google.github.io/osv.dev/post-v1-querybatch/
const (
	batchSize  = 1000
	maxPages   = 100
	maxAnswer  = 64 << 20
	maxFetched = 20_000
	maxLenders = 500 // records fetched only for their severity
	atOnce     = 8
	queryPath  = "v1/querybatch"
	vulnsPath  = "v1/vulns/"
)

// APIOptions says which API to ask instead of a database, and how.
type APIOptions struct {
	URL         string         // of an API like https://api.osv.dev, without "/v1"
	KEV, EPSS   string         // URL or file of a feed; "" is none
	Progress    func(Progress) // as in UpdateOptions
	Client      *http.Client   // as there
	Now         time.Time      // as there
	Stall, Wait time.Duration  // as Stall and Pause there
}

// Ask asks an OSV API for the advisories of packages and returns a database of
// them, to be matched with the same packages and closed. The API learns the names
// and versions of the packages. A Gap stands for each package that the API cannot
// be asked about. Records without a severity may borrow that of an alias, which is
// then fetched too.
func Ask(ctx context.Context, pkgs []fnvet.Package, o APIOptions) (*DB, []fnvet.Gap, error) {
	uo := &UpdateOptions{Source: o.URL, KEV: o.KEV, EPSS: o.EPSS, Progress: o.Progress, Client: o.Client, Now: o.Now, Stall: o.Stall, Pause: o.Wait}
	uo.defaults()
	if !isURL(o.URL) {
		return nil, nil, fmt.Errorf("advisory API %q: not a URL", o.URL)
	}
	web, err := newWebSource(uo, o.URL)
	if err != nil {
		return nil, nil, err
	}
	a := &asking{web: web, o: uo, fetched: map[string]*osvRecord{}}
	questions, gaps := a.questions(pkgs)
	ids := map[string]bool{}
	for batch := range slices.Chunk(questions, batchSize) {
		if err := a.batch(ctx, batch, ids); err != nil {
			return nil, nil, fmt.Errorf("advisory API: %w", err)
		}
	}
	if err := a.fetch(ctx, slices.Sorted(maps.Keys(ids)), false); err != nil {
		return nil, nil, fmt.Errorf("advisory API: %w", err)
	}
	db, err := a.database(ctx)
	return db, append(gaps, a.gaps...), err
}

// asking holds the state of one Ask.
type asking struct {
	web     *webSource
	o       *UpdateOptions
	bases   []string // ecosystems asked about
	fetched map[string]*osvRecord
	gaps    []fnvet.Gap
}

// A question is one query of a batch, in the API's own form.
type question struct {
	Package struct {
		Name      string `json:"name"`
		Ecosystem string `json:"ecosystem"`
	} `json:"package"`
	Version   string `json:"version,omitempty"`
	PageToken string `json:"page_token,omitempty"`
}

// questions makes each query once. A version that is none by the rules of its
// ecosystem is left out: the matcher says then what it could not compare.
func (a *asking) questions(pkgs []fnvet.Package) (list []question, gaps []fnvet.Gap) {
	seen := map[question]bool{}
	for i := range pkgs {
		p := &pkgs[i]
		base, release := splitEcosystem(p.Ecosystem)
		scheme, ordered := order(base)
		if !ordered {
			continue // the matcher tells
		}
		if !slices.Contains(a.bases, base) {
			a.bases = append(a.bases, base)
		}
		if released(base) && release == "" {
			continue // as above
		}
		name, ver := advised(p, base)
		names := []string{name}
		if base == "Maven" && !strings.Contains(name, ":") {
			names = nil
			for _, group := range p.Groups {
				names = append(names, group+":"+name)
			}
			if len(names) == 0 {
				path, _ := place(p)
				gaps = append(gaps, fnvet.Gap{Path: path, Reason: fnvet.GapUnmatched, Detail: fmt.Sprintf("%s %s: its Maven group is unknown", p.Name, p.Version)})
			}
		}
		q := question{Version: installedVersion(base, name, ver)}
		if !scheme.Parse(q.Version).Valid() {
			q.Version = ""
		}
		q.Package.Ecosystem = askedEcosystem(p.Ecosystem, base, release)
		for _, name := range names {
			q.Package.Name = name
			if !seen[q] {
				seen[q] = true
				list = append(list, q)
			}
		}
	}
	slices.Sort(a.bases)
	return list, gaps
}

// askedEcosystem writes the release as OSV's records do.
func askedEcosystem(ecosystem, base, release string) string {
	switch base {
	case "Alpine", "Debian", "AlmaLinux", "Rocky Linux":
		return base + ":" + release
	}
	return ecosystem
}

type batchAnswer struct {
	Results []struct {
		Vulns []struct {
			ID string `json:"id"`
		} `json:"vulns"`
		NextPageToken string `json:"next_page_token"`
	} `json:"results"`
}

// batch asks up to batchSize questions and all their further pages. When the API
// refuses a batch, it is asked in halves, so that one bad question costs only itself.
func (a *asking) batch(ctx context.Context, questions []question, ids map[string]bool) error {
	for page := 0; len(questions) > 0; page++ {
		if page == maxPages {
			return fmt.Errorf("%w: more than %d pages", ErrSource, maxPages)
		}
		answer, err := a.ask(ctx, questions)
		if status, ok := errors.AsType[*statusError](err); ok && (status.code == http.StatusBadRequest || status.code == http.StatusRequestEntityTooLarge) {
			return a.halves(ctx, questions, ids, err)
		}
		if err != nil {
			return err
		}
		var more []question
		for i, result := range answer.Results {
			for _, v := range result.Vulns {
				if !validID(v.ID) {
					return fmt.Errorf("%s: %w: id %q", queryPath, ErrSource, oneLine(v.ID))
				}
				ids[v.ID] = true
			}
			if result.NextPageToken != "" {
				q := questions[i]
				q.PageToken = result.NextPageToken
				more = append(more, q)
			}
		}
		if len(ids) > maxFetched {
			return fmt.Errorf("%s: more than %d advisories: %w", queryPath, maxFetched, errTooLarge)
		}
		questions = more
	}
	return nil
}

func (a *asking) halves(ctx context.Context, questions []question, ids map[string]bool, refused error) error {
	if len(questions) == 1 {
		p := questions[0].Package
		a.gaps = append(a.gaps, fnvet.Gap{
			Reason: fnvet.GapUnmatched,
			Detail: fmt.Sprintf("%s %s %s: the advisory API refuses it: %v", p.Ecosystem, p.Name, questions[0].Version, refused),
		})
		return nil
	}
	half := len(questions) / 2
	if err := a.batch(ctx, questions[:half], ids); err != nil {
		return err
	}
	return a.batch(ctx, questions[half:], ids)
}

func (a *asking) ask(ctx context.Context, questions []question) (*batchAnswer, error) {
	body, err := json.Marshal(map[string]any{"queries": questions})
	if err != nil {
		return nil, err
	}
	data, err := a.web.post(ctx, queryPath, body, maxAnswer)
	if err != nil {
		return nil, err
	}
	var answer batchAnswer
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", queryPath, ErrSource, err)
	}
	if len(answer.Results) != len(questions) {
		return nil, fmt.Errorf("%s: %w: %d answers to %d questions", queryPath, ErrSource, len(answer.Results), len(questions))
	}
	return &answer, nil
}

// fetch reads records by id, several at a time. With optional, those that are not
// there are passed over.
func (a *asking) fetch(ctx context.Context, ids []string, optional bool) error {
	list := make([]*osvRecord, len(ids))
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, id := range ids {
		g.Go(func() error {
			var data memory
			_, err := a.web.fetch(ctx, vulnsPath+id, "", maxRecord, &data, func(int64, int64) {})
			if optional && err != nil && ctx.Err() == nil {
				return nil
			}
			if err != nil {
				return err
			}
			if list[i], err = parseOSV(data.Bytes()); err != nil && !optional {
				return fmt.Errorf("%s%s: %w: %w", vulnsPath, id, ErrSource, err)
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			a.o.Progress(Progress{"API", StageRecords, int64(done), int64(len(ids))})
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, osv := range list {
		if osv != nil {
			a.fetched[osv.ID] = osv
		}
	}
	return nil
}

// database compiles what was fetched, in memory.
func (a *asking) database(ctx context.Context) (*DB, error) {
	u := &update{o: a.o}
	records := map[string][]*record{}
	for _, base := range a.bases {
		for _, id := range slices.Sorted(maps.Keys(a.fetched)) {
			if r := a.fetched[id].record(base); r != nil {
				records[base] = append(records[base], r)
			}
		}
	}
	loans, err := a.loans(ctx, records)
	if err != nil {
		return nil, err
	}
	for _, base := range a.bases {
		modified := newest(records[base], a.o.Now)
		s, err := buildSection(base, records[base], nil)
		if err != nil {
			return nil, err
		}
		s.info.Modified, s.info.Source, s.info.Updated = modified, a.o.Source, a.o.Now
		u.sections = append(u.sections, s)
	}
	for _, f := range a.o.feeds() {
		s, err := u.feed(ctx, f)
		if err != nil {
			a.gaps = append(a.gaps, fnvet.Gap{Reason: fnvet.GapFailed, Detail: f.name + ": " + err.Error()})
		}
		if s != nil {
			u.lookups = append(u.lookups, s)
		}
	}
	ratings, err := buildLookup(lookupRatings, loans)
	if err != nil {
		return nil, err
	}
	u.lookups = append(u.lookups, ratings)
	return u.inMemory()
}

// loans fetches the aliases of unrated records, for their severity.
func (a *asking) loans(ctx context.Context, records map[string][]*record) (lookup, error) {
	missing := map[string]bool{}
	for base, list := range records {
		for _, r := range list {
			if r.rated() || strings.HasPrefix(r.id, "MAL-") {
				continue
			}
			for _, id := range namesOf(base, r) {
				if a.fetched[id] == nil && validID(id) && len(missing) < maxLenders {
					missing[id] = true
				}
			}
		}
	}
	if err := a.fetch(ctx, slices.Sorted(maps.Keys(missing)), true); err != nil {
		return nil, err
	}
	return ratings(func(f func(base string, r *record)) error {
		for _, base := range a.bases {
			for _, r := range records[base] {
				f(base, r)
			}
		}
		for _, id := range slices.Sorted(maps.Keys(a.fetched)) {
			osv := a.fetched[id]
			if osv.Withdrawn == "" {
				f("", &record{id: osv.ID, aliases: ids(osv.Aliases), severity: gradeOf(osv.Severity, string(osv.DatabaseSpecific))})
			}
		}
		return nil
	})
}

// inMemory makes a database of the sections without a file.
func (u *update) inMemory() (*DB, error) {
	var data []byte
	db := &DB{partial: true, sections: map[string]*sectionReader{}, dir: directory{Source: u.o.Source, Updated: u.o.Now}}
	for i, s := range slices.Concat(u.sections, u.lookups) {
		s.info.Offset = int64(len(data))
		data = append(data, s.data...)
		if i < len(u.sections) {
			db.dir.Sections = append(db.dir.Sections, s.info)
		} else {
			db.dir.Lookups = append(db.dir.Lookups, s.info)
		}
	}
	db.file, db.header = memoryFile{bytes.NewReader(data)}, &header{format: Format, size: int64(len(data))}
	var err error
	db.unzip, err = newUnzip()
	return db, err
}

type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

// post sends JSON and reads the answer, with the same attempts as fetch.
func (s *webSource) post(ctx context.Context, name string, body []byte, size int64) ([]byte, error) {
	var last error
	for i := range attempts {
		if i > 0 {
			if err := wait(ctx, s.delay(i, last)); err != nil {
				return nil, errors.Join(err, last)
			}
		}
		data, err := s.postOnce(ctx, name, body, size)
		if err == nil {
			return data, nil
		}
		last = err
		if ctx.Err() != nil || !passing(err) {
			return nil, ended(ctx, err)
		}
	}
	return nil, fmt.Errorf("%w (%d attempts)", last, attempts)
}

func (s *webSource) postOnce(ctx context.Context, name string, body []byte, size int64) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(s.stall, func() { cancel(errStalled) })
	defer watch.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base.JoinPath(name).String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "fnvet")
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, stallOr(ctx, name, err)
	}
	defer resp.Body.Close() // read to its end or given up
	if resp.StatusCode != http.StatusOK {
		return nil, &statusError{name, resp.StatusCode, retryAfter(resp)}
	}
	data, err := io.ReadAll(&meter{ctx: ctx, r: resp.Body, left: size, progress: func(int64, int64) { watch.Reset(s.stall) }})
	if err != nil {
		return nil, stallOr(ctx, name, err)
	}
	return data, nil
}
