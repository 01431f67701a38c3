package frame

import (
	"errors"
	"io"
)

// ErrUnfinished is the error of Reader.Next if the stream ended in the middle of a
// frame.
var ErrUnfinished = errors.New("the stream ended in the middle of a frame")

// Reader reads frames from a stream of any origin.
type Reader struct {
	assembler *Assembler
	receive   func() (Received, error)
	err       error // of receive
}

// NewReader returns a Reader of frames of a kind whose messages have at most max bytes.
// It calls receive for each chunk of the stream, whose memory must not change until the
// next call, and takes over the descriptors in its control messages. The error io.EOF
// from receive is the end of the stream.
func NewReader(kind Kind, max int, receive func() (Received, error)) *Reader {
	return &Reader{assembler: NewAssembler(kind, max), receive: receive}
}

// Next returns the next frame, whose descriptors belong to the caller. The frame is valid
// until Next is called again. The error is io.EOF at the end of the stream, ErrUnfinished
// together with the part of a frame that has come, an error of Splitter.Feed,
// ErrTooManyDescriptors, or an error of receive.
func (r *Reader) Next() (Frame, error) {
	for {
		f, ok, err := r.assembler.Next()
		switch {
		case ok || err != nil:
			return f, err
		case r.err != nil:
			return r.end()
		}
		var chunk Received
		if chunk, r.err = r.receive(); r.err == nil {
			r.assembler.Add(chunk)
		}
	}
}

// end returns what is left when no more can be received.
func (r *Reader) end() (Frame, error) {
	if r.err != io.EOF {
		return Frame{}, r.err
	}
	switch f, e := r.assembler.Rest(); e {
	case Complete:
		return f, nil
	case Unfinished:
		return f, ErrUnfinished
	}
	return Frame{}, io.EOF
}

// Abandon ends the reading. It returns the control messages that belong to no frame that
// Next has returned; the descriptors in them belong to the caller.
func (r *Reader) Abandon() (control []byte) { return r.assembler.Abandon() }
