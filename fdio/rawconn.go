package fdio

import (
	"os"
	"syscall"

	"fdmsg/fdio/internal/poll"
)

// SyscallConn returns the socket's RawConn, for system calls that this package
// does not make. Read calls a function, which must not block, at once and
// whenever there may be input, until it returns true; Write does the same for room
// to send; both observe the socket's deadlines. Control calls a function once. The
// descriptor that the function gets is valid until it returns. A socket that was
// made elsewhere may be blocking: pass MSG_DONTWAIT.
func (s *Socket) SyscallConn() (syscall.RawConn, error) { return s.RecvConn(0) }

// RecvConn is SyscallConn, but for what Read waits for: that recvmsg(2) with flags
// has something to receive. That is input, with MSG_OOB on a stream urgent data
// (EPOLLPRI in epoll_ctl(2)), and with MSG_ERRQUEUE a message of the error queue
// (EPOLLERR).
func (s *Socket) RecvConn(flags int) (syscall.RawConn, error) {
	if s.closed {
		return nil, os.ErrClosed
	}
	if kind := s.waitKind(flags); kind != forInput {
		return &kindConn{(*rawConn)(s), kind}, nil
	}
	return (*rawConn)(s), nil
}

// rawConn is a Socket as the RawConn that waits for input. Goroutines of many
// connections wait in its Read, and keep the stack of that: it must have a small
// frame, and few below it.
type rawConn Socket

func (c *rawConn) Control(f func(fd uintptr)) error {
	s := (*Socket)(c)
	if s.closed {
		return os.ErrClosed
	}
	if s.foreign || s.in == nil {
		f(uintptr(s.fd))
		return nil
	}
	return s.in.Conn.Control(f)
}

func (c *rawConn) Read(try func(fd uintptr) bool) error {
	s := (*Socket)(c)
	p, direct, err := s.inputPoller()
	if err != nil {
		return err
	}
	if !direct {
		return s.readNested(p, try)
	}
	if err = p.Conn.Read(try); stopsPolling(err) {
		return (&kindConn{c, forInput}).Read(try)
	}
	return err
}

func (c *rawConn) Write(try func(fd uintptr) bool) error {
	s := (*Socket)(c)
	p, direct, err := s.outputPoller()
	if err != nil {
		return err
	}
	if direct {
		if err = p.Conn.Write(try); !stopsPolling(err) {
			return err
		}
		if p, err = s.replaceOutput(); err != nil {
			return err
		}
	}
	return s.readNested(p, try)
}

// kindConn is a RawConn whose Read waits in an epoll of its own.
type kindConn struct {
	*rawConn
	kind waitKind
}

func (c *kindConn) Read(try func(fd uintptr) bool) error {
	s := (*Socket)(c.rawConn)
	p, err := s.nest(c.kind)
	if err != nil {
		return err
	}
	return s.readNested(p, try)
}

// readNested waits in an epoll that the socket is in.
//
//go:noinline
func (s *Socket) readNested(p *poll.Poller, try func(fd uintptr) bool) error {
	return p.Conn.Read(func(uintptr) bool { return try(uintptr(s.fd)) })
}
