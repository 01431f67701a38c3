package frame

import "fmt"

// Splitter finds the ends of frames in a stream, without keeping a byte of it. It
// is a value: a copy can look ahead.
type Splitter struct {
	Kind Kind
	Max  int // the most bytes that a message may have

	size   int              // bytes fed of the frame that is under way
	length [lengthSize]byte // of a frame that follows its length
	json   jsonState
}

// Feed looks at b, which comes next in the stream, and returns how many bytes of b
// belong to the frame that is under way, and whether the frame ends with them. That
// may be no byte: a number of JSON ends where something else begins. The errors
// are ErrTooLong and ErrInvalidJSON; where the next frame begins is not known then.
func (s *Splitter) Feed(b []byte) (n int, end bool, err error) {
	n, end, err = s.Kind.table().split(s, b)
	s.size += n
	if end || err != nil {
		*s = Splitter{Kind: s.Kind, Max: s.Max}
	}
	return n, end, err
}

// limit fails where the message would have more than Max bytes with n more.
func (s *Splitter) limit(n int) error {
	if s.size+n > s.Max {
		return fmt.Errorf("%w: more than %d bytes", ErrTooLong, s.Max)
	}
	return nil
}
