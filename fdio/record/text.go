package record

import (
	"strconv"
	"time"
	"unicode/utf8"

	"fdmsg/fdio/internal/chars"
)

// appendKey begins a member of the object at the end of dst or, if the key is empty,
// an element of the array there. An empty dst is the continuation of a head.
func appendKey(dst []byte, key string) []byte {
	if n := len(dst); n == 0 || dst[n-1] != '{' && dst[n-1] != '[' {
		dst = append(dst, ',')
	}
	if key == "" {
		return dst
	}
	dst = append(dst, '"')
	dst = append(dst, key...)
	return append(dst, '"', ':')
}

func appendInt(dst []byte, key string, n int64) []byte {
	return strconv.AppendInt(appendKey(dst, key), n, 10)
}

// appendBigUint appends n as a string of decimal digits: numbers in jq are doubles,
// which have 53 bits.
func appendBigUint(dst []byte, key string, n uint64) []byte {
	dst = append(appendKey(dst, key), '"')
	dst = strconv.AppendUint(dst, n, 10)
	return append(dst, '"')
}

func appendTrue(dst []byte, key string) []byte {
	return append(appendKey(dst, key), "true"...)
}

func appendTime(dst []byte, key string, t time.Time) []byte {
	dst = append(appendKey(dst, key), '"')
	dst = appendTimestamp(dst, t)
	return append(dst, '"')
}

func appendBase64(dst []byte, key string, b []byte) []byte {
	dst = append(appendKey(dst, key), '"')
	dst = appendBase64Text(dst, b)
	return append(dst, '"')
}

// appendText appends the bytes b under key if they are UTF-8, and otherwise in base64
// under the key with _base64 added.
func appendText[T []byte | string](dst []byte, key string, b T) []byte {
	if valid(b) {
		return AppendQuote(appendKey(dst, key), b)
	}
	return appendBase64(dst, key+"_base64", []byte(b))
}

func valid[T []byte | string](b T) bool {
	switch b := any(b).(type) {
	case string:
		return utf8.ValidString(b)
	case []byte:
		return utf8.Valid(b)
	}
	return false
}

// textOf returns b, and whether it is UTF-8. If there was more of b, the part of a
// character at its end is left out, provided that the rest is UTF-8: a limit may cut
// a character.
func textOf(b []byte, more bool) (data []byte, isText bool) {
	if n := chars.Whole(b); more && n < len(b) {
		if head := b[:n]; utf8.Valid(head) {
			return head, true
		}
		return b, false
	}
	return b, utf8.Valid(b)
}
