package descriptor

import (
	"errors"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Unread is a content that was looked at and left in its file, to be read again
// when it is wanted: as long as the descriptor is open.
type Unread struct {
	Size   int64 // bytes
	IsText bool  // they are UTF-8

	fd, flags int
}

// ErrChanged is the error of a content that is not any more what it was when it
// was looked at.
var ErrChanged = errors.New("changed while it was read")

// A Stripe is a part of an Unread content: of text, the characters that begin in
// so many bytes of it; the last may be longer.
type Stripe struct {
	Data       []byte // as long as what is done with the stripe has not returned
	Start, End int64  // in the content
	Err        error  // what ends the content before its size, in the last
	Last       bool

	until int64 // what has been read, in the content
	valid bool
}

// Cut makes the stripe the last, and n bytes long, for that error.
func (s *Stripe) Cut(n int, err error) {
	s.End, s.Err, s.Last = s.Start+int64(n), err, true
	s.until = s.End
	s.Data = s.Data[:min(n, len(s.Data))]
}

// Of each stripe base64 makes whole digits: the size is a multiple of three. It
// fits the caches, with what becomes of it.
const (
	stripeSize = 96 << 10
	stripeRead = stripeSize + utf8.UTFMax - 1 // the last character may go on
)

// Reading is how far an Unread content has been read.
type Reading struct {
	offset int64
	lanes  [2]lane
}

// lane reads one stripe after the other.
type lane struct {
	reader fileReader
	memory []byte
}

// Next reads the next stripes and calls do for each, with its index, on two
// processors at once if there are as many. It returns them, the last one at most:
// it is not to be called again after that.
func (u *Unread) Next(r *Reading, stripes []Stripe, do func(i int, s *Stripe)) []Stripe {
	offset := r.offset
	n := int(min(int64(len(stripes)), 1+max(0, u.Size-offset-stripeRead+stripeSize-1)/stripeSize))
	r.offset += int64(n) * stripeSize
	var taken atomic.Int32
	work := func(l *lane) {
		for i := int(taken.Add(1)) - 1; i < n; i = int(taken.Add(1)) - 1 {
			u.read(l, &stripes[i], offset+int64(i)*stripeSize)
			do(i, &stripes[i])
			if stripes[i].Last {
				taken.Store(int32(n)) // none of those after it
			}
		}
	}
	var other sync.WaitGroup
	if n > 1 {
		other.Go(func() { work(&r.lanes[1]) })
	}
	work(&r.lanes[0])
	other.Wait()
	for i := range n - 1 {
		if stripes[i].Last { // earlier than it was thought
			return stripes[:i+1]
		}
	}
	return stripes[:n]
}

// read reads the stripe that begins at offset, or with the first character after
// it. It is the last if the content ends in what is read.
func (u *Unread) read(l *lane, s *Stripe, offset int64) {
	if l.memory == nil {
		l.memory = make([]byte, stripeRead)
		l.reader = newFileReader(u.fd, u.flags)
	}
	b := l.memory[:max(0, min(stripeRead, u.Size-offset))]
	n, err := l.reader.readFull(b, offset)
	if err == nil && n < len(b) {
		err = ErrChanged
	}
	b = b[:n]
	s.Err, s.until = err, offset+int64(n)
	s.Last = err != nil || s.until == u.Size
	start, end := 0, n
	if !s.Last {
		end = stripeSize
	}
	if u.IsText {
		for offset > 0 && start < min(n, utf8.UTFMax-1) && !utf8.RuneStart(b[start]) {
			start++
		}
		if whole := WholeCharacters(b[:end]); whole < end {
			end = whole
			if !s.Last {
				_, size := utf8.DecodeRune(b[whole:])
				end += size
			}
		}
	}
	s.Data, s.Start, s.End = b[start:end], offset+int64(start), offset+int64(end)
}

// readFull reads until b is full or the file ends.
func (r *fileReader) readFull(b []byte, offset int64) (n int, err error) {
	for n < len(b) {
		_, got, err := appendRead(b[:n:len(b)], int64(len(b)-n), func(b []byte) (int, error) {
			return r.read(b, offset+int64(n))
		})
		n += got
		if err != nil || got == 0 {
			return n, err
		}
	}
	return n, nil
}

// lookAt leaves the content of a file where it is, and sees what it is: text, as
// far as the limit. What is none need not be read to its end to know that.
func (d *Descriptor) lookAt(p patience, limit int64) {
	u := &Unread{Size: min(d.Inode.Size, limit), IsText: true, fd: d.FD, flags: d.Flags}
	d.Content.Truncated = d.Inode.Size > limit
	var (
		reading Reading
		stripes [64]Stripe
		done    int64
	)
	look := func(_ int, s *Stripe) {
		s.valid = utf8.Valid(s.Data)
		if err := p.over(); !s.Last && (err != nil || !s.valid) {
			s.Cut(len(s.Data), err)
		}
	}
	for last := false; u.IsText && !last; {
		for _, s := range u.Next(&reading, stripes[:], look) {
			u.IsText = u.IsText && s.valid && s.Start == done
			done, last = s.End, s.Last
			if s.Err != ErrChanged { // a file that has become shorter has all that it has
				d.Content.Err = s.Err
			}
			if last && (u.IsText || s.Err != nil) {
				u.Size = s.until
			}
		}
	}
	if u.IsText && done < u.Size { // a part of a character
		if d.Content.Truncated {
			u.Size = done
		} else {
			u.IsText = false
		}
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
