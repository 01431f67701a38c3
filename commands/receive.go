package commands

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/record"
)

// grace is how long, after a signal or a timeout, the reader of the output may
// take nothing.
const grace = time.Second

// receiver is what all connections of a process share on the way from a
// message to its line.
type receiver struct {
	end     context.Context // ends by a signal or the timeout, by nothing else
	flags   *IncomingFlags
	inspect *descriptor.Inspector
	out     *output // nil where no lines are wanted
	budget  budget
	scratch sync.Pool     // of *scratch
	small   sync.Pool     // of *scratch without memory to receive into
	queues  sync.Pool     // of *queue
	bundles sync.Pool     // of *bundle
	large   chan struct{} // holds a place for each large line that is being made
	sharing sharing
	lingers bool          // what is queued at the end still comes out
	drain   time.Duration // for so long
	endedAt atomic.Int64  // when the end came, in nanoseconds since 1970; 0: not yet

	messages atomic.Int64 // received so far
	silent   bool         // nobody sees the lines
	children *children    // COMMAND for each message; nil: none
	events   bool         // lines for what happens besides messages, too

	mu     sync.Mutex
	failed error          // the first thing that should have been saved and was not
	counts map[string]int // of what was refused, by reason
}

// refused counts and reports what is not taken.
func (r *receiver) refused(reason string, e record.Event) {
	r.count(reason)
	e.Reason = reason
	r.event(record.TypeRefused, e)
}

func (r *receiver) count(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = make(map[string]int)
	}
	r.counts[reason]++
}

// noteFailure remembers what went wrong with a message where no line says so.
func (r *receiver) noteFailure(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
	}
}

// drains reports whether what is queued is still to be received, now that the
// run is to end.
func (r *receiver) drains() bool {
	return r.lingers && r.end.Err() != nil
}

// drainEnd is when what is queued is not received any more.
func (r *receiver) drainEnd() time.Time {
	if at := r.endedAt.Load(); at != 0 {
		return time.Unix(0, at).Add(r.drain)
	}
	return time.Now().Add(r.drain)
}

// Lines that may be longer than largeLine bytes are made maxLarge at a time.
const (
	largeLine = 1 << 20
	maxLarge  = 16
)

func newReceiver(end context.Context, in *descriptor.Inspector, flags *IncomingFlags, out *output, cancel context.CancelCauseFunc) *receiver {
	flags.unread = out != nil
	r := &receiver{
		end:     end,
		flags:   flags,
		inspect: in,
		out:     out,
		silent:  out == nil,
		budget:  budget{left: flags.Count.N, limited: flags.Count.N > 0, spent: func() { cancel(errCounted) }},
		large:   make(chan struct{}, maxLarge),
	}
	context.AfterFunc(end, func() { r.endedAt.Store(time.Now().UnixNano()) })
	r.scratch.New = func() any { return newScratch(flags) }
	r.small.New = func() any { return &scratch{isSmall: true} }
	r.bundles.New = func() any { return new(bundle) }
	r.queues.New = func() any { return new(queue) }
	r.sharing = newSharing()
	return r
}

// budget is how many more messages may be received by all connections.
type budget struct {
	mu      sync.Mutex
	limited bool
	left    int
	spent   func() // is called when the last one has been received
}

// take returns how many more messages may be received, of so many. settle must
// follow, and say how many were: until then nobody else receives.
func (b *budget) take(most int) int {
	if !b.limited {
		return most
	}
	b.mu.Lock()
	return min(most, b.left)
}

func (b *budget) settle(received int) {
	if !b.limited {
		return
	}
	if received > 0 {
		if b.left -= received; b.left == 0 {
			b.spent()
		}
	}
	b.mu.Unlock()
}
