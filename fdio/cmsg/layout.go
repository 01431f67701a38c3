package cmsg

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"fdmsg/fdio/internal/syntax"

	"golang.org/x/sys/unix"
)

// A kind is the layout of one member of a struct, in native byte order unless it
// says otherwise.
type kind uint8

const (
	u8 kind = iota
	u16
	i32
	u32
	u64      // decoded as a uint64, which is more than a double holds
	be16     // network byte order
	be32     // network byte order
	ip4      // struct in_addr
	ip6      // struct in6_addr
	inet     // sa_family_t, AF_INET
	inet6    // sa_family_t, AF_INET6
	usec     // struct timeval: two longs
	nsec     // struct timespec: two longs
	usec64   // struct __kernel_sock_timeval
	nsec64   // struct __kernel_timespec
	intArray // any number of ints, to the end
	text     // bytes to the end, perhaps with a NUL behind them
)

// kindSizes are the sizes of the kinds in bytes, 0 for those that extend to the end
// of the data.
var kindSizes = [...]int{
	u8: 1, u16: 2, i32: 4, u32: 4, u64: 8, be16: 2, be32: 4, ip4: 4, ip6: 16, inet: 2, inet6: 2,
	usec: 2 * wordSize, nsec: 2 * wordSize, usec64: 16, nsec64: 16, intArray: 0, text: 0,
}

// member is one member of a struct. It has no name if it is of no interest.
type member struct {
	name string
	kind kind
}

// layout is the struct that the data of a control message consists of.
type layout []member

// size returns the size of the struct in bytes. open is true if its last member
// extends to the end of the data.
func (l layout) size() (n int, open bool) {
	for _, m := range l {
		n += kindSizes[m.kind]
		open = open || kindSizes[m.kind] == 0
	}
	return n, open
}

// fits reports whether data has the size of the struct.
func (l layout) fits(data []byte) bool {
	n, open := l.size()
	if !open {
		return len(data) == n
	}
	return len(data) >= n && (l[len(l)-1].kind != intArray || (len(data)-n)%4 == 0)
}

// decode takes data, which fits, apart. ok is false if it belongs to another
// address family. A time of zero means that there is none, and is left out.
func (l layout) decode(data []byte) (fields []Field, ok bool) {
	for _, m := range l {
		size := kindSizes[m.kind]
		if size == 0 {
			size = len(data)
		}
		value := m.kind.decode(data[:size])
		data = data[size:]
		if (m.kind == inet || m.kind == inet6) && value != Value(m.kind.family()) {
			return nil, false
		}
		t, isTime := value.(Time)
		if m.name != "" && !(isTime && t.UnixNano() == 0) {
			fields = append(fields, Field{m.name, value})
		}
	}
	return fields, true
}

// family returns the address family that a kind stands for.
func (k kind) family() Int {
	if k == inet {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// decode returns the value of a member.
func (k kind) decode(b []byte) Value {
	e := binary.NativeEndian
	switch k {
	case u8:
		return Int(b[0])
	case u16, inet, inet6:
		return Int(e.Uint16(b))
	case i32:
		return Int(int32(e.Uint32(b)))
	case u32:
		return Int(e.Uint32(b))
	case u64:
		return Uint(e.Uint64(b))
	case be16:
		return Int(binary.BigEndian.Uint16(b))
	case be32:
		return Int(binary.BigEndian.Uint32(b))
	case ip4:
		return Addr{netip.AddrFrom4([4]byte(b))}
	case ip6:
		return Addr{netip.AddrFrom16([16]byte(b))}
	case usec, usec64:
		s, f := pair(b)
		return Time{time.Unix(s, 1000*f)}
	case nsec, nsec64:
		s, f := pair(b)
		return Time{time.Unix(s, f)}
	case intArray:
		all := make(Ints, 0, len(b)/4)
		for ; len(b) >= 4; b = b[4:] {
			all = append(all, int64(int32(e.Uint32(b))))
		}
		return all
	case text:
		if n := len(b); n > 0 && b[n-1] == 0 {
			b = b[:n-1]
		}
		return Bytes(b)
	}
	return nil
}

// pair returns the two signed integers that b consists of.
func pair(b []byte) (first, second int64) {
	if len(b) == 16 {
		return int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:]))
	}
	return int64(int32(binary.NativeEndian.Uint32(b))), int64(int32(binary.NativeEndian.Uint32(b[4:])))
}

// encode appends the struct to b, with the members that values names and zeros for
// the others. It removes from values what it has used.
func (l layout) encode(b []byte, values map[string]string) ([]byte, error) {
	var err error
	for _, m := range l {
		value, given := values[m.name]
		delete(values, m.name)
		switch {
		case m.kind == inet || m.kind == inet6:
			b = binary.NativeEndian.AppendUint16(b, uint16(m.kind.family()))
		case !given:
			b = append(b, make([]byte, kindSizes[m.kind])...)
		default:
			if b, err = m.kind.encode(b, value); err != nil {
				return nil, fmt.Errorf("%s=%s: %w", m.name, value, err)
			}
		}
	}
	return b, nil
}

// encode appends a member whose value is given as a text.
func (k kind) encode(b []byte, value string) ([]byte, error) {
	switch k {
	case u8, u16, u32, u64, be16, be32:
		return appendUint(b, value, kindSizes[k], k == be16 || k == be32)
	case i32:
		return appendInt32(b, value)
	case ip4, ip6:
		a, err := netip.ParseAddr(value)
		switch {
		case err != nil:
			return nil, syntax.Errorf("not an IP address")
		case k == ip4 && !a.Is4():
			return nil, syntax.Errorf("not an IPv4 address")
		case k == ip6 && (!a.Is6() || a.Zone() != ""):
			return nil, syntax.Errorf("not an IPv6 address without a zone")
		}
		return append(b, a.AsSlice()...), nil
	case intArray:
		var err error
		for part := range strings.SplitSeq(value, "+") {
			if b, err = appendInt32(b, part); err != nil {
				return nil, err
			}
		}
		return b, nil
	case text:
		return append(b, value...), nil
	case usec, nsec, usec64, nsec64:
		return k.encodeTime(b, value)
	}
	return nil, syntax.Errorf("no value can be given")
}

func (k kind) encodeTime(b []byte, value string) ([]byte, error) {
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return nil, syntax.Errorf("not a time as in 2006-01-02T15:04:05Z")
	}
	fraction := int64(t.Nanosecond())
	if k == usec || k == usec64 {
		fraction /= 1000
	}
	if kindSizes[k] == 16 {
		b = binary.NativeEndian.AppendUint64(b, uint64(t.Unix()))
		return binary.NativeEndian.AppendUint64(b, uint64(fraction)), nil
	}
	if t.Unix() != int64(int32(t.Unix())) {
		return nil, syntax.Errorf("out of range: a time of 32 bits ends in 2038")
	}
	b = binary.NativeEndian.AppendUint32(b, uint32(t.Unix()))
	return binary.NativeEndian.AppendUint32(b, uint32(fraction)), nil
}

// appendUint appends an unsigned number of size bytes.
func appendUint(b []byte, value string, size int, bigEndian bool) ([]byte, error) {
	n, err := syntax.ParseUint(value, 8*size)
	if err != nil {
		return nil, syntax.NumberError(err, "from 0 to "+strconv.FormatUint(1<<(8*size)-1, 10))
	}
	var order binary.AppendByteOrder = binary.NativeEndian
	if bigEndian {
		order = binary.BigEndian
	}
	switch size {
	case 1:
		return append(b, byte(n)), nil
	case 2:
		return order.AppendUint16(b, uint16(n)), nil
	case 4:
		return order.AppendUint32(b, uint32(n)), nil
	}
	return order.AppendUint64(b, n), nil
}

// appendInt32 appends a signed number of four bytes.
func appendInt32(b []byte, value string) ([]byte, error) {
	n, err := syntax.ParseInt(value, 32)
	if err != nil {
		return nil, syntax.NumberError(err, "from -2147483648 to 2147483647")
	}
	return binary.NativeEndian.AppendUint32(b, uint32(n)), nil
}
