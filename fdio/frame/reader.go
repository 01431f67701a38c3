package frame

import (
	"errors"
	"io"
)

// ErrUnfinished is the error of Reader.Next for what had come of a frame when the
// stream ended.
var ErrUnfinished = errors.New("the stream ended in the middle of a frame")

// Reader reads frames from any stream that can be received from.
type Reader struct {
	assembler *Assembler
	receive   func() (Received, error)
	err       error // of receive
}

// NewReader makes a Reader of frames of a kind, whose messages have at most max
// bytes. It calls receive for each chunk of the stream, which must stay as it is
// until the next call, and takes over the descriptors in its control messages; io.EOF
// is the end.
func NewReader(kind Kind, max int, receive func() (Received, error)) *Reader {
	return &Reader{assembler: NewAssembler(kind, max), receive: receive}
}

// Next returns the next frame, the descriptors of which are the caller's. The frame is
// good until Next is called again. The error is io.EOF at the end of the stream,
// ErrUnfinished with what has come of the last frame, one of the errors of Splitter,
// or that of receiving.
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

// end returns what is left when nothing more can be received.
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

// Abandon ends the reading. It returns the control messages that came and went with
// no frame: the descriptors in them are the caller's.
func (r *Reader) Abandon() (control []byte) { return r.assembler.Abandon() }
