// Package golang says which functions a Go binary is linked from, by the names
// in its table of functions (pclntab), in which inlined functions stand too.
//
// It speaks only of binaries with a symbol table. Of one that was stripped a list
// of names survives, but tools that trust it report what is not there, and those
// who strip may have changed names as well: of these nothing is said. It says
// what is linked, not what is called.
package golang

import (
	"bytes"
	"context"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/linked"
)

// Limits: bytes of a binary that is read, and of one name; names of a binary.
const (
	maxBinary = 1 << 30
	maxName   = 4096
	maxNames  = 2_000_000
)

// A Detector tells for each Go binary what it is linked from.
type Detector struct{}

// Want takes executables by their first bytes.
func (Detector) Want(f *fnvet.File) bool {
	if f.Link != "" || f.Archive || len(f.Data) < 64 || f.Size > maxBinary {
		return false
	}
	switch string(f.Data[:4]) {
	case elf.ELFMAG, "\xcf\xfa\xed\xfe":
		return true
	}
	return f.Data[0] == 'M' && f.Data[1] == 'Z'
}

// Detect reads the names of one binary. One that is not Go's, was stripped or is
// damaged gives nothing.
func (Detector) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	names := Names(f.Data)
	if len(names) == 0 {
		return fnvet.Facts{}, nil
	}
	return fnvet.Facts{Links: []fnvet.LinkFact{{Path: f.Path, Layer: f.Layer, Names: names}}}, nil
}

// Names are those of package linked for all functions of a binary, sorted; nil
// when the binary has no symbol table or is not Go's.
func Names(data []byte) []uint64 {
	table := functionTable(data)
	if table == nil {
		return nil
	}
	seen := make(map[uint64]struct{})
	started := false
	for count := 0; len(table) > 0 && count < maxNames; count++ {
		end := bytes.IndexByte(table, 0)
		if end < 0 {
			break
		}
		if end > 0 && end <= maxName {
			name := string(table[:end])
			started = started || name == "runtime.main"
			note(seen, name)
		}
		table = table[end+1:]
	}
	if !started {
		return nil // names were changed, or this is no Go program
	}
	names := make([]uint64, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// note adds what one function's name says.
func note(seen map[uint64]struct{}, name string) {
	pkg, symbol, ok := Split(name)
	if !ok {
		return
	}
	seen[linked.Symbol(pkg, symbol)] = struct{}{}
	if _, known := seen[linked.Package(pkg)]; known {
		return
	}
	seen[linked.Package(pkg)] = struct{}{}
	for dir := path.Dir(pkg); dir != "." && dir != "/"; dir = path.Dir(dir) {
		seen[linked.Below(dir)] = struct{}{}
	}
}

// Split parts the name of a function as the linker writes it into package and
// symbol as advisories write them: "gopkg.in/yaml%2ev3.(*Decoder).Decode" is
// Decoder.Decode of gopkg.in/yaml.v3. Type arguments are dropped.
func Split(name string) (pkg, symbol string, ok bool) {
	plain := name
	if i := strings.IndexByte(plain, '['); i >= 0 {
		end := strings.LastIndexByte(plain, ']')
		if end < i {
			return "", "", false
		}
		plain = plain[:i] + plain[end+1:]
	}
	slash := strings.LastIndexByte(plain, '/') + 1
	dot := strings.IndexByte(plain[slash:], '.')
	if dot <= 0 {
		return "", "", false
	}
	pkg, symbol = plain[:slash+dot], plain[slash+dot+1:]
	symbol = strings.TrimSuffix(symbol, "-fm")
	if rest, pointer := strings.CutPrefix(symbol, "(*"); pointer {
		symbol = strings.Replace(rest, ")", "", 1)
	}
	if strings.Contains(pkg, "%") {
		pkg = unescape(pkg)
	}
	return pkg, symbol, symbol != ""
}

// unescape undoes cmd/internal/objabi.PathToPrefix: %xx in package paths.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := strings.IndexByte(digits, s[i+1]), strings.IndexByte(digits, s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo)) // #nosec G115 -- two hex digits
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

const digits = "0123456789abcdef"

// functionTable is the part of the pclntab that holds names, of a binary with a
// symbol table; else nil.
func functionTable(data []byte) []byte {
	var pcln []byte
	switch {
	case len(data) < 64:
	case string(data[:4]) == elf.ELFMAG:
		pcln = ofELF(data)
	case data[0] == 'M' && data[1] == 'Z':
		pcln = ofPE(data)
	default:
		pcln = ofMachO(data)
	}
	return nameTable(pcln)
}

func ofELF(data []byte) []byte {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	var pcln []byte
	symbols := false
	for _, s := range f.Sections {
		symbols = symbols || s.Type == elf.SHT_SYMTAB && s.Size > 0
		if s.Name == ".gopclntab" || s.Name == ".data.rel.ro.gopclntab" {
			pcln = within(data, s.Offset, s.FileSize)
		}
	}
	if !symbols {
		return nil
	}
	return pcln
}

func ofMachO(data []byte) []byte {
	f, err := macho.NewFile(bytes.NewReader(data))
	if err != nil || f.Symtab == nil {
		return nil
	}
	if !slices.ContainsFunc(f.Symtab.Syms, func(s macho.Symbol) bool { return strings.TrimPrefix(s.Name, "_") == "runtime.main" }) {
		return nil
	}
	for _, s := range f.Sections {
		if s.Name == "__gopclntab" {
			return within(data, uint64(s.Offset), s.Size)
		}
	}
	return nil
}

// ofPE goes by the symbols: the table has no section of its own there.
func ofPE(data []byte) []byte {
	f, err := pe.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	var from, to *pe.Symbol
	for _, s := range f.Symbols {
		switch s.Name {
		case "runtime.pclntab":
			from = s
		case "runtime.epclntab":
			to = s
		}
	}
	if from == nil || to == nil || from.SectionNumber != to.SectionNumber || to.Value <= from.Value ||
		from.SectionNumber < 1 || int(from.SectionNumber) > len(f.Sections) {
		return nil
	}
	s := f.Sections[from.SectionNumber-1]
	return within(data, uint64(s.Offset)+uint64(from.Value), uint64(to.Value-from.Value))
}

func within(data []byte, at, size uint64) []byte {
	if at > uint64(len(data)) || size > uint64(len(data))-at {
		return nil
	}
	return data[at : at+size]
}

// The magic numbers of pclntab headers that have a table of names, from Go 1.16,
// 1.18 and 1.20 on: debug/gosym.
const (
	magic116 = 0xfffffffa
	magic118 = 0xfffffff0
	magic120 = 0xfffffff1
)

// nameTable finds the table of names by the header of debug/gosym.LineTable.
func nameTable(pcln []byte) []byte {
	if len(pcln) < 8+8*8 {
		return nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	word := -1
	for range 2 {
		switch order.Uint32(pcln) {
		case magic116:
			word = 2
		case magic118, magic120:
			word = 3
		}
		if word >= 0 {
			break
		}
		order = binary.BigEndian
	}
	size := int(pcln[7])
	if word < 0 || size != 4 && size != 8 {
		return nil
	}
	at := func(n int) uint64 {
		if size == 4 {
			return uint64(order.Uint32(pcln[8+4*n:]))
		}
		return order.Uint64(pcln[8+8*n:])
	}
	from, to := at(word), at(word+1)
	if to <= from {
		return nil
	}
	return within(pcln, from, to-from)
}
