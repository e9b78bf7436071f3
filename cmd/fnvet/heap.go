package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// quietHeap is what a process may allocate before its first garbage collection,
// in bytes. Most runs end before it: collecting a heap of a few megabytes again
// and again took them a third of their time.
const quietHeap = 64 << 20

// deferCollection puts off the first garbage collection until the process holds
// quietHeap; from then on the collector works as it always does. Whoever sets
// GOGC or GOMEMLIMIT is obeyed.
func deferCollection() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(quietHeap)
	sentinel := new(*int) // collected at once
	runtime.AddCleanup(sentinel, func(int) {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}, 0)
}
