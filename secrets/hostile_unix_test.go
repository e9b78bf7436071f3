//go:build unix

package secrets

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cpuTime is the processor time of this process so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHostile is the speed on hostileUnits, by processor time.
func BenchmarkHostile(b *testing.B) {
	s := newScanner(b)
	for _, unit := range hostileUnits {
		data := strings.Repeat(unit, 1<<20/len(unit))
		b.Run(strconv.Quote(unit[:min(len(unit), 12)]), func(b *testing.B) {
			start := cpuTime(b)
			for b.Loop() {
				if _, err := s.Detect(b.Context(), file("a.yaml", data)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data)*b.N)/1e6/(cpuTime(b)-start).Seconds(), "MB/cpu-s")
		})
	}
}
