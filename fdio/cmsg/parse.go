package cmsg

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fdmsg/fdio/internal/syntax"

	"golang.org/x/sys/unix"
)

// ErrSyntax is what errors of parsing are, for errors.Is. Their messages say what
// is wrong.
var ErrSyntax = syntax.ErrSyntax

// NameError says that a name is not known, and which are.
type NameError struct {
	Kind  string // what it was to be the name of
	Name  string
	Known []string
}

// Error returns the kind and the name.
func (e *NameError) Error() string { return fmt.Sprintf("unknown %s %q", e.Kind, e.Name) }

// ParseLevel parses a protocol level: a name, SOL_SOCKET for example, or a number.
// The error is a *NameError or wraps ErrSyntax.
func ParseLevel(text string) (int, error) {
	var known []string
	for _, l := range levels {
		if text == l.name || text == l.also && text != "" {
			return l.number, nil
		}
		known = append(known, l.name)
	}
	return parseNumber("level", text, known)
}

// ParseType parses the type of a control message of that level: a name, where
// SO_NAME and SCM_NAME are the same, or a number. The error is a *NameError or
// wraps ErrSyntax.
func ParseType(level int, text string) (int, error) {
	var known []string
	for _, row := range types {
		if row.level != level {
			continue
		}
		if row.name == text || socketName(row.name) == socketName(text) {
			return row.number, nil
		}
		known = append(known, row.name)
	}
	return parseNumber("control message type", text, known)
}

// socketName returns name without the prefix SO_ or SCM_: the headers define most
// control messages of SOL_SOCKET under both.
func socketName(name string) string {
	for _, prefix := range []string{"SO_", "SCM_"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return ":" + rest
		}
	}
	return name
}

func parseNumber(kind, text string, known []string) (int, error) {
	if text == "" {
		return 0, syntax.Errorf("missing %s", kind)
	}
	if text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return 0, &NameError{kind, text, known}
	}
	n, err := syntax.ParseInt(text, 32)
	if err != nil {
		return 0, fmt.Errorf("%s %q: %w", kind, text, syntax.NumberError(err, "from -2147483648 to 2147483647"))
	}
	return int(n), nil
}

// Parse parses a control message of the form LEVEL:TYPE:DATA. LEVEL and TYPE are
// names or numbers. DATA is typed parts, as ParseData reads them, or NAME=VALUE for
// fields of a known type, separated by commas:
//
//	SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=0,gid=0
//	SOL_SOCKET:SCM_RIGHTS:fds=3+4
//	IPPROTO_IP:IP_TTL:int=3
//
// Fields that are not given are zero; those of SCM_CREDENTIALS are own's. If DATA
// is empty, so is the control message. The error is a *NameError or wraps
// ErrSyntax.
func Parse(text string, own Credentials) (Message, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 3 {
		return Message{}, syntax.Errorf("invalid control message: write LEVEL:TYPE:DATA")
	}
	level, err := ParseLevel(parts[0])
	if err != nil {
		return Message{}, err
	}
	typ, err := ParseType(level, parts[1])
	if err != nil {
		return Message{}, err
	}
	m := Message{Level: level, Type: typ}
	m.Data, err = m.parseData(parts[2], own)
	return m, err
}

func (m Message) parseData(text string, own Credentials) ([]byte, error) {
	if data, ok, err := ParseData(text); ok {
		return data, err
	}
	row := findType(m.Level, m.Type)
	if row == nil || row.layout == nil {
		return nil, syntax.Errorf("invalid data %q: write parts as in int=1 or hex=00ff", text)
	}
	values := map[string]string{}
	if m.Level == unix.SOL_SOCKET && m.Type == unix.SCM_CREDENTIALS {
		values["pid"], values["uid"], values["gid"] = fmt.Sprint(own.PID), fmt.Sprint(own.UID), fmt.Sprint(own.GID)
	}
	given := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || name == "" {
			return nil, syntax.Errorf("%q is not of the form NAME=VALUE", part)
		}
		if given[name] {
			return nil, syntax.Errorf("field %s given twice", name)
		}
		given[name], values[name] = true, value
	}
	l := row.layout
	if !l.has(given) && row.other.has(given) {
		l = row.other
	}
	data, err := l.encode(nil, values)
	if err != nil {
		return nil, err
	}
	if len(values) > 0 {
		unknown := slices.Sorted(maps.Keys(values))[0]
		return nil, &NameError{"field of " + row.name, unknown, row.layout.names()}
	}
	return data, nil
}

// has reports whether the struct has all members in names.
func (l layout) has(names map[string]bool) bool {
	known := l.names()
	for name := range names {
		if !slices.Contains(known, name) {
			return false
		}
	}
	return true
}

// names returns the names of the members.
func (l layout) names() (names []string) {
	for _, m := range l {
		if m.name != "" {
			names = append(names, m.name)
		}
	}
	return names
}

// String returns m in the form that Parse reads, its data in hexadecimal.
func (m Message) String() string {
	b := append([]byte(LevelName(m.Level)), ':')
	b = append(b, TypeName(m.Level, m.Type)...)
	b = append(b, ':')
	if len(m.Data) > 0 {
		b = hex.AppendEncode(append(b, "hex="...), m.Data)
	}
	return string(b)
}
