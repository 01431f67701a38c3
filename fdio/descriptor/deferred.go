package descriptor

import (
	"errors"
	"io"
	"unicode/utf8"

	"fdmsg/fdio/internal/chars"

	"golang.org/x/sys/unix"
)

// Deferred is the content of a file that was looked at and left in the file until
// it is wanted, so that a large one is never in memory as a whole. It can be read
// as long as the descriptor is open. The descriptor stays its owner's.
type Deferred struct {
	Size   int64 // bytes
	IsText bool  // they are UTF-8

	fd, flags int
	before    unix.Statx_t // what the file was when it was looked at
}

// ErrChanged is the error of a content that is no longer what it was when it was
// looked at, or of which that is not sure: the file was written to in the meantime.
var ErrChanged = errors.New("changed while it was read")

// Pieces are a Deferred content as it is read, from the beginning to the end.
type Pieces struct {
	content   *Deferred
	transform func(dst, data []byte) []byte
	reading   reading
	stripes   [maxPieces]stripe
	made      [maxPieces][]byte
	done      int64 // bytes of the content
}

// maxPieces is how many pieces there are at once.
const maxPieces = 8

// Pieces returns what transform makes of the content, piece by piece. transform
// appends what data becomes to dst, and is called from two goroutines at once. A
// piece of text is whole characters; any other has a multiple of three bytes, but
// for the last, so that base64 needs no padding between them.
func (d *Deferred) Pieces(transform func(dst, data []byte) []byte) *Pieces {
	return &Pieces{content: d, transform: transform}
}

// Next reads on, and returns the next pieces, in order, and how many bytes of the
// content they are. The pieces are the caller's until the next call. With the last
// of them comes an error, after which there are no more: io.EOF if that is the
// whole content, else what ended it early, or ErrChanged if some of it may be older
// than the rest. What was text and is not any more ends there.
func (p *Pieces) Next() (pieces [][]byte, n int64, err error) {
	read := p.content.next(&p.reading, p.stripes[:], p.make)
	start := p.done
	for i := range read {
		s := &read[i]
		if s.start != p.done {
			s.cut(0, ErrChanged)
			p.made[i] = p.made[i][:0]
		}
		p.done += s.end - s.start
		if s.last {
			return p.made[:i+1], p.done - start, p.end(s.err)
		}
	}
	return p.made[:len(read)], p.done - start, nil
}

// make makes piece i of a stripe.
func (p *Pieces) make(i int, s *stripe) {
	if p.content.IsText {
		if valid := chars.Valid(s.data); valid < len(s.data) {
			s.cut(valid, ErrChanged)
		}
	}
	p.made[i] = p.transform(p.made[i][:0], s.data)
}

// end returns what the last stripe, which ended with err, is the end of.
func (p *Pieces) end(err error) error {
	switch {
	case err != nil:
		return err
	case p.done < p.content.Size: // a part of a character
		return ErrChanged
	case changed(p.content.fd, &p.content.before):
		return ErrChanged
	}
	return io.EOF
}

// lookAt leaves the content of a file where it is, and finds out what it is: text
// as far as the limit, or not. What is none need not be read to its end for that.
func (d *Descriptor) lookAt(p patience, limit int64) {
	content := &Deferred{Size: min(d.Inode.Size, limit), IsText: true, fd: d.FD, flags: d.Flags}
	var err error
	if content.before, err = stat(d.FD); err != nil {
		d.Content.Err = err
		return
	}
	d.Content.Truncated = d.Inode.Size > limit
	var (
		reading reading
		stripes [64]stripe
		done    int64
	)
	look := func(_ int, s *stripe) {
		s.valid = utf8.Valid(s.data)
		if err := p.over(); !s.last && (err != nil || !s.valid) {
			s.cut(len(s.data), err)
		}
	}
	for last := false; content.IsText && !last; {
		for _, s := range content.next(&reading, stripes[:], look) {
			content.IsText = content.IsText && s.valid && s.start == done
			done, last = s.end, s.last
			if s.err != ErrChanged { // a file that has become shorter has all that it has
				d.Content.Err = s.err
			}
			if last && (content.IsText || s.err != nil) {
				content.Size = s.until
			}
		}
	}
	if content.IsText && done < content.Size { // a part of a character
		if d.Content.Truncated {
			content.Size = done
		} else {
			content.IsText = false
		}
	}
	if content.Size > 0 {
		d.Content.Deferred = content
	}
}
