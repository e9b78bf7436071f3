package unpack_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
)

const benign = `{"name":"x","version":"1.0.0"}`

// A hostile is one archive that tries to fool or exhaust the scanner.
type hostile struct {
	name   string
	file   string // the artifact's name, which gives nothing away that its bytes do not
	data   func(tb testing.TB) []byte
	gaps   []string // reasons that have to be among the gaps
	rules  []string // findings that have to be there
	extra  []string // paths that have to be offered besides the benign one
	lost   bool     // the benign file cannot be read; then a gap is a must
	limits unpack.Limits
}

// run walks the archive and holds the promises that are the same for all: it
// ends soon, in little memory, leaves no file behind, and what is beside the
// attack is still seen, or a gap says why not.
func (h hostile) run(t *testing.T) {
	data := h.data(t)
	t.Setenv("TMPDIR", t.TempDir())
	runtime.GC()
	debug.FreeOSMemory()
	peak := watchHeap()
	start, spent := time.Now(), cpuTime()
	got := walkCount(t, h.file, data, h.limits)
	took, used := time.Since(start), peak()-int64(len(data))
	if spent = cpuTime() - spent; spent > 0 { // a busy machine makes nobody slower than this
		took = min(took, spent)
	}
	if took > 10*time.Second || used > 512<<20 {
		t.Errorf("took %v and %d MiB", took, used>>20)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left files behind: %v %v", left, err)
	}
	seen := slices.ContainsFunc(got.files, func(f fnvet.File) bool { return f.Name == "package.json" && string(f.Data) == benign })
	if !seen && (!h.lost || len(got.Gaps) == 0) {
		t.Errorf("the benign file was not offered; gaps %v", got.Gaps)
	}
	for _, want := range h.gaps {
		if !slices.Contains(got.reasons(), want) {
			t.Errorf("no gap %q in %v", want, got.Gaps)
		}
	}
	for _, want := range h.rules {
		if !slices.Contains(got.rules(), want) {
			t.Errorf("no finding %q in %v", want, got.Findings)
		}
	}
	for _, want := range h.extra {
		if !slices.ContainsFunc(got.files, func(f fnvet.File) bool { return f.Path == want }) {
			t.Errorf("%s was not offered", want)
		}
	}
	if len(h.gaps)+len(h.rules) == 0 && len(got.Gaps)+len(got.Findings) > 0 {
		t.Errorf("unexpected gaps %v, findings %v", got.Gaps, got.Findings)
	}
}

// walkCount is walkBytes that keeps the data of small files only.
func walkCount(tb testing.TB, name string, data []byte, limits unpack.Limits) walked {
	tb.Helper()
	return walkKeep(tb, "-", unpack.Options{Name: name, Stdin: bytes.NewReader(data), Limits: limits}, 1<<16)
}

// watchHeap samples the heap until the function it returns is called, which
// gives the largest growth.
func watchHeap() (stop func() int64) {
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	done, result := make(chan struct{}), make(chan int64)
	go func() {
		var most int64
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			most = max(most, int64(now.HeapInuse)-int64(before.HeapInuse))
			select {
			case <-done:
				result <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(done); return <-result }
}

var ambiguous, unsafePathRule = []string{"hygiene/ambiguous-archive"}, []string{"hygiene/unsafe-path"}

func raw(entries ...rawEntry) func(testing.TB) []byte {
	return func(tb testing.TB) []byte {
		return rawZip(tb, append(entries, rawEntry{name: "package.json", data: benign})...)
	}
}

// slip is a zip with one entry of that name.
func slip(name string) func(testing.TB) []byte { return raw(rawEntry{name: name, data: "evil"}) }

func zeros(n int) string { return strings.Repeat("\x00", n) }

func TestHostileZip(t *testing.T) {
	nest := func(levels int) func(testing.TB) []byte {
		return func(tb testing.TB) []byte {
			data := zipOf(tb, file{"package.json", benign})
			for range levels {
				data = zipOf(tb, file{"a.zip", string(data)}, file{"package.json", benign})
			}
			return data
		}
	}
	for _, h := range []hostile{
		{name: "slip", data: slip("../../x"), extra: []string{"a!/x"}, rules: unsafePathRule, gaps: []string{"unsafe-path"}},
		{name: "slip in the middle", data: slip("a/../../x"), extra: []string{"a!/x"}, rules: unsafePathRule},
		{name: "absolute", data: slip("/etc/x"), extra: []string{"a!/etc/x"}, rules: unsafePathRule},
		{name: "backslash", data: slip(`..\..\x`), extra: []string{"a!/x"}, rules: unsafePathRule},
		{name: "backslash inside", data: slip(`d\x`), extra: []string{"a!/d/x"}},
		{name: "drive", data: slip(`C:\x`), extra: []string{"a!/x"}, rules: unsafePathRule},
		{name: "drive relative", data: slip(`c:x`), extra: []string{"a!/x"}, rules: unsafePathRule},
		{name: "UNC", data: slip(`\\host\share\x`), extra: []string{"a!/host/share/x"}, rules: unsafePathRule},
		{name: "network path", data: slip(`//host/x`), extra: []string{"a!/host/x"}, rules: unsafePathRule},
		{name: "NUL", data: slip("x.js\x00.png"), extra: []string{"a!/x.js"}, rules: unsafePathRule},
		{name: "overlong", data: slip("\xc0\xae\xc0\xae\xc0\xafx"), extra: []string{"a!/x"}, rules: unsafePathRule},
		{name: "full width", data: slip("\uff0e\uff0e\uff0fx"), rules: unsafePathRule},
		{name: "two dot leader", data: slip("\u2025/x"), rules: unsafePathRule},
		{name: "only dots", data: slip(".."), rules: unsafePathRule},
		{name: "case", data: raw(rawEntry{name: "X"}, rawEntry{name: "x", data: "1"}), extra: []string{"a!/X", "a!/x"}, rules: []string{"hygiene/name-collision"}},
		{name: "Unicode form", data: raw(rawEntry{name: "\u00e9"}, rawEntry{name: "e\u0301", data: "1"}), rules: []string{"hygiene/name-collision"}},
		{name: "link out", data: raw(rawEntry{name: "l", data: "../../etc/passwd", extern: 0o120777 << 16}), rules: []string{"hygiene/unsafe-link"}},
		{name: "link absolute", data: raw(rawEntry{name: "l", data: "/etc/passwd", extern: 0o120777 << 16}), rules: []string{"hygiene/unsafe-link"}},
		{name: "link loop", data: raw(rawEntry{name: "l", data: "l", extern: 0o120777 << 16}), extra: []string{"a!/l"}},
		{name: "fifo", data: raw(rawEntry{name: "p", extern: 0o010644 << 16}), rules: []string{"hygiene/special-file"}},
		{name: "setuid", data: raw(rawEntry{name: "su", data: "x", extern: 0o104755 << 16}), rules: []string{"hygiene/setuid"}},
		{name: "duplicate", data: raw(rawEntry{name: "d", data: "1"}, rawEntry{name: "d", data: "22"}), rules: ambiguous},
		{name: "duplicate with the same checksum", data: raw(rawEntry{name: "d", data: "1"}, rawEntry{name: "d", data: "1"}), rules: ambiguous},
		{name: "names disagree", data: raw(rawEntry{name: "good", localName: "evil", data: "1"}), extra: []string{"a!/good", "a!/evil"}, rules: ambiguous},
		{name: "methods disagree", data: raw(rawEntry{name: "m", data: "hidden", localMeth: 0xFFFF}), rules: ambiguous, gaps: []string{"unsupported"}},
		{name: "sizes disagree", data: raw(rawEntry{name: "s", data: "12345678", stored: true, localSize: 4}), rules: ambiguous},
		{name: "not in the directory", data: raw(rawEntry{name: "hidden.js", data: "h", noCentral: true}), extra: []string{"a!/hidden.js"}, rules: ambiguous},
		{name: "second name in the Unicode field", data: raw(rawEntry{name: "a.txt", data: "x", extra: unicodeField("a.txt", "evil.js")}),
			extra: []string{"a!/a.txt", "a!/evil.js"}, rules: ambiguous},
		{name: "one body, many names", data: func(tb testing.TB) []byte {
			kernel := uint32(len(deflated(zeros(30 << 20))))
			entries := []rawEntry{{name: "package.json", data: benign}, {name: "n", data: zeros(30 << 20)}}
			for i := range 3000 {
				entries = append(entries, rawEntry{name: fmt.Sprintf("n%d", i), usize: 30 << 20, csize: kernel, crc: 1, noLocal: true})
			}
			return rawZip(tb, entries...)
		}, rules: ambiguous, gaps: []string{"limit"}},
		{name: "overlapping", data: overlapBomb, gaps: []string{"limit"}, rules: ambiguous},
		{name: "bomb", data: raw(rawEntry{name: "z", data: zeros(100 << 20)}), gaps: []string{"limit"}},
		{name: "bomb that understates", data: raw(rawEntry{name: "z", data: zeros(100 << 20), usize: 10}), gaps: []string{"limit"}},
		{name: "bomb in a bomb", data: func(tb testing.TB) []byte {
			data := zipOf(tb, file{"z", zeros(20 << 20)})
			for range 4 {
				var copies []file
				for i := range 16 {
					copies = append(copies, file{fmt.Sprintf("%d.zip", i), string(data)})
				}
				data = zipOf(tb, append(copies, file{"package.json", benign})...)
			}
			return data
		}, gaps: []string{"limit"}},
		{name: "200 deep", data: nest(200), gaps: []string{"limit"}},
		{name: "7 deep", data: nest(7)},
		{name: "size of 16 EiB", data: raw(rawEntry{name: "z", data: "x", usize: 1<<32 - 1, extra: zip64Extra(1<<63 + 5)}), gaps: []string{"limit"}},
		{name: "size of 4 GiB", data: raw(rawEntry{name: "z", data: "x", usize: 1<<32 - 2}), gaps: []string{"limit"}},
		{name: "understated", data: raw(rawEntry{name: "z", data: "12345", usize: 2}), gaps: []string{"unreadable"}, extra: []string{"a!/z"}},
		{name: "overstated", data: raw(rawEntry{name: "z", data: "12345", usize: 9}), gaps: []string{"unreadable"}, extra: []string{"a!/z"}},
		{name: "checksum", data: raw(rawEntry{name: "z", data: "12345", crc: 1}), gaps: []string{"unreadable"}, extra: []string{"a!/z"}},
		{name: "encrypted", data: raw(rawEntry{name: "z", data: "12345", flags: 1}), gaps: []string{"encrypted"}},
		{name: "implode", data: raw(rawEntry{name: "z", packed: []byte("abc"), method: 6}), gaps: []string{"unsupported"}},
		{name: "ppmd", data: raw(rawEntry{name: "z", packed: []byte("abc"), method: 98}), gaps: []string{"unsupported"}},
		{name: "garbage deflate", data: raw(rawEntry{name: "z", packed: []byte("\xff\xff\xff"), method: 8, usize: 7}), gaps: []string{"unreadable"}},
		{name: "offset outside", data: func(tb testing.TB) []byte {
			data := raw(rawEntry{name: "z", data: "x"})(tb)
			at := bytes.Index(data, []byte("PK\x01\x02"))
			binary.LittleEndian.PutUint32(data[at+42:], 1<<31)
			return data
		}, gaps: []string{"unreadable"}},
		{name: "count too low", data: func(tb testing.TB) []byte {
			data := raw(rawEntry{name: "z", data: "x"})(tb)
			binary.LittleEndian.PutUint16(data[len(data)-12:], 1)
			return data
		}, rules: ambiguous, extra: []string{"a!/z"}},
		{name: "directory cut short", data: func(tb testing.TB) []byte {
			data := raw()(tb) // the end record says the directory is empty
			copy(data[len(data)-14:], make([]byte, 8))
			return data
		}, rules: ambiguous},
		{name: "two zips, one after the other", data: func(tb testing.TB) []byte {
			return append(raw(rawEntry{name: "first", data: "1"})(tb), raw(rawEntry{name: "second", data: "2"})(tb)...)
		}, extra: []string{"a!/first", "a!/second"}, rules: ambiguous},
		{name: "zip in the comment of a zip", data: func(tb testing.TB) []byte {
			inner := raw(rawEntry{name: "second", data: "2"})(tb)
			outer := raw(rawEntry{name: "first", data: "1"})(tb)
			binary.LittleEndian.PutUint16(outer[len(outer)-2:], uint16(len(inner)))
			return append(outer, inner...)
		}, extra: []string{"a!/first", "a!/second"}, rules: ambiguous},
		{name: "trailing data", data: func(tb testing.TB) []byte { return append(raw()(tb), "AKIA..."...) }, rules: []string{"hygiene/hidden-data"}},
		{name: "prepended data", data: func(tb testing.TB) []byte { return append([]byte("#!/bin/sh\n"), raw()(tb)...) }, rules: []string{"hygiene/hidden-data"}},
		{name: "too many entries", limits: unpack.Limits{Entries: 1000}, data: func(tb testing.TB) []byte {
			files := []file{{"package.json", benign}}
			for i := range 5000 {
				files = append(files, file{fmt.Sprint(i), ""})
			}
			return zipOf(tb, files...)
		}, gaps: []string{"limit"}},
		{name: "a million entries", data: millionEntries, gaps: []string{"limit"}},
		{name: "no directory", data: func(tb testing.TB) []byte {
			data := raw(rawEntry{name: "z", data: "x"})(tb)
			return data[:bytes.Index(data, []byte("PK\x01\x02"))]
		}, gaps: []string{"unreadable"}, extra: []string{"a!/z"}},
	} {
		h.file = "a"
		t.Run(h.name, h.run)
	}
}

func unicodeField(name, unicode string) []byte {
	field := binary.LittleEndian.AppendUint32([]byte{0x75, 0x70, byte(5 + len(unicode)), 0, 1}, crc32.ChecksumIEEE([]byte(name)))
	return append(field, unicode...)
}

func zip64Extra(size uint64) []byte {
	return binary.LittleEndian.AppendUint64([]byte{1, 0, 8, 0}, size)
}

// overlapBomb quotes each local header in a stored block of the entry before, so
// that all entries share one body (D. Fifield, "A better zip bomb", 2019).
func overlapBomb(tb testing.TB) []byte {
	const entries = 300
	kernel := deflated(zeros(25 << 20))
	le := binary.LittleEndian
	var locals [][]byte // from the last entry to the first
	csize, usize := len(kernel), 25<<20
	for i := range entries {
		head := append([]byte("PK\x03\x04\x14\x00\x00\x00\x08\x00\x00\x00\x21\x00"), 0, 0, 0, 0)
		head = le.AppendUint32(head, uint32(csize))
		head = le.AppendUint32(head, uint32(usize))
		name := fmt.Sprintf("%04d", entries-1-i)
		head = append(le.AppendUint16(head, uint16(len(name))), 0, 0)
		head = append(head, name...)
		locals = append(locals, head)
		csize, usize = csize+5+len(head), usize+len(head)
	}
	var b, central bytes.Buffer
	b.Write(rawZip(tb, rawEntry{name: "package.json", data: benign}))
	b.Truncate(bytes.Index(b.Bytes(), []byte("PK\x01\x02")))
	add := func(head []byte, offset int) {
		c := append([]byte("PK\x01\x02\x14\x03"), head[4:28]...)
		c = append(le.AppendUint16(c, uint16(len(head)-30)), make([]byte, 12)...)
		c = le.AppendUint32(c, uint32(offset))
		central.Write(append(c[:46], head[30:]...))
	}
	first := b.Bytes()
	add(bytes.Clone(first[:30+len("package.json")]), 0)
	for i := entries - 1; i >= 0; i-- {
		add(locals[i], b.Len())
		b.Write(locals[i])
		if i > 0 { // a stored block that holds the next header
			n := uint16(len(locals[i-1]))
			b.WriteByte(0)
			b.Write(le.AppendUint16(le.AppendUint16(nil, n), ^n))
		}
	}
	b.Write(kernel)
	start := b.Len()
	b.Write(central.Bytes())
	b.Write(endRecord(entries+1, uint32(central.Len()), uint32(start)))
	return b.Bytes()
}

func millionEntries(tb testing.TB) []byte {
	if testing.Short() {
		tb.Skip("slow")
	}
	const n = 1_000_100
	var b, central bytes.Buffer
	b.Write(rawZip(tb, rawEntry{name: "package.json", data: benign}))
	b.Truncate(bytes.Index(b.Bytes(), []byte("PK\x01\x02")))
	full := rawZip(tb, rawEntry{name: "package.json", data: benign})
	central.Write(full[b.Len() : len(full)-22])
	le := binary.LittleEndian
	local := append([]byte("PK\x03\x04\x14"), make([]byte, 21)...)
	local = append(local, 7, 0, 0, 0)
	head := append([]byte("PK\x01\x02\x14\x03\x14"), make([]byte, 21)...)
	head = append(append(head, 7), make([]byte, 17)...)
	for i := range n {
		name := fmt.Sprintf("%07d", i)
		le.PutUint32(head[42:], uint32(b.Len()))
		b.Write(local)
		b.WriteString(name)
		central.Write(head)
		central.WriteString(name)
	}
	start := b.Len()
	b.Write(central.Bytes())
	pos := b.Len()
	end64 := append([]byte("PK\x06\x06"), make([]byte, 20)...)
	end64 = le.AppendUint64(le.AppendUint64(end64, n+1), n+1)
	end64 = le.AppendUint64(le.AppendUint64(end64, uint64(central.Len())), uint64(start))
	b.Write(end64)
	b.Write(append(le.AppendUint64([]byte("PK\x06\x07\x00\x00\x00\x00"), uint64(pos)), 1, 0, 0, 0))
	b.Write(endRecord(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF))
	return b.Bytes()
}

// TestTruncatedZip cuts a zip at every offset: what lies whole before the cut is
// still offered, and there is always a gap.
func TestTruncatedZip(t *testing.T) {
	whole := rawZip(t, rawEntry{name: "a", data: "first"}, rawEntry{name: "package.json", data: benign}, rawEntry{name: "b", data: strings.Repeat("last ", 50)})
	second := bytes.LastIndex(whole[:bytes.Index(whole, []byte("PK\x01\x02"))], []byte("PK\x03\x04"))
	for cut := 4; cut < len(whole); cut++ {
		got := walkBytes(t, "a", whole[:cut], unpack.Limits{})
		if len(got.Gaps) == 0 {
			t.Fatalf("cut at %d: no gap", cut)
		}
		if cut >= second && got.contents()["a!/package.json"] != benign {
			t.Fatalf("cut at %d: package.json is whole and was not offered: %v", cut, got.contents())
		}
	}
}

type tarHeader = tar.Header

func tarHeaders(headers ...tarHeader) func(testing.TB) []byte {
	return func(tb testing.TB) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range append(headers, tarHeader{Name: "package.json", Typeflag: tar.TypeReg, Size: int64(len(benign)), Mode: 0o644}) {
			if err := w.WriteHeader(&h); err != nil {
				tb.Fatal(err)
			}
			if h.Name == "package.json" {
				_, _ = w.Write([]byte(benign))
			} else {
				_, _ = w.Write(make([]byte, h.Size))
			}
		}
		_ = w.Close()
		return b.Bytes()
	}
}

// patchTar changes the first header of a tar and makes its checksum right again.
func patchTar(data []byte, patch func(header []byte)) []byte {
	patch(data[:512])
	copy(data[148:], "        ")
	sum := 0
	for _, c := range data[:512] {
		sum += int(c)
	}
	copy(data[148:], fmt.Sprintf("%06o\x00 ", sum))
	return data
}
