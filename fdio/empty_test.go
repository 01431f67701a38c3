package fdio

import (
	"fmt"
	"io"
	"testing"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Empty messages on a seqpacket socket that somebody else made: without
// credentials, nothing but a timestamp tells them from the end.
func TestEmptyMessagesOfAnInheritedSeqpacketSocket(t *testing.T) {
	options := map[string]int{"none": 0, "SO_TIMESTAMP": unix.SO_TIMESTAMP_OLD, "SO_TIMESTAMPNS": unix.SO_TIMESTAMPNS_OLD,
		"SO_TIMESTAMP_NEW": unix.SO_TIMESTAMP_NEW, "SO_TIMESTAMPNS_NEW": unix.SO_TIMESTAMPNS_NEW, "SO_PASSCRED": unix.SO_PASSCRED}
	for name, option := range options {
		for _, nonblock := range []bool{false, true} {
			for _, controlSize := range []int{0, 1, 100} {
				t.Run(fmt.Sprintf("%s, O_NONBLOCK %v, %d bytes for control data", name, nonblock, controlSize), func(t *testing.T) {
					fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
					if err == nil {
						err = unix.SetNonblock(fds[0], nonblock)
					}
					if err == nil && option != 0 {
						err = unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, option, 1)
					}
					if err != nil {
						t.Fatal(err)
					}
					before := stateOf(t, fds[0])
					s, err := Inherit(fds[0])
					if err != nil {
						t.Fatal(err)
					}
					defer s.Close()
					for range 3 {
						send(t, fds[1], "", 0)
					}
					m := roomFor(controlSize, 10)
					for range 2 {
						try(t, s, m, unix.MSG_PEEK, nil, "")
					}
					for i := range 3 {
						if i == 2 { // the last one is still there when its sender has gone
							unix.Close(fds[1])
						}
						try(t, s, m, 0, nil, "")
						if asked := option != 0 && controlSize == 100; asked != (len(m.Control) > 0) {
							t.Errorf("control data %x", m.Control)
						}
					}
					for range 2 {
						try(t, s, m, 0, io.EOF, "")
						try(t, s, m, unix.MSG_PEEK, io.EOF, "")
					}
					if after := stateOf(t, fds[0]); after != before {
						t.Errorf("the options and flags are %v, before it %v", after, before)
					}
				})
			}
		}
	}
}

// stateOf is what receiving must not change on a socket that others share: which
// timestamps are on, SO_PASSCRED and the file status flags.
func stateOf(t *testing.T, fd int) (state [6]int) {
	t.Helper()
	for i, option := range []int{unix.SO_TIMESTAMP_OLD, unix.SO_TIMESTAMPNS_OLD, unix.SO_TIMESTAMP_NEW, unix.SO_TIMESTAMPNS_NEW, unix.SO_PASSCRED} {
		on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
		if err != nil {
			t.Fatal(err)
		}
		state[i] = on
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		t.Fatal(err)
	}
	state[5] = flags
	return state
}

func TestEmptyMessagesAreWaitedFor(t *testing.T) {
	s, peer := inheritedPair(t, unix.SOCK_SEQPACKET)
	received := make(chan error, 1)
	m := roomFor(0, 10)
	for range 3 {
		go func() { received <- s.Recv(t.Context(), m, 0) }()
		send(t, peer, "", 0)
		if err := <-received; err != nil || m.N != 0 {
			t.Errorf("%d bytes, %v", m.N, err)
		}
	}
	go func() { received <- s.Recv(t.Context(), m, 0) }()
	unix.Shutdown(peer, unix.SHUT_WR)
	if err := <-received; err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// A message without a byte may still carry descriptors, and behind it there may
// be one with data.
func TestEmptyMessageWithDescriptors(t *testing.T) {
	for _, controlSize := range []int{cmsg.Space(8), cmsg.Len(8), 100} {
		noLeak(t)
		s, peer := inheritedPair(t, unix.SOCK_SEQPACKET)
		sendWithDescriptors(t, peer, "", 0, 1)
		send(t, peer, "data", 0)
		sendWithDescriptors(t, peer, "", 0)
		unix.Close(peer)
		m := roomFor(controlSize, 10)
		for _, want := range []struct {
			data string
			fds  int
		}{{"", 2}, {"data", 0}, {"", 1}} {
			try(t, s, m, 0, nil, want.data)
			if fds := m.Rights(nil); len(fds) != want.fds || m.Flags&unix.MSG_CTRUNC != 0 {
				t.Errorf("%d bytes for control data: descriptors %v, msg_flags %#x; want %d", controlSize, fds, m.Flags, want.fds)
			}
			for c := range cmsg.Messages(m.Control) {
				if c.Type != unix.SCM_RIGHTS {
					t.Errorf("a control message that nobody asked for: %s", c)
				}
			}
			m.Close()
		}
		try(t, s, m, 0, io.EOF, "")
		s.Close()
	}
}

func TestDescriptorsOfAnEmptyMessageThatAreCut(t *testing.T) {
	noLeak(t)
	s, peer := inheritedPair(t, unix.SOCK_SEQPACKET)
	for _, test := range []struct{ controlSize, fds int }{{0, 0}, {cmsg.HeaderSize, 0}, {cmsg.Len(4), 1}} {
		sendWithDescriptors(t, peer, "", 0, 1)
		m := roomFor(test.controlSize, 10)
		try(t, s, m, 0, nil, "")
		if fds := m.Rights(nil); len(fds) != test.fds || m.Flags&unix.MSG_CTRUNC == 0 {
			t.Errorf("%d bytes for control data: descriptors %v, msg_flags %#x", test.controlSize, fds, m.Flags)
		}
		m.Close()
	}
}

// The room for data may be none at all.
func TestMessagesWithoutRoomForData(t *testing.T) {
	s, peer := inheritedPair(t, unix.SOCK_SEQPACKET)
	for _, data := range []string{"lost", "", "lost"} {
		send(t, peer, data, 0)
	}
	unix.Close(peer)
	m := roomFor(0)
	for _, truncated := range []int{unix.MSG_TRUNC, 0, unix.MSG_TRUNC} {
		try(t, s, m, 0, nil, "")
		if m.Flags&unix.MSG_TRUNC != truncated {
			t.Errorf("msg_flags %#x, want %#x", m.Flags, truncated)
		}
	}
	try(t, s, m, 0, io.EOF, "")
}

// SO_PASSCRED is what this package itself tells empty messages by. Where an
// option turns it off, they are still no end.
func TestEmptyMessagesWithoutCredentials(t *testing.T) {
	options := mustOptions(t, "SO_PASSCRED=off")
	l, err := Listen(testContext(t), abstractName(t, UnixSeqpacket), ListenOptions{Options: options})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := Dial(testContext(t), l.Local(), DialOptions{Options: options})
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted, err := l.Accept(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	for name, ends := range map[string][2]*Socket{"accepted": {accepted, dialed}, "dialed": {dialed, accepted}} {
		s, peer := ends[0], ends[1]
		m := roomFor(100, 10)
		for range 2 {
			send(t, peer.fd, "", 0)
			if err := s.TryRecv(m, 0); err != nil || m.N != 0 {
				t.Errorf("%s: %d bytes, %v", name, m.N, err)
			}
		}
		unix.Shutdown(peer.fd, unix.SHUT_WR)
		if err := s.TryRecv(m, 0); err != io.EOF {
			t.Errorf("%s: at the end: %v", name, err)
		}
	}
}
