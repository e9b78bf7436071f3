package advisory

import (
	"cmp"
	"slices"
	"strings"
)

// A group is the hits of one package that name the same flaw.
type group struct {
	hits  []*hit   // preferred id first
	names []string // ids of other databases for the flaw, beside those of the hits
}

// groups partitions the hits of one package.
func groups(base string, hits []*hit) []group {
	slices.SortStableFunc(hits, func(a, b *hit) int { return comparePreferred(a.record.id, b.record.id) })
	if distribution(base) {
		return distroGroups(hits)
	}
	return aliasGroups(hits)
}

// aliasGroups joins hits whose records share an id: their own or an alias.
func aliasGroups(hits []*hit) []group {
	parent := make([]int, len(hits))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	owner := map[string]int{}
	for i, h := range hits {
		for _, id := range append([]string{h.record.id}, h.record.aliases...) {
			j, taken := owner[id]
			if !taken {
				owner[id] = i
				continue
			}
			a, b := root(i), root(j)
			parent[max(a, b)] = min(a, b)
		}
	}
	at := map[int]int{}
	var list []group
	for i, h := range hits {
		n, ok := at[root(i)]
		if !ok {
			n = len(list)
			at[root(i)] = n
			list = append(list, group{})
		}
		list[n].hits = append(list[n].hits, h)
		list[n].names = append(list[n].names, h.record.aliases...)
	}
	return list
}

// distroGroups reports each flaw of a source package once although several
// records name it: one for each CVE, a bulletin for many, its corrections. Small
// records come first; a bulletin stays only for flaws that no smaller record
// named, and becomes an alias of the others.
func distroGroups(hits []*hit) []group {
	type flaws struct {
		*hit
		ids, others []string
	}
	list := make([]flaws, 0, len(hits))
	for _, h := range hits {
		f := flaws{hit: h}
		for _, id := range slices.Concat(h.record.upstream, h.record.aliases) {
			if strings.HasPrefix(id, "CVE-") {
				f.ids = append(f.ids, id)
			} else {
				f.others = append(f.others, id)
			}
		}
		if len(f.ids) == 0 {
			f.ids = []string{h.record.id}
		}
		list = append(list, f)
	}
	slices.SortStableFunc(list, func(a, b flaws) int { return len(a.ids) - len(b.ids) })
	owner := map[string]int{}
	var out []group
	for _, f := range list {
		fresh := slices.DeleteFunc(slices.Clone(f.ids), func(id string) bool { _, ok := owner[id]; return ok })
		if len(fresh) == 0 {
			for _, n := range ownersOf(owner, f.ids) {
				out[n].hits = append(out[n].hits, f.hit)
			}
			continue
		}
		for _, id := range fresh {
			owner[id] = len(out)
		}
		out = append(out, group{hits: []*hit{f.hit}, names: append(fresh, f.others...)})
	}
	return out
}

func ownersOf(owner map[string]int, ids []string) []int {
	var list []int
	for _, id := range ids {
		list = append(list, owner[id])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// preference ranks an id by its database; the lowest names the finding.
func preference(id string) int {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "MAL":
		return 0
	case "GHSA":
		return 1
	case "GO":
		return 2
	case "PYSEC":
		return 3
	case "RUSTSEC":
		return 4
	case "CVE":
		return 8
	case "GMS", "OSVDB", "SNYK", "CWE":
		return 9
	case "ALPINE", "DEBIAN", "UBUNTU": // one record for each CVE
		return 6
	}
	if strings.HasPrefix(prefix, "A") || strings.HasPrefix(prefix, "D") || strings.HasPrefix(prefix, "R") || strings.HasPrefix(prefix, "U") {
		return 5 // ALSA, DSA, DLA, RHSA, RLSA, USN
	}
	return 7
}

func comparePreferred(a, b string) int {
	return cmp.Or(preference(a)-preference(b), cmp.Compare(a, b))
}
