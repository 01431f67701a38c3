package lines

import (
	"fdmsg/fdio/intake"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// To describe and read a descriptor costs several times more than to receive it. So
// where messages with descriptors come faster than they become lines, a helper makes
// the lines of one batch while the next one is received and made into lines. Lines
// are written in the order of the messages: whoever makes them waits for the turn.

// minShared is how many descriptors in a batch are worth waking a helper for.
const minShared = 32

// maxKept is how many bytes of lines are kept until it is their turn.
const maxKept = 256 << 10

// Sink writes the line of each message of one connection.
type Sink struct {
	*Maker
	conn   *intake.Conn
	origin *origin // of the last message; nil: there was none
	before *turn   // the lines that come first; nil: they are written
}

// turn are lines that a helper makes.
type turn struct {
	written chan struct{} // closed when they are, with err
	err     error
}

// wait waits until the lines are written. A nil turn has none.
func (t *turn) wait() error {
	if t == nil {
		return nil
	}
	<-t.written
	return t.err
}

// origin is where messages came from, and how that reads in a line.
type origin struct {
	sender intake.Sender
	text   []byte
}

// Sink makes the sink of a connection.
func (mk *Maker) Sink(c *intake.Conn) *Sink { return &Sink{Maker: mk, conn: c} }

// Take makes the lines of a batch, or has a helper make them. The error is ErrFailed.
func (s *Sink) Take(b *intake.Batch) error {
	before := s.before
	s.before = nil
	if b.Descriptors < minShared || !b.Shareable() || s.Out == nil || s.Content.Directory != nil || s.Flags != 0 {
		return s.make(b, before)
	}
	select {
	case s.helpers <- struct{}{}:
	default:
		return s.make(b, before)
	}
	s.before = &turn{written: make(chan struct{})}
	helper := *s // with the origin as it is now
	go func(t *turn) {
		t.err = helper.make(b, before)
		<-helper.helpers
		close(t.written)
	}(s.before)
	return nil
}

// Flush waits until all lines are written, or are visible to the reader as soon as it
// takes what is before them.
func (s *Sink) Flush() error {
	err := s.before.wait()
	s.before = nil
	if s.Out != nil {
		s.Out.Flush()
	}
	return err
}

// make makes the lines of a batch, and writes them after those before. A large line is
// made only in its turn: who waits for another's turn holds up nobody.
func (s *Sink) make(b *intake.Batch, before *turn) error {
	defer b.Release()
	w := s.newWork()
	defer s.release(w)
	if done, err := s.makeNone(b, w, before); done {
		return err
	}
	defer s.closeDescriptors(w)
	for i, m := range b.Messages {
		l := s.look(w, m)
		err := s.makeOne(w, m, l, &before)
		m.Control = nil // w closes what was in it
		if err != nil {
			s.Out.Lose(len(b.Messages) - i - 1)
			return err
		}
	}
	return s.writeBlock(w, &before)
}

// makeOne makes the line of a message, and writes those that have been made if they
// are many.
func (s *Sink) makeOne(w *work, m *intake.Message, l looked, before **turn) error {
	if l.isLarge(m) {
		return s.writeLarge(w, m, l, before)
	}
	r := s.record(m, l)
	w.block.Message(&r)
	if w.block.Len() > maxKept {
		return s.writeBlock(w, before)
	}
	return nil
}

// makeNone handles a batch of which no lines are made: there are to be none, or they
// cannot be written any more.
func (s *Sink) makeNone(b *intake.Batch, w *work, before *turn) (done bool, err error) {
	switch {
	case s.Out != nil && s.Out.Broken():
		before.wait()
		s.Out.Lose(len(b.Messages))
		return true, ErrFailed
	case s.Out != nil:
		return false, nil
	}
	if s.Content.Directory != nil {
		defer s.closeDescriptors(w)
		for _, m := range b.Messages {
			s.look(w, m)
			m.Control = nil // w closes what was in it
		}
	}
	return true, nil
}

// writeBlock gives the lines that have been made to the Writer, in their turn.
func (s *Sink) writeBlock(w *work, before **turn) error {
	if err := (*before).wait(); err != nil {
		s.Out.Lose(len(w.block.ends))
		return err
	}
	*before = nil
	if len(w.block.ends) == 0 {
		return nil
	}
	_, err := s.Out.Append(record.TypeMessage, &w.block)
	w.block.text, w.block.ends = w.block.text[:0], w.block.ends[:0]
	if err != nil {
		return ErrFailed
	}
	return nil
}

// writeLarge makes a large line and writes it, after those that have been made.
func (s *Sink) writeLarge(w *work, m *intake.Message, l looked, before **turn) error {
	if err := s.writeBlock(w, before); err != nil {
		s.Out.Lose(1)
		return err
	}
	s.large <- struct{}{}
	defer func() { <-s.large }()
	r := s.record(m, l)
	w.line.Message(&r)
	defer w.line.Reset()
	if _, err := s.Out.AppendLine(record.TypeMessage, &w.line); err != nil {
		return ErrFailed
	}
	return nil
}

// record is what the line of a message says.
func (s *Sink) record(m *intake.Message, l looked) record.Message {
	r := record.Message{
		Time:        m.Received,
		Origin:      s.originOf(m),
		Data:        m.Data(),
		Flags:       m.Flags,
		Control:     m.Control,
		Descriptors: l.descriptors,
		DroppedFDs:  m.DroppedFDs,
		Unfinished:  m.Unfinished,
		Pidfds:      l.pidfds,
	}
	if s.Buffers {
		r.Buffers = m.Parts(nil)
	}
	if s.Flags&unix.MSG_TRUNC != 0 {
		r.FullSize = &m.Size
		if s.conn.Socket().IsStream() {
			r.Discarded = m.Size - m.N
		}
	}
	return r
}

// originOf is what the line says of where the message came from. Most messages come
// from where the one before did.
func (s *Sink) originOf(m *intake.Message) []byte {
	if s.origin == nil || m.Sender != s.origin.sender {
		// Not in place: another line with it may still be made.
		o := Origin(s.conn, m.Sender)
		s.origin = &origin{m.Sender, record.AppendOrigin(nil, &o)}
	}
	return s.origin.text
}

// Origin is where a message of that sender, or a connection where the sender is zero,
// came from.
func Origin(c *intake.Conn, from intake.Sender) record.Origin {
	o := record.Origin{Conn: c.Number(), Local: c.Local(), From: c.Remote(), Peer: c.Peer()}
	if from.Address != (intake.Sender{}).Address {
		o.From = from.Address.String()
	}
	if from.Known {
		o.Peer = from.Peer()
	}
	if from.IsDestination {
		o.From, o.To = "", o.From
	}
	return o
}

// One shows the message of a batch of one: it saves what is to be saved, and writes
// the line. It returns the number of the line, and the line, where there is one. The
// batch, and the descriptors in it, stay the caller's.
func (s *Sink) One(b *intake.Batch) (seq uint64, line []byte, err error) {
	m := b.Messages[0]
	switch {
	case s.Out == nil && s.Content.Directory == nil:
		return 0, nil, nil
	case s.Out != nil && s.Out.Broken():
		s.Out.Lose(1)
		return 0, nil, ErrFailed
	}
	w := s.newWork()
	defer s.release(w)
	l := s.look(w, m)
	defer w.forget() // the batch closes them
	if s.Out == nil {
		return 0, nil, nil
	}
	if l.isLarge(m) {
		s.large <- struct{}{}
		defer func() { <-s.large }()
	}
	r := s.record(m, l)
	w.line.Message(&r)
	if seq, err = s.Out.AppendLine(record.TypeMessage, &w.line); err != nil {
		return 0, nil, ErrFailed
	}
	return seq, append(record.AppendHead(nil, record.TypeMessage, seq), w.line.Bytes()...), nil
}
