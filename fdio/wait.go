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
	s.deadline = t
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
	p, err := s.inputPoller()
	if err != nil {
		return err
	}
	err = p.conn.Read(try)
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

// WaitRecv waits until recvmsg(2) with flags would not wait. The error is
// os.ErrDeadlineExceeded after the deadline.
func (s *Socket) WaitRecv(flags int) error {
	if s.nested == nil {
		if err := s.WaitFor(flags); err != nil {
			return err
		}
	}
	const peekAll = unix.MSG_PEEK | unix.MSG_WAITALL
	if flags&peekAll == peekAll {
		// What has come stays there, so that only more of it is worth a look.
		before := s.Unread()
		return s.WaitRead(func(fd uintptr) bool { return s.Unread() > before || ready(int(fd), unix.POLLRDHUP) })
	}
	return s.WaitRead(isReadable)
}

// isReadable reports whether a descriptor is readable, which an epoll is where what it
// watches is as it is waited for.
func isReadable(fd uintptr) bool { return ready(int(fd), unix.POLLIN) }

func (s *Socket) inputPoller() (*poller, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nested != nil {
		return s.nested, nil
	}
	err := s.pollAgain()
	return s.in, err
}

// Unpoll takes the socket from the runtime's poller until it is waited for again,
// and reports whether it has. As long as messages are received without a wait, a
// thread that is idle otherwise would wait in the poller, to be woken for each of
// them. Nobody else may send or receive meanwhile, and no function that WaitRead
// calls may call it: the socket gets another descriptor, and closes the one it has.
// A socket with duplicates stays, since whoever has them may make it blocking.
func (s *Socket) Unpoll() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inherited || s.shared.Load() || s.nested != nil || s.in == nil || s.in != s.out {
		return false
	}
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return false
	}
	s.in.file.Close() // only that takes a descriptor from the poller
	s.fd, s.in, s.out = fd, nil, nil
	return true
}

// pollAgain is the end of Unpoll. It is called with mu held.
func (s *Socket) pollAgain() error {
	if s.inherited || s.in != nil {
		return nil
	}
	if err := s.poll(); err != nil {
		return err
	}
	s.applyDeadline(s.in)
	return nil
}

// applyDeadline makes waits on p, which is new, end when all others do. It is
// called with mu held.
func (s *Socket) applyDeadline(p *poller) {
	if s.interrupted.Load() {
		p.file.SetDeadline(longAgo)
	} else if !s.deadline.IsZero() {
		p.file.SetReadDeadline(s.deadline)
	}
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
	s.applyDeadline(p)
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
	if err := s.outputPoller(); err != nil {
		return err
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

// outputPoller sees to it that there is an out.
func (s *Socket) outputPoller() error {
	s.mu.Lock()
	err := s.pollAgain()
	s.mu.Unlock()
	if err != nil || s.out != nil {
		return err
	}
	return s.nestOut()
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
