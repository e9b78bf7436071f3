package advisory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// Many records state no severity: those of Go, Alpine and most of Debian. Others
// rate the same flaw. The ratings of an index say, for each name of an unrated
// record, which record of the database rates the flaw of that name, and how.

// lenders are the ecosystems whose records mostly state a severity and share
// aliases with those that do not.
var lenders = [...]string{"Maven", "NuGet", "Packagist", "PyPI", "RubyGems", "crates.io", "npm"}

// Lenders lists the ecosystems that records of some others need for their
// severity: none, unless one of these mostly states no severity itself. With all
// of them in the database, what a finding is rated does not depend on what was
// fetched for other targets.
func Lenders(ecosystems []string) []string {
	for _, e := range ecosystems {
		if e == "Go" || distribution(e) {
			return slices.Clone(lenders[:])
		}
	}
	return nil
}

// A loan is the severity that a record lends to the names of its flaw.
type loan struct {
	lender string // id of the record
	grade  grade
}

// better says whether a loan is to be preferred to another: a vector before a
// word, the software's own advisory before a distribution's, a known database
// before others.
func (l *loan) better(other *loan) bool {
	rank := func(l *loan) int { return btoi(len(l.grade.vectors) == 0)*100 + preference(l.lender) }
	return cmp.Or(rank(l)-rank(other), cmp.Compare(l.lender, other.lender)) < 0
}

// namesOf lists the ids of a record's flaw. Those of a distribution's bulletin
// are many flaws.
func namesOf(base string, r *record) []string {
	names := append([]string{r.id}, r.aliases...)
	if distribution(base) {
		names = append(names, r.upstream...)
	}
	return names
}

// lends says whether a record's rating holds for the flaw of each of its names.
func lends(base string, r *record) bool {
	flaws := 0
	for _, id := range namesOf(base, r) {
		flaws += btoi(strings.HasPrefix(id, "CVE-"))
	}
	return !distribution(base) || flaws == 1
}

func (r *record) rated() bool {
	severity, _ := r.severity.rate()
	return severity != fnvet.SeverityUnknown
}

// ratings collects the loans over the records of all sections. each calls its
// argument with every record, and is called twice.
func ratings(each func(func(base string, r *record)) error) (lookup, error) {
	wanted := map[string]*loan{}
	err := each(func(base string, r *record) {
		if strings.HasPrefix(r.id, "MAL-") || r.rated() {
			return
		}
		for _, name := range namesOf(base, r) {
			wanted[name] = nil
		}
	})
	if err != nil {
		return nil, err
	}
	err = each(func(base string, r *record) {
		if !r.rated() || !lends(base, r) {
			return
		}
		l := &loan{r.id, r.severity}
		for _, name := range namesOf(base, r) {
			if have, ok := wanted[name]; ok && (have == nil || l.better(have)) {
				wanted[name] = l
			}
		}
	})
	values := lookup{}
	for name, l := range wanted {
		if l != nil {
			values[name] = l.encode()
		}
	}
	return values, err
}

func (l *loan) encode() string {
	var e encoder
	e.text(l.lender)
	e.grade(l.grade)
	return string(e.b)
}

func decodeLoan(value string) (*loan, bool) {
	d := decoder{b: []byte(value)}
	l := &loan{d.text(), d.grade()}
	return l, !d.bad && len(d.b) == 0
}
