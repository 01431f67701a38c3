package spawn

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Command is a command, and how it gets its descriptors.
type Command struct {
	Argv   []string
	Path   string   // path of its file, from Look
	Stdin  *int     // index of the descriptor that is also standard input, or nil
	Stdout *int     // index of the descriptor that is also standard output, or nil
	Names  []string // names of the descriptors, for LISTEN_FDNAMES, or nil
}

// Handover is what a command gets.
type Handover struct {
	FDs    []int    // they become 3, 4, 5 ...
	Env    []string // without LISTEN_PID
	extra  []int    // descriptors that come after FDs
	stdin  int      // index in FDs of what is also standard input, or -1
	stdout int      // index in FDs of what is also standard output, or -1
}

// Handover prepares what the command gets: descriptors, and the environment of this
// process without the hidden variables. The descriptors remain the caller's. The error
// says that Stdin or Stdout is not an index of fds.
func (c *Command) Handover(fds []int, hidden ...string) (*Handover, error) {
	h := &Handover{FDs: fds, stdin: -1, stdout: -1}
	for _, standard := range []struct {
		flag  string
		index *int
		to    *int
	}{{"--stdin", c.Stdin, &h.stdin}, {"--stdout", c.Stdout, &h.stdout}} {
		if standard.index == nil {
			continue
		}
		if *standard.index >= len(fds) {
			return nil, fmt.Errorf("%s %d: no such descriptor: %d in all, counted from 0", standard.flag, *standard.index, len(fds))
		}
		*standard.to = *standard.index
	}
	h.Env = append(environ(hidden), "LISTEN_FDS="+strconv.Itoa(len(fds)))
	if c.Names != nil {
		h.Env = append(h.Env, "LISTEN_FDNAMES="+strings.Join(c.names(len(fds)), ":"))
	}
	return h, nil
}

// names returns n names. A descriptor without a name is called unknown, as by systemd.
func (c *Command) names(n int) []string {
	names := slices.Clone(c.Names)
	for len(names) < n {
		names = append(names, "unknown")
	}
	return names[:n]
}

// AddMessage hands over a message, in the variable FDMSG_MESSAGE or, if it does not fit
// there, in a file whose descriptor is in FDMSG_MESSAGE_FD.
func (h *Handover) AddMessage(message []byte) error {
	if text, ok := asVariable(message); ok {
		h.AddVariable("FDMSG_MESSAGE", text)
		return nil
	}
	fd, err := memoryFile("fdmsg-message", message)
	if err != nil {
		return err
	}
	h.AddExtra("FDMSG_MESSAGE_FD", fd)
	return nil
}

// AddExtra hands over one more descriptor, after the others, and its number in a variable.
// It takes over the descriptor.
func (h *Handover) AddExtra(variable string, fd int) {
	h.AddVariable(variable, strconv.Itoa(FirstFD+len(h.FDs)+len(h.extra)))
	h.extra = append(h.extra, fd)
}

// AddVariable adds a variable to the environment.
func (h *Handover) AddVariable(name, value string) { h.Env = append(h.Env, name+"="+value) }

// Close closes the descriptors that AddExtra and AddMessage have added.
func (h *Handover) Close() {
	for _, fd := range h.extra {
		unix.Close(fd)
	}
	h.extra = nil
}

// ownVariables are variables about descriptors and messages. Those in the environment of
// this process are not true for the command.
var ownVariables = [...]string{
	"LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDNAMES",
	"FDMSG_MESSAGE", "FDMSG_MESSAGE_FD", "FDMSG_CONN", "FDMSG_FROM",
}

// ManagerVariables returns the variables that a service manager sets for its service:
// sd_notify(3), sd_watchdog_enabled(3). A command that this process starts is not the
// service; one that this process becomes is.
func ManagerVariables() []string { return []string{"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"} }

// environ returns the environment without ownVariables and the hidden variables.
func environ(hidden []string) (env []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !slices.Contains(ownVariables[:], name) && !slices.Contains(hidden, name) {
			env = append(env, v)
		}
	}
	return env
}

// maxVariable is the longest message that fits into FDMSG_MESSAGE: a string in the
// environment has at most MAX_ARG_STRLEN bytes, see execve(2).
const maxVariable = 128<<10 - len("FDMSG_MESSAGE=") - 1

// asVariable returns the message as the value of a variable, if it can be one. A single
// NUL byte is sent with descriptors that have no message.
func asVariable(message []byte) (text string, ok bool) {
	text = string(message)
	if text == "\x00" {
		return "", true
	}
	return text, len(text) <= maxVariable && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// memoryFile returns a memfd that contains data, with offset 0: memfd_create(2).
func memoryFile(name string, data []byte) (int, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	for offset := 0; offset < len(data); {
		n, err := unix.Pwrite(fd, data[offset:], int64(offset))
		if err != nil {
			unix.Close(fd)
			return -1, os.NewSyscallError("pwrite", err)
		}
		offset += n
	}
	return fd, nil
}
