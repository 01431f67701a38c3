package record

import (
	"cmp"
	"unicode/utf8"

	"fdmsg/fdio/descriptor"
)

// unreadState is how far a content that is still in its file has been read.
type unreadState struct {
	memory []byte // to read into; what is in it has not been written yet
	read   int64
	done   int64 // bytes that have been written
}

// appendUnread leaves a content to apart, with the fields that follow it: they
// are known when it has been read. Without apart it is read now.
func appendUnread(dst []byte, c *descriptor.Content, apart *Apart) []byte {
	key := "content"
	if !c.Unread.IsText {
		key = "content_base64"
	}
	dst = append(appendKey(dst, key), '"')
	v := Value{At: len(dst), unread: c}
	if apart != nil {
		*apart = append(*apart, v)
		return dst
	}
	for more := true; more; {
		dst, more = v.AppendNext(dst, wholePiece)
	}
	return dst
}

// appendNext is Value.AppendNext. A file may have changed since it was looked at:
// what is not as it was any more ends the content.
func (s *unreadState) appendNext(dst []byte, c *descriptor.Content, size int) (line []byte, more bool) {
	u := c.Unread
	if cap(s.memory) < size {
		s.memory = append(make([]byte, 0, size), s.memory...)
	}
	kept := len(s.memory)
	data := s.memory[:size]
	n, err := u.ReadAt(data[kept:], s.read)
	s.read += int64(n)
	more = s.read < u.Size && n == size-kept
	if data = data[:kept+n]; !more && s.read < u.Size {
		err = cmp.Or(err, descriptor.ErrChanged)
	}
	piece := data
	switch {
	case u.IsText:
		if more {
			piece = data[:descriptor.WholeCharacters(data)]
		}
		if valid := validPrefix(piece); valid < len(piece) {
			piece, more, err = piece[:valid], false, descriptor.ErrChanged
		}
	case more:
		piece = data[:size-size%3] // base64 needs no padding after it
	}
	dst = appendData(dst, piece, u.IsText)
	s.done += int64(len(piece))
	s.memory = s.memory[:copy(s.memory[:size], data[len(piece):])]
	if more {
		return dst, true
	}
	dst = appendInt(append(dst, '"'), "content_size", s.done)
	return appendOutcome(dst, c.Truncated, cmp.Or(err, c.Err)), false
}

// validPrefix is how long the UTF-8 is that b begins with.
func validPrefix(b []byte) (n int) {
	if utf8.Valid(b) {
		return len(b)
	}
	for {
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size <= 1 {
			return n
		}
		n += size
	}
}
