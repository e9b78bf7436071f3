package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/riverqueue/river"

	"github.com/fnvet/fnvet"
)

// ignoredScan is scan.same_as of one that had nothing to scan.
const ignoredScan = -1

// A Change is a finding that came to an artifact, or left it, between two verdicts.
type Change struct {
	What     string // "new" or "fixed"
	Advisory string // or the id of the rule
	Subject  string // purl or path
	Severity fnvet.Severity
	Blocks   bool
}

// finish writes the outcome of a scan and completes its job, if the job is still
// this attempt's; errLost if not.
func (s *Store) finish(ctx context.Context, scan *Scan, job int64, attempt int, out *Outcome) error {
	t, err := s.base.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback(ctx)
	if err := s.owned(ctx, t, job, attempt); err != nil {
		return err
	}
	if out.Ignored {
		out.SameAs = ignoredScan
	}
	done := *scan
	if out.SameAs != 0 {
		done.same, done.Digest = out.SameAs, out.Digest
	} else if err := s.save(ctx, t, &done, out); err != nil {
		return err
	}
	if done.same != scan.same || done.Digest != scan.Digest {
		if _, err := t.exec(ctx, "UPDATE scan SET same_as = $1, digest = $2, sum = $3 WHERE id = $4", done.same, done.Digest, done.sum(), scan.ID); err != nil {
			return err
		}
	}
	if scan.Upload != "" {
		if _, err := t.exec(ctx, "DELETE FROM upload WHERE id = $1", scan.Upload); err != nil {
			return err
		}
	}
	if _, err := t.exec(ctx, "DELETE FROM lease WHERE job = $1", job); err != nil {
		return err
	}
	if err := s.queue.complete(ctx, t, job); err != nil {
		return err
	}
	return t.commit(ctx)
}

// save writes the result of a scan, the inventory of its artifact and what changed.
// The scan is told its digest, if it had none.
func (s *Store) save(ctx context.Context, t tx, scan *Scan, out *Outcome) error {
	r := out.Report
	digest := r.Artifact.Digest
	if digest == "" {
		return Permanent(errors.New("the report names no digest"))
	}
	a, err := s.saveArtifact(ctx, t, scan, out)
	if err != nil {
		return err
	}
	if err := s.saveInventory(ctx, t, a.ID, r.Packages); err != nil {
		return err
	}
	changes, err := s.saveVerdict(ctx, t, a, scan.ID, out.Version.Database, r)
	if err != nil {
		return err
	}
	scan.Digest = cmp.Or(scan.Digest, digest)
	return s.announce(ctx, t, a, changes, out.Notices)
}

// announce queues the messages about what changed.
func (s *Store) announce(ctx context.Context, t tx, a *Artifact, changes []Change, notices func(*Artifact, []Change) []Notice) error {
	if notices == nil {
		return nil
	}
	var jobs []river.InsertManyParams
	for _, n := range notices(a, changes) {
		jobs = append(jobs, river.InsertManyParams{Args: n, InsertOpts: &river.InsertOpts{Queue: noticeQueue}})
	}
	if len(jobs) == 0 {
		return nil
	}
	_, err := s.queue.insert(ctx, t, jobs)
	return err
}

func (s *Store) saveArtifact(ctx context.Context, t tx, scan *Scan, out *Outcome) (*Artifact, error) {
	r := out.Report
	a := artifactOf(r)
	a.Scan, a.Registry, a.Repository, a.Tag, a.Database = scan.ID, scan.Registry, scan.Repository, scan.Tag, out.Version.Database
	now := s.now()
	a.Scanned = time.UnixMilli(now)
	reasons, err := json.Marshal(a.Reasons)
	if err != nil {
		return nil, err
	}
	err = one(ctx, t, `INSERT INTO artifact (registry, repository, digest, index_digest, tag, name, type, scan, code, blocking, findings, packages, gaps, reasons, scanned, judged, database)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
ON CONFLICT (registry, repository, digest) DO UPDATE SET index_digest = excluded.index_digest, tag = CASE WHEN excluded.tag = '' THEN artifact.tag ELSE excluded.tag END,
name = excluded.name, type = excluded.type, scanned = excluded.scanned RETURNING id, tag`,
		[]any{a.Registry, a.Repository, a.Digest, a.IndexDigest, a.Tag, a.Name, a.Type, a.Scan, a.Code, a.Blocking, a.Findings, a.Packages, a.Gaps, string(reasons), now, now, a.Database}, &a.ID, &a.Tag)
	return a, err
}

// artifactOf is what a report says of its artifact.
func artifactOf(r *fnvet.Report) *Artifact {
	a := &Artifact{
		Digest: r.Artifact.Digest, IndexDigest: r.Artifact.IndexDigest, Name: r.Artifact.Name, Type: r.Artifact.Type,
		Code: r.Verdict.Code, Blocking: r.Verdict.Blocking, Packages: len(r.Packages), Gaps: len(r.Gaps), Reasons: r.Verdict.Reasons,
	}
	for i := range r.Findings {
		if r.Findings[i].Suppressed == nil {
			a.Findings++
		}
	}
	if a.Reasons == nil {
		a.Reasons = []string{}
	}
	return a
}

// saveVerdict writes a report as the latest of its artifact, which is told so, and
// returns how it differs from the one before.
func (s *Store) saveVerdict(ctx context.Context, t tx, a *Artifact, scan int64, database string, r *fnvet.Report) ([]Change, error) {
	data, err := pack(r)
	if err != nil {
		return nil, err
	}
	row := resultRow{scan, a.ID, s.now(), int64(r.Verdict.Code), int64(r.Verdict.Blocking), database}
	_, err = t.exec(ctx, `INSERT INTO result (scan, artifact, finished, code, blocking, database, report, sum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		row.scan, row.artifact, row.finished, row.code, row.blocking, row.database, data, row.sum())
	if err != nil {
		return nil, err
	}
	v := artifactOf(r)
	a.Scan, a.Code, a.Blocking, a.Findings, a.Packages, a.Gaps, a.Reasons = scan, v.Code, v.Blocking, v.Findings, v.Packages, v.Gaps, v.Reasons
	reasons, err := json.Marshal(v.Reasons)
	if err != nil {
		return nil, err
	}
	sum, err := a.sum()
	if err != nil {
		return nil, err
	}
	_, err = t.exec(ctx, `UPDATE artifact SET scan = $1, code = $2, blocking = $3, findings = $4, packages = $5, gaps = $6, reasons = $7, judged = $8, database = $9, sum = $10 WHERE id = $11`,
		scan, v.Code, v.Blocking, v.Findings, v.Packages, v.Gaps, string(reasons), row.finished, database, sum, a.ID)
	if err != nil {
		return nil, err
	}
	return s.saveAffected(ctx, t, a.ID, scan, r)
}

// A flaw is one row of the table affected.
type flaw struct{ advisory, purl, main, severity string }

// saveAffected replaces the findings of an artifact and records the changes.
func (s *Store) saveAffected(ctx context.Context, t tx, artifact, scan int64, r *fnvet.Report) ([]Change, error) {
	old := map[flaw]bool{} // and whether it blocked
	err := each(ctx, t, "SELECT advisory, purl, main, severity, blocks FROM affected WHERE artifact = $1", []any{artifact}, func(r rows) error {
		var f flaw
		var blocks int64
		err := r.Scan(&f.advisory, &f.purl, &f.main, &f.severity, &blocks)
		old[f] = blocks != 0
		return err
	})
	if err != nil {
		return nil, err
	}
	latest := flaws(r)
	var changes []Change
	var add, drop [][]any
	for f, blocks := range latest {
		was, had := old[f]
		if !had || was != blocks {
			drop = append(drop, []any{f.advisory, artifact, f.purl})
			add = append(add, []any{f.advisory, artifact, f.purl, f.main, f.severity, number(blocks)})
		}
		if f.advisory == f.main && (!had || blocks && !was) {
			changes = append(changes, Change{"new", f.advisory, f.purl, fnvet.Severity(f.severity), blocks})
		}
	}
	for f, blocked := range old {
		if _, has := latest[f]; has {
			continue
		}
		drop = append(drop, []any{f.advisory, artifact, f.purl})
		if f.advisory == f.main && !contains(latest, f) {
			changes = append(changes, Change{"fixed", f.advisory, f.purl, fnvet.Severity(f.severity), blocked})
		}
	}
	sortChanges(changes)
	for _, key := range drop {
		if _, err := t.exec(ctx, "DELETE FROM affected WHERE advisory = $1 AND artifact = $2 AND purl = $3", key...); err != nil {
			return nil, err
		}
	}
	if err := insertMany(ctx, t, "INSERT INTO affected (advisory, artifact, purl, main, severity, blocks) VALUES ", " ON CONFLICT DO NOTHING", add); err != nil {
		return nil, err
	}
	var log [][]any
	for _, c := range changes {
		log = append(log, []any{s.now(), artifact, scan, c.What, c.Advisory, c.Subject, string(c.Severity), number(c.Blocks)})
	}
	return changes, insertMany(ctx, t, "INSERT INTO change (at, artifact, scan, what, advisory, subject, severity, blocks) VALUES ", "", log)
}

// contains reports the same flaw with another severity.
func contains(latest map[flaw]bool, f flaw) bool {
	for g := range latest {
		if g.advisory == f.advisory && g.purl == f.purl {
			return true
		}
	}
	return false
}

// flaws lists the findings of a report by each of their ids, and whether they block.
func flaws(r *fnvet.Report) map[flaw]bool {
	all := map[flaw]bool{}
	worst := map[[2]string]flaw{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Suppressed != nil {
			continue
		}
		subject := f.Path
		if f.Package != nil {
			subject = f.Package.PURL
		}
		for _, id := range append([]string{f.ID}, f.Aliases...) {
			row := flaw{id, subject, f.ID, string(f.Severity)}
			key := [2]string{id, subject}
			if was, ok := worst[key]; ok { // several places of one rule in one file
				if fnvet.Severity(was.severity).Rank() >= f.Severity.Rank() {
					all[was] = all[was] || f.Blocks
					continue
				}
				f.Blocks = f.Blocks || all[was]
				delete(all, was)
			}
			worst[key] = row
			all[row] = f.Blocks
		}
	}
	return all
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// maxArguments bounds the arguments of one statement.
const maxArguments = 900

// insertMany inserts rows of equal length, many in one statement.
func insertMany(ctx context.Context, t tx, into, after string, list [][]any) error {
	for len(list) > 0 {
		n := min(len(list), maxArguments/len(list[0]))
		text, args := values(list[:n])
		if _, err := t.exec(ctx, into+text+after, args...); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// values is "($1, $2), ($3, $4), …" for rows of equal length, and their arguments.
func values(list [][]any) (string, []any) {
	var b strings.Builder
	args := make([]any, 0, len(list)*len(list[0]))
	for i, row := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		for j := range row {
			sep := ",$"
			if j == 0 {
				sep = "($"
			}
			b.WriteString(sep)
			b.WriteString(strconv.Itoa(len(args) + j + 1))
		}
		b.WriteByte(')')
		args = append(args, row...)
	}
	return b.String(), args
}

// maxReport bounds a report that is read back, in bytes.
const maxReport = 1 << 30

// pack compresses a report, with a checksum.
func pack(r *fnvet.Report) ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(data, nil), w.Close()
}

func unpack(data []byte) (*fnvet.Report, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxReport), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	text, err := z.DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: a report: %w", ErrDamaged, err)
	}
	var r fnvet.Report
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&r); err != nil {
		return nil, fmt.Errorf("%w: a report: %w", ErrDamaged, err)
	}
	return &r, nil
}

// Report returns the report of a scan that is done; ErrNotFound if there is none.
func (s *Store) Report(ctx context.Context, scan int64) (*fnvet.Report, error) {
	return s.reportBy(ctx, s.base.reader(), scan)
}

func (s *Store) reportBy(ctx context.Context, c conn, scan int64) (*fnvet.Report, error) {
	var data []byte
	var row resultRow
	var sum int64
	err := one(ctx, c, "SELECT report, scan, artifact, finished, code, blocking, database, sum FROM result WHERE scan = coalesce((SELECT same_as FROM scan WHERE id = $1 AND same_as > 0), $1)",
		[]any{scan}, &data, &row.scan, &row.artifact, &row.finished, &row.code, &row.blocking, &row.database, &sum)
	if errors.Is(err, errNone) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if err := intact("result", row.scan, sum, row.sum()); err != nil {
		return nil, err
	}
	return unpack(data)
}
