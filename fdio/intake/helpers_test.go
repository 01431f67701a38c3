package intake

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/frame"
)

// got is a message that a sink was given.
type got struct {
	text       string
	fds        int
	unfinished bool
}

// collector is a sink that notes what it is given.
type collector struct {
	mu      sync.Mutex
	all     []got
	last    time.Time // when the last message was received
	batches int
	flushed int                      // how many messages had come at the last Flush
	flush   chan struct{}            // is told of each; nil: nobody listens
	fail    func(received int) error // nil: it never fails
}

func (s *collector) Take(b *Batch) error {
	defer b.Release()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	for _, m := range b.Messages {
		s.last = m.Received
		s.all = append(s.all, got{string(m.Data()), len(m.Rights(nil)), m.Unfinished})
	}
	if s.fail != nil {
		return s.fail(len(s.all))
	}
	return nil
}

func (s *collector) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushed = len(s.all)
	select {
	case s.flush <- struct{}{}:
	default: // nobody listens, or is told already
	}
	return nil
}

// awaitFlush returns when a wait has begun after so many messages.
func (s *collector) awaitFlush(messages int) {
	for {
		s.mu.Lock()
		flushed := s.flushed
		s.mu.Unlock()
		if flushed >= messages {
			return
		}
		<-s.flush
	}
}

func testOptions() Options {
	return Options{Sizes: []int{256 << 10}, ControlSize: 16 << 10, MaxFrame: 16 << 20, Drain: -1}
}

// pair is a connection that a collector is given the messages of, and a socket to
// send on: a stream where it is split into frames.
func pair(t testing.TB, o Options) (*Conn, *collector, *fdio.Socket) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a := fdio.Address{Network: fdio.UnixSeqpacket, Name: fmt.Sprintf("\x00fdmsg-test-%d-%s", os.Getpid(), t.Name())}
	if o.Frame != frame.Chunk {
		a.Network = fdio.Unix
	}
	l, err := fdio.Listen(ctx, a, fdio.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sender, err := fdio.Dial(ctx, a, fdio.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sink := &collector{}
	o.NewSink = func(*Conn) Sink { return sink }
	c := New(ctx, o).Conn(receiver)
	t.Cleanup(func() { sender.Close(); receiver.Close(); cancel() })
	return c, sink, sender
}

func send(t testing.TB, s *fdio.Socket, text string, fds ...int) {
	t.Helper()
	m := fdio.Outgoing{Buffers: [][]byte{[]byte(text)}, Control: cmsg.AppendRights(nil, fds)}
	if text == "" {
		m.Buffers = nil
	}
	if _, err := s.Send(t.Context(), m); err != nil {
		t.Error(err)
	}
}

// openDescriptors is how many descriptors are open.
func openDescriptors(t testing.TB) int {
	t.Helper()
	names, err := filepath.Glob("/proc/thread-self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// wantNothingHeld checks that all that was taken of the room is given back.
func wantNothingHeld(t *testing.T, c *Conn) {
	t.Helper()
	if fds, places := c.in.room.descriptors.Load(), c.in.room.places.Load(); fds != 0 || places != 0 {
		t.Errorf("held: %d descriptors, %d places", fds, places)
	}
	if c.source.chunk != nil || c.source.partial != nil {
		t.Error("memory is held by the source")
	}
}
