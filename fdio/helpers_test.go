package fdio

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// testContext bounds what a broken test would wait for.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func newIncoming(size, controlSize int) *Incoming {
	return &Incoming{Buffers: [][]byte{make([]byte, size)}, Space: make([]byte, controlSize)}
}

// abstractName is an abstract address of this test alone.
func abstractName(t *testing.T, network Network) Address {
	t.Helper()
	return Address{Network: network, Name: fmt.Sprintf("\x00fdmsg-test-%d-%s", os.Getpid(), t.Name())}
}

func mustListen(t *testing.T, a Address) *Socket {
	t.Helper()
	s, err := Listen(testContext(t), a, ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustDial(t *testing.T, a Address) *Socket {
	t.Helper()
	s, err := Dial(testContext(t), a, DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustSend(t *testing.T, s *Socket, m Outgoing) int {
	t.Helper()
	n, err := s.Send(testContext(t), m)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func text(s string) Outgoing { return Outgoing{Buffers: [][]byte{[]byte(s)}} }

// connectedPair is a connection over network, or a receiver and a sender of
// datagrams.
func connectedPair(t *testing.T, a Address) (receiver, sender *Socket) {
	t.Helper()
	l := mustListen(t, a)
	sender = mustDial(t, l.Local())
	if !l.Listening() {
		return l, sender
	}
	receiver, err := l.Accept(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { receiver.Close() })
	return receiver, sender
}

func everyNetwork(t *testing.T) map[string]Address {
	dir := t.TempDir()
	return map[string]Address{
		"unix":               {Network: Unix, Name: dir + "/stream"},
		"unix-dgram":         {Network: UnixDatagram, Name: dir + "/dgram"},
		"unix-seqpacket":     {Network: UnixSeqpacket, Name: dir + "/seqpacket"},
		"abstract":           abstractName(t, Unix),
		"abstract with NULs": {Network: UnixSeqpacket, Name: abstractName(t, Unix).Name + "\x00\xff\x00"},
		"autobind":           {Network: UnixDatagram, Name: autobind},
		"tcp4":               {Network: TCP, Host: "127.0.0.1", Port: "0"},
		"tcp6":               {Network: TCP6, Host: "::1", Port: "0"},
		"tcp, every address": {Network: TCP, Port: "0"},
		"udp4":               {Network: UDP4, Host: "127.0.0.1", Port: "0"},
		"udp6":               {Network: UDP, Host: "::1", Port: "0"},
	}
}

func countDescriptors(t *testing.T) int {
	t.Helper()
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

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

// ourselves are the credentials of this process.
func ourselves() cmsg.Credentials {
	return cmsg.Credentials{PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
}

func messagePair(t *testing.T, a Address) (receiver, sender *Socket) {
	t.Helper()
	if a.Network != UnixDatagram {
		return connectedPair(t, a)
	}
	receiver = mustListen(t, a)
	return receiver, mustDial(t, a)
}

// pipe is both ends of a pipe, which are closed at the end of the test.
func pipe(t *testing.T) (r, w int) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(ends[0]); unix.Close(ends[1]) })
	return ends[0], ends[1]
}
