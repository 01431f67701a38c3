package record

import (
	"cmp"
	"unicode/utf8"

	"fdmsg/fdio/descriptor"
)

// unreadState is how far a content that is still in its file has been read.
type unreadState struct {
	reading descriptor.Reading
	made    [8][]byte // of so many stripes
	done    int64     // bytes of the content
}

// appendUnread leaves a content to large, with the fields that follow it: they are
// known when it has been read. Where large is nil it is read now.
func appendUnread(dst []byte, c *descriptor.Content, large *[]largeValue) []byte {
	key := "content"
	if !c.Unread.IsText {
		key = "content_base64"
	}
	dst = append(appendKey(dst, key), '"')
	v := largeValue{at: len(dst), unread: c}
	if large != nil {
		*large = append(*large, v)
		return dst
	}
	return v.appendAll(dst)
}

// next is largeValue.next. A file may have changed since it was looked at: what is not
// as it was any more ends the content.
func (s *unreadState) next(c *descriptor.Content) (pieces [][]byte, more bool) {
	u := c.Unread
	var stripes [len(s.made)]descriptor.Stripe
	read := u.Next(&s.reading, stripes[:], func(i int, stripe *descriptor.Stripe) {
		if u.IsText {
			if valid := validPrefix(stripe.Data); valid < len(stripe.Data) {
				stripe.Cut(valid, descriptor.ErrChanged)
			}
		}
		s.made[i] = appendData(s.made[i][:0], stripe.Data, u.IsText)
	})
	for i := range read {
		stripe := &read[i]
		if stripe.Start != s.done {
			stripe.Cut(0, descriptor.ErrChanged)
			s.made[i] = s.made[i][:0]
		}
		s.done += stripe.End - stripe.Start
		if stripe.Last {
			err := stripe.Err
			if err == nil && s.done < u.Size { // a part of a character
				err = descriptor.ErrChanged
			}
			s.made[i] = appendInt(append(s.made[i], '"'), "content_size", s.done)
			s.made[i] = appendOutcome(s.made[i], c.Truncated, cmp.Or(err, c.Err))
			return s.made[:i+1], false
		}
	}
	return s.made[:], true
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
