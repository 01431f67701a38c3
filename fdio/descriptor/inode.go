package descriptor

import (
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// These functions describe descriptors that have an inode, beyond what the inode
// says.

func describeSeekable(_ *Inspector, d *Descriptor) {
	if d.AccessPath() {
		return
	}
	// SEEK_CUR with 0 returns the offset and does not move it.
	if offset, err := unix.Seek(d.FD, 0, unix.SEEK_CUR); err == nil {
		d.Offset, d.HasOffset = offset, true
	}
}

// describeSymlink reads the target of a symbolic link that was opened with O_PATH.
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

// memfdName returns the name that the memfd was given: memfd_create(2).
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

// pipeEnd returns which end of a pipe d is. A FIFO can be both.
func pipeEnd(d *Descriptor) string {
	switch {
	case d.Readable() && d.Writable():
		return "both"
	case d.Readable():
		return "read"
	}
	return "write"
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
