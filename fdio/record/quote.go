package record

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendQuote appends s, which must be UTF-8, as a JSON string: RFC 8259.
// Beyond what JSON demands, it escapes characters to which a terminal or a reader of
// lines could react, or that show a text as another one: DEL, the C1 controls, the line
// and paragraph separators, and format characters such as those of direction (U+061C,
// U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF, U+FFF9 to U+FFFB, and the
// tags, U+E0000 to U+E007F).
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

// appendEscapedString appends the contents of the JSON string of s. For names and
// paths that is nearly always s itself.
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

// The following functions look at eight bytes at a time, in a word whose lowest byte
// is the first one. A mark is the highest bit of a byte of a word.
const (
	ones     = 0x0101010101010101
	marks    = 0x80 * ones
	gather   = 0x0102040810204080 // multiplying a word of ones by it moves them into the highest byte
	wordSize = 8
)

func load(b []byte) uint64     { return binary.LittleEndian.Uint64(b) }
func store(b []byte, w uint64) { binary.LittleEndian.PutUint64(b, w) }

// markASCII marks the bytes of a word of ASCII that need an escape. After the first of
// these it may mark others that need none.
func markASCII(w uint64) uint64 {
	controlsAndQuote := (w ^ 0x02*ones) - 0x21*ones // the bit turns the quote into a space, and no other character into a control
	backslash := (w ^ '\\'*ones) - ones
	del := w + ones
	return (controlsAndQuote | backslash | del) & marks
}

// markAny marks the bytes of any word that need an escape, and the bytes with which wide
// characters begin that need one, and others: C2, D8, E2, EF and F3. It marks no other
// bytes.
func markAny(w uint64) uint64 {
	low := w &^ marks
	controlsAndQuote := ^((low ^ 0x02*ones | marks) - 0x21*ones)
	backslash := ^((low ^ '\\'*ones | marks) - ones)
	del := low + ones
	leads := markEqual(w|0x20*ones, 0xe2) | markEqual(w, 0xd8) | markEqual(w, 0xef) | markEqual(w, 0xf3) // C2 | 20 is E2
	return ((controlsAndQuote|backslash|del)&^w | leads) & marks
}

// markEqual marks the bytes of w that are c. The other bits of its result mean nothing.
func markEqual(w, c uint64) uint64 {
	differ := w ^ c*ones
	return ^(differ&^marks + 0x7f*ones | differ)
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

// escapes has what each ASCII character becomes in a JSON string: the lowest byte is
// the first one, and the highest byte is the length.
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
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendEscape(appendEscape(dst, high), low)
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}

// maxEscape is how many bytes one byte can become.
const maxEscape = len(`\u0000`)

// Text is escaped in blocks. Behind a block there must be one word more to read, and
// behind its result room for what is copied beyond the end.
const (
	blockSize = 64
	blockRead = blockSize + wordSize
	blockRoom = 512 + wordSize // the power of two above maxEscape*blockSize, which bounds every index
)

// appendEscaped appends the contents of the JSON string of s.
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

// escapeBlock writes the escaped block s to d. It returns how many bytes it has read,
// which are a few more if a character extends beyond the block, and how many it has
// written.
//
// All indexes are masked to the size of their arrays. They never exceed it; the masks
// let the compiler leave out its own checks.
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
	// One bit for each byte of the block. A loop over these bits does not depend on
	// what the bytes become, as a loop from mark to mark would.
	set := w0>>7*gather>>56 | w1>>7*gather>>56<<8 | w2>>7*gather>>56<<16 | w3>>7*gather>>56<<24 |
		w4>>7*gather>>56<<32 | w5>>7*gather>>56<<40 | w6>>7*gather>>56<<48 | w7>>7*gather>>56<<56
	var from, to uint                // what is copied next, and its destination
	for ; set != 0; set &= set - 1 { // a wide character has no other mark than that of its first byte
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
		r, size := wideEscaped(s[at%blockSize:])
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

// copyWords copies the bytes between from and end to d, in whole words, and returns
// where they end in d.
func copyWords(d *[blockRoom]byte, s *[blockRead]byte, to, from, end uint) uint {
	for i := from; i < end; i += wordSize {
		store(d[(to+i-from)%512:], load(s[i%blockSize:]))
	}
	return to + end - from
}

// wideEscaped returns the character of more than one byte with which s begins, and its
// length, if it needs an escape; otherwise the length is 0.
func wideEscaped(s []byte) (r rune, size int) {
	switch s[0] {
	case 0xc2, 0xd8, 0xe2, 0xef, 0xf3:
		if r, size = utf8.DecodeRune(s); isEscaped(r) {
			return r, size
		}
	}
	return 0, 0
}

// isEscaped reports whether a character of more than one byte needs an escape.
func isEscaped(r rune) bool {
	switch {
	case r <= 0x9f, r == 0x61c: // C1 controls
		return true
	case r < 0x200b || r > 0xe007f:
		return false
	case r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	}
	return r == 0xfeff || r >= 0xfff9 && r <= 0xfffb || r >= 0xe0000
}

// appendEscapedWords is appendEscaped for text that is shorter than a block.
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
		if r, size := wideEscaped(s); size > 0 {
			n, s = len(appendEscape(d[:n], r)), s[size:]
			continue
		}
		d[n] = s[0]
		n, s = n+1, s[1:]
	}
	return d[:n]
}
