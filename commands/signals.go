package commands

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// withSignals returns a context that ends, with a signalError as its cause, at SIGINT,
// SIGTERM or SIGHUP. A signal that was ignored when the process began remains ignored, as
// nohup intends. A second signal ends the process at once. If parent is such a context
// already, withSignals returns it.
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

// heedingSignals is the key of a value that marks the contexts of withSignals.
type heedingSignals struct{}

// surviveWrites turns the signals of a write to a broken pipe, or of one beyond ulimit -f,
// into an error of that write. The process is notified of the signals, but does not use
// the notifications: if it ignored the signals, COMMAND would inherit that.
func surviveWrites() { signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE, unix.SIGXFSZ) }
