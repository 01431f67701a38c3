package cmsg

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

var ownCredentials = Credentials{PID: 41, UID: 1000, GID: 4294967295}

func TestParseReadsEveryForm(t *testing.T) {
	tests := []struct {
		text          string
		level, number int
		data          []byte
	}{
		// levels and types, by name and number
		{"SOL_SOCKET:SCM_RIGHTS:", 1, 1, nil},
		{"1:1:", 1, 1, nil},
		{"0x1:0x1:", 1, 1, nil},
		{"SOL_IP:IP_TTL:", 0, 2, nil},
		{"IPPROTO_IP:IP_TTL:", 0, 2, nil},
		{"SOL_IPV6:52:", 41, 52, nil},
		{"IPPROTO_IPV6:IPV6_HOPLIMIT:", 41, 52, nil},
		{"SOL_TCP:TCP_CM_INQ:", 6, 36, nil},
		{"SOL_UDP:UDP_SEGMENT:", 17, 103, nil},
		{"SOL_ICMPV6:1:", 58, 1, nil},
		{"SOL_SCTP:1:", 132, 1, nil},
		{"SOL_UDPLITE:1:", 136, 1, nil},
		{"SOL_RAW:1:", 255, 1, nil},
		{"SOL_TLS:TLS_SET_RECORD_TYPE:", 282, 1, nil},
		{"SOL_ALG:ALG_SET_IV:", 279, 2, nil},
		{"-1:-2147483648:", -1, -1 << 31, nil},
		{"2147483647:2147483647:", 1<<31 - 1, 1<<31 - 1, nil},
		// SO_NAME stands for SCM_NAME, and the other way round
		{"SOL_SOCKET:SO_TIMESTAMP:", 1, 29, nil},
		{"SOL_SOCKET:SCM_TIMESTAMP:", 1, 29, nil},
		{"SOL_SOCKET:SO_TIMESTAMPNS:", 1, 35, nil},
		{"SOL_SOCKET:SCM_TIMESTAMPING:", 1, 37, nil},
		{"SOL_SOCKET:SCM_TIMESTAMP_NEW:", 1, 63, nil},
		{"SOL_SOCKET:SCM_MARK:", 1, 36, nil},
		{"SOL_SOCKET:SO_TXTIME:", 1, 61, nil},
		{"SOL_SOCKET:SO_INQ:", 1, 84, nil},
		// typed parts
		{"1:2:int=1", 1, 2, raw(int32(1))},
		{"1:2:hex=00fF,text=a:b=c,base64=/wAK", 1, 2, []byte("\x00\xffa:b=c\xff\x00\n")},
		{"SOL_SOCKET:SCM_RIGHTS:int=3,int=4", 1, 1, raw([2]int32{3, 4})},
		// fields
		{"SOL_SOCKET:SCM_RIGHTS:fds=3", 1, 1, raw([1]int32{3})},
		{"SOL_SOCKET:SCM_RIGHTS:fds=3+4+0x10", 1, 1, raw([3]int32{3, 4, 16})},
		{"SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=2,gid=3", 1, 2, raw(ucredC{1, 2, 3})},
		{"SOL_SOCKET:SCM_CREDENTIALS:gid=3,pid=-1", 1, 2, raw(ucredC{-1, 1000, 3})},
		{"SOL_SOCKET:SCM_CREDENTIALS:uid=0", 1, 2, raw(ucredC{41, 0, 4294967295})},
		{"SOL_SOCKET:SCM_CREDENTIALS:", 1, 2, nil}, // empty is empty
		{"SOL_SOCKET:SO_PRIORITY:priority=6", 1, 12, raw(uint32(6))},
		{"SOL_SOCKET:SO_MARK:mark=0xdeadbeef", 1, 36, raw(uint32(0xdeadbeef))},
		{"SOL_SOCKET:SCM_TXTIME:txtime=18446744073709551615", 1, 61, raw(^uint64(0))},
		{"SOL_SOCKET:SCM_TS_OPT_ID:id=7", 1, 81, raw(uint32(7))},
		{"SOL_SOCKET:SCM_SECURITY:label=unconfined", 1, 3, []byte("unconfined")},
		{"SOL_SOCKET:SCM_SECURITY:label=", 1, 3, nil},
		{"SOL_SOCKET:SO_TIMESTAMP:time=2023-11-14T22:13:20.123456Z", 1, 29, raw(oldTime{1700000000, 123456})},
		{"SOL_SOCKET:SO_TIMESTAMPNS:time=2023-11-15T00:13:20.123456789+02:00", 1, 35, raw(oldTime{1700000000, 123456789})},
		{"SOL_SOCKET:SO_TIMESTAMPNS_NEW:time=2128-06-11T08:53:20.5Z", 1, 64, raw(newTime{5e9, 5e8})},
		{"SOL_SOCKET:SO_TIMESTAMPNS_NEW:time=1969-12-31T23:59:59.5Z", 1, 64, raw(newTime{-1, 5e8})},
		{"SOL_SOCKET:SO_TIMESTAMPING:flags=256", 1, 37, raw(uint32(256))}, // what is sent
		{"SOL_SOCKET:SO_TIMESTAMPING_NEW:hardware=1970-01-01T00:00:05Z", 1, 65, raw([3]newTime{2: {5, 0}})},
		{"IPPROTO_IP:IP_TOS:tos=184", 0, 1, []byte{184}},
		{"IPPROTO_IP:IP_TOS:int=184", 0, 1, raw(int32(184))},
		{"IPPROTO_IP:IP_TTL:ttl=3", 0, 2, raw(int32(3))},
		{"IPPROTO_IP:IP_PKTINFO:ifindex=7,spec_dst=192.0.2.1,addr=224.0.0.1", 0, 8, raw(inPktinfo{7, addr4, [4]byte{224, 0, 0, 1}})},
		{"IPPROTO_IP:IP_PKTINFO:spec_dst=192.0.2.1", 0, 8, raw(inPktinfo{specDst: addr4})},
		{"IPPROTO_IP:IP_ORIGDSTADDR:port=8080,addr=192.0.2.1", 0, 20, raw(target4)},
		{"IPPROTO_IPV6:IPV6_PKTINFO:addr=2001:db8::11,ifindex=7", 41, 50, raw(in6PktinfoC{addr6, 7})},
		{"IPPROTO_IPV6:IPV6_PKTINFO:addr=::ffff:192.0.2.1", 41, 50, raw(in6PktinfoC{addr: [16]byte{10: 0xff, 0xff, 192, 0, 2, 1}})},
		{"IPPROTO_IPV6:IPV6_HOPLIMIT:hoplimit=-1", 41, 52, raw(int32(-1))},
		{"IPPROTO_IPV6:IPV6_TCLASS:tclass=184", 41, 67, raw(int32(184))},
		{"IPPROTO_IPV6:IPV6_FLOWINFO:flowinfo=0x0b80abcd", 41, 11, []byte{0x0b, 0x80, 0xab, 0xcd}},
		{"IPPROTO_IPV6:IPV6_PATHMTU:port=8080,flowinfo=0xabcde,addr=2001:db8::11,scope_id=3,mtu=1280", 41, 61, raw(mtuinfo{target6, 1280})},
		{"IPPROTO_UDP:UDP_SEGMENT:size=1200", 17, 103, raw(uint16(1200))},
		{"SOL_TLS:TLS_SET_RECORD_TYPE:record_type=21", 282, 1, []byte{21}},
		{"SOL_ALG:ALG_SET_OP:op=1", 279, 3, raw(uint32(1))},
		{"SOL_PACKET:PACKET_AUXDATA:vlan_tpid=0x8100,status=1", 263, 8, raw(auxdata{status: 1, vlanTPID: 0x8100})},
	}
	for _, test := range tests {
		got, err := Parse(test.text, ownCredentials)
		if want := (Message{test.level, test.number, test.data}); err != nil || !sameMessage(got, want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", test.text, got, err, want)
		}
	}
}

// A refused text, and what the error is: a syntax error, or an unknown name of a kind.
const syntaxKind = ""

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		text, kind string
	}{
		{"", syntaxKind},
		{"SOL_SOCKET", syntaxKind},
		{"SOL_SOCKET:SCM_RIGHTS", syntaxKind},
		{":SCM_RIGHTS:", syntaxKind},
		{"SOL_SOCKET::", syntaxKind},
		{"SOL_SOCK:SCM_RIGHTS:", "level"},
		{"sol_socket:SCM_RIGHTS:", "level"},
		{" 1:1:", "level"},
		{"+1:1:", "level"},
		{"1x:1:", syntaxKind},
		{"-:1:", syntaxKind},
		{"2147483648:1:", syntaxKind},
		{"-2147483649:1:", syntaxKind},
		{"99999999999999999999:1:", syntaxKind},
		{"1_0:1:", syntaxKind},
		{"1:1_0:", syntaxKind},
		{"SOL_SOCKET:SCM_RIGHT:", "control message type"},
		{"SOL_SOCKET:IP_TTL:", "control message type"},
		{"IPPROTO_IP:SCM_RIGHTS:", "control message type"},
		{"9999:SCM_SECURITY:", "control message type"},
		{"SOL_SOCKET:RIGHTS:", "control message type"},
		{"SOL_SOCKET:1.5:", syntaxKind},
		{"SOL_SOCKET:2147483648:", syntaxKind},
		// data
		{"1:1:3", syntaxKind},
		{"1:1:int", syntaxKind},
		{"1:1:=3", syntaxKind},
		{"1:1:int=1,", syntaxKind},
		{"1:1:int=1,fds=3", syntaxKind},
		{"1:1:fds=3,int=1", "field of SCM_RIGHTS"},
		{"9999:1:value=3", syntaxKind},
		{"SOL_ALG:ALG_SET_IV:iv=1", syntaxKind},
		{"IPPROTO_IP:IP_RECVERR:ee_errno=1", syntaxKind},
		// fields
		{"SOL_SOCKET:SCM_RIGHTS:fds=", syntaxKind},
		{"SOL_SOCKET:SCM_RIGHTS:fds=3+", syntaxKind},
		{"SOL_SOCKET:SCM_RIGHTS:fds=3 + 4", syntaxKind},
		{"SOL_SOCKET:SCM_RIGHTS:fds=3,fds=4", syntaxKind},
		{"SOL_SOCKET:SCM_RIGHTS:fds=3,", syntaxKind},
		{"SOL_SOCKET:SCM_RIGHTS:fd=3", "field of SCM_RIGHTS"},
		{"SOL_SOCKET:SCM_RIGHTS:FDS=3", "field of SCM_RIGHTS"},
		{"SOL_SOCKET:SCM_RIGHTS:fds=2147483648", syntaxKind},
		{"SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=2,gid=3,pid=4", syntaxKind},
		{"SOL_SOCKET:SCM_CREDENTIALS:pid=1,euid=2", "field of SCM_CREDENTIALS"},
		{"SOL_SOCKET:SCM_CREDENTIALS:pid=2147483648", syntaxKind},
		{"SOL_SOCKET:SCM_CREDENTIALS:uid=-1", syntaxKind},
		{"SOL_SOCKET:SCM_CREDENTIALS:uid=4294967296", syntaxKind},
		{"SOL_SOCKET:SCM_CREDENTIALS:uid=root", syntaxKind},
		{"SOL_SOCKET:SCM_CREDENTIALS:pid", syntaxKind},
		{"SOL_SOCKET:SCM_CREDENTIALS:pid=", syntaxKind},
		{"SOL_SOCKET:SCM_PIDFD:fd=3", syntaxKind}, // is only received
		{"SOL_SOCKET:SO_TIMESTAMP:time=yesterday", syntaxKind},
		{"SOL_SOCKET:SO_TIMESTAMP:time=1700000000", syntaxKind},
		{"SOL_SOCKET:SO_TIMESTAMPING:flags=1,hardware=1970-01-01T00:00:05Z", "field of SCM_TIMESTAMPING"}, // of two structs
		{"IPPROTO_IP:IP_TOS:tos=256", syntaxKind},
		{"IPPROTO_IP:IP_TTL:ttl=1_0", syntaxKind},
		{"IPPROTO_IP:IP_TTL:ttl=1,tos=2", "field of IP_TTL"},
		{"IPPROTO_IP:IP_PKTINFO:addr=::1", syntaxKind},
		{"IPPROTO_IP:IP_PKTINFO:addr=localhost", syntaxKind},
		{"IPPROTO_IP:IP_PKTINFO:addr=", syntaxKind},
		{"IPPROTO_IP:IP_ORIGDSTADDR:port=65536", syntaxKind},
		{"IPPROTO_IP:IP_ORIGDSTADDR:family=2", "field of IP_ORIGDSTADDR"},
		{"IPPROTO_IPV6:IPV6_PKTINFO:addr=192.0.2.1", syntaxKind},
		{"IPPROTO_IPV6:IPV6_PKTINFO:addr=fe80::1%lo", syntaxKind},
		{"IPPROTO_UDP:UDP_SEGMENT:size=65536", syntaxKind},
	}
	for _, test := range tests {
		m, err := Parse(test.text, ownCredentials)
		if err == nil {
			t.Errorf("%q is read as %+v", test.text, m)
			continue
		}
		checkError(t, test.text, err, test.kind)
	}
}

func checkError(t *testing.T, text string, err error, kind string) {
	t.Helper()
	unknown, isName := errors.AsType[*NameError](err)
	switch {
	case isName != (kind != syntaxKind) || errors.Is(err, ErrSyntax) == isName:
		t.Errorf("%q: %T %v; want an unknown name: %v", text, err, err, kind != syntaxKind)
	case isName && (unknown.Kind != kind || !strings.Contains(text, unknown.Name) || slices.Contains(unknown.Known, unknown.Name)):
		t.Errorf("%q: %+v; want an unknown %s", text, unknown, kind)
	case strings.ContainsAny(err.Error(), "\n"):
		t.Errorf("%q: %v: more than a line", text, err)
	}
}

func TestUnknownNamesComeWithThoseThatAreKnown(t *testing.T) {
	tests := []struct {
		text, name string
		known      []string
	}{
		{"SOL_SOCKETS:1:", "SOL_SOCKETS", []string{"SOL_SOCKET", "IPPROTO_IP", "SOL_TLS", "SOL_VSOCK"}},
		{"SOL_TLS:TLS_RECORD:", "TLS_RECORD", []string{"TLS_SET_RECORD_TYPE", "TLS_GET_RECORD_TYPE"}},
		{"SOL_SOCKET:SCM_CREDENTIALS:pd=1", "pd", []string{"pid", "uid", "gid"}},
		{"IPPROTO_IP:IP_ORIGDSTADDR:prt=1", "prt", []string{"port", "addr"}},
	}
	for _, test := range tests {
		_, err := Parse(test.text, Credentials{})
		unknown, ok := errors.AsType[*NameError](err)
		if !ok || unknown.Name != test.name {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		for _, name := range test.known {
			if !slices.Contains(unknown.Known, name) {
				t.Errorf("%s: %s is not among %v", test.text, name, unknown.Known)
			}
		}
		if slices.Contains(unknown.Known, "") {
			t.Errorf("%s: an empty name among %q", test.text, unknown.Known)
		}
	}
}

func TestParseDataJoinsTypedParts(t *testing.T) {
	tests := []struct {
		text string
		want []byte
	}{
		{"", nil},
		{"int=0", raw(int32(0))},
		{"int=-2147483648", raw(int32(-1 << 31))},
		{"int=2147483647", raw(int32(1<<31 - 1))},
		{"int=0x7f", raw(int32(127))},
		{"int=-0x1", raw(int32(-1))},
		{"u8=0", []byte{0}},
		{"u8=255", []byte{255}},
		{"u16=65535", []byte{255, 255}},
		{"u16=1", raw(uint16(1))},
		{"u32=4294967295", []byte{255, 255, 255, 255}},
		{"u32=0x01020304", raw(uint32(0x01020304))},
		{"u64=18446744073709551615", raw(^uint64(0))},
		{"u64=1", raw(uint64(1))},
		{"be16=258", []byte{1, 2}},
		{"be16=65535", []byte{255, 255}},
		{"be32=0x01020304", []byte{1, 2, 3, 4}},
		{"be32=4294967295", []byte{255, 255, 255, 255}},
		{"hex=", nil},
		{"hex=00aAFf", []byte{0, 0xaa, 0xff}},
		{"base64=", nil},
		{"base64=/wAK", []byte{255, 0, 10}},
		{"base64=YQ==", []byte("a")},
		{"text=", nil},
		{"text=a=b c:d", []byte("a=b c:d")},
		{"text=\xff\x00\n", []byte("\xff\x00\n")},
		{"u8=1,u8=2,be16=3,text=x,u8=4", []byte{1, 2, 0, 3, 'x', 4}},
	}
	for _, test := range tests {
		if got, ok, err := ParseData(test.text); !ok || err != nil || !bytes.Equal(got, test.want) {
			t.Errorf("%q: %x, %v, %v; want %x", test.text, got, ok, err, test.want)
		}
	}
}

func TestParseDataRefuses(t *testing.T) {
	for _, text := range []string{
		"int=", "int=2147483648", "int=-2147483649", "int=1.5", "int=1K", "int= 1", "int=1_000", "int=99999999999999999999",
		"u8=256", "u8=-1", "u8=", "u16=65536", "u32=4294967296", "u32=0x1_0", "u64=18446744073709551616", "u64=-0",
		"be16=65536", "be16=-1", "be32=4294967296",
		"hex=0", "hex=0g", "hex=0x00", "hex= 00", "base64=YQ", "base64=YQ=", "base64=*", "base64=_wAK",
		"int=1,", "int=1,,int=2", "int=1,fds=3", "int=1,INT=2", "text=a,b",
		"hex=00,hex", "text=a,text", "base64=YQ==,base64", // a part is NAME=VALUE, the later ones, too
	} {
		data, ok, err := ParseData(text)
		if !ok || !errors.Is(err, ErrSyntax) || data != nil {
			t.Errorf("%q: %x, %v, %v; want ErrSyntax", text, data, ok, err)
		}
	}
}

func TestParseDataLeavesOtherTextsToOthers(t *testing.T) {
	for _, text := range []string{"pid=1", "fds=3,int=4", "int", "hex", "=", "=1", ",", "INT=1", " int=1", "3", "on", "64K"} {
		if data, ok, err := ParseData(text); ok || err != nil || data != nil {
			t.Errorf("%q: %x, %v, %v; want none of it", text, data, ok, err)
		}
	}
}

func TestLevelsAreReadByName(t *testing.T) {
	for _, level := range levels {
		for _, name := range []string{level.name, level.also} {
			if got, err := ParseLevel(name); name != "" && (err != nil || got != level.number) {
				t.Errorf("ParseLevel(%q) = %d, %v; want %d", name, got, err, level.number)
			}
		}
	}
	if got, err := ParseLevel(""); !errors.Is(err, ErrSyntax) {
		t.Errorf("no level is %d, %v", got, err)
	}
}

func TestTypesAreReadByName(t *testing.T) {
	for _, row := range types {
		if got, err := ParseType(row.level, row.name); err != nil || got != row.number {
			t.Errorf("ParseType(%d, %q) = %d, %v; want %d", row.level, row.name, got, err, row.number)
		}
	}
	if got, err := ParseType(1, ""); !errors.Is(err, ErrSyntax) {
		t.Errorf("no type is %d, %v", got, err)
	}
}

func TestMessageIsWrittenAsItIsRead(t *testing.T) {
	tests := []struct {
		m    Message
		want string
	}{
		{Message{1, 1, raw([1]uint8{9})}, "SOL_SOCKET:SCM_RIGHTS:hex=09"},
		{Message{0, 2, []byte{0, 255}}, "IPPROTO_IP:IP_TTL:hex=00ff"},
		{Message{1, 2, nil}, "SOL_SOCKET:SCM_CREDENTIALS:"},
		{Message{9999, -7, []byte("a")}, "9999:-7:hex=61"},
	}
	for _, test := range tests {
		if got := test.m.String(); got != test.want {
			t.Errorf("%+v is written %s, want %s", test.m, got, test.want)
		}
	}
}

// A struct member of 32 bits cannot say every time.
func TestTimesThatDoNotFitAreRefused(t *testing.T) {
	const text = "SOL_SOCKET:SO_TIMESTAMP:time=2128-06-11T08:53:20Z"
	m, err := Parse(text, Credentials{})
	if wordSize == 4 {
		if !errors.Is(err, ErrSyntax) {
			t.Errorf("%s is read as %x, %v", text, m.Data, err)
		}
		return
	}
	seconds := int64(5e9)
	if want := raw(oldTime{int(seconds), 0}); err != nil || !bytes.Equal(m.Data, want) {
		t.Errorf("%s is read as %x, %v; want %x", text, m.Data, err, want)
	}
}
