package advisory

import (
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/fnvet/fnvet"
)

// enrich adds what other data says of the flaws: KEV, EPSS, and for findings
// whose records state no severity that of a record which does. Each sets fields of
// its own.
func (db *DB) enrich(findings []fnvet.Finding) error {
	all := func(*fnvet.Finding) bool { return true }
	unrated := func(f *fnvet.Finding) bool { return f.Severity == fnvet.SeverityUnknown }
	var g errgroup.Group
	g.Go(func() error { return db.ask(lookupKEV, findings, all, addKEV) })
	g.Go(func() error { return db.ask(lookupEPSS, findings, all, addEPSS) })
	g.Go(func() error { return db.ask(lookupRatings, findings, unrated, addRating) })
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range findings {
		if f := &findings[i]; f.Status == fnvet.StatusWithdrawn && f.Kind == fnvet.Vulnerability {
			f.Severity = fnvet.Info // its own database no longer stands by it
		}
	}
	return nil
}

// ask looks up every name of the wanted findings, in the order of the index, and
// calls add with each value, in the order of the names.
func (db *DB) ask(name string, findings []fnvet.Finding, wanted func(*fnvet.Finding) bool, add func(f *fnvet.Finding, value string) bool) error {
	users := map[string][]*fnvet.Finding{}
	var names []string
	for i := range findings {
		f := &findings[i]
		if !wanted(f) {
			continue
		}
		for _, id := range append([]string{f.ID}, f.Aliases...) {
			if name != lookupRatings && !strings.HasPrefix(id, "CVE-") {
				continue
			}
			if users[id] == nil {
				names = append(names, id)
			}
			users[id] = append(users[id], f)
		}
	}
	slices.Sort(names)
	values, err := db.values(name, names)
	if err != nil {
		return err
	}
	for i, id := range names {
		if values[i] == nil {
			continue
		}
		for _, f := range users[id] {
			if !add(f, *values[i]) {
				return ErrCorrupt
			}
		}
	}
	return nil
}

// minNames are what of a lookup is worth a reader of its own.
const minNames = 64

// values looks names up that are in the order of the index; nil where one has no value.
func (db *DB) values(lookup string, names []string) ([]*string, error) {
	values := make([]*string, len(names))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	at := 0
	for _, part := range shares(names, minNames) {
		into := values[at:][:len(part)]
		at += len(part)
		g.Go(func() error {
			l, err := db.lookup(lookup)
			if err != nil || l == nil {
				return err
			}
			for i, id := range part {
				value, ok, err := l.find(id)
				if err != nil {
					return err
				}
				if ok {
					into[i] = &value
				}
			}
			return nil
		})
	}
	return values, g.Wait()
}

// addKEV keeps the earliest due date of a finding's flaws.
func addKEV(f *fnvet.Finding, due string) bool {
	if !f.KEV || due != "" && (f.KEVDue == "" || due < f.KEVDue) {
		f.KEV, f.KEVDue = true, due
	}
	return true
}

// addEPSS keeps the highest probability.
func addEPSS(f *fnvet.Finding, value string) bool {
	d := decoder{b: []byte(value)}
	p := float64(d.number()) / epssUnit
	if f.EPSS == nil || p > *f.EPSS {
		f.EPSS = &p
	}
	return !d.bad && len(d.b) == 0
}

// addRating keeps the worst rating, a computed score before a word.
func addRating(f *fnvet.Finding, value string) bool {
	l, ok := decodeLoan(value)
	if !ok {
		return false
	}
	severity, cvss := l.grade.rate()
	switch {
	case cvss == nil && (f.CVSS != nil || severity.Rank() <= f.Severity.Rank()):
	case cvss != nil && f.CVSS != nil && cvss.Score <= f.CVSS.Score:
	default:
		f.Severity, f.CVSS, f.SeverityFrom = severity, cvss, l.lender
	}
	return true
}
