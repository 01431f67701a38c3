package commands

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"fdmsg/commands/internal/lines"
	"fdmsg/commands/internal/spawn"
	"fdmsg/fdio"
	"fdmsg/fdio/intake"

	"golang.org/x/sys/unix"
)

// The exit codes. Besides these, a signal N that ends the process makes it 128+N.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitPeerEnded   = 3
	exitTimeout     = 124
	exitCannotRun   = 126
	exitNotFound    = 127
	exitSignalledBy = 128
)

// exitError is an error with its exit code, and with a hint unless that is empty.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usage makes err an error of wrong usage. hint may be empty.
func usage(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &exitError{exitUsage, err, hint}
}

func usagef(hint, format string, args ...any) error {
	return usage(fmt.Errorf(format, args...), hint)
}

// What ends a run without being a failure.
var (
	errTimeout    = &exitError{exitTimeout, errors.New("timed out"), ""}
	errReaderGone = errors.New("the reader of the output has gone")
)

// signalError says that a signal ends the run.
type signalError struct{ signal unix.Signal }

func (e signalError) Error() string { return e.signal.String() }

// report prints err, with a hint where a cause is likely, and returns its exit code.
// If err is a signal, the process dies by that signal, and report does not return.
func report(command string, err error) int {
	if err == nil {
		return exitOK
	}
	signalled, bySignal := errors.AsType[signalError](err)
	for _, err := range separate(err) {
		if _, ok := errors.AsType[signalError](err); ok {
			continue // the exit status says it
		}
		warn(command, err)
		if hint := hintFor(err); hint != "" {
			fmt.Fprintln(os.Stderr, "fdmsg: hint: "+oneLine(hint))
		}
	}
	if bySignal {
		return dieBy(signalled.signal)
	}
	if lost, ok := errors.AsType[*lines.LostError](err); ok && errors.Is(lost.Err, unix.EPIPE) {
		return dieBySIGPIPE()
	}
	switch {
	case errors.Is(err, spawn.ErrNotFound):
		return exitNotFound
	case errors.Is(err, spawn.ErrCannotRun):
		return exitCannotRun
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitFailed
}

// reword makes the cause of an error read as users of the command line know it: EAGAIN
// comes by its name, which they look for with MSG_DONTWAIT, and what a flag has caused
// names the flag.
func reword(err error) error {
	if e, ok := errors.AsType[*fdio.Error](err); ok {
		if cause := reword(e.Err); cause != e.Err {
			return &fdio.Error{Name: e.Name, Op: e.Op, Err: cause}
		}
		return err
	}
	switch err {
	case unix.EAGAIN:
		return fmt.Errorf("EAGAIN: %w", err)
	case intake.ErrDescriptors:
		return fmt.Errorf("%w: --fds cut", err)
	}
	return err
}

// separate returns the errors that errors.Join has joined in err.
func separate(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, err := range joined.Unwrap() {
		all = append(all, separate(err)...)
	}
	return all
}

// warn prints err as one line on standard error.
func warn(command string, err error) {
	prefix := "fdmsg: "
	if command != "" {
		prefix += command + ": "
	}
	fmt.Fprintln(os.Stderr, prefix+oneLine(err.Error()))
}

// oneLine escapes the characters in s that a terminal would act upon: s may contain
// anything, a file name for example.
func oneLine(s string) string {
	clean := true
	for _, r := range s {
		clean = clean && (r >= ' ' && r < 0x7f || r >= 0xa0 && r != 0xfffd)
	}
	if clean {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r >= ' ' && r < 0x7f || r >= 0xa0 && r != 0xfffd {
			b.WriteRune(r)
			continue
		}
		q := fmt.Sprintf("%+q", string(r))
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// dieBy ends the process by the signal, so that its parent sees what ended it. A
// shell shows that as 128+N.
func dieBy(s unix.Signal) int {
	signal.Reset(s)
	if unix.Kill(unix.Getpid(), s) == nil {
		select {}
	}
	return exitSignalledBy + int(s)
}

// dieBySIGPIPE ends the process as a process ends that does not handle SIGPIPE. The
// runtime makes SIGPIPE an error of the write, unless the write is to standard
// output and the signal is not notified: see os/signal.
func dieBySIGPIPE() int {
	signal.Reset(syscall.SIGPIPE)
	os.Stdout.Write([]byte("\n"))
	return exitSignalledBy + int(syscall.SIGPIPE)
}
