package record

import (
	"io"
	"time"
	"unicode/utf8"

	"fdmsg/fdio/descriptor"
)

// Line is the rest of a line, after its head, that may be large: a message or a
// content of more than 16 KiB is turned into JSON only while the line is written,
// piece by piece. Until then the memory, and the files, that the line was made of
// must stay as they are. The zero Line is empty.
type Line struct {
	text  []byte // without the large values
	large []largeValue
}

// Message makes l the line of a received message: what AppendMessage appends.
func (l *Line) Message(m *Message) {
	l.Reset()
	l.text = appendMessage(l.text, m, &l.large)
}

// Opened makes l the line of descriptors that were opened.
func (l *Line) Opened(opened time.Time, descriptors []descriptor.Descriptor) {
	l.Reset()
	l.text = appendTime(l.text, "time", opened)
	l.text = appendDescriptors(l.text, descriptors, &l.large)
	l.text = append(l.text, '}', '\n')
}

// WriteTo writes the line to w, newline included, in pieces of about 64 KiB. It can
// be called again.
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

// Large reports whether the line has values that are made only as it is written.
func (l *Line) Large() bool { return len(l.large) > 0 }

// Reset makes l empty, and gives up the memory of what it was made of.
func (l *Line) Reset() {
	clear(l.large)
	l.text, l.large = l.text[:0], l.large[:0]
}

// Bytes is the whole line.
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
	at int // where it belongs in the text of the line

	data     []byte // what is not written yet
	isText   bool
	made     [1][]byte
	deferred deferredValue // instead of data, if it has a content
}

// largeSize is how many bytes a value has that is not large.
const largeSize = 16 << 10

// pieceSize is how many bytes of a value are turned into JSON at once: so few that
// they do not leave the caches on their way.
const pieceSize = 64 << 10

// next returns what the next bytes of the value become, in pieces, which are good
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
			size -= size % 3 // base64 needs no padding after it
		}
	}
	v.made[0] = appendData(v.made[0][:0], v.data[:size], v.isText)
	v.data = v.data[size:]
	return v.made[:], len(v.data) > 0
}

// appendAll appends all that the value becomes.
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

// size is about how many bytes the value becomes.
func (v *largeValue) size() int {
	n := len(v.data)
	if v.deferred.content != nil {
		n = int(v.deferred.content.Size())
	}
	return n + n/3 + blockRoom // text may need more, but rarely does
}

// appendValue appends data as appendText does, or leaves it to large, unless that
// is nil.
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
