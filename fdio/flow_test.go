package fdio

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

// leaves takes s from the poller, and reports whether it has.
func leaves(s *Socket) bool {
	s.leavePoller()
	return s.in == nil && !s.closed
}

func mustLeave(t *testing.T, s *Socket) {
	t.Helper()
	if !leaves(s) {
		t.Fatal("still on the poller")
	}
}

// Messages that come without a wait take a socket from the poller that is its
// receiver's alone, and no other; the next wait puts it back.
func TestFlowTakesAnExclusiveSocketFromThePoller(t *testing.T) {
	for _, exclusive := range []bool{true, false} {
		l, err := Listen(t.Context(), abstractName(t, UnixSeqpacket), ListenOptions{Exclusive: exclusive})
		if err != nil {
			t.Fatal(err)
		}
		sender := mustDial(t, l.Local())
		receiver, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		in := newIncoming(10, 0)
		for i := range flowLength {
			if receiver.in == nil {
				t.Errorf("exclusive %v: taken from the poller after %d messages", exclusive, i)
			}
			mustSend(t, sender, text("x"))
			if err := receiver.TryRecv(in, 0); err != nil {
				t.Fatal(err)
			}
		}
		if left := receiver.in == nil; left != exclusive {
			t.Errorf("exclusive %v: taken from the poller %v", exclusive, left)
		}
		mustSend(t, sender, text("x"))
		if err := receiver.WaitRecv(0); err != nil || receiver.in == nil {
			t.Errorf("exclusive %v: a wait: %v, on the poller %v", exclusive, err, receiver.in != nil)
		}
		receiver.Close()
		l.Close()
	}
}

func TestSocketThatLeftThePollerIsWaitedForAgain(t *testing.T) {
	for name, a := range everyNetwork(t) {
		t.Run(name, func(t *testing.T) {
			receiver, sender := connectedPair(t, a)
			noLeak(t)
			for range 3 {
				mustLeave(t, receiver)
				mustSend(t, sender, text("at once"))
				in := newIncoming(100, 100)
				come := []unix.PollFd{{Fd: int32(receiver.fd), Events: unix.POLLIN}}
				if n, err := unix.Poll(come, 20_000); n != 1 {
					t.Fatalf("nothing has come: %v", err)
				}
				if err := receiver.TryRecv(in, 0); err != nil || string(in.Data()) != "at once" {
					t.Fatalf("received %q, %v", in.Data(), err)
				}
				received := make(chan error)
				go func() { received <- receiver.Recv(t.Context(), in, 0) }()
				mustSend(t, sender, text("later"))
				if err := <-received; err != nil || string(in.Data()) != "later" {
					t.Fatalf("received %q, %v, in a wait", in.Data(), err)
				}
			}
		})
	}
}

func TestSocketThatLeftThePollerSendsWithAWait(t *testing.T) {
	receiver, sender := connectedPair(t, abstractName(t, Unix))
	mustLeave(t, sender)
	sent := make(chan error)
	data := make([]byte, 4<<20)
	go func() {
		_, err := sender.Send(testContext(t), Outgoing{Buffers: [][]byte{data}})
		sent <- err
	}()
	for size := 0; size < len(data); {
		in := newIncoming(1<<20, 100)
		if err := receiver.Recv(t.Context(), in, 0); err != nil {
			t.Fatal(err)
		}
		size += len(in.Data())
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// What ends the waits ends them also when it came while there was no poller.
func TestWaitAfterAFlowEndsAtTheDeadline(t *testing.T) {
	for name, end := range map[string]func(*Socket, func(*Socket)){
		"deadline":             func(s *Socket, leave func(*Socket)) { leave(s); s.SetReadDeadline(poll.LongAgo) },
		"deadline before":      func(s *Socket, leave func(*Socket)) { s.SetReadDeadline(time.Now().Add(time.Millisecond)); leave(s) },
		"deadline in the wait": func(s *Socket, leave func(*Socket)) { leave(s); go s.SetReadDeadline(poll.LongAgo) },
	} {
		receiver, _ := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
		end(receiver, func(s *Socket) { mustLeave(t, s) })
		if err := (*rawConn)(receiver).Read(func(uintptr) bool { return false }); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		receiver.Close()
	}
	receiver, _ := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	receiver.SetReadDeadline(poll.LongAgo)
	receiver.SetReadDeadline(time.Time{})
	mustLeave(t, receiver)
	tried := false
	(*rawConn)(receiver).Read(func(uintptr) bool { tried = true; go receiver.SetReadDeadline(poll.LongAgo); return false })
	if !tried {
		t.Error("a deadline that was taken back ended the wait")
	}
}

func TestSocketThatLeftThePollerIsClosed(t *testing.T) {
	noLeak(t)
	receiver, sender := connectedPair(t, abstractName(t, UnixSeqpacket))
	mustLeave(t, receiver)
	receiver.Close()
	if _, err := sender.Send(testContext(t), text("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("send to what is closed: %v", err)
	}
	sender.Close()
	if leaves(receiver) {
		t.Error("taken from the poller after the end")
	}
}

func TestSocketsThatStayOnThePoller(t *testing.T) {
	inherited, _ := inheritedPair(t, unix.SOCK_SEQPACKET)
	if leaves(inherited) {
		t.Error("an inherited socket was taken from the poller")
	}
	urgent, _ := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	if _, err := urgent.nest(forUrgent); err != nil {
		t.Fatal(err)
	}
	if leaves(urgent) {
		t.Error("a socket that is waited for in an epoll of its own was taken from the poller")
	}
	shared, _ := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	fd, err := shared.Duplicate()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if leaves(shared) {
		t.Error("a socket that others may make blocking was taken from the poller")
	}
	receiver, sender := connectedPair(t, abstractName(t, UnixSeqpacket))
	var before, now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	now = unix.Rlimit{Cur: 0, Max: before.Max}
	unix.Setrlimit(unix.RLIMIT_NOFILE, &now)
	left := leaves(receiver)
	unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	if left {
		t.Error("a socket was taken from the poller without a descriptor for that")
	}
	mustSend(t, sender, text("x"))
	if err := receiver.Recv(t.Context(), newIncoming(10, 0), 0); err != nil {
		t.Error(err)
	}
}

// A wait that receives many parts of a message, for MSG_WAITALL, does not take the socket
// from the poller in which it waits.
func TestFlowOfPartsWithinAWait(t *testing.T) {
	l, err := Listen(t.Context(), abstractName(t, Unix), ListenOptions{Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sender := mustDial(t, l.Local())
	receiver, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	in := newIncoming(2*flowLength, 0)
	received := make(chan error)
	go func() { received <- receiver.Recv(t.Context(), in, unix.MSG_WAITALL) }()
	for range 2 * flowLength {
		mustSend(t, sender, text("x"))
		for awaited := true; awaited; { // each byte is a part of its own
			n, err := unix.IoctlGetInt(sender.fd, unix.SIOCOUTQ)
			if err != nil {
				t.Fatal(err)
			}
			awaited = n > 0
			runtime.Gosched()
		}
	}
	if err := <-received; err != nil || in.N != 2*flowLength {
		t.Errorf("received %d bytes, %v", in.N, err)
	}
}
