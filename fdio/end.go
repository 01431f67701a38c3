package fdio

import (
	"os"
	"unsafe"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/poll"
	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// ended reports whether a return of no bytes was the end of file. On a stream it
// always is, unless there was no room for a byte; a datagram may be empty. A
// message on a seqpacket socket carries credentials, or else a timestamp (see
// tryRecvEnd), and the end cannot come before the peer has shut down.
func (s *Socket) ended(m *Incoming) bool {
	switch {
	case s.IsDatagram():
		return false
	case s.IsStream():
		return !empty(m.Buffers) || !s.hasQueued()
	case len(m.Control) > 0 || m.Flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) != 0:
		return false
	case s.passesCreds:
		return true
	}
	return poll.Ready(s.fd, unix.POLLRDHUP) && !s.hasQueued()
}

// hasQueued reports whether bytes wait to be received: SIOCINQ, unix(7), tcp(7).
func (s *Socket) hasQueued() bool {
	n, err := unix.IoctlGetInt(s.fd, unix.SIOCINQ)
	return err == nil && n > 0
}

// showsNoEnd reports whether a return of no bytes may be an empty message as well
// as the end of file: on seqpacket sockets without SO_PASSCRED. Those that this
// package made have it.
func (s *Socket) showsNoEnd() bool {
	return s.domain == unix.AF_UNIX && s.typ == unix.SOCK_SEQPACKET && !s.passesCreds
}

// tryRecvEnd is tryRecv where showsNoEnd: what may be the end is received with
// timestamps on, which only a message has. They are on for this one call, since
// others may share the socket.
func (s *Socket) tryRecvEnd(m *Incoming, flags int) error {
	n, err := sys.Retry(func() (int, error) {
		n, _, _, err := m.header.recvmsg(s, nil, nil, flags|unix.MSG_PEEK|unix.MSG_TRUNC)
		return n, err
	})
	if err != nil && err != unix.EAGAIN { // it was pending, and is no more
		return os.NewSyscallError("recvmsg", err)
	}
	if err != nil || n > 0 || s.timestamped() {
		return s.tryRecv(m, m.Buffers, flags)
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMP_OLD, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	defer unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMP_OLD, 0)
	space := m.Space
	m.Space = make([]byte, cmsg.Space(int(unsafe.Sizeof(unix.Timeval{})))+len(space))
	err = s.tryRecv(m, m.Buffers, flags)
	_, rest, _, _ := cmsg.Next(m.Control) // the timestamp is the first
	m.Space = space
	m.Control = space[:copy(space, rest)]
	return err
}

// timestamped reports whether somebody asked for timestamps: messages carry them
// already, and their form must not be changed.
func (s *Socket) timestamped() bool {
	for _, option := range []int{
		unix.SO_TIMESTAMP_OLD, unix.SO_TIMESTAMPNS_OLD, unix.SO_TIMESTAMPING_OLD,
		unix.SO_TIMESTAMP_NEW, unix.SO_TIMESTAMPNS_NEW, unix.SO_TIMESTAMPING_NEW,
	} {
		if on, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, option); err == nil && on != 0 {
			return true
		}
	}
	return false
}
