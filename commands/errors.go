package commands

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"fdmsg/fdio"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// The exit codes; 128+N by signal N itself besides.
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

// exitError is an error with an exit code of its own, and perhaps a hint.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usage makes err one of wrong usage; hint may be empty.
func usage(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &exitError{exitUsage, err, hint}
}

func usagef(hint, format string, args ...any) error {
	return usage(fmt.Errorf(format, args...), hint)
}

// The ends of a run that are neither success nor failure.
var (
	errTimeout    = &exitError{exitTimeout, errors.New("timed out"), ""}
	errReaderGone = errors.New("the reader of the output has gone")
	errCounted    = errors.New("the count of messages is reached")
)

// signalError is the end of a run by a signal.
type signalError struct{ signal unix.Signal }

func (e signalError) Error() string { return e.signal.String() }

// report prints err, with a hint where a cause is likely, and returns the exit
// code that goes with it. For a signal it does not return: the process dies by
// it.
func report(command string, err error) int {
	if err == nil {
		return exitOK
	}
	signalled, bySignal := errors.AsType[signalError](err)
	for _, err := range separate(err) {
		if _, ok := errors.AsType[signalError](err); ok {
			continue // the signal says it
		}
		warn(command, err)
		if hint := hintFor(err); hint != "" {
			fmt.Fprintln(os.Stderr, "fdmsg: hint: "+oneLine(hint))
		}
	}
	if bySignal {
		return dieBy(signalled.signal)
	}
	if lost, ok := errors.AsType[*lostError](err); ok && errors.Is(lost.err, unix.EPIPE) {
		return dieBySIGPIPE()
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitFailed
}

// nameEAGAIN puts EAGAIN before what it means: with MSG_DONTWAIT it is what one
// looks for.
func nameEAGAIN(err error) error {
	if e, ok := errors.AsType[*fdio.Error](err); ok && e.Err == unix.EAGAIN {
		return &fdio.Error{Name: e.Name, Op: e.Op, Err: nameEAGAIN(e.Err)}
	}
	if err == unix.EAGAIN {
		return fmt.Errorf("EAGAIN: %w", err)
	}
	return err
}

// separate takes apart what errors.Join has joined.
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

// oneLine makes what may hold anything, a file name for example, harmless on a
// terminal.
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

// A causeHint says what one could do where the cause of an error is likely.
type causeHint struct {
	cause error
	hint  string
}

// causeHints are all there are; the first that fits is given. They are a function's, as
// a table of variables would have to be filled whenever the process begins.
func causeHints() []causeHint {
	return []causeHint{
		{fdio.ErrUnknownScheme, "what stands before the first colon is a scheme; for a file of that name write ./NAME"},
		{descriptor.ErrUnknownScheme, "what stands before the first colon is a scheme; for a file of that name write ./NAME or r:NAME"},
		{fdio.ErrDBus, "write unix:/PATH for unix:path=/PATH and unix:@NAME for unix:abstract=NAME"},
		{fdio.ErrNoScheme, "write ./NAME for a Unix socket's path, @NAME for an abstract name, tcp:HOST:PORT, udp:HOST:PORT or fd:N"},
		{errNotActivated, "systemd.socket(5) and systemd-socket-activate pass sockets; a shell in between has another pid than LISTEN_PID says"},
		{fdio.ErrNotOpen, "pass it on in the shell, as in N<FILE or N<&M"},
		{fdio.ErrControlAlone, "-m or -M gives the message a byte"},
		{fdio.ErrOptmem, "sysctl net.core.optmem_max is the most bytes of control messages in one call"},
		{fdio.ErrCredentials, "the pid must be of a living process, and one's own without CAP_SYS_ADMIN; the uid and gid one's own without CAP_SETUID, CAP_SETGID"},
		{fdio.ErrRightsRefused, "it has the socket option SO_PASSRIGHTS off"},
		{fdio.ErrNoDescriptorsHere, "use a unix:, unix-dgram: or unix-seqpacket: address"},
		{fdio.ErrFromTooLong, "use a name in the abstract namespace, as in unix-dgram:@NAME"},
		{fdio.ErrInTheWay, "remove it, or use another path"},
		{descriptor.ErrIsSocket, "a socket file is an address, not a descriptor"},
		{descriptor.ErrPtrace, "it takes the permission to trace the process: the same user, a dumpable process, kernel.yama.ptrace_scope; or CAP_SYS_PTRACE"},
		{descriptor.ErrNoReader, "start the reader first, or open it for both: rw:PATH"},
		{unix.EADDRINUSE, "something has this address already; ss -lxnp and ss -lntup show what"},
		{unix.EPROTOTYPE, "the server has a socket of another type: unix:, unix-dgram: or unix-seqpacket:"},
		{unix.EMSGSIZE, "the message is larger than one datagram of this socket can be"},
	}
}

func hintFor(err error) string {
	if e, ok := errors.AsType[*exitError](err); ok && e.hint != "" {
		return e.hint
	}
	if hint := nameHint(err); hint != "" {
		return hint
	}
	for _, h := range causeHints() {
		if errors.Is(err, h.cause) {
			return h.hint
		}
	}
	if e, ok := errors.AsType[*fdio.Error](err); ok && e.Op == "connect" &&
		(errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED)) {
		return "nobody listens there; --wait DURATION waits for a server that is about to start"
	}
	return ""
}

// dieBy ends the process by the signal, so that its parent sees how it ended:
// a shell's 128+N.
func dieBy(s unix.Signal) int {
	signal.Reset(s)
	if unix.Kill(unix.Getpid(), s) == nil {
		select {}
	}
	return exitSignalledBy + int(s)
}

// dieBySIGPIPE ends the process as one that does not handle SIGPIPE. The
// runtime turns a SIGPIPE into an error of the write, unless the write is to
// standard output and nobody asked for the signal: os/signal.
func dieBySIGPIPE() int {
	signal.Reset(syscall.SIGPIPE)
	os.Stdout.Write([]byte("\n"))
	return exitSignalledBy + int(syscall.SIGPIPE)
}
