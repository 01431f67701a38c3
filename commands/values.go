package commands

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"fdmsg/fdio/descriptor"
)

// The values that flags take. Each decodes itself from the command line; an
// error says what would have been right.

// Size is a number of bytes: 100, 256K, 16M, 1G; powers of 1024.
type Size int64

// FileSize is a Size that may be larger than memory.
type FileSize int64

// maxSize is the largest size: more than any buffer can have, on every machine.
const maxSize = math.MaxInt32

func parseSize(text string) (Size, error) {
	n, err := parseBytes(text, maxSize)
	return Size(n), err
}

func parseFileSize(text string) (FileSize, error) {
	n, err := parseBytes(text, math.MaxInt64)
	return FileSize(n), err
}

func parseBytes(text string, most uint64) (uint64, error) {
	digits, shift := text, 0
	if text != "" {
		if i := strings.IndexByte("KMG", text[len(text)-1]); i >= 0 {
			digits, shift = text[:len(text)-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size: write a number of bytes, with K, M or G for powers of 1024", text)
	}
	if n > most>>shift {
		return 0, fmt.Errorf("size %s is too large: less than %dG", text, most>>30+1)
	}
	return n << shift, nil
}

// Duration is a time span: 5, 0.25 (seconds), 100ms, 1m, 1h.
type Duration time.Duration

func parseDuration(text string) (Duration, error) {
	number := strings.TrimRight(text, "hms")
	unit := text[len(number):]
	if unit == "" {
		unit = "s"
	}
	if number == "" || strings.Trim(number, "0123456789.") != "" || !slices.Contains([]string{"ms", "s", "m", "h"}, unit) {
		return 0, fmt.Errorf("%q is not a duration: write seconds, or a number with ms, s, m or h", text)
	}
	d, err := time.ParseDuration(number + unit)
	switch {
	case err != nil && strings.Count(number, ".") <= 1 && number != ".":
		return 0, fmt.Errorf("duration %s is too long", text)
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration: write seconds, or a number with ms, s, m or h", text)
	case d == 0 && strings.Trim(number, "0.") != "":
		d = 1 // 0 would be no limit
	}
	return Duration(d), nil
}

// String writes d in seconds, so that it is read as the same again.
func (d Duration) String() string {
	return fmt.Sprintf("%d.%09d", time.Duration(d)/time.Second, time.Duration(d)%time.Second)
}

// Count is a number of messages, and whether it was given.
type Count struct {
	N     int
	Given bool
}

func parseCount(text string) (Count, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return Count{}, fmt.Errorf("%q is not a count: write a whole number, 0 for no limit", text)
	}
	return Count{int(n), true}, nil
}

// Which says which descriptors are to be read, empty where that was not said.
type Which descriptor.Which

func parseWhich(text string) (Which, error) {
	switch w := descriptor.Which(text); w {
	case descriptor.Files, descriptor.All, descriptor.Nothing:
		return Which(w), nil
	}
	return "", fmt.Errorf("%q: write files, all or none", text)
}

// Mode are the permission bits of a socket file, in octal.
type Mode os.FileMode

// file returns m as fdio takes it.
func (m Mode) file() *os.FileMode { return new(os.FileMode(m)) }

func parseMode(text string) (Mode, error) {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("%q are no permissions: write them in octal, as in 0660", text)
	}
	return Mode(n), nil
}

// FD is the number of an inherited descriptor, and whether it was given.
type FD struct {
	N     int
	Given bool
}

func parseFD(text string) (FD, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return FD{}, fmt.Errorf("%q is not the number of a descriptor", text)
	}
	return FD{int(n), true}, nil
}
