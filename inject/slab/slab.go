// Package slab makes many small values of one type in a few large blocks, which
// costs a fraction of an allocation each. It is for trees of syntax: what is made
// together goes together.
package slab

// Sizes of blocks, in values.
const (
	first = 128
	most  = 1024
	// kept is how many values' blocks Reset keeps.
	kept = 8 * most
)

// Of hands out values of one type. The zero value is ready. It is for one goroutine.
type Of[T any] struct {
	rest   []T   // of the block in use
	blocks [][]T // all of them, in order
	used   int   // of blocks
}

// New gives a zero value.
func (s *Of[T]) New() *T {
	if len(s.rest) == 0 {
		s.rest = s.block()
	}
	v := &s.rest[0]
	s.rest = s.rest[1:]
	return v
}

func (s *Of[T]) block() []T {
	if s.used == len(s.blocks) {
		size := first
		if s.used > 0 {
			size = min(2*len(s.blocks[s.used-1]), most)
		}
		s.blocks = append(s.blocks, make([]T, size))
	}
	s.used++
	return s.blocks[s.used-1]
}

// Reset takes all values back: they are zeroed and given again.
func (s *Of[T]) Reset() {
	held := 0
	for i, b := range s.blocks {
		if held += len(b); held > kept {
			s.blocks = s.blocks[:i:i]
			break
		}
		switch {
		case i+1 < s.used:
			clear(b)
		case i+1 == s.used:
			clear(b[:len(b)-len(s.rest)])
		}
	}
	s.rest, s.used = nil, 0
}
