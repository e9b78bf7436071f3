package python

import (
	"cmp"
	"slices"

	"github.com/fnvet/fnvet"
)

// answers sums up, in the order of names.
func (w *walk) answers() []Answer {
	var out []Answer
	for _, j := range w.dists {
		if j.manifest < 0 {
			continue
		}
		a := Answer{File: j.manifest, Reach: fnvet.ReachNo}
		how, first := never, -1
		for _, i := range j.members {
			if w.state[i] > how {
				how, first = w.state[i], i
			}
		}
		switch {
		case how == sure:
			a.Reach, a.Via = fnvet.ReachYes, w.via(first, j)
		case how == maybe || w.all || !j.known || len(j.members) == 0:
			a.Reach = fnvet.ReachUnknown
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Answer) int { return cmp.Compare(w.files[a.File].Name, w.files[b.File].Name) })
	return out
}

// maxChain bounds a chain; what is left out of its middle is "…".
const maxChain = 16

// via is the chain to a distribution: of a run in one distribution the last file.
func (w *walk) via(i int, to *joined) []string {
	back := []string{to.name}
	last := to
	for i = int(w.parent[i]); i >= 0 && len(back) < 10_000; i = int(w.parent[i]) {
		var owner *joined
		if len(w.owners[i]) > 0 {
			owner = w.owners[i][0]
		}
		if owner == nil || owner != last {
			back = append(back, w.files[i].Name)
		}
		last = owner
	}
	slices.Reverse(back)
	if len(back) > maxChain {
		back = slices.Concat(back[:maxChain/2], []string{"…"}, back[len(back)-maxChain/2:])
	}
	return back
}
