package fdio

import (
	"context"
	"time"

	"fdmsg/fdio/internal/poll"
	"fdmsg/fdio/internal/sockname"
	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// ConnectionError is an error of a connection that was to be accepted, the peer of
// which has left already, for example. It concerns that connection alone: the next
// call accepts the next one.
type ConnectionError struct {
	Err      error
	Accepted bool // accept4(2) had returned the connection, which is closed again
}

// Error returns the text of the error.
func (e *ConnectionError) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e *ConnectionError) Unwrap() error { return e.Err }

// Accept waits for a connection and takes it: accept4(2). What it returns has the
// local address of s, and is the caller's. An error that only this connection had
// wraps a *ConnectionError. The wait ends with ctx, whose cause it then returns, and
// at the read deadline with os.ErrDeadlineExceeded.
func (s *Socket) Accept(ctx context.Context) (*Socket, error) {
	return s.taken(s.accept(ctx))
}

// TryAccept is Accept without waiting: EAGAIN when no connection is queued. It must
// not be used on a socket that was made elsewhere, which may be blocking.
func (s *Socket) TryAccept() (*Socket, error) {
	return s.taken(accept4(s.fd))
}

// taken returns the Socket of a connection that accept4(2) has returned.
func (s *Socket) taken(fd int, err error) (*Socket, error) {
	if isConnectionError(err) {
		err = &ConnectionError{Err: err}
	}
	if err != nil {
		return nil, s.wrap("accept", err)
	}
	return s.accepted(fd)
}

// isConnectionError reports whether accept(2) failed because of the connection that
// it was to return: it also returns what the network has done to that.
func isConnectionError(err error) bool {
	switch err {
	case unix.ECONNABORTED, unix.EPERM, unix.EPROTO, unix.ENOPROTOOPT, unix.ENETDOWN,
		unix.ENETUNREACH, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENONET:
		return true
	}
	return false
}

func (s *Socket) accept(ctx context.Context) (fd int, err error) {
	if s.foreign {
		return s.acceptShared(ctx)
	}
	waitErr := s.await(ctx, receiving, (*rawConn)(s), func(uintptr) bool {
		fd, err = accept4(s.fd)
		return err != unix.EAGAIN
	})
	if waitErr != nil {
		return -1, waitErr
	}
	return fd, err
}

// acceptShared accepts from a listening socket that may be blocking and that other
// processes may accept from. Another one may take the connection after the poller
// has reported it, so that accept4(2) waits: it gets a thread of its own, which is
// left behind when ctx ends.
func (s *Socket) acceptShared(ctx context.Context) (int, error) {
	type result struct {
		fd  int
		err error
	}
	accepted := make(chan result)
	abandoned := make(chan struct{})
	defer close(abandoned)
	for {
		err := s.await(ctx, receiving, (*rawConn)(s), func(uintptr) bool { return poll.Ready(s.fd, unix.POLLIN) })
		if err != nil {
			return -1, err
		}
		go func() {
			fd, err := accept4(s.fd)
			select {
			case accepted <- result{fd, err}:
			case <-abandoned:
				if err == nil {
					unix.Close(fd)
				}
			}
		}()
		var r result
		select {
		case r = <-accepted:
		case <-ctx.Done():
			// The connection was there a moment ago: most likely it is ours.
			select {
			case r = <-accepted:
			case <-time.After(acceptGrace):
				return -1, context.Cause(ctx)
			}
		}
		if r.err == unix.EAGAIN { // non-blocking, and somebody was faster
			continue
		}
		return r.fd, r.err
	}
}

// acceptGrace is how long acceptShared, when it is to end, still waits for accept4
// to return the connection that poll(2) has seen.
const acceptGrace = 50 * time.Millisecond

func accept4(fd int) (int, error) {
	return sys.Retry(func() (int, error) {
		n, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		return n, err
	})
}

func (s *Socket) accepted(fd int) (*Socket, error) {
	c := &Socket{fd: fd, domain: s.domain, typ: s.typ, connected: true, exclusive: s.exclusive, passesCreds: s.passesCreds, credsGiven: s.credsGiven}
	if err := c.poll(); err != nil {
		return nil, s.wrap("accept", &ConnectionError{err, true})
	}
	if s.domain == unix.AF_UNIX {
		c.local = s.local // all connections have its name
		if name, connected := sockname.Peer(fd); connected {
			c.peer = addressOf(&name, s.typ)
		}
	} else {
		c.readNames()
		c.connected = true // though the peer may have gone, and its name with it
	}
	c.readPeerCredentials()
	if o, err := c.setEach(s.options); err != nil {
		c.Close()
		return nil, &Error{Name: s.local.String(), Op: "set " + o.text, Err: &ConnectionError{err, true}}
	}
	return c, nil
}
