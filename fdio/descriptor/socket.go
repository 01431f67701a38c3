package descriptor

import (
	"cmp"
	"encoding/binary"
	"strconv"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

// The names of the arguments of socket(2), without their prefixes and in lower case.
var (
	domains = [...]string{
		unix.AF_UNIX: "unix", unix.AF_INET: "inet", unix.AF_INET6: "inet6",
		unix.AF_NETLINK: "netlink", unix.AF_PACKET: "packet", unix.AF_VSOCK: "vsock",
		unix.AF_BLUETOOTH: "bluetooth", unix.AF_CAN: "can", unix.AF_TIPC: "tipc",
		unix.AF_ALG: "alg", unix.AF_XDP: "xdp", unix.AF_SMC: "smc", unix.AF_QIPCRTR: "qipcrtr",
	}
	socketTypes = [...]string{
		unix.SOCK_STREAM: "stream", unix.SOCK_DGRAM: "dgram", unix.SOCK_SEQPACKET: "seqpacket",
		unix.SOCK_RAW: "raw", unix.SOCK_RDM: "rdm", unix.SOCK_DCCP: "dccp",
	}
	protocols = [...]string{
		unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_ICMP: "icmp",
		unix.IPPROTO_ICMPV6: "ipv6-icmp", unix.IPPROTO_SCTP: "sctp", unix.IPPROTO_UDPLITE: "udplite",
		unix.IPPROTO_MPTCP: "mptcp", unix.IPPROTO_DCCP: "dccp", unix.IPPROTO_RAW: "raw",
	}
)

func describeSocket(_ *Inspector, d *Descriptor) {
	if d.AccessPath() {
		return // a socket's file, not a socket
	}
	option := func(name int) (int, bool) {
		v, err := unix.GetsockoptInt(d.FD, unix.SOL_SOCKET, name)
		return v, err == nil
	}
	domain, ok := option(unix.SO_DOMAIN)
	if !ok {
		return
	}
	typ, _ := option(unix.SO_TYPE)
	protocol, _ := option(unix.SO_PROTOCOL)
	listening, _ := option(unix.SO_ACCEPTCONN)
	d.detail("domain", cmsg.String(nameOr(domains[:], domain)))
	d.detail("type", cmsg.String(nameOr(socketTypes[:], typ)))
	if protocol != 0 {
		name := strconv.Itoa(protocol)
		if domain == unix.AF_INET || domain == unix.AF_INET6 {
			name = nameOr(protocols[:], protocol)
		}
		d.detail("protocol", cmsg.String(name))
	}
	local, peer, connected := addresses(d.FD, typ)
	state := socketState(local, connected, listening != 0)
	switch {
	case protocol == unix.IPPROTO_TCP:
		state = tcpState(d.FD, state)
	case domain == unix.AF_UNIX && typ != unix.SOCK_DGRAM && connected:
		state = unixState(d.FD)
	}
	d.detail("state", cmsg.String(state))
	if local != (fdio.Address{}) {
		d.detail("local", cmsg.String(local.String()))
	}
	if peer != (fdio.Address{}) {
		d.detail("peer", cmsg.String(peer.String()))
	}
	if listening != 0 {
		describeBacklog(d, domain)
		return
	}
	if domain == unix.AF_UNIX && connected {
		describePeer(d)
	}
	if domain == unix.AF_UNIX {
		d.detail("queued_fds", cmsg.Int(readFdinfo(d.FD).number("scm_fds", 10)))
	}
	if n, err := unix.IoctlGetInt(d.FD, unix.SIOCINQ); err == nil {
		d.detail("receive_queue", cmsg.Int(n))
	}
	if n, err := unix.IoctlGetInt(d.FD, unix.SIOCOUTQ); err == nil {
		d.detail("send_queue", cmsg.Int(n))
	}
}

// addresses returns the addresses that the socket fd of type typ is bound and
// connected to, the zero Address if they cannot be written; connected is true even
// then.
func addresses(fd, typ int) (local, peer fdio.Address, connected bool) {
	if name, err := sockname.Local(fd); err == nil {
		local = fdio.AddressOf(name.Bytes(), typ)
	}
	name, connected := sockname.Peer(fd)
	if connected {
		peer = fdio.AddressOf(name.Bytes(), typ)
	}
	return local, peer, connected
}

func socketState(local fdio.Address, connected, listening bool) string {
	switch {
	case listening:
		return "listen"
	case connected:
		return "connected"
	case local != (fdio.Address{}):
		return "bound"
	}
	return "unconnected"
}

// tcpStates are the states of <linux/tcp.h> that say more than the addresses do:
// tcp_info in tcp(7).
var tcpStates = [...]string{
	2: "syn-sent", 3: "syn-recv", 4: "fin-wait-1", 5: "fin-wait-2", 6: "time-wait", 8: "close-wait", 9: "last-ack", 11: "closing",
}

func tcpState(fd int, otherwise string) string {
	if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
		if name := nameOf(tcpStates[:], int(info.State)); name != "" {
			return name
		}
	}
	return otherwise
}

// unixState returns the state of a connection, by whether its peer still sends and
// is still there: poll(2).
func unixState(fd int) string {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	unix.Poll(fds, 0)
	switch {
	case fds[0].Revents&unix.POLLHUP != 0:
		return "disconnected"
	case fds[0].Revents&unix.POLLRDHUP != 0:
		return "half-closed"
	}
	return "connected"
}

// describePeer adds the identity that the peer of a Unix socket had when it
// connected: SO_PEERCRED, unix(7).
func describePeer(d *Descriptor) {
	c, err := sockname.PeerCredentials(d.FD)
	if err == nil && c.Known() {
		d.detail("credentials", cmsg.Fields{
			{Name: "pid", Value: cmsg.Int(c.PID)}, {Name: "uid", Value: cmsg.Int(c.UID)}, {Name: "gid", Value: cmsg.Int(c.GID)},
		})
	}
}

// describeBacklog adds how many connections wait to be accepted, and how many may:
// tcp_info, and for Unix sockets sock_diag(7).
func describeBacklog(d *Descriptor, domain int) {
	var queued, most uint32
	switch domain {
	case unix.AF_INET, unix.AF_INET6:
		info, err := unix.GetsockoptTCPInfo(d.FD, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		queued, most = info.Unacked, info.Sacked
	case unix.AF_UNIX:
		var ok bool
		if queued, most, ok = unixQueue(d.Inode.Number); !ok {
			return
		}
	default:
		return
	}
	d.detail("queued", cmsg.Int(queued))
	d.detail("backlog", cmsg.Int(most))
}

// unixQueue asks sock_diag(7) how many connections wait at the listening Unix
// socket with that inode, and how many may. Sockets of another network namespace
// are not found.
func unixQueue(inode uint64) (queued, most uint32, ok bool) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, 0, false
	}
	defer unix.Close(fd)
	const (
		sockDiagByFamily = 20 // <linux/sock_diag.h>
		showQueue        = 16 // UDIAG_SHOW_RQLEN of <linux/unix_diag.h>
		attributeQueue   = 4  // UNIX_DIAG_RQLEN
		anyCookie        = 1<<32 - 1
		requestSize      = unix.NLMSG_HDRLEN + 24
		replySize        = 16 // struct unix_diag_msg
	)
	e := binary.NativeEndian
	// struct nlmsghdr, then struct unix_diag_req
	b := e.AppendUint32(nil, requestSize)
	b = e.AppendUint16(b, sockDiagByFamily)
	b = e.AppendUint16(b, unix.NLM_F_REQUEST)
	b = append(b, make([]byte, 8)...)
	b = append(b, unix.AF_UNIX, 0, 0, 0)
	for _, field := range []uint32{1<<32 - 1, uint32(inode), showQueue, anyCookie, anyCookie} {
		b = e.AppendUint32(b, field)
	}
	if unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return 0, 0, false
	}
	reply := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, reply, unix.MSG_DONTWAIT) // the kernel answers in the call
	if err != nil || n < unix.NLMSG_HDRLEN+replySize || e.Uint16(reply[4:]) != sockDiagByFamily {
		return 0, 0, false
	}
	attributes := reply[unix.NLMSG_HDRLEN+replySize : n]
	for len(attributes) >= 4 {
		size, typ := int(e.Uint16(attributes)), e.Uint16(attributes[2:])
		if size < 4 || size > len(attributes) {
			break
		}
		if typ == attributeQueue && size >= 12 {
			return e.Uint32(attributes[4:]), e.Uint32(attributes[8:]), true
		}
		attributes = attributes[min((size+3)&^3, len(attributes)):]
	}
	return 0, 0, false
}

// nameOf returns names[n], empty if there is none.
func nameOf(names []string, n int) string {
	if n < 0 || n >= len(names) {
		return ""
	}
	return names[n]
}

// nameOr is nameOf, or n itself where it has no name.
func nameOr(names []string, n int) string {
	return cmp.Or(nameOf(names, n), strconv.Itoa(n))
}
