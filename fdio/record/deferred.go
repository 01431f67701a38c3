package record

import (
	"io"

	"fdmsg/fdio/descriptor"
)

// deferredValue is a content that is read from its file as its line is written.
type deferredValue struct {
	content *descriptor.Content
	pieces  *descriptor.Pieces
	size    int64 // bytes of the content that are in the line
}

// appendDeferred leaves a content to large, with the fields that follow it: they are
// known when it has been read. Where large is nil it is read now.
func appendDeferred(dst []byte, c *descriptor.Content, large *[]largeValue) []byte {
	key := "content"
	if !c.Deferred.IsText {
		key = "content_base64"
	}
	dst = append(appendKey(dst, key), '"')
	v := largeValue{at: len(dst), deferred: deferredValue{content: c}}
	if large != nil {
		*large = append(*large, v)
		return dst
	}
	return v.appendAll(dst)
}

// next is largeValue.next. What has changed since the content was looked at ends it.
func (d *deferredValue) next() (pieces [][]byte, more bool) {
	c := d.content
	if d.pieces == nil {
		isText := c.Deferred.IsText
		d.pieces = c.Deferred.Pieces(func(dst, data []byte) []byte { return appendData(dst, data, isText) })
	}
	pieces, n, err := d.pieces.Next()
	d.size += n
	if err == nil {
		return pieces, true
	}
	if err == io.EOF {
		err = c.Err
	}
	last := &pieces[len(pieces)-1]
	*last = appendInt(append(*last, '"'), "content_size", d.size)
	*last = appendOutcome(*last, c.Truncated, err)
	return pieces, false
}
