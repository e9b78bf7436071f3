package advisory

import (
	"math/rand/v2"
	"testing"

	"github.com/fnvet/fnvet"
)

func BenchmarkCompile(b *testing.B) {
	osv := sharedOSV(b)
	for b.Loop() {
		st, err := Update(b.Context(), UpdateOptions{Dir: b.TempDir(), Source: osv})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(st.Size)/1e6, "MB")
	}
}

// BenchmarkOpenMatch opens the database and matches 500 packages, half of them
// with advisories, as a process does once.
func BenchmarkOpenMatch(b *testing.B) {
	db := openShared(b)
	dir, err := sharedDB()
	if err != nil {
		b.Fatal(err)
	}
	pkgs := somePackages(b, db, 500)
	found := 0
	for b.Loop() {
		db, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		findings, _, err := db.Match(b.Context(), pkgs)
		if err != nil {
			b.Fatal(err)
		}
		found = len(findings)
		db.Close()
	}
	b.ReportMetric(float64(found), "findings")
}

// somePackages draws names from the database, each with the last boundary of
// its data as version, and as many names that are not in it.
func somePackages(tb testing.TB, db *DB, n int) []fnvet.Package {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	var list []fnvet.Package
	for _, ecosystem := range []string{"npm", "PyPI", "Maven", "Go"} {
		s, err := db.section(ecosystem)
		if err != nil || s == nil {
			tb.Fatal(ecosystem, err)
		}
		for range n / 8 {
			raw, err := s.block(s.table.packages[rnd.IntN(len(s.table.packages))], nil)
			if err != nil {
				tb.Fatal(err)
			}
			d := decoder{b: raw}
			all := d.all()
			p := all[rnd.IntN(len(all))]
			v := "1.0.0"
			for _, x := range p.entries {
				for _, r := range x.ranges {
					v = r.events[len(r.events)-1].version
				}
			}
			list = append(list, pkg(ecosystem, p.name, v), pkg(ecosystem, p.name+"-not", "1.0.0"))
		}
	}
	return list
}
