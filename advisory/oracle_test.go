package advisory

import (
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory/version"
	"github.com/fnvet/fnvet/internal/oracle"
	gocmp "github.com/google/go-cmp/cmp"
)

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

func draws(rnd *rand.Rand, o *oracle.Oracle, n int) []draw {
	var out []draw
	for len(out) < n {
		e := &o.Entries[rnd.IntN(len(o.Entries))]
		var candidates []string
		for _, r := range e.Ranges {
			for _, ev := range r.Events {
				for _, kind := range []string{"introduced", "fixed", "last_affected", "limit"} {
					if v, ok := ev[kind]; ok {
						candidates = append(candidates, v)
					}
				}
			}
		}
		if n := len(e.Versions); n > 0 && (len(candidates) == 0 || rnd.IntN(4) == 0) {
			candidates = []string{e.Versions[rnd.IntN(n)]}
		}
		if len(candidates) == 0 {
			continue
		}
		v := near(rnd, o.Ecosystem, candidates[rnd.IntN(len(candidates))])
		out = append(out, draw{e.Ecosystem, e.Name, v})
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

// drawsVariable sets how many questions TestMatchAgreesWithOracle asks; "make
// parity" asks 22,000.
const drawsVariable = "FNVET_DRAWS"

func drawCount(tb testing.TB) int {
	tb.Helper()
	text := os.Getenv(drawsVariable)
	if text == "" {
		return 1_100
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		tb.Fatalf("%s=%q is no number above 0", drawsVariable, text)
	}
	return n
}

func TestMatchAgreesWithOracle(t *testing.T) {
	db := openShared(t)
	ecosystems := db.Status().Ecosystems
	for i, e := range ecosystems {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			o, err := oracle.Load(sharedOSV(t), e.Name)
			if err != nil {
				t.Fatal(err)
			}
			rnd := rand.New(rand.NewPCG(uint64(i), 7))
			skipped := 0
			questions := draws(rnd, o, max(1, drawCount(t)/len(ecosystems)))
			for _, q := range questions {
				if differs(q) != "" {
					skipped++
					continue
				}
				checkDraw(t, db, o, q)
			}
			if skipped > len(questions)/10 {
				t.Errorf("%d of %d questions not compared", skipped, len(questions))
			}
			t.Logf("%d questions, %d not compared", len(questions), skipped)
		})
	}
}

func checkDraw(t *testing.T, db *DB, o *oracle.Oracle, q draw) {
	t.Helper()
	want := o.Match(q.ecosystem, q.name, q.version)
	m := newMatcher(db, []fnvet.Package{{Name: q.name, Version: q.version, Ecosystem: q.ecosystem}})
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
	checkFindings(t, db, o, q, want)
}

// checkFindings compares what users see: every matching record is named by
// exactly the findings it belongs to, and none is named twice as an id.
func checkFindings(t *testing.T, db *DB, o *oracle.Oracle, q draw, want []string) {
	t.Helper()
	findings, _, err := db.Match(t.Context(), []fnvet.Package{{Name: q.name, Version: q.version, Ecosystem: q.ecosystem}})
	if err != nil {
		t.Fatal(err)
	}
	checkUpgrade(t, o, q, findings)
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
			if o.Compare("ECOSYSTEM", v, q.version) <= 0 {
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

// checkUpgrade holds the advice against the oracle: what it leaves is what still
// affects the version, and no lower fixed version is as good.
func checkUpgrade(t *testing.T, o *oracle.Oracle, q draw, findings []fnvet.Finding) {
	t.Helper()
	if len(findings) == 0 || findings[0].Package.Upgrade == nil {
		return
	}
	u := findings[0].Package.Upgrade
	var leaves []string
	for _, id := range o.Match(q.ecosystem, q.name, u.Version) {
		leaves = append(leaves, nameOf(id, findings))
	}
	slices.Sort(leaves)
	if leaves = slices.Compact(leaves); !slices.Equal(leaves, u.Leaves) {
		t.Errorf("%v: an upgrade to %s leaves %v, not %v", q, u.Version, leaves, u.Leaves)
	}
	if o.Compare("ECOSYSTEM", u.Version, q.version) <= 0 {
		t.Errorf("%v: an upgrade to %s", q, u.Version)
	}
	// The newest lower versions: with all of them tensorflow alone takes a minute.
	var lower []string
	for _, f := range findings {
		for _, v := range f.Package.Fixed {
			if o.Compare("ECOSYSTEM", v, u.Version) < 0 && !prerelease(o.Ecosystem, v) && differs(draw{q.ecosystem, q.name, v}) == "" {
				lower = append(lower, v)
			}
		}
	}
	slices.SortFunc(lower, func(a, b string) int { return cmp.Or(-o.Compare("ECOSYSTEM", a, b), cmp.Compare(a, b)) })
	lower = slices.Compact(lower)
	for _, v := range lower[:min(len(lower), 3)] {
		if n := len(o.Match(q.ecosystem, q.name, v)); n <= len(o.Match(q.ecosystem, q.name, u.Version)) {
			t.Errorf("%v: %s is enough, not %s", q, v, u.Version)
		}
	}
}
