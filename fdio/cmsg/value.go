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

// Value is what a Field holds: one of the types below, and no other. A type switch
// over them is complete.
type Value interface{ value() }

// The types of values.
type (
	Int     int64   // a number that a double can hold
	Uint    uint64  // a 64-bit counter or identity, which a double may not hold
	Float   float64 // seconds
	Bool    bool    // yes or no
	String  string  // a name that the headers or this package give, in UTF-8
	Bytes   []byte  // text or other bytes as they came
	Time    struct{ time.Time }
	Addr    struct{ netip.Addr }
	Ints    []int64      // several numbers, descriptors for example
	Strings []string     // several names, those of flags for example
	Addrs   []netip.Addr // several addresses
	Fields  []Field      // what has members itself
	List    [][]Field    // several of those
)

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
