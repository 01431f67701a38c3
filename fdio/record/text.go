package record

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// appendKey starts a member of the object that dst ends in, or an element of the
// array where the key is empty. An empty dst goes on with a line's head.
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

// appendBigUint appends n as a string of decimal digits: jq's numbers are
// doubles, and hold no more than 53 bits.
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
	dst = t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000000Z")
	return append(dst, '"')
}

func appendBase64(dst []byte, key string, b []byte) []byte {
	dst = append(appendKey(dst, key), '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// appendText appends the bytes b under key when they are UTF-8, else under the
// key with _base64 in base64.
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

const hexDigits = "0123456789abcdef"

// plain tells the bytes that stand for themselves in a JSON string. The lead
// bytes of C1 controls and of U+2028 and U+2029 want a closer look.
var plain = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && c != 0xc2 && c != 0xe2
	}
	return table
}()

// AppendQuote appends s, which must be UTF-8, as a JSON string: RFC 8259.
// Beyond what JSON demands, it escapes what a terminal or a line-based reader
// could act upon: DEL, the C1 controls, U+2028 and U+2029.
func AppendQuote[T []byte | string](dst []byte, s T) []byte {
	dst = append(dst, '"')
	run := 0 // start of what is still to be copied as it is
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		r, size := rune(c), 1
		switch {
		case c == 0xc2 && i+1 < len(s):
			if s[i+1] >= 0xa0 {
				i += 2
				continue
			}
			r, size = rune(s[i+1]), 2
		case c == 0xe2 && i+2 < len(s):
			if s[i+1] != 0x80 || s[i+2]|1 != 0xa9 {
				i += 3
				continue
			}
			r, size = 0x2000|rune(s[i+2]&0x3f), 3
		}
		dst = append(dst, s[run:i]...)
		dst = appendEscape(dst, r)
		i += size
		run = i
	}
	dst = append(dst, s[run:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}

// trimPartialRune cuts a character that is not whole off the end of b if what
// is before it is UTF-8: a limit may fall into the middle of a character.
func trimPartialRune(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		tail := b[len(b)-i:]
		if !utf8.RuneStart(tail[0]) {
			continue
		}
		if head := b[:len(b)-i]; !utf8.FullRune(tail) && utf8.Valid(head) {
			return head
		}
		break
	}
	return b
}
