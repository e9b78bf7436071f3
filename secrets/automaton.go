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
	a.fill(newTrie(words, a))
	return a
}

func (a *automaton) classes() {
	used := [256]bool{}
	for _, w := range a.words {
		a.longest = max(a.longest, len(w))
		for i := range len(w) {
			used[w[i]] = true
		}
	}
	n := uint8(0)
	add := func(from, to int) {
		for c := from; c <= to; c++ {
			if used[c] && a.class[c] == 0 {
				n++
				a.class[c] = n
			}
		}
	}
	// What texts have most of comes first: the half of a state's row that is read
	// again and again is one line of the processor's cache.
	add('a', 'z')
	add(0, '/')
	add(0, 255)
	for c := byte('A'); c <= 'Z'; c++ {
		a.class[c] = a.class[c+'a'-'A']
	}
	for 1<<a.shift <= int(n) {
		a.shift++
	}
}

// A trie is the automaton before it is a table: the start is node 0, to which no
// word leads, so that as a target it stands for none.
type trie []node

type node struct {
	class          uint8  // that leads here
	state          uint16 // its number in the table
	child, sibling int32
	fail           int32   // the longest other way to get here
	ends           []int32 // indexes of the words that end here
}

func newTrie(words []string, a *automaton) trie {
	most := 1
	for _, w := range words {
		most += len(w)
	}
	t := make(trie, 1, most)
	for i, w := range words {
		s := int32(0)
		for j := range len(w) {
			class := a.class[w[j]]
			to := t.find(s, class)
			if to == 0 {
				to = int32(len(t)) //nolint:gosec // bounded by the words' total length
				t = append(t, node{class: class, sibling: t[s].child})
				t[s].child = to
			}
			s = to
		}
		if w != "" {
			t[s].ends = append(t[s].ends, int32(i))
		}
	}
	return t
}

// find is the child of a node by a class, or 0.
func (t trie) find(s int32, class uint8) int32 {
	for n := t[s].child; n != 0; n = t[n].sibling {
		if t[n].class == class {
			return n
		}
	}
	return 0
}

// link finds the failure links and the words that end by way of them. It returns
// the nodes breadth first.
func (t trie) link() []int32 {
	order := append(make([]int32, 0, len(t)), 0)
	for i := 0; i < len(order); i++ {
		s := order[i]
		for n := t[s].child; n != 0; n = t[n].sibling {
			order = append(order, n)
			if s == 0 {
				continue
			}
			back := t[s].fail
			for back != 0 && t.find(back, t[n].class) == 0 {
				back = t[back].fail
			}
			t[n].fail = t.find(back, t[n].class)
			t[n].ends = append(t[n].ends, t[t[n].fail].ends...)
		}
	}
	return order
}

// fill writes the dense table of a trie, states that end words last.
func (a *automaton) fill(t trie) {
	order := t.link()
	n := uint16(0)
	for _, end := range []bool{false, true} {
		if end {
			a.first = n
		}
		for _, s := range order {
			if len(t[s].ends) > 0 == end {
				t[s].state = n
				n++
				if end {
					a.ends = append(a.ends, t[s].ends)
				}
			}
		}
	}
	a.next = make([]uint16, len(t)<<a.shift)
	for _, s := range order {
		row := a.row(t[s].state)
		if s != 0 {
			copy(row, a.row(t[t[s].fail].state)) // which is nearer to the start, so done
		}
		for n := t[s].child; n != 0; n = t[n].sibling {
			row[t[n].class] = t[n].state
		}
	}
}

// row is what leads on from a state.
func (a *automaton) row(state uint16) []uint16 { return a.next[int(state)<<a.shift:][:1<<a.shift] }

// streams is how many parts of a long text are read at once: one read waits for
// the table while the others go on.
const (
	streams   = 4
	minStream = 1024 // bytes of a part
)

// maxShift is more than any shift; the compiler sees by it that a shift is small.
const maxShift = 15

// each calls hit for every occurrence: the word's index and the offset just
// after it, until hit returns false. In texts shorter than streams*minStream hits
// come in the order of that offset.
func (a *automaton) each(data []byte, hit func(word, end int) bool) {
	part := len(data) / streams
	if part < minStream || a.longest >= minStream {
		a.run(data, 0, 0, hit)
		return
	}
	next, class, shift, first := a.next, &a.class, a.shift&maxShift, a.first
	d0, d1, d2, d3 := data[:part], data[part:2*part], data[2*part:3*part], data[3*part:4*part]
	d1, d2, d3 = d1[:len(d0)], d2[:len(d0)], d3[:len(d0)]
	// Each part but the first starts in the state that the bytes before it leave,
	// of which only as many matter as the longest word has.
	s0 := uint16(0)
	s1, s2, s3 := a.after(data, part), a.after(data, 2*part), a.after(data, 3*part)
	for i, c := range d0 {
		s0 = next[uint(s0)<<shift|uint(class[c])]
		s1 = next[uint(s1)<<shift|uint(class[d1[i]])]
		s2 = next[uint(s2)<<shift|uint(class[d2[i]])]
		s3 = next[uint(s3)<<shift|uint(class[d3[i]])]
		if s0 < first && s1 < first && s2 < first && s3 < first {
			continue
		}
		for k, s := range [streams]uint16{s0, s1, s2, s3} {
			if s >= first && !a.tell(s, k*part+i+1, hit) {
				return
			}
		}
	}
	a.run(data[streams*part:], streams*part, s3, hit)
}

// run reads data, which starts at offset base, from a state on.
func (a *automaton) run(data []byte, base int, state uint16, hit func(word, end int) bool) {
	next, shift, first := a.next, a.shift&maxShift, a.first
	for i, c := range data {
		state = next[uint(state)<<shift|uint(a.class[c])]
		if state >= first && !a.tell(state, base+i+1, hit) {
			return
		}
	}
}

// after is the state at offset i of data.
func (a *automaton) after(data []byte, i int) uint16 {
	state := uint16(0)
	for _, c := range data[max(0, i-a.longest):i] {
		state = a.next[int(state)<<a.shift|int(a.class[c])]
	}
	return state
}

// tell reports the words that end in a state.
func (a *automaton) tell(state uint16, end int, hit func(word, end int) bool) bool {
	for _, w := range a.ends[state-a.first] {
		if !hit(int(w), end) {
			return false
		}
	}
	return true
}

// any reports whether a word occurs in data.
func (a *automaton) any(data []byte) bool {
	state := uint16(0)
	for _, c := range data {
		state = a.next[int(state)<<a.shift|int(a.class[c])]
		if state >= a.first {
			return true
		}
	}
	return false
}
