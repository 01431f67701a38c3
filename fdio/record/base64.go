package record

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sync"
)

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// base64Pairs returns the two characters for each value of twelve bits, the first one
// in the low byte. The table is made when it is first needed, since few lines need it.
var base64Pairs = sync.OnceValue(func() *[1 << 12]uint16 {
	pairs := new([1 << 12]uint16)
	for bits := range pairs {
		pairs[bits] = uint16(base64Alphabet[bits>>6]) | uint16(base64Alphabet[bits&63])<<8
	}
	return pairs
})

// base64Short is the size in bytes up to which making base64Pairs does not pay.
const base64Short = 64

// appendBase64Text appends b in base64: RFC 4648, section 4.
func appendBase64Text(dst, b []byte) []byte {
	n := len(dst)
	dst = slices.Grow(dst, base64.StdEncoding.EncodedLen(len(b)))
	if len(b) > base64Short {
		pairs := base64Pairs()
		for d := dst[n:cap(dst)]; len(b) >= 8 && len(d) >= 8; b, d = b[6:], d[8:] {
			bits := binary.BigEndian.Uint64(b) // six of its eight bytes
			binary.LittleEndian.PutUint16(d[0:], pairs[bits>>52])
			binary.LittleEndian.PutUint16(d[2:], pairs[bits>>40&0xfff])
			binary.LittleEndian.PutUint16(d[4:], pairs[bits>>28&0xfff])
			binary.LittleEndian.PutUint16(d[6:], pairs[bits>>16&0xfff])
			n += 8
		}
	}
	return base64.StdEncoding.AppendEncode(dst[:n], b)
}
