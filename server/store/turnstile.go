package store

import (
	"context"
	"slices"
	"sync"
)

// A turnstile lets one in at a time. Who is urgent waits for one other at most;
// when both wait, they take turns, so that neither starves.
type turnstile struct {
	mu      sync.Mutex
	busy    bool
	last    bool // who was let in last was urgent
	waiting map[bool][]chan struct{}
}

// enter waits for its turn, or for the end of ctx. The turn ends with leave, which
// may be called twice.
func (t *turnstile) enter(ctx context.Context, urgent bool) (leave func(), err error) {
	t.mu.Lock()
	if !t.busy {
		t.busy, t.last = true, urgent
		t.mu.Unlock()
		return sync.OnceFunc(t.next), nil
	}
	if t.waiting == nil {
		t.waiting = map[bool][]chan struct{}{}
	}
	turn := make(chan struct{})
	t.waiting[urgent] = append(t.waiting[urgent], turn)
	t.mu.Unlock()
	select {
	case <-turn:
		return sync.OnceFunc(t.next), nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	at := slices.Index(t.waiting[urgent], turn)
	if at >= 0 {
		t.waiting[urgent] = slices.Delete(t.waiting[urgent], at, at+1)
	}
	t.mu.Unlock()
	if at < 0 { // the turn came in the same moment
		t.next()
	}
	return nil, ctx.Err()
}

func (t *turnstile) next() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, urgent := range []bool{!t.last, t.last} {
		if list := t.waiting[urgent]; len(list) > 0 {
			t.waiting[urgent], t.last = list[1:], urgent
			close(list[0])
			return
		}
	}
	t.busy = false
}
