package fdio

import (
	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

// Unpoll takes the socket from the runtime's poller until it is waited for again,
// and reports whether it has. As long as messages are received without a wait, a
// thread that is idle otherwise would wait in the poller, to be woken for each of
// them. Nobody else may use the socket meanwhile, and no function that a RawConn
// calls may call Unpoll: the socket gets another descriptor, and closes the one it
// has. A socket with duplicates stays, since whoever has them may make it
// blocking.
func (s *Socket) Unpoll() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.foreign || s.shared.Load() || s.isNested() || s.in == nil || s.in != s.out {
		return false
	}
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return false
	}
	s.in.File.Close() // only that takes a descriptor from the poller
	s.fd, s.in, s.out = fd, nil, nil
	return true
}

// isNested reports whether the socket is in an epoll. It is called with mu held.
func (s *Socket) isNested() bool {
	return s.rare != nil && s.rare.nested != [len(waitEvents)]*poll.Poller{}
}

// pollAgain ends what Unpoll began. It is called with mu held.
func (s *Socket) pollAgain() error {
	if s.foreign || s.in != nil {
		return nil
	}
	if err := s.poll(); err != nil {
		return err
	}
	if s.rare == nil && !s.interrupted.Load() {
		return nil
	}
	s.apply(receiving)
	return s.apply(sending)
}

// Readable reports whether there is something to receive or to accept, or the end
// of it.
func (s *Socket) Readable() bool { return poll.Ready(s.fd, unix.POLLIN) }

// Unread returns how many bytes wait to be received: SIOCINQ, unix(7), tcp(7). For
// datagrams of UDP it is what the next one has.
func (s *Socket) Unread() int {
	n, _ := unix.IoctlGetInt(s.fd, unix.SIOCINQ)
	return n
}
