package fdio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/poll"
	"fdmsg/fdio/internal/sockname"
	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// MaxBuffers is how many buffers one sendmsg(2) gathers and one recvmsg(2) fills:
// UIO_MAXIOV.
const MaxBuffers = 1024

// Errors of messages that the kernel would refuse or, what is worse, accept and
// drop.
var (
	ErrTooManyDescriptors = errors.New("too many descriptors for one message")
	ErrTooManyBuffers     = errors.New("too many buffers for one message")
	ErrNoDescriptorsHere  = errors.New("descriptors can only be passed over Unix sockets")
	ErrControlAlone       = errors.New("a stream drops control messages without a byte of data")
)

// What the kernel refuses in control messages. Each wraps the error of sendmsg(2).
var (
	ErrOptmem      = errors.New("control messages too large")
	ErrCredentials = errors.New("credentials refused")

	ErrRightsRefused = errors.New("receiver refuses descriptors")
)

// Outgoing is a message to send. All of it stays the caller's, the descriptors in
// Control included.
type Outgoing struct {
	Buffers [][]byte // gathered in order, nothing between them
	Control []byte   // control messages, as cmsg.Append builds them
	To      *Address // destination, on a datagram socket that is not connected
	Flags   int      // of the call: MSG_OOB ...
}

// Send sends m with sendmsg(2) and returns how many bytes were sent. It waits for
// room, and while too many descriptors are in flight (ETOOMANYREFS), until ctx
// ends, whose cause it then returns, or the write deadline, which is
// os.ErrDeadlineExceeded. With MSG_DONTWAIT it does not wait, and the error is
// EAGAIN or ETOOMANYREFS.
//
// A stream that takes the message in part is given the rest. Descriptors go with
// the first part only, other control messages with each. On a stream, descriptors
// need a byte to go with: where m has none, Send adds one NUL byte.
//
// Errors are of type *Error. Those of the kernel that have to do with control
// messages are ErrOptmem, ErrCredentials or ErrRightsRefused as well.
func (s *Socket) Send(ctx context.Context, m Outgoing) (int, error) {
	n, err := s.send(ctx, m)
	if err != nil && m.To != nil {
		return n, &Error{Name: m.To.String(), Op: "send", Err: err}
	}
	return n, s.wrap("send", err)
}

func (s *Socket) send(ctx context.Context, m Outgoing) (sent int, err error) {
	if err := s.check(m); err != nil {
		return 0, err
	}
	to, err := s.destination(ctx, m.To)
	if err != nil {
		return 0, err
	}
	buffers, control := m.Buffers, m.Control
	left := 0
	for _, b := range buffers {
		left += len(b)
	}
	if s.IsStream() {
		// A call without a byte would lose its descriptors.
		buffers = slices.DeleteFunc(slices.Clone(buffers), func(b []byte) bool { return len(b) == 0 })
		if left == 0 && len(control) > 0 { // with descriptors: see check
			buffers, left = [][]byte{{0}}, 1
		}
	}
	var b poll.Backoff
	flags := m.Flags
	for {
		n, err := s.sendmsg(ctx, buffers[:min(len(buffers), MaxBuffers)], control, to, flags)
		switch {
		case err == unix.EINPROGRESS && flags&unix.MSG_FASTOPEN != 0: // it connects first
			to, flags = nil, flags&^unix.MSG_FASTOPEN
			continue
		case flags&unix.MSG_DONTWAIT == 0 && (errors.Is(err, unix.ETOOMANYREFS) || errors.Is(err, unix.EAGAIN)):
			if err := b.Sleep(ctx); err != nil {
				return sent, err
			}
			continue
		case err != nil:
			return sent, explain(err, control)
		}
		sent += n
		left -= n
		if left == 0 || !s.IsStream() {
			return sent, nil
		}
		buffers = advance(buffers, n)
		control = cmsg.WithoutRights(control)
	}
}

// check returns an error for what the kernel would refuse, or accept and drop.
func (s *Socket) check(m Outgoing) error {
	fds := 0
	for c := range cmsg.Messages(m.Control) {
		fds += len(c.Rights(nil))
	}
	switch {
	case fds > cmsg.MaxDescriptors:
		return fmt.Errorf("%w: %d, at most %d", ErrTooManyDescriptors, fds, cmsg.MaxDescriptors)
	case fds > 0 && !s.IsUnix():
		return ErrNoDescriptorsHere // the kernel would ignore them
	case fds == 0 && len(m.Control) > 0 && s.IsStream() && empty(m.Buffers):
		return ErrControlAlone
	case len(m.Buffers) > MaxBuffers && !s.IsStream():
		return fmt.Errorf("%w: %d, at most %d", ErrTooManyBuffers, len(m.Buffers), MaxBuffers)
	}
	return nil
}

// explain says what the kernel has refused, where that were control messages.
func explain(err error, control []byte) error {
	var creds, rights []cmsg.Message
	for m := range cmsg.Messages(control) {
		if _, ok := m.Credentials(); ok {
			creds = append(creds, m)
		}
		if len(m.Rights(nil)) > 0 {
			rights = append(rights, m)
		}
	}
	switch {
	case (err == unix.ENOBUFS || err == unix.ENOMEM) && len(control) > optmem(): // ENOMEM to 32-bit processes
		return fmt.Errorf("%w: %d bytes: %w", ErrOptmem, len(control), err)
	case err == unix.EPERM && len(creds) == 0 && len(rights) > 0:
		return fmt.Errorf("%w: %w", ErrRightsRefused, err)
	case len(creds) > 0 && (err == unix.ESRCH || err == unix.EPERM && len(rights) == 0):
		c, _ := creds[0].Credentials()
		return fmt.Errorf("%w: pid %d, uid %d, gid %d: %w", ErrCredentials, c.PID, c.UID, c.GID, err)
	}
	return err
}

// optmem returns how many bytes of control messages one call may have,
// net.core.optmem_max of socket(7), 0 where that is not known.
func optmem() int {
	text, _ := os.ReadFile("/proc/sys/net/core/optmem_max")
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return n
}

// destination returns the name to send to, nil for a socket that is connected.
func (s *Socket) destination(ctx context.Context, a *Address) (*sockname.Name, error) {
	if a == nil {
		return nil, nil
	}
	targets, err := resolve(ctx, a.absolute(), false)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	for _, t := range targets {
		if a.Network != Raw && t.domain != s.domain && (t.domain != unix.AF_INET || s.domain != unix.AF_INET6) {
			continue
		}
		if path, ok := t.address.Path(); ok && len(path) > sockname.MaxPath {
			return nil, fmt.Errorf("%w: path of %d bytes, at most %d", unix.ENAMETOOLONG, len(path), sockname.MaxPath)
		}
		name := t.name
		if a.Network != Raw && t.domain != s.domain { // an IPv4 address on an IPv6 socket: RFC 4291, 2.5.5.2
			ap, _ := name.AddrPort()
			name = sockname.Inet(unix.AF_INET6, ap.Addr(), ap.Port(), 0)
		}
		return &name, nil
	}
	return nil, unix.EAFNOSUPPORT
}

// sendmsg sends one message, or the first part of it, as soon as there is room. It
// returns EAGAIN only where room cannot be waited for: in the queue of a receiver
// that the socket is not connected to.
func (s *Socket) sendmsg(ctx context.Context, buffers [][]byte, control []byte, to *sockname.Name, flags int) (n int, err error) {
	dontWait := flags&unix.MSG_DONTWAIT != 0
	flags |= unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	once := func() (int, error) {
		// x/sys/unix adds a byte to a message that has control data and no byte.
		if to != nil || len(control) > 0 && empty(buffers) {
			return sendmsg(s.fd, buffers, control, to, flags)
		}
		return unix.SendmsgBuffers(s.fd, buffers, control, nil, flags)
	}
	if to != nil || dontWait {
		return sys.Retry(once)
	}
	waitErr := s.await(ctx, sending, (*rawConn)(s), func(uintptr) bool {
		n, err = sys.Retry(once)
		return err != unix.EAGAIN
	})
	if waitErr != nil {
		return 0, waitErr
	}
	return n, err
}

// empty reports whether buffers hold no byte.
func empty(buffers [][]byte) bool {
	for _, b := range buffers {
		if len(b) > 0 {
			return false
		}
	}
	return true
}

// advance returns what is left of buffers after their first n bytes.
func advance(buffers [][]byte, n int) [][]byte {
	for len(buffers) > 0 && n >= len(buffers[0]) {
		n -= len(buffers[0])
		buffers = buffers[1:]
	}
	if n == 0 {
		return buffers
	}
	rest := append([][]byte(nil), buffers...)
	rest[0] = rest[0][n:]
	return rest
}
