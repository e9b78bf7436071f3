package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/fnvet/fnvet/advisory"
	"github.com/fnvet/fnvet/report"
)

// A meter draws a bar on standard error while something runs for longer than a
// second, and takes it away before anything else is written. It draws on a terminal
// that a person looks at, and nowhere else.
type meter struct {
	w    io.Writer
	wide func() int // columns of the terminal, 0 if unknown
	done chan struct{}
	over sync.WaitGroup
	look func() progress

	delay, every time.Duration // before the first picture, between two
}

// progress is how far something is.
type progress struct {
	what        string // what is done
	done, total int64  // in any unit; a total of 0 is not known
	count       string // what there is so far
}

// tally counts what a scan in this process has read.
type tally struct{ files, bytes, done, ahead atomic.Int64 }

// Count adds to the tally.
func (t *tally) Count(files, bytes int64) {
	t.files.Add(files)
	t.bytes.Add(bytes)
}

// Expect adds to what is done and what is ahead.
func (t *tally) Expect(done, ahead int64) {
	t.done.Add(done)
	t.ahead.Add(ahead)
}

// Post does nothing: no one watches the workers of this process.
func (t *tally) Post(int, string) {}

// Counts reads the tally.
func (t *tally) Counts() (files, bytes int64) { return t.files.Load(), t.bytes.Load() }

// Share reads what Expect added up.
func (t *tally) Share() (done, total int64) { return t.done.Load(), t.ahead.Load() }

const (
	meterDelay = time.Second
	meterEvery = 100 * time.Millisecond
	usualWidth = 80
	barWidth   = 30 // columns of a bar, at most
	barLeast   = 8  // and at least: without as many it is left out
)

// A walkWatch is how far a walk is: a board of the sandbox or a tally.
type walkWatch interface {
	Counts() (files, bytes int64)
	Share() (done, total int64)
}

func (c *cli) startMeter(target string, watch walkWatch) *meter {
	what := "scanning " + printable(filepath.Base(target))
	if c.targets > 1 {
		what = fmt.Sprintf("%d/%d %s", c.target, c.targets, printable(filepath.Base(target)))
	}
	return c.meter(func() progress {
		files, bytes := watch.Counts()
		done, total := watch.Share()
		return progress{what, done, total, fmt.Sprintf("%d files, %s", files, megabytes(bytes))}
	})
}

func megabytes(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }

// A fetchMeter is the meter of what fetches or compiles advisories.
type fetchMeter struct {
	*meter
	last atomic.Pointer[advisory.Progress]
}

func (c *cli) startFetchMeter() *fetchMeter {
	f := &fetchMeter{}
	f.meter = c.meter(func() progress {
		p := f.last.Load()
		if p == nil {
			return progress{what: "advisories"}
		}
		now := progress{what: "advisories: " + printable(strings.TrimSpace(string(p.Stage)+" "+p.Ecosystem)), done: p.Done, total: max(p.Total, 0)}
		switch p.Stage {
		case advisory.StageFetch, advisory.StageWrite:
			now.count = megabytes(p.Done)
		case advisory.StageRecords, advisory.StageCompile, advisory.StageSame:
			now.count = fmt.Sprintf("%d records", p.Done)
		}
		return now
	})
	return f
}

func (f *fetchMeter) fetched(p advisory.Progress) { f.last.Store(&p) }

// busy draws a bar of no known length until stop is called.
func (c *cli) busy(format string, args ...any) (stop func()) {
	what := printable(fmt.Sprintf(format, args...))
	return c.meter(func() progress { return progress{what: what} }).stop
}

func (c *cli) meter(look func() progress) *meter {
	m := &meter{done: make(chan struct{}), look: look, delay: meterDelay, every: meterEvery}
	fd, ok := terminal(c.stderr)
	if !ok || !lively() {
		return m
	}
	m.w = c.stderr
	m.wide = func() int {
		w, _, err := term.GetSize(fd)
		if err != nil {
			return 0
		}
		return w
	}
	m.over.Go(m.draw)
	return m
}

// draw overwrites with spaces rather than with escapes, which not every terminal knows.
func (m *meter) draw() {
	tick := time.NewTimer(m.delay)
	defer tick.Stop()
	drawn, started := 0, time.Now()
	for n := 0; ; n++ {
		select {
		case <-m.done:
			if drawn > 0 {
				fmt.Fprintf(m.w, "\r%*s\r", min(drawn+len("^C"), m.columns()), "")
			}
			return
		case <-tick.C:
			line := m.look().line(m.columns(), n, time.Since(started))
			width := report.Width(line)
			fmt.Fprintf(m.w, "\r%s%*s", line, max(drawn-width, 0), "")
			drawn = width
			tick.Reset(m.every)
		}
	}
}

// columns are those that a line may use; in the last one a terminal may wrap.
func (m *meter) columns() int { return max(cmp.Or(m.wide(), usualWidth), 20) - 1 }

func (m *meter) stop() {
	close(m.done)
	m.over.Wait()
}

// line is one picture of the progress in at most width columns; n counts the
// pictures. What does not fit goes: the bar, then the end.
func (p progress) line(width, n int, since time.Duration) string {
	tail := fmt.Sprintf("%.0f s", since.Seconds())
	if p.count != "" {
		tail = p.count + ", " + tail
	}
	share := -1
	if p.total > 0 { // what is done is known by the end alone
		share = int(min(99, 100*(float64(max(p.done, 0))/float64(p.total))))
		tail = fmt.Sprintf("%2d%%  %s", share, tail)
	}
	what := report.Cut(p.what, max(width-len(tail)-2, width/3))
	room := min(width-report.Width(what)-len(tail)-6, barWidth)
	if room < barLeast {
		return report.Cut(what+"  "+tail, width)
	}
	return what + "  [" + bar(room, share, n) + "]  " + tail
}

// bar fills its part of width, or moves a block to and fro where the share is unknown.
func bar(width, share, n int) string {
	if share >= 0 {
		full := width * share / 100
		return strings.Repeat("=", full) + ">" + strings.Repeat(" ", width-full-1)
	}
	const block = "<=>"
	span := width - len(block)
	at := n % (2 * span)
	if at > span {
		at = 2*span - at
	}
	return strings.Repeat(" ", at) + block + strings.Repeat(" ", span-at)
}
