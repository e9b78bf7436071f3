package secrets

import (
	"bytes"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"strings"
	"testing"
)

const (
	testCode = 0x1000 // offset of the instructions in the files below
	testText = 0x1100 // offset of the strings
	testBase = 0x100000000
)

// touching is a text with a token between two others, and code that points at where
// the token begins and ends: LEA RAX, [RIP+displacement].
func touching() (code, text []byte) {
	text = []byte("ABCDEFGHIJKL" + awsKey + "MNOPQRSTUVWX")
	start := bytes.Index(text, []byte(awsKey))
	for _, to := range []int{start, start + len(awsKey)} {
		next := testCode + len(code) + 7
		code = append(code, 0x48, 0x8d, 0x05)
		code = binary.LittleEndian.AppendUint32(code, uint32(testText+to-next))
	}
	return code, text
}

// placed writes headers, then code and text at their offsets.
func placed(t *testing.T, headers ...any) string {
	t.Helper()
	var b bytes.Buffer
	for _, h := range headers {
		if err := binary.Write(&b, binary.LittleEndian, h); err != nil {
			t.Fatal(err)
		}
	}
	code, text := touching()
	b.Write(make([]byte, testCode-b.Len()))
	b.Write(code)
	b.Write(make([]byte, testText-b.Len()))
	b.Write(text)
	return b.String()
}

// machoProgram is a Mach-O file with code in __text and strings in __rodata.
func machoProgram(t *testing.T) string {
	t.Helper()
	code, text := touching()
	name := func(s string) (out [16]byte) { copy(out[:], s); return out }
	size := uint32(binary.Size(macho.Segment64{}) + 2*binary.Size(macho.Section64{}))
	return placed(t,
		macho.FileHeader{Magic: macho.Magic64, Cpu: macho.CpuAmd64, Type: macho.TypeExec, Ncmd: 1, Cmdsz: size}, uint32(0),
		macho.Segment64{Cmd: macho.LoadCmdSegment64, Len: size, Name: name("__TEXT"), Addr: testBase, Memsz: 0x2000, Filesz: 0x1200, Nsect: 2},
		macho.Section64{Name: name("__text"), Seg: name("__TEXT"), Addr: testBase + testCode, Size: uint64(len(code)), Offset: testCode, Flags: 0x80000400},
		macho.Section64{Name: name("__rodata"), Seg: name("__TEXT"), Addr: testBase + testText, Size: uint64(len(text)), Offset: testText})
}

// universal joins programs into a Mach-O file of several architectures, with a header
// of 32 or 64 bits.
func universal(wide bool, programs ...string) string {
	magic := macho.MagicFat
	if wide {
		magic++
	}
	head := binary.BigEndian.AppendUint32(nil, magic)
	head = binary.BigEndian.AppendUint32(head, uint32(len(programs)))
	const start = 0x1000
	body := ""
	for _, p := range programs {
		body += strings.Repeat("\x00", -len(body)&0xfff)
		head = append(head, 1, 0, 0, 7, 0, 0, 0, 3) // x86-64, all
		if wide {
			head = binary.BigEndian.AppendUint64(head, uint64(start+len(body)))
			head = binary.BigEndian.AppendUint64(head, uint64(len(p)))
			head = append(head, 0, 0, 0, 12, 0, 0, 0, 0)
		} else {
			head = binary.BigEndian.AppendUint32(head, uint32(start+len(body)))
			head = binary.BigEndian.AppendUint32(head, uint32(len(p)))
			head = append(head, 0, 0, 0, 12)
		}
		body += p
	}
	return string(head) + strings.Repeat("\x00", start-len(head)) + body
}

// peProgram is a Windows program with code in .text and strings in .rdata.
func peProgram(t *testing.T) string {
	t.Helper()
	code, text := touching()
	name := func(s string) (out [8]uint8) { copy(out[:], s); return out }
	var dos [0x80]byte
	copy(dos[:], "MZ")
	dos[0x3c] = byte(len(dos))
	return placed(t, dos, []byte("PE\x00\x00"),
		pe.FileHeader{Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: 2, SizeOfOptionalHeader: uint16(binary.Size(pe.OptionalHeader64{}))},
		pe.OptionalHeader64{Magic: 0x20b, ImageBase: testBase, NumberOfRvaAndSizes: 16},
		pe.SectionHeader32{Name: name(".text"), VirtualSize: uint32(len(code)), VirtualAddress: testCode, SizeOfRawData: uint32(len(code)), PointerToRawData: testCode, Characteristics: pe.IMAGE_SCN_MEM_EXECUTE},
		pe.SectionHeader32{Name: name(".rdata"), VirtualSize: uint32(len(text)), VirtualAddress: testText, SizeOfRawData: uint32(len(text)), PointerToRawData: testText})
}

// TestImages: the strings of Mach-O and Windows programs are told apart where code
// points, and not where it does not.
func TestImages(t *testing.T) {
	s := newScanner(t)
	none := strings.Repeat("\x01", testText)
	for name, data := range map[string]string{
		"bootstrap": machoProgram(t), "bootstrap.exe": peProgram(t),
		"first": universal(false, machoProgram(t), none), "second": universal(false, none, machoProgram(t)),
		"second of 64 bits": universal(true, none, machoProgram(t)),
	} {
		found := find(t, s, file(name, data))
		if got := ids(found); !strings.Contains(got, "aws-access-token") {
			t.Errorf("%s: %q", name, got)
			continue
		}
		if at := strings.Index(data, awsKey); found[0].Secret.Start != at {
			t.Errorf("%s: at %d, want %d", name, found[0].Secret.Start, at)
		}
		code, _ := touching()
		dead := strings.Replace(data, string(code), strings.Repeat("\x90", len(code)), 1)
		if got := ids(find(t, s, file(name, dead))); got != "" {
			t.Errorf("%s without its code: %q", name, got)
		}
	}
}
