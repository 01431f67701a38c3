package fdio

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

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
