//go:build unix

package secrets

import (
	"math/rand/v2"
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

// BenchmarkLong is the speed on files of 50 MB on one line, by processor time. What
// is capped is told by a gap.
func BenchmarkLong(b *testing.B) {
	s := newScanner(b)
	r := rand.New(rand.NewPCG(5, 5))
	const size = 50 << 20
	for _, tt := range []struct {
		name, file string
		unit       func() string
	}{
		{"base64", "a.js", func() string { return draw(r, base62+"+/", 1<<16) }},
		{"hex", "a.js", func() string { return draw(r, "0123456789abcdef", 1<<16) }},
		{"candidates", "a.js", func() string { return "key=" + draw(r, base62, 40) + ";" }},
		{"one candidate", "a.js", func() string { return "key=" + generic + ";" }},
		{"no secrets", "a.js", func() string { return "author_key=" + draw(r, base62, 40) + ";" }},
		{"pairs", "a.json", func() string { return `"` + draw(r, base62, 4) + `":"` + draw(r, base62, 8) + `",` }},
		{"settings", "a.json", func() string { return `"token":"` + draw(r, base62, 30) + `",` }},
		{"JWT", "a.js", func() string { return "eyJ" + draw(r, base62, 3) }},
		{"PEM", "a.js", func() string { return "-----BEGIN " }},
		{"PEM keys", "a.js", func() string { return "-----BEGIN PRIVATE KEY-----" + draw(r, base62, 80) }},
		{"URL", "a.js", func() string { return "://" + draw(r, base62, 2) }},
		{"passwords", "a.js", func() string { return "http://a:" + draw(r, base62, 8) + "@h/ " }},
		{"AKIA", "a.js", func() string { return "AKIA" }},
		{"keys", "a.js", func() string { return "AKIA" + draw(r, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16) + " " }},
	} {
		b.Run(tt.name, func(b *testing.B) {
			var data strings.Builder
			for data.Len() < size {
				data.WriteString(tt.unit())
			}
			f := file(tt.file, data.String())
			start, gaps := cpuTime(b), 0
			for b.Loop() {
				facts, err := s.Detect(b.Context(), f)
				if err != nil {
					b.Fatal(err)
				}
				gaps = len(facts.Gaps)
			}
			b.ReportMetric(float64(len(f.Data)*b.N)/1e6/(cpuTime(b)-start).Seconds(), "MB/cpu-s")
			b.ReportMetric(float64(gaps), "gaps")
		})
	}
}

// draw makes n bytes of an alphabet.
func draw(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}
