package record

import (
	"net/netip"
	"strconv"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// appendControl appends the control messages of m, each with its decoded fields
// and, except for SCM_RIGHTS, its bytes.
func appendControl(dst []byte, m *Message) []byte {
	dst = append(appendKey(dst, "control"), '[')
	pidfds := m.Pidfds
	for control := m.Control; ; {
		c, rest, ok, err := cmsg.Next(control)
		if !ok {
			return append(dst, ']')
		}
		control = rest
		creds, isCreds := c.Credentials()
		isCreds = isCreds && err == nil
		dst = append(appendKey(dst, ""), '{')
		dst = AppendQuote(appendKey(dst, "level"), cmsg.LevelName(c.Level))
		dst = AppendQuote(appendKey(dst, "type"), cmsg.TypeName(c.Level, c.Type))
		switch {
		case err != nil:
			dst = appendTrue(dst, "malformed")
		case is(c, unix.SCM_RIGHTS):
			if dst = appendRights(dst, c); len(c.Data)%4 == 0 { // no bytes left over
				dst = append(dst, '}')
				continue
			}
			dst = appendTrue(dst, "malformed")
		case isCreds:
			dst = appendCredentials(dst, creds)
		default:
			dst = appendDecoded(dst, c)
		}
		if is(c, unix.SCM_PIDFD) && len(pidfds) > 0 && len(c.Descriptors(nil)) > 0 {
			dst = appendPidfd(dst, &pidfds[0])
			pidfds = pidfds[1:]
		}
		dst = append(appendBase64(dst, "data_base64", c.Data), '}')
	}
}

func is(c cmsg.Message, typ int) bool { return c.Level == unix.SOL_SOCKET && c.Type == typ }

// appendDecoded appends the fields of a control message whose type is known.
func appendDecoded(dst []byte, c cmsg.Message) []byte {
	fields, err := c.Decode()
	if err == cmsg.ErrBadData {
		dst = appendTrue(dst, "malformed")
	}
	return appendFields(dst, fields)
}

// appendRights and appendCredentials are faster than appendDecoded, for the types
// of nearly all control messages.
func appendRights(dst []byte, m cmsg.Message) []byte {
	dst = append(appendKey(dst, "fds"), '[')
	var most [cmsg.MaxDescriptors]int
	for _, fd := range m.Rights(most[:0]) {
		dst = appendInt(dst, "", int64(fd))
	}
	return append(dst, ']')
}

func appendPidfd(dst []byte, d *descriptor.Descriptor) []byte {
	dst = append(appendKey(dst, "descriptor"), '{')
	return append(appendDescriptor(dst, d, nil), '}')
}

func appendCredentials(dst []byte, c cmsg.Credentials) []byte {
	dst = appendInt(dst, "pid", int64(c.PID))
	dst = appendInt(dst, "uid", int64(c.UID))
	return appendInt(dst, "gid", int64(c.GID))
}

func appendFields(dst []byte, fields []cmsg.Field) []byte {
	for _, f := range fields {
		dst = appendField(dst, f)
	}
	return dst
}

func appendField(dst []byte, f cmsg.Field) []byte {
	switch v := f.Value.(type) {
	case cmsg.Int:
		return appendInt(dst, f.Name, int64(v))
	case cmsg.Uint:
		return appendBigUint(dst, f.Name, uint64(v))
	case cmsg.String:
		return appendText(dst, f.Name, string(v))
	case cmsg.Bytes:
		return appendText(dst, f.Name, []byte(v))
	case cmsg.Float:
		return strconv.AppendFloat(appendKey(dst, f.Name), float64(v), 'f', -1, 64)
	case cmsg.Bool:
		return strconv.AppendBool(appendKey(dst, f.Name), bool(v))
	case cmsg.Time:
		return appendTime(dst, f.Name, v.Time)
	case cmsg.Addr:
		return AppendQuote(appendKey(dst, f.Name), v.String())
	case cmsg.Fields:
		return appendObject(appendKey(dst, f.Name), v)
	case cmsg.Ints:
		return appendList(dst, f.Name, v, func(dst []byte, n int64) []byte { return appendInt(dst, "", n) })
	case cmsg.Strings:
		return appendList(dst, f.Name, v, func(dst []byte, s string) []byte { return AppendQuote(appendKey(dst, ""), s) })
	case cmsg.Addrs:
		return appendList(dst, f.Name, v, func(dst []byte, a netip.Addr) []byte { return AppendQuote(appendKey(dst, ""), a.String()) })
	case cmsg.List:
		return appendList(dst, f.Name, v, func(dst []byte, members []cmsg.Field) []byte { return appendObject(appendKey(dst, ""), members) })
	}
	return append(appendKey(dst, f.Name), "null"...) // a field without a value
}

func appendObject(dst []byte, members []cmsg.Field) []byte {
	return append(appendFields(append(dst, '{'), members), '}')
}

func appendList[T any](dst []byte, key string, list []T, appendOne func([]byte, T) []byte) []byte {
	dst = append(appendKey(dst, key), '[')
	for _, v := range list {
		dst = appendOne(dst, v)
	}
	return append(dst, ']')
}
