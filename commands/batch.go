package commands

import (
	"cmp"
	"runtime"
	"sync/atomic"

	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// To describe and read a descriptor costs several times more than to send one. So
// where messages with descriptors come faster than they become lines, they are
// received in batches, and while a helper makes the lines of one, the next is
// received and made into lines. Lines are written in the order of the messages.

// batch are messages of one connection that came without a pause.
type batch struct {
	messages    []*scratch
	descriptors int
	spare       bool          // they are counted as held, and may stay so
	before      *batch        // whose lines come first; nil: none
	written     chan struct{} // closed when a helper has written the lines
	err         error         // of that
}

// How many messages are received before they become lines: so many, until they
// have brought so many descriptors.
const (
	maxBurst       = 64
	maxDescriptors = 64
)

// minShared is how many descriptors are worth waking a helper for.
const minShared = 32

// maxKept is how many bytes of lines are kept until it is their turn.
const maxKept = 256 << 10

// sharing is what all connections of a process share for that.
type sharing struct {
	helpers chan struct{} // as many as there may be
	napping chan struct{} // as many as may nap at once
	places  *atomic.Int64 // of messages in queues
	held    *atomic.Int64 // descriptors of messages that wait to become lines
	most    int64         // of these
}

func newSharing() sharing {
	processors := runtime.GOMAXPROCS(0)
	s := sharing{
		helpers: make(chan struct{}, processors-1),
		napping: make(chan struct{}, processors-1),
		places:  new(atomic.Int64),
		held:    new(atomic.Int64),
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		// What a message needs goes before what makes it faster.
		const reserve = 64
		s.most = int64(max(min(limit.Cur, 1<<20), reserve)-reserve) / 4
	}
	return s
}

// reserve counts descriptors as held that may come, if that many may be.
func (s *sharing) reserve(descriptors int) bool {
	if s.held.Add(int64(descriptors)) > s.most {
		s.held.Add(-int64(descriptors))
		return false
	}
	return true
}

func (s *sharing) unreserve(descriptors int) { s.held.Add(-int64(descriptors)) }

// count counts the descriptors of sc as held, for which room was reserved.
func (s *sharing) count(sc *scratch) {
	sc.extra = sc.countDescriptors()
	s.held.Add(int64(sc.extra))
}

// hold counts the descriptors of sc as held, if that many may be.
func (s *sharing) hold(sc *scratch, descriptors int) bool {
	if sc.extra == descriptors {
		return true // they are
	}
	if !s.reserve(descriptors) {
		return false
	}
	sc.extra = descriptors
	return true
}

// letGo is the end of hold.
func (s *sharing) letGo(sc *scratch) {
	if sc.extra > 0 {
		s.held.Add(-int64(sc.extra))
		sc.extra = 0
	}
}

// printBurst makes lines of a message, and of those behind it where messages come
// faster than that.
func (c *connection) printBurst(sc *scratch) error {
	if !c.mayWait(sc) {
		return c.print(sc)
	}
	if sc.countDescriptors() == 0 {
		return c.printBundle(sc)
	}
	b := c.newBatch()
	burst := c.burst
	for b.add(c, sc) && len(b.messages) < burst && b.descriptors < maxDescriptors {
		if !c.tryReceive(0) {
			burst = 0
			break
		}
		if c.err != nil {
			c.deferred = c.err
			break
		}
		sc = c.current
	}
	if burst > 0 {
		c.burst = min(2*burst, maxBurst)
	}
	return c.share(b)
}

// mayWait reports whether sc may become a line together with others.
func (c *connection) mayWait(sc *scratch) bool {
	return c.children == nil && c.out != nil && c.flags.directory == nil && c.flags.recvFlags == 0 && !sc.isLarge()
}

// countDescriptors is how many descriptors came with the message.
func (sc *scratch) countDescriptors() int {
	if len(sc.msg.Control) == 0 {
		return 0
	}
	sc.fds = sc.msg.Descriptors(sc.fds[:0])
	n := len(sc.fds)
	sc.fds = sc.fds[:0]
	return n
}

// newBatch is an empty batch. One that no helper was given is used again.
func (c *connection) newBatch() *batch {
	b := c.batch
	if b == nil {
		b = &batch{}
		c.batch = b
	}
	*b = batch{messages: b.messages[:0], before: c.last, spare: true}
	return b
}

// add puts a message into the batch, and reports whether another one may be
// received: there must be descriptors to spare, and memory, which there is where
// this one is so small that it is copied.
func (b *batch) add(c *connection, sc *scratch) (more bool) {
	descriptors := sc.countDescriptors()
	b.descriptors += descriptors
	b.spare = b.spare && c.sharing.hold(sc, descriptors)
	more = b.spare && c.burst > 1 && sc.msg.N <= smallMessage && len(sc.msg.Control) <= smallMessage
	if more {
		small := c.small.Get().(*scratch)
		small.copyOf(sc)
		c.release(sc)
		sc = small
	}
	b.messages = append(b.messages, sc)
	return more
}

// share makes the lines of the batch, or has a helper make them.
func (c *connection) share(b *batch) error {
	if c.burst > 1 && b.spare && b.descriptors >= minShared {
		select {
		case c.sharing.helpers <- struct{}{}:
			b.written = make(chan struct{})
			c.last, c.batch = b, nil
			go func() {
				b.err = c.printBatch(b)
				<-c.sharing.helpers
				close(b.written)
			}()
			return nil
		default:
		}
	}
	c.last = nil
	return c.printBatch(b)
}

// settle waits until the lines of all messages before are written.
func (c *connection) settle() error {
	b := c.last
	c.last = nil
	return b.wait()
}

// wait waits until the lines of the batch are written. A nil batch has none.
func (b *batch) wait() error {
	if b == nil {
		return nil
	}
	<-b.written
	return b.err
}

// printBatch makes the lines of the batch, and writes them when it is their turn.
// A large one is made only then: who waits for another's turn holds up nobody.
func (c *connection) printBatch(b *batch) error {
	first, kept := 0, 0
	for i, sc := range b.messages {
		c.look(sc)
		if sc.isLarge() {
			c.gatherAll(b, first, i)
			first, kept = i, 0
		}
		done := c.takeLarge(sc)
		sc.line = c.appendLine(sc.line, sc)
		if kept += len(sc.line); kept > maxKept || b.before == nil {
			c.gatherAll(b, first, i+1)
			first, kept = i+1, 0
		}
		done()
	}
	return c.gatherAll(b, first, len(b.messages))
}

// gatherAll gives the lines of messages from first on to the output, after those
// of the batch before.
func (c *connection) gatherAll(b *batch, first, end int) error {
	c.closeMade(b.messages[first:end])
	b.err = cmp.Or(b.err, b.before.wait())
	b.before = nil
	for _, sc := range b.messages[first:end] {
		if _, err := c.gather(sc); err != nil {
			b.err = err
		}
		c.release(sc)
	}
	return b.err
}

// closeMade closes the descriptors of messages of which the lines are made, but
// for those that may still be read.
func (c *connection) closeMade(messages []*scratch) {
	lists := make([][]descriptor.Descriptor, 0, 2*maxBurst)
	for _, sc := range messages {
		if sc.apart == nil {
			lists = append(lists, sc.descriptors, sc.pidfds)
		}
	}
	c.inspect.CloseAll(lists...)
	for _, sc := range messages {
		if sc.apart == nil {
			sc.forgetDescriptors()
		}
	}
}
