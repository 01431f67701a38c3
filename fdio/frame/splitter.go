package frame

import "fmt"

// Splitter finds the ends of frames in a stream. It keeps no bytes of it, and a copy of
// a Splitter can look ahead.
type Splitter struct {
	Kind Kind
	Max  int // the most bytes of a message

	size   int              // bytes of the current frame so far
	length [lengthSize]byte // of the current frame, if it follows its length
	json   jsonState
}

// Feed takes b, the next bytes of the stream. It returns how many of them belong to the
// current frame, and whether the frame ends with them. They may be none: a number in JSON
// ends where another value begins. The error is ErrTooLong or ErrInvalidJSON; then it is
// not known where the next frame begins.
func (s *Splitter) Feed(b []byte) (n int, end bool, err error) {
	n, end, err = s.Kind.table().split(s, b)
	s.size += n
	if end || err != nil {
		*s = Splitter{Kind: s.Kind, Max: s.Max}
	}
	return n, end, err
}

// limit fails if n more bytes would make the message longer than Max.
func (s *Splitter) limit(n int) error {
	if s.size+n > s.Max {
		return fmt.Errorf("%w: more than %d bytes", ErrTooLong, s.Max)
	}
	return nil
}
