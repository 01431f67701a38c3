package commands

import (
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Where messages come without a pause, several are received with one call. They
// are queued here until it is their turn.

// queue are messages of one connection that have been received and not handed
// out. There is no empty one.
type queue struct {
	batch   fdio.Batch
	waiting []*scratch
	next    int // of these
	places  int // that are taken of sharing.places
}

// maxAhead is how many messages one call receives at most, maxPlaces how many all
// connections have room for beside the one that each is at, and largePlace how
// much room for data each of these has at most.
const (
	maxAhead   = 16
	maxPlaces  = 128
	largePlace = 256 << 10
)

// descriptorsEach is how many descriptors a message installs at most: those of
// SCM_RIGHTS, and a pidfd.
const descriptorsEach = cmsg.MaxDescriptors + 1

// mayReceive reports whether so many messages may be received at once, for which
// it then has taken the places: there must be memory, and on Unix sockets room for
// all the descriptors that might come. COMMAND and --save may take long, so that
// nothing is received that need not wait for them.
func (c *connection) mayReceive(messages int) bool {
	if c.framing != nil || c.children != nil || c.flags.directory != nil || c.flags.FDs == cutFDs ||
		c.flags.recvFlags != 0 || len(c.flags.Buffer) > 0 || c.flags.Size > largePlace || !c.socket.Batches() {
		return false
	}
	if c.sharing.places.Add(int64(messages)) > maxPlaces {
		c.sharing.places.Add(-int64(messages))
		return false
	}
	if !c.sharing.reserve(c.descriptorsOf(messages)) {
		c.sharing.places.Add(-int64(messages))
		return false
	}
	return true
}

// descriptorsOf is how many descriptors may come with so many messages.
func (c *connection) descriptorsOf(messages int) int {
	if !c.socket.IsUnix() {
		return 0
	}
	return messages * descriptorsEach
}

// tryReceiveMany is tryReceive of as many messages as mayReceive has taken places
// for.
func (c *connection) tryReceiveMany() bool {
	q := c.queues.Get().(*queue)
	q.places = c.ahead
	for range q.places {
		sc := c.newScratch()
		q.waiting = append(q.waiting, sc)
		q.batch.Messages = append(q.batch.Messages, &sc.msg)
	}
	kept, err := 0, error(nil)
	for kept == 0 && err == nil {
		kept, err = c.receiveMany(q)
	}
	for _, sc := range q.waiting[kept:] {
		c.release(sc)
	}
	q.waiting = q.waiting[:kept]
	c.sharing.unreserve(c.descriptorsOf(q.places))
	c.queue, c.current, c.err = q, nil, err
	switch {
	case err == unix.EAGAIN:
		c.pause()
		fallthrough
	case err != nil:
		c.putQueue()
		return err != unix.EAGAIN
	case kept == q.places:
		c.ahead = min(2*c.ahead, maxAhead)
	default:
		c.ahead = max(kept, 2)
	}
	return c.pop()
}

// receiveMany receives messages once, and returns how many are to be taken, which
// it puts in front.
func (c *connection) receiveMany(q *queue) (kept int, err error) {
	all := q.batch.Messages
	defer func() { q.batch.Messages = all }()
	q.batch.Messages = all[:c.budget.take(len(all))]
	defer func() { c.budget.settle(kept) }()
	if len(q.batch.Messages) == 0 {
		return 0, errCounted
	}
	n, err := c.socket.TryRecvBatch(&q.batch)
	if err != nil {
		return 0, err
	}
	received := time.Now()
	for i := range n {
		sc := q.waiting[i]
		sc.received = received
		allowed, err := c.admit(sc)
		if err != nil {
			return 0, err
		}
		if !allowed {
			continue
		}
		c.sharing.count(sc)
		q.waiting[kept], q.waiting[i] = sc, q.waiting[kept]
		all[kept], all[i] = all[i], all[kept]
		kept++
	}
	return kept, nil
}

// pop hands out the next message that has been received already, if there is one.
func (c *connection) pop() bool {
	if c.framing != nil {
		return len(c.framing.rest) > 0 && c.popInto(c.small.Get().(*scratch))
	}
	q := c.queue
	if q == nil {
		return false
	}
	sc := q.waiting[q.next]
	if q.next++; q.next == len(q.waiting) {
		c.putQueue()
	}
	c.handOut(sc)
	return true
}

// popInto is pop that may use sc for the message, which it releases otherwise.
func (c *connection) popInto(sc *scratch) bool {
	if c.framing != nil && sc.isSmall && c.framing.next(sc) {
		c.handOut(sc)
		return true
	}
	c.release(sc)
	return c.framing == nil && c.pop()
}

// putQueue gives back the queue, which has nothing in it any more.
func (c *connection) putQueue() {
	q := c.queue
	c.queue = nil
	c.sharing.places.Add(-int64(q.places))
	clear(q.waiting[:cap(q.waiting)])
	clear(q.batch.Messages)
	q.waiting, q.batch.Messages, q.next = q.waiting[:0], q.batch.Messages[:0], 0
	c.queues.Put(q)
}

// holds reports whether a message has been received that is not handed out.
func (c *connection) holds() bool {
	return c.queue != nil || c.framing != nil && c.framing.holds()
}

// printQueued makes lines of what has been received, now that nothing more is.
func (c *connection) printQueued() {
	for c.holds() && c.tryReceive(0) && c.err == nil {
		c.print(c.current) // the output fails, which it knows itself
	}
}
