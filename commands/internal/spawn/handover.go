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

// Command says how a command gets its descriptors.
type Command struct {
	Argv   []string
	Path   string   // of its file: Look
	Stdin  *int     // index of the descriptor that is standard input as well; nil: none
	Stdout *int     // and standard output
	Names  []string // of the descriptors, for LISTEN_FDNAMES; nil: none
}

// Handover is what a command is given.
type Handover struct {
	FDs    []int    // become 3, 4, 5 ...
	Env    []string // without LISTEN_PID
	extra  []int    // come after FDs
	stdin  int      // index of the one of FDs that is standard input as well, -1: none
	stdout int
}

// Handover prepares what the command is given: descriptors, and our environment
// without the hidden variables.
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
			return nil, fmt.Errorf("%s %d: there are %d descriptors", standard.flag, *standard.index, len(fds))
		}
		*standard.to = *standard.index
	}
	h.Env = append(environ(hidden), "LISTEN_FDS="+strconv.Itoa(len(fds)))
	if c.Names != nil {
		h.Env = append(h.Env, "LISTEN_FDNAMES="+strings.Join(c.names(len(fds)), ":"))
	}
	return h, nil
}

// names are n names: what was not given one is unknown, as systemd says it.
func (c *Command) names(n int) []string {
	names := slices.Clone(c.Names)
	for len(names) < n {
		names = append(names, "unknown")
	}
	return names[:n]
}

// AddMessage hands over a message: in the variable FDMSG_MESSAGE, or in a file whose
// number is in FDMSG_MESSAGE_FD.
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

// AddExtra hands over a descriptor behind the others, with a variable that holds its
// number. The Handover owns it from then on.
func (h *Handover) AddExtra(variable string, fd int) {
	h.AddVariable(variable, strconv.Itoa(FirstFD+len(h.FDs)+len(h.extra)))
	h.extra = append(h.extra, fd)
}

// AddVariable adds a variable to the environment.
func (h *Handover) AddVariable(name, value string) { h.Env = append(h.Env, name+"="+value) }

// Close closes the extra descriptors.
func (h *Handover) Close() {
	for _, fd := range h.extra {
		unix.Close(fd)
	}
	h.extra = nil
}

// ownVariables are those of the environment that speak of descriptors and messages
// that a command does not have, unless they are given anew.
var ownVariables = [...]string{
	"LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDNAMES",
	"FDMSG_MESSAGE", "FDMSG_MESSAGE_FD", "FDMSG_CONN", "FDMSG_FROM",
}

// ManagerVariables are between a service manager and this process: sd_notify(3),
// sd_watchdog_enabled(3). A command that this process becomes is what is managed.
func ManagerVariables() []string { return []string{"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"} }

// environ is our environment without our own variables and the hidden ones.
func environ(hidden []string) (env []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !slices.Contains(ownVariables[:], name) && !slices.Contains(hidden, name) {
			env = append(env, v)
		}
	}
	return env
}

// maxVariable is the longest message that fits into FDMSG_MESSAGE: one string of the
// environment has at most MAX_ARG_STRLEN bytes, execve(2).
const maxVariable = 128<<10 - len("FDMSG_MESSAGE=") - 1

// asVariable is the message as the environment can hold it. A lone NUL byte is what
// goes with descriptors that are sent without a message.
func asVariable(message []byte) (text string, ok bool) {
	text = string(message)
	if text == "\x00" {
		return "", true
	}
	return text, len(text) <= maxVariable && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// memoryFile makes a memfd with data, to be read from its beginning: memfd_create(2).
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
