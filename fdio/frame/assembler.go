package frame

import (
	"fmt"
	"slices"

	"fdmsg/fdio/cmsg"
)

// MaxDescriptors is the most descriptors that one frame may have, over all calls of
// recvmsg(2) that bring a part of it: those of four messages.
const MaxDescriptors = 4 * cmsg.MaxDescriptors

// Frame is one message of a stream.
type Frame struct {
	Data    []byte // without the marks of its beginning and end
	Control []byte // control messages that came with it
	Flags   int    // msg_flags of the calls whose data ends in it
}

// Received is what one recvmsg(2) on a stream returned.
type Received struct {
	Data    []byte
	Control []byte
	Flags   int // msg_flags
}

// Assembler makes frames of the chunks of a stream. Add gives it the next chunk; then
// Next returns frame after frame, until it needs another chunk. A frame that lies in one
// chunk is a part of that chunk and not a copy: frames are valid until the next Add, and
// as long as the memory of the chunk does not change.
//
// The descriptors in the control messages of a chunk belong to the Assembler from Add
// on, and those of a frame to the caller of Next. After an error, and at the end, Abandon
// returns those that belong to no frame.
type Assembler struct {
	split   Splitter
	rest    []byte // of the chunk, not yet split
	chunk   Received
	fresh   bool   // the control messages of the chunk do not belong to a frame yet
	ended   bool   // Want has found that the current frame has ended
	failed  bool   // Next or Want has returned an error
	partial []byte // the current frame, as far as it was in earlier chunks
	done    []byte // memory of the last frame that was in several chunks
	control []byte // control messages of the current frame
	flags   int
}

// NewAssembler returns an Assembler for frames of a kind whose messages have at most
// max bytes.
func NewAssembler(kind Kind, max int) *Assembler {
	return &Assembler{split: Splitter{Kind: kind, Max: max}}
}

// Add takes over the next chunk of the stream. Next must have returned false.
func (a *Assembler) Add(chunk Received) {
	a.chunk, a.rest, a.fresh = chunk, chunk.Data, true
}

// Next returns the next complete frame, or false if it needs another chunk for that.
// The error is one of Splitter.Feed or ErrTooManyDescriptors. There is no next frame after
// an error: nothing tells where it would begin.
func (a *Assembler) Next() (f Frame, ok bool, err error) {
	n, end := 0, a.ended
	if !end {
		if len(a.rest) == 0 {
			return Frame{}, false, nil
		}
		if n, end, err = a.split.Feed(a.rest); err != nil {
			return a.fail(err)
		}
	}
	a.ended = false
	data := a.rest[:n]
	if a.rest = a.rest[n:]; len(a.rest) == 0 && a.fresh {
		if err := a.takeControl(); err != nil {
			return a.fail(err)
		}
	}
	if !end {
		a.partial = append(a.partial, data...)
		a.control = slices.Clone(a.control) // the memory of the chunk may be reused
		return Frame{}, false, nil
	}
	if len(a.partial) > 0 {
		data = append(a.partial, data...)
		a.partial, a.done = a.done[:0], data
	}
	if data, err = a.split.Kind.Message(data); err != nil {
		return a.fail(err)
	}
	return a.frame(data), true, nil
}

func (a *Assembler) fail(err error) (Frame, bool, error) {
	a.failed = true
	return Frame{}, false, err
}

// frame gives what came with the frame that is under way to it.
func (a *Assembler) frame(data []byte) Frame {
	f := Frame{data, a.control, a.flags}
	a.control, a.flags = nil, 0
	return f
}

// takeControl adds the control messages of the chunk to the frame in which the chunk
// ends. Those without descriptors replace the ones from earlier chunks.
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

// Trim drops memory that is not needed before the next chunk. Next must have returned
// false.
func (a *Assembler) Trim() {
	a.chunk, a.rest, a.done = Received{}, nil, nil
	if len(a.partial) == 0 {
		a.partial = nil
	}
}

// Pending reports whether there are bytes that Next has not examined.
func (a *Assembler) Pending() bool { return len(a.rest) > 0 || a.ended }

// HasRights reports whether descriptors have come for the frame that is under way.
func (a *Assembler) HasRights() bool {
	for m := range cmsg.Messages(a.control) {
		if len(m.Rights(nil)) > 0 {
			return true
		}
	}
	return false
}

// Rest returns the part of a frame that has come when the stream ends, and what the end
// of the stream makes of it. Descriptors that came after the last frame count as part
// of one. After an error of Next or Want, Rest returns Nothing.
func (a *Assembler) Rest() (Frame, Ending) {
	if a.failed {
		return Frame{}, Nothing
	}
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

// Abandon drops what Next has not returned. It returns the control messages of that;
// the descriptors in them belong to the caller.
func (a *Assembler) Abandon() (control []byte) {
	control = a.control
	if a.fresh {
		control = append(control, a.chunk.Control...)
	}
	*a = Assembler{split: Splitter{Kind: a.split.Kind, Max: a.split.Max}}
	return control
}

// Want returns how many of the bytes b, which are queued in the socket (MSG_PEEK),
// belong to the next frames: to as many complete ones as b has, but no more than frames
// says, or to the part of one. A caller that receives exactly as many bytes takes nothing
// that follows the last frame. If the current frame has ended before b, Want returns 0,
// and Next returns that frame.
func (a *Assembler) Want(b []byte, frames int) (n int, err error) {
	if a.split.Kind == JSON {
		frames = min(frames, 1) // which may be invalid, so that each is checked by itself
	}
	ahead := a.split
	for found := 0; found < frames && n < len(b); found++ {
		size, end, err := ahead.Feed(b[n:])
		switch {
		case err != nil && n == 0:
			a.failed = true
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
