package commands

import (
	"time"

	"golang.org/x/sys/unix"
)

// To be woken for every message costs receiver and sender several times what the
// message costs. So a connection on which messages flow, fast one after the other,
// is taken from the poller, which would wake a thread for each even while others
// are received; and where all lines are visible it sleeps for a moment, and looks
// again. That is of no use where a peer waits for the line of each message: then
// one nap brings one message.

// pace is how messages come on a connection.
type pace struct {
	flowing bool // the socket is not on the poller
	streak  int  // how many calls in a row have received without a wait, or a long one
	napped  int  // how many messages had been received at the last nap
}

const (
	fast       = 100 * time.Microsecond // is not long
	longStreak = 32                     // is a flow
	maxNaps    = 8                      // in a row
	lonely     = -1024                  // the streak where a nap has brought one message

	// napTime is how long a nap is. The kernel makes it some 50 us longer:
	// PR_SET_TIMERSLACK in prctl(2).
	napTime = 10 * time.Microsecond
)

// measure comes after a message has been received. Several that one call has
// received came at one time.
func (c *connection) measure(received time.Time) {
	after := received.Sub(c.previous)
	c.previous = received
	switch c.isFast = after < fast; {
	case c.flowing || after == 0:
	case c.isFast || c.flows:
		c.streak++
	default:
		c.streak = min(c.streak, 0)
	}
}

// flow takes the socket from the poller if messages flow.
func (c *connection) flow() {
	if c.streak < longStreak || c.flags.recvFlags != 0 || !c.sharing.reserve(1) {
		return
	}
	c.flowing = c.socket.Unpoll()
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
	if brought == 1 {
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

// nap sleeps for a moment, unless too many others do: each has a thread.
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
