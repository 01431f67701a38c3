package spawn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNoTime says that a command was not started because the run is ending.
var ErrNoTime = errors.New("COMMAND not run")

// grace is how long a command may take to end after it was sent a signal.
const grace = time.Second

// Runner runs a command for each message, several at once. When the run is to end, commands
// go on for the time of the drain. Then no more are started, and those that are still
// running are sent the signal that ends the run. One second later they are killed.
type Runner struct {
	command *Command
	signal  func() unix.Signal
	slots   chan struct{} // its capacity is the most commands at once
	over    chan struct{} // closed when the time of the drain is up
	kill    chan struct{} // closed when commands are to be killed
	missed  atomic.Int64  // number of messages for which no command was run
}

// NewRunner returns a Runner that runs at most most commands at once. The run ends when
// end does; signal then returns the signal that the commands are sent.
func NewRunner(end context.Context, command *Command, most int, drain time.Duration, signal func() unix.Signal) *Runner {
	r := &Runner{command: command, signal: signal, slots: make(chan struct{}, most), over: make(chan struct{}), kill: make(chan struct{})}
	context.AfterFunc(end, func() {
		time.AfterFunc(drain, func() { close(r.over) })
		time.AfterFunc(drain+grace, func() { close(r.kill) })
	})
	return r
}

// Miss counts a message for which the command is not run, for a reason other than those
// that Take and Run return, which they count.
func (r *Runner) Miss() { r.missed.Add(1) }

// Missed returns the number of messages for which the command was not run.
func (r *Runner) Missed() int64 { return r.missed.Load() }

// Take waits until a command may be started. Give must follow. The error is ErrNoTime, after
// which Give must not follow.
func (r *Runner) Take() error {
	select {
	case r.slots <- struct{}{}:
	case <-r.over:
		r.Miss()
		return ErrNoTime
	}
	select {
	case <-r.over: // both channels may have been ready
		<-r.slots
		r.Miss()
		return ErrNoTime
	default:
		return nil
	}
}

// Give allows another command to be started.
func (r *Runner) Give() { <-r.slots }

// Run starts the command, with line on its standard input unless a descriptor is to be
// that, and waits until it ends.
func (r *Runner) Run(h *Handover, line []byte) (*os.ProcessState, error) {
	input, err := memoryFile("fdmsg-line", line)
	if err != nil {
		r.Miss()
		return nil, fmt.Errorf("start COMMAND: %w", err)
	}
	process, err := r.start(h, input)
	unix.Close(input)
	if err != nil {
		r.Miss()
		return nil, err
	}
	state, err := r.await(process)
	if err != nil {
		return nil, fmt.Errorf("wait: %w", err)
	}
	return state, nil
}

// start starts the command. While processes, descriptors or memory are short, it waits.
func (r *Runner) start(h *Handover, stdin int) (*os.Process, error) {
	files := []uintptr{uintptr(stdin), uintptr(unix.Stdout), uintptr(unix.Stderr)}
	if h.stdin >= 0 {
		files[unix.Stdin] = uintptr(h.FDs[h.stdin])
	}
	if h.stdout >= 0 {
		files[unix.Stdout] = uintptr(h.FDs[h.stdout])
	}
	for _, fds := range [][]int{h.FDs, h.extra} {
		for _, fd := range fds {
			files = append(files, uintptr(fd))
		}
	}
	argv := append([]string{childName, strconv.Itoa(len(files)), r.command.Path}, r.command.Argv...)
	for {
		process, err := fork(argv, h.Env, files)
		if err == nil {
			return process, nil
		}
		if !isShortage(err) {
			return nil, fmt.Errorf("start COMMAND: %w", err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-r.over:
			return nil, fmt.Errorf("start COMMAND: %w", err)
		}
	}
}

// isShortage reports whether err passes when other processes end: fork(2).
func isShortage(err error) bool {
	for _, shortage := range []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS} {
		if errors.Is(err, shortage) {
			return true
		}
	}
	return false
}

// await waits until a command ends.
func (r *Runner) await(process *os.Process) (*os.ProcessState, error) {
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-r.over:
			process.Signal(r.signal())
		case <-done:
			return
		}
		select {
		case <-r.kill:
			process.Kill()
		case <-done:
		}
	}()
	return process.Wait()
}
