package fdio

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// Accept waits for a connection and takes it: accept4(2). What it returns has
// the local address of s. Errors that only this connection had are passed over.
func (s *Socket) Accept(ctx context.Context) (*Socket, error) {
	stop := context.AfterFunc(ctx, s.Interrupt)
	defer stop()
	for {
		fd, err := s.accept(ctx)
		if isConnectionError(err) {
			continue
		}
		if err != nil {
			return nil, s.wrap("accept", endOf(ctx, err))
		}
		return s.accepted(fd)
	}
}

// TryAccept is Accept without waiting: EAGAIN when no connection is queued. It
// must not be used on an inherited socket, which may be blocking.
func (s *Socket) TryAccept() (*Socket, error) {
	for {
		fd, err := accept4(s.fd)
		if isConnectionError(err) {
			continue
		}
		if err != nil {
			return nil, s.wrap("accept", err)
		}
		return s.accepted(fd)
	}
}

// isConnectionError reports whether accept(2) failed because of the connection
// that it was to return: it also passes on what the network has done to it.
func isConnectionError(err error) bool {
	switch err {
	case unix.ECONNABORTED, unix.EPERM, unix.EPROTO, unix.ENOPROTOOPT, unix.ENETDOWN,
		unix.ENETUNREACH, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENONET:
		return true
	}
	return false
}

func (s *Socket) accept(ctx context.Context) (fd int, err error) {
	if s.inherited {
		return s.acceptShared(ctx)
	}
	waitErr := s.WaitRead(func(uintptr) bool {
		fd, err = accept4(s.fd)
		return err != unix.EAGAIN
	})
	if waitErr != nil {
		return -1, waitErr
	}
	return fd, err
}

// acceptShared accepts from a listening socket that may be blocking and that
// another process may accept from, too: between the poller's word and accept4
// the connection can be gone, so that accept4 waits. It gets a thread of its
// own for that, which is left behind when ctx ends.
func (s *Socket) acceptShared(ctx context.Context) (int, error) {
	type result struct {
		fd  int
		err error
	}
	accepted := make(chan result)
	abandoned := make(chan struct{})
	defer close(abandoned)
	for {
		err := s.WaitRead(func(uintptr) bool { return ready(s.fd, unix.POLLIN) })
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

// acceptGrace is how long acceptShared still waits for accept4 to return what
// poll(2) has seen, when it is to end.
const acceptGrace = 50 * time.Millisecond

func accept4(fd int) (int, error) {
	return ignoringEINTR(func() (int, error) {
		n, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		return n, err
	})
}

func (s *Socket) accepted(fd int) (*Socket, error) {
	c := &Socket{fd: fd, domain: s.domain, typ: s.typ, connected: true, passesCreds: s.passesCreds, credsGiven: s.credsGiven}
	if err := c.poll(); err != nil {
		return nil, s.wrap("accept", err)
	}
	if s.domain == unix.AF_UNIX {
		c.local = s.local // as all connections have its name
		if name, err := getpeername(fd); err == nil {
			c.peer = name.address(s.typ)
		}
	} else {
		c.readNames()
		c.connected = true // though the peer may have gone, and its name with it
	}
	c.readPeerCredentials()
	if err := c.setOptions(s.options, s.local); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
