package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// A File is a policy file: the policy at its top and those it names.
type File struct {
	top   Policy
	named map[string]Policy
}

// Parse reads a policy file as docs/policy.md describes it (its JSON Schema is
// docs/policy.schema.json). An empty file is the zero Policy. Errors are *Error,
// expressions included: they are compiled and typed here.
func Parse(data []byte) (*File, error) {
	root, err := document(data)
	if err != nil {
		return nil, err
	}
	f := &File{named: map[string]Policy{}}
	if root == nil || root.Tag == "!!null" {
		return f, nil
	}
	p := &parser{source: strings.Split(string(data), "\n")}
	var named *yaml.Node
	keys := p.keys(&f.top)
	keys["version"] = func(n *yaml.Node) error {
		if n = resolve(n); n.Value != "1" {
			return wrong(n, "version %q is not known to this fnvet: want 1", n.Value)
		}
		return nil
	}
	keys["policies"] = func(n *yaml.Node) error { named = n; return nil }
	if err := mapping(root, keys); err != nil {
		return nil, err
	}
	if named != nil {
		if err := p.policies(named, f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// policies reads the named ones. Each starts as the policy at the top: what it
// states replaces, its lists of rules, ignores and expressions come on top.
func (p *parser) policies(n *yaml.Node, f *File) error {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		return wrong(n, "want a mapping of names to policies")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := resolve(n.Content[i])
		if key.Kind != yaml.ScalarNode || !name().MatchString(key.Value) {
			return wrong(key, "%q is not a name: letters, digits, - and _", key.Value)
		}
		if _, twice := f.named[key.Value]; twice {
			return wrong(key, "policy %q is there twice", key.Value)
		}
		q := f.top
		q.rules, q.ignores, q.blocks = slices.Clip(q.rules), slices.Clip(q.ignores), slices.Clip(q.blocks)
		q.FailOnKind = maps.Clone(q.FailOnKind)
		if err := mapping(n.Content[i+1], p.keys(&q)); err != nil {
			return err
		}
		f.named[key.Value] = q
	}
	return nil
}

// Policy is the one of a name; "" is the one at the top. The error lists the names.
func (f *File) Policy(name string) (Policy, error) {
	if name == "" {
		return f.top, nil
	}
	p, ok := f.named[name]
	if !ok {
		known := f.Names()
		if len(known) == 0 {
			return Policy{}, fmt.Errorf("there is no policy %q: the file names none", name)
		}
		return Policy{}, fmt.Errorf("there is no policy %q: the file names %s", name, strings.Join(known, ", "))
	}
	return p, nil
}

// Names lists the named policies, sorted.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.named)) }

var name = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

type parser struct {
	source []string // lines
	cel    expressions
	spdx   *spdx
}

// keys are those of one policy.
func (p *parser) keys(q *Policy) fields {
	return fields{
		"fail-on":        func(n *yaml.Node) error { return failOn(n, q) },
		"only-fixable":   boolean(&q.OnlyFixable),
		"only-reachable": func(n *yaml.Node) error { return onlyReachable(n, q) },
		"kev-always":     boolean(&q.KEVAlways),
		"epss-at-least":  func(n *yaml.Node) error { return probability(n, &q.EPSSAtLeast) },
		"min-confidence": func(n *yaml.Node) (err error) {
			q.MinConfidence, err = word(n, []fnvet.Confidence{fnvet.ConfidenceHigh, fnvet.ConfidenceMedium, fnvet.ConfidenceLow})
			return err
		},
		"max-database-age": func(n *yaml.Node) (err error) {
			q.MaxDatabaseAge, err = duration(n)
			return err
		},
		"sbom-quality": func(n *yaml.Node) error { return quality(n, q) },
		"licenses":     func(n *yaml.Node) error { return p.licenses(n, q) },
		"rules": func(n *yaml.Node) error {
			return sequence(n, func(n *yaml.Node) error { return p.rule(n, q) })
		},
		"ignore": func(n *yaml.Node) error {
			return sequence(n, func(n *yaml.Node) error { return p.ignore(n, q) })
		},
		"block-when": func(n *yaml.Node) error {
			return sequence(n, func(n *yaml.Node) error { return p.block(n, q) })
		},
	}
}

// failOn reads one level for all kinds, or a mapping of kinds and "default".
func failOn(n *yaml.Node, q *Policy) (err error) {
	if resolve(n).Kind == yaml.ScalarNode {
		q.FailOn, err = word(n, levels)
		q.FailOnKind = nil
		return err
	}
	q.FailOnKind = map[fnvet.Kind]Level{}
	keys := fields{"default": func(n *yaml.Node) (err error) {
		q.FailOn, err = word(n, levels)
		return err
	}}
	for _, k := range fnvet.Kinds {
		keys[string(k)] = func(n *yaml.Node) (err error) {
			q.FailOnKind[k], err = word(n, levels)
			return err
		}
	}
	return mapping(n, keys)
}

func onlyReachable(n *yaml.Node, q *Policy) error {
	how, err := word(n, []string{"false", "true", "strict"})
	switch how {
	case "true":
		q.OnlyReachable = ReachNotNo
	case "strict":
		q.OnlyReachable = ReachStrict
	default:
		q.OnlyReachable = ReachAny
	}
	return err
}

func probability(n *yaml.Node, to *float64) error {
	n = resolve(n)
	v, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || err != nil || !(v >= 0 && v <= 1) {
		return wrong(n, "%q is not a probability between 0 and 1", n.Value)
	}
	*to = v
	return nil
}

func (p *parser) licenses(n *yaml.Node, q *Policy) error {
	if p.spdx == nil {
		p.spdx = newSPDX()
	}
	rule := &licenseRule{unknown: unknownIgnored, spdx: p.spdx}
	entries := func(to *[]licenseEntry) func(*yaml.Node) error {
		return func(n *yaml.Node) error {
			return sequence(n, func(n *yaml.Node) error {
				s, err := text(n)
				if err != nil {
					return err
				}
				e, err := p.spdx.parseEntry(s)
				if err != nil {
					return wrong(n, "%v", err)
				}
				*to = append(*to, e)
				return nil
			})
		}
	}
	err := mapping(n, fields{
		"allow": entries(&rule.allow),
		"deny":  entries(&rule.deny),
		"unknown": func(n *yaml.Node) (err error) {
			rule.unknown, err = word(n, []string{unknownIgnored, unknownReported, unknownDenied})
			return err
		},
	})
	q.licenses = rule
	return err
}

func (p *parser) rule(n *yaml.Node, q *Policy) error {
	c := ruleChange{}
	set := false
	err := mapping(n, fields{
		"rule": func(n *yaml.Node) error {
			s, err := text(n)
			if err != nil {
				return err
			}
			if !strings.Contains(s, "/") {
				return wrong(n, "%q is no rule id such as config/iam-wildcard-action; advisories are for \"ignore\"", s)
			}
			c.rule, err = newGlob(s, false)
			return err
		},
		"paths":     globs(&c.paths),
		"functions": globs(&c.functions),
		"severity": func(n *yaml.Node) error {
			s, err := word(n, append(slices.Clone(severities[:5]), "off"))
			c.severity, c.off, set = s, s == "off", true
			return err
		},
		"reason": stringTo(&c.reason),
	})
	switch {
	case err != nil:
		return err
	case c.rule.pattern == "":
		return wrong(resolve(n), "want rule: the id of a rule or a pattern such as secret/*")
	case !set:
		return wrong(resolve(n), "want severity: one of %s, off", join(severities[:5]))
	}
	q.rules = append(q.rules, c)
	return nil
}

func (p *parser) ignore(n *yaml.Node, q *Policy) error {
	ig := ignore{line: resolve(n).Line}
	pattern := func(to **glob) func(*yaml.Node) error {
		return func(n *yaml.Node) error {
			s, err := text(n)
			if err != nil {
				return err
			}
			g, err := newGlob(s, true)
			*to = &g
			if err != nil {
				return wrong(n, "%v", err)
			}
			return nil
		}
	}
	err := mapping(n, fields{
		"id":      pattern(&ig.id),
		"package": pattern(&ig.pkg),
		"versions": func(n *yaml.Node) error {
			if r := resolve(n); r.Kind != yaml.ScalarNode || r.Tag == "!!float" || r.Tag == "!!int" {
				return wrong(r, "want versions in quotes: \">=1.2.0 <1.4\"")
			}
			r, err := parseRange(resolve(n).Value)
			if err != nil {
				return wrong(resolve(n), "%v", err)
			}
			ig.versions = r
			return nil
		},
		"paths":  globs(&ig.paths),
		"when":   func(n *yaml.Node) (err error) { ig.when, err = p.expression(n, "finding"); return err },
		"reason": stringTo(&ig.reason),
		"expires": func(n *yaml.Node) (err error) {
			ig.until, ig.expires, err = date(n)
			return err
		},
	})
	switch n = resolve(n); {
	case err != nil:
		return err
	case ig.id == nil && ig.when == nil:
		return wrong(n, "an ignore wants an id, or an expression as when")
	case ig.reason == "":
		return wrong(n, "an ignore wants a reason")
	case ig.until == "":
		return wrong(n, "an ignore wants a date as expires: the last day on which it holds")
	}
	ig.name = ignoreName(&ig)
	q.ignores = append(q.ignores, ig)
	return nil
}

func ignoreName(ig *ignore) string {
	var s string
	if ig.id != nil {
		s = ig.id.pattern
	} else {
		s = "when " + ig.when.source
	}
	if ig.pkg != nil {
		s += " in " + ig.pkg.pattern
	}
	return s
}

func (p *parser) block(n *yaml.Node, q *Policy) error {
	b := blockRule{line: resolve(n).Line, severity: fnvet.High}
	err := mapping(n, fields{
		"name": func(n *yaml.Node) error {
			n = resolve(n)
			if !name().MatchString(n.Value) || slices.ContainsFunc(q.blocks, func(o blockRule) bool { return o.name == n.Value }) {
				return wrong(n, "%q is not a name of its own: letters, digits, - and _, each name once", n.Value)
			}
			b.name = n.Value
			return nil
		},
		"finding": func(n *yaml.Node) (err error) { b.finding, err = p.expression(n, "finding"); return err },
		"report":  func(n *yaml.Node) (err error) { b.report, err = p.expression(n, "report"); return err },
		"severity": func(n *yaml.Node) (err error) {
			b.severity, err = word(n, severities[:5])
			return err
		},
		"reason": stringTo(&b.reason),
	})
	switch n = resolve(n); {
	case err != nil:
		return err
	case b.name == "":
		return wrong(n, "an expression wants a name")
	case (b.finding == nil) == (b.report == nil):
		return wrong(n, "want one expression, as finding or as report")
	case b.reason == "":
		return wrong(n, "an expression wants a reason: the words people read when it blocks")
	}
	q.blocks = append(q.blocks, b)
	return nil
}

// expression compiles the text of a node and says where in the file a mistake is.
func (p *parser) expression(n *yaml.Node, variable string) (*expression, error) {
	n = resolve(n)
	source, err := text(n)
	if err != nil {
		return nil, err
	}
	e, line, column, err := p.cel.compile(variable, source)
	if err == nil {
		return e, nil
	}
	at := yaml.Node{Line: n.Line, Column: n.Column}
	switch {
	case n.Style&yaml.LiteralStyle != 0 && n.Line < len(p.source):
		first := p.source[n.Line]
		at.Line, at.Column = n.Line+line, len(first)-len(strings.TrimLeft(first, " "))+column+1
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		at.Column += column + 1
	case n.Style&yaml.FoldedStyle == 0:
		at.Column += column
	}
	return nil, wrong(&at, "%v", err)
}
