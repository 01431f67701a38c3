package fdio

import (
	"unsafe"

	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

// This file fills struct msghdr of recvmsg(2) itself, for what the Sendmsg and
// Recvmsg functions of x/sys/unix cannot express: names with NULs in them, messages
// without a byte of data, to which those functions add one, and recvmmsg(2).

func sendmsg(fd int, buffers [][]byte, control []byte, to *sockname.Name, flags int) (int, error) {
	var msg unix.Msghdr
	setMsghdr(&msg, appendIovecs(nil, buffers), control, to)
	n, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// header is what recvmsg(2) is given and fills. It has to be on the heap, and so is
// kept from one call to the next.
type header struct {
	msg  unix.Msghdr
	iov  []unix.Iovec
	from sockname.Name
	own  [credentialsSpace]byte // see space
}

// space returns where control messages go: the caller's space, or where that is
// none at all, some of our own for the credentials that the caller will not see.
// Without it, every message would be one whose control messages were truncated.
func (h *header) space(s *Socket, space []byte) []byte {
	if len(space) == 0 && s.takesCredentials() {
		return h.own[:]
	}
	return space
}

// prepare fills the header for recvmsg(2) on s into buffers and control.
func (h *header) prepare(s *Socket, buffers [][]byte, control []byte) {
	h.msg = unix.Msghdr{}
	h.iov = appendIovecs(h.iov[:0], buffers)
	h.from.Len = 0
	if s.IsDatagram() {
		h.from.Len = sockname.MaxSize
	}
	setMsghdr(&h.msg, h.iov, control, &h.from)
}

// recvmsg receives from s into buffers and control, with flags that include
// MSG_DONTWAIT. It returns how many bytes of data and of control messages the
// kernel wrote, and msg_flags. h.from then is the name of the sender of a datagram,
// with length 0 where there is none.
func (h *header) recvmsg(s *Socket, buffers [][]byte, control []byte, flags int) (n, controlLen, msgFlags int, err error) {
	h.prepare(s, buffers, control)
	var r uintptr
	var errno unix.Errno
	if s.foreign || s.shared.Load() { // may wait for the turn of others who receive
		r, _, errno = unix.Syscall(unix.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&h.msg)), uintptr(flags))
	} else { // the scheduler need not know
		r, _, errno = unix.RawSyscall(unix.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&h.msg)), uintptr(flags))
	}
	if errno != 0 {
		h.from.Len = 0
		return 0, 0, 0, errno
	}
	h.from.Len = h.msg.Namelen
	return int(r), int(h.msg.Controllen), int(h.msg.Flags), nil
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	msg unix.Msghdr
	len uint32
}

func recvmmsg(fd int, headers []mmsghdr, flags int) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(headers))), uintptr(len(headers)), uintptr(flags), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func setMsghdr(msg *unix.Msghdr, iov []unix.Iovec, control []byte, name *sockname.Name) {
	if name != nil && name.Len > 0 {
		msg.Name = &name.Raw[0]
		msg.Namelen = name.Len
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

func appendIovecs(iov []unix.Iovec, buffers [][]byte) []unix.Iovec {
	for _, b := range buffers {
		v := unix.Iovec{Base: unsafe.SliceData(b)}
		v.SetLen(len(b))
		iov = append(iov, v)
	}
	return iov
}

// setsockopt sets an option to any bytes. The functions of x/sys/unix know types
// only, or add a NUL to a string. Where value is nil, optval is NULL and optlen is
// null.
func setsockopt(fd, level, name int, value []byte, null int) error {
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(unsafe.SliceData(value))), uintptr(max(len(value), null)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
