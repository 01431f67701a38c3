package cmsg

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// These decoders are for control messages whose data is not a fixed struct. Each
// returns false where the data is malformed.

// decodePidfd decodes SCM_PIDFD, unix(7): a descriptor, or an errno if it is below
// zero.
func decodePidfd(data []byte) ([]Field, bool) {
	if len(data) != 4 {
		return nil, false
	}
	fd := i32.decode(data).(Int)
	if fd < 0 {
		return []Field{{"errno", String(errnoName(int64(-fd)))}}, true
	}
	return []Field{{"fd", fd}}, true
}

// origins are the values of ee_origin: ip(7), <linux/errqueue.h>.
var origins = [...]string{
	unix.SO_EE_ORIGIN_NONE:         "SO_EE_ORIGIN_NONE",
	unix.SO_EE_ORIGIN_LOCAL:        "SO_EE_ORIGIN_LOCAL",
	unix.SO_EE_ORIGIN_ICMP:         "SO_EE_ORIGIN_ICMP",
	unix.SO_EE_ORIGIN_ICMP6:        "SO_EE_ORIGIN_ICMP6",
	unix.SO_EE_ORIGIN_TIMESTAMPING: "SO_EE_ORIGIN_TIMESTAMPING",
	unix.SO_EE_ORIGIN_ZEROCOPY:     "SO_EE_ORIGIN_ZEROCOPY",
	unix.SO_EE_ORIGIN_TXTIME:       "SO_EE_ORIGIN_TXTIME",
}

// transmitTimes are the values of ee_info with a transmit timestamp, which say what
// it is the time of: <linux/errqueue.h>.
var transmitTimes = [...]string{"SCM_TSTAMP_SND", "SCM_TSTAMP_SCHED", "SCM_TSTAMP_ACK", "SCM_TSTAMP_COMPLETION"}

// nameOf returns the name of n, or n itself where it has none.
func nameOf(names []string, n Int) String {
	if n < Int(len(names)) && names[n] != "" {
		return String(names[n])
	}
	return String(strconv.FormatInt(int64(n), 10))
}

var extendedError = layout{{"ee_errno", u32}, {"ee_origin", u8}, {"ee_type", u8}, {"ee_code", u8}, {"", u8}, {"ee_info", u32}, {"ee_data", u32}}

// decodeError decodes struct sock_extended_err and the address that follows it, of
// the network node where the error occurred: IP_RECVERR in ip(7).
func decodeError(data []byte) ([]Field, bool) {
	size, _ := extendedError.size()
	if len(data) < size {
		return nil, false
	}
	all, _ := extendedError.decode(data[:size])
	origin, info := all[1].Value.(Int), all[4].Value.(Int)
	fields := []Field{
		{"ee_errno", String(errnoName(int64(all[0].Value.(Int))))},
		{"ee_origin", nameOf(origins[:], origin)},
		all[2], all[3], all[4], all[5],
	}
	if origin == unix.SO_EE_ORIGIN_TIMESTAMPING {
		fields = append(fields, Field{"timestamp", nameOf(transmitTimes[:], info)})
	}
	offender, ok := decodeOffender(data[size:])
	if ok && offender.IsValid() {
		fields = append(fields, Field{"offender", Addr{offender}})
	}
	return fields, ok
}

// decodeOffender decodes the sockaddr that follows struct sock_extended_err:
// SO_EE_OFFENDER. The address is invalid if its family is AF_UNSPEC.
func decodeOffender(data []byte) (a netip.Addr, ok bool) {
	if len(data) == 0 {
		return a, true
	}
	if len(data) < 2 {
		return a, false
	}
	family := int(binary.NativeEndian.Uint16(data))
	switch {
	case family == unix.AF_UNSPEC:
		return a, true
	case family == unix.AF_INET && sockaddr4.fits(data):
		fields, _ := sockaddr4.decode(data)
		return fields[1].Value.(Addr).Addr, true
	case family == unix.AF_INET6 && sockaddr6.fits(data):
		fields, _ := sockaddr6.decode(data)
		a = fields[2].Value.(Addr).Addr
		if scope := fields[3].Value.(Int); scope != 0 {
			a = a.WithZone(strconv.FormatInt(int64(scope), 10))
		}
		return a, true
	}
	return a, false
}

// tcpStats are the netlink attributes of SCM_TIMESTAMPING_OPT_STATS: enum tcp_nla
// of <linux/tcp.h>.
var tcpStats = [...]member{
	1: {"busy", u64}, 2: {"rwnd_limited", u64}, 3: {"sndbuf_limited", u64}, 4: {"data_segs_out", u64},
	5: {"total_retrans", u64}, 6: {"pacing_rate", u64}, 7: {"delivery_rate", u64}, 8: {"snd_cwnd", u32},
	9: {"reordering", u32}, 10: {"min_rtt", u32}, 11: {"recur_retrans", u8}, 12: {"delivery_rate_app_lmt", u8},
	13: {"sndq_size", u32}, 14: {"ca_state", u8}, 15: {"snd_ssthresh", u32}, 16: {"delivered", u32},
	17: {"delivered_ce", u32}, 18: {"bytes_sent", u64}, 19: {"bytes_retrans", u64}, 20: {"dsack_dups", u32},
	21: {"reord_seen", u32}, 22: {"srtt", u32}, 23: {"timeout_rehash", u16}, 24: {"bytes_notsent", u32},
	25: {"edt", u64}, 26: {"ttl", u8}, 27: {"rehash", u32},
}

// decodeStats decodes SCM_TIMESTAMPING_OPT_STATS: netlink attributes, each a
// struct nlattr (its length, its type) and a value, padded to four bytes.
func decodeStats(data []byte) ([]Field, bool) {
	const header = 4
	fields := Fields{}
	seen := map[int]bool{}
	for len(data) > 0 {
		if len(data) < header {
			return nil, false
		}
		size, typ := int(binary.NativeEndian.Uint16(data)), int(binary.NativeEndian.Uint16(data[2:]))
		if size < header || size > len(data) || typ != 0 && seen[typ] {
			return nil, false
		}
		seen[typ] = true
		value := data[header:size]
		data = data[min((size+3)&^3, len(data)):]
		switch {
		case typ == 0: // TCP_NLA_PAD
		case typ < len(tcpStats) && len(value) == kindSizes[tcpStats[typ].kind]:
			fields = append(fields, Field{tcpStats[typ].name, tcpStats[typ].kind.decode(value)})
		default:
			fields = append(fields, Field{strconv.Itoa(typ), Bytes(value)})
		}
	}
	return []Field{{"stats", fields}}, true
}
