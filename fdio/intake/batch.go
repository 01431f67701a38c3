package intake

import (
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

const (
	// maxMessages is the most messages in a batch.
	maxMessages = 64
	// maxTogether is the most messages that one recvmmsg(2) receives.
	maxTogether = 16
	// maxDescriptors is the number of descriptors with which a batch ends.
	maxDescriptors = 64
	// smallMessage is the most bytes of data, and of control messages, of a message
	// after which another one is received into the same memory.
	smallMessage = 4 << 10
)

// Message is a received message. Its data and control messages are valid until the
// batch is released.
type Message struct {
	fdio.Incoming
	Received   time.Time
	Number     int64   // counted from 1 over all connections, in the order of receiving
	Sender     *Sender // messages of one sender that follow each other have the same one
	DroppedFDs int     // number of descriptors that were closed, with Drop
	Unfinished bool    // it is a frame of which the rest has not come

	one [1][]byte // memory of Buffers, if there is one
}

// Batch is one or more messages of one connection that were there together.
type Batch struct {
	Messages []*Message
	// Borrowed is true if the messages are valid only until Sink.Take returns.
	Borrowed bool
	// Incomplete is true where the only message has not come as a whole, and nothing
	// more of it will.
	Incomplete bool
	// Descriptors is the number of descriptors that came with the messages.
	Descriptors int

	in       *Intake
	last     bool       // nothing more was queued after the messages
	spare    bool       // enough descriptors are left for others while this batch has its own
	memory   []*Message // of Messages, from the beginning, and more
	arena    arena
	together fdio.Batch
	places   int // places taken from room
	held     int // descriptors counted in room
	fds      []int
}

// Shareable reports whether the sink may keep the batch while the next one is received.
func (b *Batch) Shareable() bool { return !b.Borrowed && b.spare }

// Release returns the batch to its Intake, and closes the descriptors that are still in
// the control messages of its messages.
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

// clear drops what m refers to.
func (m *Message) clear() {
	m.Buffers, m.Space, m.Control = nil, nil, nil
	m.one[0] = nil
	m.DroppedFDs, m.Unfinished, m.Sender = 0, false, nil
	m.TakePartial()
}

// newBatch returns an empty batch.
func (c *Conn) newBatch() *Batch {
	b := c.in.batches.Get().(*Batch)
	b.spare = true
	return b
}

// message returns the memory for the next message.
func (b *Batch) message() *Message { return b.at(len(b.Messages)) }

// at returns the memory of message i.
func (b *Batch) at(i int) *Message {
	for i >= len(b.memory) {
		b.memory = append(b.memory, new(Message))
	}
	return b.memory[i]
}

// add appends the next message to the batch.
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

// hold counts the descriptors of the batch in room, now that their number is known.
func (b *Batch) hold() {
	b.in.room.hold(b.Descriptors - b.held)
	b.held = b.Descriptors
}

// controlSize returns how many bytes of control messages a message needs.
func (c *Conn) controlSize() int { return c.socket.ControlSpace(c.in.opts.ControlSize) }

// descriptorsEach is the most descriptors that one message installs: those of SCM_RIGHTS,
// and a pidfd.
const descriptorsEach = cmsg.MaxDescriptors + 1

// drop closes the descriptors that were passed in a message, and removes the control
// messages in which they came.
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
