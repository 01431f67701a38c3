package frame

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"fdmsg/fdio/cmsg"
)

// Kind is a way to mark where a message in a stream ends. Kinds can be compared. The
// zero Kind is Chunk.
type Kind struct{ row *row }

// row describes a kind.
type row struct {
	name string
	// split returns how many of the next bytes b of the stream belong to the frame,
	// and whether the frame ends with them.
	split func(s *Splitter, b []byte) (n int, end bool, err error)
	// complete makes a frame of the buffers of a message, which are sent in order.
	complete func(buffers [][]byte) ([][]byte, error)
	// message returns the message in a complete frame, without the marks of its
	// beginning and end.
	message func(frame []byte) ([]byte, error)
	// rest returns the message in the part of a frame that has come when the stream
	// ends, and what the end of the stream makes of it.
	rest func(frame []byte) ([]byte, Ending)
}

// kinds are all kinds, in the order in which users see them.
var kinds = [...]row{
	{"chunk", splitChunk, completeNothing, wholeFrame, unfinished},
	{"line", splitAt('\n'), completeWith('\n'), withoutLast, unfinished},
	{"nul", splitAt(0), completeWith(0), withoutLast, unfinished},
	{"u32be", splitLength(binary.BigEndian), completeLength(binary.BigEndian), afterLength, afterLengthUnfinished},
	{"u32le", splitLength(binary.LittleEndian), completeLength(binary.LittleEndian), afterLength, afterLengthUnfinished},
	{"json", splitJSON, completeNothing, trimJSON, restOfJSON},
	{"eof", splitNowhere, completeNothing, wholeFrame, finished},
}

// The kinds.
var (
	Chunk = Kind{}          // no frames: a message is what one recvmsg(2) returns
	Line  = Kind{&kinds[1]} // a message ends with a newline
	NUL   = Kind{&kinds[2]} // a message ends with a NUL byte
	U32BE = Kind{&kinds[3]} // a message follows its length, 32 bits in network byte order
	U32LE = Kind{&kinds[4]} // a message follows its length, 32 bits, the lowest byte first
	JSON  = Kind{&kinds[5]} // a message is a JSON value: RFC 8259
	EOF   = Kind{&kinds[6]} // a message is everything up to the end of the stream
)

// Errors of frames.
var (
	ErrTooLong            = errors.New("frame too long")
	ErrInvalidJSON        = errors.New("invalid JSON")
	ErrTooManyDescriptors = errors.New("too many descriptors for one frame")
)

// Names returns the names of all kinds, as Parse reads them.
func Names() []string {
	names := make([]string, len(kinds))
	for i := range kinds {
		names[i] = kinds[i].name
	}
	return names
}

// Parse returns the kind called name. The error is a *cmsg.NameError.
func Parse(name string) (Kind, error) {
	for i := range kinds {
		if kinds[i].name != name {
			continue
		}
		if i == 0 {
			return Chunk, nil
		}
		return Kind{&kinds[i]}, nil
	}
	return Chunk, &cmsg.NameError{Kind: "frame", Name: name, Known: Names()}
}

func (k Kind) table() *row {
	if k.row == nil {
		return &kinds[0]
	}
	return k.row
}

// String returns the name of the kind.
func (k Kind) String() string { return k.table().name }

// UnmarshalText reads the name of a kind, as Parse does.
func (k *Kind) UnmarshalText(name []byte) (err error) {
	*k, err = Parse(string(name))
	return err
}

// Complete adds to the buffers of a message what makes a frame of them; they are to be
// sent in order. A frame of kind EOF is completed by shutting down the sending side:
// shutdown(2). The error is ErrTooLong if 32 bits cannot express the length.
func (k Kind) Complete(buffers [][]byte) ([][]byte, error) { return k.table().complete(buffers) }

// Message returns the message in a complete frame, without the marks of its beginning
// and end. The error is ErrInvalidJSON.
func (k Kind) Message(frame []byte) ([]byte, error) { return k.table().message(frame) }

// Ending is what the end of a stream makes of the bytes after the last frame.
type Ending int

// The endings of a stream.
const (
	Nothing    Ending = iota // there are no bytes, or only white space after a JSON value
	Unfinished               // the bytes are the beginning of a frame
	Complete                 // the bytes are a frame, which the end of the stream completes
)

// Rest returns the message in frame, the bytes after the last frame, and what the end
// of the stream makes of them.
func (k Kind) Rest(frame []byte) (message []byte, e Ending) {
	if len(frame) == 0 {
		return nil, Nothing
	}
	return k.table().rest(frame)
}

func splitChunk(_ *Splitter, b []byte) (n int, end bool, err error) { return len(b), true, nil }

func completeNothing(buffers [][]byte) ([][]byte, error) { return buffers, nil }

func wholeFrame(frame []byte) ([]byte, error) { return frame, nil }

func unfinished(frame []byte) ([]byte, Ending) { return frame, Unfinished }

func finished(frame []byte) ([]byte, Ending) { return frame, Complete }

// splitAt splits after each delimiter.
func splitAt(delimiter byte) func(*Splitter, []byte) (int, bool, error) {
	return func(s *Splitter, b []byte) (n int, end bool, err error) {
		i := bytes.IndexByte(b, delimiter)
		if i < 0 {
			return len(b), false, s.limit(len(b))
		}
		return i + 1, true, s.limit(i)
	}
}

func completeWith(delimiter byte) func([][]byte) ([][]byte, error) {
	return func(buffers [][]byte) ([][]byte, error) { return append(buffers, []byte{delimiter}), nil }
}

func withoutLast(frame []byte) ([]byte, error) { return frame[:len(frame)-1], nil }

// lengthSize is the size in bytes of the length before a message.
const lengthSize = 4

// byteOrder is binary.BigEndian or binary.LittleEndian.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// splitLength reads the length, and then as many bytes.
func splitLength(order byteOrder) func(*Splitter, []byte) (int, bool, error) {
	return func(s *Splitter, b []byte) (n int, end bool, err error) {
		if s.size < lengthSize {
			n = copy(s.length[s.size:], b)
		}
		if s.size+n < lengthSize {
			return n, false, nil
		}
		length := order.Uint32(s.length[:])
		// An int of 32 bits cannot count what is longer with its length.
		if most := min(max(s.Max, 0), math.MaxInt-lengthSize); int64(length) > int64(most) {
			return n, false, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, length, most)
		}
		left := lengthSize + int(length) - s.size
		n = min(left, len(b))
		return n, n == left, nil
	}
}

func completeLength(order byteOrder) func([][]byte) ([][]byte, error) {
	return func(buffers [][]byte) ([][]byte, error) {
		length := 0
		for _, b := range buffers {
			length += len(b)
		}
		if uint64(length) > 1<<32-1 {
			return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, length, uint32(1<<32-1))
		}
		return append([][]byte{order.AppendUint32(nil, uint32(length))}, buffers...), nil
	}
}

func afterLength(frame []byte) ([]byte, error) { return frame[lengthSize:], nil }

func afterLengthUnfinished(frame []byte) ([]byte, Ending) {
	return frame[min(len(frame), lengthSize):], Unfinished
}

// splitNowhere finds no end.
func splitNowhere(s *Splitter, b []byte) (n int, end bool, err error) {
	return len(b), false, s.limit(len(b))
}

func trimJSON(frame []byte) ([]byte, error) {
	frame = bytes.Trim(frame, jsonSpace)
	if !json.Valid(frame) {
		return frame, ErrInvalidJSON
	}
	return frame, nil
}

func restOfJSON(frame []byte) ([]byte, Ending) {
	frame = bytes.Trim(frame, jsonSpace)
	switch {
	case len(frame) == 0:
		return nil, Nothing
	case json.Valid(frame):
		return frame, Complete
	}
	return frame, Unfinished
}
