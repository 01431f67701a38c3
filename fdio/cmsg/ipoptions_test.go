package cmsg

import (
	"net/netip"
	"slices"
	"testing"
)

func TestIPOptions(t *testing.T) {
	option := func(name string, more ...field) []field { return append([]field{{"option", name}}, more...) }
	route := func(name string, pointer int64, addresses ...netip.Addr) []field {
		return option(name, field{"pointer", pointer}, field{"addresses", append([]netip.Addr{}, addresses...)})
	}
	data := func(b ...byte) field { return field{"data", b} }
	options := func(all ...[]field) []field { return []field{{"options", all}} }
	second := netip.MustParseAddr("198.51.100.9")
	for _, number := range []int{6, 7} { // IP_RECVOPTS, IP_RETOPTS
		checkDecode(t, 0, number, []decodeTest{
			{"no operation", []byte{1, 1, 0, 0}, options(option("IPOPT_NOOP"), option("IPOPT_NOOP"))},
			{"record route", []byte{1, 7, 11, 8, 192, 0, 2, 1, 198, 51, 100, 9}, options(option("IPOPT_NOOP"), route("IPOPT_RR", 8, text4, second))},
			{"record route without room", []byte{7, 3, 4, 0}, options(route("IPOPT_RR", 4))},
			{"record route of half an address", []byte{7, 5, 4, 192, 0, 0, 0, 0}, options(option("IPOPT_RR", data(4, 192, 0)))},
			{"loose route", []byte{131, 7, 4, 192, 0, 2, 1, 0}, options(route("IPOPT_LSRR", 4, text4))},
			{"strict route", []byte{137, 7, 8, 192, 0, 2, 1, 0}, options(route("IPOPT_SSRR", 8, text4))},
			{"time stamps", []byte{68, 8, 5, 0, 0, 0, 0, 1}, options(option("IPOPT_TS", data(5, 0, 0, 0, 0, 1)))},
			{"security", []byte{130, 3, 9, 0}, options(option("IPOPT_SEC", data(9)))},
			{"CIPSO", []byte{134, 6, 0, 0, 0, 3, 0, 0}, options(option("IPOPT_CIPSO", data(0, 0, 0, 3)))},
			{"stream id", []byte{136, 4, 0, 1}, options(option("IPOPT_SID", data(0, 1)))},
			{"router alert", []byte{148, 4, 0, 0}, options(option("IPOPT_RA", data(0, 0)))},
			{"an unknown one", []byte{222, 3, 7, 1}, options(option("222", data(7)), option("IPOPT_NOOP"))},
			{"what is behind the end", []byte{1, 0, 222, 99}, options(option("IPOPT_NOOP"))},
			{"no length", []byte{1, 1, 1, 222}, nil},
			{"length 0", []byte{7, 0, 4, 0}, nil},
			{"length 1", []byte{7, 1, 4, 0}, nil},
			{"cut", []byte{7, 7, 4, 192, 0, 2}, nil},
		})
	}
}

func TestOptionsHeaders(t *testing.T) {
	header := func(next int64, options ...[]field) []field {
		return []field{{"next_header", next}, {"options", options}}
	}
	option := func(name string, more ...field) []field { return append([]field{{"option", name}}, more...) }
	pad1 := option("IPV6_TLV_PAD1")
	long := append([]byte{17, 255, 1, 255}, make([]byte, 2044)...) // 2048 bytes: PadN of 255, then Pad1
	longWant := [][]field{option("IPV6_TLV_PADN", field{"data", make([]byte, 255)})}
	for range 2048 - 2 - 257 {
		longWant = append(longWant, pad1)
	}
	for _, number := range []int{54, 55, 59, 3, 4} {
		checkDecode(t, 41, number, []decodeTest{
			{"Pad1", []byte{17, 0, 0, 0, 0, 0, 0, 0}, header(17, pad1, pad1, pad1, pad1, pad1, pad1)},
			{"PadN", []byte{6, 0, 1, 4, 0, 0, 0, 0}, header(6, option("IPV6_TLV_PADN", field{"data", make([]byte, 4)}))},
			{"router alert", routerAlert, routerAlertFields},
			{"jumbo", []byte{6, 0, 194, 4, 0, 1, 0, 0}, header(6, option("IPV6_TLV_JUMBO", field{"data", []byte{0, 1, 0, 0}}))},
			{"home address", joined([]byte{6, 2, 1, 2, 0, 0, 201, 16}, addr6[:]),
				header(6, option("IPV6_TLV_PADN", field{"data", []byte{0, 0}}), option("IPV6_TLV_HAO", field{"data", addr6[:]}))},
			{"encapsulation limit", []byte{41, 0, 4, 1, 4, 1, 1, 0}, header(41, option("IPV6_TLV_TNL_ENCAP_LIMIT", field{"data", []byte{4}}), option("IPV6_TLV_PADN", field{"data", []byte{0}}))},
			{"CALIPSO and IOAM", []byte{0, 0, 7, 0, 49, 1, 9, 0}, header(0, option("IPV6_TLV_CALIPSO", field{"data", []byte{}}), option("IPV6_TLV_IOAM", field{"data", []byte{9}}), pad1)},
			{"an unknown one", []byte{6, 0, 99, 4, 1, 2, 3, 4}, header(6, option("99", field{"data", []byte{1, 2, 3, 4}}))},
			{"the longest", long, header(17, longWant...)},
			{"nothing", nil, nil},
			{"a part of the first unit", []byte{17, 0, 1, 3, 0, 0, 0}, nil},
			{"a length of more than there is", []byte{17, 1, 1, 4, 0, 0, 0, 0}, nil},
			{"a length of less than there is", append([]byte{17, 0, 1, 4}, make([]byte, 12)...), nil},
			{"an option that goes on behind the end", []byte{17, 0, 1, 5, 0, 0, 0, 0}, nil},
			{"an option without a length", []byte{17, 0, 1, 3, 0, 0, 0, 5}, nil},
		})
	}
}

func TestRoutingHeaders(t *testing.T) {
	second := [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 0x22}
	both := []netip.Addr{text6, netip.AddrFrom16(second)}
	header := func(typ, left int64, more ...field) []field {
		return append([]field{{"next_header", int64(6)}, {"routing_type", typ}, {"segments_left", left}}, more...)
	}
	segments := []field{{"flags", int64(0x80)}, {"tag", int64(0x1234)}, {"addresses", both}}
	for _, number := range []int{57, 5} {
		checkDecode(t, 41, number, []decodeTest{
			{"type 0", joined([]byte{6, 4, 0, 2, 0, 0, 0, 0}, addr6[:], second[:]), header(0, 2, field{"addresses", both})},
			{"type 0 without addresses", []byte{6, 0, 0, 0, 0, 0, 0, 0}, header(0, 0, field{"addresses", []netip.Addr{}})},
			{"type 2", homeAddress, homeAddressFields},
			{"type 4", joined([]byte{6, 4, 4, 1, 1, 0x80, 0x12, 0x34}, addr6[:], second[:]), header(4, 1, segments...)},
			{"type 4 with a TLV", joined([]byte{6, 5, 4, 1, 1, 0x80, 0x12, 0x34}, addr6[:], second[:], []byte{4, 6, 0, 0, 0, 0, 0, 0}),
				header(4, 1, append(slices.Clip(segments), field{"data", []byte{4, 6, 0, 0, 0, 0, 0, 0}})...)},
			{"an unknown type", []byte{6, 0, 3, 9, 1, 2, 3, 4}, header(3, 9, field{"data", []byte{1, 2, 3, 4}})},
			{"type 0 with half an address", joined([]byte{6, 1, 0, 0, 0, 0, 0, 0}, addr6[:8]), nil},
			{"type 2 with half an address", joined([]byte{6, 3, 2, 1, 0, 0, 0, 0}, addr6[:], addr6[:8]), nil},
			{"type 4 with fewer segments than it says", joined([]byte{6, 2, 4, 1, 1, 0, 0, 0}, addr6[:]), nil},
			{"a length of more than there is", joined([]byte{6, 3, 2, 1, 0, 0, 0, 0}, addr6[:]), nil},
			{"cut", homeAddress[:len(homeAddress)-1], nil},
			{"nothing", nil, nil},
		})
	}
}
