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

// childName is argv[0] of a child, which is this program again, until it becomes the
// command.
const childName = "fdmsg: COMMAND"

// What a child writes to its parent before it becomes the command.
const (
	childNamed  = 'n' // its comm is childComm: proc_pid_comm(5)
	childFailed = 'f' // the command cannot be run; the child prints why
)

// childComm is the name of a child in the kernel until it becomes the command. execve(2)
// gives it another name, and a zombie keeps its name: this tells a child that has died
// before from a command that has ended.
const childComm = "\tfdmsg child"

// IsChild reports whether this process, with the arguments argv, was started to become a
// command.
func IsChild(argv []string) bool { return len(argv) > 3 && argv[0] == childName }

// BecomeChild turns this process, for which IsChild is true, into the command for which it
// was started. The command inherits the descriptors below the number in argv[1]; the
// descriptor with that number is the pipe to the parent. BecomeChild returns only if that
// fails.
func BecomeChild(argv []string) error {
	path, argv, first := argv[2], argv[3:], argv[1]
	fd, err := strconv.Atoi(first)
	if err != nil {
		return &Error{path, err}
	}
	if setComm(childComm) == nil {
		unix.Write(fd, []byte{childNamed})
	}
	// This includes descriptors that the parent itself inherited.
	err = unix.CloseRange(uint(fd), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err != nil {
		err = &Error{path, os.NewSyscallError("close_range", err)}
	} else {
		err = execute(path, argv, os.Environ())
	}
	unix.Write(fd, []byte{childFailed})
	return err
}

// setComm sets the name of the process, not that of the calling thread.
func setComm(name string) error {
	fd, err := unix.Open("/proc/self/comm", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(name))
	return err
}

// fork starts this program again and waits until it has become the command or has failed.
// A child that gets to neither could not start its threads: the error is EAGAIN then, as
// if the process could not be started.
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
	said, _ := io.ReadAll(r) // until execve(2) or exit closes the pipe
	failed := bytes.IndexByte(said, childFailed) >= 0
	if len(said) == 0 || !failed && comm(pid) == childComm {
		process.Wait()
		return nil, syscall.EAGAIN
	}
	return process, nil
}

// comm returns the name of a process, or of a zombie, or "" if it cannot be read.
func comm(pid int) string {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSuffix(string(name), "\n")
}
