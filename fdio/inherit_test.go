package fdio

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

// inheritedPair is a socketpair as a parent process hands it down: blocking, not
// close-on-exec. One end is ours to use, the other is plain.
func inheritedPair(t *testing.T, typ int) (s *Socket, other int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, typ, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[1]) })
	s, err = Inherit(fds[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, fds[1]
}

func TestInheritedBlockingSocketIsWaitedForAndLeftBlocking(t *testing.T) {
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		s, other := inheritedPair(t, typ)
		want := bytes.Repeat([]byte("x"), 3000)
		received := make(chan []byte, 1)
		go func() {
			in := newIncoming(4000, 100)
			if err := s.Recv(t.Context(), in, 0); err != nil {
				t.Error(err)
			}
			received <- bytes.Clone(in.Data())
		}()
		if err := unix.Sendto(other, want, 0, nil); err != nil {
			t.Fatal(err)
		}
		if got := <-received; !bytes.Equal(got, want) {
			t.Errorf("type %d: received %d bytes", typ, len(got))
		}
		if flags, err := unix.FcntlInt(uintptr(s.fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("type %d: status flags %#x, %v", typ, flags, err)
		}
	}
}

// Every wait must be woken, however often.
func TestInheritedSocketManyMessages(t *testing.T) {
	s, other := inheritedPair(t, unix.SOCK_SEQPACKET)
	const count = 20000
	go func() {
		for range count {
			if err := unix.Sendto(other, []byte("x"), 0, nil); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	in := newIncoming(10, 0)
	for range count {
		if err := s.Recv(t.Context(), in, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInheritedSocketSendsMoreThanFits(t *testing.T) {
	s, other := inheritedPair(t, unix.SOCK_STREAM)
	go func() {
		n, err := s.Send(testContext(t), Outgoing{Buffers: [][]byte{make([]byte, 3<<20)}})
		if err != nil || n != 3<<20 {
			t.Errorf("sent %d, %v", n, err)
		}
		unix.Shutdown(s.fd, unix.SHUT_WR)
	}()
	buf := make([]byte, 64<<10)
	total := 0
	for {
		n, err := unix.Read(other, buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		total += n
	}
	if total != 3<<20 {
		t.Errorf("%d bytes arrived", total)
	}
}

func TestInheritedSocketEnds(t *testing.T) {
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_SEQPACKET} {
		s, other := inheritedPair(t, typ)
		in := newIncoming(10, 0)
		if typ == unix.SOCK_SEQPACKET {
			if err := unix.Sendto(other, nil, 0, nil); err != nil {
				t.Fatal(err)
			}
			if err := s.Recv(t.Context(), in, 0); err != nil || in.N != 0 {
				t.Errorf("empty message: %d bytes, %v", in.N, err)
			}
		}
		unix.Shutdown(other, unix.SHUT_WR)
		if err := s.Recv(t.Context(), in, 0); err != io.EOF {
			t.Errorf("type %d: at the end: %v", typ, err)
		}
	}
}

func TestEmptyMessageDoesNotHideThoseBehindIt(t *testing.T) {
	s, other := inheritedPair(t, unix.SOCK_SEQPACKET)
	for _, m := range []string{"", "data"} {
		if err := unix.Sendto(other, []byte(m), 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	unix.Shutdown(other, unix.SHUT_WR)
	in := newIncoming(10, 0)
	for _, want := range []string{"", "data"} {
		if err := s.Recv(t.Context(), in, 0); err != nil || string(in.Data()) != want {
			t.Errorf("received %q, %v; want %q", in.Data(), err, want)
		}
	}
	if err := s.Recv(t.Context(), in, 0); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// The peer closes without having read everything: on a stream its answer comes
// before the error that this makes, and where there are messages after it.
func TestAnswerIsReceivedBesidesAReset(t *testing.T) {
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_SEQPACKET} {
		fds, err := unix.Socketpair(unix.AF_UNIX, typ, 0)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Inherit(fds[0])
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.Send(testContext(t), text("unread")); err != nil {
			t.Fatal(err)
		}
		if err := unix.Sendto(fds[1], []byte("answer"), 0, nil); err != nil {
			t.Fatal(err)
		}
		unix.Close(fds[1])
		in := newIncoming(10, 0)
		if typ == unix.SOCK_SEQPACKET {
			if err := s.Recv(t.Context(), in, 0); !errors.Is(err, unix.ECONNRESET) {
				t.Errorf("type %d: %v", typ, err)
			}
		}
		if err := s.Recv(t.Context(), in, 0); err != nil || string(in.Data()) != "answer" {
			t.Errorf("type %d: received %q, %v", typ, in.Data(), err)
		}
	}
}

func TestInheritedBlockingListenerAccepts(t *testing.T) {
	fd, a := listeningFD(t)
	l, err := Inherit(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !l.Listening() || l.Local() != a {
		t.Errorf("listening %v on %s", l.Listening(), l.Local())
	}
	for range 3 {
		accepted := make(chan error, 1)
		go func() {
			c, err := l.Accept(testContext(t))
			if err == nil {
				c.Close()
			}
			accepted <- err
		}()
		mustDial(t, a)
		if err := <-accepted; err != nil {
			t.Fatal(err)
		}
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("status flags %#x, %v", flags, err)
	}
}

func TestInheritRefusesWhatIsNotInherited(t *testing.T) {
	file, err := os.Open("/dev/null") // close-on-exec, as all that Go opens
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := unix.Open("/dev/null", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(plain)
	for fd, want := range map[int]error{int(file.Fd()): ErrNotOpen, 1 << 20: ErrNotOpen, plain: ErrNotSocket} {
		if _, err := Inherit(fd); !errors.Is(err, want) {
			t.Errorf("Inherit(%d): %v, want %v", fd, err, want)
		}
	}
}

func TestSameSocket(t *testing.T) {
	s, other := inheritedPair(t, unix.SOCK_STREAM)
	dup, err := unix.Dup(s.fd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dup)
	if !s.SameSocket(dup) || s.SameSocket(other) {
		t.Errorf("its duplicate: %v, its peer: %v", s.SameSocket(dup), s.SameSocket(other))
	}
}

func BenchmarkReceive(b *testing.B) {
	for _, typ := range []struct {
		name string
		typ  int
	}{{"stream", unix.SOCK_STREAM}, {"dgram", unix.SOCK_DGRAM}} {
		b.Run(typ.name, func(b *testing.B) {
			fds, err := unix.Socketpair(unix.AF_UNIX, typ.typ, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer unix.Close(fds[1])
			s, err := Inherit(fds[0])
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			in := newIncoming(1000, 1000)
			message := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := unix.Write(fds[1], message); err != nil {
					b.Fatal(err)
				}
				if err := s.TryRecv(in, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// listeningFD is a blocking listening socket, as a shell would pass it on.
func listeningFD(t *testing.T) (int, Address) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	a := abstractName(t, Unix)
	name := sockname.Unix(a.Name)
	if err := errors.Join(sockname.Bind(fd, &name), unix.Listen(fd, 10)); err != nil {
		t.Fatal(err)
	}
	return fd, a
}
