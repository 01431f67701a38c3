package record

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// AppendQuote appends s, which must be UTF-8, as a JSON string: RFC 8259.
// Beyond what JSON demands, it escapes what a terminal or a line-based reader
// could act upon: DEL, the C1 controls, U+2028 and U+2029.
func AppendQuote[T []byte | string](dst []byte, s T) []byte {
	dst = append(dst, '"')
	switch s := any(s).(type) {
	case string:
		dst = appendEscapedString(dst, s)
	case []byte:
		dst = appendEscaped(dst, s)
	}
	return append(dst, '"')
}

// appendEscapedString appends what is in the JSON string of s. Nearly always that
// is s itself: names and paths.
func appendEscapedString(dst []byte, s string) []byte {
	start := len(dst)
	dst = append(dst, s...)
	end := len(dst)
	if isPlain(dst[start:end]) {
		return dst
	}
	dst = appendEscaped(dst, dst[start:end])
	return append(dst[:start], dst[end:]...)
}

// What follows looks at eight bytes at a time, in a word with the first byte
// lowest. A mark is the highest bit of a byte of a word.
const (
	ones     = 0x0101010101010101
	marks    = 0x80 * ones
	gather   = 0x0102040810204080 // times a word of ones, moves them into its highest byte
	wordSize = 8
)

func load(b []byte) uint64     { return binary.LittleEndian.Uint64(b) }
func store(b []byte, w uint64) { binary.LittleEndian.PutUint64(b, w) }

// markASCII marks the bytes of a word of ASCII that have an escape: the first of
// them, and after it all others, and perhaps some that have none.
func markASCII(w uint64) uint64 {
	controlsAndQuote := (w ^ 0x02*ones) - 0x21*ones // the bit makes a space of the quote, and no control of any
	backslash := (w ^ '\\'*ones) - ones
	del := w + ones
	return (controlsAndQuote | backslash | del) & marks
}

// markAny marks the bytes of any word that have an escape, and those that begin
// C1 controls, U+2028 and U+2029 among others: C2 and E2. It marks no others.
func markAny(w uint64) uint64 {
	low := w &^ marks
	controlsAndQuote := ^((low ^ 0x02*ones | marks) - 0x21*ones)
	backslash := ^((low ^ '\\'*ones | marks) - ones)
	del := low + ones
	lead := (w | 0x20*ones) ^ 0xe2*ones // zero for both
	leads := ^(lead&^marks + 0x7f*ones | lead)
	return ((controlsAndQuote|backslash|del)&^w | leads) & marks
}

func mark(w uint64) uint64 {
	if w&marks == 0 {
		return markASCII(w)
	}
	return markAny(w)
}

// isPlain reports whether no byte of b may need an escape.
func isPlain(b []byte) bool {
	for ; len(b) >= wordSize; b = b[wordSize:] {
		if mark(load(b)) != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= 0x80 || escapes[c]>>lengthShift != 1 {
			return false
		}
	}
	return true
}

// escapes are what ASCII characters become in a JSON string, the first byte
// lowest, with the length in the highest byte.
var escapes = func() (table [utf8.RuneSelf]uint64) {
	for c := range table {
		b := appendEscape(make([]byte, 0, wordSize), rune(c))
		table[c] = uint64(len(b))<<lengthShift | load(b[:wordSize])
	}
	return table
}()

const lengthShift = 56

const hexDigits = "0123456789abcdef"

func appendEscape(dst []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r == '\n':
		return append(dst, '\\', 'n')
	case r == '\r':
		return append(dst, '\\', 'r')
	case r == '\t':
		return append(dst, '\\', 't')
	case r >= 0x20 && r < 0x7f:
		return append(dst, byte(r))
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}

// maxEscape is how many bytes one byte can become.
const maxEscape = len(`\u0000`)

// A block of text is looked at as a whole. One word more than it must be there to
// read, and room for what is copied beyond it.
const (
	blockSize = 64
	blockRead = blockSize + wordSize
	blockRoom = 512 + wordSize // at least maxEscape*blockSize, and the next power of two, which bounds every index
)

// appendEscaped appends what is in the JSON string of s.
func appendEscaped(dst, s []byte) []byte {
	for len(s) >= blockRead {
		if cap(dst)-len(dst) < blockRoom {
			dst = slices.Grow(dst, len(s)+len(s)/8+blockRoom)
		}
		n := len(dst)
		read, written := escapeBlock((*[blockRoom]byte)(dst[n:cap(dst)]), (*[blockRead]byte)(s))
		dst, s = dst[:n+written], s[read:]
	}
	return appendEscapedWords(dst, s)
}

// escapeBlock writes to d what the block s becomes, and returns how many bytes of
// s, a few more where a character goes beyond the block, have become how many.
//
// All indexes are cut to what their arrays hold, which they never exceed, for the
// compiler to see that.
func escapeBlock(d *[blockRoom]byte, s *[blockRead]byte) (read, written int) {
	w0, w1, w2, w3 := load(s[0:]), load(s[8:]), load(s[16:]), load(s[24:])
	w4, w5, w6, w7 := load(s[32:]), load(s[40:]), load(s[48:]), load(s[56:])
	store(d[0:], w0)
	store(d[8:], w1)
	store(d[16:], w2)
	store(d[24:], w3)
	store(d[32:], w4)
	store(d[40:], w5)
	store(d[48:], w6)
	store(d[56:], w7)
	if (w0|w1|w2|w3|w4|w5|w6|w7)&marks == 0 {
		w0, w1, w2, w3 = markASCII(w0), markASCII(w1), markASCII(w2), markASCII(w3)
		w4, w5, w6, w7 = markASCII(w4), markASCII(w5), markASCII(w6), markASCII(w7)
	} else {
		w0, w1, w2, w3 = markAny(w0), markAny(w1), markAny(w2), markAny(w3)
		w4, w5, w6, w7 = markAny(w4), markAny(w5), markAny(w6), markAny(w7)
	}
	if w0|w1|w2|w3|w4|w5|w6|w7 == 0 {
		return blockSize, blockSize
	}
	// One bit for each byte of the block: the loop over them need not wait for
	// what the bytes are, as one from mark to mark would.
	set := w0>>7*gather>>56 | w1>>7*gather>>56<<8 | w2>>7*gather>>56<<16 | w3>>7*gather>>56<<24 |
		w4>>7*gather>>56<<32 | w5>>7*gather>>56<<40 | w6>>7*gather>>56<<48 | w7>>7*gather>>56<<56
	var from, to uint                // what is to be copied next, and where to
	for ; set != 0; set &= set - 1 { // a character that C2 or E2 leads has no other mark
		at := uint(bits.TrailingZeros64(set))
		c := s[at%blockSize]
		if c < utf8.RuneSelf {
			to = copyWords(d, s, to, from, at)
			e := escapes[c]
			store(d[to%512:], e)
			to += uint(e >> lengthShift)
			from = at + 1
			continue
		}
		r, size := wideControl(s[at%blockSize:])
		if size == 0 {
			continue
		}
		to = copyWords(d, s, to, from, at)
		to += uint(len(appendEscape(d[to%512:][:0], r)))
		from = at + uint(size)
	}
	if from >= blockSize {
		return int(from), int(to)
	}
	return blockSize, int(copyWords(d, s, to, from, blockSize))
}

// copyWords copies what is between from and end to d, in whole words, and returns
// where it ends there.
func copyWords(d *[blockRoom]byte, s *[blockRead]byte, to, from, end uint) uint {
	for i := from; i < end; i += wordSize {
		store(d[(to+i-from)%512:], load(s[i%blockSize:]))
	}
	return to + end - from
}

// wideControl is the C1 control, or U+2028 or U+2029, that s begins with, and its
// length; 0 where it begins with none.
func wideControl(s []byte) (r rune, size int) {
	switch {
	case s[0] == 0xc2 && len(s) > 1 && s[1]&0xe0 == 0x80:
		return rune(s[1]), 2
	case s[0] == 0xe2 && len(s) > 2 && s[1] == 0x80 && s[2]|1 == 0xa9:
		return 0x2000 | rune(s[2]&0x3f), 3
	}
	return 0, 0
}

// appendEscapedWords is appendEscaped for what is shorter than a block.
func appendEscapedWords(dst, s []byte) []byte {
	n, d := len(dst), dst[:cap(dst)]
	for len(s) > 0 {
		if len(d)-n < 2*wordSize {
			d = slices.Grow(d[:n], maxEscape*len(s)+2*wordSize)
			d = d[:cap(d)]
		}
		if len(s) >= wordSize {
			w := load(s)
			store(d[n:], w)
			plain := wordSize
			if m := mark(w); m != 0 {
				plain = bits.TrailingZeros64(m) / 8
			}
			n, s = n+plain, s[plain:]
			if plain == wordSize {
				continue
			}
		}
		if c := s[0]; c < utf8.RuneSelf {
			e := escapes[c]
			store(d[n:], e)
			n, s = n+int(e>>lengthShift), s[1:]
			continue
		}
		if r, size := wideControl(s); size > 0 {
			n, s = len(appendEscape(d[:n], r)), s[size:]
			continue
		}
		d[n] = s[0]
		n, s = n+1, s[1:]
	}
	return d[:n]
}
