package fdio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/sockname"

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

func TestMessageArrivesOverEveryNetwork(t *testing.T) {
	for name, a := range everyNetwork(t) {
		t.Run(name, func(t *testing.T) {
			receiver, sender := connectedPair(t, a)
			m := Outgoing{Buffers: [][]byte{[]byte("ga"), nil, []byte("ther"), []byte("ed")}}
			if n := mustSend(t, sender, m); n != 8 {
				t.Errorf("sent %d bytes, want 8", n)
			}
			in := newIncoming(100, 100)
			if err := receiver.Recv(t.Context(), in, 0); err != nil {
				t.Fatal(err)
			}
			if got := string(in.Data()); got != "gathered" {
				t.Errorf("received %q", got)
			}
			if back, err := ParseAddress(receiver.Local().String()); err != nil || back != receiver.Local() {
				t.Errorf("local address %s is not accepted back: %v", receiver.Local(), err)
			}
		})
	}
}

func TestDescriptorsArriveCloseOnExec(t *testing.T) {
	for _, network := range []Network{Unix, UnixDatagram, UnixSeqpacket} {
		for _, count := range []int{0, 1, 2, cmsg.MaxDescriptors} {
			t.Run(fmt.Sprintf("%s, %d", network, count), func(t *testing.T) {
				receiver, sender := connectedPair(t, abstractName(t, network))
				null, err := os.Open("/dev/null")
				if err != nil {
					t.Fatal(err)
				}
				defer null.Close()
				fds := make([]int, count)
				for i := range fds {
					fds[i] = int(null.Fd())
				}
				mustSend(t, sender, Outgoing{Buffers: [][]byte{[]byte("x")}, Control: cmsg.AppendRights(nil, fds)})
				in := newIncoming(10, 4096)
				if err := receiver.Recv(t.Context(), in, 0); err != nil {
					t.Fatal(err)
				}
				defer in.Close()
				got := in.Rights(nil)
				if len(got) != count {
					t.Fatalf("%d descriptors came, want %d", len(got), count)
				}
				for _, fd := range got {
					if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
						t.Fatalf("descriptor %d: flags %#x, %v; want FD_CLOEXEC", fd, flags, err)
					}
				}
				if in.Flags != 0 && in.Flags != unix.MSG_EOR {
					t.Errorf("flags %#x", in.Flags)
				}
			})
		}
	}
}

func TestDescriptorsWithoutAByteGoWithOneOnStreams(t *testing.T) {
	for network, want := range map[Network]string{Unix: "\x00", UnixSeqpacket: "", UnixDatagram: ""} {
		receiver, sender := connectedPair(t, abstractName(t, network))
		n := mustSend(t, sender, Outgoing{Control: cmsg.AppendRights(nil, []int{0})})
		in := newIncoming(10, 100)
		if err := receiver.Recv(t.Context(), in, 0); err != nil {
			t.Fatal(err)
		}
		if got := string(in.Data()); got != want || n != len(want) || len(in.Rights(nil)) != 1 {
			t.Errorf("%s: sent %d bytes, received %q and %d descriptors; want %q and 1", network, n, got, len(in.Rights(nil)), want)
		}
		in.Close()
	}
}

func TestSendRefusesWhatTheKernelWouldDrop(t *testing.T) {
	_, tcp := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	_, err := tcp.Send(testContext(t), Outgoing{Buffers: [][]byte{{1}}, Control: cmsg.AppendRights(nil, []int{0})})
	if !errors.Is(err, ErrNoDescriptorsHere) {
		t.Errorf("descriptors over TCP: %v", err)
	}
	_, stream := connectedPair(t, abstractName(t, Unix))
	many := cmsg.AppendRights(cmsg.AppendRights(nil, make([]int, 200)), make([]int, 54))
	if _, err = stream.Send(testContext(t), Outgoing{Buffers: [][]byte{{1}}, Control: many}); !errors.Is(err, ErrTooManyDescriptors) {
		t.Errorf("254 descriptors in two control messages: %v", err)
	}
	_, seqpacket := connectedPair(t, abstractName(t, UnixSeqpacket))
	if _, err = seqpacket.Send(testContext(t), Outgoing{Buffers: make([][]byte, MaxBuffers+1)}); !errors.Is(err, ErrTooManyBuffers) {
		t.Errorf("1025 buffers: %v", err)
	}
}

func TestEmptyBuffersDoNotCostDescriptors(t *testing.T) {
	receiver, sender := connectedPair(t, abstractName(t, Unix))
	buffers := append(make([][]byte, MaxBuffers), []byte("x"))
	mustSend(t, sender, Outgoing{Buffers: buffers, Control: cmsg.AppendRights(nil, []int{0})})
	in := newIncoming(10, 100)
	if err := receiver.Recv(t.Context(), in, 0); err != nil || len(in.Rights(nil)) != 1 {
		t.Errorf("received %q with descriptors %v, %v", in.Data(), in.Rights(nil), err)
	}
	in.Close()
}

// A stream takes a large message in parts; the descriptors must arrive once.
func TestLargeStreamMessageIsContinued(t *testing.T) {
	receiver, sender := connectedPair(t, abstractName(t, Unix))
	buffers := make([][]byte, 3000) // more than one call gathers
	for i := range buffers {
		buffers[i] = bytes.Repeat([]byte{byte(i)}, 1000+i%7)
	}
	want := bytes.Join(buffers, nil)
	sent := make(chan error, 1)
	go func() {
		n, err := sender.Send(testContext(t), Outgoing{Buffers: buffers, Control: cmsg.AppendRights(nil, []int{0, 1})})
		if err == nil && n != len(want) {
			err = fmt.Errorf("sent %d of %d bytes", n, len(want))
		}
		sender.Close()
		sent <- err
	}()
	var got []byte
	descriptors := 0
	in := newIncoming(64<<10, 1000)
	for {
		err := receiver.Recv(t.Context(), in, 0)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, in.Data()...)
		descriptors += len(in.Rights(nil))
		in.Close()
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("received %d bytes, want %d, or not the same", len(got), len(want))
	}
	if descriptors != 2 {
		t.Errorf("%d descriptors arrived, want 2", descriptors)
	}
}

func TestSendWaitsForAFullQueueUntilTheEndOfItsContext(t *testing.T) {
	for _, network := range []Network{Unix, UnixSeqpacket, UnixDatagram} {
		_, sender := connectedPair(t, abstractName(t, network))
		for {
			_, err := sendmsg(sender.fd, [][]byte{make([]byte, 1000)}, nil, nil, unix.MSG_DONTWAIT)
			if err == unix.EAGAIN {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		reason := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(context.Background(), 20*time.Millisecond, reason)
		_, err := sender.Send(ctx, text("one more"))
		cancel()
		if !errors.Is(err, reason) {
			t.Errorf("%s: %v, want the context's cause", network, err)
		}
	}
}

// One destination of an unconnected socket has a full queue, which the kernel
// offers no way to wait for.
func TestSendToWaitsForAFullQueue(t *testing.T) {
	receiver := mustListen(t, abstractName(t, UnixDatagram))
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	sender, err := Inherit(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	to := receiver.Local()
	full := 0
	name := sockname.Unix(to.Name)
	for ; err == nil; full++ {
		_, err = sendmsg(fd, [][]byte{{'x'}}, nil, &name, unix.MSG_DONTWAIT)
	}
	sent := make(chan error, 1)
	go func() {
		_, err := sender.Send(testContext(t), Outgoing{Buffers: [][]byte{[]byte("last")}, To: &to})
		sent <- err
	}()
	in := newIncoming(10, 100)
	for range full {
		if err := receiver.Recv(t.Context(), in, 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(in.Data()); got != "last" {
		t.Errorf("the last message is %q", got)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestEmptyMessageIsNotTheEnd(t *testing.T) {
	for _, network := range []Network{UnixSeqpacket, UnixDatagram, UDP4} {
		a := abstractName(t, network)
		if !network.IsUnix() {
			a = Address{Network: network, Host: "127.0.0.1", Port: "0"}
		}
		receiver, sender := connectedPair(t, a)
		mustSend(t, sender, text("")) // x/sys or not, no byte must be added
		mustSend(t, sender, text(""))
		sender.Close()
		in := newIncoming(10, 100)
		for range 2 {
			if err := receiver.Recv(t.Context(), in, 0); err != nil || in.N != 0 {
				t.Fatalf("%s: empty message: %d bytes, %v", network, in.N, err)
			}
		}
		if receiver.IsDatagram() {
			continue
		}
		if err := receiver.Recv(t.Context(), in, 0); err != io.EOF {
			t.Errorf("%s: after the peer closed: %v, want EOF", network, err)
		}
	}
}

func TestTruncationIsReported(t *testing.T) {
	receiver, sender := connectedPair(t, abstractName(t, UnixSeqpacket))
	before := countDescriptors(t)
	mustSend(t, sender, Outgoing{Buffers: [][]byte{[]byte("too long")}, Control: cmsg.AppendRights(nil, []int{0, 1, 2})})
	in := newIncoming(3, cmsg.Space(unix.SizeofUcred)+cmsg.Space(4)) // our seqpacket sockets get credentials, too
	if err := receiver.Recv(t.Context(), in, 0); err != nil {
		t.Fatal(err)
	}
	if in.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != unix.MSG_TRUNC|unix.MSG_CTRUNC {
		t.Errorf("flags %#x, want MSG_TRUNC and MSG_CTRUNC", in.Flags)
	}
	if got := string(in.Data()); got != "too" {
		t.Errorf("data %q", got)
	}
	if err := in.CheckTruncated(); !errors.Is(err, ErrControlTruncated) {
		t.Errorf("Complete() = %v", err)
	}
	if len(in.Rights(nil)) == 0 {
		t.Error("no descriptor came at all")
	}
	in.Close()
	if after := countDescriptors(t); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
}

// A reused control buffer still holds the bytes of the message before; those
// must not be taken for the next one's.
func TestNoDescriptorOfTheMessageBefore(t *testing.T) {
	receiver, sender := connectedPair(t, abstractName(t, Unix))
	in := newIncoming(10, 100)
	mustSend(t, sender, Outgoing{Buffers: [][]byte{[]byte("1")}, Control: cmsg.AppendRights(nil, []int{0})})
	if err := receiver.Recv(t.Context(), in, 0); err != nil {
		t.Fatal(err)
	}
	in.Close()
	mustSend(t, sender, text("2"))
	if err := receiver.Recv(t.Context(), in, 0); err != nil {
		t.Fatal(err)
	}
	if got := in.Descriptors(nil); len(got) != 0 {
		t.Errorf("descriptors %v came with a message that had none", got)
	}
}

func TestDatagramNamesItsSender(t *testing.T) {
	dir := t.TempDir()
	receiver := mustListen(t, Address{Network: UnixDatagram, Name: dir + "/r"})
	from := []Address{
		{Network: UnixDatagram, Name: dir + "/s1"},
		{Network: UnixDatagram, Name: abstractName(t, UnixDatagram).Name + "\x00\x01"},
		{Network: UnixDatagram, Name: dir + "/s1"},
	}
	in := newIncoming(10, 100)
	for _, a := range from {
		s, err := Dial(testContext(t), receiver.Local(), DialOptions{From: &a})
		if err != nil {
			t.Fatal(err)
		}
		mustSend(t, s, text("x"))
		s.Close()
		if err := receiver.Recv(t.Context(), in, 0); err != nil {
			t.Fatal(err)
		}
		if in.From != a {
			t.Errorf("from %q, want %q", in.From, a)
		}
		if in.Sender != ourselves() {
			t.Errorf("the sender is %+v", in.Sender)
		}
	}
	mustSend(t, mustDial(t, receiver.Local()), text("nameless"))
	if err := receiver.Recv(t.Context(), in, 0); err != nil || in.From != (Address{}) {
		t.Errorf("from %q, %v; want none", in.From, err)
	}
}

func TestPeerCredentials(t *testing.T) {
	receiver, sender := connectedPair(t, abstractName(t, Unix))
	for _, s := range []*Socket{receiver, sender} {
		if c, ok := s.PeerCredentials(); !ok || int(c.PID) != os.Getpid() {
			t.Errorf("peer %+v, %v", c, ok)
		}
	}
	tcp, _ := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	if c, ok := tcp.PeerCredentials(); ok {
		t.Errorf("TCP peer has credentials %+v", c)
	}
}

func TestZoneByNameOrNumber(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []string{"lo", fmt.Sprint(lo.Index)} {
		if index, err := zoneIndex(zone); err != nil || int(index) != lo.Index {
			t.Errorf("zone %q is interface %d, %v; want %d", zone, index, err, lo.Index)
		}
	}
	if _, err := zoneIndex("nowhere"); err == nil {
		t.Error("an interface that is not there has an index")
	}
}

func TestDialTriesEveryAddressOfAHost(t *testing.T) {
	l := mustListen(t, Address{Network: TCP6, Host: "::1", Port: "0"})
	s := mustDial(t, Address{Network: TCP, Host: "", Port: l.Local().Port}) // 127.0.0.1 first
	if got := s.Peer().String(); got != l.Local().String() {
		t.Errorf("connected to %s, want %s", got, l.Local())
	}
}

func TestDialErrors(t *testing.T) {
	dir := t.TempDir()
	stream := mustListen(t, Address{Network: Unix, Name: dir + "/stream"})
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	for _, c := range []struct {
		a    Address
		want error
	}{
		{Address{Network: Unix, Name: dir + "/none"}, unix.ENOENT},
		{Address{Network: Unix, Name: dir + "/none/s"}, unix.ENOENT},
		{Address{Network: Unix, Name: dir + "/file"}, unix.ECONNREFUSED},
		{Address{Network: UnixDatagram, Name: stream.Local().Name}, unix.EPROTOTYPE},
		{Address{Network: Unix, Name: autobind}, ErrAutobind},
		{Address{Network: TCP, Host: "127.0.0.1", Port: port}, unix.ECONNREFUSED},
		{Address{Network: TCP6, Host: "127.0.0.1", Port: port}, errors.ErrUnsupported},
	} {
		s, err := Dial(testContext(t), c.a, DialOptions{})
		if err == nil {
			s.Close()
		}
		if c.want == errors.ErrUnsupported {
			if err == nil || !strings.Contains(err.Error(), "for tcp6") {
				t.Errorf("Dial(%s): %v", c.a, err)
			}
			continue
		}
		if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), c.a.String()+": connect: ") {
			t.Errorf("Dial(%s): %v, want %v", c.a, err, c.want)
		}
	}
}

func TestDialWaitsForTheServer(t *testing.T) {
	a := Address{Network: Unix, Name: t.TempDir() + "/s"}
	dialed := make(chan error, 1)
	go func() {
		s, err := Dial(testContext(t), a, DialOptions{Wait: 20 * time.Second})
		if err == nil {
			s.Close()
		}
		dialed <- err
	}()
	mustListen(t, a)
	if err := <-dialed; err != nil {
		t.Error(err)
	}
	_, err := Dial(testContext(t), Address{Network: Unix, Name: a.Name + "-never"}, DialOptions{Wait: 10 * time.Millisecond})
	if !errors.Is(err, unix.ENOENT) {
		t.Errorf("after the wait: %v, want ENOENT", err)
	}
}

// The backlog of a Unix listener is full: connecting waits for accept.
func TestDialWaitsForAFullBacklog(t *testing.T) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	a := abstractName(t, Unix)
	name := sockname.Unix(a.Name)
	if err := errors.Join(sockname.Bind(fd, &name), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	mustDial(t, a) // the one that the backlog has room for
	dialed := make(chan error, 1)
	go func() {
		s, err := Dial(testContext(t), a, DialOptions{})
		if err == nil {
			s.Close()
		}
		dialed <- err
	}()
	nfd, _, err := unix.Accept(fd)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(nfd)
	if err := <-dialed; err != nil {
		t.Error(err)
	}
}

func TestInterruptEndsEveryWait(t *testing.T) {
	receiver, _ := connectedPair(t, abstractName(t, UnixSeqpacket))
	received := make(chan error, 1)
	go func() { received <- receiver.Recv(t.Context(), newIncoming(1, 0), 0) }()
	receiver.Interrupt()
	if err := <-received; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Recv: %v", err)
	}
}

func TestShutdownReadKeepsWhatIsQueued(t *testing.T) {
	l := mustListen(t, abstractName(t, Unix))
	sender := mustDial(t, l.Local())
	mustSend(t, sender, text("queued"))
	l.ShutdownRead()
	if _, err := Dial(testContext(t), l.Local(), DialOptions{}); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("connecting after it: %v", err)
	}
	receiver, err := l.TryAccept()
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	receiver.ShutdownRead()
	if _, err := sender.Send(testContext(t), text("late")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("sending after it: %v", err)
	}
	in := newIncoming(10, 100)
	if err := receiver.TryRecv(in, 0); err != nil || string(in.Data()) != "queued" {
		t.Errorf("received %q, %v", in.Data(), err)
	}
	if err := receiver.TryRecv(in, 0); err != io.EOF {
		t.Errorf("then %v, want EOF", err)
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
