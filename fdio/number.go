package fdio

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseSize parses a number of bytes, at most most of them: decimal digits, which
// K, M or G may follow for powers of 1024. The error wraps ErrSyntax.
func ParseSize(text string, most int64) (int64, error) {
	if text == "" || text[0] < '0' || text[0] > '9' {
		return 0, syntaxErrorf("%q is not a size: write a number of bytes, with K, M or G for powers of 1024", text)
	}
	n, err := parseScaled(text, 10)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && n > most:
		return 0, syntaxErrorf("size %s is too large: at most %d bytes", text, most)
	case err != nil:
		return 0, syntaxErrorf("%q is not a size: write a number of bytes, with K, M or G for powers of 1024", text)
	}
	return n, nil
}

// parseInteger parses a number from least to most as C writes it, in hexadecimal
// for example, which K, M or G may follow.
func parseInteger(text string, least, most int64) (int64, error) {
	n, err := parseScaled(text, 0)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && (n < least || n > most):
		return 0, syntaxErrorf("%s is out of range: from %d to %d", text, least, most)
	case err != nil:
		return 0, syntaxErrorf("%q is not a number", text)
	}
	return n, nil
}

// parseScaled parses a number, as strconv.ParseInt does for base, and a suffix K,
// M or G. The error wraps strconv.ErrSyntax or strconv.ErrRange.
func parseScaled(text string, base int) (int64, error) {
	digits, shift := text, 0
	if text != "" {
		if i := strings.IndexByte("KMG", text[len(text)-1]); i >= 0 {
			digits, shift = text[:len(text)-1], 10*(i+1)
		}
	}
	if strings.Contains(digits, "_") { // Go's, not C's
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.ParseInt(digits, base, 64)
	if err == nil && n<<shift>>shift != n {
		err = strconv.ErrRange
	}
	return n << shift, err
}

// ParseDuration parses a time span that is not negative: a number of seconds, or
// what time.ParseDuration takes, such as 100ms or 1.5h. A span too short to be
// told from 0 is one nanosecond, as 0 often means that there is no limit. The error
// wraps ErrSyntax.
func ParseDuration(text string) (time.Duration, error) {
	spelled := text
	if strings.Trim(text, "0123456789.") == "" {
		spelled += "s"
	}
	d, err := time.ParseDuration(spelled)
	if err != nil || strings.ContainsAny(text, "+-") {
		if isDuration(spelled) {
			return 0, syntaxErrorf("duration %s is too long: at most %dh", text, math.MaxInt64/time.Hour)
		}
		return 0, syntaxErrorf("%q is not a duration: write seconds, or a number with ms, s, m or h", text)
	}
	if d == 0 && strings.ContainsAny(text, "123456789") {
		d = 1
	}
	return d, nil
}

// isDuration reports whether text would be a duration if its numbers were small.
func isDuration(text string) bool {
	zeros := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return '0'
		}
		return r
	}, text)
	_, err := time.ParseDuration(zeros)
	return err == nil && !strings.ContainsAny(text, "+-")
}
