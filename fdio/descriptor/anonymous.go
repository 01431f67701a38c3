package descriptor

import (
	"os"
	"strconv"
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// These functions describe descriptors that have no inode of their own, mostly by
// their fdinfo.

func describeEventfd(_ *Inspector, d *Descriptor) {
	info := readFdinfo(d.FD)
	d.detail("count", cmsg.Uint(info.number("eventfd-count", 16)))
	d.detail("id", cmsg.Uint(info.number("eventfd-id", 10)))
	d.detail("semaphore", cmsg.Bool(info.number("eventfd-semaphore", 10) != 0))
}

// clocks are the clocks of timerfd_create(2).
var clocks = [...]string{
	unix.CLOCK_REALTIME: "CLOCK_REALTIME", unix.CLOCK_MONOTONIC: "CLOCK_MONOTONIC", unix.CLOCK_BOOTTIME: "CLOCK_BOOTTIME",
	unix.CLOCK_REALTIME_ALARM: "CLOCK_REALTIME_ALARM", unix.CLOCK_BOOTTIME_ALARM: "CLOCK_BOOTTIME_ALARM",
}

func describeTimerfd(_ *Inspector, d *Descriptor) {
	info := readFdinfo(d.FD)
	d.detail("clock", cmsg.String(nameOr(clocks[:], int(info.number("clockid", 10)))))
	d.detail("ticks", cmsg.Uint(info.number("ticks", 10)))
	d.detail("remaining", cmsg.Float(seconds(info.value("it_value"))))
	d.detail("interval", cmsg.Float(seconds(info.value("it_interval"))))
}

// seconds parses a time of the form "(SECONDS, NANOSECONDS)".
func seconds(text string) float64 {
	s, ns, _ := strings.Cut(strings.Trim(text, "()"), ", ")
	return float64(parseNumber(s, 10)) + float64(parseNumber(ns, 10))/1e9
}

func describeSignalfd(_ *Inspector, d *Descriptor) {
	mask := readFdinfo(d.FD).number("sigmask", 16)
	signals := []string{}
	for n := range 64 {
		if mask&(1<<n) == 0 {
			continue
		}
		name := unix.SignalName(unix.Signal(n + 1))
		if name == "" {
			name = strconv.Itoa(n + 1)
		}
		signals = append(signals, name)
	}
	d.detail("signals", cmsg.Strings(signals))
}

// topBit is IN_ONESHOT and EPOLLET, which do not fit an int of 32 bits.
const topBit = -1 << 31

// inotifyEvents are the bits of an inotify watch: inotify(7).
var inotifyEvents = []fdio.Flag{
	{Bits: unix.IN_ALL_EVENTS, Name: "IN_ALL_EVENTS"},
	{Bits: unix.IN_ACCESS, Name: "IN_ACCESS"}, {Bits: unix.IN_MODIFY, Name: "IN_MODIFY"},
	{Bits: unix.IN_ATTRIB, Name: "IN_ATTRIB"}, {Bits: unix.IN_CLOSE_WRITE, Name: "IN_CLOSE_WRITE"},
	{Bits: unix.IN_CLOSE_NOWRITE, Name: "IN_CLOSE_NOWRITE"}, {Bits: unix.IN_OPEN, Name: "IN_OPEN"},
	{Bits: unix.IN_MOVED_FROM, Name: "IN_MOVED_FROM"}, {Bits: unix.IN_MOVED_TO, Name: "IN_MOVED_TO"},
	{Bits: unix.IN_CREATE, Name: "IN_CREATE"}, {Bits: unix.IN_DELETE, Name: "IN_DELETE"},
	{Bits: unix.IN_DELETE_SELF, Name: "IN_DELETE_SELF"}, {Bits: unix.IN_MOVE_SELF, Name: "IN_MOVE_SELF"},
	{Bits: unix.IN_EXCL_UNLINK, Name: "IN_EXCL_UNLINK"}, {Bits: topBit, Name: "IN_ONESHOT"},
	{Bits: unix.IN_IGNORED, Name: "IN_IGNORED"}, {Bits: unix.IN_UNMOUNT, Name: "IN_UNMOUNT"},
}

func describeInotify(_ *Inspector, d *Descriptor) {
	watches := cmsg.List{}
	for _, entry := range readFdinfo(d.FD).entries("inotify ") {
		watches = append(watches, []cmsg.Field{
			{Name: "wd", Value: cmsg.Int(parseNumber(entry("wd"), 16))},
			{Name: "inode", Value: cmsg.Uint(parseNumber(entry("ino"), 16))},
			{Name: "device", Value: cmsg.String(kernelDevice(entry("sdev")).String())},
			{Name: "mask", Value: cmsg.Strings(fdio.FlagNames(int(parseNumber(entry("mask"), 16)), inotifyEvents))},
		})
	}
	d.detail("watches", watches)
}

// kernelDevice parses a device number as the kernel has it inside: the major above
// 20 bits of minor, in hexadecimal.
func kernelDevice(text string) Device {
	n := uint32(parseNumber(text, 16))
	return Device{n >> 20, n & (1<<20 - 1)}
}

// fanotifyEvents are the bits of a fanotify mark: fanotify_mark(2).
var fanotifyEvents = []fdio.Flag{
	{Bits: unix.FAN_ACCESS, Name: "FAN_ACCESS"}, {Bits: unix.FAN_MODIFY, Name: "FAN_MODIFY"}, {Bits: unix.FAN_ATTRIB, Name: "FAN_ATTRIB"},
	{Bits: unix.FAN_CLOSE_WRITE, Name: "FAN_CLOSE_WRITE"}, {Bits: unix.FAN_CLOSE_NOWRITE, Name: "FAN_CLOSE_NOWRITE"},
	{Bits: unix.FAN_OPEN, Name: "FAN_OPEN"}, {Bits: unix.FAN_MOVED_FROM, Name: "FAN_MOVED_FROM"}, {Bits: unix.FAN_MOVED_TO, Name: "FAN_MOVED_TO"},
	{Bits: unix.FAN_CREATE, Name: "FAN_CREATE"}, {Bits: unix.FAN_DELETE, Name: "FAN_DELETE"}, {Bits: unix.FAN_DELETE_SELF, Name: "FAN_DELETE_SELF"},
	{Bits: unix.FAN_MOVE_SELF, Name: "FAN_MOVE_SELF"}, {Bits: unix.FAN_OPEN_EXEC, Name: "FAN_OPEN_EXEC"}, {Bits: unix.FAN_FS_ERROR, Name: "FAN_FS_ERROR"},
	{Bits: unix.FAN_OPEN_PERM, Name: "FAN_OPEN_PERM"}, {Bits: unix.FAN_ACCESS_PERM, Name: "FAN_ACCESS_PERM"},
	{Bits: unix.FAN_OPEN_EXEC_PERM, Name: "FAN_OPEN_EXEC_PERM"}, {Bits: unix.FAN_RENAME, Name: "FAN_RENAME"},
	{Bits: unix.FAN_EVENT_ON_CHILD, Name: "FAN_EVENT_ON_CHILD"}, {Bits: unix.FAN_ONDIR, Name: "FAN_ONDIR"},
}

// describeFanotify lists the marks: fanotify_mark(2).
func describeFanotify(_ *Inspector, d *Descriptor) {
	info := readFdinfo(d.FD)
	marks := cmsg.List{}
	for _, entry := range info.entries("fanotify ") {
		mark := []cmsg.Field{}
		if ino := entry("ino"); ino != "" {
			mark = append(mark, cmsg.Field{Name: "inode", Value: cmsg.Uint(parseNumber(ino, 16))})
		}
		if sdev := entry("sdev"); sdev != "" {
			mark = append(mark, cmsg.Field{Name: "device", Value: cmsg.String(kernelDevice(sdev).String())})
		}
		if id := entry("mnt_id"); id != "" {
			mark = append(mark, cmsg.Field{Name: "mount", Value: cmsg.Uint(parseNumber(id, 16))})
		}
		if mask := entry("mask"); mask != "" {
			marks = append(marks, append(mark, cmsg.Field{Name: "mask", Value: cmsg.Strings(fdio.FlagNames(int(parseNumber(mask, 16)), fanotifyEvents))}))
		}
	}
	for _, entry := range info.entries("fanotify ") {
		if flags := entry("flags"); flags != "" && entry("mask") == "" {
			d.detail("flags", cmsg.String(flags))
		}
	}
	d.detail("marks", marks)
}

// epollEvents are the bits of epoll_ctl(2).
var epollEvents = []fdio.Flag{
	{Bits: unix.EPOLLIN, Name: "EPOLLIN"}, {Bits: unix.EPOLLPRI, Name: "EPOLLPRI"}, {Bits: unix.EPOLLOUT, Name: "EPOLLOUT"},
	{Bits: unix.EPOLLERR, Name: "EPOLLERR"}, {Bits: unix.EPOLLHUP, Name: "EPOLLHUP"}, {Bits: unix.EPOLLRDNORM, Name: "EPOLLRDNORM"},
	{Bits: unix.EPOLLRDBAND, Name: "EPOLLRDBAND"}, {Bits: unix.EPOLLWRNORM, Name: "EPOLLWRNORM"}, {Bits: unix.EPOLLWRBAND, Name: "EPOLLWRBAND"},
	{Bits: unix.EPOLLMSG, Name: "EPOLLMSG"}, {Bits: unix.EPOLLRDHUP, Name: "EPOLLRDHUP"}, {Bits: unix.EPOLLEXCLUSIVE, Name: "EPOLLEXCLUSIVE"},
	{Bits: unix.EPOLLWAKEUP, Name: "EPOLLWAKEUP"}, {Bits: unix.EPOLLONESHOT, Name: "EPOLLONESHOT"}, {Bits: topBit, Name: "EPOLLET"},
}

func describeEpoll(_ *Inspector, d *Descriptor) {
	targets := cmsg.List{}
	for _, entry := range readFdinfo(d.FD).entries("tfd:") {
		targets = append(targets, []cmsg.Field{
			{Name: "fd", Value: cmsg.Int(parseNumber(entry("tfd"), 10))}, // as the process has it that put it in
			{Name: "events", Value: cmsg.Strings(fdio.FlagNames(int(parseNumber(entry("events"), 16)), epollEvents))},
			{Name: "data", Value: cmsg.Uint(parseNumber(entry("data"), 16))},
			{Name: "inode", Value: cmsg.Uint(parseNumber(entry("ino"), 16))},
			{Name: "device", Value: cmsg.String(kernelDevice(entry("sdev")).String())},
		})
	}
	d.detail("targets", targets)
}

// describePidfd says which process it is: pidfd_open(2). The pid is -1 after the
// process was waited for, and 0 if the process is not visible in our PID namespace.
func describePidfd(_ *Inspector, d *Descriptor) {
	pid, err := strconv.Atoi(readFdinfo(d.FD).value("Pid"))
	if err != nil {
		return
	}
	d.detail("pid", cmsg.Int(pid))
	if pid > 0 {
		if comm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm"); err == nil {
			d.detail("command", cmsg.Bytes(strings.TrimSuffix(string(comm), "\n")))
		}
	}
	fds := []unix.PollFd{{Fd: int32(d.FD), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	d.detail("exited", cmsg.Bool(pid < 0 || err == nil && n > 0))
}

func describeIOUring(_ *Inspector, d *Descriptor) {
	info := readFdinfo(d.FD)
	d.detail("sq_entries", cmsg.Int(info.number("SqMask", 16)+1))
	d.detail("cq_entries", cmsg.Int(info.number("CqMask", 16)+1))
	d.detail("user_files", cmsg.Int(info.number("UserFiles", 10)))
	d.detail("user_buffers", cmsg.Int(info.number("UserBufs", 10)))
}

func describeUserfaultfd(_ *Inspector, d *Descriptor) {
	info := readFdinfo(d.FD)
	d.detail("pending", cmsg.Int(info.number("pending", 10)))
	d.detail("total", cmsg.Int(info.number("total", 10)))
	d.detail("api", cmsg.String(info.value("API")))
}

func describePerfEvent(_ *Inspector, d *Descriptor) {
	if id, err := ioctlUint64(d.FD, unix.PERF_EVENT_IOC_ID); err == nil {
		d.detail("id", cmsg.Uint(id))
	}
}
