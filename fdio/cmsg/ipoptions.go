package cmsg

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// ipOptions are the names of the options of an IPv4 header: <linux/ip.h>, RFC 791.
var ipOptions = [...]string{
	1: "IPOPT_NOOP", 7: "IPOPT_RR", 68: "IPOPT_TS", 130: "IPOPT_SEC", 131: "IPOPT_LSRR",
	134: "IPOPT_CIPSO", 136: "IPOPT_SID", 137: "IPOPT_SSRR", 148: "IPOPT_RA",
}

// optionName returns the name of an option, or its number where it has none.
func optionName(names []string, number byte) String {
	if int(number) < len(names) && names[number] != "" {
		return String(names[number])
	}
	return String(strconv.Itoa(int(number)))
}

// decodeIPOptions decodes the options of an IPv4 header: IP_RECVOPTS, IP_RETOPTS
// of ip(7), RFC 791 section 3.1.
func decodeIPOptions(data []byte) ([]Field, bool) {
	options := List{}
	for len(data) > 0 && data[0] != 0 { // IPOPT_END
		number := data[0]
		option := []Field{{"option", optionName(ipOptions[:], number)}}
		if number == 1 {
			data = data[1:]
			options = append(options, option)
			continue
		}
		if len(data) < 2 || data[1] < 2 || int(data[1]) > len(data) {
			return nil, false
		}
		body := data[2:data[1]]
		data = data[data[1]:]
		isRoute := number == 7 || number == 131 || number == 137
		if isRoute && len(body)%4 == 1 {
			option = append(option, Field{"pointer", Int(body[0])}, Field{"addresses", addresses(body[1:], 4)})
		} else {
			option = append(option, Field{"data", Bytes(body)})
		}
		options = append(options, option)
	}
	return []Field{{"options", options}}, true
}

// addresses returns the IP addresses in b, of size bytes each.
func addresses(b []byte, size int) Addrs {
	all := Addrs{}
	for ; len(b) >= size; b = b[size:] {
		a, _ := netip.AddrFromSlice(b[:size])
		all = append(all, a)
	}
	return all
}

// ipv6Options are the names of the options of the hop-by-hop and destination
// headers: <net/ipv6.h>, RFC 8200 section 4.2.
var ipv6Options = [...]string{
	0: "IPV6_TLV_PAD1", 1: "IPV6_TLV_PADN", 4: "IPV6_TLV_TNL_ENCAP_LIMIT", 5: "IPV6_TLV_ROUTERALERT",
	7: "IPV6_TLV_CALIPSO", 49: "IPV6_TLV_IOAM", 194: "IPV6_TLV_JUMBO", 201: "IPV6_TLV_HAO",
}

// extensionHeader takes an IPv6 extension header apart, whose second byte is the
// number of 8-byte units that follow the first one: RFC 8200.
func extensionHeader(data []byte) (next Int, body []byte, ok bool) {
	if len(data) < 8 || len(data) != 8*(int(data[1])+1) {
		return 0, nil, false
	}
	return Int(data[0]), data[2:], true
}

// decodeOptionsHeader decodes a hop-by-hop or destination options header:
// IPV6_HOPOPTS, IPV6_DSTOPTS of RFC 3542.
func decodeOptionsHeader(data []byte) ([]Field, bool) {
	next, body, ok := extensionHeader(data)
	if !ok {
		return nil, false
	}
	options := List{}
	for len(body) > 0 {
		option := []Field{{"option", optionName(ipv6Options[:], body[0])}}
		size := 1
		if body[0] != 0 {
			if len(body) < 2 || len(body) < 2+int(body[1]) {
				return nil, false
			}
			size = 2 + int(body[1])
			option = append(option, Field{"data", Bytes(body[2:size])})
		}
		options = append(options, option)
		body = body[size:]
	}
	return []Field{{"next_header", next}, {"options", options}}, true
}

// decodeRoutingHeader decodes a routing header: IPV6_RTHDR of RFC 3542, with the
// addresses of types 0 (RFC 2460), 2 (RFC 6275) and 4 (RFC 8754).
func decodeRoutingHeader(data []byte) ([]Field, bool) {
	next, body, ok := extensionHeader(data)
	if !ok {
		return nil, false
	}
	routing := body[0]
	fields := []Field{{"next_header", next}, {"routing_type", Int(routing)}, {"segments_left", Int(body[1])}}
	// Four bytes precede the addresses: reserved, or for type 4 the last entry,
	// flags and a tag.
	rest := body[6:]
	switch {
	case routing == 0 || routing == 2:
		return append(fields, Field{"addresses", addresses(rest, 16)}), len(rest)%16 == 0
	case routing == 4:
		end := 16 * (int(body[2]) + 1)
		if end > len(rest) {
			return nil, false
		}
		fields = append(fields, Field{"flags", Int(body[3])}, Field{"tag", Int(binary.BigEndian.Uint16(body[4:]))},
			Field{"addresses", addresses(rest[:end], 16)})
		if end < len(rest) { // TLVs
			fields = append(fields, Field{"data", Bytes(rest[end:])})
		}
		return fields, true
	}
	return append(fields, Field{"data", Bytes(body[2:])}), true
}
