package fdio

import (
	"context"
	"io"
	"os"

	"fdmsg/fdio/internal/poll"
	"fdmsg/fdio/internal/sockname"
	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// Recv waits for a message and receives it as TryRecv does, with flags such as
// MSG_PEEK: recvmsg(2). With MSG_ERRQUEUE it waits for a message of the error queue,
// with MSG_OOB for urgent data, and with MSG_DONTWAIT not at all: the error is EAGAIN
// then. io.EOF is the end of a connection. The wait ends with ctx, whose cause it
// then returns, and at the read deadline with os.ErrDeadlineExceeded. Errors but
// io.EOF are of type *Error.
//
// An error that was pending on the socket, such as ECONNREFUSED or, on netlink,
// ENOBUFS, is returned once, and before the messages that are queued: the next call
// returns those.
func (s *Socket) Recv(ctx context.Context, m *Incoming, flags int) error {
	err := s.recv(ctx, m, flags)
	if err == io.EOF {
		return err
	}
	return s.wrap("receive", err)
}

func (s *Socket) recv(ctx context.Context, m *Incoming, flags int) (err error) {
	if flags&unix.MSG_DONTWAIT != 0 {
		return s.TryRecv(m, flags)
	}
	conn, err := s.RecvConn(flags)
	if err != nil {
		return err
	}
	waitErr := s.await(ctx, receiving, conn, func(uintptr) bool {
		err = s.tryRecvAny(m, flags)
		return err != unix.EAGAIN
	})
	if waitErr != nil {
		return waitErr
	}
	return err
}

// TryRecv receives a message with recvmsg(2) if there is one, and returns EAGAIN
// as it is if not. It is for programs that wait themselves: see RecvConn. Received
// descriptors are close-on-exec, and the caller's. io.EOF is the end of a
// connection; an empty message is none. No other error is of type *Error. Those of
// recvmsg(2) are of type *os.SyscallError; after one that was pending on the
// socket, receiving can go on: see Recv.
//
// With MSG_WAITALL on a stream, EAGAIN also means that not everything has come.
// The next call with the same m goes on; TakePartial ends that.
func (s *Socket) TryRecv(m *Incoming, flags int) error {
	err := s.tryRecvAny(m, flags)
	if err == nil {
		s.noteReceived(1)
	}
	return err
}

// tryRecvAny is TryRecv within a wait, too.
func (s *Socket) tryRecvAny(m *Incoming, flags int) error {
	m.reset()
	if err := s.askForEnd(); err != nil {
		return err
	}
	if err := s.takeDeferred(); err != nil {
		return err
	}
	// With the others the kernel returns what is there, too.
	const returnShort = unix.MSG_DONTWAIT | unix.MSG_OOB | unix.MSG_ERRQUEUE
	gathers := flags&unix.MSG_WAITALL != 0 && flags&returnShort == 0 && s.IsStream()
	flags |= s.recvFlags()
	if gathers {
		return s.tryRecvAll(m, flags)
	}
	if s.showsNoEnd() {
		return s.tryRecvEnd(m, flags)
	}
	return s.tryRecv(m, m.Buffers, flags)
}

// takeDeferred returns the error that the next receive is to return, once.
func (s *Socket) takeDeferred() error {
	err := s.deferred
	s.deferred = nil
	return err
}

// recvFlags returns the flags of every call. Packet sockets, which pass no
// descriptors, refuse MSG_CMSG_CLOEXEC.
func (s *Socket) recvFlags() int {
	if s.domain == unix.AF_UNIX {
		return unix.MSG_DONTWAIT | unix.MSG_CMSG_CLOEXEC
	}
	return unix.MSG_DONTWAIT
}

// Peek fills b with what waits to be received, as far as it goes, and leaves it
// there, control messages included. It does not wait: the error is EAGAIN when
// nothing is there. It returns 0 at the end of a stream.
func (s *Socket) Peek(b []byte) (int, error) {
	n, err := sys.Retry(func() (int, error) {
		n, _, err := unix.Recvfrom(s.fd, b, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return n, err
	})
	if err != nil && err != unix.EAGAIN {
		err = os.NewSyscallError("recvfrom", err)
	}
	return max(n, 0), err
}

// tryRecv receives once, into buffers.
func (s *Socket) tryRecv(m *Incoming, buffers [][]byte, flags int) error {
	n, control, msgFlags, err := s.recvmsg(m, buffers, flags)
	if err == unix.EINVAL && flags&unix.MSG_OOB != 0 && s.noUrgentData() {
		if !poll.Ready(s.fd, unix.POLLRDHUP) {
			return unix.EAGAIN
		}
		// What came before the end may have come just now.
		if n, control, msgFlags, err = s.recvmsg(m, buffers, flags); err == unix.EINVAL {
			return io.EOF
		}
	}
	if err == unix.EAGAIN {
		return unix.EAGAIN
	}
	if err != nil {
		return os.NewSyscallError("recvmsg", err)
	}
	return s.received(m, buffers, flags, n, control, msgFlags)
}

// received makes m what a call with flags has returned: n bytes of data, control
// messages and msg_flags.
func (s *Socket) received(m *Incoming, buffers [][]byte, flags, n int, control []byte, msgFlags int) error {
	if from := &m.header.from; from.Len > 0 {
		m.From = s.addressOf(from)
	}
	m.Control = control
	m.Flags = msgFlags &^ unix.MSG_CMSG_CLOEXEC
	m.Size += n
	fromErrorQueue := m.Flags&unix.MSG_ERRQUEUE != 0
	if flags&unix.MSG_TRUNC == 0 || fromErrorQueue || !s.discards() {
		m.N += min(n, room(buffers))
	}
	if n == 0 && !fromErrorQueue && s.ended(m) {
		m.Close() // TCP_INQ and SO_PASSCRED say something at the end of a stream, too
		return io.EOF
	}
	if len(control) > 0 && s.domain == unix.AF_UNIX {
		s.takeSender(m)
	}
	return nil
}

// addressOf returns the address of a sender. It is kept, since most senders send
// again.
func (s *Socket) addressOf(from *sockname.Name) Address {
	last := s.lastSender
	if last == nil {
		last = new(sender)
		s.lastSender = last
	}
	if *from != last.name {
		last.name, last.address = *from, addressOf(from, s.typ)
	}
	return last.address
}

// discards reports whether MSG_TRUNC as a flag makes recvmsg(2) throw the data
// away instead of writing it to the buffers: tcp(7).
func (s *Socket) discards() bool {
	return s.IsStream() && (s.domain == unix.AF_INET || s.domain == unix.AF_INET6)
}

// noUrgentData reports whether EINVAL with MSG_OOB means that there is no urgent
// data: tcp(7). With SO_OOBINLINE there never is.
func (s *Socket) noUrgentData() bool {
	inline, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_OOBINLINE)
	return s.IsStream() && (err != nil || inline == 0)
}

// tryRecvAll is tryRecv for MSG_WAITALL, which the kernel does not observe without
// waiting itself: until the buffers are full, the peer has ended, or on a Unix
// socket control messages have come. Others, such as timestamps, come with every
// part; those of the last are kept.
func (s *Socket) tryRecvAll(m *Incoming, flags int) error {
	peeks := flags&unix.MSG_PEEK != 0 && !s.peeksOn()
	for {
		ended := peeks && poll.Ready(s.fd, unix.POLLRDHUP)
		err := s.tryRecv(m, advance(m.Buffers, m.Size), flags)
		control := len(m.Control) > 0 || m.Flags&unix.MSG_CTRUNC != 0
		more := err == nil && m.Size < room(m.Buffers) && !(control && s.IsUnix())
		switch {
		case more && peeks && !ended:
			m.N, m.Size = 0, 0 // the next call peeks at all of it again
			return unix.EAGAIN
		case more && !peeks:
			m.partial = true
			continue
		case err != nil && err != unix.EAGAIN && m.partial:
			s.deferred, err = err, nil // first what has come before it
		}
		if err == nil {
			m.partial = false
		}
		return err
	}
}

// peeksOn reports whether a peek begins where the last one ended: SO_PEEK_OFF,
// socket(7).
func (s *Socket) peeksOn() bool {
	offset, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_PEEK_OFF)
	return err == nil && offset >= 0
}

// recvmsg receives once. On all but streams, an error that is pending on the socket
// comes before the messages that are queued (ECONNRESET when the peer closed without
// having read everything), and does so once.
func (s *Socket) recvmsg(m *Incoming, buffers [][]byte, flags int) (n int, control []byte, msgFlags int, err error) {
	space := m.header.space(s, m.Space)
	for {
		n, controlLen, msgFlags, err := m.header.recvmsg(s, buffers, space, flags)
		if err != unix.EINTR {
			return n, space[:controlLen], msgFlags, err
		}
	}
}
