package advisory

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory/version"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// Limits on the search for an upgrade.
const (
	maxComparisons = 2_000_000 // of versions with records; beyond, only the newest fix is looked at
	maxVia         = 20
)

// upgrade finds the smallest step out of all advisories of the package of hits:
// among the versions that any of its advisories names as fixed, the lowest that
// the fewest advisories affect, old and new ones. It is nil when that is no fewer
// than now, for malware, and where versions have no order. A pre-release is taken
// only from a pre-release, or when nothing else is as good.
func (m *matcher) upgrade(hits []*hit, findings []fnvet.Finding) (*fnvet.Upgrade, error) {
	first := hits[0]
	scheme, ordered := version.For(first.base)
	if !ordered || slices.ContainsFunc(findings, func(f fnvet.Finding) bool { return f.Kind == fnvet.Malware }) {
		return nil, nil
	}
	s := newSearch(first)
	now := map[int]bool{}
	for _, h := range hits {
		now[h.entry.record] = true
	}
	best, left := s.best(func(v string) bool { return !prerelease(first.base, v) })
	if best == "" || left > 0 && !prerelease(first.base, first.version) {
		if v, n := s.best(nil); v != "" && (best == "" || n < left) {
			best, left = v, n
		}
	}
	if best == "" || left >= len(now) || scheme.Compare(best, first.version) <= 0 {
		return nil, nil
	}
	u := &fnvet.Upgrade{Version: best, Major: majorStep(first.base, first.version, best)}
	leaves, err := m.leaves(s, best, hits, findings)
	u.Leaves, u.Via = leaves, m.via(first.pkg)
	return u, err
}

// A search holds what affects one package at which version.
type search struct {
	eval       *evaluator
	entries    []*entry // that some version above the present may be clear of
	hopeless   int      // records that affect every version
	candidates []string // fixed versions above the present, ascending
}

func newSearch(h *hit) *search {
	s := &search{eval: h.eval}
	hopeless := map[int]bool{}
	for i := range h.all {
		x := &h.all[i]
		if x.release != "" && x.release != h.release && h.release != "" {
			continue
		}
		fixes := h.eval.fixes(x.ranges)
		s.candidates = append(s.candidates, fixes...)
		switch {
		case x.endless():
			hopeless[x.record] = true
		case len(fixes)+len(x.versions) > 0 || h.eval.later(x.ranges):
			s.entries = append(s.entries, x) // the others end before the present version
		}
	}
	s.entries = slices.DeleteFunc(s.entries, func(x *entry) bool { return hopeless[x.record] })
	s.hopeless = len(hopeless)
	slices.Sort(s.candidates)
	s.candidates = slices.Compact(s.candidates)
	slices.SortStableFunc(s.candidates, h.eval.scheme.Compare)
	if n := len(s.candidates); n*len(s.entries) > maxComparisons {
		s.candidates = s.candidates[n-1:]
	}
	return s
}

// endless says that a range of the entry begins at the first version and never ends.
func (x *entry) endless() bool {
	return slices.ContainsFunc(x.ranges, func(s span) bool {
		return len(s.events) == 1 && s.events[0].zero()
	})
}

// affecting counts the records that affect a version, apart from the hopeless
// ones. It gives up above most, unless that is negative.
func (s *search) affecting(e *evaluator, most int) int {
	n, last := 0, -1
	for _, x := range s.entries {
		if x.record != last && e.affects(&x.affected) {
			n, last = n+1, x.record
			if most >= 0 && n > most {
				break
			}
		}
	}
	return n
}

// best returns the lowest wanted candidate that the fewest records affect. The newest
// one is looked at first: it is nearly always among the best, so that the others are
// given up as soon as they are worse.
func (s *search) best(wanted func(string) bool) (v string, left int) {
	candidates := s.candidates
	if wanted != nil {
		candidates = slices.DeleteFunc(slices.Clone(candidates), func(c string) bool { return !wanted(c) })
	}
	last := len(candidates) - 1
	if last < 0 {
		return "", s.hopeless - 1
	}
	v, left = candidates[last], s.affecting(s.eval.with(candidates[last]), -1)
	lowest := false
	for _, candidate := range candidates[:last] {
		n := s.affecting(s.eval.with(candidate), left)
		if n < left || n == left && !lowest {
			v, left, lowest = candidate, n, true
		}
		if left == 0 && lowest {
			break
		}
	}
	return v, left + s.hopeless
}

// leaves lists the ids of what still affects a version: the findings of the
// package, and advisories that only that version has.
func (m *matcher) leaves(s *search, v string, hits []*hit, findings []fnvet.Finding) ([]string, error) {
	e := s.eval.with(v)
	still := map[int]bool{}
	h := hits[0]
	for i := range h.all {
		x := &h.all[i]
		if (x.release == "" || x.release == h.release || h.release == "") && e.affects(&x.affected) {
			still[x.record] = true
		}
	}
	if len(still) == 0 {
		return nil, nil
	}
	section, err := m.db.section(h.base)
	if err != nil {
		return nil, err
	}
	c := cursor{sectionReader: section}
	var ids []string
	for number := range still {
		r, err := c.record(number)
		if err != nil {
			return nil, err
		}
		ids = append(ids, nameOf(r.id, findings))
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// nameOf is the id of the finding that a record belongs to, else its own.
func nameOf(id string, findings []fnvet.Finding) string {
	for i := range findings {
		if findings[i].ID == id || slices.Contains(findings[i].Aliases, id) {
			return findings[i].ID
		}
	}
	return id
}

func (m *matcher) findDependents() map[string][]int {
	dependents := map[string][]int{}
	for i := range m.pkgs {
		for _, purl := range m.pkgs[i].DependsOn {
			dependents[purl] = append(dependents[purl], i)
		}
	}
	return dependents
}

// via lists the direct dependencies through which a package comes in, by purl.
func (m *matcher) via(pkg int) []string {
	if m.pkgs[pkg].Direct {
		return nil
	}
	dependents, seen := m.dependents(), map[int]bool{pkg: true}
	var list []string
	for open := []int{pkg}; len(open) > 0; open = open[1:] {
		for _, i := range dependents[m.pkgs[open[0]].PURL] {
			switch {
			case seen[i]:
			case m.pkgs[i].Direct:
				list = append(list, m.pkgs[i].PURL)
			default:
				open = append(open, i)
			}
			seen[i] = true
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(len(list), maxVia)]
}

var (
	pythonPrerelease = lazyregexp.New(`(?i)\d[-_.]?(a|b|c|rc|alpha|beta|pre|preview|dev)[-_.]?\d*`)
	mavenPrerelease  = lazyregexp.New(`(?i)[-.](alpha|beta|milestone|m|cr|rc|snapshot|pre|ea|b)[-.]?\d*\b`)
	letters          = lazyregexp.New(`[A-Za-z]`)
)

// prerelease says whether a version precedes its release, by the ecosystem's habit.
func prerelease(base, v string) bool {
	switch {
	case distribution(base):
		return false
	case base == "PyPI":
		v, _, _ = strings.Cut(v, "+")
		return pythonPrerelease().MatchString(v)
	case base == "Maven":
		return mavenPrerelease().MatchString(v)
	case base == "RubyGems":
		return letters().MatchString(v)
	}
	v, _, _ = strings.Cut(v, "+")
	_, label, _ := strings.Cut(v, "-")
	return letters().MatchString(label) || label == "0"
}

// majorStep says whether an upgrade may break its users. A distribution's never
// does: it stays in its release.
func majorStep(base, from, to string) bool {
	if distribution(base) {
		return false
	}
	a, b := leading(from), leading(to)
	at := 0
	switch base {
	case "npm", "crates.io", "Packagist", "Pub", "Hex": // ^0.2.3 is below 0.3.0
		for at < len(a)-1 && a[at] == 0 {
			at++
		}
	}
	for i := range at + 1 {
		if i < len(a) != (i < len(b)) || i < len(a) && a[i] != b[i] {
			return true
		}
	}
	return false
}

// leading returns the numbers at the start of a version, without an epoch.
func leading(v string) []int {
	if _, rest, ok := strings.Cut(v, "!"); ok {
		v = rest
	}
	v = strings.TrimPrefix(strings.TrimPrefix(v, "v"), "go")
	var list []int
	for part := range strings.SplitSeq(v, ".") {
		end := 0
		for end < len(part) && '0' <= part[end] && part[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(part[:end])
		if err != nil {
			break
		}
		list = append(list, n)
		if end < len(part) {
			break
		}
	}
	return list
}
