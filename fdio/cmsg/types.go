package cmsg

import (
	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// Constants of the kernel's headers that x/sys/unix lacks.
const (
	tlsSetRecordType = 1 // <linux/tls.h>
	tlsGetRecordType = 2
	vsockRecvErr     = 1 // <linux/vm_sockets.h>
)

// levels are the protocol levels of getsockopt(2) and cmsg_level, with the names
// that the man pages use, and others that are in use.
var levels = [...]struct {
	number int
	name   string
	also   string
}{
	{unix.SOL_SOCKET, "SOL_SOCKET", ""},
	{unix.IPPROTO_IP, "IPPROTO_IP", "SOL_IP"},
	{unix.IPPROTO_IPV6, "IPPROTO_IPV6", "SOL_IPV6"},
	{unix.IPPROTO_TCP, "IPPROTO_TCP", "SOL_TCP"},
	{unix.IPPROTO_UDP, "IPPROTO_UDP", "SOL_UDP"},
	{unix.IPPROTO_ICMPV6, "IPPROTO_ICMPV6", "SOL_ICMPV6"},
	{unix.IPPROTO_SCTP, "IPPROTO_SCTP", "SOL_SCTP"},
	{unix.IPPROTO_UDPLITE, "IPPROTO_UDPLITE", "SOL_UDPLITE"},
	{unix.IPPROTO_RAW, "IPPROTO_RAW", "SOL_RAW"},
	{unix.SOL_PACKET, "SOL_PACKET", ""},
	{unix.SOL_NETLINK, "SOL_NETLINK", ""},
	{unix.SOL_ALG, "SOL_ALG", ""},
	{unix.SOL_TLS, "SOL_TLS", ""},
	{unix.SOL_MPTCP, "SOL_MPTCP", ""},
	{unix.SOL_VSOCK, "SOL_VSOCK", ""},
}

// row is a type of control message.
type row struct {
	level  int
	number int
	name   string
	layout layout                            // of the data; the one that is built, if it has the members given
	other  layout                            // a second one, told from the first by its size
	decode func(data []byte) ([]Field, bool) // for data that is no fixed struct; false: malformed
}

// one returns the layout of a type with a single member.
func one(name string, k kind) layout { return layout{{name, k}} }

var (
	ucred      = layout{{"pid", i32}, {"uid", u32}, {"gid", u32}}
	sockaddr4  = layout{{"", inet}, {"port", be16}, {"addr", ip4}, {"", u64}}
	sockaddr6  = layout{{"", inet6}, {"port", be16}, {"flowinfo", be32}, {"addr", ip6}, {"scope_id", u32}}
	in6Pktinfo = layout{{"addr", ip6}, {"ifindex", u32}}
	ip6Mtuinfo = layout{{"", inet6}, {"port", be16}, {"flowinfo", be32}, {"addr", ip6}, {"scope_id", u32}, {"mtu", u32}} // a sockaddr6 and the MTU
	dmabuf     = layout{{"frag_offset", u64}, {"frag_size", u32}, {"frag_token", u32}, {"dmabuf_id", u32}, {"flags", u32}}
)

// threeTimes returns the members of struct scm_timestamping:
// networking/timestamping.rst of the kernel's documentation.
func threeTimes(k kind) layout {
	return layout{{"software", k}, {"deprecated", k}, {"hardware", k}}
}

// types are the control messages that are known, one row each. A type with neither
// a layout nor a decoder is known by name only.
var types = [...]row{
	// socket(7), unix(7), and the kernel's networking/timestamping.rst
	{unix.SOL_SOCKET, unix.SCM_RIGHTS, "SCM_RIGHTS", one("fds", intArray), nil, nil},
	{unix.SOL_SOCKET, unix.SCM_CREDENTIALS, "SCM_CREDENTIALS", ucred, nil, nil},
	{unix.SOL_SOCKET, unix.SCM_SECURITY, "SCM_SECURITY", one("label", text), nil, nil},
	{unix.SOL_SOCKET, unix.SCM_PIDFD, "SCM_PIDFD", nil, nil, decodePidfd},
	{unix.SOL_SOCKET, unix.SO_PRIORITY, "SO_PRIORITY", one("priority", u32), nil, nil},
	{unix.SOL_SOCKET, unix.SO_TIMESTAMP_OLD, "SCM_TIMESTAMP", one("time", usec), nil, nil},
	{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_OLD, "SCM_TIMESTAMPNS", one("time", nsec), nil, nil},
	{unix.SOL_SOCKET, unix.SO_TIMESTAMPING_OLD, "SCM_TIMESTAMPING", one("flags", u32), threeTimes(nsec), nil},
	{unix.SOL_SOCKET, unix.SO_TIMESTAMP_NEW, "SO_TIMESTAMP_NEW", one("time", usec64), nil, nil},
	{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, "SO_TIMESTAMPNS_NEW", one("time", nsec64), nil, nil},
	{unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, "SO_TIMESTAMPING_NEW", one("flags", u32), threeTimes(nsec64), nil},
	{unix.SOL_SOCKET, unix.SO_MARK, "SO_MARK", one("mark", u32), nil, nil},
	{unix.SOL_SOCKET, unix.SO_RXQ_OVFL, "SO_RXQ_OVFL", one("drops", u32), nil, nil},
	{unix.SOL_SOCKET, unix.SCM_WIFI_STATUS, "SCM_WIFI_STATUS", one("acked", i32), nil, nil},
	{unix.SOL_SOCKET, unix.SCM_TIMESTAMPING_OPT_STATS, "SCM_TIMESTAMPING_OPT_STATS", nil, nil, decodeStats},
	{unix.SOL_SOCKET, unix.SCM_TIMESTAMPING_PKTINFO, "SCM_TIMESTAMPING_PKTINFO", layout{{"ifindex", u32}, {"pkt_length", u32}, {"", u64}}, nil, nil},
	{unix.SOL_SOCKET, unix.SCM_TXTIME, "SCM_TXTIME", one("txtime", u64), nil, nil},
	{unix.SOL_SOCKET, unix.SCM_DEVMEM_LINEAR, "SCM_DEVMEM_LINEAR", dmabuf, nil, nil},
	{unix.SOL_SOCKET, unix.SCM_DEVMEM_DMABUF, "SCM_DEVMEM_DMABUF", dmabuf, nil, nil},
	{unix.SOL_SOCKET, unix.SCM_TS_OPT_ID, "SCM_TS_OPT_ID", one("id", u32), nil, nil},
	{unix.SOL_SOCKET, unix.SCM_INQ, "SCM_INQ", one("inq", i32), nil, nil},

	// ip(7)
	{unix.IPPROTO_IP, unix.IP_TOS, "IP_TOS", one("tos", u8), one("tos", i32), nil},
	{unix.IPPROTO_IP, unix.IP_TTL, "IP_TTL", one("ttl", i32), one("ttl", u8), nil},
	{unix.IPPROTO_IP, unix.IP_RECVOPTS, "IP_RECVOPTS", nil, nil, decodeIPOptions},
	{unix.IPPROTO_IP, unix.IP_RETOPTS, "IP_RETOPTS", nil, nil, decodeIPOptions},
	{unix.IPPROTO_IP, unix.IP_PKTINFO, "IP_PKTINFO", layout{{"ifindex", i32}, {"spec_dst", ip4}, {"addr", ip4}}, nil, nil},
	{unix.IPPROTO_IP, unix.IP_RECVERR, "IP_RECVERR", nil, nil, decodeError},
	{unix.IPPROTO_IP, unix.SCM_SECURITY, "SCM_SECURITY", one("label", text), nil, nil}, // IP_PASSSEC
	{unix.IPPROTO_IP, unix.IP_ORIGDSTADDR, "IP_ORIGDSTADDR", sockaddr4, nil, nil},
	{unix.IPPROTO_IP, unix.IP_CHECKSUM, "IP_CHECKSUM", one("checksum", u32), nil, nil},
	{unix.IPPROTO_IP, unix.IP_RECVFRAGSIZE, "IP_RECVFRAGSIZE", one("size", i32), nil, nil},
	{unix.IPPROTO_IP, unix.IP_PROTOCOL, "IP_PROTOCOL", one("protocol", i32), nil, nil},

	// ipv6(7), RFC 3542; the 2292 ones are RFC 2292's
	{unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, "IPV6_PKTINFO", in6Pktinfo, nil, nil},
	{unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT, "IPV6_HOPLIMIT", one("hoplimit", i32), nil, nil},
	{unix.IPPROTO_IPV6, unix.IPV6_TCLASS, "IPV6_TCLASS", one("tclass", i32), nil, nil},
	{unix.IPPROTO_IPV6, sys.IPV6FlowInfo, "IPV6_FLOWINFO", one("flowinfo", be32), nil, nil},
	{unix.IPPROTO_IPV6, unix.IPV6_HOPOPTS, "IPV6_HOPOPTS", nil, nil, decodeOptionsHeader},
	{unix.IPPROTO_IPV6, unix.IPV6_RTHDRDSTOPTS, "IPV6_RTHDRDSTOPTS", nil, nil, decodeOptionsHeader},
	{unix.IPPROTO_IPV6, unix.IPV6_DSTOPTS, "IPV6_DSTOPTS", nil, nil, decodeOptionsHeader},
	{unix.IPPROTO_IPV6, unix.IPV6_RTHDR, "IPV6_RTHDR", nil, nil, decodeRoutingHeader},
	{unix.IPPROTO_IPV6, unix.IPV6_2292PKTINFO, "IPV6_2292PKTINFO", in6Pktinfo, nil, nil},
	{unix.IPPROTO_IPV6, unix.IPV6_2292HOPLIMIT, "IPV6_2292HOPLIMIT", one("hoplimit", i32), nil, nil},
	{unix.IPPROTO_IPV6, unix.IPV6_2292HOPOPTS, "IPV6_2292HOPOPTS", nil, nil, decodeOptionsHeader},
	{unix.IPPROTO_IPV6, unix.IPV6_2292DSTOPTS, "IPV6_2292DSTOPTS", nil, nil, decodeOptionsHeader},
	{unix.IPPROTO_IPV6, unix.IPV6_2292RTHDR, "IPV6_2292RTHDR", nil, nil, decodeRoutingHeader},
	{unix.IPPROTO_IPV6, unix.IPV6_RECVERR, "IPV6_RECVERR", nil, nil, decodeError},
	{unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, "IPV6_DONTFRAG", one("dontfrag", i32), nil, nil},
	{unix.IPPROTO_IPV6, unix.IPV6_PATHMTU, "IPV6_PATHMTU", ip6Mtuinfo, nil, nil},
	{unix.IPPROTO_IPV6, unix.IPV6_ORIGDSTADDR, "IPV6_ORIGDSTADDR", sockaddr6, nil, nil},
	{unix.IPPROTO_IPV6, unix.IPV6_RECVFRAGSIZE, "IPV6_RECVFRAGSIZE", one("size", i32), nil, nil},

	// tcp(7), udp(7), and the kernel's networking/tls.rst
	{unix.IPPROTO_TCP, unix.TCP_CM_INQ, "TCP_CM_INQ", one("inq", i32), nil, nil},
	{unix.IPPROTO_UDP, unix.UDP_SEGMENT, "UDP_SEGMENT", one("size", u16), nil, nil},
	{unix.IPPROTO_UDP, unix.UDP_GRO, "UDP_GRO", one("size", i32), one("size", u16), nil},
	{unix.SOL_TLS, tlsSetRecordType, "TLS_SET_RECORD_TYPE", one("record_type", u8), nil, nil},
	{unix.SOL_TLS, tlsGetRecordType, "TLS_GET_RECORD_TYPE", one("record_type", u8), nil, nil},

	// netlink(7), packet(7), vsock(7), and the kernel's crypto/userspace-if.rst
	{unix.SOL_NETLINK, unix.NETLINK_PKTINFO, "NETLINK_PKTINFO", one("group", u32), nil, nil},
	{unix.SOL_NETLINK, unix.NETLINK_LISTEN_ALL_NSID, "NETLINK_LISTEN_ALL_NSID", one("nsid", i32), nil, nil},
	{unix.SOL_PACKET, unix.PACKET_AUXDATA, "PACKET_AUXDATA", layout{{"status", u32}, {"len", u32}, {"snaplen", u32}, {"mac", u16}, {"net", u16}, {"vlan_tci", u16}, {"vlan_tpid", u16}}, nil, nil},
	{unix.SOL_PACKET, unix.PACKET_TX_TIMESTAMP, "PACKET_TX_TIMESTAMP", nil, nil, decodeError},
	{unix.SOL_VSOCK, vsockRecvErr, "VSOCK_RECVERR", nil, nil, decodeError},
	{unix.SOL_ALG, unix.ALG_SET_IV, "ALG_SET_IV", nil, nil, nil},
	{unix.SOL_ALG, unix.ALG_SET_OP, "ALG_SET_OP", one("op", u32), nil, nil},
	{unix.SOL_ALG, unix.ALG_SET_AEAD_ASSOCLEN, "ALG_SET_AEAD_ASSOCLEN", one("assoclen", u32), nil, nil},
}
