package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/oracle"
)

// Over every package of every test artifact, the report names the flaws that the
// slow oracle finds in the raw records, no more and no fewer.
func TestScanAgreesWithOracle(t *testing.T) {
	sources := []string{"../../testdata/osv"}
	if shared := "../../../shared/osv"; exists(filepath.Join(shared, "ecosystems.txt")) {
		sources = append(sources, shared)
	} else {
		t.Log("no folder shared/osv beside the repository: only testdata/osv is compared")
	}
	targets, err := filepath.Glob("../../testdata/packages/*")
	if err != nil || len(targets) == 0 {
		t.Fatalf("no packages: %v", err)
	}
	for _, source := range sources {
		db := own(t)
		fnvetRun(t, 0, "db", "update", "--db", db, "--db-source", source)
		oracles := map[string]*oracle.Oracle{}
		compared, named := 0, 0
		for _, target := range targets {
			r := scanJSON(t, "--db", db, "--max-db-age", "0", target)
			for _, u := range unitsOf(r) {
				o := oracleFor(t, oracles, source, u.ecosystem)
				if o == nil {
					continue
				}
				want := o.Names(u.ecosystem, u.name, u.version)
				if d := cmp.Diff(want, namesIn(r, u)); d != "" && len(want)+len(namesIn(r, u)) > 0 {
					t.Errorf("%s with %s: %s %s %s (-oracle +report)\n%s", target, source, u.ecosystem, u.name, u.version, d)
				}
				compared++
				named += len(want)
			}
		}
		if compared < 20 || named < 100 {
			t.Errorf("%s: only %d packages and %d names compared", source, compared, named)
		}
		t.Logf("%s: %d packages, %d names", source, compared, named)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// scanJSON scans offline, in this process, and gives the report whatever the verdict.
func scanJSON(t *testing.T, args ...string) *fnvet.Report {
	t.Helper()
	args = append([]string{"scan", "--sandbox=false", "--offline", "--format", "json", "--fail-on", "never", "--allow-incomplete"}, args...)
	out := fnvetRun(t, 0, args...)
	var r fnvet.Report
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// A unit is what advisories are looked up for: a package, or the source package
// of several binary ones.
type unit struct{ ecosystem, name, version string }

func unitOf(p *fnvet.Package) unit {
	u := unit{p.Ecosystem, p.Name, p.Version}
	base, _, _ := strings.Cut(p.Ecosystem, ":")
	if p.Source != nil && (base == "Debian" || base == "Alpine") {
		u.name = p.Source.Name
		if p.Source.Version != "" {
			u.version = p.Source.Version
		}
	}
	if u.name == "stdlib" && base == "Go" {
		u.version = strings.TrimPrefix(u.version, "go")
	}
	return u
}

func unitsOf(r *fnvet.Report) []unit {
	var list []unit
	for i := range r.Packages {
		if u := unitOf(&r.Packages[i]); !slices.Contains(list, u) {
			list = append(list, u)
		}
	}
	return list
}

// namesIn lists the ids and aliases of a unit's findings, sorted.
func namesIn(r *fnvet.Report, u unit) []string {
	var names []string
	for i := range r.Packages {
		p := &r.Packages[i]
		if unitOf(p) != u {
			continue
		}
		for _, f := range r.Findings {
			if f.Package != nil && f.Package.Ecosystem == p.Ecosystem && f.Package.Name == p.Name && f.Package.Version == p.Version {
				names = append(append(names, f.ID), f.Aliases...)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// oracleFor loads the records of an ecosystem once; nil where the source has none.
func oracleFor(t *testing.T, loaded map[string]*oracle.Oracle, source, ecosystem string) *oracle.Oracle {
	t.Helper()
	base, _, _ := strings.Cut(ecosystem, ":")
	if o, ok := loaded[base]; ok {
		return o
	}
	loaded[base] = nil
	if exists(filepath.Join(source, base, "all.zip")) {
		o, err := oracle.Load(source, base)
		if err != nil {
			t.Fatal(err)
		}
		loaded[base] = o
	}
	return loaded[base]
}
