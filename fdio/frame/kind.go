package frame

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"fdmsg/fdio/cmsg"
)

// Kind is one way to mark where a message of a stream ends. Kinds can be compared.
// The zero Kind is Chunk.
type Kind struct{ row *row }

// row is what is to be known of a kind.
type row struct {
	name string
	// split looks at b, which comes next in the stream, and returns how many bytes
	// of it belong to the frame, and whether the frame ends with them.
	split func(s *Splitter, b []byte) (n int, end bool, err error)
	// complete makes a frame of the gathered buffers of a message.
	complete func(buffers [][]byte) ([][]byte, error)
	// message is what a whole frame says, without what marks its beginning and end.
	message func(frame []byte) ([]byte, error)
	// rest is what has come of a frame when the stream ends, and what the end of
	// the stream makes of it.
	rest func(frame []byte) ([]byte, Ending)
}

// kinds are all kinds, in the order in which they are listed to users.
var kinds = [...]row{
	{"chunk", splitChunk, completeNothing, wholeFrame, unfinished},
	{"line", splitAt('\n'), completeWith('\n'), withoutLast, unfinished},
	{"nul", splitAt(0), completeWith(0), withoutLast, unfinished},
	{"u32be", splitLength(binary.BigEndian), completeLength(binary.BigEndian), afterLength, afterLengthUnfinished},
	{"u32le", splitLength(binary.LittleEndian), completeLength(binary.LittleEndian), afterLength, afterLengthUnfinished},
	{"json", splitJSON, completeNothing, trimJSON, restOfJSON},
	{"eof", splitNowhere, completeNothing, wholeFrame, finished},
}

// The kinds that code refers to by name.
var (
	Chunk = Kind{}          // none: a message is what one recvmsg(2) returned
	Line  = Kind{&kinds[1]} // ends with a newline
	NUL   = Kind{&kinds[2]} // ends with a NUL byte
	U32BE = Kind{&kinds[3]} // follows its length, 32 bits in network byte order
	U32LE = Kind{&kinds[4]} // follows its length, 32 bits, the lowest byte first
	JSON  = Kind{&kinds[5]} // is a JSON value, RFC 8259
	EOF   = Kind{&kinds[6]} // is everything up to the end of the stream
)

// Errors of frames.
var (
	ErrTooLong            = errors.New("frame too long")
	ErrInvalidJSON        = errors.New("invalid JSON")
	ErrTooManyDescriptors = errors.New("too many descriptors for one frame")
)

// Names are the names of all kinds, as Parse reads them.
func Names() []string {
	names := make([]string, len(kinds))
	for i := range kinds {
		names[i] = kinds[i].name
	}
	return names
}

// Parse returns the kind of that name. The error is a *cmsg.NameError.
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

// String is the name of the kind.
func (k Kind) String() string { return k.table().name }

// UnmarshalText reads the name of a kind, as Parse does.
func (k *Kind) UnmarshalText(name []byte) (err error) {
	*k, err = Parse(string(name))
	return err
}

// Complete makes one frame of buffers, which are to be sent gathered. A frame of
// kind EOF is completed by shutting down the sending side: shutdown(2). The error
// is ErrTooLong where the length cannot be expressed.
func (k Kind) Complete(buffers [][]byte) ([][]byte, error) { return k.table().complete(buffers) }

// Message is what a whole frame says, without what marks where it begins and ends.
// The error is ErrInvalidJSON.
func (k Kind) Message(frame []byte) ([]byte, error) { return k.table().message(frame) }

// Ending is what the end of a stream makes of the bytes that have come since the
// last frame.
type Ending int

// The endings of a stream.
const (
	Nothing    Ending = iota // they are no part of a frame: there are none, or white space between JSON values
	Unfinished               // they are a part of a frame
	Complete                 // they are a frame, which the end of the stream completes
)

// Rest is what the bytes frame say, which have come since the last frame, and what
// the end of the stream makes of them.
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

// lengthSize is how many bytes the length before a frame has.
const lengthSize = 4

// byteOrder is binary.BigEndian or binary.LittleEndian.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// splitLength reads the length first, and then as much.
func splitLength(order byteOrder) func(*Splitter, []byte) (int, bool, error) {
	return func(s *Splitter, b []byte) (n int, end bool, err error) {
		if s.size < lengthSize {
			n = copy(s.length[s.size:], b)
		}
		if s.size+n < lengthSize {
			return n, false, nil
		}
		length := order.Uint32(s.length[:])
		if uint64(length) > uint64(max(s.Max, 0)) {
			return n, false, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, length, s.Max)
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

// splitNowhere takes everything.
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
