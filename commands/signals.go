package commands

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// withSignals returns a context that SIGINT, SIGTERM and SIGHUP end with a
// signalError as its cause; one that was ignored when the process began stays
// ignored (nohup). A second signal ends the process at once. A parent that they
// end already comes back as it is.
func withSignals(parent context.Context) (context.Context, func()) {
	if parent.Value(heedingSignals{}) != nil {
		return parent, func() {}
	}
	ctx, cancel := context.WithCancelCause(context.WithValue(parent, heedingSignals{}, true))
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	surviveWrites()
	go func() {
		first := (<-signals).(syscall.Signal)
		cancel(signalError{first})
		dieBy((<-signals).(syscall.Signal))
	}()
	return ctx, func() { cancel(nil) }
}

// heedingSignals is the key of a value that contexts have which signals end.
type heedingSignals struct{}

// surviveWrites makes a write to a broken pipe, or beyond ulimit -f, an error of
// that write. The signals are asked for and not looked at: ignoring them would be
// inherited by COMMAND.
func surviveWrites() { signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE, unix.SIGXFSZ) }
