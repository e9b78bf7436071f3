//go:build unix

package unpack_test

import (
	"syscall"
	"testing"
	"time"
)

// reportCPU adds the processor time of an iteration, which other work on the
// machine disturbs less than the time that passes.
func reportCPU(b *testing.B) func() {
	before := cpuTime()
	return func() { b.ReportMetric(float64(cpuTime()-before)/float64(b.N)/1e6, "cpu-ms/op") }
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
