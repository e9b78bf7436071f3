package secrets

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// Compilers of Go and Rust put the strings of a program side by side, without a
// byte between them: where one begins is only known from what points at it.

// maxPointed is the largest read-only data of a binary whose strings are told
// apart, in bytes.
const maxPointed = 256 << 20

// elfStrings calls add with the printable pieces of an ELF file's read-only data
// that begin where code or data points and that no other separator sets off.
func elfStrings(data []byte, add func(start, end int)) {
	defer func() { _ = recover() }() // debug/elf on hostile headers; the runs are searched anyway
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil || f.Class != elf.ELFCLASS64 || f.ByteOrder != binary.LittleEndian {
		return
	}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_PROGBITS || s.Flags != elf.SHF_ALLOC && s.Flags != elf.SHF_ALLOC|elf.SHF_MERGE|elf.SHF_STRINGS ||
			s.Name == ".gopclntab" || s.Name == ".eh_frame" || s.FileSize > maxPointed || s.Offset > uint64(len(data)) || s.FileSize > uint64(len(data))-s.Offset {
			continue
		}
		p := pointed{base: s.Addr, marks: make([]bool, s.FileSize)}
		p.mark(f, data)
		p.cut(data, int(s.Offset), add) //nolint:gosec // inside data
	}
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
func (p *pointed) mark(f *elf.File, data []byte) {
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NOBITS || s.Offset > uint64(len(data)) || s.FileSize > uint64(len(data))-s.Offset {
			continue
		}
		body := data[s.Offset : s.Offset+s.FileSize]
		switch {
		case s.Flags&elf.SHF_EXECINSTR == 0:
			for i := 0; i+8 <= len(body); i += 8 {
				p.note(binary.LittleEndian.Uint64(body[i:]))
			}
		case f.Machine == elf.EM_X86_64:
			p.leas(body, s.Addr)
		case f.Machine == elf.EM_AARCH64:
			p.adrps(body, s.Addr)
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
