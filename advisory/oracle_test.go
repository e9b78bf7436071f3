package advisory

import (
	"archive/zip"
	"cmp"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory/version"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/osv-scalibr/semantic"
)

// The oracle is the slow and obvious matcher: all records as decoded JSON, one
// linear scan for each question, versions ordered by osv-scalibr's semantic
// package. It shares no code with the index, the evaluator or the version orders.

// oracleEntry is one affected entry of one record, as JSON.
type oracleEntry struct {
	id, ecosystem, name string // the name in the form names are compared in
	affected            map[string]any
}

// loadOracle reads all entries of an ecosystem that are not withdrawn.
func loadOracle(tb testing.TB, dir, ecosystem string) []oracleEntry {
	tb.Helper()
	z, err := zip.OpenReader(filepath.Join(dir, ecosystem, "all.zip"))
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close()
	var list []oracleEntry
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		var rec map[string]any
		if err := json.NewDecoder(r).Decode(&rec); err != nil {
			tb.Fatal(f.Name, err)
		}
		if rec["withdrawn"] != nil {
			continue
		}
		for _, a := range objects(rec, "affected") {
			p := field[map[string]any](a, "package")
			name := oracleName(ecosystem, field[string](p, "name"))
			list = append(list, oracleEntry{field[string](rec, "id"), field[string](p, "ecosystem"), name, a})
		}
	}
	return list
}

func field[T any](m map[string]any, key string) T {
	v, _ := m[key].(T)
	return v
}

func objects(m map[string]any, key string) []map[string]any {
	var out []map[string]any
	for _, x := range field[[]any](m, key) {
		o, _ := x.(map[string]any)
		out = append(out, o)
	}
	return out
}

var oracleSeparators = regexp.MustCompile(`[-_.]+`)

func oracleName(ecosystem, name string) string {
	switch ecosystem {
	case "PyPI":
		return strings.ToLower(oracleSeparators.ReplaceAllString(name, "-"))
	case "NuGet", "Packagist":
		return strings.ToLower(name)
	}
	return name
}

// oracleCompare orders two versions by osv-scalibr, after the steps that it
// leaves out: Composer's four numbers and labels in lower case, "-" as ".pre." in
// Gem::Version, and what Maven changed in 3.8: ".x" is "-x" for any word x.
func oracleCompare(ecosystem, kind, a, b string) int {
	if kind == "SEMVER" {
		ecosystem = "npm"
	}
	switch ecosystem {
	case "Packagist":
		a, b = oracleComposer(a), oracleComposer(b)
	case "RubyGems":
		a, b = strings.ReplaceAll(a, "-", ".pre."), strings.ReplaceAll(b, "-", ".pre.")
	case "Maven":
		a, b = mavenDot.ReplaceAllString(a, "-$1"), mavenDot.ReplaceAllString(b, "-$1")
	}
	v, w := oracleParse(ecosystem, a), oracleParse(ecosystem, b)
	if v == nil || w == nil {
		return 0
	}
	c, err := v.Compare(w)
	if err != nil {
		return 0
	}
	return c
}

// oracleParsed remembers parsed versions: osv-scalibr takes its time.
var oracleParsed = map[[2]string]semantic.Version{}

func oracleParse(ecosystem, text string) semantic.Version {
	at := [2]string{ecosystem, text}
	if v, ok := oracleParsed[at]; ok {
		return v
	}
	v, err := semantic.Parse(text, ecosystem)
	if err != nil {
		v = nil
	}
	oracleParsed[at] = v
	return v
}

var mavenDot = regexp.MustCompile(`\.([a-zA-Z])`)

var oracleComposerForm = regexp.MustCompile(`^v?(\d+(?:\.\d+){0,3})(.*)$`)

func oracleComposer(v string) string {
	m := oracleComposerForm.FindStringSubmatch(strings.TrimSuffix(strings.ToLower(v), "-stable"))
	if m == nil || strings.Count(v, "-") > 1 {
		return v
	}
	return m[1] + strings.Repeat(".0", 3-strings.Count(m[1], ".")) + m[2]
}

func oracleRange(ecosystem, version string, r map[string]any) bool {
	kind := field[string](r, "type")
	if kind != "SEMVER" && kind != "ECOSYSTEM" {
		return false
	}
	type ev struct{ what, version string }
	var events []ev
	for _, e := range objects(r, "events") {
		for _, what := range []string{"introduced", "fixed", "last_affected", "limit"} {
			if v, ok := e[what].(string); ok {
				events = append(events, ev{what, v})
			}
		}
	}
	slices.SortStableFunc(events, func(a, b ev) int {
		switch {
		case a.version == "0" && a.what == "introduced":
			return -1
		case b.version == "0" && b.what == "introduced":
			return 1
		}
		return oracleCompare(ecosystem, kind, a.version, b.version)
	})
	vulnerable, limits, below := false, 0, false
	for _, e := range events {
		switch {
		case e.what == "introduced" && (e.version == "0" || oracleCompare(ecosystem, kind, version, e.version) >= 0):
			vulnerable = true
		case e.what == "fixed" && oracleCompare(ecosystem, kind, version, e.version) >= 0:
			vulnerable = false
		case e.what == "last_affected" && oracleCompare(ecosystem, kind, version, e.version) > 0:
			vulnerable = false
		case e.what == "limit":
			limits++
			below = below || e.version == "*" || oracleCompare(ecosystem, kind, version, e.version) < 0
		}
	}
	return vulnerable && (limits == 0 || below)
}

func oracleAffects(base, version string, affected map[string]any) bool {
	for _, v := range field[[]any](affected, "versions") {
		s, _ := v.(string)
		if s == version || oracleCompare(base, "ECOSYSTEM", s, version) == 0 {
			return true
		}
	}
	return slices.ContainsFunc(objects(affected, "ranges"), func(r map[string]any) bool { return oracleRange(base, version, r) })
}

// oracleMatch returns the ids of all records that affect a version, sorted.
func oracleMatch(entries []oracleEntry, ecosystem, name, version string) []string {
	base, _, _ := strings.Cut(ecosystem, ":")
	name = oracleName(base, name)
	var out []string
	for _, e := range entries {
		if e.name == name && e.ecosystem == ecosystem && oracleAffects(base, version, e.affected) {
			out = append(out, e.id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A draw is one question: a package of the data and a version at, just below or
// just above a boundary of one of its ranges, or near a listed version.
type draw struct{ ecosystem, name, version string }

var lastNumber = regexp.MustCompile(`^(.*?)(\d+)(\D*)$`)

// near makes versions around one.
func near(rnd *rand.Rand, base, v string) string {
	m := lastNumber.FindStringSubmatch(v)
	n := 0
	if m != nil {
		n, _ = strconv.Atoi(m[2])
	}
	switch rnd.IntN(10) {
	case 0, 1, 2:
		return v
	case 3, 4:
		if m != nil && n > 0 {
			return m[1] + strconv.Itoa(n-1) + m[3]
		}
	case 5, 6:
		if m != nil {
			return m[1] + strconv.Itoa(n+1) + m[3]
		}
	case 7:
		if i := strings.LastIndexByte(v, '.'); i > 0 && strings.Trim(v[i+1:], "0123456789") == "" && v[:i] != "0" {
			return v[:i]
		}
	default:
		suffixes := strings.Fields(nearSuffixes[base])
		suffix := suffixes[rnd.IntN(len(suffixes))]
		if i := strings.Index(v, "-r"); base == "Alpine" && i > 0 {
			return v[:i] + suffix + v[i:]
		}
		return v + suffix
	}
	return v
}

// nearSuffixes make a version a little older or newer.
var nearSuffixes = map[string]string{
	"npm": "-rc.1 -0 +build -beta", "crates.io": "-rc.1 -0 +build -alpha.beta", "Go": "-0.20240102030405-0123456789ab +incompatible -rc.1",
	"PyPI": ".dev1 rc1 a2 .post1 .1 +local -1", "Maven": "-rc1 .1 -1 -SNAPSHOT .Final -alpha2 .RELEASE -jre8 sp1", "RubyGems": ".1 .rc1 .pre .0",
	"NuGet": "-rc1 -Beta.2 .1 .0 +meta", "Packagist": "-rc1 -beta2 -RC2 -p1 .1", "Debian": "~rc1 +b1 .1 -1 ~deb9u1", "Alpine": "_rc1 _p1 _alpha .1",
	"AlmaLinux": "~1 ^1 .1 _2",
}

func draws(rnd *rand.Rand, entries []oracleEntry, n int) []draw {
	var out []draw
	for len(out) < n {
		a := entries[rnd.IntN(len(entries))].affected
		var candidates []string
		for _, r := range objects(a, "ranges") {
			for _, e := range objects(r, "events") {
				for _, v := range e {
					s, _ := v.(string)
					candidates = append(candidates, s)
				}
			}
		}
		if list := field[[]any](a, "versions"); len(list) > 0 && (len(candidates) == 0 || rnd.IntN(4) == 0) {
			s, _ := list[rnd.IntN(len(list))].(string)
			candidates = []string{s}
		}
		if len(candidates) == 0 {
			continue
		}
		p := field[map[string]any](a, "package")
		base, _, _ := strings.Cut(field[string](p, "ecosystem"), ":")
		v := near(rnd, base, candidates[rnd.IntN(len(candidates))])
		out = append(out, draw{field[string](p, "ecosystem"), field[string](p, "name"), v})
	}
	return out
}

// sharedMade is the directory sharedDB made, to be removed at the end.
var sharedMade string

// sharedDB compiles shared/osv once for all tests.
var sharedDB = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fnvet-advisory-")
	if err != nil {
		return "", err
	}
	sharedMade = dir
	_, err = Update(context.Background(), UpdateOptions{Dir: dir, Source: sharedDir()})
	return dir, err
})

func openShared(tb testing.TB) *DB {
	tb.Helper()
	sharedOSV(tb)
	dir, err := sharedDB()
	if err != nil {
		tb.Fatal(err)
	}
	db, err := Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

func TestMain(m *testing.M) {
	m.Run()
	os.RemoveAll(sharedMade)
}

var fourNumbers = regexp.MustCompile(`^v?\d+\.\d+\.\d+\.\d`)

// differs names the questions on which osv-scalibr's order is not the
// ecosystem's own, and those that have no answer.
func differs(d draw) string {
	scheme, _ := version.For(d.ecosystem)
	switch {
	case !scheme.Parse(d.version).Valid():
		return "not a version: Match answers with a gap"
	case scheme == version.SemVer && fourNumbers.MatchString(d.version):
		return "no semver: osv-scalibr reads 1.2.3.4 as a pre-release of 1.2.3"
	}
	return ""
}

func TestMatchAgreesWithOracle(t *testing.T) {
	db := openShared(t)
	total := 22_000
	if testing.Short() {
		total = 2_200
	}
	ecosystems := db.Status().Ecosystems
	for i, e := range ecosystems {
		t.Run(e.Name, func(t *testing.T) {
			entries := loadOracle(t, sharedOSV(t), e.Name)
			rnd := rand.New(rand.NewPCG(uint64(i), 7))
			skipped := 0
			questions := draws(rnd, entries, total/len(ecosystems))
			for _, q := range questions {
				if differs(q) != "" {
					skipped++
					continue
				}
				checkDraw(t, db, entries, q)
			}
			if skipped > len(questions)/10 {
				t.Errorf("%d of %d questions not compared", skipped, len(questions))
			}
			t.Logf("%d questions, %d not compared", len(questions), skipped)
		})
	}
}

func checkDraw(t *testing.T, db *DB, entries []oracleEntry, q draw) {
	t.Helper()
	want := oracleMatch(entries, q.ecosystem, q.name, q.version)
	m := matcher{db: db, pkgs: []fnvet.Package{{Name: q.name, Version: q.version, Ecosystem: q.ecosystem}}, uncovered: map[string]int{}, known: map[int]int{}}
	if err := cmp.Or(m.add(0), m.lookUp(t.Context())); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range m.hits {
		got = append(got, h.record.id)
	}
	slices.Sort(got)
	got = slices.Compact(got)
	if len(got)+len(want) > 0 && !slices.Equal(got, want) {
		t.Errorf("%v:\n%s", q, gocmp.Diff(want, got))
	}
	checkFindings(t, db, q, want)
}

// checkFindings compares what users see: every matching record is named by
// exactly the findings it belongs to, and none is named twice as an id.
func checkFindings(t *testing.T, db *DB, q draw, want []string) {
	t.Helper()
	findings, _, err := db.Match(t.Context(), []fnvet.Package{{Name: q.name, Version: q.version, Ecosystem: q.ecosystem}})
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]int{}
	for _, f := range findings {
		named[f.ID]++
		if !slices.Contains(want, f.ID) {
			t.Errorf("%v: finding %s does not match by the oracle", q, f.ID)
		}
		for _, a := range f.Aliases {
			named[a]++
		}
		for _, v := range f.Package.Fixed {
			base, _, _ := strings.Cut(q.ecosystem, ":")
			if oracleCompare(base, "ECOSYSTEM", v, q.version) <= 0 {
				t.Errorf("%v: %s fixed in %s, which is not newer", q, f.ID, v)
			}
		}
	}
	for _, id := range want {
		if named[id] == 0 {
			t.Errorf("%v: %s is in no finding", q, id)
		}
	}
	if !distribution(strings.SplitN(q.ecosystem, ":", 2)[0]) {
		for id, n := range named {
			if n > 1 {
				t.Errorf("%v: %s is named by %d findings", q, id, n)
			}
		}
	}
}
