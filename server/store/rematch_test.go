package store

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
	"github.com/fnvet/fnvet/internal/testdb"
)

// flawed is a matcher: every package of those names has a flaw.
func flawed(names map[string]bool) func(context.Context, []fnvet.Package) ([]fnvet.Finding, error) {
	return func(_ context.Context, pkgs []fnvet.Package) ([]fnvet.Finding, error) {
		var list []fnvet.Finding
		for i := range pkgs {
			if names[pkgs[i].Name] {
				list = append(list, vulnerability("GHSA-"+pkgs[i].Name, pkgs[i].Name, pkgs[i].Version))
			}
		}
		return list, nil
	}
}

func rejudge(names map[string]bool) func(context.Context, *fnvet.Report, func(*fnvet.Package) bool) error {
	return func(ctx context.Context, r *fnvet.Report, changed func(*fnvet.Package) bool) error {
		var again []fnvet.Package
		for i := range r.Packages {
			if changed(&r.Packages[i]) {
				again = append(again, r.Packages[i])
			}
		}
		r.Findings = slices.DeleteFunc(r.Findings, func(f fnvet.Finding) bool {
			return slices.ContainsFunc(again, func(p fnvet.Package) bool { return f.Package != nil && p.Name == f.Package.Name })
		})
		found, err := flawed(names)(ctx, again)
		r.Findings = append(r.Findings, found...)
		r.Verdict = fnvet.Verdict{Blocking: len(r.Findings), Reasons: []string{}, Pass: len(r.Findings) == 0}
		return err
	}
}

// TestRematch: only artifacts whose findings differ are judged again, once, and
// what another process began and left is taken over.
func TestRematch(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		now := time.Now()
		s := open(t, Options{URL: url, Now: func() time.Time { return now }})
		ids := accept(t, s, request(1), request(2))
		stop := work(t, s, 1, func(_ context.Context, c *Scan) (*Outcome, error) {
			r := reportOf(c.Digest, vulnerability("GHSA-lodash", "lodash", "4.17.20"))
			if c.Digest == digest(2) {
				r.Packages, r.Findings = r.Packages[1:], nil
			}
			return &Outcome{Report: r, Version: c.Version}, nil
		})
		await(t, s, ids[0], Done)
		await(t, s, ids[1], Done)
		stop()
		told := 0
		from := "db1"
		run := func(database string, all bool, names ...string) (Rematched, error) {
			flaws := map[string]bool{"lodash": true, "left-pad": database == "db3"}
			m := &Rematch{
				Version: Version{Database: database, Rules: "r1", Policy: "p1"}, From: from, All: all, Match: flawed(flaws), Judge: rejudge(flaws),
				Notices: func(_ *Artifact, c []Change) []Notice { told += len(c); return nil },
			}
			for _, n := range names {
				m.Names = append(m.Names, advisory.PackageName{Ecosystem: "npm", Name: n})
			}
			return s.Rematch(t.Context(), m)
		}
		if got, err := run("db2", false, "lodash"); err != nil || got != (Rematched{Components: 1}) {
			t.Errorf("nothing differs: %+v, %v", got, err)
		}
		if _, err := run("db2", false, "lodash"); err != ErrTaken { //nolint:errorlint // not wrapped
			t.Errorf("done before: %v", err)
		}
		if err := s.claim(t.Context(), "db3", "db2"); err != nil {
			t.Fatal(err)
		}
		if _, err := run("db3", true); err != ErrTaken { //nolint:errorlint // not wrapped
			t.Errorf("another process does it: %v", err)
		}
		now = now.Add(2 * time.Minute) // which died
		if got, err := run("db3", true); err != nil || got.Artifacts != 2 || got.Changes != 2 || told != 2 {
			t.Errorf("left-pad has a flaw now: %+v, told %d, %v", got, told, err)
		}
		affected := func(database string) (n int) {
			t.Helper()
			list, err := s.Affected(t.Context(), "GHSA-left-pad", 0, 10)
			for i := range list {
				if list[i].Database != database {
					t.Errorf("judged by %s, want %s", list[i].Database, database)
				}
			}
			if err != nil {
				t.Error(err)
			}
			return len(list)
		}
		// A database may say again what a former one said; a process that has not heard
		// of the one in between changes nothing.
		now = now.Add(time.Second)
		if _, err := run("db2", true); err != ErrTaken || affected("db3") != 2 { //nolint:errorlint // not wrapped
			t.Errorf("a process that is behind: %v", err)
		}
		for i, back := range []struct {
			from, to string
			want     int
		}{{"db3", "db2", 0}, {"db2", "db3", 2}, {"db3", "db1", 0}, {"db1", "db3", 2}} {
			now, from = now.Add(time.Second), back.from
			if got, err := run(back.to, false, "left-pad"); err != nil || got.Artifacts != 2 || affected(back.to) != back.want {
				t.Errorf("%d, from %s back to %s: %+v, %v", i, back.from, back.to, got, err)
			}
			if _, err := run(back.to, false, "left-pad"); err != ErrTaken { //nolint:errorlint // not wrapped
				t.Errorf("%d, once more: %v", i, err)
			}
		}
		list, err := s.Affected(t.Context(), "GHSA-left-pad", 0, 10)
		if err != nil || len(list) != 2 || list[0].Database != "db3" {
			t.Errorf("affected: %+v, %v", list, err)
		}
		changes, err := s.Changes(t.Context(), list[0].ID, 10)
		if err != nil || len(changes) == 0 || changes[0].What != "new" || changes[0].Advisory != "GHSA-left-pad" {
			t.Errorf("changes: %+v, %v", changes, err)
		}
	})
}

// BenchmarkRematch compares an inventory of a million components (2,000 artifacts
// of 500, from 50,000 different ones) with 500 names whose advisories changed.
// FNVET_COMPONENTS makes it smaller.
func BenchmarkRematch(b *testing.B) {
	total := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("FNVET_COMPONENTS")); err == nil {
		total = n
	}
	s, err := Open(b.Context(), Options{URL: testdb.SQLite(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const each, different = 500, 50_000
	fill(b, s, total/each, each, different)
	flaws := map[string]bool{}
	var names []advisory.PackageName
	for i := range 500 {
		name := fmt.Sprintf("package-%d", i*(different/500))
		names = append(names, advisory.PackageName{Ecosystem: "npm", Name: name})
		flaws[name] = i < 20 // of a day's advisories most do not affect the versions in use
	}
	n := 0
	for b.Loop() {
		n++
		if n > 1 { // what the round before found is there now: as if it were gone
			flaws = map[string]bool{fmt.Sprintf("package-%d", n*100): true}
		}
		got, err := s.Rematch(b.Context(), &Rematch{
			Version: Version{Database: fmt.Sprintf("db%d", n)}, From: fmt.Sprintf("db%d", n-1), Names: names, Match: flawed(flaws), Judge: rejudge(flaws),
		})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(got.Components), "components")
		b.ReportMetric(float64(got.Artifacts), "artifacts")
	}
}

// fill stores artifacts with overlapping inventories.
func fill(b *testing.B, s *Store, artifacts, each, different int) {
	b.Helper()
	for a := range artifacts {
		r := &fnvet.Report{Schema: fnvet.Schema, Artifact: fnvet.Artifact{Name: "app", Digest: digest(a)}, Findings: []fnvet.Finding{}, Gaps: []fnvet.Gap{}}
		for i := range each {
			r.Packages = append(r.Packages, pkg(fmt.Sprintf("package-%d", (a*each+i*97)%different), "1.0.0"))
		}
		t, err := s.base.begin(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		req := request(a)
		fresh, err := s.addScans(b.Context(), t, []*entry{{Request: &req}})
		if err != nil {
			b.Fatal(err)
		}
		scan := &Scan{ID: fresh[0].scan, Registry: req.Registry, Repository: req.Repository, Digest: req.Digest}
		if err := s.save(b.Context(), t, scan, &Outcome{Report: r, Version: Version{Database: "db0"}}); err != nil {
			b.Fatal(err)
		}
		if err := t.commit(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
