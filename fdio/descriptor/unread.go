package descriptor

import (
	"errors"
	"unicode/utf8"
)

// Unread is a content that was looked at and left in its file, to be read again
// when it is wanted: as long as the descriptor is open.
type Unread struct {
	Size   int64 // bytes
	IsText bool  // they are UTF-8

	reader fileReader
}

// ErrChanged is the error of a content that is not any more what it was when it
// was looked at.
var ErrChanged = errors.New("changed while it was read")

// ReadAt reads like pread(2), until b is full or the content ends.
func (u *Unread) ReadAt(b []byte, offset int64) (n int, err error) {
	b = b[:min(int64(len(b)), max(0, u.Size-offset))]
	for n < len(b) {
		_, got, err := appendRead(b[:n:len(b)], int64(len(b)-n), func(b []byte) (int, error) {
			return u.reader.read(b, offset+int64(n))
		})
		n += got
		if err != nil || got == 0 {
			return n, err
		}
	}
	return n, nil
}

// lookSize is how much lookAt reads at once.
const lookSize = 256 << 10

// lookAt leaves the content of a file where it is, and sees what it is: text, as
// far as the limit. What is none need not be read to its end to know that.
func (d *Descriptor) lookAt(p patience, limit int64) {
	u := &Unread{Size: min(d.Inode.Size, limit), IsText: true, reader: newFileReader(d.FD, d.Flags)}
	d.Content.Truncated = d.Inode.Size > limit
	b, part := make([]byte, lookSize), 0 // of a character
	for offset := int64(0); offset < u.Size && u.IsText; {
		n, err := u.ReadAt(b[part:], offset)
		if err == nil {
			err = p.over()
		}
		offset += int64(n)
		if err != nil || n == 0 { // what has come until here is all
			d.Content.Err = err
			u.Size = offset
			break
		}
		whole := WholeCharacters(b[:part+n])
		u.IsText = utf8.Valid(b[:whole])
		part = copy(b, b[whole:part+n])
	}
	switch {
	case !u.IsText || part == 0:
	case d.Content.Truncated:
		u.Size -= int64(part)
	default:
		u.IsText = false
	}
	if u.Size > 0 {
		d.Content.Unread = u
	}
}

// WholeCharacters is how long b is without the part of a UTF-8 character at its
// end.
func WholeCharacters(b []byte) int {
	for i := len(b) - 1; i >= 0 && i > len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}
