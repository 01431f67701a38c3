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
// ignored (nohup). A second signal ends the process at once.
func withSignals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	// Asked for and not looked at: a write to a broken pipe, or beyond ulimit -f,
	// is an error of that write. Ignoring it would be inherited by COMMAND.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE, unix.SIGXFSZ)
	go func() {
		first := (<-signals).(syscall.Signal)
		cancel(signalError{first})
		dieBy((<-signals).(syscall.Signal))
	}()
	return ctx, func() { cancel(nil) }
}
