package spawn

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// childName is what a child is called until it is the command: this program, run once
// more.
const childName = "fdmsg: COMMAND"

// What a child says to its parent before it is the command.
const (
	childNamed  = 'n' // its comm is childComm: proc_pid_comm(5)
	childFailed = 'f' // the command cannot be run, and standard error says why
)

// childComm is the name that the kernel has for a child until it is the command.
// execve(2) gives it another, which a zombie keeps: so one that has died before can be
// told from a command that has ended.
const childComm = "\tfdmsg child"

// IsChild reports whether this process, with those arguments, was started to become a
// command.
func IsChild(argv []string) bool { return len(argv) > 3 && argv[0] == childName }

// BecomeChild makes this process, for which IsChild is true, the command that it was
// started for. It inherits the descriptors below the number in argv[1]; on that
// descriptor it says how far it got. BecomeChild returns only if that fails.
func BecomeChild(argv []string) error {
	path, argv, first := argv[2], argv[3:], argv[1]
	fd, err := strconv.Atoi(first)
	if err != nil {
		return &Error{path, err}
	}
	if setComm(childComm) == nil {
		unix.Write(fd, []byte{childNamed})
	}
	// Those that fdmsg inherited itself, too.
	err = unix.CloseRange(uint(fd), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err != nil {
		err = &Error{path, os.NewSyscallError("close_range", err)}
	} else {
		err = execute(path, argv, os.Environ())
	}
	unix.Write(fd, []byte{childFailed})
	return err
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

// fork starts this program once more and waits until it is the command, or has failed
// to be. One that does not come so far had no room for its threads: EAGAIN, as for a
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

// comm is the name that the kernel has for a process, or a zombie, empty where it does
// not say.
func comm(pid int) string {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSuffix(string(name), "\n")
}
