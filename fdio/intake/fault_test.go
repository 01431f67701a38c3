package intake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

// failures is an Observer that notes errors.
type failures struct {
	Nobody
	told chan error
}

func (f *failures) Failed(_ *Conn, err error) { f.told <- err }

// serveAll serves sockets until the end of the test or a failure, and returns where it tells
// of errors and of its end.
func serveAll(t *testing.T, sink Sink, sockets ...*fdio.Socket) (told, ended chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	told, ended = make(chan error, 100), make(chan error, 1)
	o := testOptions()
	o.Observer = &failures{told: told}
	o.NewSink = func(*Conn) Sink { return sink }
	done := make(chan struct{})
	go func() {
		_, err := New(ctx, o).Serve(sockets)
		ended <- err
		close(done)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return told, ended
}

func listen(t *testing.T, a fdio.Address, options ...string) *fdio.Socket {
	t.Helper()
	var parsed []fdio.Option
	for _, text := range options {
		o, err := fdio.ParseOption(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, o)
	}
	s, err := fdio.Listen(t.Context(), a, fdio.ListenOptions{Options: parsed})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dial(t *testing.T, a fdio.Address) *fdio.Socket {
	t.Helper()
	s, err := fdio.Dial(t.Context(), a, fdio.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var udp = fdio.Address{Network: fdio.UDP4, Host: "127.0.0.1", Port: "0"}

// sendFrom sends a message from the socket that is served itself, as a COMMAND would that
// answers.
func sendFrom(t *testing.T, fd int, to fdio.Address) {
	t.Helper()
	var port int
	fmt.Sscan(to.Port, &port)
	err := unix.Sendto(fd, []byte("answer"), 0, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	if err != nil && err != unix.ECONNREFUSED { // of the one before
		t.Error(err)
	}
}

// Peers that have left before their answer end nothing, and each of them is told of.
func TestPeerThatHasLeftEndsNothing(t *testing.T) {
	s := listen(t, udp, "IP_RECVERR")
	fd, err := s.Duplicate()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	address := s.Local()
	sink := &collector{flush: make(chan struct{}, 1)}
	told, ended := serveAll(t, sink, s, listen(t, udp))
	gone := dial(t, address)
	to := gone.Local()
	gone.Close()
	const errorsWanted = 3 * mostFaults
	for i := range errorsWanted {
		sendFrom(t, fd, to)
		select {
		case err := <-told:
			if !errors.Is(err, unix.ECONNREFUSED) {
				t.Fatal(err)
			}
		case err := <-ended:
			t.Fatalf("ended after %d errors: %v", i, err)
		}
	}
	send(t, dial(t, address), "still there")
	sink.awaitFlush(1)
}

// A sender on the same socket may take a pending error: the error queue still has it.
func TestErrorThatASenderTookIsTold(t *testing.T) {
	s := listen(t, udp, "IP_RECVERR")
	fd, err := s.Duplicate()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	gone := dial(t, s.Local())
	to := gone.Local()
	gone.Close()
	sendFrom(t, fd, to)
	for code := 0; code == 0 && err == nil; {
		code, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	}
	told, _ := serveAll(t, &collector{}, s)
	if err := <-told; !errors.Is(err, unix.ECONNREFUSED) {
		t.Error(err)
	}
}

// A socket that returns an error for ever is given up, and the others are served on. The
// last one that is given up ends the run.
func TestSocketThatFailsForEverIsGivenUp(t *testing.T) {
	unconnected := func() *fdio.Socket {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		s, err := fdio.FromFD(fd)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := listen(t, udp)
	address := good.Local()
	sink := &collector{flush: make(chan struct{}, 1)}
	told, ended := serveAll(t, sink, unconnected(), good)
	if err := <-told; !errors.Is(err, unix.ENOTCONN) {
		t.Error(err)
	}
	send(t, dial(t, address), "still there")
	sink.awaitFlush(1)
	if len(told)+len(ended) > 0 {
		t.Error("it was told of more than once")
	}
	told, ended = serveAll(t, sink, unconnected())
	if err := <-ended; !errors.Is(err, unix.ENOTCONN) || len(told) > 0 {
		t.Errorf("the last socket: %v, and %d errors before", err, len(told))
	}
}

// One peer's reset is told, and the next peer is served.
func TestConnectionThatCannotBeAcceptedEndsNothing(t *testing.T) {
	s := listen(t, fdio.Address{Network: fdio.TCP, Host: "127.0.0.1", Port: "0"}, "SO_TIMESTAMPING=TX_SOFTWARE+SOFTWARE+OPT_ID")
	address := s.Local()
	linger, err := fdio.ParseOption("SO_LINGER=0")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * mostFaults { // before anybody accepts them
		gone, err := fdio.Dial(t.Context(), address, fdio.DialOptions{Options: []fdio.Option{linger}})
		if err != nil {
			t.Fatal(err)
		}
		gone.Close()
	}
	sink := &collector{flush: make(chan struct{}, 1)}
	told, _ := serveAll(t, sink, s)
	for range 2 * mostFaults {
		if err := <-told; !errors.Is(err, unix.EINVAL) {
			t.Error(err)
		}
	}
	send(t, dial(t, address), "still there")
	sink.awaitFlush(1)
}

// resetPair is a seqpacket connection whose peer has sent messages, and then closed without
// having read everything.
func resetPair(t *testing.T, messages ...string) *fdio.Socket {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range messages {
		if err := unix.Sendto(fds[1], []byte(text), 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Sendto(fds[0], []byte("never read"), 0, nil); err != nil {
		t.Fatal(err)
	}
	unix.Close(fds[1])
	s, err := fdio.FromFD(fds[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Conn.Serve tells the Observer of an error before the messages that are queued behind it.
// If there are none, the error is its own.
func TestErrorBeforeMessagesIsTold(t *testing.T) {
	for _, messages := range [][]string{nil, {"one"}, {"one", "two", "three"}} {
		told := make(chan error, 10)
		sink := &collector{}
		o := testOptions()
		o.Observer = &failures{told: told}
		o.NewSink = func(*Conn) Sink {
			if len(told) != 1 {
				t.Errorf("%d errors before the first message", len(told))
			}
			return sink
		}
		err := New(t.Context(), o).Conn(resetPair(t, messages...)).Serve()
		if len(messages) == 0 {
			if !errors.Is(err, unix.ECONNRESET) || len(told) > 0 {
				t.Errorf("%v, and %d errors before", err, len(told))
			}
			continue
		}
		var got []string
		for _, g := range sink.all {
			got = append(got, g.text)
		}
		if err != nil || !slices.Equal(got, messages) {
			t.Errorf("got %q, then %v; want %q", got, err, messages)
		}
		if err := <-told; !errors.Is(err, unix.ECONNRESET) || len(told) > 0 {
			t.Errorf("%v, and %d more errors", err, len(told))
		}
	}
}

func TestFaultsAreErrorsOfReceiving(t *testing.T) {
	for _, err := range []error{nil, unix.EAGAIN, ErrCounted, ErrDescriptors, errStopped} {
		if isFault(err) {
			t.Errorf("%v", err)
		}
	}
	if !isFault(os.NewSyscallError("recvmsg", unix.ENOBUFS)) {
		t.Error("ENOBUFS")
	}
}
