package fdio

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
	"unsafe"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// getsockopt is what an option is set to: at most size bytes.
func getsockopt(fd, level, name, size int) ([]byte, error) {
	value := make([]byte, size)
	length := uint32(size)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(&value[0])), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return nil, errno
	}
	return value[:length], nil
}

// memory are the bytes of v in memory, as C has them.
func memory[T any](v T) []byte {
	return bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v)))
}

func mustOptions(t testing.TB, texts ...string) (options []Option) {
	t.Helper()
	for _, text := range texts {
		o, err := ParseOption(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		options = append(options, o)
	}
	return options
}

func int32Of(n int64) []byte { return memory(int32(n)) }

func TestParseOptionReadsEveryForm(t *testing.T) {
	tests := []struct {
		text        string
		level, name int // as in the headers
		want        []byte
	}{
		{"SO_SNDBUF=4096", 1, 7, int32Of(4096)},
		{"SO_SNDBUF=1K", 1, 7, int32Of(1 << 10)},
		{"SO_RCVBUF=3M", 1, 8, int32Of(3 << 20)},
		{"SO_RCVBUF=1G", 1, 8, int32Of(1 << 30)},
		{"SO_RCVBUF=0x10K", 1, 8, int32Of(16 << 10)},
		{"SO_MARK=4294967295", 1, 36, int32Of(-1)},
		{"SO_PEEK_OFF=-1", 1, 42, int32Of(-1)},
		{"SO_PRIORITY=-2147483648", 1, 12, int32Of(math.MinInt32)},
		{"SO_KEEPALIVE", 1, 9, int32Of(1)},
		{"SO_KEEPALIVE=on", 1, 9, int32Of(1)},
		{"SO_KEEPALIVE=true", 1, 9, int32Of(1)},
		{"SO_KEEPALIVE=yes", 1, 9, int32Of(1)},
		{"SO_KEEPALIVE=1", 1, 9, int32Of(1)},
		{"SO_KEEPALIVE=off", 1, 9, int32Of(0)},
		{"SO_KEEPALIVE=false", 1, 9, int32Of(0)},
		{"SO_KEEPALIVE=no", 1, 9, int32Of(0)},
		{"SO_KEEPALIVE=0", 1, 9, int32Of(0)},
		{"SO_TXTIME=int=1,u32=2", 1, 61, append(int32Of(1), int32Of(2)...)},
		{"SO_MAX_PACING_RATE=6G", 1, 47, memory(uint64(6 << 30))},
		{"SO_LINGER=5", 1, 13, memory(unix.Linger{Onoff: 1, Linger: 5})},
		{"SO_LINGER=0", 1, 13, memory(unix.Linger{Onoff: 1})},
		{"SO_LINGER=off", 1, 13, memory(unix.Linger{})},
		{"SO_RCVTIMEO=2.5", 1, 20, memory(unix.Timeval{Sec: 2, Usec: 500000})},
		{"SO_SNDTIMEO=100ms", 1, 21, memory(unix.Timeval{Usec: 100000})},
		{"SO_SNDTIMEO=1h", 1, 21, memory(unix.Timeval{Sec: 3600})},
		{"SO_RCVTIMEO_NEW=1m", 1, 66, memory([2]int64{60, 0})},
		{"SO_SNDTIMEO_NEW=0.000001", 1, 67, memory([2]int64{0, 1})},
		{"SO_BINDTODEVICE=lo", 1, 25, []byte("lo")},
		{"SO_BINDTODEVICE=", 1, 25, nil},
		{"SO_TIMESTAMPING=24", 1, 37, int32Of(24)},
		{"SO_TIMESTAMPING=RX_SOFTWARE+SOF_TIMESTAMPING_SOFTWARE", 1, 37, int32Of(1<<3 | 1<<4)},
		{"SO_TIMESTAMPING_NEW=TX_HARDWARE+TX_SOFTWARE+RX_HARDWARE+SYS_HARDWARE+RAW_HARDWARE+OPT_ID+TX_SCHED+TX_ACK+OPT_CMSG+OPT_TSONLY+" +
			"OPT_STATS+OPT_PKTINFO+OPT_TX_SWHW+BIND_PHC+OPT_ID_TCP+OPT_RX_FILTER+TX_COMPLETION", 1, 65, int32Of(1<<19 - 1 - 1<<3 - 1<<4)},
		{"IP_TTL=3", 0, 2, int32Of(3)},
		{"IP_TOS=u8=16", 0, 1, []byte{16}},
		{"IP_ADD_MEMBERSHIP=224.0.0.251", 0, 35, memory(unix.IPMreqn{Multiaddr: [4]byte{224, 0, 0, 251}})},
		{"IP_ADD_MEMBERSHIP=224.0.0.251@3", 0, 35, memory(unix.IPMreqn{Multiaddr: [4]byte{224, 0, 0, 251}, Ifindex: 3})},
		{"IP_DROP_MEMBERSHIP=224.0.0.251@127.0.0.1", 0, 36, memory(unix.IPMreqn{Multiaddr: [4]byte{224, 0, 0, 251}, Address: [4]byte{127, 0, 0, 1}})},
		{"IP_MULTICAST_IF=127.0.0.1", 0, 32, []byte{127, 0, 0, 1}},
		{"IP_MULTICAST_IF=3", 0, 32, memory(unix.IPMreqn{Ifindex: 3})},
		{"IP_UNICAST_IF=258", 0, 50, []byte{0, 0, 1, 2}},
		{"IPV6_UNICAST_IF=1", 41, 76, []byte{0, 0, 0, 1}},
		{"IPV6_ADD_MEMBERSHIP=ff02::fb@3", 41, 20, memory(unix.IPv6Mreq{Multiaddr: [16]byte{0xff, 2, 15: 0xfb}, Interface: 3})},
		{"IPV6_LEAVE_ANYCAST=::1", 41, 28, memory(unix.IPv6Mreq{Multiaddr: [16]byte{15: 1}})},
		{"IPV6_FLOWINFO", 41, 11, int32Of(1)},
		{"TCP_CONGESTION=reno", 6, 13, []byte("reno")},
		{"TCP_ULP=tls", 6, 31, []byte("tls")},
		{"UDP_SEGMENT=1200", 17, 103, int32Of(1200)},

		{"1:7=4K", 1, 7, int32Of(4096)},
		{"SOL_SOCKET:7=4K", 1, 7, int32Of(4096)},
		{"SOL_SOCKET:SO_SNDBUF=4K", 1, 7, int32Of(4096)},
		{"SOL_TCP:TCP_CONGESTION=reno", 6, 13, []byte("reno")},
		{"SOL_SOCKET:SO_LINGER=5", 1, 13, memory(unix.Linger{Onoff: 1, Linger: 5})},
		{"IPPROTO_IP:0x2=3", 0, 2, int32Of(3)},
		{"9999:-7=hex=00ff", 9999, -7, []byte{0, 255}},
		{"9999:1=", 9999, 1, nil},
		{"9999:1", 9999, 1, int32Of(1)},
		{"6:13=text=reno", 6, 13, []byte("reno")},
		{"1:1=text=a=b", 1, 1, []byte("a=b")},
	}
	for _, test := range tests {
		o, err := ParseOption(test.text)
		if err != nil || o.Level != test.level || o.Name != test.name || !bytes.Equal(o.Value, test.want) {
			t.Errorf("%s: level %d, name %d, value %x, %v; want %d, %d, %x", test.text, o.Level, o.Name, o.Value, err, test.level, test.name, test.want)
		}
	}
}

func TestParseOptionRefuses(t *testing.T) {
	const syntax = "" // else the kind of name that is unknown
	tests := []struct{ text, kind string }{
		{"", syntax},
		{"=1", syntax},
		{"SO_SNDBUFF=1", "socket option"},
		{"so_sndbuf=1", "socket option"},
		{"SNDBUF=1", "socket option"},
		{"7=1", "socket option"},
		{"SO_SNDBUF", syntax}, // takes a value
		{"SO_SNDBUF=", syntax},
		{"SO_SNDBUF=on", syntax},
		{"SO_SNDBUF=1T", syntax},
		{"SO_SNDBUF=1k", syntax},
		{"SO_SNDBUF=1KB", syntax},
		{"SO_SNDBUF=K", syntax},
		{"SO_SNDBUF=1_0", syntax},
		{"SO_SNDBUF=1.5M", syntax},
		{"SO_SNDBUF= 1", syntax},
		{"SO_SNDBUF=4G", syntax},
		{"SO_SNDBUF=4294967296", syntax},
		{"SO_SNDBUF=-2147483649", syntax},
		{"SO_SNDBUF=9007199254740993G", syntax},
		{"SO_SNDBUF=99999999999999999999", syntax},
		{"SO_SNDBUF=int=", syntax},
		{"SO_SNDBUF=hex=0", syntax},
		{"SO_SNDBUF=hex=00,size=3", syntax},
		{"SO_KEEPALIVE=", syntax},
		{"SO_KEEPALIVE=ON", syntax},
		{"SO_KEEPALIVE=maybe", syntax},
		{"SO_LINGER", syntax},
		{"SO_LINGER=on", syntax},
		{"SO_LINGER=-1", syntax},
		{"SO_LINGER=2147483648", syntax},
		{"SO_RCVTIMEO=-1s", syntax},
		{"SO_RCVTIMEO=", syntax},
		{"SO_RCVTIMEO=1d", syntax},
		{"SO_RCVTIMEO=.", syntax},
		{"SO_MAX_PACING_RATE=-1", syntax},
		{"SO_BINDTODEVICE=sixteen-bytes-xx", syntax},
		{"SO_BINDTODEVICE=l\x00", syntax},
		{"SO_TIMESTAMPING=NOW", "flag"},
		{"SO_TIMESTAMPING=RX_SOFTWARE+", "flag"},
		{"SO_TXTIME=1", syntax},
		{"IP_OPTIONS=1", syntax},
		{"IP_ADD_MEMBERSHIP=group", syntax},
		{"IP_ADD_MEMBERSHIP=224.0.0.1@lo0x", syntax},
		{"IP_ADD_MEMBERSHIP=224.0.0.1@-1", syntax},
		{"IPV6_ADD_MEMBERSHIP=ff02::fb%lo", syntax}, // the zone is not just dropped
		{"IP_MULTICAST_IF=::1", syntax},
		{"IP_UNICAST_IF=-1", syntax},
		{"TCP_CONGESTION=reno\x00", syntax},
		{"TCP_CONGESTION", syntax}, // a name cannot be on
		{"SO_BINDTODEVICE", syntax},
		{":1=1", syntax},
		{"1:=1", syntax},
		{"1:x=1", syntax},
		{"1:1_0=1", syntax},
		{"1:2147483648=1", syntax},
		{"SOL_SOCKETS:1=1", "level"},
		{"SOL_SOCKET:SO_SNDBUF", syntax}, // as without its level
		{"SOL_SOCKET:SO_LINGER", syntax},
		{"9999:1=x", syntax},
	}
	for _, test := range tests {
		o, err := ParseOption(test.text)
		if err == nil {
			t.Errorf("%q is read as %s", test.text, o)
			continue
		}
		unknown, isName := errors.AsType[*cmsg.NameError](err)
		switch {
		case isName != (test.kind != syntax) || isName && unknown.Kind != test.kind:
			t.Errorf("%q: %T %v; want an unknown name: %q", test.text, err, err, test.kind)
		case !isName && !errors.Is(err, ErrSyntax):
			t.Errorf("%q: %v: no ErrSyntax", test.text, err)
		}
	}
}

// An optval of NULL has a length all the same.
func TestOptionWithoutAValue(t *testing.T) {
	for text, want := range map[string]int{"SO_LOCK_FILTER=null=1": 1, "9999:1=null=4K": 4096, "SOL_SOCKET:SO_MARK=null=2147483647": math.MaxInt32} {
		if o, err := ParseOption(text); err != nil || o.Value != nil || o.Null != want {
			t.Errorf("%s: %+v, %v", text, o, err)
		}
	}
	for _, text := range []string{"9999:1=null=", "9999:1=null=0", "9999:1=null=-1", "9999:1=null=2G", "9999:1=null=x"} {
		if o, err := ParseOption(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %+v, %v", text, o, err)
		}
	}
}

func TestUnknownOptionComesWithThoseThatAreKnown(t *testing.T) {
	_, err := ParseOption("SO_SNDBUFF=1")
	unknown, ok := errors.AsType[*cmsg.NameError](err)
	if !ok || unknown.Name != "SO_SNDBUFF" || !slices.Contains(unknown.Known, "SO_SNDBUF") || !slices.Contains(unknown.Known, "UDP_SEGMENT") {
		t.Errorf("%+v, %v", unknown, err)
	}
}

func TestNoOptionStandsInTheTableTwice(t *testing.T) {
	names, numbers := map[string]bool{}, map[[2]int]bool{}
	for _, row := range optionTable {
		key := [2]int{row.level, row.number}
		if names[row.name] || numbers[key] {
			t.Errorf("%s, number %d of level %d", row.name, row.number, row.level)
		}
		names[row.name], numbers[key] = true, true
	}
}

// A late option is one by its number, too: it cannot be set any earlier.
func TestLateOptionsAreLateHoweverTheyAreGiven(t *testing.T) {
	for _, text := range []string{"TCP_QUICKACK=0", "IPPROTO_TCP:TCP_QUICKACK=0", "IPPROTO_TCP:12=0", "6:12=hex=00000000"} {
		if o := mustOptions(t, text)[0]; !o.late {
			t.Errorf("%s is set before the socket is connected", text)
		}
	}
}

func FuzzParseOption(f *testing.F) {
	for _, row := range optionTable {
		f.Add(row.name + "=1")
		f.Add(row.name)
	}
	for _, text := range []string{
		"", "=", ":", "1:1", "1:1=", "9999:-7=hex=00ff", "SO_SNDBUF=1M", "SO_LINGER=off", "SO_RCVTIMEO=1h2m", "SO_BINDTODEVICE=lo",
		"SO_TIMESTAMPING=RX_SOFTWARE+SOFTWARE", "IP_ADD_MEMBERSHIP=224.0.0.1@127.0.0.1", "IPV6_ADD_MEMBERSHIP=ff02::1%lo@1", "IP_MULTICAST_IF=0",
		"SO_MARK=u8=1,text=a", "SO_MARK=null=4", "SO_RCVTIMEO=1e9", "TCP_ULP=\xff", "1:1_0=1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ParseOption(text)
		if err != nil {
			_, isName := errors.AsType[*cmsg.NameError](err)
			if isName == (errors.Is(err, ErrSyntax) || errors.Is(err, cmsg.ErrSyntax)) {
				t.Fatalf("%q: %T %v", text, err, err)
			}
			return
		}
		again, err := ParseOption(o.String())
		if err != nil || !again.Is(o.Level, o.Name) || !bytes.Equal(again.Value, o.Value) || again.Null != o.Null {
			t.Fatalf("%q is %+v, written %s, which is %+v, %v", text, o, o, again, err)
		}
	})
}

// A time that is not zero must not become zero, which is none.
func TestShortestTimeIsNotNone(t *testing.T) {
	for _, text := range []string{"SO_RCVTIMEO=1ns", "SO_SNDTIMEO_NEW=0.0000001"} {
		if o, err := ParseOption(text); err == nil && !o.on() {
			t.Errorf("%s is read as %s", text, o)
		}
	}
}

func TestTimesThatDoNotFitAreRefused(t *testing.T) {
	o, err := ParseOption("SO_RCVTIMEO=2562047h")
	if unsafe.Sizeof(uintptr(0)) == 4 {
		if !errors.Is(err, ErrSyntax) {
			t.Errorf("it is read as %s, %v", o, err)
		}
	} else if want := memory([2]int64{2562047 * 3600, 0}); err != nil || !bytes.Equal(o.Value, want) {
		t.Errorf("it is read as %s, %v; want %x", o, err, want)
	}
}
