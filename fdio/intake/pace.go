package intake

import (
	"runtime"
	"time"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

// To be woken for every message costs the receiver and the sender several times what
// the message itself costs. So where messages come fast one after the other -- a flow --
// the connection sleeps for a moment before it waits, and mostly finds several. That
// is of no use where a peer waits for what becomes of a message before it sends the
// next one: then a nap brings few messages, and the connection does without for long.

// pace is how messages come on a connection.
type pace struct {
	last   time.Time // when the last batch was received
	streak int       // how many batches in a row came fast one after the other
	napped int       // how many messages have come since the last nap
	naps   int       // how many naps there were since the last message
}

const (
	// fast is how long the gap before a batch may be in a flow.
	fast = 100 * time.Microsecond
	// flow is how many fast batches in a row are a flow.
	flow = 32
	// napTime is how long a nap is. The kernel makes it about 50 us longer:
	// PR_SET_TIMERSLACK in prctl(2).
	napTime = 10 * time.Microsecond
	// maxNaps is how many naps come before a wait.
	maxNaps = 8
	// fewMessages since the last nap are too few for another.
	fewMessages = 4
	// recovery is how many fast batches more than a flow has must come after naps
	// that brought few messages.
	recovery = 256
)

// took notes that so many messages were received.
func (p *pace) took(at time.Time, messages int) {
	if at.Sub(p.last) < fast {
		p.streak++
	} else {
		p.streak = min(p.streak, 0)
	}
	p.last = at
	p.napped += messages
	p.naps = 0
}

// flows reports whether messages flow.
func (p *pace) flows() bool { return p.streak >= flow }

// wait waits until something can be received from s with those flags, or for the end
// of its deadline; in a flow only for a moment, after which there may be nothing.
func (p *pace) wait(s *fdio.Socket, flags int, places chan struct{}) error {
	if p.mayNap(flags) && nap(places) {
		p.naps++
		return nil
	}
	p.naps = 0
	return s.WaitRecv(flags)
}

// mayNap reports whether a nap comes before the wait.
func (p *pace) mayNap(flags int) bool {
	if !p.flows() || flags != 0 || p.naps == maxNaps {
		return false
	}
	if p.naps == 0 {
		brought := p.napped
		p.napped = 0
		if brought < fewMessages {
			p.streak = -recovery
			return false
		}
	}
	return true
}

// newNaps are the places of those that may nap at once: each has a thread and, for so
// short a time, keeps a processor of the runtime's. One processor is left for others.
func newNaps() chan struct{} { return make(chan struct{}, runtime.GOMAXPROCS(0)-1) }

// nap sleeps for a moment, unless there is no place.
func nap(naps chan struct{}) bool {
	select {
	case naps <- struct{}{}:
	default:
		return false
	}
	moment := unix.NsecToTimespec(int64(napTime))
	unix.Nanosleep(&moment, nil) // a signal may end it
	<-naps
	return true
}
