package fdio

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// privatePair is a socketpair that is blocking and close-on-exec.
func privatePair(t *testing.T, typ int) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

func TestSocketFromDescriptor(t *testing.T) {
	noLeak(t)
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		a, b := privatePair(t, typ)
		if _, err := Inherit(a); !errors.Is(err, ErrNotOpen) {
			t.Errorf("a descriptor of our own was inherited: %v", err)
		}
		receiver, err := FromFD(a)
		if err != nil {
			t.Fatal(err)
		}
		sender, err := FromFD(b)
		if err != nil {
			t.Fatal(err)
		}
		if receiver.Inherited() || !receiver.IsUnix() || receiver.Local() != (Address{}) {
			t.Errorf("type %d: inherited %v, local %q", typ, receiver.Inherited(), receiver.Local())
		}
		if typ != unix.SOCK_DGRAM {
			if c, ok := receiver.PeerCredentials(); !ok || c != ourselves() {
				t.Errorf("type %d: the peer is %+v", typ, c)
			}
		}
		in := newIncoming(10, 100)
		received := make(chan error, 1)
		go func() { received <- receiver.Recv(t.Context(), in, 0) }()
		mustSend(t, sender, text("x"))
		if err := <-received; err != nil || string(in.Data()) != "x" {
			t.Errorf("type %d: %q, %v", typ, in.Data(), err)
		}
		for _, fd := range []int{a, b} {
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
				t.Errorf("type %d: flags %#x, %v", typ, flags, err)
			}
		}
		receiver.Close()
		sender.Close()
	}
}

func TestNoSocketFromWhatIsNone(t *testing.T) {
	noLeak(t)
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	for _, fd := range ends {
		if _, err := FromFD(fd); !errors.Is(err, ErrNotSocket) {
			t.Errorf("a pipe: %v", err)
		}
		if _, err := FromFD(fd); !errors.Is(err, ErrNotOpen) {
			t.Errorf("what FromFD has closed: %v", err)
		}
	}
	a, b := privatePair(t, unix.SOCK_STREAM)
	defer unix.Close(b)
	if _, err := FromFD(a, mustOptions(t, "TCP_NODELAY")...); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("an option of another kind of socket: %v", err)
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := FromConn(file); !errors.Is(err, ErrNotSocket) {
		t.Errorf("a file: %v", err)
	}
}

// What net and os have made goes on to be theirs.
func TestSocketFromConn(t *testing.T) {
	noLeak(t)
	a, b := privatePair(t, unix.SOCK_STREAM)
	file := os.NewFile(uintptr(a), "socket")
	sender, err := FromConn(file)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := pipe(t)
	m := text("x")
	m.Control = cmsg.AppendRights(nil, []int{r})
	mustSend(t, sender, m)
	sender.Close()
	if _, err := file.Write([]byte("y")); err != nil {
		t.Errorf("writing to the file after the socket was closed: %v", err)
	}
	file.Close()

	other := os.NewFile(uintptr(b), "socket")
	conn, err := net.FileConn(other)
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	receiver, err := FromConn(conn.(syscall.Conn))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	in := newIncoming(10, 100)
	if err := receiver.Recv(t.Context(), in, 0); err != nil || string(in.Data()) != "x" || len(in.Rights(nil)) != 1 {
		t.Errorf("%q with %d descriptors, %v", in.Data(), len(in.Rights(nil)), err)
	}
	in.Close()
	receiver.Close()
}

func TestListenerFromConn(t *testing.T) {
	for _, test := range []struct{ network, address string }{{"unix", "@" + abstractName(t, Unix).Name[1:]}, {"tcp", "127.0.0.1:0"}} {
		theirs, err := net.Listen(test.network, test.address)
		if err != nil {
			t.Fatal(err)
		}
		l, err := FromConn(theirs.(syscall.Conn))
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan error, 1)
		go func() {
			s, err := l.Accept(t.Context())
			if err == nil {
				err = s.Close()
			}
			accepted <- err
		}()
		mustDial(t, l.Local())
		if err := <-accepted; err != nil || !l.Listening() {
			t.Errorf("%s: listening %v, %v", test.network, l.Listening(), err)
		}
		l.Close()
		theirs.Close()
	}
}

func TestControlOfSyscallConn(t *testing.T) {
	own, _ := connectedPair(t, abstractName(t, Unix))
	foreign, _ := inheritedPair(t, unix.SOCK_STREAM)
	for _, s := range []*Socket{own, foreign} {
		conn, err := s.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		typ := 0
		if err := conn.Control(func(fd uintptr) {
			typ, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE)
		}); err != nil || typ != unix.SOCK_STREAM {
			t.Errorf("type %d, %v", typ, err)
		}
		s.Close()
		if err := conn.Control(func(uintptr) { t.Error("called with a closed socket") }); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if _, err := s.SyscallConn(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}
