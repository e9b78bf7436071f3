// Package usage finds in a function's own code which calls of AWS it makes, and
// names the IAM actions they need. It follows imports of the SDK, not values: where
// a client or a method is chosen at run time it says so instead of guessing.
package usage

import (
	"cmp"
	"slices"
)

// A Call is one use of an SDK.
type Call struct {
	Action string // "s3:GetObject"
	Path   string
	Line   int // 0 in binaries
}

// Usage is what the files of a function call.
type Usage struct {
	Calls []Call
	Files int // of own code that were read
	// Dynamic is true when there may be calls that were not found: a method chosen at
	// run time, a client handed in, an SDK in a language that is not read.
	Dynamic bool
	// Why says what made it Dynamic.
	Why string
}

// Actions are the actions of all calls, sorted, each once.
func (u *Usage) Actions() []string {
	var out []string
	for _, c := range u.Calls {
		out = append(out, c.Action)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Join adds the findings of another file.
func (u *Usage) Join(other *Usage) {
	if other == nil {
		return
	}
	u.Calls = append(u.Calls, other.Calls...)
	u.Files += other.Files
	if other.Dynamic && !u.Dynamic {
		u.Dynamic, u.Why = true, other.Why
	}
	slices.SortFunc(u.Calls, func(a, b Call) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	u.Calls = slices.Compact(u.Calls)
}
