package commands

import (
	"time"

	"golang.org/x/sys/unix"
)

// To be woken for every message costs receiver and sender several times what the
// message costs. So a connection on which messages flow, fast one after the other,
// is taken from the poller, which would wake a thread for each even while others
// are received; and where nothing is there it sleeps for a moment, and looks again,
// after it has given all lines to the output. That is of no use where a peer waits
// for the lines of what it has sent: then one nap brings few messages.

// pace is how messages come on a connection.
type pace struct {
	flowing  bool      // naps come before a wait; a socket of our own is not on the poller
	streak   int       // how many calls in a row have received without a wait, or a long one
	received time.Time // when the last one has
	napped   int       // how many messages had been received at the last nap
}

const (
	fast       = 100 * time.Microsecond // is not long
	longStreak = 32                     // is a flow
	maxNaps    = 8                      // in a row
	few        = 4                      // messages are too few for a nap
	lonely     = -256                   // is the streak after that

	// napTime is how long a nap is. The kernel makes it some 50 us longer:
	// PR_SET_TIMERSLACK in prctl(2).
	napTime = 10 * time.Microsecond
)

// measure comes after a call has received something. It may come once more for
// each message.
func (c *connection) measure(received time.Time) {
	after := received.Sub(c.pace.received)
	c.pace.received = received
	switch {
	case c.flowing || after == 0:
	case after < fast || c.flows:
		c.streak++
	default:
		c.streak = min(c.streak, 0)
	}
}

// flow sees whether messages flow.
func (c *connection) flow() {
	if c.streak < longStreak || c.flags.recvFlags != 0 || cap(c.sharing.napping) == 0 || !c.sharing.reserve(1) {
		return
	}
	c.flowing = c.socket.Inherited() || c.socket.Unpoll()
	c.sharing.unreserve(1)
	c.streak = 0
}

// nap waits for messages that flow, and reports whether the wait is over.
func (c *connection) nap() (over bool) {
	if !c.flowing {
		return false
	}
	brought := c.got - c.napped
	c.napped = c.got
	if brought < few {
		c.streak = lonely
	} else {
		for i := 0; i < maxNaps && !c.socket.Interrupted() && c.sharing.nap(); i++ {
			if c.tryReceive(0) {
				return true
			}
		}
	}
	c.flowing = false // the wait puts it on the poller
	return false
}

// nap sleeps for a moment, unless too many others do: each has a thread and, so
// short, keeps a processor of the runtime's.
func (s *sharing) nap() bool {
	select {
	case s.napping <- struct{}{}:
	default:
		return false
	}
	moment := unix.NsecToTimespec(int64(napTime))
	unix.Nanosleep(&moment, nil) // a signal may end it
	<-s.napping
	return true
}
