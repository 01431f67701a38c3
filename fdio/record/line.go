package record

import (
	"io"
	"time"
	"unicode/utf8"

	"fdmsg/fdio/descriptor"
)

// Line is a line without its head, which may be large: a message or a content of
// more than 16 KiB is turned into JSON piece by piece while the line is written. Until
// then, the memory and the files that the line was made from must not change. The
// zero Line is empty.
type Line struct {
	text  []byte // without the large values
	large []largeValue
}

// Message sets l to the line of a received message, as AppendMessage appends it.
func (l *Line) Message(m *Message) {
	l.Reset()
	l.text = appendMessage(l.text, m, &l.large)
}

// Opened sets l to the line of descriptors that were opened.
func (l *Line) Opened(opened time.Time, descriptors []descriptor.Descriptor) {
	l.Reset()
	l.text = appendTime(l.text, "time", opened)
	l.text = appendDescriptors(l.text, descriptors, &l.large)
	l.text = append(l.text, '}', '\n')
}

// WriteTo writes the line to w, with its newline, in pieces of about 64 KiB. It can be
// called more than once.
func (l *Line) WriteTo(w io.Writer) (written int64, err error) {
	write := func(b []byte) {
		if err == nil && len(b) > 0 {
			var n int
			n, err = w.Write(b)
			written += int64(n)
		}
	}
	done := 0
	for _, v := range l.large {
		write(l.text[done:v.at])
		done = v.at
		for more := true; more && err == nil; {
			var pieces [][]byte
			pieces, more = v.next()
			for _, piece := range pieces {
				write(piece)
			}
		}
	}
	write(l.text[done:])
	return written, err
}

// Large reports whether the line has values that become JSON only as it is written.
func (l *Line) Large() bool { return len(l.large) > 0 }

// Reset empties l, and keeps no reference to what it was made from.
func (l *Line) Reset() {
	clear(l.large)
	l.text, l.large = l.text[:0], l.large[:0]
}

// Bytes returns the whole line.
func (l *Line) Bytes() []byte {
	if len(l.large) == 0 {
		return l.text
	}
	size := len(l.text)
	for i := range l.large {
		size += l.large[i].size()
	}
	whole := appender(make([]byte, 0, size))
	l.WriteTo(&whole) // appending never fails
	return whole
}

// appender is an io.Writer that appends.
type appender []byte

func (a *appender) Write(b []byte) (int, error) {
	*a = append(*a, b...)
	return len(b), nil
}

// largeValue is a value of a line that is turned into JSON when the line is written.
type largeValue struct {
	at int // its place in the text of the line

	data     []byte // what has not been written yet
	isText   bool
	made     [1][]byte
	deferred deferredValue // instead of data, if it has a content
}

// largeSize is the most bytes of a value that is not large.
const largeSize = 16 << 10

// pieceSize is how many bytes of a value are turned into JSON at once. It is small
// enough for them to remain in the caches until they are written.
const pieceSize = 64 << 10

// next returns the JSON of the next bytes of the value, in pieces that are valid
// until it is called again, and reports whether there are more.
func (v *largeValue) next() (pieces [][]byte, more bool) {
	if v.deferred.content != nil {
		return v.deferred.next()
	}
	size := min(pieceSize, len(v.data))
	if size < len(v.data) {
		if v.isText {
			for !utf8.RuneStart(v.data[size]) {
				size--
			}
		} else {
			size -= size % 3 // so that base64 needs no padding here
		}
	}
	v.made[0] = appendData(v.made[0][:0], v.data[:size], v.isText)
	v.data = v.data[size:]
	return v.made[:], len(v.data) > 0
}

// appendAll appends the JSON of the whole value.
func (v *largeValue) appendAll(dst []byte) []byte {
	for more := true; more; {
		var pieces [][]byte
		pieces, more = v.next()
		for _, piece := range pieces {
			dst = append(dst, piece...)
		}
	}
	return dst
}

func appendData(dst, data []byte, isText bool) []byte {
	if isText {
		return appendEscaped(dst, data)
	}
	return appendBase64Text(dst, data)
}

// size returns about how many bytes of JSON the value will be.
func (v *largeValue) size() int {
	n := len(v.data)
	if v.deferred.content != nil {
		n = int(v.deferred.content.Size())
	}
	return n + n/3 + blockRoom // text may need more, but rarely does
}

// appendValue appends data as appendText does. If large is not nil and data is large,
// it adds data to large instead.
func appendValue(dst []byte, key string, data []byte, isText bool, large *[]largeValue) []byte {
	switch {
	case large != nil && len(data) > largeSize:
		if !isText {
			key += "_base64"
		}
		dst = append(appendKey(dst, key), '"')
		*large = append(*large, largeValue{at: len(dst), data: data, isText: isText})
		return append(dst, '"')
	case isText:
		return AppendQuote(appendKey(dst, key), data)
	}
	return appendBase64(dst, key+"_base64", data)
}
