package fdio

import (
	"cmp"
	"context"
	"errors"
	"os"

	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

// DefaultBacklog is how many connections may wait to be accepted where nothing else
// is said. The kernel lowers it to net.core.somaxconn: listen(2).
const DefaultBacklog = 4096

// DefaultMode are the permissions of a socket file where nothing else is said: only
// its owner may connect.
const DefaultMode os.FileMode = 0o600

// ListenOptions are the options of Listen. The zero value serves for most sockets.
type ListenOptions struct {
	// Mode are the permission bits of the socket file, whatever the umask; nil:
	// DefaultMode. Connecting takes write permission: unix(7).
	Mode *os.FileMode

	// Backlog is how many connections may wait to be accepted; 0: DefaultBacklog.
	Backlog int

	// Plain leaves SO_PASSCRED off, for a socket that is passed on: whoever
	// receives from it may not expect credentials.
	Plain bool

	// Exclusive says that one goroutine alone receives from, and sends on, the
	// socket or a connection that is accepted from it; deadlines may still be set by
	// anybody. The socket's descriptor may then change while it is used, which a
	// RawConn hides.
	Exclusive bool

	// Options are set before the socket is bound, and on every accepted connection
	// that does not inherit them.
	Options []Option
}

// Listen makes a socket that is bound to a, and listens where its type has
// connections: bind(2), listen(2). Of a host, the first address that can be bound
// is taken. For the address fd:N it is Inherit. The Socket is the caller's, who
// closes it.
//
// The file of a Unix path has its permissions from the first instant, and is
// removed by Close. A file that a dead server left behind is replaced; any other
// file is ErrInTheWay, a live server EADDRINUSE.
//
// Unix datagram sockets deliver the credentials of senders, in Incoming.Sender.
func Listen(ctx context.Context, a Address, opts ListenOptions) (*Socket, error) {
	if a.Network == Inherited {
		return Inherit(a.FD, opts.Options...)
	}
	targets, err := resolve(ctx, a, true)
	if err != nil {
		return nil, err
	}
	var s *Socket
	for _, t := range targets {
		if s, err = t.listen(ctx, opts); err == nil || ctx.Err() != nil || !noSuchAddress(err) {
			break
		}
	}
	return s, err
}

// noSuchAddress reports whether err says that this machine lacks an address or its
// family, so that another address of the host may do.
func noSuchAddress(err error) bool {
	return errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) ||
		errors.Is(err, unix.ENOPROTOOPT) // an option of the other family
}

func (t target) listen(ctx context.Context, opts ListenOptions) (*Socket, error) {
	s, err := newSocket(t.domain, t.typ)
	if err != nil {
		return nil, &Error{Name: t.address.String(), Op: "bind", Err: err}
	}
	if err := s.listen(ctx, t, opts); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Socket) listen(ctx context.Context, t target, opts ListenOptions) error {
	fail := func(op string, err error) error {
		return &Error{Name: t.address.String(), Op: op, Err: err}
	}
	s.exclusive = opts.Exclusive
	if err := s.setBeforeBind(t, opts.Plain); err != nil {
		return fail("bind", err)
	}
	if err := s.setListening(opts.Options, t.address); err != nil {
		return err
	}
	if err := s.bind(ctx, t, opts.Mode); err != nil {
		return err
	}
	if !s.IsDatagram() {
		if err := unix.Listen(s.fd, cmp.Or(opts.Backlog, DefaultBacklog)); err != nil {
			return fail("listen", os.NewSyscallError("listen", err))
		}
		s.listening = true
	}
	if err := s.poll(); err != nil {
		return fail("listen", err)
	}
	return nil
}

// setBeforeBind sets the options that the socket needs before it has a name.
func (s *Socket) setBeforeBind(t target, plain bool) error {
	switch {
	case s.domain == unix.AF_UNIX && plain:
		return nil
	case s.domain == unix.AF_UNIX && s.typ == unix.SOCK_DGRAM:
		// Before bind, since what is queued earlier carries no credentials.
		return s.passCredentials()
	case s.domain == unix.AF_UNIX:
		return s.askForEnd()
	}
	if s.domain == unix.AF_INET6 {
		// Both families, unless one was asked for, whatever net.ipv6.bindv6only says.
		only := 0
		if t.address.Network.family() == unix.AF_INET6 {
			only = 1
		}
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if s.typ != unix.SOCK_STREAM {
		return nil
	}
	// A server can then be started again while connections of its last run linger.
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
}

// bind gives the socket its name, and makes the file of a Unix path.
func (s *Socket) bind(ctx context.Context, t target, mode *os.FileMode) error {
	path, isPath := t.address.Path()
	if !isPath {
		if err := sockname.Bind(s.fd, &t.name); err != nil {
			return &Error{Name: t.address.String(), Op: "bind", Err: err}
		}
		s.readNames()
		return nil
	}
	permissions := DefaultMode
	if mode != nil {
		permissions = *mode
	}
	t.address = t.address.absolute()
	if abs, _ := t.address.Path(); len(abs) <= sockname.MaxPath {
		path = abs // of use to peers with another working directory
	}
	file, err := bindFile(ctx, s.fd, path, permissions)
	if err != nil {
		return &Error{Name: t.address.String(), Op: "bind", Err: err}
	}
	s.file, s.local = file, t.address
	return nil
}
