package cmsg

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// Errors of Decode.
var (
	// ErrUnknownType says that the layout of a control message's data is not known.
	ErrUnknownType = errors.New("unknown control message type")
	// ErrBadData says that the data is shorter or longer than its type's, or does
	// not hold what the type demands.
	ErrBadData = errors.New("malformed control message data")
)

// Decode takes the data of m apart, by the layout that its level and type say.
// The fields may point into m's data. The error is ErrUnknownType or ErrBadData.
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

// LevelName is the name of a cmsg_level, SOL_SOCKET for example, or its number
// where it has none.
func LevelName(level int) string {
	for i := range levels {
		if levels[i].number == level {
			return levels[i].name
		}
	}
	return strconv.Itoa(level)
}

// TypeName is the name of a cmsg_type within its level, SCM_RIGHTS for
// example, or its number where it has none.
func TypeName(level, typ int) string {
	if row := findType(level, typ); row != nil {
		return row.name
	}
	return strconv.Itoa(typ)
}

func findType(level, typ int) *row {
	for i := range types {
		if types[i].level == level && types[i].number == typ {
			return &types[i]
		}
	}
	return nil
}

// errnoName is the name of a system call's error, or its number.
func errnoName(errno int64) string {
	if name := unix.ErrnoName(unix.Errno(errno)); name != "" {
		return name
	}
	return strconv.FormatInt(errno, 10)
}
