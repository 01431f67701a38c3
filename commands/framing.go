package commands

import (
	"errors"
	"io"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/frame"
)

// framing makes messages of the bytes of a stream. Descriptors belong to the
// frame that the recvmsg(2) which they came in ends in or with: the kernel gives
// no bytes that were sent after them, but perhaps some that were sent before.
type framing struct {
	split   frame.Splitter
	exact   bool // no more is taken from the socket than frames may be
	allowed int  // frames, then
	paid    int  // frames in the chunk that count as received

	chunk   *scratch // received and not all looked at
	rest    []byte   // of it
	frame   []byte   // what has come of the next frame
	control []byte   // what came with that
	flags   int
}

// maxFrameDescriptors is the most that one frame may collect.
const maxFrameDescriptors = 4 * cmsg.MaxDescriptors

var errManyDescriptors = errors.New("more descriptors than one frame may have")

// receiveFrame makes sc the next frame, as far as it has come: the error is that
// of receiving more.
func (c *connection) receiveFrame(sc *scratch) error {
	f := c.framing
	for {
		end, err := f.advance(c.receiver)
		if err == nil && end {
			err = f.message(sc)
		}
		if err != nil {
			f.close(c.receiver) // where the next frame begins is not known
			return err
		}
		if end {
			return nil
		}
		end, err = c.receiveChunk()
		if end {
			return f.message(sc)
		}
		if err == io.EOF && f.complete() {
			message, _ := f.split.Kind.Rest(f.frame)
			f.give(sc, message)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// holds reports whether all of the next frame has been received.
func (f *framing) holds() bool {
	if len(f.rest) == 0 {
		return false
	}
	ahead := f.split
	_, end, err := ahead.Feed(f.rest)
	return end || err != nil
}

// advance goes on to the end of the frame or of what has been received.
func (f *framing) advance(r *receiver) (end bool, err error) {
	end, err = f.take()
	if err == nil && f.chunk != nil && len(f.rest) == 0 {
		err = f.finishChunk(r)
	}
	return end, err
}

// take moves what belongs to the frame from the chunk to it.
func (f *framing) take() (end bool, err error) {
	if len(f.rest) == 0 {
		return false, nil
	}
	n, end, err := f.split.Feed(f.rest)
	f.frame = append(f.frame, f.rest[:n]...)
	f.rest = f.rest[n:]
	return end, err
}

// finishChunk gives what came with the chunk to the frame that it ends in, and
// the buffer back. Of what is no descriptor, the latest counts.
func (f *framing) finishChunk(r *receiver) error {
	sc := f.chunk
	f.chunk, f.rest = nil, nil
	f.flags |= sc.msg.Flags
	var kept []byte
	for m := range cmsg.Messages(f.control) {
		if len(m.Descriptors(nil)) > 0 {
			kept = cmsg.Append(kept, m)
		}
	}
	for m := range cmsg.Messages(sc.msg.Control) {
		kept = cmsg.Append(kept, m)
	}
	f.control = kept
	sc.msg.Control = nil
	r.release(sc)
	held := fdio.Incoming{Control: kept}
	if len(held.Descriptors(nil)) > maxFrameDescriptors {
		return errManyDescriptors
	}
	return nil
}

// next makes sc the next frame if that is in the chunk, with nothing that belongs
// to it elsewhere: neither bytes of the chunk before nor descriptors.
func (f *framing) next(sc *scratch) bool {
	if len(f.rest) == 0 || len(f.frame) > 0 || len(f.control) > 0 || f.flags != 0 || f.exact && f.paid == 0 {
		return false
	}
	ahead := f.split
	n, end, err := ahead.Feed(f.rest)
	if err != nil || !end || n == 0 || n == len(f.rest) || n > smallMessage {
		return false
	}
	message, err := f.split.Kind.Message(f.rest[:n])
	if err != nil {
		return false
	}
	f.split, f.rest = ahead, f.rest[n:]
	if f.exact {
		f.paid--
	}
	sc.memory = append(sc.memory[:0], message...)
	sc.msg.Buffers = append(sc.msg.Buffers[:0], sc.memory)
	sc.msg.N, sc.msg.Size, sc.received = len(message), len(message), f.chunk.received
	return true
}

// receiveChunk receives what comes next: no more than belongs to frames that are
// allowed, where nothing else may be taken. That may be nothing: a JSON number ends
// where something else begins.
func (c *connection) receiveChunk() (end bool, err error) {
	f := c.framing
	sc := c.newScratch()
	if f.exact {
		end, err = f.limit(c, sc)
	}
	if err == nil && !end {
		err = c.socket.TryRecv(&sc.msg, c.flags.recvFlags)
	}
	sc.msg.Buffers[0] = sc.msg.Buffers[0][:cap(sc.msg.Buffers[0])]
	if end || err != nil {
		c.release(sc)
		return end, err
	}
	sc.received = time.Now()
	c.measure(sc.received)
	f.chunk, f.rest = sc, sc.msg.Data()
	if f.exact {
		_, frames := f.count(f.rest)
		f.paid = max(frames-1, 0) // the first is the one that is being received
	}
	return false, nil
}

// limit shortens the buffer to what of the waiting bytes belongs to frames that
// are allowed. If none does, the frame is at its end.
func (f *framing) limit(c *connection, sc *scratch) (end bool, err error) {
	room := sc.msg.Buffers[0]
	n, err := c.socket.Peek(room)
	if err != nil || n == 0 {
		return false, err // and at the end receiving says so
	}
	if size, frames := f.count(room[:n]); frames > 0 && size > 0 {
		sc.msg.Buffers[0] = room[:size]
		return false, nil
	}
	ahead := f.split
	n, end, err = ahead.Feed(room[:n])
	if err != nil {
		return false, err
	}
	if n == 0 && end {
		f.split = ahead
		return true, nil
	}
	sc.msg.Buffers[0] = room[:n]
	return false, nil
}

// count is how many frames that are allowed end in b, which comes next in the
// stream, and where the last of them does. What is no JSON ends everything, so that
// those are taken one by one.
func (f *framing) count(b []byte) (size, frames int) {
	most := f.allowed
	if f.split.Kind == frame.JSON {
		most = min(most, 1)
	}
	ahead := f.split
	for frames < most && size < len(b) {
		n, end, err := ahead.Feed(b[size:])
		if err != nil || !end {
			break
		}
		size += n
		frames++
	}
	return size, frames
}

// message makes sc the complete frame.
func (f *framing) message(sc *scratch) error {
	message, err := f.split.Kind.Message(f.frame)
	if err == nil {
		f.give(sc, message)
	}
	return err
}

// complete reports whether what has come is a frame, now that the stream has
// ended.
func (f *framing) complete() bool {
	_, e := f.split.Kind.Rest(f.frame)
	return e == frame.Complete
}

// unfinished makes sc what has come of a frame that will not be completed, if
// anything.
func (f *framing) unfinished(sc *scratch) bool {
	message, e := f.split.Kind.Rest(f.frame)
	if e == frame.Nothing && len(f.control) == 0 {
		return false
	}
	f.give(sc, message)
	sc.unfinished = true
	return true
}

// give makes sc the message, which is a part of the frame; in return the frame
// gets sc's memory for the next one.
func (f *framing) give(sc *scratch, message []byte) {
	sc.ownBuffers = sc.msg.Buffers
	sc.msg.Buffers, sc.msg.N, sc.msg.Size = [][]byte{message}, len(message), len(message)
	sc.msg.Control, sc.msg.Flags, sc.msg.From = f.control, f.flags, fdio.Address{}
	sc.frame, f.frame = f.frame, sc.frame[:0]
	f.control, f.flags = nil, 0
}

// idle gives sc the frame's memory while there is nothing in it.
func (f *framing) idle(sc *scratch) {
	if len(f.frame) == 0 {
		sc.frame, f.frame = f.frame, nil
	}
}

// close closes what came and became no message.
func (f *framing) close(r *receiver) {
	if f.chunk != nil {
		r.release(f.chunk)
	}
	held := fdio.Incoming{Control: f.control}
	held.Close()
	*f = framing{split: frame.Splitter{Kind: f.split.Kind, Max: f.split.Max}, exact: f.exact}
}
