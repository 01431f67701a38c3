package cmsg

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// MaxDescriptors is how many descriptors one sendmsg(2) may carry over all of its
// control messages: SCM_MAX_FD, unix(7).
const MaxDescriptors = 253

// AppendRights appends an SCM_RIGHTS control message with fds, in order, to the
// control buffer b: unix(7). Without fds it appends nothing. The descriptors must
// be open until the message is sent.
func AppendRights(b []byte, fds []int) []byte {
	if len(fds) == 0 {
		return b
	}
	b = appendHeader(b, 4*len(fds), unix.SOL_SOCKET, unix.SCM_RIGHTS)
	for _, fd := range fds {
		b = binary.NativeEndian.AppendUint32(b, uint32(int32(fd)))
	}
	return pad(b, 4*len(fds))
}

// Rights appends the descriptors in m, in order, to fds, if m is an SCM_RIGHTS
// control message.
func (m Message) Rights(fds []int) []int {
	if m.Level != unix.SOL_SOCKET || m.Type != unix.SCM_RIGHTS {
		return fds
	}
	return appendInts(fds, m.Data)
}

// Descriptors appends every descriptor that the kernel installed for m to fds:
// those of SCM_RIGHTS, and the pidfd of SCM_PIDFD. The receiver has to close them.
// An SCM_PIDFD below zero is an errno and no descriptor.
func (m Message) Descriptors(fds []int) []int {
	if m.Level == unix.SOL_SOCKET && m.Type == unix.SCM_PIDFD && len(m.Data) >= 4 {
		if fd := int(int32(binary.NativeEndian.Uint32(m.Data))); fd >= 0 {
			return append(fds, fd)
		}
		return fds
	}
	return m.Rights(fds)
}

func appendInts(dst []int, data []byte) []int {
	for ; len(data) >= 4; data = data[4:] {
		dst = append(dst, int(int32(binary.NativeEndian.Uint32(data))))
	}
	return dst
}

// WithoutRights returns a copy of control without its SCM_RIGHTS messages: what is
// sent with the later parts of a message that the kernel takes in parts.
func WithoutRights(control []byte) []byte {
	var kept []byte
	for m := range Messages(control) {
		if m.Level != unix.SOL_SOCKET || m.Type != unix.SCM_RIGHTS {
			kept = Append(kept, m)
		}
	}
	return kept
}

// Credentials are the identity of a process in SCM_CREDENTIALS and SO_PEERCRED:
// struct ucred, unix(7).
type Credentials struct {
	PID int32
	UID uint32
	GID uint32
}

// overflowUID stands for a uid that is unknown or cannot be expressed:
// /proc/sys/kernel/overflowuid.
const overflowUID = 65534

// Credentials decodes m if it is an SCM_CREDENTIALS control message of the right
// size.
func (m Message) Credentials() (c Credentials, ok bool) {
	if m.Level != unix.SOL_SOCKET || m.Type != unix.SCM_CREDENTIALS || len(m.Data) != unix.SizeofUcred {
		return Credentials{}, false
	}
	return Credentials{
		PID: int32(binary.NativeEndian.Uint32(m.Data)),
		UID: binary.NativeEndian.Uint32(m.Data[4:]),
		GID: binary.NativeEndian.Uint32(m.Data[8:]),
	}, true
}

// Known reports whether c is the identity of a process at all. The kernel returns
// pid 0 with the overflow uid for a message that was queued without credentials,
// and pid 0 with uid -1 for a socket without a peer. All zero is known: root in a
// PID namespace that is not visible.
func (c Credentials) Known() bool {
	return c.PID != 0 || (c.UID != overflowUID && c.UID != 1<<32-1)
}
