package descriptor

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// What there is to know of descriptors with an inode, beyond the inode.

func describeSeekable(_ *Inspector, d *Descriptor) {
	if d.AccessPath() {
		return
	}
	// Where the offset is, which SEEK_CUR with 0 does not move.
	if offset, err := unix.Seek(d.FD, 0, unix.SEEK_CUR); err == nil {
		d.Offset, d.HasOffset = offset, true
	}
}

// describeSymlink reads where a symbolic link, opened with O_PATH, leads to.
func describeSymlink(_ *Inspector, d *Descriptor) {
	if d.mayStall() {
		return
	}
	var buf [unix.PathMax]byte
	if n, err := unix.Readlinkat(d.FD, "", buf[:]); err == nil {
		d.detail("target", cmsg.Bytes(buf[:n:n]))
	}
}

func describeMemfd(in *Inspector, d *Descriptor) {
	describeSeekable(in, d)
	d.detail("name", cmsg.Bytes(memfdName(d)))
	if seals, err := unix.FcntlInt(uintptr(d.FD), unix.F_GET_SEALS, 0); err == nil {
		d.detail("seals", cmsg.Strings(fdio.FlagNames(seals, Seals)))
	}
}

// memfdName is the name that the memfd was given: memfd_create(2).
func memfdName(d *Descriptor) string {
	return strings.TrimPrefix(strings.TrimSuffix(d.Name, deletedSuffix), "/memfd:")
}

func describePipe(_ *Inspector, d *Descriptor) {
	if d.AccessPath() {
		return
	}
	capacity, err := unix.FcntlInt(uintptr(d.FD), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		return
	}
	available, _ := unix.IoctlGetInt(d.FD, unix.TIOCINQ)
	d.detail("end", cmsg.String(pipeEnd(d)))
	d.detail("capacity", cmsg.Int(capacity))
	d.detail("available", cmsg.Int(available))
}

// pipeEnd is which end of a pipe d is; a FIFO can be both.
func pipeEnd(d *Descriptor) string {
	switch {
	case d.Readable() && d.Writable():
		return "both"
	case d.Readable():
		return "read"
	}
	return "write"
}

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

// terminalSession finds the session that a terminal controls and its foreground
// process group, by the processes that have it: the ioctls for that answer a
// process of the session alone, ioctl_tty(2).
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

// describeDevice names the driver: /proc/devices and /proc/misc of proc(5).
func describeDevice(_ *Inspector, d *Descriptor) {
	d.detail("device", cmsg.String(d.Inode.Special.String()))
	section := "Character devices:"
	if d.Kind == KindBlock {
		section = "Block devices:"
	}
	driver := deviceDriver(section, d.Inode.Special.Major, d.Path)
	if driver != "" {
		d.detail("driver", cmsg.String(driver))
	}
	if d.AccessPath() || d.Kind == KindBlock {
		return
	}
	if driver == "misc" {
		d.detail("misc", cmsg.String(miscDriver(d.Inode.Special.Minor)))
	}
	if d.isPtyMaster() {
		if index, err := unix.IoctlGetUint32(d.FD, unix.TIOCGPTN); err == nil {
			d.detail("index", cmsg.Int(index))
		}
	}
	if driver != "misc" {
		return
	}
	info := readFdinfo(d.FD)
	if name := info.value("iff"); name != "" { // tun
		d.detail("interface", cmsg.String(name))
	}
	if connection := info.value("fuse_connection"); connection != "" {
		d.detail("fuse_connection", cmsg.String(connection))
	}
}

// deviceDriver is the driver of a major number. Where there are several, they
// are listed by the paths of their devices.
func deviceDriver(section string, major uint32, path string) string {
	text, err := os.ReadFile("/proc/devices")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), section+"\n")
	rest, _, _ = strings.Cut(rest, "\n\n")
	names := namesOfNumber(rest, major)
	if len(names) == 0 {
		return ""
	}
	if slices.Contains(names, path) {
		return path
	}
	return names[0]
}

// miscDriver is the name of a minor number of the misc driver.
func miscDriver(minor uint32) string {
	text, err := os.ReadFile("/proc/misc")
	if err != nil {
		return ""
	}
	return strings.Join(namesOfNumber(string(text), minor), " ")
}

// namesOfNumber finds the lines NUMBER NAME.
func namesOfNumber(lines string, number uint32) (names []string) {
	for line := range strings.Lines(lines) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == strconv.FormatUint(uint64(number), 10) {
			names = append(names, words[1])
		}
	}
	return names
}

// describeNamespace says which namespace it is: namespaces(7).
func describeNamespace(_ *Inspector, d *Descriptor) {
	which, inode, _ := strings.Cut(strings.TrimSuffix(d.Name, "]"), ":[")
	d.detail("which", cmsg.String(which))
	d.detail("inode", cmsg.String(inode))
}

// describeMqueue says what a POSIX message queue holds: mq_overview(7).
func describeMqueue(_ *Inspector, d *Descriptor) {
	if d.AccessPath() {
		return
	}
	if attr, err := mqAttr(d.FD); err == nil {
		d.detail("messages", cmsg.Int(attr.curMsgs))
		d.detail("max_messages", cmsg.Int(attr.maxMsg))
		d.detail("message_size", cmsg.Int(attr.msgSize))
	}
}

func describeDMABuf(_ *Inspector, d *Descriptor) {
	info := readFdinfo(d.FD)
	d.detail("size", cmsg.Int(info.number("size", 10)))
	d.detail("exporter", cmsg.String(info.value("exp_name")))
	if name := info.value("name"); name != "" {
		d.detail("name", cmsg.String(name))
	}
}
