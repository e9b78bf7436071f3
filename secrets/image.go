package secrets

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"slices"
)

// Compilers of Go and Rust put the strings of a program side by side, without a
// byte between them: where one begins is only known from what points at it.

// maxPointed is the largest read-only data of a binary whose strings are told
// apart, in bytes.
const maxPointed = 256 << 20

// An image is a program as it lies in memory, 64 bits wide and little-endian.
type image struct {
	sections     []section
	amd64, arm64 bool
}

// A section is a part of an image that stands in its file.
type section struct {
	address, offset, size uint64
	code                  bool // instructions
	strings               bool // read-only data that strings may touch one another in
}

// imageStrings calls add with the printable pieces of a program's read-only data
// that begin where code or data points and that no other separator sets off.
func imageStrings(data []byte, read func([]byte) image, add func(start, end int)) {
	defer func() { _ = recover() }() // debug/elf and the like on hostile headers; the runs are searched anyway
	m := read(data)
	m.sections = slices.DeleteFunc(m.sections, func(s section) bool {
		return s.size == 0 || s.offset > uint64(len(data)) || s.size > uint64(len(data))-s.offset
	})
	for _, s := range m.sections {
		if !s.strings || s.size > maxPointed {
			continue
		}
		p := pointed{base: s.address, marks: make([]bool, s.size)}
		p.mark(&m, data)
		p.cut(data, int(s.offset), add) //nolint:gosec // inside data
	}
}

func elfImage(data []byte) image {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil || f.Class != elf.ELFCLASS64 || f.ByteOrder != binary.LittleEndian {
		return image{}
	}
	m := image{amd64: f.Machine == elf.EM_X86_64, arm64: f.Machine == elf.EM_AARCH64}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NOBITS {
			continue
		}
		text := s.Type == elf.SHT_PROGBITS && (s.Flags == elf.SHF_ALLOC || s.Flags == elf.SHF_ALLOC|elf.SHF_MERGE|elf.SHF_STRINGS) &&
			s.Name != ".gopclntab" && s.Name != ".eh_frame"
		m.sections = append(m.sections, section{s.Addr, s.Offset, s.FileSize, s.Flags&elf.SHF_EXECINSTR != 0, text})
	}
	return m
}

// machoImage reads a Mach-O file of one architecture. Go and Rust keep their strings in
// __rodata, __const and __cstring.
func machoImage(data []byte) image {
	f, err := macho.NewFile(bytes.NewReader(data))
	if err != nil || f.Magic != macho.Magic64 || f.ByteOrder != binary.LittleEndian {
		return image{}
	}
	const zeroFill, instructions = 0x1, 0x80000400 // S_ZEROFILL, S_ATTR_PURE_INSTRUCTIONS | S_ATTR_SOME_INSTRUCTIONS
	m := image{amd64: f.Cpu == macho.CpuAmd64, arm64: f.Cpu == macho.CpuArm64}
	for _, s := range f.Sections {
		if s.Flags&0xff == zeroFill {
			continue
		}
		text := s.Name == "__rodata" || s.Name == "__const" || s.Name == "__cstring"
		m.sections = append(m.sections, section{s.Addr, uint64(s.Offset), s.Size, s.Flags&instructions != 0, text})
	}
	return m
}

// universalStrings is imageStrings for the programs in a Mach-O file of several
// architectures (mach-o/fat.h), and reports whether data is one. Java's class files
// begin as it does; the version that follows there is 45 or more, the number of
// programs less.
func universalStrings(data []byte, add func(start, end int)) bool {
	const (
		header  = 8
		classes = 45
	)
	if len(data) < header {
		return false
	}
	magic, count := binary.BigEndian.Uint32(data), int(binary.BigEndian.Uint32(data[4:]))
	wide := magic == macho.MagicFat+1 // FAT_MAGIC_64: offsets and sizes of 64 bits
	if magic != macho.MagicFat && !wide || count <= 0 || count >= classes {
		return false
	}
	entry := 20
	if wide {
		entry = 32
	}
	done := uint64(0) // programs come one after the other: none is read twice
	for i := range count {
		at := header + i*entry
		if at+entry > len(data) {
			break
		}
		offset, size := uint64(binary.BigEndian.Uint32(data[at+8:])), uint64(binary.BigEndian.Uint32(data[at+12:]))
		if wide {
			offset, size = binary.BigEndian.Uint64(data[at+8:]), binary.BigEndian.Uint64(data[at+16:])
		}
		if offset < done || offset > uint64(len(data)) || size > uint64(len(data))-offset {
			continue
		}
		done = offset + size
		base := int(offset) //nolint:gosec // inside data
		imageStrings(data[offset:done], machoImage, func(start, end int) { add(base+start, base+end) })
	}
	return true
}

// peImage reads a Windows program. Strings are in .rdata.
func peImage(data []byte) image {
	f, err := pe.NewFile(bytes.NewReader(data))
	if err != nil {
		return image{}
	}
	header, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	if !ok {
		return image{}
	}
	m := image{amd64: f.Machine == pe.IMAGE_FILE_MACHINE_AMD64, arm64: f.Machine == pe.IMAGE_FILE_MACHINE_ARM64}
	for _, s := range f.Sections {
		size := min(s.Size, s.VirtualSize)
		m.sections = append(m.sections, section{
			header.ImageBase + uint64(s.VirtualAddress), uint64(s.Offset), uint64(size),
			s.Characteristics&pe.IMAGE_SCN_MEM_EXECUTE != 0, s.Name == ".rdata",
		})
	}
	return m
}

// pointed marks the bytes of a section that something points at.
type pointed struct {
	base  uint64
	marks []bool
}

func (p *pointed) note(address uint64) {
	if off := address - p.base; off < uint64(len(p.marks)) {
		p.marks[off] = true
	}
}

// mark looks at every pointer in data, and at the address each instruction forms.
func (p *pointed) mark(m *image, data []byte) {
	for _, s := range m.sections {
		body := data[s.offset : s.offset+s.size]
		switch {
		case !s.code:
			for i := 0; i+8 <= len(body); i += 8 {
				p.note(binary.LittleEndian.Uint64(body[i:]))
			}
		case m.amd64:
			p.leas(body, s.address)
		case m.arm64:
			p.adrps(body, s.address)
		}
	}
}

// leas finds LEA register, [RIP+displacement]: REX.W 8D /r with mod 00 and rm 101.
func (p *pointed) leas(code []byte, at uint64) {
	for i := 0; i+7 <= len(code); i++ {
		if code[i+1] == 0x8d && code[i]&0xfb == 0x48 && code[i+2]&0xc7 == 0x05 {
			p.note(at + uint64(i) + 7 + uint64(int64(int32(binary.LittleEndian.Uint32(code[i+3:]))))) //nolint:gosec // a displacement is signed
		}
	}
}

// adrps finds ADRP register, page and the ADD of an offset to it just after.
func (p *pointed) adrps(code []byte, at uint64) {
	for i := 0; i+8 <= len(code); i += 4 {
		adrp, add := binary.LittleEndian.Uint32(code[i:]), binary.LittleEndian.Uint32(code[i+4:])
		if adrp&0x9f000000 != 0x90000000 || add&0xffc00000 != 0x91000000 || adrp&31 != add>>5&31 {
			continue
		}
		pages := int64(int32((adrp>>5&0x7ffff<<2|adrp>>29&3)<<11)) >> 11               //nolint:gosec // 21 bits, signed
		p.note(uint64(int64((at+uint64(i))&^0xfff)+pages<<12) + uint64(add>>10&0xfff)) //nolint:gosec // an address
	}
}

// cut adds the pieces of the section's printable runs that pointers part.
func (p *pointed) cut(data []byte, offset int, add func(start, end int)) {
	for i := 0; i < len(p.marks); {
		n := runLen(data[offset+i : offset+len(p.marks)])
		start, pieces := i, 0
		for k := i + 1; k < i+n; k++ {
			if p.marks[k] {
				add(offset+start, offset+k)
				start = k
				pieces++
			}
		}
		if pieces > 0 {
			add(offset+start, offset+i+n)
		}
		i += n + 1
	}
}
