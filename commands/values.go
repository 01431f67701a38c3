package commands

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"
)

// This file has the types of the values of flags. Each parses itself, and its errors say
// how the value should be written.

// Size is a number of bytes in memory, such as 100, 256K, 16M or 1G.
type Size int64

// FileSize is a Size that may be larger than memory.
type FileSize int64

// maxSize is the largest Size. No buffer can be larger on any machine.
const maxSize = math.MaxInt32

// UnmarshalText parses decimal digits, which K, M or G may follow.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := fdio.ParseSize(string(text), maxSize)
	*s = Size(n)
	return err
}

// UnmarshalText parses the same as that of Size.
func (s *FileSize) UnmarshalText(text []byte) error {
	n, err := fdio.ParseSize(string(text), math.MaxInt64)
	*s = FileSize(n)
	return err
}

// Duration is a length of time, such as 5 or 0.25 (seconds), 100ms, 1m or 1h.
type Duration time.Duration

// UnmarshalText parses a number of seconds, or a number with a unit.
func (d *Duration) UnmarshalText(text []byte) error {
	n, err := fdio.ParseDuration(string(text))
	*d = Duration(n)
	return err
}

// String returns d in seconds, in a form that UnmarshalText reads without loss.
func (d Duration) String() string {
	return fmt.Sprintf("%d.%09d", time.Duration(d)/time.Second, time.Duration(d)%time.Second)
}

// Count is a number of messages or other things. Given tells 0 from no value.
type Count struct {
	N     int
	Given bool
}

// UnmarshalText parses decimal digits.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 31)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("count %s is too large: at most %d", text, math.MaxInt32)
	case err != nil:
		return fmt.Errorf("%q is not a count: write a whole number", text)
	}
	*c = Count{int(n), true}
	return nil
}

// Which says which descriptors are to be read. It is empty if the command line
// does not say.
type Which descriptor.Which

// UnmarshalText parses files, all or none.
func (w *Which) UnmarshalText(text []byte) (err error) {
	*w, err = oneOf("choice", Which(text), Which(descriptor.Files), Which(descriptor.All), Which(descriptor.Nothing))
	return err
}

// Action is what to do with descriptors that arrive.
type Action string

// The Actions.
const (
	passFDs   Action = "pass"   // they are received
	dropFDs   Action = "drop"   // the message is received without them
	cutFDs    Action = "cut"    // the connection is closed
	refuseFDs Action = "refuse" // the sender gets EPERM
)

// UnmarshalText parses the name of an Action.
func (a *Action) UnmarshalText(text []byte) (err error) {
	*a, err = oneOf("action", Action(text), passFDs, dropFDs, cutFDs, refuseFDs)
	return err
}

// oneOf returns name if it is known. The error is a *cmsg.NameError, of which a hint is made.
func oneOf[T ~string](kind string, name T, known ...T) (T, error) {
	if slices.Contains(known, name) {
		return name, nil
	}
	unknown := &cmsg.NameError{Kind: kind, Name: string(name)}
	for _, k := range known {
		unknown.Known = append(unknown.Known, string(k))
	}
	return "", unknown
}

// Mode is the permission bits of a socket file.
type Mode os.FileMode

// UnmarshalText parses octal digits.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 32)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && n > 0o777:
		return fmt.Errorf("mode %s is out of range: permissions only, at most 0777", text)
	case err != nil:
		return fmt.Errorf("%q is not a valid mode: write octal permissions such as 0660", text)
	}
	*m = Mode(n)
	return nil
}

// file returns m as fdio takes it.
func (m Mode) file() *os.FileMode { return new(os.FileMode(m)) }

// FD is the number of an inherited descriptor. Given tells 0 from no value.
type FD struct {
	N     int
	Given bool
}

// UnmarshalText parses decimal digits.
func (fd *FD) UnmarshalText(text []byte) error {
	n, err := fdio.ParseFD(string(text))
	if err != nil {
		return err
	}
	*fd = FD{n, true}
	return nil
}
