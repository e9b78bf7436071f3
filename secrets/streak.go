package secrets

import (
	"regexp/syntax"
)

// A streak is a number of bytes in a row that are all of one set.
type streak struct {
	bytes *[256]bool
	least int
}

// minStreak is the shortest streak that texts rarely have.
const minStreak = 8

// longestStreak picks the part of a concatenation that asks for the least common
// streak, or nil: fifteen digits rather than twenty letters.
func longestStreak(parts []*syntax.Regexp) *streak {
	var best *streak
	worth := 0
	for _, re := range parts {
		if re.Op != syntax.OpRepeat || re.Min < minStreak || re.Sub[0].Op != syntax.OpCharClass {
			continue
		}
		s := streak{bytes: new([256]bool), least: re.Min}
		collect(re.Sub[0], s.bytes)
		size := 0
		for _, in := range s.bytes {
			if in {
				size++
			}
		}
		if w := s.least * 1000 / max(size, 1); w > worth {
			best, worth = &s, w
		}
	}
	return best
}

// next returns the first streak in data[from:], whole, or start < 0.
func (s *streak) next(data []byte, from int) (start, end int) {
	for i := from; i+s.least <= len(data); {
		k := i + s.least - 1
		for k >= i && s.bytes[data[k]] {
			k--
		}
		if k >= i {
			i = k + 1
			continue
		}
		start, end = i, i+s.least
		for start > from && s.bytes[data[start-1]] {
			start--
		}
		for end < len(data) && s.bytes[data[end]] {
			end++
		}
		return start, end
	}
	return -1, -1
}
