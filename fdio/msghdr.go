package fdio

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file fills struct msghdr of recvmsg(2) itself, for what x/sys/unix's
// Sendmsg and Recvmsg family cannot say: names with NULs in them, and messages
// without a byte of data, to which that family adds one.

func sendmsg(fd int, buffers [][]byte, control []byte, to *sockName, flags int) (int, error) {
	var msg unix.Msghdr
	iov := iovecs(buffers)
	setMsghdr(&msg, iov, control, to)
	n, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// recvmsg fills from and returns how many bytes of data and of control the
// kernel wrote, and msg_flags.
func recvmsg(fd int, buffers [][]byte, control []byte, from *sockName, flags int) (n, controlLen, msgFlags int, err error) {
	var msg unix.Msghdr
	iov := iovecs(buffers)
	from.len = sockaddrSize
	setMsghdr(&msg, iov, control, from)
	r, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags))
	if errno != 0 {
		from.len = 0
		return 0, 0, 0, errno
	}
	from.len = msg.Namelen
	return int(r), int(msg.Controllen), int(msg.Flags), nil
}

func setMsghdr(msg *unix.Msghdr, iov []unix.Iovec, control []byte, name *sockName) {
	if name != nil && name.len > 0 {
		msg.Name = &name.raw[0]
		msg.Namelen = name.len
	}
	if len(iov) > 0 {
		msg.Iov = &iov[0]
		msg.SetIovlen(len(iov))
	}
	if len(control) > 0 {
		msg.Control = &control[0]
		msg.SetControllen(len(control))
	}
}

func iovecs(buffers [][]byte) []unix.Iovec {
	iov := make([]unix.Iovec, len(buffers))
	for i, b := range buffers {
		iov[i].Base = unsafe.SliceData(b)
		iov[i].SetLen(len(b))
	}
	return iov
}

// setsockopt sets an option to any bytes, which none of x/sys/unix's functions
// does: they know types, or end a string. Without bytes, the length is null.
func setsockopt(fd, level, name int, value []byte, null int) error {
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(unsafe.SliceData(value))), uintptr(max(len(value), null)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
