package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/fnvet/fnvet/advisory"
)

// note tells a person what goes on.
func (c *cli) note(format string, args ...any) {
	fmt.Fprintf(c.stderr, "fnvet: %s\n", printable(fmt.Sprintf(format, args...)))
}

// terminal gives the descriptor of a stream that is a terminal.
func terminal(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	fd := int(f.Fd()) // #nosec G115 -- a descriptor is small
	return fd, term.IsTerminal(fd)
}

// width is the number of columns of standard output, 0 when it is no terminal.
func (c *cli) width() int {
	fd, ok := terminal(c.stdout)
	if !ok {
		return 0
	}
	w, _, err := term.GetSize(fd)
	if err != nil {
		return 0
	}
	return w
}

// color follows NO_COLOR and TERM=dumb; only a terminal gets any.
func (c *cli) color() bool {
	_, ok := terminal(c.stdout)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// A meter redraws one line of standard error while something runs for longer
// than a second, on terminals only.
type meter struct {
	w    io.Writer
	done chan struct{}
	over sync.WaitGroup
	line func() string

	mu    sync.Mutex
	fetch advisory.Progress
}

// tally counts what a scan in this process has read.
type tally struct{ files, bytes atomic.Int64 }

// Count adds to the tally.
func (t *tally) Count(files, bytes int64) {
	t.files.Add(files)
	t.bytes.Add(bytes)
}

// Post does nothing: no one watches the workers of this process.
func (t *tally) Post(int, string) {}

// Counts reads the tally.
func (t *tally) Counts() (files, bytes int64) { return t.files.Load(), t.bytes.Load() }

const (
	meterDelay = time.Second
	meterEvery = 200 * time.Millisecond
	eraseLine  = "\r\x1b[K"
)

func (c *cli) startMeter(target string, counts func() (files, bytes int64)) *meter {
	m := &meter{}
	name := printable(filepath.Base(target))
	m.line = func() string {
		files, bytes := counts()
		return fmt.Sprintf("scanning %s: %d files, %.0f MB", name, files, float64(bytes)/1e6)
	}
	m.start(c.stderr)
	return m
}

func (c *cli) startFetchMeter() *meter {
	m := &meter{}
	m.line = func() string {
		m.mu.Lock()
		defer m.mu.Unlock()
		p := m.fetch
		line := fmt.Sprintf("advisories: %s %s %d", printable(string(p.Stage)), printable(p.Ecosystem), p.Done)
		if p.Total > 0 {
			line += fmt.Sprintf(" of %d", p.Total)
		}
		return line
	}
	m.start(c.stderr)
	return m
}

func (m *meter) start(w io.Writer) {
	m.done = make(chan struct{})
	if _, ok := terminal(w); !ok {
		return
	}
	m.w = w
	m.over.Go(m.draw)
}

func (m *meter) draw() {
	tick := time.NewTimer(meterDelay)
	defer tick.Stop()
	drawn := false
	for {
		select {
		case <-m.done:
			if drawn {
				fmt.Fprint(m.w, eraseLine)
			}
			return
		case <-tick.C:
			fmt.Fprint(m.w, eraseLine+m.line())
			drawn = true
			tick.Reset(meterEvery)
		}
	}
}

func (m *meter) stop() {
	close(m.done)
	m.over.Wait()
}

func (m *meter) fetched(p advisory.Progress) {
	m.mu.Lock()
	m.fetch = p
	m.mu.Unlock()
}
