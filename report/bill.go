package report

import "github.com/fnvet/fnvet"

// The finding that states the worst-case bill, and its resource for a whole stack.
const (
	billRule  = "config/worst-case-bill"
	billStack = "stack"
)

// bills are what the stacks cost at worst, in the words of the check, to show where
// findings that do not block are only counted.
func bills(r *fnvet.Report) []string {
	var out []string
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.ID == billRule && f.Resource == billStack && f.Suppressed == nil {
			out = append(out, f.Path+": "+f.Evidence)
		}
	}
	return out
}
