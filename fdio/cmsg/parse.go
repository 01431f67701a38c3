package cmsg

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fdmsg/fdio/internal/syntax"

	"golang.org/x/sys/unix"
)

// ErrSyntax says that a text is not what it should be; its text says how.
var ErrSyntax = syntax.ErrSyntax

// NameError is a name that is not known, with those that are.
type NameError struct {
	Kind  string // what it was to be the name of
	Name  string
	Known []string
}

func (e *NameError) Error() string { return fmt.Sprintf("unknown %s %q", e.Kind, e.Name) }

// ParseLevel is the number of a protocol level, given by its name or as a
// number. The error is a *NameError or wraps ErrSyntax.
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

// ParseType is the number of a control message's type within its level, given by
// its name or as a number; SO_NAME stands for SCM_NAME, and the other way round.
// The error is a *NameError or wraps ErrSyntax.
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

// socketName is name without SO_ or SCM_ before it: the headers define most
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

// Parse reads a control message from the form LEVEL:TYPE:DATA. LEVEL and TYPE
// are names or numbers; DATA are typed parts, as ParseData reads them, or
// NAME=VALUE for the fields of a known type, separated by commas:
//
//	SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=0,gid=0
//	SOL_SOCKET:SCM_RIGHTS:fds=3+4
//	IPPROTO_IP:IP_TTL:int=3
//
// Fields that are not given are zero, those of SCM_CREDENTIALS are own's. Empty
// DATA is a control message without data. The error is a *NameError or wraps
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

// has reports whether the struct has all those members.
func (l layout) has(names map[string]bool) bool {
	known := l.names()
	for name := range names {
		if !slices.Contains(known, name) {
			return false
		}
	}
	return true
}

func (l layout) names() (names []string) {
	for _, m := range l {
		if m.name != "" {
			names = append(names, m.name)
		}
	}
	return names
}

// A part is how one kind of typed part is read.
type part struct {
	name      string
	size      int // of a number without a sign; 0: see append
	bigEndian bool
	append    func(b []byte, value string) ([]byte, error)
}

// parts are the typed parts that ParseData knows.
var parts = [...]part{
	{"int", 0, false, appendInt32},
	{"u8", 1, false, nil},
	{"u16", 2, false, nil},
	{"u32", 4, false, nil},
	{"u64", 8, false, nil},
	{"be16", 2, true, nil},
	{"be32", 4, true, nil},
	{"hex", 0, false, appendHex},
	{"base64", 0, false, appendBase64},
	{"text", 0, false, appendText},
}

// findPart returns nil where there is no such part.
func findPart(name string) *part {
	i := slices.IndexFunc(parts[:], func(p part) bool { return p.name == name })
	if i < 0 {
		return nil
	}
	return &parts[i]
}

func (p *part) appendTo(b []byte, value string) ([]byte, error) {
	if p.size > 0 {
		return appendUint(b, value, p.size, p.bigEndian)
	}
	return p.append(b, value)
}

func appendText(b []byte, value string) ([]byte, error) { return append(b, value...), nil }

func appendHex(b []byte, value string) ([]byte, error) {
	data, err := hex.DecodeString(value)
	if err != nil {
		return nil, syntax.Errorf("invalid hexadecimal: write an even number of digits")
	}
	return append(b, data...), nil
}

func appendBase64(b []byte, value string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, syntax.Errorf("invalid base64")
	}
	return append(b, data...), nil
}

// ParseData joins typed parts to bytes: int=N (4 bytes, signed), u8= u16= u32=
// u64= in native byte order, be16= be32= in network byte order, hex=, base64=
// and text=, separated by commas and repeated at will. ok is false where the
// first part is none of these; no text is no bytes. Errors wrap ErrSyntax.
func ParseData(text string) (data []byte, ok bool, err error) {
	if text == "" {
		return nil, true, nil
	}
	first, _, hasValue := strings.Cut(text, "=")
	if findPart(first) == nil || !hasValue {
		return nil, false, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, hasValue := strings.Cut(part, "=")
		p := findPart(name)
		if p == nil || !hasValue {
			return nil, true, syntax.Errorf("invalid part %q: write int= u8= u16= u32= u64= be16= be32= hex= base64= or text=", part)
		}
		if data, err = p.appendTo(data, value); err != nil {
			return nil, true, fmt.Errorf("%s: %w", part, err)
		}
	}
	return data, true, nil
}

// String writes m in the form that Parse reads, its data in hexadecimal.
func (m Message) String() string {
	b := append([]byte(LevelName(m.Level)), ':')
	b = append(b, TypeName(m.Level, m.Type)...)
	b = append(b, ':')
	if len(m.Data) > 0 {
		b = hex.AppendEncode(append(b, "hex="...), m.Data)
	}
	return string(b)
}
