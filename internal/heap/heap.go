// Package heap paces the garbage collection of the program, and gives back what memory
// its start took.
package heap

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

const (
	// quiet is what a process may hold before its first garbage collection, in bytes.
	// Most runs end before it: collecting a heap of a few megabytes again and again
	// took them a third of their time.
	quiet = 40 << 20
	// room is the least that may be allocated between two collections, in bytes. With
	// less than that alive the collector would by itself run more often, with more it
	// would wait until the heap has doubled.
	room = 16 << 20
	// leastPercent is how much of what is alive may be allocated at least, and large
	// what has to be alive for the heap to double: saving memory beside a program that
	// needs much of it is not worth the time.
	leastPercent = 50
	large        = 96 << 20
	// relaxedRoom is room after Relax.
	relaxedRoom = 48 << 20
)

// A Pacer says how far the heap may grow before the next collection. The zero value
// and nil change nothing.
type Pacer struct {
	mu      sync.Mutex
	active  bool
	relaxed bool
	begun   bool // the first collection was
}

// Pace puts off the first garbage collection until the process holds quiet. From then
// on the heap may grow by room, or by leastPercent where that is more, and pages of the
// program's own file that only its start needed are given back with each collection.
// Whoever sets GOGC or GOMEMLIMIT is obeyed.
func Pace() *Pacer {
	p := &Pacer{}
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return p
	}
	p.active = true
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(quiet)
	own := openProgram()
	afterCollections(func() {
		p.set(func() { p.begun = true })
		own.giveBack()
	})
	return p
}

// Relax lets the heap grow further, for work that keeps most of what it makes. What it
// takes then comes after the buffers that a walk needs, not beside them.
func (p *Pacer) Relax() {
	if p != nil && p.active {
		p.set(func() { p.relaxed = true })
	}
}

// set changes the state and tells the runtime what follows from it.
func (p *Pacer) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	if !p.begun {
		if p.relaxed {
			debug.SetMemoryLimit(quiet + relaxedRoom)
		}
		return
	}
	debug.SetGCPercent(roomPercent(liveHeap(), p.relaxed))
	debug.SetMemoryLimit(math.MaxInt64)
}

// roomPercent is the GOGC that fits a heap of which that many bytes are alive.
func roomPercent(live uint64, relaxed bool) int {
	grow, least := uint64(room), uint64(leastPercent)
	if relaxed {
		grow, least = relaxedRoom, 100
	}
	byRoom := min(100*grow/max(live, 1), 1000)
	bySize := 100 * min(live, large) / large
	return int(max(least, byRoom, bySize)) // #nosec G115 -- at most 1000
}

// liveHeap is how many bytes the last collection has left.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// afterCollections calls do after each garbage collection, in another goroutine.
func afterCollections(do func()) {
	sentinel := new(*int) // collected at once
	runtime.AddCleanup(sentinel, func(do func()) {
		do()
		afterCollections(do)
	}, do)
}
