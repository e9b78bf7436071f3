package remote

import (
	"context"
	"io"
	"sync"
)

// How much of a blob is fetched before it is read.
const (
	chunkSize   = 128 << 10
	chunksAhead = 16
)

// An ahead reads from a slow source in a goroutine of its own, so that fetching
// and decompressing go on at the same time.
type ahead struct {
	from   io.ReadCloser
	cancel context.CancelFunc
	start  sync.Once
	full   chan []byte // closed at the end
	empty  chan []byte
	stop   chan struct{}
	done   chan struct{}
	err    error // of from, set before full is closed
	chunk  []byte
	rest   []byte
	closed bool
}

func newAhead(from io.ReadCloser, cancel context.CancelFunc) *ahead {
	return &ahead{
		from: from, cancel: cancel, full: make(chan []byte, chunksAhead), empty: make(chan []byte, chunksAhead),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// fetch fills chunks until the source ends or nobody wants more.
func (a *ahead) fetch() {
	defer close(a.done)
	defer close(a.full)
	for made := 0; ; {
		var chunk []byte
		select {
		case chunk = <-a.empty:
		default:
			if made < chunksAhead {
				made++
				chunk = make([]byte, chunkSize)
				break
			}
			select {
			case chunk = <-a.empty:
			case <-a.stop:
				return
			}
		}
		n, err := io.ReadFull(a.from, chunk[:chunkSize])
		if n > 0 {
			select {
			case a.full <- chunk[:n]:
			case <-a.stop:
				return
			}
		}
		if err != nil {
			if err != io.ErrUnexpectedEOF { // what ReadFull makes of a short end
				a.err = err
			} else {
				a.err = io.EOF
			}
			return
		}
	}
}

// Read reads what was fetched.
func (a *ahead) Read(p []byte) (int, error) {
	a.start.Do(func() { go a.fetch() })
	for len(a.rest) == 0 {
		if a.chunk != nil {
			a.empty <- a.chunk
			a.chunk = nil
		}
		chunk, ok := <-a.full
		if !ok {
			return 0, a.err
		}
		a.chunk, a.rest = chunk, chunk
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// Close ends the fetching.
func (a *ahead) Close() error {
	if a.closed {
		return nil
	}
	a.closed = true
	a.cancel()
	close(a.stop)
	a.start.Do(func() { close(a.done) })
	<-a.done
	return a.from.Close()
}
