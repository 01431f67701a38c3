package cmsg

import (
	"bytes"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// sameFields is reflect.DeepEqual, but for bytes: none are none.
func sameFields(got, want []field) bool {
	return slices.EqualFunc(got, want, func(a, b field) bool {
		if x, ok := a.Value.([]byte); ok {
			y, ok := b.Value.([]byte)
			return ok && a.Name == b.Name && bytes.Equal(x, y)
		}
		if x, ok := a.Value.([][]field); ok {
			y, ok := b.Value.([][]field)
			return ok && a.Name == b.Name && slices.EqualFunc(x, y, sameFields)
		}
		if x, ok := a.Value.([]field); ok {
			y, ok := b.Value.([]field)
			return ok && a.Name == b.Name && sameFields(x, y)
		}
		return reflect.DeepEqual(a, b)
	})
}

func checkWithin(t *testing.T, fields []Field, data []byte) {
	t.Helper()
	for _, f := range fields {
		if f.Name == "" || strings.Contains(f.Name, `"`) {
			t.Fatalf("a field called %q", f.Name)
		}
		switch v := f.Value.(type) {
		case Bytes:
			if !within(v, data) {
				t.Fatalf("%s has bytes from outside of the data", f.Name)
			}
		case Fields:
			checkWithin(t, v, data)
		case List:
			for _, each := range v {
				checkWithin(t, each, data)
			}
		}
	}
}

// field is a Field with its value as a plain one, as the tests spell it.
type field struct {
	Name  string
	Value any
}

func plain(fields []Field) []field {
	list := []field{}
	for _, f := range fields {
		list = append(list, field{f.Name, plainValue(f.Value)})
	}
	return list
}

func plainValue(value Value) any {
	switch v := value.(type) {
	case Int:
		return int64(v)
	case Uint:
		return uint64(v)
	case Float:
		return float64(v)
	case Bool:
		return bool(v)
	case String:
		return string(v)
	case Bytes:
		return []byte(v)
	case Time:
		return v.Time
	case Addr:
		return v.Addr
	case Ints:
		return []int64(v)
	case Strings:
		return []string(v)
	case Addrs:
		return []netip.Addr(v)
	case Fields:
		return plain(v)
	case List:
		lists := [][]field{}
		for _, each := range v {
			lists = append(lists, plain(each))
		}
		return lists
	}
	return nil
}
