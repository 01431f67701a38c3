package intake

import (
	"context"
	"sync"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/internal/poll"
)

// stopper ends the waits on many sockets when one context ends. A context.AfterFunc for
// each socket would be most of the memory of an idle connection.
type stopper struct {
	mu      sync.Mutex
	sockets map[*fdio.Socket]struct{}
	stopped bool
}

func (st *stopper) init(ctx context.Context) {
	st.sockets = make(map[*fdio.Socket]struct{})
	context.AfterFunc(ctx, st.stop)
}

// add makes waits on s end when the context ends, until remove is called.
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

// setDeadline makes waits on s end at t, unless they end at once already.
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
