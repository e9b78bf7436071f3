package secrets

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

const (
	minParts   = 2
	maxParts   = 4096
	maxLiteral = 4096 // bytes of one literal
	maxGap     = 80   // bytes between two parts of one string, mostly indentation
)

// quoted follows the quote at i, where strings may be put together: "AKIA" + "…",
// adjacent literals, lists of parts that are joined. It returns where to go on.
func (h *hider) quoted(i int) int {
	if nextPart(h.t.data, i+1, h.lists) < 0 {
		return i + 1
	}
	if start := literalStart(h.t.data, i); start >= 0 {
		return h.chain(start, i, h.lists)
	}
	return i + 1
}

// literalStart returns the offset of the quote that begins the literal that ends
// at end, on the same line, or -1.
func literalStart(data []byte, end int) int {
	for j := end - 1; j >= 0 && end-j < maxLiteral && data[j] != '\n'; j-- {
		if data[j] == data[end] && (j == 0 || data[j-1] != '\\') {
			return j
		}
	}
	return -1
}

// literalEnd returns the offset of the quote that ends the literal at i, on the
// same line, or -1.
func literalEnd(data []byte, i int) int {
	for j := i + 1; j < len(data) && j-i < maxLiteral; j++ {
		switch data[j] {
		case '\\':
			j++
		case '\n':
			return -1
		case data[i]:
			return j
		}
	}
	return -1
}

// chain follows the literals that are joined to the one at [start, end] and
// searches the whole, and returns where to go on.
func (h *hider) chain(start, end int, lists bool) int {
	data := h.t.data
	next := nextPart(data, end+1, lists)
	if next < 0 {
		return end + 1
	}
	whole := append(h.whole[:0], data[start+1:end]...)
	parts, tight := append(h.parts[:0], part{0, start + 1}), false
	for next >= 0 && len(parts) < maxParts {
		stop := literalEnd(data, next)
		if stop < 0 {
			break
		}
		tight = tight || !atWordEnd(whole, data[next+1:stop])
		parts = append(parts, part{len(whole), next + 1})
		whole = append(whole, data[next+1:stop]...)
		end = stop
		next = nextPart(data, end+1, lists)
	}
	h.whole, h.parts = whole, parts
	if len(parts) >= minParts && tight && len(whole) >= minDecoded {
		named := h.named(start+1, whole)
		h.scan(text{data: named, at: h.inParts(len(named)-len(whole)-1, end), pieces: true})
	}
	return end + 1
}

// A part is where a literal begins in the whole that it is a part of, and in the text.
type part struct{ whole, text int }

// inParts tells where in the file the bytes stand of h.parts, which end at end,
// behind head bytes that stand before the first.
func (h *hider) inParts(head, end int) func(int) int {
	parts := slices.Clone(h.parts)
	parts[0] = part{-head, parts[0].text - head}
	return func(i int) int {
		n, _ := slices.BinarySearchFunc(parts, i-head+1, func(p part, at int) int { return cmp.Compare(p.whole, at) })
		p := parts[max(n-1, 0)]
		return h.t.at(min(p.text+i-head-p.whole, end))
	}
}

// atWordEnd reports whether two parts of a string meet at a space, as in prose: no
// credential goes on from one to the other, and each is searched by itself. A
// space after "password: ", "Authorization: Bearer " and the like is none of those.
func atWordEnd(left, right []byte) bool {
	if len(left) == 0 || len(right) == 0 {
		return false
	}
	if right[0] != ' ' && left[len(left)-1] != ' ' {
		return false
	}
	word := bytes.TrimRight(left, " ")
	word = word[bytes.LastIndexByte(word, ' ')+1:]
	if len(word) == 0 || strings.IndexByte("=:>", word[len(word)-1]) >= 0 {
		return false
	}
	switch strings.ToLower(string(word[:min(len(word), maxName)])) {
	case "bearer", "basic", "token", "apikey", "key", "password", "passwd", "secret", "-p", "-u", "--password", "login":
		return false
	}
	return true
}

// nextPart returns where the literal begins that is joined to what ends before i,
// or -1: after a plus, a dot (PHP), white space alone, or in a list a comma.
func nextPart(data []byte, i int, lists bool) int {
	operator := false
	for j := i; j < len(data) && j-i < maxGap; j++ {
		switch c := data[j]; c {
		case ' ', '\t', '\r', '\n', '\\':
		case '"', '\'':
			if j == i { // "" inside a literal of another language
				return -1
			}
			return j
		case '+', '.', '&':
			if operator {
				return -1
			}
			operator = true
		case ',':
			if operator || !lists {
				return -1
			}
			operator = true
		default:
			return -1
		}
	}
	return -1
}

// reversed searches the literals around offset at, where code says that one of
// them is turned round.
func (h *hider) reversed(at int) {
	data := h.t.data
	from, to := max(0, at-2*maxContext), min(len(data), at+2*maxContext)
	for i := from; i < to; i++ {
		if data[i] != '"' && data[i] != '\'' {
			continue
		}
		end := literalEnd(data, i)
		if end < 0 || end-i < minDecoded {
			continue
		}
		text := slices.Clone(data[i+1 : end])
		slices.Reverse(text)
		h.searchNamed(text, i+1, end)
		i = end
	}
}

// declared searches the literal of a declaration that names a type, the end of
// which is at offset at: name: string = "value". It is searched as name = "value".
func (h *hider) declared(at int) {
	data := h.t.data
	quote := at
	for quote < len(data) && quote-at < maxContext && data[quote] != '"' && data[quote] != '\'' && data[quote] != '`' {
		if strings.IndexByte(" \t|?=&", data[quote]) < 0 && !nameByte(data[quote]) {
			return
		}
		quote++
	}
	if quote >= len(data) || quote-at >= maxContext || !bytes.Contains(data[at:quote], []byte("=")) {
		return
	}
	end := literalEnd(data, quote)
	colon := bytes.LastIndexByte(data[max(0, at-maxContext):at], ':') + max(0, at-maxContext)
	start := colon
	for start > 0 && nameByte(data[start-1]) && colon-start < maxName {
		start--
	}
	if end < 0 || start == colon {
		return
	}
	line := slices.Concat(data[start:colon], []byte(" = "), data[quote:end+1], []byte("\n"))
	h.parts = append(h.parts[:0], part{0, start}, part{colon - start, colon}, part{colon - start + len(" = "), quote})
	h.scan(text{data: line, at: h.inParts(0, end+1), pieces: true})
}
