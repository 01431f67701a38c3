package commands

import (
	"time"

	"golang.org/x/sys/unix"
)

// To be woken for every message costs receiver and sender several times what the
// message costs. So where messages come fast, a connection whose lines are all
// visible sleeps for a moment, and looks again, before it waits to be woken. Not so
// on a stream, of which one call brings all that has come.

// fast is how soon messages come after each other that come fast.
const fast = 100 * time.Microsecond

// napTime is how long that moment is. The kernel makes it some 50 us longer:
// PR_SET_TIMERSLACK in prctl(2).
const napTime = 10 * time.Microsecond

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
