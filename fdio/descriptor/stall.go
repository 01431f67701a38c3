package descriptor

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// maxStalled is how many system calls on files behind a daemon or a server may
// be waiting for its answer at once.
const maxStalled = 64

// ErrStalled is the content error of what is not read because too much else
// is waiting for daemons that do not answer.
var ErrStalled = errors.New("not read: 64 other files do not answer")

// stalling runs system calls that nothing can end when the daemon or the server
// behind a file does not answer, on threads that can be left behind.
type stalling struct {
	slots chan struct{} // as many as may run

	mu      sync.Mutex
	unclose []int // descriptors to be closed when there is a slot again
}

func newStalling() *stalling { return &stalling{slots: make(chan struct{}, maxStalled)} }

// run calls f on a thread of its own with a duplicate of fd, and waits until f
// returns or the patience ends; f then still runs, and must not use what belongs
// to the caller. The error is that of the patience, or ErrStalled where f was not
// called.
func (s *stalling) run(p patience, fd int, f func(fd int)) error {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	done := make(chan struct{})
	started := s.start(func() {
		f(own)
		close(done)
		unix.Close(own)
	})
	if !started {
		s.close(own)
		return ErrStalled
	}
	return p.await(done)
}

// close closes fd, some time. It is queued before a slot is asked for, so that
// there is always a goroutine left that looks into the queue.
func (s *stalling) close(fd int) {
	s.mu.Lock()
	s.unclose = append(s.unclose, fd)
	s.mu.Unlock()
	s.start(func() {})
}

// start calls f in a goroutine if there is a slot, and closes what was left to
// be closed before it gives the slot back.
func (s *stalling) start(f func()) bool {
	select {
	case s.slots <- struct{}{}:
	default:
		return false
	}
	go func() {
		f()
		for fd, ok := s.next(); ok; fd, ok = s.next() {
			unix.Close(fd)
		}
	}()
	return true
}

// next takes a descriptor that is to be closed, or gives the slot back.
func (s *stalling) next() (fd int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.unclose) - 1
	if last < 0 {
		<-s.slots
		return 0, false
	}
	fd = s.unclose[last]
	s.unclose = s.unclose[:last]
	return fd, true
}
