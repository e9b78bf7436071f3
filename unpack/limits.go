package unpack

import (
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/fnvet/fnvet"
)

// Limits bounds what one Walk reads. A zero field means its default. Reaching
// one becomes a gap with the reason fnvet.GapLimit. Where a limit on the whole
// (TotalBytes, Entries, the deadline) runs out inside nested archives, which are
// read at the same time, what of them was read before may differ from run to run;
// that it ran out does not.
type Limits struct {
	// TotalBytes bounds the decompressed bytes of the whole artifact, nested
	// archives included. Default 4 GiB.
	TotalBytes int64
	// FileBytes bounds one decompressed file. Default 512 MiB.
	FileBytes int64
	// Entries bounds the number of files and links, nested ones included.
	// Default 1,000,000.
	Entries int
	// Depth bounds archives inside archives: entries of an archive nested deeper
	// are not offered. Default 8.
	Depth int
	// Ratio bounds decompressed to compressed bytes, of one file and of an
	// archive with all that is nested in it, once 32 MiB came out. Default 300;
	// real packages stay under 30.
	Ratio int
	// Nested bounds a compressed archive that has to be held in memory as a
	// whole before it can be read, such as a compressed image. Default 1 GiB.
	Nested int64
}

// The defaults of Limits.
const (
	defaultTotalBytes = 4 << 30
	defaultFileBytes  = 512 << 20
	defaultEntries    = 1_000_000
	defaultDepth      = 8
	defaultRatio      = 300
	defaultNested     = 1 << 30

	ratioFloor    = 32 << 20 // bytes that may always come out
	maxDictionary = 64 << 20 // largest window an xz, zstd, lzma or rar stream may ask for
	maxGaps       = 10_000   // gaps and findings kept of one walk
	maxSettings   = 20_000
	maxSetting    = 64 << 10 // bytes of one setting's value
)

// inFlight is how many file bytes may be held at once by that many goroutines,
// unless one file is larger.
func inFlight(goroutines int) int64 {
	return int64(min(max(goroutines, 2), 4)) << 24
}

func (l Limits) withDefaults() Limits {
	l.TotalBytes = positive(l.TotalBytes, defaultTotalBytes)
	l.FileBytes = positive(l.FileBytes, defaultFileBytes)
	l.Entries = positive(l.Entries, defaultEntries)
	l.Depth = positive(l.Depth, defaultDepth)
	l.Ratio = positive(l.Ratio, defaultRatio)
	l.Nested = positive(l.Nested, defaultNested)
	return l
}

func positive[T int | int64](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// A meter counts the decompressed bytes that come out of one archive and of
// everything nested in it, against what its own size allows.
type meter struct {
	path   string
	allow  int64
	detail string
	used   atomic.Int64
	parent *meter
}

// newMeter allows in×ratio bytes, at least ratioFloor, out of the archive at path.
func (w *walker) newMeter(path string, in int64, parent *meter) *meter {
	allow := max(ratioFloor, in*int64(w.limits.Ratio))
	if in > w.limits.TotalBytes/int64(w.limits.Ratio) {
		allow = w.limits.TotalBytes
	}
	return &meter{path: path, allow: allow, parent: parent,
		detail: "unpacks to more than the ratio limit of " + strconv.Itoa(w.limits.Ratio) + " to 1"}
}

// charge takes n bytes from the budget of sc, of every archive around it and of
// the whole walk. It reports false, and notes the gap, when one has run out.
func (w *walker) charge(sc *scope, n int64) bool {
	for m := sc.meter; m != nil; m = m.parent {
		if m.used.Add(n) > m.allow {
			w.gap(m.path, fnvet.GapLimit, m.detail)
			return false
		}
	}
	return true
}

// chargeEntries takes up to n entries from the budget and returns how many it got.
func (w *walker) chargeEntries(n int) int {
	left := int(w.entries.Add(-int64(n))) + n
	if left >= n {
		return n
	}
	w.gap(w.artifact.Name, fnvet.GapLimit, fmt.Sprintf("more than the entries limit of %d files", w.limits.Entries))
	return max(left, 0)
}

// fits reports whether a file of n bytes is within the limit for one file, and
// notes the gap if not.
func (w *walker) fits(path string, n int64) bool {
	if n <= w.limits.FileBytes && n >= 0 {
		return true
	}
	w.gap(path, fnvet.GapLimit, "larger than the file limit of "+bytesText(w.limits.FileBytes))
	return false
}

// bytesText writes n with a binary unit: "512 MiB".
func bytesText(n int64) string {
	for _, u := range []struct {
		shift int
		name  string
	}{{30, " GiB"}, {20, " MiB"}, {10, " KiB"}} {
		if n >= 1<<u.shift && n&(1<<u.shift-1) == 0 {
			return strconv.FormatInt(n>>u.shift, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
