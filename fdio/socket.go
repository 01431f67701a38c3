// Package fdio sends and receives messages over sockets with sendmsg(2) and
// recvmsg(2): data gathered from several buffers, control messages, and open
// file descriptors over Unix sockets.
//
// Sockets are non-blocking and wait on the Go runtime's poller; an inherited
// socket, whose description other processes may share, is waited for without
// touching its flags. The errors of system calls are wrapped in *Error and
// found by errors.Is(err, unix.ECONNREFUSED).
package fdio

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Socket is an open socket. One goroutine at a time may send on it, and one
// receive; the one that closes it must be the last to use it, and the one that
// calls Unpoll the only one. Interrupt may be called from anywhere.
type Socket struct {
	fd        int     // another one after Unpoll
	in        *poller // waits for input; the socket itself unless it is inherited; nil after Unpoll
	out       *poller // waits for room for output; made when needed if inherited
	inherited bool
	closed    bool

	domain    int
	typ       int
	listening bool
	connected bool

	local Address
	peer  Address
	creds cmsg.Credentials
	file  *socketFile // the file that it is bound to, if that is ours

	passesCreds bool        // credentials are delivered with every message: SO_PASSCRED
	credsGiven  bool        // or not, because somebody said so
	options     []Option    // for accepted connections
	deferred    error       // what the next receive returns
	shared      atomic.Bool // there was a duplicate, which others may receive from

	mu          sync.Mutex  // guards what follows, in and out
	deadline    time.Time   // of waits for input
	nested      *poller     // waits for input instead of in
	interrupted atomic.Bool // is set with mu held

	lastSender *sender // of a datagram; nil: there was none, as on every connection
}

// sender is the name of a sender, and the address that it stands for.
type sender struct {
	name    sockName
	address Address
}

// ErrNotSocket says that an inherited descriptor is not a socket.
var ErrNotSocket = errors.New("not a socket")

// ErrNotOpen says that this process did not inherit a descriptor of that
// number.
var ErrNotOpen = errors.New("not open")

// CheckInherited returns ErrNotOpen unless fd was inherited: is open and not
// close-on-exec, as everything is that this process opened itself.
func CheckInherited(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return ErrNotOpen
	}
	return nil
}

// Inherit makes a Socket of the descriptor fd that this process inherited. Its
// family, type and state are read from it; its file status flags, which other
// processes may share, are left as they are. Options are set on it, and on the
// connections that are accepted from it. Close closes it.
func Inherit(fd int, options ...Option) (*Socket, error) {
	address := Address{Network: Inherited, FD: fd}
	s, err := inherit(fd)
	if err != nil {
		return nil, &Error{Address: address.String(), Op: "use inherited descriptor", Err: err}
	}
	if s.local == (Address{}) {
		s.local = address
	}
	set := s.setOptions
	if s.listening {
		set = s.setListening
	}
	if err := set(options, address); err != nil {
		s.Close()
		return nil, err
	}
	if s.domain == unix.AF_UNIX {
		on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED)
		s.passesCreds = err == nil && on != 0
		s.credsGiven = s.passesCreds || s.credsGiven
	}
	return s, nil
}

func inherit(fd int) (*Socket, error) {
	if err := CheckInherited(fd); err != nil {
		return nil, err
	}
	s := &Socket{fd: fd, inherited: true}
	var err error
	if s.domain, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil {
		if err == unix.ENOTSOCK {
			return nil, ErrNotSocket
		}
		return nil, os.NewSyscallError("getsockopt", err)
	}
	if s.typ, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil {
		return nil, os.NewSyscallError("getsockopt", err)
	}
	accepting, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	s.listening = err == nil && accepting != 0
	if s.in, err = newPoller(fd, unix.EPOLLIN|unix.EPOLLRDHUP); err != nil {
		return nil, err
	}
	s.readNames()
	if s.connected {
		s.readPeerCredentials()
	}
	return s, nil
}

// newSocket makes a non-blocking socket of our own.
func newSocket(domain, typ int) (*Socket, error) {
	fd, err := unix.Socket(domain, typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	return &Socket{fd: fd, domain: domain, typ: typ}, nil
}

// poll puts a socket of our own on the runtime's poller, which takes over its
// descriptor. It comes after bind, listen and the start of connect: an epoll
// that watches a socket without a state reports it as hung up.
func (s *Socket) poll() error {
	p, err := newPolledFile(s.fd, "socket")
	if err != nil {
		s.fd = -1
		return err
	}
	s.in, s.out = p, p
	return nil
}

func (s *Socket) readNames() { s.local, s.peer, s.connected = Names(s.fd, s.typ) }

func (s *Socket) readPeerCredentials() {
	if s.domain != unix.AF_UNIX {
		return
	}
	ucred, err := unix.GetsockoptUcred(s.fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err == nil {
		s.creds = cmsg.Credentials{PID: ucred.Pid, UID: ucred.Uid, GID: ucred.Gid}
	}
}

// Local is the address that the socket is bound to, the zero Address where
// there is none. For a socket of our own it is the address as it was given,
// with its path made absolute; for an inherited one without a name, fd:N.
func (s *Socket) Local() Address { return s.local }

// Peer is the address of the connected peer, the zero Address where there is
// none.
func (s *Socket) Peer() Address { return s.peer }

// PeerCredentials are the peer's identity when it connected or listened:
// SO_PEERCRED, unix(7). ok is false for all but connected Unix sockets.
func (s *Socket) PeerCredentials() (c cmsg.Credentials, ok bool) {
	return s.creds, s.connected && s.domain == unix.AF_UNIX && s.creds.Known()
}

// IsUnix reports whether the socket is of the Unix domain, over which
// descriptors can be passed.
func (s *Socket) IsUnix() bool { return s.domain == unix.AF_UNIX }

// IsStream reports whether the socket carries bytes without message
// boundaries.
func (s *Socket) IsStream() bool { return s.typ == unix.SOCK_STREAM }

// IsDatagram reports whether the socket has neither connections to accept nor
// an end of file.
func (s *Socket) IsDatagram() bool {
	return s.typ != unix.SOCK_STREAM && s.typ != unix.SOCK_SEQPACKET
}

// Inherited reports whether the socket was open before this process began.
func (s *Socket) Inherited() bool { return s.inherited }

// Listening reports whether connections are to be accepted from the socket.
func (s *Socket) Listening() bool { return s.listening }

// SameSocket reports whether descriptor fd is this very socket.
func (s *Socket) SameSocket(fd int) bool {
	var ours, other unix.Stat_t
	return unix.Fstat(s.fd, &ours) == nil && unix.Fstat(fd, &other) == nil &&
		ours.Dev == other.Dev && ours.Ino == other.Ino
}

// Close closes the socket and removes the file that it was bound to, if that
// is still the one that it made. An inherited standard descriptor stays open:
// a file opened later must not become the standard input of a command.
// Closing again does nothing.
func (s *Socket) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if s.nested != nil {
		s.nested.file.Close()
	}
	if s.file != nil {
		err = s.file.remove()
		s.file = nil
	}
	switch {
	case s.inherited:
		s.in.file.Close()
		if s.out != nil {
			s.out.file.Close()
		}
		if s.fd > 2 {
			unix.Close(s.fd)
		}
	case s.in != nil:
		s.in.file.Close()
		if s.out != s.in {
			s.out.file.Close()
		}
	case s.fd >= 0:
		unix.Close(s.fd)
	}
	return err
}

// Duplicate returns another descriptor of the socket: close-on-exec, and the
// caller's. Its status flags are those of the socket: O_NONBLOCK, unless that is
// an inherited one that is blocking.
func (s *Socket) Duplicate() (int, error) {
	s.shared.Store(true)
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	return fd, os.NewSyscallError("fcntl", err)
}

// Readable reports whether there is something to receive or to accept, or the end
// of it.
func (s *Socket) Readable() bool { return ready(s.fd, unix.POLLIN) }

// Unread is how many bytes wait to be received: SIOCINQ, unix(7), tcp(7). For
// datagrams of UDP it is what the next one has.
func (s *Socket) Unread() int {
	n, _ := unix.IoctlGetInt(s.fd, unix.SIOCINQ)
	return n
}

// Detach closes the socket, but for a descriptor of it that it returns: blocking,
// close-on-exec, and the caller's. The file that the socket is bound to stays.
func (s *Socket) Detach() (int, error) {
	fd, err := s.Duplicate()
	if err == nil && !s.inherited {
		if err = unix.SetNonblock(fd, false); err != nil {
			unix.Close(fd)
			err = os.NewSyscallError("fcntl", err)
		}
	}
	if err != nil {
		s.Close()
		return -1, err
	}
	if s.file != nil {
		s.file.release()
		s.file = nil
	}
	return fd, s.Close()
}

// ShutdownRead refuses what peers send from now on, new connections included,
// and leaves what is queued to be received: shutdown(2) with SHUT_RD. It does
// that on Unix sockets of our own and nothing on others: TCP answers it with a
// reset, and an inherited socket is not ours to shut.
func (s *Socket) ShutdownRead() {
	if s.domain == unix.AF_UNIX && !s.inherited {
		unix.Shutdown(s.fd, unix.SHUT_RD)
	}
}

// ShutdownWrite ends the sending: the peer sees the end of the stream after what
// was sent. shutdown(2) with SHUT_WR.
func (s *Socket) ShutdownWrite() error {
	return s.wrap("shut down", os.NewSyscallError("shutdown", unix.Shutdown(s.fd, unix.SHUT_WR)))
}

// wrap puts the address that the socket is known by before err.
func (s *Socket) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	address := s.peer
	if address == (Address{}) {
		address = s.local
	}
	return &Error{Address: address.String(), Op: op, Err: err}
}

// markEnd asks for credentials with every message of a seqpacket socket of our
// own, which tells an empty message from the end of file: SO_PASSCRED, unix(7).
// Before connecting or sending it would make the kernel pick a name for the
// socket.
func (s *Socket) markEnd() error {
	if s.domain != unix.AF_UNIX || s.typ != unix.SOCK_SEQPACKET || s.inherited || s.passesCreds || s.credsGiven {
		return nil
	}
	return s.passCredentials()
}

func (s *Socket) passCredentials() error {
	s.passesCreds = true
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1))
}
