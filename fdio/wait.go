package fdio

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Interrupt makes every wait on the socket, now and later, end with
// os.ErrDeadlineExceeded.
func (s *Socket) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupted.Store(true)
	for _, p := range []*poller{s.in, s.out, s.nested} {
		if p != nil {
			p.file.SetDeadline(longAgo)
		}
	}
}

// Interrupted reports whether Interrupt has been called.
func (s *Socket) Interrupted() bool { return s.interrupted.Load() }

// SetReadDeadline makes waits for input end with os.ErrDeadlineExceeded at t, the
// zero time for never. It does nothing after Interrupt.
func (s *Socket) SetReadDeadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range []*poller{s.in, s.nested} {
		if p != nil && !s.interrupted.Load() {
			p.file.SetReadDeadline(t)
		}
	}
}

// WaitRead calls try, at once and whenever there may be input, until it
// returns true. Try must not block. The error is os.ErrDeadlineExceeded after
// Interrupt.
func (s *Socket) WaitRead(try func(uintptr) bool) error {
	s.mu.Lock()
	p := s.in
	if s.nested != nil {
		p = s.nested
	}
	s.mu.Unlock()
	err := p.conn.Read(try)
	if err == nil || p == s.nested || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, os.ErrClosed) {
		return err
	}
	// The runtime takes EPOLLERR alone, which transmit timestamps and other
	// messages of the error queue cause, for the end of polling.
	if p, err = s.nest(unix.EPOLLIN | unix.EPOLLRDHUP); err != nil {
		return err
	}
	return p.conn.Read(try)
}

// nest makes WaitRead wait in an epoll of our own from now on.
func (s *Socket) nest(events uint32) (*poller, error) {
	p, err := newPoller(s.fd, events)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nested = p
	if s.interrupted.Load() {
		p.file.SetDeadline(longAgo)
	}
	return p, nil
}

// WaitFor makes WaitRead wait for what recvmsg(2) receives with flags, where
// that is nothing that wakes those who wait for input: urgent data (MSG_OOB on
// streams, EPOLLPRI in epoll_ctl(2)) and the error queue (MSG_ERRQUEUE,
// EPOLLERR). It comes before the socket is waited for.
func (s *Socket) WaitFor(flags int) (err error) {
	switch {
	case flags&unix.MSG_ERRQUEUE != 0 && s.domain != unix.AF_UNIX: // they have none
		_, err = s.nest(0) // EPOLLERR and EPOLLHUP are always reported
	case flags&unix.MSG_OOB != 0 && s.IsStream():
		_, err = s.nest(unix.EPOLLPRI | unix.EPOLLRDHUP)
	}
	return s.wrap("wait", err)
}

// waitWrite is WaitRead for room for output.
func (s *Socket) waitWrite(ctx context.Context, try func(uintptr) bool) error {
	if s.out == nil {
		if err := s.nestOut(); err != nil {
			return err
		}
	}
	err := s.waitOut(ctx, try)
	if err == nil || ctx.Err() != nil || s.out != s.in || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, os.ErrClosed) {
		return endOf(ctx, err)
	}
	if err := s.nestOut(); err != nil { // see WaitRead
		return err
	}
	return endOf(ctx, s.waitOut(ctx, try))
}

func (s *Socket) nestOut() error {
	out, err := newPoller(s.fd, unix.EPOLLOUT)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = out
	return nil
}

func (s *Socket) waitOut(ctx context.Context, try func(uintptr) bool) error {
	out := s.out
	stop := context.AfterFunc(ctx, func() { out.file.SetDeadline(longAgo) })
	defer stop()
	if out == s.in {
		return out.conn.Write(try)
	}
	return out.conn.Read(try) // of the epoll, which is readable when the socket is ready
}

// endOf is err, or ctx's cause where err comes from its end.
func endOf(ctx context.Context, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
