package fdio

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// socketKinds are sockets of which every option suits one, made by this
// package's Listen, or else by Inherit.
func socketKinds(t *testing.T) map[string]func(options ...Option) (*Socket, error) {
	listen := func(a Address) func(options ...Option) (*Socket, error) {
		return func(options ...Option) (*Socket, error) {
			return Listen(testContext(t), a, ListenOptions{Options: options})
		}
	}
	inherit := func(domain, typ, protocol int) func(options ...Option) (*Socket, error) {
		return func(options ...Option) (*Socket, error) {
			fd, err := unix.Socket(domain, typ, protocol)
			if err != nil {
				return nil, err
			}
			return Inherit(fd, options...)
		}
	}
	return map[string]func(options ...Option) (*Socket, error){
		"tcp4":       listen(Address{Network: TCP4, Host: "127.0.0.1", Port: "0"}),
		"udp4":       listen(Address{Network: UDP4, Host: "127.0.0.1", Port: "0"}),
		"tcp6":       listen(Address{Network: TCP6, Host: "::1", Port: "0"}),
		"udp6":       listen(Address{Network: UDP6, Host: "::1", Port: "0"}),
		"unix":       listen(abstractName(t, Unix)),
		"unix-dgram": listen(abstractName(t, UnixDatagram)),
		"raw4":       inherit(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
		"raw6":       inherit(unix.AF_INET6, unix.SOCK_RAW, 253), // for experiments: RFC 4727
		"header6":    inherit(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_RAW),
		"tcp, fd:N":  inherit(unix.AF_INET, unix.SOCK_STREAM, 0),
		"udp6, fd:N": inherit(unix.AF_INET6, unix.SOCK_DGRAM, 0),
	}
}

// Every option that can be read back, on sockets of ours before they are bound
// and on inherited ones: the kernel has what was asked for.
func TestOptionsAreSet(t *testing.T) {
	tests := []struct {
		socket, option string
		level, name    int
		want           []byte
	}{
		{"tcp4", "SO_SNDBUF=32K", 1, 7, int32Of(64 << 10)}, // doubled: socket(7)
		{"udp4", "SO_RCVBUF=100K", 1, 8, int32Of(200 << 10)},
		{"unix", "SO_SNDBUF=16K", 1, 7, int32Of(32 << 10)},
		{"tcp4", "SO_REUSEADDR=off", 1, 2, int32Of(0)}, // though Listen sets it itself
		{"tcp6", "SO_REUSEPORT", 1, 15, int32Of(1)},
		{"tcp4", "SO_KEEPALIVE", 1, 9, int32Of(1)},
		{"udp4", "SO_BROADCAST=yes", 1, 6, int32Of(1)},
		{"tcp4", "SO_DONTROUTE", 1, 5, int32Of(1)},
		{"tcp4", "SO_OOBINLINE", 1, 10, int32Of(1)},
		{"udp4", "SO_NO_CHECK", 1, 11, int32Of(1)},
		{"udp4", "SO_PRIORITY=6", 1, 12, int32Of(6)},
		{"tcp4", "SO_LINGER=5", 1, 13, memory(unix.Linger{Onoff: 1, Linger: 5})},
		{"tcp4", "SO_LINGER=off", 1, 13, memory(unix.Linger{})},
		{"tcp4", "SO_RCVLOWAT=3", 1, 18, int32Of(3)},
		{"tcp, fd:N", "SO_RCVTIMEO=2.5", 1, 20, memory(unix.Timeval{Sec: 2, Usec: 500000})},
		{"udp6, fd:N", "SO_SNDTIMEO=100ms", 1, 21, memory(unix.Timeval{Usec: 100000})},
		{"udp6, fd:N", "SO_RCVTIMEO_NEW=1m", 1, 66, memory([2]int64{60, 0})},
		{"tcp, fd:N", "SO_SNDTIMEO_NEW=1.5", 1, 67, memory([2]int64{1, 500000})},
		{"udp4", "SO_BINDTODEVICE=lo", 1, 25, []byte("lo\x00")},
		{"udp6", "SO_BINDTOIFINDEX=1", 1, 62, int32Of(1)},
		{"udp4", "SO_TIMESTAMP", 1, 29, int32Of(1)},
		{"udp4", "SO_TIMESTAMPNS", 1, 35, int32Of(1)},
		{"udp4", "SO_TIMESTAMP_NEW", 1, 63, int32Of(1)},
		{"udp4", "SO_TIMESTAMPNS_NEW", 1, 64, int32Of(1)},
		{"udp6", "SO_TIMESTAMPING=RX_SOFTWARE+SOFTWARE+OPT_CMSG", 1, 37, memory([2]int32{1<<3 | 1<<4 | 1<<10})},
		{"udp6", "SO_TIMESTAMPING_NEW=TX_SOFTWARE", 1, 65, memory([2]int32{1 << 1})},
		{"unix-dgram", "SO_PASSCRED=off", 1, 16, int32Of(0)}, // though Listen sets it itself
		{"unix-dgram", "SO_PASSPIDFD", 1, 76, int32Of(1)},
		{"unix", "SO_PASSSEC", 1, 34, int32Of(1)},
		{"unix", "SO_PEEK_OFF=7", 1, 42, int32Of(7)},
		{"udp4", "SO_MARK=0xdeadbeef", 1, 36, memory(uint32(0xdeadbeef))},
		{"udp4", "SO_RXQ_OVFL", 1, 40, int32Of(1)},
		{"udp4", "SO_WIFI_STATUS", 1, 41, int32Of(1)},
		{"tcp4", "SO_NOFCS=off", 1, 43, int32Of(0)},
		{"tcp4", "SO_LOCK_FILTER=0", 1, 44, int32Of(0)},
		{"udp4", "SO_SELECT_ERR_QUEUE", 1, 45, int32Of(1)},
		{"tcp4", "SO_BUSY_POLL=50", 1, 46, int32Of(50)},
		{"tcp4", "SO_MAX_PACING_RATE=1M", 1, 47, int32Of(1 << 20)},
		{"udp4", "SO_INCOMING_CPU=0", 1, 49, int32Of(0)},
		{"tcp4", "SO_ZEROCOPY", 1, 60, int32Of(1)},
		{"udp4", "SO_TXTIME=int=1,u32=0", 1, 61, memory([2]int32{1, 0})},
		{"tcp4", "SO_BUF_LOCK=3", 1, 72, int32Of(3)},
		{"tcp4", "SO_TXREHASH=0", 1, 74, int32Of(0)},
		{"udp4", "SO_RCVMARK", 1, 75, int32Of(1)},
		{"unix", "SO_PASSRIGHTS=off", 1, 83, int32Of(0)},

		{"udp4", "IP_TOS=16", 0, 1, int32Of(16)},
		{"udp4", "IP_TTL=3", 0, 2, int32Of(3)},
		{"raw4", "IP_HDRINCL", 0, 3, int32Of(1)},
		{"udp4", "IP_OPTIONS=hex=01010100", 0, 4, []byte{1, 1, 1, 0}},
		{"udp4", "IP_RECVOPTS", 0, 6, int32Of(1)},
		{"udp4", "IP_RETOPTS", 0, 7, int32Of(1)},
		{"udp4", "IP_PKTINFO", 0, 8, int32Of(1)},
		{"udp4", "IP_MTU_DISCOVER=2", 0, 10, int32Of(2)},
		{"udp4", "IP_RECVERR", 0, 11, int32Of(1)},
		{"udp4", "IP_RECVTTL", 0, 12, int32Of(1)},
		{"udp4", "IP_RECVTOS", 0, 13, int32Of(1)},
		{"udp4", "IP_FREEBIND", 0, 15, int32Of(1)},
		{"udp4", "IP_TRANSPARENT", 0, 19, int32Of(1)},
		{"udp4", "IP_RECVORIGDSTADDR", 0, 20, int32Of(1)},
		{"tcp4", "IP_MINTTL=5", 0, 21, int32Of(5)},
		{"raw4", "IP_NODEFRAG", 0, 22, int32Of(1)},
		{"udp4", "IP_CHECKSUM", 0, 23, int32Of(1)},
		{"udp4", "IP_BIND_ADDRESS_NO_PORT", 0, 24, int32Of(1)},
		{"udp4", "IP_RECVFRAGSIZE", 0, 25, int32Of(1)},
		{"udp4", "IP_RECVERR_RFC4884", 0, 26, int32Of(1)},
		{"udp4", "IP_MULTICAST_IF=127.0.0.1", 0, 32, []byte{127, 0, 0, 1}},
		{"udp4", "IP_MULTICAST_TTL=7", 0, 33, int32Of(7)},
		{"udp4", "IP_MULTICAST_LOOP=off", 0, 34, int32Of(0)},
		{"udp4", "IP_MULTICAST_ALL=0", 0, 49, int32Of(0)},
		{"udp4", "IP_UNICAST_IF=1", 0, 50, []byte{0, 0, 0, 1}},
		{"tcp4", "IP_LOCAL_PORT_RANGE=0xea60c350", 0, 51, memory(uint32(0xea60c350))},

		{"udp6", "IPV6_2292PKTINFO", 41, 2, int32Of(1)},
		{"udp6", "IPV6_2292HOPLIMIT", 41, 8, int32Of(1)},
		{"udp6", "IPV6_FLOWINFO", 41, 11, int32Of(1)},
		{"udp6", "IPV6_UNICAST_HOPS=9", 41, 16, int32Of(9)},
		{"udp6", "IPV6_MULTICAST_IF=1", 41, 17, int32Of(1)},
		{"udp6", "IPV6_MULTICAST_HOPS=7", 41, 18, int32Of(7)},
		{"udp6", "IPV6_MULTICAST_LOOP=off", 41, 19, int32Of(0)},
		{"udp6", "IPV6_MTU_DISCOVER=2", 41, 23, int32Of(2)},
		{"udp6", "IPV6_RECVERR", 41, 25, int32Of(1)},
		{"udp6, fd:N", "IPV6_V6ONLY", 41, 26, int32Of(1)},
		{"udp6", "IPV6_MULTICAST_ALL=off", 41, 29, int32Of(0)},
		{"udp6", "IPV6_RECVPKTINFO", 41, 49, int32Of(1)},
		{"udp6", "IPV6_RECVHOPLIMIT", 41, 51, int32Of(1)},
		{"udp6", "IPV6_RECVHOPOPTS", 41, 53, int32Of(1)},
		{"udp6", "IPV6_RECVRTHDR", 41, 56, int32Of(1)},
		{"udp6", "IPV6_RECVDSTOPTS", 41, 58, int32Of(1)},
		{"udp6", "IPV6_DSTOPTS=hex=0000010400000000", 41, 59, []byte{0, 0, 1, 4, 0, 0, 0, 0}},
		{"udp6", "IPV6_RECVPATHMTU", 41, 60, int32Of(1)},
		{"udp6", "IPV6_DONTFRAG", 41, 62, int32Of(1)},
		{"udp6", "IPV6_RECVTCLASS", 41, 66, int32Of(1)},
		{"udp6", "IPV6_TCLASS=0xb8", 41, 67, int32Of(0xb8)},
		{"udp6", "IPV6_AUTOFLOWLABEL=0", 41, 70, int32Of(0)},
		{"udp6", "IPV6_ADDR_PREFERENCES=1", 41, 72, int32Of(0x401)}, // with the other defaults: RFC 5014
		{"tcp6", "IPV6_MINHOPCOUNT=5", 41, 73, int32Of(5)},
		{"udp6", "IPV6_RECVORIGDSTADDR", 41, 74, int32Of(1)},
		{"udp6", "IPV6_UNICAST_IF=1", 41, 76, []byte{0, 0, 0, 1}},
		{"udp6", "IPV6_RECVFRAGSIZE", 41, 77, int32Of(1)},
		{"udp6", "IPV6_FREEBIND", 41, 78, int32Of(1)},

		{"tcp4", "TCP_NODELAY", 6, 1, int32Of(1)},
		{"tcp4", "TCP_CORK", 6, 3, int32Of(1)},
		{"tcp4", "TCP_KEEPIDLE=100", 6, 4, int32Of(100)},
		{"tcp6", "TCP_KEEPINTVL=10", 6, 5, int32Of(10)},
		{"tcp4", "TCP_KEEPCNT=4", 6, 6, int32Of(4)},
		{"tcp4", "TCP_SYNCNT=2", 6, 7, int32Of(2)},
		{"tcp4", "TCP_LINGER2=5", 6, 8, int32Of(5)},
		{"tcp4", "TCP_CONGESTION=reno", 6, 13, append([]byte("reno"), make([]byte, 12)...)},
		{"tcp4", "TCP_USER_TIMEOUT=5000", 6, 18, int32Of(5000)},
		{"tcp4", "TCP_FASTOPEN=5", 6, 23, int32Of(5)},
		{"tcp4", "TCP_NOTSENT_LOWAT=16K", 6, 25, int32Of(16 << 10)},
		{"tcp4", "TCP_SAVE_SYN=1", 6, 27, int32Of(1)},
		{"tcp4", "TCP_INQ", 6, 36, int32Of(1)},
		{"tcp4", "6:1=1", 6, 1, int32Of(1)},

		{"udp4", "UDP_CORK", 17, 1, int32Of(1)},
		{"udp6", "UDP_NO_CHECK6_TX", 17, 101, int32Of(1)},
		{"udp6", "UDP_NO_CHECK6_RX", 17, 102, int32Of(1)},
		{"udp4", "UDP_SEGMENT=1200", 17, 103, int32Of(1200)},
		{"udp4", "UDP_GRO", 17, 104, int32Of(1)},
	}
	kinds := socketKinds(t)
	for _, test := range tests {
		t.Run(test.socket+" "+test.option, func(t *testing.T) {
			s, err := kinds[test.socket](mustOptions(t, test.option)...)
			if unsupported(err) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			room := max(len(test.want), unix.IFNAMSIZ)
			if test.name == unix.SO_MAX_PACING_RATE { // a long of the kernel, where there is room for it
				room = 4
			}
			got, err := getsockopt(s.fd, test.level, test.name, room)
			if err != nil || !bytes.Equal(got, test.want) {
				t.Errorf("it is %x, %v; want %x", got, err, test.want)
			}
		})
	}
}

// unsupported reports whether err says that this kernel, or this process, is not
// one for the option.
func unsupported(err error) bool {
	return errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENODEV)
}

// What each option's kind makes of a plain value is what the kernel wants of it:
// no option of the table is refused by every socket because of its size.
func TestKernelTakesEveryOptionOfTheTable(t *testing.T) {
	values := map[string]string{ // where 1 is not one for all
		"SO_BINDTODEVICE": "lo", "SO_TXTIME": "int=1,u32=0", "IP_ADD_MEMBERSHIP": "224.0.0.251@1", "IP_DROP_MEMBERSHIP": "224.0.0.251@1",
		"IP_OPTIONS": "hex=01010100", "IP_MULTICAST_IF": "1", "IP_LOCAL_PORT_RANGE": "0xea60c350", "IPV6_ADDRFORM": "2",
		"IPV6_ADD_MEMBERSHIP": "ff02::fb@1", "IPV6_DROP_MEMBERSHIP": "ff02::fb@1", "IPV6_JOIN_ANYCAST": "::1@1", "IPV6_LEAVE_ANYCAST": "::1@1",
		"IPV6_DSTOPTS": "hex=0000010400000000", "IPV6_HOPOPTS": "hex=0000010400000000", "IPV6_RTHDRDSTOPTS": "hex=0000010400000000",
		"IPV6_PKTINFO": "base64=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "IPV6_RTHDR": "hex=", "IPV6_MTU": "1280", "IPV6_CHECKSUM": "2", "TCP_CONGESTION": "reno",
		"TCP_MAXSEG": "1000", "TCP_RTO_MAX_MS": "5000", "TCP_RTO_MIN_US": "50000", "TCP_ULP": "tls", "SO_RESERVE_MEM": "0", "SO_LINGER": "1",
		"TCP_DELACK_MAX_US": "50000", "TCP_MD5SIG": md5Key(false), "TCP_MD5SIG_EXT": md5Key(true), "SO_DETACH_FILTER": "0", "UDP_SEGMENT": "1200",
		"SO_NOFCS": "0", "SO_LOCK_FILTER": "0", "SO_INCOMING_CPU": "0", "IPV6_ROUTER_ALERT": "0", "TCP_SAVE_SYN": "1",
		"IP_MTU_DISCOVER": "0", "IPV6_MTU_DISCOVER": "0", "TCP_REPAIR": "0", "UDP_ENCAP": "0", "SO_DETACH_REUSEPORT_BPF": "0",
	}
	// These only work on a socket that is in a state that no test here gives it.
	stateful := map[string]bool{
		"SO_DETACH_FILTER": true, "SO_DETACH_REUSEPORT_BPF": true, "IP_DROP_MEMBERSHIP": true, "IPV6_DROP_MEMBERSHIP": true, "IPV6_LEAVE_ANYCAST": true,
		"IPV6_ADDRFORM": true, "IPV6_JOIN_ANYCAST": true, "TCP_ULP": true,
	}
	kinds := socketKinds(t)
	for _, row := range optionTable {
		value, ok := values[row.name]
		if !ok {
			value = "1"
		}
		o := mustOptions(t, row.name+"="+value)[0]
		var refused []string
		taken := false
		for name, kind := range kinds {
			s, err := kind()
			if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) {
				continue // a machine without IPv6
			}
			if err != nil {
				t.Fatal(err)
			}
			err = setsockopt(s.fd, o.Level, o.Name, o.Value, 0)
			s.Close()
			taken = taken || err == nil || unsupported(err) && !errors.Is(err, unix.ENOPROTOOPT) && !errors.Is(err, unix.EOPNOTSUPP)
			if err != nil && !unsupported(err) && !errors.Is(err, unix.ENOTCONN) {
				refused = append(refused, fmt.Sprintf("%s: %v", name, err))
			}
		}
		if !taken && len(refused) > 0 && !stateful[row.name] {
			t.Errorf("%s=%s, %x: %s", row.name, value, o.Value, strings.Join(refused, ", "))
		}
		if !taken && len(refused) == 0 {
			t.Logf("%s is unknown here", row.name)
		}
	}
}

// md5Key is struct tcp_md5sig of <linux/tcp.h> for 127.0.0.1, as a typed part.
func md5Key(extended bool) string {
	type tcpMD5Sig struct {
		family    uint16
		_         [2]byte
		addr      [4]byte
		_         [120]byte // struct sockaddr_storage
		flags     uint8
		prefixLen uint8
		keyLen    uint16
		_         int32
		key       [80]byte
	}
	sig := tcpMD5Sig{family: unix.AF_INET, addr: [4]byte{127, 0, 0, 1}, keyLen: 3, key: [80]byte{'k', 'e', 'y'}}
	if extended {
		sig.flags, sig.prefixLen = 1, 32
	}
	return fmt.Sprintf("hex=%x", memory(sig))
}

func TestDialSetsOptions(t *testing.T) {
	for _, a := range []Address{{Network: TCP, Host: "127.0.0.1", Port: "0"}, {Network: UDP4, Host: "127.0.0.1", Port: "0"}, abstractName(t, Unix)} {
		l := mustListen(t, a)
		s, err := Dial(testContext(t), l.Local(), DialOptions{Options: mustOptions(t, "SO_SNDBUF=32K", "SO_PRIORITY=5")})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for name, want := range map[int]int{unix.SO_SNDBUF: 64 << 10, unix.SO_PRIORITY: 5} {
			if got, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, name); err != nil || got != want {
				t.Errorf("%s: option %d is %d, %v; want %d", a, name, got, err, want)
			}
		}
	}
}

// TCP_ULP is refused with ENOTCONN before the connection is there, and what was
// set of TCP_QUICKACK before is forgotten.
func TestLateOptionsAreSetOnConnections(t *testing.T) {
	for text, want := range map[string]string{
		"TCP_QUICKACK=0": "\x00\x00\x00\x00", "TCP_ULP=tls": "tls",
		"SO_TIMESTAMPING=TX_SOFTWARE+OPT_ID": string(int32Of(1<<1 | 1<<7)), // EINVAL before
	} {
		options := mustOptions(t, text)
		l, err := Listen(testContext(t), Address{Network: TCP, Host: "127.0.0.1", Port: "0"}, ListenOptions{Options: options})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		dialed, err := Dial(testContext(t), l.Local(), DialOptions{Options: options})
		if errors.Is(err, unix.ENOENT) {
			t.Logf("no TLS in this kernel: %v", err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer dialed.Close()
		accepted, err := l.Accept(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		for name, s := range map[string]*Socket{"dialed": dialed, "accepted": accepted} {
			if got, err := getsockopt(s.fd, options[0].Level, options[0].Name, 16); err != nil || !strings.HasPrefix(string(got), want) {
				t.Errorf("%s: %s is %q, %v", name, text, got, err)
			}
		}
	}
}

func TestAcceptedConnectionsHaveTheListenersOptions(t *testing.T) {
	addresses := []Address{abstractName(t, Unix), abstractName(t, UnixSeqpacket), {Network: TCP, Host: "127.0.0.1", Port: "0"}}
	options := mustOptions(t, "SO_RCVBUF=100K", "SO_KEEPALIVE", "SO_PRIORITY=5", "SO_LINGER=3")
	for _, a := range addresses {
		l, err := Listen(testContext(t), a, ListenOptions{Options: options})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		checkAccepted(t, l)
	}
}

func TestConnectionsOfAnInheritedListenerHaveItsOptions(t *testing.T) {
	fd, _ := listeningFD(t)
	l, err := Inherit(fd, mustOptions(t, "SO_RCVBUF=100K", "SO_KEEPALIVE", "SO_PRIORITY=5", "SO_LINGER=3")...)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	checkAccepted(t, l)
}

func checkAccepted(t *testing.T, l *Socket) {
	t.Helper()
	mustDial(t, l.Local())
	s, err := l.Accept(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, want := range map[int]int{unix.SO_RCVBUF: 200 << 10, unix.SO_KEEPALIVE: 1, unix.SO_PRIORITY: 5} {
		if got, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, name); err != nil || got != want {
			t.Errorf("%s: option %d is %d, %v; want %d", l.Local(), name, got, err, want)
		}
	}
	if got, err := getsockopt(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, 8); err != nil || !bytes.Equal(got, memory(unix.Linger{Onoff: 1, Linger: 3})) {
		t.Errorf("%s: SO_LINGER is %x, %v", l.Local(), got, err)
	}
}

func TestRefusedOptionIsNamed(t *testing.T) {
	before := countDescriptors(t)
	for text, want := range map[string]error{
		"TCP_CONGESTION=none-such": unix.ENOENT,
		"SO_MARK=hex=00":           unix.EINVAL,
		"9999:1=1":                 unix.ENOPROTOOPT,
		"TCP_NODELAY=hex=":         unix.EINVAL,
	} {
		_, err := Listen(testContext(t), Address{Network: TCP, Host: "127.0.0.1", Port: "0"}, ListenOptions{Options: mustOptions(t, text)})
		name, _, _ := strings.Cut(text, "=")
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "set "+name) {
			t.Errorf("%s: %v; want %v", text, err, want)
		}
	}
	if after := countDescriptors(t); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
}

// Options are set in order: the last word counts.
func TestOptionsAreSetInOrder(t *testing.T) {
	s, err := Listen(testContext(t), Address{Network: UDP4, Host: "127.0.0.1", Port: "0"}, ListenOptions{Options: mustOptions(t, "IP_TTL=3", "IP_TTL=7")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := unix.GetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_TTL); err != nil || got != 7 {
		t.Errorf("IP_TTL is %d, %v", got, err)
	}
}
