package descriptor

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

// Open opens what s names. The caller owns the descriptor, except if s is
// Inherited: that is the process's own number. Opening a path never blocks, and
// never makes a terminal the controlling one; connecting and copying end with ctx.
// The descriptor is blocking and close-on-exec. Errors are of type *fdio.Error.
func (s Spec) Open(ctx context.Context) (int, error) {
	fd, err := findScheme(s.Scheme).open(ctx, s)
	if err == nil {
		return fd, nil
	}
	if _, ok := errors.AsType[*fdio.Error](err); ok {
		return -1, err // says more
	}
	text := s.String()
	if s.Scheme == "r" {
		text = s.Path
	}
	return -1, &fdio.Error{Name: text, Op: "open", Err: err}
}

func openInherited(_ context.Context, s Spec) (int, error) { return s.FD, fdio.CheckInherited(s.FD) }

func openToRead(_ context.Context, s Spec) (int, error) { return openPath(s.Path, unix.O_RDONLY) }

func openToWrite(_ context.Context, s Spec) (int, error) {
	return openPath(s.Path, unix.O_WRONLY|unix.O_CREAT)
}

func openForBoth(_ context.Context, s Spec) (int, error) {
	return openPath(s.Path, unix.O_RDWR|unix.O_CREAT)
}

func openToAppend(_ context.Context, s Spec) (int, error) {
	return openPath(s.Path, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT)
}

func openOnlyPath(_ context.Context, s Spec) (int, error) {
	for {
		fd, err := unix.Open(s.Path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func openConnected(ctx context.Context, s Spec) (int, error) {
	socket, err := fdio.Dial(ctx, s.Address, fdio.DialOptions{Wait: s.Wait})
	if err != nil {
		return -1, err
	}
	return socket.Detach()
}

func openListening(ctx context.Context, s Spec) (int, error) {
	socket, err := fdio.Listen(ctx, s.Address, fdio.ListenOptions{Plain: true})
	if err != nil {
		return -1, err
	}
	return socket.Detach()
}

// openPidfd wraps pidfd_open(2).
func openPidfd(_ context.Context, s Spec) (int, error) {
	fd, err := unix.PidfdOpen(s.PID, 0)
	if err == unix.ESRCH || err == unix.EINVAL { // or a thread's
		err = ErrNoProcess
	}
	return fd, err
}

// openOther wraps pidfd_getfd(2), which takes the permission to trace the process:
// ptrace(2).
func openOther(ctx context.Context, s Spec) (int, error) {
	pidfd, err := openPidfd(ctx, s)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, s.FD, 0)
	switch err {
	case unix.EPERM:
		err = ErrPtrace
	case unix.EBADF:
		err = ErrNoDescriptor
	case unix.ESRCH:
		err = ErrNoProcess
	}
	return fd, err
}

// openCopy makes a memfd with a copy of a file or of standard input, and seals it:
// memfd_create(2), F_ADD_SEALS of fcntl(2).
func openCopy(ctx context.Context, s Spec) (int, error) {
	from := unix.Stdin
	name := "stdin"
	if s.Path != "-" {
		var err error
		if from, err = openPath(s.Path, unix.O_RDONLY); err != nil {
			return -1, err
		}
		defer unix.Close(from)
		name = filepath.Base(s.Path)
	}
	const longestName = 249 // NAME_MAX without "memfd:"
	fd, err := unix.MemfdCreate(name[:min(len(name), longestName)], unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	if _, err = copyContents(patience{ctx: ctx}, fd, from, noLimit); err == nil {
		_, err = unix.Seek(fd, 0, unix.SEEK_SET)
	}
	const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// openPath opens with O_NONBLOCK, so as not to wait for the writer of a FIFO or for
// a modem line, and clears the flag after that: open(2), fifo(7).
func openPath(path string, flags int) (int, error) {
	flags |= unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC | unix.O_LARGEFILE
	for {
		fd, err := unix.Open(path, flags, 0o666)
		switch err {
		case nil:
			return blocking(fd)
		case unix.EINTR:
		case unix.ENXIO:
			return -1, noDevice(path)
		default:
			return -1, err
		}
	}
}

// blocking clears O_NONBLOCK, and closes fd if that fails.
func blocking(fd int) (int, error) {
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("fcntl", err)
	}
	return fd, nil
}

// noDevice returns what ENXIO stands for: open(2).
func noDevice(path string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err == nil {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFIFO:
			return ErrNoReader
		case unix.S_IFSOCK:
			return ErrIsSocket
		}
	}
	return unix.ENXIO
}
