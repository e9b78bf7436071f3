package secrets

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of what is looked for in encoded form.
const (
	maxLayers   = 3       // encodings inside one another
	minEncoded  = 24      // shortest base64 or hex run that is decoded, in bytes
	maxEncoded  = 1 << 20 // longest run that is decoded, in bytes
	maxInflated = 4 << 20 // of what compressed data in a run unpacks to, in bytes
	minDecoded  = 12      // shortest decoded text that is searched, in bytes
	maxContext  = 64      // bytes before an encoded value that may name it
	// spareDecoded and decodedShare bound the decoded bytes of one file: that
	// many, and as many as the file has.
	spareDecoded = 4 << 20
)

// hidden searches what a text holds in encoded form: base64, hex, escapes,
// strings put together from parts.
func (w *worker) hidden(t *text) error {
	if t.depth >= maxLayers {
		return nil
	}
	h := hider{w: w, t: t, lists: w.lists}
	turned, typed := slices.Clone(w.turned), slices.Clone(w.typed)
	h.encoded()
	h.written()
	for _, at := range typed {
		h.declared(at)
	}
	for _, at := range turned {
		h.reversed(at)
	}
	return h.err
}

type hider struct {
	w   *worker
	t   *text
	err error
	// lists is true when the text joins lists of strings.
	lists bool
	whole []byte // scratch of chain
	parts []part // of whole
}

// search searches decoded text that stands for data[start:end].
func (h *hider) search(decoded []byte, start, end int) {
	h.scan(text{data: decoded, at: h.evenly(start, end, len(decoded))})
}

// evenly spreads n bytes of decoded text over data[start:end].
func (h *hider) evenly(start, end, n int) func(int) int {
	from, to := h.t.at(start), h.t.end(end)
	return func(i int) int { return from + int(int64(to-from)*int64(i)/int64(max(n, 1))) }
}

// searchNamed searches a decoded value that stands for data[start:end], behind
// what names it, which stands in the text as it is.
func (h *hider) searchNamed(decoded []byte, start, end int) {
	whole := h.named(start, decoded)
	head := len(whole) - len(decoded) - 1
	value := h.evenly(start, end, len(decoded))
	h.scan(text{data: whole, at: func(i int) int {
		if i < head {
			return h.t.at(start - head + i)
		}
		return value(min(i-head, len(decoded)))
	}})
}

// scan searches a text that was hidden in the hider's.
func (h *hider) scan(t text) {
	w := h.w
	if h.err != nil || len(t.data) < minDecoded {
		return
	}
	if w.decoded -= len(t.data); w.decoded < 0 {
		w.capped = w.decoded+len(t.data) >= 0 || w.capped
		return
	}
	t.depth, t.inText = h.t.depth+1, h.t.lines || h.t.inText
	h.err = w.scan(t)
}

// named puts what stands before a value on its line in front of the decoded
// value, so that rules that want a name see it.
func (h *hider) named(start int, decoded []byte) []byte {
	head := h.t.data[max(0, start-maxContext):start]
	if i := bytes.LastIndexByte(head, '\n'); i >= 0 {
		head = head[i+1:]
	}
	quote := byte('"')
	if n := len(head); n > 0 && (head[n-1] == '\'' || head[n-1] == '`') {
		quote = head[n-1]
	}
	out := make([]byte, 0, len(head)+len(decoded)+1)
	out = append(out, head...)
	out = append(out, decoded...)
	return append(out, quote)
}

// encodedBytes are the bytes of base64 and base64url.
func encodedBytes() *[256]bool {
	var set [256]bool
	for _, c := range []byte(base62 + "+/-_") {
		set[c] = true
	}
	return &set
}

// encoded decodes the runs of base64 and hex.
func (h *hider) encoded() {
	data, set := h.t.data, h.w.s.encoded
	for i := 0; i+minEncoded <= len(data) && h.err == nil; {
		k := i + minEncoded - 1
		for k >= i && set[data[k]] {
			k--
		}
		if k >= i {
			i = k + 1
			continue
		}
		end := i + minEncoded
		for end < len(data) && set[data[end]] {
			end++
		}
		h.run(i, end)
		i = end + 1
	}
}

func (h *hider) run(start, end int) {
	if end-start > maxEncoded {
		return
	}
	run := h.t.data[start:end]
	if plain := unhex(run); plain != nil {
		h.plain(plain, start, end)
		return
	}
	if plain := unbase64(run); plain != nil {
		h.plain(plain, start, end)
	}
}

// plain searches a decoded run: as it is when it reads as text, unpacked when it
// is compressed.
func (h *hider) plain(plain []byte, start, end int) {
	if unpacked := inflate(plain); unpacked != nil {
		plain = unpacked
	}
	if readsAsText(plain) {
		h.searchNamed(plain, start, end)
		return
	}
	if order, skip := utf16Order(plain); order != 0 { // PowerShell's -EncodedCommand
		var buf []byte
		_ = scanUTF16(plain[skip:], skip, order, &buf, func(t text) error {
			h.search(t.data, start, end)
			return nil
		})
	}
}

// readsAsText reports whether bytes are UTF-8 and next to all printable.
func readsAsText(b []byte) bool {
	head := b[:min(len(b), 256)]
	bad := 0
	for _, c := range head {
		if !printable(c) && c < utf8.RuneSelf {
			return false
		}
		if c >= utf8.RuneSelf {
			bad++
		}
	}
	return bad*5 <= len(head) && (bad == 0 || utf8.Valid(b))
}

func unhex(run []byte) []byte {
	if len(run)%2 != 0 || !isHex(bytes.ToLower(run[:min(len(run), 64)])) {
		return nil
	}
	out, err := hex.AppendDecode(nil, run)
	if err != nil {
		return nil
	}
	return out
}

// unbase64 decodes a run in either alphabet, or returns nil when its first bytes
// are neither text nor compressed.
func unbase64(run []byte) []byte {
	enc := base64.RawStdEncoding
	if bytes.IndexByte(run, '-') >= 0 || bytes.IndexByte(run, '_') >= 0 {
		enc = base64.RawURLEncoding
	}
	if len(run)%4 == 1 {
		run = run[:len(run)-1]
	}
	var head [18]byte
	if _, err := enc.Decode(head[:], run[:24]); err != nil {
		return nil
	}
	wide := head[1] == 0 && head[3] == 0
	if !compressed(head[:]) && !wide && !readsAsText(head[:]) {
		return nil
	}
	out, err := enc.AppendDecode(nil, run)
	if err != nil {
		return nil
	}
	return out
}

func compressed(b []byte) bool {
	return len(b) > 2 && (b[0] == 0x1f && b[1] == 0x8b || b[0] == 0x78 && (b[1] == 0x01 || b[1] == 0x5e || b[1] == 0x9c || b[1] == 0xda))
}

// inflate unpacks gzip and zlib data up to maxInflated, or returns nil.
func inflate(b []byte) []byte {
	if !compressed(b) {
		return nil
	}
	var r io.Reader
	var err error
	if b[0] == 0x78 {
		r, err = zlib.NewReader(bytes.NewReader(b))
	} else {
		r, err = gzip.NewReader(bytes.NewReader(b))
	}
	if err != nil {
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(r, maxInflated))
	if err != nil && len(out) == 0 {
		return nil
	}
	return out
}

// What telling says of a byte: what it begins, and, shifted by followShift, what it
// must follow to be looked at.
const (
	tellsPercent   = 1 << iota // %41
	tellsReference             // &#65;
	tellsBackslash             // \x41, \u0041, \101
	tellsEnd                   // a quote that may end a literal, behind which another may follow that it is joined to
	tellsItem                  // the same, in lists
	followShift    = 8
)

func telling() *[256]uint16 {
	var t [256]uint16
	begin := func(what uint16, bytes string) {
		for _, c := range []byte(bytes) {
			t[c] |= what
		}
	}
	follow := func(what uint16, bytes string) { begin(what<<followShift, bytes) }
	begin(tellsPercent, "%")
	follow(tellsPercent, "234567") // of a printable character
	begin(tellsReference, "&")
	follow(tellsReference, "#")
	begin(tellsBackslash, `\`)
	follow(tellsBackslash, "xu01")
	begin(tellsEnd|tellsItem, `"'`)
	follow(tellsEnd, "&\\ +.\n\r\t")
	follow(tellsItem, ",")
	return &t
}

// written undoes how strings are written: escapes, and literals put together.
func (h *hider) written() {
	data, tell := h.t.data, h.w.s.telling
	joined := 0 // where the last chain of literals ended
	want := uint16(tellsPercent | tellsReference | tellsBackslash | tellsEnd)
	if h.lists {
		want |= tellsItem
	}
	for i := 0; i+1 < len(data) && h.err == nil; i++ {
		begins := tell[data[i]] & want
		for _, c := range data[i+1:] {
			next := tell[c]
			if begins&(next>>followShift) != 0 {
				break
			}
			begins = next & want
			i++
		}
		switch {
		case i+1 >= len(data):
			return
		case begins&tellsEnd == 0:
			if _, size := escape(data[i:]); size > 0 {
				i = h.escaped(i) - 1
			}
		case i >= joined:
			joined = h.quoted(i)
		}
	}
}

// escaped decodes the word around the escape at i, %41, \x41, \u0041, \101 or
// &#65;, and returns where it ends.
func (h *hider) escaped(i int) int {
	data, start := h.t.data, i
	for start > 0 && i-start < maxContext && h.w.s.encoded[data[start-1]] {
		start--
	}
	plain, end, escapes := unescape(data, start, h.w.s.encoded)
	if escapes >= 2 && len(plain) >= minDecoded {
		h.searchNamed(plain, start, end)
	}
	return max(end, i+1)
}

// unescape decodes the word at start, up to a byte that is neither of a token nor
// an escape.
func unescape(data []byte, start int, set *[256]bool) (plain []byte, end, escapes int) {
	for end = start; end < len(data) && end-start < maxEncoded; {
		if r, size := escape(data[end:]); size > 0 {
			plain = utf8.AppendRune(plain, r)
			end += size
			escapes++
			continue
		}
		if c := data[end]; set[c] || strings.IndexByte("=.~:@,", c) >= 0 {
			plain = append(plain, c)
			end++
			continue
		}
		break
	}
	return plain, end, escapes
}

// escape decodes the escape at the start of b, and returns its length, or 0.
func escape(b []byte) (rune, int) {
	number := func(from, n, base int) (rune, int) {
		if len(b) < from+n {
			return 0, 0
		}
		v, err := strconv.ParseUint(string(b[from:from+n]), base, 32)
		if err != nil || v < ' ' || v > 0x7e {
			return 0, 0
		}
		return rune(v), from + n
	}
	switch {
	case len(b) < 3:
		return 0, 0
	case b[0] == '%':
		return number(1, 2, 16)
	case b[0] == '\\' && b[1] == 'x':
		return number(2, 2, 16)
	case b[0] == '\\' && b[1] == 'u':
		return number(2, 4, 16)
	case b[0] == '\\' && b[1] >= '0' && b[1] <= '1':
		return number(1, 3, 8)
	case b[0] == '&' && b[1] == '#':
		if i := bytes.IndexByte(b[:min(len(b), 8)], ';'); i > 2 {
			if r, n := number(2, i-2, 10); n > 0 {
				return r, i + 1
			}
		}
	}
	return 0, 0
}
