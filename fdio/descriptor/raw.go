package descriptor

import (
	"bytes"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file has the system calls for which x/sys/unix has no function.

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

// mqAttr wraps mq_getsetattr(2), which changes nothing here.
func mqAttr(fd int) (attr mqAttrs, err error) {
	_, _, errno := unix.Syscall(unix.SYS_MQ_GETSETATTR, uintptr(fd), 0, uintptr(unsafe.Pointer(&attr)))
	if errno != 0 {
		return attr, errno
	}
	return attr, nil
}

// bpfName is the name of a bpf(2) object, which stands at offset in what
// BPF_OBJ_GET_INFO_BY_FD returns; empty where there is none, or no permission.
func bpfName(fd, offset int) string {
	const nameSize = 16 // BPF_OBJ_NAME_LEN
	if offset == 0 {
		return ""
	}
	info := new([256]byte)
	var pinner runtime.Pinner // the kernel is given its address as a number
	pinner.Pin(info)
	defer pinner.Unpin()
	// The member of union bpf_attr for this command.
	attr := struct {
		fd   uint32
		size uint32
		info uint64
	}{uint32(fd), uint32(len(info)), uint64(uintptr(unsafe.Pointer(info)))}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_OBJ_GET_INFO_BY_FD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return ""
	}
	name, _, _ := bytes.Cut(info[offset:offset+nameSize], []byte{0})
	return string(name)
}
