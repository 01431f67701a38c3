package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// children are the processes that listen starts, one for each message. When the
// run is to end, they have the time of --drain; then no more are started, and
// those that still run get the signal that ends the run. After a grace period
// they are killed.
type children struct {
	*CommandFlags
	slots  chan struct{} // as many as may run at once
	over   chan struct{} // closed when the time is up
	kill   chan struct{} // closed when they are to be killed
	missed atomic.Int64  // messages that COMMAND should have had
}

func newChildren(end context.Context, flags *CommandFlags, most int, drain time.Duration) *children {
	ch := &children{CommandFlags: flags, slots: make(chan struct{}, most), over: make(chan struct{}), kill: make(chan struct{})}
	context.AfterFunc(end, func() {
		time.AfterFunc(drain, func() { close(ch.over) })
		time.AfterFunc(drain+grace, func() { close(ch.kill) })
	})
	return ch
}

// failure says at the end of how many messages nobody has heard.
func (ch *children) failure() error {
	if ch == nil || ch.missed.Load() == 0 {
		return nil
	}
	return fmt.Errorf("messages for which COMMAND was not run: %d", ch.missed.Load())
}

// isOver reports whether no more are started.
func (ch *children) isOver() bool {
	if ch == nil {
		return false
	}
	select {
	case <-ch.over:
		return true
	default:
		return false
	}
}

var errNoTime = errors.New("COMMAND not run: the time of --drain is up")

// childName is what a child is called until it is COMMAND: fdmsg itself, run
// once more. LISTEN_PID has to be the pid of the process that runs COMMAND,
// which nobody knows before it is there.
const childName = "fdmsg: COMMAND"

// What a child says to fdmsg before it is COMMAND.
const (
	childNamed  = 'n' // its comm is childComm: proc_pid_comm(5)
	childFailed = 'f' // COMMAND cannot be run, and standard error says why
)

// childComm is the name that the kernel has for a child until it is COMMAND.
// execve(2) gives it another, which a zombie keeps: so one that has died before
// can be told from a COMMAND that has ended.
const childComm = "\tfdmsg child"

// childMain makes this process, which was started for it, COMMAND, which inherits
// the descriptors below that number. On that descriptor it says how far it got.
func childMain(first, path string, argv []string) int {
	fd, err := strconv.Atoi(first)
	if err != nil {
		return exitFailed
	}
	if setComm(childComm) == nil {
		unix.Write(fd, []byte{childNamed})
	}
	// Those that fdmsg inherited itself, too.
	err = unix.CloseRange(uint(fd), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err != nil {
		err = cannotRun(path, os.NewSyscallError("close_range", err))
	} else {
		err = execCommand(path, argv, os.Environ())
	}
	unix.Write(fd, []byte{childFailed})
	return report("listen", err)
}

// setComm gives the process, not the calling thread, a name.
func setComm(name string) error {
	fd, err := unix.Open("/proc/self/comm", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(name))
	return err
}

// take waits for a slot, and reports whether there is still time to use it.
func (ch *children) take() bool {
	select {
	case ch.slots <- struct{}{}:
	case <-ch.over:
		return false
	}
	if ch.isOver() { // both may have happened
		<-ch.slots
		return false
	}
	return true
}

// runCommand runs COMMAND for a message and waits until it ends. seq is the
// number of the message's line. What goes wrong concerns this message alone.
func (c *connection) runCommand(sc *scratch, seq uint64) {
	if !c.children.take() {
		c.children.missed.Add(1)
		c.report(fmt.Errorf("message %d: %w", seq, errNoTime))
		return
	}
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
	e := record.Event{Origin: record.Origin{Conn: c.number}, MessageSeq: seq, PID: state.Pid()}
	if status := state.Sys().(syscall.WaitStatus); status.Signaled() {
		e.Signal = unix.SignalName(status.Signal())
	} else {
		code := status.ExitStatus()
		e.ExitCode = &code
	}
	c.event(record.TypeExit, e)
}

func (c *connection) startCommand(sc *scratch, seq uint64) (*os.Process, error) {
	if err := sc.msg.CheckTruncated(); err != nil {
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
	line, err := memoryFile("fdmsg-line", append(record.AppendHead(nil, record.TypeMessage, seq), record.Whole(sc.line, sc.apart)...))
	if err != nil {
		return nil, err
	}
	defer unix.Close(line)
	process, err := c.children.start(h, line)
	if err != nil {
		c.children.missed.Add(1)
	}
	return process, err
}

// start starts COMMAND. While processes or memory are short it waits.
func (ch *children) start(h handover, stdin int) (*os.Process, error) {
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
	argv := append([]string{childName, strconv.Itoa(len(files)), ch.path}, ch.argv...)
	for {
		process, err := fork(argv, h.env, files)
		if err == nil {
			return process, nil
		}
		if err != syscall.EAGAIN && !isShortage(err) {
			return nil, fmt.Errorf("start COMMAND: %w", err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ch.over:
			return nil, fmt.Errorf("start COMMAND: %w", err)
		}
	}
}

// fork starts fdmsg once more and waits until it is COMMAND, or has failed to be.
// One that does not come so far had no room for its threads: EAGAIN, as for a
// process.
func fork(argv, env []string, files []uintptr) (*os.Process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	pid, err := syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{Env: env, Files: append(files, w.Fd())})
	w.Close()
	if err != nil {
		return nil, err
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, err
	}
	said, _ := io.ReadAll(r) // to the end: execve(2), or exit
	failed := bytes.IndexByte(said, childFailed) >= 0
	if len(said) == 0 || !failed && comm(pid) == childComm {
		process.Wait()
		return nil, syscall.EAGAIN
	}
	return process, nil
}

// comm is the name that the kernel has for a process, or a zombie, empty where it
// does not say.
func comm(pid int) string {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSuffix(string(name), "\n")
}

// await waits for the end of a child.
func (c *connection) await(process *os.Process) (*os.ProcessState, error) {
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-c.children.over:
			process.Signal(c.endSignal())
		case <-done:
			return
		}
		select {
		case <-c.children.kill:
			process.Kill()
		case <-done:
		}
	}()
	return process.Wait()
}

// endSignal is the signal that ends the run, or stands for what does.
func (r *receiver) endSignal() unix.Signal {
	if e, ok := errors.AsType[signalError](context.Cause(r.end)); ok {
		return e.signal
	}
	return unix.SIGTERM
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
	c.event(record.TypeError, record.Event{Origin: record.Origin{Conn: c.number, Local: c.local}, Error: err.Error()})
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
