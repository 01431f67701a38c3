package fdio

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

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
