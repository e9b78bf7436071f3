package secrets

// An automaton finds every occurrence of a set of words in a text in one pass,
// without regard to ASCII case (Aho and Corasick 1975, with the failure links
// resolved into a dense table). States that end a word are numbered last, so
// the inner loop tells a hit by one comparison.
type automaton struct {
	class   [256]uint8 // of a byte, with case folded; 0 for bytes in no word
	shift   uint       // log2 of the row length
	next    []uint16   // state<<shift | class → state
	first   uint16     // the first state that ends a word
	ends    [][]int32  // state-first → indexes of the words that end there
	words   []string
	longest int // bytes of the longest word
}

// newAutomaton builds the automaton of words, which must be lower case. At most
// 65,535 states are made; words that would exceed that are an error of the rule
// loader, which limits them.
func newAutomaton(words []string) *automaton {
	a := &automaton{words: words}
	a.classes()
	t := newTrie(words, a)
	a.renumber(t)
	return a
}

func (a *automaton) classes() {
	n := uint8(0)
	for _, w := range a.words {
		a.longest = max(a.longest, len(w))
		for i := range len(w) {
			if c := w[i]; a.class[c] == 0 {
				n++
				a.class[c] = n
			}
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		a.class[c] = a.class[c+'a'-'A']
	}
	for 1<<a.shift <= int(n) {
		a.shift++
	}
}

// A trie is the automaton before its states have their final numbers.
type trie struct {
	next [][]int32 // per state and class; resolved by link
	fail []int32
	ends [][]int32
	ord  []int32 // breadth first
}

func newTrie(words []string, a *automaton) *trie {
	t := &trie{}
	width := 1 << a.shift
	add := func() int32 {
		row := make([]int32, width)
		for i := range row {
			row[i] = -1
		}
		t.next = append(t.next, row)
		t.fail = append(t.fail, 0)
		t.ends = append(t.ends, nil)
		return int32(len(t.next) - 1) //nolint:gosec // bounded by the words' total length
	}
	add()
	for i, w := range words {
		s := int32(0)
		for j := range len(w) {
			c := a.class[w[j]]
			if t.next[s][c] < 0 {
				t.next[s][c] = add()
			}
			s = t.next[s][c]
		}
		if w != "" {
			t.ends[s] = append(t.ends[s], int32(i))
		}
	}
	t.link(width)
	return t
}

// link resolves the failure links, breadth first, into next.
func (t *trie) link(width int) {
	t.ord = append(t.ord, 0)
	for i := 0; i < len(t.ord); i++ {
		s := t.ord[i]
		for c := range width {
			n := t.next[s][c]
			back := int32(0)
			if s != 0 {
				back = t.next[t.fail[s]][c]
			}
			if n < 0 {
				t.next[s][c] = back
				continue
			}
			t.fail[n] = back
			t.ends[n] = append(t.ends[n], t.ends[back]...)
			t.ord = append(t.ord, n)
		}
	}
}

// renumber copies the trie into the dense table, states that end words last.
func (a *automaton) renumber(t *trie) {
	number := make([]uint16, len(t.next))
	n := uint16(0)
	for _, end := range []bool{false, true} {
		if end {
			a.first = n
		}
		for _, s := range t.ord {
			if (len(t.ends[s]) > 0) == end {
				number[s] = n
				n++
				if end {
					a.ends = append(a.ends, t.ends[s])
				}
			}
		}
	}
	a.next = make([]uint16, len(t.next)<<a.shift)
	for s, row := range t.next {
		base := int(number[s]) << a.shift
		for c, to := range row {
			a.next[base|c] = number[to]
		}
	}
}

// each calls hit for every occurrence: the word's index and the offset just
// after it, in order of that offset, until hit returns false.
func (a *automaton) each(data []byte, hit func(word, end int) bool) {
	state, next, shift, first := uint16(0), a.next, a.shift, a.first
	for i, c := range data {
		state = next[int(state)<<shift|int(a.class[c])]
		if state >= first {
			for _, w := range a.ends[state-first] {
				if !hit(int(w), i+1) {
					return
				}
			}
		}
	}
}

// any reports whether a word occurs in data.
func (a *automaton) any(data []byte) bool {
	found := false
	a.each(data, func(int, int) bool { found = true; return false })
	return found
}
