// Package chars finds the characters in bytes that may be UTF-8.
package chars

import "unicode/utf8"

// Whole returns the length of b without an incomplete character at its end.
func Whole(b []byte) int {
	for i := len(b) - 1; i >= 0 && i > len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

// Valid returns the length of the longest prefix of b that is UTF-8.
func Valid(b []byte) (n int) {
	if utf8.Valid(b) {
		return len(b)
	}
	for {
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size <= 1 {
			return n
		}
		n += size
	}
}
