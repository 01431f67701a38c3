package descriptor

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// maxStalled is how many system calls may wait at once for daemons or servers
// behind files.
const maxStalled = 64

// ErrStalled is the error of a content that is not read because too many others
// wait for daemons that do not answer.
var ErrStalled = errors.New("not read: 64 other files do not answer")

// stalling makes system calls that nothing can interrupt if the daemon or the
// server behind a file does not answer, on threads that can be left behind.
type stalling struct {
	slots chan struct{} // as many as may run

	mu      sync.Mutex
	unclose []int // descriptors to be closed when there is a slot again
}

func newStalling() *stalling { return &stalling{slots: make(chan struct{}, maxStalled)} }

// run calls f on a thread of its own, with a duplicate of fd, and waits until f
// returns or the patience ends. f may still run then, and must not use what belongs
// to the caller. The error is that of the patience, or ErrStalled if f was not
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

// close closes fd at some time. fd is queued before a slot is asked for, so that
// there always is a goroutine that will look into the queue.
func (s *stalling) close(fd int) {
	s.mu.Lock()
	s.unclose = append(s.unclose, fd)
	s.mu.Unlock()
	s.start(func() {})
}

// start calls f in a goroutine if there is a slot. The goroutine closes what is
// queued before it gives back the slot.
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

// next returns a descriptor that is to be closed, or gives back the slot.
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
