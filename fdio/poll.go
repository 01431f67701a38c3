package fdio

import (
	"context"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A poller waits on the Go runtime's poller for a descriptor that cannot be
// put there itself: an inherited one, which may be blocking and whose flags
// are not ours to change. It is an epoll instance of its own with the one
// descriptor in it, nested in the runtime's: epoll(7).
type poller struct {
	file *os.File
	conn syscall.RawConn
}

func newPoller(fd int, events uint32) (*poller, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	event := unix.EpollEvent{Events: events}
	if err := unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		unix.Close(epfd)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	if err := unix.SetNonblock(epfd, true); err != nil { // or the runtime does not take it
		unix.Close(epfd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return newPolledFile(epfd, "epoll")
}

// newPolledFile puts fd, which is non-blocking, on the runtime's poller. It takes
// over fd.
func newPolledFile(fd int, name string) (*poller, error) {
	file := os.NewFile(uintptr(fd), name)
	conn, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &poller{file, conn}, nil
}

// ready reports whether events (or an error, or a hang-up) are there on fd now.
func ready(fd int, events int16) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	n, err := ignoringEINTR(func() (int, error) { return unix.Poll(fds, 0) })
	return err == nil && n > 0
}

// WaitHangup returns nil when the other end of fd, the reader of a pipe or the
// peer of a socket, has gone, and ctx's cause when ctx ends before that. What
// cannot be polled, a regular file for example, has no other end: EPERM.
func WaitHangup(ctx context.Context, fd int) error {
	return wait(ctx, fd, 0) // EPOLLERR and EPOLLHUP are always reported
}

// WaitReadable returns nil when a read from fd would not wait: there is input,
// or the end of it, or fd is of a kind that is never waited for. It returns
// ctx's cause when ctx ends before that. The file status flags of fd stay as
// they are.
func WaitReadable(ctx context.Context, fd int) error {
	if ready(fd, unix.POLLIN) {
		return nil
	}
	return wait(ctx, fd, unix.EPOLLIN)
}

func wait(ctx context.Context, fd int, events uint32) error {
	p, err := newPoller(fd, events)
	if err != nil {
		return err
	}
	defer p.file.Close()
	stop := context.AfterFunc(ctx, func() { p.file.SetDeadline(longAgo) })
	defer stop()
	err = p.conn.Read(func(uintptr) bool { return ready(fd, int16(events)) })
	return endOf(ctx, err)
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// ignoringEINTR calls f again as long as a signal interrupts it: signal(7).
func ignoringEINTR[T any](f func() (T, error)) (T, error) {
	for {
		v, err := f()
		if err != unix.EINTR {
			return v, err
		}
	}
}

// pause waits for d, or for the end of ctx, whose cause it then returns. It
// serves where the kernel offers nothing to wait for.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// backoff is the growing time between two attempts of what cannot be awaited.
type backoff time.Duration

// pause waits for the next attempt: 1 ms at first, doubling up to 50 ms.
func (b *backoff) pause(ctx context.Context) error {
	d := max(time.Duration(*b), time.Millisecond)
	*b = backoff(min(2*d, 50*time.Millisecond))
	return pause(ctx, d)
}
