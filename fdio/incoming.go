package fdio

import (
	"errors"
	"slices"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Incoming is a received message. Its buffers are the caller's, and are used again
// by every call; the rest is what the call returned, and means nothing before the
// first one. Data, Control and all that is taken from them are parts of the
// buffers.
type Incoming struct {
	Buffers [][]byte // where the data goes: scattered in order
	Space   []byte   // where the control messages go; see Socket.ControlSpace

	N       int              // bytes of data in Buffers
	Size    int              // bytes that recvmsg(2) returned: more than N only with MSG_TRUNC as a flag
	Control []byte           // the control messages, in Space
	Flags   int              // msg_flags: MSG_TRUNC, MSG_CTRUNC ...
	From    Address          // the sender of a datagram, where it has a name; with MSG_ERRQUEUE its receiver
	Sender  cmsg.Credentials // SCM_CREDENTIALS of the message, unix(7); not Known where there are none

	partial bool // MSG_WAITALL waits for more than N
	header  header
}

// Data returns what was received, the parts of several buffers joined: never more
// than the kernel wrote.
func (m *Incoming) Data() []byte {
	if len(m.Buffers) == 1 {
		return m.Buffers[0][:m.N]
	}
	return slices.Concat(m.Parts(nil)...)
}

// Parts appends what was received into each of the buffers to parts.
func (m *Incoming) Parts(parts [][]byte) [][]byte {
	left := m.N
	for _, b := range m.Buffers {
		n := min(left, len(b))
		parts = append(parts, b[:n])
		left -= n
	}
	return parts
}

// Partial reports whether m holds a part of what MSG_WAITALL is waiting for.
func (m *Incoming) Partial() bool { return m.partial }

// TakePartial makes a message of the part that has come.
func (m *Incoming) TakePartial() { m.partial = false }

// Rights appends the descriptors that were passed, SCM_RIGHTS, to fds, in order.
func (m *Incoming) Rights(fds []int) []int {
	for c := range cmsg.Messages(m.Control) {
		fds = c.Rights(fds)
	}
	return fds
}

// Descriptors appends all descriptors that the message installed in this process
// to fds, a pidfd of SCM_PIDFD included: the receiver owns them and has to close
// them.
func (m *Incoming) Descriptors(fds []int) []int {
	for c := range cmsg.Messages(m.Control) {
		fds = c.Descriptors(fds)
	}
	return fds
}

// Close closes every descriptor that came with the message. Closing again does
// nothing. Who keeps the descriptors does not close the message.
func (m *Incoming) Close() {
	if len(m.Control) > 0 {
		m.closeAll()
	}
}

// closeAll is not a part of Close because of its large frame: a goroutine that
// once needed a large stack keeps it.
//
//go:noinline
func (m *Incoming) closeAll() {
	var most [cmsg.MaxDescriptors + 1]int
	for _, fd := range m.Descriptors(most[:0]) {
		unix.Close(fd)
	}
	m.Control = nil
}

// Errors of messages that arrived incomplete.
var (
	ErrTruncated        = errors.New("message truncated: it is larger than the buffer")
	ErrControlTruncated = errors.New("control messages truncated, and descriptors lost with them")
)

// CheckTruncated returns ErrTruncated or ErrControlTruncated if the kernel
// dropped a part of the message: MSG_TRUNC, MSG_CTRUNC.
func (m *Incoming) CheckTruncated() error {
	switch {
	case m.Flags&unix.MSG_CTRUNC != 0:
		return ErrControlTruncated
	case m.Flags&unix.MSG_TRUNC != 0:
		return ErrTruncated
	}
	return nil
}

// reset makes m what it is before a call. What MSG_WAITALL has got stays.
func (m *Incoming) reset() {
	if !m.partial {
		m.N, m.Size = 0, 0
	}
	m.Control, m.Flags, m.From, m.Sender = nil, 0, Address{}, nobody
}

// room returns how many bytes buffers can hold.
func room(buffers [][]byte) (n int) {
	for _, b := range buffers {
		n += len(b)
	}
	return n
}
