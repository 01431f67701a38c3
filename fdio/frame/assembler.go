package frame

import (
	"fmt"
	"slices"

	"fdmsg/fdio/cmsg"
)

// MaxDescriptors is how many descriptors one frame may collect from the calls of
// recvmsg(2) that bring it: those of four messages.
const MaxDescriptors = 4 * cmsg.MaxDescriptors

// Frame is one message of a stream.
type Frame struct {
	Data    []byte // without what marks where the frame begins and ends
	Control []byte // the control messages that came with it
	Flags   int    // msg_flags of the calls that brought its end
}

// Received is what one recvmsg(2) returned of a stream.
type Received struct {
	Data    []byte
	Control []byte
	Flags   int // msg_flags
}

// Assembler makes frames of the chunks of a stream. Add gives it the next chunk;
// Next then returns frame after frame, until another chunk is needed. A frame that
// lies in one chunk is a part of that chunk, not a copy: frames are good until the
// next Add, and as long as the memory of the chunk stays as it is.
//
// The descriptors in the control messages belong to whoever has them: those of a
// chunk to the Assembler from Add on, those of a frame to the caller of Next.
// After an error, and at the end, Abandon returns those that went with no frame.
type Assembler struct {
	split   Splitter
	rest    []byte // of the chunk
	chunk   Received
	fresh   bool   // the chunk's control messages are with no frame yet
	ended   bool   // the frame has ended before what comes next
	partial []byte // of the frame that is under way, from chunks before
	done    []byte // memory of the last frame that lay in several chunks
	control []byte // that came with the frame under way
	flags   int
}

// NewAssembler makes an Assembler for frames of a kind, whose messages have at
// most max bytes.
func NewAssembler(kind Kind, max int) *Assembler {
	return &Assembler{split: Splitter{Kind: kind, Max: max}}
}

// Add takes the next chunk of the stream. Next must have returned false before.
func (a *Assembler) Add(chunk Received) {
	a.chunk, a.rest, a.fresh = chunk, chunk.Data, true
}

// Next returns the next frame that is complete; ok is false where there is none
// without another chunk. The errors are those of Splitter.Feed, and
// ErrTooManyDescriptors; the Assembler is of no use after one.
func (a *Assembler) Next() (f Frame, ok bool, err error) {
	n, end := 0, a.ended
	if !end {
		if len(a.rest) == 0 {
			return Frame{}, false, nil
		}
		if n, end, err = a.split.Feed(a.rest); err != nil {
			return Frame{}, false, err
		}
	}
	a.ended = false
	data := a.rest[:n]
	if a.rest = a.rest[n:]; len(a.rest) == 0 && a.fresh {
		if err := a.takeControl(); err != nil {
			return Frame{}, false, err
		}
	}
	if !end {
		a.partial = append(a.partial, data...)
		a.control = slices.Clone(a.control) // the chunk's memory may be used again
		return Frame{}, false, nil
	}
	if len(a.partial) > 0 {
		data = append(a.partial, data...)
		a.partial, a.done = a.done[:0], data
	}
	if data, err = a.split.Kind.Message(data); err != nil {
		return Frame{}, false, err
	}
	return a.frame(data), true, nil
}

// frame gives what came with the frame that is under way to it.
func (a *Assembler) frame(data []byte) Frame {
	f := Frame{data, a.control, a.flags}
	a.control, a.flags = nil, 0
	return f
}

// takeControl gives the control messages of the chunk to the frame that it ends in.
// Of those that carry no descriptors, the latest count.
func (a *Assembler) takeControl() error {
	a.fresh = false
	a.flags |= a.chunk.Flags
	if len(a.control) == 0 {
		a.control = a.chunk.Control
		return nil
	}
	var kept []byte
	descriptors := 0
	for m := range cmsg.Messages(a.control) {
		if n := len(m.Descriptors(nil)); n > 0 {
			kept = cmsg.Append(kept, m)
			descriptors += n
		}
	}
	for m := range cmsg.Messages(a.chunk.Control) {
		kept = cmsg.Append(kept, m)
		descriptors += len(m.Descriptors(nil))
	}
	a.control = kept
	if descriptors > MaxDescriptors {
		return fmt.Errorf("%w: %d, at most %d", ErrTooManyDescriptors, descriptors, MaxDescriptors)
	}
	return nil
}

// Trim gives up memory that is not needed until the next chunk comes. Next must have
// returned false before.
func (a *Assembler) Trim() {
	a.chunk, a.rest, a.done = Received{}, nil, nil
	if len(a.partial) == 0 {
		a.partial = nil
	}
}

// Pending reports whether something has come that Next has not looked at.
func (a *Assembler) Pending() bool { return len(a.rest) > 0 || a.ended }

// Buffered is how many bytes have come of the frame that is under way.
func (a *Assembler) Buffered() int { return len(a.partial) }

// Rest returns what has come of a frame when the stream ends, and what the end of the
// stream makes of it. Descriptors that came behind the last frame are a part of one.
func (a *Assembler) Rest() (Frame, Ending) {
	data, e := a.split.Kind.Rest(a.partial)
	if e == Nothing && len(a.control) > 0 {
		e = Unfinished
	}
	if e == Nothing {
		return Frame{}, Nothing
	}
	a.partial = nil
	return a.frame(data), e
}

// Abandon gives up what has come and was not returned by Next. It returns the control
// messages of that: the descriptors in them are the caller's.
func (a *Assembler) Abandon() (control []byte) {
	control = a.control
	if a.fresh {
		control = append(control, a.chunk.Control...)
	}
	*a = Assembler{split: Splitter{Kind: a.split.Kind, Max: a.split.Max}}
	return control
}

// Want returns how many of the bytes b, which wait in the socket (MSG_PEEK), belong
// to at most so many frames: all that are complete in b, or else the part of one.
// Who receives exactly as many takes nothing of what follows the last frame. Where
// the frame that is under way has ended before b, that is 0, and Next returns it.
func (a *Assembler) Want(b []byte, frames int) (n int, err error) {
	if a.split.Kind == JSON {
		frames = min(frames, 1) // of what may be invalid, each is looked at by itself
	}
	ahead := a.split
	for found := 0; found < frames && n < len(b); found++ {
		size, end, err := ahead.Feed(b[n:])
		switch {
		case err != nil && n == 0:
			return 0, err
		case err != nil || !end && n > 0:
			return n, nil
		case !end:
			return size, nil
		case n+size == 0:
			a.split, a.ended = ahead, true
			return 0, nil
		}
		n += size
	}
	return n, nil
}
