package fdio

import (
	"errors"
	"os"
	"syscall"

	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

// Errors of sockets that were made elsewhere.
var (
	// ErrNotSocket says that a descriptor or a path is not a socket.
	ErrNotSocket = errors.New("not a socket")
	// ErrNotOpen says that a descriptor is not open, or that it is this process's
	// own and not inherited.
	ErrNotOpen = errors.New("descriptor not open")
)

// CheckInherited returns ErrNotOpen unless this process inherited the descriptor
// fd. One that is close-on-exec cannot have been inherited: it is one that the
// process, the Go runtime for example, has opened since. So a number that a user
// typed never names a descriptor that the user does not know of.
func CheckInherited(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return ErrNotOpen
	}
	return nil
}

// Inherit makes a Socket of the descriptor fd, which this process inherited
// (CheckInherited), and takes it over: Close closes it, but for a standard
// descriptor, 0 to 2. Its family, type and state are read from it. Options are
// set on it, and on the connections that are accepted from it.
//
// The socket's file status flags, which other processes may share, stay as they
// are, as does all else that others would notice: SO_PASSCRED is not set, and
// ShutdownRead does nothing.
func Inherit(fd int, options ...Option) (*Socket, error) {
	a := Address{Network: Inherited, FD: fd}
	if err := CheckInherited(fd); err != nil {
		return nil, &Error{Name: a.String(), Err: err}
	}
	s, err := foreign(fd)
	if err != nil {
		return nil, &Error{Name: a.String(), Err: err}
	}
	s.inherited = true
	if s.local == (Address{}) {
		s.local = a
	}
	return s.withOptions(options, a)
}

// FromFD makes a Socket of the descriptor fd, which belongs to the caller, and
// takes it over: Close closes it, and so does FromFD when it fails. All else is
// as with Inherit. It serves for a socket that was received in a message, or that
// socketpair(2) made.
func FromFD(fd int, options ...Option) (*Socket, error) {
	a := Address{Network: Inherited, FD: fd}
	s, err := foreign(fd)
	if err != nil {
		unix.Close(fd)
		return nil, &Error{Name: a.String(), Err: err}
	}
	return s.withOptions(options, a)
}

// FromConn makes a Socket of a duplicate of c's descriptor: c is an *os.File, a
// *net.UnixConn, a *net.UnixListener, a *net.TCPConn or anything else with a
// SyscallConn. Both are to be closed, in any order; c must not receive while the
// Socket does. All else is as with Inherit.
func FromConn(c syscall.Conn, options ...Option) (*Socket, error) {
	conn, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	controlErr := conn.Control(func(n uintptr) {
		fd, err = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 0)
	})
	if controlErr != nil {
		return nil, controlErr
	}
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return FromFD(fd, options...)
}

// foreign makes a Socket of one that was made elsewhere. fd is not closed when it
// fails.
func foreign(fd int) (*Socket, error) {
	s := &Socket{fd: fd, foreign: true}
	var err error
	if s.domain, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil {
		switch err {
		case unix.ENOTSOCK:
			return nil, ErrNotSocket
		case unix.EBADF:
			return nil, ErrNotOpen
		}
		return nil, os.NewSyscallError("getsockopt", err)
	}
	if s.typ, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil {
		return nil, os.NewSyscallError("getsockopt", err)
	}
	accepting, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	s.listening = err == nil && accepting != 0
	if s.in, err = poll.New(fd, waitEvents[forInput]); err != nil {
		return nil, err
	}
	s.readNames()
	if s.connected {
		s.readPeerCredentials()
	}
	return s, nil
}

// withOptions sets options on a foreign socket, known by the address a, and sees
// whether it delivers credentials then. It closes the socket when it fails.
func (s *Socket) withOptions(options []Option, a Address) (*Socket, error) {
	set := s.setOptions
	if s.listening {
		set = s.setListening
	}
	if err := set(options, a); err != nil {
		s.Close()
		return nil, err
	}
	if s.domain == unix.AF_UNIX {
		on, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_PASSCRED)
		s.passesCreds = err == nil && on != 0
		s.credsGiven = s.passesCreds || s.credsGiven
	}
	return s, nil
}
