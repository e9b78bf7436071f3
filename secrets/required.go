package secrets

import (
	"cmp"
	"fmt"
	"slices"
)

// A configRequired is gitleaks' condition that another rule matches nearby.
type configRequired struct {
	ID            string `toml:"id"`
	WithinLines   *int   `toml:"withinLines"`
	WithinColumns *int   `toml:"withinColumns"`
}

// link resolves which rules require which, and notes those that are needed
// although they are not reported themselves.
func (s *ruleSet) link() error {
	for _, r := range s.rules {
		for _, q := range r.required {
			at := slices.IndexFunc(s.rules, func(o *rule) bool { return o.id == q.ID })
			if at < 0 || s.rules[at].regexText == "" {
				return fmt.Errorf("rule %q: no rule %q to require", r.id, q.ID)
			}
			s.rules[at].needed = true
			s.composite = true
		}
	}
	return nil
}

// A spot is where a draft starts.
type spot struct{ line, column int }

// composed drops the drafts of rules whose required rules did not match nearby,
// and those of rules that are only there to be required.
func (w *worker) composed(t *text) {
	order := make([]int, len(w.drafts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(w.drafts[a].start, w.drafts[b].start) })
	spots := make([]spot, len(w.drafts))
	pos := position{data: t.data, line: 1}
	for _, i := range order {
		spots[i].line, spots[i].column = pos.advance(w.drafts[i].start)
	}
	var keep []candidate
	for i, c := range w.drafts {
		if !c.rule.skipReport && w.satisfied(c.rule, spots[i], spots) {
			keep = append(keep, c)
		}
	}
	w.drafts = append(w.drafts[:0], keep...)
}

func (w *worker) satisfied(r *rule, at spot, spots []spot) bool {
	for _, q := range r.required {
		if !slices.ContainsFunc(w.indexes(q.ID), func(j int) bool {
			return (q.WithinLines == nil || distance(at.line, spots[j].line) <= *q.WithinLines) &&
				(q.WithinColumns == nil || distance(at.column, spots[j].column) <= *q.WithinColumns)
		}) {
			return false
		}
	}
	return true
}

// indexes lists the drafts of a rule.
func (w *worker) indexes(id string) []int {
	var out []int
	for i := range w.drafts {
		if w.drafts[i].rule.id == id {
			out = append(out, i)
		}
	}
	return out
}

func distance(a, b int) int { return max(a-b, b-a) }
