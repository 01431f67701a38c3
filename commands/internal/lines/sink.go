package lines

import (
	"time"

	"fdmsg/fdio/intake"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// Describing and reading a descriptor takes several times as long as receiving it.
// Therefore, if messages with descriptors arrive faster than their lines are made, a
// helper makes the lines of one batch while the next batch is received. Lines are written
// in the order of the messages: each goroutine that has made lines waits for its turn.

// minShared is the number of descriptors in a batch from which on a helper pays.
const minShared = 32

// maxKept is the most bytes of lines that are kept before they are given to the Writer.
const maxKept = 256 << 10

// Sink writes the line of each message of one connection.
type Sink struct {
	*Maker
	conn   *intake.Conn
	origin *origin // of the last message, or nil
	before *turn   // the lines that must be written first, or nil
}

// turn is the lines that a helper makes.
type turn struct {
	written chan struct{} // closed when they are written, or err is set
	err     error
}

// wait waits until the lines are written. For a nil turn it returns at once.
func (t *turn) wait() error {
	if t == nil {
		return nil
	}
	<-t.written
	return t.err
}

// isOver reports whether wait would return at once.
func (t *turn) isOver() bool {
	if t == nil {
		return true
	}
	select {
	case <-t.written:
		return true
	default:
		return false
	}
}

// origin is where messages came from, and the text of that in a line.
type origin struct {
	sender *intake.Sender
	text   []byte
}

// Sink returns the sink of a connection.
func (mk *Maker) Sink(c *intake.Conn) *Sink { return &Sink{Maker: mk, conn: c} }

// Take makes the lines of a batch, or lets a helper make them. The error is ErrFailed.
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
	helper := *s // s goes on with its own origin
	go func(t *turn) {
		t.err = helper.make(b, before)
		<-helper.helpers
		close(t.written)
	}(s.before)
	return nil
}

// Flush waits until all lines have been given to the Writer, and flushes that.
func (s *Sink) Flush() error {
	err := s.before.wait()
	s.before = nil
	if s.Out != nil {
		s.Out.Flush()
	}
	return err
}

// make makes the lines of a batch, and writes them after those before. It makes a large
// line only when its turn has come, since the number of large lines at once is limited.
func (s *Sink) make(b *intake.Batch, before *turn) error {
	defer b.Release()
	w := s.newWork()
	defer s.release(w)
	if done, err := s.makeNone(b, w, before); done {
		return err
	}
	defer s.closeDescriptors(w)
	w.since = time.Now()
	for i, m := range b.Messages {
		l := s.look(w, m)
		err := s.makeOne(w, m, l, &before)
		m.Control = nil // w closes what was in it
		if err != nil {
			s.Out.lose(len(b.Messages) - i - 1)
			return err
		}
		if w.block.Len() == 0 && (len(w.contents) > maxKept || time.Since(w.since) > flushDelay) {
			s.closeDescriptors(w)
			w.since = time.Now()
		}
	}
	return s.writeBlock(w, &before)
}

// makeOne makes the line of a message. It writes the lines that have been made if they are
// many, or if making the next one may take long because of descriptors.
func (s *Sink) makeOne(w *work, m *intake.Message, l looked, before **turn) error {
	if l.isLarge(m) {
		return s.writeLarge(w, m, l, before)
	}
	r := s.record(m, l)
	w.block.Message(&r)
	if w.block.Len() > maxKept || len(l.descriptors) > 0 && (*before).isOver() {
		return s.writeBlock(w, before)
	}
	return nil
}

// makeNone handles a batch for which no lines are made, because none are wanted or they
// can no longer be written.
func (s *Sink) makeNone(b *intake.Batch, w *work, before *turn) (done bool, err error) {
	switch {
	case s.Out != nil && s.Out.broken():
		before.wait()
		s.Out.lose(len(b.Messages))
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

// writeBlock gives the lines that have been made to the Writer when their turn has come.
func (s *Sink) writeBlock(w *work, before **turn) error {
	if err := (*before).wait(); err != nil {
		s.Out.lose(len(w.block.ends))
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
		s.Out.lose(1)
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

// record returns the contents of the line of a message.
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

// originOf returns the text of the origin of a message. Most messages have the same origin
// as the one before.
func (s *Sink) originOf(m *intake.Message) []byte {
	if s.origin == nil || m.Sender != s.origin.sender {
		// The old one is not overwritten, since a helper may still use it.
		o := Origin(s.conn, *m.Sender)
		s.origin = &origin{m.Sender, record.AppendOrigin(nil, &o)}
	}
	return s.origin.text
}

// Origin returns the origin of a message of that sender or, if the sender is zero, of a
// connection.
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

// One makes and writes the line of the message in a batch of one, and saves its contents
// if they are to be saved. It returns the number of the line and the line, if there is
// one. The batch, with its descriptors, remains the caller's. The error is ErrFailed.
func (s *Sink) One(b *intake.Batch) (seq uint64, line []byte, err error) {
	m := b.Messages[0]
	switch {
	case s.Out == nil && s.Content.Directory == nil:
		return 0, nil, nil
	case s.Out != nil && s.Out.broken():
		s.Out.lose(1)
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
