package fdio

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

// waiters are sockets that wait in every way that there is, with nothing to
// receive and no room to send.
func waiters(t *testing.T) map[string]*Socket {
	foreign, _ := inheritedPair(t, unix.SOCK_SEQPACKET)
	stream, _ := connectedPair(t, abstractName(t, Unix))
	tcp, _ := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	sockets := map[string]*Socket{"foreign": foreign, "Unix": stream, "TCP": tcp}
	for _, s := range sockets {
		fillQueue(t, s)
	}
	return sockets
}

// fillQueue sends until there is no room.
func fillQueue(t *testing.T, s *Socket) {
	t.Helper()
	full := text(strings.Repeat("x", 4096))
	full.Flags = unix.MSG_DONTWAIT
	for {
		if _, err := s.Send(t.Context(), full); errors.Is(err, unix.EAGAIN) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// waits are the ways to wait on a socket. Each calls begun whenever it is about to
// wait, and returns how that ended.
func waits(t *testing.T) map[string]func(s *Socket, begun func()) error {
	raw := func(flags int) func(s *Socket, begun func()) error {
		return func(s *Socket, begun func()) error {
			conn, err := s.RecvConn(flags)
			if err != nil {
				return err
			}
			return conn.Read(func(uintptr) bool { begun(); return false })
		}
	}
	return map[string]func(s *Socket, begun func()) error{
		"input":  raw(0),
		"urgent": raw(unix.MSG_OOB),
		"room": func(s *Socket, begun func()) error {
			conn, err := s.SyscallConn()
			if err != nil {
				return err
			}
			return conn.Write(func(uintptr) bool { begun(); return false })
		},
		"Recv": func(s *Socket, begun func()) error {
			begun()
			return s.Recv(t.Context(), newIncoming(1, 0), 0)
		},
		"Recv with MSG_OOB": func(s *Socket, begun func()) error {
			begun()
			return s.Recv(context.Background(), newIncoming(1, 0), unix.MSG_OOB)
		},
		"Send": func(s *Socket, begun func()) error {
			begun()
			_, err := s.Send(t.Context(), text("x"))
			return err
		},
	}
}

func TestDeadlineEndsWaits(t *testing.T) {
	for name, s := range waiters(t) {
		for way, wait := range waits(t) {
			if strings.Contains(way, "OOB") && !s.IsStream() {
				continue // urgent data of messages is an error
			}
			begun, ended := make(chan struct{}, 100), make(chan error, 1)
			go func() { ended <- wait(s, func() { begun <- struct{}{} }) }()
			<-begun
			for _, deadline := range []time.Time{{}, time.Now().Add(time.Hour), poll.LongAgo} {
				if err := s.SetDeadline(deadline); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s, %s: in the wait: %v", name, way, err)
			}
			if err := wait(s, func() {}); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s, %s: and again: %v", name, way, err)
			}
			s.SetDeadline(time.Time{})
		}
	}
}

// A deadline is of one direction, and of what waits: what is there is received
// without a wait whatever it is.
func TestDeadlinesAreOfOneDirection(t *testing.T) {
	receiver, sender := connectedPair(t, abstractName(t, UnixSeqpacket))
	for _, s := range []*Socket{receiver, sender} {
		if err := s.SetReadDeadline(poll.LongAgo); err != nil {
			t.Fatal(err)
		}
	}
	mustSend(t, sender, text("x"))
	in := newIncoming(10, 0)
	if err := receiver.Recv(t.Context(), in, 0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Recv after its deadline: %v", err)
	}
	if err := receiver.TryRecv(in, 0); err != nil || string(in.Data()) != "x" {
		t.Errorf("TryRecv: %q, %v", in.Data(), err)
	}
	if err := sender.SetWriteDeadline(poll.LongAgo); err != nil {
		t.Fatal(err)
	}
	if _, err := sender.Send(t.Context(), text("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Send after its deadline: %v", err)
	}
	receiver.Close()
	if err := receiver.SetDeadline(time.Time{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the deadline of a closed socket: %v", err)
	}
}

// The end of a context ends the wait that it was given to, and no later one; the
// deadline stays as it was.
func TestContextEndsOneWait(t *testing.T) {
	reason := errors.New("enough")
	for name, s := range waiters(t) {
		for _, d := range []direction{receiving, sending} {
			for _, deadline := range []time.Time{{}, time.Now().Add(time.Hour)} {
				s.setDeadline(d, deadline)
				ctx, cancel := context.WithCancelCause(t.Context())
				begun, ended := make(chan struct{}, 100), make(chan error, 1)
				go func() {
					ended <- s.await(ctx, d, (*rawConn)(s), func(uintptr) bool { begun <- struct{}{}; return false })
				}()
				<-begun
				cancel(reason)
				if err := <-ended; err != reason {
					t.Errorf("%s: %v", name, err)
				}
				if err := s.await(ctx, d, (*rawConn)(s), func(uintptr) bool { return false }); err != reason {
					t.Errorf("%s: with a context that has ended: %v", name, err)
				}
				tried := false
				if err := s.await(t.Context(), d, (*rawConn)(s), func(uintptr) bool { tried = true; return true }); err != nil || !tried {
					t.Errorf("%s: a later wait: tried %v, %v", name, tried, err)
				}
			}
			s.setDeadline(d, poll.LongAgo)
			if err := s.await(t.Context(), d, (*rawConn)(s), func(uintptr) bool { return true }); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: after the deadline: %v", name, err)
			}
		}
	}
}

func TestAcceptEnds(t *testing.T) {
	l := mustListen(t, abstractName(t, Unix))
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept(ctx)
		ended <- err
	}()
	cancel(reason)
	if err := <-ended; !errors.Is(err, reason) {
		t.Errorf("at the end of its context: %v", err)
	}
	go func() {
		_, err := l.Accept(t.Context())
		ended <- err
	}()
	l.SetReadDeadline(poll.LongAgo)
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("at the deadline: %v", err)
	}
	l.SetReadDeadline(time.Time{})
	mustDial(t, l.Local())
	s, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestDoNotWait(t *testing.T) {
	receiver, _ := connectedPair(t, abstractName(t, Unix))
	if err := receiver.Recv(t.Context(), newIncoming(1, 0), unix.MSG_DONTWAIT); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("%v, want EAGAIN", err)
	}
}
