// Package syntax has what the parsers under fdio have in common: those of
// addresses, descriptors, control messages and options.
package syntax

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrSyntax is what every error of Errorf is, for errors.Is.
var ErrSyntax = errors.New("syntax error")

// syntaxError is an ErrSyntax whose message says what is wrong.
type syntaxError string

func (e syntaxError) Error() string        { return string(e) }
func (e syntaxError) Is(target error) bool { return target == ErrSyntax }

// Errorf returns an error that is ErrSyntax and reads as formatted.
func Errorf(format string, args ...any) error {
	return syntaxError(fmt.Sprintf(format, args...))
}

// NumberError returns the syntax error for err, which strconv returned for text
// that should have been a number within limits.
func NumberError(err error, limits string) error {
	if errors.Is(err, strconv.ErrRange) {
		return Errorf("out of range: %s", limits)
	}
	return Errorf("not a number %s", limits)
}

// ParseInt parses an integer of bits bits in decimal, hexadecimal (0x), octal
// (0) or binary (0b) notation. The underscores that Go allows between digits are
// refused.
func ParseInt(text string, bits int) (int64, error) {
	if strings.Contains(text, "_") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(text, 0, bits)
}

// ParseUint is ParseInt for integers without a sign.
func ParseUint(text string, bits int) (uint64, error) {
	if strings.Contains(text, "_") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(text, 0, bits)
}

// CutScheme splits text at its first colon if what precedes it matches
// ^[a-z][a-z0-9-]*: and therefore is a scheme, known or not.
func CutScheme(text string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(text, ":")
	if !ok || scheme == "" || scheme[0] < 'a' || scheme[0] > 'z' {
		return "", text, false
	}
	for _, c := range []byte(scheme) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", text, false
		}
	}
	return scheme, rest, true
}
