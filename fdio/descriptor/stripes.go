package descriptor

import (
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"fdmsg/fdio/internal/chars"
)

// A stripe is a part of a Deferred content: of text, the characters that begin in
// so many bytes of it; the last may be longer. Two are read and worked on at once,
// each by a processor of its own.
type stripe struct {
	data       []byte // as long as what is done with the stripe has not returned
	start, end int64  // in the content
	err        error  // what ends the content before its size, in the last
	last       bool

	until int64 // what has been read, in the content
	valid bool  // as UTF-8
}

// cut makes the stripe the last, and n bytes long, for that error.
func (s *stripe) cut(n int, err error) {
	s.end, s.err, s.last = s.start+int64(n), err, true
	s.until = s.end
	s.data = s.data[:min(n, len(s.data))]
}

// A stripe and what becomes of it fit the caches. Its size is a multiple of three,
// of which base64 makes whole digits.
const (
	stripeSize = 96 << 10
	stripeRead = stripeSize + utf8.UTFMax - 1 // the last character may go on
)

// reading is how far a Deferred content has been read.
type reading struct {
	offset int64
	lanes  [2]lane
}

// lane reads one stripe after the other.
type lane struct {
	reader fileReader
	memory []byte
}

// next reads the next stripes and calls do for each, with its index, on two
// processors at once if there are as many. It returns them, the last one at most:
// it is not to be called again after that.
func (d *Deferred) next(r *reading, stripes []stripe, do func(i int, s *stripe)) []stripe {
	offset := r.offset
	n := int(min(int64(len(stripes)), 1+max(0, d.Size-offset-stripeRead+stripeSize-1)/stripeSize))
	r.offset += int64(n) * stripeSize
	var taken atomic.Int32
	work := func(l *lane) {
		for i := int(taken.Add(1)) - 1; i < n; i = int(taken.Add(1)) - 1 {
			d.read(l, &stripes[i], offset+int64(i)*stripeSize)
			do(i, &stripes[i])
			if stripes[i].last {
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
		if stripes[i].last { // earlier than expected
			return stripes[:i+1]
		}
	}
	return stripes[:n]
}

// read reads the stripe that begins at offset, or with the first character after
// it. It is the last if the content ends in what is read.
func (d *Deferred) read(l *lane, s *stripe, offset int64) {
	if l.memory == nil {
		l.memory = make([]byte, stripeRead)
		l.reader = newFileReader(d.fd, d.flags)
	}
	b := l.memory[:max(0, min(stripeRead, d.Size-offset))]
	n, err := l.reader.readFull(b, offset)
	if err == nil && n < len(b) {
		err = ErrChanged
	}
	b = b[:n]
	s.err, s.until = err, offset+int64(n)
	s.last = err != nil || s.until == d.Size
	start, end := 0, n
	if !s.last {
		end = stripeSize
	}
	if d.IsText {
		for offset > 0 && start < min(n, utf8.UTFMax-1) && !utf8.RuneStart(b[start]) {
			start++
		}
		if whole := chars.Whole(b[:end]); whole < end {
			end = whole
			if !s.last {
				_, size := utf8.DecodeRune(b[whole:])
				end += size
			}
		}
	}
	s.data, s.start, s.end = b[start:end], offset+int64(start), offset+int64(end)
}
