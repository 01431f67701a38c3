package fdio

import (
	"errors"
	"io"
	"os"
	"slices"
	"unsafe"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Incoming is a received message. Its buffers are the caller's, and used again
// by every call; the rest is what the call returned.
type Incoming struct {
	Buffers [][]byte // where the data goes: scattered in order
	Space   []byte   // where the control messages go

	N       int     // bytes of data in Buffers
	Size    int     // bytes that recvmsg returned: more than N only with MSG_TRUNC given as a flag
	Control []byte  // the part of Space that the kernel wrote
	Flags   int     // msg_flags: MSG_TRUNC, MSG_CTRUNC ...
	From    Address // the sender of a datagram, where it has a name; with MSG_ERRQUEUE its receiver

	partial bool // MSG_WAITALL waits for more than N
	header  header
}

// Data is what was received, the parts of several buffers joined: never more
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

// Descriptors appends all descriptors that the message installed in this
// process to fds, a pidfd of SCM_PIDFD included: the receiver owns them and has
// to close them.
func (m *Incoming) Descriptors(fds []int) []int {
	for c := range cmsg.Messages(m.Control) {
		fds = c.Descriptors(fds)
	}
	return fds
}

// Close closes every descriptor that came with the message.
func (m *Incoming) Close() {
	if len(m.Control) > 0 {
		m.closeAll()
	}
}

// closeAll is apart for its large frame: a goroutine that has called it keeps the
// stack.
//
//go:noinline
func (m *Incoming) closeAll() {
	var most [cmsg.MaxDescriptors + 1]int
	for _, fd := range m.Descriptors(most[:0]) {
		unix.Close(fd)
	}
	m.Control = nil
}

// Recv waits for a message and receives it as TryRecv does. The error is
// os.ErrDeadlineExceeded after Interrupt.
func (s *Socket) Recv(m *Incoming, flags int) error {
	var err error
	waitErr := s.WaitRead(func(uintptr) bool {
		err = s.TryRecv(m, flags)
		return err != unix.EAGAIN
	})
	if waitErr != nil {
		return s.wrap("receive", waitErr)
	}
	if err == io.EOF {
		return err
	}
	return s.wrap("receive", err)
}

// TryRecv receives a message with recvmsg(2) if there is one, or returns
// EAGAIN as it is. Received descriptors are close-on-exec. io.EOF is the end
// of a connection; an empty message is none.
//
// With MSG_WAITALL on a stream, EAGAIN also means that not everything has come.
// The next call with the same m goes on; TakePartial ends the wait.
func (s *Socket) TryRecv(m *Incoming, flags int) error {
	if !m.partial {
		m.N, m.Size = 0, 0
	}
	m.Control, m.Flags, m.From = nil, 0, Address{}
	if err := s.markEnd(); err != nil {
		return err
	}
	if err := s.takeDeferred(); err != nil {
		return err
	}
	// The other flags make the kernel return what is there, too.
	const returnShort = unix.MSG_DONTWAIT | unix.MSG_OOB | unix.MSG_ERRQUEUE
	gathers := flags&unix.MSG_WAITALL != 0 && flags&returnShort == 0 && s.IsStream()
	flags |= s.recvFlags()
	if gathers {
		return s.tryRecvAll(m, flags)
	}
	if s.tellsNoEnd() {
		return s.tryRecvEnd(m, flags)
	}
	return s.tryRecv(m, m.Buffers, flags)
}

// takeDeferred is the error that the next receive returns, once.
func (s *Socket) takeDeferred() error {
	err := s.deferred
	s.deferred = nil
	return err
}

// recvFlags are the flags of every call.
func (s *Socket) recvFlags() int {
	if s.domain == unix.AF_UNIX {
		return unix.MSG_DONTWAIT | unix.MSG_CMSG_CLOEXEC // packet sockets, which pass no descriptors, refuse it
	}
	return unix.MSG_DONTWAIT
}

// Peek fills b with what waits to be received, as far as it goes, and leaves it
// there, control messages included: EAGAIN when nothing is there, 0 at the end of
// a stream.
func (s *Socket) Peek(b []byte) (int, error) {
	n, err := ignoringEINTR(func() (int, error) {
		n, _, err := unix.Recvfrom(s.fd, b, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return n, err
	})
	if err != nil && err != unix.EAGAIN {
		err = os.NewSyscallError("recvfrom", err)
	}
	return max(n, 0), err
}

// tryRecv receives once, into buffers.
func (s *Socket) tryRecv(m *Incoming, buffers [][]byte, flags int) error {
	n, controlLen, msgFlags, err := s.recvmsg(m, buffers, flags)
	if err == unix.EINVAL && flags&unix.MSG_OOB != 0 && s.noUrgentData() {
		if !ready(s.fd, unix.POLLRDHUP) {
			return unix.EAGAIN
		}
		// What came before the end may have come just now.
		if n, controlLen, msgFlags, err = s.recvmsg(m, buffers, flags); err == unix.EINVAL {
			return io.EOF
		}
	}
	if err == unix.EAGAIN {
		return unix.EAGAIN
	}
	if err != nil {
		return os.NewSyscallError("recvmsg", err)
	}
	return s.received(m, buffers, flags, n, controlLen, msgFlags)
}

// received makes m what a call with flags has returned.
func (s *Socket) received(m *Incoming, buffers [][]byte, flags, n, controlLen, msgFlags int) error {
	if from := &m.header.from; from.len > 0 {
		m.From = s.addressOf(from)
	}
	m.Control = m.Space[:controlLen]
	m.Flags = msgFlags &^ unix.MSG_CMSG_CLOEXEC
	m.Size += n
	fromErrorQueue := m.Flags&unix.MSG_ERRQUEUE != 0
	if flags&unix.MSG_TRUNC == 0 || fromErrorQueue || !s.discards() {
		m.N += min(n, room(buffers))
	}
	if n == 0 && !fromErrorQueue && s.ended(m) {
		m.Close() // TCP_INQ and SO_PASSCRED say something at the end of a stream, too
		return io.EOF
	}
	return nil
}

// addressOf is the address of a sender. It is kept, as most senders send again.
func (s *Socket) addressOf(from *sockName) Address {
	last := s.lastSender
	if last == nil {
		last = new(sender)
		s.lastSender = last
	}
	if *from != last.name {
		last.name, last.address = *from, from.address(s.typ)
	}
	return last.address
}

// room is how many bytes buffers can hold.
func room(buffers [][]byte) (n int) {
	for _, b := range buffers {
		n += len(b)
	}
	return n
}

// discards reports whether MSG_TRUNC given as a flag makes recvmsg throw the
// data away instead of writing it to the buffers: tcp(7).
func (s *Socket) discards() bool {
	return s.IsStream() && (s.domain == unix.AF_INET || s.domain == unix.AF_INET6)
}

// noUrgentData reports whether EINVAL with MSG_OOB means that there is no urgent
// data: tcp(7). With SO_OOBINLINE there never is.
func (s *Socket) noUrgentData() bool {
	inline, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_OOBINLINE)
	return s.IsStream() && (err != nil || inline == 0)
}

// tryRecvAll is tryRecv for MSG_WAITALL, which the kernel does not observe
// without waiting itself: until the buffers are full, the peer has ended, or on
// a Unix socket control messages have come. Others, such as timestamps, come with
// every part; those of the last are kept.
func (s *Socket) tryRecvAll(m *Incoming, flags int) error {
	peeks := flags&unix.MSG_PEEK != 0 && !s.peeksOn()
	for {
		ended := peeks && ready(s.fd, unix.POLLRDHUP)
		err := s.tryRecv(m, advance(m.Buffers, m.Size), flags)
		control := len(m.Control) > 0 || m.Flags&unix.MSG_CTRUNC != 0
		more := err == nil && m.Size < room(m.Buffers) && !(control && s.IsUnix())
		switch {
		case more && peeks && !ended:
			m.N, m.Size = 0, 0 // the next call peeks at all of it again
			return unix.EAGAIN
		case more && !peeks:
			m.partial = true
			continue
		case err != nil && err != unix.EAGAIN && m.partial:
			s.deferred, err = err, nil // first what has come before it
		}
		if err == nil {
			m.partial = false
		}
		return err
	}
}

// peeksOn reports whether a peek begins where the last one ended: SO_PEEK_OFF,
// socket(7).
func (s *Socket) peeksOn() bool {
	offset, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_PEEK_OFF)
	return err == nil && offset >= 0
}

// tellsNoEnd reports whether a return of no bytes may be an empty message as well
// as the end of the connection: on seqpacket sockets without SO_PASSCRED. Our
// own have it.
func (s *Socket) tellsNoEnd() bool {
	return s.domain == unix.AF_UNIX && s.typ == unix.SOCK_SEQPACKET && !s.passesCreds
}

// tryRecvEnd is tryRecv where tellsNoEnd: what may be the end is received with
// timestamps on, which only a message has. That is for this one call, as others
// may share the socket.
func (s *Socket) tryRecvEnd(m *Incoming, flags int) error {
	n, err := ignoringEINTR(func() (int, error) {
		n, _, _, err := m.header.recvmsg(s, nil, nil, flags|unix.MSG_PEEK|unix.MSG_TRUNC)
		return n, err
	})
	if err != nil || n > 0 || s.timestamped() {
		return s.tryRecv(m, m.Buffers, flags)
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMP_OLD, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	defer unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMP_OLD, 0)
	space := m.Space
	m.Space = make([]byte, cmsg.Space(int(unsafe.Sizeof(unix.Timeval{})))+len(space))
	err = s.tryRecv(m, m.Buffers, flags)
	_, rest, _, _ := cmsg.Next(m.Control) // the timestamp is the first
	m.Space = space
	m.Control = space[:copy(space, rest)]
	return err
}

// timestamped reports whether somebody asked for timestamps: messages carry them
// already, and how they do must not be changed.
func (s *Socket) timestamped() bool {
	for _, option := range []int{
		unix.SO_TIMESTAMP_OLD, unix.SO_TIMESTAMPNS_OLD, unix.SO_TIMESTAMPING_OLD,
		unix.SO_TIMESTAMP_NEW, unix.SO_TIMESTAMPNS_NEW, unix.SO_TIMESTAMPING_NEW,
	} {
		if on, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, option); err == nil && on != 0 {
			return true
		}
	}
	return false
}

// recvmsg receives once, and again where that returned an error that stood
// before messages which are still there: on all but streams, an error of the
// socket comes first (ECONNRESET when the peer closed without having read
// everything), and does so once.
func (s *Socket) recvmsg(m *Incoming, buffers [][]byte, flags int) (n, controlLen, msgFlags int, err error) {
	n, controlLen, msgFlags, err = s.recvmsgOnce(m, buffers, flags)
	if err == nil || err == unix.EAGAIN || s.IsStream() {
		return n, controlLen, msgFlags, err
	}
	if n, controlLen, msgFlags, again := s.recvmsgOnce(m, buffers, flags); again != unix.EAGAIN {
		return n, controlLen, msgFlags, again
	}
	return 0, 0, 0, err
}

func (s *Socket) recvmsgOnce(m *Incoming, buffers [][]byte, flags int) (n, controlLen, msgFlags int, err error) {
	for {
		n, controlLen, msgFlags, err = m.header.recvmsg(s, buffers, m.Space, flags)
		if err != unix.EINTR {
			break
		}
	}
	return n, controlLen, msgFlags, err
}

// ended tells whether a return of no bytes was the end of file. On a stream it
// always is, unless there was no room for a byte; a datagram may be empty. A
// message on a seqpacket socket carries credentials, or else a timestamp (see
// tryRecvEnd), and no end can come before the peer has shut down.
func (s *Socket) ended(m *Incoming) bool {
	switch {
	case s.IsDatagram():
		return false
	case s.IsStream():
		return !empty(m.Buffers) || !s.readable()
	case len(m.Control) > 0 || m.Flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) != 0:
		return false
	case s.passesCreds:
		return true
	}
	return ready(s.fd, unix.POLLRDHUP) && !s.readable()
}

// readable reports whether bytes are queued: SIOCINQ, unix(7), tcp(7).
func (s *Socket) readable() bool {
	n, err := unix.IoctlGetInt(s.fd, unix.SIOCINQ)
	return err == nil && n > 0
}

// OwnCredentials is how many bytes of control data each message of the socket
// carries that only this package asked for, SO_PASSCRED of unix(7): Incoming's
// Space needs as many more. Only timestamps come before them. It is 0 where
// credentials are not delivered, or were asked for by somebody else.
func (s *Socket) OwnCredentials() int {
	if s.inherited || s.credsGiven || s.domain != unix.AF_UNIX || s.IsStream() || s.IsDatagram() && !s.passesCreds {
		return 0
	}
	return cmsg.Space(unix.SizeofUcred)
}

// Errors of messages that have lost something on the way.
var (
	ErrTruncated        = errors.New("the message was cut: it is larger than the buffer")
	ErrControlTruncated = errors.New("control messages were cut, and descriptors lost with them")
)

// Complete returns ErrTruncated or ErrControlTruncated if the kernel dropped a
// part of the message: MSG_TRUNC, MSG_CTRUNC.
func (m *Incoming) Complete() error {
	switch {
	case m.Flags&unix.MSG_CTRUNC != 0:
		return ErrControlTruncated
	case m.Flags&unix.MSG_TRUNC != 0:
		return ErrTruncated
	}
	return nil
}
