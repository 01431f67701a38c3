package fdio

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// roomFor is an Incoming with buffers of these sizes, full of what was there
// before: what must never be taken for data.
func roomFor(controlSize int, sizes ...int) *Incoming {
	m := &Incoming{Space: make([]byte, controlSize)}
	for _, size := range sizes {
		m.Buffers = append(m.Buffers, make([]byte, size))
	}
	fill(m)
	return m
}

func fill(m *Incoming) {
	for _, b := range m.Buffers {
		copy(b, bytes.Repeat([]byte("#"), len(b)))
	}
}

// untouched reports whether nothing was written behind the data of m.
func untouched(m *Incoming) bool {
	all := slices.Concat(m.Buffers...)
	return strings.Trim(string(all[m.N:]), "#") == ""
}

func send(t *testing.T, fd int, data string, flags int) {
	t.Helper()
	if err := unix.Sendto(fd, []byte(data), flags, nil); err != nil {
		t.Fatal(err)
	}
}

func sendWithDescriptors(t *testing.T, fd int, data string, fds ...int) {
	t.Helper()
	if _, err := sendmsg(fd, [][]byte{[]byte(data)}, cmsg.AppendRights(nil, fds), nil, 0); err != nil {
		t.Fatal(err)
	}
}

// noLeak fails the test if it ends with more descriptors open than now.
func noLeak(t *testing.T) {
	t.Helper()
	before := countDescriptors(t)
	t.Cleanup(func() {
		if after := countDescriptors(t); after != before {
			t.Errorf("%d descriptors open, %d before", after, before)
		}
	})
}

// try is TryRecv that has to return want.
func try(t *testing.T, s *Socket, m *Incoming, flags int, want error, data string) {
	t.Helper()
	if !m.Partial() {
		fill(m)
	}
	err := s.TryRecv(m, flags)
	if err != want {
		t.Fatalf("TryRecv: %v with %q; want %v with %q", err, m.Data(), want, data)
	}
	if want == nil && string(m.Data()) != data {
		t.Fatalf("received %q, want %q", m.Data(), data)
	}
	if want == nil && !untouched(m) {
		t.Fatalf("buffers are %q with %d bytes received", m.Buffers, m.N)
	}
}

// streams are connections of each kind that carries bytes, as a receiver and
// the descriptor of its peer.
func streams(t *testing.T) map[string]func(t *testing.T) (*Socket, *Socket) {
	pair := func(a Address) func(t *testing.T) (*Socket, *Socket) {
		return func(t *testing.T) (*Socket, *Socket) { return connectedPair(t, a) }
	}
	return map[string]func(t *testing.T) (*Socket, *Socket){
		"unix": pair(abstractName(t, Unix)),
		"tcp4": pair(Address{Network: TCP, Host: "127.0.0.1", Port: "0"}),
		"tcp6": pair(Address{Network: TCP6, Host: "::1", Port: "0"}),
		"fd:N, blocking": func(t *testing.T) (*Socket, *Socket) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				t.Fatal(err)
			}
			var ends [2]*Socket
			for i, fd := range fds {
				if ends[i], err = Inherit(fd); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { ends[i].Close() })
			}
			return ends[0], ends[1]
		},
	}
}

// awaitInput waits until as many bytes are there: what was sent over loopback
// need not have come when sendmsg returns.
func awaitInput(t *testing.T, s *Socket, size int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := s.await(ctx, receiving, (*rawConn)(s), func(uintptr) bool {
		n, err := unix.IoctlGetInt(s.fd, unix.SIOCINQ)
		return err != nil || n >= size
	})
	if err != nil {
		t.Fatalf("%d bytes did not come: %v", size, err)
	}
}

func TestWaitAllIsFilledInParts(t *testing.T) {
	for name, pair := range streams(t) {
		t.Run(name, func(t *testing.T) {
			s, peer := pair(t)
			m := roomFor(100, 3, 0, 5)
			try(t, s, m, unix.MSG_WAITALL, unix.EAGAIN, "")
			if m.Partial() {
				t.Error("partial before anything has come")
			}
			for i, part := range []string{"a", "bcd", "ef"} {
				send(t, peer.fd, part, 0)
				awaitInput(t, s, len(part))
				try(t, s, m, unix.MSG_WAITALL, unix.EAGAIN, "")
				if want := []int{1, 4, 6}[i]; !m.Partial() || m.N != want || m.Size != want {
					t.Errorf("partial %v, %d bytes of %d; want %d", m.Partial(), m.N, m.Size, want)
				}
			}
			send(t, peer.fd, "ghij", 0)
			awaitInput(t, s, 4)
			try(t, s, m, unix.MSG_WAITALL, nil, "abcdefgh")
			if m.Partial() {
				t.Error("partial though it is full")
			}
			if parts := m.Parts(nil); len(parts) != 3 || string(parts[0]) != "abc" || len(parts[1]) != 0 || string(parts[2]) != "defgh" {
				t.Errorf("the buffers have %q", parts)
			}
			try(t, s, roomFor(100, 10), 0, nil, "ij")
		})
	}
}

func TestWaitAllWaits(t *testing.T) {
	for name, pair := range streams(t) {
		t.Run(name, func(t *testing.T) {
			s, peer := pair(t)
			want := bytes.Repeat([]byte("0123456789"), 100_000) // more than the queue of a socket holds
			received := make(chan error, 1)
			m := roomFor(100, 300_000, 700_000)
			go func() { received <- s.Recv(t.Context(), m, unix.MSG_WAITALL) }()
			for part := range slices.Chunk(want, 33_333) {
				mustSend(t, peer, Outgoing{Buffers: [][]byte{part}})
			}
			if err := <-received; err != nil || !bytes.Equal(m.Data(), want) {
				t.Errorf("received %d bytes, %v", m.N, err)
			}
		})
	}
}

func TestWaitAllEndsWithThePartAndThenTheEnd(t *testing.T) {
	for _, alreadyPartial := range []bool{false, true} {
		for name, pair := range streams(t) {
			t.Run(fmt.Sprintf("%s, already partial %v", name, alreadyPartial), func(t *testing.T) {
				s, peer := pair(t)
				m := roomFor(100, 10)
				send(t, peer.fd, "part", 0)
				if alreadyPartial {
					awaitInput(t, s, 4)
					try(t, s, m, unix.MSG_WAITALL, unix.EAGAIN, "")
				}
				unix.Shutdown(peer.fd, unix.SHUT_WR)
				if err := s.Recv(t.Context(), m, unix.MSG_WAITALL); err != nil || string(m.Data()) != "part" || m.Partial() || !untouched(m) {
					t.Errorf("before the end: %q, %v, partial %v", m.Data(), err, m.Partial())
				}
				for range 2 {
					if err := s.Recv(t.Context(), m, unix.MSG_WAITALL); err != io.EOF || m.N != 0 {
						t.Errorf("at the end: %q, %v", m.Data(), err)
					}
				}
				s.Close()
				peer.Close()
			})
		}
	}
}

func TestPartOfWaitAllCanBeTaken(t *testing.T) {
	s, peer := inheritedPair(t, unix.SOCK_STREAM)
	m := roomFor(100, 10)
	send(t, peer, "part", 0)
	try(t, s, m, unix.MSG_WAITALL, unix.EAGAIN, "")
	m.TakePartial()
	if m.Partial() || string(m.Data()) != "part" {
		t.Errorf("taken: %q, partial %v", m.Data(), m.Partial())
	}
	send(t, peer, "next", 0)
	try(t, s, m, 0, nil, "next")
}

func TestWaitAllEndsWithControlMessages(t *testing.T) {
	noLeak(t)
	s, peer := inheritedPair(t, unix.SOCK_STREAM)
	m := roomFor(100, 20)
	send(t, peer, "plain", 0)
	try(t, s, m, unix.MSG_WAITALL, unix.EAGAIN, "")
	sendWithDescriptors(t, peer, "with", 0, 1)
	send(t, peer, "behind", 0)
	try(t, s, m, unix.MSG_WAITALL, nil, "plainwith")
	if fds := m.Rights(nil); len(fds) != 2 {
		t.Errorf("descriptors %v came", fds)
	}
	m.Close()
	try(t, s, m, unix.MSG_WAITALL, unix.EAGAIN, "")
	if !m.Partial() || m.N != 6 {
		t.Errorf("behind it: %d bytes, partial %v", m.N, m.Partial())
	}
	unix.Close(peer)
	try(t, s, m, unix.MSG_WAITALL, nil, "behind")
	try(t, s, m, unix.MSG_WAITALL, io.EOF, "")
}

// Descriptors that there was no room for are control messages, too: what comes
// next must not make that forgotten.
func TestWaitAllReportsControlMessagesThatWereCut(t *testing.T) {
	noLeak(t)
	for _, controlSize := range []int{0, cmsg.HeaderSize} {
		for _, flags := range []int{unix.MSG_WAITALL, unix.MSG_WAITALL | unix.MSG_PEEK} {
			s, peer := inheritedPair(t, unix.SOCK_STREAM)
			m := roomFor(controlSize, 8)
			sendWithDescriptors(t, peer, "with", 0)
			send(t, peer, "more", 0)
			err := s.TryRecv(m, flags)
			if err != nil || m.Flags&unix.MSG_CTRUNC == 0 || !strings.HasPrefix(string(m.Data()), "with") {
				t.Errorf("%d bytes for control messages, flags %#x: %q, %v, msg_flags %#x; want MSG_CTRUNC", controlSize, flags, m.Data(), err, m.Flags)
			}
			s.Close()
			unix.Close(peer)
		}
	}
}

func TestPeekWaitAllLeavesEverything(t *testing.T) {
	for name, pair := range streams(t) {
		t.Run(name, func(t *testing.T) {
			const flags = unix.MSG_WAITALL | unix.MSG_PEEK
			s, peer := pair(t)
			m := roomFor(100, 2, 6)
			send(t, peer.fd, "abc", 0)
			awaitInput(t, s, 3)
			try(t, s, m, flags, unix.EAGAIN, "")
			if m.Partial() || m.N != 0 {
				t.Errorf("partial %v, %d bytes, though none is taken", m.Partial(), m.N)
			}
			send(t, peer.fd, "defghij", 0)
			awaitInput(t, s, 10)
			for range 2 {
				try(t, s, m, flags, nil, "abcdefgh")
			}
			m = roomFor(100, 20)
			try(t, s, m, flags, unix.EAGAIN, "")
			unix.Shutdown(peer.fd, unix.SHUT_WR)
			for range 2 {
				if err := s.Recv(t.Context(), m, flags); err != nil || string(m.Data()) != "abcdefghij" {
					t.Errorf("peeked at %q before the end, %v", m.Data(), err)
				}
			}
			try(t, s, m, 0, nil, "abcdefghij")
			if err := s.Recv(t.Context(), m, flags); err != io.EOF {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

// Whoever waits for all of a peek is woken by each part.
func TestPeekWaitAllWaits(t *testing.T) {
	for name, pair := range streams(t) {
		t.Run(name, func(t *testing.T) {
			s, peer := pair(t)
			received := make(chan error, 1)
			m := roomFor(100, 100)
			go func() { received <- s.Recv(t.Context(), m, unix.MSG_WAITALL|unix.MSG_PEEK) }()
			want := strings.Repeat("x", 100)
			for i := range want {
				send(t, peer.fd, want[i:i+1], 0)
			}
			if err := <-received; err != nil || string(m.Data()) != want {
				t.Errorf("peeked at %q, %v", m.Data(), err)
			}
		})
	}
}

func TestWaitAllChangesNothingWhereThereAreMessages(t *testing.T) {
	for _, typ := range []int{unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		s, peer := inheritedPair(t, typ)
		send(t, peer, "short", 0)
		send(t, peer, "next", 0)
		m := roomFor(100, 100)
		try(t, s, m, unix.MSG_WAITALL, nil, "short")
		try(t, s, m, unix.MSG_WAITALL, nil, "next")
	}
}

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
