package fdio

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

func newBatch(n int) *Batch {
	b := new(Batch)
	for range n {
		b.Messages = append(b.Messages, newIncoming(100, 1000))
	}
	return b
}

// markedPair are connected seqpacket sockets, of which the first has received
// before: that decides whether its end shows.
func markedPair(t *testing.T) (receiver, sender *Socket) {
	t.Helper()
	receiver, sender = connectedPair(t, abstractName(t, UnixSeqpacket))
	if err := receiver.TryRecv(newIncoming(1, 1000), 0); err != unix.EAGAIN {
		t.Fatal(err)
	}
	if !receiver.Batches() {
		t.Fatal("no batches")
	}
	return receiver, sender
}

func TestBatchBringsWhatIsThereInOrder(t *testing.T) {
	noLeak(t)
	receiver, sender := markedPair(t)
	b := newBatch(4)
	if n, err := receiver.TryRecvBatch(b); n != 0 || err != unix.EAGAIN {
		t.Fatal(n, err)
	}
	for i := range 6 {
		m := text(fmt.Sprint("message ", i))
		switch i {
		case 1:
			m.Control = cmsg.AppendRights(nil, []int{0, 0})
		case 2:
			m.Buffers = nil
		}
		mustSend(t, sender, m)
	}
	sender.Close()
	var got []string
	for {
		n, err := receiver.TryRecvBatch(b)
		if err == io.EOF && n == 0 {
			break
		}
		if err != nil {
			t.Fatal(n, err)
		}
		for _, m := range b.Messages[:n] {
			got = append(got, fmt.Sprintf("%s/%d", m.Data(), len(m.Rights(nil))))
			m.Close()
		}
		got = append(got, "-")
	}
	want := "[message 0/0 message 1/2 /0 message 3/0 - message 4/0 message 5/0 -]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// An error of the socket comes before the messages that are queued, once.
func TestBatchAfterAnErrorBringsWhatIsQueued(t *testing.T) {
	receiver, sender := markedPair(t)
	mustSend(t, receiver, text("never read"))
	mustSend(t, sender, text("one"))
	mustSend(t, sender, text("two"))
	sender.Close() // without having read everything: ECONNRESET
	b := newBatch(4)
	n, err := receiver.TryRecvBatch(b)
	if n != 0 || !errors.Is(err, unix.ECONNRESET) {
		t.Fatalf("%d messages, %v", n, err)
	}
	var got []string
	for err = nil; err == nil; {
		n, err = receiver.TryRecvBatch(b)
		for _, m := range b.Messages[:n] {
			got = append(got, string(m.Data()))
		}
	}
	if err != io.EOF || fmt.Sprint(got) != "[one two]" {
		t.Errorf("%v, then %v", got, err)
	}
}

func TestBatchOfDatagramsNamesTheirSenders(t *testing.T) {
	a := Address{Network: UDP, Host: "127.0.0.1", Port: "0"}
	receiver := mustListen(t, a)
	first, second := mustDial(t, receiver.Local()), mustDial(t, receiver.Local())
	var want []Address
	for i, s := range []*Socket{first, second, second, first} {
		mustSend(t, s, text(fmt.Sprint(i)))
		want = append(want, s.Local())
	}
	b := newBatch(8)
	var got []Address
	for len(got) < len(want) {
		awaitInput(t, receiver, 1)
		n, err := receiver.TryRecvBatch(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range b.Messages[:n] {
			got = append(got, m.From)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
