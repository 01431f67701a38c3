package fdio

import (
	"errors"
	"os"
	"testing"
	"time"

	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

func mustUnpoll(t *testing.T, s *Socket) {
	t.Helper()
	if !s.Unpoll() {
		t.Fatal("still on the poller")
	}
	if s.Unpoll() {
		t.Fatal("taken from the poller twice")
	}
}

func TestUnpolledSocketReceivesAndIsWaitedForAgain(t *testing.T) {
	for name, a := range everyNetwork(t) {
		t.Run(name, func(t *testing.T) {
			receiver, sender := connectedPair(t, a)
			noLeak(t)
			for range 3 {
				mustUnpoll(t, receiver)
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

func TestUnpolledSocketSendsWithAWait(t *testing.T) {
	receiver, sender := connectedPair(t, abstractName(t, Unix))
	mustUnpoll(t, sender)
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
func TestWaitAfterUnpollEnds(t *testing.T) {
	for name, end := range map[string]func(*Socket, func(*Socket)){
		"interrupted":             func(s *Socket, unpoll func(*Socket)) { unpoll(s); s.Interrupt() },
		"interrupted before":      func(s *Socket, unpoll func(*Socket)) { s.Interrupt(); unpoll(s) },
		"deadline":                func(s *Socket, unpoll func(*Socket)) { unpoll(s); s.SetReadDeadline(poll.LongAgo) },
		"deadline before":         func(s *Socket, unpoll func(*Socket)) { s.SetReadDeadline(time.Now().Add(time.Millisecond)); unpoll(s) },
		"interrupted in the wait": func(s *Socket, unpoll func(*Socket)) { unpoll(s); go s.Interrupt() },
	} {
		receiver, _ := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
		end(receiver, func(s *Socket) { mustUnpoll(t, s) })
		if err := (*rawConn)(receiver).Read(func(uintptr) bool { return false }); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		receiver.Close()
	}
	receiver, _ := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	receiver.SetReadDeadline(poll.LongAgo)
	receiver.SetReadDeadline(time.Time{})
	mustUnpoll(t, receiver)
	tried := false
	(*rawConn)(receiver).Read(func(uintptr) bool { tried = true; go receiver.Interrupt(); return false })
	if !tried {
		t.Error("a deadline that was taken back ended the wait")
	}
}

func TestUnpolledSocketIsClosed(t *testing.T) {
	noLeak(t)
	receiver, sender := connectedPair(t, abstractName(t, UnixSeqpacket))
	mustUnpoll(t, receiver)
	receiver.Close()
	if _, err := sender.Send(testContext(t), text("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("send to what is closed: %v", err)
	}
	sender.Close()
	if receiver.Unpoll() {
		t.Error("taken from the poller after the end")
	}
}

func TestSocketsThatStayOnThePoller(t *testing.T) {
	inherited, _ := inheritedPair(t, unix.SOCK_SEQPACKET)
	if inherited.Unpoll() {
		t.Error("an inherited socket was taken from the poller")
	}
	urgent, _ := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	if _, err := urgent.nest(forUrgent); err != nil {
		t.Fatal(err)
	}
	if urgent.Unpoll() {
		t.Error("a socket that is waited for in an epoll of its own was taken from the poller")
	}
	shared, _ := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	fd, err := shared.Duplicate()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if shared.Unpoll() {
		t.Error("a socket that others may make blocking was taken from the poller")
	}
	receiver, sender := connectedPair(t, abstractName(t, UnixSeqpacket))
	var before, now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	now = unix.Rlimit{Cur: 0, Max: before.Max}
	unix.Setrlimit(unix.RLIMIT_NOFILE, &now)
	unpolled := receiver.Unpoll()
	unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	if unpolled {
		t.Error("a socket was taken from the poller without a descriptor for that")
	}
	mustSend(t, sender, text("x"))
	if err := receiver.Recv(t.Context(), newIncoming(10, 0), 0); err != nil {
		t.Error(err)
	}
}
