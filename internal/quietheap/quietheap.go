// Package quietheap puts off the first garbage collection of a program that
// imports it. It imports little and nothing of the program, so that it comes before
// what other packages set up: that alone allocates enough for a collection.
package quietheap

import (
	"os"
	"runtime"
	"runtime/debug"
)

// Quiet is what a process may allocate before its first garbage collection, in
// bytes. Most runs end before it: collecting a heap of a few megabytes again and
// again took them a third of their time.
const Quiet = 64 << 20

// init defers the first collection until the process holds Quiet; from then on the
// collector works as it always does. Whoever sets GOGC or GOMEMLIMIT is obeyed.
func init() { //nolint:gochecknoinits // other packages set up what fills a heap when they are loaded
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(Quiet)
	sentinel := new(*int) // collected at once
	runtime.AddCleanup(sentinel, func(int) {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}, 0)
}
