package cmsg

import (
	"net/netip"
	"testing"
)

// decodeTest is data of one type; no want is ErrBadData.
type decodeTest struct {
	name string
	data []byte
	want []field
}

func checkDecode(t *testing.T, level, number int, tests []decodeTest) {
	t.Helper()
	for _, test := range tests {
		got, err := Message{level, number, test.data}.Decode()
		if test.want == nil {
			if err != ErrBadData || got != nil {
				t.Errorf("%s: %v, %v; want ErrBadData", test.name, got, err)
			}
		} else if err != nil || !sameFields(plain(got), test.want) {
			t.Errorf("%s:\ngot  %v, %v\nwant %v", test.name, got, err, test.want)
		}
	}
}

func TestPidfdIsADescriptorOrAnErrno(t *testing.T) {
	checkDecode(t, 1, 4, []decodeTest{
		{"zero", raw(int32(0)), []field{{"fd", int64(0)}}},
		{"the largest", raw(int32(1<<31 - 1)), []field{{"fd", int64(1<<31 - 1)}}},
		{"gone", raw(int32(-3)), []field{{"errno", "ESRCH"}}},
		{"no room", raw(int32(-24)), []field{{"errno", "EMFILE"}}},
		{"no errno that has a name", raw(int32(-4095)), []field{{"errno", "4095"}}},
		{"the least", raw(int32(-1 << 31)), []field{{"errno", "2147483648"}}},
	})
}

func TestExtendedErrorNamesItsOffender(t *testing.T) {
	refused := raw(extendedErr{111, 2, 3, 3, 0, 1, 2})
	fields := func(more ...field) []field {
		return errorFields("ECONNREFUSED", "SO_EE_ORIGIN_ICMP", 3, 3, 1, 2, more...)
	}
	local := [16]byte{0xfe, 0x80, 15: 1}
	mapped := [16]byte{10: 0xff, 0xff, 192, 0, 2, 1}
	checkDecode(t, 0, 11, []decodeTest{
		{"no offender", refused, fields()},
		{"IPv4", joined(refused, raw(target4)), fields(field{"offender", text4})},
		{"IPv6", joined(refused, raw(sockaddrIn6{family: 10, addr: addr6})), fields(field{"offender", text6})},
		{"IPv6 with a zone", joined(refused, raw(sockaddrIn6{family: 10, addr: local, scopeID: 4294967295})),
			fields(field{"offender", netip.MustParseAddr("fe80::1%4294967295")})},
		{"IPv4 on an IPv6 socket", joined(refused, raw(sockaddrIn6{family: 10, addr: mapped})),
			fields(field{"offender", netip.MustParseAddr("::ffff:192.0.2.1")})},
		{"an IPv4 address that is not set", joined(refused, raw(sockaddrIn{})), fields()},
		{"an IPv6 address that is not set", joined(refused, raw(sockaddrIn6{})), fields()},
		{"another family", joined(refused, raw(sockaddrIn{family: 1})), nil},
		{"IPv4 cut", joined(refused, raw(target4)[:15]), nil},
		{"IPv4 with more behind it", joined(refused, raw(target4), []byte{0}), nil},
		{"IPv4 in the room of IPv6", joined(refused, raw(sockaddrIn6{family: 2})), nil},
		{"IPv6 in the room of IPv4", joined(refused, raw(sockaddrIn{family: 10})), nil},
		{"half a family", joined(refused, []byte{0}), nil},
		{"the error cut", refused[:15], nil},
		{"nothing", nil, nil},
	})
}

func TestExtendedErrorNamesItsOrigin(t *testing.T) {
	stamp := func(info uint32) []byte { return raw(extendedErr{42, 4, 0, 0, 0, info, 77}) }
	stamped := func(info int64, name string) []field {
		return errorFields("ENOMSG", "SO_EE_ORIGIN_TIMESTAMPING", 0, 0, info, 77, field{"timestamp", name})
	}
	checkDecode(t, 41, 25, []decodeTest{
		{"none", raw(extendedErr{5, 0, 0, 0, 0, 0, 0}), errorFields("EIO", "SO_EE_ORIGIN_NONE", 0, 0, 0, 0)},
		{"local", raw(extendedErr{90, 1, 0, 0, 0, 1500, 0}), errorFields("EMSGSIZE", "SO_EE_ORIGIN_LOCAL", 0, 0, 1500, 0)},
		{"ICMP", raw(extendedErr{113, 2, 3, 1, 0, 0, 0}), errorFields("EHOSTUNREACH", "SO_EE_ORIGIN_ICMP", 3, 1, 0, 0)},
		{"ICMPv6", raw(extendedErr{13, 3, 1, 1, 0, 0, 0}), errorFields("EACCES", "SO_EE_ORIGIN_ICMP6", 1, 1, 0, 0)},
		{"zero copy", raw(extendedErr{0, 5, 0, 1, 0, 2, 4294967295}), errorFields("0", "SO_EE_ORIGIN_ZEROCOPY", 0, 1, 2, 4294967295)},
		{"transmit time", raw(extendedErr{125, 6, 0, 2, 0, 1, 2}), errorFields("ECANCELED", "SO_EE_ORIGIN_TXTIME", 0, 2, 1, 2)},
		{"an unknown one", raw(extendedErr{4000, 255, 0, 0, 0, 0, 0}), errorFields("4000", "255", 0, 0, 0, 0)},
		{"sent", stamp(0), stamped(0, "SCM_TSTAMP_SND")},
		{"scheduled", stamp(1), stamped(1, "SCM_TSTAMP_SCHED")},
		{"acknowledged", stamp(2), stamped(2, "SCM_TSTAMP_ACK")},
		{"completed", stamp(3), stamped(3, "SCM_TSTAMP_COMPLETION")},
		{"an unknown moment", stamp(4), stamped(4, "4")},
	})
}

// attribute is one netlink attribute, with its padding: nla_put.
func attribute(typ uint16, value []byte) []byte {
	b := joined(raw(nlattr{uint16(4 + len(value)), typ}), value)
	return append(b, make([]byte, -len(b)&3)...)
}

// The kinds of the statistics are those that tcp_get_timestamping_opt_stats of
// net/ipv4/tcp.c puts them with.
func TestTCPStatistics(t *testing.T) {
	big, word, half, small := raw(uint64(1<<40+7)), raw(uint32(70007)), raw(uint16(707)), []byte{7}
	statistics := []struct {
		number uint16
		name   string
		value  []byte
	}{
		{1, "busy", big}, {2, "rwnd_limited", big}, {3, "sndbuf_limited", big}, {4, "data_segs_out", big},
		{5, "total_retrans", big}, {6, "pacing_rate", big}, {7, "delivery_rate", big}, {8, "snd_cwnd", word},
		{9, "reordering", word}, {10, "min_rtt", word}, {11, "recur_retrans", small}, {12, "delivery_rate_app_lmt", small},
		{13, "sndq_size", word}, {14, "ca_state", small}, {15, "snd_ssthresh", word}, {16, "delivered", word},
		{17, "delivered_ce", word}, {18, "bytes_sent", big}, {19, "bytes_retrans", big}, {20, "dsack_dups", word},
		{21, "reord_seen", word}, {22, "srtt", word}, {23, "timeout_rehash", half}, {24, "bytes_notsent", word},
		{25, "edt", big}, {26, "ttl", small}, {27, "rehash", word},
	}
	values := map[int]any{8: uint64(1<<40 + 7), 4: int64(70007), 2: int64(707), 1: int64(7)}
	var all []byte
	want := []field{}
	for _, s := range statistics {
		if len(s.value) == 8 && len(all)%8 == 0 { // nla_put_u64_64bit aligns the value
			all = append(all, attribute(0, nil)...)
		}
		all = append(all, attribute(s.number, s.value)...)
		want = append(want, field{s.name, values[len(s.value)]})
	}
	stats := func(fields ...field) []field { return []field{{"stats", fields}} }
	if len(tcpStats) != len(statistics)+1 {
		t.Errorf("%d statistics are known, %d are tested", len(tcpStats)-1, len(statistics))
	}
	ttl, mystery := attribute(26, []byte{64}), attribute(500, []byte("?"))
	checkDecode(t, 1, 54, []decodeTest{
		{"all", all, stats(want...)},
		{"the last one without padding", ttl[:5], stats(field{"ttl", int64(64)})},
		{"an unknown one", joined(mystery, ttl), stats(field{"500", []byte("?")}, field{"ttl", int64(64)})},
		{"one of another size", attribute(8, []byte{1, 2}), stats(field{"8", []byte{1, 2}})},
		{"one without a value", attribute(26, nil), stats(field{"26", []byte(nil)})},
		{"only padding", attribute(0, nil), stats()},
		{"the header cut", joined(ttl, []byte{5, 0, 26}), nil},
		{"the value cut", ttl[:4], nil},
		{"a length less than the header", raw(nlattr{3, 26}), nil},
		{"length 0", raw(nlattr{0, 26}), nil},
	})
}
