package fdio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fdmsg/fdio/internal/poll"
	"fdmsg/fdio/internal/sockname"
	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// DialOptions are the options of Dial. The zero value is a plain connect.
type DialOptions struct {
	From *Address      // bind to this address first
	Wait time.Duration // keep trying for so long while the address is not there
	Mode *os.FileMode  // permissions of the file that From binds to, as in ListenOptions

	Options []Option // of the socket, set before it is bound and connected
}

// ErrFromTooLong says that the path of DialOptions.From is longer than sun_path.
// Such a path is bound by way of /proc/self/fd, and the name that the peer then
// sees leads nowhere.
var ErrFromTooLong = errors.New("path too long for a reply address: at most 107 bytes")

// ErrOtherType says that two addresses belong to sockets of different types.
var ErrOtherType = errors.New("socket type mismatch")

// ErrAutobind says that the address to connect to is unix:@, for which the kernel
// picks a name when binding.
var ErrAutobind = errors.New("abstract name is empty")

// ErrWaited says that DialOptions.Wait has passed, and nobody listens still.
var ErrWaited = errors.New("waited")

// Dial makes a socket and connects it to a: connect(2). Of a host, every address is
// tried. A full backlog is waited out. A path that is no socket is ErrNotSocket. For the address fd:N it is Inherit. The
// Socket is the caller's, who closes it.
//
// On datagram sockets, connecting sends nothing. It makes a the destination of what
// is sent, and lets the socket wait for room in the receiver's queue.
func Dial(ctx context.Context, a Address, opts DialOptions) (*Socket, error) {
	if a.Network == Inherited {
		return Inherit(a.FD, opts.Options...)
	}
	a = a.absolute()
	patience := ctx
	if opts.Wait > 0 {
		var cancel context.CancelFunc
		patience, cancel = context.WithTimeout(ctx, opts.Wait)
		defer cancel()
	}
	var b poll.Backoff
	for {
		s, err := dialOnce(ctx, a, opts)
		if err == nil {
			return s, nil
		}
		e, ok := errors.AsType[*Error](err)
		connecting := ok && e.Op == "connect"
		notThere := connecting && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED))
		full := connecting && errors.Is(err, unix.EAGAIN)
		if !full && !(notThere && opts.Wait > 0) {
			return nil, err
		}
		wait := patience
		if full {
			wait = ctx
		}
		if b.Sleep(wait) != nil {
			if ctx.Err() != nil {
				return nil, &Error{Name: a.String(), Op: "connect", Err: context.Cause(ctx)}
			}
			if notThere {
				e.Err = fmt.Errorf("%w (%w %v)", e.Err, ErrWaited, opts.Wait)
			}
			return nil, err
		}
	}
}

// dialOnce tries every address that a stands for once.
func dialOnce(ctx context.Context, a Address, opts DialOptions) (*Socket, error) {
	targets, err := resolve(ctx, a, false)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		s, dialErr := t.dial(ctx, opts)
		if dialErr == nil {
			return s, nil
		}
		if err == nil || !errors.Is(dialErr, unix.ENOPROTOOPT) { // an option of the other family
			err = dialErr
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

func (t target) dial(ctx context.Context, opts DialOptions) (*Socket, error) {
	s, err := newSocket(t.domain, t.typ)
	if err != nil {
		return nil, &Error{Name: t.address.String(), Op: "connect", Err: err}
	}
	if err := s.dial(ctx, t, opts); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Socket) dial(ctx context.Context, t target, opts DialOptions) error {
	later, err := s.setBeforeConnect(opts.Options, t.address)
	if err != nil {
		return err
	}
	if opts.From != nil {
		if err := s.bindFrom(ctx, t, opts); err != nil {
			return err
		}
	}
	if err := s.connect(ctx, t); err != nil {
		return &Error{Name: t.address.String(), Op: "connect", Err: connectError(err, t.address)}
	}
	bound := s.local
	s.readNames()
	if bound != (Address{}) && s.domain == unix.AF_UNIX && !bound.isAutobind() {
		s.local = bound
	}
	s.connected = true
	if s.domain == unix.AF_UNIX {
		// The name that the kernel knows may be relative to the working directory
		// of the server, or lead through its /proc/self/fd.
		s.peer = t.address
	}
	s.readPeerCredentials()
	return s.setOptions(later, t.address)
}

func (s *Socket) bindFrom(ctx context.Context, t target, opts DialOptions) error {
	from := *opts.From
	if !from.Network.SameType(t.address.Network) {
		return &Error{Name: from.String(), Op: "bind", Err: fmt.Errorf("%w: the destination is %s", ErrOtherType, t.address.Network)}
	}
	if path, ok := from.absolute().Path(); ok && len(path) > sockname.MaxPath {
		return &Error{Name: from.String(), Op: "bind", Err: ErrFromTooLong}
	}
	names, err := resolve(ctx, from, true)
	if err != nil {
		return err
	}
	for _, n := range names {
		if n.domain == t.domain {
			return s.bind(ctx, n, opts.Mode)
		}
	}
	return &Error{Name: from.String(), Op: "bind", Err: unix.EAFNOSUPPORT}
}

// connectError adds to the error of connecting to a what the path tells: the kernel refuses a
// connection to a file that is no socket as it does where nobody listens.
func connectError(err error, a Address) error {
	path, ok := a.Path()
	if !ok {
		return err
	}
	var st unix.Stat_t
	switch err {
	case unix.ECONNREFUSED:
		if unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT != unix.S_IFSOCK {
			return fmt.Errorf("%w: %s", ErrNotSocket, fileKind(st.Mode))
		}
	case unix.ENOENT:
		if dir := filepath.Dir(path); unix.Stat(dir, &st) == unix.ENOENT {
			return fmt.Errorf("directory %s: %w", dir, err)
		}
	}
	return err
}

// connect connects the socket, and puts it on the poller.
func (s *Socket) connect(ctx context.Context, t target) error {
	name, release, err := t.connectName()
	if err != nil {
		return err
	}
	defer release()
	err = sockname.Connect(s.fd, &name)
	if err != nil && err != unix.EINPROGRESS && err != unix.EINTR {
		return err
	}
	inProgress := err != nil
	if err := s.poll(); err != nil {
		return err
	}
	if !inProgress {
		return nil
	}
	var result error
	waitErr := s.await(ctx, sending, (*rawConn)(s), func(uintptr) bool {
		errno, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		switch {
		case err != nil:
			result = err
			return true
		case errno != 0:
			result = unix.Errno(errno)
			return true
		}
		_, connected := sockname.Peer(s.fd)
		return connected
	})
	return errors.Join(waitErr, result)
}

// connectName returns the name to connect to. A path longer than sun_path is
// reached by way of a descriptor of the file, which release closes.
func (t target) connectName() (name sockname.Name, release func(), err error) {
	release = func() {}
	if t.address.isAutobind() {
		return sockname.Name{}, release, ErrAutobind
	}
	path, ok := t.address.Path()
	if !ok || len(path) <= sockname.MaxPath {
		return t.name, release, nil
	}
	file, err := sys.Retry(func() (int, error) {
		return unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return sockname.Name{}, release, err
	}
	return sockname.Unix(sys.ProcFD(file)), func() { unix.Close(file) }, nil
}
