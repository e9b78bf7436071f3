package license

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

const (
	// alike is the coefficient of Dice from which two texts may be one licence, if
	// no other licence is within apart of it; certain that from which they are.
	// A copy of BSD-3-Clause with names in it has 0.91 to 0.95; BSD-2-Clause and
	// BSD-3-Clause have 0.92 with each other, JSON and MIT 0.98.
	alike, apart, certain = 0.91, 0.02, 0.985
	// maxWords bounds the words of a text that are compared.
	maxWords = 40_000
)

// pairs are the hashes of the pairs of words of a text, sorted and each once.
type pairs []uint64

// pairsOf reads the words of a text: letters and digits, in lower case, without
// the lines that name who holds the copyright, which differ in each copy.
func pairsOf(data []byte) pairs {
	var words []uint64
	for len(data) > 0 && len(words) < maxWords {
		raw, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		if !holder(raw) {
			words = appendWords(words, raw)
		}
	}
	out := make(pairs, 0, len(words))
	for i := 1; i < len(words); i++ {
		out = append(out, words[i-1]*0x9E3779B97F4A7C15^words[i])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// holder says whether a line names who holds the copyright, or is a heading of nothing else.
func holder(line []byte) bool {
	line = bytes.ToLower(bytes.Trim(line, " \t\r*#>/-"))
	for _, start := range []string{"copyright", "(c)", "\u00a9", "all rights reserved", "portions copyright"} {
		if bytes.HasPrefix(line, []byte(start)) && !bytes.HasPrefix(line, []byte("copyright notice")) {
			return true
		}
	}
	return false
}

// appendWords adds the FNV-1a hashes of the words of a line.
func appendWords(words []uint64, line []byte) []uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, c := range line {
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= 0x80:
		default:
			if h != offset {
				words, h = append(words, h), offset
			}
			continue
		}
		h = (h ^ uint64(c)) * prime
	}
	if h != offset {
		words = append(words, h)
	}
	return words
}

func (p pairs) key() [sha256.Size]byte {
	b := make([]byte, 0, 8*len(p))
	for _, v := range p {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return sha256.Sum256(b)
}

// dice is twice the number of common members over the number of all, 0 to 1.
func (p pairs) dice(q pairs) float64 {
	if len(p)+len(q) == 0 || 2*min(len(p), len(q)) < int(alike*float64(len(p)+len(q))) {
		return 0 // cannot be alike
	}
	common := 0
	for i, j := 0, 0; i < len(p) && j < len(q); {
		switch {
		case p[i] < q[j]:
			i++
		case p[i] > q[j]:
			j++
		default:
			common++
			i++
			j++
		}
	}
	return 2 * float64(common) / float64(len(p)+len(q))
}
