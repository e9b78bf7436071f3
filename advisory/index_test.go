package advisory

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/google/go-cmp/cmp"
)

// everything are queries that touch each section of the fixture.
var everything = []fnvet.Package{
	pkg("npm", "@scope/left", "1.0.0"), pkg("npm", "evil", "6.6.6"), pkg("PyPI", "some-thing", "1.4"), pkg("Go", "stdlib", "1.0"),
	pkg("Maven", "core", "1"), pkg("Debian:12", "openssl", "1"), pkg("Alpine:v3.18", "busybox", "1"), pkg("AlmaLinux:9", "bash", "1"),
}

func TestOpenErrors(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join(fixture().build(t), indexName))
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(whole)
	other[8]++
	for _, tt := range []struct {
		why  string
		data []byte
		want error
	}{
		{"absent", nil, ErrNoDatabase}, {"empty", []byte{}, ErrCorrupt}, {"short", whole[:20], ErrCorrupt},
		{"cut off", whole[:len(whole)-1], ErrCorrupt}, {"longer", append(bytes.Clone(whole), 0), ErrCorrupt},
		{"another format", other, ErrFormat}, {"text", []byte(strings.Repeat("x", 200)), ErrCorrupt},
	} {
		dir := t.TempDir()
		if tt.data != nil {
			put(t, filepath.Join(dir, indexName), tt.data)
		}
		db, err := Open(dir)
		if !errors.Is(err, tt.want) || db != nil {
			t.Errorf("%s: %v", tt.why, err)
		}
		if err := Verify(dir); !errors.Is(err, tt.want) {
			t.Errorf("%s: verify: %v", tt.why, err)
		}
	}
}

// TestFlippedBytes: whichever byte of the file is damaged, Verify says so, and
// Match fails or gives the whole right answer.
func TestFlippedBytes(t *testing.T) {
	dir := fixture().build(t)
	whole, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := open(t, dir).Match(t.Context(), everything)
	if err != nil || len(want) < 7 {
		t.Fatal(len(want), err)
	}
	step := 1
	if os.Getenv(drawsVariable) == "" {
		step = 5 // the rest with "make parity"
	}
	for i := 0; i < len(whole); i += step {
		damaged := t.TempDir()
		put(t, filepath.Join(damaged, indexName), flip(whole, i))
		if err := Verify(damaged); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrFormat) {
			t.Fatalf("byte %d: verify: %v", i, err)
		}
		db, err := Open(damaged)
		if err != nil {
			continue
		}
		got, _, err := db.Match(t.Context(), everything)
		db.Close()
		if err == nil && cmp.Diff(want, got) != "" {
			t.Fatalf("byte %d: another answer and no error", i)
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

// TestSectionLoad: a section decodes to the records it was made of.
func TestSectionLoad(t *testing.T) {
	db := open(t, fixture().build(t))
	for ecosystem, texts := range fixture() {
		var want []*record
		for _, text := range texts {
			r, err := parseRecord([]byte(text), ecosystem)
			if err != nil {
				t.Fatal(err)
			}
			if r != nil {
				want = append(want, r)
			}
		}
		s, err := db.section(ecosystem)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.load()
		if err != nil {
			t.Fatal(err)
		}
		opts := cmp.AllowUnexported(record{}, affected{}, span{}, event{}, grade{}, goImport{})
		for _, r := range got { // affected entries come back in the order of names
			for _, w := range want {
				if w.id == r.id {
					if d := cmp.Diff(sortAffected(w), sortAffected(r), opts); d != "" {
						t.Errorf("%s: %s", r.id, d)
					}
				}
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d records instead of %d", ecosystem, len(got), len(want))
		}
		others, err := s.seen()
		if err != nil {
			t.Fatal(err)
		}
		again, err := buildSection(ecosystem, got, others)
		if err != nil || !bytes.Equal(again.data, raw(t, s)) {
			t.Errorf("%s: compiled again it differs: %v", ecosystem, err)
		}
	}
}

func sortAffected(r *record) *record {
	c := *r
	c.affected = append([]affected(nil), r.affected...)
	for i := range c.affected {
		for j := i + 1; j < len(c.affected); j++ {
			if c.affected[j].name < c.affected[i].name {
				c.affected[i], c.affected[j] = c.affected[j], c.affected[i]
			}
		}
	}
	return &c
}

func raw(tb testing.TB, s *sectionReader) []byte {
	tb.Helper()
	buf := make([]byte, s.info.Size)
	if _, err := s.file.ReadAt(buf, s.info.Offset); err != nil {
		tb.Fatal(err)
	}
	return buf
}

// TestFilter: no name that is there is missed, few others pass.
func TestFilter(t *testing.T) {
	var packages []packageEntry
	for i := range 5000 {
		packages = append(packages, packageEntry{name: strings.Repeat("p", i%50) + string(rune('a'+i%26)) + string(rune('0'+i/100))})
	}
	filter := buildFilter(packages)
	for _, p := range packages {
		if !mayHold(filter, p.name) {
			t.Fatalf("%q is missed", p.name)
		}
	}
	passed := 0
	for i := range 10_000 {
		if mayHold(filter, "other"+string(rune('0'+i%75))+strings.Repeat("z", i/75)) {
			passed++
		}
	}
	if passed > 300 {
		t.Errorf("%d of 10000 unknown names pass", passed)
	}
}

// FuzzIndex: any bytes are a database or an error; reading it gives records or
// an error.
func FuzzIndex(f *testing.F) {
	whole, err := os.ReadFile(filepath.Join(fixture().build(f), indexName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:headerSize])
	f.Fuzz(func(t *testing.T, data []byte) {
		reseal(data)
		h, dir, err := readDirectory(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if h != nil {
				t.Error("an error and a header")
			}
			return
		}
		unzip, err := newUnzip()
		if err != nil {
			t.Fatal(err)
		}
		defer unzip.Close()
		for _, info := range dir.Sections {
			s, err := openSection(bytes.NewReader(data), info, unzip)
			if err != nil {
				continue
			}
			c := cursor{sectionReader: s}
			c.find("@scope/left")
			if _, err := s.load(); err != nil && !errors.Is(err, ErrCorrupt) {
				t.Error(err)
			}
		}
	})
}

// FuzzDecode: the decoders take any bytes.
func FuzzDecode(f *testing.F) {
	r, err := parseRecord([]byte(fixture()["Go"][0]), "Go")
	if err != nil {
		f.Fatal(err)
	}
	var e encoder
	e.record(r)
	f.Add(e.b)
	for _, p := range packagesOf("Go", []*record{r}) {
		var e encoder
		e.packageEntry(&p)
		f.Add(e.b)
	}
	f.Add((&table{releases: []string{"12"}, packages: []blockInfo{{name: "a"}}}).encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		d := decoder{b: data}
		if r := d.record(); !d.bad {
			var e encoder
			e.record(r)
			again := decoder{b: e.b}
			if !cmp.Equal(r, again.record(), cmp.AllowUnexported(record{}, affected{}, grade{}, goImport{}, span{}, event{})) {
				t.Error("decode and encode are not inverse")
			}
		}
		d = decoder{b: data}
		d.all()
		d = decoder{b: data}
		d.find("stdlib")
		if tb, err := decodeTable(data); err == nil && tb == nil {
			t.Error("neither a table nor an error")
		}
	})
}

// FuzzRecord: any JSON is a record, nothing or an error, and a record survives
// compiling: the index answers as the record does.
func FuzzRecord(f *testing.F) {
	for ecosystem, texts := range fixture() {
		for _, text := range texts {
			f.Add(ecosystem, text, "1.2.3")
		}
	}
	f.Fuzz(func(t *testing.T, base, text, installed string) {
		r, err := parseRecord([]byte(text), base)
		if err != nil && r != nil {
			t.Fatal("an error and a record")
		}
		if r == nil {
			return
		}
		names := map[string]bool{}
		for i := range r.affected {
			names[r.affected[i].name] = true
			scheme, _ := order(base)
			newEvaluator(scheme, installed).affects(&r.affected[i])
		}
		s, err := buildSection(base, []*record{r}, nil)
		if err != nil {
			t.Fatal(err)
		}
		unzip, err := newUnzip()
		if err != nil {
			t.Fatal(err)
		}
		defer unzip.Close()
		reader, err := openSection(bytes.NewReader(s.data), s.info, unzip)
		if err != nil {
			t.Fatal(err)
		}
		c := cursor{sectionReader: reader}
		for name := range names {
			if p, err := c.find(name); err != nil || p == nil {
				t.Errorf("%q is lost: %v", name, err)
			}
		}
		if got, err := reader.load(); err != nil || len(got) != 1 || got[0].id != r.id {
			t.Errorf("%v %v", got, err)
		}
	})
}

// reseal makes the checksums of the header and the directory right, so that
// what lies behind them is reached.
func reseal(data []byte) {
	if len(data) < headerSize {
		return
	}
	put32 := func(at int, v uint32) {
		data[at], data[at+1], data[at+2], data[at+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	}
	put32(headerSize-4, castagnoli(data[:headerSize-4]))
	h, err := decodeHeader(data)
	if err != nil || h.length < 4 || h.directory+h.length > int64(len(data)) {
		return
	}
	put32(int(h.directory), castagnoli(data[h.directory+4:h.directory+h.length]))
}
