package record

import (
	"unicode/utf8"
)

// Apart are the large values of a line that are left out of it, in order: what
// they become need not be in memory as a whole.
type Apart []Value

// Value is a value that belongs into a line.
type Value struct {
	At int // in front of this byte of the line as it is without any of them

	data     []byte // what is not written yet
	made     [1][]byte
	isText   bool
	deferred deferredValue // instead of data, if it has a content
}

// apartSize is how many bytes a value has that is not large.
const apartSize = 16 << 10

// PieceSize is how many bytes of a value in memory are made ready to be written at
// once: so few that they do not leave the caches on their way.
const PieceSize = 64 << 10

// Next returns what the next bytes of the value become in the line, in pieces, which
// are the value's again with the next call, and reports whether there are more.
func (v *Value) Next() (pieces [][]byte, more bool) {
	if v.deferred.content != nil {
		return v.deferred.next()
	}
	size := min(PieceSize, len(v.data))
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

// appendRest appends all that the value becomes.
func (v *Value) appendRest(dst []byte) []byte {
	for more := true; more; {
		var pieces [][]byte
		pieces, more = v.Next()
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
func (v *Value) size() int {
	n := len(v.data)
	if v.deferred.content != nil {
		n = int(v.deferred.content.Size())
	}
	return n + n/3 + blockRoom // text may need more, but rarely does
}

// Whole is a line with all that was left out of it.
func Whole(line []byte, apart Apart) []byte {
	if len(apart) == 0 {
		return line
	}
	size := len(line)
	for _, v := range apart {
		size += v.size()
	}
	whole, done := make([]byte, 0, size), 0
	for _, v := range apart {
		whole = append(whole, line[done:v.At]...)
		whole = v.appendRest(whole)
		done = v.At
	}
	return append(whole, line[done:]...)
}

// appendValue appends data as appendText does, or leaves it to apart.
func appendValue(dst []byte, key string, data []byte, isText bool, apart *Apart) []byte {
	switch {
	case apart != nil && len(data) > apartSize:
		if !isText {
			key += "_base64"
		}
		dst = append(appendKey(dst, key), '"')
		*apart = append(*apart, Value{At: len(dst), data: data, isText: isText})
		return append(dst, '"')
	case isText:
		return AppendQuote(appendKey(dst, key), data)
	}
	return appendBase64(dst, key+"_base64", data)
}
