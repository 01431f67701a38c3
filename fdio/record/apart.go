package record

import "unicode/utf8"

// Apart are the large values of a line that are left out of it, in order: what
// they become need not be in memory as a whole.
type Apart []Value

// Value is a value that belongs into a line.
type Value struct {
	At int // in front of this byte of the line as it is without any of them

	data   []byte // what is not written yet
	isText bool
}

// apartSize is how many bytes a value has that is not large.
const apartSize = 16 << 10

// Left is how many bytes of the value have not been cut off.
func (v *Value) Left() int { return len(v.data) }

// Cut cuts the first bytes off the value, at most size of them, which are at least
// four, as a value of their own. What they become in the line and what the rest
// becomes there are together what the value would have become.
func (v *Value) Cut(size int) Value {
	piece := *v
	if len(v.data) > size {
		if v.isText {
			for !utf8.RuneStart(v.data[size]) {
				size--
			}
		} else {
			size -= size % 3 // base64 needs no padding after it
		}
		piece.data = v.data[:size]
	}
	v.data = v.data[len(piece.data):]
	return piece
}

// Append appends what the value becomes in the line.
func (v *Value) Append(dst []byte) []byte {
	if v.isText {
		return appendEscaped(dst, v.data)
	}
	return appendBase64Text(dst, v.data)
}

// Whole is a line with all that was left out of it.
func Whole(line []byte, apart Apart) []byte {
	if len(apart) == 0 {
		return line
	}
	size := len(line)
	for _, v := range apart {
		size += v.Left() + v.Left()/3 + blockRoom // text may need more, but rarely does
	}
	whole, done := make([]byte, 0, size), 0
	for _, v := range apart {
		whole = append(whole, line[done:v.At]...)
		whole = v.Append(whole)
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
