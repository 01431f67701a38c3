package commands

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// handover prepares what COMMAND is given: descriptors, and the environment
// without the hidden variables. What is in its extra is to be closed by the
// caller.
func (f *CommandFlags) handover(fds []int, hidden ...string) (handover, error) {
	h := handover{fds: fds, stdin: -1, stdout: -1}
	for _, standard := range []struct {
		flag  string
		index FD
		to    *int
	}{{"--stdin", f.Stdin, &h.stdin}, {"--stdout", f.Stdout, &h.stdout}} {
		if !standard.index.Given {
			continue
		}
		if standard.index.N >= len(fds) {
			return h, fmt.Errorf("%s %d: there are %d descriptors", standard.flag, standard.index.N, len(fds))
		}
		*standard.to = standard.index.N
	}
	h.env = append(environ(hidden...), "LISTEN_FDS="+strconv.Itoa(len(fds)))
	if f.FDName != "" {
		h.env = append(h.env, "LISTEN_FDNAMES="+strings.Join(f.names(len(fds)), ":"))
	}
	return h, nil
}

// names are n names: what was not given one is unknown, as systemd says it.
func (f *CommandFlags) names(n int) []string {
	names := strings.Split(f.FDName, ":")
	for len(names) < n {
		names = append(names, "unknown")
	}
	return names[:n]
}

// addMessage hands over the message in a variable, or in a file that is named by
// one.
func (h *handover) addMessage(message []byte) error {
	if text, ok := envText(message); ok {
		h.env = append(h.env, "FDMSG_MESSAGE="+text)
		return nil
	}
	fd, err := memoryFile("fdmsg-message", message)
	if err != nil {
		return err
	}
	h.addExtra("FDMSG_MESSAGE_FD", fd)
	return nil
}

// addExtra hands over a descriptor with a variable that says its number.
func (h *handover) addExtra(variable string, fd int) {
	h.env = append(h.env, variable+"="+strconv.Itoa(firstFD+len(h.fds)+len(h.extra)))
	h.extra = append(h.extra, fd)
}

// ownVariables are those of the environment that speak of descriptors and
// messages that COMMAND does not have, unless they are given anew.
var ownVariables = []string{
	"LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDNAMES",
	"FDMSG_MESSAGE", "FDMSG_MESSAGE_FD", "FDMSG_CONN", "FDMSG_FROM",
}

// environ is our environment without our own variables and the hidden ones.
func environ(hidden ...string) (env []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !slices.Contains(ownVariables, name) && !slices.Contains(hidden, name) {
			env = append(env, v)
		}
	}
	return env
}

// maxEnvMessage is the longest message that fits into FDMSG_MESSAGE: one string
// of the environment has at most MAX_ARG_STRLEN bytes, execve(2).
const maxEnvMessage = 128<<10 - len("FDMSG_MESSAGE=") - 1

// envText is the message as the environment can hold it. A lone NUL byte is
// what goes with descriptors that are sent without a message.
func envText(message []byte) (text string, ok bool) {
	text = string(message)
	if text == "\x00" {
		return "", true
	}
	return text, len(text) <= maxEnvMessage && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// memoryFile makes a memfd with data, to be read from its beginning.
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
