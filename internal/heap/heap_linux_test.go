package heap

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
)

// TestUnchanged: what is given back is code and constants of files, and never what
// was written to, whose content is nowhere else.
func TestUnchanged(t *testing.T) {
	const smaps = `00400000-02116000 r-xp 00000000 fe:00 1234                               /usr/bin/fn vet
Size:              29784 kB
Rss:               19776 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
02116000-03fb1000 r--p 01d16000 fe:00 1234                               /usr/bin/fnvet (deleted)
Anonymous:             0 kB
03fb1000-04165000 rw-p 03bb1000 fe:00 1234                               /usr/bin/fnvet
Anonymous:             0 kB
05000000-05001000 r--p 00000000 fe:00 99                                 /lib/relocated
Anonymous:             4 kB
06000000-06001000 r--p 00000000 00:00 0
Anonymous:             0 kB
07000000-07001000 r--s 00000000 fe:00 77                                 /db
Anonymous:             0 kB
08000000-08001000 r--p 00000000 fe:00 78                                 /cut/off
7fff0000-7fff2000 r-xp 00000000 00:00 0                                  [vdso]
Anonymous:             0 kB
zz-zzzz r-xp 00000000 fe:00 1                                            /odd
Anonymous:             0 kB
`
	want := []mapping{{0x400000, 0x2116000 - 0x400000}, {0x2116000, 0x3fb1000 - 0x2116000}}
	if got := unchanged(smaps); !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	own, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("no /proc here")
	}
	if len(unchanged(string(own))) == 0 {
		t.Error("nothing of this program's own file was found")
	}
	p := openProgram()
	p.giveBack()
	p.giveBack() // and it still runs
}

func TestRoomPercent(t *testing.T) {
	for _, tt := range []struct {
		live    uint64
		relaxed bool
		want    int
		why     string
	}{
		{0, false, 1000, "nothing is alive"},
		{1 << 20, false, 1000, "little is"},
		{room, false, 100, "the room as a share"},
		{2 * room, false, leastPercent, "the least share"},
		{3 * room, false, leastPercent, "the same"},
		{large, false, 100, "a large heap may double"},
		{1 << 40, false, 100, "any may, not more"},
		{room, true, 300, "relaxed: three times the room"},
		{large, true, 100, "no less than double"},
	} {
		if got := roomPercent(tt.live, tt.relaxed); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.why, got, tt.want)
		}
	}
	runtime.GC()
	if liveHeap() == 0 {
		t.Error("the runtime does not say what is alive")
	}
}

// TestRelax: the runtime is told, unless the user paces the heap.
func TestRelax(t *testing.T) {
	t.Setenv("GOGC", "100")
	old := debug.SetMemoryLimit(-1)
	var none *Pacer
	none.Relax()
	Pace().Relax()
	if now := debug.SetMemoryLimit(-1); now != old {
		t.Errorf("memory limit %d, was %d", now, old)
	}
	p := &Pacer{active: true}
	p.Relax()
	limit := debug.SetMemoryLimit(old)
	p.set(func() { p.begun = true })
	percent := debug.SetGCPercent(100)
	if last := debug.SetMemoryLimit(old); limit != quiet+relaxedRoom || last != math.MaxInt64 || percent < 100 {
		t.Errorf("memory limits %d and %d, percent %d", limit, last, percent)
	}
}
