package heap

import (
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A program is what is mapped of the file that this process runs from. Its start
// brings 40 MB of that into memory: whatever lies near to what each package needs
// to set itself up. A scan needs a third of it again.
type program struct {
	maps *os.File // opened before a sandbox is entered, or nil
	once sync.Once
	code []mapping
	gave int // how often
}

// maxGiven is how often pages are given back: a scan has a dozen collections, a server
// has them for ever, and what it needs is mapped by then.
const maxGiven = 64

// A mapping is a part of the address space.
type mapping struct{ start, size uintptr }

func openProgram() *program {
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return &program{}
	}
	return &program{maps: maps}
}

// giveBack forgets the pages that are mapped of the file. Those that are used again
// are mapped again, from the system's cache of the file.
func (p *program) giveBack() {
	if p.maps == nil || p.gave >= maxGiven {
		return
	}
	p.gave++
	p.once.Do(func() {
		text, err := io.ReadAll(p.maps)
		if err == nil {
			p.code = unchanged(string(text))
		}
		_ = p.maps.Close()
	})
	for _, m := range p.code {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.start, m.size, unix.MADV_DONTNEED)
	}
}

// unchanged lists the mappings of files in smaps (proc(5)) that this process cannot
// write to and of which it holds no changed page: all that is in them is in the file.
func unchanged(smaps string) []mapping {
	var code []mapping
	var last mapping // of a file, not to be written to
	for line := range strings.Lines(smaps) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 2:
		case fields[0] == "Anonymous:":
			if last.size > 0 && fields[1] == "0" {
				code = append(code, last)
			}
			last = mapping{}
		case !strings.HasSuffix(fields[0], ":"): // "00400000-02116000 r-xp 00000000 fe:00 1234 /usr/bin/fnvet"
			last = mapping{}
			if perm := fields[1]; len(fields) >= 6 && strings.HasPrefix(fields[5], "/") && (perm == "r-xp" || perm == "r--p") {
				last = parseMapping(fields[0])
			}
		}
	}
	return code
}

// parseMapping reads "start-end"; the zero mapping is an error.
func parseMapping(s string) mapping {
	from, to, _ := strings.Cut(s, "-")
	start, err1 := strconv.ParseUint(from, 16, strconv.IntSize)
	end, err2 := strconv.ParseUint(to, 16, strconv.IntSize)
	if err1 != nil || err2 != nil || end <= start {
		return mapping{}
	}
	return mapping{uintptr(start), uintptr(end - start)}
}
