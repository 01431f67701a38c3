package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
		m := fdio.Outgoing{Buffers: [][]byte{[]byte(fmt.Sprint(i))}}
		if i%5 == 0 {
			m.Control = cmsg.AppendRights(nil, []int{0, 0})
		}
		if i%7 == 0 {
			m.Buffers = nil
		}
		if _, err := sender.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// wantLines are the lines of what sendQueue sends.
func wantLines(t *testing.T, lines []byte, to int) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(lines))
	for i := range to {
		var line struct {
			Seq     int
			Message string
			FDs     []any
		}
		if err := decoder.Decode(&line); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		message, fds := fmt.Sprint(i), 0
		if i%7 == 0 {
			message = ""
		}
		if i%5 == 0 {
			fds = 2
		}
		if line.Seq != i+1 || line.Message != message || len(line.FDs) != fds {
			t.Errorf("line %d: %+v, want %q with %d descriptors", i, line, message, fds)
		}
	}
	if decoder.More() {
		t.Errorf("more than %d lines", to)
	}
}

// Messages that wait become lines in order, up to the last before the end, with
// nothing open after them.
func TestQueuedMessagesBecomeLines(t *testing.T) {
	const messages = 1 + 2 + 4 + 8 + 5*maxAhead
	var lines bytes.Buffer
	c, sender := receivePair(t, testFlags(), &lines)
	before := openDescriptors(t)
	sendQueue(t, sender, 0, messages)
	sender.Close()
	if err := c.serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.out.close(); err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines.Bytes(), messages)
	if after := openDescriptors(t); after != before-1 { // the sender's
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
	if c.ahead != maxAhead {
		t.Errorf("at last one call received %d messages at most, want %d", c.ahead, maxAhead)
	}
	wantNothingHeld(t, c)
}

func wantNothingHeld(t *testing.T, c *connection) {
	t.Helper()
	if c.framing != nil && (c.framing.paid != 0 || c.framing.chunk != nil) {
		t.Errorf("framing: %d frames are paid, chunk %v", c.framing.paid, c.framing.chunk)
	}
	if held, places := c.sharing.held.Load(), c.sharing.places.Load(); held != 0 || places != 0 || c.queue != nil {
		t.Errorf("held: %d descriptors, %d places, queue %v", held, places, c.queue)
	}
}

// With -n, what comes after the last message stays in the socket.
func TestNoMoreIsReceivedThanCounted(t *testing.T) {
	for _, count := range []int{1, 2, 3, 20, 39, 40} {
		flags := testFlags()
		flags.Count = Count{N: count, Given: true}
		var lines bytes.Buffer
		c, sender := receivePair(t, flags, &lines)
		sendQueue(t, sender, 0, 40)
		if err := c.serve(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.out.close(); err != nil {
			t.Fatal(err)
		}
		wantLines(t, lines.Bytes(), count)
		left := c.newScratch()
		err := c.socket.TryRecv(&left.msg, 0)
		if want := fmt.Sprint(count); count < 40 && (err != nil || string(left.msg.Data()) != want && count%7 != 0) || count == 40 && err != unix.EAGAIN {
			t.Errorf("-n %d: next is %q, %v", count, left.msg.Data(), err)
		}
		left.msg.Close()
		wantNothingHeld(t, c)
	}
}

// Where few descriptors may be open, messages are received one by one rather than
// that one of them loses its descriptors.
func TestFewDescriptorsMeanNoQueue(t *testing.T) {
	var lines bytes.Buffer
	c, sender := receivePair(t, testFlags(), &lines)
	c.sharing.most = 2*descriptorsEach - 1
	sendQueue(t, sender, 0, 20)
	sender.Close()
	if err := c.serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.ahead > 2 {
		t.Errorf("one call may receive %d messages", c.ahead)
	}
	if err := c.out.close(); err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines.Bytes(), 20)
	wantNothingHeld(t, c)
}

// When the output fails, what has been received is lost, counted, and closed.
func TestQueueIsLostWithTheOutput(t *testing.T) {
	c, sender := receivePair(t, testFlags(), io.Discard)
	before := openDescriptors(t)
	sendQueue(t, sender, 0, 100)
	for c.queue == nil || len(c.queue.waiting)-c.queue.next < 10 {
		sc, err := c.receive()
		if err != nil {
			t.Fatal(err)
		}
		c.release(sc)
	}
	waiting := len(c.queue.waiting) - c.queue.next
	c.out.fail(errStalled, 0)
	if err := c.serve(t.Context()); !errors.Is(err, errOutput) {
		t.Fatal(err)
	}
	if c.out.lost != waiting {
		t.Errorf("%d lines are lost, want %d", c.out.lost, waiting)
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
	wantNothingHeld(t, c)
}
