package intake

import (
	"errors"
	"fmt"
	"testing"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// sendQueue puts messages into the queue of the receiver's socket, some of them
// empty, some with descriptors.
func sendQueue(t *testing.T, sender *fdio.Socket, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		w := queued(i)
		send(t, sender, w.text, make([]int, w.fds)...)
	}
}

// queued is message i of sendQueue.
func queued(i int) got {
	w := got{text: fmt.Sprint(i)}
	if i%7 == 0 {
		w.text = ""
	}
	if i%5 == 0 {
		w.fds = 2
	}
	return w
}

func wantQueued(t *testing.T, sink *collector, count int) {
	t.Helper()
	if len(sink.all) != count {
		t.Fatalf("%d messages, want %d", len(sink.all), count)
	}
	for i, g := range sink.all {
		if g != queued(i) {
			t.Fatalf("message %d: %+v, want %+v", i, g, queued(i))
		}
	}
}

// Messages that wait come in order, up to the last before the end, many at a time,
// and leave nothing open.
func TestQueuedMessagesComeInOrder(t *testing.T) {
	const messages = 1000
	c, sink, sender := pair(t, testOptions())
	before := openDescriptors(t)
	done := make(chan error)
	go func() { done <- c.Serve() }()
	sendQueue(t, sender, 0, messages)
	sender.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantQueued(t, sink, messages)
	if c.Received() != messages || c.in.Received() != messages {
		t.Errorf("%d and %d messages are counted", c.Received(), c.in.Received())
	}
	if after := openDescriptors(t); after != before-1 { // the sender's
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
	wantNothingHeld(t, c)
}

func TestMessagesThatWaitComeTogether(t *testing.T) {
	c, sink, sender := pair(t, testOptions())
	sendQueue(t, sender, 0, 100)
	sender.Close()
	if err := c.Serve(); err != nil {
		t.Fatal(err)
	}
	wantQueued(t, sink, 100)
	if sink.batches > 20 {
		t.Errorf("100 messages came in %d batches", sink.batches)
	}
}

func TestOneByOneMeansBatchesOfOne(t *testing.T) {
	o := testOptions()
	o.OneByOne = true
	c, sink, sender := pair(t, o)
	sendQueue(t, sender, 0, 20)
	sender.Close()
	if err := c.Serve(); err != nil {
		t.Fatal(err)
	}
	wantQueued(t, sink, 20)
	if sink.batches != 20 {
		t.Errorf("20 messages came in %d batches", sink.batches)
	}
}

// With a count, what comes after the last message stays in the socket.
func TestNoMoreIsReceivedThanCounted(t *testing.T) {
	for _, count := range []int{1, 2, 3, 20, 39, 40} {
		o := testOptions()
		o.Count = count
		c, sink, sender := pair(t, o)
		sendQueue(t, sender, 0, 40)
		if err := c.Serve(); err != nil {
			t.Fatal(err)
		}
		wantQueued(t, sink, count)
		wantNothingHeld(t, c)
		b := c.newBatch()
		m := b.message()
		b.arena.place(m, o.Sizes, c.controlSize())
		err := c.socket.TryRecv(&m.Incoming, 0)
		if count == 40 && err != unix.EAGAIN || count < 40 && (err != nil || string(m.Data()) != queued(count).text) {
			t.Errorf("after %d: next is %q, %v", count, m.Data(), err)
		}
		m.Close()
	}
}

// Where few descriptors may be open, messages are received one by one rather than that
// one of them loses its descriptors.
func TestFewDescriptorsMeanOneByOne(t *testing.T) {
	c, sink, sender := pair(t, testOptions())
	c.in.room.most = 2*descriptorsEach - 1
	for range 20 {
		send(t, sender, "x", 0, 0)
	}
	sender.Close()
	if err := c.Serve(); err != nil {
		t.Fatal(err)
	}
	if len(sink.all) != 20 || c.source.most > maxMessages || sink.batches < 2 {
		t.Errorf("%d messages in %d batches", len(sink.all), sink.batches)
	}
	wantNothingHeld(t, c)
}

// However a message ends, none of its descriptors stays open.
func TestNoDescriptorStaysOpen(t *testing.T) {
	o := testOptions()
	o.ControlSize = cmsg.Space(4 * 10) // of the 20 that are sent
	c, sink, sender := pair(t, o)
	before := openDescriptors(t)
	for range 30 {
		send(t, sender, "x", make([]int, 20)...)
	}
	failed := errors.New("failed")
	sink.fail = func(received int) error {
		if received >= 10 {
			return failed
		}
		return nil
	}
	if err := c.Serve(); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	for _, g := range sink.all {
		if g.fds != 10 {
			t.Fatalf("a message has %d descriptors, want those that there was room for", g.fds)
		}
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
	wantNothingHeld(t, c)
}

func TestCountIsShared(t *testing.T) {
	reached := 0
	var b count
	b.init(2, func() { reached++ })
	for i, c := range []struct{ most, may, received int }{{3, 2, 0}, {1, 1, 1}, {3, 1, 0}, {2, 1, 1}, {1, 0, 0}} {
		if may := b.take(c.most); may != c.may {
			t.Errorf("try %d: %v, want %v", i, may, c.may)
		}
		b.settle(c.received)
	}
	if reached != 1 {
		t.Errorf("the end was told %d times", reached)
	}
}

// A refused message ends the receiving of a batch: if it did not, one flood of them would
// hold back what others have sent, and the end of the run.
func TestRefusedMessagesHoldNothingBack(t *testing.T) {
	o := testOptions()
	o.Rights, o.Sizes = Cut, []int{largePlace + 1} // received one by one
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[1])
	s, err := fdio.FromFD(p[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := New(t.Context(), o).Conn(s)
	for _, refused := range []bool{false, true, true, false} {
		var control []byte
		if refused {
			control = unix.UnixRights(0)
		}
		if err := unix.Sendmsg(p[1], []byte("x"), control, nil, 0); err != nil {
			t.Fatal(err)
		}
		b, err := c.source.next()
		if err != nil || (b == nil) != refused {
			t.Errorf("refused %v: %v, %v", refused, b, err)
		}
		if b != nil {
			b.Release()
		}
	}
	for _, control := range [][]byte{nil, unix.UnixRights(0), unix.UnixRights(0), nil} {
		if err := unix.Sendmsg(p[1], []byte("x"), control, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	c.source.most = maxMessages
	for _, messages := range []int{1, 0, 1} {
		b, err := c.source.next()
		if b == nil && messages > 0 || b != nil && len(b.Messages) != messages || err != nil {
			t.Fatalf("%+v, %v, want %d messages", b, err, messages)
		}
		if b != nil {
			b.Release()
		}
	}
}

// What an idle connection is not given the time to receive is told.
func TestUnreadIsToldAfterAnyEnd(t *testing.T) {
	o := testOptions()
	o.Drain, o.Sizes = 0, []int{10, 10}
	c, _, sender := pair(t, o)
	for range 3 {
		send(t, sender, "12345")
	}
	_, err := c.drain()
	if left, ok := errors.AsType[*UnreadError](err); !ok || left.Bytes != 10 {
		t.Error(err)
	}
}
