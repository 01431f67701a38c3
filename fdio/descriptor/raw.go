package descriptor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file has the system calls for which x/sys/unix has no function, or one that
// allocates memory where that would be for each descriptor.

// noPath is the empty path, with its NUL.
var noPath = new([1]byte)

// Calls that never block are made without telling the scheduler.

// statxSelf wraps statx(2) for the file that fd is open on. It does not ask a
// daemon.
func statxSelf(fd int, st *unix.Statx_t) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_STATX, uintptr(fd), uintptr(unsafe.Pointer(noPath)),
		unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, statxMask, uintptr(unsafe.Pointer(st)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// openFlags returns the file status flags: F_GETFL of fcntl(2).
func openFlags(fd int) int {
	flags, _, errno := unix.RawSyscall(unix.SYS_FCNTL, uintptr(fd), unix.F_GETFL, 0)
	if errno != 0 {
		return 0
	}
	return int(flags)
}

// readlinkat wraps readlinkat(2). name ends with a NUL.
func readlinkat(dir int, name, target []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(unsafe.SliceData(name))),
		uintptr(unsafe.Pointer(unsafe.SliceData(target))), uintptr(len(target)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func ioctlUint64(fd int, request uint) (value uint64, err error) {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(&value)))
	if errno != 0 {
		return 0, errno
	}
	return value, nil
}

// mqAttrs mirrors struct mq_attr of <linux/mqueue.h>.
type mqAttrs struct {
	flags, maxMsg, msgSize, curMsgs int
	_                               [4]int
}

// mqAttr wraps mq_getsetattr(2), without changing anything.
func mqAttr(fd int) (attr mqAttrs, err error) {
	_, _, errno := unix.Syscall(unix.SYS_MQ_GETSETATTR, uintptr(fd), 0, uintptr(unsafe.Pointer(&attr)))
	if errno != 0 {
		return attr, errno
	}
	return attr, nil
}
