package cmsg

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// Errors of Decode.
var (
	// ErrUnknownType says that the layout of the data is not known for this type.
	ErrUnknownType = errors.New("unknown control message type")
	// ErrBadData says that the data does not have the size or the content that its
	// type demands.
	ErrBadData = errors.New("malformed control message data")
)

// Decode takes the data of m apart, by the layout that its level and type have.
// Values of type Bytes are parts of the data, not copies. The error is
// ErrUnknownType or ErrBadData.
func (m Message) Decode() ([]Field, error) {
	row := findType(m.Level, m.Type)
	if row == nil || row.layout == nil && row.decode == nil {
		return nil, ErrUnknownType
	}
	if row.decode != nil {
		if fields, ok := row.decode(m.Data); ok {
			return fields, nil
		}
		return nil, ErrBadData
	}
	for _, l := range []layout{row.layout, row.other} {
		if l != nil && l.fits(m.Data) {
			if fields, ok := l.decode(m.Data); ok {
				return fields, nil
			}
		}
	}
	return nil, ErrBadData
}

// LevelName returns the name of a cmsg_level, SOL_SOCKET for example, or its number
// where it has none.
func LevelName(level int) string {
	for i := range levels {
		if levels[i].number == level {
			return levels[i].name
		}
	}
	return strconv.Itoa(level)
}

// TypeName returns the name of a cmsg_type of a level, SCM_RIGHTS for example, or
// its number where it has none.
func TypeName(level, typ int) string {
	if row := findType(level, typ); row != nil {
		return row.name
	}
	return strconv.Itoa(typ)
}

// findType returns the row of a type, nil for one that is not known.
func findType(level, typ int) *row {
	for i := range types {
		if types[i].level == level && types[i].number == typ {
			return &types[i]
		}
	}
	return nil
}

// errnoName returns the name of an error of system calls, or its number.
func errnoName(errno int64) string {
	if name := unix.ErrnoName(unix.Errno(errno)); name != "" {
		return name
	}
	return strconv.FormatInt(errno, 10)
}
