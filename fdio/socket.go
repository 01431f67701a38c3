package fdio

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/poll"
	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

// Socket is an open socket. One goroutine at a time may send on it and one
// receive from it; who closes it must be the last to use it. The deadlines may be
// set at any time by anybody.
type Socket struct {
	fd        int          // changes when the socket leaves the poller: flow.go
	in        *poll.Poller // waits for input: the socket itself unless it is foreign; nil outside the poller
	out       *poll.Poller // waits for room for output: the same as in; made when needed if foreign
	foreign   bool         // made elsewhere: its description may be shared
	inherited bool
	closed    bool // guarded by mu

	domain    int
	typ       int
	listening bool
	connected bool

	local Address
	peer  Address
	creds cmsg.Credentials
	file  *socketFile // the file that it is bound to, if we made that

	passesCreds bool        // credentials are delivered with every message: SO_PASSCRED
	credsGiven  bool        // a user of this package switched that on or off
	options     []Option    // for accepted connections
	deferred    error       // what the next receive returns
	shared      atomic.Bool // there was a duplicate, which others may receive from

	mu   sync.Mutex // guards what follows, in and out
	rare *rare      // nil for most sockets, of which there may be many

	exclusive bool // one goroutine alone uses the socket: ListenOptions.Exclusive
	unwaited  int  // messages received without a wait
	woken     bool // WaitRecv has waited, and no message has been received since

	lastSender *sender // of a datagram; nil: there was none, as on every connection
}

// sender is the name of a sender, and the address that it stands for.
type sender struct {
	name    sockname.Name
	address Address
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
// descriptor. That must come after bind, listen and the start of connect: a
// socket without a state is hung up to epoll(7).
func (s *Socket) poll() error {
	p, err := poll.NewFile(s.fd, "socket")
	if err != nil {
		s.fd = -1
		return err
	}
	s.in, s.out = p, p
	return nil
}

// Local returns the address that the socket is bound to, the zero Address where
// there is none. For a socket of our own it is the address as it was given, with
// its path made absolute; for an inherited one without a name, fd:N.
func (s *Socket) Local() Address { return s.local }

// Peer returns the address of the connected peer, the zero Address where there is
// none.
func (s *Socket) Peer() Address { return s.peer }

// IsUnix reports whether the socket is of the Unix domain, over which descriptors
// can be passed.
func (s *Socket) IsUnix() bool { return s.domain == unix.AF_UNIX }

// IsStream reports whether the socket carries bytes without message boundaries.
func (s *Socket) IsStream() bool { return s.typ == unix.SOCK_STREAM }

// IsDatagram reports whether the socket has neither connections to accept nor an
// end of file.
func (s *Socket) IsDatagram() bool {
	return s.typ != unix.SOCK_STREAM && s.typ != unix.SOCK_SEQPACKET
}

// Inherited reports whether the socket is one of Inherit.
func (s *Socket) Inherited() bool { return s.inherited }

// Listening reports whether connections are to be accepted from the socket.
func (s *Socket) Listening() bool { return s.listening }

// SameSocket reports whether the descriptor fd is of this very socket.
func (s *Socket) SameSocket(fd int) bool {
	var ours, other unix.Stat_t
	return unix.Fstat(s.fd, &ours) == nil && unix.Fstat(fd, &other) == nil &&
		ours.Dev == other.Dev && ours.Ino == other.Ino
}

// Close closes the socket and removes the file that it is bound to, if that is
// still the one that Listen or Dial made. An inherited standard descriptor stays
// open: a file that is opened later must not become the standard input of a
// command. Closing again does nothing.
func (s *Socket) Close() error {
	if s.markClosed() {
		return nil
	}
	var err error
	if s.file != nil {
		err = s.file.remove()
		s.file = nil
	}
	s.closePollers()
	// The poller of a socket of our own has closed its descriptor.
	polled := !s.foreign && s.in != nil
	standard := s.inherited && s.fd <= unix.Stderr
	if !polled && !standard && s.fd >= 0 {
		unix.Close(s.fd)
	}
	return err
}

// markClosed marks the socket as closed, and reports whether it was.
func (s *Socket) markClosed() (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, s.closed = s.closed, true
	return was
}

// Duplicate returns another descriptor of the socket: close-on-exec, and the
// caller's. Its status flags are those of the socket: O_NONBLOCK, unless the socket
// was made elsewhere and is blocking.
func (s *Socket) Duplicate() (int, error) {
	s.shared.Store(true)
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	return fd, os.NewSyscallError("fcntl", err)
}

// Detach closes the Socket and returns a descriptor of it: blocking unless the
// socket was made elsewhere and is not, close-on-exec, and the caller's. The file
// that it is bound to stays.
func (s *Socket) Detach() (int, error) {
	fd, err := s.Duplicate()
	if err == nil && !s.foreign {
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

// ShutdownRead refuses what peers send from now on, new connections included, and
// leaves what is queued to be received: shutdown(2) with SHUT_RD. It does nothing
// but on Unix sockets that this package made: TCP answers it with a reset, and a
// socket that was made elsewhere may have other users.
func (s *Socket) ShutdownRead() {
	if s.domain == unix.AF_UNIX && !s.foreign {
		unix.Shutdown(s.fd, unix.SHUT_RD)
	}
}

// ShutdownWrite ends the sending: the peer sees the end of file after what was
// sent. shutdown(2) with SHUT_WR.
func (s *Socket) ShutdownWrite() error {
	return s.wrap("shut down", os.NewSyscallError("shutdown", unix.Shutdown(s.fd, unix.SHUT_WR)))
}

// wrap makes err, if there is one, an *Error with what the socket is known by.
func (s *Socket) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	name := s.peer.String()
	if name == "" {
		name = s.local.String()
	}
	if name == "" {
		name = "fd:" + strconv.Itoa(s.fd)
	}
	return &Error{Name: name, Op: op, Err: err}
}
