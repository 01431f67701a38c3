package fdio

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

func TestUrgentDataIsWaitedFor(t *testing.T) {
	for name, pair := range streams(t) {
		t.Run(name, func(t *testing.T) {
			s, peer := pair(t)
			send(t, peer.fd, "plain", 0)
			awaitPlain(t, s)
			m := roomFor(100, 10)
			try(t, s, m, unix.MSG_OOB, unix.EAGAIN, "")
			received := make(chan error, 1)
			go func() { received <- s.Recv(t.Context(), m, unix.MSG_OOB) }()
			send(t, peer.fd, "!", unix.MSG_OOB)
			if err := <-received; err != nil || string(m.Data()) != "!" || m.Flags&unix.MSG_OOB == 0 || !untouched(m) {
				t.Errorf("received %q, msg_flags %#x, %v", m.Data(), m.Flags, err)
			}
			try(t, s, m, unix.MSG_OOB, unix.EAGAIN, "") // there is only one
			try(t, s, m, 0, nil, "plain")
			go func() { received <- s.Recv(t.Context(), m, unix.MSG_OOB) }()
			peer.Close()
			if err := <-received; err != io.EOF {
				t.Errorf("after the peer closed: %v", err)
			}
			if err := s.Recv(t.Context(), m, unix.MSG_OOB); err != io.EOF {
				t.Errorf("and again: %v", err)
			}
		})
	}
}

// awaitPlain is awaitInput for a socket that waits for urgent data.
func awaitPlain(t *testing.T, s *Socket) {
	t.Helper()
	if err := poll.AwaitReadable(testContext(t), s.fd); err != nil {
		t.Fatal(err)
	}
}

func TestUrgentDataIsPeekedAt(t *testing.T) {
	for name, pair := range streams(t) {
		t.Run(name, func(t *testing.T) {
			s, peer := pair(t)
			send(t, peer.fd, "!", unix.MSG_OOB)
			m := roomFor(100, 10)
			for _, flags := range []int{unix.MSG_OOB | unix.MSG_PEEK, unix.MSG_OOB} {
				if err := s.Recv(t.Context(), m, flags); err != nil || string(m.Data()) != "!" {
					t.Errorf("flags %#x: %q, %v", flags, m.Data(), err)
				}
			}
			try(t, s, m, unix.MSG_OOB, unix.EAGAIN, "")
		})
	}
}

func TestUrgentDataThatComesInLineIsRefused(t *testing.T) {
	s, peer := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_OOBINLINE, 1); err != nil {
		t.Fatal(err)
	}
	send(t, peer.fd, "!", unix.MSG_OOB)
	m := roomFor(100, 10)
	if err := s.TryRecv(m, unix.MSG_OOB); !errors.Is(err, unix.EINVAL) {
		t.Errorf("%v, want EINVAL", err)
	}
	if err := s.Recv(t.Context(), m, 0); err != nil || string(m.Data()) != "!" {
		t.Errorf("in line: %q, %v", m.Data(), err)
	}
}

// There is no urgent data where there are messages; waiting would be forever.
func TestUrgentDataOfMessagesIsAnError(t *testing.T) {
	for _, a := range []Address{abstractName(t, UnixDatagram), abstractName(t, UnixSeqpacket)} {
		s, _ := connectedPair(t, a)
		if err := s.TryRecv(roomFor(100, 1), unix.MSG_OOB); err == nil || err == unix.EAGAIN || err == io.EOF {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestErrorQueueTellsOfAClosedPort(t *testing.T) {
	for _, test := range []struct {
		network       Network
		host          string
		options       []string
		level, number int
		origin        string
	}{
		{UDP4, "127.0.0.1", []string{"IP_RECVERR"}, unix.IPPROTO_IP, unix.IP_RECVERR, "SO_EE_ORIGIN_ICMP"},
		{UDP6, "::1", []string{"IPV6_RECVERR"}, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, "SO_EE_ORIGIN_ICMP6"},
	} {
		t.Run(string(test.network), func(t *testing.T) {
			closed := mustListen(t, Address{Network: test.network, Host: test.host, Port: "0"})
			to := closed.Local()
			s, err := Dial(testContext(t), to, DialOptions{Options: mustOptions(t, test.options...)})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			m := roomFor(1000, 3, 20)
			try(t, s, m, unix.MSG_ERRQUEUE, unix.EAGAIN, "")
			closed.Close()
			received := make(chan error, 1)
			go func() { received <- s.Recv(t.Context(), m, unix.MSG_ERRQUEUE) }()
			send(t, s.fd, "returned", 0)
			if err := <-received; err != nil || string(m.Data()) != "returned" || m.Flags&unix.MSG_ERRQUEUE == 0 || !untouched(m) {
				t.Fatalf("received %q, msg_flags %#x, %v", m.Data(), m.Flags, err)
			}
			if m.From.Port != to.Port || m.From.Host != to.Host {
				t.Errorf("it was sent to %s, want %s", m.From, to)
			}
			found := false
			for c := range cmsg.Messages(m.Control) {
				fields, err := c.Decode()
				if c.Level != test.level || c.Type != test.number {
					continue
				}
				found = true
				text := fmt.Sprint(fields)
				for _, want := range []string{"{ee_errno ECONNREFUSED}", "{ee_origin " + test.origin + "}", "{offender " + test.host + "}"} {
					if !strings.Contains(text, want) {
						t.Errorf("%s, %v; want %s", text, err, want)
					}
				}
			}
			if !found {
				t.Errorf("control data %x", m.Control)
			}
			try(t, s, m, unix.MSG_ERRQUEUE, unix.EAGAIN, "")
		})
	}
}

// A message that was sent empty comes back empty, which is no end.
func TestErrorQueueReturnsAnEmptyMessage(t *testing.T) {
	closed := mustListen(t, Address{Network: UDP4, Host: "127.0.0.1", Port: "0"})
	s, err := Dial(testContext(t), closed.Local(), DialOptions{Options: mustOptions(t, "IP_RECVERR")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	closed.Close()
	send(t, s.fd, "", 0)
	m := roomFor(1000, 10)
	if err := s.Recv(t.Context(), m, unix.MSG_ERRQUEUE); err != nil || m.N != 0 || len(m.Control) == 0 {
		t.Errorf("%d bytes, %d of control data, %v", m.N, len(m.Control), err)
	}
}

func TestErrorQueueHasTransmitTimestamps(t *testing.T) {
	addresses := map[string]Address{"udp": {Network: UDP4, Host: "127.0.0.1", Port: "0"}, "tcp": {Network: TCP, Host: "127.0.0.1", Port: "0"}}
	for name, a := range addresses {
		for _, option := range []string{"SO_TIMESTAMPING=TX_SOFTWARE+SOFTWARE", "SO_TIMESTAMPING=TX_SOFTWARE+SOFTWARE+OPT_ID"} {
			t.Run(name+" "+option, func(t *testing.T) {
				l := mustListen(t, a)
				s, err := Dial(testContext(t), l.Local(), DialOptions{Options: mustOptions(t, option)})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				send(t, s.fd, "stamped", 0)
				m := roomFor(1000, 2000)
				if err := s.Recv(t.Context(), m, unix.MSG_ERRQUEUE); err != nil {
					t.Fatal(err)
				}
				var types []string
				for c := range cmsg.Messages(m.Control) {
					types = append(types, cmsg.TypeName(c.Level, c.Type))
				}
				if !slices.Contains(types, "SCM_TIMESTAMPING") || !slices.Contains(types, "IP_RECVERR") || !strings.HasSuffix(string(m.Data()), "stamped") {
					t.Errorf("%q with %v", m.Data(), types)
				}
			})
		}
	}
}

// What comes from the error queue of a TCP socket is written, MSG_TRUNC or not:
// it is not discarded.
func TestTruncDoesNotDiscardTheErrorQueueOfTCP(t *testing.T) {
	l := mustListen(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	s, err := Dial(testContext(t), l.Local(), DialOptions{Options: mustOptions(t, "SO_TIMESTAMPING=TX_SOFTWARE+SOFTWARE")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send(t, s.fd, "stamped", 0)
	m := roomFor(1000, 2000)
	if err := s.Recv(t.Context(), m, unix.MSG_ERRQUEUE|unix.MSG_TRUNC); err != nil || !strings.HasSuffix(string(m.Data()), "stamped") || !untouched(m) {
		t.Errorf("%d bytes of %d, %v", m.N, m.Size, err)
	}
}
