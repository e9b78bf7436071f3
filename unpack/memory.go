package unpack

import (
	"math/bits"
	"sync"
)

// memory bounds the file bytes held at once and lends out buffers.
//
// Holders wait for more while they hold some, because archives nest. So that they
// cannot wait for each other in a circle, one holder per nesting depth may go over
// the bound, and nobody waits at a depth at which it holds something: it asks for
// all it needs at once, and takes what turns out to be missing with hold or grow,
// which never wait.
type memory struct {
	mu    sync.Mutex
	freed *sync.Cond
	free  int64
	over  map[int]bool // by depth
	spare [][]byte     // large buffers, for reuse
	small [sizeClasses]sync.Pool
}

const (
	sizeClasses = 21 // buffers of up to 1<<20 bytes are pooled by power of two
	maxSpare    = 4
)

// A lease is what one file holds: bytes of the bound and perhaps a buffer.
type lease struct {
	n     int64
	depth int
	over  bool
	buf   *[]byte
}

func newMemory(limit int64) *memory {
	m := &memory{free: limit, over: map[int]bool{}}
	m.freed = sync.NewCond(&m.mu)
	return m
}

// acquire waits until n bytes may be held at that depth.
func (m *memory) acquire(n int64, depth int) lease {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.free < n {
		if !m.over[depth] {
			m.over[depth] = true
			m.free -= n
			return lease{n: n, depth: depth, over: true}
		}
		m.freed.Wait()
	}
	m.free -= n
	return lease{n: n, depth: depth}
}

// hold takes n bytes without waiting: for decoders, and for a holder that has
// waited at that depth already.
func (m *memory) hold(n int64, depth int) lease {
	m.mu.Lock()
	m.free -= n
	m.mu.Unlock()
	return lease{n: n, depth: depth}
}

// split moves up to n of the bytes that l holds to a lease of their own, which
// has to be released before l.
func (l *lease) split(n int64) lease {
	n = min(n, l.n)
	l.n -= n
	return lease{n: n, depth: l.depth}
}

// grow takes n bytes more without waiting, for a file that turned out larger.
func (m *memory) grow(l *lease, n int64) {
	m.mu.Lock()
	m.free -= n
	l.n += n
	m.mu.Unlock()
}

func (m *memory) release(l *lease) {
	if l.buf != nil {
		m.putBuffer(l.buf)
		l.buf = nil
	}
	m.mu.Lock()
	m.free += l.n
	l.n = 0
	if l.over {
		delete(m.over, l.depth)
		l.over = false
	}
	m.mu.Unlock()
	m.freed.Broadcast()
}

// buffer returns a buffer with room for at least n bytes and length 0.
func (m *memory) buffer(n int) *[]byte {
	class := bits.Len(uint(max(n, 512) - 1))
	if class < sizeClasses {
		if b, ok := m.small[class].Get().(*[]byte); ok {
			return b
		}
		b := make([]byte, 0, 1<<class)
		return &b
	}
	if b := m.takeSpare(n); b != nil {
		return &b
	}
	b := make([]byte, 0, (n+1<<16-1)&^(1<<16-1))
	return &b
}

// takeSpare picks the smallest spare buffer that holds n bytes.
func (m *memory) takeSpare(n int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	best := -1
	for i, b := range m.spare {
		if cap(b) >= n && (best < 0 || cap(b) < cap(m.spare[best])) {
			best = i
		}
	}
	if best < 0 {
		if len(m.spare) == maxSpare { // too small for what is read now
			m.spare = m.spare[:0]
		}
		return nil
	}
	b := m.spare[best]
	m.spare[best] = m.spare[len(m.spare)-1]
	m.spare[len(m.spare)-1] = nil
	m.spare = m.spare[:len(m.spare)-1]
	return b
}

func (m *memory) putBuffer(b *[]byte) {
	*b = (*b)[:0]
	if class := bits.Len(uint(cap(*b))) - 1; class < sizeClasses && cap(*b) == 1<<class {
		m.small[class].Put(b)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.spare) < maxSpare && int64(cap(*b)) <= inFlightBytes {
		m.spare = append(m.spare, *b)
	}
}
