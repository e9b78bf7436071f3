package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// Bounds on what is read: bytes, nodes after aliases are followed, nesting.
const (
	maxFile  = 4 << 20
	maxNodes = 200_000
	maxNest  = 64
)

// An Error is a mistake in a policy or a file of cases, and where it is: line
// and column, both 1-based, the column in characters.
type Error struct {
	Line, Column int
	Msg          string
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Msg) }

func wrong(n *yaml.Node, format string, args ...any) error {
	return &Error{max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...)}
}

var yamlLine = lazyregexp.New(`^(?:yaml: )?(?:line ([0-9]+): )?`)

// document parses YAML with one document; nil when it is empty.
func document(data []byte) (*yaml.Node, error) {
	if len(data) > maxFile {
		return nil, &Error{1, 1, fmt.Sprintf("%d bytes; at most %d are read", len(data), maxFile)}
	}
	if !utf8.Valid(data) {
		return nil, &Error{1, 1, "not UTF-8 text"}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, syntaxError(data, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil, nil
	}
	root := doc.Content[0]
	nodes := 0
	if err := bound(root, 0, &nodes); err != nil {
		return nil, err
	}
	return resolve(root), nil
}

// syntaxError gives the parser's message a place: it states the line only, so
// the column is that of the first character on it.
func syntaxError(data []byte, err error) error {
	m := yamlLine().FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(m[1])
	line = max(line, 1)
	column := 1
	if lines := strings.Split(string(data), "\n"); line <= len(lines) {
		text := lines[line-1]
		if trimmed := strings.TrimLeft(text, " \t"); trimmed != "" {
			column += len(text) - len(trimmed)
		}
	}
	return &Error{line, column, "YAML: " + strings.TrimPrefix(err.Error(), m[0])}
}

// bound counts nodes with aliases followed, so that a few lines cannot stand
// for billions, nor for themselves.
func bound(n *yaml.Node, depth int, nodes *int) error {
	*nodes++
	switch {
	case depth > maxNest:
		return wrong(n, "nested deeper than %d", maxNest)
	case *nodes > maxNodes:
		return wrong(n, "more than %d values, aliases followed", maxNodes)
	case n.Kind == yaml.AliasNode:
		if n.Alias == nil {
			return wrong(n, "unknown alias %q", n.Value)
		}
		return bound(n.Alias, depth+1, nodes)
	}
	for _, c := range n.Content {
		if err := bound(c, depth+1, nodes); err != nil {
			return err
		}
	}
	return nil
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// fields is what reads each key of a mapping.
type fields map[string]func(*yaml.Node) error

// mapping reads a mapping: every key once, none that is not known.
func mapping(n *yaml.Node, known fields) error {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		return wrong(n, "want a mapping with %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := resolve(n.Content[i])
		read, ok := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || !ok:
			return wrong(key, "unknown key %q%s", key.Value, suggest(key.Value, slices.Sorted(maps.Keys(known))))
		case seen[key.Value]:
			return wrong(key, "key %q is there twice", key.Value)
		}
		seen[key.Value] = true
		if err := read(n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// suggest names the known word that is nearest, or all of them.
func suggest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	return ": want one of " + strings.Join(known, ", ")
}

// distance is Levenshtein's, of words short enough to be keys.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// sequence reads each element of a list.
func sequence(n *yaml.Node, read func(*yaml.Node) error) error {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		return wrong(n, "want a list")
	}
	for _, c := range n.Content {
		if err := read(c); err != nil {
			return err
		}
	}
	return nil
}

// text reads a string that is not empty. Dates and numbers are not strings.
func text(n *yaml.Node) (string, error) {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		return "", wrong(n, "want a string")
	}
	if strings.TrimSpace(n.Value) == "" {
		return "", wrong(n, "want a string that is not empty")
	}
	return n.Value, nil
}

// word reads one of some words.
func word[S ~string](n *yaml.Node, known []S) (S, error) {
	r := resolve(n)
	if r.Kind != yaml.ScalarNode || !slices.Contains(known, S(r.Value)) {
		return "", wrong(r, "%q is not one of %s", r.Value, join(known))
	}
	return S(r.Value), nil
}

func boolean(to *bool) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		n = resolve(n)
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			return wrong(n, "want true or false")
		}
		return n.Decode(to)
	}
}

func stringTo(to *string) func(*yaml.Node) error {
	return func(n *yaml.Node) (err error) {
		*to, err = text(n)
		return err
	}
}

// date reads YYYY-MM-DD and gives the first moment after that day, in UTC.
func date(n *yaml.Node) (day string, after time.Time, err error) {
	n = resolve(n)
	t, err := time.Parse(time.DateOnly, n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		return "", time.Time{}, wrong(n, "%q is not a date such as 2026-01-31", n.Value)
	}
	return n.Value, t.AddDate(0, 0, 1), nil
}

// duration reads a Go duration, or days: "36h", "7d".
func duration(n *yaml.Node) (time.Duration, error) {
	n = resolve(n)
	if days, ok := strings.CutSuffix(n.Value, "d"); ok && n.Kind == yaml.ScalarNode {
		if d, err := strconv.ParseUint(days, 10, 16); err == nil && d > 0 {
			return time.Duration(d) * 24 * time.Hour, nil // #nosec G115 -- of 16 bits
		}
	}
	d, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || d <= 0 {
		return 0, wrong(n, "%q is not a duration such as 72h or 7d", n.Value)
	}
	return d, nil
}

// globs reads one pattern or a list of them.
func globs(to *[]glob) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		*to = nil
		one := func(n *yaml.Node) error {
			s, err := text(n)
			if err != nil {
				return err
			}
			g, err := newGlob(s, false)
			if err != nil {
				return wrong(n, "%v", err)
			}
			*to = append(*to, g)
			return nil
		}
		if resolve(n).Kind == yaml.ScalarNode {
			return one(n)
		}
		if err := sequence(n, one); err != nil {
			return err
		}
		if len(*to) == 0 {
			return wrong(resolve(n), "an empty list matches nothing: leave the key out")
		}
		return nil
	}
}
