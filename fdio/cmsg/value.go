package cmsg

import (
	"net/netip"
	"time"
)

// Field is one decoded member of a control message's data, or of anything else
// whose parts have names.
type Field struct {
	Name  string // as the man pages have it, without the prefix of its struct
	Value Value
}

// Value is what a Field holds: an Int, Uint, Float, Bool, String, Bytes, Time or
// Addr, several of one kind in an Ints, Strings or Addrs, or members of its own in
// a Fields or List. There are no others, so that a type switch can be complete.
type Value interface{ value() }

// Int is a number that a double holds exactly, as numbers in JSON are.
type Int int64

// Uint is a counter or an identity of 64 bits, which a double may not hold.
type Uint uint64

// Float is a time span in seconds.
type Float float64

// Bool is yes or no.
type Bool bool

// String is a text of this package or of the kernel's headers: a name, mostly.
type String string

// Bytes are a text or other bytes as they came. They may not be UTF-8.
type Bytes []byte

// Time is a point in time.
type Time struct{ time.Time }

// Addr is an IP address.
type Addr struct{ netip.Addr }

// Ints are several numbers, descriptors for example.
type Ints []int64

// Strings are several names, those of flags for example.
type Strings []string

// Addrs are several IP addresses.
type Addrs []netip.Addr

// Fields are the members of a value that has members itself.
type Fields []Field

// List is several values that have members.
type List [][]Field

func (Int) value()     {}
func (Uint) value()    {}
func (Float) value()   {}
func (Bool) value()    {}
func (String) value()  {}
func (Bytes) value()   {}
func (Time) value()    {}
func (Addr) value()    {}
func (Ints) value()    {}
func (Strings) value() {}
func (Addrs) value()   {}
func (Fields) value()  {}
func (List) value()    {}
