package commands

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// firstFD is where the descriptors for COMMAND begin: SD_LISTEN_FDS_START,
// sd_listen_fds(3).
const firstFD = 3

// lookCommand finds COMMAND as a shell does. The errors have the exit codes
// that a shell has for them.
func lookCommand(name string) (path string, err error) {
	path, err = exec.LookPath(name)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return path, nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, unix.ENOENT):
		return "", &exitError{exitNotFound, fmt.Errorf("%s: command not found", name), ""}
	}
	if e, ok := errors.AsType[*exec.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	return "", &exitError{exitCannotRun, fmt.Errorf("%s: cannot run: %w", name, err), ""}
}

// become makes this process COMMAND, which inherits fds, extra and the standard
// descriptors, and nothing else. It returns only if that fails; the descriptor
// table is then no longer that of the other threads, so that all there is left to
// do is to say so and exit.
func become(ctx context.Context, path string, argv, env []string, fds, extra []int) error {
	// A garbage collection that ended on this thread would look into the
	// runtime's epoll descriptor, whose number may be COMMAND's by then.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(math.MaxInt64)
	runtime.GC()
	signal.Reset() // from here on a signal ends the process by itself
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	runtime.LockOSThread() // and never unlock: see renumber
	if err := renumber(append(fds, extra...), firstFD); err != nil {
		return &exitError{exitCannotRun, fmt.Errorf("%s: cannot run: %w", path, err), ""}
	}
	err := syscall.Exec(path, argv, env)
	if err == syscall.ENOEXEC { // a script without #!, which shells run, too
		err = syscall.Exec("/bin/sh", append([]string{"sh", path}, argv[1:]...), env)
	}
	return &exitError{exitCannotRun, fmt.Errorf("%s: cannot run: %w", path, err), ""}
}

// renumber makes the descriptors fds first, first+1 ... in order, and everything
// else from first on close-on-exec. It does so in a descriptor table of the
// calling thread's own, to which the goroutine must be locked: the runtime,
// whose epoll descriptor may be among the numbers, goes on in the old one.
func renumber(fds []int, first int) error {
	if err := unix.CloseRange(uint(first), math.MaxUint32, unix.CLOSE_RANGE_UNSHARE|unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return os.NewSyscallError("close_range", err)
	}
	for i := range fds {
		target := first + i
		if err := makeWay(fds[i+1:], target, first+len(fds)); err != nil {
			return err
		}
		if fds[i] == target {
			if _, err := unix.FcntlInt(uintptr(target), unix.F_SETFD, 0); err != nil {
				return os.NewSyscallError("fcntl", err)
			}
			continue
		}
		if err := unix.Dup3(fds[i], target, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
		unix.Close(fds[i])
	}
	return nil
}

// makeWay moves the one of later that has the number target, if there is one,
// above all targets.
func makeWay(later []int, target, above int) error {
	for i, fd := range later {
		if fd != target {
			continue
		}
		moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, above)
		if err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		later[i] = moved
	}
	return nil
}

// maxEnvMessage is the longest message that fits into FDMSG_MESSAGE: one string
// of the environment has at most MAX_ARG_STRLEN bytes, execve(2).
const maxEnvMessage = 128<<10 - len("FDMSG_MESSAGE=") - 1

// commandEnv is the environment of COMMAND, which inherits so many descriptors:
// sd_listen_fds(3).
func commandEnv(fds int) (env []string) {
	for _, v := range os.Environ() {
		switch name, _, _ := strings.Cut(v, "="); name {
		case "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "FDMSG_MESSAGE", "FDMSG_MESSAGE_FD":
		default:
			env = append(env, v)
		}
	}
	return append(env, "LISTEN_FDS="+strconv.Itoa(fds), "LISTEN_PID="+strconv.Itoa(os.Getpid()))
}

// messageEnv is how COMMAND gets the message that came with fds: a variable, and
// the descriptor that it names, if any.
func messageEnv(message []byte, fds int) (variable string, extra []int, err error) {
	if text, ok := envText(message); ok {
		return "FDMSG_MESSAGE=" + text, nil, nil
	}
	fd, err := messageFile(message)
	if err != nil {
		return "", nil, err
	}
	return "FDMSG_MESSAGE_FD=" + strconv.Itoa(firstFD+fds), []int{fd}, nil
}

// envText is the message as the environment can hold it. A lone NUL byte is
// what goes with descriptors that are sent without a message.
func envText(message []byte) (text string, ok bool) {
	text = string(message)
	if text == "\x00" {
		return "", true
	}
	return text, len(text) <= maxEnvMessage && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// messageFile makes a memfd with the message, to be read from its beginning.
func messageFile(message []byte) (int, error) {
	fd, err := unix.MemfdCreate("fdmsg-message", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	for offset := 0; offset < len(message); {
		n, err := unix.Pwrite(fd, message[offset:], int64(offset))
		if err != nil {
			unix.Close(fd)
			return -1, os.NewSyscallError("pwrite", err)
		}
		offset += n
	}
	return fd, nil
}
