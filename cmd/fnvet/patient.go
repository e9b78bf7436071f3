package main

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/scan"
)

// A patient reader reads what may never come: at the deadline it ends.
type patient struct {
	chunks chan chunk
	due    <-chan time.Time
	rest   []byte
	err    error
	late   atomic.Bool // it ended because of the deadline
}

type chunk struct {
	data []byte
	err  error
}

// slack is how much longer than a walk a reader waits, so that the walk's own limit
// is reached first, where there is a walk.
const slack = time.Second

func newPatient(r io.Reader, limit time.Duration) *patient {
	p := &patient{chunks: make(chan chunk, 4), due: time.After(limit)}
	go func() { // ends with the stream, or with the program
		for {
			buf := make([]byte, 64<<10)
			n, err := r.Read(buf)
			p.chunks <- chunk{buf[:n], err}
			if err != nil {
				return
			}
		}
	}()
	return p
}

// Read waits for the stream or the deadline, which is the end like any other.
func (p *patient) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		select {
		case c := <-p.chunks:
			p.rest, p.err = c.data, c.err
		case <-p.due:
			p.late.Store(true)
			p.err = io.EOF
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// limitStdin has a target on standard input end with the time limit. The function
// it returns adds the gap of one that did not end by itself.
func (c *cli) limitStdin(q walkRequest) (note func(*scan.Harvest)) {
	if q.Target != "-" || q.Timeout <= 0 {
		return func(*scan.Harvest) {}
	}
	p := newPatient(c.stdin, q.Timeout+slack)
	c.stdin, c.late = p, &p.late
	return func(h *scan.Harvest) {
		if h != nil && p.late.Load() {
			h.Gaps = append(h.Gaps, fnvet.Gap{
				Path: h.Artifact.Name, Reason: fnvet.GapLimit,
				Detail: "standard input did not end within the time limit of the scan (--timeout)",
			})
		}
	}
}
