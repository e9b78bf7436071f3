package bundle

import (
	"bytes"
	"compress/gzip"
	"context"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/google/go-cmp/cmp"
)

// TestNativeImage reads the SBOM of an ELF made as GraalVM makes its images:
// a heap section, and symbols at the gzipped SBOM and its length.
func TestNativeImage(t *testing.T) {
	const doc = `{"bomFormat":"CycloneDX","components":[
		{"type":"library","group":"org.yaml","name":"snakeyaml","version":"1.30","licenses":[{"license":{"id":"Apache-2.0"}}],"purl":"pkg:maven/org.yaml/snakeyaml@1.30"},
		{"type":"library","group":"io.netty","name":"netty-codec-http","version":"4.1.86.Final"},
		{"type":"library","name":"no-version"}]}`
	facts := detect(t, nativeImage(t, []byte(doc)))
	var got []string
	for _, p := range facts.Packages {
		got = append(got, p.PURL+" "+string(p.Kind)+" "+p.Locations[0].Evidence+" "+strings.Join(p.Licenses, ","))
	}
	want := []string{
		"pkg:maven/org.yaml/snakeyaml@1.30 bundled embedded-sbom Apache-2.0",
		"pkg:maven/io.netty/netty-codec-http@4.1.86.Final bundled embedded-sbom ",
	}
	if diff := cmp.Diff(want, got); diff != "" || len(facts.Gaps) > 0 {
		t.Errorf("-want +got\n%s%v", diff, facts.Gaps)
	}
	facts = detect(t, nativeImage(t, nil))
	if len(facts.Gaps) != 1 || !strings.Contains(facts.Gaps[0].Detail, "without an embedded SBOM") {
		t.Errorf("an image without SBOM: %+v", facts)
	}
}

func detect(t *testing.T, data []byte) fnvet.Facts {
	t.Helper()
	d := New()
	f := &fnvet.File{Path: "bootstrap", Name: "bootstrap", Size: int64(len(data)), Data: data}
	if !d.Want(f) {
		t.Fatal("not wanted")
	}
	facts, err := d.Detect(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// nativeImage writes a 64 bit ELF with .svm_heap, and with a document also .data
// and symbols.
func nativeImage(t *testing.T, doc []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	if doc != nil {
		z := gzip.NewWriter(&packed)
		if _, err := z.Write(doc); err != nil || z.Close() != nil {
			t.Fatal(err)
		}
	}
	const base = 0x10000
	data := binary.LittleEndian.AppendUint64(nil, uint64(packed.Len()))
	data = append(data, packed.Bytes()...)
	names := "\x00.svm_heap\x00.data\x00.symtab\x00.strtab\x00"
	var symbols bytes.Buffer
	text := "\x00sbom\x00sbom_length\x00"
	table := []elf.Sym64{{}}
	if doc != nil {
		table = append(table, elf.Sym64{Name: 1, Info: 0x11, Shndx: 2, Value: base + 8}, elf.Sym64{Name: 6, Info: 0x11, Shndx: 2, Value: base})
	}
	write := func(w *bytes.Buffer, v any) {
		if err := binary.Write(w, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	write(&symbols, table)
	parts := [][]byte{[]byte("heap"), data, symbols.Bytes(), []byte(text + names)}
	at := func(i int) (n uint64) {
		n = 64
		for _, p := range parts[:i] {
			n += uint64(len(p))
		}
		return n
	}
	n := uint32(len(text))
	sections := []elf.Section64{
		{},
		{Name: n + 1, Type: 1, Flags: 2, Addr: base - 8, Off: at(0), Size: 4},
		{Name: n + 11, Type: 1, Flags: 3, Addr: base, Off: at(1), Size: uint64(len(data))},
		{Name: n + 17, Type: 2, Off: at(2), Size: uint64(symbols.Len()), Link: 4, Entsize: 24},
		{Name: n + 25, Type: 3, Off: at(3), Size: uint64(len(parts[3]))},
	}
	head := elf.Header64{Type: 3, Machine: 62, Version: 1, Ehsize: 64, Shoff: at(4), Shentsize: 64, Shnum: uint16(len(sections)), Shstrndx: 4}
	copy(head.Ident[:], "\x7fELF\x02\x01\x01")
	var out bytes.Buffer
	write(&out, head)
	for _, p := range parts {
		out.Write(p)
	}
	write(&out, sections)
	return out.Bytes()
}

// TestGo builds a program of the standard library and takes away what it says
// of itself.
func TestGo(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a Go program")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/fn\n\ngo 1.22\n", "main.go": "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(1) }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", "fn", ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no Go program: %v %s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "fn"))
	if err != nil {
		t.Fatal(err)
	}
	if facts := detect(t, data); len(facts.Gaps) > 0 {
		t.Errorf("a program stripped of symbols only: %v", facts.Gaps)
	}
	magic := []byte("\xff Go buildinf:")
	if !bytes.Contains(data, magic) {
		t.Fatal("no build information to take away")
	}
	bare := bytes.ReplaceAll(data, magic, make([]byte, len(magic)))
	for _, tt := range []struct {
		why  string
		data []byte
	}{
		{"build information removed", bare},
		{"section headers removed too", noSections(bare)},
	} {
		facts := detect(t, tt.data)
		if len(facts.Gaps) != 1 || facts.Gaps[0].Reason != fnvet.GapNotInventoried || !strings.HasPrefix(facts.Gaps[0].Detail, "Go program without build information") {
			t.Errorf("%s: %+v", tt.why, facts.Gaps)
		}
	}
}

// noSections clears the section table's place and count in an ELF header.
func noSections(data []byte) []byte {
	out := bytes.Clone(data)
	clear(out[0x28:0x30])
	clear(out[0x3c:0x40])
	return out
}

// FuzzBinary: damaged headers give no packages out of nothing and no panic.
func FuzzBinary(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100)))
	f.Add([]byte("MZ" + strings.Repeat("\x00", 100)))
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := readBinary(&fnvet.File{Path: "b", Name: "b", Size: int64(len(data)), Data: data})
		if err != nil && len(facts.Packages) > 0 && !bytes.Contains(data, []byte("sbom")) {
			t.Errorf("%v %v", facts, err)
		}
	})
}
