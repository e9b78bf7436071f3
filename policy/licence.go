package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
)

// What is tried as a licence expression is bounded: bytes, and brackets in brackets.
const (
	maxExpression = 4096
	maxBrackets   = 32
)

// How a package without a known licence is treated.
const (
	unknownIgnored  = "ignore"
	unknownReported = "report"
	unknownDenied   = "deny"
)

// A licenseRule says which licences packages may have.
type licenseRule struct {
	allow, deny []licenseEntry
	unknown     string
	spdx        *spdx
}

// A licenseEntry is one line of the lists: a licence of the SPDX list, one with an
// exception, a pattern of ids, or any other text as packages state it.
type licenseEntry struct {
	text string
	glob *glob   // for patterns
	term *choice // for listed licences
}

// spdx is the licence list of go-spdx, indexed. (Its expression parser is not
// used: it panics on expressions that end early.)
type spdx struct {
	ids        map[string]string // lower case to as listed
	exceptions map[string]string
	ranges     map[string]place // by listed id
	groups     [][][]string
}

// A place is where an id stands among the versions of its licence.
type place struct{ group, version int }

func newSPDX() *spdx {
	l := &spdx{ids: map[string]string{}, exceptions: map[string]string{}, ranges: map[string]place{}, groups: spdxlicenses.LicenseRanges()}
	for _, id := range append(spdxlicenses.GetLicenses(), spdxlicenses.GetDeprecated()...) {
		l.ids[strings.ToLower(id)] = id
	}
	for _, id := range spdxlicenses.GetExceptions() {
		l.exceptions[strings.ToLower(id)] = id
	}
	for g, versions := range l.groups {
		for v, ids := range versions {
			for _, id := range ids {
				l.ids[strings.ToLower(id)] = id
				l.ranges[id] = place{g, v}
			}
		}
	}
	return l
}

// A choice is the licences that one id stands for, of which a user may take any:
// one for "GPL-2.0-only", every later version too for "GPL-2.0-or-later".
type choice struct {
	ids       []string
	exception string
}

// choice reads one id with an optional plus sign. ok is false for what is not listed.
func (l *spdx) choice(id string) (c choice, ok bool) {
	later := false
	base := id
	for _, suffix := range [...]string{"-or-later", "+"} {
		if cut, has := cutSuffixFold(id, suffix); has {
			base, later = cut, true
		}
	}
	listed, known := l.ids[strings.ToLower(id)]
	if !known && later {
		listed, known = l.ids[strings.ToLower(base)]
	}
	if !known {
		return choice{}, false
	}
	at, ranged := place{}, false
	for _, name := range [...]string{base, base + "-only", listed} {
		if p, has := l.ranges[l.ids[strings.ToLower(name)]]; has {
			at, ranged = p, true
			break
		}
	}
	if !ranged {
		return choice{ids: []string{listed}}, true
	}
	versions := l.groups[at.group][at.version:]
	if !later {
		versions = versions[:1]
	}
	for _, v := range versions {
		c.ids = append(c.ids, canonical(v))
	}
	return c, true
}

// canonical is the id that stands for one version: "GPL-2.0-only", not the
// deprecated "GPL-2.0".
func canonical(version []string) string {
	for _, id := range version {
		if strings.HasSuffix(id, "-only") {
			return id
		}
	}
	return version[0]
}

func cutSuffixFold(s, suffix string) (string, bool) {
	if len(s) > len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix) {
		return s[:len(s)-len(suffix)], true
	}
	return s, false
}

// A licenseTree is a licence expression: a leaf, or "AND"/"OR" over two parts.
type licenseTree struct {
	op          string
	left, right *licenseTree
	leaf        choice
	text        string // of the leaf
}

// parse reads an expression of listed licences by annex D of SPDX 2.3. ok is
// false for anything else.
func (l *spdx) parse(s string) (tree *licenseTree, ok bool) {
	if len(s) > maxExpression {
		return nil, false
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "(", " ( "), ")", " ) ")
	p := &licenseParser{l: l, in: strings.Fields(s)}
	tree = p.or(0)
	return tree, tree != nil && len(p.in) == 0
}

type licenseParser struct {
	l  *spdx
	in []string // words left
}

func (p *licenseParser) take(word string) bool {
	if len(p.in) == 0 || !strings.EqualFold(p.in[0], word) {
		return false
	}
	p.in = p.in[1:]
	return true
}

func (p *licenseParser) or(depth int) *licenseTree {
	return p.chain("OR", func() *licenseTree {
		return p.chain("AND", func() *licenseTree { return p.with(depth) })
	})
}

// chain reads parts joined by an operator; nil when one of them does not parse.
func (p *licenseParser) chain(op string, part func() *licenseTree) *licenseTree {
	tree := part()
	for tree != nil && p.take(op) {
		right := part()
		if right == nil {
			return nil
		}
		tree = &licenseTree{op: op, left: tree, right: right}
	}
	return tree
}

func (p *licenseParser) with(depth int) *licenseTree {
	if p.take("(") {
		if depth >= maxBrackets {
			return nil
		}
		tree := p.or(depth + 1)
		if tree == nil || !p.take(")") {
			return nil
		}
		return tree
	}
	if len(p.in) == 0 {
		return nil
	}
	leaf, ok := p.l.choice(p.in[0])
	if !ok {
		return nil
	}
	text := p.in[0]
	p.in = p.in[1:]
	if p.take("WITH") {
		if len(p.in) == 0 || p.l.exceptions[strings.ToLower(p.in[0])] == "" {
			return nil
		}
		leaf.exception = p.l.exceptions[strings.ToLower(p.in[0])]
		text += " WITH " + leaf.exception
		p.in = p.in[1:]
	}
	return &licenseTree{leaf: leaf, text: text}
}

// parseEntry reads one line of a list.
func (l *spdx) parseEntry(text string) (licenseEntry, error) {
	e := licenseEntry{text: text}
	if strings.ContainsAny(text, "*?") {
		g, err := newGlob(text, true)
		e.glob = &g
		return e, err
	}
	tree, ok := l.parse(text)
	switch {
	case ok && tree.op != "":
		return e, fmt.Errorf("%q is an expression: list its licences one by one", text)
	case ok:
		e.term = &tree.leaf
	}
	return e, nil
}

// covers says whether the entry is about one version of a licence.
func (e *licenseEntry) covers(id, exception string, exact bool) bool {
	if e.glob != nil {
		return !exact && e.glob.match(id)
	}
	if e.term == nil {
		return false
	}
	if e.term.exception != exception && (exact || e.term.exception != "") {
		return false
	}
	return slices.Contains(e.term.ids, id)
}

// acceptable says of one leaf whether the lists let it pass: some version of it
// must be allowed (or nothing is said of what is allowed) and not denied. An
// exception only adds rights, so an entry without one covers it too; an allowed
// entry that names the exception wins over a denied one that does not.
func (r *licenseRule) acceptable(c choice) (ok, denied bool) {
	denied = true
	for _, id := range c.ids {
		exact := c.exception != "" && anyEntry(r.allow, id, c.exception, true)
		if !exact && anyEntry(r.deny, id, c.exception, false) {
			continue
		}
		denied = false
		if len(r.allow) == 0 || anyEntry(r.allow, id, c.exception, false) {
			return true, false
		}
	}
	return false, denied
}

func anyEntry(entries []licenseEntry, id, exception string, exact bool) bool {
	for i := range entries {
		if entries[i].covers(id, exception, exact) {
			return true
		}
	}
	return false
}

// A licenseVerdict is what the lists say of a package's licences.
type licenseVerdict uint8

// From best to worst: AND takes the worse side, OR the better one.
const (
	licenseFine licenseVerdict = iota
	licenseUnknown
	licenseNotAllowed
	licenseDenied
)

// judge evaluates a tree; text names a leaf that the verdict is due to.
func (r *licenseRule) judge(t *licenseTree) (v licenseVerdict, text string) {
	if t.op == "" {
		ok, denied := r.acceptable(t.leaf)
		switch {
		case ok:
			return licenseFine, t.text
		case denied:
			return licenseDenied, t.text
		}
		return licenseNotAllowed, t.text
	}
	v, text = r.judge(t.left)
	w, other := r.judge(t.right)
	if t.op == "AND" && w > v || t.op == "OR" && w < v {
		return w, other
	}
	return v, text
}

// judgeAll takes the licences of a package: all of them apply. Text that is no
// expression is compared with the entries as it stands.
func (r *licenseRule) judgeAll(licenses []string) (v licenseVerdict, text string) {
	stated := false
	for _, s := range licenses {
		if s = strings.TrimSpace(s); s == "" || strings.EqualFold(s, "NOASSERTION") || strings.EqualFold(s, "NONE") {
			continue
		}
		stated = true
		w, leaf := r.judgeOne(s)
		if w > v {
			v, text = w, leaf
		}
	}
	if !stated {
		return licenseUnknown, ""
	}
	return v, text
}

func (r *licenseRule) judgeOne(s string) (licenseVerdict, string) {
	if tree, ok := r.spdx.parse(s); ok {
		return r.judge(tree)
	}
	named := func(entries []licenseEntry) bool {
		for i := range entries {
			if strings.EqualFold(entries[i].text, s) || entries[i].glob != nil && entries[i].glob.match(s) {
				return true
			}
		}
		return false
	}
	switch {
	case named(r.deny):
		return licenseDenied, s
	case named(r.allow):
		return licenseFine, s
	}
	return licenseUnknown, s
}
