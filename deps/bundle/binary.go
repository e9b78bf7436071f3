package bundle

import (
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
	packageurl "github.com/package-url/packageurl-go"
)

// Limits of binaries, and of the SBOM inside one, unpacked; in bytes.
const (
	maxBinary = 1 << 30
	maxSBOM   = 64 << 20
)

// An image is what the headers of an executable show.
type image struct {
	sections bool // its sections tell whether Go made it
	golang   bool // a section that only Go's linker makes
	native   bool // the heap of a GraalVM native image
	sbom     []byte
}

// readBinary lists the packages of a native image's embedded SBOM, and reports
// native images without one and Go programs without module information. What Go
// programs do state is the Go detector's to read, as is UPX.
func readBinary(f *fnvet.File) (fnvet.Facts, error) {
	im := headers(f.Data)
	gap := func(detail string) fnvet.Facts {
		return fnvet.Facts{Gaps: []fnvet.Gap{{Path: f.Path, Reason: fnvet.GapNotInventoried, Detail: detail}}}
	}
	switch {
	case im.native && len(im.sbom) > 0:
		pkgs, err := readSBOM(im.sbom)
		for i := range pkgs {
			pkgs[i].Locations = []fnvet.Location{{
				Path: f.Path, Layer: f.Layer, Kind: fnvet.Bundled, Evidence: "embedded-sbom", Confidence: fnvet.ConfidenceHigh,
			}}
		}
		return fnvet.Facts{Packages: pkgs}, err
	case im.native:
		return gap("GraalVM native image without an embedded SBOM: its packages are not listed (build it with --enable-sbom)"), nil
	case bytes.Contains(f.Data[:min(len(f.Data), 4096)], []byte("UPX!")):
		return fnvet.Facts{}, nil
	case im.golang || !im.sections && symbolTable(f.Data):
		if detail := withoutModules(f.Data); detail != "" {
			return gap(detail), nil
		}
	}
	return fnvet.Facts{}, nil
}

// withoutModules says what is missing from a Go program's build information, or "".
func withoutModules(data []byte) string {
	info, err := buildinfo.Read(bytes.NewReader(data))
	switch {
	case err != nil:
		return "Go program without build information: neither its modules nor the Go version are known"
	case info.Path == "" && info.Main.Path == "" && len(info.Deps) == 0:
		return fmt.Sprintf("Go program without module information, built with %.64s: only the standard library is listed", info.GoVersion)
	}
	return ""
}

// headers reads the sections of an executable. Damaged ones show nothing.
func headers(data []byte) image {
	r := bytes.NewReader(data)
	var im image
	switch {
	case bytes.HasPrefix(data, []byte("\x7fELF")):
		if f, err := elf.NewFile(r); err == nil {
			im.elf(f)
		}
	case bytes.HasPrefix(data, []byte("MZ")):
		if f, err := pe.NewFile(r); err == nil {
			im.sections = managed(f)
			for _, s := range f.Sections {
				im.native = im.native || s.Name == ".svm_hea" || s.Name == ".svm_heap"
			}
		}
	default:
		if f, err := macho.NewFile(r); err == nil {
			im.macho(f)
		}
	}
	return im
}

// managed says whether a PE file is a .NET assembly, which Go's linker never
// makes. Go's own PE files have no section that tells.
func managed(f *pe.File) bool {
	var dirs []pe.DataDirectory
	switch h := f.OptionalHeader.(type) {
	case *pe.OptionalHeader32:
		dirs = h.DataDirectory[:]
	case *pe.OptionalHeader64:
		dirs = h.DataDirectory[:]
	}
	return len(dirs) > pe.IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR && dirs[pe.IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR].Size > 0
}

func (im *image) elf(f *elf.File) {
	im.sections = len(f.Sections) > 1
	for _, s := range f.Sections {
		switch s.Name {
		case ".gopclntab", ".go.buildinfo", ".note.go.buildid", ".data.rel.ro.gopclntab":
			im.golang = true
		case ".svm_heap":
			im.native = true
		}
	}
	if !im.native {
		return
	}
	symbols, _ := f.Symbols()
	dynamic, _ := f.DynamicSymbols()
	at := make(map[string]uint64)
	for _, s := range append(symbols, dynamic...) {
		at[s.Name] = s.Value
	}
	im.sbom = embedded(at["sbom"], at["sbom_length"], func(addr uint64, n int) []byte {
		for _, s := range f.Sections {
			if s.Type != elf.SHT_NOBITS && addr >= s.Addr && s.Addr > 0 && addr-s.Addr < s.Size {
				return readAt(s.ReaderAt, addr-s.Addr, n)
			}
		}
		return nil
	})
}

func (im *image) macho(f *macho.File) {
	im.sections = len(f.Sections) > 0
	for _, s := range f.Sections {
		im.golang = im.golang || s.Name == "__gopclntab" || s.Name == "__go_buildinfo"
		im.native = im.native || s.Name == "__svm_heap"
	}
	if !im.native || f.Symtab == nil {
		return
	}
	at := make(map[string]uint64)
	for _, s := range f.Symtab.Syms {
		at[strings.TrimPrefix(s.Name, "_")] = s.Value
	}
	im.sbom = embedded(at["sbom"], at["sbom_length"], func(addr uint64, n int) []byte {
		for _, s := range f.Sections {
			if s.Offset > 0 && addr >= s.Addr && addr-s.Addr < s.Size {
				return readAt(s.ReaderAt, addr-s.Addr, n)
			}
		}
		return nil
	})
}

// embedded reads the bytes at the symbol sbom, as many as the 64 bit number at
// sbom_length says (GraalVM, SBOM support of native images).
func embedded(sbom, length uint64, read func(addr uint64, n int) []byte) []byte {
	if sbom == 0 || length == 0 {
		return nil
	}
	size := read(length, 8)
	if len(size) < 8 {
		return nil
	}
	n := binary.LittleEndian.Uint64(size)
	if n == 0 || n > maxSBOM {
		return nil
	}
	return read(sbom, int(n))
}

func readAt(r io.ReaderAt, off uint64, n int) []byte {
	var out bytes.Buffer
	if off > 1<<62 {
		return nil
	}
	if _, err := io.Copy(&out, io.NewSectionReader(r, int64(off), int64(n))); err != nil || out.Len() != n {
		return nil
	}
	return out.Bytes()
}

// symbolTable finds the table that Go's runtime needs to unwind stacks, which
// no strip removes: a magic number of its format, two zeros, the instruction
// size and the pointer size, then how many functions and files there are
// (https://go.dev/s/go12symtab, and runtime.pcHeader).
func symbolTable(data []byte) bool {
	for _, magic := range []string{"\xf1\xff\xff\xff\x00\x00", "\xf0\xff\xff\xff\x00\x00", "\xfa\xff\xff\xff\x00\x00", "\xfb\xff\xff\xff\x00\x00"} {
		for i := 0; ; i++ {
			j := bytes.Index(data[i:], []byte(magic))
			if j < 0 {
				break
			}
			i += j
			h := data[i:]
			if len(h) < 24 || h[6] != 1 && h[6] != 2 && h[6] != 4 || h[7] != 8 && h[7] != 4 {
				continue
			}
			functions := binary.LittleEndian.Uint32(h[8:])
			if functions > 200 && functions < 5_000_000 {
				return true
			}
		}
	}
	return false
}

// readSBOM reads gzipped CycloneDX JSON.
func readSBOM(packed []byte) ([]fnvet.Package, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("embedded SBOM: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(z, maxSBOM+1))
	if len(text) > maxSBOM {
		return nil, errors.New("embedded SBOM: over 64 MiB")
	}
	doc, bad := tree.JSON(text)
	if err = errors.Join(err, bad); err != nil {
		err = fmt.Errorf("embedded SBOM: %w", err)
	}
	var out []fnvet.Package
	for _, m := range doc.Get("components").Elements() {
		if pkg, ok := component(m.Value); ok {
			out = append(out, pkg)
		}
	}
	return out, err
}

// component reads a Maven package; native images hold nothing else.
func component(c tree.Value) (fnvet.Package, bool) {
	group, name, version := c.Get("group").Text(), c.Get("name").Text(), c.Get("version").Text()
	if p, err := packageurl.FromString(c.Get("purl").Text()); err == nil && p.Type == packageurl.TypeMaven {
		group, name, version = p.Namespace, p.Name, p.Version
	}
	if group != "" {
		name = group + ":" + name
	}
	pkg, ok := entry.Package(entry.Maven, name, version, fnvet.Bundled)
	if !ok {
		return pkg, false
	}
	for _, l := range c.Get("licenses").Elements() {
		one := l.Get("license")
		pkg.Licenses = append(pkg.Licenses, entry.Licenses(one.Get("id").Text(), one.Get("name").Text(), l.Get("expression").Text())...)
	}
	return pkg, true
}
