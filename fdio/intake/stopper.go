package intake

import (
	"context"
	"sync"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/internal/poll"
)

// stopper ends the waits on many sockets when one context ends. To have each end by a
// context.AfterFunc of its own would be most of what an idle connection costs.
type stopper struct {
	mu      sync.Mutex
	sockets map[*fdio.Socket]struct{}
	stopped bool
}

func (st *stopper) init(ctx context.Context) {
	st.sockets = make(map[*fdio.Socket]struct{})
	context.AfterFunc(ctx, st.stop)
}

// add makes waits on s end with the context, until remove.
func (st *stopper) add(s *fdio.Socket) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sockets[s] = struct{}{}
	if st.stopped {
		s.SetReadDeadline(poll.LongAgo)
	}
}

func (st *stopper) remove(s *fdio.Socket) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.sockets, s)
}

// setDeadline makes waits on s end at t, unless they do already.
func (st *stopper) setDeadline(s *fdio.Socket, t time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.stopped {
		s.SetReadDeadline(t)
	}
}

func (st *stopper) stop() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.stopped = true
	for s := range st.sockets {
		s.SetReadDeadline(poll.LongAgo)
	}
}
