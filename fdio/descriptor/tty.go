package descriptor

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

func describeTTY(_ *Inspector, d *Descriptor) {
	d.detail("device", cmsg.String(d.Inode.Special.String()))
	if size, err := unix.IoctlGetWinsize(d.FD, unix.TIOCGWINSZ); err == nil {
		d.detail("rows", cmsg.Int(size.Row))
		d.detail("columns", cmsg.Int(size.Col))
	}
	if session, foreground, ok := terminalSession(d.Inode.Special); ok {
		d.detail("session", cmsg.Int(session))
		d.detail("foreground", cmsg.Int(foreground))
	}
}

// terminalSession returns the session that a terminal controls and its foreground
// process group, by looking for a process that has it: the ioctls for that only
// answer processes of the session, ioctl_tty(2).
func terminalSession(terminal Device) (session, foreground int64, ok bool) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := readStat(path)
		if err == nil && stat.tty == terminal && stat.session > 0 {
			return stat.session, stat.foreground, true
		}
	}
	return 0, 0, false
}

// isControllingTerminal reports whether d is this process's controlling terminal,
// by its own number or as /dev/tty: tty(4).
func (in *Inspector) isControllingTerminal(d Device) bool {
	in.findTerminal.Do(func() { in.terminal = controllingTerminal() })
	return d == Device{5, 0} || d == in.terminal
}

// controllingTerminal returns the controlling terminal, zero if there is none.
func controllingTerminal() Device {
	stat, _ := readStat("/proc/self/stat")
	return stat.tty
}

// processStat is a part of /proc/PID/stat: proc_pid_stat(5).
type processStat struct {
	session    int64
	tty        Device // controlling terminal
	foreground int64  // its foreground process group
}

func readStat(path string) (processStat, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return processStat{}, err
	}
	// The command name, the second field, may contain anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const first = 3 // the number of the field at index 0
	if len(fields) <= 8-first {
		return processStat{}, unix.EINVAL
	}
	field := func(n int) int64 {
		v, _ := strconv.ParseInt(fields[n-first], 10, 64)
		return v
	}
	tty := uint64(uint32(field(7)))
	return processStat{field(6), Device{unix.Major(tty), unix.Minor(tty)}, field(8)}, nil
}
