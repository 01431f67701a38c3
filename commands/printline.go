package commands

import (
	"context"
	"os"

	"fdmsg/commands/internal/lines"
	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// printLine prints the only line of a command: its type, and what package record appends
// after the head. If writing has to wait for the reader, a signal ends the wait.
func printLine(ctx context.Context, in *descriptor.Inspector, typ string, body []byte) error {
	line := append(record.AppendHead(nil, typ, 1), body...)
	if waitsForNobody(in, unix.Stdout, len(line)) {
		if done, err := writeNow(unix.Stdout, line); done {
			return err
		}
	}
	ctx, stop := withSignals(ctx)
	defer stop()
	out := lines.New(os.Stdout, func() {})
	out.GiveUp(ctx)
	out.Write(typ, body)
	return out.Close()
}

// waitsForNobody reports whether size bytes can be written to fd without waiting for a
// reader: pipe(7), null(4).
func waitsForNobody(in *descriptor.Inspector, fd, size int) bool {
	const memory, pipeBuf = 1, 4096 // the major number of /dev/null; PIPE_BUF
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO:
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(fds, 0)
		return size <= pipeBuf && n == 1 && err == nil && fds[0].Revents == unix.POLLOUT
	case unix.S_IFREG:
		return !in.Stalls(fd)
	case unix.S_IFCHR:
		return unix.Major(uint64(st.Rdev)) == memory
	}
	return false
}

// writeNow writes line to fd, which is standard output, without os.Stdout, on which a broken
// pipe ends the process. done is false if the line would have to wait.
func writeNow(fd int, line []byte) (done bool, err error) {
	switch err := writeAll(fd, line); err {
	case nil:
		return true, nil
	case unix.EAGAIN:
		return false, nil
	default:
		return true, &lines.LostError{Name: "standard output", Lines: 1, Err: err}
	}
}

// writeAll writes b to fd: write(2).
func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err != nil && err != unix.EINTR {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}
