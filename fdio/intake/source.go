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
	most    int              // how many messages the next batch may have
	partial *Batch           // whose only message MSG_WAITALL has got a part of; nil: none
	frames  *frame.Assembler // nil: a message is what recvmsg(2) returns
	chunk   *chunk           // that frames lie in; nil: none is needed now
}

// next receives the messages that are there: a batch, or an error, or both where the
// error came behind the messages. The error is EAGAIN where nothing is there, io.EOF
// at the end, ErrCounted where no more are wanted, or that of receiving. Neither is
// returned where all messages that were there have been refused.
func (s *source) next() (*Batch, error) {
	if s.frames != nil {
		return s.nextFrames(true)
	}
	if n := s.together(); n > 1 {
		return s.nextTogether(n)
	}
	return s.nextEach()
}

// together returns how many messages one call is to receive, for which it then has
// taken room. More than one need memory of their own, and on Unix sockets all the
// descriptors that might come must be left.
func (s *source) together() int {
	o := &s.conn.in.opts
	n := min(s.most, maxTogether)
	if n < 2 || o.OneByOne || o.Flags != 0 || len(o.Sizes) > 1 || o.Sizes[0] > largePlace || !s.conn.socket.Batches() {
		return 1
	}
	if !s.conn.in.room.take(n, s.descriptorsOf(n)) {
		return 1
	}
	return n
}

// descriptorsOf is how many descriptors may come with so many messages.
func (s *source) descriptorsOf(messages int) int {
	if !s.conn.socket.IsUnix() {
		return 0
	}
	return messages * descriptorsEach
}

// least is how many messages a batch may have that nothing is known of yet. One call
// that may receive two says whether there was more than one.
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
			m.Close() // behind one that ended the connection
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
		case err == unix.EAGAIN && m.Partial():
			s.partial = b
			return nil, err
		case err == unix.EAGAIN && len(b.Messages) > 0:
			b.last = true
			return b, nil
		case err != nil:
			return b.orNone(err)
		case taken:
			b.stamp(m, time.Now())
			b.arena.keep(m, c.controlSize()-c.in.opts.ControlSize)
			more = s.goesOn(b, m)
		}
	}
	s.most = min(2*s.most, maxMessages)
	return b, nil
}

// receive receives one message, if another one is wanted over all connections, and reports whether it is taken.
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

// goesOn reports whether another message may be received into the batch behind m.
// The plain bytes that a stream has had are all in m; what came with descriptors
// comes one by one.
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

// stamp takes m into the batch as the next message.
func (b *Batch) stamp(m *Message, received time.Time) {
	m.Received, m.Number = received, b.in.received.Add(1)
	b.add(m)
}

// orNone returns b with err, or without messages err alone.
func (b *Batch) orNone(err error) (*Batch, error) {
	if len(b.Messages) > 0 {
		return b, err
	}
	b.Release()
	return nil, err
}

// rest is what has come of a message that is not complete, now that no more is
// received; nil: nothing. atEnd says that the stream has ended, which makes some
// frames whole.
func (s *source) rest(atEnd bool) (b *Batch, whole bool) {
	if s.frames != nil {
		return s.restOfFrame(atEnd)
	}
	b = s.partial
	if s.partial = nil; b == nil {
		return nil, false
	}
	m := b.message()
	m.TakePartial()
	m.Sender = s.conn.senderOf(m)
	b.stamp(m, time.Now())
	return b, false
}

// held is how many bytes have come of a message that is not complete.
func (s *source) held() int {
	switch {
	case s.frames != nil:
		return s.frames.Buffered()
	case s.partial != nil:
		return s.partial.message().N
	}
	return 0
}

// close closes the descriptors that came with what has become no message.
func (s *source) close() {
	if s.partial != nil {
		s.partial.message().Close()
		s.partial.Release()
		s.partial = nil
	}
	if s.frames != nil {
		held := fdio.Incoming{Control: s.frames.Abandon()}
		held.Close()
		s.dropChunk()
	}
}
