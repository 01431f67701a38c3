package intake

import (
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// chunk is what one recvmsg(2) returns from a stream that is split into frames. The
// frames are parts of it.
type chunk struct {
	msg      fdio.Incoming
	buffers  [1][]byte // of msg
	data     []byte    // memory of buffers
	received time.Time
}

// peekSize is the most bytes that are peeked at to find out how many of them belong to
// the frames that are wanted.
const peekSize = 64 << 10

// nextFrames is next for a stream that is split into frames. If mayReceive is false, it
// returns only frames that have been received already.
func (s *source) nextFrames(mayReceive bool) (*Batch, error) {
	in := s.conn.in
	b := s.conn.newBatch()
	b.Borrowed = true
	most := maxMessages
	if in.opts.OneByOne {
		most = 1
	}
	allowed := in.count.take(most)
	err := s.fill(b, allowed, mayReceive)
	in.count.settle(len(b.Messages))
	b.hold()
	if err == unix.EAGAIN {
		s.frames.Trim()
		s.dropChunk()
	}
	return b.orNone(err)
}

// fill adds frames to the batch, at most as many as are allowed: those that have been
// received already or, if there are none, those of the next chunk.
func (s *source) fill(b *Batch, allowed int, mayReceive bool) error {
	if allowed == 0 {
		return ErrCounted
	}
	for len(b.Messages) < allowed {
		f, ok, err := s.frames.Next()
		switch {
		case err != nil:
			return err
		case ok:
			if err := s.addFrame(b, f, s.chunk.received); err != nil {
				return err
			}
			continue
		case s.conn.in.opts.Rights.refuses() && s.frames.HasRights():
			return ErrDescriptors // of a frame that may never end
		case len(b.Messages) > 0:
			return nil
		case !mayReceive:
			return unix.EAGAIN
		}
		if err := s.receiveChunk(allowed); err != nil {
			return err
		}
	}
	return nil
}

// addFrame adds a frame to the batch, if it is admitted.
func (s *source) addFrame(b *Batch, f frame.Frame, received time.Time) error {
	m := b.message()
	m.one[0] = f.Data
	m.Incoming.Buffers, m.N, m.Size = m.one[:], len(f.Data), len(f.Data)
	m.Control, m.Flags, m.From = f.Control, f.Flags, fdio.Address{}
	taken, err := s.conn.admit(m)
	if taken {
		b.stamp(m, received)
	}
	return err
}

// receiveChunk receives the next chunk. With Options.Count that is no more than the
// frames that are allowed, so that the next user of the socket continues right after them.
func (s *source) receiveChunk(allowed int) error {
	c := s.conn
	if s.chunk == nil {
		s.chunk = c.in.chunks.Get().(*chunk)
	}
	ch := s.chunk
	data := ch.data
	if c.in.opts.Count > 0 {
		n, err := c.socket.Peek(data[:min(len(data), peekSize)])
		if err != nil {
			return err
		}
		if n > 0 { // otherwise receiving returns the end of the stream
			want, err := s.frames.Want(data[:n], allowed)
			if err != nil {
				return err
			}
			if want == 0 { // the current frame is complete without these bytes
				ch.received = time.Now()
				return nil
			}
			data = data[:want]
		}
	}
	ch.buffers[0] = data
	ch.msg.Buffers = ch.buffers[:]
	ch.msg.Space, _ = withRoom(ch.msg.Space, 0, c.controlSize())
	ch.msg.Space = ch.msg.Space[:c.controlSize()]
	if err := c.socket.TryRecv(&ch.msg, c.in.opts.Flags); err != nil {
		return err
	}
	ch.received = time.Now()
	s.frames.Add(frame.Received{Data: ch.msg.Data(), Control: ch.msg.Control, Flags: ch.msg.Flags})
	ch.msg.Control = nil // it belongs to the Assembler now
	return nil
}

// dropChunk returns the memory of the chunk to the pool.
func (s *source) dropChunk() {
	if s.chunk != nil {
		s.conn.in.chunks.Put(s.chunk)
		s.chunk = nil
	}
}

// restOfFrame is rest for a stream that is split into frames. A frame that the end of the
// stream completes counts as the others do.
func (s *source) restOfFrame(atEnd bool) (*Batch, error) {
	f, e := s.frames.Rest()
	if e == frame.Nothing {
		return nil, nil
	}
	b := s.conn.newBatch()
	b.Borrowed = true
	var err error
	if e == frame.Complete && atEnd {
		err = s.addLast(b, f)
	} else {
		b.Incomplete = true
		err = s.addFrame(b, f, time.Now())
	}
	b.hold()
	for _, m := range b.Messages {
		m.Unfinished = b.Incomplete
	}
	return b.orNone(err)
}

// addLast adds the frame that the end of the stream completes, if another one is wanted.
func (s *source) addLast(b *Batch, f frame.Frame) (err error) {
	count := &s.conn.in.count
	if count.take(1) == 0 {
		unwanted := fdio.Incoming{Control: f.Control}
		unwanted.Close()
		err = ErrCounted
	} else {
		err = s.addFrame(b, f, time.Now())
	}
	count.settle(len(b.Messages))
	return err
}
