// Package poll waits for descriptors on the Go runtime's poller, those included
// that cannot be put there: the runtime takes non-blocking descriptors only, and
// O_NONBLOCK belongs to the open file description, which other processes may
// share. Such a descriptor is put into an epoll instance of our own, and that
// into the runtime's: epoll(7) instances can be nested.
package poll

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// Poller is a descriptor on the runtime's poller.
type Poller struct {
	File *os.File
	Conn syscall.RawConn
}

// New returns a Poller that is readable while one of events is there on fd.
// EPOLLERR and EPOLLHUP always are among them. fd stays the caller's, and must
// not be closed before the Poller.
func New(fd int, events uint32) (*Poller, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	event := unix.EpollEvent{Events: events}
	if err := unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		unix.Close(epfd)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	if err := unix.SetNonblock(epfd, true); err != nil { // or the runtime refuses it
		unix.Close(epfd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return NewFile(epfd, "epoll")
}

// NewFile puts fd, which must be non-blocking, on the runtime's poller. It takes
// fd over, and closes it if that fails.
func NewFile(fd int, name string) (*Poller, error) {
	file := os.NewFile(uintptr(fd), name)
	conn, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Poller{file, conn}, nil
}

// Ready reports whether one of events, an error or a hangup is there on fd now:
// poll(2).
func Ready(fd int, events int16) bool { return Events(fd, events) != 0 }

// Events returns which of events are there on fd now, POLLERR and POLLHUP included:
// poll(2).
func Events(fd int, events int16) int16 {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	if _, err := sys.Retry(func() (int, error) { return unix.Poll(fds, 0) }); err != nil {
		return 0
	}
	return fds[0].Revents
}

// AwaitHangup returns nil when fd has an error or a hangup, or ctx's cause when
// ctx ends before that. The error is EPERM for what cannot be polled, a regular
// file for example.
func AwaitHangup(ctx context.Context, fd int) error { return await(ctx, fd, 0) }

// AwaitReadable returns nil when a read from fd would not wait: there is input,
// or the end of it, or reads of such a file never wait. It returns ctx's cause
// when ctx ends before that. The file status flags of fd are not changed.
func AwaitReadable(ctx context.Context, fd int) error {
	if Ready(fd, unix.POLLIN) {
		return nil
	}
	return await(ctx, fd, unix.EPOLLIN)
}

func await(ctx context.Context, fd int, events uint32) error {
	p, err := New(fd, events)
	if err != nil {
		return err
	}
	defer p.File.Close()
	stop := context.AfterFunc(ctx, func() { p.File.SetDeadline(LongAgo) })
	defer stop()
	err = p.Conn.Read(func(uintptr) bool { return Ready(fd, int16(events)) })
	return CauseOf(ctx, err)
}

// LongAgo is a deadline that has passed.
var LongAgo = time.Unix(1, 0)

// CauseOf returns err, or ctx's cause where err is a deadline that passed because
// ctx ended.
func CauseOf(ctx context.Context, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Backoff is the growing time between two attempts at what cannot be waited for.
type Backoff time.Duration

// Sleep waits until the next attempt: 1 ms at first, then twice as long each time
// up to 50 ms. It returns ctx's cause if ctx ends before that.
func (b *Backoff) Sleep(ctx context.Context) error {
	d := max(time.Duration(*b), time.Millisecond)
	*b = Backoff(min(2*d, 50*time.Millisecond))
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
