package fdio

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"fdmsg/fdio/cmsg"
)

// Frame is how messages are told apart in the bytes of a stream.
type Frame string

// The kinds of frames. Chunk is none at all: a message is what one recvmsg(2)
// returned.
const (
	FrameChunk Frame = "chunk"
	FrameLine  Frame = "line"  // ends with a newline
	FrameNUL   Frame = "nul"   // ends with a NUL byte
	FrameU32BE Frame = "u32be" // begins with its length in 32 bits
	FrameU32LE Frame = "u32le"
	FrameJSON  Frame = "json" // is a JSON value
	FrameEOF   Frame = "eof"  // is all there is
)

// Frames are all kinds.
var Frames = []string{string(FrameChunk), string(FrameLine), string(FrameNUL), string(FrameU32BE), string(FrameU32LE), string(FrameJSON), string(FrameEOF)}

// ParseFrame returns the kind of that name. The error is a *cmsg.NameError.
func ParseFrame(name string) (Frame, error) {
	for _, known := range Frames {
		if name == known {
			return Frame(name), nil
		}
	}
	return "", &cmsg.NameError{Kind: "frame", Name: name, Known: Frames}
}

// The errors of Feed.
var (
	ErrFrameTooLong = errors.New("the frame is longer than may be")
	ErrBadFrame     = errors.New("no JSON value")
)

// Complete makes buffers, gathered, one frame of kind f. FrameEOF is completed by
// shutting down the sending side.
func (f Frame) Complete(buffers [][]byte) ([][]byte, error) {
	length := 0
	for _, b := range buffers {
		length += len(b)
	}
	var order binary.AppendByteOrder = binary.BigEndian
	switch f {
	case FrameLine:
		return append(buffers, []byte{'\n'}), nil
	case FrameNUL:
		return append(buffers, []byte{0}), nil
	case FrameU32LE:
		order = binary.LittleEndian
		fallthrough
	case FrameU32BE:
		if uint64(length) > 1<<32-1 {
			return nil, fmt.Errorf("%w: %d bytes", ErrFrameTooLong, length)
		}
		return append([][]byte{order.AppendUint32(nil, uint32(length))}, buffers...), nil
	}
	return buffers, nil
}

// headerSize is the length of the length before a frame.
const headerSize = 4

// Splitter finds the ends of frames in a stream. It is a value: a copy can look
// ahead.
type Splitter struct {
	Kind Frame
	Max  int // the most bytes that a message may have

	size   int // fed of this frame
	length int // of a frame that begins with its length
	json   jsonState
}

// Feed looks at b, which comes next in the stream, and returns how many bytes of
// it belong to the frame, and whether that is its end. The errors are
// ErrFrameTooLong and ErrBadFrame; the stream cannot be split then any more.
func (s *Splitter) Feed(b []byte) (n int, end bool, err error) {
	switch s.Kind {
	case FrameLine:
		n, end = until(b, '\n')
	case FrameNUL:
		n, end = until(b, 0)
	case FrameU32BE, FrameU32LE:
		n, end, err = s.feedLength(b)
	case FrameJSON:
		n, end, err = s.json.feed(b)
	case FrameEOF:
		n = len(b)
	default:
		n, end = len(b), true
	}
	s.size += n
	message := s.size
	if end && (s.Kind == FrameLine || s.Kind == FrameNUL) {
		message--
	}
	if err == nil && message > s.Max && s.Kind != FrameU32BE && s.Kind != FrameU32LE {
		err = fmt.Errorf("%w: more than %d bytes", ErrFrameTooLong, s.Max)
	}
	if end || err != nil {
		*s = Splitter{Kind: s.Kind, Max: s.Max}
	}
	return n, end, err
}

func until(b []byte, delimiter byte) (n int, end bool) {
	if i := bytes.IndexByte(b, delimiter); i >= 0 {
		return i + 1, true
	}
	return len(b), false
}

// feedLength reads the length first, and then as much.
func (s *Splitter) feedLength(b []byte) (n int, end bool, err error) {
	for n < len(b) && s.size+n < headerSize {
		if s.Kind == FrameU32BE {
			s.length = s.length<<8 | int(b[n])
		} else {
			s.length |= int(b[n]) << (8 * (s.size + n))
		}
		n++
	}
	if s.size+n < headerSize {
		return n, false, nil
	}
	if uint(s.length) > uint(s.Max) {
		return n, false, fmt.Errorf("%w: %d bytes", ErrFrameTooLong, uint32(s.length))
	}
	left := headerSize + s.length - s.size
	n = min(left, len(b))
	return n, n == left, nil
}

// Message is what a complete frame says, without what marks where it begins and
// ends.
func (f Frame) Message(frame []byte) ([]byte, error) {
	switch f {
	case FrameLine, FrameNUL:
		return frame[:len(frame)-1], nil
	case FrameU32BE, FrameU32LE:
		return frame[headerSize:], nil
	case FrameJSON:
		frame = bytes.TrimLeft(frame, jsonSpace)
		frame = bytes.TrimRight(frame, jsonSpace)
		if !json.Valid(frame) {
			return frame, ErrBadFrame
		}
	}
	return frame, nil
}

// Rest is what an unfinished frame says at the end of the stream, and whether
// that makes it complete after all. Nothing but white space is no frame of JSON.
func (f Frame) Rest(frame []byte) (message []byte, complete bool) {
	switch f {
	case FrameEOF:
		return frame, true
	case FrameJSON:
		frame = bytes.Trim(frame, jsonSpace)
		return frame, json.Valid(frame)
	case FrameU32BE, FrameU32LE:
		return frame[min(len(frame), headerSize):], false
	}
	return frame, false
}

// jsonSpace is what may stand between JSON values: RFC 8259, section 2.
const jsonSpace = " \t\r\n"

// jsonState is how far a JSON value is.
type jsonState struct {
	depth    int // of objects and arrays
	inString bool
	escaped  bool
	scalar   bool // a number or a word, which ends where something else begins
}

// feed looks for the end of the value by its brackets and quotes.
func (s *jsonState) feed(b []byte) (n int, end bool, err error) {
	for i, c := range b {
		isSpace := c == ' ' || c == '\t' || c == '\r' || c == '\n'
		switch {
		case s.inString && s.escaped:
			s.escaped = false
		case s.inString && c == '\\':
			s.escaped = true
		case s.inString:
			s.inString = c != '"'
			if !s.inString && s.depth == 0 {
				return i + 1, true, nil
			}
		case s.scalar:
			if isSpace {
				return i + 1, true, nil
			}
			if c == '{' || c == '[' || c == '"' {
				return i, true, nil
			}
		case c == '"':
			s.inString = true
		case c == '{' || c == '[':
			s.depth++
		case c == '}' || c == ']':
			if s.depth--; s.depth < 0 {
				return i + 1, false, ErrBadFrame
			}
			if s.depth == 0 {
				return i + 1, true, nil
			}
		case s.depth == 0 && !isSpace:
			s.scalar = true
		}
	}
	return len(b), false, nil
}
