package secrets

import (
	"fmt"
	"os"
	"sort"
	"syscall"
	"testing"
)

func cpuNow() int64 {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return r.Utime.Nano()
}

func (a *automaton) eachA(data []byte, hit func(word, end int) bool) {
	part := len(data) / streams
	if part < minStream {
		a.run(data, 0, 0, hit)
		return
	}
	next, class, shift, first := a.next, &a.class, a.shift&7, a.first
	d0, d1, d2, d3 := data[:part], data[part:2*part], data[2*part:3*part], data[3*part:4*part]
	d1, d2, d3 = d1[:len(d0)], d2[:len(d0)], d3[:len(d0)]
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

// 3-gram filter: bit per folded class triple
type gram struct {
	cls  [256]uint8 // 0..31
	bits [1 << 15 / 64]uint64
	a    *automaton
	// trie walk from a position
	minLen int
}

func newGram(words []string) *gram {
	g := &gram{}
	// group classes: frequency-blind hash to 5 bits, 0 for bytes in no word
	var used [256]bool
	for _, w := range words {
		for i := range len(w) {
			used[w[i]] = true
		}
	}
	n := 1
	for c := byte('a'); c <= 'z'; c++ {
		g.cls[c] = uint8(n)
		n++
	}
	// digits share, the rest share
	for c := 0; c < 256; c++ {
		if !used[c] || g.cls[c] != 0 {
			continue
		}
		switch {
		case c >= '0' && c <= '9':
			g.cls[c] = 27
		case c == '_' || c == '-':
			g.cls[c] = 28
		case c == ' ' || c == '.':
			g.cls[c] = 29
		case c == ':' || c == '/' || c == '=':
			g.cls[c] = 30
		default:
			g.cls[c] = 31
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		g.cls[c] = g.cls[c+32]
	}
	short := 0
	for _, w := range words {
		if len(w) < 3 {
			short++
			fmt.Println("short", w)
			continue
		}
		h := int(g.cls[w[0]])<<10 | int(g.cls[w[1]])<<5 | int(g.cls[w[2]])
		g.bits[h>>6] |= 1 << (h & 63)
	}
	return g
}

func (g *gram) count(data []byte) int {
	h := uint32(0)
	n := 0
	for _, c := range data {
		h = (h<<5 | uint32(g.cls[c])) & (1<<15 - 1)
		if g.bits[h>>6]&(1<<(h&63)) != 0 {
			n++
		}
	}
	return n
}

func BenchmarkVar(b *testing.B) {
	files := treeFiles(os.Getenv("TREE"))
	n := int64(0)
	for _, f := range files {
		n += f.Size
	}
	s, _ := New(Options{Key: make([]byte, KeySize)})
	g := newGram(s.auto.words)
	lens := map[int]int{}
	for _, w := range s.auto.words {
		lens[len(w)]++
	}
	fmt.Println(lens)
	hist := make([]int, len(s.auto.words))
	for name, f := range map[string]func(d []byte) int{
		"old": func(d []byte) int { h := 0; s.auto.each(d, func(w, e int) bool { h++; return true }); return h },
		"A":   func(d []byte) int { h := 0; s.auto.eachA(d, func(w, e int) bool { h++; hist[w]++; return true }); return h },
		"gram": func(d []byte) int { return g.count(d) },
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				t := cpuNow()
				h := 0
				for _, f := range files {
					h += f2(f.Data, f, func(d []byte) int { return 0 }) + 0
					h += fcall(f.Data, nil)
				}
				_ = h
				h = 0
				t = cpuNow()
				for _, x := range files {
					h += f(x.Data)
				}
				b.ReportMetric(float64(cpuNow()-t)/float64(n), "cpuns/B")
				b.ReportMetric(float64(h), "hits")
			}
		})
	}
	var idx []int
	for i := range hist {
		idx = append(idx, i)
	}
	sort.Slice(idx, func(i, j int) bool { return hist[idx[i]] > hist[idx[j]] })
	for _, i := range idx[:25] {
		fmt.Print(s.auto.words[i], ":", hist[i], " ")
	}
	fmt.Println()
}

func f2(d []byte, x any, f func([]byte) int) int { return 0 }
func fcall(d []byte, x any) int                    { return 0 }
