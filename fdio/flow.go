package fdio

import (
	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

// A socket that is in the runtime's poller wakes it for each message, even while its
// receiver finds message after message without waiting. That costs the receiver and the
// sender up to a third of their messages per second. So a socket that one goroutine alone
// uses (ListenOptions.Exclusive) leaves the poller while its messages flow, and the next
// wait puts it back. The runtime gives up a descriptor only by closing it: the socket goes
// on with a duplicate.

// flowLength is how many messages in a row must have been received without a wait.
const flowLength = 256

// noteReceived counts messages that have been received. It is not called during a wait in
// the poller, which leaving it would wait for.
func (s *Socket) noteReceived(messages int) {
	s.woken = false
	if !s.exclusive {
		return
	}
	before := s.unwaited
	if s.unwaited += messages; before < flowLength && s.unwaited >= flowLength {
		s.leavePoller()
	}
}

// leavePoller takes the socket from the runtime's poller until it is waited for. A
// socket with duplicates stays: whoever has them may make it blocking.
func (s *Socket) leavePoller() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.foreign || s.shared.Load() || s.isNested() || s.in == nil || s.in != s.out {
		return
	}
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return
	}
	s.in.File.Close()
	s.fd, s.in, s.out = fd, nil, nil
}

// isNested reports whether the socket is in an epoll of its own. It is called with mu
// held.
func (s *Socket) isNested() bool {
	return s.rare != nil && s.rare.nested != [len(waitEvents)]*poll.Poller{}
}

// joinPoller ends what leavePoller began. It is called with mu held.
func (s *Socket) joinPoller() error {
	s.unwaited = 0
	if s.foreign || s.in != nil {
		return nil
	}
	if err := s.poll(); err != nil {
		return err
	}
	if s.rare == nil {
		return nil
	}
	s.apply(receiving)
	return s.apply(sending)
}
