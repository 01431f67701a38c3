package fdio

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Option is a socket option: setsockopt(2).
type Option struct {
	Level int    // SOL_SOCKET ...
	Name  int    // optname: SO_SNDBUF ...
	Value []byte // optval
	Null  int    // where Value is nil: optlen, with an optval of NULL

	late bool   // can only be set when the socket is connected
	text string // what the option is called in errors
}

// String returns the option in the form that ParseOption reads.
func (o Option) String() string {
	level, number := cmsg.LevelName(o.Level), strconv.Itoa(o.Name)
	if o.Null > 0 {
		return fmt.Sprintf("%s:%s=null=%d", level, number, o.Null)
	}
	if len(o.Value) == 0 {
		return fmt.Sprintf("%s:%s=", level, number)
	}
	return fmt.Sprintf("%s:%s=hex=%x", level, number, o.Value)
}

// Is reports whether o is the option that level and name say.
func (o Option) Is(level, name int) bool { return o.Level == level && o.Name == name }

// setOptions sets options on the socket, which errors call by the address.
func (s *Socket) setOptions(options []Option, address Address) error {
	if o, err := s.setEach(options); err != nil {
		return &Error{Name: address.String(), Op: "set " + o.text, Err: err}
	}
	return nil
}

// setEach sets options, and returns the one that failed.
func (s *Socket) setEach(options []Option) (failed Option, err error) {
	for _, o := range options {
		if err := s.setOption(o); err != nil {
			return o, err
		}
	}
	return Option{}, nil
}

func (s *Socket) setOption(o Option) error {
	err := setsockopt(s.fd, o.Level, o.Name, o.Value, o.Null)
	if err == nil && o.Is(unix.SOL_SOCKET, unix.SO_PASSCRED) {
		s.passesCreds, s.credsGiven = o.on(), true
	}
	return err
}

// setBeforeConnect sets options, and returns those that have to wait until the
// socket is connected: late ones, and what a stream refuses before.
func (s *Socket) setBeforeConnect(options []Option, address Address) (later []Option, err error) {
	for _, o := range options {
		if o.late {
			later = append(later, o)
			continue
		}
		err := s.setOption(o)
		switch {
		case s.IsStream() && (err == unix.EINVAL || err == unix.ENOTCONN):
			later = append(later, o)
		case err != nil:
			return nil, &Error{Name: address.String(), Op: "set " + o.text, Err: err}
		}
	}
	return later, nil
}

// setListening sets options on a socket that is to listen or to receive datagrams,
// and keeps those that have to be set again on accepted connections: late ones,
// SO_PRIORITY, with which the kernel does not begin, and on Unix sockets all, since
// those inherit only a few.
func (s *Socket) setListening(options []Option, address Address) error {
	var now []Option
	for _, o := range options {
		late := o.late || o.stampsIDs() && s.discards()
		if !late {
			now = append(now, o)
		}
		if late || s.domain == unix.AF_UNIX || o.Is(unix.SOL_SOCKET, unix.SO_PRIORITY) {
			s.options = append(s.options, o)
		}
	}
	return s.setOptions(now, address)
}

// stampsIDs reports whether o has SOF_TIMESTAMPING_OPT_ID, which counts the bytes
// of a TCP connection and is refused before there is one.
func (o Option) stampsIDs() bool {
	stamps := o.Is(unix.SOL_SOCKET, unix.SO_TIMESTAMPING_OLD) || o.Is(unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW)
	return stamps && len(o.Value) >= 4 && binary.NativeEndian.Uint32(o.Value)&unix.SOF_TIMESTAMPING_OPT_ID != 0
}

// on reports whether the value, an integer, is not zero.
func (o Option) on() bool {
	for _, b := range o.Value {
		if b != 0 {
			return true
		}
	}
	return false
}

// ParseOption parses a socket option of the form NAME=VALUE, where NAME is one that
// this package knows, SO_SNDBUF for example, or LEVEL:NUMBER=VALUE. Without =VALUE
// the option is switched on. The form of the value depends on the option: an
// integer, which K, M or G may follow for powers of 1024, on or off, a duration, a
// name. Every option also takes typed parts, as cmsg.ParseData reads them. The
// error is a *cmsg.NameError or wraps ErrSyntax.
func ParseOption(text string) (Option, error) {
	name, value, hasValue := strings.Cut(text, "=")
	if level, number, ok := strings.Cut(name, ":"); ok {
		return parseNumbered(level, number, value, hasValue)
	}
	var known []string
	for i := range optionTable {
		row := &optionTable[i]
		if row.name != name {
			known = append(known, row.name)
			continue
		}
		o := Option{Level: row.level, Name: row.number, late: row.late, text: name}
		err := o.parseValue(row.kind, value, hasValue)
		return o, err
	}
	if name == "" {
		return Option{}, syntaxErrorf("missing option name")
	}
	return Option{}, &cmsg.NameError{Kind: "socket option", Name: name, Known: known}
}

func parseNumbered(levelText, numberText, value string, hasValue bool) (Option, error) {
	level, err := cmsg.ParseLevel(levelText)
	if err != nil {
		return Option{}, err
	}
	o := Option{Level: level, text: levelText + ":" + numberText}
	kind := valueKind(intValue)
	row := findOption(level, numberText)
	if row != nil {
		o.Name, o.late, kind = row.number, row.late, row.kind
	} else {
		number, err := strconv.ParseInt(numberText, 0, 32)
		if err != nil || strings.Contains(numberText, "_") {
			return Option{}, syntaxErrorf("invalid option number %q", numberText)
		}
		o.Name = int(number)
	}
	if hasValue && value == "" { // optlen 0
		return o, nil
	}
	if !hasValue && row == nil {
		value, hasValue = "1", true
	}
	err = o.parseValue(kind, value, hasValue)
	return o, err
}

// findOption returns the option of level with that name or number, nil for none.
func findOption(level int, text string) *optionRow {
	number, err := strconv.ParseInt(text, 0, 32)
	for i := range optionTable {
		row := &optionTable[i]
		if row.level == level && (row.name == text || err == nil && row.number == int(number) && !strings.Contains(text, "_")) {
			return row
		}
	}
	return nil
}

func (o *Option) parseValue(kind valueKind, text string, given bool) (err error) {
	if length, ok := strings.CutPrefix(text, "null="); ok {
		n, err := parseInteger(length, 1, math.MaxInt32)
		o.Null = int(n)
		return err
	}
	if o.Value, err = parseOptionValue(kind, text, given); err != nil {
		return fmt.Errorf("%s: %w", o.text, err)
	}
	return nil
}

func parseOptionValue(kind valueKind, text string, given bool) ([]byte, error) {
	if !given {
		if _, err := kind(""); err == nil { // any text would be a name
			return nil, syntaxErrorf("missing value: write NAME=VALUE")
		}
		text = "on"
	}
	if data, ok, err := cmsg.ParseData(text); ok && text != "" {
		return data, err
	}
	data, err := kind(text)
	if err != nil && !given {
		return nil, syntaxErrorf("missing value: write NAME=VALUE")
	}
	return data, err
}
