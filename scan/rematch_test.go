package scan

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

// A told is a matcher that says what it was told to, and remembers what it was asked.
type told struct {
	findings []fnvet.Finding
	gaps     []fnvet.Gap
	info     fnvet.Database
	asked    []string
}

func (m *told) Match(_ context.Context, pkgs []fnvet.Package) ([]fnvet.Finding, []fnvet.Gap, fnvet.Database) {
	for i := range pkgs {
		m.asked = append(m.asked, pkgs[i].PURL)
	}
	return slices.Clone(m.findings), m.gaps, m.info
}

func pkg(name string) fnvet.Package {
	return fnvet.Package{Name: name, Version: "1", Ecosystem: "npm", PURL: "pkg:npm/" + name + "@1"}
}

func found(id, name string, kind fnvet.Kind) fnvet.Finding {
	p := pkg(name)
	return fnvet.Finding{ID: id, Kind: kind, Severity: fnvet.High, Package: &fnvet.PackageRef{PURL: p.PURL, Name: p.Name, Version: p.Version, Ecosystem: p.Ecosystem}}
}

func judged() *fnvet.Report {
	r := &fnvet.Report{
		Artifact: fnvet.Artifact{Name: "fn"}, Packages: []fnvet.Package{pkg("a"), pkg("b")},
		Findings: []fnvet.Finding{found("A-1", "a", fnvet.Vulnerability), found("A-2", "a", fnvet.Malware), found("A-L", "a", fnvet.License), found("B-1", "b", fnvet.Vulnerability), {ID: "secret/x", Kind: fnvet.SecretKind, Path: "f"}},
		Gaps:     []fnvet.Gap{{Path: "x.zip", Reason: "unreadable"}, {Path: "d", Reason: fnvet.GapOldDatabase}, {Path: "d", Reason: fnvet.GapNoDatabase, Detail: "hex"}},
	}
	r.Findings[0].ReachableVia = []string{"index.js", "a"}
	return r
}

func idsOf(r *fnvet.Report) string {
	var ids []string
	for i := range r.Findings {
		ids = append(ids, r.Findings[i].ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func reasonsOf(r *fnvet.Report) string {
	var list []string
	for _, g := range r.Gaps {
		list = append(list, g.Reason)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestRematch(t *testing.T) {
	index := fnvet.Database{From: fnvet.FromIndex, Advisories: 1}
	one := func(p *fnvet.Package) bool { return p.Name == "a" }
	all := func(*fnvet.Package) bool { return true }
	for _, row := range []struct {
		reason    string
		m         told
		changed   func(*fnvet.Package) bool
		asked     int
		ids, gaps string
		err       string
	}{
		{"one package: its flaws and malware are replaced, its licence, its neighbour and secrets stay",
			told{findings: []fnvet.Finding{found("A-3", "a", fnvet.Vulnerability)}, info: index}, one, 1, "A-3 A-L B-1 secret/x", "no-database unreadable", ""},
		{"nothing found any more", told{info: index}, one, 1, "A-L B-1 secret/x", "no-database unreadable", ""},
		{"none changed", told{info: index}, func(*fnvet.Package) bool { return false }, 0, "A-1 A-2 A-L B-1 secret/x", "no-database unreadable", ""},
		{"all: what could not be compared can be now", told{info: index}, all, 2, "A-L secret/x", "unreadable", ""},
		{"still too old a database", told{info: index, gaps: []fnvet.Gap{{Path: "d", Reason: fnvet.GapOldDatabase, Detail: "8 days"}}}, all, 2, "A-L secret/x", "old-database unreadable", ""},
		{"the same gap again is one", told{info: index, gaps: []fnvet.Gap{{Path: "d", Reason: fnvet.GapNoDatabase, Detail: "hex"}}}, one, 1, "A-L B-1 secret/x", "no-database unreadable", ""},
		{"a kind nobody wants", told{findings: []fnvet.Finding{found("A-9", "a", fnvet.Malware)}, info: index}, one, 1, "A-L B-1 secret/x", "no-database unreadable", ""},
		{"a comparison that failed changes nothing", told{info: index, gaps: []fnvet.Gap{{Reason: fnvet.GapFailed, Detail: "cut off"}}}, all, 2, "A-1 A-2 A-L B-1 secret/x", "no-database old-database unreadable", "cut off"},
		{"nor does one without a database", told{gaps: []fnvet.Gap{{Reason: fnvet.GapNoDatabase, Detail: "there is none"}}}, all, 2, "A-1 A-2 A-L B-1 secret/x", "no-database old-database unreadable", "there is none"},
	} {
		r := judged()
		before := judged()
		c := Config{Matcher: &row.m, Wants: func(k fnvet.Kind) bool { return k != fnvet.Malware }}
		err := Rematch(t.Context(), r, c, row.changed)
		if (err != nil) != (row.err != "") || err != nil && err.Error() != row.err {
			t.Errorf("%s: %v", row.reason, err)
		}
		if got := idsOf(r); got != row.ids {
			t.Errorf("%s: findings %s, want %s", row.reason, got, row.ids)
		}
		if got := reasonsOf(r); got != row.gaps {
			t.Errorf("%s: gaps %s, want %s", row.reason, got, row.gaps)
		}
		if len(row.m.asked) != row.asked {
			t.Errorf("%s: asked of %v", row.reason, row.m.asked)
		}
		if r.Scan.Complete && len(r.Gaps) > 0 {
			t.Errorf("%s: complete with gaps", row.reason)
		}
		if diff := cmp.Diff(before, r); err != nil && diff != "" {
			t.Errorf("%s: the report was changed:\n%s", row.reason, diff)
		}
	}
}

// TestRematchFollows: what is found anew has a fingerprint, and the way to its
// package that the first scan found.
func TestRematchFollows(t *testing.T) {
	r := judged()
	m := &told{findings: []fnvet.Finding{found("A-3", "a", fnvet.Vulnerability)}, info: fnvet.Database{From: fnvet.FromIndex}}
	r.Packages[0].Reachable = fnvet.ReachYes
	if err := Rematch(t.Context(), r, Config{Matcher: m}, func(p *fnvet.Package) bool { return p.Name == "a" }); err != nil {
		t.Fatal(err)
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.ID == "A-3" {
			if len(f.Fingerprint) != 32 || !slices.Equal(f.ReachableVia, []string{"index.js", "a"}) {
				t.Errorf("finding %+v", f)
			}
			return
		}
	}
	t.Error("the new finding is not there")
}

func TestRematchStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := judged()
	if err := Rematch(ctx, r, Config{Matcher: &told{}}, func(*fnvet.Package) bool { return true }); err == nil || cmp.Diff(judged(), r) != "" {
		t.Errorf("%v, or the report was changed", err)
	}
}
