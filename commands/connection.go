package commands

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// connection is one socket that messages are received from: an accepted
// connection or a datagram socket.
type connection struct {
	*receiver
	socket *fdio.Socket
	number int // in the order of accepting, from 1; 0: none is shown
	local  string
	from   string
	peer   *cmsg.Credentials
	isNew  bool                         // there was no wait yet
	got    int                          // messages received
	idle   time.Duration                // after so long without a message it ends, 0: never
	allows func(*cmsg.Credentials) bool // whose datagrams are taken; nil: everybody's

	queue *queue // received and not handed out; nil: nothing is
	ahead int    // how many messages the next call may receive
	flows bool   // the last message was there without a wait

	pace
	isFast   bool      // the last message came soon after the one before
	previous time.Time // when it came
	burst    int       // how many messages are received before they become lines
	batch    *batch    // to be filled
	last     *batch    // that a helper makes the lines of; nil: none

	lastOrigin *lastOrigin // nil: there was no message yet

	framing    *framing // nil where a message is what recvmsg(2) returns
	unfinished bool     // the last line was not all of a frame

	waits    syscall.RawConn    // for messages to receive
	try      func(uintptr) bool // tryWaiting, and what it leaves behind:
	current  *scratch
	err      error
	deferred error    // that came after messages which are lines now
	partial  *scratch // what MSG_WAITALL has got so far
}

// connection is that of s, the local address of which reads as local.
func (r *receiver) connection(s *fdio.Socket, local string) *connection {
	c := &connection{receiver: r, socket: s, local: local, from: s.Peer().String()}
	if r.flags.frame != fdio.FrameChunk && s.IsStream() {
		c.framing = &framing{split: fdio.Splitter{Kind: r.flags.frame, Max: int(r.flags.MaxFrame)}, exact: r.flags.Count.N > 0}
	}
	c.slow()
	c.waits, _ = s.RecvConn(r.flags.recvFlags)
	c.try = c.tryWaiting
	if creds, ok := s.PeerCredentials(); ok {
		c.peer = &creds
	}
	return c
}

// errOutput says that the output has failed; it knows itself how.
var errOutput = errors.New("output failed")

// serve makes a line of every message until the end of file, the end of ctx or
// the last message that is wanted, all of which are no errors, or until an
// error: errOutput, or an *fdio.Error.
func (c *connection) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, c.socket.Interrupt)
	defer stop()
	return c.serveAll(ctx)
}

// serveAll is serve where something else interrupts the socket at the
// end of ctx. Connections wait in it, and keep its frame as long, so that it is
// short: what comes at the end is apart.
func (c *connection) serveAll(ctx context.Context) error {
	defer c.finish()
	for {
		if c.idle > 0 {
			c.socket.SetReadDeadline(time.Now().Add(c.idle))
		}
		sc, err := c.receive()
		if err != nil && ctx.Err() == nil && errors.Is(err, os.ErrDeadlineExceeded) {
			if !c.tryReceive(0) {
				return c.endIdle()
			}
			sc, err = c.current, c.err // it came just now
		}
		if err != nil {
			return c.endWith(err)
		}
		if err := c.printBurst(sc); err != nil {
			return c.endUnprinted(err)
		}
	}
}

func (c *connection) finish() {
	c.settle()
	c.flush()
	c.closeFraming()
}

// endIdle is the end of a connection on which nothing has come for too long. What
// comes now is refused, or has come before that.
//
//go:noinline
func (c *connection) endIdle() error {
	return errors.Join(c.drainQueued(), c.wrap(errIdle))
}

// endWith is the end of the messages: err, or nil where there are no more.
//
//go:noinline
func (c *connection) endWith(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		if c.drains() {
			return c.drainQueued()
		}
		return c.printPartial()
	case err == io.EOF || err == errCounted:
		return c.printPartial()
	}
	return errors.Join(c.printPartial(), c.wrap(err))
}

// endUnprinted is the end because of an error in making a line.
//
//go:noinline
func (c *connection) endUnprinted(err error) error {
	c.printQueued()
	return errors.Join(err, c.leftUnread())
}

func (c *connection) closeFraming() {
	if c.framing != nil {
		c.framing.close(c.receiver)
	}
}

// printPartial makes a line of what MSG_WAITALL has got, or of what has come of
// a frame, where there is no waiting for the rest any more.
func (c *connection) printPartial() error {
	if c.framing != nil {
		sc := c.newScratch()
		c.framing.advance(c.receiver) // an error makes no difference now
		if !c.framing.unfinished(sc) {
			c.release(sc)
			return nil
		}
		sc.received, c.unfinished = time.Now(), true
		c.stamp(sc)
		return c.print(sc)
	}
	sc := c.partial
	c.partial = nil
	if sc == nil {
		return nil
	}
	sc.msg.TakePartial()
	c.stamp(sc)
	return c.print(sc)
}

func (c *connection) wrap(err error) error {
	address := c.from
	if address == "" {
		address = c.local
	}
	return &fdio.Error{Name: address, Op: "receive", Err: err}
}

// receive waits for a message. The caller has to release what comes back.
func (c *connection) receive() (*scratch, error) {
	if c.flags.recvFlags&unix.MSG_DONTWAIT != 0 {
		c.tryReceive(0)
		return c.current, nameEAGAIN(c.err)
	}
	if c.pop() {
		return c.current, nil
	}
	if c.holds() {
		c.tryReceive(0)
		return c.current, c.err
	}
	if err := c.deferred; err != nil {
		c.deferred = nil
		return nil, err
	}
	c.flow()
	// Where messages come without a pause, the poller need not be asked.
	if (c.flows || c.isFast || c.flowing) && !c.socket.Interrupted() && c.tryReceive(0) {
		return c.current, c.err
	}
	if c.nap() {
		return c.current, c.err
	}
	c.flows, c.isFast = true, false // until pause
	if err := c.waits.Read(c.try); err != nil {
		return nil, err
	}
	return c.current, c.err
}

// tryWaiting is tryReceive for a wait. On a new connection it only looks at first
// whether something has come: to receive takes a larger stack, which a goroutine
// keeps, and many connections never say anything.
func (c *connection) tryWaiting(uintptr) bool {
	if c.isNew {
		c.isNew = false
		if !c.socket.Readable() {
			c.slow()
			return false
		}
	}
	return c.tryReceive(0)
}

// tryReceive receives a message if there is one, into buffers that it has only
// then: an idle connection holds none. It reports whether the wait is over.
func (c *connection) tryReceive(uintptr) bool {
	if c.pop() {
		return true
	}
	if c.ahead > 1 && c.mayReceive(c.ahead) {
		return c.tryReceiveMany()
	}
	sc := c.partial
	if sc == nil {
		sc = c.newScratch()
	}
	c.err = c.receiveCounted(sc)
	c.partial = nil
	if c.err != nil {
		return c.receivedNothing(sc)
	}
	sc.received = time.Now()
	c.ahead = 2
	c.handOut(sc)
	return true
}

// receiveCounted receives a message that is to be taken, if there is one and -n
// allows another.
func (c *connection) receiveCounted(sc *scratch) (err error) {
	most := 1
	if f := c.framing; f != nil && f.exact {
		if f.paid > 0 {
			f.paid--
			return c.receiveAllowed(sc)
		}
		most = maxExact
	}
	allowed := c.budget.take(most)
	received := 0
	defer func() { c.budget.settle(received) }()
	if allowed == 0 {
		return errCounted
	}
	if c.framing != nil {
		c.framing.allowed = allowed
	}
	if err = c.receiveAllowed(sc); err == nil {
		received = 1
		if c.framing != nil {
			received += c.framing.paid
		}
	}
	return err
}

// receivedNothing is the end of tryReceive with an error. The buffers are given back
// before the pause: others use them while that waits for the output.
func (c *connection) receivedNothing(sc *scratch) (over bool) {
	c.current = nil
	if sc.msg.Partial() {
		c.partial = sc
		sc.received = time.Now()
	} else {
		if c.framing != nil {
			c.framing.idle(sc)
		}
		c.release(sc)
	}
	if c.err == unix.EAGAIN {
		c.pause()
	}
	return c.err != unix.EAGAIN
}

// handOut makes sc the message that has been received.
func (c *connection) handOut(sc *scratch) {
	c.stamp(sc)
	c.current, c.err = sc, nil
	c.got++
	c.isFast = sc.received.Sub(c.previous) < fast
	c.previous = sc.received
	if c.framing == nil {
		c.measure(sc.received)
	}
}

// stamp says what of a message is known by the order of receiving.
func (c *connection) stamp(sc *scratch) {
	sc.number, sc.origin = c.messages.Add(1), c.readsAs(c.senderOf(sc))
}

// pause comes before a wait for messages: what has come before is visible then.
func (c *connection) pause() {
	if c.flows = false; !c.isFast && !c.flowing {
		c.slow()
	}
	c.settle()
	c.flush()
}

// slow expects one message at a time.
func (c *connection) slow() { c.burst, c.ahead, c.flows = 1, 1, false }

func (c *connection) newScratch() *scratch {
	sc := c.scratch.Get().(*scratch)
	sc.msg.Space = sc.msg.Space[:c.socket.ControlSpace(int(c.flags.ControlSize))]
	return sc
}

// maxExact is how many frames are taken from a socket at once with -n.
const maxExact = 1024

func (c *connection) receiveMessage(sc *scratch) error {
	if c.framing != nil {
		return c.receiveFrame(sc)
	}
	return c.socket.TryRecv(&sc.msg, c.flags.recvFlags)
}

// receiveAllowed receives a message that is to be taken, if there is one.
func (c *connection) receiveAllowed(sc *scratch) error {
	for {
		if err := c.receiveMessage(sc); err != nil {
			return err
		}
		if allowed, err := c.admit(sc); allowed || err != nil {
			return err
		}
	}
}

// admit reports whether a message is to be taken. It closes the descriptors that
// are not. The error is the end of the connection.
func (c *connection) admit(sc *scratch) (bool, error) {
	if c.allows != nil {
		if s := c.senderOf(sc); !c.allows(s.credentials()) {
			c.refused(refusedPeer, record.Event{Origin: c.originOf(s)})
			sc.msg.Close()
			return false, nil
		}
	}
	switch c.flags.FDs {
	case dropFDs:
		sc.dropRights()
	case cutFDs:
		// Where none could be installed, only the flag says that some came.
		if len(sc.msg.Rights(nil)) == 0 && sc.msg.Flags&unix.MSG_CTRUNC == 0 {
			break
		}
		sc.msg.Close()
		if !c.socket.IsDatagram() || !c.lingers {
			return false, errDescriptorsCame
		}
		c.refused(refusedFDs, record.Event{Origin: c.originOf(c.senderOf(sc))})
		return false, nil
	}
	return true, nil
}
