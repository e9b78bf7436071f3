package deflate64

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// A writer writes blocks with the fixed codes, one token after the other.
type writer struct {
	b    []byte
	bits uint64
	n    uint
}

func (w *writer) put(v uint64, n uint) {
	w.bits |= v << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.b = append(w.b, byte(w.bits))
		w.bits >>= 8
	}
}

// code writes a Huffman code, whose first bit is the highest.
func (w *writer) code(v uint64, n uint) {
	for i := range n {
		w.put(v>>(n-1-i)&1, 1)
	}
}

func (w *writer) literal(c byte) {
	if c < 144 {
		w.code(0x30+uint64(c), 8)
		return
	}
	w.code(0x190+uint64(c)-144, 9)
}

// long writes a copy with length code 285 and distance code 30 or 31.
func (w *writer) long(length, distance int) {
	w.code(0xC0+285-280, 8)
	w.put(uint64(length-3), 16)
	if distance > 1<<15 {
		code, base := uint64(30), 1+1<<15
		if distance > 3<<14 {
			code, base = 31, 1+3<<14
		}
		w.code(code, 5)
		w.put(uint64(distance-base), 14)
		return
	}
	w.code(uint64(distance-1), 5) // distances 1 to 4
}

func (w *writer) end() []byte {
	w.code(0, 7)
	w.put(0, 7)
	return w.b
}

func TestLongCopies(t *testing.T) {
	text := make([]byte, 1<<16)
	_, _ = rand.NewChaCha8([32]byte{}).Read(text)
	var w writer
	w.put(1|1<<1, 3)
	for _, c := range text {
		w.literal(c)
	}
	want := bytes.Clone(text)
	for _, c := range []struct{ length, distance int }{
		{longestCopy, 1 << 16}, {3, 1<<15 + 1}, {1000, 3 << 14}, {5000, 3<<14 + 1}, {longestCopy, 1}, {300, 3}, {3, 1 << 16},
	} {
		w.long(c.length, c.distance)
		for range c.length {
			want = append(want, want[len(want)-c.distance])
		}
	}
	got, err := io.ReadAll(NewReader(bytes.NewReader(w.end())))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d, error %v", len(got), len(want), err)
	}
}

// TestDeflate: where no match has the longest length of Deflate, 258, and none
// reaches back more than 32 KiB, both formats are the same.
func TestDeflate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the quick brown fox jumps over the lazy dog and runs away from all the noise of cities")
	var text bytes.Buffer
	for text.Len() < 1<<20 {
		text.WriteString(words[random.IntN(len(words))])
		text.WriteByte(byte(random.IntN(256)))
	}
	for level := flate.HuffmanOnly; level <= 9; level++ {
		var packed bytes.Buffer
		z, _ := flate.NewWriter(&packed, level)
		_, _ = z.Write(text.Bytes())
		_ = z.Close()
		packed.WriteString("rest")
		in := bytes.NewReader(packed.Bytes())
		got, err := io.ReadAll(NewReader(in))
		if err != nil || !bytes.Equal(got, text.Bytes()) {
			t.Errorf("level %d: %d bytes, error %v", level, len(got), err)
		}
		if in.Len() != 4 {
			t.Errorf("level %d: %d bytes left of 4", level, in.Len())
		}
		for cut := 0; cut < packed.Len()-4; cut += 1 + packed.Len()/50 {
			got, err := io.ReadAll(NewReader(bytes.NewReader(packed.Bytes()[:cut])))
			if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.HasPrefix(text.Bytes(), got) {
				t.Errorf("level %d cut at %d: %d bytes, error %v", level, cut, len(got), err)
			}
		}
	}
}

func TestCorrupt(t *testing.T) {
	for _, c := range []struct{ why, data string }{
		{"block type 3", "\x07"},
		{"stored length", "\x01\x01\x00\x00\x00"},
		{"copy from before the start", "\x03\x02\x00\x00\x00"},
		{"code with too many codes", "\x05\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
	} {
		if got, err := io.ReadAll(NewReader(strings.NewReader(c.data))); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %q, error %v", c.why, got, err)
		}
	}
}

// FuzzReader: whatever comes in, what comes out depends neither on how it is read
// nor on what follows, and is no more than the format can give.
func FuzzReader(f *testing.F) {
	f.Add([]byte("\x03\x00"))
	f.Add([]byte("\x01\x03\x00\xfc\xffabc"))
	var w writer
	w.put(1|1<<1, 3)
	w.literal('a')
	w.long(70000-4500, 1)
	f.Add(w.end())
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 20
		got, err := io.ReadAll(io.LimitReader(NewReader(bytes.NewReader(data)), limit))
		if int64(len(got)) > int64(len(data)+1)*8*longestCopy {
			t.Fatalf("%d bytes out of %d", len(got), len(data))
		}
		slow := NewReader(iotest{bytes.NewReader(data)})
		var again bytes.Buffer
		buf := make([]byte, 1<<16+7)
		for again.Len() < limit {
			n, err := slow.Read(buf[:1+again.Len()%len(buf)])
			again.Write(buf[:n])
			if err != nil {
				break
			}
		}
		if n := min(again.Len(), len(got)); !bytes.Equal(again.Bytes()[:n], got[:n]) || again.Len() < len(got) {
			t.Fatalf("read in other pieces: %d and %d bytes", again.Len(), len(got))
		}
		plain, plainErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), limit))
		if plainErr == nil && err == nil && len(plain) < 258 && !bytes.Equal(plain, got) {
			t.Fatalf("Deflate reads %q, Deflate64 %q", plain, got)
		}
	})
}

// iotest is an io.Reader that is no io.ByteReader.
type iotest struct{ r io.Reader }

func (o iotest) Read(p []byte) (int, error) { return o.r.Read(p) }
