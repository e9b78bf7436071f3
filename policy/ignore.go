package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
)

// A Compare orders two versions of an OSV ecosystem: negative, 0 or positive as
// a is older than, equal to or newer than b. ok is false where there is no order.
type Compare func(ecosystem, a, b string) (order int, ok bool)

// An ignore is one entry of the list of that name.
type ignore struct {
	line     int
	name     string // how reasons call it: the id, or its expression
	id       *glob
	pkg      *glob // name of the package, or a package URL without its version
	versions *versionRange
	paths    []glob
	when     *expression
	reason   string
	expires  time.Time // the first moment at which it no longer holds
	until    string    // the last day on which it holds, YYYY-MM-DD
}

func (ig *ignore) expired(now time.Time) bool { return !now.Before(ig.expires) }

// matches says whether the entry is about a finding, whatever the date. The
// error is of its expression; such an entry matches nothing.
func (ig *ignore) matches(artifact string, f *fnvet.Finding, compare Compare) (bool, error) {
	if ig.id != nil && !matchID(ig.id, f) || !anyPath(ig.paths, artifact, f.Path) {
		return false, nil
	}
	if ig.pkg != nil && (f.Package == nil || !matchPackage(ig.pkg, f.Package)) {
		return false, nil
	}
	if ig.versions != nil && (f.Package == nil || !ig.versions.contains(f.Package.Ecosystem, f.Package.Version, compare)) {
		return false, nil
	}
	if ig.when != nil {
		return ig.when.eval(f)
	}
	return true, nil
}

func matchID(g *glob, f *fnvet.Finding) bool {
	return g.match(f.ID) || slices.ContainsFunc(f.Aliases, g.match)
}

func matchPackage(g *glob, p *fnvet.PackageRef) bool {
	if g.match(p.Name) {
		return true
	}
	purl, _, _ := strings.Cut(p.PURL, "?")
	if g.match(purl) {
		return true
	}
	at := strings.LastIndexByte(purl, '@')
	return at > 0 && g.match(purl[:at])
}

// A versionRange is alternatives of comparisons that all hold:
// ">=1.2.0 <1.4 || =2.0.0". A version without an operator is "=".
type versionRange [][]comparison

type comparison struct{ op, version string }

var operators = [...]string{">=", "<=", "!=", "==", ">", "<", "="}

func parseRange(s string) (*versionRange, error) {
	var out versionRange
	for alternative := range strings.SplitSeq(s, "||") {
		var all []comparison
		op := ""
		for _, word := range strings.FieldsFunc(alternative, func(r rune) bool { return r == ' ' || r == ',' }) {
			for _, o := range operators {
				if rest, ok := strings.CutPrefix(word, o); ok && op == "" {
					op, word = o, rest
					break
				}
			}
			if word == "" {
				continue // the version is the next word
			}
			if strings.ContainsAny(word, "<>=*^|") || strings.HasPrefix(word, "~") {
				return nil, fmt.Errorf("%q is not a comparison such as >=1.2.3", word)
			}
			if op == "=" {
				op = "=="
			}
			all = append(all, comparison{op, word})
			op = ""
		}
		if len(all) == 0 || op != "" {
			return nil, fmt.Errorf("%q is not a version range such as \">=1.2.0 <1.4 || 2.0.0\"", s)
		}
		out = append(out, all)
	}
	return &out, nil
}

// contains is false where versions have no order: what cannot be compared is
// not ignored.
func (r *versionRange) contains(ecosystem, version string, compare Compare) bool {
	for _, all := range *r {
		ok := true
		for _, c := range all {
			ok = ok && c.holds(ecosystem, version, compare)
		}
		if ok {
			return true
		}
	}
	return false
}

func (c comparison) holds(ecosystem, version string, compare Compare) bool {
	if version == c.version {
		return c.op != ">" && c.op != "<" && c.op != "!="
	}
	if compare == nil {
		return false
	}
	order, ok := compare(ecosystem, version, c.version)
	if !ok {
		return false
	}
	switch c.op {
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case "<":
		return order < 0
	case "!=":
		return order != 0
	default:
		return order == 0
	}
}

// A ruleChange gives the findings of some rules another severity, or turns the
// rules off.
type ruleChange struct {
	rule      glob
	paths     []glob
	functions []glob
	off       bool
	severity  fnvet.Severity
	reason    string
}

// change applies the last of the changes that is about a finding.
func change(changes []ruleChange, artifact string, f *fnvet.Finding) {
	for i := len(changes) - 1; i >= 0; i-- {
		c := &changes[i]
		if !c.rule.match(f.ID) || !anyPath(c.paths, artifact, f.Path) || !anyFunction(c.functions, artifact, f) {
			continue
		}
		switch {
		case !c.off:
			f.Severity = c.severity
		case f.Suppressed == nil:
			f.Suppressed = &fnvet.Suppressed{By: byPolicy, Reason: strings.TrimSuffix("rule "+c.rule.pattern+" is off: "+c.reason, ": ")}
		}
		return
	}
}
