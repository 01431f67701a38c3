// Package spawn makes this process another command, or starts one, with descriptors
// of its own choosing as 3, 4, 5 ...: sd_listen_fds(3).
//
//   - handover.go: what a command is given: descriptors, environment, the message
//   - become.go: this process becomes the command: execve(2)
//   - child.go: a process that is started for it becomes the command
//   - runner.go: how many run at once, and how they end
//
// # What the kernel and the Go runtime do that shaped it
//
// The runtime's epoll descriptor may sit on one of the numbers that the command's
// descriptors are to have, and other threads go on using it. So the numbers are set
// in a descriptor table of one locked thread's own: close_range(2) with
// CLOSE_RANGE_UNSHARE. LISTEN_PID has to be the pid of the process that runs the
// command, which nobody knows before it is there: so a child is this program once
// more, which then becomes the command.
package spawn

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

// FirstFD is the number of the first descriptor that a command is given:
// SD_LISTEN_FDS_START of sd_listen_fds(3).
const FirstFD = 3

// The causes of an Error.
var (
	ErrNotFound  = errors.New("command not found")
	ErrCannotRun = errors.New("cannot run")
)

// Error says that a command was not run: errors.Is finds ErrNotFound or ErrCannotRun,
// and the cause.
type Error struct {
	Name  string // of the command, as it was given
	Cause error  // nil where it was not found
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Name + ": " + ErrNotFound.Error()
	}
	return fmt.Sprintf("%s: %v: %v", e.Name, ErrCannotRun, e.Cause)
}

// Is reports whether target is ErrNotFound or ErrCannotRun, whichever it is.
func (e *Error) Is(target error) bool {
	return target == ErrNotFound && e.Cause == nil || target == ErrCannotRun && e.Cause != nil
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Look finds the file of a command as a shell does. The error is an *Error.
func Look(name string) (path string, err error) {
	path, err = exec.LookPath(name)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return path, nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, unix.ENOENT):
		return "", &Error{Name: name}
	}
	if e, ok := errors.AsType[*exec.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	return "", &Error{name, err}
}

// Become makes this process the command of that file, which inherits what it is
// handed over and the standard descriptors, and nothing else. It returns only if that
// fails, or ctx has ended; the descriptor table is then no longer that of the other
// threads, so that all that is left to do is to say so and exit.
func Become(ctx context.Context, path string, argv []string, h *Handover) error {
	// A garbage collection that ended on this thread would look into the
	// runtime's epoll descriptor, whose number may be the command's by then.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(math.MaxInt64)
	runtime.GC()
	signal.Reset() // from here on a signal ends the process by itself
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	runtime.LockOSThread() // and never unlock: see renumber
	err := renumber(append(h.FDs, h.extra...), FirstFD)
	if err == nil {
		err = h.setStandard()
	}
	if err != nil {
		return &Error{path, err}
	}
	return execute(path, argv, h.Env)
}

// setStandard makes descriptors that have been renumbered standard input and output.
func (h *Handover) setStandard() error {
	for target, index := range []int{h.stdin, h.stdout} {
		if index < 0 {
			continue
		}
		if err := unix.Dup3(FirstFD+index, target, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	return nil
}

// execute makes this process the command. It returns only if that fails.
func execute(path string, argv, env []string) error {
	env = append(env, "LISTEN_PID="+strconv.Itoa(os.Getpid()))
	err := syscall.Exec(path, argv, env)
	if err == syscall.ENOEXEC { // a script without #!, which shells run too
		err = syscall.Exec("/bin/sh", append([]string{"sh", path}, argv[1:]...), env)
	}
	return &Error{path, err}
}

// renumber makes the descriptors fds first, first+1 ... in order, and everything
// else from first on close-on-exec. It does so in a descriptor table of the calling
// thread's own, to which the goroutine must be locked: the runtime, whose epoll
// descriptor may be among the numbers, goes on in the old one.
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

// makeWay moves the one of later that has the number target, if there is one, above
// all targets.
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
