package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

func testFlags() *IncomingFlags {
	return &IncomingFlags{
		Size: 256 << 10, ControlSize: 16 << 10, MaxFrame: 16 << 20, frame: frame.Chunk,
		ContentFlags: ContentFlags{Content: Which(descriptor.Files), ContentLimit: 1 << 20, ContentTotal: 16 << 20},
	}
}

// receivePair is a connection that lines are made of, and a socket to send on: a
// stream where it is split into frames.
func receivePair(t testing.TB, flags *IncomingFlags, w io.Writer) (*connection, *fdio.Socket) {
	t.Helper()
	ctx := context.Background()
	a := fdio.Address{Network: fdio.UnixSeqpacket, Name: fmt.Sprintf("\x00fdmsg-test-%d-%s", os.Getpid(), t.Name())}
	if flags.frame != frame.Chunk {
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
	out := newOutput(w, ignoreFailure)
	r := newReceiver(ctx, descriptor.NewInspector(), flags, out, func(error) {})
	t.Cleanup(func() { sender.Close(); receiver.Close(); out.close(); r.inspect.Release() })
	c := r.connection(receiver, receiver.Local().String())
	c.number = 1
	return c, sender
}

// However a message ends, none of its descriptors stays open.
func TestNoDescriptorStaysOpen(t *testing.T) {
	flags := testFlags()
	flags.ControlSize = Size(cmsg.Space(4 * 10)) // of the 20 that are sent
	c, sender := receivePair(t, flags, io.Discard)
	fds := make([]int, 20)
	for i := range fds {
		fds[i] = 0
	}
	before := openDescriptors(t)
	for i := range 3 {
		if i == 2 {
			c.out.fail(errStalled, 0) // the line is lost
		}
		if _, err := sender.Send(t.Context(), fdio.Outgoing{Buffers: [][]byte{{'x'}}, Control: cmsg.AppendRights(nil, fds)}); err != nil {
			t.Fatal(err)
		}
		sc, err := c.receive()
		if err != nil {
			t.Fatal(err)
		}
		if sc.msg.Flags&unix.MSG_CTRUNC == 0 || len(sc.msg.Rights(nil)) != 10 {
			t.Errorf("flags %#x, %d descriptors; want MSG_CTRUNC and 10", sc.msg.Flags, len(sc.msg.Rights(nil)))
		}
		if err := c.print(sc); (err != nil) != (i == 2) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
}

func openDescriptors(t testing.TB) int {
	t.Helper()
	// Not /proc/self, the first thread, which may have had a table of its own when it
	// ended: TestRenumberAnyPermutation.
	names, err := filepath.Glob("/proc/thread-self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func TestBudgetIsShared(t *testing.T) {
	spent := 0
	b := budget{limited: true, left: 2, spent: func() { spent++ }}
	for i, c := range []struct{ most, may, received int }{{3, 2, 0}, {1, 1, 1}, {3, 1, 0}, {2, 1, 1}, {1, 0, 0}} {
		if may := b.take(c.most); may != c.may {
			t.Errorf("try %d: %v, want %v", i, may, c.may)
		}
		b.settle(c.received)
	}
	if spent != 1 {
		t.Errorf("the end was told %d times", spent)
	}
}

// BenchmarkReceiveToLine is the whole way of a message from the socket on. Its
// sending is not counted.
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
			c, sender := receivePair(b, testFlags(), io.Discard)
			fds := make([]int, count)
			for i := range fds {
				fds[i] = int(file.Fd())
			}
			m := fdio.Outgoing{Buffers: [][]byte{make([]byte, 64)}, Control: cmsg.AppendRights(nil, fds)}
			sent, counted := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				if counted == sent {
					b.StopTimer()
					for range 50 {
						if _, err := sender.Send(b.Context(), m); err != nil {
							b.Fatal(err)
						}
						sent++
					}
					b.StartTimer()
				}
				if counted == c.got {
					sc, err := c.receive()
					if err != nil {
						b.Fatal(err)
					}
					if err := c.printBurst(sc); err != nil {
						b.Fatal(err)
					}
				}
				counted++
			}
			c.settle()
		})
	}
}
