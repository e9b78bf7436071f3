package unpack

import (
	"math/bits"
	"runtime"
	"slices"
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
	least int64        // that free ever was, at most 0
	over  map[int]bool // by depth
	spare []spare      // large buffers, for reuse; the one used last comes last
	turn  int          // large buffers asked for so far
	idle  int64        // bytes of spare
	waste int64        // bytes of buffers given up since the last collection
	small [sizeClasses]sync.Pool
}

const sizeClasses = 17 // buffers of up to 1<<16 bytes are pooled by power of two

// A spare is a buffer that nobody uses, since that turn.
type spare struct {
	buf  []byte
	turn int
}

// maxTurns is how many large buffers are asked for before one that did for none of
// them is given up: the largest files of a package are few.
const maxTurns = 32

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
			m.take(n)
			return lease{n: n, depth: depth, over: true}
		}
		m.freed.Wait()
	}
	m.take(n)
	return lease{n: n, depth: depth}
}

// hold takes n bytes without waiting: for decoders, and for a holder that has
// waited at that depth already.
func (m *memory) hold(n int64, depth int) lease {
	m.mu.Lock()
	m.take(n)
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

func (m *memory) take(n int64) {
	m.free -= n
	m.least = min(m.least, m.free)
}

// grow takes n bytes more without waiting, for a file that turned out larger.
func (m *memory) grow(l *lease, n int64) {
	m.mu.Lock()
	m.take(n)
	l.n += n
	m.mu.Unlock()
}

func (m *memory) release(l *lease) {
	m.mu.Lock()
	m.free += l.n
	l.n = 0
	if l.over {
		delete(m.over, l.depth)
		l.over = false
	}
	if l.buf != nil { // before others can take its place
		m.put(l.buf)
		l.buf = nil
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

// maxWaste is how many bytes of buffers that were given up may wait for the
// garbage collector while others are allocated.
const maxWaste = 16 << 20

// takeSpare picks the smallest spare buffer that holds n bytes and not many more.
// If there is none, those that are kept are given up as far as the new one needs
// their room, and collected where that is much, while everybody waits.
func (m *memory) takeSpare(n int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn++
	for len(m.spare) > 0 && m.turn-m.spare[0].turn > maxTurns {
		m.waste += int64(cap(m.removeSpare(0)))
	}
	best := -1
	for i, s := range m.spare {
		if b := s.buf; cap(b) >= n && cap(b)/4 <= n && (best < 0 || cap(b) < cap(m.spare[best].buf)) {
			best = i
		}
	}
	if best >= 0 {
		return m.removeSpare(best)
	}
	m.trim(int64(n))
	if m.waste+int64(n) > maxWaste && m.waste > 0 {
		runtime.GC()
		m.waste = 0
	}
	return nil
}

func (m *memory) removeSpare(i int) []byte {
	b := m.spare[i].buf
	m.spare = slices.Delete(m.spare, i, i+1)
	m.idle -= int64(cap(b))
	return b
}

// trim gives up spare buffers, the oldest first, until n bytes more would not
// take the whole much above what was held at once before, or may be.
func (m *memory) trim(n int64) {
	for len(m.spare) > 0 && m.idle+n > m.free-m.least+maxWaste/2 {
		m.waste += int64(cap(m.removeSpare(0)))
	}
}

func (m *memory) putBuffer(b *[]byte) {
	m.mu.Lock()
	m.put(b)
	m.mu.Unlock()
}

// put is putBuffer for who holds the lock.
func (m *memory) put(b *[]byte) {
	*b = (*b)[:0]
	if class := bits.Len(uint(cap(*b))) - 1; class < sizeClasses && cap(*b) == 1<<class {
		m.small[class].Put(b)
		return
	}
	n := int64(cap(*b))
	if m.trim(n); m.idle+n <= m.free-m.least {
		m.spare = append(m.spare, spare{*b, m.turn})
		m.idle += n
		return
	}
	m.waste += n
}
