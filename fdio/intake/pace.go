package intake

import (
	"runtime"
	"time"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

// To wake the receiver for each message costs it and the sender several times as much
// as the message itself. Therefore, while messages flow, which means that they arrive
// fast one after the other, the connection sleeps for a moment before it waits, a nap,
// after which there are usually several messages. A nap is useless if the peer waits for
// the answer to each message before it sends the next one: it then yields few messages,
// and the connection takes no more naps for a long time.

// pace describes how fast messages arrive on a connection.
type pace struct {
	last   time.Time // when the last batch was received
	streak int       // number of fast batches in a row; below 0 while naps are suspended
	napped int       // number of messages since the last nap
	naps   int       // number of naps since the last message
}

const (
	// fast is the longest time between two batches of a flow.
	fast = 100 * time.Microsecond
	// flow is the number of fast batches in a row that begins a flow.
	flow = 32
	// napTime is the length of a nap. The kernel adds about 50 us:
	// PR_SET_TIMERSLACK in prctl(2).
	napTime = 10 * time.Microsecond
	// maxNaps is the most naps before a wait.
	maxNaps = 8
	// fewMessages is the number of messages below which a nap was useless.
	fewMessages = 4
	// recovery is how many additional fast batches must come after a useless nap
	// before a flow begins again.
	recovery = 256
)

// took notes that a batch of messages was received.
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

// wait waits until something can be received from s with the given flags, or until the
// deadline of s. In a flow it only naps, after which there may be nothing.
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

// newNaps returns a channel whose capacity is how many connections may nap at once. A
// nap occupies a thread and, since it is so short, also a processor of the Go runtime.
// One processor is left for others.
func newNaps() chan struct{} { return make(chan struct{}, runtime.GOMAXPROCS(0)-1) }

// nap sleeps for a moment, unless too many others do.
func nap(naps chan struct{}) bool {
	select {
	case naps <- struct{}{}:
	default:
		return false
	}
	moment := unix.NsecToTimespec(int64(napTime))
	unix.Nanosleep(&moment, nil) // a signal may end it early
	<-naps
	return true
}
