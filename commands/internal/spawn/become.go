// Package spawn turns this process into another command, or starts one, which has given
// descriptors as 3, 4, 5 and so on: sd_listen_fds(3).
//
//   - handover.go: what a command gets: descriptors, environment, the message
//   - become.go: turning this process into the command: execve(2)
//   - child.go: starting a process that turns itself into the command
//   - runner.go: how many commands run at once, and how they end
//
// # What the kernel and the Go runtime do that shaped it
//
// The epoll descriptor of the Go runtime may have one of the numbers that the descriptors
// of the command are to get, and other threads go on using it. Therefore one thread, to
// which the goroutine is locked, gets a descriptor table of its own, with close_range(2)
// and CLOSE_RANGE_UNSHARE, and the numbers are set in that one. CLOSE_RANGE_CLOEXEC makes
// all other descriptors close-on-exec before that.
//
// LISTEN_PID has to be the process ID of the command, which is known only when the process
// exists. Therefore a child is this program again, which then becomes the command.
//
// execve(2) keeps ignored signals ignored. Go has handlers for most signals, which become
// the default action; SIGHUP and SIGINT stay ignored if they were when the process began.
//
// Go raises the soft limit of RLIMIT_NOFILE when a process begins and restores it in the
// programs that it executes, unless the process calls setrlimit(2). Nothing here does.
//
// A string in the environment can have 128 KiB (MAX_ARG_STRLEN) and no NUL byte: a message
// that does not fit is handed over in a file.
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

// FirstFD is the number of the first descriptor that a command gets: SD_LISTEN_FDS_START
// of sd_listen_fds(3).
const FirstFD = 3

// The causes of an Error.
var (
	ErrNotFound  = errors.New("command not found")
	ErrCannotRun = errors.New("cannot run")
)

// Error says that a command was not run. errors.Is finds ErrNotFound or ErrCannotRun in
// it, and the cause.
type Error struct {
	Name  string // of the command, as given
	Cause error  // nil if the command was not found
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Name + ": " + ErrNotFound.Error()
	}
	return fmt.Sprintf("%s: %v: %v", e.Name, ErrCannotRun, e.Cause)
}

// Is reports whether target is ErrNotFound or ErrCannotRun, whichever e is.
func (e *Error) Is(target error) bool {
	return target == ErrNotFound && e.Cause == nil || target == ErrCannotRun && e.Cause != nil
}

// Unwrap returns the cause.
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

// Become turns this process into the command in the file path. The command inherits the
// descriptors of h and the standard descriptors, and no others. Become returns only if
// that fails or ctx has ended. The thread may then have another descriptor table than the
// others, so that the caller can only report the error and exit.
func Become(ctx context.Context, path string, argv []string, h *Handover) error {
	// A garbage collection that ended on this thread would use the number of the
	// runtime's epoll descriptor, which may be a descriptor of the command by then.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(math.MaxInt64)
	runtime.GC()
	signal.Reset() // from here on, a signal ends the process
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	runtime.LockOSThread() // never unlocked: see renumber
	err := renumber(append(h.FDs, h.extra...), FirstFD)
	if err == nil {
		err = h.setStandard()
	}
	if err != nil {
		return &Error{path, err}
	}
	return execute(path, argv, h.Env)
}

// setStandard copies descriptors that have been renumbered to standard input and output.
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

// execute turns this process into the command. It returns only if that fails.
func execute(path string, argv, env []string) error {
	env = append(env, "LISTEN_PID="+strconv.Itoa(os.Getpid()))
	err := syscall.Exec(path, argv, env)
	if err == syscall.ENOEXEC { // a script without #!, which shells run as well
		err = syscall.Exec("/bin/sh", append([]string{"sh", path}, argv[1:]...), env)
	}
	return &Error{path, err}
}

// renumber gives the descriptors fds the numbers first, first+1 and so on, in order, and
// makes all others from first on close-on-exec. It does so in a new descriptor table of
// the calling thread, to which the goroutine must be locked. The Go runtime, whose epoll
// descriptor may have one of the numbers, goes on with the old table.
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

// makeWay gives the descriptor in later that has the number target, if there is one, a
// number above all targets.
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
