package fdio

import (
	"errors"
	"fmt"
	"testing"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

// Credentials that only this package asked for are not among the control messages;
// they take up space, and tell the sender all the same.
func TestOnlyCredentialsThatWereAskedForAreReceived(t *testing.T) {
	own := cmsg.Space(unix.SizeofUcred)
	tests := []struct {
		network Network
		options []string
		want    int
	}{
		{UnixSeqpacket, nil, own},
		{UnixDatagram, nil, own},
		{Unix, nil, 0},
		{UnixSeqpacket, []string{"SO_PASSCRED"}, 0},
		{UnixDatagram, []string{"SO_PASSCRED"}, 0},
		{Unix, []string{"SO_PASSCRED"}, 0},
		{UnixSeqpacket, []string{"SOL_SOCKET:16=hex=01000000"}, 0},
		{UnixDatagram, []string{"SO_PRIORITY=1"}, own},
	}
	for _, test := range tests {
		name := fmt.Sprint(test.network, test.options)
		l, err := Listen(testContext(t), abstractName(t, test.network), ListenOptions{Options: mustOptions(t, test.options...)})
		if err != nil {
			t.Fatal(err)
		}
		s, sender := l, mustDial(t, l.Local())
		if l.Listening() {
			if s, err = l.Accept(testContext(t)); err != nil {
				t.Fatal(err)
			}
		}
		mustSend(t, sender, text("x"))
		in := newIncoming(10, 100)
		if err := s.Recv(t.Context(), in, 0); err != nil {
			t.Fatal(err)
		}
		if got := s.ControlSpace(100); got != 100+test.want {
			t.Errorf("%s: ControlSpace(100) = %d, want %d more", name, got, test.want)
		}
		if asked := test.want == 0 && test.options != nil; asked != (len(in.Control) == own) || !asked && len(in.Control) > 0 {
			t.Errorf("%s: %d bytes of control data", name, len(in.Control))
		}
		if comes := test.network != Unix || test.options != nil; comes != in.Sender.Known() || comes && in.Sender != ourselves() {
			t.Errorf("%s: the sender is %+v", name, in.Sender)
		}
		s.Close()
		l.Close()
	}
}

// A datagram socket that was not bound by Listen is not made to deliver
// credentials: the room for control messages is what the caller gives.
func TestDialedDatagramSocketsHaveNoCredentials(t *testing.T) {
	l := mustListen(t, abstractName(t, UnixDatagram))
	from := Address{Network: UnixDatagram, Name: autobind}
	s, err := Dial(testContext(t), l.Local(), DialOptions{From: &from})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	off, err := Listen(testContext(t), from, ListenOptions{Options: mustOptions(t, "SO_PASSCRED=off")})
	if err != nil {
		t.Fatal(err)
	}
	defer off.Close()
	for name, s := range map[string]*Socket{"dialed": s, "bound with SO_PASSCRED=off": off} {
		to := s.Local()
		mustSend(t, l, Outgoing{Buffers: [][]byte{[]byte("x")}, To: &to})
		in := newIncoming(10, 100)
		if err := s.Recv(t.Context(), in, 0); err != nil || len(in.Control) > 0 || in.Sender.Known() {
			t.Errorf("%s: control data %x, sender %+v, %v", name, in.Control, in.Sender, err)
		}
		if got := s.ControlSpace(0); got != 0 {
			t.Errorf("%s: ControlSpace(0) = %d", name, got)
		}
	}
}

// A listener that was inherited with SO_PASSCRED on was asked for credentials
// by somebody else, and so were its connections.
func TestCredentialsOfAnInheritedListenerAreNotOurOwn(t *testing.T) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	a := abstractName(t, UnixSeqpacket)
	name := sockname.Unix(a.Name)
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1), sockname.Bind(fd, &name), unix.Listen(fd, 10)); err != nil {
		t.Fatal(err)
	}
	l, err := Inherit(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mustDial(t, a)
	s, err := l.Accept(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.ControlSpace(0); got != 0 {
		t.Errorf("ControlSpace(0) = %d", got)
	}
}

// What comes before and after credentials that are taken out stays as it is, and
// in its order.
func TestControlMessagesAroundCredentialsStay(t *testing.T) {
	for _, batched := range []bool{false, true} {
		l, err := Listen(testContext(t), abstractName(t, UnixDatagram), ListenOptions{Options: mustOptions(t, "SO_TIMESTAMPNS")})
		if err != nil {
			t.Fatal(err)
		}
		sender := mustDial(t, l.Local())
		r, _ := pipe(t)
		m := text("x")
		m.Control = cmsg.AppendRights(nil, []int{r, r})
		mustSend(t, sender, m)
		const timestamp = 16
		in := newIncoming(10, l.ControlSpace(cmsg.Space(timestamp)+cmsg.Space(8)))
		if batched {
			_, err = l.TryRecvBatch(&Batch{Messages: []*Incoming{in}})
		} else {
			err = l.TryRecv(in, 0)
		}
		if err != nil || in.Flags != 0 || in.Sender != ourselves() {
			t.Errorf("batched %v: msg_flags %#x, sender %+v, %v", batched, in.Flags, in.Sender, err)
		}
		rights := 0
		for c := range cmsg.Messages(in.Control) {
			if _, ok := c.Credentials(); ok || c.Level != unix.SOL_SOCKET {
				t.Errorf("batched %v: a control message %s", batched, c)
			}
			rights += len(c.Rights(nil))
		}
		if rights != 2 {
			t.Errorf("batched %v: %d descriptors in %x", batched, rights, in.Control)
		}
		in.Close()
		l.Close()
	}
}

// Who has no room for control messages does not lose any to credentials.
func TestMessagesWithoutSpaceAreNotTruncated(t *testing.T) {
	for _, network := range []Network{UnixSeqpacket, UnixDatagram} {
		receiver, sender := messagePair(t, abstractName(t, network))
		mustSend(t, sender, text("x"))
		in := newIncoming(10, 0)
		if err := receiver.Recv(t.Context(), in, 0); err != nil || in.CheckTruncated() != nil || in.Sender != ourselves() {
			t.Errorf("%s: %v, %v, sender %+v", network, err, in.CheckTruncated(), in.Sender)
		}
		r, _ := pipe(t)
		m := text("x")
		m.Control = cmsg.AppendRights(nil, []int{r})
		mustSend(t, sender, m)
		if err := receiver.Recv(t.Context(), in, 0); err != nil || !errors.Is(in.CheckTruncated(), ErrControlTruncated) {
			t.Errorf("%s: with descriptors: %v, %v", network, err, in.CheckTruncated())
		}
	}
}
