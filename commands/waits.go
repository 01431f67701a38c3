package commands

import (
	"context"
	"sync"

	"fdmsg/fdio"
)

// waits are the waits on many sockets, which end with one context. To have each
// end by a context.AfterFunc of its own would cost several times more memory, on
// idle connections most of what there is.
type waits struct {
	ctx     context.Context
	mu      sync.Mutex
	sockets map[*fdio.Socket]struct{}
	ended   bool
}

func newWaits(ctx context.Context) *waits {
	w := &waits{ctx: ctx, sockets: make(map[*fdio.Socket]struct{})}
	context.AfterFunc(ctx, w.end)
	return w
}

// add makes waits on s end with the context, until remove.
func (w *waits) add(s *fdio.Socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sockets[s] = struct{}{}
	if w.ended {
		s.Interrupt()
	}
}

func (w *waits) remove(s *fdio.Socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sockets, s)
}

func (w *waits) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for s := range w.sockets {
		s.Interrupt()
	}
}
