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
	"syscall"

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

// handover is what COMMAND is given.
type handover struct {
	fds    []int // become 3, 4, 5 ...
	extra  []int // come after them
	stdin  int   // index of the one of fds that is standard input as well, -1: none
	stdout int
	env    []string // without LISTEN_PID
}

// become makes this process COMMAND, which inherits what it is handed over and
// the standard descriptors, and nothing else. It returns only if that fails; the
// descriptor table is then no longer that of the other threads, so that all there
// is left to do is to say so and exit.
func become(ctx context.Context, path string, argv []string, h handover) error {
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
	err := renumber(append(h.fds, h.extra...), firstFD)
	if err == nil {
		err = h.setStandard()
	}
	if err != nil {
		return cannotRun(path, err)
	}
	return execCommand(path, argv, h.env)
}

// setStandard makes descriptors standard input and output that have been
// renumbered.
func (h *handover) setStandard() error {
	for target, index := range []int{h.stdin, h.stdout} {
		if index < 0 {
			continue
		}
		if err := unix.Dup3(firstFD+index, target, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	return nil
}

// execCommand makes this process COMMAND. It returns only if that fails.
func execCommand(path string, argv, env []string) error {
	env = append(env, "LISTEN_PID="+strconv.Itoa(os.Getpid()))
	err := syscall.Exec(path, argv, env)
	if err == syscall.ENOEXEC { // a script without #!, which shells run, too
		err = syscall.Exec("/bin/sh", append([]string{"sh", path}, argv[1:]...), env)
	}
	return cannotRun(path, err)
}

func cannotRun(path string, err error) error {
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
