package fdio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

func TestTruncTellsTheRealSize(t *testing.T) {
	addresses := map[string]Address{
		"udp4": {Network: UDP4, Host: "127.0.0.1", Port: "0"}, "udp6": {Network: UDP6, Host: "::1", Port: "0"},
		"unix-dgram": abstractName(t, UnixDatagram), "unix-seqpacket": abstractName(t, UnixSeqpacket),
	}
	for name, a := range addresses {
		t.Run(name, func(t *testing.T) {
			s, peer := connectedPair(t, a)
			tests := []struct {
				flags    int
				sizes    []int
				data     string
				size     int
				msgFlags int
			}{
				{unix.MSG_TRUNC, []int{3}, "mes", 7, unix.MSG_TRUNC},
				{unix.MSG_TRUNC, []int{2, 3}, "messa", 7, unix.MSG_TRUNC},
				{unix.MSG_TRUNC, []int{0}, "", 7, unix.MSG_TRUNC},
				{unix.MSG_TRUNC, nil, "", 7, unix.MSG_TRUNC},
				{unix.MSG_TRUNC, []int{7}, "message", 7, 0},
				{unix.MSG_TRUNC, []int{4, 100}, "message", 7, 0},
				{unix.MSG_TRUNC | unix.MSG_PEEK, []int{3}, "mes", 7, unix.MSG_TRUNC},
				{unix.MSG_TRUNC | unix.MSG_WAITALL, []int{3}, "mes", 7, unix.MSG_TRUNC},
				{0, []int{3}, "mes", 3, unix.MSG_TRUNC},
				{0, []int{7}, "message", 7, 0},
				{0, nil, "", 0, unix.MSG_TRUNC},
			}
			for _, test := range tests {
				send(t, peer.fd, "message", 0)
				m := roomFor(100, test.sizes...)
				if err := s.Recv(t.Context(), m, test.flags); err != nil {
					t.Fatal(err)
				}
				if got := m.Flags & unix.MSG_TRUNC; string(m.Data()) != test.data || m.N != len(test.data) || m.Size != test.size || got != test.msgFlags || !untouched(m) {
					t.Errorf("flags %#x, room for %v: %q, size %d, msg_flags %#x; want %q, %d, %#x", test.flags, test.sizes, m.Data(), m.Size, m.Flags, test.data, test.size, test.msgFlags)
				}
				if test.flags&unix.MSG_PEEK != 0 {
					try(t, s, roomFor(100, 10), 0, nil, "message")
				}
			}
		})
	}
}

// MSG_TRUNC makes TCP throw the data away instead of writing it: tcp(7).
func TestTruncDiscardsOnTCP(t *testing.T) {
	s, peer := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	send(t, peer.fd, "discarded, peeked at and kept", 0)
	awaitInput(t, s, 29)
	m := roomFor(100, 4, 5)
	for _, step := range []struct {
		flags int
		data  string
		size  int
	}{
		{unix.MSG_TRUNC, "", 9},
		{unix.MSG_TRUNC | unix.MSG_PEEK, "", 9},
		{0, ", peeked ", 9},
		{unix.MSG_TRUNC | unix.MSG_WAITALL, "", 9},
		{0, "pt", 2},
	} {
		m = roomFor(100, 4, 5)
		if err := s.TryRecv(m, step.flags); err != nil || string(m.Data()) != step.data || m.Size != step.size || !untouched(m) {
			t.Errorf("flags %#x: %q, size %d, %v; want %q, %d", step.flags, m.Data(), m.Size, err, step.data, step.size)
		}
	}
	try(t, s, m, unix.MSG_TRUNC, unix.EAGAIN, "")
	peer.Close()
	if err := s.Recv(t.Context(), m, unix.MSG_TRUNC); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestTruncAndWaitAllDiscardInPartsOnTCP(t *testing.T) {
	s, peer := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	m := roomFor(100, 10)
	send(t, peer.fd, "123456", 0)
	awaitInput(t, s, 6)
	try(t, s, m, unix.MSG_TRUNC|unix.MSG_WAITALL, unix.EAGAIN, "")
	send(t, peer.fd, "789012", 0)
	awaitInput(t, s, 6)
	try(t, s, m, unix.MSG_TRUNC|unix.MSG_WAITALL, nil, "")
	if m.Size != 10 {
		t.Errorf("discarded %d bytes, want 10", m.Size)
	}
	try(t, s, m, 0, nil, "12")
}

// A Unix stream knows nothing of MSG_TRUNC.
func TestTruncReceivesOnUnixStreams(t *testing.T) {
	s, peer := inheritedPair(t, unix.SOCK_STREAM)
	send(t, peer, "stream", 0)
	m := roomFor(100, 3)
	try(t, s, m, unix.MSG_TRUNC, nil, "str")
	if m.Size != 3 {
		t.Errorf("size %d, want 3", m.Size)
	}
	try(t, s, m, unix.MSG_TRUNC, nil, "eam")
}

// Descriptors that a peek shows are duplicates: those of the message are still
// in it.
func TestPeekLeavesDescriptors(t *testing.T) {
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		t.Run(fmt.Sprint(typ), func(t *testing.T) {
			noLeak(t)
			s, peer := inheritedPair(t, typ)
			sendWithDescriptors(t, peer, "message", 0, 1, 2)
			open := map[int]bool{}
			for _, flags := range []int{unix.MSG_PEEK, unix.MSG_PEEK, 0} {
				m := roomFor(100, 10)
				try(t, s, m, flags, nil, "message")
				defer m.Close()
				fds := m.Rights(nil)
				if len(fds) != 3 {
					t.Errorf("flags %#x: descriptors %v", flags, fds)
				}
				for _, fd := range fds {
					if got, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || got&unix.FD_CLOEXEC == 0 || open[fd] {
						t.Errorf("flags %#x: descriptor %d: flags %#x, %v; others are %v", flags, fd, got, err, open)
					}
					open[fd] = true
				}
			}
			try(t, s, roomFor(100, 10), 0, unix.EAGAIN, "")
		})
	}
}

func TestPeekDoesNotLeakWhatIsCut(t *testing.T) {
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		noLeak(t)
		s, peer := inheritedPair(t, typ)
		sendWithDescriptors(t, peer, "message", 0, 1, 2)
		for _, flags := range []int{unix.MSG_PEEK, unix.MSG_PEEK | unix.MSG_TRUNC, 0} {
			m := roomFor(cmsg.Len(8), 3)
			if err := s.TryRecv(m, flags); err != nil || m.Flags&unix.MSG_CTRUNC == 0 || len(m.Rights(nil)) != 2 {
				t.Errorf("type %d, flags %#x: descriptors %v, msg_flags %#x, %v", typ, flags, m.Rights(nil), m.Flags, err)
			}
			m.Close()
		}
	}
}

func TestRecvLeavesStatusFlags(t *testing.T) {
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		for _, nonblock := range []bool{false, true} {
			fds, err := unix.Socketpair(unix.AF_UNIX, typ, 0)
			if err == nil {
				err = unix.SetNonblock(fds[0], nonblock)
			}
			if err != nil {
				t.Fatal(err)
			}
			before := stateOf(t, fds[0])
			s, err := Inherit(fds[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, flags := range []int{unix.MSG_PEEK, unix.MSG_TRUNC, unix.MSG_WAITALL, unix.MSG_DONTWAIT} {
				m := roomFor(100, 4)
				try(t, s, m, flags, unix.EAGAIN, "")
				send(t, fds[1], "data", 0)
				try(t, s, m, flags, nil, "data")
				if flags == unix.MSG_PEEK {
					try(t, s, m, 0, nil, "data")
				}
			}
			if after := stateOf(t, fds[0]); after != before {
				t.Errorf("type %d: %v, before it %v", typ, after, before)
			}
			s.Close()
			unix.Close(fds[1])
		}
	}
}

// The room for control messages is exact to the byte.
func TestControlIsWhatTheKernelWrote(t *testing.T) {
	noLeak(t)
	s, peer := inheritedPair(t, unix.SOCK_DGRAM)
	for size := range cmsg.Space(8) + 1 {
		sendWithDescriptors(t, peer, "x", 0, 1)
		m := roomFor(0, 10)
		m.Space = bytes.Repeat([]byte{0xee}, size)
		try(t, s, m, 0, nil, "x")
		want := max(0, size-cmsg.HeaderSize) / 4
		if got := m.Rights(nil); len(got) != want || (want < 2) != (m.Flags&unix.MSG_CTRUNC != 0) {
			t.Errorf("%d bytes: descriptors %v, msg_flags %#x; want %d", size, got, m.Flags, want)
		}
		if want > 0 && binary.NativeEndian.Uint32(m.Control[cmsg.HeaderSize-8:]) != unix.SOL_SOCKET {
			t.Errorf("%d bytes: control data %x", size, m.Control)
		}
		m.Close()
	}
}

// A stream may end with control messages: TCP_INQ and SO_INQ say that there are
// no bytes any more. It is the end all the same.
func TestStreamsEndWhateverControlMessagesTheyHave(t *testing.T) {
	tests := map[string][]string{
		"unix": {"SO_PASSCRED", "SO_PASSPIDFD", "SO_INQ", "SO_TIMESTAMP", "SO_PASSRIGHTS=off", "SO_OOBINLINE"},
		"tcp4": {"TCP_INQ", "SO_INQ", "SO_TIMESTAMP", "SO_TIMESTAMPING=RX_SOFTWARE+SOFTWARE", "SO_OOBINLINE"},
	}
	addresses := map[string]Address{"unix": {Network: Unix, Name: t.TempDir() + "/s"}, "tcp4": {Network: TCP, Host: "127.0.0.1", Port: "0"}}
	for network, options := range tests {
		for _, option := range options {
			t.Run(network+" "+option, func(t *testing.T) {
				noLeak(t)
				l, err := Listen(testContext(t), addresses[network], ListenOptions{Options: mustOptions(t, option)})
				if unsupported(err) {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				peer, err := Dial(testContext(t), l.Local(), DialOptions{})
				if err != nil {
					t.Fatal(err)
				}
				s, err := l.Accept(testContext(t))
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				send(t, peer.fd, "last words", 0)
				peer.Close()
				m := roomFor(200, 20)
				if err := s.Recv(t.Context(), m, 0); err != nil || string(m.Data()) != "last words" {
					t.Errorf("received %q, %v", m.Data(), err)
				}
				m.Close()
				for range 2 {
					if err := s.Recv(t.Context(), m, 0); err != io.EOF {
						t.Errorf("at the end: %q, %v, control data %x", m.Data(), err, m.Control)
					}
					m.Close()
				}
			})
		}
	}
}
