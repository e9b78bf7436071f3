package secrets

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestStreams: read in parts or in one go, the hits are the same.
func TestStreams(t *testing.T) {
	words := []string{"ab", "abc", "bca", "c", strings.Repeat("ab", 40), "zz top"}
	a := newAutomaton(words)
	r := rand.New(rand.NewPCG(31, 31))
	for _, n := range []int{0, 10, 4095, 4096, 4097, 4099, 9001, 40000} {
		data := make([]byte, n)
		for i := range data {
			data[i] = "abcABCz "[r.IntN(8)]
		}
		for i := 200; i+80 < n; i += n/9 + 1 { // long words, some across the parts
			copy(data[i:], strings.Repeat("aB", 40))
		}
		for k := 1; k < 4 && n > 4096; k++ {
			copy(data[k*(n/4)-41:], strings.Repeat("Ab", 40))
		}
		type hit struct{ word, end int }
		var got, want []hit
		a.each(data, func(w, end int) bool { got = append(got, hit{w, end}); return true })
		low := strings.ToLower(string(data))
		for w, text := range words {
			for i := 0; i+len(text) <= n; i++ {
				if low[i:i+len(text)] == text {
					want = append(want, hit{w, i + len(text)})
				}
			}
		}
		order := func(a, b hit) int {
			if a.end != b.end {
				return a.end - b.end
			}
			return a.word - b.word
		}
		slices.SortFunc(got, order)
		slices.SortFunc(want, order)
		if !slices.Equal(got, want) {
			t.Errorf("%d bytes: %d hits, want %d", n, len(got), len(want))
		}
	}
}
