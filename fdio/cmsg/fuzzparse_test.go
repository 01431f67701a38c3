package cmsg

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", ":::", "SOL_SOCKET:SCM_RIGHTS:fds=3+4", "SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=0", "1:2:",
		"IPPROTO_IP:IP_TTL:int=3,u8=4", "SOL_IP:IP_PKTINFO:spec_dst=192.0.2.1", "IPPROTO_IPV6:IPV6_PKTINFO:addr=fe80::1%lo",
		"SOL_SOCKET:SO_TIMESTAMP:time=2023-11-14T22:13:20.5Z", "-1:0x7fffffff:hex=00ff,base64=/w==,text=a:b", "9999:1:u64=1,be16=2,be32=3",
		"SOL_SOCKET:SCM_SECURITY:label=\xff\x00", "SOL_PACKET:PACKET_AUXDATA:vlan_tpid=0x8100", "1_0:1_0:",
	} {
		f.Add(text, int32(41), uint32(1000), uint32(1000))
	}
	f.Fuzz(func(t *testing.T, text string, pid int32, uid, gid uint32) {
		own := Credentials{pid, uid, gid}
		m, err := Parse(text, own)
		if err != nil {
			_, isName := errors.AsType[*NameError](err)
			if isName == errors.Is(err, ErrSyntax) {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if again, err := Parse(m.String(), own); err != nil || !sameMessage(again, m) {
			t.Fatalf("%q is %+v, written %s, which is %+v, %v", text, m, m, again, err)
		}
		if built, rest, ok, err := Next(Append(nil, m)); !ok || err != nil || len(rest) > 0 || !sameMessage(built, m) {
			t.Fatalf("%+v became %+v", m, built)
		}
		m.Decode()
	})
}

func FuzzParseData(f *testing.F) {
	for _, text := range []string{"", "int=-1", "u8=1,u16=2,u32=3,u64=4", "be16=1,be32=2", "hex=00ff", "base64=/wAK", "text=a=b", "int", "text=a,text", "u8=256"} {
		f.Add(text, []byte(text))
	}
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		got, ok, err := ParseData(text)
		if (!ok || err != nil) && got != nil || err != nil && (!ok || !errors.Is(err, ErrSyntax)) {
			t.Fatalf("%q: %x, %v, %v", text, got, ok, err)
		}
		if !ok && err != nil {
			t.Fatalf("%q: an error though it is left to others: %v", text, err)
		}
		for _, form := range []string{"hex=%x", "u8=7,hex=%X"} {
			written := fmt.Sprintf(form, data)
			back, ok, err := ParseData(written)
			if !ok || err != nil || !bytes.HasSuffix(back, data) || len(back) > len(data)+1 {
				t.Fatalf("%s: %x, %v, %v", written, back, ok, err)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, test := range slices.Concat(fixedTests, openTests) {
		index := slices.IndexFunc(types[:], func(r row) bool { return r.level == test.level && r.number == test.number })
		f.Add(uint8(index), 0, 0, test.data)
	}
	const asGiven = 255
	f.Add(uint8(asGiven), 0, 7, []byte{7, 7, 4, 192, 0, 2, 1, 0})
	f.Add(uint8(asGiven), 41, 57, joined([]byte{6, 2, 4, 0, 0, 1, 0, 2}, addr6[:]))
	f.Add(uint8(asGiven), 1, 54, attribute(26, []byte{64}))
	f.Add(uint8(asGiven), -1, 1<<30, []byte("?"))
	f.Fuzz(func(t *testing.T, index uint8, level, number int, input []byte) {
		if int(index) < len(types) { // chance does not find the pairs that are known
			level, number = types[index].level, types[index].number
		}
		// What is behind the end must not be looked at.
		data := append(make([]byte, 0, len(input)+64), input...)
		for i := range 64 {
			data[:len(input)+64][len(input)+i] = 0x5a
		}
		m := Message{level, number, data[:len(input):len(input)]}
		fields, err := m.Decode()
		if !bytes.Equal(data, input) {
			t.Fatal("decoding changed the data")
		}
		if err != nil && fields != nil || err != nil && err != ErrBadData && err != ErrUnknownType {
			t.Fatalf("%v with %v", err, fields)
		}
		checkWithin(t, fields, m.Data)
		again, err2 := Message{level, number, bytes.Clone(input)}.Decode()
		if err2 != err || !sameFields(plain(again), plain(fields)) {
			t.Fatalf("%v, %v and then %v, %v", fields, err, again, err2)
		}
		if err == nil {
			rebuildsFromFields(t, m, fields)
		}
	})
}

// rebuildsFromFields builds m again from what its fields say, where they say
// all of it: of a type with one layout, no member of which is padding.
func rebuildsFromFields(t *testing.T, m Message, fields []Field) {
	t.Helper()
	row := findType(m.Level, m.Type)
	if row.layout == nil || !row.layout.fits(m.Data) || !saysAll(row.layout, m.Data) || len(fields) != len(row.layout.names()) {
		return
	}
	var values []string
	for _, f := range fields {
		value, ok := valueText(f.Value)
		if !ok {
			return
		}
		values = append(values, f.Name+"="+value)
	}
	text := fmt.Sprintf("%s:%s:%s", LevelName(m.Level), TypeName(m.Level, m.Type), strings.Join(values, ","))
	if got, err := Parse(text, Credentials{}); err != nil || !sameMessage(got, m) {
		t.Fatalf("%+v is %s, which is %+v, %v", m, text, got, err)
	}
}

// saysAll reports whether fields hold all of data: there is no padding, and no
// time has a fraction of more than a second.
func saysAll(l layout, data []byte) bool {
	for _, m := range l {
		switch m.kind {
		case inet, inet6:
		case usec, nsec, usec64, nsec64:
			_, fraction := pair(data[:kindSizes[m.kind]])
			if fraction < 0 || fraction >= 1e9 || fraction >= 1e6 && (m.kind == usec || m.kind == usec64) {
				return false
			}
		default:
			if m.name == "" {
				return false
			}
		}
		data = data[kindSizes[m.kind]:]
	}
	return true
}

// valueText is a field as Parse reads it. ok is false for what it cannot be
// told: no descriptors, a label, and a year that RFC 3339 does not have.
func valueText(value Value) (text string, ok bool) {
	switch v := value.(type) {
	case Int, Uint, Addr:
		return fmt.Sprint(v), true
	case Ints:
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", "+"), "[]"), len(v) > 0
	case Time:
		text := v.UTC().Format(time.RFC3339Nano)
		back, err := time.Parse(time.RFC3339Nano, text)
		return text, err == nil && back.Equal(v.Time)
	}
	return "", false
}
