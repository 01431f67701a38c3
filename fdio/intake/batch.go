package intake

import (
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

const (
	// maxMessages is how many messages a batch has at most.
	maxMessages = 64
	// maxTogether is how many of them one recvmmsg(2) receives at most.
	maxTogether = 16
	// maxDescriptors is how many descriptors a batch collects before it ends.
	maxDescriptors = 64
	// smallMessage is how many bytes of data, and of control messages, a message
	// has at most behind which another one is received into the same memory.
	smallMessage = 4 << 10
)

// Message is a received message. Its data and control messages are good until the
// batch is released.
type Message struct {
	fdio.Incoming
	Received   time.Time
	Number     int64 // in the order of receiving, over all connections, from 1
	Sender     Sender
	DroppedFDs int  // how many descriptors were closed, with Drop
	Unfinished bool // not all of it has come, and nothing more will

	one [1][]byte // memory of Buffers
}

// Batch are messages of one connection that were there together: one at least.
type Batch struct {
	Conn     *Conn
	Messages []*Message
	// Borrowed is true where the messages are good only until Sink.Take returns.
	Borrowed bool
	// Descriptors is how many descriptors came with the messages.
	Descriptors int

	in       *Intake
	last     bool       // nothing more was there behind the messages
	spare    bool       // descriptors are left for others while this batch has its own
	memory   []*Message // of Messages; the first len(Messages) are in use
	arena    arena
	together fdio.Batch
	places   int // taken of room
	held     int // descriptors that are counted in room
	fds      []int
}

// Shareable reports whether the batch may be kept while the next one is received.
func (b *Batch) Shareable() bool { return !b.Borrowed && b.spare }

// Release gives the batch back, and closes the descriptors that are still in the
// control messages of its messages.
func (b *Batch) Release() {
	for _, m := range b.Messages {
		m.Close()
		m.clear()
	}
	b.in.room.give(b.places, b.held)
	clear(b.together.Messages)
	*b = Batch{
		in: b.in, Messages: b.Messages[:0], memory: b.memory, together: b.together, fds: b.fds,
		arena: arena{data: b.arena.data, control: b.arena.control},
	}
	b.together.Messages = b.together.Messages[:0]
	b.in.batches.Put(b)
}

// clear makes m hold nothing.
func (m *Message) clear() {
	m.Buffers, m.Space, m.Control = nil, nil, nil
	m.one[0] = nil
	m.DroppedFDs, m.Unfinished, m.Sender = 0, false, Sender{}
}

// newBatch is an empty batch.
func (c *Conn) newBatch() *Batch {
	b := c.in.batches.Get().(*Batch)
	b.Conn, b.spare = c, true
	return b
}

// message is the memory of the next message.
func (b *Batch) message() *Message { return b.at(len(b.Messages)) }

// at is the memory of message i.
func (b *Batch) at(i int) *Message {
	for i >= len(b.memory) {
		b.memory = append(b.memory, new(Message))
	}
	return b.memory[i]
}

// add takes the next message into the batch.
func (b *Batch) add(m *Message) {
	b.Messages = append(b.Messages, m)
	b.Descriptors += b.countDescriptors(m)
}

func (b *Batch) countDescriptors(m *Message) int {
	if len(m.Control) == 0 {
		return 0
	}
	b.fds = m.Descriptors(b.fds[:0])
	return len(b.fds)
}

// hold counts the descriptors of the batch as held, now that they are known.
func (b *Batch) hold() {
	b.in.room.hold(b.Descriptors - b.held)
	b.held = b.Descriptors
}

// controlSize is how many bytes for control messages a message needs.
func (c *Conn) controlSize() int { return c.socket.ControlSpace(c.in.opts.ControlSize) }

// descriptorsEach is how many descriptors a message installs at most: those of
// SCM_RIGHTS, and a pidfd.
const descriptorsEach = cmsg.MaxDescriptors + 1

// drop closes the descriptors of a message that were passed, and takes the control
// messages that they came in out of it.
func (m *Message) drop() {
	kept := m.Control[:0:0]
	for c := range cmsg.Messages(m.Control) {
		fds := c.Rights(nil)
		for _, fd := range fds {
			unix.Close(fd)
		}
		m.DroppedFDs += len(fds)
		if len(fds) == 0 {
			kept = cmsg.Append(kept, c)
		}
	}
	m.Control = kept
}
