package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river"
)

// An entry is one request on its way into the tables.
type entry struct {
	*Request
	scan    int64
	known   bool  // its very event came before
	created int64 // of a new scan, in Unix milliseconds
}

// An eventKey tells events apart.
type eventKey struct{ source, key string }

// A scanKey tells scans apart: a digest of a repository is scanned once for what a
// verdict depends on.
type scanKey struct{ registry, repository, reference, database, rules, policy string }

func (e *entry) event() eventKey { return eventKey{e.Source, e.Event} }

func (r *Request) key() scanKey {
	v := r.Version
	return scanKey{r.Registry, r.Repository, r.reference(), v.Database, v.Rules, v.Policy}
}

// maxRows bounds the rows of one statement: of the columns of a scan, more would
// be more than maxArguments.
const maxRows = 60

// record writes events and their scans, in a few statements however many there
// are, and returns the first entry of each scan that is new. Each entry has its
// scan after it.
func (s *Store) record(ctx context.Context, t tx, all []*entry) (fresh []*entry, err error) {
	for len(all) > 0 && err == nil {
		n := min(len(all), maxRows)
		var some []*entry
		some, err = s.recordSome(ctx, t, all[:n])
		fresh, all = append(fresh, some...), all[n:]
	}
	return fresh, err
}

func (s *Store) recordSome(ctx context.Context, t tx, all []*entry) ([]*entry, error) {
	before, err := events(ctx, t, all)
	if err != nil {
		return nil, err
	}
	var open []*entry // of no event that came before
	first := map[eventKey]*entry{}
	var again []*entry // of an event that came before in this very batch
	for _, e := range all {
		switch scan, came := before[e.event()]; {
		case e.Event == "":
			open = append(open, e)
		case came:
			e.scan, e.known = scan, true
		case first[e.event()] != nil:
			again = append(again, e)
		default:
			first[e.event()] = e
			open = append(open, e)
		}
	}
	fresh, err := s.addScans(ctx, t, open)
	if err != nil {
		return nil, err
	}
	for _, e := range again {
		e.scan, e.known = first[e.event()].scan, true
	}
	var rows [][]any
	now := s.now()
	for _, e := range open {
		if e.Event != "" {
			rows = append(rows, []any{e.Source, e.Event, now, e.scan, e.event().sum(e.scan)})
		}
	}
	return fresh, insertMany(ctx, t, "INSERT INTO event (source, key, received, scan, sum) VALUES ", " ON CONFLICT DO NOTHING", rows)
}

// events finds the scans of the events that came before. A row that is damaged is
// dropped: the event counts as a new one, and the key of its scan still tells.
func events(ctx context.Context, t tx, all []*entry) (map[eventKey]int64, error) {
	var keys [][]any
	for _, e := range all {
		if e.Event != "" {
			keys = append(keys, []any{e.Source, e.Event})
		}
	}
	found := map[eventKey]int64{}
	if len(keys) == 0 {
		return found, nil
	}
	list, args := values(keys)
	var damaged []eventKey
	err := each(ctx, t, "SELECT source, key, scan, sum FROM event WHERE (source, key) IN (VALUES "+list+")", args, func(r rows) error {
		var k eventKey
		var scan, sum int64
		err := r.Scan(&k.source, &k.key, &scan, &sum)
		if intact("event", scan, sum, k.sum(scan)) != nil {
			damaged = append(damaged, k)
		} else {
			found[k] = scan
		}
		return err
	})
	for _, k := range damaged {
		if err == nil {
			_, err = t.exec(ctx, "DELETE FROM event WHERE source = $1 AND key = $2", k.source, k.key)
		}
	}
	return found, err
}

const scanColumns = "(registry, repository, reference, tag, digest, target, database, rules, policy, source, callback, upload, created, job, same_as)"

// addScans gives every entry its scan: one there is, or a new one. It returns the
// first entry of each new one.
func (s *Store) addScans(ctx context.Context, t tx, all []*entry) ([]*entry, error) {
	ids := map[scanKey]int64{}
	first := map[scanKey]*entry{}
	var order []*entry
	var rows [][]any
	now := s.now()
	for _, e := range all {
		if k := e.key(); first[k] == nil {
			first[k] = e
			order = append(order, e)
			e.created = now
			rows = append(rows, e.row())
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	list, args := values(rows)
	err := each(ctx, t, "INSERT INTO scan "+scanColumns+" VALUES "+list+" ON CONFLICT (registry, repository, reference, database, rules, policy) DO NOTHING RETURNING id, "+keyColumns, args, into(ids))
	if err != nil {
		return nil, err
	}
	var fresh, old []*entry
	var keys [][]any
	for _, e := range order {
		if k := e.key(); ids[k] != 0 {
			fresh = append(fresh, e)
		} else {
			old = append(old, e)
			keys = append(keys, []any{k.registry, k.repository, k.reference, k.database, k.rules, k.policy})
		}
	}
	if len(old) > 0 {
		list, args = values(keys)
		if err := each(ctx, t, "SELECT id, "+keyColumns+" FROM scan WHERE ("+keyColumns+") IN (VALUES "+list+")", args, into(ids)); err != nil {
			return nil, err
		}
	}
	for _, e := range all {
		if e.scan = ids[e.key()]; e.scan == 0 {
			return nil, errNone
		}
	}
	return fresh, nil
}

func (e *entry) row() []any {
	k := e.key()
	return []any{k.registry, k.repository, k.reference, e.Tag, e.Digest, e.Target, k.database, k.rules, k.policy, e.Source, e.Callback, e.Upload, e.created, 0, 0}
}

const keyColumns = "registry, repository, reference, database, rules, policy"

// into reads ids by key.
func into(ids map[scanKey]int64) func(rows) error {
	return func(r rows) error {
		var k scanKey
		var id int64
		err := r.Scan(&id, &k.registry, &k.repository, &k.reference, &k.database, &k.rules, &k.policy)
		ids[k] = id
		return err
	}
}

// enqueue makes the jobs of new scans.
func (s *Store) enqueue(ctx context.Context, t tx, fresh []*entry) error {
	if len(fresh) == 0 {
		return nil
	}
	jobs := make([]river.InsertManyParams, len(fresh))
	for i, e := range fresh {
		jobs[i] = river.InsertManyParams{Args: scanArgs{Scan: e.scan}}
	}
	ids, err := s.queue.insert(ctx, t, jobs)
	if err != nil {
		return err
	}
	return seal(ctx, t, fresh, ids)
}

// seal writes the jobs of new scans and the checksums of their rows.
func seal(ctx context.Context, t tx, fresh []*entry, jobs []int64) error {
	for len(jobs) > 0 {
		n := min(len(jobs), maxArguments/3)
		var b strings.Builder
		args := make([]any, 0, 3*n)
		for i, e := range fresh[:n] {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "(CAST($%d AS BIGINT), CAST($%d AS BIGINT), CAST($%d AS BIGINT))", 3*i+1, 3*i+2, 3*i+3)
			args = append(args, e.scan, jobs[i], e.stored(jobs[i]).sum())
		}
		if _, err := t.exec(ctx, "UPDATE scan SET job = v.column2, sum = v.column3 FROM (VALUES "+b.String()+") AS v WHERE scan.id = v.column1", args...); err != nil {
			return err
		}
		fresh, jobs = fresh[n:], jobs[n:]
	}
	return nil
}

// stored is the row of a new scan.
func (e *entry) stored(job int64) *Scan {
	return &Scan{
		ID: e.scan, Registry: e.Registry, Repository: e.Repository, Tag: e.Tag, Digest: e.Digest, Target: e.Target, Upload: e.Upload,
		Source: e.Source, Callback: e.Callback, Version: e.Version, Created: time.UnixMilli(e.created), job: job,
	}
}
