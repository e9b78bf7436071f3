package advisory

import (
	"slices"

	"github.com/fnvet/fnvet/advisory/version"
)

// An evaluator answers for one version whether ranges affect it, by the
// evaluation algorithm of the OSV schema.
// https://ossf.github.io/osv-schema/#evaluation
type evaluator struct {
	scheme version.Scheme // 0 where the ecosystem has no order
	text   string
	own    version.Version
	semver version.Version // the same by semver.org, parsed when asked for
	asked  bool
	parsed map[string]version.Version // of the boundaries by scheme; nil to keep none
}

// with makes an evaluator for another version that shares the parsed boundaries.
func (e *evaluator) with(text string) *evaluator {
	f := &evaluator{scheme: e.scheme, text: text, parsed: e.parsed}
	if e.scheme != 0 {
		f.own = e.boundary(e.scheme, text)
	}
	return f
}

// boundary parses a version of a range. Records of one package share most of them.
func (e *evaluator) boundary(scheme version.Scheme, text string) version.Version {
	if e.parsed == nil || scheme != e.scheme {
		return scheme.Parse(text)
	}
	v, ok := e.parsed[text]
	if !ok {
		v = scheme.Parse(text)
		e.parsed[text] = v
	}
	return v
}

func newEvaluator(scheme version.Scheme, text string) *evaluator {
	e := &evaluator{scheme: scheme, text: text}
	if scheme != 0 {
		e.own = scheme.Parse(text)
	}
	return e
}

// valid says whether comparing the version means anything.
func (e *evaluator) valid() bool { return e.scheme == 0 || e.own.Valid() }

func (e *evaluator) in(s span) (version.Scheme, version.Version) {
	if s.order(e.scheme) == e.scheme {
		return e.scheme, e.own
	}
	if !e.asked {
		e.semver, e.asked = version.SemVer.Parse(e.text), true
	}
	return version.SemVer, e.semver
}

// affects tells whether the version is listed or lies in a range.
func (e *evaluator) affects(a *affected) bool {
	return e.listed(a.versions) || e.inRanges(a.ranges)
}

// listed compares by the ecosystem's order, so that "1.0" finds "1.0.0" where
// both are one version.
func (e *evaluator) listed(versions []string) bool {
	if slices.Contains(versions, e.text) {
		return true
	}
	return e.scheme != 0 && e.own.Valid() && slices.ContainsFunc(versions, func(v string) bool {
		w := e.boundary(e.scheme, v)
		return w.Valid() && e.own.Compare(w) == 0
	})
}

func (e *evaluator) inRanges(ranges []span) bool {
	return slices.ContainsFunc(ranges, e.inRange)
}

// inRange walks the events in order: introduced switches on, fixed and
// last_affected switch off. A range with limits affects only versions before one of them.
func (e *evaluator) inRange(s span) bool {
	scheme, v := e.in(s)
	on, limited, before := false, false, false
	for _, ev := range s.events {
		if ev.zero() {
			on = true
			continue
		}
		if ev.kind == limit && ev.version == "*" {
			limited, before = true, true
			continue
		}
		c := v.Compare(e.boundary(scheme, ev.version))
		switch ev.kind {
		case introduced:
			on = on || c >= 0
		case fixed:
			on = on && c < 0
		case lastAffected:
			on = on && c <= 0
		case limit:
			limited, before = true, before || c < 0
		default:
		}
	}
	return on && (!limited || before)
}

// fixes returns the fixed versions of the ranges that are newer than the version.
func (e *evaluator) fixes(ranges []span) []string {
	var out []string
	for _, s := range ranges {
		scheme, v := e.in(s)
		for _, ev := range s.events {
			if ev.kind == fixed && v.Compare(e.boundary(scheme, ev.version)) < 0 {
				out = append(out, ev.version)
			}
		}
	}
	return out
}

// later says whether a range has anything to say of versions after the own one:
// it begins or ends above it, or never ends.
func (e *evaluator) later(ranges []span) bool {
	for _, s := range ranges {
		scheme, v := e.in(s)
		last := event{}
		for _, ev := range s.events {
			last = ev
			if !ev.zero() && (ev.version == "*" || v.Compare(e.boundary(scheme, ev.version)) <= 0) {
				return true
			}
		}
		if last.kind == introduced {
			return true
		}
	}
	return false
}
