// Package sandbox runs a part of this program in a child process that may read
// what it is told and nothing else, with limits on memory, processor time and
// open files, so that a stack overflow or a runaway parser ends the child and
// not the scan. It knows nothing of scanning.
//
// The parent calls Start; the child calls Enter first thing and Join to reach
// the board and the pipes. Only Linux has it; elsewhere Supported is false.
package sandbox

import (
	"encoding/binary"
	"errors"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// ErrUnsupported says that this system has no sandbox.
var ErrUnsupported = errors.New("no sandbox on this system")

// Limits bounds a child. A zero field is no limit.
type Limits struct {
	Memory uint64        // bytes of address space
	CPU    time.Duration // processor time, rounded up to seconds
	Files  uint64        // open files
}

// A DeathError is how a child ended that did not end by itself.
type DeathError struct {
	How  string   // "killed: processor time limit", "stack overflow", …
	Busy []string // what it was working on, as posted on the board
}

func (d *DeathError) Error() string {
	if len(d.Busy) == 0 {
		return "the sandboxed child died: " + d.How
	}
	return "the sandboxed child died: " + d.How + ", while at work on " + strings.Join(d.Busy, ", ")
}

// The board: four counters, then slots of a length and a text each.
const (
	boardSlots  = 64
	slotSize    = 1024
	boardHeader = 64
	boardSize   = boardHeader + boardSlots*slotSize
)

// A Board is memory that parent and child share: the child posts what it works
// on without a system call, and the parent reads it when the child is dead.
type Board struct{ mem []byte }

func (b *Board) counter(i int) *atomic.Int64 {
	return (*atomic.Int64)(unsafe.Pointer(&b.mem[8*i])) // #nosec G103 -- 8-byte aligned, inside the header
}

// Count adds to the two counters.
func (b *Board) Count(files, bytes int64) {
	b.counter(0).Add(files)
	b.counter(1).Add(bytes)
}

// Counts reads the two counters.
func (b *Board) Counts() (files, bytes int64) {
	return b.counter(0).Load(), b.counter(1).Load()
}

// Expect adds to two more counters: bytes of the target that were read, and that
// are to be read.
func (b *Board) Expect(done, ahead int64) {
	b.counter(2).Add(done)
	b.counter(3).Add(ahead)
}

// Share reads them.
func (b *Board) Share() (done, total int64) {
	return b.counter(2).Load(), b.counter(3).Load()
}

// Post says in a slot what is being worked on; "" clears it. One goroutine at a
// time may use a slot. Slots beyond the board's, and text beyond a slot's size,
// are cut.
func (b *Board) Post(slot int, text string) {
	if slot < 0 || slot >= boardSlots {
		return
	}
	s := b.mem[boardHeader+slot*slotSize:][:slotSize]
	n := copy(s[4:], text)
	binary.LittleEndian.PutUint32(s, uint32(n)) // #nosec G115 -- at most slotSize
}

// Busy lists what the slots say, in order of slot. The text comes from the
// child: it is to be escaped before it is shown.
func (b *Board) Busy() []string {
	var busy []string
	for i := range boardSlots {
		s := b.mem[boardHeader+i*slotSize:][:slotSize]
		if n := binary.LittleEndian.Uint32(s); n > 0 && n <= slotSize-4 {
			busy = append(busy, strings.ToValidUTF8(string(s[4:4+n]), "\uFFFD"))
		}
	}
	return busy
}
