package intake

import (
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// source receives the messages of one socket. It never waits.
type source struct {
	conn    *Conn
	most    int              // the most messages of the next batch
	partial *Batch           // batch of a message of which MSG_WAITALL has received a part, or nil
	frames  *frame.Assembler // nil if a message is what recvmsg(2) returns
	chunk   *chunk           // memory of the current frames, or nil
}

// next receives the messages that are there. It returns a batch, an error, or both if the
// error came after the messages. The error is EAGAIN if nothing is there, io.EOF at the
// end of the stream, ErrCounted if no more messages are wanted, or one of the socket. If
// all messages have been refused, it returns neither.
func (s *source) next() (*Batch, error) {
	if s.frames != nil {
		return s.nextFrames(true)
	}
	if n := s.together(); n > 1 {
		return s.nextTogether(n)
	}
	return s.nextEach()
}

// together returns how many messages one call is to receive. If they are more than one,
// it has reserved room for them: they need memory of their own and, on Unix sockets, as
// many free descriptors as may come with them.
func (s *source) together() int {
	o := &s.conn.in.opts
	n := min(s.most, maxTogether)
	if n < 2 || o.OneByOne || o.Rights.refuses() || o.Flags != 0 || len(o.Sizes) > 1 || o.Sizes[0] > largePlace || !s.conn.socket.Batches() {
		return 1
	}
	if !s.conn.in.room.take(n, s.descriptorsOf(n)) {
		return 1
	}
	return n
}

// descriptorsOf returns the most descriptors that can come with a number of messages.
func (s *source) descriptorsOf(messages int) int {
	if !s.conn.socket.IsUnix() {
		return 0
	}
	return messages * descriptorsEach
}

// least returns the most messages of a batch after a pause. A call that may receive two
// messages shows whether there is more than one.
func (s *source) least() int {
	if s.conn.socket.Batches() {
		return 2
	}
	return 1
}

// nextTogether receives up to n messages with one call.
func (s *source) nextTogether(n int) (*Batch, error) {
	c := s.conn
	b := c.newBatch()
	b.places = n
	data, control := c.in.opts.Sizes[0], c.controlSize()
	b.arena.grow(n, data, control)
	for i := range n {
		m := b.at(i)
		m.into(c.in.opts.Sizes, b.arena.data[i*data:], b.arena.control[i*control:(i+1)*control])
		b.together.Messages = append(b.together.Messages, &m.Incoming)
	}
	allowed := c.in.count.take(n)
	received, err := 0, error(ErrCounted)
	if allowed > 0 {
		b.together.Messages = b.together.Messages[:allowed]
		received, err = c.socket.TryRecvBatch(&b.together)
	}
	now := time.Now()
	for i := range received {
		m := b.at(i)
		if err != nil {
			m.Close() // it came after one that ended the connection
			continue
		}
		var taken bool
		if taken, err = c.admit(m); taken {
			b.stamp(m, now)
		}
	}
	c.in.count.settle(len(b.Messages))
	c.in.room.give(0, s.descriptorsOf(n))
	b.hold()
	b.last = received < allowed
	if received == n {
		s.most = min(2*s.most, maxMessages)
	} else {
		s.most = max(received, 2)
	}
	return b.orNone(err)
}

// nextEach receives messages one by one.
func (s *source) nextEach() (*Batch, error) {
	c := s.conn
	b := s.partial
	if s.partial = nil; b == nil {
		b = c.newBatch()
	}
	for more := true; more; {
		m := b.message()
		if !m.Partial() {
			b.arena.place(m, c.in.opts.Sizes, c.controlSize())
		}
		taken, err := s.receive(m)
		switch {
		case err != nil && m.Partial():
			s.partial = b
			return nil, err
		case err == unix.EAGAIN && len(b.Messages) > 0:
			b.last = true
			return b, nil
		case err != nil:
			return b.orNone(err)
		case !taken:
			more = false // others may be refused for ever
		default:
			b.stamp(m, time.Now())
			b.arena.keep(m, c.controlSize()-c.in.opts.ControlSize)
			more = s.goesOn(b, m)
		}
	}
	s.most = min(2*s.most, maxMessages)
	return b.orNone(nil)
}

// receive receives one message, if another one is wanted over all connections, and
// reports whether it is taken.
func (s *source) receive(m *Message) (taken bool, err error) {
	c := s.conn
	allowed := c.in.count.take(1)
	received := 0
	defer func() { c.in.count.settle(received) }()
	if allowed == 0 {
		return false, ErrCounted
	}
	if err := c.socket.TryRecv(&m.Incoming, c.in.opts.Flags); err != nil {
		return false, err
	}
	if taken, err = c.admit(m); taken {
		received = 1
	}
	return taken, err
}

// goesOn reports whether another message may be received into the batch after m. On a
// stream, plain bytes that were queued are all in m, but messages with descriptors come
// one by one.
func (s *source) goesOn(b *Batch, m *Message) bool {
	o := &s.conn.in.opts
	came := b.Descriptors - b.held
	b.spare = s.conn.in.room.take(0, came)
	if b.spare {
		b.held = b.Descriptors
	}
	switch {
	case !b.spare, len(b.Messages) >= s.most, b.Descriptors >= maxDescriptors:
		return false
	case o.OneByOne, o.Flags != 0, len(o.Sizes) > 1:
		return false
	case m.N > smallMessage, len(m.Control) > smallMessage:
		return false
	}
	return came > 0 || !s.conn.socket.IsStream()
}

// stamp sets the time and number of m and adds it to the batch.
func (b *Batch) stamp(m *Message, received time.Time) {
	m.Received, m.Number = received, b.in.received.Add(1)
	b.add(m)
}

// orNone returns b and err, or err alone if b has no messages.
func (b *Batch) orNone(err error) (*Batch, error) {
	if len(b.Messages) > 0 {
		return b, err
	}
	b.Release()
	return nil, err
}

// rest returns what has come of an incomplete message when no more is received, or nil if
// there is none. atEnd says that the stream has ended, which completes some frames. The
// error is one of next.
func (s *source) rest(atEnd bool) (*Batch, error) {
	if s.frames != nil {
		return s.restOfFrame(atEnd)
	}
	b := s.partial
	if s.partial = nil; b == nil {
		return nil, nil
	}
	b.Incomplete = true
	m := b.message()
	m.TakePartial()
	m.Sender = s.conn.senderOf(m)
	b.stamp(m, time.Now())
	return b, nil
}

// close closes the descriptors of an incomplete message.
func (s *source) close() {
	if s.partial != nil {
		m := s.partial.message()
		m.Close()
		m.clear()
		s.partial.Release()
		s.partial = nil
	}
	if s.frames != nil {
		held := fdio.Incoming{Control: s.frames.Abandon()}
		held.Close()
		s.dropChunk()
	}
}
