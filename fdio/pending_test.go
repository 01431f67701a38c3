package fdio

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

// overrun is a netlink socket for which messages were lost, and how many are queued.
func overrun(t *testing.T) (s *Socket, queued int) {
	t.Helper()
	const group = 29
	netlink := func(groups uint32) int {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_USERSOCK)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups})
		}
		if err != nil {
			t.Skipf("not permitted: a netlink socket: %v", err)
		}
		return fd
	}
	receiver, sender := netlink(1<<(group-1)), netlink(0)
	defer unix.Close(sender)
	s, err := FromFD(receiver, mustOptions(t, "SO_RCVBUF=1")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for ; queued < 1000; queued++ {
		err := unix.Sendto(sender, fmt.Appendf(nil, "%d", queued), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (group - 1)})
		if err != nil && err != unix.ECONNREFUSED { // by the kernel, to which it also goes
			t.Skipf("not permitted: to send to a netlink group: %v", err)
		}
		if poll.Events(s.fd, 0)&unix.POLLERR != 0 {
			return s, queued
		}
	}
	t.Fatal("the socket is never overrun")
	return nil, 0
}

func TestOverrunOfNetlinkComesBeforeTheMessages(t *testing.T) {
	s, queued := overrun(t)
	m := newIncoming(100, 100)
	if err := s.TryRecv(m, 0); !errors.Is(err, unix.ENOBUFS) {
		t.Fatalf("%v with %q, want ENOBUFS", err, m.Data())
	}
	for i := range queued {
		try(t, s, m, 0, nil, fmt.Sprint(i))
	}
	try(t, s, m, 0, unix.EAGAIN, "")
}

// refused is a UDP socket with the errors of messages to closed ports, and the addresses
// of those.
func refused(t *testing.T, messages int, options ...string) (s *Socket, to []Address) {
	t.Helper()
	s, err := Listen(testContext(t), Address{Network: UDP4, Host: "127.0.0.1", Port: "0"}, ListenOptions{Options: mustOptions(t, options...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var closed []*Socket
	for range messages {
		c := mustListen(t, Address{Network: UDP4, Host: "127.0.0.1", Port: "0"})
		closed, to = append(closed, c), append(to, c.Local())
	}
	for _, c := range closed {
		c.Close()
	}
	for _, a := range to {
		refuse(t, s, a)
	}
	return s, to
}

// refuse sends a message from s to a closed port, and waits until the error is there.
func refuse(t *testing.T, s *Socket, to Address) {
	t.Helper()
	targets, err := resolve(t.Context(), to, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sendmsg(s.fd, [][]byte{[]byte("x")}, nil, &targets[0].name, 0); err != nil && err != unix.ECONNREFUSED { // of the one before
		t.Fatal(err)
	}
	if err := poll.AwaitHangup(testContext(t), s.fd); err != nil {
		t.Fatal(err)
	}
}

func TestErrorQueueTellsOfEachError(t *testing.T) {
	s, to := refused(t, 3, "IP_RECVERR")
	var got []Address
	for {
		errno, a, ok := s.TakeQueuedError()
		if !ok {
			break
		}
		if errno != unix.ECONNREFUSED {
			t.Errorf("%s: %v", a, errno)
		}
		got = append(got, a)
	}
	sent := func(a Address) bool { return slices.Contains(to, a) }
	if len(got) == 0 || len(got) > len(to) || slices.ContainsFunc(got, func(a Address) bool { return !sent(a) }) {
		t.Errorf("errors of %v, want %v", got, to)
	}
	try(t, s, newIncoming(10, 0), 0, unix.EAGAIN, "") // none is pending any more
}

// What stays in the error queue makes poll(2) report an error, always. It does not make
// WaitRecv return again and again.
func TestErrorQueueDoesNotEndTheWait(t *testing.T) {
	for name, open := range map[string]func() (*Socket, []Address){
		"own": func() (*Socket, []Address) { return refused(t, 1, "IP_RECVERR") },
		"made elsewhere": func() (*Socket, []Address) {
			s, to := refused(t, 1, "IP_RECVERR")
			other, err := FromConn(s)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { other.Close() })
			return other, to
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, to := open()
			m := newIncoming(100, 0)
			if err := s.TryRecv(m, 0); !errors.Is(err, unix.ECONNREFUSED) {
				t.Fatal(err)
			}
			waitInVain := func() {
				t.Helper()
				s.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
				err := s.WaitRecv(0)
				if err == nil { // it does not know yet
					try(t, s, m, 0, unix.EAGAIN, "")
					err = s.WaitRecv(0)
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("waited: %v", err)
				}
				s.SetReadDeadline(time.Time{})
			}
			waitInVain()
			waited := make(chan error)
			go func() { waited <- s.WaitRecv(0) }()
			mustSend(t, mustDial(t, s.Local()), text("message"))
			if err := <-waited; err != nil {
				t.Fatal(err)
			}
			try(t, s, m, 0, nil, "message")
			waitInVain()
			go func() { waited <- s.WaitRecv(0) }()
			refuse(t, s, to[0])
			if err := <-waited; err != nil {
				t.Fatal(err)
			}
			if err := s.TryRecv(m, 0); !errors.Is(err, unix.ECONNREFUSED) {
				t.Error(err)
			}
		})
	}
}

// A pending error that is not in the error queue does not make the wait for the error
// queue return again and again: it is what is received next.
func TestPendingErrorEndsTheWaitForTheErrorQueue(t *testing.T) {
	closed := mustListen(t, Address{Network: UDP4, Host: "127.0.0.1", Port: "0"})
	s := mustDial(t, closed.Local())
	closed.Close()
	send(t, s.fd, "x", 0)
	m := newIncoming(100, 100)
	var err error
	for range 3 {
		if err = s.WaitRecv(unix.MSG_ERRQUEUE); err != nil {
			t.Fatal(err)
		}
		if err = s.TryRecv(m, unix.MSG_ERRQUEUE); err != unix.EAGAIN {
			break
		}
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		t.Error(err)
	}
}

// An option that is set on accepted connections is refused for one of which the peer
// has left. The next one is accepted.
func TestConnectionThatCannotBeAcceptedConcernsItAlone(t *testing.T) {
	before := countDescriptors(t)
	l, err := Listen(testContext(t), Address{Network: TCP, Host: "127.0.0.1", Port: "0"},
		ListenOptions{Options: mustOptions(t, "SO_TIMESTAMPING=TX_SOFTWARE+SOFTWARE+OPT_ID")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	gone, err := Dial(testContext(t), l.Local(), DialOptions{Options: mustOptions(t, "SO_LINGER=0")})
	if err != nil {
		t.Fatal(err)
	}
	gone.Close() // with a reset
	_, err = l.Accept(testContext(t))
	e, ok := errors.AsType[*ConnectionError](err)
	if !ok || !e.Accepted || !errors.Is(err, unix.EINVAL) {
		t.Fatalf("accepted: %v", err)
	}
	mustDial(t, l.Local())
	s, err := l.Accept(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	l.Close()
	if after := countDescriptors(t); after > before+1 { // the client
		t.Errorf("%d descriptors open, %d before", after, before)
	}
}
