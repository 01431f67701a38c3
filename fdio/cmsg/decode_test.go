package cmsg

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The structs of the kernel's headers, which the compiler lays out as C does:
// native byte order, word size and padding. What is in network byte order is
// an array of bytes.
type (
	ucredC struct { // <linux/socket.h>
		pid      int32
		uid, gid uint32
	}
	oldTime struct { // __kernel_old_timeval, __kernel_old_timespec of <linux/time_types.h>
		sec, fraction int // long
	}
	newTime struct { // __kernel_sock_timeval, __kernel_timespec
		sec, fraction int64
	}
	scmPktinfo struct { // scm_ts_pktinfo of <linux/net_tstamp.h>
		ifIndex, pktLength uint32
		_                  [2]uint32
	}
	dmabufCmsg struct { // <linux/uio.h>
		fragOffset                           uint64
		fragSize, fragToken, dmabufID, flags uint32
	}
	inPktinfo struct { // <linux/in.h>
		ifindex       int32
		specDst, addr [4]byte
	}
	sockaddrIn struct {
		family uint16
		port   [2]byte
		addr   [4]byte
		_      [8]byte
	}
	in6PktinfoC struct { // <linux/ipv6.h>
		addr    [16]byte
		ifindex int32
	}
	sockaddrIn6 struct { // <linux/in6.h>
		family   uint16
		port     [2]byte
		flowinfo [4]byte
		addr     [16]byte
		scopeID  uint32
	}
	mtuinfo struct { // ip6_mtuinfo of <linux/ipv6.h>
		addr sockaddrIn6
		mtu  uint32
	}
	extendedErr struct { // sock_extended_err of <linux/errqueue.h>
		errno                  uint32
		origin, typ, code, pad uint8
		info, data             uint32
	}
	auxdata struct { // tpacket_auxdata of <linux/if_packet.h>
		status, len, snaplen        uint32
		mac, net, vlanTCI, vlanTPID uint16
	}
	nlattr struct { // <linux/netlink.h>
		len, typ uint16
	}
)

// raw are the bytes of v in memory.
func raw[T any](v T) []byte {
	return bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v)))
}

var (
	addr4   = [4]byte{192, 0, 2, 1}
	addr6   = [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 0x11}
	target4 = sockaddrIn{family: 2, port: [2]byte{0x1f, 0x90}, addr: addr4}
	target6 = sockaddrIn6{family: 10, port: [2]byte{0x1f, 0x90}, flowinfo: [4]byte{0, 0x0a, 0xbc, 0xde}, addr: addr6, scopeID: 3}

	text4, text6 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::11")
)

// wireTest is a control message as the kernel has it: its numbers as in the
// headers, its data, and what that means.
type wireTest struct {
	level, number int
	name          string
	data          []byte
	want          []field
}

// fixedTests have data of a fixed size, or of two.
var fixedTests = []wireTest{
	{1, 2, "SCM_CREDENTIALS", raw(ucredC{41, 1000, 4294967295}), []field{{"pid", int64(41)}, {"uid", int64(1000)}, {"gid", int64(4294967295)}}},
	{1, 4, "SCM_PIDFD", raw(int32(9)), []field{{"fd", int64(9)}}},
	{1, 12, "SO_PRIORITY", raw(uint32(6)), []field{{"priority", int64(6)}}},
	{1, 29, "SCM_TIMESTAMP", raw(oldTime{1700000000, 123456}), []field{{"time", time.Unix(1700000000, 123456000)}}},
	{1, 35, "SCM_TIMESTAMPNS", raw(oldTime{1700000000, 123456789}), []field{{"time", time.Unix(1700000000, 123456789)}}},
	{1, 35, "SCM_TIMESTAMPNS", raw(oldTime{-2, 5}), []field{{"time", time.Unix(-2, 5)}}},
	{1, 37, "SCM_TIMESTAMPING", raw([3]oldTime{{1, 2}, {3, 4}, {5, 6}}),
		[]field{{"software", time.Unix(1, 2)}, {"deprecated", time.Unix(3, 4)}, {"hardware", time.Unix(5, 6)}}},
	{1, 37, "SCM_TIMESTAMPING", raw([3]oldTime{{1, 2}, {}, {}}), []field{{"software", time.Unix(1, 2)}}},
	{1, 37, "SCM_TIMESTAMPING", raw([3]oldTime{2: {5, 6}}), []field{{"hardware", time.Unix(5, 6)}}},
	{1, 37, "SCM_TIMESTAMPING", raw(uint32(2)), []field{{"flags", int64(2)}}}, // as it is sent
	{1, 65, "SO_TIMESTAMPING_NEW", raw(uint32(2)), []field{{"flags", int64(2)}}},
	{1, 63, "SO_TIMESTAMP_NEW", raw(newTime{5e9, 123456}), []field{{"time", time.Unix(5e9, 123456000)}}},
	{1, 64, "SO_TIMESTAMPNS_NEW", raw(newTime{5e9, 123456789}), []field{{"time", time.Unix(5e9, 123456789)}}},
	{1, 65, "SO_TIMESTAMPING_NEW", raw([3]newTime{{5e9, 2}, {}, {5e9, 6}}), []field{{"software", time.Unix(5e9, 2)}, {"hardware", time.Unix(5e9, 6)}}},
	{1, 36, "SO_MARK", raw(uint32(0xdeadbeef)), []field{{"mark", int64(0xdeadbeef)}}},
	{1, 40, "SO_RXQ_OVFL", raw(uint32(17)), []field{{"drops", int64(17)}}},
	{1, 41, "SCM_WIFI_STATUS", raw(int32(1)), []field{{"acked", int64(1)}}},
	{1, 58, "SCM_TIMESTAMPING_PKTINFO", raw(scmPktinfo{ifIndex: 2, pktLength: 1500}), []field{{"ifindex", int64(2)}, {"pkt_length", int64(1500)}}},
	{1, 61, "SCM_TXTIME", raw(uint64(1<<63 + 5)), []field{{"txtime", uint64(1<<63 + 5)}}},
	{1, 78, "SCM_DEVMEM_LINEAR", raw(dmabufCmsg{0, 2, 0, 0, 0}),
		[]field{{"frag_offset", uint64(0)}, {"frag_size", int64(2)}, {"frag_token", int64(0)}, {"dmabuf_id", int64(0)}, {"flags", int64(0)}}},
	{1, 79, "SCM_DEVMEM_DMABUF", raw(dmabufCmsg{1 << 40, 2, 3, 4, 5}),
		[]field{{"frag_offset", uint64(1 << 40)}, {"frag_size", int64(2)}, {"frag_token", int64(3)}, {"dmabuf_id", int64(4)}, {"flags", int64(5)}}},
	{1, 81, "SCM_TS_OPT_ID", raw(uint32(4000000000)), []field{{"id", int64(4000000000)}}},
	{1, 84, "SCM_INQ", raw(int32(4096)), []field{{"inq", int64(4096)}}},

	{0, 1, "IP_TOS", raw(uint8(0xb8)), []field{{"tos", int64(0xb8)}}},
	{0, 1, "IP_TOS", raw(int32(0xb8)), []field{{"tos", int64(0xb8)}}},
	{0, 2, "IP_TTL", raw(int32(64)), []field{{"ttl", int64(64)}}},
	{0, 2, "IP_TTL", raw(uint8(255)), []field{{"ttl", int64(255)}}},
	{0, 8, "IP_PKTINFO", raw(inPktinfo{7, addr4, [4]byte{224, 0, 0, 1}}),
		[]field{{"ifindex", int64(7)}, {"spec_dst", text4}, {"addr", netip.MustParseAddr("224.0.0.1")}}},
	{0, 20, "IP_ORIGDSTADDR", raw(target4), []field{{"port", int64(8080)}, {"addr", text4}}},
	{0, 23, "IP_CHECKSUM", raw(uint32(0xffff0102)), []field{{"checksum", int64(0xffff0102)}}},
	{0, 25, "IP_RECVFRAGSIZE", raw(int32(1480)), []field{{"size", int64(1480)}}},
	{0, 52, "IP_PROTOCOL", raw(int32(17)), []field{{"protocol", int64(17)}}},

	{41, 50, "IPV6_PKTINFO", raw(in6PktinfoC{addr6, 7}), []field{{"addr", text6}, {"ifindex", int64(7)}}},
	{41, 50, "IPV6_PKTINFO", raw(in6PktinfoC{[16]byte{10: 0xff, 0xff, 192, 0, 2, 1}, 7}),
		[]field{{"addr", netip.MustParseAddr("::ffff:192.0.2.1")}, {"ifindex", int64(7)}}},
	{41, 52, "IPV6_HOPLIMIT", raw(int32(64)), []field{{"hoplimit", int64(64)}}},
	{41, 67, "IPV6_TCLASS", raw(int32(0xb8)), []field{{"tclass", int64(0xb8)}}},
	{41, 11, "IPV6_FLOWINFO", []byte{0x0b, 0x80, 0xab, 0xcd}, []field{{"flowinfo", int64(0x0b80abcd)}}},
	{41, 2, "IPV6_2292PKTINFO", raw(in6PktinfoC{addr6, 7}), []field{{"addr", text6}, {"ifindex", int64(7)}}},
	{41, 8, "IPV6_2292HOPLIMIT", raw(int32(-1)), []field{{"hoplimit", int64(-1)}}},
	{41, 62, "IPV6_DONTFRAG", raw(int32(1)), []field{{"dontfrag", int64(1)}}},
	{41, 61, "IPV6_PATHMTU", raw(mtuinfo{target6, 1280}),
		[]field{{"port", int64(8080)}, {"flowinfo", int64(0xabcde)}, {"addr", text6}, {"scope_id", int64(3)}, {"mtu", int64(1280)}}},
	{41, 74, "IPV6_ORIGDSTADDR", raw(target6),
		[]field{{"port", int64(8080)}, {"flowinfo", int64(0xabcde)}, {"addr", text6}, {"scope_id", int64(3)}}},
	{41, 77, "IPV6_RECVFRAGSIZE", raw(int32(1232)), []field{{"size", int64(1232)}}},

	{6, 36, "TCP_CM_INQ", raw(int32(70000)), []field{{"inq", int64(70000)}}},
	{17, 103, "UDP_SEGMENT", raw(uint16(1200)), []field{{"size", int64(1200)}}},
	{17, 104, "UDP_GRO", raw(int32(1200)), []field{{"size", int64(1200)}}},
	{17, 104, "UDP_GRO", raw(uint16(1200)), []field{{"size", int64(1200)}}},
	{282, 1, "TLS_SET_RECORD_TYPE", []byte{21}, []field{{"record_type", int64(21)}}},
	{282, 2, "TLS_GET_RECORD_TYPE", []byte{23}, []field{{"record_type", int64(23)}}},

	{270, 3, "NETLINK_PKTINFO", raw(uint32(5)), []field{{"group", int64(5)}}},
	{270, 8, "NETLINK_LISTEN_ALL_NSID", raw(int32(-1)), []field{{"nsid", int64(-1)}}},
	{263, 8, "PACKET_AUXDATA", raw(auxdata{0x21, 60, 54, 14, 28, 0x0fff, 0x8100}),
		[]field{{"status", int64(0x21)}, {"len", int64(60)}, {"snaplen", int64(54)}, {"mac", int64(14)}, {"net", int64(28)}, {"vlan_tci", int64(0x0fff)}, {"vlan_tpid", int64(0x8100)}}},
	{279, 3, "ALG_SET_OP", raw(uint32(1)), []field{{"op", int64(1)}}},
	{279, 4, "ALG_SET_AEAD_ASSOCLEN", raw(uint32(16)), []field{{"assoclen", int64(16)}}},
}

// openTests have data of any size, or of many.
var openTests = []wireTest{
	{1, 1, "SCM_RIGHTS", raw([3]int32{5, 0, 2147483647}), []field{{"fds", []int64{5, 0, 2147483647}}}},
	{1, 1, "SCM_RIGHTS", nil, []field{{"fds", []int64{}}}},
	{1, 3, "SCM_SECURITY", []byte("unconfined"), []field{{"label", []byte("unconfined")}}},
	{1, 3, "SCM_SECURITY", []byte("system_u:object_r:unlabeled_t\x00"), []field{{"label", []byte("system_u:object_r:unlabeled_t")}}},
	{1, 3, "SCM_SECURITY", nil, []field{{"label", []byte(nil)}}},
	{1, 54, "SCM_TIMESTAMPING_OPT_STATS", nil, []field{{"stats", []field{}}}},
	{0, 6, "IP_RECVOPTS", nil, []field{{"options", [][]field{}}}},
	{0, 7, "IP_RETOPTS", nil, []field{{"options", [][]field{}}}},
	{0, 3, "SCM_SECURITY", []byte("kernel\x00"), []field{{"label", []byte("kernel")}}},
	{0, 11, "IP_RECVERR", raw(struct {
		err      extendedErr
		offender sockaddrIn
	}{extendedErr{111, 2, 3, 3, 0, 0, 0}, target4}), errorFields("ECONNREFUSED", "SO_EE_ORIGIN_ICMP", 3, 3, 0, 0, field{"offender", text4})},
	{41, 25, "IPV6_RECVERR", raw(struct {
		err      extendedErr
		offender sockaddrIn6
	}{extendedErr{90, 3, 2, 0, 0, 1280, 0}, target6}), errorFields("EMSGSIZE", "SO_EE_ORIGIN_ICMP6", 2, 0, 1280, 0, field{"offender", text6.WithZone("3")})},
	{263, 16, "PACKET_TX_TIMESTAMP", raw(extendedErr{42, 4, 0, 0, 0, 0, 9}), errorFields("ENOMSG", "SO_EE_ORIGIN_TIMESTAMPING", 0, 0, 0, 9, field{"timestamp", "SCM_TSTAMP_SND"})},
	{287, 1, "VSOCK_RECVERR", raw(extendedErr{0, 5, 0, 1, 0, 3, 4}), errorFields("0", "SO_EE_ORIGIN_ZEROCOPY", 0, 1, 3, 4)},
	{41, 54, "IPV6_HOPOPTS", routerAlert, routerAlertFields},
	{41, 55, "IPV6_RTHDRDSTOPTS", routerAlert, routerAlertFields},
	{41, 59, "IPV6_DSTOPTS", routerAlert, routerAlertFields},
	{41, 3, "IPV6_2292HOPOPTS", routerAlert, routerAlertFields},
	{41, 4, "IPV6_2292DSTOPTS", routerAlert, routerAlertFields},
	{41, 57, "IPV6_RTHDR", homeAddress, homeAddressFields},
	{41, 5, "IPV6_2292RTHDR", homeAddress, homeAddressFields},
}

var (
	routerAlert       = []byte{17, 0, 5, 2, 0, 0, 1, 0} // RFC 2711, then PadN
	routerAlertFields = []field{{"next_header", int64(17)}, {"options", [][]field{
		{{"option", "IPV6_TLV_ROUTERALERT"}, {"data", []byte{0, 0}}}, {{"option", "IPV6_TLV_PADN"}, {"data", []byte{}}}}}}

	homeAddress       = append([]byte{6, 2, 2, 1, 0, 0, 0, 0}, addr6[:]...) // RFC 6275
	homeAddressFields = []field{{"next_header", int64(6)}, {"routing_type", int64(2)}, {"segments_left", int64(1)}, {"addresses", []netip.Addr{text6}}}
)

func errorFields(errno, origin string, typ, code, info, data int64, more ...field) []field {
	return append([]field{{"ee_errno", errno}, {"ee_origin", origin}, {"ee_type", typ}, {"ee_code", code}, {"ee_info", info}, {"ee_data", data}}, more...)
}

func TestEveryTypeIsDecodedFromTheKernelsLayout(t *testing.T) {
	for _, test := range slices.Concat(fixedTests, openTests) {
		if got := TypeName(test.level, test.number); got != test.name {
			t.Errorf("type %d of level %d is called %s, want %s", test.number, test.level, got, test.name)
		}
		got, err := Message{test.level, test.number, test.data}.Decode()
		if err != nil || !sameFields(plain(got), test.want) {
			t.Errorf("%s, %x:\ngot  %v, %v\nwant %v", test.name, test.data, got, err, test.want)
		}
	}
}

func TestNoTypeIsWithoutATest(t *testing.T) {
	tested := map[[2]int]bool{{279, 2}: true} // ALG_SET_IV, in TestUnknownTypesAreNotGuessedAt
	for _, test := range slices.Concat(fixedTests, openTests) {
		tested[[2]int{test.level, test.number}] = true
	}
	known := map[[2]int]bool{}
	for _, row := range types {
		key := [2]int{row.level, row.number}
		if known[key] {
			t.Errorf("%s, type %d of level %d, stands there twice", row.name, row.number, row.level)
		}
		known[key] = true
		if !tested[key] {
			t.Errorf("no test for %s:%s", LevelName(row.level), row.name)
		}
	}
}

func TestDataOfAnotherSizeIsBad(t *testing.T) {
	sizes := map[[2]int]map[int]bool{}
	for _, test := range fixedTests {
		key := [2]int{test.level, test.number}
		if sizes[key] == nil {
			sizes[key] = map[int]bool{}
		}
		sizes[key][len(test.data)] = true
	}
	for _, test := range fixedTests {
		longer := append(bytes.Clone(test.data), make([]byte, 9)...)
		for n := range longer {
			if sizes[[2]int{test.level, test.number}][n] {
				continue
			}
			if got, err := (Message{test.level, test.number, longer[:n]}).Decode(); err != ErrBadData || got != nil {
				t.Errorf("%s of %d bytes: %v, %v; want ErrBadData", test.name, n, got, err)
			}
		}
	}
	for n := range 14 {
		_, err := Message{1, 1, make([]byte, n)}.Decode()
		if bad := n%4 != 0; (err == ErrBadData) != bad {
			t.Errorf("SCM_RIGHTS of %d bytes: %v", n, err)
		}
	}
}

func TestAddressOfAnotherFamilyIsBad(t *testing.T) {
	tests := []struct {
		level, number int
		data          []byte
	}{
		{0, 20, raw(sockaddrIn{family: 10, addr: addr4})},
		{0, 20, raw(sockaddrIn{})},
		{41, 74, raw(sockaddrIn6{family: 2, addr: addr6})},
		{41, 61, raw(mtuinfo{sockaddrIn6{family: 1, addr: addr6}, 1280})},
		{41, 61, raw(mtuinfo{sockaddrIn6{family: 10 << 8}, 1280})}, // in the other byte order
	}
	for _, test := range tests {
		if got, err := (Message{test.level, test.number, test.data}).Decode(); err != ErrBadData || got != nil {
			t.Errorf("%s, %x: %v, %v; want ErrBadData", TypeName(test.level, test.number), test.data, got, err)
		}
	}
}

func TestUnknownTypesAreNotGuessedAt(t *testing.T) {
	for _, m := range []Message{{1, 9999, make([]byte, 4)}, {9999, 1, make([]byte, 4)}, {-1, -1, nil}, {41, 1, make([]byte, 4)}, {279, 2, make([]byte, 20)}} {
		if got, err := m.Decode(); err != ErrUnknownType || got != nil {
			t.Errorf("%s: %v, %v; want ErrUnknownType", m, got, err)
		}
	}
	if got := TypeName(279, 2); got != "ALG_SET_IV" {
		t.Errorf("TypeName(279, 2) = %q", got)
	}
}

// The numbers are those of <linux/socket.h> and <linux/in.h>.
func TestLevelsHaveTheNumbersOfTheHeaders(t *testing.T) {
	names := map[int]string{
		1: "SOL_SOCKET", 0: "IPPROTO_IP", 41: "IPPROTO_IPV6", 6: "IPPROTO_TCP", 17: "IPPROTO_UDP", 58: "IPPROTO_ICMPV6",
		132: "IPPROTO_SCTP", 136: "IPPROTO_UDPLITE", 255: "IPPROTO_RAW", 263: "SOL_PACKET", 270: "SOL_NETLINK",
		279: "SOL_ALG", 282: "SOL_TLS", 284: "SOL_MPTCP", 287: "SOL_VSOCK",
	}
	for number, want := range names {
		if got := LevelName(number); got != want {
			t.Errorf("LevelName(%d) = %q, want %q", number, got, want)
		}
	}
	if len(levels) != len(names) {
		t.Errorf("%d levels have a name, %d are tested", len(levels), len(names))
	}
}

// Whatever decodes, decodes within its own bytes.
func TestFieldsOfADecodedMessageCannotReachBehindIt(t *testing.T) {
	for _, test := range slices.Concat(fixedTests, openTests) {
		m := Message{test.level, test.number, test.data[:len(test.data):len(test.data)]}
		fields, _ := m.Decode()
		checkWithin(t, fields, m.Data)
	}
}

// x/sys/unix has some of the structs, too.
func TestLayoutsHaveTheSizesOfTheReference(t *testing.T) {
	for _, size := range [][2]int{
		{len(raw(ucredC{})), unix.SizeofUcred},
		{len(raw(inPktinfo{})), unix.SizeofInet4Pktinfo},
		{len(raw(in6PktinfoC{})), unix.SizeofInet6Pktinfo},
		{len(raw(mtuinfo{})), unix.SizeofIPv6MTUInfo},
		{len(raw(sockaddrIn{})), unix.SizeofSockaddrInet4},
		{len(raw(sockaddrIn6{})), unix.SizeofSockaddrInet6},
		{len(raw(oldTime{})), int(unsafe.Sizeof(unix.Timespec{}))},
		{len(raw(nlattr{})), unix.SizeofNlAttr},
	} {
		if size[0] != size[1] {
			t.Errorf("a struct of %d bytes, the reference has %d", size[0], size[1])
		}
	}
}
