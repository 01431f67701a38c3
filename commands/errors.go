package commands

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"fdmsg/commands/internal/lines"
	"fdmsg/commands/internal/spawn"
	"fdmsg/fdio"
	"fdmsg/fdio/intake"

	"golang.org/x/sys/unix"
)

// The exit codes. In addition, the exit code is 128+N if signal N ends the process.
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

// exitError is an error with an exit code and a hint, which may be empty.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usage turns err into an error of wrong usage. The hint may be empty.
func usage(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &exitError{exitUsage, err, hint}
}

func usagef(hint, format string, args ...any) error {
	return usage(fmt.Errorf(format, args...), hint)
}

// Reasons for the end of a run other than failures.
var (
	errTimeout    = &exitError{exitTimeout, errors.New("timed out"), ""}
	errReaderGone = errors.New("the reader of the output has gone")
)

// errTold fails a run because of errors that have been printed already.
var errTold = errors.New("there were errors")

// signalError says that a signal ends the run.
type signalError struct{ signal unix.Signal }

func (e signalError) Error() string { return e.signal.String() }

// report prints err, with a hint if a cause is likely, and returns the exit code. If err is
// a signal, the process dies of that signal, and report does not return.
func report(command string, err error) int {
	if err == nil {
		return exitOK
	}
	signalled, bySignal := errors.AsType[signalError](err)
	for _, err := range separate(err) {
		if _, ok := errors.AsType[signalError](err); ok || err == errTold {
			continue // the exit status tells
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

// reword adds to the cause of an error what users of the command line look for: the name
// EAGAIN with MSG_DONTWAIT, and the flag that refused descriptors.
func reword(err error) error {
	if all := separate(err); len(all) > 1 {
		for i := range all {
			all[i] = reword(all[i])
		}
		return errors.Join(all...)
	}
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

// separate returns the errors that are joined in err by errors.Join.
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

// oneLine escapes what a terminal would react to or not show, such as control characters
// and those of the direction of text. They may come from a file name, for example.
func oneLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsGraphic(r) && r != utf8.RuneError {
			b.WriteRune(r)
			continue
		}
		q := fmt.Sprintf("%+q", string(r))
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// dieBy ends the process by a signal, so that its parent sees what ended it. A shell shows
// that as exit code 128+N.
func dieBy(s unix.Signal) int {
	signal.Reset(s)
	if unix.Kill(unix.Getpid(), s) == nil {
		select {}
	}
	return exitSignalledBy + int(s)
}

// dieBySIGPIPE ends the process as if it did not handle SIGPIPE. The Go runtime turns
// SIGPIPE into an error of the write, unless the write is to standard output and the
// process is not notified of the signal: see os/signal.
func dieBySIGPIPE() int {
	signal.Reset(syscall.SIGPIPE)
	os.Stdout.Write([]byte("\n"))
	return exitSignalledBy + int(syscall.SIGPIPE)
}
