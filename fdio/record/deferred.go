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

// appendDeferred leaves a content to apart, with the fields that follow it: they
// are known when it has been read. Without apart it is read now.
func appendDeferred(dst []byte, c *descriptor.Content, apart *Apart) []byte {
	key := "content"
	if !c.Deferred.IsText {
		key = "content_base64"
	}
	dst = append(appendKey(dst, key), '"')
	v := Value{At: len(dst), deferred: deferredValue{content: c}}
	if apart != nil {
		*apart = append(*apart, v)
		return dst
	}
	return v.appendRest(dst)
}

// next is Value.Next. What has changed since the content was looked at ends it.
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
