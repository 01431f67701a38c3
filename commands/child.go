package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// children are the processes that listen starts, one for each message.
type children struct {
	*CommandFlags
	slots chan struct{} // as many as may run at once
}

// childName is what a child is called until it is COMMAND: fdmsg itself, run
// once more. LISTEN_PID has to be the pid of the process that runs COMMAND,
// which nobody knows before it is there.
const childName = "fdmsg: COMMAND"

// childMain makes this process, which was started for it, COMMAND.
func childMain(path string, argv []string) int {
	return report("listen", execCommand(path, argv, os.Environ()))
}

// runCommand runs COMMAND for a message and waits until it ends. seq is the
// number of the message's line. What goes wrong concerns this message alone.
func (c *connection) runCommand(sc *scratch, seq uint64) {
	c.children.slots <- struct{}{}
	defer func() { <-c.children.slots }()
	process, err := c.startCommand(sc, seq)
	if err != nil {
		c.report(fmt.Errorf("message %d: %w", seq, err))
		return
	}
	state, err := c.await(process)
	if err != nil {
		c.report(fmt.Errorf("message %d: wait: %w", seq, err))
		return
	}
	e := record.Event{Conn: c.number, MessageSeq: seq, PID: state.Pid()}
	if status := state.Sys().(syscall.WaitStatus); status.Signaled() {
		e.Signal = unix.SignalName(status.Signal())
	} else {
		code := status.ExitStatus()
		e.ExitCode = &code
	}
	c.event(record.TypeExit, e)
}

func (c *connection) startCommand(sc *scratch, seq uint64) (*os.Process, error) {
	if err := sc.msg.Complete(); err != nil {
		return nil, err
	}
	h, err := c.children.handover(sc.msg.Rights(nil), managerVariables...)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, fd := range h.extra {
			unix.Close(fd)
		}
	}()
	if err := h.addMessage(sc.msg.Data()); err != nil {
		return nil, err
	}
	conn, err := c.socket.Duplicate()
	if err != nil {
		return nil, err
	}
	h.addExtra("FDMSG_CONN", conn)
	if from := sc.msg.From.String(); from != "" {
		h.env = append(h.env, "FDMSG_FROM="+from)
	}
	line, err := memoryFile("fdmsg-line", append(record.AppendHead(nil, record.TypeMessage, seq), sc.line...))
	if err != nil {
		return nil, err
	}
	defer unix.Close(line)
	return c.children.start(c.end, h, line)
}

// start starts COMMAND. While processes or memory are short it waits.
func (ch *children) start(ctx context.Context, h handover, stdin int) (*os.Process, error) {
	files := []uintptr{uintptr(stdin), uintptr(unix.Stdout), uintptr(unix.Stderr)}
	if h.stdin >= 0 {
		files[unix.Stdin] = uintptr(h.fds[h.stdin])
	}
	if h.stdout >= 0 {
		files[unix.Stdout] = uintptr(h.fds[h.stdout])
	}
	for _, fds := range [][]int{h.fds, h.extra} {
		for _, fd := range fds {
			files = append(files, uintptr(fd))
		}
	}
	argv := append([]string{childName, ch.path}, ch.argv...)
	for {
		pid, err := syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{Env: h.env, Files: files})
		switch {
		case err == nil:
			return os.FindProcess(pid)
		case (err == syscall.EAGAIN || isShortage(err)) && ctx.Err() == nil:
			pause(ctx, 50*time.Millisecond)
		default:
			return nil, fmt.Errorf("start COMMAND: %w", err)
		}
	}
}

// await waits for the end of a child. When the run is to end, the child has the
// time of --drain, gets the signal that ends the run, and after a grace period is
// killed.
func (c *connection) await(process *os.Process) (*os.ProcessState, error) {
	stop := context.AfterFunc(c.end, func() {
		sig := unix.SIGTERM
		if e, ok := errors.AsType[signalError](context.Cause(c.end)); ok {
			sig = e.signal
		}
		time.AfterFunc(c.drain, func() { process.Signal(sig) })
		time.AfterFunc(c.drain+grace, func() { process.Kill() })
	})
	defer stop()
	return process.Wait()
}

// report says that something went wrong with one connection, and that the others
// go on.
func (c *connection) report(err error) {
	if c.number > 0 {
		err = fmt.Errorf("connection %d: %w", c.number, err)
	} else {
		err = fmt.Errorf("%s: %w", c.local, err)
	}
	warn("listen", err)
	c.event(record.TypeError, record.Event{Conn: c.number, Local: c.local, Error: err.Error()})
}

// event prints the line of something that happened, if such are wanted.
func (r *receiver) event(typ string, e record.Event) {
	if !r.events {
		return
	}
	e.Time = time.Now()
	r.out.write(typ, record.AppendEvent(nil, &e))
}

// managerVariables are between a service manager and fdmsg itself: sd_notify(3),
// sd_watchdog_enabled(3). A command that fdmsg becomes is what is managed.
var managerVariables = []string{"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"}
