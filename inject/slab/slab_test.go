package slab

import "testing"

// Values are distinct and zero, also those that were given before.
func TestOf(t *testing.T) {
	type node struct {
		n    int
		next *node
	}
	var s Of[node]
	for round, count := range []int{1, first, first + 1, 3 * kept, 10, 2*most + 7} {
		seen := map[*node]bool{}
		for i := range count {
			v := s.New()
			if *v != (node{}) || seen[v] {
				t.Fatalf("round %d, value %d: %v, given before in this round: %v", round, i, *v, seen[v])
			}
			seen[v] = true
			v.n, v.next = i+1, v
		}
		s.Reset()
		held := 0
		for _, b := range s.blocks {
			held += len(b)
		}
		if held > kept {
			t.Errorf("round %d: room for %d values is kept", round, held)
		}
	}
}
