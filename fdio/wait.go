package fdio

import (
	"context"
	"errors"
	"os"

	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

// A direction is what waits are for: something to receive, or room to send.
type direction int

const (
	receiving direction = iota
	sending
)

// waitKind is what is waited for to receive something.
type waitKind int

const (
	forInput waitKind = iota
	forUrgent
	forErrors
)

// waitEvents are the events of epoll_ctl(2) that each kind waits for. EPOLLERR
// and EPOLLHUP are always reported.
var waitEvents = [...]uint32{
	forInput:  unix.EPOLLIN | unix.EPOLLRDHUP,
	forUrgent: unix.EPOLLPRI | unix.EPOLLRDHUP,
	forErrors: 0,
}

// rare is what a socket has that is waited for in an uncommon way.
type rare struct {
	nested [len(waitEvents)]*poll.Poller // wait for each kind instead of Socket.in
	limits [2]limit                      // by direction
}

// waitKind returns what to wait for before recvmsg(2) with flags. Unix sockets
// have no error queue.
func (s *Socket) waitKind(flags int) waitKind {
	switch {
	case flags&unix.MSG_ERRQUEUE != 0 && s.domain != unix.AF_UNIX:
		return forErrors
	case flags&unix.MSG_OOB != 0 && s.IsStream():
		return forUrgent
	}
	return forInput
}

// await calls try, which must not block, at once and whenever conn says that it is
// worth it, until it returns true. The wait ends with ctx, whose cause it then
// returns, and at the deadline of its direction.
func (s *Socket) await(ctx context.Context, d direction, conn rawReadWriter, try func(uintptr) bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	wait := conn.Read
	if d == sending {
		wait = conn.Write
	}
	if ctx.Done() == nil {
		return wait(try)
	}
	// What need not be waited for costs no more than a look at ctx.
	var stop func() bool
	var ended chan struct{}
	err := wait(func(fd uintptr) bool {
		if try(fd) {
			return true
		}
		if stop == nil {
			ended = make(chan struct{})
			stop = context.AfterFunc(ctx, func() {
				s.end(d, 1)
				close(ended)
			})
		}
		return false
	})
	if stop != nil && !stop() {
		<-ended
		s.end(d, -1)
	}
	return poll.CauseOf(ctx, err)
}

// WaitRecv waits until recvmsg(2) with flags would not wait: for input, with MSG_OOB
// on a stream for urgent data, with MSG_ERRQUEUE for a message of the error queue. The
// error is os.ErrDeadlineExceeded at the read deadline. With MSG_PEEK and MSG_WAITALL
// it waits for more than there is. It serves programs that receive with TryRecv: they
// wait and receive apart.
func (s *Socket) WaitRecv(flags int) error {
	const peekAll = unix.MSG_PEEK | unix.MSG_WAITALL
	kind, inVain := s.waitKind(flags), s.woken && s.domain != unix.AF_UNIX
	s.woken = true
	switch {
	case kind == forErrors && inVain:
		return s.wrap("wait", s.waitPastErrors((&kindConn{(*rawConn)(s), kind}).Read, unix.POLLERR))
	case kind != forInput:
		return s.wrap("wait", (&kindConn{(*rawConn)(s), kind}).Read(isReady[kind]))
	case flags&peekAll == peekAll:
		return s.waitForMore()
	case inVain:
		return s.waitPastErrors((*rawConn)(s).Read, unix.POLLIN)
	}
	return (*rawConn)(s).Read(isReady[forInput])
}

// waitPastErrors waits for wanted, POLLIN or POLLERR, or a pending error. poll(2)
// shows a pending error as it shows a message in the error queue, though none of the
// two ends when the other one is received. Only SO_ERROR tells them apart, and takes
// the error: it is what the next receive returns.
//
//go:noinline
func (s *Socket) waitPastErrors(wait func(func(uintptr) bool) error, wanted int16) error {
	return wait(func(fd uintptr) bool {
		events := poll.Events(int(fd), wanted&^unix.POLLERR)
		if events != unix.POLLERR {
			return events&^unix.POLLERR != 0
		}
		code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil {
			return true
		}
		if code != 0 {
			s.deferred = os.NewSyscallError("recvmsg", unix.Errno(code))
		}
		return code != 0 || wanted == unix.POLLERR
	})
}

// isReady reports whether what each kind waits for is there.
var isReady = [...]func(fd uintptr) bool{
	forInput:  func(fd uintptr) bool { return poll.Ready(int(fd), unix.POLLIN) },
	forUrgent: func(fd uintptr) bool { return poll.Ready(int(fd), unix.POLLPRI|unix.POLLRDHUP) },
	forErrors: func(fd uintptr) bool { return poll.Ready(int(fd), unix.POLLERR) },
}

// waitForMore waits for more bytes than are queued, or the end.
func (s *Socket) waitForMore() error {
	before, err := unix.IoctlGetInt(s.fd, unix.SIOCINQ)
	if err != nil {
		return s.wrap("wait", os.NewSyscallError("ioctl", err))
	}
	return (*rawConn)(s).Read(func(fd uintptr) bool {
		now, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ)
		return err != nil || now > before || poll.Ready(int(fd), unix.POLLRDHUP)
	})
}

// rawReadWriter is the waiting half of syscall.RawConn.
type rawReadWriter interface {
	Read(try func(fd uintptr) bool) error
	Write(try func(fd uintptr) bool) error
}

// inputPoller returns what waits for input, and whether that is the socket
// itself.
func (s *Socket) inputPoller() (p *poll.Poller, direct bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, os.ErrClosed
	}
	if s.rare != nil && s.rare.nested[forInput] != nil {
		return s.rare.nested[forInput], false, nil
	}
	err = s.joinPoller()
	return s.in, !s.foreign, err
}

// nest returns a poller of our own for what kind waits for, which inputPoller
// returns from now on if it is forInput.
func (s *Socket) nest(kind waitKind) (*poll.Poller, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, os.ErrClosed
	}
	p := &s.uncommon().nested[kind]
	if *p != nil {
		return *p, nil
	}
	nested, err := poll.New(s.fd, waitEvents[kind])
	if err != nil {
		return nil, err
	}
	*p = nested
	return nested, s.apply(receiving)
}

// outputPoller returns what waits for room to send, and whether that is the
// socket itself.
func (s *Socket) outputPoller() (p *poll.Poller, direct bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, os.ErrClosed
	}
	if err := s.joinPoller(); err != nil {
		return nil, false, err
	}
	if s.out == nil {
		p, err = s.nestOutput()
		return p, false, err
	}
	return s.out, s.out == s.in, nil
}

// replaceOutput makes the poller that outputPoller returns instead of the socket
// itself.
func (s *Socket) replaceOutput() (*poll.Poller, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, os.ErrClosed
	}
	return s.nestOutput()
}

// nestOutput makes the poller that outputPoller returns from now on. It is called
// with mu held.
func (s *Socket) nestOutput() (*poll.Poller, error) {
	out, err := poll.New(s.fd, unix.EPOLLOUT)
	if err != nil {
		return nil, err
	}
	s.out = out
	return out, s.apply(sending)
}

// stopsPolling reports whether err, of a wait on the socket itself, may say that
// the runtime no longer polls it: EPOLLERR alone, which transmit timestamps and
// other messages of the error queue cause, is the end of polling to it.
func stopsPolling(err error) bool {
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// uncommon returns s.rare. It is called with mu held.
func (s *Socket) uncommon() *rare {
	if s.rare == nil {
		s.rare = new(rare)
	}
	return s.rare
}

// closePollers closes all pollers, that of a socket of our own with its
// descriptor.
func (s *Socket) closePollers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rare != nil {
		for _, p := range s.rare.nested {
			if p != nil {
				p.File.Close()
			}
		}
	}
	if s.out != nil && s.out != s.in {
		s.out.File.Close()
	}
	if s.in != nil {
		s.in.File.Close()
	}
}
