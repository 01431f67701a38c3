package lines

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/intake"

	"golang.org/x/sys/unix"
)

// pair is a connection, the messages of which become lines that go to w, and a socket
// to send on.
func pair(t testing.TB, w io.Writer) (*intake.Conn, *Maker, *fdio.Socket) {
	t.Helper()
	return pairOf(t, w, func(s intake.Sink) intake.Sink { return s })
}

// pairOf is pair with a sink made of that which makes lines.
func pairOf(t testing.TB, w io.Writer, sink func(intake.Sink) intake.Sink) (*intake.Conn, *Maker, *fdio.Socket) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a := fdio.Address{Network: fdio.UnixSeqpacket, Name: fmt.Sprintf("\x00fdmsg-test-%d-%s", os.Getpid(), t.Name())}
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
	mk := NewMaker()
	mk.Out, mk.Inspector, mk.End = New(w, func() {}), descriptor.NewInspector(), ctx
	mk.Content = Content{Limit: 1 << 20, Total: 16 << 20, Later: true}
	in := intake.New(ctx, intake.Options{
		Sizes: []int{256 << 10}, ControlSize: 16 << 10, Drain: -1,
		NewSink: func(c *intake.Conn) intake.Sink { return sink(mk.Sink(c)) },
	})
	t.Cleanup(func() { sender.Close(); receiver.Close(); mk.Out.Close(); mk.Inspector.Release(); cancel() })
	return in.Conn(receiver), mk, sender
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

// Messages become lines in their order, whoever makes the lines, with what is in their
// descriptors, and leave nothing open.
func TestMessagesBecomeLinesInOrder(t *testing.T) {
	const messages = 500
	var out bytes.Buffer
	c, mk, sender := pair(t, &out)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	before := openDescriptors(t)
	var sending sync.WaitGroup
	sending.Go(func() {
		for i := range messages {
			m := fdio.Outgoing{Buffers: [][]byte{fmt.Appendf(nil, "message %d", i)}}
			if i%100 == 7 { // a large line
				m.Buffers = append(m.Buffers, make([]byte, 200_000))
			}
			for range i % 20 {
				m.Control = cmsg.AppendRights(m.Control, []int{int(file.Fd())})
			}
			if _, err := sender.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
		}
		sender.Close()
	})
	if err := c.Serve(); err != nil {
		t.Fatal(err)
	}
	sending.Wait()
	if err := mk.Out.Close(); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(&out)
	for i := range messages {
		var line struct {
			Seq     int
			Message string
			FDs     []struct{ Content string }
		}
		if err := decoder.Decode(&line); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		want := fmt.Sprintf("message %d", i)
		if i%100 == 7 {
			want += string(make([]byte, 200_000))
		}
		if line.Seq != i+1 || line.Message != want || len(line.FDs) != i%20 {
			t.Fatalf("line %d: seq %d, %.20q, %d descriptors", i, line.Seq, line.Message, len(line.FDs))
		}
		for _, d := range line.FDs {
			if d.Content != "content" {
				t.Fatalf("line %d: content %q", i, d.Content)
			}
		}
	}
	if after := openDescriptors(t); after != before-1 { // the sender's
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
}

// Where lines can no longer be written, every message that was received is counted as
// lost, and its descriptors are closed.
func TestMessagesAreCountedAsLostWithTheOutput(t *testing.T) {
	for _, fds := range []int{0, 1, 16} {
		c, mk, sender := pair(t, &failingWriter{5000})
		before := openDescriptors(t)
		for range 60 {
			m := fdio.Outgoing{Buffers: [][]byte{make([]byte, 300)}, Control: cmsg.AppendRights(nil, make([]int, fds))}
			if _, err := sender.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		sender.Close()
		if err := c.Serve(); err != nil && !errors.Is(err, ErrFailed) {
			t.Fatal(err)
		}
		lost, ok := errors.AsType[*LostError](mk.Out.Close())
		if !ok || !errors.Is(lost, unix.ENOSPC) || lost.Lines < c.Received()-20 || lost.Lines > c.Received() {
			t.Errorf("%d descriptors each: %v, of %d messages", fds, lost, c.Received())
		}
		if after := openDescriptors(t); after != before-1 { // the sender's
			t.Errorf("%d descriptors are open, %d before", after, before)
		}
	}
}

// A line does not wait for the line of a message behind it that takes long to make.
func TestLineDoesNotWaitForSlowContents(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	c, mk, sender := pair(t, w)
	mk.Content.Which = descriptor.All
	before := openDescriptors(t)
	var ends []*os.File // of the pipes, which are read until they are closed
	for i := range 3 {
		content, end, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
		m := fdio.Outgoing{Buffers: [][]byte{fmt.Append(nil, i)}, Control: cmsg.AppendRights(nil, []int{int(content.Fd())})}
		if _, err := sender.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		content.Close()
	}
	sender.Close()
	served := make(chan error)
	go func() { served <- c.Serve() }()
	lines := bufio.NewScanner(r)
	for i, end := range ends {
		end.Close()
		if !lines.Scan() {
			t.Fatalf("no line %d: %v", i, lines.Err())
		}
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if after := openDescriptors(t); after != before-1 { // the sender's
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
}

// What was read of descriptors is in memory no longer than until its line is written, even
// if many messages come at once.
func TestContentsAreForgottenWithTheirLine(t *testing.T) {
	const size = 100 << 10
	c, mk, sender := pair(t, io.Discard)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for range 30 {
		m := fdio.Outgoing{Buffers: [][]byte{{'x'}}, Control: cmsg.AppendRights(nil, []int{int(file.Fd())})}
		if _, err := sender.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	sender.Close()
	var works []*work
	mk.works.New = func() any {
		works = append(works, &work{})
		return works[len(works)-1]
	}
	if err := c.Serve(); err != nil {
		t.Fatal(err)
	}
	most := 0
	for _, w := range works {
		most = max(most, cap(w.contents)) // 0 if it was too much to keep
	}
	if most < size || most > 2*maxKept+size {
		t.Errorf("%d bytes of contents were held", most)
	}
}

// refill is a sink that has more messages sent when all have been taken. That is not
// counted.
type refill struct {
	intake.Sink
	b           *testing.B
	sender      *fdio.Socket
	message     fdio.Outgoing
	sent, taken int
}

func (r *refill) Take(b *intake.Batch) error {
	r.taken += len(b.Messages)
	err := r.Sink.Take(b)
	if r.taken == r.sent {
		r.send()
	}
	return err
}

func (r *refill) send() {
	const queue = 50 // messages that there is room for
	r.b.StopTimer()
	defer r.b.StartTimer()
	for range min(queue, r.b.N-r.sent) {
		if _, err := r.sender.Send(r.b.Context(), r.message); err != nil {
			r.b.Error(err)
		}
		r.sent++
	}
	if r.sent == r.b.N {
		r.sender.Close()
	}
}

// BenchmarkReceiveToLine is the whole way of a message from the socket on.
func BenchmarkReceiveToLine(b *testing.B) {
	path := filepath.Join(b.TempDir(), "temps")
	if err := os.WriteFile(path, make([]byte, 110), 0o600); err != nil {
		b.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	for _, count := range []int{0, 1, 16} {
		b.Run(fmt.Sprintf("descriptors=%d", count), func(b *testing.B) {
			r := &refill{b: b}
			c, _, sender := pairOf(b, io.Discard, func(s intake.Sink) intake.Sink {
				r.Sink = s
				return r
			})
			fds := make([]int, count)
			for i := range fds {
				fds[i] = int(file.Fd())
			}
			r.sender = sender
			r.message = fdio.Outgoing{Buffers: [][]byte{make([]byte, 64)}, Control: cmsg.AppendRights(nil, fds)}
			b.ReportAllocs()
			b.ResetTimer()
			r.send()
			if err := c.Serve(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
